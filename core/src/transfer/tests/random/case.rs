//! What a random transfer is made of, and how long it may take.

use core::time::Duration;

use crate::node::Path;
use crate::seed::Seed;
use crate::transfer::MAX_BACKOFF;
use crate::transfer::tests::pair::path;
use crate::wire::CongestionChoice;

pub(super) const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// What somebody does on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Pause,
    Resume,
    /// The client is at this path from now on, and hears nothing of what goes to others.
    Move(Path),
    /// The user ends it.
    Stop,
    /// The server ends it.
    Abort,
}

/// What was drawn.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) seed: u64,
    pub(super) size: u64,
    pub(super) segment: u16,
    pub(super) window: u64,
    pub(super) have: u64,
    pub(super) start: u64,
    pub(super) max_segments: usize,
    pub(super) congestion: CongestionChoice,
    pub(super) rate: Option<u64>,
    /// Lost and doubled in a thousand.
    pub(super) loss: u64,
    pub(super) double: u64,
    pub(super) delay: Duration,
    /// Up to so much more, for each datagram on its own.
    pub(super) jitter: Duration,
    /// Longer datagrams are lost.
    pub(super) mtu: Option<usize>,
    /// Nothing gets through in this time.
    pub(super) dark: (Duration, Duration),
    /// Up to so long for a read, for a write, and until a socket that took a batch takes the next.
    pub(super) read: Duration,
    pub(super) write: Duration,
    pub(super) block: Duration,
    pub(super) acts: Vec<(Duration, Act)>,
}

impl Case {
    pub(super) fn draw(seed: u64) -> Self {
        let mut luck = Seed::from_number(seed).stream("case");
        let mut one_of = |choices: &[u64]| choices[luck.below(choices.len() as u64) as usize];
        let segment = one_of(&[64, 100, 100, 100, 333, 1200, 1200, 5000]);
        let sizes =
            [0, 1, segment - 1, segment, segment + 1, segment * 7, segment * 20 + 3, segment * 100 + 1];
        let size = one_of(&sizes);
        let (have, start) = match one_of(&[0, 0, 0, 0, 1, 2, 3]) {
            1 => (size, size),
            2 => (size / 2, size / 2),
            3 => (size + 77, 0),
            _ => (0, 0),
        };
        let windows = [1, segment, segment * 3 / 2, segment * 4, segment * 16 + 17, segment * 100];
        let dark_from = ms(one_of(&[0, 50, 500, 3000]));
        let mut case = Self {
            seed,
            size,
            segment: segment as u16,
            window: one_of(&windows),
            have,
            start,
            max_segments: one_of(&[1, 1, 4, 64]) as usize,
            congestion: match one_of(&[0, 0, 0, 1, 2, 7, 64]) {
                0 => CongestionChoice::Classic,
                fixed => CongestionChoice::Fixed(fixed as u16),
            },
            rate: Some(one_of(&[0, 0, 0, 0, 0, size / 2, size * 3])).filter(|&rate| rate > 0),
            loss: one_of(&[0, 0, 10, 50, 100, 200]),
            double: one_of(&[0, 0, 10, 200]),
            delay: Duration::from_micros(one_of(&[50, 1000, 15_000, 100_000, 400_000])),
            jitter: Duration::from_micros(one_of(&[0, 0, 100, 30_000, 300_000])),
            mtu: Some(one_of(&[0, 0, 0, 1400]) as usize).filter(|&it| it > 0),
            dark: (dark_from, dark_from + ms(one_of(&[0, 0, 0, 300, 10_000, 90_000]))),
            read: ms(one_of(&[0, 0, 5, 400])),
            write: ms(one_of(&[0, 0, 5, 400])),
            block: ms(one_of(&[0, 0, 0, 30])),
            acts: Vec::new(),
        };
        for _ in 0..one_of(&[0, 0, 1, 3]) {
            let at = Duration::from_micros(one_of(&[10, 40_000, 130_000, 700_000, 2_000_000]));
            let after = at + ms(one_of(&[1, 100, 2500, 100_000]));
            let place = Path { remote: ([10, 0, 0, 7], 999).into(), local: None };
            match one_of(&[0, 0, 0, 1, 1, 2, 2, 3, 4]) {
                0 => case.acts.extend([(at, Act::Pause), (after, Act::Resume)]),
                1 => case.acts.push((at, Act::Move(path(one_of(&[6000, 7000]) as u16)))),
                2 => case.acts.push((at, Act::Move(place))),
                3 => case.acts.push((at, Act::Stop)),
                _ => case.acts.push((at, Act::Abort)),
            }
        }
        case.acts.sort_by_key(|&(at, _)| at);
        case
    }

    pub(super) fn has(&self, what: Act) -> bool {
        self.acts.iter().any(|&(_, act)| act == what)
    }

    pub(super) fn round_trip(&self) -> Duration {
        (self.delay + self.jitter) * 2
    }

    fn segments(&self) -> u32 {
        // What is lost twice in a row is taken for a path that does not carry large segments.
        let shrinks = !self.is_clean();
        let carried = if shrinks { self.segment.min(1200) } else { self.segment };
        ((self.size - self.start).div_ceil(u64::from(carried)) + 1) as u32
    }

    /// Nothing is in the way, so nothing may be sent twice.
    pub(super) fn is_clean(&self) -> bool {
        let quiet = self.loss + self.double == 0 && self.jitter.is_zero() && self.mtu.is_none();
        quiet && self.acts.is_empty() && self.dark.0 == self.dark.1
    }

    /// How long it may take, if nobody ends it. What is certain (pauses, darkness, the limit on the rate, disks) is
    /// added up; what is luck gets a multiple of its mean.
    pub(super) fn bound(&self) -> Duration {
        if self.is_clean() && self.rate.is_none() && (self.read + self.write + self.block).is_zero() {
            // Handshake, flights, end; and no timer at all.
            let segment = u64::from(self.segment);
            let window = match self.congestion {
                CongestionChoice::Fixed(segments) => u64::from(segments),
                _ => 4,
            };
            let flight = window.min(self.window / segment).max(1) as u32;
            return self.round_trip() * (3 + self.segments().div_ceil(flight)) + ms(1);
        }
        let rto = MAX_BACKOFF.max(self.round_trip() * 3);
        let mut bound = rto * 4 + self.round_trip() * 2;
        // A window of one segment, acknowledged late, each segment read, sent, written in turn.
        let each = self.round_trip() + ms(25) + self.write + self.block + self.read / 4;
        bound += each * self.segments() * 2;
        bound += (self.dark.1 - self.dark.0) + rto * 2;
        bound += self.acts.last().map_or(Duration::ZERO, |&(at, _)| at) + rto * self.acts.len() as u32 * 2;
        if let Some(rate) = self.rate {
            bound += Duration::from_millis(self.size * 1000 / rate + 40);
        }
        if self.window < u64::from(self.segment) * 2 {
            // The rest of the window goes when the persist timer runs out.
            bound += (ms(200) + self.round_trip() * 3) * self.segments();
        }
        // Each loss costs a timeout, and a timeout in a row the next one twice as much.
        let lossy = self.loss + self.jitter.as_millis().min(100) as u64;
        bound += rto * self.segments() * (lossy as u32) / 150 + rto * (lossy as u32) / 20;
        bound
    }
}
