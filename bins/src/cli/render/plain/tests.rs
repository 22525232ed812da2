//! Every kind of frame, as it stands on a terminal.

use super::*;

const NOW: UnixTime = UnixTime::from_millis(1_795_348_805_123);

/// The lines of a frame as it comes from the wire.
fn lines(json: &str) -> Vec<String> {
    let frame = ServerFrame::decode(json.as_bytes()).expect(json);
    super::lines(&Happening::Frame { frame, id: None }, NOW).iter().map(Line::to_string).collect()
}

#[test]
fn every_frame_that_people_read_is_a_line() {
    for (json, expected) in [
        (r#"{"type":"joined","nick":"bob"}"#, "12:00:05Z -- bob joined"),
        (r#"{"type":"left","nick":"bob","reason":"timed out"}"#, "12:00:05Z -- bob left (timed out)"),
        (r#"{"type":"left","nick":"bob","reason":"left"}"#, "12:00:05Z -- bob left"),
        (r#"{"type":"left","nick":"bob","reason":""}"#, "12:00:05Z -- bob left"),
        (r#"{"type":"renamed","from":"bob","to":"rob"}"#, "12:00:05Z -- bob is now rob"),
        (
            r#"{"type":"message","number":7,"at":"2026-11-22T13:30:00Z","from":"bob","text":"hello"}"#,
            "13:30:00Z bob: hello",
        ),
        (
            r#"{"type":"message","number":7,"at":"2026-11-22T13:30:00Z","from":"bob","text":"waves","action":true}"#,
            "13:30:00Z * bob waves",
        ),
        (
            r#"{"type":"message","number":7,"at":"2026-11-21T13:30:00Z","from":"bob","text":"hello","backlog":true}"#,
            "2026-11-21 13:30:00Z (earlier) bob: hello",
        ),
        (
            r#"{"type":"private","number":7,"at":"2026-11-22T13:30:00Z","from":"bob","to":"ann","text":"psst"}"#,
            "13:30:00Z bob -> ann: psst",
        ),
        (
            r#"{"type":"private","number":7,"at":"2026-11-22T13:30:00Z","from":"bob","to":"ann","text":"nods","action":true}"#,
            "13:30:00Z bob -> ann: * nods",
        ),
        (
            r#"{"type":"gap","missed":1200}"#,
            "12:00:05Z -- 1,200 messages from before this are no longer kept",
        ),
        (r#"{"type":"names","names":[{"nick":"ann"},{"nick":"bob"}]}"#, "12:00:05Z -- here: ann, bob"),
        (r#"{"type":"names","names":[]}"#, "12:00:05Z -- nobody is here"),
        (r#"{"type":"files","files":[]}"#, "12:00:05Z -- no files are shared"),
        (
            r#"{"type":"files","files":[{"name":"book.bin","size":524288,"modified":"2026-11-22T12:00:00Z"}]}"#,
            "12:00:05Z -- book.bin  512.00 KiB, changed 2026-11-22 12:00:00Z",
        ),
        (
            r#"{"type":"history","count":1,"more":true}"#,
            "12:00:05Z -- 1 message from before, older ones are kept",
        ),
        (
            r#"{"type":"error","code":"nick-taken","message":"ann is taken","suggestion":"ann2"}"#,
            "12:00:05Z !! ann is taken (nick-taken); ann2 is free",
        ),
        (r#"{"type":"notice","text":"stopping"}"#, "12:00:05Z -- the server says: stopping"),
        (
            r#"{"type":"closing","reason":"too slow"}"#,
            "12:00:05Z -- the server closes the connection: too slow",
        ),
    ] {
        assert_eq!(lines(json), [expected], "{json}");
    }
}

#[test]
fn what_only_programs_need_is_no_line() {
    for json in [r#"{"type":"accepted","id":1,"number":7}"#, r#"{"type":"ping"}"#, r#"{"type":"pong"}"#] {
        assert!(lines(json).is_empty(), "{json}");
    }
}

#[test]
fn a_greeting_keeps_its_lines() {
    let json = r#"{"type":"welcome","protocol":1,"nick":"ann","epoch":"0011223344556677","number":0,"resumed":true,
        "missed":3,"motd":"Be kind.\nAnd brief."}"#;
    assert_eq!(
        lines(json),
        [
            "12:00:05Z -- back as ann",
            "12:00:05Z -- 3 messages from meanwhile are no longer kept",
            "12:00:05Z -- Be kind.",
            "12:00:05Z -- And brief."
        ]
    );
}

#[test]
fn nothing_said_moves_the_cursor_or_makes_a_second_line() {
    let json = r#"{"type":"message","number":7,"at":"2026-11-22T13:30:00Z","from":"bob",
        "text":"a\n12:00:05Z -- ann left\u001b[2J\u202e"}"#;
    assert_eq!(lines(json), ["13:30:00Z bob: a\\n12:00:05Z -- ann left\\u{1b}[2J\\u{202e}"]);
    let json = r#"{"type":"notice","text":"\u001b]0;title\u0007"}"#;
    assert_eq!(lines(json), ["12:00:05Z -- the server says: \\u{1b}]0;title\\u{7}"]);
}
