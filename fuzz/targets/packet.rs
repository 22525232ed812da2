//! A datagram. What is understood is written and understood again as the same.
#![no_main]

use backchat_core::wire::{self, Body};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|datagram: &[u8]| {
    let _ = wire::decode(datagram);
    // No fuzzer guesses a checksum; whoever attacks computes it.
    let mut datagram = datagram.to_vec();
    wire::seal(&mut datagram);
    let Ok(packet) = wire::decode(&datagram) else { return };
    assert!(packet.encoded_len() <= datagram.len(), "nothing comes from nowhere: {packet:?}");
    if !matches!(packet.body, Body::Data { .. }) {
        let written = packet.encode();
        assert_eq!(wire::decode(&written).as_ref(), Ok(&packet), "{written:?}");
    }
});
