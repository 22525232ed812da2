//! A line that somebody types into the chat, or a program writes to it as an object. What is wrong with it is told
//! without a control character.
#![no_main]

use backchat::cli::input::{Presence, read_line, read_object};
use backchat_core::text::is_hidden;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &str| {
    for presence in [Presence::Here, Presence::Gone, Presence::Stranger, Presence::Unknown] {
        if let Err(error) = read_line(line, |_| presence) {
            let text = error.to_string();
            assert!(!text.contains(|c| is_hidden(c) && c != '\n'), "{text:?}");
        }
    }
    if let Some(Err(error)) = read_object(line) {
        assert!(!error.message.contains(|c| is_hidden(c) && c != '\n'), "{error:?}");
    }
});
