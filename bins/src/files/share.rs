//! The server's share: one folder, opened once, and the files of it that are being sent.
//!
//! A transfer's requests are carried out in order by its *reader*, whose state moves into a job and comes back
//! with the results. What was read stays here until the core forgets it, which shares out the memory; what Go-Back-N
//! sends again after that is read again. The hash of the whole file is made along the way, so nobody reads a file twice
//! before its first byte, and is remembered by the file's version.
//!
//! Prefixes are hashed beside everything else, a few at a time and in turns: see [`turns`].

mod hashes;
mod held;
mod place;
mod reader;
#[cfg(test)]
mod tests;
mod turns;

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use backchat_core::chat::{FileEntry, FileName};
use backchat_core::node::{Asker, FileError, ReadDone, ShareRequest};
use backchat_core::text::visible;
use backchat_core::time::UnixTime;
use backchat_core::wire::{FileVersion, TransferId};

use self::hashes::{Hashes, Prefixes};
use self::held::{Held, Spare};
use self::place::Place;
use self::reader::{Answer, Hashed, Reader, Request};
use self::turns::Turns;
use super::content::{Content, HasherOf};
use super::disk::{Disk, Folder, Kind, Stat};
use super::executor::{Executor as _, Jobs as _, JobsOf, Line};
use super::{NotHeld, Share, ShareCompletion};

/// Files that a listing holds at most; of a larger folder some are left out, and the log says so.
pub const LISTING_MAX: usize = 65_536;

/// Bytes of a prefix that are hashed in a turn: ten milliseconds, or a tenth of a second from a slow disk.
const SLICE: u64 = 8 * 1024 * 1024;

/// Prefixes that are hashed at once at most, where there are cores for more: what a disk reads ahead for several
/// readers it reads slowly.
const HASHERS_MAX: usize = 4;

/// A folder whose files can be downloaded.
pub struct FolderShare<D: Disk> {
    place: Arc<Place<D>>,
    lanes: BTreeMap<TransferId, Lane<D>>,
    hashes: Hashes,
    prefixes: Prefixes<HasherOf<D>>,
    turns: Turns,
    /// Slices that are being hashed, and how many may be.
    hashing: usize,
    hashers: usize,
    slice: u64,
    spare: Spare<D::Content>,
    jobs: JobsOf<D, Done<D>>,
    ready: VecDeque<ShareCompletion>,
    /// Tells a lane from an earlier one of the same transfer, whose job may still be out.
    last_serial: u64,
}

/// One transfer's requests and bytes.
struct Lane<D: Disk> {
    serial: u64,
    waiting: VecDeque<Wanted<D::Content>>,
    /// `None` while a job has it.
    reader: Option<Box<Reader<D>>>,
    held: Held<D::Content>,
    /// Tells a job that nobody waits for it any more.
    cancelled: Arc<AtomicBool>,
    /// Who takes turns with others, once a file was asked for.
    asker: Option<Asker>,
    /// The last range, while the file is read again because it is not quite what it was.
    doubtful: Option<(ReadDone, D::Content)>,
}

/// What waits for a lane's reader.
enum Wanted<C: Content> {
    /// To be asked of it.
    Request(Request<C>),
    /// So many bytes are to be hashed when it is this one's turn.
    Prefix(u64),
}

/// What a job brings back.
enum Done<D: Disk> {
    Listed(Vec<FileEntry>),
    Worked { transfer: TransferId, serial: u64, reader: Box<Reader<D>>, answers: Vec<Answer<D::Content>> },
    Hashed { transfer: TransferId, serial: u64, reader: Box<Reader<D>>, hashed: Hashed },
}

impl<D: Disk> FolderShare<D> {
    /// Opens the folder, which blocks.
    ///
    /// # Errors
    /// What the system says: missing, not a folder, not ours to read.
    pub fn open(disk: D, path: impl Into<PathBuf>) -> std::io::Result<Self> {
        let executor = disk.executor();
        let place = Place::open(disk, path.into())?;
        // A folder that can be opened need not be one that can be listed, and an operator wants to know now.
        place.folder().list(1)?;
        let (hashers, slice) = match executor.processors() {
            // The other half of the machine is for those who download.
            Some(processors) => ((processors / 2).clamp(1, HASHERS_MAX), SLICE),
            // Nobody waits for anybody.
            None => (usize::MAX, u64::MAX),
        };
        Ok(Self {
            place: Arc::new(place),
            lanes: BTreeMap::new(),
            hashes: Hashes::of_files(),
            prefixes: Prefixes::of_prefixes(),
            turns: Turns::default(),
            hashing: 0,
            hashers,
            slice,
            spare: Spare::default(),
            jobs: executor.jobs(),
            ready: VecDeque::new(),
            last_serial: 0,
        })
    }

    /// The files that can be downloaded now. Blocks; for the caller who wants to print their number.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn list(&self) -> std::io::Result<Vec<FileEntry>> {
        let mut left_out = Vec::new();
        let entries = list(&*self.place.folder(), |name| left_out.push(name))?;
        if let Some(first) = left_out.first() {
            // Each time a list is asked for would be too often.
            let (count, first) = (left_out.len(), first.to_string_lossy());
            tracing::warn!(count, first = %visible(&first), "files left out: nobody could ask for such a name");
        }
        Ok(entries)
    }

    /// Shows `take` what a `Read` brought in of `range` and no `Forget` let go: the pieces that it consists of, each with
    /// which part of it that is. [`Share::copy`] makes bytes of the same.
    ///
    /// # Errors
    /// [`NotHeld`] when it is not there, which is a mistake of the caller's.
    pub fn look(
        &self,
        transfer: TransferId,
        range: Range<u64>,
        take: impl FnMut(&D::Content, Range<u64>),
    ) -> Result<(), NotHeld> {
        self.lanes.get(&transfer).ok_or(NotHeld)?.held.look(range, take)
    }

    fn push(&mut self, transfer: TransferId, wanted: Wanted<D::Content>) {
        // A request without an `Open` before it is a mistake of the caller's; a lane without a file answers it.
        let place = &self.place;
        let last_serial = &mut self.last_serial;
        let lane = self.lanes.entry(transfer).or_insert_with(|| {
            *last_serial += 1;
            Lane {
                serial: *last_serial,
                waiting: VecDeque::new(),
                asker: None,
                doubtful: None,
                reader: Some(Box::new(Reader::new(Arc::clone(place)))),
                held: Held::default(),
                cancelled: Arc::new(AtomicBool::new(false)),
            }
        });
        lane.waiting.push_back(wanted);
        self.start(transfer);
    }

    /// Gives a lane's reader what waits for it, if it is home.
    fn start(&mut self, transfer: TransferId) {
        let Some(lane) = self.lanes.get_mut(&transfer) else { return };
        let Some(reader) = lane.reader.as_mut().filter(|reader| !reader.is_hashing()) else { return };
        let mut requests = Vec::new();
        while let Some(Wanted::Request(_)) = lane.waiting.front()
            && let Some(Wanted::Request(mut request)) = lane.waiting.pop_front()
        {
            if let Request::Read { range, buffer } = &mut request {
                *buffer = self.spare.take(range.end.saturating_sub(range.start));
            }
            requests.push(request);
        }
        if requests.is_empty() {
            let Some(Wanted::Prefix(length)) = lane.waiting.pop_front() else { return };
            // What was asked before is not hashed again, whether it was right or wrong.
            let known = reader.version().and_then(|version| self.prefixes.find((version, length)));
            match known {
                Some(hasher) => requests.push(Request::Recall(length, Box::new(hasher))),
                None => {
                    reader.begin_prefix(length);
                    return self.take_turns(transfer, length);
                }
            }
        }
        let Some(mut reader) = lane.reader.take() else { return };
        let (serial, cancelled) = (lane.serial, Arc::clone(&lane.cancelled));
        self.jobs.submit(Line::Counted, move || {
            let mut answers = Vec::with_capacity(requests.len());
            for request in requests {
                if cancelled.load(Ordering::Relaxed) {
                    break;
                }
                answers.push(reader.answer(request));
            }
            Done::Worked { transfer, serial, reader, answers }
        });
    }

    /// So many bytes more are to be hashed for a transfer.
    fn take_turns(&mut self, transfer: TransferId, left: u64) {
        match self.lanes.get(&transfer).and_then(|lane| lane.asker) {
            Some(asker) => self.turns.push(transfer, asker, left),
            // There was no `Open`, which is a mistake of the caller's.
            None => {
                let result = Err(FileError::NotFound);
                self.ready.push_back(ShareCompletion::PrefixHashed { transfer, result });
            }
        }
        self.hash_on();
    }

    /// Has slices hashed, as many as may be at once.
    fn hash_on(&mut self) {
        while self.hashing < self.hashers
            && let Some(transfer) = self.turns.pop()
        {
            let Some(lane) = self.lanes.get_mut(&transfer) else { continue };
            let Some(mut reader) = lane.reader.take() else { continue };
            let (serial, cancelled, slice) = (lane.serial, Arc::clone(&lane.cancelled), self.slice);
            self.hashing += 1;
            self.jobs.submit(Line::Beside, move || {
                let hashed = reader.hash_slice(slice, &cancelled);
                Done::Hashed { transfer, serial, reader, hashed }
            });
        }
    }

    /// A slice was hashed.
    fn finish_slice(&mut self, transfer: TransferId, serial: u64, reader: Box<Reader<D>>, hashed: Hashed) {
        self.hashing -= 1;
        if let Some(lane) = self.lanes.get_mut(&transfer).filter(|lane| lane.serial == serial) {
            match (hashed, lane.doubtful.take()) {
                (Hashed::Left(left), doubtful) => {
                    (lane.doubtful, lane.reader) = (doubtful, Some(reader));
                    return self.take_turns(transfer, left);
                }
                (Hashed::Done(Ok(found)), Some((done, bytes))) if Some(found) == done.hash => {
                    let done = keep(lane, &mut self.hashes, reader.version(), done, bytes);
                    self.ready.push_back(ShareCompletion::Read { transfer, result: Ok(done) });
                }
                (Hashed::Done(_), Some(_)) => {
                    let result = Err(FileError::Changed);
                    self.ready.push_back(ShareCompletion::Read { transfer, result });
                }
                (Hashed::Done(result), None) => {
                    if let (Ok(_), Some((key, hasher))) = (&result, reader.hashed_prefix()) {
                        self.prefixes.insert(key, hasher);
                    }
                    self.ready.push_back(ShareCompletion::PrefixHashed { transfer, result });
                }
            }
            lane.reader = Some(reader);
            self.start(transfer);
        }
        self.hash_on();
    }

    /// Takes a job's results in.
    fn finish(&mut self, done: Done<D>) {
        let (transfer, serial, mut reader, answers) = match done {
            Done::Listed(entries) => {
                self.ready.push_back(ShareCompletion::Listing(entries.into()));
                return;
            }
            Done::Hashed { transfer, serial, reader, hashed } => {
                return self.finish_slice(transfer, serial, reader, hashed);
            }
            Done::Worked { transfer, serial, reader, answers } => (transfer, serial, reader, answers),
        };
        let Some(lane) = self.lanes.get_mut(&transfer).filter(|lane| lane.serial == serial) else { return };
        let mut again = None;
        for answer in answers {
            let completion = match answer {
                Answer::Opened(result) => {
                    let result = result.map(|mut meta| {
                        meta.hash = meta.hash.or_else(|| self.hashes.find(meta.version));
                        // Who knows the hash need not make it again.
                        reader.known = meta.hash;
                        meta
                    });
                    ShareCompletion::Opened { transfer, result }
                }
                Answer::PrefixHashed(result) => ShareCompletion::PrefixHashed { transfer, result },
                Answer::Read(result) => {
                    let result = result
                        .map(|(done, bytes)| keep(lane, &mut self.hashes, reader.version(), done, bytes));
                    ShareCompletion::Read { transfer, result }
                }
                Answer::Doubtful(done, bytes) => {
                    again = Some(done.range.end);
                    lane.doubtful = Some((done, bytes));
                    continue;
                }
            };
            self.ready.push_back(completion);
        }
        if let Some(length) = again {
            reader.begin_prefix(length);
            lane.reader = Some(reader);
            return self.take_turns(transfer, length);
        }
        lane.reader = Some(reader);
        self.start(transfer);
    }
}

impl<D: Disk> Share for FolderShare<D> {
    fn submit(&mut self, request: ShareRequest) {
        match request {
            ShareRequest::List => {
                let place = Arc::clone(&self.place);
                self.jobs.submit(Line::Counted, move || {
                    Done::Listed(list(&*place.folder(), drop).unwrap_or_else(|error| {
                        tracing::warn!(%error, "the share cannot be listed");
                        Vec::new()
                    }))
                });
            }
            ShareRequest::Open { transfer, name, asker } => {
                self.push(transfer, Wanted::Request(Request::Open(name)));
                if let Some(lane) = self.lanes.get_mut(&transfer) {
                    lane.asker = Some(asker);
                }
            }
            ShareRequest::HashPrefix { transfer, length } => self.push(transfer, Wanted::Prefix(length)),
            ShareRequest::Read { transfer, range } => {
                self.push(transfer, Wanted::Request(Request::Read { range, buffer: D::Content::default() }));
            }
            ShareRequest::Forget { transfer, below } => {
                if let Some(lane) = self.lanes.get_mut(&transfer) {
                    lane.held.forget(below, &mut self.spare);
                }
            }
            ShareRequest::Close { transfer } => {
                if let Some(lane) = self.lanes.remove(&transfer) {
                    lane.cancelled.store(true, Ordering::Relaxed);
                }
                self.turns.remove(transfer);
                self.ready.retain(|completion| completion.transfer() != Some(transfer));
            }
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<ShareCompletion> {
        loop {
            if let Some(completion) = self.ready.pop_front() {
                return Poll::Ready(completion);
            }
            let done = ready!(self.jobs.poll_next(cx));
            self.finish(done);
        }
    }

    fn copy(&self, transfer: TransferId, range: Range<u64>, into: &mut [u8]) -> Result<(), NotHeld> {
        self.lanes.get(&transfer).ok_or(NotHeld)?.held.copy(range, into)
    }

    fn reload(&mut self) {
        self.place.reopen();
    }
}

impl ShareCompletion {
    fn transfer(&self) -> Option<TransferId> {
        match self {
            Self::Listing(_) => None,
            Self::Opened { transfer, .. }
            | Self::PrefixHashed { transfer, .. }
            | Self::Read { transfer, .. } => Some(*transfer),
        }
    }
}

/// Keeps a range that was read, and the hash that came with it.
fn keep<D: Disk>(
    lane: &mut Lane<D>,
    hashes: &mut Hashes,
    version: Option<FileVersion>,
    done: ReadDone,
    content: D::Content,
) -> ReadDone {
    lane.held.push(done.range.start, content);
    if let (Some(hash), Some(version)) = (done.hash, version) {
        hashes.insert(version, hash);
    }
    done
}

/// Regular files with a name that can be asked for, sorted by it. `leave_out` is told the other names, without the
/// hidden ones.
fn list<F: Folder>(folder: &F, mut leave_out: impl FnMut(OsString)) -> std::io::Result<Vec<FileEntry>> {
    // One more than will do tells whether there are more.
    let mut found = folder.list(LISTING_MAX + 1)?;
    if found.len() > LISTING_MAX {
        tracing::warn!(at_most = LISTING_MAX, "the folder holds more files than can be listed");
        found.truncate(LISTING_MAX);
    }
    let mut entries: Vec<FileEntry> = found
        .into_iter()
        .filter(|(_, stat)| stat.kind == Kind::File)
        .filter_map(|(name, stat)| match name.to_str().map(FileName::parse) {
            Some(Ok(name)) => Some(FileEntry { name, size: stat.size, modified: modified(&stat) }),
            _ if name.as_encoded_bytes().starts_with(b".") => None,
            _ => {
                leave_out(name);
                None
            }
        })
        .collect();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(entries)
}

fn modified(stat: &Stat) -> UnixTime {
    let (seconds, nanos) = stat.modified;
    UnixTime::from_millis(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}

/// A server without a share: a chat alone. It lists nothing and finds nothing.
#[derive(Debug, Default)]
pub struct NoShare {
    ready: VecDeque<ShareCompletion>,
}

impl Share for NoShare {
    fn submit(&mut self, request: ShareRequest) {
        let completion = match request {
            ShareRequest::List => ShareCompletion::Listing(Arc::new([])),
            ShareRequest::Open { transfer, .. } => {
                ShareCompletion::Opened { transfer, result: Err(FileError::NotFound) }
            }
            ShareRequest::HashPrefix { .. }
            | ShareRequest::Read { .. }
            | ShareRequest::Forget { .. }
            | ShareRequest::Close { .. } => return,
        };
        self.ready.push_back(completion);
    }

    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<ShareCompletion> {
        self.ready.pop_front().map_or(Poll::Pending, Poll::Ready)
    }

    fn copy(&self, _: TransferId, _: Range<u64>, _: &mut [u8]) -> Result<(), NotHeld> {
        Err(NotHeld)
    }

    fn reload(&mut self) {}
}
