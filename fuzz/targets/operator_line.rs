//! A request of the control socket, as a line or an object, and the operator's command in it. What is wrong with it is told
//! without a control character.
#![no_main]

use backchat::cli::server::parsers::operator_request;
use backchat_core::text::is_printable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    if let Err(message) = operator_request(line) {
        assert!(is_printable(&message), "{message:?}");
    }
});
