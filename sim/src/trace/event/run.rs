//! The run itself: what it is about, hosts that come and go, faults, its end.

use core::net::SocketAddrV4;
use core::time::Duration;

use backchat_core::named;
use backchat_core::time::Instant;
use backchat_core::wire::Hash;

use super::table;
use crate::link::Blackout;
use crate::scenario::ActionKind;
use crate::trace::Name;

/// What the run says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunEvent {
    /// A file that the server shares, whose bytes are the seed's.
    FileShared {
        /// Its name.
        name: Name,
        /// Its bytes.
        size: u64,
        /// Its hash.
        blake3: Hash,
    },
    /// What a direction is like when nothing goes wrong; its node is the direction.
    LinkShaped {
        /// How long a datagram takes, one way.
        delay: Duration,
        /// How much longer at most, by jitter and reordering.
        jitter: Duration,
        /// Bits a second; none where there is no limit.
        rate: Option<u64>,
        /// Whether it impairs at random after the last fault has ended.
        impairs: bool,
    },
    /// How a client takes part where that is not as usual; its node is the client.
    ClientDescribed {
        /// It does not join.
        visits: bool,
        /// It comes back to its session when it has lost its connection.
        resumes: bool,
        /// How many messages from before it asks for when it joins.
        history: Option<u64>,
    },
    /// When the last fault will have ended and the last step begun: the liveness bound counts from there.
    CalmExpected {
        /// That time.
        from: Instant,
        /// What has not finished by then has failed, whatever the bound says.
        duration: Duration,
    },
    /// A step that a client does more than once, each time when the one before has ended; its node is the client.
    Planned {
        /// The step's `do`.
        what: ActionKind,
        /// The text, the file, the nickname.
        detail: Option<Name>,
        /// The number of times.
        times: u64,
    },
    /// A host began a life.
    Started {
        /// Its number; 0 is the first.
        life: u64,
    },
    /// A host was killed.
    Crashed {
        /// Its disk lost what was not synced.
        power: bool,
    },
    /// A host ended in good order.
    Stopped {
        /// `left`, `stopped`, or the error that ended it.
        outcome: Name,
    },
    /// A client is somewhere else from now on.
    Rebound {
        /// Its address so far.
        from: SocketAddrV4,
        /// Its address from now on.
        to: SocketAddrV4,
    },
    /// A blackout began; its node is the direction.
    BlackoutBegan {
        /// When it will end, if it will.
        until: Option<Instant>,
    },
    /// A blackout ended; its node is the direction.
    BlackoutEnded,
    /// All links are clean from now on.
    Healed,
    /// The clients leave and the server stops.
    Ending {
        /// Why now.
        reason: Ending,
    },
    /// Nothing happens any more.
    Ended,
}

named! {
    /// Why a run ends.
    pub enum Ending {
        /// Everything was done.
        Done = "done",
        /// Its duration is over.
        Duration = "duration",
    }
}

table! {
    RunEvent {
        FileShared "sim:file_shared" { name, size, blake3 }
        LinkShaped "sim:link_shaped" { delay, jitter, rate, impairs }
        ClientDescribed "sim:client_described" { visits, resumes, history }
        CalmExpected "sim:calm_expected" { from, duration }
        Planned "sim:planned" { what, detail, times }
        Started "sim:started" { life }
        Crashed "sim:crashed" { power }
        Stopped "sim:stopped" { outcome }
        Rebound "sim:rebound" { from, to }
        BlackoutBegan "sim:blackout_began" { until }
        BlackoutEnded "sim:blackout_ended" {}
        Healed "sim:healed" {}
        Ending "sim:ending" { reason }
        Ended "sim:ended" {}
    }
}

impl From<Blackout> for RunEvent {
    fn from(blackout: Blackout) -> Self {
        match blackout {
            Blackout::Began { until } => Self::BlackoutBegan { until },
            Blackout::Ended => Self::BlackoutEnded,
        }
    }
}
