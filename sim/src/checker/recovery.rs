//! Recovery: what the RFCs ask of a sender beyond its window and its timers, computed again from the trace.
//!
//! - Nothing is acknowledged that was not sent, and `una` never goes back (RFC 9293 §3.10.7.4).
//! - No round trip is measured from bytes that were all sent twice (Karn, RFC 6298 §3).
//! - A timer that ran out and is set again without progress is twice as long, up to its cap (RFC 6298 §5.5).
//! - The congestion window grows with an acknowledgment of something new alone (RFC 5681 §3.1), or on a new path.
//! - Nobody goes back for duplicate acknowledgments twice within a round trip: those are of the flight that was given up
//!   on (RFC 6582 §3).
//! - `END` is answered each time, once everything is there.
//! - `END` is said when everything is acknowledged; a ticket is bound once.
//! - The receiver keeps what comes in order alone: each kept stretch begins where the last ended.

use core::time::Duration;

use backchat_core::time::Instant;
use backchat_core::transfer::MAX_BACKOFF;
use backchat_core::wire::TransferId;

use super::{Checker, Found, Wrong};
use crate::trace::{Event, Name, Node, NodeMap, Record, TransferMap};

/// See the module.
#[derive(Debug, Default)]
pub struct Recovery {
    senders: TransferMap<Sender>,
    receivers: TransferMap<Receiver>,
    /// One that was told again that it has everything and has still to answer.
    unanswered: Option<(Instant, Node, TransferId)>,
    /// How long both ways take at least.
    round_trips: NodeMap<Duration>,
}

#[derive(Debug)]
struct Receiver {
    node: Node,
    /// Where its next byte is, once it has kept one.
    next: Option<u64>,
    has_everything: bool,
}

#[derive(Debug)]
struct Sender {
    node: Node,
    start: u64,
    size: u64,
    una: u64,
    /// Behind the last byte that was ever sent.
    max: u64,
    /// Behind the last byte that was sent more than once.
    resent: u64,
    cwnd: Option<u64>,
    /// When a round trip was measured, and the window grew, of which the acknowledgment is still to come.
    sampled: Option<Instant>,
    grew: Option<(Instant, u64, u64)>,
    path_changed: Option<Instant>,
    limit: u64,
    /// When it last went back for duplicate acknowledgments, and to where.
    went_back: Option<(Instant, u64)>,
    timers: Vec<(Name, Timer)>,
    /// How many inputs there were: packets and timers.
    input: u64,
}

/// How long a timer was set for, and whether it has run out. What it was set for says nothing about the next
/// time once there was progress.
#[derive(Clone, Copy, Debug, Default)]
struct Timer {
    /// In which input: a host is woken by the millisecond, so several have the same time.
    set_in: u64,
    set_for: Duration,
    ran_out: bool,
}

impl Recovery {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    fn sender(&mut self, node: Node, transfer: TransferId) -> Option<&mut Sender> {
        self.senders.get_mut(transfer).filter(|it| it.node == node)
    }

    fn has_everything(&mut self, node: Node, transfer: TransferId) -> bool {
        self.receivers.get_mut(transfer).is_some_and(|it| it.node == node && it.has_everything)
    }

    fn receiver(&mut self, node: Node, transfer: TransferId) -> &mut Receiver {
        self.receivers.get_or(transfer, || Receiver { node, next: None, has_everything: false })
    }
}

impl Sender {
    fn new(node: Node, start: u64, size: u64) -> Self {
        Self {
            node,
            start,
            size,
            una: start,
            max: start,
            resent: start,
            cwnd: None,
            sampled: None,
            grew: None,
            path_changed: None,
            limit: start,
            went_back: None,
            timers: Vec::new(),
            input: 0,
        }
    }

    /// Progress: backoff begins anew, for every timer that was not set by it.
    fn begin_anew(&mut self) {
        for (_, timer) in &mut self.timers {
            timer.ran_out = false;
            if timer.set_in < self.input {
                timer.set_for = Duration::ZERO;
            }
        }
    }

    fn acknowledged(&mut self, at: Instant, una: u64, limit: u64) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if una > self.max {
            let said = format!("{una} is taken as acknowledged, and nothing behind {} was sent", self.max);
            wrong.push(("acknowledged_unsent", said));
        }
        if una < self.una {
            wrong.push(("una_went_back", format!("una went back from {} to {una}", self.una)));
        }
        let is_progress = una > self.una;
        if self.sampled.take() == Some(at) && is_progress && una <= self.resent {
            let said = format!(
                "a round trip was measured with the acknowledgment of {una}, and everything below {} was sent twice",
                self.resent
            );
            wrong.push(("sample_of_resent", said));
        }
        if let Some((when, from, to)) = self.grew.take()
            && when == at
            && !is_progress
        {
            let said =
                format!("the congestion window grew from {from} to {to}, and nothing new was acknowledged");
            wrong.push(("grew_on_nothing", said));
        }
        if is_progress || limit > self.limit {
            self.begin_anew();
        }
        self.una = self.una.max(una);
        self.limit = self.limit.max(limit);
        wrong
    }

    fn timer(&mut self, timer: &Name) -> &mut Timer {
        let known = self.timers.iter().position(|(name, _)| name == timer);
        let place = known.unwrap_or_else(|| {
            self.timers.push((timer.clone(), Timer::default()));
            self.timers.len() - 1
        });
        &mut self.timers[place].1
    }

    fn set(&mut self, at: Instant, timer: &Name, due: Instant) -> Option<Wrong> {
        let (set_in, now) = (self.input, due - at);
        let it = core::mem::replace(self.timer(timer), Timer { set_in, set_for: now, ran_out: false });
        let (before, has_run_out) = (it.set_for, it.ran_out);
        let least = (before * 2).min(MAX_BACKOFF);
        (has_run_out && now < least).then(|| {
            let said = format!(
                "the {timer} timer ran out after {before:?} and is set for {now:?}, expected {least:?} or more"
            );
            ("not_backed_off", said)
        })
    }
}

impl Checker for Recovery {
    const NAME: &'static str = "recovery";

    fn time_moves_on(&mut self, _: Instant, found: &mut Found<'_, Self>) {
        // Who was told again that it has everything must have answered.
        if let Some((at, node, transfer)) = self.unanswered.take() {
            let said = "END came again and was not answered".to_owned();
            found.add_of(at, &node, transfer, ("end_not_answered", said));
        }
    }

    #[inline(always)]
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>) {
        let Record { at, node, event } = record;
        match event {
            Event::TransferOffered { transfer, size, start, .. } => {
                self.senders.insert(*transfer, Sender::new(*node, *start, *size));
            }
            Event::SegmentsSent { transfer, start, end, resent, cwnd, .. } => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                it.max = it.max.max(*end);
                it.cwnd.get_or_insert(*cwnd);
                if *resent > 0 {
                    it.resent = it.resent.max(start + resent);
                }
            }
            Event::RttUpdated { transfer, .. } => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.sampled = Some(*at);
                }
            }
            Event::WindowChanged { transfer, cwnd } => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                let before = it.cwnd.replace(*cwnd);
                if let Some(before) = before.filter(|before| before < cwnd && it.path_changed != Some(*at)) {
                    it.grew = Some((*at, before, *cwnd));
                }
            }
            Event::Acknowledged { transfer, una, limit, .. } => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                for wrong in it.acknowledged(*at, *una, *limit) {
                    found.add_of(*at, node, *transfer, wrong);
                }
            }
            Event::PathValidated { transfer } => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.path_changed = Some(*at);
                    it.begin_anew();
                }
            }
            Event::Paused { transfer, .. } => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.begin_anew();
                }
            }
            Event::WentBack { transfer, to, cause, .. } if *cause == "duplicate_acks" => {
                let receiver = self.receivers.get_mut(*transfer);
                let round_trip = receiver.and_then(|it| self.round_trips.get(it.node)).copied();
                let Some(it) = self.sender(*node, *transfer) else { return };
                let before = it.went_back.replace((*at, *to));
                if let (Some((when, place)), Some(round_trip)) = (before, round_trip)
                    && place == *to
                    && *at - when < round_trip
                {
                    let said = format!(
                        "went back to {to} twice within {:?}, and a round trip takes {round_trip:?}",
                        *at - when
                    );
                    found.add_of(*at, node, *transfer, ("went_back_twice", said));
                }
            }
            Event::LinkShaped { delay, .. } => {
                if let Some(direction) = node.direction() {
                    *self.round_trips.get_or(direction.client(), Duration::default) += *delay;
                }
            }
            // What somebody repeats comes at once.
            Event::Injected { .. } => {
                if let Some(direction) = node.direction() {
                    *self.round_trips.get_or(direction.client(), Duration::default) = Duration::ZERO;
                }
            }
            Event::StateChanged { transfer, to, .. } if *node != Node::SERVER => {
                let it = self.receiver(*node, *transfer);
                if *to == "finishing" {
                    it.has_everything = true;
                } else if *to != "done" {
                    it.has_everything = false;
                }
            }
            Event::PacketSent { transfer, kind, .. } if *kind == "end-ack" => {
                self.unanswered.take_if(|(_, of, it)| of == node && it == transfer);
            }
            Event::PacketReceived { transfer, kind, .. }
                if *kind == "end" && self.has_everything(*node, *transfer) =>
            {
                self.unanswered = Some((*at, *node, *transfer));
            }
            Event::StateChanged { transfer, from, to } => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                it.begin_anew();
                if *to == "ending" && it.una != it.size {
                    let said = format!("END with {} of {} bytes acknowledged", it.una, it.size);
                    found.add_of(*at, node, *transfer, ("end_too_early", said));
                }
                if *to == "handshake" && *from != "offered" {
                    let said = format!("a ticket that was taken is bound again, in the state {from}");
                    found.add_of(*at, node, *transfer, ("ticket_bound_twice", said));
                }
            }
            Event::TimerSet { transfer, timer, due } => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                if let Some(wrong) = it.set(*at, timer, *due) {
                    found.add_of(*at, node, *transfer, wrong);
                }
            }
            Event::PacketReceived { transfer, .. } => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.input += 1;
                }
            }
            Event::TimerExpired { transfer, timer } => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.input += 1;
                }
                // The path's is not one that backs off: it asks three times and gives up.
                if let Some(it) = self.sender(*node, *transfer).filter(|_| *timer != "path") {
                    it.timer(timer).ran_out = true;
                }
            }
            Event::SegmentReceived { transfer, start, end } => {
                let offered = self.senders.get_mut(*transfer).map(|it| it.start);
                let next = self.receiver(*node, *transfer).next.replace(*end).or(offered);
                if let Some(next) = next.filter(|next| next != start) {
                    let said = format!("{start}..{end} was kept, and what comes next is {next}");
                    found.add_of(*at, node, *transfer, ("kept_out_of_order", said));
                }
            }
            Event::Crashed { .. } => {
                self.senders.retain(|it| it.node != *node);
                self.receivers.retain(|it| it.node != *node);
                self.unanswered = None;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{Sent, T, at, offered, segment, verdict};
    use crate::trace::Datagram;

    fn sent(millis: u64, start: u64, end: u64, resent: u64) -> Record {
        segment(millis, Sent { start, end, resent, in_flight: end, cwnd: 4_000, ..Sent::default() })
    }

    fn acked(millis: u64, una: u64) -> Record {
        at(millis, "server", Event::Acknowledged { transfer: T, una, limit: 9_000, in_flight: 0 })
    }

    fn sampled(millis: u64) -> Record {
        let it = Duration::from_millis(30);
        at(millis, "server", Event::RttUpdated { transfer: T, latest: it, srtt: it, rttvar: it, rto: it })
    }

    fn window(millis: u64, cwnd: u64) -> Record {
        at(millis, "server", Event::WindowChanged { transfer: T, cwnd })
    }

    fn set(millis: u64, length: u64) -> Record {
        let (timer, due) = (Name::of("retransmit"), Instant::from_millis(millis + length));
        at(millis, "server", Event::TimerSet { transfer: T, timer, due })
    }

    fn expired(millis: u64) -> Record {
        at(millis, "server", Event::TimerExpired { transfer: T, timer: Name::of("retransmit") })
    }

    fn state(from: &'static str, to: &'static str) -> Record {
        at(9, "server", Event::StateChanged { transfer: T, from: Name::of(from), to: Name::of(to) })
    }

    fn kept(start: u64, end: u64) -> Record {
        at(9, "ann", Event::SegmentReceived { transfer: T, start, end })
    }

    fn said(records: &[Record]) -> Vec<String> {
        verdict(Recovery::new(), &[vec![offered()], records.to_vec()].concat())
    }

    #[test]
    fn a_sender_that_keeps_the_rules_is_right() {
        let records = [
            state("offered", "handshake"),
            sent(10, 0, 4_000, 0),
            set(10, 100),
            kept(0, 1_000),
            kept(1_000, 3_000),
            sampled(40),
            window(40, 8_000),
            acked(40, 1_000),
            set(40, 100),
            expired(140),
            sent(140, 1_000, 4_000, 3_000),
            set(140, 200),
            expired(340),
            set(340, 400),
            acked(400, 4_000),
            set(401, 100),
            sent(401, 4_000, 5_000, 0),
            sampled(440),
            acked(440, 5_000),
            state("sending", "ending"),
        ];
        assert_eq!(said(&records), Vec::<String>::new());
    }

    #[test]
    fn going_back_for_the_flight_that_was_given_up_on_is_found() {
        let shape = |node: &str| {
            let (delay, jitter) = (Duration::from_millis(15), Duration::ZERO);
            at(0, node, Event::LinkShaped { delay, jitter, rate: None, impairs: false })
        };
        let owner = at(
            1,
            "ann",
            Event::StateChanged { transfer: T, from: Name::of("x"), to: Name::of("confirming") },
        );
        let back = |millis, to| {
            let (from, cause) = (4_000, Name::of("duplicate_acks"));
            at(millis, "server", Event::WentBack { transfer: T, from, to, cause })
        };
        let begin = [shape("ann->server"), shape("server->ann"), owner, sent(1, 0, 4_000, 0)];
        let right = [&begin[..], &[back(40, 0), back(70, 0), back(80, 1_000)]].concat();
        assert_eq!(said(&right), Vec::<String>::new());
        let wrong = said(&[&begin[..], &[back(40, 0), back(60, 0)]].concat());
        assert!(wrong.len() == 1 && wrong[0].contains("went back to 0 twice within 20ms"), "{wrong:?}");
        // The flight that was sent again is repeated to the receiver before it arrives.
        let injected = Event::Injected { ordinal: 1 << 32, length: 1_000, what: Datagram::Replay(2) };
        let repeated = at(50, "server->ann", injected);
        let right = [&begin[..], &[back(40, 0), repeated, back(60, 0)]].concat();
        assert_eq!(said(&right), Vec::<String>::new());
    }

    #[test]
    fn an_end_that_is_not_answered_again_is_found() {
        let finishing =
            at(9, "ann", Event::StateChanged { transfer: T, from: Name::of("x"), to: Name::of("finishing") });
        let end =
            at(20, "ann", Event::PacketReceived { transfer: T, kind: Name::of("end"), transmission: 9 });
        let answer =
            at(20, "ann", Event::PacketSent { transfer: T, kind: Name::of("end-ack"), transmission: 9 });
        let begin = [finishing, end];
        assert_eq!(said(&[&begin[..], &[answer, expired(30)]].concat()), Vec::<String>::new());
        let wrong = said(&[&begin[..], &[expired(30)]].concat());
        assert!(wrong.len() == 1 && wrong[0].ends_with("END came again and was not answered"), "{wrong:?}");
    }

    #[test]
    fn each_rule_that_is_broken_is_found() {
        let cases: [(&[Record], &str); 8] = [
            (
                &[sent(1, 0, 1_000, 0), acked(2, 2_000)],
                "2000 is taken as acknowledged, and nothing behind 1000",
            ),
            (&[sent(1, 0, 2_000, 0), acked(2, 2_000), acked(3, 1_000)], "una went back from 2000 to 1000"),
            (
                &[sent(1, 0, 2_000, 0), sent(2, 0, 2_000, 2_000), sampled(3), acked(3, 1_000)],
                "a round trip was measured with the acknowledgment of 1000",
            ),
            (
                &[sent(1, 0, 4_000, 0), window(2, 8_000), acked(2, 0)],
                "the congestion window grew from 4000 to 8000, and nothing new was acknowledged",
            ),
            (&[set(1, 100), expired(101), set(101, 100)], "set for 100ms, expected 200ms or more"),
            (&[state("sending", "ending")], "END with 0 of 5000 bytes acknowledged"),
            (&[state("sending", "handshake")], "bound again, in the state sending"),
            (&[kept(0, 1_000), kept(2_000, 3_000)], "2000..3000 was kept, and what comes next is 1000"),
        ];
        for (records, expected) in cases {
            let said = said(records);
            assert!(said.len() == 1 && said[0].contains(expected), "{said:?} without {expected:?}");
        }
    }

    #[test]
    fn a_new_path_may_begin_with_a_larger_window() {
        let validated = at(2, "server", Event::PathValidated { transfer: T });
        let records = [sent(1, 0, 4_000, 0), validated, window(2, 8_000), acked(2, 0)];
        assert_eq!(said(&records), Vec::<String>::new());
    }

    #[test]
    fn progress_while_a_timer_runs_ends_its_backoff() {
        let opened =
            at(50, "server", Event::Acknowledged { transfer: T, una: 0, limit: 9_001, in_flight: 0 });
        let packet =
            at(50, "server", Event::PacketReceived { transfer: T, kind: Name::of("ack"), transmission: 9 });
        assert_eq!(said(&[set(50, 200), packet, opened, expired(250), set(250, 200)]), Vec::<String>::new());
    }

    #[test]
    fn backoff_ends_at_its_cap() {
        assert_eq!(said(&[set(0, 2_000), expired(2_000), set(2_000, 3_000)]), Vec::<String>::new());
        assert_eq!(said(&[set(0, 4_500), expired(4_500), set(4_500, 4_500)]), Vec::<String>::new());
    }
}
