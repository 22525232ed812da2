//! Every text field of every frame, and whatever else carries a server's words: shown in lines, objects and the window,
//! and never acted on.

use std::collections::{BTreeMap, BTreeSet};

use backchat::app::end::Connection;
use backchat::app::session::{Curiosity, Effect, Message, Session};
use backchat::cli::render::{json, plain};
use backchat_core::chat::client::{ClientChatEvent, DisconnectReason};
use backchat_core::chat::{Nickname, RequestId, ServerFrame, Text};
use backchat_core::node::{ClientEvent, DownloadEvent, FailReason};
use backchat_core::text::{is_hidden, is_printable};
use backchat_core::time::{Instant, UnixTime};
use serde_json::Value;

use super::stage::{Stage, rows};

const HURTS: &str = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[2J\u{9b}2K\u{202e}x\u{200b}\u{2028}\u{feff}\r\nINJECTED";

/// A frame of each kind with every field that it can have.
const FRAMES: [&str; 17] = [
    r#"{"type":"welcome","id":"a","protocol":1,"nick":"ann","epoch":"0011223344556677","number":0,"resumed":true,"token":"00112233445566778899aabbccddeeff","missed":7,"motd":"a","limits":{}}"#,
    r#"{"type":"joined","nick":"bob"}"#,
    r#"{"type":"left","nick":"bob","reason":"a"}"#,
    r#"{"type":"renamed","id":"a","from":"bob","to":"bea"}"#,
    r#"{"type":"message","number":900,"at":"2026-11-22T12:00:00Z","from":"bob","text":"a","action":true,"backlog":true}"#,
    r#"{"type":"private","number":901,"at":"2026-11-22T12:00:00Z","from":"bob","to":"ann","text":"a","action":true,"backlog":true}"#,
    r#"{"type":"gap","missed":7}"#,
    r#"{"type":"names","id":"a","names":[{"nick":"bob"}],"more":true}"#,
    r#"{"type":"files","id":"a","files":[{"name":"a","size":7,"modified":"2026-11-22T12:00:00Z"}],"more":true}"#,
    r#"{"type":"history","id":"a","count":7,"more":true}"#,
    r#"{"type":"accepted","id":"a","number":7}"#,
    r#"{"type":"error","id":"a","code":"a","message":"a","retry_after_ms":7,"suggestion":"bob"}"#,
    r#"{"type":"ticket","id":"a","file":"a","size":7,"modified":"2026-11-22T12:00:00Z","start":0,"transfer":"0011223344556677","ticket":"00112233445566778899aabbccddeeff","udp":"127.0.0.1:7","expires_ms":7}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"pong","id":"a"}"#,
    r#"{"type":"notice","text":"a"}"#,
    r#"{"type":"closing","reason":"a"}"#,
];

/// Where the texts of a value are, as JSON pointers.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) if at != "/type" => found.push(at.to_owned()),
        Value::Object(fields) => {
            fields.iter().for_each(|(name, it)| texts(it, &format!("{at}/{name}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, it)| texts(it, &format!("{at}/{n}"), found));
        }
        _ => {}
    }
}

/// Everything that people and programs are shown of these events.
fn shown(events: Vec<ClientEvent>) -> Vec<String> {
    let mut stage = Stage::joined(100, 30);
    let download = stage.begins("book.bin", 10, 0);
    let mut session = Session::new("h:7", Nickname::parse("ann").expect("a nickname"), Curiosity::Lines);
    let mut connection = Connection::new("h:7");
    let mut lines = Vec::new();
    for event in events {
        if let ClientEvent::Chat(ClientChatEvent::Frame(frame)) = &event {
            lines.push(json::frame(frame.clone(), Some(RequestId::Text(HURTS.into()))));
        }
        if let ClientEvent::Chat(event) = &event {
            lines.extend(connection.on_event(event).map(|failure| failure.message));
            lines.push(connection.failure().message);
        }
        for effect in session.update(Instant::ZERO, Message::Client(event.clone())) {
            let Effect::Tell(happening) = effect else { continue };
            lines.extend(plain::lines(&happening, UnixTime::from_millis(0)).iter().map(ToString::to_string));
        }
        match event {
            ClientEvent::Chat(event) => stage.chat(event),
            ClientEvent::Download { event, .. } => stage.download(download, event),
        }
        lines.extend(rows(stage.drawn().backend().buffer()));
    }
    lines
}

#[track_caller]
fn check(what: &str, events: Vec<ClientEvent>) {
    for line in shown(events) {
        assert!(is_printable(&line) && !line.contains(is_hidden), "{what}: {line:?}");
        assert!(!line.starts_with("INJECTED"), "{what}: {line:?}");
    }
}

#[test]
fn no_text_field_of_any_frame_is_acted_on() {
    let mut taken: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut kinds = BTreeSet::new();
    for json in FRAMES {
        let frame: Value = serde_json::from_str(json).expect(json);
        let kind = frame["type"].as_str().expect("a type").to_owned();
        assert!(ServerFrame::decode(json.as_bytes()).is_ok(), "{json}");
        let mut places = Vec::new();
        texts(&frame, "", &mut places);
        kinds.insert(kind.clone());
        for place in places {
            let mut frame = frame.clone();
            *frame.pointer_mut(&place).expect("there") = HURTS.into();
            // A frame with such a text for a name, a time or a hash is refused, and nothing of it is shown.
            let Ok(frame) = ServerFrame::decode(frame.to_string().as_bytes()) else { continue };
            let mut events = vec![ClientEvent::Chat(ClientChatEvent::Frame(frame.clone()))];
            if let ServerFrame::Error(error) = frame {
                events.push(ClientEvent::Chat(ClientChatEvent::Refused(error)));
            }
            check(&format!("{kind}{place}"), events);
            taken.entry(kind.clone()).or_default().push(place);
        }
    }
    assert_eq!(kinds.iter().map(String::as_str).collect::<BTreeSet<_>>(), ServerFrame::KINDS.into());
    // An id that comes back is the one that the client gave.
    taken.values_mut().for_each(|fields| fields.retain(|field| field != "/id"));
    // A list comes without the file that has such a name.
    taken.values_mut().for_each(|fields| fields.retain(|field| field != "/files/0/name"));
    taken.retain(|_, fields| !fields.is_empty());
    let free = |kind: &str| taken.get(kind).map(|fields| fields.join(" ")).unwrap_or_default();
    assert_eq!(
        ["welcome", "left", "message", "private", "error", "notice", "closing"].map(free),
        ["/motd", "/reason", "/text", "/text", "/code /message", "/text", "/reason"]
    );
    assert_eq!(taken.len(), 7, "{taken:?}");
}

#[test]
fn no_end_of_a_connection_or_a_download_is_acted_on() {
    let text = || Text::from(HURTS);
    let id = RequestId::Text(HURTS.into());
    for event in [
        ClientChatEvent::Disconnected { reason: DisconnectReason::Closed(text()) },
        ClientChatEvent::Disconnected { reason: DisconnectReason::NotNow(text()) },
        ClientChatEvent::Unconfirmed { id: id.clone(), text: text() },
        ClientChatEvent::Unsent { id, text: text() },
    ] {
        let what = format!("{event:?}");
        let connected = ClientEvent::Chat(ClientChatEvent::Connected);
        check(&what, vec![connected, ClientEvent::Chat(event), ClientEvent::Chat(ClientChatEvent::GaveUp)]);
    }
    let event = DownloadEvent::Failed { reason: FailReason::Refused, message: text(), kept: 3, away: false };
    check("a download", vec![ClientEvent::Download { download: backchat_core::node::DownloadId(1), event }]);
}
