//! One object of `--json` input: the frames of the wire that ask for something, and the client's own commands.
//!
//! As on the wire, unknown fields are ignored and an unknown type is answered with an error. Nothing is read as
//! text to say, so a program needs no escaping of slashes.

use std::path::PathBuf;

use backchat_core::chat::RequestId;
use serde::Deserialize;

use crate::app::get::GetOptions;
use crate::app::input::{Ignore, Input, Pick};
use crate::cli::algorithms::{parse_congestion, parse_recovery};

/// What an object asks for, and the `id` that its answer carries.
#[derive(Clone, Debug, PartialEq)]
pub struct JsonInput {
    /// The `id` of the object, as on the wire: a string of at most 64 bytes, or a whole number.
    pub id: Option<RequestId>,
    /// What it asks for.
    pub input: Input,
}

/// Why a line is no object that asks for something. Printed as an `error` object with this code and message.
#[derive(Clone, Debug, PartialEq)]
pub struct BadObject {
    /// The `id` of the object, if that much could be read.
    pub id: Option<RequestId>,
    /// `bad-frame` or `unknown-type`, as on the wire.
    pub code: &'static str,
    /// What is wrong with it.
    pub message: String,
}

/// The objects. Names and fields are the wire's where it has them.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", expecting = "a JSON object with a type")]
enum Object {
    Say {
        text: String,
        #[serde(default)]
        action: bool,
    },
    Tell {
        to: String,
        text: String,
    },
    Reply {
        text: String,
    },
    Ignore {
        nick: Option<String>,
    },
    Unignore {
        nick: String,
    },
    Names,
    Files,
    Nick {
        nick: String,
    },
    History {
        count: Option<u32>,
    },
    Get(Box<Get>),
    Folder {
        dir: Option<PathBuf>,
    },
    Pause {
        file: Option<String>,
    },
    Resume {
        file: Option<String>,
    },
    Stop {
        file: Option<String>,
    },
    Stats,
    Reconnect,
    Leave,
}

/// The types there are, for messages.
const TYPES: &str = "say, tell, reply, ignore, unignore, names, files, nick, history, get, folder, pause, resume, stop, \
                     stats, reconnect or leave";

/// A download; the fields are the options of `get`.
#[derive(Deserialize)]
#[serde(expecting = "a JSON object")]
struct Get {
    file: String,
    output: Option<PathBuf>,
    dir: Option<PathBuf>,
    #[serde(default)]
    force: bool,
    #[serde(default)]
    rename: bool,
    #[serde(default)]
    skip_existing: bool,
    #[serde(default)]
    remote_time: bool,
    #[serde(default)]
    no_resume: bool,
    limit_rate: Option<String>,
    min_rate: Option<String>,
    recovery: Option<String>,
    congestion: Option<String>,
}

/// Reads one line of `--json` input; `None` for an empty one.
pub fn read_object(line: &str) -> Option<Result<JsonInput, BadObject>> {
    // A file begins with a byte order mark, and so does each of several that were joined.
    let line = line.trim().trim_start_matches(super::line::BYTE_ORDER_MARK);
    if line.is_empty() {
        return None;
    }
    Some(read(line))
}

fn read(line: &str) -> Result<JsonInput, BadObject> {
    let bad = |id, message| BadObject { id, code: "bad-frame", message };
    let value: serde_json::Value =
        serde_json::from_str(line).map_err(|error| bad(None, format!("not a JSON object: {error}")))?;
    let Some(object) = value.as_object() else {
        return Err(bad(None, "not a JSON object".to_owned()));
    };
    let id = object.get("id").cloned().unwrap_or_default();
    let id: Option<RequestId> = serde_json::from_value(id).map_err(|error| bad(None, error.to_string()))?;
    let Some(kind) = object.get("type").and_then(serde_json::Value::as_str) else {
        return Err(bad(id, format!("the type is missing: expected {TYPES}")));
    };
    if !TYPES.split([',', ' ']).any(|known| known == kind && known != "or") {
        let message = format!("unknown type '{}': expected {TYPES}", backchat_core::text::visible(kind));
        return Err(BadObject { id, code: "unknown-type", message });
    }
    let kind = kind.to_owned();
    match serde_json::from_value(value).map_err(|error| format!("{kind}: {error}")).and_then(input) {
        Ok(input) => Ok(JsonInput { id, input }),
        Err(message) => Err(bad(id, message)),
    }
}

fn input(object: Object) -> Result<Input, String> {
    let pick = |file: Option<String>| file.map_or(Pick::All, Pick::File);
    Ok(match object {
        Object::Say { text, action } => Input::Say { text, action },
        Object::Tell { to, text } => Input::Tell { to, text },
        Object::Reply { text } => Input::Reply(text),
        // A switch is for hands: a program says which way.
        Object::Ignore { nick } => Input::Ignore(nick.map_or(Ignore::List, Ignore::Begin)),
        Object::Unignore { nick } => Input::Ignore(Ignore::End(nick)),
        Object::Names => Input::Names,
        Object::Files => Input::Files,
        Object::Nick { nick } => Input::Nick(nick),
        Object::History { count } => Input::History(count),
        Object::Get(get) => Input::Get(get_args(*get)?),
        Object::Folder { dir } => Input::Folder(dir),
        Object::Pause { file } => Input::Pause(pick(file)),
        Object::Resume { file } => Input::Resume(pick(file)),
        Object::Stop { file } => Input::Stop(pick(file)),
        Object::Stats => Input::Stats,
        Object::Reconnect => Input::Reconnect,
        Object::Leave => Input::Quit,
    })
}

fn get_args(get: Get) -> Result<GetOptions, String> {
    fn value<T, E>(
        field: &str,
        text: Option<String>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, String>
    where
        E: std::fmt::Display,
    {
        text.map(|text| parse(&text).map_err(|error| format!("get: {field}: {error}"))).transpose()
    }
    if get.output.is_some() && get.dir.is_some() {
        return Err("get: output and dir exclude each other".to_owned());
    }
    if [get.force, get.rename, get.skip_existing].into_iter().filter(|set| *set).count() > 1 {
        return Err("get: force, rename and skip_existing exclude one another".to_owned());
    }
    let args = GetOptions {
        name: get.file,
        output: get.output,
        folder: get.dir,
        force: get.force,
        rename: get.rename,
        skip_existing: get.skip_existing,
        remote_time: get.remote_time,
        no_resume: get.no_resume,
        limit_rate: value("limit_rate", get.limit_rate, str::parse)?,
        min_rate: value("min_rate", get.min_rate, str::parse)?,
        recovery: value("recovery", get.recovery, parse_recovery)?,
        congestion: value("congestion", get.congestion, parse_congestion)?,
    };
    match args.contradiction() {
        Some(_) => Err("get: min_rate is above limit_rate".to_owned()),
        None => Ok(args),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn good(line: &str) -> JsonInput {
        read_object(line).expect("not empty").expect(line)
    }

    fn refused(line: &str) -> BadObject {
        read_object(line).expect("not empty").expect_err(line)
    }

    #[test]
    fn every_type_is_read() {
        for (line, expected) in [
            (r#"{"type":"say","text":"/hello"}"#, Input::Say { text: "/hello".into(), action: false }),
            (
                r#"{"type":"say","text":"waves","action":true}"#,
                Input::Say { text: "waves".into(), action: true },
            ),
            (
                r#"{"type":"tell","to":"bob","text":"psst"}"#,
                Input::Tell { to: "bob".into(), text: "psst".into() },
            ),
            (r#"{"type":"reply","text":"me too"}"#, Input::Reply("me too".into())),
            (r#"{"type":"ignore"}"#, Input::Ignore(Ignore::List)),
            (r#"{"type":"ignore","nick":"eve"}"#, Input::Ignore(Ignore::Begin("eve".into()))),
            (r#"{"type":"unignore","nick":"eve"}"#, Input::Ignore(Ignore::End("eve".into()))),
            (r#"{"type":"names"}"#, Input::Names),
            (r#"{"type":"files","new_field":1}"#, Input::Files),
            (r#"{"type":"nick","nick":"ann2"}"#, Input::Nick("ann2".into())),
            (r#"{"type":"history","count":9}"#, Input::History(Some(9))),
            (r#"{"type":"get","file":"my book.bin"}"#, Input::Get(GetOptions::of("my book.bin"))),
            (r#"{"type":"pause"}"#, Input::Pause(Pick::All)),
            (r#"{"type":"resume","file":"x"}"#, Input::Resume(Pick::File("x".into()))),
            (r#"{"type":"stop","file":"x"}"#, Input::Stop(Pick::File("x".into()))),
            (r#"{"type":"stats"}"#, Input::Stats),
            (r#"{"type":"folder"}"#, Input::Folder(None)),
            (r#"{"type":"folder","dir":"books"}"#, Input::Folder(Some("books".into()))),
            (r#"{"type":"reconnect"}"#, Input::Reconnect),
            (r#"{"type":"leave"}"#, Input::Quit),
        ] {
            assert_eq!(good(line), JsonInput { id: None, input: expected }, "{line}");
        }
        assert_eq!((read_object(" "), read_object("\u{feff}\r")), (None, None));
        assert_eq!(good("\u{feff}{\"type\":\"names\"}").input, Input::Names);
    }

    #[test]
    fn an_id_comes_back_as_it_was() {
        assert_eq!(
            good(r#"{"type":"names","id":18446744073709551615}"#).id,
            Some(RequestId::Number(u64::MAX))
        );
        assert_eq!(good(r#"{"type":"names","id":"a"}"#).id, Some(RequestId::Text("a".into())));
        assert_eq!(good(r#"{"type":"names","id":null}"#).id, None);
        assert_eq!(refused(r#"{"type":"say","id":7}"#).id, Some(RequestId::Number(7)));
    }

    #[test]
    fn the_options_of_get_are_fields() {
        let line = r#"{"type":"get","file":"x","dir":"d","force":true,"no_resume":true,
            "limit_rate":"500K","recovery":"go-back-n","congestion":"fixed:4"}"#;
        let Input::Get(args) = good(line).input else { panic!("a download") };
        assert_eq!(args.folder, Some("d".into()));
        assert!(args.force && args.no_resume);
        assert_eq!(args.congestion.map(|control| control.to_string()), Some("fixed:4".into()));
    }

    #[test]
    fn what_is_wrong_is_answered_with_the_wires_codes() {
        for (line, code, message) in [
            ("hello", "bad-frame", "not a JSON object: expected value at line 1 column 1"),
            ("[1]", "bad-frame", "not a JSON object"),
            (
                r#"{"type":7}"#,
                "bad-frame",
                "the type is missing: expected say, tell, reply, ignore, unignore, names, files, nick, history, get, folder, pause, resume, stop, stats, reconnect or leave",
            ),
            (
                r#"{"type":"or"}"#,
                "unknown-type",
                "unknown type 'or': expected say, tell, reply, ignore, unignore, names, files, nick, history, get, folder, pause, resume, stop, stats, reconnect or leave",
            ),
            (r#"{"type":"say"}"#, "bad-frame", "say: missing field `text`"),
            (
                r#"{"type":"names","id":1.5}"#,
                "bad-frame",
                "invalid type: floating point `1.5`, expected an id: a string of at most 64 bytes, or an unsigned integer",
            ),
            (
                r#"{"type":"get","file":"x","congestion":"bbr"}"#,
                "bad-frame",
                "get: congestion: bbr is not in this build, which has classic and fixed:N",
            ),
            (
                r#"{"type":"get","file":"x","dir":"a","output":"b"}"#,
                "bad-frame",
                "get: output and dir exclude each other",
            ),
            (
                r#"{"type":"get","file":"x","force":true,"rename":true}"#,
                "bad-frame",
                "get: force, rename and skip_existing exclude one another",
            ),
        ] {
            let error = refused(line);
            assert_eq!((error.code, error.message.as_str()), (code, message), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_an_input_or_an_error(line: String) {
            let _ = read_object(&line);
        }
    }
}
