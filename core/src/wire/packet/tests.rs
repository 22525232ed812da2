//! The codec against itself: round trips, truncations, flipped bits, any bytes.

use proptest::prelude::*;

use super::*;

fn nonce() -> impl Strategy<Value = Nonce> {
    any::<u64>().prop_map(Nonce)
}

fn micros() -> impl Strategy<Value = Micros> {
    any::<u32>().prop_map(Micros)
}

fn choice() -> impl Strategy<Value = CongestionChoice> {
    prop_oneof![
        Just(CongestionChoice::Classic),
        (1..=u16::MAX).prop_map(CongestionChoice::Fixed),
        Just(CongestionChoice::NewReno),
        Just(CongestionChoice::Cubic),
        Just(CongestionChoice::Bbr),
    ]
}

fn recovery() -> impl Strategy<Value = Recovery> {
    prop_oneof![Just(Recovery::GoBackN), Just(Recovery::Selective)]
}

fn ack() -> impl Strategy<Value = Ack> {
    let offset = || 0..=MAX_OFFSET;
    (offset(), any::<u16>(), offset(), offset(), any::<u32>(), micros(), any::<bool>()).prop_map(
        |(ack, proof, limit, seen, discarded, delay, paused)| {
            let proof = Proof(proof);
            Ack { ack, proof, limit, seen, discarded, delay, paused }
        },
    )
}

fn body() -> impl Strategy<Value = Body> {
    let segment = || MIN_SEGMENT..=MAX_SEGMENT;
    let syn = (any::<[u8; 16]>(), recovery(), choice(), segment(), micros(), any::<bool>()).prop_map(
        |(ticket, recovery, congestion, segment, round_trip, proves)| {
            Body::Syn(Syn { ticket: Ticket(ticket), recovery, congestion, segment, round_trip, proves })
        },
    );
    let syn_ack = (
        nonce(),
        0..=MAX_OFFSET,
        any::<[u8; 16]>(),
        any::<u64>(),
        any::<Option<[u8; 32]>>(),
        recovery(),
        choice(),
        segment(),
    )
        .prop_map(|(nonce, size, version, start, hash, recovery, congestion, segment)| {
            Body::SynAck(Box::new(SynAck {
                nonce,
                size,
                version: FileVersion(version),
                start: start.min(size),
                hash: hash.map(Hash),
                recovery,
                congestion,
                segment,
            }))
        });
    prop_oneof![
        syn,
        syn_ack,
        (nonce(), ack()).prop_map(|(nonce, ack)| Body::Confirm(nonce, ack)),
        ack().prop_map(Body::Ack),
        (0..=MAX_OFFSET).prop_map(|nxt| Body::Probe { nxt }),
        (0..=MAX_OFFSET, any::<[u8; 32]>()).prop_map(|(size, hash)| Body::End { size, hash: Hash(hash) }),
        Just(Body::EndAck),
        any::<u16>().prop_map(|code| Body::Reset(ResetCode::from_raw(code))),
        nonce().prop_map(Body::PathChallenge),
        nonce().prop_map(Body::PathResponse),
    ]
}

fn packet() -> impl Strategy<Value = Packet> {
    (any::<u64>(), 0..=MAX_OFFSET, body()).prop_map(|(transfer, transmission, body)| Packet {
        transfer: TransferId(transfer),
        transmission,
        body,
    })
}

proptest! {
    #[test]
    fn a_packet_decodes_to_itself(packet in packet()) {
        prop_assert_eq!(packet.encode().len(), packet.encoded_len());
        prop_assert_eq!(decode(&packet.encode()), Ok(packet));
    }

    #[test]
    fn no_truncation_decodes(packet in packet()) {
        let bytes = packet.encode();
        for length in 0..bytes.len() {
            prop_assert!(decode(&bytes[..length]).is_err(), "{} of {} bytes", length, bytes.len());
            // Nor does a truncation that somebody sealed anew.
            let mut sealed = bytes[..length].to_vec();
            seal(&mut sealed);
            prop_assert!(decode(&sealed).is_err(), "{} of {} bytes, sealed", length, bytes.len());
        }
    }

    #[test]
    fn no_flipped_bit_decodes(packet in packet(), place in any::<prop::sample::Index>()) {
        let mut bytes = packet.encode();
        let bit = place.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn any_bytes_decode_to_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..1400), kind in 0u8..13) {
        let _ = decode(&bytes);
        // The same with everything right that can be made right: this is what reaches the bodies.
        let mut bytes = bytes;
        if bytes.len() >= HEADER_LEN {
            bytes[field::VERSION] = 1;
            bytes[field::KIND] = kind;
        }
        seal(&mut bytes);
        let _ = decode(&bytes);
        let _ = parse(&bytes, bytes.len() + 7);
        let _ = parse(&bytes, 0);
    }
}

#[test]
fn nothing_the_server_says_before_validation_is_longer_than_a_syn() {
    let syn_ack = SynAck {
        nonce: Nonce(1),
        size: MAX_OFFSET,
        version: FileVersion([1; 16]),
        start: 0,
        hash: Some(Hash([2; 32])),
        recovery: Recovery::GoBackN,
        congestion: CongestionChoice::Fixed(9),
        segment: 1200,
    };
    let packet = Packet { transfer: TransferId(1), transmission: 1, body: Body::SynAck(Box::new(syn_ack)) };
    assert_eq!(packet.encode().len(), HEADER_LEN + SYN_ACK_BODY);
    assert!(packet.encode().len() * 11 < SYN_LEN);
}

#[test]
fn a_segment_without_data_is_too_short() {
    let packet = Packet {
        transfer: TransferId(1),
        transmission: 1,
        body: Body::Data { offset: 0, proof: Proof(0), length: 0, ack_now: false },
    };
    let mut bytes = packet.encode();
    seal(&mut bytes);
    assert_eq!(decode(&bytes), Err(DecodeError::TooShort { length: 32, expected: 33 }));
}

#[test]
fn a_start_behind_the_end_is_out_of_bounds() {
    let mut bytes = vec![0; HEADER_LEN + SYN_ACK_BODY];
    bytes[field::VERSION] = 1;
    bytes[field::KIND] = Kind::SynAck as u8;
    bytes[HEADER_LEN + 32 + 7] = 1;
    seal(&mut bytes);
    assert_eq!(decode(&bytes), Err(DecodeError::OutOfBounds { field: "start" }));
}

#[test]
fn a_segment_says_its_offset_and_its_proof_in_eight_bytes() {
    let body = Body::Data { offset: MAX_OFFSET - 1, proof: Proof(0x1234), length: 3, ack_now: true };
    let mut bytes = Packet { transfer: TransferId(1), transmission: 1, body: body.clone() }.encode();
    assert_eq!(bytes[HEADER_LEN..], [0x12, 0x34, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]);
    bytes.extend_from_slice(b"abc");
    seal(&mut bytes);
    assert_eq!(decode(&bytes).map(|packet| packet.body), Ok(body));
}
