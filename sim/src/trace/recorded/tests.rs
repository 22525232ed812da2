use super::*;
use crate::trace::json;

/// The trace of a run that has only begun and ended.
fn trace() -> Vec<u8> {
    let header = Header { scenario: "s".into(), seed: 1, engine: "e".into() };
    let mut lines = json::Lines::new(Vec::new(), &header);
    let mut hash = TraceHash::new();
    for (at, life) in [(1, 0), (2, 1)] {
        let record = Record {
            at: Instant::from_nanos(at),
            node: "ann".into(),
            event: crate::trace::RunEvent::Started { life }.into(),
        };
        hash.add(&record);
        lines.record(&record).expect("memory");
    }
    lines.finish(2, hash.finish()).expect("memory")
}

fn said(bytes: &[u8]) -> String {
    read(bytes).expect_err("it is none").to_string()
}

/// A whole trace with these lines for its records.
fn with(lines: &str) -> String {
    let trace = String::from_utf8(trace()).expect("it is ours");
    let (header, end) = (trace.lines().next().expect("a header"), trace.lines().last().expect("an end"));
    said(format!("{header}\n{lines}\n{end}\n").as_bytes())
}

#[test]
fn what_is_no_trace_is_said() {
    let cases: [(&[u8], &str); 6] = [
        (b"", "1:1: an empty file; expected a trace's header: {\"format\":\"backchat-trace\",…}"),
        (b"[]\n", "1:1: JSON that is no object; expected one JSON object a line"),
        (b"{}\n", "1:1: another format; expected \"format\":\"backchat-trace\""),
        (b"about = \"a scenario\"\n", "1:1: expected value; expected one JSON object a line"),
        (b"{\"format\":\"\xff\"}\n", "1:1: bytes that are not UTF-8; expected one JSON object a line"),
        (
            b"{\"format\":\"backchat-trace\",\"version\":1}\n",
            "1:28: version 1, of an older build; expected version 3: record it again with this build, or read it with the build that \
             wrote it",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(said(bytes), expected);
    }
    let long = vec![b' '; MAX_LINE + 1];
    assert_eq!(said(&long), "1:1: a longer line; expected at most 262144 bytes");
}

#[test]
fn a_wrong_line_is_named_with_what_was_expected() {
    let cases = [
        ("{}", "2:1: no time; expected \"at\": a number of nanoseconds"),
        ("{\"at\":-1,\"node\":\"a\"}", "2:2: no time; expected \"at\": a number of nanoseconds"),
        ("{\"at\":1,\"node\":3}", "2:9: no node; expected \"node\": a text"),
        (
            "{\"at\":1,\"node\":\"ü\",\"event\":\"sim:startet\"}",
            "2:20: event \"sim:startet\"; expected a known event, such as \"sim:started\"",
        ),
        (
            "{\"at\":1,\"node\":\"a\",\"event\":\"sim:started\"}",
            "2:1: sim:started without \"life\"; expected \"life\": a whole number",
        ),
        (
            "{\"at\":1,\"node\":\"a\",\"event\":\"sim:started\",\"life\":-1}",
            "2:42: sim:started: \"life\" is -1; expected \"life\": a whole number",
        ),
        (
            "{\"at\":1,\"node\":\"a\",\"event\":\"sim:healed\",\"x\":1}",
            "2:41: \"x\" in sim:healed; expected only the fields of that event",
        ),
        (
            "{\"at\":1,\"node\":\"a->server\",\"event\":\"net:offered\",\"ordinal\":1,\"length\":1,\"what\":\"date@1\"}",
            "2:73: net:offered: \"what\" is \"date@1\"; expected \"what\": what a datagram is, such as \"data@12000#2\"",
        ),
        (
            "{\"at\":2,\"node\":\"a\",\"event\":\"sim:healed\"}\n{\"at\":1,\"node\":\"a\",\"event\":\"sim:healed\"}",
            "3:2: a record at 1 ns; expected one at 2 ns or later",
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(with(line), expected, "{line}");
    }
}

#[test]
fn a_trace_that_was_cut_short_is_known_wherever_it_was_cut() {
    let whole = trace();
    assert!(read(whole.as_slice()).is_ok());
    for length in 0..whole.len() - 1 {
        let error = read(&whole[..length]).expect_err("it is none");
        let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        // A line that has lost nothing but its line feed is still one.
        let line = lines + if whole[length] == b'\n' { 2 } else { 1 };
        assert_eq!(error.line, line, "at byte {length}: {error}");
    }
    // Whole lines that are missing are told from JSON that is torn.
    let without_end = whole.split_inclusive(|byte| *byte == b'\n').take(2).collect::<Vec<_>>().concat();
    assert_eq!(
        said(&without_end),
        "3:1: the end of the file; expected a trace's end, {\"end\":\"backchat-trace\",…}: it was cut short"
    );
    let twice = [whole.clone(), whole].concat();
    assert_eq!(said(&twice), "5:1: a line behind the trace's end; expected none");
}

#[test]
fn a_trace_that_was_edited_is_read_and_known() {
    let edited = |from: &str, to: &str| {
        let trace = String::from_utf8(trace()).expect("it is ours").replace(from, to);
        read(trace.as_bytes()).expect("a trace").edited.expect("it was edited")
    };
    let error = edited("\"life\":1", "\"life\":2");
    assert_eq!((error.line, error.column), (4, 37));
    assert!(error.expected.ends_with(", that of the records: it was edited"), "{error}");
    let error = edited("\"records\":2", "\"records\":3");
    assert_eq!(error.to_string(), "4:25: an end of 3 records; expected 2, as there are: it was edited");
}

#[test]
fn what_an_error_quotes_is_made_visible() {
    for strange in ["\u{202e}", "\u{7f}", "\u{200b}"] {
        let header = String::from_utf8(trace()).expect("it is ours");
        let header = header.lines().next().expect("a header");
        for line in [
            format!("{{\"at\":\"{strange}\"}}"),
            format!("{{\"at\":0,\"node\":\"a\",\"event\":\"{strange}\"}}"),
        ] {
            let error = said(format!("{header}\n{line}\n").as_bytes());
            assert!(!error.contains(backchat_core::text::is_hidden), "{error:?}");
        }
    }
}
