//! `fixed:N`: always N segments, for a path that is known, and for seeing what a window does.

use super::{Acked, Controller, Lost};

/// See the module.
#[derive(Clone, Debug)]
pub struct Fixed {
    segment: u64,
    segments: u64,
}

impl Fixed {
    /// `segments` of `segment` bytes; none is read as one.
    pub fn new(segment: u16, segments: u16) -> Self {
        Self { segment: u64::from(segment.max(1)), segments: u64::from(segments.max(1)) }
    }
}

impl Controller for Fixed {
    fn on_acked(&mut self, _: Acked) {}

    fn on_lost(&mut self, _: Lost) {}

    fn on_segment_changed(&mut self, segment: u16) {
        self.segment = u64::from(segment.max(1));
    }

    fn on_path_changed(&mut self) {}

    fn window(&self) -> u64 {
        self.segment * self.segments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Instant;
    use crate::trace::LossCause;

    #[test]
    fn nothing_moves_it() {
        let mut fixed = Fixed::new(1200, 16);
        fixed.on_lost(Lost { now: Instant::ZERO, cause: LossCause::Timeout, una: 0, in_flight: 0 });
        fixed.on_acked(Acked { now: Instant::ZERO, bytes: 1, una: 1, nxt: 1, window_limited: true });
        fixed.on_path_changed();
        assert_eq!(fixed.window(), 19_200);
        fixed.on_segment_changed(100);
        assert_eq!(fixed.window(), 1_600, "always so many segments");
    }
}
