//! Where each bug is looked for: the scenarios that it should show in, most likely first.

use backchat_core::mutants::Mutant;

/// Where one is looked for.
pub(crate) struct Plan {
    /// The bug.
    pub(crate) mutant: Mutant,
    /// What is alive in the run beside it, which must pass: a client that tempts the bug, without the bug.
    pub(crate) control: Option<Mutant>,
    /// Files below `scenarios/`, without their ending.
    pub(crate) scenarios: &'static [&'static str],
}

macro_rules! plans {
    ($($mutant:ident $(beside $control:ident)?: $($scenario:literal),+;)+) => {
        &[$(Plan { mutant: Mutant::$mutant, control: control!($($control)?), scenarios: &[$($scenario),+] }),+]
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
    NoRetransmission: "network/loss_2_percent", "faults/last_segment_lost";
    TimerNotStopped: "transfer/pause_and_resume", "transfer/small_receive_buffer", "network/loss_2_percent";
    TimerNotBackedOff: "faults/segment_lost_three_times", "faults/long_blackout", "network/loss_10_percent";
    NoPersistTimer: "transfer/pause_and_resume", "transfer/small_receive_buffer";
    WindowOffByOne: "transfer/one_mebibyte";
    LimitIgnored: "transfer/small_receive_buffer", "network/long_and_fat";
    WindowUpdateLost: "faults/end_lost", "transfer/paused_early";
    WindowGrowsOnDuplicates: "network/loss_2_percent", "network/reordering";
    StaleAckTaken: "network/reordering", "network/jitter";
    AckBeyondSentTaken beside AckBeyondSentSaid: "transfer/one_mebibyte", "network/loss_2_percent";
    RttFromResent: "network/loss_2_percent", "network/loss_10_percent";
    OldFlightCounted: "network/loss_2_percent", "network/bufferbloat";
    EndTooEarly: "transfer/one_mebibyte", "faults/last_segment_lost";
    EndAnsweredOnce: "faults/last_answer_lost_and_on";
    OutOfOrderWritten: "network/loss_2_percent", "network/reordering";
    StaleDownloadTaken: "transfer/two_at_once", "faults/late_duplicate";
    ResumedAtWrongOffset: "faults/client_killed", "faults/server_killed";
    ChecksumIgnored: "network/corruption", "interop/transfer_corruption";
    WeakChecksum: "network/corruption", "interop/transfer_corruption";
    HashIgnored: "network/corruption", "interop/transfer_corruption";
    TicketTakenTwice: "hostile/replayed_handshake";
    PathNotProven: "faults/new_port", "interop/port_rebinding";
    Amplifier: "hostile/gone_after_syn", "interop/amplification_limit";
    MessageTakenTwice: "chat/answer_lost";
    PrivateToAll: "chat/private_message";
    BacklogShowsPrivate: "chat/private_backlog", "chat/late_joiner";
    ResumeSkipsOne: "chat/answer_lost";
    ParkedNotResumed: "chat/answer_lost";
};

/// Every source of nondeterminism.
pub(crate) const DETERMINISM: &[Plan] = plans! {
    HashOrder: "transfer/two_at_once";
    WallClock: "transfer/one_mebibyte";
    Thread: "transfer/one_mebibyte";
    AddressInMessage: "transfer/missing_file";
    UnseededGenerator: "transfer/one_kibibyte";
};
