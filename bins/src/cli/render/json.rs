//! Objects for programs: one a line, each with a `type`.
//!
//! Frames of the wire are printed as they came, with two differences: an `id` is the one that the program gave, not
//! the one that the client made of it, and the token that a session can be resumed with is left out, because logs are
//! read by others. Beside them stand events of the client's own ([`Event`]).

use std::time::Duration;

use backchat_core::chat::{RequestId, ServerFrame};
use backchat_core::text::is_hidden;
use serde::Serialize;

use crate::app::downloads::{News, Report};
use crate::app::happening;
use crate::cli::failure::Failure;
use crate::cli::render::units;

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

/// The event of a report on a download, handed to `print`.
pub fn report<R>(report: &Report, resume: Option<&str>, print: impl FnOnce(&Event<'_>) -> R) -> R {
    let (file, id) = (report.state.file.as_str(), report.state.id.as_ref());
    let path = report.state.path.to_string_lossy();
    let event = match &report.news {
        News::Started { resumed_from } => {
            Event::Started { id, file, path: &path, size: report.state.size, resumed_from: *resumed_from }
        }
        News::Progress => Event::Progress {
            file,
            received: report.state.received,
            size: report.state.size,
            bits_per_second: report.state.bytes_per_second.saturating_mul(8),
        },
        News::Paused => Event::Paused { file },
        News::Resumed => Event::Resumed { file },
        News::Done(done) => Event::Downloaded(Downloaded {
            id,
            file,
            path: &path,
            bytes: done.bytes,
            seconds: seconds(done.duration),
            goodput_bits_per_second: units::bytes_per_second(done.received, done.duration).saturating_mul(8),
            segments_received: done.segments_received,
            duplicates: done.duplicates,
            resumed_from: done.resumed_from,
            blake3: done.blake3.clone(),
        }),
        News::Skipped => Event::Skipped { id, file, path: &path },
        News::Failed(failure) => Event::failed(id, Some(file), failure, resume),
    };
    print(&event)
}

/// A frame as a line; `id` is what stands in it in place of the client's own.
pub fn frame(mut frame: ServerFrame, id: Option<RequestId>) -> String {
    if let ServerFrame::Welcome(welcome) = &mut frame {
        welcome.token = None;
    }
    if let Some(place) = happening::id_of(&mut frame) {
        *place = id;
    }
    line(&frame)
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
    use std::path::PathBuf;

    use backchat_core::chat::FileName;
    use backchat_core::node::{DownloadEvent, DownloadId, FailReason, LocalError, Summary};
    use backchat_core::time::Instant;
    use backchat_core::wire::{CongestionChoice, FileVersion, Hash, TransferId};
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;
    use crate::app::downloads::Downloads;
    use crate::files::TargetEvent;

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

    fn of(told: &Report, resume: Option<&str>) -> String {
        let mut line = String::new();
        report(told, resume, |event| line += &event.line());
        line
    }

    #[test]
    fn a_download_that_goes_on_is_told_from_its_start_to_its_end() {
        let mut downloads = Downloads::default();
        let id = DownloadId(7);
        let name = FileName::parse("book.bin").expect("a name");
        downloads.begin(id, name, Some(RequestId::Text("mine".into())));
        let path: PathBuf = "./book.bin".into();
        downloads
            .on_target(id, &TargetEvent::Opened { path: path.clone(), partial: None, resumed_from: 262_144 });
        let mut told = |event: DownloadEvent, resume: Option<&str>| {
            let told = downloads.on_event(Instant::ZERO, id, &event).expect("one of these");
            of(&told, resume)
        };
        let begins = DownloadEvent::Started {
            transfer: TransferId(1),
            size: 524_288,
            start: 262_144,
            version: FileVersion([0; 16]),
            congestion: CongestionChoice::Classic,
            segment: 1200,
        };
        assert_eq!(
            told(begins, None),
            r#"{"type":"started","id":"mine","file":"book.bin","path":"./book.bin","size":524288,"resumed_from":262144}"#
        );
        let progress =
            DownloadEvent::Progress { written: 300_000, size: 524_288, rate: 1_000, view: Box::default() };
        assert_eq!(
            told(progress, None),
            r#"{"type":"progress","file":"book.bin","received":300000,"size":524288,"bits_per_second":8000}"#
        );
        assert_eq!(told(DownloadEvent::Paused, None), r#"{"type":"paused","file":"book.bin"}"#);
        let done = DownloadEvent::Finished(Summary {
            size: 524_288,
            took: Duration::from_millis(500),
            segments_received: 200,
            duplicates: 1,
            resumed_from: 262_144,
            hash: Hash([0xab; 32]),
            round_trip: None,
            discarded: 2,
        });
        let printed: Value = serde_json::from_str(&told(done, None)).expect("JSON");
        assert_eq!(printed["goodput_bits_per_second"], 4_194_304);
        assert_eq!(printed["blake3"], "ab".repeat(32));
    }

    #[test]
    fn a_download_that_failed_has_its_word_its_code_and_the_command_that_goes_on() {
        let mut downloads = Downloads::default();
        downloads.begin(DownloadId(7), FileName::parse("book.bin").expect("a name"), None);
        let failed = DownloadEvent::Failed {
            reason: FailReason::Local(LocalError::Exists),
            message: "exists".into(),
            kept: 0,
            away: false,
        };
        let failed = downloads.on_event(Instant::ZERO, DownloadId(7), &failed).expect("its end");
        let printed: Value = serde_json::from_str(&of(&failed, Some("again"))).expect("JSON");
        assert_eq!((&printed["reason"], &printed["exit_code"]), (&"exists".into(), &9.into()));
        assert_eq!(printed["resume"], "again");
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
