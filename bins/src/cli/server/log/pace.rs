//! How often strangers may put a line into the log.
//!
//! Who joins and leaves as fast as the server lets them would fill a disk, and push what an operator looks for out of
//! whatever keeps the log. So each kind of line that strangers cause has a rate of its own; what is above it is counted,
//! told of in a line of its own, and stands in the metrics like everything else.

use std::collections::BTreeMap;
use std::time::Duration;

use backchat_core::chat::{Bucket, Rate};
use backchat_core::time::Instant;

/// How many lines of a kind there may be. The burst is everybody of a large server coming back after a restart; ten a
/// second, of all nine kinds, are less than 2 GB a day.
const LINES: Rate = Rate::new(1_000, 10);

/// How often it is told what was left out, while something is.
const TOLD_EVERY: Duration = Duration::from_secs(10);

/// What was let through, and what was not.
#[derive(Debug, Default)]
pub(super) struct Pace {
    kinds: BTreeMap<&'static str, Bucket>,
    left_out: BTreeMap<&'static str, u64>,
    told_at: Instant,
    total: u64,
}

impl Pace {
    /// Whether a line of this kind is written now.
    pub(super) fn lets(&mut self, now: Instant, kind: &'static str) -> bool {
        if self.kinds.entry(kind).or_default().take(now, LINES).is_ok() {
            return true;
        }
        *self.left_out.entry(kind).or_default() += 1;
        self.total += 1;
        false
    }

    /// What was left out since this was last asked, by kind, when it is time to tell: `812 joined, 790 left`.
    pub(super) fn summary(&mut self, now: Instant) -> Option<String> {
        if self.left_out.is_empty() || now < self.told_at + TOLD_EVERY {
            return None;
        }
        self.told_at = now;
        self.rest()
    }

    /// The same, whenever it is.
    pub(super) fn rest(&mut self) -> Option<String> {
        let parts: Vec<String> = std::mem::take(&mut self.left_out)
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// How many lines were left out since the start.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_kind_is_counted_and_takes_no_line_from_another() {
        let mut pace = Pace::default();
        let now = Instant::from_millis(60_000);
        let written = (0..5_000).filter(|_| pace.lets(now, "joined")).count();
        assert_eq!(written, 1_000);
        assert!(pace.lets(now, "left"));
        assert_eq!(pace.summary(now).as_deref(), Some("4000 joined"));
        assert!(!pace.lets(now, "joined"));
        assert_eq!(pace.summary(now + Duration::from_secs(9)), None, "once in ten seconds");
        assert_eq!(pace.summary(now + Duration::from_secs(10)).as_deref(), Some("1 joined"));
        assert_eq!((pace.rest(), pace.total()), (None, 4_001));
        // 10 s at 10 a second.
        let later = now + Duration::from_secs(10);
        assert_eq!((0..5_000).filter(|_| pace.lets(later, "joined")).count(), 100);
    }
}
