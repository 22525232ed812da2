//! What came of a run: its downloads and messages, counted from its trace.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

use backchat_core::text::visible;
use backchat_core::time::Instant;
use backchat_core::transfer::SenderStats;
use backchat_core::wire::TransferId;

use crate::scenario::{ActionKind, Failure, NOT_TAKEN, Reason, Request};
use crate::trace::event::Answer;
use crate::trace::{
    AppEvent, ChatEvent, CoreEvent, Event, Name, Node, Record, Sink, TransferEvent, TransferMap,
};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// In the order of their start.
    downloads: Vec<Download>,
    places: BTreeMap<(Node, u64), usize>,
    by_transfer: TransferMap<Served>,
    owners: BTreeMap<TransferId, usize>,
    /// Requests of the chat that are not answered yet.
    asked: BTreeMap<(Node, u64), Asked>,
    refusals: BTreeMap<(Node, Asked, Reason), Refusal>,
    /// Messages that the server took.
    pub accepted: u64,
    /// Messages that clients were shown, each at each.
    pub delivered: u64,
}

/// A request of the chat: what it is, and to whom.
type Asked = (Request, Option<Name>);

/// Requests of one client that were refused for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The client that asked.
    pub client: Name,
    /// The kind of request.
    pub what: Request,
    /// To whom it was, if it was to one.
    pub to: Option<Name>,
    /// Why.
    pub code: Reason,
    /// Number of requests refused.
    pub count: u64,
    /// When the first was.
    pub first: Instant,
}

/// `alice: tell mallory: no-such-nick`, and how often if it was not once.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.client, self.what.name())?;
        if let Some(to) = &self.to {
            write!(f, " {}", visible(to))?;
        }
        write!(f, ": {}", visible(self.code.name()))?;
        if self.count > 1 { write!(f, ", {} times", self.count) } else { Ok(()) }
    }
}

/// One download, from the user's wish to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Download {
    /// The client that downloads.
    pub client: Name,
    /// Of which file.
    pub file: Name,
    /// Bytes on the disk at its end.
    pub bytes: u64,
    /// How it ended; `None` while it has not.
    pub end: Option<End>,
    /// When the user wanted it.
    pub began: Instant,
    /// What it took, all attempts together.
    pub served: Served,
}

/// How a download ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Instant,
    /// Why it failed; `None`: the file is there.
    pub failed: Option<Failed>,
}

/// Why there is no file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The download failed.
    Ended(Failure),
    /// The client did not begin it.
    NotTaken,
}

impl Failed {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ended(failure) => failure.name(),
            Self::NotTaken => NOT_TAKEN,
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the server did for a download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Segments sent, those sent again too.
    pub segments_sent: u64,
    /// Segments that carried bytes sent before.
    pub segments_resent: u64,
    /// Bytes in all datagrams, headers too.
    pub bytes_on_wire: u64,
    /// How often the retransmission timer ran out.
    pub timeouts: u64,
}

impl Download {
    /// How long it took; `None` while it has not ended.
    pub fn took(&self) -> Option<Duration> {
        self.end.as_ref().map(|end| end.at - self.began)
    }

    /// Whether the file is there.
    pub fn is_complete(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.failed.is_none())
    }

    /// Bits of the file a second; 0 where it is not there.
    pub fn goodput(&self) -> u64 {
        let nanos = self.took().filter(|_| self.is_complete()).map_or(0, |took| took.as_nanos());
        let bits = u128::from(self.bytes) * 8 * 1_000_000_000;
        bits.checked_div(nanos).and_then(|rate| u64::try_from(rate).ok()).unwrap_or(0)
    }
}

impl Summary {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every download, in the order of its start.
    pub fn downloads(&self) -> Vec<Download> {
        let mut downloads = self.downloads.clone();
        for (transfer, served) in self.by_transfer.iter() {
            if let Some(it) = self.owners.get(&transfer).and_then(|place| downloads.get_mut(*place)) {
                it.served.segments_sent += served.segments_sent;
                it.served.segments_resent += served.segments_resent;
                it.served.bytes_on_wire += served.bytes_on_wire;
                it.served.timeouts += served.timeouts;
            }
        }
        downloads
    }

    /// Returns the refusals, by client.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.refusals.values()
    }

    fn refused(&mut self, node: Node, asked: Asked, code: &Reason, at: Instant) {
        let (what, to) = asked.clone();
        let refusal = || Refusal { client: node.into(), what, to, code: code.clone(), count: 0, first: at };
        self.refusals.entry((node, asked, code.clone())).or_insert_with(refusal).count += 1;
    }

    fn download(&mut self, client: Node, wish: u64) -> Option<&mut Download> {
        let place = *self.places.get(&(client, wish))?;
        self.downloads.get_mut(place)
    }
}

impl Sink for Summary {
    #[inline(always)]
    fn record(&mut self, record: &Record) {
        let Record { at, node, event } = record;
        match event {
            Event::App(AppEvent::Asked { wish, what: ActionKind::Get, detail }) => {
                let place = self.downloads.len();
                // One that is wanted again after a crash began before.
                if *self.places.entry((*node, *wish)).or_insert(place) == place {
                    self.downloads.push(Download {
                        client: (*node).into(),
                        file: detail.clone().unwrap_or(Name::of("")),
                        bytes: 0,
                        end: None,
                        began: *at,
                        served: Served::default(),
                    });
                }
            }
            Event::App(AppEvent::Asked { wish, what, detail }) => {
                // A join is one when the server answers it; who is in already has joined.
                let what = Request::of_step(*what).filter(|what| *what != Request::Join);
                let Some(what) = what else { return };
                let to = detail.as_ref().filter(|_| what == Request::Tell);
                let to = to.and_then(|detail| detail.split(' ').next()).map(Name::from);
                self.asked.insert((*node, *wish), (what, to));
            }
            Event::App(AppEvent::Answered { wish, outcome, .. }) => {
                let asked = self.asked.remove(&(*node, *wish));
                if let (Some(asked), Answer::Error(code)) = (asked, outcome) {
                    self.refused(*node, asked, &Reason::Server(code.clone()), *at);
                }
            }
            Event::App(AppEvent::Refused { code }) => {
                self.refused(*node, (Request::Join, None), &Reason::Server(code.clone()), *at);
            }
            Event::App(AppEvent::DownloadStarted { wish, transfer, .. }) => {
                if let Some(place) = self.places.get(&(*node, *wish)) {
                    self.owners.insert(*transfer, *place);
                }
            }
            Event::App(AppEvent::DownloadFinished { wish, size, .. }) => {
                if let Some(it) = self.download(*node, *wish) {
                    it.bytes = *size;
                    it.end = Some(End { at: *at, failed: None });
                }
            }
            Event::App(AppEvent::DownloadFailed { wish, reason, kept, .. }) => {
                if let Some(it) = self.download(*node, *wish) {
                    it.bytes = *kept;
                    it.end = Some(End { at: *at, failed: Some(Failed::Ended(*reason)) });
                }
            }
            Event::App(AppEvent::NotTaken { wish, .. }) => {
                if let Some(asked) = self.asked.remove(&(*node, *wish)) {
                    self.refused(*node, asked, &Reason::NotTaken, *at);
                }
                if let Some(it) = self.download(*node, *wish) {
                    it.end = Some(End { at: *at, failed: Some(Failed::NotTaken) });
                }
            }
            // Counted as it goes: a server that is killed gives no account.
            Event::Core(Some(transfer), CoreEvent::SegmentsSent { range, count, resent, .. }) => {
                let served = self.by_transfer.get_or(*transfer, Served::default);
                let bytes = range.end - range.start;
                let length = bytes.div_ceil((*count).max(1)).max(1);
                served.segments_sent += count;
                served.segments_resent += resent.div_ceil(length);
                served.bytes_on_wire += bytes + count * backchat_core::wire::DATA_HEADER_LEN as u64;
            }
            Event::Transfer(TransferEvent::Served { transfer, stats, .. }) => {
                let SenderStats { segments_sent, segments_resent, bytes_on_wire, timeouts, .. } = **stats;
                let served = Served { segments_sent, segments_resent, bytes_on_wire, timeouts };
                self.by_transfer.insert(*transfer, served);
            }
            Event::Chat(ChatEvent::Said { .. }) => self.accepted += 1,
            Event::App(AppEvent::Message { .. } | AppEvent::Private { .. }) => self.delivered += 1,
            _ => {}
        }
    }
}
