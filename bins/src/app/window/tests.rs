//! What keys and clicks make of a window, as data: names of keys, and text as it is.

mod chosen;

use backchat_core::chat::client::ClientChatEvent;
use backchat_core::chat::{RequestId, ServerFrame};
use backchat_core::node::ClientEvent;

use super::*;
use crate::app::keymap::Keymap;
use crate::app::session::Curiosity;
use crate::driver::application::{Command, Receipt};

struct Bench {
    app: App,
    now: Instant,
    requests: u64,
    asked: Vec<String>,
    exits: usize,
}

impl Bench {
    fn new() -> Self {
        let session = Session::new("h:7", Nickname::parse("ann").expect("a nickname"), Curiosity::Panes);
        let app = App::new(session, Settings::default(), Size { columns: 80, rows: 20 });
        Self { app, now: Instant::ZERO, requests: 0, asked: Vec::new(), exits: 0 }
    }

    fn joined() -> Self {
        let mut bench = Self::new();
        bench.chat(ClientChatEvent::Connected);
        bench.chat(ClientChatEvent::Joined { resumed: false, new_epoch: false });
        bench.frame(
            r#"{"type":"names","id":1,"names":[{"nick":"ann"},{"nick":"bob"},{"nick":"bea"}],"more":false}"#,
        );
        bench.frame(
            r#"{"type":"files","id":2,"files":[{"name":"my book","size":7,"modified":"2026-11-22T12:00:00Z"}],"more":false}"#,
        );
        bench.asked.clear();
        bench
    }

    fn update(&mut self, message: Message) {
        for effect in self.app.update(self.now, UnixTime::from_millis(0), message) {
            match effect {
                Effect::Ask(asked) => {
                    self.asked.push(words(&asked.command));
                    self.requests += 1;
                    let receipt = Receipt::Request(RequestId::Number(self.requests));
                    self.update(Message::Session(session::Message::Answered(asked, Ok(receipt))));
                }
                Effect::Exit => self.exits += 1,
                Effect::Notify(nick) => self.asked.push(format!("notify {nick}")),
                Effect::Mouse(mouse) => self.asked.push(format!("mouse {mouse:?}")),
                Effect::Log(line) => self.asked.push(format!("log {line}")),
                Effect::Keep(_) | Effect::Bell | Effect::Redraw | Effect::Suspend => {}
            }
        }
    }

    fn chat(&mut self, event: ClientChatEvent) {
        self.update(Message::Session(session::Message::Client(ClientEvent::Chat(event))));
    }

    fn frame(&mut self, json: &str) {
        let frame = ServerFrame::decode(json.as_bytes()).expect(json);
        self.chat(ClientChatEvent::Frame(frame));
    }

    /// What was told last.
    fn last_line(&self) -> String {
        self.app.scrollback().in_sight(80, 100).first().map(|it| it.entry.text.clone()).unwrap_or_default()
    }

    fn keys(&mut self, keys: &[&str]) {
        for key in keys {
            match Keymap::default().of_key(key) {
                Some(action) => self.update(Message::Do(action)),
                None => key.chars().for_each(|c| self.update(Message::Type(c.to_string()))),
            }
        }
    }
}

/// A command as one would type it.
fn words(command: &Command) -> String {
    match command {
        Command::Say { text, action: false } => text.clone(),
        Command::Say { text, action: true } => format!("/me {text}"),
        Command::Tell { to, text, .. } => format!("/tell {to} {text}"),
        Command::Get { request, .. } => format!("/get {}", request.file),
        Command::Names => "/names".to_owned(),
        Command::Quit => "/quit".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn keys_make_lines_and_lines_make_commands() {
    for (keys, line, asked) in [
        (&["hello", "Enter"][..], "", &["hello"][..]),
        (&["helo", "Left", "l"], "hello", &[]),
        (&["one two", "C-w", "C-a", "C-y", "Enter"], "", &["twoone "]),
        (&["b", "Tab"], "bea: ", &[]),
        (&["b", "Tab", "Tab"], "bob: ", &[]),
        (&["b", "Tab", "Tab", "Tab", "S-Tab", "hi", "Enter"], "", &["bob: hi"]),
        (&["/na", "Tab", "Enter"], "", &["/names"]),
        (&["/get m", "Tab", "Enter"], "", &["/get my book"]),
        (&["to bob psst", "Enter"], "", &["/tell bob psst"]),
        (&["to be or not", "Enter"], "", &["to be or not"]),
        (&["/nmaes", "Enter"], "/nmaes", &[]),
        (&["one", "Enter", "two", "Enter", "C-p", "C-p", "Enter"], "", &["one", "two", "one"]),
        (&["draft", "C-c", "n"], "draft", &[]),
        (&["draft", "C-c", "x"], "draftx", &[]),
        (&["draft", "C-c", "C-c"], "draft", &["/quit"]),
        (&["C-d", "y"], "", &["/quit"]),
        (&["ab", "C-a", "C-d"], "b", &[]),
        (&["F1", "a", "Esc", "b"], "ab", &[]),
        (&["/clear", "Enter", "//x", "Enter"], "", &["/x"]),
        (&["one", "M-Enter", "two", "Enter"], "", &["one\ntwo"]),
        (&["one", "C-j", "C-j", "Backspace", "two"], "one\ntwo", &[]),
        (&["one", "Enter", "two", "Enter", "C-r", "o", "C-r", "Enter"], "", &["one", "two", "one"]),
        (&["one", "Enter", "dr", "C-r", "ne", "C-g", "aft"], "draft", &["one"]),
        (&["one", "Enter", "dr", "C-r", "ne", "Esc", "aft"], "draft", &["one"]),
        (&["one", "Enter", "dr", "C-r", "ne", "C-c", "aft"], "draft", &["one"]),
        (&["one", "Enter", "C-r", "nex", "Backspace", "C-e", "!"], "one!", &["one"]),
    ] {
        let mut bench = Bench::joined();
        bench.keys(keys);
        assert_eq!(bench.app.editor().text(), line, "{keys:?}");
        assert_eq!(bench.asked, asked, "{keys:?}");
    }
}

#[test]
fn what_was_pasted_is_never_run() {
    for (pasted, keys, line, asked) in [
        ("/quit", &[][..], "/quit", &[][..]),
        ("/home/ann/x y", &[], "", &[]),
        ("/home/ann/x y", &["x", "n"], "", &[]),
        ("/home/ann/x y", &["Enter"], "//home/ann/x y", &[]),
        ("/home/ann/x y", &["Enter", "Enter"], "", &["/home/ann/x y"]),
        ("'/home/ann/x y' ", &["Esc"], "", &[]),
        (r"/home/ann/x\ y", &["n"], "", &[]),
        ("file:///home/ann/x", &["n"], "", &[]),
        (r"C:\Users\ann\x", &["n"], "", &[]),
        ("http://example.org/", &[], "http://example.org/", &[]),
        ("a\tb\u{1b}[2J", &[], "a\tb[2J", &[]),
        ("/quit\nb\n", &["s"], "", &["/quit\nb"]),
        ("\n  if x {\n\n\ty();\n  }\n\n", &["s"], "", &["  if x {\n\n\ty();\n  }"]),
        ("a\r\nb", &["o"], "a b", &[]),
        ("/quit\nb", &["m"], "//quit\nb", &[]),
        ("/quit\nb", &["Enter", "Enter"], "", &["/quit\nb"]),
        ("a\nb", &["m", "Enter"], "", &["a\nb"]),
        ("a\nb", &["Enter"], "a\nb", &[]),
        ("a\nb", &["n"], "", &[]),
        ("a\nb", &["Tab", "x", "s"], "", &["a\nb"]),
        ("\n\n", &[], "", &[]),
    ] {
        let mut bench = Bench::joined();
        bench.update(Message::Paste(pasted.to_owned()));
        bench.keys(keys);
        assert_eq!(bench.app.editor().text(), line, "{pasted:?} {keys:?}");
        assert_eq!(bench.asked, asked, "{pasted:?} {keys:?}");
    }
    for (pasted, told) in [
        (
            "x\n".repeat(1001),
            "2001 bytes in 1001 lines were not pasted, at most 64 KiB and 1000 lines can be: share a file",
        ),
        (
            "x".repeat(70_000),
            "70000 bytes in 1 lines were not pasted, at most 64 KiB and 1000 lines can be: share a file",
        ),
    ] {
        let mut bench = Bench::joined();
        bench.update(Message::Paste(pasted));
        assert_eq!((bench.app.question(), bench.app.editor().text()), (None, ""));
        assert_eq!(bench.last_line(), told);
    }
    // What does not fit beside what is typed, and what no message holds.
    let mut bench = Bench::joined();
    bench.keys(&["hello"]);
    bench.update(Message::Paste("x".repeat(64 * 1024)));
    assert!(bench.last_line().starts_with("65536 bytes were not put into the line"), "{}", bench.last_line());
    bench.update(Message::Paste(format!("short\n{}", "x".repeat(20_000))));
    bench.keys(&["s"]);
    assert!(bench.last_line().starts_with("nothing was sent: line 2 "), "{}", bench.last_line());
    assert_eq!((bench.asked.len(), bench.app.editor().text()), (0, "hello"));
}

#[test]
fn what_was_pasted_goes_out_in_its_turn_and_can_be_taken_back() {
    let mut bench = Bench::joined();
    let lines: Vec<String> = (0..150).map(|number| format!("line {number}")).collect();
    bench.update(Message::Paste(lines.join("\n")));
    bench.keys(&["s"]);
    // Twenty lines a message, and the next when the one before was taken; a word to one alone does not wait for them.
    assert_eq!(bench.asked.len(), 1);
    bench.keys(&["/tell bob psst", "Enter", "see above", "Enter"]);
    assert_eq!(bench.asked[1..], ["/tell bob psst"]);
    bench.frame(r#"{"type":"accepted","id":3,"number":1}"#);
    assert!(bench.asked[2].starts_with("line 20\n"), "{:?}", bench.asked);
    // Whoever leaves is told what would be lost.
    assert_eq!(bench.app.session().unsent(), 9);
    bench.keys(&["/quit", "Enter"]);
    assert!(matches!(bench.app.question(), Some(Question::Leave { .. })));
    bench.keys(&["n", "/cancel", "Enter"]);
    assert_eq!(bench.last_line(), "7 messages taken back, and not sent");
    bench.frame(r#"{"type":"accepted","id":5,"number":3}"#);
    assert_eq!(bench.asked.len(), 3);
    // What goes on waiting when the chat ends for good is told.
    bench.update(Message::Paste(lines.join("\n")));
    bench.keys(&["s"]);
    bench.chat(ClientChatEvent::GaveUp);
    let told = |bench: &Bench, what: &str| {
        bench.app.scrollback().in_sight(80, 100).iter().any(|it| it.entry.text == what)
    };
    assert!(told(&bench, "7 messages that waited: not sent"));
}

#[test]
fn a_click_prepares_what_one_does_with_what_is_there() {
    let mut bench = Bench::joined();
    let people = bench.app.layout().people;
    bench.update(Message::Click { column: people.x + 2, row: people.y + 3 });
    assert_eq!(bench.app.editor().text(), "/tell bob ");
    let files = bench.app.layout().files;
    bench.update(Message::Click { column: files.x, row: files.y + 1 });
    assert_eq!(bench.app.editor().text(), "/get 'my book'");
    for (column, row) in
        [(0, 0), (people.x, people.y), (files.x, files.y), (files.x, files.y + 2), (200, 200)]
    {
        bench.update(Message::Click { column, row });
        assert_eq!(bench.app.editor().text(), "/get 'my book'");
    }
}

#[test]
fn somebody_ignored_is_not_heard_under_another_name_either() {
    let mut bench = Bench::joined();
    let said = |from: &str, number: u64| {
        format!(
            r#"{{"type":"message","number":{number},"at":"2026-11-22T12:00:00Z","from":"{from}","text":"noise"}}"#
        )
    };
    let seen = |bench: &Bench| {
        bench.app.scrollback().in_sight(80, 100).iter().filter(|it| it.entry.text == "noise").count()
    };
    bench.frame(&said("bob", 1));
    bench.keys(&["/ignore BOB", "Enter"]);
    bench.frame(&said("bob", 2));
    bench.frame(r#"{"type":"renamed","from":"bob","to":"rob"}"#);
    bench.frame(&said("rob", 3));
    assert_eq!(seen(&bench), 1);
    bench.keys(&["/ignore rob", "Enter"]);
    bench.frame(&said("rob", 4));
    assert_eq!(seen(&bench), 2);
}

#[test]
fn a_reply_goes_to_whoever_spoke_last_to_us_alone() {
    let mut bench = Bench::joined();
    bench.keys(&["/reply hi", "Enter"]);
    assert!(bench.asked.is_empty());
    for (from, to, number) in [("bob", "ann", 1), ("bea", "ann", 2), ("ann", "bob", 3)] {
        bench.frame(&format!(
            r#"{{"type":"private","number":{number},"at":"2026-11-22T12:00:00Z","from":"{from}","to":"{to}","text":"psst"}}"#
        ));
    }
    bench.keys(&["/reply hi", "Enter"]);
    assert_eq!(bench.asked, ["/tell bea hi"]);
    // Who speaks while the answer is typed does not get it.
    bench.keys(&["/r see"]);
    bench.frame(
        r#"{"type":"private","number":4,"at":"2026-11-22T12:00:00Z","from":"bob","to":"ann","text":"psst"}"#,
    );
    bench.keys(&[" you", "Enter"]);
    assert_eq!(bench.asked[1..], ["/tell bea see you"]);
}

#[test]
fn a_secret_stays_one_while_nobody_knows_who_is_here() {
    let mut bench = Bench::joined();
    bench.chat(ClientChatEvent::Disconnected { reason: backchat_core::chat::client::DisconnectReason::Lost });
    bench.keys(&["to bob psst", "Enter"]);
    assert_eq!((bench.asked.len(), bench.app.editor().text()), (0, "to bob psst"));
}

#[test]
fn the_question_whether_to_leave_goes_away_by_itself() {
    let mut bench = Bench::joined();
    bench.keys(&["C-c"]);
    let until = bench.app.deadline().expect("a question ends");
    bench.now = until;
    bench.update(Message::Tick);
    assert_eq!((bench.app.question(), bench.app.deadline()), (None, None));
}

#[test]
fn who_comes_and_goes_has_one_line_and_every_day_its_own() {
    let mut bench = Bench::joined();
    let lines = |bench: &Bench| {
        let seen = bench.app.scrollback().in_sight(80, 100);
        seen.iter().rev().map(|it| it.entry.text.clone()).collect::<Vec<_>>()
    };
    let said = |number: u64, day: u8| {
        format!(
            r#"{{"type":"message","number":{number},"at":"1970-01-{day:02}T12:00:00Z","from":"bob","text":"hello"}}"#
        )
    };
    bench.keys(&["/clear", "Enter"]);
    for frame in [
        r#"{"type":"joined","nick":"eve"}"#,
        r#"{"type":"joined","nick":"dan"}"#,
        r#"{"type":"left","nick":"eve","reason":"left"}"#,
    ] {
        bench.frame(frame);
    }
    bench.frame(&said(1, 1));
    bench.frame(r#"{"type":"left","nick":"dan","reason":"left"}"#);
    assert_eq!(lines(&bench), ["dan joined · eve came and went", "hello", "dan left"]);
    bench.frame(&said(2, 2));
    bench.frame(&said(3, 2));
    assert_eq!(lines(&bench)[3..], ["Friday, 2 January 1970 ———", "hello", "hello"]);
}

#[test]
fn what_is_meant_for_us_is_told_to_whoever_looks_away() {
    let mut bench = Bench::joined();
    let told = |number: u64| {
        format!(
            r#"{{"type":"private","number":{number},"at":"2026-11-22T12:00:00Z","from":"bob","to":"ann","text":"\u001b]9;x\u0007"}}"#
        )
    };
    bench.frame(&told(1));
    assert_eq!((bench.asked.len(), bench.app.title()), (0, Some("backchat ann @ h:7".to_owned())));
    bench.update(Message::Focus(false));
    bench.frame(&told(2));
    assert_eq!(
        (bench.asked.as_slice(), bench.app.title()),
        (&["notify bob".to_owned()][..], Some("(1) backchat ann @ h:7".to_owned()))
    );
    bench.update(Message::Focus(true));
    bench.frame(&told(3));
    assert_eq!((bench.asked.len(), bench.app.title()), (1, Some("backchat ann @ h:7".to_owned())));
}

#[test]
fn what_was_said_is_found_again() {
    let mut bench = Bench::joined();
    for number in 0..40_u64 {
        bench.frame(&format!(
            r#"{{"type":"message","number":{},"at":"2026-11-22T12:00:00Z","from":"bob","text":"Tea {number}"}}"#,
            number + 1
        ));
    }
    let last = |bench: &Bench| bench.last_line();
    bench.keys(&["/find tea 2", "Enter"]);
    assert_eq!(last(&bench), "Tea 29");
    bench.keys(&["C-s"]);
    assert_eq!(last(&bench), "Tea 28");
    bench.keys(&["/find tea 39", "Enter", "/find", "Enter"]);
    assert_eq!(last(&bench), "nothing further up holds 'tea 39'");
    bench.keys(&["/find", "Enter"]);
    assert_eq!(last(&bench), "find what? write /find TEXT");
}
