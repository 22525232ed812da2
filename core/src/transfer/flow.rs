//! The receiver's window: how far ahead of what is written the sender may go.
//!
//! The window counts from what has been *written*, not from what has arrived, so a slow disk slows the sender. It
//! begins at what the socket's buffer holds, for a burst that does not fit there is lost whole. On a long path that
//! would be too little (window / round trip is the most that can flow), so it grows there as long as it is what
//! holds the sender back: then arrivals are spread over the round trip and need no room in the buffer.

use core::time::Duration;

use crate::time::Instant;

/// The window never grows above this.
pub(super) const MAX_WINDOW: u64 = 16 << 20;

/// Below this round trip the window stays at what the socket's buffer holds. There a window of 200 KB allows 40 MB/s
/// and more, and a larger one would arrive as one burst.
const LONG_PATH: Duration = Duration::from_millis(5);

/// Whether a window has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// It is as large as before.
    Unchanged,
    /// It is twice as large.
    Doubled,
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Window {
    size: u64,
    most: u64,
    /// The round trip, from `SYN` to `SYN-ACK`; from `CONFIRM` to the first segment where a `SYN` was repeated; unknown
    /// where that was repeated too.
    round_trip: Option<Duration>,
    /// The current measurement: since when, and from which byte on.
    since: Instant,
    from: u64,
}

impl Window {
    /// A window of `size` bytes.
    pub(super) const fn new(size: u64) -> Self {
        let most = if size > MAX_WINDOW { size } else { MAX_WINDOW };
        Self { size, most, round_trip: None, since: Instant::ZERO, from: 0 }
    }

    /// Data will come from `start` on; `round_trip` is what the handshake measured.
    pub(super) const fn begin(&mut self, now: Instant, start: u64, round_trip: Option<Duration>) {
        self.round_trip = round_trip;
        self.since = now;
        self.from = start;
    }

    /// A guess, for when the handshake has measured nothing.
    pub(super) fn learn_round_trip(&mut self, guess: Duration) {
        self.round_trip.get_or_insert(guess);
    }

    /// Its size, in bytes.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Data has arrived up to `rcv_nxt`. After each round trip: if at least half a window came in it, the window may
    /// be what holds the sender back, and doubles.
    pub(super) fn on_received(&mut self, now: Instant, rcv_nxt: u64) -> Growth {
        let Some(round_trip) = self.round_trip.filter(|&it| it >= LONG_PATH) else {
            return Growth::Unchanged;
        };
        if now - self.since < round_trip {
            return Growth::Unchanged;
        }
        let is_used = rcv_nxt - self.from >= self.size / 2;
        self.since = now;
        self.from = rcv_nxt;
        if !is_used || self.size == self.most {
            return Growth::Unchanged;
        }
        self.size = (self.size * 2).min(self.most);
        Growth::Doubled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_on_a_long_path_while_it_is_used() {
        let mut window = Window::new(100_000);
        window.begin(Instant::ZERO, 0, Some(Duration::from_millis(50)));
        window.on_received(Instant::from_millis(20), 90_000);
        assert_eq!(window.size(), 100_000, "not before a round trip");
        window.on_received(Instant::from_millis(50), 90_000);
        assert_eq!(window.size(), 200_000);
        window.on_received(Instant::from_millis(100), 150_000);
        assert_eq!(window.size(), 200_000, "60,000 in a round trip is less than half");
        window.on_received(Instant::from_millis(150), 1 << 40);
        assert_eq!(window.size(), 400_000);
        (4..40u64).for_each(|i| {
            window.on_received(Instant::from_millis(i * 50), i << 41);
        });
        assert_eq!(window.size(), MAX_WINDOW);
    }

    #[test]
    fn a_prefix_that_was_here_before_is_no_use_of_it() {
        let mut window = Window::new(100_000);
        window.begin(Instant::ZERO, 1 << 30, Some(Duration::from_millis(50)));
        window.on_received(Instant::from_millis(50), (1 << 30) + 1200);
        assert_eq!(window.size(), 100_000);
    }

    #[test]
    fn it_stays_on_a_short_path() {
        let mut window = Window::new(100_000);
        window.begin(Instant::ZERO, 0, Some(Duration::from_micros(200)));
        window.on_received(Instant::from_millis(1), 1 << 30);
        assert_eq!(window.size(), 100_000);
    }
}
