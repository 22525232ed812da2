//! What waits for a connection to take it.
//!
//! A queue of frames and of *lazy* items: parts of the history, lists of names and files, which become frames
//! only when they have come to the front. So a reader that asks for much and reads slowly costs a cursor and not
//! a copy, and live frames that come meanwhile wait behind in their order. Only live frames count against the
//! limit on slow readers: who reads a backlog is not to blame for its length.

mod page;

use super::frame::{FileEntry, RequestId, ServerFrame};
use super::history::{History, Range, Read};
use super::id::SessionId;
use super::nickname::NicknameKey;
use super::roster::Roster;
use crate::chat::filename::FileName;
use crate::queue::rest;
use bytes::Bytes;
use core::fmt;
use std::collections::VecDeque;
use std::io::IoSlice;

/// The queue of one connection.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The front is never lazy.
    queue: VecDeque<Item>,
    /// How many bytes of the front frame the connection has taken.
    taken: usize,
    /// Bytes of live frames in the queue; a frame counts until all of it is taken.
    live_bytes: usize,
    /// Lazy items in the queue.
    lists: u32,
    /// The driver was told that something waits, and has not yet taken all of it.
    announced: bool,
}

enum Item {
    Frame { bytes: Bytes, live: bool },
    Lazy(Lazy),
}

impl fmt::Debug for Item {
    /// Prints how long a frame is, and nothing of it: there are tokens in frames.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frame { bytes, live } => {
                f.debug_struct("Frame").field("bytes", &bytes.len()).field("live", live).finish()
            }
            Self::Lazy(lazy) => fmt::Debug::fmt(lazy, f),
        }
    }
}

/// What becomes frames when it has come to the front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lazy {
    /// Messages from before.
    History(Range),
    /// Who is here, behind the last name shown.
    Names {
        /// The request.
        id: Option<RequestId>,
        /// The last name shown.
        after: Option<NicknameKey>,
    },
    /// What can be downloaded, behind the last file shown.
    Files {
        /// The request.
        id: Option<RequestId>,
        /// The last file shown.
        after: Option<FileName>,
    },
}

/// Where lazy items are read from, and who reads.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The messages.
    pub history: &'a History,
    /// The nicknames.
    pub roster: &'a Roster,
    /// The files, in the order of their names.
    pub files: &'a [FileEntry],
    /// Who reads.
    pub viewer: SessionId,
}

impl Outbox {
    /// Adds a live frame.
    pub fn push(&mut self, bytes: Bytes) {
        self.live_bytes = self.live_bytes.saturating_add(bytes.len());
        self.queue.push_back(Item::Frame { bytes, live: true });
    }

    /// Adds what is made into frames later.
    pub fn push_lazy(&mut self, lazy: Lazy, sources: Sources<'_>) {
        self.queue.push_back(Item::Lazy(lazy));
        self.lists = self.lists.saturating_add(1);
        self.expand(sources);
    }

    /// Bytes of live frames that wait.
    pub fn live_bytes(&self) -> usize {
        self.live_bytes
    }

    /// How many lists wait or are being shown.
    pub fn lists(&self) -> u32 {
        self.lists
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Whether the driver has to be told that something waits; once for each time that something begins to.
    pub fn announce(&mut self) -> bool {
        !self.queue.is_empty() && !core::mem::replace(&mut self.announced, true)
    }

    /// Fills `slices` with what waits, front first, and tells how many it filled.
    pub fn pending<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let frames = self.queue.iter().map_while(|item| match item {
            Item::Frame { bytes, .. } => Some(bytes),
            Item::Lazy(_) => None,
        });
        let mut filled = 0;
        for (slice, (place, bytes)) in slices.iter_mut().zip(frames.enumerate()) {
            let skipped = if place == 0 { self.taken } else { 0 };
            *slice = IoSlice::new(bytes.get(skipped..).unwrap_or_default());
            filled += 1;
        }
        filled
    }

    /// The connection took `count` bytes. More than waited is as much as waited.
    pub fn take(&mut self, mut count: usize, sources: Sources<'_>) {
        while let Some(Item::Frame { bytes, live }) = self.queue.front() {
            let rest = bytes.len().saturating_sub(self.taken);
            if count < rest {
                self.taken += count;
                break;
            }
            count -= rest;
            if *live {
                self.live_bytes = self.live_bytes.saturating_sub(bytes.len());
            }
            self.taken = 0;
            self.queue.pop_front();
            if count == 0 {
                // What follows was not pending yet if it is lazy; a frame of no bytes does not exist.
                break;
            }
        }
        self.expand(sources);
        if self.queue.is_empty() {
            self.announced = false;
            rest(&mut self.queue);
        }
    }

    /// Drops everything but the frame that has been begun: what is said last still arrives as a line.
    pub fn cut(&mut self) {
        let begun = if self.taken > 0 { self.queue.pop_front() } else { None };
        let announced = self.announced;
        *self = Self { taken: self.taken, announced, ..Self::default() };
        if let Some(Item::Frame { bytes, live }) = begun {
            self.live_bytes = if live { bytes.len() } else { 0 };
            self.queue.push_back(Item::Frame { bytes, live });
        }
    }

    /// Makes frames of the lazy items at the front: as many as are shown at once, and of the rest a lazy item.
    fn expand(&mut self, sources: Sources<'_>) {
        while let Some(Item::Lazy(lazy)) = self.queue.front_mut() {
            let frames = match lazy {
                Lazy::History(range) => match sources.history.read(sources.viewer, range) {
                    Read::Frames(frames) => Some(frames),
                    Read::Gap(missed) => Some(vec![ServerFrame::Gap { missed }.encode()]),
                    Read::End => None,
                },
                Lazy::Names { id, after } => {
                    let (frame, last) = page::names(id, after.as_ref(), sources.roster);
                    return self
                        .show_page(frame, last.map(|after| Lazy::Names { id: None, after: Some(after) }));
                }
                Lazy::Files { id, after } => {
                    let (frame, last) = page::files(id, after.as_ref(), sources.files);
                    return self
                        .show_page(frame, last.map(|after| Lazy::Files { id: None, after: Some(after) }));
                }
            };
            let Some(frames) = frames else {
                self.queue.pop_front();
                self.lists = self.lists.saturating_sub(1);
                continue;
            };
            for bytes in frames.into_iter().rev() {
                self.queue.push_front(Item::Frame { bytes, live: false });
            }
        }
    }

    /// Replaces the lazy list at the front by one page and `rest`, which inherits the request.
    fn show_page(&mut self, frame: Bytes, rest: Option<Lazy>) {
        let Some(Item::Lazy(shown)) = self.queue.pop_front() else { return };
        match (rest, shown) {
            (Some(Lazy::Names { after, .. }), Lazy::Names { id, .. }) => {
                self.queue.push_front(Item::Lazy(Lazy::Names { id, after }));
            }
            (Some(Lazy::Files { after, .. }), Lazy::Files { id, .. }) => {
                self.queue.push_front(Item::Lazy(Lazy::Files { id, after }));
            }
            _ => self.lists = self.lists.saturating_sub(1),
        }
        self.queue.push_front(Item::Frame { bytes: frame, live: false });
    }

    /// Panics where the queue contradicts itself.
    pub(super) fn check_invariants(&self) {
        assert!(!matches!(self.queue.front(), Some(Item::Lazy(_))), "what is at the front can be written");
        let live = self.queue.iter().map(|item| match item {
            Item::Frame { bytes, live: true } => bytes.len(),
            _ => 0,
        });
        assert_eq!(live.sum::<usize>(), self.live_bytes, "live bytes are those of the live frames");
        let lists = self.queue.iter().filter(|item| matches!(item, Item::Lazy(_))).count();
        assert_eq!(lists, self.lists as usize, "lists are the lazy items");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::lines::MAX_LINE_BYTES;
    use crate::chat::nickname::Nickname;

    /// What waits, taken `step` bytes at a time.
    fn drained(outbox: &mut Outbox, sources: Sources<'_>, step: usize) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let mut slices = [IoSlice::new(&[]); 2];
            let filled = outbox.pending(&mut slices);
            let mut bytes: Vec<u8> = slices[..filled].iter().flat_map(|slice| slice.to_vec()).collect();
            bytes.truncate(step);
            if bytes.is_empty() {
                return all;
            }
            outbox.take(bytes.len(), sources);
            outbox.check_invariants();
            all.extend(bytes);
        }
    }

    fn with_sources<T>(names: usize, messages: usize, f: impl FnOnce(Sources<'_>) -> T) -> T {
        let (mut roster, mut history) = (Roster::default(), History::new(messages));
        for number in 0..names {
            let nick = Nickname::parse(&format!("{number:05}-{}", "x".repeat(26))).unwrap();
            roster.take(&nick, SessionId(number as u64)).unwrap();
        }
        for number in 0..messages {
            history.push(SessionId(1), None, Bytes::from(format!("{number}\n")));
        }
        f(Sources { history: &history, roster: &roster, files: &[], viewer: SessionId(1) })
    }

    #[test]
    fn ten_thousand_names_come_in_pages_that_fit_a_line() {
        with_sources(10_000, 0, |sources| {
            let mut outbox = Outbox::default();
            outbox.push_lazy(Lazy::Names { id: None, after: None }, sources);
            let bytes = drained(&mut outbox, sources, usize::MAX);
            let (mut shown, mut pages) = (Vec::new(), 0);
            for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                assert!(line.len() <= MAX_LINE_BYTES);
                let Ok(ServerFrame::Names { names, more, .. }) = ServerFrame::decode(line) else {
                    panic!("a page of names was expected")
                };
                shown.extend(names.into_iter().map(|entry| entry.nick));
                pages += 1;
                assert_eq!(more, shown.len() < 10_000);
            }
            assert_eq!((shown.len(), pages), (10_000, 16));
            assert!(shown.is_sorted());
            assert_eq!(outbox.lists(), 0);
        });
    }

    #[test]
    fn live_frames_keep_their_place_behind_a_backlog_however_it_is_taken() {
        with_sources(0, 3, |sources| {
            for step in 1..12 {
                let mut outbox = Outbox::default();
                outbox.push(Bytes::from_static(b"first\n"));
                outbox.push_lazy(Lazy::History(Range { next: 1, end: 4 }), sources);
                outbox.push(Bytes::from_static(b"last\n"));
                assert_eq!(outbox.live_bytes(), 11);
                assert_eq!(drained(&mut outbox, sources, step), b"first\n0\n1\n2\nlast\n");
                assert!(outbox.is_empty() && outbox.live_bytes() == 0);
            }
        });
    }

    #[test]
    fn an_empty_list_is_a_page_and_an_empty_history_is_nothing() {
        with_sources(0, 0, |sources| {
            let mut outbox = Outbox::default();
            outbox.push_lazy(Lazy::History(Range { next: 1, end: 1 }), sources);
            assert!(outbox.is_empty());
            outbox.push_lazy(Lazy::Files { id: None, after: None }, sources);
            let page = drained(&mut outbox, sources, usize::MAX);
            assert_eq!(page, b"{\"type\":\"files\",\"files\":[],\"more\":false}\n");
        });
    }

    #[test]
    fn a_cut_leaves_the_frame_that_was_begun() {
        with_sources(0, 3, |sources| {
            let mut outbox = Outbox::default();
            outbox.push(Bytes::from_static(b"begun\n"));
            outbox.push(Bytes::from_static(b"not begun\n"));
            outbox.push_lazy(Lazy::History(Range { next: 1, end: 4 }), sources);
            outbox.take(2, sources);
            outbox.cut();
            outbox.check_invariants();
            outbox.push(Bytes::from_static(b"end\n"));
            assert_eq!(drained(&mut outbox, sources, usize::MAX), b"gun\nend\n");
        });
    }

    #[test]
    fn what_waits_is_announced_once_until_it_has_gone() {
        with_sources(0, 0, |sources| {
            let mut outbox = Outbox::default();
            assert!(!outbox.announce());
            outbox.push(Bytes::from_static(b"a\n"));
            assert!(outbox.announce() && !outbox.announce());
            outbox.push(Bytes::from_static(b"b\n"));
            outbox.take(2, sources);
            assert!(!outbox.announce(), "the driver is still at it");
            outbox.take(2, sources);
            outbox.push(Bytes::from_static(b"c\n"));
            assert!(outbox.announce());
        });
    }
}
