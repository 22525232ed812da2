//! The first bytes of a connection: a header of the PROXY protocol, or another protocol altogether.
#![no_main]

use backchat::net::proxy::{Proxied, parse_header, rest_of_header};
use backchat_core::chat::foreign::{Foreign, PROXY_V2_SIGNATURE};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    // Both are looked at for as little of a beginning as has come.
    let beginnings: Vec<_> =
        (0..=input.len().min(64)).map(|end| Foreign::of_beginning(&input[..end])).collect();
    for pair in beginnings.windows(2) {
        assert!(pair[0].is_none() || pair[1].is_some(), "what is known stays known");
    }
    let line = input.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let _ = Foreign::of_line(line);

    // With and without the signature, which is not found by chance.
    let signed = [&PROXY_V2_SIGNATURE[..], input].concat();
    for bytes in [input, &signed] {
        let Some((fixed, rest)) = bytes.split_first_chunk::<16>() else { continue };
        let Ok(length) = rest_of_header(fixed) else {
            assert!(parse_header(fixed, rest).is_err());
            continue;
        };
        let rest = &rest[..length.min(rest.len())];
        if let Ok(Proxied::From(peer)) = parse_header(fixed, rest) {
            assert_eq!(peer.ip(), peer.ip().to_canonical(), "counted as what it is");
        }
    }
});
