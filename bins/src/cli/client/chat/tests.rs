//! What is typed, what is handed to the loop, and what is shown.

use tokio::sync::mpsc::Sender;

use super::super::bench::{Written, frame, give_up, next, take, tell};
use super::*;
use crate::app::session::Curiosity;
use crate::cli::exit::Exit;
use crate::cli::values::Span;
use backchat_core::chat::client::{CommandError, DisconnectReason};
use backchat_core::chat::{Nickname, ServerFrame, TextError};
use std::time::Duration;

/// A chat, its keyboard, its screen.
struct Bench {
    chat: Chat,
    lines: Option<Sender<io::Result<Line>>>,
    signals: Sender<Signal>,
    written: Written,
}

const WELCOME: &str =
    r#"{"type":"welcome","protocol":1,"nick":"ann","epoch":"0011223344556677","number":0,"resumed":false}"#;

impl Bench {
    fn new(style: Style) -> Self {
        let (lines, source) = mpsc::channel(64);
        let (signals, signalled) = mpsc::channel(4);
        let written = Written::default();
        let timeout = Span::from_secs(60).duration();
        let nick = Nickname::parse("ann").expect("a nickname");
        let session = Session::new("h:7", nick, Curiosity::Lines);
        let chat = Chat::new(
            session,
            written.voice(style),
            source,
            signalled,
            SystemClock::new(),
            Silence::new(timeout),
        );
        Self { chat, lines: Some(lines), signals, written }
    }

    /// Joined, with bob there too, and nothing on the screen yet.
    fn joined(style: Style) -> Self {
        let mut bench = Self::new(style);
        bench.join();
        frame(&mut bench.chat, r#"{"type":"names","id":1,"names":[{"nick":"ann"},{"nick":"bob"}]}"#);
        bench.written.take();
        bench
    }

    fn join(&mut self) {
        tell(&mut self.chat, ClientChatEvent::Connected);
        frame(&mut self.chat, WELCOME);
        tell(&mut self.chat, ClientChatEvent::Joined { resumed: false, new_epoch: false });
        assert!(matches!(take(&mut self.chat, 1), Command::Names));
    }

    fn type_line(&self, line: &str) {
        let lines = self.lines.as_ref().expect("open");
        lines.try_send(Ok(Line::Text(line.to_owned()))).expect("room");
    }

    /// What is shown in answer to a line that is not handed on.
    fn shown(&mut self, line: &str) -> Vec<String> {
        self.type_line(line);
        assert!(next(&mut self.chat).is_none(), "{line}");
        self.written.take()
    }
}

#[tokio::test]
async fn nothing_is_read_before_it_is_known_who_is_here() {
    let mut bench = Bench::new(Style::Plain);
    bench.type_line("to bob psst");
    assert!(next(&mut bench.chat).is_none());
    bench.join();
    assert!(next(&mut bench.chat).is_none());
    frame(&mut bench.chat, r#"{"type":"names","id":1,"names":[{"nick":"bob"}]}"#);
    assert!(
        matches!(take(&mut bench.chat, 2), Command::Tell { to, text, .. } if to.as_str() == "bob" && text == "psst")
    );
    // And again after the connection was lost: who is here now may be others.
    bench.type_line("to bob psst");
    tell(&mut bench.chat, ClientChatEvent::Disconnected { reason: DisconnectReason::Lost });
    assert!(next(&mut bench.chat).is_none());
}

#[tokio::test]
async fn what_is_shown_is_one_line_an_event() {
    let mut bench = Bench::joined(Style::Plain);
    frame(&mut bench.chat, r#"{"type":"joined","nick":"carol"}"#);
    frame(
        &mut bench.chat,
        r#"{"type":"message","number":1,"at":"2026-11-22T13:30:00Z","from":"carol","text":"a\nb"}"#,
    );
    frame(&mut bench.chat, r#"{"type":"accepted","id":9,"number":1}"#);
    tell(&mut bench.chat, ClientChatEvent::Disconnected { reason: DisconnectReason::Lost });
    tell(&mut bench.chat, ClientChatEvent::Reconnecting { after: Duration::from_millis(250) });
    assert_eq!(
        bench.written.take(),
        [
            "12:00:00Z -- carol joined",
            "13:30:00Z carol: a\\nb",
            "12:00:00Z -- connection lost",
            "12:00:00Z -- trying again in 250 ms"
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_never_sent() {
    let mut bench = Bench::joined(Style::Plain);
    assert!(bench.shown("/nmaes")[0].contains("did you mean /names?"));
    assert_eq!(bench.shown("/pause"), ["12:00:00Z !! no download is running"]);
    assert_eq!(bench.shown("/stop x"), ["12:00:00Z !! no download of 'x' is running"]);
    assert_eq!(
        bench.shown("/nick two.words!"),
        ["12:00:00Z !! nickname has '!'; letters a-z, digits and _ - . [ ] are allowed"]
    );
    assert!(bench.shown("/get ../x")[0].contains("no such file '../x'"));
    assert!(bench.shown("/get x -o -")[0].contains("standard output belongs to the chat"));
    assert_eq!(
        bench.shown("/stats"),
        ["12:00:00Z -- 0 messages sent and not taken yet", "12:00:00Z -- h:7: round trip 0 µs"]
    );
    assert!(bench.shown("/help nmaes")[0].contains("did you mean /names?"));
    let lines = bench.lines.as_ref().expect("open").clone();
    lines.try_send(Ok(Line::TooLong(70_000))).expect("room");
    lines.try_send(Ok(Line::NotText)).expect("room");
    assert!(next(&mut bench.chat).is_none());
    assert_eq!(
        bench.written.take(),
        [
            "12:00:00Z !! a line of 70000 bytes was not sent, at most 4096 fit",
            "12:00:00Z !! a line was not sent because it is not UTF-8"
        ]
    );
}

#[tokio::test]
async fn input_waits_while_too_much_of_it_is_not_taken() {
    let mut bench = Bench::joined(Style::Plain);
    for _ in 0..=MAX_UNTAKEN {
        bench.type_line("hello");
    }
    for id in 0..MAX_UNTAKEN as u64 {
        take(&mut bench.chat, 10 + id);
    }
    assert!(next(&mut bench.chat).is_none());
    frame(&mut bench.chat, r#"{"type":"accepted","id":10,"number":1}"#);
    assert!(matches!(take(&mut bench.chat, 99), Command::Say { .. }));
}

#[tokio::test]
async fn at_the_end_of_the_input_everything_is_taken_before_it_leaves() {
    let mut bench = Bench::joined(Style::Plain);
    bench.type_line("hello");
    bench.lines = None;
    assert!(matches!(take(&mut bench.chat, 2), Command::Say { .. }));
    let finish = next(&mut bench.chat).expect("a command");
    assert!(matches!(finish, Command::Finish));
    assert_eq!(bench.chat.answered(finish, Ok(Receipt::Done), Instant::ZERO), Flow::Continue);
    assert!(next(&mut bench.chat).is_none());
    frame(&mut bench.chat, r#"{"type":"closing","reason":"left"}"#);
    assert!(bench.written.take().is_empty());
    assert_eq!(bench.chat.end(), End::Done);
}

#[tokio::test]
async fn programs_get_objects_with_the_ids_that_they_gave() {
    let mut bench = Bench::joined(Style::Json);
    bench.type_line(r#"{"type":"say","text":"/hello","id":"mine"}"#);
    assert!(matches!(take(&mut bench.chat, 2), Command::Say { text, .. } if text == "/hello"));
    frame(&mut bench.chat, r#"{"type":"accepted","id":2,"number":7}"#);
    bench.type_line(r#"{"type":"names","id":5}"#);
    take(&mut bench.chat, 3);
    frame(&mut bench.chat, r#"{"type":"names","id":3,"names":[{"nick":"ann"}],"more":true}"#);
    frame(&mut bench.chat, r#"{"type":"names","id":3,"names":[{"nick":"bob"}],"more":false}"#);
    assert_eq!(
        bench.written.take(),
        [
            r#"{"type":"accepted","id":"mine","number":7}"#,
            r#"{"type":"names","id":5,"names":[{"nick":"ann"}],"more":true}"#,
            r#"{"type":"names","id":5,"names":[{"nick":"bob"}],"more":false}"#
        ]
    );
    assert_eq!(
        bench.shown(r#"{"type":"dance","id":6}"#)[0],
        r#"{"type":"error","id":6,"code":"unknown-type","message":"unknown type 'dance': expected say, tell, reply, ignore, unignore, names, files, nick, history, get, folder, pause, resume, stop, stats, reconnect or leave"}"#
    );
    assert_eq!(
        bench.shown(r#"{"type":"reply","text":"me too","id":7}"#),
        [
            r#"{"type":"error","id":7,"code":"no-such-nick","message":"nobody has said anything to you alone yet"}"#
        ]
    );
    // Twice is not back.
    for (object, text) in [
        (r#"{"type":"ignore","nick":"eve"}"#, "eve is ignored; /ignore eve again ends it"),
        (r#"{"type":"ignore","nick":"EVE"}"#, "EVE is ignored; /ignore EVE again ends it"),
        (r#"{"type":"ignore"}"#, "ignored: EVE"),
        (r#"{"type":"unignore","nick":"eve"}"#, "eve is heard again"),
        (r#"{"type":"ignore"}"#, "nobody is ignored"),
        (r#"{"type":"folder","dir":"books"}"#, "downloads go to books"),
        (r#"{"type":"folder"}"#, "downloads go to books"),
    ] {
        assert_eq!(bench.shown(object), [format!(r#"{{"type":"notice","text":"{text}"}}"#)]);
    }
    bench.type_line(r#"{"type":"reconnect"}"#);
    assert!(matches!(next(&mut bench.chat), Some(Command::Reconnect)));
    assert!(bench.shown(r#"{"type":"get","file":"../x","id":8}"#)[0].starts_with(
        r#"{"type":"failed","id":8,"file":"../x","reason":"not-found","exit_code":3,"message":"no such file"#
    ));
}

#[tokio::test]
async fn a_message_that_the_client_refuses_is_told_with_the_limit() {
    let mut bench = Bench::joined(Style::Plain);
    bench.type_line("long");
    let command = next(&mut bench.chat).expect("a command");
    let error = DownloadError::Chat(CommandError::Text(TextError::TooLong { bytes: 9000, limit: 4096 }));
    bench.chat.answered(command, Err(error), Instant::ZERO);
    assert_eq!(bench.written.take(), ["12:00:00Z !! not sent: text is 9000 bytes, at most 4096 fit"]);
}

#[tokio::test]
async fn a_lost_message_is_told_and_makes_room() {
    let mut bench = Bench::joined(Style::Plain);
    bench.type_line("hello");
    take(&mut bench.chat, 2);
    assert_eq!(bench.chat.session.untaken(), 1);
    let (id, text) = (RequestId::Number(2), "hello".to_owned());
    tell(&mut bench.chat, ClientChatEvent::Unconfirmed { id, text: text.into() });
    assert_eq!(bench.chat.session.untaken(), 0);
    assert_eq!(bench.written.take(), ["12:00:00Z !! it is not known whether this was delivered: hello"]);
}

#[tokio::test]
async fn each_end_has_its_code() {
    let mut bench = Bench::joined(Style::Plain);
    assert_eq!(give_up(&mut bench.chat, DisconnectReason::Lost), Flow::Exit);
    assert_eq!(bench.chat.end().exit(), Exit::Connection);

    let mut bench = Bench::joined(Style::Plain);
    bench.signals.try_send(Signal::End).expect("room");
    assert!(matches!(next(&mut bench.chat), Some(Command::Quit)));
    assert_eq!(bench.chat.end().exit(), Exit::Interrupted);

    let mut bench = Bench::joined(Style::Plain);
    bench.type_line("/quit");
    assert!(matches!(next(&mut bench.chat), Some(Command::Quit)));
    assert_eq!(bench.chat.end().exit(), Exit::Done);

    let mut bench = Bench::new(Style::Plain);
    let error = r#"{"type":"error","code":"nick-taken","message":"ann is taken","suggestion":"ann2"}"#;
    let ServerFrame::Error(error) = ServerFrame::decode(error.as_bytes()).expect("a frame") else {
        panic!("an error");
    };
    assert_eq!(tell(&mut bench.chat, ClientChatEvent::Refused(error)), Flow::Exit);
    let End::Failed(failure) = bench.chat.end() else { panic!("a failure") };
    assert_eq!(
        (failure.exit, failure.message.as_str()),
        (Exit::Refused, "ann is taken (nick-taken); ann2 is free")
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_not_reached_in_time_is_given_up() {
    let mut bench = Bench::new(Style::Plain);
    let command = bench.chat.command().await;
    assert!(matches!(command, Command::Abandon));
    assert_eq!(bench.chat.end().exit(), Exit::TimedOut);
}

#[tokio::test]
async fn an_output_that_breaks_while_a_line_is_read_ends_the_chat_once() {
    /// A full disk.
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut bench = Bench::joined(Style::Plain);
    bench.chat.voice = Voice::new(Style::Plain, Full);
    bench.type_line("/no-such-command");
    assert!(matches!(next(&mut bench.chat), Some(Command::Quit)));
    assert!(next(&mut bench.chat).is_none(), "a second one would end it at once");
    assert_eq!(bench.chat.end().exit(), Exit::Local);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_input_an_absent_server_is_not_waited_for_with_nothing_to_say() {
    let mut bench = Bench::joined(Style::Plain);
    tell(&mut bench.chat, ClientChatEvent::Disconnected { reason: DisconnectReason::Lost });
    assert!(next(&mut bench.chat).is_none());
    bench.lines = None;
    // The end of the input, and then the end.
    assert!(matches!(next(&mut bench.chat), Some(Command::Finish)));
    bench.chat.answered(Command::Finish, Ok(Receipt::Done), Instant::ZERO);
    assert!(matches!(next(&mut bench.chat), Some(Command::Quit)));
    assert_eq!(bench.chat.end().exit(), Exit::Done);
    // With something to say it is.
    let mut bench = Bench::joined(Style::Plain);
    bench.type_line("hello");
    take(&mut bench.chat, 2);
    tell(&mut bench.chat, ClientChatEvent::Disconnected { reason: DisconnectReason::Lost });
    bench.lines = None;
    assert!(matches!(next(&mut bench.chat), Some(Command::Finish)));
    bench.chat.answered(Command::Finish, Ok(Receipt::Done), Instant::ZERO);
    assert!(next(&mut bench.chat).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_take_what_was_said_ends_no_input_for_ever() {
    let mut bench = Bench::joined(Style::Plain);
    bench.type_line("hello");
    take(&mut bench.chat, 2);
    bench.lines = None;
    assert!(matches!(bench.chat.command().await, Command::Finish));
    bench.chat.answered(Command::Finish, Ok(Receipt::Done), Instant::ZERO);
    for _ in 0..5 {
        frame(&mut bench.chat, r#"{"type":"notice","text":"soon"}"#);
        let _ = tokio::time::timeout(Duration::from_secs(10), bench.chat.command()).await;
    }
    assert!(matches!(bench.chat.command().await, Command::Abandon));
    assert_eq!(bench.chat.end().exit(), Exit::TimedOut);
}

#[tokio::test]
async fn quitting_waits_for_what_was_said_before() {
    let mut bench = Bench::joined(Style::Plain);
    bench.type_line("hello");
    bench.type_line("/quit");
    take(&mut bench.chat, 2);
    assert!(next(&mut bench.chat).is_none());
    frame(&mut bench.chat, r#"{"type":"accepted","id":2,"number":1}"#);
    assert!(matches!(next(&mut bench.chat), Some(Command::Quit)));
    assert_eq!(bench.chat.end().exit(), Exit::Done);
}
