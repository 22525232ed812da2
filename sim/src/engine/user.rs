//! The user of a client, as every engine has it: does what the script says, and notes what it is told.
//!
//! It waits for nothing and knows no engine: it is asked for the next command and told what came of it, and what it
//! needs in turn is [`Surroundings`].

mod chat;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use backchat::driver::{Command, Flow, Receipt, Which};
use backchat::files::{Existing, Partial, Place, TargetSpec, Time};
use backchat_core::chat::RequestId;
use backchat_core::node::{ClientEvent, DownloadError, DownloadEvent, DownloadId, GetRequest};
use backchat_core::time::Instant;
use backchat_core::wire::Hash;

use super::script::{Next, Script, Wish};
use super::shape::detail;
use crate::scenario::{Action, Failure, Role, Transfer};
use crate::trace::event::{Answer, Completion};
use crate::trace::{AppEvent, Event, Name};

/// Where a client's downloads are.
pub(super) const DOWNLOADS: &str = "/downloads";

/// How long a user waits who was not let in: about as long as it takes to try again by hand.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Where the file of a wish goes: to a path of its own, the same after a crash.
pub(super) fn path(wish: Wish, file: &str) -> PathBuf {
    PathBuf::from(DOWNLOADS).join(format!("{wish:05}-{file}"))
}

/// What a user needs of the engine that it lives in.
pub(super) trait Surroundings {
    /// What is wanted next: [`Script::next`].
    fn next(&mut self, now: Instant) -> Next;

    /// A wish is over: [`Script::over`].
    fn over(&mut self, now: Instant, wish: Wish);

    /// Something happened to this client.
    fn record(&mut self, at: Instant, event: impl Into<Event>);

    /// What is on the disk where a wish's file should be.
    fn look(&mut self, wish: Wish, file: &str) -> Found;
}

/// A file on a client's disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its bytes.
    pub(super) size: u64,
    /// Their hash.
    pub(super) blake3: Hash,
    /// The first byte that is not the shared file's; `None` when it is that file.
    pub(super) differs_at: Option<u64>,
}

/// How a life of the client ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LifeEnd {
    /// The user left.
    Left,
    /// The server did not let it in; a user would try again.
    Refused,
    /// It was of no use any more.
    GaveUp,
}

impl LifeEnd {
    /// When the user starts the client again that ended at `now`; `None`: never.
    pub(super) fn starts_again(self, now: Instant, script: &Script) -> Option<Instant> {
        match self {
            Self::Refused | Self::GaveUp => Some(now + TRY_AGAIN),
            Self::Left => script.rejoins_at().filter(|_| script.is_away()).map(|at| at.max(now)),
        }
    }
}

/// What the user wants of the client.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// This, now.
    Now(Command),
    /// Nothing before then.
    At(Instant),
    /// Nothing, unless something that is under way ends.
    Nothing,
}

/// One life of the user.
#[derive(Clone, Debug)]
pub(super) struct User {
    transfer: Transfer,
    /// The wish that was handed in and not answered yet.
    current: Option<Current>,
    requests: BTreeMap<RequestId, Wish>,
    downloads: BTreeMap<DownloadId, Download>,
    is_leaving: bool,
    /// The nickname that the server welcomed it under.
    nick: Name,
    /// Whether steps may be taken. Somebody who starts a client again waits until it is in: its nickname may still be
    /// held for the one that was killed. A visitor has none.
    may_begin: bool,
    end: LifeEnd,
}

#[derive(Clone, Debug)]
struct Download {
    wish: Wish,
    file: Name,
}

/// A wish on its way into the client, with the file where it is a download.
#[derive(Clone, Debug)]
struct Current {
    wish: Wish,
    file: Option<Name>,
}

impl User {
    /// The `life`th life of the user called `nick`, who has done nothing in it.
    pub(super) fn new(nick: Name, role: Role, transfer: Transfer, life: u64) -> Self {
        Self {
            transfer,
            current: None,
            requests: BTreeMap::new(),
            downloads: BTreeMap::new(),
            is_leaving: false,
            nick,
            may_begin: life == 0 || role == Role::Visitor,
            end: LifeEnd::Left,
        }
    }

    /// How this life ended, once it has.
    pub(super) const fn end(&self) -> LifeEnd {
        self.end
    }

    /// What is wanted now. With `is_closing` that is the end.
    pub(super) fn next(&mut self, now: Instant, is_closing: bool, around: &mut impl Surroundings) -> Wanted {
        if is_closing && !self.is_leaving {
            self.is_leaving = true;
            return Wanted::Now(Command::Quit);
        }
        if self.is_leaving || self.current.is_some() || !self.may_begin {
            return Wanted::Nothing;
        }
        match around.next(now) {
            Next::Do(wish, action) => {
                self.is_leaving |= *action == Action::Leave;
                let detail = detail(&action);
                let file = if let Action::Get(_) = &*action { detail.clone() } else { None };
                let what = action.kind();
                self.current = Some(Current { wish, file });
                around.record(now, AppEvent::Asked { wish, what, detail });
                Wanted::Now(self.command_of(wish, &action))
            }
            Next::At(at) => Wanted::At(at),
            Next::Nothing => Wanted::Nothing,
        }
    }

    /// The command that a wish is.
    fn command_of(&self, wish: Wish, action: &Action) -> Command {
        let which = |file: &Option<backchat_core::chat::FileName>| match file {
            None => Which::All,
            // The last download of that file that was asked for and is not over.
            Some(file) => {
                let of_file = |(_, download): &(&DownloadId, &Download)| download.file == *file.as_str();
                self.downloads.iter().rfind(of_file).map_or(Which::All, |(id, _)| Which::One(*id))
            }
        };
        match action {
            Action::Get(file) => {
                let place = Place::Path(path(wish, file.as_str()));
                Command::Get {
                    request: GetRequest {
                        recovery: self.transfer.recovery,
                        congestion: self.transfer.congestion,
                        segment: Some(self.transfer.segment),
                        limit_rate: self.transfer.limit_rate.map(|bits| bits / 8),
                        ..GetRequest::new(file.clone())
                    },
                    target: TargetSpec::File {
                        place,
                        existing: Existing::Refuse,
                        partial: Partial::Resume,
                        time: Time::Now,
                    },
                }
            }
            Action::Say(text) => Command::Say { text: text.clone(), action: false },
            Action::Tell { to, text } => Command::Tell { to: to.clone(), text: text.clone(), action: false },
            Action::Names => Command::Names,
            Action::Files => Command::Files,
            Action::Pause(file) => Command::Pause(which(file)),
            Action::Resume(file) => Command::Resume(which(file)),
            Action::Stop(file) => Command::Stop(which(file)),
            // Who is here already, and joins, has joined.
            Action::Join => Command::Names,
            Action::Leave => Command::Quit,
        }
    }

    /// The command was handed to the client, or refused.
    pub(super) fn answered(
        &mut self,
        now: Instant,
        answer: Result<Receipt, DownloadError>,
        around: &mut impl Surroundings,
    ) {
        let Some(Current { wish, file }) = self.current.take() else { return };
        match answer {
            Ok(Receipt::Request(id)) => {
                around.record(now, AppEvent::Taken { wish, id: id.to_string().into() });
                self.requests.insert(id, wish);
            }
            Ok(Receipt::Download(id)) => {
                around.record(now, AppEvent::Taken { wish, id: format!("download-{}", id.0).into() });
                self.downloads.insert(id, Download { wish, file: file.unwrap_or(Name::of("")) });
            }
            Ok(Receipt::Done) => {
                around
                    .record(now, AppEvent::Answered { wish, outcome: Completion::Done.into(), number: None });
                around.over(now, wish);
            }
            Err(error) => {
                around.record(now, AppEvent::NotTaken { wish, reason: error.to_string().into() });
                around.over(now, wish);
            }
        }
    }

    /// The client tells something.
    pub(super) fn event(&mut self, now: Instant, event: ClientEvent, around: &mut impl Surroundings) -> Flow {
        match event {
            ClientEvent::Chat(event) => self.chat(now, event, around),
            ClientEvent::Download { download, event } => {
                self.download(now, download, event, around);
                Flow::Continue
            }
        }
    }

    /// The client's life is over in good order, and with it everything that was wanted of it.
    pub(super) fn life_ended(&mut self, now: Instant, around: &mut impl Surroundings) {
        let current = self.current.take().map(|current| current.wish);
        let open: Vec<Wish> = self.requests.values().copied().chain(current).collect();
        self.requests.clear();
        for wish in open {
            around.record(now, AppEvent::Answered { wish, outcome: Completion::Left.into(), number: None });
            around.over(now, wish);
        }
    }

    fn answered_with(
        &mut self,
        now: Instant,
        id: &RequestId,
        outcome: Answer,
        number: Option<u64>,
        around: &mut impl Surroundings,
    ) {
        if let Some(wish) = self.requests.remove(id) {
            around.record(now, AppEvent::Answered { wish, outcome, number });
            around.over(now, wish);
        }
    }

    fn download(
        &mut self,
        now: Instant,
        id: DownloadId,
        event: DownloadEvent,
        around: &mut impl Surroundings,
    ) {
        let Some(Download { wish, file }) = self.downloads.get(&id) else { return };
        let (wish, file) = (*wish, file.clone());
        match event {
            DownloadEvent::Started { transfer, size, start, .. } => {
                around.record(now, AppEvent::DownloadStarted { wish, transfer, size, start });
                return;
            }
            DownloadEvent::Admitted
            | DownloadEvent::Progress { .. }
            | DownloadEvent::Paused
            | DownloadEvent::Resumed => return,
            DownloadEvent::Finished(summary) => {
                let Found { size, blake3, differs_at } = around.look(wish, &file);
                let blake3 = Box::new(blake3);
                let finished = AppEvent::DownloadFinished {
                    wish,
                    size,
                    blake3,
                    differs_at,
                    file,
                    resumed_from: summary.resumed_from,
                    segments_received: summary.segments_received,
                    duplicates: summary.duplicates,
                };
                around.record(now, finished);
            }
            DownloadEvent::Failed { reason, message, kept, away: _ } => {
                let (reason, message) = (Failure::from(&reason), message.into());
                around.record(now, AppEvent::DownloadFailed { wish, file, reason, message, kept });
            }
        }
        self.downloads.remove(&id);
        around.over(now, wish);
    }
}
