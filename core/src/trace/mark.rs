//! Coverage marks: the situations that the core is written for, each noted where it is decided.
//!
//! Lines that a test has run say little about a protocol; situations that it has been in say more. A mark is an
//! observation like any other: a scenario whose trace has it has been there, and one that no scenario has is a missing
//! scenario or dead code. Marks carry nothing; what belongs to them stands in the records beside them. A machine notes
//! each once, at the first time: that it has been there is all that a mark says.

macro_rules! marks {
    ($($(#[doc = $what:literal])+ $mark:ident = $name:literal,)+) => {
        /// A situation that the core was in.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark {
            $($(#[doc = $what])+ $mark,)+
        }

        impl Mark {
            /// Every one, in the table's order.
            pub const ALL: &[Self] = &[$(Self::$mark,)+];

            /// Its name in traces.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$mark => $name,)+
                }
            }

            /// The one of that name.
            pub fn of(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.name() == name)
            }

            /// What it stands for, in a sentence.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Self::$mark => concat!($($what),+).trim_ascii(),)+
                }
            }
        }
    };
}

marks! {
    /// The client's `SYN` was not answered in time, and goes again.
    SynUnanswered = "syn_unanswered",
    /// The client's `CONFIRM` was not answered in time, and goes again.
    ConfirmUnanswered = "confirm_unanswered",
    /// A `CONFIRM` repeated did not help: another `SYN` asks for a nonce to where the client is now.
    SynForAnotherNonce = "syn_for_another_nonce",
    /// The server has `SYN` a second time before the handshake is through.
    SynRepeated = "syn_repeated",
    /// The server's `SYN-ACK` was not answered in time, and goes again.
    SynAckUnanswered = "syn_ack_unanswered",
    /// The client has the `SYN-ACK` a second time.
    SynAckRepeated = "syn_ack_repeated",
    /// The client's address changed between `SYN` and `CONFIRM`.
    MovedInHandshake = "moved_in_handshake",
    /// A nonce came back from another address than it was sent to.
    NonceFromElsewhere = "nonce_from_elsewhere",
    /// A ticket that is in use is shown again: a `SYN` after the handshake.
    TicketShownAgain = "ticket_shown_again",
    /// Nobody used a ticket while it was good.
    TicketExpired = "ticket_expired",
    /// An address that is not proven has been sent all that it paid for.
    AmplificationHeld = "amplification_held",
    /// The `N` of `fixed:N` was cut to what the server allows.
    FixedWindowCut = "fixed_window_cut",
    /// The server sends smaller segments than the client takes.
    SegmentCut = "segment_cut",
    /// A file of no bytes.
    EmptyFile = "empty_file",
    /// A download goes on from what the client has.
    Resumed = "resumed",

    /// A retransmission timer ran out, and the sender goes back.
    WentBackByTimeout = "went_back_by_timeout",
    /// The receiver threw segments away, and the sender goes back without waiting: fast retransmit.
    WentBackByDuplicates = "went_back_by_duplicates",
    /// The path changed while data was outstanding, and the sender goes back.
    WentBackByPathChange = "went_back_by_path_change",
    /// What was sent again was lost again: the timer ran out twice in a row.
    ResentWasLost = "resent_was_lost",
    /// The backoff of a timer is as long as it gets.
    BackoffCapped = "backoff_capped",
    /// Something was acknowledged that was sent twice: no round trip can be measured (Karn).
    ResentAcknowledged = "resent_acknowledged",
    /// After going back, an acknowledgment above `nxt`: what was given up had arrived.
    AcknowledgedBeyondNxt = "acknowledged_beyond_nxt",
    /// What is left of a flight that was given up is still being thrown away, and does not count again.
    OldFlightDiscarded = "old_flight_discarded",
    /// An acknowledgment that was overtaken by a later one.
    AckOvertaken = "ack_overtaken",
    /// A segment came behind a gap.
    SegmentBehindGap = "segment_behind_gap",
    /// A segment came that was here already.
    SegmentAgain = "segment_again",
    /// A segment of which the beginning was here already.
    SegmentPartlyKnown = "segment_partly_known",
    /// Nothing came after a single segment: it is acknowledged late, by its timer.
    AckDelayed = "ack_delayed",
    /// Nothing was heard for an RTO: the acknowledgment goes again.
    AckRepeated = "ack_repeated",
    /// The path does not carry segments of this size: smaller ones from now on.
    SegmentShrunk = "segment_shrunk",

    /// The receiver allows less than a segment, and nothing is outstanding.
    WindowClosed = "window_closed",
    /// A probe asks whether the window is still closed.
    WindowProbed = "window_probed",
    /// A closed window opens by an acknowledgment that acknowledges nothing new.
    WindowOpened = "window_opened",
    /// A probe comes to a window that is open: the word of its opening was lost, or is still under way.
    OpeningMissed = "opening_missed",
    /// Less than a segment is sent, since more has not been allowed for long.
    SmallSegment = "small_segment",
    /// The receiver's window doubles: the path is long and the window was used.
    WindowDoubled = "window_doubled",
    /// The user's limit on the rate holds the sender back.
    RateHeld = "rate_held",
    /// The user pauses while data is outstanding.
    PausedInFlight = "paused_in_flight",
    /// The user pauses a sender that nothing was allowed anyhow.
    PausedWhileWithheld = "paused_while_withheld",
    /// The user pauses before the first byte.
    PausedInHandshake = "paused_in_handshake",
    /// The user pauses before there is a ticket.
    PausedBeforeTicket = "paused_before_ticket",

    /// `END` was not answered in time, and goes again.
    EndUnanswered = "end_unanswered",
    /// `END` came again: the answer was lost.
    EndRepeated = "end_repeated",
    /// The client ended it before its end, and told the server.
    EndedByClient = "ended_by_client",
    /// The server ended it before its end, and told the client.
    EndedByServer = "ended_by_server",
    /// A late packet of a download that was ended is answered with the reason.
    ToldAgain = "told_again",
    /// The server has heard nothing for so long that it ends the download.
    ServerHeardNothing = "server_heard_nothing",
    /// The client is heard, but nothing that it is sent is acknowledged, for so long that the server ends the download.
    NothingAcknowledged = "nothing_acknowledged",
    /// The client has never heard anything over UDP.
    NeverAnswered = "never_answered",
    /// The client has heard nothing more for so long that it ends the download.
    FellSilent = "fell_silent",

    /// A new port of the same host has proven itself.
    NewPort = "new_port",
    /// A new host has proven itself.
    NewHost = "new_host",
    /// A challenge was not answered in time, and goes again.
    ChallengeUnanswered = "challenge_unanswered",
    /// A new path has left all challenges unanswered, and is forgotten.
    ChallengesGivenUp = "challenges_given_up",
    /// A path that is not proven yet gives way to a newer one.
    CandidateReplaced = "candidate_replaced",
    /// A datagram from the old address came after one from the new: it says nothing about where the client is.
    OvertakenByMove = "overtaken_by_move",
    /// The path changed while the sender was going back.
    MovedWhileGoingBack = "moved_while_going_back",
    /// The path changed while the receiver withheld.
    MovedWhileWithheld = "moved_while_withheld",
    /// The path changed when only the answer to `END` was missing.
    MovedAtEnd = "moved_at_end",
    /// A datagram that is none of ours, or was damaged, came to the server.
    DamagedAtServer = "damaged_at_server",
    /// A datagram that is none of ours, or was damaged, came to the client.
    DamagedAtClient = "damaged_at_client",
    /// The server has a packet of a download that it does not know, or no longer.
    UnknownAtServer = "unknown_at_server",
    /// The client has a packet of a download that it does not know, or no longer.
    UnknownAtClient = "unknown_at_client",

    /// A nickname that is asked for is held for somebody whose connection broke.
    NickHeld = "nick_held",
    /// A connection broke, and its session is parked.
    Parked = "parked",
    /// Nobody came back for a parked session.
    ParkExpired = "park_expired",
    /// Somebody came back and had missed nothing.
    BackWithNothingMissed = "back_with_nothing_missed",
    /// Somebody came back and is shown what was said meanwhile.
    BackWithBacklog = "back_with_backlog",
    /// Somebody came back to a gap: more was said than is kept.
    BackToGap = "back_to_gap",
    /// Somebody came back with a token that this server, or this life of it, does not know.
    TokenUnknown = "token_unknown",
    /// A message came again under its id, and was not taken again.
    MessageAgain = "message_again",
    /// A message is longer than is allowed.
    TextTooLong = "text_too_long",
    /// A private message to a nickname that nobody has.
    NobodyOfThatName = "nobody_of_that_name",
    /// A private message to somebody whose connection broke: it waits.
    PrivateToParked = "private_to_parked",
    /// A message to oneself.
    PrivateToSelf = "private_to_self",
    /// Who joins is shown what was said before.
    BacklogShown = "backlog_shown",
    /// A reader's queue is longer than is allowed.
    ReaderTooSlow = "reader_too_slow",
    /// Nothing was heard from a peer for long: it is asked.
    PeerAsked = "peer_asked",
    /// A peer that was asked did not answer.
    PeerSilent = "peer_silent",
    /// A connection is turned away: too many from its address, too many in all, or too late.
    TurnedAway = "turned_away",
    /// The server stops while sessions are there.
    ClosedByShutdown = "closed_by_shutdown",
    /// A session ends while its downloads run.
    SessionEndedWithDownloads = "session_ended_with_downloads",
    /// A session may run no more downloads.
    SessionAtItsLimit = "session_at_its_limit",
    /// A session may hold no more unused tickets.
    TicketsAtTheirLimit = "tickets_at_their_limit",
    /// The server may run no more downloads.
    ServerAtItsLimit = "server_at_its_limit",
    /// There is no such file.
    FileNotFound = "file_not_found",
    /// A server that shall stop lets downloads finish.
    StopWaitsForDownloads = "stop_waits_for_downloads",
    /// A server that shall stop has waited long enough.
    GraceIsOver = "grace_is_over",

    /// The client knows its server under another epoch: it was restarted.
    NewEpoch = "new_epoch",
    /// The client goes on in its session, and says again what was not confirmed.
    SaidAgain = "said_again",
    /// A message that was sent and not confirmed is reported, since the session is gone.
    LeftUnconfirmed = "left_unconfirmed",
    /// The server refused to let the client in for now, and the client will ask again.
    NotNow = "not_now",
    /// The client heard nothing from its server for too long, and makes a new connection.
    ServerSilent = "server_silent",
    /// The client leaves while messages wait to be sent.
    LeftWithQueue = "left_with_queue",
    /// A download that runs is ended, since the client has a new session.
    EndedWithSession = "ended_with_session",
    /// A ticket comes that nobody wants any more, or is not used: it is given back.
    TicketGivenBack = "ticket_given_back",
}

/// The marks that a machine has noted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Marks(u128);

const _: () = assert!(Mark::ALL.len() <= u128::BITS as usize, "each has a bit");

impl Marks {
    /// Whether it is the first time.
    pub(crate) const fn note(&mut self, mark: Mark) -> bool {
        let bit = 1 << mark as u32;
        let is_first = self.0 & bit == 0;
        self.0 |= bit;
        is_first
    }
}

#[cfg(test)]
mod tests {
    use super::{Mark, Marks};
    use std::collections::BTreeSet;

    #[test]
    fn every_mark_has_a_name_of_its_own_and_a_sentence() {
        let names: BTreeSet<&str> = Mark::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Mark::ALL.len());
        for &mark in Mark::ALL {
            assert_eq!(Mark::of(mark.name()), Some(mark));
            assert!(mark.what().ends_with('.'), "{mark:?}");
            assert!(mark.name().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{mark:?}");
        }
    }

    #[test]
    fn a_mark_is_noted_once_and_beside_every_other() {
        let mut marks = Marks::default();
        assert!(Mark::ALL.iter().all(|&mark| marks.note(mark)));
        assert!(!Mark::ALL.iter().any(|&mark| marks.note(mark)));
    }
}
