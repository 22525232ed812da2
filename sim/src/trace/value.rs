//! What the field of an event can be, and how it comes back from JSON.

use core::time::Duration;

use backchat_core::time::Instant;
use backchat_core::wire::{Hash, TransferId};

use super::{Datagram, Name};

/// A field, as it is written and hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// There is none.
    None,
    /// There is none of a field that came later: a trace that was recorded before has the same hash.
    Absent,
    /// A whole number.
    Number(u64),
    /// A text.
    Text(&'a str),
    /// What a datagram is.
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

/// A field that was added to an event later, so that older traces do not have it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Added<T>(pub Option<T>);

impl<T: Field> Field for Added<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    #[inline]
    fn value(&self) -> Value<'_> {
        self.0.as_ref().map_or(Value::Absent, T::value)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        Option::from_json(json).map(Self)
    }
}

/// The type of a field.
pub trait Field: Sized {
    /// What a reader expects, as the end of a sentence.
    const EXPECTED: &'static str;

    /// Its value.
    fn value(&self) -> Value<'_>;

    /// Back from JSON; `None` when it is something else.
    fn from_json(json: &serde_json::Value) -> Option<Self>;
}

impl Field for u64 {
    const EXPECTED: &'static str = "a whole number";
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::Number(*self)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        json.as_u64()
    }
}

impl Field for bool {
    const EXPECTED: &'static str = "true or false";
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::Flag(*self)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        json.as_bool()
    }
}

impl Field for Name {
    const EXPECTED: &'static str = "a text";
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        json.as_str().map(Self::from)
    }
}

impl Field for Datagram {
    const EXPECTED: &'static str = "what a datagram is, such as \"data@12000#2\"";
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::Datagram(*self)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        json.as_str()?.parse().ok()
    }
}

impl Field for TransferId {
    const EXPECTED: &'static str = "16 hexadecimal digits";
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::Transfer(*self)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        Self::parse(json.as_str()?)
    }
}

impl Field for Hash {
    const EXPECTED: &'static str = "64 hexadecimal digits";
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::Hash(*self)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        Self::parse(json.as_str()?)
    }
}

impl Field for Instant {
    const EXPECTED: &'static str = "a number of nanoseconds";
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::At(*self)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        json.as_u64().map(Self::from_nanos)
    }
}

impl Field for Duration {
    const EXPECTED: &'static str = "a number of nanoseconds";
    #[inline]
    fn value(&self) -> Value<'_> {
        Value::Span(*self)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        json.as_u64().map(Self::from_nanos)
    }
}

impl<T: Field> Field for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    #[inline]
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::None, T::value)
    }
    fn from_json(json: &serde_json::Value) -> Option<Self> {
        if json.is_null() { Some(None) } else { T::from_json(json).map(Some) }
    }
}
