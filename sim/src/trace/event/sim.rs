//! The run itself: what it is about, hosts that come and go, faults, its end.

macro_rules! sim {
    ([$next:ident $($rest:ident)*] $($before:tt)*) => {
        $next! { [$($rest)*] $($before)*
            /// A file that the server shares, whose bytes are the seed's.
            FileShared = "sim:file_shared" {
                /// Its name.
                name: Name,
                /// Its bytes.
                size: u64,
                /// Its hash.
                blake3: Hash,
            }
            /// What a direction is like when nothing goes wrong; its node is the direction.
            LinkShaped = "sim:link_shaped" {
                /// How long a datagram takes, one way.
                delay: Duration,
                /// How much longer at most, by jitter and reordering.
                jitter: Duration,
                /// Bits a second; none where there is no limit.
                rate: Option<u64>,
                /// Whether it impairs at random after the last fault has ended.
                impairs: bool,
            }
            /// When the last fault will have ended and the last step begun: the liveness bound counts from there.
            CalmExpected = "sim:calm_expected" {
                /// When.
                from: Instant,
                /// What has not finished by then has failed, whatever the bound says.
                duration: Duration,
            }
            /// A step that a client does more than once, each time when the one before has ended; its node is the client.
            Planned = "sim:planned" {
                /// The step's `do`.
                what: Name,
                /// The text, the file, the nickname.
                detail: Option<Name>,
                /// How often.
                times: u64,
            }
            /// A host began its `life`th life; 0 is the first.
            Started = "sim:started" {
                /// Which.
                life: u64,
            }
            /// A host was killed.
            Crashed = "sim:crashed" {
                /// Its disk lost what was not synced.
                power: bool,
            }
            /// A host ended in good order.
            Stopped = "sim:stopped" {
                /// How.
                outcome: Name,
            }
            /// A client is somewhere else from now on.
            Rebound = "sim:rebound" {
                /// Its address so far.
                from: Name,
                /// Its address from now on.
                to: Name,
            }
            /// A blackout began; its node is the direction.
            BlackoutBegan = "sim:blackout_began" {
                /// When it will end, if it will.
                until: Option<Instant>,
            }
            /// A blackout ended; its node is the direction.
            BlackoutEnded = "sim:blackout_ended" {}
            /// All links are clean from now on.
            Healed = "sim:healed" {}
            /// The clients leave and the server stops.
            Ending = "sim:ending" {
                /// Why now: `done`, or `duration`.
                reason: Name,
            }
            /// Nothing happens any more.
            Ended = "sim:ended" {}
        }
    };
}
