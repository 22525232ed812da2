//! Downloads that wait for their turn: a server takes only so many of one session at a time, and says how many.

use std::collections::VecDeque;

use backchat_core::chat::Limits;
use backchat_core::node::FailReason;

use super::{Asked, Session};
use crate::app::happening::Happening;
use crate::cli::failure::Failure;
use crate::driver::application::Command;

/// Most downloads that wait: more is a script gone wrong.
const MAX_WAITING: usize = 1000;

/// Downloads that wait, in the order in which they were asked for.
#[derive(Debug)]
pub(super) struct Turns {
    waiting: VecDeque<Asked>,
    /// Handed to the loop, which has not answered yet.
    asked: usize,
    /// How many the server takes at a time.
    places: usize,
}

impl Default for Turns {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), asked: 0, places: places(&Limits::default()) }
    }
}

impl Turns {
    pub(super) fn answered(&mut self) {
        self.asked = self.asked.saturating_sub(1);
    }

    /// The server told its limits.
    pub(super) fn learn(&mut self, limits: &Limits) {
        self.places = places(limits);
    }
}

/// A ticket is a place too until it is used. A server that takes none at all says so to the one that is tried.
fn places(limits: &Limits) -> usize {
    limits.downloads_per_session.min(limits.tickets_per_session).max(1) as usize
}

impl Session {
    /// Begins a download, or lets it wait.
    pub(super) fn get(&mut self, asked: Asked) {
        if self.keeping.turns.waiting.len() >= MAX_WAITING {
            return self.complain(asked.id, "refused", format!("{MAX_WAITING} downloads wait already"));
        }
        self.keeping.turns.waiting.push_back(asked);
        let before = self.keeping.turns.waiting.len();
        self.begin_waiting();
        let turns = &self.keeping.turns;
        if let (true, Some(Command::Get { request, .. })) =
            (turns.waiting.len() == before, turns.waiting.back().map(|asked| &asked.command))
        {
            let text =
                format!("{} waits: the server takes {} downloads at a time", request.file, turns.places);
            self.tell(Happening::Notice(text));
        }
    }

    /// Begins as many as there are places for.
    pub(super) fn begin_waiting(&mut self) {
        while self.end.is_none()
            && self.keeping.turns.asked + self.downloads.len() < self.keeping.turns.places
        {
            let Some(asked) = self.keeping.turns.waiting.pop_front() else { return };
            self.keeping.turns.asked += 1;
            self.ask_for(asked);
        }
    }

    /// Gives up those that wait for a file, and says how many they were.
    pub(super) fn drop_waiting(
        &mut self,
        of: impl Fn(&str) -> bool,
        why: &str,
        reason: &FailReason,
    ) -> usize {
        let waiting = std::mem::take(&mut self.keeping.turns.waiting);
        let is_meant = |asked: &Asked| match &asked.command {
            Command::Get { request, .. } => of(request.file.as_str()),
            _ => false,
        };
        let (dropped, kept): (Vec<Asked>, Vec<Asked>) = waiting.into_iter().partition(is_meant);
        self.keeping.turns.waiting = kept.into();
        for asked in &dropped {
            let Command::Get { request, .. } = &asked.command else { continue };
            let failure = Failure::download(reason, format!("{}: {why}", request.file));
            let file = Some(request.file.as_str().to_owned());
            self.tell(Happening::Failed { id: asked.id.clone(), file, failure });
        }
        dropped.len()
    }

    /// Downloads that wait for their turn.
    pub fn waiting_downloads(&self) -> usize {
        self.keeping.turns.waiting.len()
    }

    /// Whether the server owes answers and nothing else: no download runs, or waits.
    pub fn waits_for_answers_alone(&self) -> bool {
        self.keeping.turns.asked + self.waiting_downloads() == 0
            && self.downloads.is_empty()
            && !self.requests.is_empty()
    }

    /// Requests that are not answered.
    pub fn unanswered(&self) -> usize {
        self.requests.len()
    }

    /// Whether nobody waits for anything that the server could still bring.
    pub fn has_nothing_left(&self) -> bool {
        self.keeping.turns.asked + self.waiting_downloads() == 0
            && self.downloads.is_empty()
            && self.interrupted().next().is_none()
            && !self.requests.has_wanted()
    }

    /// What was asked for and was not done when its user left.
    pub fn left_undone(&self) -> usize {
        self.left_undone
    }
}
