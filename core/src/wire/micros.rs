//! Times as the wire has them.

use core::time::Duration;

/// Whole microseconds, at most 71 minutes: all that the wire can say of a time. So a packet is the same before and behind
/// its bytes, and a simulator need not make them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Micros(pub u32);

impl From<Duration> for Micros {
    /// Cut to whole microseconds; what is longer than the wire has room for is as long as there is.
    fn from(duration: Duration) -> Self {
        Self(u32::try_from(duration.as_micros()).unwrap_or(u32::MAX))
    }
}

impl From<Micros> for Duration {
    fn from(Micros(micros): Micros) -> Self {
        Self::from_micros(micros.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_cut_to_what_the_wire_has_room_for() {
        assert_eq!(Micros::from(Duration::from_nanos(1_999)), Micros(1));
        assert_eq!(Micros::from(Duration::from_secs(72 * 60)), Micros(u32::MAX));
        assert_eq!(Duration::from(Micros(1_500)), Duration::from_nanos(1_500_000));
    }
}
