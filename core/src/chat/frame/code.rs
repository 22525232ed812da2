//! Why a server refused.

use crate::from_text::from_text;
use core::convert::Infallible;
use core::fmt;

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// The `code` of an error frame. The list grows; a client takes an unknown one as [`ErrorCode::Other`].
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ $name,)+
            /// A code of a newer server.
            Other(super::Text),
        }

        impl ErrorCode {
            /// The codes of this version.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// As it is written: words in lower case, joined with hyphens. One of a newer server is as it came, which is
            /// nothing for a terminal: `Display` is.
            pub fn raw(&self) -> &str {
                match self {
                    $(Self::$name => $text,)+
                    Self::Other(text) => text.raw(),
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$name,)+
                    other => Self::Other(super::shorten(other).into()),
                }
            }
        }
    };
}

codes! {
    /// The nickname belongs to somebody else; the frame suggests a free one.
    NickTaken = "nick-taken",
    /// Not a nickname.
    BadNick = "bad-nick",
    /// More messages than the limit allows; the frame says when to try again.
    TooFast = "too-fast",
    /// More requests than the limit allows; the frame says when to try again.
    TooManyRequests = "too-many-requests",
    /// Too many lists are being waited for already.
    Busy = "busy",
    /// The text is longer than the limit. Nothing of it was sent.
    TextTooLong = "text-too-long",
    /// The text is empty or holds control characters.
    BadText = "bad-text",
    /// Nobody here has that nickname.
    NoSuchNick = "no-such-nick",
    /// No such file is shared.
    NoSuchFile = "no-such-file",
    /// Not a name that a shared file can have.
    BadName = "bad-name",
    /// Only who has joined may do that.
    NotJoined = "not-joined",
    /// The session has a nickname already.
    AlreadyJoined = "already-joined",
    /// A type of frame that the server does not know.
    UnknownType = "unknown-type",
    /// Not a frame.
    BadFrame = "bad-frame",
    /// A line that is longer than a frame may be.
    FrameTooLong = "frame-too-long",
    /// The other side speaks another protocol altogether.
    AnotherProtocol = "another-protocol",
    /// Too many bytes came that were for nothing: the connection is closed.
    Wasteful = "wasteful",
    /// The other side speaks another version of the protocol.
    AnotherVersion = "another-version",
    /// The server has as many clients as it takes.
    Full = "full",
    /// That address has as many connections as it may.
    TooManyConnections = "too-many-connections",
    /// The operator has ended the session. Its client may come back, but not by itself.
    Kicked = "kicked",
    /// The operator keeps that nickname, or that address, out; the frame says for how long, if not for ever.
    Banned = "banned",
    /// The server will not do that.
    Refused = "refused",
    /// The server is about to stop.
    ShuttingDown = "shutting-down",
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::text::visible(self.raw()).fmt(f)
    }
}

impl serde::Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.raw())
    }
}

impl<'de> serde::Deserialize<'de> for ErrorCode {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer, |text| Ok::<_, Infallible>(Self::from(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back_and_an_unknown_one_is_kept() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::from(code.raw()), *code);
        }
        assert_eq!(ErrorCode::from("of-tomorrow").raw(), "of-tomorrow");
    }
}
