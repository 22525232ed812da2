//! The server's share, without bytes: [`FolderShare`](backchat::files::FolderShare) over a folder that nobody changes.
//!
//! The order of its answers is that of the original, whose work on one transfer is one job at a time: what is asked
//! meanwhile waits until the job's answers were looked at.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use backchat::files::{NotHeld, ShareCompletion};
use backchat_core::chat::{FileEntry, FileName};
use backchat_core::node::{FileError, FileMeta, ReadDone, ShareRequest};
use backchat_core::time::UnixTime;
use backchat_core::wire::{FileVersion, Hash, TransferId};

use crate::engine::contents::{Contents, FileIndex, hash};

/// Seconds between the files of a memory disk: each is put there by three changes, a second apart.
const CHANGES_EACH: i64 = 3;

/// See the module.
#[derive(Debug, Default)]
pub(in crate::engine::direct) struct RangeShare {
    lanes: BTreeMap<TransferId, Lane>,
    /// Files that were read to their end: their hash is known from then on.
    known: BTreeMap<FileIndex, Hash>,
    /// Answers of jobs that nobody has looked at.
    done: VecDeque<Done>,
    ready: VecDeque<ShareCompletion>,
    last_serial: u64,
}

/// One transfer's requests.
#[derive(Debug)]
struct Lane {
    serial: u64,
    waiting: VecDeque<ShareRequest>,
    /// A job's answers have not been looked at.
    is_busy: bool,
    open: Option<Open>,
    /// Ranges that are in memory, each from where the one before ends.
    held: VecDeque<Range<u64>>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    file: FileIndex,
    /// The hash was known when it was opened.
    known: Option<Hash>,
    /// Everything below is hashed; `None` once a range was left out.
    hashed: Option<u64>,
}

#[derive(Debug)]
enum Done {
    Listed(Arc<[FileEntry]>),
    Worked { transfer: TransferId, serial: u64, answers: Vec<ShareCompletion> },
}

impl RangeShare {
    pub(super) fn submit(&mut self, request: ShareRequest, contents: &Contents) {
        let transfer = match &request {
            ShareRequest::List => {
                self.done.push_back(Done::Listed(list(contents)));
                return;
            }
            ShareRequest::Forget { transfer, below } => {
                if let Some(lane) = self.lanes.get_mut(transfer) {
                    while lane.held.front().is_some_and(|range| range.end <= *below) {
                        lane.held.pop_front();
                    }
                }
                return;
            }
            ShareRequest::Close { transfer } => {
                self.lanes.remove(transfer);
                self.ready.retain(|completion| of(completion) != Some(*transfer));
                return;
            }
            ShareRequest::Open { transfer, .. }
            | ShareRequest::HashPrefix { transfer, .. }
            | ShareRequest::Read { transfer, .. } => *transfer,
        };
        let last_serial = &mut self.last_serial;
        let lane = self.lanes.entry(transfer).or_insert_with(|| {
            *last_serial += 1;
            Lane {
                serial: *last_serial,
                waiting: VecDeque::new(),
                is_busy: false,
                open: None,
                held: VecDeque::new(),
            }
        });
        lane.waiting.push_back(request);
        self.start(transfer, contents);
    }

    /// Does what waits for a transfer, unless answers wait to be looked at.
    fn start(&mut self, transfer: TransferId, contents: &Contents) {
        let Some(lane) = self.lanes.get_mut(&transfer).filter(|lane| !lane.is_busy) else { return };
        if lane.waiting.is_empty() {
            return;
        }
        lane.is_busy = true;
        let Lane { serial, waiting, open, .. } = lane;
        let answers = waiting.drain(..).filter_map(|request| answer(request, open, contents)).collect();
        self.done.push_back(Done::Worked { transfer, serial: *serial, answers });
    }

    pub(super) fn poll(&mut self, contents: &Contents) -> Option<ShareCompletion> {
        loop {
            if let Some(completion) = self.ready.pop_front() {
                return Some(completion);
            }
            let done = self.done.pop_front()?;
            self.finish(done, contents);
        }
    }

    fn finish(&mut self, done: Done, contents: &Contents) {
        let (transfer, serial, answers) = match done {
            Done::Listed(files) => return self.ready.push_back(ShareCompletion::Listing(files)),
            Done::Worked { transfer, serial, answers } => (transfer, serial, answers),
        };
        let Some(lane) = self.lanes.get_mut(&transfer).filter(|lane| lane.serial == serial) else { return };
        for mut completion in answers {
            match (&mut completion, &mut lane.open) {
                (ShareCompletion::Opened { result: Ok(meta), .. }, Some(open)) => {
                    meta.hash = meta.hash.or_else(|| self.known.get(&open.file).copied());
                    open.known = meta.hash;
                }
                (ShareCompletion::Read { result: Ok(done), .. }, Some(open)) => {
                    if lane.held.back().is_some_and(|last| last.end != done.range.start) {
                        lane.held.clear();
                    }
                    lane.held.push_back(done.range.clone());
                    if let Some(hash) = done.hash {
                        self.known.insert(open.file, hash);
                    }
                }
                _ => {}
            }
            self.ready.push_back(completion);
        }
        lane.is_busy = false;
        self.start(transfer, contents);
    }

    /// The file that a range of a transfer is of.
    pub(super) fn source(&self, transfer: TransferId, range: &Range<u64>) -> Result<FileIndex, NotHeld> {
        let lane = self.lanes.get(&transfer).ok_or(NotHeld)?;
        let (first, last) = (lane.held.front().ok_or(NotHeld)?, lane.held.back().ok_or(NotHeld)?);
        let is_held = first.start <= range.start && range.end <= last.end;
        lane.open.filter(|_| is_held).map(|open| open.file).ok_or(NotHeld)
    }
}

/// What a reader answers.
fn answer(request: ShareRequest, open: &mut Option<Open>, contents: &Contents) -> Option<ShareCompletion> {
    Some(match request {
        ShareRequest::Open { transfer, name, .. } => {
            let found = contents.find(name.as_str());
            *open = found.map(|file| Open { file, known: None, hashed: Some(0) });
            let result = found.map(|file| meta(file, contents)).ok_or(FileError::NotFound);
            ShareCompletion::Opened { transfer, result }
        }
        ShareRequest::HashPrefix { transfer, length } => {
            let result = open.as_mut().ok_or(FileError::NotFound).map(|open| {
                open.hashed = Some(length);
                if length == contents.size(open.file) {
                    return contents.hash(open.file);
                }
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                hash(contents.bytes(open.file).get(..length).unwrap_or_default())
            });
            ShareCompletion::PrefixHashed { transfer, result }
        }
        ShareRequest::Read { transfer, range } => {
            let result = open.as_mut().ok_or(FileError::NotFound).and_then(|open| open.read(range, contents));
            ShareCompletion::Read { transfer, result }
        }
        ShareRequest::List | ShareRequest::Forget { .. } | ShareRequest::Close { .. } => return None,
    })
}

impl Open {
    fn read(&mut self, range: Range<u64>, contents: &Contents) -> Result<ReadDone, FileError> {
        let size = contents.size(self.file);
        if range.start > range.end || range.end > size {
            return Err(FileError::Other("a range beyond the file was asked for".to_owned()));
        }
        if self.known.is_none() {
            // Bytes that are read again are in the hash already.
            self.hashed = self.hashed.filter(|hashed| *hashed >= range.start).map(|it| it.max(range.end));
        }
        let made = || self.hashed.filter(|hashed| *hashed == size).map(|_| contents.hash(self.file));
        let hash = if range.end == size { self.known.or_else(made) } else { None };
        Ok(ReadDone { range, hash })
    }
}

fn meta(file: FileIndex, contents: &Contents) -> FileMeta {
    let size = contents.size(file);
    let mut version = [0; 16];
    version[..8].copy_from_slice(&(file.0 as u64).to_be_bytes());
    let hash = (size == 0).then(Hash::of_nothing);
    FileMeta { size, modified: modified(file), version: FileVersion(version), hash }
}

/// As on the disk that has the files' bytes.
fn modified(file: FileIndex) -> UnixTime {
    let seconds = (i64::try_from(file.0).unwrap_or(i64::MAX)).saturating_add(1).saturating_mul(CHANGES_EACH);
    UnixTime::from_millis(seconds.saturating_mul(1000))
}

fn list(contents: &Contents) -> Arc<[FileEntry]> {
    let entry = |file| {
        let name = FileName::parse(contents.name(file)).ok()?;
        Some(FileEntry { name, size: contents.size(file), modified: modified(file) })
    };
    contents.files().filter_map(entry).collect()
}

fn of(completion: &ShareCompletion) -> Option<TransferId> {
    match completion {
        ShareCompletion::Listing(_) => None,
        ShareCompletion::Opened { transfer, .. }
        | ShareCompletion::PrefixHashed { transfer, .. }
        | ShareCompletion::Read { transfer, .. } => Some(*transfer),
    }
}
