//! The codec of the chat: what is written can be read, and nothing that is read can do harm.

use backchat_core::chat::frame::client::Join;
use backchat_core::chat::*;
use backchat_core::time::UnixTime;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn text() -> impl Strategy<Value = Text> {
    any::<String>().prop_map(Text::from)
}

fn id() -> impl Strategy<Value = Option<RequestId>> {
    let text = any::<String>().prop_filter("at most 64 bytes", |text| text.len() <= RequestId::MAX_BYTES);
    option::of(prop_oneof![
        any::<u64>().prop_map(RequestId::Number),
        text.prop_map(|text| RequestId::Text(text.into())),
    ])
}

fn nickname() -> impl Strategy<Value = Nickname> {
    "[a-zA-Z0-9_.\\[\\]-]{1,32}".prop_map(|text| Nickname::parse(&text).unwrap())
}

fn file() -> impl Strategy<Value = FileEntry> {
    ("[a-z\"ü👋 ]{1,20}x", any::<u64>(), 0_i64..4_000_000_000_000).prop_map(|(name, size, at)| FileEntry {
        name: FileName::parse(&name).unwrap(),
        size,
        modified: UnixTime::from_millis(at),
    })
}

fn request() -> impl Strategy<Value = Request> {
    let join = (
        text(),
        any::<bool>(),
        option::of(any::<u32>()),
        option::of(text()),
        option::of(any::<u64>()),
        any::<bool>(),
        option::of(any::<u32>()),
    )
        .prop_map(|(nick, resume, history, token, seen, ping, protocol)| Join {
            nick,
            protocol,
            resume,
            history,
            token,
            seen,
            ping,
        });
    prop_oneof![
        join.prop_map(Request::Join),
        (text(), any::<bool>()).prop_map(|(text, action)| Request::Say { text, action }),
        (text(), text(), any::<bool>()).prop_map(|(to, text, action)| Request::Tell { to, text, action }),
        Just(Request::Names),
        Just(Request::Files),
        text().prop_map(|nick| Request::Nick { nick }),
        (option::of(any::<u64>()), option::of(any::<u32>()))
            .prop_map(|(before, count)| Request::History { before, count }),
        (text(), option::of(any::<u64>()), option::of(any::<[u8; 32]>()))
            .prop_map(|(file, have, hash)| Request::Download { file, have, blake3: hash.map(Hex) }),
        any::<u64>().prop_map(|number| Request::Stop { transfer: number.into() }),
        Just(Request::Ping),
        Just(Request::Pong),
        Just(Request::Leave),
    ]
}

fn message() -> impl Strategy<Value = ServerFrame> {
    let fields = (
        any::<u64>(),
        0_i64..4_000_000_000_000,
        nickname(),
        option::of(nickname()),
        text(),
        any::<[bool; 2]>(),
    );
    fields.prop_map(|(number, at, from, to, text, [action, backlog])| {
        let (at, text) = (UnixTime::from_millis(at), text);
        match to {
            None => ServerFrame::Message(Message { number, at, from, text, action, backlog }),
            Some(to) => ServerFrame::Private(Private { number, at, from, to, text, action, backlog }),
        }
    })
}

fn welcome() -> impl Strategy<Value = ServerFrame> {
    let fields = (
        id(),
        nickname(),
        any::<u64>(),
        any::<bool>(),
        option::of(any::<[u8; 16]>()),
        option::of(any::<u64>()),
        option::of(text()),
    );
    fields.prop_map(|(id, nick, number, resumed, token, missed, motd)| {
        ServerFrame::Welcome(Box::new(Welcome {
            id,
            protocol: 1,
            nick,
            epoch: number.into(),
            number,
            resumed,
            token: token.map(Hex),
            missed,
            motd,
            limits: Limits::default(),
        }))
    })
}

fn ticket() -> impl Strategy<Value = ServerFrame> {
    (id(), file(), any::<u64>(), any::<[u8; 16]>(), any::<[u16; 9]>()).prop_map(
        |(id, file, start, ticket, a)| {
            ServerFrame::Ticket(Box::new(TicketFrame {
                id,
                file: file.name,
                size: file.size,
                modified: file.modified,
                start,
                transfer: start.into(),
                ticket: Hex(ticket),
                udp: ([a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]], a[8]).into(),
                expires_ms: start,
            }))
        },
    )
}

fn answer() -> impl Strategy<Value = ServerFrame> {
    let error = (id(), text(), option::of(any::<u64>()), option::of(nickname()), 0..ErrorCode::ALL.len());
    prop_oneof![
        message(),
        welcome(),
        ticket(),
        nickname().prop_map(|nick| ServerFrame::Joined { nick }),
        (nickname(), text()).prop_map(|(nick, reason)| ServerFrame::Left { nick, reason }),
        (id(), nickname(), nickname()).prop_map(|(id, from, to)| ServerFrame::Renamed { id, from, to }),
        any::<u64>().prop_map(|missed| ServerFrame::Gap { missed }),
        (id(), vec(nickname(), 0..5), any::<bool>()).prop_map(|(id, names, more)| ServerFrame::Names {
            id,
            names: names.into_iter().map(|nick| NameEntry { nick }).collect(),
            more,
        }),
        (id(), vec(file(), 0..5), any::<bool>()).prop_map(|(id, files, more)| ServerFrame::Files {
            id,
            files,
            more
        }),
        (id(), any::<u32>(), any::<bool>()).prop_map(|(id, count, more)| ServerFrame::History {
            id,
            count,
            more
        }),
        (id(), any::<u64>()).prop_map(|(id, number)| ServerFrame::Accepted { id, number }),
        error.prop_map(|(id, message, retry_after_ms, suggestion, code)| {
            let code = ErrorCode::ALL[code].clone();
            ServerFrame::Error(ErrorFrame { id, code, message, retry_after_ms, suggestion })
        }),
        Just(ServerFrame::Ping),
        id().prop_map(|id| ServerFrame::Pong { id }),
        text().prop_map(|text| ServerFrame::Notice { text }),
        text().prop_map(|reason| ServerFrame::Closing { reason }),
    ]
}

/// The line without its line feed, which is the only one in it.
fn line(bytes: &[u8]) -> &[u8] {
    let (last, line) = bytes.split_last().unwrap();
    assert_eq!(*last, b'\n');
    assert!(!line.contains(&b'\n'));
    line
}

proptest! {
    #[test]
    fn a_client_frame_is_read_as_it_was_written(request in request(), id in id()) {
        let frame = ClientFrame { request, id };
        prop_assert_eq!(ClientFrame::decode(line(&frame.encode())), Ok(frame));
    }

    #[test]
    fn a_server_frame_is_read_as_it_was_written(frame in answer()) {
        prop_assert_eq!(ServerFrame::decode(line(&frame.encode())), Ok(frame));
    }

    /// Common frames are read another way where their type comes first.
    #[test]
    fn a_server_frame_is_the_same_wherever_its_type_stands(
        frame in answer(),
        place in any::<proptest::sample::Index>(),
    ) {
        let bytes = frame.encode();
        let text = core::str::from_utf8(line(&bytes)).unwrap();
        let later = format!("{{\"of_tomorrow\":[],{}", text.strip_prefix('{').unwrap());
        prop_assert_eq!(ServerFrame::decode(later.as_bytes()), Ok(frame));
        // What is missing or wrong in one is in the other, and is named alike.
        let mut cut = text.as_bytes().to_vec();
        cut[place.index(text.len())] = b'0';
        let moved = [b"{\"of_tomorrow\":[],", cut.get(1..).unwrap()].concat();
        if cut[0] == b'{' {
            prop_assert_eq!(
                ServerFrame::decode(&cut).map_err(|_| ()),
                ServerFrame::decode(&moved).map_err(|_| ())
            );
        }
    }

    #[test]
    fn unknown_fields_are_ignored(request in request(), id in id(), value in any::<u64>()) {
        let frame = ClientFrame { request, id };
        let bytes = frame.encode();
        let text = core::str::from_utf8(line(&bytes)).unwrap();
        let more = format!("{{\"of_tomorrow\":[{value}],{}", text.strip_prefix('{').unwrap());
        prop_assert_eq!(ClientFrame::decode(more.as_bytes()), Ok(frame));
    }

    #[test]
    fn no_bytes_and_no_damage_to_a_frame_panics(
        bytes in vec(any::<u8>(), 0..200),
        frame in answer(),
        request in request(),
        place in any::<proptest::sample::Index>(),
        flip in 1_u8..,
    ) {
        let _ = ClientFrame::decode(&bytes);
        let _ = ServerFrame::decode(&bytes);
        for mut whole in [frame.encode().to_vec(), ClientFrame { request, id: None }.encode().to_vec()] {
            let at = place.index(whole.len());
            let _ = ServerFrame::decode(&whole[..at]);
            let _ = ClientFrame::decode(&whole[..at]);
            whole[at] ^= flip;
            let _ = ServerFrame::decode(&whole);
            let _ = ClientFrame::decode(&whole);
        }
    }
}

#[test]
fn deep_nesting_is_an_error_and_not_the_end_of_the_stack() {
    let deep = format!("{{\"type\":\"ping\",\"x\":{}", "[".repeat(30_000));
    assert!(ClientFrame::decode(deep.as_bytes()).is_err());
    let closed = format!("{{\"type\":\"ping\",\"x\":{}{}}}", "[".repeat(15_000), "]".repeat(15_000));
    assert!(
        ClientFrame::decode(closed.as_bytes()).is_err() || ClientFrame::decode(closed.as_bytes()).is_ok()
    );
}

#[test]
fn an_error_never_echoes_a_whole_line() {
    let long = format!(r#"{{"type":"{}"}}"#, "é".repeat(10_000));
    let error = ClientFrame::decode(long.as_bytes()).unwrap_err().error.to_string();
    assert!(error.len() < 1000, "{} bytes", error.len());
}

#[test]
fn the_contract_s_lines_are_read() {
    let lines = [
        r#"{"type":"join","nick":"ann"}"#,
        r#"{"type":"join","nick":"ann","resume":true,"history":50}"#,
        r#"{"type":"say","text":"hello"}"#,
        r#"{"type":"tell","to":"bob","text":"psst"}"#,
        r#"{"type":"names"}"#,
        r#"{"type":"files","id":"7"}"#,
        r#" { "id" : 1 , "type" : "leave" } "#,
    ];
    for line in lines {
        assert!(ClientFrame::decode(line.as_bytes()).is_ok(), "{line}");
    }
}
