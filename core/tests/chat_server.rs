//! The server alone, fed with lines: its limits, its lists, and what it does with what is wrong.

mod chat_world;

use backchat_core::chat::table::{Input, State, Step};
use backchat_core::chat::*;
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use chat_world::{listing, server, written};
use core::time::Duration;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A server whose connections are strings: `send` writes a line, `read` takes what has come.
struct Bench {
    now: Instant,
    server: ChatServer,
    /// What each connection took and nobody has read.
    taken: BTreeMap<u64, Vec<u8>>,
    /// Connections that take nothing.
    stalled: Vec<u64>,
    actions: Vec<Action>,
    files: usize,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        let server = server(limits, &Seed::from_number(1));
        Self {
            now: Instant::from_millis(1000),
            server,
            taken: BTreeMap::new(),
            stalled: Vec::new(),
            actions: Vec::new(),
            files: 3,
        }
    }

    fn open(&mut self, stream: u64) {
        self.open_from(stream, "127.0.0.1");
    }

    fn open_from(&mut self, stream: u64, peer: &str) {
        self.server.handle_open(self.now, StreamId(stream), peer.parse::<IpAddr>().unwrap());
        self.drain();
    }

    fn join(&mut self, stream: u64, nick: &str) {
        self.open(stream);
        self.send(stream, &format!(r#"{{"type":"join","nick":"{nick}"}}"#));
        self.read(stream);
    }

    fn send(&mut self, stream: u64, line: &str) {
        let line = format!("{line}\n");
        self.server.handle_bytes(self.now, StreamId(stream), line.as_bytes());
        self.drain();
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.server.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.server.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    fn drain(&mut self) {
        while let Some(action) = self.server.poll_action() {
            match action {
                Action::Pending(StreamId(stream)) if !self.stalled.contains(&stream) => {
                    self.take(stream, usize::MAX);
                }
                Action::ListFiles => self.server.handle_files(self.now, listing(self.files)),
                _ => {}
            }
            self.actions.push(action);
        }
    }

    /// The connection takes up to `most` bytes.
    fn take(&mut self, stream: u64, mut most: usize) {
        loop {
            let mut bytes = written(|slices| self.server.pending(StreamId(stream), slices));
            bytes.truncate(most);
            if bytes.is_empty() {
                return;
            }
            most -= bytes.len();
            self.server.handle_taken(self.now, StreamId(stream), bytes.len());
            self.taken.entry(stream).or_default().extend(bytes);
        }
    }

    /// The frames that have come since the last call.
    fn read(&mut self, stream: u64) -> Vec<ServerFrame> {
        let bytes = self.taken.remove(&stream).unwrap_or_default();
        assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "lines are whole");
        let lines = bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| ServerFrame::decode(line).unwrap()).collect()
    }

    fn codes(&mut self, stream: u64) -> Vec<String> {
        let code = |frame| match frame {
            ServerFrame::Error(error) => Some(error.code.to_string()),
            _ => None,
        };
        self.read(stream).into_iter().filter_map(code).collect()
    }

    fn closed(&self, stream: u64) -> Option<CloseReason> {
        self.actions.iter().find_map(|action| match action {
            Action::Close { stream: of, reason, .. } if of.0 == stream => Some(*reason),
            _ => None,
        })
    }
}

fn kinds(frames: &[ServerFrame]) -> Vec<&'static str> {
    let kind = |frame: &ServerFrame| match frame {
        ServerFrame::Welcome(_) => "welcome",
        ServerFrame::Joined { .. } => "joined",
        ServerFrame::Left { .. } => "left",
        ServerFrame::Renamed { .. } => "renamed",
        ServerFrame::Message(message) if message.backlog => "backlog",
        ServerFrame::Message(_) => "message",
        ServerFrame::Private(message) if message.backlog => "private backlog",
        ServerFrame::Private(_) => "private",
        ServerFrame::Gap { .. } => "gap",
        ServerFrame::Names { .. } => "names",
        ServerFrame::Files { .. } => "files",
        ServerFrame::History { .. } => "history",
        ServerFrame::Accepted { .. } => "accepted",
        ServerFrame::Error(_) => "error",
        ServerFrame::Ticket(_) => "ticket",
        ServerFrame::Ping => "ping",
        ServerFrame::Pong { .. } => "pong",
        ServerFrame::Notice { .. } => "notice",
        ServerFrame::Closing { .. } => "closing",
    };
    frames.iter().map(kind).collect()
}

fn token(frames: &[ServerFrame]) -> String {
    let welcome = frames.iter().find_map(|frame| match frame {
        ServerFrame::Welcome(welcome) => welcome.token,
        _ => None,
    });
    welcome.expect("a token").to_string()
}

const SAY: &str = r#"{"type":"say","text":"x"}"#;
const LONG: Duration = Duration::from_secs(3600);

#[test]
fn the_answer_comes_before_ones_own_message() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1);
    bench.send(1, r#"{"type":"join","nick":"ann","id":"j"}"#);
    assert_eq!(kinds(&bench.read(1)), ["welcome", "joined"]);
    bench.send(1, r#"{"type":"say","text":"alone","id":7}"#);
    let frames = bench.read(1);
    assert_eq!(kinds(&frames), ["accepted", "message"]);
    assert_eq!(frames[0], ServerFrame::Accepted { id: Some(RequestId::Number(7)), number: 1 });
}

#[test]
fn a_message_to_oneself_is_shown_once() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, "ann");
    bench.send(1, r#"{"type":"tell","to":"ANN","text":"note"}"#);
    assert_eq!(kinds(&bench.read(1)), ["accepted", "private"]);
}

#[test]
fn burst_of_five_then_two_a_second_and_a_refusal_says_when() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, "ann");
    for _ in 0..6 {
        bench.send(1, SAY);
    }
    let frames = bench.read(1);
    assert_eq!(frames.iter().filter(|frame| matches!(frame, ServerFrame::Accepted { .. })).count(), 5);
    let Some(ServerFrame::Error(error)) = frames.last() else { panic!("an error was expected") };
    assert_eq!((error.code.raw(), error.retry_after_ms), ("too-fast", Some(500)));
    bench.wait(Duration::from_millis(500));
    bench.send(1, SAY);
    assert_eq!(kinds(&bench.read(1)), ["accepted", "message"]);
}

#[test]
fn hashing_is_charged_by_bytes_and_owed_for_a_bounded_time() {
    let download = |have: u64| {
        let blake3 = "0".repeat(64);
        format!(r#"{{"type":"download","file":"book.bin","have":{have},"blake3":"{blake3}"}}"#)
    };
    // A join and a download leave 18 of 20; the prefix costs 19 more.
    let mut bench = Bench::new(Limits::default());
    bench.join(1, "ann");
    bench.send(1, &download(19 * HASHED_PER_REQUEST));
    bench.send(1, r#"{"type":"ping"}"#);
    let frames = bench.read(1);
    let Some(ServerFrame::Error(error)) = frames.last() else { panic!("an error was expected: {frames:?}") };
    assert_eq!((error.code.clone(), error.retry_after_ms), (ErrorCode::TooManyRequests, Some(200)));
    bench.wait(Duration::from_millis(200));
    bench.send(1, r#"{"type":"ping"}"#);
    assert_eq!(kinds(&bench.read(1)), ["pong"]);
    // The cost has a bound, even for a claim of the longest prefix.
    let mut bench = Bench::new(Limits::default());
    bench.join(1, "ann");
    bench.send(1, &download(u64::MAX));
    bench.read(1);
    bench.wait(Duration::from_millis(100) * (HASHING_REQUESTS_MAX - 17));
    bench.send(1, r#"{"type":"ping"}"#);
    assert_eq!(kinds(&bench.read(1)), ["pong"]);
}

#[test]
fn texts_that_are_too_long_empty_or_hold_controls_are_refused() {
    let mut bench = Bench::new(Limits { burst: 100, ..Limits::default() });
    bench.join(1, "ann");
    for text in ["", "a\\u0007b", "\\u001b[2J", "a\\rb"] {
        bench.send(1, &format!(r#"{{"type":"say","text":"{text}"}}"#));
        assert_eq!(bench.codes(1), ["bad-text"], "{text}");
    }
    bench.send(1, &format!(r#"{{"type":"say","text":"{}"}}"#, "x".repeat(4097)));
    assert_eq!(bench.codes(1), ["text-too-long"]);
    // As long as it may be, with every character written in the longest way.
    bench.send(1, &format!(r#"{{"type":"say","text":"{}"}}"#, "\\u0078".repeat(4096)));
    assert_eq!(kinds(&bench.read(1)), ["accepted", "message"]);
    assert_eq!(bench.server.counters().accepted, 1);
}

#[test]
fn who_has_not_joined_may_list_and_download_and_is_seen_by_nobody() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, "ann");
    bench.open(2);
    for line in [
        SAY,
        r#"{"type":"tell","to":"ann","text":"x"}"#,
        r#"{"type":"history"}"#,
        r#"{"type":"nick","nick":"b"}"#,
    ] {
        bench.send(2, line);
    }
    assert_eq!(bench.codes(2), ["not-joined"; 4]);
    bench.send(2, r#"{"type":"names","id":1}"#);
    bench.send(2, r#"{"type":"files","id":2}"#);
    bench.send(2, r#"{"type":"ping","id":3}"#);
    assert_eq!(kinds(&bench.read(2)), ["names", "files", "pong"]);
    bench.send(2, r#"{"type":"download","file":"book.bin","id":"d"}"#);
    let asked = bench
        .actions
        .iter()
        .any(|action| matches!(action, Action::Download { file, .. } if file.as_str() == "book.bin"));
    assert!(asked);
    for name in ["../x", "/etc/passwd", "a/b", "C:x", "a\\u0000b", ""] {
        bench.send(2, &format!(r#"{{"type":"download","file":"{name}"}}"#));
        assert_eq!(bench.codes(2), ["bad-name"], "{name}");
    }
    bench.send(2, r#"{"type":"leave"}"#);
    assert_eq!(kinds(&bench.read(2)), ["closing"]);
    assert!(bench.read(1).is_empty());
}

#[test]
fn who_neither_joins_nor_downloads_is_closed_after_a_minute() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1);
    bench.open(2);
    bench.server.set_busy(bench.now, SessionId(2), true);
    bench.wait(Duration::from_secs(61));
    assert_eq!((bench.closed(1), bench.closed(2)), (Some(CloseReason::NotJoined), None));
    bench.server.set_busy(bench.now, SessionId(2), false);
    bench.wait(Duration::from_secs(59));
    assert_eq!(bench.closed(2), None);
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.closed(2), Some(CloseReason::NotJoined));
}

#[test]
fn connections_from_one_address_are_limited_and_loopback_is_exempt() {
    let mut bench = Bench::new(Limits { connections_per_address: 2, ..Limits::default() });
    for stream in 1..=3 {
        bench.open_from(stream, "192.0.2.1");
    }
    bench.open_from(4, "192.0.2.2");
    for stream in 5..=9 {
        bench.open_from(stream, "::1");
    }
    assert_eq!(kinds(&bench.read(3)), ["error", "closing"]);
    assert_eq!(bench.closed(3), Some(CloseReason::TooManyConnections));
    assert!((4..=9).all(|stream| bench.closed(stream).is_none()));
    bench.server.handle_closed(bench.now, StreamId(1));
    bench.open_from(10, "192.0.2.1");
    assert_eq!(bench.closed(10), None);
}

#[test]
fn a_full_server_turns_newcomers_away_and_lets_the_parked_come_back() {
    let mut bench = Bench::new(Limits { clients: 2, ..Limits::default() });
    bench.open(1);
    bench.send(1, r#"{"type":"join","nick":"ann","resume":true}"#);
    let token = token(&bench.read(1));
    bench.join(2, "bob");
    bench.open(3);
    assert_eq!(bench.codes(3), ["full"]);
    bench.server.handle_closed(bench.now, StreamId(1));
    bench.open(4);
    bench.send(4, r#"{"type":"join","nick":"eve"}"#);
    assert_eq!(bench.codes(4), ["full"]);
    bench.send(4, &format!(r#"{{"type":"join","nick":"ann","resume":true,"token":"{token}","seen":0}}"#));
    assert_eq!(kinds(&bench.read(4)), ["welcome"]);
}

#[test]
fn a_reader_that_takes_nothing_is_closed_at_its_limit_and_a_backlog_does_not_count() {
    let limits = Limits { burst: 1000, slow_reader_bytes: 64 * 1024, backlog: 2000, ..Limits::default() };
    let mut bench = Bench::new(limits);
    bench.join(1, "ann");
    let line = format!(r#"{{"type":"say","text":"{}"}}"#, "x".repeat(4000));
    for _ in 0..100 {
        bench.send(1, &line);
    }
    bench.stalled.push(2);
    bench.open(2);
    bench.send(2, r#"{"type":"join","nick":"slow"}"#);
    for _ in 0..15 {
        bench.send(1, &line);
    }
    bench.now += Duration::from_secs(10);
    bench.take(1, usize::MAX);
    assert_eq!(bench.closed(2), None, "400 KB of backlog wait, and 61 KB of live frames");
    bench.send(1, &line);
    bench.send(1, &line);
    assert_eq!(bench.closed(2), Some(CloseReason::TooSlow));
    bench.stalled.clear();
    bench.take(2, usize::MAX);
    assert_eq!(kinds(&bench.read(2)), ["closing"]);
    assert!(kinds(&bench.read(1)).contains(&"left"));
}

#[test]
fn a_frame_begun_is_finished_before_the_reason() {
    let limits = Limits { burst: 1000, slow_reader_bytes: 64 * 1024, ..Limits::default() };
    let mut bench = Bench::new(limits);
    bench.join(1, "ann");
    bench.join(2, "slow");
    bench.stalled.push(2);
    let line = format!(r#"{{"type":"say","text":"{}"}}"#, "x".repeat(4000));
    bench.send(1, &line);
    bench.take(2, 100);
    bench.now += Duration::from_secs(10);
    for _ in 0..20 {
        bench.send(1, &line);
    }
    bench.take(2, usize::MAX);
    assert_eq!(kinds(&bench.read(2)), ["message", "closing"]);
}

#[test]
fn a_reader_whose_backlog_has_gone_is_told_how_much() {
    let limits = Limits { burst: 1000, history: 10, backlog: 10, ..Limits::default() };
    let mut bench = Bench::new(limits);
    bench.join(1, "ann");
    bench.join(3, "bob");
    for _ in 0..10 {
        bench.send(1, SAY);
    }
    bench.stalled.push(2);
    bench.open(2);
    bench.send(2, r#"{"type":"join","nick":"late"}"#);
    bench.send(3, r#"{"type":"tell","to":"ann","text":"hidden"}"#);
    for _ in 0..10 {
        bench.send(1, SAY);
    }
    bench.take(2, usize::MAX);
    let frames = bench.read(2);
    let expected = [vec!["welcome", "gap", "joined"], vec!["message"; 10]].concat();
    assert_eq!(kinds(&frames), expected);
    assert!(frames.contains(&ServerFrame::Gap { missed: 10 }));
}

#[test]
fn long_lists_of_names_and_files_come_in_pages() {
    let mut bench = Bench::new(Limits::default());
    for stream in 1..=700 {
        bench.open(stream);
        bench.send(stream, &format!(r#"{{"type":"join","nick":"n{stream}-{}"}}"#, "x".repeat(26)));
        bench.taken.clear();
    }
    bench.files = 10_000;
    bench.open(20_000);
    bench.send(20_000, r#"{"type":"names","id":"n"}"#);
    bench.send(20_000, r#"{"type":"files","id":"f"}"#);
    let bytes = bench.taken.get(&20_000).unwrap();
    assert!(bytes.split(|&byte| byte == b'\n').all(|line| line.len() < lines::MAX_LINE_BYTES));
    let (mut names, mut files, mut last) = (Vec::new(), Vec::new(), Vec::new());
    for frame in bench.read(20_000) {
        match frame {
            ServerFrame::Names { id, names: page, more } => {
                assert_eq!(id, Some(RequestId::Text("n".into())));
                names.extend(page.into_iter().map(|entry| entry.nick.key()));
                last.push(more);
            }
            ServerFrame::Files { id, files: page, more } => {
                assert_eq!(id, Some(RequestId::Text("f".into())));
                files.extend(page.into_iter().map(|entry| entry.name));
                last.push(more);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((names.len(), files.len()), (700, 10_000));
    assert!(names.is_sorted() && files.is_sorted());
    assert_eq!(last.iter().filter(|more| !**more).count(), 2);
}

#[test]
fn only_so_many_lists_wait_for_one_reader() {
    let mut bench = Bench::new(Limits { lists_per_session: 2, ..Limits::default() });
    bench.files = 2000;
    bench.stalled.push(1);
    bench.open(1);
    for _ in 0..4 {
        bench.send(1, r#"{"type":"files"}"#);
    }
    assert_eq!(bench.server.counters().refused.get(&ErrorCode::Busy), Some(&2));
}

#[test]
fn a_successor_of_a_nickname_sees_no_private_message_of_the_one_before() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, "ann");
    bench.join(2, "bob");
    bench.send(2, r#"{"type":"tell","to":"ann","text":"secret"}"#);
    bench.send(2, r#"{"type":"say","text":"public"}"#);
    bench.send(1, r#"{"type":"nick","nick":"anna"}"#);
    bench.read(1);
    bench.send(1, r#"{"type":"history"}"#);
    assert_eq!(kinds(&bench.read(1)), ["private backlog", "backlog", "history"], "a rename changes nothing");
    bench.send(1, r#"{"type":"leave"}"#);
    bench.open(3);
    bench.send(3, r#"{"type":"join","nick":"ann","history":9}"#);
    assert_eq!(kinds(&bench.read(3)), ["welcome", "backlog", "joined"]);
    bench.send(3, r#"{"type":"history","count":100}"#);
    assert_eq!(kinds(&bench.read(3)), ["backlog", "history"]);
}

#[test]
fn history_goes_back_page_by_page() {
    let mut bench = Bench::new(Limits { burst: 100, ..Limits::default() });
    bench.join(1, "ann");
    for _ in 0..5 {
        bench.send(1, SAY);
    }
    bench.read(1);
    bench.send(1, r#"{"type":"history","before":5,"count":3,"id":1}"#);
    let frames = bench.read(1);
    assert_eq!(kinds(&frames), ["backlog", "backlog", "backlog", "history"]);
    assert!(matches!(frames.first(), Some(ServerFrame::Message(message)) if message.number == 2));
    assert_eq!(
        frames.last(),
        Some(&ServerFrame::History { id: Some(RequestId::Number(1)), count: 3, more: true })
    );
}

#[test]
fn an_id_that_was_accepted_is_answered_with_its_number() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1);
    bench.send(1, r#"{"type":"join","nick":"ann","resume":true}"#);
    bench.read(1);
    let line = r#"{"type":"say","text":"once","id":"m1"}"#;
    for _ in 0..10 {
        bench.send(1, line);
    }
    let frames = bench.read(1);
    assert_eq!(kinds(&frames).iter().filter(|kind| **kind == "message").count(), 1);
    let accepted = ServerFrame::Accepted { id: Some(RequestId::Text("m1".into())), number: 1 };
    assert_eq!(frames.iter().filter(|frame| **frame == accepted).count(), 10);
    // Without `resume` a script may call every message 1.
    bench.join(2, "script");
    bench.send(2, r#"{"type":"say","text":"a","id":1}"#);
    bench.send(2, r#"{"type":"say","text":"b","id":1}"#);
    assert_eq!(kinds(&bench.read(2)), ["accepted", "message", "accepted", "message"]);
}

#[test]
fn a_token_is_good_until_its_successor_is_used() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1);
    bench.send(1, r#"{"type":"join","nick":"ann","resume":true}"#);
    let first = token(&bench.read(1));
    let resume =
        |token: &str| format!(r#"{{"type":"join","nick":"ann","resume":true,"token":"{token}","seen":0}}"#);
    // The welcome of this one is lost: the first token has to work again.
    bench.open(2);
    bench.send(2, &resume(&first));
    let lost = token(&bench.read(2));
    assert_eq!(bench.closed(1), Some(CloseReason::Displaced));
    bench.open(3);
    bench.send(3, &resume(&first));
    let third = token(&bench.read(3));
    bench.open(4);
    bench.send(4, &resume(&lost));
    assert_eq!(bench.codes(4), ["nick-taken"], "a token that was replaced is dead");
    bench.send(4, &resume(&third));
    assert_eq!(kinds(&bench.read(4)), ["welcome"]);
    bench.open(5);
    bench.send(5, &resume(&first));
    assert_eq!(bench.codes(5), ["nick-taken"], "and so is one whose successor was used");
    bench.send(5, &resume("no token at all"));
    assert_eq!(bench.codes(5), ["nick-taken"]);
}

#[test]
fn pings_go_to_who_asked_and_silence_closes() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1);
    bench.send(1, r#"{"type":"join","nick":"ann","ping":true}"#);
    bench.join(2, "bob");
    bench.read(1);
    bench.wait(Duration::from_secs(31));
    assert_eq!((kinds(&bench.read(1)), kinds(&bench.read(2))), (vec!["ping"], vec![]));
    bench.send(1, r#"{"type":"pong"}"#);
    bench.wait(Duration::from_secs(40));
    assert_eq!(kinds(&bench.read(1)), ["ping"]);
    bench.wait(Duration::from_secs(30));
    assert_eq!(bench.closed(1), Some(CloseReason::Silent));
    bench.wait(LONG);
    assert_eq!(bench.closed(2), None);
}

#[test]
fn what_is_no_frame_is_answered_counted_and_in_the_end_closed() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1);
    for line in ["nonsense", "[]", "{}", r#"{"type":7}"#, r#"{"type":"say"}"#, r#"{"type":"dance","id":4}"#] {
        bench.send(1, line);
    }
    let frames = bench.read(1);
    assert_eq!(kinds(&frames), ["error"; 6]);
    let Some(ServerFrame::Error(error)) = frames.last() else { panic!("an error was expected") };
    assert_eq!((&error.code, &error.id), (&ErrorCode::UnknownType, &Some(RequestId::Number(4))));
    bench.send(1, &"x".repeat(40_000));
    assert_eq!(bench.codes(1), ["frame-too-long"]);
    for _ in 0..14 {
        bench.send(1, "{");
    }
    assert_eq!(bench.closed(1), Some(CloseReason::Malformed));
    assert_eq!(bench.server.counters().dropped.values().sum::<u64>(), 21);
}

#[test]
fn who_finishes_sending_still_gets_its_answers() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1);
    bench.send(1, r#"{"type":"join","nick":"ann"}"#);
    bench.send(1, SAY);
    bench.send(1, r#"{"type":"names"}"#);
    bench.server.handle_finished(bench.now, StreamId(1));
    bench.drain();
    assert_eq!(kinds(&bench.read(1)), ["welcome", "joined", "accepted", "message", "names", "closing"]);
    assert_eq!((bench.server.nicknames(), bench.server.connections()), (0, 0));
}

#[test]
fn the_end_of_what_is_sent_ends_its_last_line() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1);
    bench.server.handle_bytes(bench.now, StreamId(1), br#"{"type":"names"}"#);
    bench.server.handle_finished(bench.now, StreamId(1));
    bench.drain();
    assert_eq!(kinds(&bench.read(1)), ["names", "closing"]);
}

#[test]
fn shutting_down_tells_everybody_and_takes_nobody() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, "ann");
    bench.open(2);
    bench.server.shutdown(bench.now, "back in a minute");
    bench.drain();
    assert_eq!((kinds(&bench.read(1)), kinds(&bench.read(2))), (vec!["notice"], vec!["notice"]));
    bench.send(2, r#"{"type":"join","nick":"bob"}"#);
    assert_eq!(bench.codes(2), ["shutting-down"]);
    bench.open(3);
    assert_eq!(bench.codes(3), ["shutting-down"]);
    bench.server.close_all(bench.now, CloseReason::ShuttingDown);
    bench.drain();
    assert_eq!(kinds(&bench.read(1)), ["closing"]);
    assert_eq!((bench.server.nicknames(), bench.server.connections()), (0, 0));
}

#[test]
fn a_connection_that_reads_nothing_to_the_end_is_abandoned() {
    let mut bench = Bench::new(Limits::default());
    bench.open(1);
    bench.stalled.push(1);
    bench.send(1, r#"{"type":"leave"}"#);
    bench.wait(Duration::from_secs(6));
    let last = bench.actions.iter().rev().find(|action| matches!(action, Action::Close { .. }));
    let expected = Action::Close { stream: StreamId(1), after_flush: false, reason: CloseReason::NotFlushed };
    assert_eq!(last, Some(&expected));
    assert_eq!((bench.server.connections(), bench.server.deadline()), (0, None));
}

#[test]
fn a_rename_is_told_and_keeps_its_place_in_the_roster() {
    let mut bench = Bench::new(Limits::default());
    bench.join(1, "ann");
    bench.join(2, "bob");
    bench.read(1);
    bench.send(1, r#"{"type":"nick","nick":"Bob","id":1}"#);
    assert_eq!(bench.codes(1), ["nick-taken"]);
    bench.send(1, r#"{"type":"nick","nick":"ANN","id":2}"#);
    bench.send(1, r#"{"type":"nick","nick":"eve","id":3}"#);
    assert_eq!(kinds(&bench.read(1)), ["renamed", "renamed"]);
    assert_eq!(kinds(&bench.read(2)), ["renamed", "renamed"]);
    bench.open(3);
    bench.send(3, r#"{"type":"join","nick":"ann"}"#);
    assert_eq!(kinds(&bench.read(3)), ["welcome", "joined"]);
}

/// Where a session is, seen from outside.
fn state_of(bench: &Bench, session: SessionId) -> table::Next {
    let ended = bench.actions.contains(&Action::SessionEnded(session));
    match (bench.server.nickname_of(session), bench.server.stream_of(session)) {
        _ if ended => table::Next::Gone,
        (None, _) => table::Next::To(State::Visiting),
        (Some(_), Some(_)) => table::Next::To(State::Joined),
        (Some(_), None) => table::Next::To(State::Parked),
    }
}

/// Puts an input to session 1, which is on stream 1 unless it is parked.
fn put(bench: &mut Bench, input: Input, token: &str) {
    let line = match input {
        Input::Join => r#"{"type":"join","nick":"ann"}"#,
        Input::Say => SAY,
        Input::Tell => r#"{"type":"tell","to":"zoe","text":"x"}"#,
        Input::Nick => r#"{"type":"nick","nick":"eve"}"#,
        Input::History => r#"{"type":"history"}"#,
        Input::Names => r#"{"type":"names"}"#,
        Input::Files => r#"{"type":"files"}"#,
        Input::Download => r#"{"type":"download","file":"x"}"#,
        Input::Stop => r#"{"type":"stop","transfer":"0000000000000000"}"#,
        Input::Ping => r#"{"type":"ping"}"#,
        Input::Pong => r#"{"type":"pong"}"#,
        Input::Leave => r#"{"type":"leave"}"#,
        Input::Malformed => "nonsense",
        Input::Resume => {
            bench.open(2);
            let line = format!(r#"{{"type":"join","nick":"ann","resume":true,"token":"{token}"}}"#);
            return bench.send(2, &line);
        }
        Input::Timeout => return bench.wait(Duration::from_secs(61)),
        Input::TooSlow => {
            bench.stalled.push(1);
            for _ in 0..40 {
                let text = "x".repeat(4000).into();
                bench.now += Duration::from_millis(500);
                bench.server.reply(bench.now, SessionId(1), &ServerFrame::Notice { text });
            }
            return bench.drain();
        }
        Input::Finished => {
            bench.server.handle_finished(bench.now, StreamId(1));
            return bench.drain();
        }
        Input::Lost => {
            bench.server.handle_closed(bench.now, StreamId(1));
            return bench.drain();
        }
        Input::Dismissed => {
            bench.server.close_all(bench.now, CloseReason::ShuttingDown);
            return bench.drain();
        }
    };
    bench.send(1, line);
}

/// Row by row and state by state: the session ends up where the table says that it may, and what is refused is
/// refused with the table's code.
#[test]
fn every_cell_of_the_state_table_holds() {
    for (input, rules) in table::TABLE {
        for (state, rule) in [State::Visiting, State::Joined, State::Parked].into_iter().zip(rules) {
            for resume in [false, true] {
                if rule.step == Step::Impossible || (state == State::Parked && !resume) {
                    continue;
                }
                let mut bench = Bench::new(Limits::default());
                bench.open(1);
                let mut good = String::new();
                if state != State::Visiting {
                    bench
                        .send(1, &format!(r#"{{"type":"join","nick":"ann","resume":{resume},"ping":true}}"#));
                    let frames = bench.read(1);
                    good = if resume { token(&frames) } else { good };
                }
                if state == State::Parked {
                    bench.server.handle_closed(bench.now, StreamId(1));
                    bench.drain();
                }
                assert_eq!(state_of(&bench, SessionId(1)), table::Next::To(state));
                if input == Input::Resume && !resume {
                    continue;
                }
                put(&mut bench, input, &good);
                let next = state_of(&bench, SessionId(1));
                assert!(rule.next.contains(&next), "{input:?} in {state:?} leads to {next:?}");
                if let Step::Refuse(refusal) = rule.step {
                    assert_eq!(bench.codes(1), [refusal.code().raw()], "{input:?} in {state:?}");
                }
                if rule.step == Step::Park || rule.step == Step::CloseAndPark {
                    let parked = table::Next::To(State::Parked);
                    assert_eq!(
                        next,
                        if resume { parked } else { table::Next::Gone },
                        "{input:?} in {state:?}"
                    );
                }
            }
        }
    }
}

proptest::proptest! {
    /// However the bytes are cut up, the answers are those to the whole.
    #[test]
    fn any_chunking_gives_the_same_answers(
        lines in proptest::collection::vec(proptest::sample::select(CONVERSATION.to_vec()), 1..12),
        noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        cuts in proptest::collection::vec(1_usize..60, 1..60),
    ) {
        let mut bytes = lines.join("\n").into_bytes();
        bytes.extend(noise);
        bytes.push(b'\n');
        let answer = |chunks: &[&[u8]]| {
            let mut bench = Bench::new(Limits::default());
            bench.join(2, "bob");
            bench.open(1);
            for chunk in chunks {
                bench.server.handle_bytes(bench.now, StreamId(1), chunk);
                bench.drain();
            }
            (bench.read(1), bench.read(2))
        };
        let (mut chunks, mut rest) = (Vec::new(), &bytes[..]);
        for cut in cuts {
            let (chunk, after) = rest.split_at(cut.min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        chunks.push(rest);
        proptest::prop_assert_eq!(answer(&chunks), answer(&[&bytes[..]]));
    }
}

/// Without lists: when `files` is answered is the driver's choice, and `names` shows who is here when it is read.
const CONVERSATION: [&str; 10] = [
    r#"{"type":"join","nick":"ann","resume":true}"#,
    r#"{"type":"join","nick":"bob"}"#,
    r#"{"type":"say","text":"hello","id":1}"#,
    r#"{"type":"tell","to":"bob","text":"psst"}"#,
    r#"{"type":"nick","nick":"eve"}"#,
    r#"{"type":"history"}"#,
    r#"{"type":"download","file":"../x"}"#,
    r#"{"type":"stop","transfer":"0000000000000000"}"#,
    r#"{"type":"ping"}"#,
    r#"{"type":"leave"}"#,
];
