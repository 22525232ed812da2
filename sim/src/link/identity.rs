//! Which packet is meant: by its place among all that were offered, or by what it is.
//!
//! A place (`17`) is short and breaks as soon as anything before it changes. An identity (`data@12000#2`: the second
//! transmission of the segment at that offset) still means the same packet when a timer or a window has changed.

use core::fmt;
use core::str::FromStr;

use backchat_core::wire::{Body, Kind, Packet};

/// What a datagram is, as far as a fault can name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passing {
    /// The kind of packet.
    pub kind: Kind,
    /// Where it belongs: the offset of a `DATA`, the number that an `ACK` acknowledges, a `PROBE`'s next byte.
    pub at: Option<u64>,
    /// Which download of this path it is of, counted from 1 in the order of their first packets.
    pub download: u32,
}

impl Passing {
    /// What `packet` is, in the path's `download`-th download.
    pub fn of(packet: &Packet, download: u32) -> Self {
        let at = match packet.body {
            Body::Data { offset, .. } => Some(offset),
            Body::Ack(ack) | Body::Confirm(_, ack) => Some(ack.ack),
            Body::Probe { nxt } => Some(nxt),
            Body::Syn(_)
            | Body::SynAck(_)
            | Body::End { .. }
            | Body::EndAck
            | Body::Reset(_)
            | Body::PathChallenge(_)
            | Body::PathResponse(_) => None,
        };
        Self { kind: packet.body.kind(), at, download }
    }
}

/// A name for one packet of a direction: `data@12000#2`, `syn`, `2:ack@0#3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// Of which download of the path, counted from 1; `None`: of any.
    pub download: Option<u32>,
    /// The kind of packet.
    pub kind: Kind,
    /// Where it belongs, as in [`Passing::at`]; `None`: anywhere.
    pub at: Option<u64>,
    /// Which one of those that fit so far, counted from 1.
    pub nth: u32,
}

impl Identity {
    /// Whether it can be this one, whatever its number.
    pub fn fits(&self, passing: &Passing) -> bool {
        self.kind == passing.kind
            && self.at.is_none_or(|at| passing.at == Some(at))
            && self.download.is_none_or(|download| download == passing.download)
    }
}

/// Whether packets of this kind belong somewhere in the file.
const fn has_place(kind: Kind) -> bool {
    matches!(kind, Kind::Confirm | Kind::Data | Kind::Ack | Kind::Probe)
}

/// Why a text is not an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// There is no such kind of packet.
    #[error("no kind of packet is called '{0}'")]
    Kind(String),
    /// What stands behind `@` is no number, or the kind has no place in the file.
    #[error("'{0}' is no place in the file")]
    At(String),
    /// What stands behind `#`, or before `:`, is not a number from 1.
    #[error("'{0}' is no number from 1")]
    Number(String),
}

impl FromStr for Identity {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let number = |text: &str| match text.parse::<u32>() {
            Ok(number) if number > 0 && !text.starts_with('+') => Ok(number),
            _ => Err(IdentityError::Number(text.to_owned())),
        };
        let (download, rest) = match text.split_once(':') {
            Some((download, rest)) => (Some(number(download)?), rest),
            None => (None, text),
        };
        let (rest, nth) = match rest.split_once('#') {
            Some((rest, nth)) => (rest, number(nth)?),
            None => (rest, 1),
        };
        let (name, at) = match rest.split_once('@') {
            Some((name, at)) => (name, Some(at)),
            None => (rest, None),
        };
        let kind = Kind::of(name).ok_or_else(|| IdentityError::Kind(name.to_owned()))?;
        let at = match at {
            None => None,
            Some(digits) => match digits.parse::<u64>() {
                Ok(at) if has_place(kind) && !digits.starts_with('+') => Some(at),
                _ => return Err(IdentityError::At(digits.to_owned())),
            },
        };
        Ok(Self { download, kind, at, nth })
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(download) = self.download {
            write!(f, "{download}:")?;
        }
        f.write_str(self.kind.name())?;
        if let Some(at) = self.at {
            write!(f, "@{at}")?;
        }
        if self.nth != 1 {
            write!(f, "#{}", self.nth)?;
        }
        Ok(())
    }
}

/// Which packet a fault means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PacketRef {
    /// The one with this number among all that were offered to the direction, counted from 1.
    Ordinal(u64),
    /// By what it is.
    Identity(Identity),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_are_read_and_printed() {
        for text in
            ["data@12000#2", "syn", "2:ack@0#3", "end-ack#2", "path-challenge", "data#7", "1:confirm@0"]
        {
            assert_eq!(text.parse::<Identity>().expect(text).to_string(), text);
        }
        assert_eq!("data@0#1".parse::<Identity>().expect("first").to_string(), "data@0");
    }

    #[test]
    fn what_is_no_identity_is_said() {
        use IdentityError::{At, Kind, Number};
        for (text, error) in [
            ("", Kind(String::new())),
            ("date@1", Kind("date".into())),
            ("data@x", At("x".into())),
            ("data@-1", At("-1".into())),
            ("data@+1", At("+1".into())),
            ("syn@5", At("5".into())),
            ("data@1#0", Number("0".into())),
            ("0:data", Number("0".into())),
            ("data#1@5", Number("1@5".into())),
        ] {
            assert_eq!(text.parse::<Identity>(), Err(error), "{text}");
        }
    }
}
