//! What the protocol's document says of the chat, held against what runs.

mod chat_world;

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::frame::ClientFrame;
use backchat_core::chat::*;
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use chat_world::joining;

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
    let codes = ErrorCode::ALL.iter().map(ErrorCode::raw);
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

#[test]
fn a_client_leaves_a_server_of_another_version() {
    let events = |protocol: u32| {
        let mut client = ChatClient::new(joining("ann", true), &Seed::from_number(1));
        client.start(Instant::ZERO);
        client.handle_connected(Instant::ZERO);
        let welcome = format!(
            r#"{{"type":"welcome","protocol":{protocol},"nick":"ann","epoch":"0000000000000000","number":0,"resumed":false}}"#
        );
        client.handle_bytes(Instant::ZERO, format!("{welcome}\n").as_bytes());
        let mut events = Vec::new();
        while let Some(action) = client.poll_action() {
            events.push(action);
        }
        (client.is_over(), events)
    };
    let (is_over, _) = events(1);
    assert!(!is_over);
    let (is_over, events) = events(2);
    assert!(is_over && events.contains(&ClientAction::Close), "{events:?}");
    let Some(ClientAction::Event(ClientChatEvent::Refused(error))) = events.last() else {
        panic!("refused: {events:?}")
    };
    assert_eq!(error.code, ErrorCode::AnotherVersion);
    assert!(
        error.message.raw().contains("version 2") && error.message.raw().contains("version 1"),
        "{}",
        error.message
    );
}
