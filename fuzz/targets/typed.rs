//! A line that somebody types into the chat, or a program writes to it as an object. What is wrong with it is told
//! without a control character.
#![no_main]

use backchat::app::input::Presence;
use backchat::cli::input::{read_line, read_object};
use backchat_core::text::is_printable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    for presence in [Presence::Here, Presence::Gone, Presence::Stranger, Presence::Unknown] {
        if let Err(error) = read_line(line, |_| presence) {
            let text = error.to_string();
            assert!(text.lines().all(is_printable), "{text:?}");
        }
    }
    if let Some(Err(error)) = read_object(line) {
        assert!(error.message.lines().all(is_printable), "{error:?}");
    }
});
