//! The `id` of a request.

use core::fmt;

/// What a client calls its request by; it comes back in the answer exactly as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestId {
    /// An unsigned integer.
    Number(u64),
    /// A text of at most [`RequestId::MAX_BYTES`] bytes.
    Text(Box<str>),
}

impl RequestId {
    /// Most bytes in a textual id: the server keeps the last 256 of a session.
    pub const MAX_BYTES: usize = 64;
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => crate::text::visible(text).fmt(f),
        }
    }
}

impl serde::Serialize for RequestId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> serde::Deserialize<'de> for RequestId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl serde::de::Visitor<'_> for IdVisitor {
    type Value = RequestId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id: a string of at most {} bytes, or an unsigned integer", RequestId::MAX_BYTES)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<RequestId, E> {
        Ok(RequestId::Number(number))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<RequestId, E> {
        match text.len() <= RequestId::MAX_BYTES {
            true => Ok(RequestId::Text(text.into())),
            false => Err(E::invalid_length(text.len(), &self)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_exactly() {
        for json in ["0", "18446744073709551615", "\"\"", "\"a\\u0001\\\"ü\""] {
            let id: RequestId = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), json);
        }
    }

    #[test]
    fn other_ids_are_refused() {
        for json in ["-1", "1.0", "1e3", "[]", "{}", "true", "18446744073709551616"] {
            assert!(serde_json::from_str::<RequestId>(json).is_err(), "{json}");
        }
        assert!(serde_json::from_str::<RequestId>(&format!("\"{}\"", "x".repeat(65))).is_err());
    }
}
