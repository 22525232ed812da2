//! What a person has chosen: whose the mouse is, keys, links, a log.

use super::*;
use crate::app::input::Mouse;
use crate::app::links::Link;
use crate::app::settings::Links;

fn with(settings: Settings) -> Bench {
    let mut bench = Bench::joined();
    let session = Session::new("h:7", Nickname::parse("ann").expect("a nickname"), Curiosity::Panes);
    bench.app = App::new(session, settings, Size { columns: 80, rows: 20 });
    bench.chat(ClientChatEvent::Connected);
    bench.chat(ClientChatEvent::Joined { resumed: false, new_epoch: false });
    bench.asked.clear();
    bench
}

fn said(text: &str) -> String {
    let text = serde_json::to_string(text).expect("a string");
    format!(r#"{{"type":"message","number":1,"at":"2026-11-22T12:00:00Z","from":"bob","text":{text}}}"#)
}

#[test]
fn the_mouse_changes_hands_while_the_window_is_open() {
    let mut bench = Bench::joined();
    bench.keys(&[
        "/mouse off",
        "Enter",
        "F3",
        "/mouse",
        "Enter",
        "/mouse off",
        "Enter",
        "/mouse on",
        "Enter",
    ]);
    let expected = [Mouse::Theirs, Mouse::Ours, Mouse::Theirs, Mouse::Theirs, Mouse::Ours];
    assert_eq!(bench.asked, expected.map(|mouse| format!("mouse {mouse:?}")));
    assert!(bench.last_line().contains("the window's"), "{}", bench.last_line());
    bench.keys(&["/mouse maybe", "Enter"]);
    assert_eq!(bench.asked.len(), expected.len());
    // It is at first as it was chosen.
    let mut bench = with(Settings { mouse: Mouse::Theirs, ..Settings::default() });
    bench.keys(&["F3"]);
    assert_eq!(bench.asked, ["mouse Ours"]);
}

#[test]
fn what_others_say_is_logged_once_as_plain_lines() {
    let mut bench = with(Settings { is_logged: true, ..Settings::default() });
    bench.frame(&said("a\u{1b}[31m\nb"));
    bench.frame(r#"{"type":"joined","nick":"eve"}"#);
    bench.frame(r#"{"type":"joined","nick":"dan"}"#);
    bench.frame(&said("before").replace("}", r#","backlog":true}"#));
    assert_eq!(
        bench.asked,
        [r"log 12:00:00Z bob: a\u{1b}[31m\nb", "log 00:00:00Z -- eve joined", "log 00:00:00Z -- dan joined",]
    );
    bench.update(Message::NotLogged("the disk is full".to_owned()));
    assert!(bench.last_line().contains("the disk is full"));
}

#[test]
fn addresses_are_links_where_the_terminal_takes_them() {
    let text = "see https://a.example/\u{1b}]8;; now";
    let links = |settings| {
        let mut bench = with(settings);
        bench.frame(&said(text));
        bench.app.scrollback().in_sight(80, 100).first().map(|it| it.entry.links.clone()).expect("a line")
    };
    let to = "https://a.example/".to_owned();
    let clickable = Settings { links: Links::Clickable { host: "box".into() }, ..Settings::default() };
    assert_eq!(links(clickable), [Link { range: 4..22, to }]);
    assert_eq!(links(Settings::default()), []);
}
