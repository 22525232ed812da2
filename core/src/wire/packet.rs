//! The packets' bodies.

use super::header::{HEADER_LEN, Header, Kind, Reader, field, flag};
use super::{
    CongestionChoice, DecodeError, FileVersion, Hash, Micros, Nonce, Proof, Recovery, ResetCode, Ticket,
    TransferId, is_sealed, seal,
};

/// Bytes before the file's bytes in a `DATA` packet.
pub const DATA_HEADER_LEN: usize = HEADER_LEN + 8;

/// Bytes of a `SYN`, padding included: as long as the longest datagram of the default segment size, so that a
/// path which cannot carry those is found at once, and so that no answer to it is larger than itself.
pub const SYN_LEN: usize = DATA_HEADER_LEN + DEFAULT_SEGMENT;
const DEFAULT_SEGMENT: usize = 1200;

/// The smallest segment that may be agreed on, in bytes of data.
pub const MIN_SEGMENT: u16 = 64;

/// The largest: what fits into one UDP datagram over IPv4 (65,507 bytes), less our headers.
pub const MAX_SEGMENT: u16 = (65_507 - DATA_HEADER_LEN) as u16;

/// No offset, size, limit or transmission number is above this: 256 TiB, and as many datagrams as nine years have at a
/// million a second. Sums of two never overflow, and a proof has room above an offset.
pub const MAX_OFFSET: u64 = (1 << OFFSET_BITS) - 1;
const OFFSET_BITS: u32 = 48;

const SYN_BODY: usize = 16 + 1 + 1 + 2 + 2 + 2 + 4;
const SYN_ACK_BODY: usize = 8 + 8 + 16 + 8 + 32 + 1 + 1 + 2 + 2 + 2;
const ACK_BODY: usize = 8 + 8 + 8 + 4 + 4 + 12;
const END_BODY: usize = 8 + 32;
const RESET_BODY: usize = 4;

const _: () = assert!(HEADER_LEN + SYN_BODY <= SYN_LEN);
const _: () =
    assert!(HEADER_LEN + SYN_ACK_BODY <= SYN_LEN, "nobody unvalidated gets more bytes than it sent");

/// The first packet of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syn {
    /// The right to it.
    pub ticket: Ticket,
    /// How losses shall be recovered.
    pub recovery: Recovery,
    /// How the window shall be set.
    pub congestion: CongestionChoice,
    /// The largest segment that the client takes, in bytes of data.
    pub segment: u16,
    /// How long the ticket took over the chat's connection; the server's first guess.
    pub round_trip: Micros,
    /// The client proves what it acknowledges. One of an earlier build does not, and is not believed.
    pub proves: bool,
}

/// The answer to it: the file's information, and what was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SynAck {
    /// Comes back in the `CONFIRM`, from the address that this went to.
    pub nonce: Nonce,
    /// The whole file's bytes.
    pub size: u64,
    /// Which state of the file it is.
    pub version: FileVersion,
    /// The first byte that will be sent; above 0 where the client's prefix was found right.
    pub start: u64,
    /// The whole file's hash, if it is known already.
    pub hash: Option<Hash>,
    /// As will be done.
    pub recovery: Recovery,
    /// As will be done.
    pub congestion: CongestionChoice,
    /// As will be done: bytes of data in a segment.
    pub segment: u16,
}

/// A cumulative acknowledgment, with the receiver's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ack {
    /// The next byte that the receiver waits for: `rcv_nxt`.
    pub ack: u64,
    /// The proof of everything below: those of the segments that brought it, combined.
    pub proof: Proof,
    /// The first byte that it does not allow yet. Never goes down.
    pub limit: u64,
    /// The highest transmission number it has seen; 0 for none.
    pub seen: u64,
    /// Segments thrown away since `ack` last moved, because they came out of order. What RFC 5681 counts as
    /// duplicate acknowledgments, told as a number so that a batch needs one acknowledgment and not forty.
    pub discarded: u32,
    /// How long the receiver held this back.
    pub delay: Micros,
    /// The user paused.
    pub paused: bool,
}

/// What a packet says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// See [`Syn`].
    Syn(Syn),
    /// See [`SynAck`]. In a box, for it is large and comes once, and the others are moved from place to place.
    SynAck(Box<SynAck>),
    /// The nonce back, and the first acknowledgment.
    Confirm(Nonce, Ack),
    /// A segment. Its bytes stand behind the first [`DATA_HEADER_LEN`] of the datagram.
    Data {
        /// Where in the file its first byte belongs.
        offset: u64,
        /// The proof of having it.
        proof: Proof,
        /// How many bytes.
        length: usize,
        /// The sender can send nothing more until this is acknowledged.
        ack_now: bool,
    },
    /// See [`Ack`].
    Ack(Ack),
    /// Asks for an acknowledgment.
    Probe {
        /// The next byte that the sender would send.
        nxt: u64,
    },
    /// All was acknowledged.
    End {
        /// The file's bytes.
        size: u64,
        /// The file's hash.
        hash: Hash,
    },
    /// All is here.
    EndAck,
    /// It is over.
    Reset(ResetCode),
    /// Prove that you are where this goes.
    PathChallenge(Nonce),
    /// The proof.
    PathResponse(Nonce),
}

impl Body {
    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Syn(_) => Kind::Syn,
            Self::SynAck(_) => Kind::SynAck,
            Self::Confirm(..) => Kind::Confirm,
            Self::Data { .. } => Kind::Data,
            Self::Ack(_) => Kind::Ack,
            Self::Probe { .. } => Kind::Probe,
            Self::End { .. } => Kind::End,
            Self::EndAck => Kind::EndAck,
            Self::Reset(_) => Kind::Reset,
            Self::PathChallenge(_) => Kind::PathChallenge,
            Self::PathResponse(_) => Kind::PathResponse,
        }
    }

    /// How many bytes a packet with it is on the wire, without those of IP and UDP.
    pub const fn encoded_len(&self) -> usize {
        match self {
            Self::Data { length, .. } => DATA_HEADER_LEN + *length,
            _ => lengths(self.kind()).0,
        }
    }

    const fn flags(&self) -> u16 {
        match self {
            Self::Syn(Syn { proves: true, .. }) => flag::PROVES,
            Self::SynAck(it) if it.hash.is_some() => flag::HASH,
            Self::Confirm(_, Ack { paused: true, .. }) | Self::Ack(Ack { paused: true, .. }) => flag::PAUSED,
            Self::Data { ack_now: true, .. } => flag::ACK_NOW,
            _ => 0,
        }
    }
}

/// A decoded packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Which download it belongs to.
    pub transfer: TransferId,
    /// Counts its sender's datagrams of this download, from 1.
    pub transmission: u64,
    /// What it says.
    pub body: Body,
}

impl Packet {
    /// The packet's bytes, sealed. Segments do not come from here but from a [`super::SegmentBatch`].
    pub fn encode(&self) -> Vec<u8> {
        let mut to = Vec::new();
        self.write_into(&mut to);
        to
    }

    /// Writes the packet into `buffer`, sealed; what was in it is gone. As [`Packet::encode`], without an allocation for
    /// each.
    pub fn write_into(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        buffer.reserve(self.encoded_len());
        self.encode_into(buffer);
        seal(buffer);
    }

    /// How many bytes it is on the wire, without those of IP and UDP.
    pub const fn encoded_len(&self) -> usize {
        self.body.encoded_len()
    }

    /// Appends the packet's bytes, not yet sealed. Of a segment that is what stands before its data.
    pub(super) fn encode_into(&self, to: &mut Vec<u8>) {
        let (kind, flags) = (self.body.kind(), self.body.flags());
        Header { kind, flags, transfer: self.transfer, transmission: self.transmission }.encode(to);
        match &self.body {
            Body::Syn(syn) => encode_syn(syn, to),
            Body::SynAck(syn_ack) => encode_syn_ack(syn_ack, to),
            Body::Confirm(nonce, ack) => {
                to.extend_from_slice(&nonce.0.to_be_bytes());
                encode_ack(ack, to);
            }
            Body::Data { offset, proof, .. } => encode_proven(*offset, *proof, to),
            Body::Ack(ack) => encode_ack(ack, to),
            Body::Probe { nxt } => to.extend_from_slice(&nxt.to_be_bytes()),
            Body::End { size, hash } => {
                to.extend_from_slice(&size.to_be_bytes());
                to.extend_from_slice(&hash.0);
            }
            Body::EndAck => {}
            Body::Reset(code) => {
                to.extend_from_slice(&code.raw().to_be_bytes());
                to.extend_from_slice(&[0; 2]);
            }
            Body::PathChallenge(nonce) | Body::PathResponse(nonce) => {
                to.extend_from_slice(&nonce.0.to_be_bytes());
            }
        }
    }
}

fn encode_syn(syn: &Syn, to: &mut Vec<u8>) {
    let (kind, parameter) = syn.congestion.encode();
    to.extend_from_slice(&syn.ticket.0);
    to.extend_from_slice(&[syn.recovery as u8, kind]);
    to.extend_from_slice(&parameter.to_be_bytes());
    to.extend_from_slice(&syn.segment.to_be_bytes());
    to.extend_from_slice(&[0; 2]);
    to.extend_from_slice(&syn.round_trip.0.to_be_bytes());
    to.resize(to.len() + SYN_LEN - HEADER_LEN - SYN_BODY, 0);
}

fn encode_syn_ack(it: &SynAck, to: &mut Vec<u8>) {
    let (kind, parameter) = it.congestion.encode();
    to.extend_from_slice(&it.nonce.0.to_be_bytes());
    to.extend_from_slice(&it.size.to_be_bytes());
    to.extend_from_slice(&it.version.0);
    to.extend_from_slice(&it.start.to_be_bytes());
    to.extend_from_slice(&it.hash.map_or([0; 32], |hash| hash.0));
    to.extend_from_slice(&[it.recovery as u8, kind]);
    to.extend_from_slice(&parameter.to_be_bytes());
    to.extend_from_slice(&it.segment.to_be_bytes());
    to.extend_from_slice(&[0; 2]);
}

/// An offset, and above it the proof that belongs to it.
fn encode_proven(offset: u64, proof: Proof, to: &mut Vec<u8>) {
    let both = offset.min(MAX_OFFSET) | u64::from(proof.0) << OFFSET_BITS;
    to.extend_from_slice(&both.to_be_bytes());
}

const fn parse_proven(both: u64) -> (u64, Proof) {
    (both & MAX_OFFSET, Proof((both >> OFFSET_BITS) as u16))
}

fn encode_ack(ack: &Ack, to: &mut Vec<u8>) {
    encode_proven(ack.ack, ack.proof, to);
    to.extend_from_slice(&ack.limit.to_be_bytes());
    to.extend_from_slice(&ack.seen.to_be_bytes());
    to.extend_from_slice(&ack.discarded.to_be_bytes());
    to.extend_from_slice(&ack.delay.0.to_be_bytes());
    to.extend_from_slice(&[0; 12]);
}

/// Decodes a whole datagram, its checksum included.
///
/// # Errors
/// Whatever makes it not one of our packets; see [`DecodeError`].
pub fn decode(datagram: &[u8]) -> Result<Packet, DecodeError> {
    if datagram.len() >= HEADER_LEN && datagram[field::VERSION] != super::VERSION {
        return Err(DecodeError::Version(datagram[field::VERSION]));
    }
    if datagram.len() >= HEADER_LEN && !is_sealed(datagram) {
        return Err(DecodeError::Checksum);
    }
    parse(datagram, datagram.len())
}

/// Decodes a packet whose checksum is somebody else's business. `head` is the datagram, or, for a simulator that
/// carries a segment's data as a range of a file, its first [`DATA_HEADER_LEN`] bytes; `length` is that of the
/// whole datagram.
///
/// # Errors
/// As [`decode`], but never [`DecodeError::Checksum`].
pub fn parse(head: &[u8], length: usize) -> Result<Packet, DecodeError> {
    let header = Header::decode(head)?;
    let (least, most) = lengths(header.kind);
    if length < least || head.len() < least.min(length) {
        return Err(DecodeError::TooShort { length, expected: least });
    }
    if length > most {
        return Err(DecodeError::TooLong { length, expected: most });
    }
    let transmission = bounded("transmission", header.transmission)?;
    let mut body = Reader(head.get(HEADER_LEN..).unwrap_or_default());
    let body = match header.kind {
        Kind::Syn => Body::Syn(parse_syn(&header, &mut body)?),
        Kind::SynAck => Body::SynAck(Box::new(parse_syn_ack(&header, &mut body)?)),
        Kind::Confirm => Body::Confirm(Nonce(body.u64()), parse_ack(&header, &mut body)?),
        Kind::Data => {
            let (offset, proof) = parse_proven(body.u64());
            let ack_now = header.has(flag::ACK_NOW);
            Body::Data { offset, proof, length: length - DATA_HEADER_LEN, ack_now }
        }
        Kind::Ack => Body::Ack(parse_ack(&header, &mut body)?),
        Kind::Probe => Body::Probe { nxt: bounded("nxt", body.u64())? },
        Kind::End => Body::End { size: bounded("size", body.u64())?, hash: Hash(body.array()) },
        Kind::EndAck => Body::EndAck,
        Kind::Reset => Body::Reset(ResetCode::from_raw(body.u16())),
        Kind::PathChallenge => Body::PathChallenge(Nonce(body.u64())),
        Kind::PathResponse => Body::PathResponse(Nonce(body.u64())),
    };
    Ok(Packet { transfer: header.transfer, transmission, body })
}

/// The shortest and the longest datagram of a kind.
const fn lengths(kind: Kind) -> (usize, usize) {
    let body = match kind {
        Kind::Syn => return (SYN_LEN, SYN_LEN),
        // At least one byte: a segment without data would be a probe that nobody asked for.
        Kind::Data => return (DATA_HEADER_LEN + 1, DATA_HEADER_LEN + MAX_SEGMENT as usize),
        Kind::SynAck => SYN_ACK_BODY,
        Kind::Confirm => 8 + ACK_BODY,
        Kind::Ack => ACK_BODY,
        Kind::Probe | Kind::PathChallenge | Kind::PathResponse => 8,
        Kind::End => END_BODY,
        Kind::EndAck => 0,
        Kind::Reset => RESET_BODY,
    };
    (HEADER_LEN + body, HEADER_LEN + body)
}

fn bounded(field: &'static str, number: u64) -> Result<u64, DecodeError> {
    if number > MAX_OFFSET { Err(DecodeError::OutOfBounds { field }) } else { Ok(number) }
}

fn parse_segment(segment: u16) -> Result<u16, DecodeError> {
    if (MIN_SEGMENT..=MAX_SEGMENT).contains(&segment) {
        Ok(segment)
    } else {
        Err(DecodeError::OutOfBounds { field: "segment" })
    }
}

fn parse_syn(header: &Header, body: &mut Reader<'_>) -> Result<Syn, DecodeError> {
    let ticket = Ticket(body.array());
    let recovery = Recovery::decode(body.u8())?;
    let congestion = body.u8();
    let congestion = CongestionChoice::decode(congestion, body.u16())?;
    let segment = parse_segment(body.u16())?;
    let _zero = body.u16();
    let round_trip = Micros(body.u32());
    Ok(Syn { ticket, recovery, congestion, segment, round_trip, proves: header.has(flag::PROVES) })
}

fn parse_syn_ack(header: &Header, body: &mut Reader<'_>) -> Result<SynAck, DecodeError> {
    let nonce = Nonce(body.u64());
    let size = bounded("size", body.u64())?;
    let version = FileVersion(body.array());
    let start = body.u64();
    if start > size {
        return Err(DecodeError::OutOfBounds { field: "start" });
    }
    let hash = Hash(body.array());
    let recovery = Recovery::decode(body.u8())?;
    let congestion = body.u8();
    let congestion = CongestionChoice::decode(congestion, body.u16())?;
    let segment = parse_segment(body.u16())?;
    let hash = header.has(flag::HASH).then_some(hash);
    Ok(SynAck { nonce, size, version, start, hash, recovery, congestion, segment })
}

fn parse_ack(header: &Header, body: &mut Reader<'_>) -> Result<Ack, DecodeError> {
    let (ack, proof) = parse_proven(body.u64());
    Ok(Ack {
        ack,
        proof,
        limit: bounded("limit", body.u64())?,
        seen: bounded("seen", body.u64())?,
        discarded: body.u32(),
        delay: Micros(body.u32()),
        paused: header.has(flag::PAUSED),
    })
}

#[cfg(test)]
mod tests;
