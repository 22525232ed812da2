//! What a server's line means to a client. What is understood is written and understood again as the same.
#![no_main]

use backchat_core::chat::frame::ServerFrame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    if let Ok(frame) = ServerFrame::decode(line) {
        let written = frame.encode();
        assert_eq!(ServerFrame::decode(&written).as_ref(), Ok(&frame), "{written:?}");
    }
});
