//! Controlled delay (RFC 8289): a queue that keeps the time short that packets wait in it.
//!
//! A burst may wait, for it is over soon; what stands in a queue for longer than an interval is of no use to anybody. So
//! CoDel looks at how long each packet has waited when its turn comes. If that was never below the target for a whole
//! interval, the packet at the head is dropped, and another after an interval divided by the square root of how many there
//! were, until one has waited for less. Where there is explicit congestion notification (RFC 3168), packets are marked in
//! place of that and go on.
//!
//! This is the pseudocode of RFC 8289 §5, taken apart into one question for each packet at the head; what is marked is
//! counted as Linux does it. Square roots are those of integers.

use core::time::Duration;

use backchat_core::time::Instant;

/// How a queue is managed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codel {
    /// How long packets may wait for ever.
    pub target: Duration,
    /// How long they may wait for longer than that: about the longest round trip of those who send.
    pub interval: Duration,
    /// Packets are marked and not dropped.
    pub ecn: bool,
}

impl Default for Codel {
    /// RFC 8289 §4.2 and §4.3: 5 ms and 100 ms. Nothing is marked.
    fn default() -> Self {
        Self { target: Duration::from_millis(5), interval: Duration::from_millis(100), ecn: false }
    }
}

/// Intervals within which a queue that is too long again goes on where the last time ended (RFC 8289 §5.4).
const SOON: u32 = 16;

/// What becomes of the packet at the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judgment {
    /// It is sent.
    Send,
    /// It is sent with the mark Congestion Experienced.
    Mark,
    /// It is dropped, and the one behind it is at the head, at the same time.
    Drop,
}

/// What the packet before had come to, where that decides over the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Sent,
    /// It was dropped, and with it dropping began.
    DroppedFirst,
    /// It was dropped as one of several.
    Dropped,
}

/// A managed queue's state.
#[derive(Clone, Debug)]
pub(super) struct Management {
    codel: Codel,
    /// Bytes of the longest packet so far: fewer behind the head are no queue.
    longest: u64,
    /// When packets will have waited for too long for an interval.
    first_above: Option<Instant>,
    is_dropping: bool,
    before: Before,
    /// When the next one is dropped, while it is dropping.
    drop_next: Instant,
    /// Packets that were dropped since dropping began, and how many it began with.
    count: u64,
    last_count: u64,
}

impl Management {
    pub(super) const fn new(codel: Codel) -> Self {
        Self {
            codel,
            longest: 0,
            first_above: None,
            is_dropping: false,
            before: Before::Sent,
            drop_next: Instant::ZERO,
            count: 0,
            last_count: 0,
        }
    }

    /// The turn of a packet of `bytes` has come at `now`, after it has waited for `waited`; so many bytes are behind it.
    pub(super) fn judge(&mut self, now: Instant, waited: Duration, bytes: u64, behind: u64) -> Judgment {
        self.longest = self.longest.max(bytes);
        let is_above = self.is_above(now, waited, behind);
        match core::mem::replace(&mut self.before, Before::Sent) {
            Before::DroppedFirst => return Judgment::Send,
            Before::Dropped if is_above => self.drop_next = self.after(self.drop_next),
            Before::Dropped | Before::Sent => {}
        }
        if !self.is_dropping {
            return if is_above { self.begin(now) } else { Judgment::Send };
        }
        if !is_above {
            self.is_dropping = false;
            return Judgment::Send;
        }
        if now < self.drop_next {
            return Judgment::Send;
        }
        self.count += 1;
        if self.codel.ecn {
            self.drop_next = self.after(self.drop_next);
            return Judgment::Mark;
        }
        self.before = Before::Dropped;
        Judgment::Drop
    }

    /// The queue is empty.
    pub(super) fn on_empty(&mut self) {
        self.first_above = None;
        self.is_dropping = false;
        self.before = Before::Sent;
    }

    /// Returns true if packets have waited for longer than the target for an interval (`dodequeue`).
    fn is_above(&mut self, now: Instant, waited: Duration, behind: u64) -> bool {
        if waited < self.codel.target || behind <= self.longest {
            self.first_above = None;
            return false;
        }
        match self.first_above {
            Some(first) => now >= first,
            None => {
                self.first_above = Some(now + self.codel.interval);
                false
            }
        }
    }

    fn begin(&mut self, now: Instant) -> Judgment {
        self.is_dropping = true;
        // At the rate that has shortened the queue the last time, if that was not long ago.
        let before = self.count - self.last_count;
        let is_soon = now.saturating_since(self.drop_next) < self.codel.interval * SOON;
        self.count = if before > 1 && is_soon { before } else { 1 };
        self.last_count = self.count;
        self.drop_next = self.after(now);
        if self.codel.ecn {
            return Judgment::Mark;
        }
        self.before = Before::DroppedFirst;
        Judgment::Drop
    }

    /// An interval over the square root of the count behind `at` (`control_law`).
    fn after(&self, at: Instant) -> Instant {
        let interval = self.codel.interval.as_nanos();
        let nanos = (interval * interval / u128::from(self.count.max(1))).isqrt();
        at + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES: u64 = 1_250;
    const MANY: u64 = 100 * BYTES;

    fn ms(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn span(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn managed() -> Management {
        Management::new(Codel::default())
    }

    /// The times at which one of a packet each millisecond is not sent, where each has waited for so long, in milliseconds.
    fn struck(it: &mut Management, waited: impl Fn(u64) -> u64, upto: u64) -> Vec<u64> {
        (0..upto).filter(|at| it.judge(ms(*at), span(waited(*at)), BYTES, MANY) != Judgment::Send).collect()
    }

    #[test]
    fn a_burst_that_is_over_within_an_interval_is_left_alone() {
        assert_eq!(
            struck(&mut managed(), |at| if at % 100 == 99 { 4 } else { 50 }, 1_000),
            Vec::<u64>::new()
        );
    }

    #[test]
    fn a_standing_queue_loses_packets_at_the_control_laws_times() {
        // 100, then 100 later, then 100/√2, 100/√3, 100/√4 and 100/√5 ms.
        let times = struck(&mut managed(), |_| 50, 430);
        assert_eq!(times, [100, 200, 271, 329, 379, 424]);
    }

    #[test]
    fn one_packet_that_has_waited_for_less_ends_it_and_soon_after_it_goes_on_at_the_rate_of_before() {
        let mut it = managed();
        assert_eq!(struck(&mut it, |_| 50, 430).len(), 6);
        assert_eq!(it.judge(ms(430), span(4), BYTES, MANY), Judgment::Send);
        let again: Vec<u64> =
            (431..620).filter(|at| it.judge(ms(*at), span(50), BYTES, MANY) != Judgment::Send).collect();
        // An interval of waiting, then 100/√5 and 100/√6 ms: what was dropped the last time, but for the first.
        assert_eq!(again, [531, 576, 617]);
    }

    #[test]
    fn a_queue_of_a_packet_is_no_queue() {
        let mut it = managed();
        assert!((0..1_000).all(|at| it.judge(ms(at), span(50), BYTES, BYTES) == Judgment::Send));
    }

    #[test]
    fn what_is_late_is_dropped_one_after_the_other() {
        let mut it = managed();
        let judged = [0, 100, 100, 900, 900, 900].map(|at| it.judge(ms(at), span(50), BYTES, MANY));
        use Judgment::{Drop, Send};
        assert_eq!(judged, [Send, Drop, Send, Drop, Drop, Drop]);
    }

    #[test]
    fn marks_come_when_drops_would() {
        let mut it = Management::new(Codel { ecn: true, ..Codel::default() });
        assert_eq!(struck(&mut it, |_| 50, 430), [100, 200, 271, 329, 379, 424]);
        assert_eq!(it.judge(ms(900), span(50), BYTES, MANY), Judgment::Mark);
        assert_eq!(it.judge(ms(900), span(50), BYTES, MANY), Judgment::Mark);
    }

    #[test]
    fn an_empty_queue_ends_it() {
        let mut it = managed();
        assert_eq!(struck(&mut it, |_| 50, 101), [100]);
        it.on_empty();
        assert_eq!(struck(&mut it, |_| 50, 100), Vec::<u64>::new());
    }
}
