//! What the protocol's document says of the chat, held against what runs.

use backchat_core::chat::frame::ClientFrame;
use backchat_core::chat::{ErrorCode, Limits, Request, ServerFrame, table};

/// The document.
fn document() -> &'static str {
    include_str!("../../docs/PROTOCOL.md")
}

#[test]
fn the_state_table_is_the_one_that_runs() {
    assert!(document().contains(&table::print()), "the document lacks this table:\n{}", table::print());
}

#[test]
fn every_frame_limit_and_code_is_explained() {
    let document = document();
    let limits = Limits::keys();
    let codes = ErrorCode::ALL.iter().map(ErrorCode::as_str);
    let kinds = Request::KINDS.into_iter().chain(ServerFrame::KINDS);
    for word in limits.into_iter().chain(codes).chain(kinds) {
        assert!(document.contains(&format!("`{word}`")), "the document says nothing of `{word}`");
    }
}

#[test]
fn every_example_is_a_frame() {
    let document = document();
    let (mut client, mut server) = (0, 0);
    for line in document.lines() {
        if let Some(example) = line.strip_prefix("> {") {
            let example = format!("{{{example}");
            assert!(ClientFrame::decode(example.as_bytes()).is_ok(), "{example}");
            client += 1;
        }
        if let Some(example) = line.strip_prefix("< {") {
            let example = format!("{{{example}");
            assert!(ServerFrame::decode(example.as_bytes()).is_ok(), "{example}");
            server += 1;
        }
    }
    assert!(client >= Request::KINDS.len() && server >= ServerFrame::KINDS.len(), "{client}, {server}");
}
