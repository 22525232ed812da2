//! The client's decoding of a server's line. A decoded frame is encoded and decoded again as the same.
#![no_main]

use backchat_core::chat::frame::ServerFrame;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    if let Ok(frame) = ServerFrame::decode(line) {
        let written = frame.encode();
        assert_eq!(ServerFrame::decode(&written).as_ref(), Ok(&frame), "{written:?}");
    }
});
