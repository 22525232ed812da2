//! The files that a client writes, without bytes: [`FileTargets`](backchat::files::FileTargets) on a disk that never fails.
//!
//! The order of its answers is that of the original: writes gather, a job works on one download at a time, and what is
//! asked meanwhile waits until the job's answers were looked at.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use backchat::files::{Place, TargetCompletion, TargetOp, TargetSpec};
use backchat_core::chat::FileName;
use backchat_core::node::{DownloadId, Have, LocalError};

use super::content::{Content, Piece};
use super::{On, Told};

/// Bytes that one write to the disk has at most, as in the original.
const CHUNK_MAX: u64 = 512 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(in crate::engine::direct) struct RangeTargets {
    lanes: BTreeMap<DownloadId, Lane>,
    /// Answers of jobs that nobody has looked at.
    done: VecDeque<Done>,
    ready: VecDeque<Told>,
}

/// One download's file, and what is to be done with it.
#[derive(Debug)]
struct Lane {
    stage: Stage,
    path: PathBuf,
    waiting: VecDeque<Request>,
    /// A job's answers have not been looked at.
    is_busy: bool,
    /// What was written since the last request, and where it begins.
    buffer: Content,
    start: u64,
    /// A write that left a hole: nothing is written behind it.
    has_failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It waits for those that give their file up.
    Opening,
    Open,
    /// It is giving its file up.
    Closing,
}

#[derive(Debug)]
enum Request {
    Open,
    Write { offset: u64, content: Content },
    Op(TargetOp),
}

#[derive(Debug)]
struct Done {
    download: DownloadId,
    answers: Vec<Answer>,
}

#[derive(Debug)]
enum Answer {
    Opened(Result<Have, LocalError>),
    Written(u64),
    Failed(LocalError),
    Digest(backchat_core::wire::Hash),
    Committed,
    Closed,
    /// Nobody is told.
    Nothing,
}

impl RangeTargets {
    pub(super) fn open(&mut self, download: DownloadId, name: &FileName, spec: TargetSpec, on: &mut On<'_>) {
        let path = match spec {
            TargetSpec::File { place: Place::Path(path), .. } => path,
            TargetSpec::File { place: Place::Folder(folder), .. } => folder.join(name.as_str()),
            TargetSpec::Stdout => PathBuf::from("-"),
        };
        let lane = Lane {
            stage: Stage::Opening,
            path,
            waiting: VecDeque::from([Request::Open]),
            is_busy: false,
            buffer: Content::default(),
            start: 0,
            has_failed: false,
        };
        self.lanes.insert(download, lane);
        self.start(download, on);
    }

    pub(super) fn write(&mut self, download: DownloadId, offset: u64, piece: Piece) {
        let Some(lane) = self.lanes.get_mut(&download) else { return };
        let continues = lane.start + lane.buffer.len() == offset;
        if !continues || lane.buffer.len() + piece.len() > CHUNK_MAX {
            lane.gather();
        }
        if lane.buffer.is_empty() {
            lane.start = offset;
        }
        lane.buffer.push(piece);
    }

    pub(super) fn submit(&mut self, download: DownloadId, op: TargetOp, on: &mut On<'_>) {
        if let Some(lane) = self.lanes.get_mut(&download) {
            if matches!(op, TargetOp::Discard | TargetOp::Keep) {
                lane.stage = Stage::Closing;
            }
            lane.gather();
            lane.waiting.push_back(Request::Op(op));
            self.start(download, on);
        }
    }

    pub(super) fn flush(&mut self, on: &mut On<'_>) {
        let mut next = self.lanes.keys().next().copied();
        while let Some(download) = next {
            self.start(download, on);
            next = self.lanes.range(DownloadId(download.0 + 1)..).next().map(|(download, _)| *download);
        }
    }

    /// Does what waits for a download, unless answers wait to be looked at.
    fn start(&mut self, download: DownloadId, on: &mut On<'_>) {
        let is_any_closing = || self.lanes.values().any(|lane| lane.stage == Stage::Closing);
        let is_opening = self.lanes.get(&download).is_some_and(|lane| lane.stage == Stage::Opening);
        if is_opening && is_any_closing() {
            return;
        }
        let Some(lane) = self.lanes.get_mut(&download) else { return };
        if is_opening {
            lane.stage = Stage::Open;
        }
        if lane.is_busy {
            return;
        }
        lane.gather();
        if lane.waiting.is_empty() {
            return;
        }
        lane.is_busy = true;
        let mut answers = Vec::with_capacity(lane.waiting.len());
        while let Some(request) = lane.waiting.pop_front() {
            answers.push(lane.answer(request, on));
        }
        self.done.push_back(Done { download, answers });
    }

    pub(super) fn poll(&mut self, on: &mut On<'_>) -> Option<Told> {
        loop {
            if let Some(told) = self.ready.pop_front() {
                return Some(told);
            }
            let done = self.done.pop_front()?;
            self.finish(done, on);
        }
    }

    fn finish(&mut self, Done { download, answers }: Done, on: &mut On<'_>) {
        let mut is_closed = false;
        for answer in answers {
            let core = |completion| Told::Core(completion);
            match answer {
                Answer::Opened(result) => {
                    is_closed |= result.is_err();
                    self.ready.push_back(Told::Application);
                    self.ready.push_back(core(TargetCompletion::Opened { download, result }));
                }
                Answer::Written(through) => {
                    self.ready.push_back(core(TargetCompletion::Written { download, through }));
                }
                Answer::Failed(error) => {
                    self.ready.push_back(Told::Application);
                    self.ready.push_back(core(TargetCompletion::Failed { download, error }));
                }
                Answer::Digest(hash) => {
                    self.ready.push_back(core(TargetCompletion::Digest { download, hash }));
                }
                Answer::Committed => {
                    is_closed = true;
                    self.ready.push_back(Told::Application);
                    self.ready.push_back(core(TargetCompletion::Committed { download, result: Ok(()) }));
                }
                Answer::Closed => {
                    is_closed = true;
                    self.ready.push_back(Told::Application);
                }
                Answer::Nothing => {}
            }
        }
        if is_closed {
            self.lanes.remove(&download);
            // One of them may have waited for this.
            self.flush(on);
        } else if let Some(lane) = self.lanes.get_mut(&download) {
            lane.is_busy = false;
            self.start(download, on);
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.lanes.is_empty() && self.ready.is_empty()
    }
}

impl Lane {
    /// Makes a request of what was written since the last one.
    fn gather(&mut self) {
        if !self.buffer.is_empty() {
            let content = core::mem::take(&mut self.buffer);
            self.waiting.push_back(Request::Write { offset: self.start, content });
        }
    }

    fn answer(&mut self, request: Request, on: &mut On<'_>) -> Answer {
        let Some((disk, contents)) = on.ranges() else { return Answer::Nothing };
        match request {
            Request::Open if disk.has_whole(&self.path) => Answer::Opened(Err(LocalError::Exists)),
            Request::Open => {
                let there = disk.partial(&self.path);
                Answer::Opened(Ok(Have { length: there.len(), hash: there.hash(contents) }))
            }
            Request::Write { .. } if self.has_failed => Answer::Nothing,
            Request::Write { offset, mut content } => {
                let there = disk.partial(&self.path);
                if offset != there.len() {
                    self.has_failed = true;
                    return Answer::Failed(LocalError::Other("a write would leave a hole".to_owned()));
                }
                there.append(&mut content);
                Answer::Written(there.len())
            }
            Request::Op(TargetOp::Restart) => {
                disk.partial(&self.path).clear();
                Answer::Nothing
            }
            Request::Op(TargetOp::Digest) => Answer::Digest(disk.partial(&self.path).hash(contents)),
            Request::Op(TargetOp::Commit { .. }) => {
                disk.commit(&self.path);
                Answer::Committed
            }
            Request::Op(TargetOp::Keep) if !disk.partial(&self.path).is_empty() => Answer::Closed,
            Request::Op(TargetOp::Discard | TargetOp::Keep) => {
                disk.remove(&self.path);
                Answer::Closed
            }
        }
    }
}
