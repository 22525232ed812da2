//! The last messages, for who joins, resumes or asks for more.
//!
//! All messages, public and private, have one sequence of numbers, beginning at 1 with each epoch. A ring holds
//! the last of them, each encoded once, as it will be shown. Readers hold a cursor (a number) and not a copy, so
//! a slow one costs nothing; when the ring has moved past a cursor, the reader is told how much it missed.

use super::id::SessionId;
use bytes::Bytes;
use std::collections::VecDeque;

/// The ring of messages.
#[derive(Clone, Debug)]
pub struct History {
    /// Consecutive numbers, the last of them [`History::last`].
    ring: VecDeque<Kept>,
    /// How many messages the ring holds.
    capacity: usize,
    /// The last number given.
    last: u64,
    /// Numbers of private messages that have left the ring, ascending: who missed some is told how many public
    /// ones there were, and nothing of what others said to each other.
    hidden: VecDeque<u64>,
    /// Up to here [`History::hidden`] is no longer known.
    forgotten: u64,
}

/// A message that is kept.
#[derive(Clone, Debug)]
struct Kept {
    from: SessionId,
    /// The other party, if it is a private one.
    to: Option<SessionId>,
    /// The frame, marked as backlog.
    frame: Bytes,
}

impl Kept {
    /// Parties are identities and not names: who takes a nickname later sees nothing said to its holder before.
    fn is_visible_to(&self, viewer: SessionId) -> bool {
        mutant!(PrivateNotKept => return self.to.is_none());
        self.to.is_none_or(|to| viewer == to || viewer == self.from || mutant!(BacklogShowsPrivate))
    }
}

/// What a reader finds at its cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Messages, in order; the cursor is moved past them.
    Frames(Vec<Bytes>),
    /// So many public messages are no longer kept; the cursor is moved past them.
    Gap(u64),
    /// Nothing is left before the end.
    End,
}

/// A part of the history that is to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The next number to show: the cursor.
    pub next: u64,
    /// The first number not to show.
    pub end: u64,
}

/// The last messages that a viewer may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where they are.
    pub range: Range,
    /// How many of them the viewer may see.
    pub count: u32,
    /// Whether an older one is kept that it may see too.
    pub more: bool,
}

/// Most numbers of private messages that are remembered after they left the ring: half a megabyte.
const MAX_HIDDEN: usize = 65_536;

/// Most bytes that are taken from the ring at once. The rest stays where it is until the reader wants it.
const CHUNK_BYTES: usize = 32 * 1024;

impl History {
    /// An empty history that will hold `capacity` messages.
    pub fn new(capacity: usize) -> Self {
        Self { ring: VecDeque::new(), capacity, last: 0, hidden: VecDeque::new(), forgotten: 0 }
    }

    /// Holds `capacity` messages from now on.
    pub fn set_capacity(&mut self, capacity: usize) {
        self.capacity = capacity;
        self.evict();
    }

    /// The last number given; 0 before the first.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The number that the next message will have.
    pub fn next(&self) -> u64 {
        self.last.saturating_add(1)
    }

    /// The lowest number that is kept; [`History::next`] while nothing is.
    pub fn first(&self) -> u64 {
        self.next().saturating_sub(self.ring.len() as u64)
    }

    /// Gives the next number to a message, whose frame marked as backlog is `frame`.
    pub fn push(&mut self, from: SessionId, to: Option<SessionId>, frame: Bytes) {
        self.last = self.next();
        self.ring.push_back(Kept { from, to, frame });
        self.evict();
    }

    fn evict(&mut self) {
        while self.ring.len() > self.capacity {
            let number = self.first();
            let Some(kept) = self.ring.pop_front() else { return };
            if kept.to.is_some() {
                self.hidden.push_back(number);
            }
            if self.hidden.len() > MAX_HIDDEN {
                self.forgotten = self.hidden.pop_front().unwrap_or(self.forgotten);
            }
        }
    }

    fn kept(&self, number: u64) -> Option<&Kept> {
        self.ring.get(usize::try_from(number.checked_sub(self.first())?).ok()?)
    }

    /// How many public messages from `next` on are no longer kept: exactly, unless more private ones than are
    /// remembered lie between, and then at least.
    pub fn missed_since(&self, next: u64) -> u64 {
        let from = next.max(self.forgotten.saturating_add(1));
        let known = self.first().saturating_sub(from);
        let hidden = self.hidden.len() - self.hidden.partition_point(|&number| number < from);
        known.saturating_sub(hidden as u64)
    }

    /// The last `count` messages before the number `before` that `viewer` may see.
    pub fn tail(&self, viewer: SessionId, before: u64, count: u32) -> Tail {
        let end = before.clamp(self.first(), self.next());
        let (mut next, mut found, mut more) = (end, 0, false);
        for number in (self.first()..end).rev() {
            if !self.kept(number).is_some_and(|kept| kept.is_visible_to(viewer)) {
                continue;
            }
            if found == count {
                more = true;
                break;
            }
            found += 1;
            next = number;
        }
        Tail { range: Range { next, end }, count: found, more }
    }

    /// What lies at the cursor of `range` for `viewer`, about [`CHUNK_BYTES`] at most.
    pub fn read(&self, viewer: SessionId, range: &mut Range) -> Read {
        let end = range.end.min(self.next());
        if range.next < self.first().min(end) {
            let missed = self.missed_since(range.next).saturating_sub(self.missed_since(end));
            range.next = self.first().min(end);
            if missed > 0 {
                return Read::Gap(missed);
            }
        }
        let (mut frames, mut bytes) = (Vec::new(), 0);
        while range.next < end && bytes < CHUNK_BYTES {
            if let Some(kept) = self.kept(range.next).filter(|kept| kept.is_visible_to(viewer)) {
                bytes += kept.frame.len();
                frames.push(kept.frame.clone());
            }
            range.next += 1;
        }
        if frames.is_empty() { Read::End } else { Read::Frames(frames) }
    }

    /// Panics where the history contradicts itself.
    pub(super) fn check_invariants(&self) {
        assert!(self.ring.len() <= self.capacity, "no more messages than the ring holds");
        assert!(self.ring.len() as u64 <= self.last, "no message without a number");
        assert!(self.hidden.len() <= MAX_HIDDEN, "no more hidden numbers than are remembered");
        assert!(
            self.hidden.back().is_none_or(|&number| number < self.first()),
            "hidden ones have left the ring"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: SessionId = SessionId(1);
    const BOB: SessionId = SessionId(2);
    const EVE: SessionId = SessionId(3);

    fn filled(capacity: usize, parties: &[Option<SessionId>]) -> History {
        let mut history = History::new(capacity);
        for &to in parties {
            history.push(ANN, to, Bytes::from(history.next().to_string()));
            history.check_invariants();
        }
        history
    }

    fn shown(history: &History, viewer: SessionId, mut range: Range) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            match history.read(viewer, &mut range) {
                Read::Frames(frames) => {
                    all.extend(frames.iter().map(|frame| String::from_utf8_lossy(frame).into_owned()));
                }
                Read::Gap(missed) => all.push(format!("gap {missed}")),
                Read::End => return all,
            }
        }
    }

    #[test]
    fn private_messages_are_shown_to_their_parties_alone() {
        let history = filled(10, &[None, Some(BOB), None]);
        let all = Range { next: 1, end: 4 };
        assert_eq!(shown(&history, ANN, all), ["1", "2", "3"]);
        assert_eq!(shown(&history, BOB, all), ["1", "2", "3"]);
        assert_eq!(shown(&history, EVE, all), ["1", "3"]);
    }

    #[test]
    fn a_gap_counts_public_messages_alone() {
        let history = filled(2, &[None, Some(BOB), None, Some(BOB), None, None]);
        assert_eq!(shown(&history, EVE, Range { next: 1, end: 7 }), ["gap 2", "5", "6"]);
        assert_eq!(shown(&history, EVE, Range { next: 2, end: 7 }), ["gap 1", "5", "6"]);
        assert_eq!(shown(&history, EVE, Range { next: 4, end: 7 }), ["5", "6"]);
        assert_eq!(shown(&history, EVE, Range { next: 1, end: 3 }), ["gap 1"]);
    }

    #[test]
    fn the_tail_counts_what_the_viewer_may_see() {
        let history = filled(10, &[None, None, Some(BOB), None]);
        let tail = history.tail(EVE, u64::MAX, 2);
        assert_eq!(tail, Tail { range: Range { next: 2, end: 5 }, count: 2, more: true });
        assert_eq!(shown(&history, EVE, tail.range), ["2", "4"]);
        assert_eq!(history.tail(EVE, 2, 9), Tail { range: Range { next: 1, end: 2 }, count: 1, more: false });
        assert_eq!(history.tail(EVE, 0, 9).count, 0);
        assert_eq!(history.tail(EVE, 9, 0).range, Range { next: 5, end: 5 });
    }

    #[test]
    fn a_history_of_nothing_still_numbers() {
        let history = filled(0, &[None, None]);
        assert_eq!((history.first(), history.last()), (3, 2));
        assert_eq!(shown(&history, EVE, Range { next: 1, end: 3 }), ["gap 2"]);
    }

    #[test]
    fn much_is_read_in_chunks() {
        let mut history = History::new(100);
        for _ in 0..100 {
            history.push(ANN, None, Bytes::from(vec![b'x'; 4000]));
        }
        let mut range = Range { next: 1, end: 101 };
        let Read::Frames(frames) = history.read(EVE, &mut range) else { panic!("frames were expected") };
        assert_eq!(frames.len(), 9);
        assert_eq!(range.next, 10);
    }
}
