//! What core's machines observe: `backchat_core::trace`.

use super::{CoreEvent, table};

table! {
    CoreEvent {
        StateChanged "transfer:state_changed" { from, to }
        PacketSent "transfer:packet_sent" { kind, transmission }
        PacketReceived "transfer:packet_received" { kind, transmission }
        SegmentsSent "transfer:segments_sent" { range, transmission, count, resent, in_flight, cwnd, limit }
        SegmentReceived "transfer:segment_received" { range }
        SegmentDiscarded "transfer:segment_discarded" { range, rcv_nxt }
        Acknowledged "recovery:acknowledged" { una, limit, in_flight }
        RttUpdated "recovery:rtt_updated" { latest, srtt, rttvar, rto }
        WentBack "recovery:went_back" { from, to, cause }
        WindowChanged "recovery:window_changed" { cwnd }
        TimerSet "recovery:timer_set" { timer, due }
        TimerStopped "recovery:timer_stopped" { timer }
        TimerExpired "recovery:timer_expired" { timer }
        Paused "transfer:paused" { paused }
        PathChallenged "path:challenged" {}
        PathValidated "path:validated" {}
        Dropped "transfer:packet_dropped" { reason }
        Ended "transfer:ended" { outcome }
        Marked "core:marked" { mark }
    }
}
