//! Why a transfer ends before its end, in one number.

/// Why a transfer is over before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResetCode {
    /// The user stopped it.
    Stopped,
    /// The other side heard nothing for too long.
    Silence,
    /// The file changed while it was sent.
    Changed,
    /// The server could not read the file.
    ReadFailed,
    /// The client could not write the file.
    WriteFailed,
    /// What the client asked for is not in this server.
    Unsupported,
    /// The server is stopping.
    ShuttingDown,
    /// The session that it belonged to is over.
    SessionOver,
    /// The other side broke the protocol.
    Protocol,
    /// Others needed its place, and it had moved nothing longest.
    MadeRoom,
    /// A code of a later version.
    Other(u16),
}

impl ResetCode {
    /// Its number on the wire.
    pub const fn raw(self) -> u16 {
        match self {
            Self::Stopped => 1,
            Self::Silence => 2,
            Self::Changed => 3,
            Self::ReadFailed => 4,
            Self::WriteFailed => 5,
            Self::Unsupported => 6,
            Self::ShuttingDown => 7,
            Self::SessionOver => 8,
            Self::Protocol => 9,
            Self::MadeRoom => 10,
            Self::Other(code) => code,
        }
    }

    /// The code of that number.
    pub const fn from_raw(code: u16) -> Self {
        match code {
            1 => Self::Stopped,
            2 => Self::Silence,
            3 => Self::Changed,
            4 => Self::ReadFailed,
            5 => Self::WriteFailed,
            6 => Self::Unsupported,
            7 => Self::ShuttingDown,
            8 => Self::SessionOver,
            9 => Self::Protocol,
            10 => Self::MadeRoom,
            other => Self::Other(other),
        }
    }
}

impl core::fmt::Display for ResetCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Stopped => "stopped by the user",
            Self::Silence => "nothing was heard for too long",
            Self::Changed => "the file changed while it was sent",
            Self::ReadFailed => "the server could not read the file",
            Self::WriteFailed => "the client could not write the file",
            Self::Unsupported => "the server does not have what was asked for",
            Self::ShuttingDown => "the server is shutting down",
            Self::SessionOver => "the session it belonged to is over",
            Self::Protocol => "the other side broke the protocol",
            Self::MadeRoom => "it had moved nothing for long, and the server needed its place",
            Self::Other(code) => return write!(f, "reason {code}"),
        })
    }
}
