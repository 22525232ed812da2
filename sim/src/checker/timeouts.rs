//! Timeouts: how long the sender's timers run, computed again from the round trips that it measured (RFC 6298).
//!
//! - The retransmission timer begins anew with each acknowledgment of something new (§5.3): it never runs out within an
//!   RTO of one.
//! - Such an acknowledgment ends the backoff: the timer is set for the RTO and no longer.
//! - No timer that backs off is set for longer than [`MAX_BACKOFF`], or the RTO where that is longer.
//!
//! The RTO is SRTT + 4·RTTVAR (§2.3), within [`LEAST`] and [`MOST`]. Before the first sample, and on a new path until the
//! next, it is between [`LEAST`] and [`FIRST_MOST`].

use core::time::Duration;

use backchat_core::time::Instant;
use backchat_core::trace::TransferTimer;
use backchat_core::transfer::MAX_BACKOFF;
use backchat_core::wire::TransferId;

use super::{Checker, Found, Wrong};
use crate::trace::{CoreEvent, Event, Node, Record, RunEvent, TransferEvent, TransferMap};

/// The shortest RTO.
const LEAST: Duration = Duration::from_millis(100);

/// The longest RTO, without backoff.
const MOST: Duration = Duration::from_secs(10);

/// The longest RTO before the first sample.
const FIRST_MOST: Duration = Duration::from_secs(1);

/// The clock granularity G of RFC 6298 §2.3.
const GRANULARITY: Duration = Duration::from_millis(1);

/// See the module.
#[derive(Debug, Default)]
pub struct Timeouts {
    senders: TransferMap<Sender>,
}

#[derive(Debug)]
struct Sender {
    node: Node,
    una: u64,
    /// What the RTO can be.
    least: Duration,
    most: Duration,
    /// When something new was last acknowledged on this path.
    progress: Option<Instant>,
    /// How many inputs there were, in which of them the retransmission timer was last set, and for how long.
    input: u64,
    set: Option<(u64, Duration)>,
}

impl Sender {
    const fn new(node: Node, una: u64) -> Self {
        Self { node, una, least: LEAST, most: FIRST_MOST, progress: None, input: 0, set: None }
    }

    fn on_sample(&mut self, srtt: Duration, rttvar: Duration) {
        let rto = (srtt + GRANULARITY.max(rttvar * 4)).clamp(LEAST, MOST);
        (self.least, self.most) = (rto, rto);
    }

    fn on_path(&mut self) {
        (self.least, self.most) = (LEAST, self.most.max(FIRST_MOST));
        self.progress = None;
    }

    fn set(&mut self, timer: TransferTimer, length: Duration) -> Option<Wrong> {
        let backs_off = match timer {
            TransferTimer::Retransmit => {
                self.set = Some((self.input, length));
                true
            }
            TransferTimer::Persist | TransferTimer::End | TransferTimer::Handshake => true,
            TransferTimer::Ticket
            | TransferTimer::Silence
            | TransferTimer::Path
            | TransferTimer::AckDelay
            | TransferTimer::Repeat
            | TransferTimer::Pace
            | TransferTimer::Quiet => false,
        };
        let most = MAX_BACKOFF.max(self.most);
        (backs_off && length > most).then(|| {
            let said = format!("the {timer} timer is set for {length:?}, and no backoff is above {most:?}");
            ("backed_off_too_far", said)
        })
    }

    fn acknowledged(&mut self, now: Instant, una: u64) -> Option<Wrong> {
        if una <= self.una {
            return None;
        }
        self.una = una;
        self.progress = Some(now);
        let (_, length) = self.set.filter(|(input, _)| *input == self.input)?;
        (length > self.most).then(|| {
            let most = self.most;
            let said = format!(
                "{una} was acknowledged, and the retransmission timer is set for {length:?}; the RTO is {most:?}"
            );
            ("backoff_not_ended", said)
        })
    }

    fn ran_out(&self, now: Instant) -> Option<Wrong> {
        let since = now - self.progress?;
        (since < self.least).then(|| {
            let (una, least) = (self.una, self.least);
            let said = format!(
                "the retransmission timer ran out {since:?} after {una} was acknowledged; the RTO is {least:?}"
            );
            ("ran_out_early", said)
        })
    }
}

impl Timeouts {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    fn sender(&mut self, node: Node, transfer: TransferId) -> Option<&mut Sender> {
        self.senders.get_mut(transfer).filter(|it| it.node == node)
    }
}

impl Checker for Timeouts {
    const NAME: &'static str = "timeouts";

    #[inline(always)]
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>) {
        let Record { at, node, event } = record;
        let (transfer, wrong) = match event {
            Event::Transfer(TransferEvent::Offered { transfer, start, .. }) => {
                self.senders.insert(*transfer, Sender::new(*node, *start));
                return;
            }
            Event::Run(RunEvent::Crashed { .. }) => return self.senders.retain(|it| it.node != *node),
            Event::Core(Some(transfer), CoreEvent::RttUpdated { srtt, rttvar, .. }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                it.on_sample(*srtt, *rttvar);
                return;
            }
            Event::Core(Some(transfer), CoreEvent::PathValidated) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                it.on_path();
                return;
            }
            Event::Core(Some(transfer), CoreEvent::PacketReceived { .. }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                it.input += 1;
                return;
            }
            Event::Core(Some(transfer), CoreEvent::TimerExpired { timer }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                it.input += 1;
                (transfer, it.ran_out(*at).filter(|_| *timer == TransferTimer::Retransmit))
            }
            Event::Core(Some(transfer), CoreEvent::TimerSet { timer, due }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                (transfer, it.set(*timer, *due - *at))
            }
            Event::Core(Some(transfer), CoreEvent::Acknowledged { una, .. }) => {
                let Some(it) = self.sender(*node, *transfer) else { return };
                (transfer, it.acknowledged(*at, *una))
            }
            _ => return,
        };
        if let Some(wrong) = wrong {
            found.add_of(*at, node, *transfer, wrong);
        }
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::wire::Kind;

    use super::*;
    use crate::checker::testing::{core, offered, verdict};

    /// An RTO of 30 + 4 × 30 ms.
    fn sampled(millis: u64) -> Record {
        let it = Duration::from_millis(30);
        core(millis, "server", CoreEvent::RttUpdated { latest: it, srtt: it, rttvar: it, rto: it })
    }

    fn received(millis: u64) -> Record {
        core(millis, "server", CoreEvent::PacketReceived { kind: Kind::Ack, transmission: 9 })
    }

    fn acked(millis: u64, una: u64) -> Record {
        core(millis, "server", CoreEvent::Acknowledged { una, limit: 9_000, in_flight: 0 })
    }

    fn set(millis: u64, length: u64) -> Record {
        let (timer, due) = (TransferTimer::Retransmit, Instant::from_millis(millis + length));
        core(millis, "server", CoreEvent::TimerSet { timer, due })
    }

    fn expired(millis: u64) -> Record {
        core(millis, "server", CoreEvent::TimerExpired { timer: TransferTimer::Retransmit })
    }

    fn said(records: &[Record]) -> Vec<String> {
        verdict(Timeouts::new(), &[vec![offered()], records.to_vec()].concat())
    }

    #[test]
    fn a_timer_that_runs_for_an_rto_from_each_acknowledgment_passes() {
        let records = [
            received(100),
            sampled(100),
            set(100, 150),
            acked(100, 1_000),
            expired(250),
            set(250, 300),
            expired(550),
            set(550, 600),
            received(600),
            set(600, 150),
            acked(600, 2_000),
        ];
        assert_eq!(said(&records), Vec::<String>::new());
    }

    #[test]
    fn one_that_is_not_set_anew_runs_out_early() {
        let records =
            [received(100), sampled(100), acked(100, 1_000), received(200), acked(200, 2_000), expired(250)];
        assert_eq!(said(&records).len(), 1);
        assert!(said(&records)[0].contains("ran out 50ms after 2000 was acknowledged; the RTO is 150ms"));
    }

    #[test]
    fn one_that_is_longer_than_the_rto_after_an_acknowledgment_is_found() {
        let records = [received(100), sampled(100), set(100, 300), acked(100, 1_000)];
        assert!(said(&records)[0].ends_with("the retransmission timer is set for 300ms; the RTO is 150ms"));
        // The same for an acknowledgment of nothing new.
        assert_eq!(said(&[received(100), sampled(100), set(100, 300), acked(100, 0)]), Vec::<String>::new());
    }

    #[test]
    fn a_backoff_above_its_cap_is_found() {
        assert_eq!(said(&[set(0, 3_000)]), Vec::<String>::new());
        assert!(said(&[set(0, 3_001)])[0].ends_with("is set for 3.001s, and no backoff is above 3s"));
    }
}
