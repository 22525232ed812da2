//! Planted bugs: what proves that the harness finds real ones.
//!
//! They are compiled in only under `--cfg backchat_mutants`, which the compiler of `cargo planted` sets;
//! no feature and no dependency leads there, so no build that ships can hold one. Elsewhere [`mutant!`](crate::mutant)
//! is the constant `false`, and what it guards is gone.
//!
//! One build holds all of them, and `choose` says which one is alive. Each is a mistake that somebody has made in
//! some transport, as small as it would be in a real commit.

/// Whether this build holds planted bugs. `false` in every build but `cargo planted`'s.
pub const BUILT: bool = cfg!(backchat_mutants);

/// Whether a planted bug is alive, as an expression: `mutant!(WindowOffByOne)`; or what it does, as a statement:
/// `mutant!(NoRetransmission => return)`, which is compiled in with the bug alone.
#[cfg(not(backchat_mutants))]
#[doc(hidden)]
#[macro_export]
macro_rules! mutant {
    ($name:ident) => {
        false
    };
    ($name:ident => $wrong:expr) => {};
}

/// See the macro of every other build, which is above.
#[cfg(backchat_mutants)]
#[doc(hidden)]
#[macro_export]
macro_rules! mutant {
    ($name:ident) => {
        $crate::mutants::is_alive($crate::mutants::Mutant::$name)
    };
    ($name:ident => $wrong:expr) => {
        if $crate::mutant!($name) {
            $wrong;
        }
    };
}

#[cfg(backchat_mutants)]
pub use planted::{Mutant, alive, choose, is_alive, odd};

/// How much more than it has a receiver acknowledges: nothing, but for the one that is planted. It says so first and
/// the truth right after.
pub(crate) fn excess(acks: u64) -> u64 {
    let lies = acks % 4 == 3;
    mutant!(AckBeyondSentTaken => return u64::from(lies) << 20);
    mutant!(AckBeyondSentSaid => return u64::from(lies) << 20);
    let _ = lies;
    0
}

/// By how much more than it is a receiver tells its delay: nothing, but for those that are planted.
pub(crate) fn late() -> core::time::Duration {
    mutant!(WallClock => return odd::clock());
    mutant!(Thread => return odd::thread());
    core::time::Duration::ZERO
}

/// Where `it` is in memory: nothing, but for the message that it is planted in.
pub(crate) fn place<T: ?Sized>(it: &T) -> String {
    let _ = it;
    mutant!(AddressInMessage => return format!(" (it is at {})", odd::address(it)));
    String::new()
}

#[cfg(backchat_mutants)]
mod planted {
    use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

    /// Which one is alive; 0 is none.
    static ALIVE: AtomicU8 = AtomicU8::new(0);

    /// What every binary of this build can be told by: tests look for it in those that ship.
    #[used]
    static MARK: [u8; 32] = *b"this build holds backchat's bugs";

    macro_rules! mutants {
        ($($(#[doc = $what:literal])+ $mutant:ident = $name:literal),+ $(,)?) => {
            /// A planted bug.
            #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
            #[repr(u8)]
            pub enum Mutant {
                $($(#[doc = $what])+ $mutant),+
            }

            impl Mutant {
                /// Every one.
                pub const ALL: &[Self] = &[$(Self::$mutant),+];

                /// The name that it is chosen by.
                pub const fn name(self) -> &'static str {
                    match self {
                        $(Self::$mutant => $name),+
                    }
                }

                /// What is wrong with it.
                pub const fn what(self) -> &'static str {
                    match self {
                        $(Self::$mutant => concat!($($what),+)),+
                    }
                }
            }
        };
    }

    mutants! {
        /// The sender never goes back: what was lost stays lost.
        NoRetransmission = "no_retransmission",
        /// The retransmission timer runs on when everything is acknowledged.
        TimerNotStopped = "timer_not_stopped",
        /// A timer that has run out is set as long as before.
        TimerNotBackedOff = "timer_not_backed_off",
        /// No persist timer while the receiver withholds.
        NoPersistTimer = "no_persist_timer",
        /// The sender sends one segment more than the congestion window allows.
        WindowOffByOne = "window_off_by_one",
        /// The sender does not look at the receiver's limit.
        LimitIgnored = "limit_ignored",
        /// A higher limit is not taken from an acknowledgment that acknowledges nothing new.
        WindowUpdateLost = "window_update_lost",
        /// The congestion window grows with each duplicate acknowledgment.
        WindowGrowsOnDuplicates = "window_grows_on_duplicates",
        /// An old acknowledgment moves `una` back.
        StaleAckTaken = "stale_ack_taken",
        /// An acknowledgment of what was never sent is taken; the client sends some.
        AckBeyondSentTaken = "ack_beyond_sent_taken",
        /// No bug: the client of the one before, with a sender that is right.
        AckBeyondSentSaid = "ack_beyond_sent_said",
        /// A round trip is measured from segments that were sent twice.
        RttFromResent = "rtt_from_resent",
        /// What is left of a flight that was given up on counts against the one that is sent again.
        OldFlightCounted = "old_flight_counted",
        /// `END` is said when everything is sent, not when everything is acknowledged.
        EndTooEarly = "end_too_early",
        /// A repeated `END` is not answered again.
        EndAnsweredOnce = "end_answered_once",
        /// The receiver writes what comes behind a gap, as if there were none.
        OutOfOrderWritten = "out_of_order_written",
        /// A packet is taken for the newest download, whichever it names.
        StaleDownloadTaken = "stale_download_taken",
        /// What is resumed is written one byte too far on.
        ResumedAtWrongOffset = "resumed_at_wrong_offset",
        /// The checksum is not looked at.
        ChecksumIgnored = "checksum_ignored",
        /// Of the checksum's four bytes only the last is compared.
        WeakChecksum = "weak_checksum",
        /// Neither the checksum nor the hash of the whole file is looked at.
        HashIgnored = "hash_ignored",
        /// A ticket that is in use is bound again.
        TicketTakenTwice = "ticket_taken_twice",
        /// A new path is used before it is proven.
        PathNotProven = "path_not_proven",
        /// An address that is not proven is sent more than it has sent.
        Amplifier = "amplifier",
        /// A message that comes again under its id is taken again.
        MessageTakenTwice = "message_taken_twice",
        /// A private message goes to everybody.
        PrivateToAll = "private_to_all",
        /// The backlog shows private messages to others.
        BacklogShowsPrivate = "backlog_shows_private",
        /// Whoever comes back misses the first message that was said meanwhile.
        ResumeSkipsOne = "resume_skips_one",
        /// A session that is parked is not found by its token.
        ParkedNotResumed = "parked_not_resumed",

        /// An acknowledgment of something new does not end the backoff.
        BackoffNotEnded = "backoff_not_ended",
        /// The backoff has no cap.
        BackoffNotCapped = "backoff_not_capped",
        /// An answer to a probe ends the backoff, though it opens nothing.
        ProbeEndsBackoff = "probe_ends_backoff",
        /// The retransmission timer is not set anew when something new is acknowledged and more is outstanding.
        TimerNotRestarted = "timer_not_restarted",
        /// A segment that comes alone is never acknowledged: the timer for that is not set.
        AckHeldForEver = "ack_held_for_ever",
        /// The server's timer for silence is set once, and not again each time the client is heard.
        SilenceNotRenewed = "silence_not_renewed",
        /// The second segment behind a gap is taken as a loss, not the third.
        LostAtTheSecond = "lost_at_the_second",
        /// Going back leaves the lost segment out.
        GoesBackOneShort = "goes_back_one_short",
        /// An old acknowledgment lowers the receiver's limit.
        LimitTakenBack = "limit_taken_back",
        /// Of a segment whose beginning is known the whole is written behind it.
        KnownWrittenAgain = "known_written_again",
        /// A ticket that is not used never expires.
        TicketNeverExpires = "ticket_never_expires",
        /// A ticket that nobody wants any more is not given back.
        TicketNotGivenBack = "ticket_not_given_back",
        /// A session's downloads go on when it has ended.
        DownloadOutlivesSession = "download_outlives_session",
        /// A session's token is taken after its end.
        TokenOutlivesSession = "token_outlives_session",
        /// Who comes back has one token at once: if the welcome with the new one is lost, the session is too.
        PreviousTokenForgotten = "previous_token_forgotten",
        /// A path that does not carry its segments is not sent smaller ones.
        SegmentNeverShrinks = "segment_never_shrinks",
        /// A challenge that is lost is not repeated.
        ChallengeNotRepeated = "challenge_not_repeated",
        /// The congestion window of the old path is used on the new one.
        WindowKeptOnNewPath = "window_kept_on_new_path",
        /// Any answer to a challenge proves the path, whatever its nonce.
        NonceNotCompared = "nonce_not_compared",
        /// The right nonce proves the path, wherever it comes from.
        ProofFromElsewhere = "proof_from_elsewhere",
        /// What an address that is not proven was sent is not counted.
        AmplificationNotCounted = "amplification_not_counted",
        /// A session may run one download more than its limit.
        SessionLimitOffByOne = "session_limit_off_by_one",
        /// The server runs however many downloads are asked for.
        ServerLimitIgnored = "server_limit_ignored",
        /// A session may hold however many unused tickets it asks for.
        TicketLimitIgnored = "ticket_limit_ignored",
        /// Connections of an address are counted, and not given back when they close.
        AddressNotReleased = "address_not_released",
        /// What is said again after coming back is not counted against the pace.
        SaidAgainFree = "said_again_free",
        /// The user's limit on the rate has no effect.
        LimitRateIgnored = "limit_rate_ignored",
        /// A reader that is too slow is kept, and what waits for it.
        SlowReaderKept = "slow_reader_kept",
        /// What was not confirmed is not said again after coming back.
        NotSaidAgain = "not_said_again",
        /// The last number of before is kept when the server was restarted, and new messages are taken for old ones.
        OldNumbersKept = "old_numbers_kept",
        /// Who comes back to a gap is not told of it.
        GapNotTold = "gap_not_told",
        /// A private message is not shown to whoever was away.
        PrivateNotKept = "private_not_kept",
        /// The ids of taken messages are forgotten when somebody comes back.
        AcceptedForgotten = "accepted_forgotten",
        /// A nickname is not free again when its session has ended.
        NickNotFreed = "nick_not_freed",
        /// A parked session waits for ever.
        ParkedForEver = "parked_for_ever",
        /// What somebody says does not count as a sign of life: who answers each ping is taken as silent.
        HeardAndSilent = "heard_and_silent",

        /// Downloads take turns in the order of a hash with a random key.
        HashOrder = "hash_order",
        /// The wall clock tells how long an acknowledgment was held back.
        WallClock = "wall_clock",
        /// How long an acknowledgment was held back depends on how far another thread has got.
        Thread = "thread",
        /// A refusal names the address in memory of what was refused.
        AddressInMessage = "address_in_message",
        /// Transfers are named by a generator that nobody seeded.
        UnseededGenerator = "unseeded_generator",
    }

    impl Mutant {
        /// The one of that name.
        pub fn of(name: &str) -> Option<Self> {
            Self::ALL.iter().copied().find(|it| it.name() == name)
        }

        /// Whether what it breaks is not the protocol but that a run is a function of its seed.
        pub fn is_nondeterminism(self) -> bool {
            self >= Self::HashOrder
        }
    }

    /// From now on this one is alive, in the whole process, or none is.
    pub fn choose(mutant: Option<Mutant>) {
        ALIVE.store(mutant.map_or(0, |it| it as u8 + 1), Ordering::SeqCst);
    }

    /// The one that is alive.
    pub fn alive() -> Option<Mutant> {
        let place = usize::from(ALIVE.load(Ordering::SeqCst)).checked_sub(1)?;
        Mutant::ALL.get(place).copied()
    }

    /// Whether it is.
    pub fn is_alive(mutant: Mutant) -> bool {
        ALIVE.load(Ordering::Relaxed) == mutant as u8 + 1
    }

    /// The sources of nondeterminism, each as a number that no seed decides. What the core's `clippy.toml` forbids is
    /// what they are made of.
    #[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "that is the point")]
    pub mod odd {
        use super::{AtomicU64, Ordering};
        use core::time::Duration;
        use std::hash::{BuildHasher, RandomState};
        use std::sync::Once;
        use std::time::{SystemTime, UNIX_EPOCH};

        /// Less than `below`, in an order that is another in each run, but the same within one.
        pub fn hash(below: usize) -> usize {
            let order: std::collections::HashSet<usize> = (0..below).collect();
            order.into_iter().next().unwrap_or(0)
        }

        /// Microseconds, less than a millisecond.
        pub fn clock() -> Duration {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            Duration::from_nanos(u64::from(now.subsec_nanos()) % 1_000_000)
        }

        static STEPS: AtomicU64 = AtomicU64::new(0);
        static RUNNING: Once = Once::new();

        /// How far another thread has got, in microseconds, less than a millisecond.
        pub fn thread() -> Duration {
            RUNNING.call_once(|| {
                std::thread::spawn(|| {
                    loop {
                        STEPS.fetch_add(1, Ordering::Relaxed);
                        std::thread::yield_now();
                    }
                });
            });
            Duration::from_micros(STEPS.load(Ordering::Relaxed) % 1_000)
        }

        /// Where `it` is in memory.
        pub fn address<T: ?Sized>(it: &T) -> String {
            format!("{:p}", core::ptr::from_ref(it).cast::<u8>())
        }

        /// From a generator that the system seeded.
        pub fn random() -> u64 {
            RandomState::new().hash_one(0u64)
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_build_without_the_switch_holds_no_planted_bug() {
        assert_eq!(super::BUILT, cfg!(backchat_mutants));
        #[cfg(not(backchat_mutants))]
        const {
            assert!(!crate::mutant!(NoRetransmission));
        };
        #[cfg(backchat_mutants)]
        for &mutant in super::Mutant::ALL {
            assert_eq!(super::Mutant::of(mutant.name()), Some(mutant));
            assert!(!super::is_alive(mutant), "none is alive unless it was chosen");
        }
    }
}
