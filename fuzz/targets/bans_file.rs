//! The file of bans. A ban that is understood is written and understood again as the same; what is not is told on one
//! line, without a control character.
#![no_main]

use backchat::cli::server::parsers::{ban_line, bans};
use backchat_core::text::is_printable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (read, complaints) = bans(bytes);
    assert!(complaints.iter().all(|it| is_printable(it)), "{complaints:?}");
    let written: String = read.iter().map(|ban| ban_line(ban) + "\n").collect();
    assert_eq!(bans(written.as_bytes()), (read, Vec::new()), "{written}");
});
