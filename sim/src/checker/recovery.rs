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
use backchat_core::trace::{LossCause, TransferState, TransferTimer};
use backchat_core::transfer::MAX_BACKOFF;
use backchat_core::wire::{Kind, TransferId};

use super::{Checker, Found, Wrong};
use crate::trace::{CoreEvent, Event, NetEvent, Node, NodeMap, Record, RunEvent, TransferEvent, TransferMap};

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
    timers: Vec<(TransferTimer, Timer)>,
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

    fn timer(&mut self, timer: TransferTimer) -> &mut Timer {
        let known = self.timers.iter().position(|(name, _)| *name == timer);
        let place = known.unwrap_or_else(|| {
            self.timers.push((timer, Timer::default()));
            self.timers.len() - 1
        });
        &mut self.timers[place].1
    }

    fn set(&mut self, at: Instant, timer: TransferTimer, due: Instant) -> Option<Wrong> {
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
            Event::Transfer(TransferEvent::Offered { transfer, size, start, .. }) => {
                self.senders.insert(*transfer, Sender::new(*node, *start, *size));
            }
            Event::Core(Some(transfer), CoreEvent::SegmentsSent { range, resent, cwnd, .. }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                it.max = it.max.max(range.end);
                it.cwnd.get_or_insert(*cwnd);
                if *resent > 0 {
                    it.resent = it.resent.max(range.start + resent);
                }
            }
            Event::Core(Some(transfer), CoreEvent::RttUpdated { .. }) => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.sampled = Some(*at);
                }
            }
            Event::Core(Some(transfer), CoreEvent::WindowChanged { cwnd }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                let before = it.cwnd.replace(*cwnd);
                if let Some(before) = before.filter(|before| before < cwnd && it.path_changed != Some(*at)) {
                    it.grew = Some((*at, before, *cwnd));
                }
            }
            Event::Core(Some(transfer), CoreEvent::Acknowledged { una, limit, .. }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                for wrong in it.acknowledged(*at, *una, *limit) {
                    found.add_of(*at, node, *transfer, wrong);
                }
            }
            Event::Core(Some(transfer), CoreEvent::PathValidated) => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.path_changed = Some(*at);
                    it.begin_anew();
                }
            }
            Event::Core(Some(transfer), CoreEvent::Paused { .. }) => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.begin_anew();
                }
            }
            Event::Core(Some(transfer), CoreEvent::WentBack { to, cause: LossCause::DuplicateAcks, .. }) => {
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
            Event::Run(RunEvent::LinkShaped { delay, .. }) => {
                if let Some(direction) = node.direction() {
                    *self.round_trips.get_or(direction.client(), Duration::default) += *delay;
                }
            }
            // What somebody repeats comes at once.
            Event::Net(NetEvent::Injected { .. }) => {
                if let Some(direction) = node.direction() {
                    *self.round_trips.get_or(direction.client(), Duration::default) = Duration::ZERO;
                }
            }
            Event::Core(Some(transfer), CoreEvent::StateChanged { to, .. }) if *node != Node::SERVER => {
                let it = self.receiver(*node, *transfer);
                match to {
                    TransferState::Finishing => it.has_everything = true,
                    TransferState::Done => {}
                    TransferState::Offered
                    | TransferState::Handshake
                    | TransferState::Sending
                    | TransferState::Ending
                    | TransferState::SynSent
                    | TransferState::Confirming
                    | TransferState::Receiving
                    | TransferState::Aborted
                    | TransferState::Closed => it.has_everything = false,
                }
            }
            Event::Core(Some(transfer), CoreEvent::PacketSent { kind: Kind::EndAck, .. }) => {
                self.unanswered.take_if(|(_, of, it)| of == node && it == transfer);
            }
            Event::Core(Some(transfer), CoreEvent::PacketReceived { kind: Kind::End, .. })
                if self.has_everything(*node, *transfer) =>
            {
                self.unanswered = Some((*at, *node, *transfer));
            }
            Event::Core(Some(transfer), CoreEvent::StateChanged { from, to }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                it.begin_anew();
                if *to == TransferState::Ending && it.una != it.size {
                    let said = format!("END with {} of {} bytes acknowledged", it.una, it.size);
                    found.add_of(*at, node, *transfer, ("end_too_early", said));
                }
                if *to == TransferState::Handshake && *from != TransferState::Offered {
                    let said = format!("a ticket that was taken is bound again, in the state {from}");
                    found.add_of(*at, node, *transfer, ("ticket_bound_twice", said));
                }
            }
            Event::Core(Some(transfer), CoreEvent::TimerSet { timer, due }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                if let Some(wrong) = it.set(*at, *timer, *due) {
                    found.add_of(*at, node, *transfer, wrong);
                }
            }
            Event::Core(Some(transfer), CoreEvent::PacketReceived { .. }) => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.input += 1;
                }
            }
            Event::Core(Some(transfer), CoreEvent::TimerExpired { timer }) => {
                if let Some(it) = self.sender(*node, *transfer) {
                    it.input += 1;
                }
                // The path's is not one that backs off: it asks three times and gives up.
                if let Some(it) = self.sender(*node, *transfer).filter(|_| *timer != TransferTimer::Path) {
                    it.timer(*timer).ran_out = true;
                }
            }
            Event::Core(Some(transfer), CoreEvent::SegmentReceived { range }) => {
                let offered = self.senders.get_mut(*transfer).map(|it| it.start);
                let next = self.receiver(*node, *transfer).next.replace(range.end).or(offered);
                if let Some(next) = next.filter(|next| *next != range.start) {
                    let said = format!("{range:?} was kept, and what comes next is {next}");
                    found.add_of(*at, node, *transfer, ("kept_out_of_order", said));
                }
            }
            Event::Run(RunEvent::Crashed { .. }) => {
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
    use crate::checker::testing::{Sent, at, core, offered, segment, verdict};
    use crate::trace::Datagram;

    fn sent(millis: u64, start: u64, end: u64, resent: u64) -> Record {
        segment(millis, Sent { start, end, resent, in_flight: end, cwnd: 4_000, ..Sent::default() })
    }

    fn acked(millis: u64, una: u64) -> Record {
        core(millis, "server", CoreEvent::Acknowledged { una, limit: 9_000, in_flight: 0 })
    }

    fn sampled(millis: u64) -> Record {
        let it = Duration::from_millis(30);
        core(millis, "server", CoreEvent::RttUpdated { latest: it, srtt: it, rttvar: it, rto: it })
    }

    fn window(millis: u64, cwnd: u64) -> Record {
        core(millis, "server", CoreEvent::WindowChanged { cwnd })
    }

    fn set(millis: u64, length: u64) -> Record {
        let (timer, due) = (TransferTimer::Retransmit, Instant::from_millis(millis + length));
        core(millis, "server", CoreEvent::TimerSet { timer, due })
    }

    fn expired(millis: u64) -> Record {
        core(millis, "server", CoreEvent::TimerExpired { timer: TransferTimer::Retransmit })
    }

    fn state(from: TransferState, to: TransferState) -> Record {
        core(9, "server", CoreEvent::StateChanged { from, to })
    }

    fn kept(start: u64, end: u64) -> Record {
        core(9, "ann", CoreEvent::SegmentReceived { range: start..end })
    }

    fn said(records: &[Record]) -> Vec<String> {
        verdict(Recovery::new(), &[vec![offered()], records.to_vec()].concat())
    }

    #[test]
    fn a_sender_that_keeps_the_rules_is_right() {
        let records = [
            state(TransferState::Offered, TransferState::Handshake),
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
            state(TransferState::Sending, TransferState::Ending),
        ];
        assert_eq!(said(&records), Vec::<String>::new());
    }

    #[test]
    fn going_back_for_the_flight_that_was_given_up_on_is_found() {
        let shape = |node: &str| {
            let (delay, jitter) = (Duration::from_millis(15), Duration::ZERO);
            at(0, node, RunEvent::LinkShaped { delay, jitter, rate: None, impairs: false })
        };
        let owner = core(
            1,
            "ann",
            CoreEvent::StateChanged { from: TransferState::SynSent, to: TransferState::Confirming },
        );
        let back = |millis, to| {
            let (from, cause) = (4_000, LossCause::DuplicateAcks);
            core(millis, "server", CoreEvent::WentBack { from, to, cause })
        };
        let begin = [shape("ann->server"), shape("server->ann"), owner, sent(1, 0, 4_000, 0)];
        let right = [&begin[..], &[back(40, 0), back(70, 0), back(80, 1_000)]].concat();
        assert_eq!(said(&right), Vec::<String>::new());
        let wrong = said(&[&begin[..], &[back(40, 0), back(60, 0)]].concat());
        assert!(wrong.len() == 1 && wrong[0].contains("went back to 0 twice within 20ms"), "{wrong:?}");
        // The flight that was sent again is repeated to the receiver before it arrives.
        let injected = NetEvent::Injected { ordinal: 1 << 32, length: 1_000, what: Datagram::Replay(2) };
        let repeated = at(50, "server->ann", injected);
        let right = [&begin[..], &[back(40, 0), repeated, back(60, 0)]].concat();
        assert_eq!(said(&right), Vec::<String>::new());
    }

    #[test]
    fn an_end_that_is_not_answered_again_is_found() {
        let finishing = core(
            9,
            "ann",
            CoreEvent::StateChanged { from: TransferState::SynSent, to: TransferState::Finishing },
        );
        let end = core(20, "ann", CoreEvent::PacketReceived { kind: Kind::End, transmission: 9 });
        let answer = core(20, "ann", CoreEvent::PacketSent { kind: Kind::EndAck, transmission: 9 });
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
            (
                &[state(TransferState::Sending, TransferState::Ending)],
                "END with 0 of 5000 bytes acknowledged",
            ),
            (&[state(TransferState::Sending, TransferState::Handshake)], "bound again, in the state sending"),
            (&[kept(0, 1_000), kept(2_000, 3_000)], "2000..3000 was kept, and what comes next is 1000"),
        ];
        for (records, expected) in cases {
            let said = said(records);
            assert!(said.len() == 1 && said[0].contains(expected), "{said:?} without {expected:?}");
        }
    }

    #[test]
    fn a_new_path_may_begin_with_a_larger_window() {
        let validated = core(2, "server", CoreEvent::PathValidated);
        let records = [sent(1, 0, 4_000, 0), validated, window(2, 8_000), acked(2, 0)];
        assert_eq!(said(&records), Vec::<String>::new());
    }

    #[test]
    fn progress_while_a_timer_runs_ends_its_backoff() {
        let opened = core(50, "server", CoreEvent::Acknowledged { una: 0, limit: 9_001, in_flight: 0 });
        let packet = core(50, "server", CoreEvent::PacketReceived { kind: Kind::Ack, transmission: 9 });
        assert_eq!(said(&[set(50, 200), packet, opened, expired(250), set(250, 200)]), Vec::<String>::new());
    }

    #[test]
    fn backoff_ends_at_its_cap() {
        assert_eq!(said(&[set(0, 2_000), expired(2_000), set(2_000, 3_000)]), Vec::<String>::new());
        assert_eq!(said(&[set(0, 4_500), expired(4_500), set(4_500, 4_500)]), Vec::<String>::new());
    }
}
