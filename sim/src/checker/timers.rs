//! Timers: a retransmission timer runs exactly while data is unacknowledged, a persist timer exactly while a closed
//! window, or a pause, withholds some.
//!
//! Within one input a sender may stop a timer and set it again, so the rule is held against the state when time moves
//! on.

use backchat_core::time::Instant;
use backchat_core::trace::{TransferState, TransferTimer};
use backchat_core::wire::TransferId;

use super::{Checker, Found};
use crate::trace::{CoreEvent, Event, Node, Record, RunEvent, TransferEvent, TransferMap};

/// See the module.
#[derive(Debug, Default)]
pub struct Timers {
    senders: TransferMap<Sender>,
    /// Those about which something was said at the time that goes on.
    touched: Vec<TransferId>,
    now: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Sender {
    node: Node,
    is_sending: bool,
    una: u64,
    nxt: u64,
    size: u64,
    limit: u64,
    /// The largest that was sent. Less than a segment may be withheld: silly windows are not filled.
    segment: u64,
    is_paused: bool,
    retransmit: bool,
    persist: bool,
    is_touched: bool,
}

impl Sender {
    const fn new(node: Node, start: u64, size: u64) -> Self {
        Self {
            node,
            is_sending: false,
            una: start,
            nxt: start,
            size,
            limit: start,
            segment: 0,
            is_paused: false,
            retransmit: false,
            persist: false,
            is_touched: false,
        }
    }

    /// What is wrong when nothing happens any more at a time.
    fn wrong(&self) -> Option<(&'static str, &'static str)> {
        let outstanding = self.is_sending && self.nxt > self.una;
        let is_waiting = self.is_sending && self.nxt == self.una && self.una < self.size;
        let withheld = is_waiting && (self.is_paused || self.limit <= self.nxt);
        let may_be_withheld = withheld || (is_waiting && self.limit < self.nxt + self.segment);
        match (outstanding, self.retransmit, withheld, self.persist) {
            (true, false, _, _) => {
                Some(("no_retransmission_timer", "data is unacknowledged and no retransmission timer runs"))
            }
            (false, true, _, _) => Some((
                "retransmission_timer_runs",
                "the retransmission timer runs and nothing is unacknowledged",
            )),
            (_, _, true, false) => {
                Some(("no_persist_timer", "the receiver withholds and no persist timer runs"))
            }
            (_, _, false, true) if !may_be_withheld => {
                Some(("persist_timer_runs", "the persist timer runs and nothing is withheld"))
            }
            _ => None,
        }
    }
}

impl Timers {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything that was touched must be right.
    fn settle(&mut self, found: &mut Found<'_, Self>) {
        for transfer in self.touched.drain(..) {
            let Some(sender) = self.senders.get_mut(transfer) else { continue };
            sender.is_touched = false;
            if let Some((rule, wrong)) = sender.wrong() {
                let Sender { node, una, nxt, size, limit, .. } = sender;
                let state = format!("una {una}, nxt {nxt}, size {size}, limit {limit}");
                found.add_of(self.now, node, transfer, (rule, format!("{wrong} ({state})")));
            }
        }
    }

    fn sender(&mut self, node: Node, transfer: TransferId) -> Option<&mut Sender> {
        let sender = self.senders.get_mut(transfer).filter(|it| it.node == node)?;
        if !sender.is_touched {
            sender.is_touched = true;
            self.touched.push(transfer);
        }
        Some(sender)
    }
}

impl Checker for Timers {
    const NAME: &'static str = "timers";

    fn time_moves_on(&mut self, now: Instant, found: &mut Found<'_, Self>) {
        self.settle(found);
        self.now = now;
    }

    #[inline(always)]
    fn record(&mut self, record: &Record, _: &mut Found<'_, Self>) {
        let Record { node, event, .. } = record;
        match event {
            Event::Transfer(TransferEvent::Offered { transfer, size, start, .. }) => {
                self.senders.insert(*transfer, Sender::new(*node, *start, *size));
            }
            Event::Core(Some(transfer), CoreEvent::StateChanged { to, .. }) => {
                if let Some(sender) = self.sender(*node, *transfer) {
                    sender.is_sending = *to == TransferState::Sending;
                }
            }
            Event::Core(Some(transfer), CoreEvent::SegmentsSent { range, count, .. }) => {
                if let Some(sender) = self.sender(*node, *transfer) {
                    sender.segment = sender.segment.max((range.end - range.start).div_ceil(*count.max(&1)));
                    sender.nxt = range.end;
                }
            }
            Event::Core(Some(transfer), CoreEvent::Acknowledged { una, limit, .. }) => {
                if let Some(sender) = self.sender(*node, *transfer) {
                    sender.una = sender.una.max(*una);
                    sender.nxt = sender.nxt.max(sender.una);
                    sender.limit = sender.limit.max(*limit);
                }
            }
            Event::Core(Some(transfer), CoreEvent::WentBack { to, .. }) => {
                if let Some(sender) = self.sender(*node, *transfer) {
                    sender.nxt = *to;
                }
            }
            Event::Core(Some(transfer), CoreEvent::Paused { paused }) => {
                if let Some(sender) = self.sender(*node, *transfer) {
                    sender.is_paused = *paused;
                }
            }
            Event::Core(Some(transfer), CoreEvent::TimerSet { timer, .. }) => {
                self.timer(*node, *transfer, *timer, true);
            }
            Event::Core(
                Some(transfer),
                CoreEvent::TimerStopped { timer } | CoreEvent::TimerExpired { timer },
            ) => {
                self.timer(*node, *transfer, *timer, false);
            }
            // Whoever is killed has no timers.
            Event::Run(RunEvent::Crashed { .. }) => {
                self.senders.retain(|it| it.node != *node);
            }
            _ => {}
        }
    }

    fn finish(&mut self, _: Instant, found: &mut Found<'_, Self>) {
        self.settle(found);
    }
}

impl Timers {
    fn timer(&mut self, node: Node, transfer: TransferId, timer: TransferTimer, runs: bool) {
        let of: fn(&mut Sender) -> &mut bool = match timer {
            TransferTimer::Retransmit => |it| &mut it.retransmit,
            TransferTimer::Persist => |it| &mut it.persist,
            TransferTimer::Ticket
            | TransferTimer::Silence
            | TransferTimer::Handshake
            | TransferTimer::End
            | TransferTimer::Path
            | TransferTimer::AckDelay
            | TransferTimer::Repeat
            | TransferTimer::Pace
            | TransferTimer::Quiet => return,
        };
        if let Some(sender) = self.sender(node, transfer) {
            *of(sender) = runs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{Sent, at, core, offered, segment, verdict};

    fn begin() -> Vec<Record> {
        let to = TransferState::Sending;
        vec![
            offered(),
            core(1, "server", CoreEvent::StateChanged { from: TransferState::Handshake, to }),
            core(1, "server", CoreEvent::Acknowledged { una: 0, limit: 3_000, in_flight: 0 }),
        ]
    }

    fn sent(millis: u64, start: u64, end: u64) -> Record {
        segment(millis, Sent { start, end, in_flight: end, cwnd: 9_000, ..Sent::default() })
    }

    fn set(millis: u64, timer: TransferTimer) -> Record {
        let due = Instant::from_millis(millis + 100);
        core(millis, "server", CoreEvent::TimerSet { timer, due })
    }

    fn stopped(millis: u64, timer: TransferTimer) -> Record {
        core(millis, "server", CoreEvent::TimerStopped { timer })
    }

    fn acked(millis: u64, una: u64) -> Record {
        core(millis, "server", CoreEvent::Acknowledged { una, limit: 3_000, in_flight: 0 })
    }

    fn with(more: &[Record]) -> Vec<String> {
        verdict(Timers::new(), &[begin(), more.to_vec()].concat())
    }

    #[test]
    fn timers_that_run_when_they_must_are_right() {
        // Within a millisecond anything may be stopped and set.
        let right = [
            sent(1, 0, 3_000),
            set(1, TransferTimer::Retransmit),
            acked(50, 3_000),
            stopped(50, TransferTimer::Retransmit),
            set(50, TransferTimer::Persist),
            at(60, "server", RunEvent::Crashed { power: false }),
        ];
        assert_eq!(with(&right), Vec::<String>::new());
    }

    #[test]
    fn unacknowledged_data_without_a_timer_is_found() {
        assert!(with(&[sent(1, 0, 1_000)])[0].contains("no retransmission timer runs (una 0, nxt 1000"));
        let expired = core(90, "server", CoreEvent::TimerExpired { timer: TransferTimer::Retransmit });
        let records = [sent(1, 0, 3_000), set(1, TransferTimer::Retransmit), expired];
        assert!(with(&records)[0].starts_with("0.090000000: server: "));
    }

    #[test]
    fn a_timer_that_was_not_stopped_is_found() {
        let records = [
            sent(1, 0, 3_000),
            set(1, TransferTimer::Retransmit),
            acked(50, 3_000),
            set(50, TransferTimer::Persist),
        ];
        assert!(with(&records)[0].contains("the retransmission timer runs and nothing is unacknowledged"));
        let records = [sent(1, 0, 2_000), set(1, TransferTimer::Retransmit), set(1, TransferTimer::Persist)];
        assert!(with(&records)[0].contains("the persist timer runs and nothing is withheld"));
    }

    #[test]
    fn a_closed_window_without_a_persist_timer_is_found() {
        let records = [
            sent(1, 0, 3_000),
            set(1, TransferTimer::Retransmit),
            acked(50, 3_000),
            stopped(50, TransferTimer::Retransmit),
        ];
        assert!(with(&records)[0].contains("the receiver withholds and no persist timer runs"));
    }
}
