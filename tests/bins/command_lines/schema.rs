//! What `--json` prints and reads is what `docs/client.schema.json` says.

use serde_json::Value;

use super::program::{Folder, Program, Server};

/// The schema, with what of the standard it uses: `oneOf` of objects, each told apart by its `type`.
fn schema(side: &str) -> Value {
    let text = include_str!("../../../docs/client.schema.json");
    let schema: Value = serde_json::from_str(text).expect("JSON");
    schema["$defs"][side].clone()
}

/// Holds an object against the one of its type.
fn check(schema: &Value, object: &Value) -> Result<(), String> {
    let kind = &object["type"];
    let all = schema["oneOf"].as_array().expect("a list");
    let it = all.iter().find(|it| it["properties"]["type"]["const"] == *kind);
    let it = it.ok_or_else(|| format!("{kind} is not in the schema"))?;
    for name in it["required"].as_array().into_iter().flatten() {
        if object.get(name.as_str().expect("a name")).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    for (name, value) in object.as_object().expect("an object") {
        let expected = it["properties"].get(name).ok_or_else(|| format!("{name} is not in the schema"))?;
        let is_of = |kind: &Value| match kind.as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_u64(),
            Some("number") => value.is_number(),
            Some("boolean") => value.is_boolean(),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => false,
        };
        let fits = match &expected["type"] {
            Value::Array(kinds) => kinds.iter().any(is_of),
            Value::Null => expected.get("const").is_some_and(|it| it == value),
            kind => is_of(kind),
        };
        if !fits {
            return Err(format!("{name} is {value}, expected {expected}"));
        }
    }
    Ok(())
}

#[test]
fn a_session_with_everything_in_it_fits_the_schema() {
    let folder = Folder::new();
    folder.shared("book.bin", 300_000);
    let server = Server::sharing(&folder.share());
    let mut bob = server.join("bob");
    let mut command = server.client(&["--nick", "ann", "--json"]);
    let mut ann = Program::start(command.current_dir(folder.here()));
    let input = [
        r#"{"type":"say","text":"hello","action":true,"id":1}"#,
        r#"{"type":"tell","to":"bob","text":"psst","id":"x"}"#,
        r#"{"type":"tell","to":"nobody","text":"psst"}"#,
        r#"{"type":"ignore","nick":"eve"}"#,
        r#"{"type":"ignore"}"#,
        r#"{"type":"unignore","nick":"eve"}"#,
        r#"{"type":"folder","dir":"books"}"#,
        r#"{"type":"folder","dir":"."}"#,
        r#"{"type":"names"}"#,
        r#"{"type":"files"}"#,
        r#"{"type":"nick","nick":"ann2"}"#,
        r#"{"type":"history","count":5}"#,
        r#"{"type":"get","file":"book.bin","id":"mine"}"#,
        r#"{"type":"get","file":"none.bin","id":"none"}"#,
        r#"{"type":"pause"}"#,
        r#"{"type":"stats"}"#,
    ];
    let read = schema("input");
    for line in input {
        let object: Value = serde_json::from_str(line).expect(line);
        check(&read, &object).unwrap_or_else(|why| panic!("{why}: {line}"));
        ann.write(&format!("{line}\n"));
    }
    ann.write("{\"type\":\"dance\"}\n");
    ann.line("\"private\"");
    bob.write("/quit\n");
    bob.end().expect(0);
    ann.line("\"left\"");
    ann.write("{\"type\":\"resume\"}\n");
    ann.close_input();
    let ended = ann.end().expect(0);
    let printed = schema("output");
    let mut kinds = std::collections::BTreeSet::new();
    for line in ended.stdout.lines() {
        let object: Value = serde_json::from_str(line).expect(line);
        check(&printed, &object).unwrap_or_else(|why| panic!("{why}: {line}"));
        kinds.insert(object["type"].as_str().expect("a type").to_owned());
    }
    for kind in [
        "welcome", "message", "private", "accepted", "names", "files", "renamed", "failed", "error", "notice",
    ] {
        assert!(kinds.contains(kind), "{kind}: {kinds:?}");
    }
}

#[test]
fn every_type_that_is_read_is_in_the_schema() {
    let read = schema("input");
    let kinds: Vec<&str> = read["oneOf"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|it| it["properties"]["type"]["const"].as_str())
        .collect();
    let mut expected = [
        "say",
        "tell",
        "reply",
        "ignore",
        "unignore",
        "names",
        "files",
        "nick",
        "history",
        "get",
        "folder",
        "pause",
        "resume",
        "stop",
        "stats",
        "reconnect",
        "leave",
    ];
    let mut found = kinds;
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}
