//! The scenario of a seed: settings and workload; the faults are added by their kinds.

use core::num::NonZeroU64;
use core::time::Duration;
use std::collections::BTreeSet;

use backchat_core::chat::{FileName, Nickname};
use backchat_core::wire::CongestionChoice;

use super::bounds::Bounds;
use super::draw::{Draw, Draws};
use super::faults::add;
use super::kind::Kind;
use crate::link::Rate;
use crate::scenario::{Action, Clients, Direction, File, LinkName, LinkTable, Repeat, SharedFile, Step};

/// A scenario, and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The scenario.
    pub file: File,
    /// Its faults.
    pub kinds: BTreeSet<Kind>,
}

/// Above every bound that the quiescence checker computes for what a swarm's clients want: it is that which must hold, and
/// a run ends when everything is done.
const DURATION: Duration = Duration::from_secs(2 * 3600);

/// The last fault has ended, and links are clean, so much before what was paused goes on.
const BREATH: Duration = Duration::from_secs(1);

/// The scenario that a seed comes to, within bounds.
pub fn make(bounds: &Bounds, seed: u64) -> Made {
    let draws = Draws::new(seed);
    let is_there = |kind: &Kind| {
        let share = bounds.faults.get(kind).copied().unwrap_or_default();
        draws.of(&format!("whether {}", kind.name())).hits(share)
    };
    let kinds: BTreeSet<Kind> = Kind::ALL.into_iter().filter(is_there).collect();
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    let mut making = Making::new(bounds, draws);
    for kind in &kinds {
        add(*kind, &mut making);
    }
    let mut file = making.finish();
    let with = if names.is_empty() { "nothing goes wrong".to_owned() } else { names.join(", ") };
    file.about = format!("Swarm, seed {seed}: {with}.");
    Made { file, kinds }
}

/// A scenario that is being made.
pub(super) struct Making<'a> {
    pub(super) bounds: &'a Bounds,
    pub(super) draws: Draws,
    pub(super) file: File,
    pub(super) clients: Vec<Nickname>,
    /// Within which everything begins.
    pub(super) busy: Duration,
    /// Every fault has ended by then.
    pub(super) calm: Duration,
}

impl<'a> Making<'a> {
    fn new(bounds: &'a Bounds, draws: Draws) -> Self {
        let workload = &bounds.workload;
        let busy = draws.of("busy").span(workload.busy);
        let mut file = File { duration: DURATION, ..File::default() };
        for nth in 1..=draws.of("files").even(workload.files) {
            if let Ok(name) = FileName::parse(&format!("f{nth}.bin")) {
                let size = draws.of(&format!("file {nth}")).steep(workload.bytes);
                file.server.files.push(SharedFile { name, size });
            }
        }
        let numbers = 1..=draws.of("clients").even(workload.clients);
        let clients: Vec<Nickname> =
            numbers.filter_map(|nth| Nickname::parse(&format!("c{nth}")).ok()).collect();
        let mut making = Self { bounds, draws, file, clients, busy, calm: busy };
        making.settings();
        making.paths();
        making.downloads();
        making.messages();
        making.lists();
        making
    }

    fn settings(&mut self) {
        let settings = &self.bounds.settings;
        let segment = self.draws.of("segment").steep(settings.segment);
        self.file.transfer.segment = u16::try_from(segment).unwrap_or(u16::MAX);
        let mut window = self.draws.of("window");
        if window.coin() {
            let segments = u16::try_from(window.steep(settings.window)).unwrap_or(u16::MAX);
            self.file.transfer.congestion = CongestionChoice::Fixed(segments.max(1));
        }
    }

    /// Each client has a path of its own.
    fn paths(&mut self) {
        let settings = &self.bounds.settings;
        for client in self.clients.clone() {
            let start = self.draws.of(&format!("start {client}")).moment(self.busy / 4);
            self.file.clients.insert(client.clone(), Clients { start, ..Clients::default() });
            let delay = self.draws.of(&format!("delay {client}")).span(settings.delay);
            let mut rate = self.draws.of(&format!("rate {client}"));
            let rate = if rate.coin() {
                NonZeroU64::new(rate.steep(settings.rate)).map(Rate::Constant)
            } else {
                None
            };
            let table = self.link(&client, None);
            (table.delay, table.rate) = (Some(delay), rate);
        }
    }

    fn downloads(&mut self) {
        for nth in 1..=self.draws.of("downloads").even(self.bounds.workload.downloads) {
            let mut draw = self.draws.of(&format!("download {nth}"));
            let place = draw.index(self.file.server.files.len());
            let Some(name) = self.file.server.files.get(place).map(|file| file.name.clone()) else { return };
            self.step(&mut draw, Action::Get(name));
        }
    }

    fn messages(&mut self) {
        for nth in 1..=self.draws.of("messages").even(self.bounds.workload.messages) {
            let mut draw = self.draws.of(&format!("message {nth}"));
            let text = format!("message {nth}");
            let to = self.clients.get(draw.index(2 * self.clients.len()));
            let action = match to.cloned() {
                Some(to) => Action::Tell { to, text },
                None => Action::Say(text),
            };
            self.step(&mut draw, action);
        }
    }

    fn lists(&mut self) {
        for nth in 1..=self.draws.of("lists").even(self.bounds.workload.lists) {
            let mut draw = self.draws.of(&format!("list {nth}"));
            let action = if draw.coin() { Action::Names } else { Action::Files };
            self.step(&mut draw, action);
        }
    }

    /// Somebody does something at some time.
    pub(super) fn step(&mut self, draw: &mut Draw, action: Action) {
        let who = self.client(draw);
        let at = draw.moment(self.busy);
        self.file.steps.push(Step { at, who, action, repeat: Repeat::Once });
    }

    /// Some client.
    pub(super) fn client(&self, draw: &mut Draw) -> Nickname {
        // There is at least one.
        self.clients.get(draw.index(self.clients.len())).cloned().unwrap_or_else(|| unreachable!("no client"))
    }

    /// What the path of a client is like, or one direction of it.
    pub(super) fn link(&mut self, client: &Nickname, direction: Option<Direction>) -> &mut LinkTable {
        self.file.links.named.entry(LinkName { client: client.clone(), direction }).or_default()
    }

    /// Something lasts until then.
    pub(super) fn lasts_until(&mut self, end: Duration) {
        self.calm = self.calm.max(end);
    }

    /// Links are clean when every fault has ended, and who has paused goes on.
    fn finish(mut self) -> File {
        let heal = self.calm + BREATH;
        self.file.heal = Some(heal);
        let has_paused = |step: &Step| matches!(step.action, Action::Pause(_));
        let paused: BTreeSet<Nickname> =
            self.file.steps.iter().filter(|step| has_paused(step)).map(|step| step.who.clone()).collect();
        for who in paused {
            let action = Action::Resume(None);
            self.file.steps.push(Step { at: heal + BREATH, who, action, repeat: Repeat::Once });
        }
        self.file
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::Chance;
    use crate::scenario::Scenario;

    #[test]
    fn every_seed_is_a_scenario_and_always_the_same() {
        let bounds = Bounds::default();
        for seed in 0..500 {
            let made = make(&bounds, seed);
            let read = Scenario::from_file(&made.file).map_err(|error| error.to_string());
            let read = read.unwrap_or_else(|error| panic!("{seed}: {error}\n{}", made.file.to_toml()));
            assert_eq!((read.file(), &make(&bounds, seed)), (&made.file, &made), "{seed}");
        }
    }

    #[test]
    fn a_kind_more_or_less_changes_nothing_else() {
        let all = Bounds::default();
        for kind in Kind::ALL {
            let mut without = all.clone();
            without.faults.insert(kind, Chance::NEVER);
            for seed in 0..40 {
                let (with, without) = (make(&all, seed), make(&without, seed));
                let others = with.kinds.iter().copied().filter(|it| *it != kind);
                assert!(others.eq(without.kinds.iter().copied()), "{kind:?} {seed}");
                assert!(without.file.steps.iter().all(|step| {
                    // When what was paused goes on depends on when the last fault has ended.
                    matches!(step.action, Action::Resume(_)) || with.file.steps.contains(step)
                }));
                assert!(without.file.faults.iter().all(|fault| with.file.faults.contains(fault)));
                if ![Kind::Nat, Kind::Forgetful, Kind::Visitor].contains(&kind) {
                    assert_eq!(with.file.clients, without.file.clients, "{kind:?} {seed}");
                }
            }
        }
    }
}
