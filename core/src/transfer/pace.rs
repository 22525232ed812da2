//! The user's limit on the rate, as a bound on the receiver's window: no word on the wire, nothing on the server.

use core::time::Duration;

use crate::time::Instant;

/// How often the window is opened. Drivers' timers are good for a millisecond; twenty of them keep the error small
/// and the acknowledgments few.
pub(super) const STEP: Duration = Duration::from_millis(20);

/// So many bytes a second, counted from the beginning, so that what is rounded off once is not lost for ever.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    bytes_per_second: u64,
    began: Instant,
    start: u64,
}

impl Pace {
    /// From `now` and the file's offset `start` on; a rate of none is read as one byte a second.
    pub(super) fn new(bytes_per_second: u64, now: Instant, start: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), began: now, start }
    }

    /// The offset that may have been reached at `now`: up to one step ahead of the rate, so that there is always
    /// something to send, and `segment` at least. It moves in steps of the time, and by whole segments: a limit that
    /// crept with every acknowledgment would be filled with segments of a few bytes (RFC 9293 §3.8.6.2).
    pub(super) fn allows(&self, now: Instant, segment: u16) -> u64 {
        let steps = (now - self.began).as_nanos() / STEP.as_nanos() + 1;
        let nanos = steps.saturating_mul(STEP.as_nanos());
        let bytes = u128::from(self.bytes_per_second).saturating_mul(nanos) / 1_000_000_000;
        let segment = u64::from(segment.max(1));
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX) / segment * segment;
        self.start.saturating_add(bytes.max(segment))
    }

    /// After a time in which nothing was to be allowed, such as a pause: that time is not made up for.
    pub(super) fn restart(&mut self, now: Instant, at: u64) {
        self.began = now;
        self.start = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_allows_the_rate_and_one_step() {
        let pace = Pace::new(1_000_000, Instant::ZERO, 500);
        assert_eq!(pace.allows(Instant::ZERO, 1000), 500 + 20_000);
        assert_eq!(pace.allows(Instant::from_millis(19), 1000), 500 + 20_000);
        assert_eq!(pace.allows(Instant::from_millis(20), 1200), 500 + 39_600);
        assert_eq!(pace.allows(Instant::from_millis(1000), 1000), 500 + 1_020_000);
        assert_eq!(Pace::new(1, Instant::ZERO, 0).allows(Instant::ZERO, 1200), 1200);
        assert!(Pace::new(u64::MAX, Instant::ZERO, 1).allows(Instant::from_nanos(u64::MAX), 1200) > 1 << 63);
    }
}
