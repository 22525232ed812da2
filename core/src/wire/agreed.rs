//! What client and server agree on in the handshake: how losses are recovered, and what sets the window.

use super::DecodeError;

/// How what was lost is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Recovery {
    /// Everything outstanding goes again; the receiver keeps only what comes in order.
    GoBackN = 1,
    /// Only what is missing goes again; the receiver keeps the rest. Known, not in this build.
    Selective = 2,
}

impl Recovery {
    /// Its name on the command line and in scenario files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GoBackN => "go-back-n",
            Self::Selective => "selective",
        }
    }

    pub(super) fn decode(byte: u8) -> Result<Self, DecodeError> {
        match byte {
            1 => Ok(Self::GoBackN),
            2 => Ok(Self::Selective),
            _ => Err(DecodeError::OutOfBounds { field: "recovery" }),
        }
    }
}

/// Which algorithm sets the sender's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CongestionChoice {
    /// The original's: double on a full acknowledged window, halve on a loss.
    Classic,
    /// So many segments, whatever happens.
    Fixed(u16),
    /// RFC 6582. Known, not in this build.
    NewReno,
    /// RFC 9438. Known, not in this build.
    Cubic,
    /// draft-ietf-ccwg-bbr. Known, not in this build.
    Bbr,
}

impl CongestionChoice {
    pub(super) const fn encode(self) -> (u8, u16) {
        match self {
            Self::Classic => (1, 0),
            Self::Fixed(segments) => (2, segments),
            Self::NewReno => (3, 0),
            Self::Cubic => (4, 0),
            Self::Bbr => (5, 0),
        }
    }

    pub(super) fn decode(kind: u8, parameter: u16) -> Result<Self, DecodeError> {
        match (kind, parameter) {
            (1, _) => Ok(Self::Classic),
            (2, 1..) => Ok(Self::Fixed(parameter)),
            (3, _) => Ok(Self::NewReno),
            (4, _) => Ok(Self::Cubic),
            (5, _) => Ok(Self::Bbr),
            _ => Err(DecodeError::OutOfBounds { field: "congestion" }),
        }
    }
}

impl core::fmt::Display for CongestionChoice {
    /// As on the command line: `classic`, `fixed:16`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Classic => f.write_str("classic"),
            Self::Fixed(segments) => write!(f, "fixed:{segments}"),
            Self::NewReno => f.write_str("newreno"),
            Self::Cubic => f.write_str("cubic"),
            Self::Bbr => f.write_str("bbr"),
        }
    }
}
