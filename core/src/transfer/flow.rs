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

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Window {
    size: u64,
    most: u64,
    /// The handshake's round trip; unknown where it had to be repeated.
    round_trip: Option<Duration>,
    /// The current measurement: since when, and from which byte on.
    since: Instant,
    from: u64,
}

impl Window {
    /// A window of `size` bytes at `start`.
    pub(super) fn new(size: u64, now: Instant, start: u64) -> Self {
        Self { size, most: MAX_WINDOW.max(size), round_trip: None, since: now, from: start }
    }

    /// What the handshake measured.
    pub(super) fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = Some(round_trip);
    }

    /// Its size, in bytes.
    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Data has arrived up to `rcv_nxt`. After each round trip: if at least half a window came in it, the window may
    /// be what holds the sender back, and doubles.
    pub(super) fn on_received(&mut self, now: Instant, rcv_nxt: u64) {
        let Some(round_trip) = self.round_trip.filter(|&it| it >= LONG_PATH) else { return };
        if now - self.since < round_trip {
            return;
        }
        if rcv_nxt - self.from >= self.size / 2 {
            self.size = (self.size * 2).min(self.most);
        }
        self.since = now;
        self.from = rcv_nxt;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_on_a_long_path_while_it_is_used() {
        let mut window = Window::new(100_000, Instant::ZERO, 0);
        window.set_round_trip(Duration::from_millis(50));
        window.on_received(Instant::from_millis(20), 90_000);
        assert_eq!(window.size(), 100_000, "not before a round trip");
        window.on_received(Instant::from_millis(50), 90_000);
        assert_eq!(window.size(), 200_000);
        window.on_received(Instant::from_millis(100), 150_000);
        assert_eq!(window.size(), 200_000, "60,000 in a round trip is less than half");
        window.on_received(Instant::from_millis(150), 1 << 40);
        assert_eq!(window.size(), 400_000);
        (4..40u64).for_each(|i| window.on_received(Instant::from_millis(i * 50), i << 41));
        assert_eq!(window.size(), MAX_WINDOW);
    }

    #[test]
    fn it_stays_on_a_short_path() {
        let mut window = Window::new(100_000, Instant::ZERO, 0);
        window.set_round_trip(Duration::from_micros(200));
        window.on_received(Instant::from_millis(1), 1 << 30);
        assert_eq!(window.size(), 100_000);
    }
}
