//! The server's decoding of a client's line. A decoded frame is encoded and decoded again as the same.
#![no_main]

use backchat_core::chat::frame::ClientFrame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    if let Ok(frame) = ClientFrame::decode(line) {
        let written = frame.encode();
        assert_eq!(ClientFrame::decode(&written).as_ref(), Ok(&frame), "{written:?}");
    }
});
