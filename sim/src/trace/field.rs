//! What the fields of events can be: how each is shown to whoever writes or hashes it, and taken back from a line.
//!
//! Most are one value with one name. A few are several: a range of bytes is `start` and `end`.

use core::net::{IpAddr, SocketAddrV4};
use core::ops::Range;
use core::time::Duration;

use backchat_core::chat::server::DropReason as LineDropReason;
use backchat_core::chat::{CloseReason, ErrorCode, FileName, Nickname, RequestId, SessionId, StreamId};
use backchat_core::time::Instant;
use backchat_core::trace::{self, Mark};
use backchat_core::transfer::{Outcome, SenderStats};
use backchat_core::wire::{Hash, Kind, ResetCode, TransferId};

use super::event::{Acknowledges, Answer, Completion, Ending, Harm, ShownKind};
use super::recorded::{Fields, ReadError};
use super::{Datagram, Name};
use crate::link::DropReason;
use crate::scenario::{ActionKind, Failure};

/// A value, as it is written and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// There is none.
    None,
    /// A whole number.
    Number(u64),
    /// The word of one of a few values, and its code.
    Word(&'static str, u32),
    /// A text.
    Text(&'a str),
    /// The name of a datagram.
    Datagram(Datagram),
    /// Yes or no.
    Flag(bool),
    /// The number of a transfer: 64 bits, as a text of hexadecimal digits, for JSON's numbers end at 53.
    Transfer(TransferId),
    /// A point in virtual time: nanoseconds since the run began.
    At(Instant),
    /// A time, in nanoseconds.
    Span(Duration),
    /// A BLAKE3 hash.
    Hash(Hash),
}

/// Whoever looks at the fields of an event.
pub trait Visitor {
    /// An event begins whose name has this code.
    #[inline(always)]
    fn event(&mut self, code: u32) {
        let _ = code;
    }

    /// The next field.
    fn field(&mut self, name: &'static str, value: Value<'_>);
}

impl<F: FnMut(&'static str, Value<'_>)> Visitor for F {
    fn field(&mut self, name: &'static str, value: Value<'_>) {
        self(name, value);
    }
}

/// The type of a field.
pub(super) trait Field: Sized {
    /// Shows it under its name, or under the names of its parts.
    fn show(&self, name: &'static str, to: &mut impl Visitor);

    /// Takes it back.
    ///
    /// # Errors
    /// It is missing, or something else.
    fn read(name: &'static str, from: &mut Fields<'_>) -> Result<Self, ReadError>;
}

/// A field that is one value.
pub(super) trait Scalar: Sized {
    /// What a reader expects, as the end of a sentence.
    const EXPECTED: &'static str;

    /// Its value.
    fn value(&self) -> Value<'_>;

    /// Back from JSON; `None` when it is something else.
    fn from_json(json: &serde_json::Value) -> Option<Self>;
}

impl<T: Scalar> Field for T {
    #[inline(always)]
    fn show(&self, name: &'static str, to: &mut impl Visitor) {
        to.field(name, self.value());
    }
    fn read(name: &'static str, from: &mut Fields<'_>) -> Result<Self, ReadError> {
        from.take(name)
    }
}

impl<T: Scalar> Scalar for Box<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    #[inline(always)]
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        T::from_json(json).map(Self::new)
    }
}

impl<T: Scalar> Field for Option<T> {
    #[inline(always)]
    fn show(&self, name: &'static str, to: &mut impl Visitor) {
        to.field(name, self.as_ref().map_or(Value::None, T::value));
    }
    fn read(name: &'static str, from: &mut Fields<'_>) -> Result<Self, ReadError> {
        if from.has(name) { from.take(name).map(Some) } else { Ok(None) }
    }
}

/// Scalars that are made from a value of JSON by one expression each, and shown by another.
macro_rules! scalars {
    ($($type:ty, $expected:literal, |$it:ident| $value:expr, |$json:ident| $from:expr;)+) => {
        $(impl Scalar for $type {
            const EXPECTED: &'static str = $expected;
            #[inline(always)]
            fn value(&self) -> Value<'_> {
                let $it = self;
                $value
            }
            fn from_json($json: &serde_json::Value) -> Option<Self> {
                $from
            }
        })+
    };
}

scalars! {
    u64, "a whole number", |it| Value::Number(*it), |json| json.as_u64();
    SessionId, "a whole number", |it| Value::Number(it.0), |json| json.as_u64().map(Self);
    StreamId, "a whole number", |it| Value::Number(it.0), |json| json.as_u64().map(Self);
    bool, "true or false", |it| Value::Flag(*it), |json| json.as_bool();
    Instant, "a number of nanoseconds", |it| Value::At(*it), |json| json.as_u64().map(Self::from_nanos);
    Duration, "a number of nanoseconds", |it| Value::Span(*it), |json| json.as_u64().map(Self::from_nanos);
    Name, "a text", |it| Value::Text(it), |json| json.as_str().map(Self::from);
    Nickname, "a nickname", |it| Value::Text(it.as_str()), |json| Self::parse(json.as_str()?).ok();
    FileName, "a file's name", |it| Value::Text(it.as_str()), |json| Self::parse(json.as_str()?).ok();
    ErrorCode, "a code of the chat's", |it| Value::Text(it.raw()), |json| json.as_str().map(Self::from);
    Answer, "how a wish ended", |it| Value::Text(it.name()), |json| json.as_str().map(Self::from);
    TransferId, "16 hexadecimal digits", |it| Value::Transfer(*it), |json| Self::parse(json.as_str()?);
    Hash, "64 hexadecimal digits", |it| Value::Hash(*it), |json| Self::parse(json.as_str()?);
    Datagram, "what a datagram is, such as \"data@12000#2\"", |it| Value::Datagram(*it), |json| json.as_str()?.parse().ok();
    Kind, "a kind of packet, such as \"syn-ack\"", |it| Value::Word(it.name(), *it as u32), |json| Self::of(json.as_str()?);
    Mark, "a mark", |it| Value::Text(it.name()), |json| Self::of(json.as_str()?);
    CloseReason, "a reason of the chat's", |it| Value::Text(it.as_str()), |json| found(Self::ALL, json, Self::as_str);
    LineDropReason, "a reason of the chat's", |it| Value::Text(it.as_str()), |json| found(Self::ALL, json, Self::as_str);
    DropReason, "why a link drops", |it| Value::Text(it.name()), |json| found(&Self::ALL, json, Self::name);
}

/// The one of `all` with the word that stands in `json`.
fn found<T: Copy>(all: &[T], json: &serde_json::Value, word: impl Fn(T) -> &'static str) -> Option<T> {
    let text = json.as_str()?;
    all.iter().copied().find(|it| word(*it) == text)
}

/// Scalars that `named!` has made.
macro_rules! words {
    ($($type:ty),+ $(,)?) => {
        scalars! { $($type, "one of its words", |it| Value::Word(it.name(), it.code()), |json| Self::of(json.as_str()?);)+ }
    };
}

words! {
    trace::DropReason, trace::LossCause, trace::TransferEnd, trace::TransferState, trace::TransferTimer,
    ActionKind, Completion, Ending, Failure, Harm, ShownKind,
}

/// Fields whose text is made when it is looked at.
macro_rules! texts {
    ($($type:ty, $expected:literal;)+) => {
        $(impl Field for $type {
            fn show(&self, name: &'static str, to: &mut impl Visitor) {
                to.field(name, Value::Text(&self.to_string()));
            }
            fn read(name: &'static str, from: &mut Fields<'_>) -> Result<Self, ReadError> {
                from.take_as(name, $expected, |json| json.as_str()?.parse().ok())
            }
        })+
    };
}

texts! {
    IpAddr, "an IP address";
    SocketAddrV4, "an address and a port";
}

impl Field for Option<RequestId> {
    fn show(&self, name: &'static str, to: &mut impl Visitor) {
        match self {
            None => to.field(name, Value::None),
            Some(RequestId::Number(number)) => to.field(name, Value::Text(&number.to_string())),
            Some(RequestId::Text(text)) => to.field(name, Value::Text(text)),
        }
    }
    fn read(name: &'static str, from: &mut Fields<'_>) -> Result<Self, ReadError> {
        let id = |text: &str| text.parse().map_or_else(|_| RequestId::Text(text.into()), RequestId::Number);
        Ok(Option::<Name>::read(name, from)?.map(|text| id(&text)))
    }
}

/// `start` and `end`, half open.
impl Field for Range<u64> {
    #[inline(always)]
    fn show(&self, _: &'static str, to: &mut impl Visitor) {
        to.field("start", Value::Number(self.start));
        to.field("end", Value::Number(self.end));
    }
    fn read(_: &'static str, from: &mut Fields<'_>) -> Result<Self, ReadError> {
        Ok(from.take("start")?..from.take("end")?)
    }
}

/// Its word, and the number of the reason as `code` where one side ended it.
impl Field for Outcome {
    fn show(&self, name: &'static str, to: &mut impl Visitor) {
        to.field(name, Value::Text(self.name()));
        if let Self::Aborted(code) | Self::Reset(code) = self {
            to.field("code", Value::Number(code.raw().into()));
        }
    }
    fn read(name: &'static str, from: &mut Fields<'_>) -> Result<Self, ReadError> {
        let code = Option::<u64>::read("code", from)?.and_then(|code| u16::try_from(code).ok());
        let code = code.map(ResetCode::from_raw);
        from.take_as(name, "how a transfer ends, with a \"code\" where a side ended it", |json| {
            match (json.as_str()?, code) {
                ("complete", None) => Some(Self::Complete),
                ("expired", None) => Some(Self::Expired),
                ("aborted", Some(code)) => Some(Self::Aborted(code)),
                ("reset", Some(code)) => Some(Self::Reset(code)),
                _ => None,
            }
        })
    }
}

/// Each of its counts by its own name.
impl Field for Box<SenderStats> {
    fn show(&self, _: &'static str, to: &mut impl Visitor) {
        let SenderStats { segments_sent, segments_resent, bytes_on_wire, timeouts, went_back, path_changes } =
            **self;
        to.field("segments_sent", Value::Number(segments_sent));
        to.field("segments_resent", Value::Number(segments_resent));
        to.field("bytes_on_wire", Value::Number(bytes_on_wire));
        to.field("timeouts", Value::Number(timeouts));
        to.field("went_back", Value::Number(went_back));
        to.field("path_changes", Value::Number(path_changes));
    }
    fn read(_: &'static str, from: &mut Fields<'_>) -> Result<Self, ReadError> {
        Ok(Self::new(SenderStats {
            segments_sent: from.take("segments_sent")?,
            segments_resent: from.take("segments_resent")?,
            bytes_on_wire: from.take("bytes_on_wire")?,
            timeouts: from.take("timeouts")?,
            went_back: from.take("went_back")?,
            path_changes: from.take("path_changes")?,
        }))
    }
}

/// `ack`, `limit` and `paused`.
impl Field for Option<Acknowledges> {
    #[inline(always)]
    fn show(&self, _: &'static str, to: &mut impl Visitor) {
        let Some(Acknowledges { ack, limit, paused }) = self else { return to.field("ack", Value::None) };
        to.field("ack", Value::Number(*ack));
        to.field("limit", Value::Number(*limit));
        to.field("paused", Value::Flag(*paused));
    }
    fn read(_: &'static str, from: &mut Fields<'_>) -> Result<Self, ReadError> {
        if !from.has("ack") {
            return Ok(None);
        }
        let (ack, limit, paused) = (from.take("ack")?, from.take("limit")?, from.take("paused")?);
        Ok(Some(Acknowledges { ack, limit, paused }))
    }
}
