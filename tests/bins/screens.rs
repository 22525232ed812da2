//! The window, as people see it: each pane and state as a snapshot, and what no input may ever do to a terminal.

#[path = "screens/hostile.rs"]
mod hostile;
#[path = "screens/plays.rs"]
mod plays;
#[path = "screens/stage.rs"]
mod stage;
#[path = "screens/svg.rs"]
mod svg;

use std::path::Path;
use std::time::Duration;

use backchat::app::layout::Size;
use backchat::app::session::{Curiosity, Session};
use backchat::app::window::Message;
use backchat::cli::render::plain;
use backchat::driver::application::Command;
use backchat_core::chat::client::{ClientChatEvent, DisconnectReason};
use backchat_core::chat::{ErrorCode, ErrorFrame};
use backchat_core::node::{DownloadEvent, FailReason, LocalError, Summary};
use backchat_core::text::{is_hidden, is_printable};
use backchat_core::wire::Hash;
use proptest::prelude::*;

use stage::{Stage, rows};

/// Holds a picture against the one that was looked at: `INSTA_UPDATE=always cargo test -p backchat --test screens`.
#[track_caller]
fn check(name: &str, stage: &Stage) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(format!("screen__{name}"), stage.screen()));
}

#[test]
fn before_there_is_a_connection() {
    let mut stage = Stage::new(80, 12);
    check("connecting", &stage);
    stage.update(Message::Session(backchat::app::session::Message::CannotConnect(
        "connection refused".into(),
    )));
    stage.chat(ClientChatEvent::Disconnected { reason: DisconnectReason::CannotConnect });
    stage.chat(ClientChatEvent::Reconnecting { after: Duration::from_millis(1_300) });
    check("cannot_connect", &stage);
}

#[test]
fn people_talk() {
    let mut stage = plays::readme();
    check("chat", &stage);
    stage.update(Message::Resized(Size { columns: 40, rows: 10 }));
    check("chat_narrow", &stage);
    stage.update(Message::Resized(Size { columns: 160, rows: 40 }));
    check("chat_wide", &stage);
}

#[test]
fn each_state_of_a_download() {
    let mut stage = Stage::joined(80, 16);
    stage.keys(&["/get book.bin", "Enter"]);
    let second = stage.begins("my notes.txt", 1_000_000, 0);
    stage.progress(second, 420_000, 1_000_000, 100_000);
    let third = stage.begins("held", 1_000_000, 250_000);
    stage.download(third, DownloadEvent::Paused);
    let fourth = stage.begins("whole", 1_000_000, 0);
    stage.progress(fourth, 1_000_000, 1_000_000, 2_000_000);
    check("downloads", &stage);
    stage.begins("fifth", 10, 0);
    check("downloads_many", &stage);
    let summary = Summary {
        size: 1_000_000,
        resumed_from: 0,
        took: Duration::from_millis(2_500),
        segments_received: 834,
        duplicates: 2,
        discarded: 17,
        round_trip: Some(Duration::from_millis(30)),
        hash: Hash([0xab; 32]),
    };
    stage.download(fourth, DownloadEvent::Finished(summary));
    let full = FailReason::Local(LocalError::NoSpace);
    stage.download(
        second,
        DownloadEvent::Failed {
            reason: full,
            message: "no space is left".into(),
            kept: 420_000,
            away: false,
        },
    );
    stage.download(
        third,
        DownloadEvent::Failed {
            reason: FailReason::Stopped,
            message: "stopped".into(),
            kept: 250_000,
            away: false,
        },
    );
    check("downloads_over", &stage);
}

#[test]
fn a_download_from_inside() {
    let mut stage = Stage::joined(100, 34);
    plays::breathing(&mut stage);
    stage.keys(&["F2"]);
    check("inspector", &stage);
    stage.update(Message::Resized(Size { columns: 40, rows: 10 }));
    check("inspector_narrow", &stage);
    stage.keys(&["F2"]);
    assert!(stage.screen().contains("ann:") || stage.screen().contains("book.bin"), "back in the chat");
    let mut short = Stage::joined(80, 24);
    plays::short(&mut short);
    short.keys(&["F2"]);
    check("inspector_short", &short);
    let mut empty = Stage::joined(80, 8);
    empty.keys(&["F2"]);
    check("inspector_empty", &empty);
}

#[test]
fn help_lists_every_command_with_an_example_and_every_key() {
    let mut stage = Stage::joined(100, 30);
    stage.keys(&["F1"]);
    check("help", &stage);
    stage.keys(&["PageDown", "PageDown", "PageDown"]);
    check("help_end", &stage);
    stage.keys(&["Esc"]);
    assert!(stage.screen().contains("Be kind."));
}

#[test]
fn what_is_new_is_marked_while_somebody_reads_what_is_old() {
    let mut stage = Stage::joined(72, 12);
    for number in 0..30 {
        stage.says("bob", &format!("line {number}"));
    }
    stage.keys(&["PageUp"]);
    stage.says("carol", "what came meanwhile");
    stage.says("bob", "and after it");
    check("scrolled_up", &stage);
    stage.keys(&["C-Down", "C-Down", "C-Down"]);
    check("scrolled_to_the_new", &stage);
    stage.keys(&["PageDown", "PageDown"]);
    assert!(stage.app.scrollback().is_at_bottom() && stage.app.scrollback().unread() == 0);
}

#[test]
fn ten_thousand_lines_are_scrolled_to_their_beginning() {
    let mut stage = Stage::joined(72, 12);
    for number in 0..10_050 {
        stage.says("bob", &format!("line {number}"));
    }
    for _ in 0..1_300 {
        stage.keys(&["PageUp"]);
    }
    check("scrolled_to_the_beginning", &stage);
}

#[test]
fn wide_combining_and_right_to_left_text_keeps_its_columns() {
    let mut stage = Stage::joined(72, 12);
    stage.says("bob", "日本語のテキストは二列を使うので、行の折り返しと列の位置は正しくなければならない。");
    stage.says("carol", "שלום עולם، مرحبا بالعالم");
    stage.says("bob", "e\u{301}a\u{308}o\u{302} 👋🏽 🇩🇪 ❤ नमस्ते");
    stage.says("carol", "👩‍👩‍👧‍👦|🏳️‍🌈|👩🏽‍💻|🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}|, alone \u{200d}");
    stage.keys(&["日本語 e\u{301} 👋🏽", "Left"]);
    check("scripts", &stage);
}

#[test]
fn hostile_names_and_texts_move_nothing() {
    let mut stage = Stage::joined(72, 14);
    stage.says("eve", "\u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m");
    stage.says("eve", "harmless\n12:00 -- ann left\r\n\tand more");
    stage.says("eve", "\u{202e}exe.txt\u{2066}\u{200b}");
    stage.says("eve", &"x".repeat(400));
    stage.frame(r#"{"type":"notice","text":"\u001b[31mred"}"#);
    stage.keys(&["/get '\u{202e}gpj.exe'", "Enter"]);
    check("hostile", &stage);
}

#[test]
fn a_lost_server_is_told_with_a_way_on() {
    let mut stage = Stage::joined(80, 14);
    let book = stage.begins("book.bin", 1_000_000, 0);
    stage.progress(book, 420_000, 1_000_000, 100_000);
    stage.keys(&["half a thought"]);
    stage.loses(7_200);
    stage.tick(200);
    check("lost", &stage);
    // It was restarted: another session, and the download goes on in it by itself.
    stage.chat(ClientChatEvent::Connected);
    stage.chat(ClientChatEvent::Joined { resumed: false, new_epoch: true });
    stage.download(
        book,
        DownloadEvent::Failed {
            reason: FailReason::Lost,
            message: "lost".into(),
            kept: 420_000,
            away: false,
        },
    );
    let gets = stage.asked.iter().filter(|command| matches!(command, Command::Get { .. })).count();
    assert_eq!(gets, 2, "{:?}", stage.asked);
    check("back_again", &stage);
}

#[test]
fn a_download_waits_for_a_server_that_stays_away() {
    let mut stage = Stage::joined(80, 14);
    let book = stage.begins("book.bin", 1_000_000, 0);
    stage.progress(book, 420_000, 1_000_000, 100_000);
    stage.loses(7_200);
    // The window is told when the picture changes, and no earlier.
    let wait = stage.app.deadline().expect("a second that is counted") - stage.app.now();
    stage.tick(u64::try_from(wait.as_millis()).expect("short"));
    assert!(stage.screen().contains("42 %  97.66 KiB/s"), "{}", stage.screen());
    stage.tick(4_000);
    check("stalled", &stage);
    let silence = || DownloadEvent::Failed {
        reason: FailReason::TimedOut,
        message: "nothing was heard".into(),
        kept: 420_000,
        away: false,
    };
    stage.download(book, silence());
    check("stays_away", &stage);
    stage.chat(ClientChatEvent::Connected);
    stage.chat(ClientChatEvent::Joined { resumed: false, new_epoch: true });
    let gets =
        |stage: &Stage| stage.asked.iter().filter(|command| matches!(command, Command::Get { .. })).count();
    assert_eq!(gets(&stage), 2, "{:?}", stage.asked);
    // A server that is there and sends nothing is another matter.
    stage.download(backchat_core::node::DownloadId(2), silence());
    assert_eq!(gets(&stage), 2, "{:?}", stage.asked);
    assert!(stage.screen().contains("!! book.bin: nothing was heard"), "{}", stage.screen());
}

#[test]
fn a_nickname_that_is_taken_is_told_with_a_way_on() {
    let mut stage = Stage::new(80, 10);
    stage.chat(ClientChatEvent::Connected);
    let mut error = ErrorFrame::new(None, ErrorCode::NickTaken, "ann is taken");
    error.suggestion = backchat_core::chat::Nickname::parse("ann2").ok();
    stage.chat(ClientChatEvent::Refused(error));
    stage.keys(&["hello", "Enter"]);
    check("taken", &stage);
    stage.keys(&["C-u", "/nick ann2", "Enter"]);
    let again = backchat::app::window::Ending::Again(
        backchat_core::chat::Nickname::parse("ann2").expect("a nickname"),
    );
    assert_eq!(stage.app.ending(), again);
}

#[test]
fn a_search_shows_what_it_finds_where_one_types() {
    let mut stage = Stage::joined(72, 10);
    stage.keys(&["/get book.bin", "Enter", "hello", "Enter", "C-r", "oo"]);
    check("search", &stage);
    stage.keys(&["x"]);
    check("search_failed", &stage);
}

#[test]
fn a_message_of_many_lines_keeps_them_together() {
    let mut stage = Stage::joined(72, 12);
    stage.says("eve", &"\n".repeat(30));
    stage.says("bob", "first line\n  second line, which is long enough to be broken somewhere\n\nlast");
    stage.says("eve", "hello\n12:00 -- ann left");
    stage.keys(&["one", "M-Enter", "two"]);
    check("lines", &stage);
}

#[test]
fn a_server_of_another_version_is_told_with_a_way_on() {
    let mut stage = Stage::joined(80, 12);
    stage.loses(1_000);
    stage.chat(ClientChatEvent::Connected);
    let message =
        "the server speaks version 2 of the protocol and this client version 1; another client is needed";
    stage.chat(ClientChatEvent::Refused(ErrorFrame::new(None, ErrorCode::AnotherVersion, message)));
    check("another_version", &stage);
    stage.keys(&["/reconnect", "Enter"]);
    assert!(matches!(stage.app.ending(), backchat::app::window::Ending::Again(_)));
}

#[test]
fn questions_stand_where_one_types() {
    let mut stage = Stage::joined(72, 10);
    stage.update(Message::Paste("one\ntwo\n/quit\n".into()));
    check("question_paste", &stage);
    stage.keys(&["n", "C-c"]);
    check("question_leave", &stage);
    stage.keys(&["n"]);
    let mut stage = Stage::with(72, 10, Session::asking_halfway);
    stage.join(&["ann"]);
    let book = stage.begins("book.bin", 1_000, 0);
    stage.progress(book, 500, 1_000, 100);
    stage.download(book, DownloadEvent::Paused);
    stage.tick(3_000);
    check("question_halfway", &stage);
}

#[test]
fn a_window_of_any_size_is_drawn() {
    let mut stage = plays::readme();
    for columns in (0..24).chain([40, 64, 100]) {
        for rows in 0..12 {
            stage.update(Message::Resized(Size { columns, rows }));
            for front in ["F1", "Esc", "F2", "Esc"] {
                stage.keys(&[front]);
                stage.drawn();
            }
        }
    }
}

#[test]
fn the_readmes_picture_is_what_the_command_draws() {
    let mut terminal = plays::readme().drawn();
    let cursor = terminal.get_cursor_position().expect("a cursor");
    let expected = svg::draw(terminal.backend().buffer(), (cursor.x, cursor.y));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tui.svg");
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "run: cargo run -p backchat --example screenshot > docs/tui.svg");
}

/// Anything at all, with much of what could hurt.
fn anything() -> impl Strategy<Value = String> {
    let hurting = prop_oneof![
        Just("\u{1b}[2J".to_owned()),
        Just("\u{9b}31m".to_owned()),
        Just("\r\n".to_owned()),
        Just("\u{202e}".to_owned()),
        Just("\u{7}".to_owned()),
        Just("\u{200d}".to_owned()),
        Just("👩".to_owned()),
        Just("🏴\u{e0067}".to_owned()),
        any::<char>().prop_map(String::from),
        "\\PC{0,8}",
        prop::collection::vec(any::<u8>(), 0..12)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ];
    prop::collection::vec(hurting, 0..12).prop_map(|parts| parts.concat())
}

/// Whether a terminal that shows this does nothing else: by what the program says of it, and by what no program may say.
fn is_harmless(text: &str) -> bool {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    is_printable(text) && !text.chars().any(acts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_output_holds_a_control_character(name in anything(), text in anything(), typed in anything()) {
        let json = |value: &str| serde_json::Value::from(value).to_string();
        let frames = [
            format!(r#"{{"type":"message","number":900,"at":"2026-11-22T12:00:00Z","from":{},"text":{}}}"#, json(&name), json(&text)),
            format!(r#"{{"type":"message","number":901,"at":"2026-11-22T12:00:00Z","from":"eve","text":{}}}"#, json(&text)),
            format!(r#"{{"type":"private","number":902,"at":"2026-11-22T12:00:00Z","from":"eve","to":"ann","text":{}}}"#, json(&text)),
            format!(r#"{{"type":"joined","nick":{}}}"#, json(&name)),
            format!(r#"{{"type":"left","nick":"eve","reason":{}}}"#, json(&text)),
            format!(r#"{{"type":"files","files":[{{"name":{},"size":7,"modified":"2026-11-22T12:00:00Z"}}]}}"#, json(&name)),
            format!(r#"{{"type":"error","code":{},"message":{}}}"#, json(&name), json(&text)),
            format!(r#"{{"type":"notice","text":{}}}"#, json(&text)),
            format!(r#"{{"type":"closing","reason":{}}}"#, json(&text)),
        ];
        let mut stage = Stage::joined(60, 20);
        let nick = backchat_core::chat::Nickname::parse("ann").expect("a nickname");
        let mut session = Session::new("h:7", nick, Curiosity::Lines);
        for frame in &frames {
            // What is no frame never comes so far.
            let Ok(frame) = backchat_core::chat::ServerFrame::decode(frame.as_bytes()) else { continue };
            let object = backchat::cli::render::json::frame(frame.clone(), None);
            prop_assert!(!object.chars().any(is_hidden), "{object:?}");
            let event = backchat_core::node::ClientEvent::Chat(ClientChatEvent::Frame(frame.clone()));
            for effect in session.update(backchat_core::time::Instant::ZERO, backchat::app::session::Message::Client(event)) {
                let backchat::app::session::Effect::Tell(happening) = effect else { continue };
                for line in plain::lines(&happening, backchat_core::time::UnixTime::from_millis(0)) {
                    let line = line.to_string();
                    prop_assert!(is_harmless(&line), "{line:?}");
                }
            }
            stage.chat(ClientChatEvent::Frame(frame));
        }
        stage.update(Message::Type(typed.clone()));
        stage.update(Message::Paste(typed));
        for row in rows(stage.drawn().backend().buffer()) {
            prop_assert!(is_harmless(&row), "{row:?}");
        }
    }
}
