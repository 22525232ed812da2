//! What a datagram is, as a trace says it: a packet by its identity, or how it came about.

use core::fmt;
use core::str::FromStr;

use crate::link::{Identity, IdentityError};

/// What a datagram is. It is named when it is read, not when it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Datagram {
    /// A packet of ours: `data@12000#2` is the second transmission of the segment at that offset.
    Packet(Identity),
    /// None of ours: `unknown`.
    Unknown,
    /// Injected, with bytes of its own: `bytes`.
    Bytes,
    /// Injected, and the one with this ordinal once more: `replay:3`.
    Replay(u64),
}

impl Datagram {
    /// Its identity, if it is a packet of ours.
    pub const fn identity(self) -> Option<Identity> {
        match self {
            Self::Packet(identity) => Some(identity),
            Self::Unknown | Self::Bytes | Self::Replay(_) => None,
        }
    }
}

/// How a replayed one begins.
const REPLAY: &str = "replay:";

impl fmt::Display for Datagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Packet(identity) => identity.fmt(f),
            Self::Unknown => f.write_str("unknown"),
            Self::Bytes => f.write_str("bytes"),
            Self::Replay(ordinal) => write!(f, "{REPLAY}{ordinal}"),
        }
    }
}

impl FromStr for Datagram {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        match (text, text.strip_prefix(REPLAY)) {
            ("unknown", _) => Ok(Self::Unknown),
            ("bytes", _) => Ok(Self::Bytes),
            (_, Some(ordinal)) => {
                let wrong = || IdentityError::Number(ordinal.to_owned());
                ordinal.parse().map(Self::Replay).map_err(|_| wrong())
            }
            _ => text.parse().map(Self::Packet),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for text in ["data@12000#2", "2:ack@0", "unknown", "bytes", "replay:3"] {
            assert_eq!(text.parse::<Datagram>().expect(text).to_string(), text);
        }
        for wrong in ["", "replay:", "replay:x", "datum@1"] {
            assert!(wrong.parse::<Datagram>().is_err(), "{wrong}");
        }
    }
}
