//! Histograms of durations.

use core::time::Duration;

/// The upper bounds, in microseconds: from a turn of a loop to a download of an hour, so that all histograms have the
/// same. Each holds what took as long or less.
pub const BOUNDS_MICROS: [u64; 20] = [
    100,
    500,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    300_000_000,
    1_800_000_000,
    3_600_000_000,
];

/// A histogram of durations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// By bound; what is longer than all of them is in none.
    counts: [u64; BOUNDS_MICROS.len()],
    count: u64,
    sum: Duration,
}

impl Histogram {
    /// Something took so long.
    pub fn add(&mut self, took: Duration) {
        let at = BOUNDS_MICROS.partition_point(|bound| Duration::from_micros(*bound) < took);
        if let Some(count) = self.counts.get_mut(at) {
            *count = count.saturating_add(1);
        }
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.saturating_add(took);
    }

    /// Returns each bound with the number of durations that do not exceed it.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        let bounds = BOUNDS_MICROS.iter().map(|bound| Duration::from_micros(*bound));
        bounds.zip(self.counts.iter().scan(0u64, |sum, count| {
            *sum = sum.saturating_add(*count);
            Some(*sum)
        }))
    }

    /// Returns the number of durations.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the sum of all durations.
    pub fn sum(&self) -> Duration {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_holds_what_took_as_long_or_less() {
        let mut histogram = Histogram::default();
        let hours = Duration::from_secs(10 * 3600);
        for took in [Duration::ZERO, Duration::from_micros(100), Duration::from_micros(101), hours] {
            histogram.add(took);
        }
        let cumulative: Vec<_> = histogram.cumulative().map(|(_, count)| count).collect();
        assert_eq!(cumulative[..3], [2, 3, 3]);
        assert_eq!((cumulative.last(), histogram.count()), (Some(&3), 4));
        assert_eq!(histogram.sum(), hours + Duration::from_micros(201));
    }
}
