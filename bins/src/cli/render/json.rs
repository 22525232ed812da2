//! Objects for programs: one a line, each with a `type`.
//!
//! Frames of the wire are printed as they came, with two differences: an `id` is the one that the program gave, not
//! the one that the client made of it, and the token that a session can be resumed with is left out, because logs are
//! read by others. Beside them stand events of the client's own ([`Event`]).

use std::time::Duration;

use backchat_core::chat::{RequestId, ServerFrame};
use backchat_core::text::is_hidden;
use serde::Serialize;

use crate::cli::failure::Failure;

/// What the client itself has to say.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// Something worth knowing.
    Notice {
        /// What.
        text: &'a str,
    },
    /// The connection is there.
    Connected,
    /// The connection is gone.
    Disconnected {
        /// Why.
        reason: &'a str,
    },
    /// It will be tried again.
    Reconnecting {
        /// After how many seconds.
        after_seconds: f64,
    },
    /// A message that was never confirmed: it was not sent, or it is not known whether it was delivered.
    Unconfirmed {
        /// What the program called it.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RequestId>,
        /// Its text.
        text: &'a str,
        /// Which of the two, for people.
        message: &'a str,
    },
    /// A download begins.
    Started {
        /// What the program called it.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RequestId>,
        /// The file.
        file: &'a str,
        /// Where it goes.
        path: &'a str,
        /// How large it is.
        size: u64,
        /// The first byte that is still missing.
        resumed_from: u64,
    },
    /// A download goes on.
    Progress {
        /// The file.
        file: &'a str,
        /// Bytes that are written, those of an earlier run among them.
        received: u64,
        /// Bytes in all.
        size: u64,
        /// Bits a second, lately.
        bits_per_second: u64,
    },
    /// A download is held.
    Paused {
        /// The file.
        file: &'a str,
    },
    /// A download lost its session; it goes on by itself in the next.
    Interrupted {
        /// The file.
        file: &'a str,
        /// Bytes that are kept.
        received: u64,
    },
    /// Half of a file is here and its download is held: it goes on when told so, or by itself.
    Halfway {
        /// The file.
        file: &'a str,
        /// After so many seconds.
        seconds: f64,
    },
    /// A download that was held goes on.
    Resumed {
        /// The file.
        file: &'a str,
    },
    /// A download is done.
    Downloaded(Downloaded<'a>),
    /// The file exists and was to be left alone.
    Skipped {
        /// What the program called it.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RequestId>,
        /// The file.
        file: &'a str,
        /// What exists.
        path: &'a str,
    },
    /// Something was asked for and cannot be had.
    Failed {
        /// What the program called it.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RequestId>,
        /// The file, of a download.
        #[serde(skip_serializing_if = "Option::is_none")]
        file: Option<&'a str>,
        /// Why, in one word.
        reason: &'a str,
        /// The exit code that stands for it.
        exit_code: u8,
        /// Why, for people.
        message: &'a str,
        /// A command line that goes on where this stopped.
        #[serde(skip_serializing_if = "Option::is_none")]
        resume: Option<&'a str>,
    },
    /// An object of the input asks for nothing that can be done.
    Error {
        /// Its id.
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<&'a RequestId>,
        /// As on the wire.
        code: &'a str,
        /// What is wrong with it.
        message: &'a str,
    },
}

/// A download that is done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Downloaded<'a> {
    /// What the program called it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<&'a RequestId>,
    /// The file.
    pub file: &'a str,
    /// Where it is; `-` is standard output.
    pub path: &'a str,
    /// Bytes in all.
    pub bytes: u64,
    /// From the command to the end.
    pub seconds: f64,
    /// Bits of the file that arrived, a second.
    pub goodput_bits_per_second: u64,
    /// Segments that arrived, whatever became of them.
    pub segments_received: u64,
    /// Those among them that had arrived before.
    pub duplicates: u64,
    /// Where an earlier run had stopped.
    pub resumed_from: u64,
    /// The hash of the file, 64 hexadecimal digits.
    pub blake3: String,
}

impl<'a> Event<'a> {
    /// The event of a failure.
    pub fn failed(
        id: Option<&'a RequestId>,
        file: Option<&'a str>,
        failure: &'a Failure,
        resume: Option<&'a str>,
    ) -> Self {
        let (reason, exit_code) = (failure.reason, failure.exit.code());
        Self::Failed { id, file, reason, exit_code, message: &failure.message, resume }
    }

    /// The event as a line.
    pub fn line(&self) -> String {
        line(self)
    }
}

/// A frame as a line; `id` is what stands in it in place of the client's own.
pub fn frame(mut frame: ServerFrame, id: Option<RequestId>) -> String {
    if let ServerFrame::Welcome(welcome) = &mut frame {
        welcome.token = None;
    }
    if let Some(place) = id_of(&mut frame) {
        *place = id;
    }
    line(&frame)
}

/// Where a frame has the id of the request that it answers, if its kind can have one.
pub fn id_of(frame: &mut ServerFrame) -> Option<&mut Option<RequestId>> {
    match frame {
        ServerFrame::Welcome(welcome) => Some(&mut welcome.id),
        ServerFrame::Error(error) => Some(&mut error.id),
        ServerFrame::Ticket(ticket) => Some(&mut ticket.id),
        ServerFrame::Renamed { id, .. }
        | ServerFrame::Names { id, .. }
        | ServerFrame::Files { id, .. }
        | ServerFrame::History { id, .. }
        | ServerFrame::Accepted { id, .. }
        | ServerFrame::Pong { id } => Some(id),
        ServerFrame::Joined { .. }
        | ServerFrame::Left { .. }
        | ServerFrame::Message(_)
        | ServerFrame::Private(_)
        | ServerFrame::Gap { .. }
        | ServerFrame::Ping
        | ServerFrame::Notice { .. }
        | ServerFrame::Closing { .. } => None,
    }
}

/// Seconds as a number, to the microsecond.
pub fn seconds(duration: Duration) -> f64 {
    Duration::from_micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)).as_secs_f64()
}

fn line(value: &impl Serialize) -> String {
    // Objects of texts and numbers: nothing that JSON cannot hold.
    printable(&serde_json::to_string(value).unwrap_or_default())
}

/// JSON in which every character that a terminal would act on is escaped. It says the same: such characters stand
/// in strings only.
pub fn printable(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if is_hidden(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                text += &format!("\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(json: &str) -> ServerFrame {
        ServerFrame::decode(json.as_bytes()).expect(json)
    }

    #[test]
    fn a_frame_is_printed_as_it_came() {
        for json in [
            r#"{"type":"joined","nick":"bob"}"#,
            r#"{"type":"message","number":7,"at":"2026-11-22T13:30:00.000Z","from":"bob","text":"hello"}"#,
        ] {
            assert_eq!(frame(read(json), None), json);
        }
    }

    #[test]
    fn ids_are_the_programs_own_and_tokens_stay_secret() {
        let accepted = read(r#"{"type":"accepted","id":12,"number":7}"#);
        let mine = Some(RequestId::Text("mine".into()));
        assert_eq!(frame(accepted.clone(), mine), r#"{"type":"accepted","id":"mine","number":7}"#);
        assert_eq!(frame(accepted, None), r#"{"type":"accepted","number":7}"#);
        let welcome = read(
            r#"{"type":"welcome","protocol":1,"nick":"ann","epoch":"0011223344556677","number":0,"resumed":false,
            "token":"00112233445566778899aabbccddeeff"}"#,
        );
        assert!(!frame(welcome, None).contains("00112233445566778899aabbccddeeff"));
    }

    #[test]
    fn a_finished_download_has_the_fields_of_the_contract() {
        let downloaded = Downloaded {
            id: None,
            file: "book.bin",
            path: "./book.bin",
            bytes: 524_288,
            seconds: seconds(Duration::from_nanos(1_500_000_999)),
            goodput_bits_per_second: 2_796_202,
            segments_received: 437,
            duplicates: 3,
            resumed_from: 0,
            blake3: "00".repeat(32),
        };
        let expected = format!(
            r#"{{"type":"downloaded","file":"book.bin","path":"./book.bin","bytes":524288,"seconds":1.5,"goodput_bits_per_second":2796202,"segments_received":437,"duplicates":3,"resumed_from":0,"blake3":"{}"}}"#,
            "00".repeat(32)
        );
        assert_eq!(Event::Downloaded(downloaded).line(), expected);
    }

    #[test]
    fn what_a_terminal_would_act_on_is_escaped() {
        let event = Event::Notice { text: "a\u{1b}\u{9b}\u{202e}\u{e0001}\n" };
        assert_eq!(event.line(), r#"{"type":"notice","text":"a\u001b\u009b\u202e\udb40\udc01\n"}"#);
    }

    proptest! {
        #[test]
        fn escaping_says_the_same_and_leaves_nothing_hidden(text: String) {
            let line = Event::Notice { text: &text }.line();
            let read: Value = serde_json::from_str(&line).expect("JSON");
            prop_assert_eq!(&read["text"], &Value::String(text));
            prop_assert!(!line.chars().any(is_hidden));
        }
    }
}
