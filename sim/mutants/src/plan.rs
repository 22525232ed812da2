//! Where each bug is looked for: the scenarios that it should show in, most likely first.

use backchat_core::mutants::Mutant;

/// Where one is looked for.
pub(crate) struct Plan {
    /// The bug.
    pub(crate) mutant: Mutant,
    /// What of the protocol it is in.
    pub(crate) area: &'static str,
    /// What is alive in the run beside it, which must pass: a client that tempts the bug, without the bug.
    pub(crate) control: Option<Mutant>,
    /// Files below `scenarios/`, without their ending.
    pub(crate) scenarios: &'static [&'static str],
}

macro_rules! plans {
    ($($area:literal { $($mutant:ident $(beside $control:ident)?: $($scenario:literal),+;)+ })+) => {
        &[$($(Plan {
            mutant: Mutant::$mutant,
            area: $area,
            control: control!($($control)?),
            scenarios: &[$($scenario),+],
        }),+),+]
    };
}

macro_rules! control {
    () => {
        None
    };
    ($control:ident) => {
        Some(Mutant::$control)
    };
}

/// Every bug of the protocol.
pub(crate) const PROTOCOL: &[Plan] = plans! {
    "chat" {
        MessageTakenTwice: "chat/answer_lost";
        AcceptedForgotten: "chat/answer_lost", "chat/many_said_again";
        NotSaidAgain: "chat/answer_lost", "chat/many_said_again";
        ResumeSkipsOne: "chat/answer_lost";
        GapNotTold: "chat/back_to_a_gap";
        OldNumbersKept: "chat/server_restarts";
        PrivateToAll: "chat/private_message";
        BacklogShowsPrivate: "chat/private_backlog", "chat/late_joiner";
        PrivateNotKept: "chat/private_to_who_is_away";
        NickNotFreed: "faults/client_killed";
        HeardAndSilent: "chat/quiet_room";
    }
    "transfer" {
        WindowOffByOne: "transfer/one_mebibyte";
        LimitIgnored: "transfer/small_receive_buffer", "network/long_and_fat";
        LimitTakenBack: "network/reordering", "transfer/small_receive_buffer";
        WindowUpdateLost: "faults/end_lost", "transfer/paused_early";
        WindowGrowsOnDuplicates: "network/loss_2_percent", "network/reordering";
        StaleAckTaken: "network/reordering", "network/jitter";
        AckBeyondSentTaken beside AckBeyondSentSaid: "transfer/one_mebibyte", "network/loss_2_percent";
        OldFlightCounted: "network/loss_2_percent", "network/bufferbloat";
        LostAtTheSecond: "network/loss_2_percent", "faults/segment_overtaken";
        GoesBackOneShort: "network/loss_2_percent", "faults/segment_lost_three_times";
        EndTooEarly: "transfer/one_mebibyte", "faults/last_segment_lost";
        EndAnsweredOnce: "faults/last_answer_lost_and_on";
        OutOfOrderWritten: "network/loss_2_percent", "network/reordering";
        KnownWrittenAgain: "faults/path_shrinks";
        StaleDownloadTaken: "transfer/two_at_once", "faults/late_duplicate";
        ChecksumIgnored: "network/corruption", "interop/transfer_corruption";
        WeakChecksum: "network/corruption", "interop/transfer_corruption";
        HashIgnored: "network/corruption", "interop/transfer_corruption";
    }
    "timers" {
        NoRetransmission: "network/loss_2_percent", "faults/last_segment_lost";
        TimerNotStopped: "transfer/pause_and_resume", "transfer/small_receive_buffer", "network/loss_2_percent";
        TimerNotRestarted: "transfer/one_mebibyte", "network/bufferbloat";
        TimerNotBackedOff: "faults/segment_lost_three_times", "faults/long_blackout", "network/loss_10_percent";
        BackoffNotEnded: "faults/segment_lost_three_times", "faults/long_blackout";
        BackoffNotCapped: "faults/long_blackout", "transfer/pause_and_resume";
        NoPersistTimer: "transfer/pause_and_resume", "transfer/small_receive_buffer";
        ProbeEndsBackoff: "transfer/pause_and_resume";
        RttFromResent: "network/loss_2_percent", "network/loss_10_percent";
        AckHeldForEver: "network/loss_2_percent", "network/jitter";
        SilenceNotRenewed: "transfer/longer_than_silence";
    }
    "tickets" {
        TicketTakenTwice: "hostile/replayed_handshake";
        TicketNeverExpires: "transfer/ticket_expires";
        TicketNotGivenBack: "transfer/ticket_given_back";
        DownloadOutlivesSession: "chat/reads_too_slowly_and_downloads";
        ResumedAtWrongOffset: "faults/client_killed", "faults/server_killed";
        ParkedNotResumed: "chat/answer_lost";
        ParkedForEver: "faults/client_killed";
        PreviousTokenForgotten: "chat/welcome_lost";
        TokenOutlivesSession: "chat/back_too_late";
    }
    "paths" {
        PathNotProven: "faults/new_port", "interop/port_rebinding";
        NonceNotCompared: "hostile/replayed_proof";
        ProofFromElsewhere: "faults/moved_in_handshake";
        ChallengeNotRepeated: "faults/challenge_lost";
        WindowKeptOnNewPath: "interop/address_rebinding", "faults/new_address_and_blackout";
        SegmentNeverShrinks: "faults/segments_too_long";
    }
    "limits" {
        Amplifier: "hostile/gone_after_syn", "interop/amplification_limit";
        AmplificationNotCounted: "hostile/gone_after_syn", "interop/amplification_limit";
        SessionLimitOffByOne: "transfer/too_many";
        ServerLimitIgnored: "transfer/server_is_busy";
        TicketLimitIgnored: "transfer/ticket_not_used";
        AddressNotReleased: "chat/only_connection_of_its_address";
        SaidAgainFree: "chat/refused_again";
        SlowReaderKept: "chat/reads_too_slowly_and_downloads";
        LimitRateIgnored: "transfer/rate_limited_and_stopped";
    }
};

/// Every source of nondeterminism.
pub(crate) const DETERMINISM: &[Plan] = plans! {
    "determinism" {
        HashOrder: "transfer/one_by_one", "transfer/two_at_once";
        WallClock: "transfer/one_mebibyte";
        Thread: "transfer/one_mebibyte";
        AddressInMessage: "transfer/missing_file";
        UnseededGenerator: "transfer/one_kibibyte";
    }
};
