//! The client's targets: where downloads are written.
//!
//! Writes gather in a buffer and go to the disk as few large ones, hashed along. What is written lies in a partial
//! file that is locked, hidden and ours alone; it gets the final name when everything is there and the hash is
//! right, in one step, so nobody ever sees half a file under that name.
//!
//! Standard output, FIFOs and devices have no partial file: they are written in order.
//!
//! Memory is bounded by the receive window: bytes count as received only when the operating system has them.

mod opening;
mod stream;
#[cfg(test)]
mod tests;
mod writer;

use std::collections::{BTreeMap, VecDeque};
use std::io::Write;
use std::ops::Bound;
use std::task::{Context, Poll, ready};

use backchat_core::chat::FileName;
use backchat_core::node::{DownloadId, TargetOp};

use self::opening::{Opened, Opening};
use self::stream::StreamWriter;
pub use self::stream::stdout;
use self::writer::FileWriter;
use super::content::Content;
use super::disk::Disk;
use super::error::{TargetError, TargetEvent};
use super::executor::{Executor as _, Jobs as _, JobsOf, Line};
use super::spec::TargetSpec;
use super::{TargetCompletion, Targets};

/// Bytes that one write to the disk has at most. Larger ones gain nothing, and each download has up to two.
const CHUNK_MAX: u64 = 512 * 1024;

/// Downloads into files on `D`, and one at a time to standard output.
pub struct FileTargets<D: Disk> {
    disk: D,
    /// `None` while a download has it.
    stdout: Option<Box<dyn Write + Send>>,
    lanes: BTreeMap<DownloadId, Lane<D>>,
    jobs: JobsOf<D, Done<D>>,
    ready: VecDeque<TargetCompletion>,
}

/// One download's file, and what is to be done with it.
struct Lane<D: Disk> {
    stage: Stage,
    output: Output,
    waiting: VecDeque<Request<D::Content>>,
    /// `None` while a job has it.
    writer: Option<Writer<D>>,
    /// What was written since the last request, and where it begins.
    buffer: D::Content,
    start: u64,
    /// A buffer that came back from the disk.
    spare: D::Content,
}

/// Whether a lane has its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not yet. It waits for those that give theirs up: it may be the same file, and a user who stops a download and
    /// asks for it again must not be told that somebody else has it.
    Opening,
    Open,
    /// It is giving it up.
    Closing,
}

/// What the bytes go into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Output {
    /// A file, which takes them or fails.
    File,
    /// A stream, which may take its time for ever.
    Stream,
}

/// What is asked of a writer.
enum Request<C> {
    Open {
        name: FileName,
        spec: TargetSpec,
    },
    /// Open what `Open` has found to be a FIFO or a device.
    OpenStream,
    Write {
        offset: u64,
        content: C,
    },
    Op(TargetOp),
}

/// What a writer answers.
enum Answer<C> {
    Opened(Result<Opening, TargetError>),
    /// A FIFO or a device has the path. It is not open yet.
    IsStream,
    /// With the buffer, to be used again.
    Written {
        through: u64,
        buffer: C,
    },
    /// A write that an earlier failure has made pointless.
    Dropped,
    Failed(TargetError),
    Restarted,
    Digest(backchat_core::wire::Hash),
    Committed(Result<TargetEvent, TargetError>),
    /// With what is told of it: whoever waits for the last file must hear of it.
    Closed(TargetEvent),
}

/// What has the bytes.
enum Writer<D: Disk> {
    /// Not open yet, or not any more.
    Closed(D),
    File(Box<FileWriter<D>>),
    Stream(D, StreamWriter<D::Content>),
}

/// The last completion about a download. A lane goes only in exchange for one, so whoever waits until nothing is left to
/// do is told when that is.
struct Last(TargetCompletion);

/// What a job brings back.
struct Done<D: Disk> {
    download: DownloadId,
    writer: Writer<D>,
    answers: Vec<Answer<D::Content>>,
}

impl<D: Disk> FileTargets<D> {
    /// Nothing open yet. `stdout` is where `-o -` goes.
    pub fn new(disk: D, stdout: Box<dyn Write + Send>) -> Self {
        let jobs = disk.executor().jobs();
        Self { disk, stdout: Some(stdout), lanes: BTreeMap::new(), jobs, ready: VecDeque::new() }
    }

    fn push(&mut self, download: DownloadId, request: Request<D::Content>) {
        if let Some(lane) = self.lanes.get_mut(&download) {
            lane.gather();
            lane.waiting.push_back(request);
            self.start(download);
        }
    }

    /// Gives a lane's writer what waits for it, if it is home.
    fn start(&mut self, download: DownloadId) {
        let is_any_closing =
            self.lanes.values().any(|lane| lane.stage == Stage::Closing && lane.output == Output::File);
        let Some(lane) = self.lanes.get_mut(&download) else { return };
        if lane.stage == Stage::Opening {
            if is_any_closing {
                return;
            }
            lane.stage = Stage::Open;
        }
        if lane.writer.is_some() {
            lane.gather();
        }
        if lane.waiting.is_empty() {
            return;
        }
        let Some(mut writer) = lane.writer.take() else { return };
        let requests = std::mem::take(&mut lane.waiting);
        self.jobs.submit(Line::Counted, move || {
            let mut answers = Vec::with_capacity(requests.len());
            for request in requests {
                let (next, answer) = writer.answer(request);
                writer = next;
                answers.push(answer);
            }
            Done { download, writer, answers }
        });
    }

    /// Takes a job's results in.
    fn finish(&mut self, done: Done<D>) {
        let Done { download, writer, answers } = done;
        let mut closed = None;
        for answer in answers {
            closed = self.take(download, answer).or(closed);
        }
        match (closed, writer) {
            (Some(last), writer) => {
                if let Writer::Stream(_, writer) = writer {
                    self.stdout = self.stdout.take().or(writer.into_stdout());
                }
                self.close(download, last);
            }
            (None, writer) => {
                if let Some(lane) = self.lanes.get_mut(&download) {
                    lane.writer = Some(writer);
                    self.start(download);
                }
            }
        }
    }

    /// Forgets a download whose file is closed.
    fn close(&mut self, download: DownloadId, Last(completion): Last) {
        self.lanes.remove(&download);
        self.ready.push_back(completion);
        // Another one may have waited for this.
        self.flush();
    }

    /// Makes completions of one answer; returns the one with which the file is closed.
    fn take(&mut self, download: DownloadId, answer: Answer<D::Content>) -> Option<Last> {
        let mut failed = |error: TargetError| {
            let kind = error.kind();
            let event = TargetEvent::Failed { error };
            self.ready.push_back(TargetCompletion::Event { download, event });
            kind
        };
        match answer {
            Answer::Opened(Ok(Opening::Open { have, event })) => {
                self.ready.push_back(TargetCompletion::Event { download, event });
                self.ready.push_back(TargetCompletion::Opened { download, result: Ok(have) });
                None
            }
            Answer::Opened(Ok(Opening::Skip { path })) => {
                let event = TargetEvent::Skipped { path };
                self.ready.push_back(TargetCompletion::Event { download, event });
                let result = Err(backchat_core::node::LocalError::Exists);
                Some(Last(TargetCompletion::Opened { download, result }))
            }
            Answer::Opened(Err(error)) => {
                let result = Err(failed(error));
                Some(Last(TargetCompletion::Opened { download, result }))
            }
            Answer::IsStream => {
                if let Some(lane) = self.lanes.get_mut(&download) {
                    lane.output = Output::Stream;
                    if lane.stage != Stage::Closing {
                        lane.waiting.push_front(Request::OpenStream);
                    }
                }
                None
            }
            Answer::Written { through, buffer } => {
                if let Some(lane) = self.lanes.get_mut(&download) {
                    lane.spare = buffer;
                }
                self.ready.push_back(TargetCompletion::Written { download, through });
                None
            }
            Answer::Failed(error) => {
                let error = failed(error);
                self.ready.push_back(TargetCompletion::Failed { download, error });
                None
            }
            Answer::Dropped | Answer::Restarted => None,
            Answer::Digest(hash) => {
                self.ready.push_back(TargetCompletion::Digest { download, hash });
                None
            }
            Answer::Committed(Ok(event)) => {
                self.ready.push_back(TargetCompletion::Event { download, event });
                Some(Last(TargetCompletion::Committed { download, result: Ok(()) }))
            }
            Answer::Committed(Err(error)) => {
                let result = Err(failed(error));
                self.ready.push_back(TargetCompletion::Committed { download, result });
                None
            }
            Answer::Closed(event) => Some(Last(TargetCompletion::Event { download, event })),
        }
    }
}

impl<D: Disk> Lane<D> {
    /// Whether nobody need wait for it to be closed: a write may wait for a reader who never reads.
    fn is_given_up(&self) -> bool {
        self.stage == Stage::Closing && self.output == Output::Stream
    }

    /// Makes a request of what was written since the last one.
    fn gather(&mut self) {
        if !self.buffer.is_empty() {
            let mut next = std::mem::take(&mut self.spare);
            next.clear();
            let content = std::mem::replace(&mut self.buffer, next);
            self.waiting.push_back(Request::Write { offset: self.start, content });
        }
    }
}

impl<D: Disk> Writer<D> {
    fn answer(self, request: Request<D::Content>) -> (Self, Answer<D::Content>) {
        match (self, request) {
            (Self::Closed(disk), Request::Open { name, spec }) => {
                match opening::open(disk.clone(), &name, spec) {
                    Ok(Opened::File(writer, opening)) => (Self::File(writer), Answer::Opened(Ok(opening))),
                    Ok(Opened::Skip(opening)) => (Self::Closed(disk), Answer::Opened(Ok(opening))),
                    Ok(Opened::Stream(path)) => {
                        (Self::Stream(disk, StreamWriter::at(path)), Answer::IsStream)
                    }
                    Err(error) => (Self::Closed(disk), Answer::Opened(Err(error))),
                }
            }
            (Self::File(mut writer), Request::Write { offset, content }) => {
                let answer = writer.write(offset, content);
                (Self::File(writer), answer)
            }
            (Self::File(mut writer), Request::Op(op)) => match op {
                TargetOp::Restart => {
                    let answer = writer.restart();
                    (Self::File(writer), answer)
                }
                TargetOp::Digest => {
                    let answer = Answer::Digest(writer.digest());
                    (Self::File(writer), answer)
                }
                TargetOp::Commit { modified } => match writer.commit(modified) {
                    Ok(event) => (Self::Closed(writer.into_disk()), Answer::Committed(Ok(event))),
                    Err(error) => (Self::File(writer), Answer::Committed(Err(error))),
                },
                TargetOp::Discard => {
                    let (disk, event) = writer.discard();
                    (Self::Closed(disk), Answer::Closed(event))
                }
                TargetOp::Keep => {
                    let (disk, event) = writer.keep();
                    (Self::Closed(disk), Answer::Closed(event))
                }
            },
            (Self::Stream(disk, mut writer), Request::Open { .. } | Request::OpenStream) => {
                let opening = writer.open(&disk);
                (Self::Stream(disk, writer), Answer::Opened(opening))
            }
            (Self::Stream(disk, mut writer), Request::Write { content, .. }) => {
                let answer = writer.write(content);
                (Self::Stream(disk, writer), answer)
            }
            (Self::Stream(disk, mut writer), Request::Op(op)) => {
                let answer = match op {
                    TargetOp::Restart => writer.restart(),
                    TargetOp::Digest => Answer::Digest(writer.digest()),
                    TargetOp::Commit { .. } => Answer::Committed(writer.commit()),
                    TargetOp::Discard | TargetOp::Keep => Answer::Closed(writer.closed()),
                };
                (Self::Stream(disk, writer), answer)
            }
            // After a failed `Open` nothing is asked any more, and a file is opened once.
            (writer @ (Self::Closed(_) | Self::File(_)), _) => (writer, Answer::Dropped),
        }
    }
}

impl<D: Disk> Targets for FileTargets<D> {
    type Content = D::Content;

    fn open(&mut self, download: DownloadId, name: &FileName, spec: TargetSpec) {
        let (writer, output) = match &spec {
            TargetSpec::File { .. } => (Writer::Closed(self.disk.clone()), Output::File),
            TargetSpec::Stdout => match self.stdout.take() {
                Some(stdout) => {
                    (Writer::Stream(self.disk.clone(), StreamWriter::stdout(stdout)), Output::Stream)
                }
                None => {
                    let refused = Answer::Opened(Err(TargetError::StdoutTaken));
                    if let Some(Last(completion)) = self.take(download, refused) {
                        self.ready.push_back(completion);
                    }
                    return;
                }
            },
        };
        let request = Request::Open { name: name.clone(), spec };
        self.lanes.insert(
            download,
            Lane {
                stage: Stage::Opening,
                output,
                waiting: VecDeque::from([request]),
                writer: Some(writer),
                buffer: D::Content::default(),
                start: 0,
                spare: D::Content::default(),
            },
        );
        self.start(download);
    }

    fn write(&mut self, download: DownloadId, offset: u64, part: <D::Content as Content>::Part<'_>) {
        let Some(lane) = self.lanes.get_mut(&download) else { return };
        let continues = lane.start + lane.buffer.len() == offset;
        if !continues || lane.buffer.len() + D::Content::length_of(part) > CHUNK_MAX {
            lane.gather();
        }
        if lane.buffer.is_empty() {
            lane.start = offset;
        }
        lane.buffer.push(part);
    }

    fn submit(&mut self, download: DownloadId, op: TargetOp) {
        if let Some(lane) = self.lanes.get_mut(&download)
            && matches!(op, TargetOp::Discard | TargetOp::Keep)
        {
            lane.stage = Stage::Closing;
        }
        self.push(download, Request::Op(op));
    }

    fn flush(&mut self) {
        let mut next = self.lanes.keys().next().copied();
        while let Some(download) = next {
            self.start(download);
            let behind = (Bound::Excluded(download), Bound::Unbounded);
            next = self.lanes.range(behind).next().map(|(download, _)| *download);
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<TargetCompletion> {
        loop {
            if let Some(completion) = self.ready.pop_front() {
                return Poll::Ready(completion);
            }
            let done = ready!(self.jobs.poll_next(cx));
            self.finish(done);
        }
    }

    fn is_idle(&self) -> bool {
        self.lanes.values().all(Lane::is_given_up) && self.ready.is_empty()
    }
}
