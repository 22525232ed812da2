//! The kinds of faults that a swarm draws from.

use serde::Deserialize;

/// Something that can go wrong in a run, or is made hard for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Datagrams are lost, one by one or in bursts.
    Loss,
    /// Bits are flipped.
    Corrupt,
    /// Datagrams lose their end.
    Truncate,
    /// Datagrams arrive twice.
    Duplicate,
    /// Datagrams are held back.
    Reorder,
    /// Datagrams take longer or shorter, and overtake.
    Jitter,
    /// A slow path with a short queue.
    Queue,
    /// Several clients' packets go through one slow path.
    Bottleneck,
    /// The rate of a path rises and falls.
    RateSteps,
    /// What exceeds a rate is dropped, without a queue.
    Policer,
    /// A long queue that is kept short, by losses or by marks.
    Codel,
    /// Datagrams arrive in batches.
    Aggregate,
    /// Nothing gets through for a while, in one direction or both; streams stall.
    Blackout,
    /// The server is killed and comes back.
    ServerCrash,
    /// The server loses power and comes back.
    ServerPower,
    /// A client is killed and comes back.
    ClientCrash,
    /// A client loses power and comes back.
    ClientPower,
    /// A client has another port.
    Rebind,
    /// A client has another address.
    Readdress,
    /// Clients are behind translators of addresses that forget them.
    Nat,
    /// Datagrams of random bytes appear.
    Garbage,
    /// Datagrams from before appear again.
    Replay,
    /// Downloads are paused, and go on later.
    Pause,
    /// Downloads are stopped.
    Stop,
    /// Clients leave, and join again.
    Leave,
    /// Clients do not come back to their sessions, and their users start them again.
    Forgetful,
    /// Somebody who does not join asks for lists and downloads.
    Visitor,
    /// The server's limits are narrow.
    Limits,
    /// Clients' sockets hold little.
    SmallBuffer,
    /// Sockets take and bring datagrams one by one.
    OneByOne,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 30] = [
        Self::Loss,
        Self::Corrupt,
        Self::Truncate,
        Self::Duplicate,
        Self::Reorder,
        Self::Jitter,
        Self::Queue,
        Self::Bottleneck,
        Self::RateSteps,
        Self::Policer,
        Self::Codel,
        Self::Aggregate,
        Self::Blackout,
        Self::ServerCrash,
        Self::ServerPower,
        Self::ClientCrash,
        Self::ClientPower,
        Self::Rebind,
        Self::Readdress,
        Self::Nat,
        Self::Garbage,
        Self::Replay,
        Self::Pause,
        Self::Stop,
        Self::Leave,
        Self::Forgetful,
        Self::Visitor,
        Self::Limits,
        Self::SmallBuffer,
        Self::OneByOne,
    ];

    /// Its word: the key in a file of bounds, and the name of its streams.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Corrupt => "corrupt",
            Self::Truncate => "truncate",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
            Self::Jitter => "jitter",
            Self::Queue => "queue",
            Self::Bottleneck => "bottleneck",
            Self::RateSteps => "rate-steps",
            Self::Policer => "policer",
            Self::Codel => "codel",
            Self::Aggregate => "aggregate",
            Self::Blackout => "blackout",
            Self::ServerCrash => "server-crash",
            Self::ServerPower => "server-power",
            Self::ClientCrash => "client-crash",
            Self::ClientPower => "client-power",
            Self::Rebind => "rebind",
            Self::Readdress => "readdress",
            Self::Nat => "nat",
            Self::Garbage => "garbage",
            Self::Replay => "replay",
            Self::Pause => "pause",
            Self::Stop => "stop",
            Self::Leave => "leave",
            Self::Forgetful => "forgetful",
            Self::Visitor => "visitor",
            Self::Limits => "limits",
            Self::SmallBuffer => "small-buffer",
            Self::OneByOne => "one-by-one",
        }
    }
}
