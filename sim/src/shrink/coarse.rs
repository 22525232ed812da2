//! Whole kinds of things first: a kind of chance on every link, a kind of fault, a client with all that it does.
//!
//! Written out packet by packet, a failure that is about time needs every one of two hundred packets that came late, and
//! nobody learns from them that it was the jitter alone. That is found here, in as many runs as there are kinds. What one
//! kind of chance does to a packet does not depend on the others, so that those which are left do what they did.

use super::Origin;
use super::case::Case;
use super::oracle::Oracle;
use super::simplify::without_client;
use crate::scenario::{FaultKind, File, LinkTable};

/// A kind of chance on links.
#[derive(Clone, Copy, Debug)]
pub struct Chances {
    /// As the scenario calls it.
    pub name: &'static str,
    clear: fn(&mut LinkTable),
    is_there: fn(&LinkTable) -> bool,
}

/// Every kind.
pub const CHANCES: [Chances; 6] = [
    Chances { name: "loss", clear: |it| it.loss = None, is_there: |it| it.loss.is_some() },
    Chances { name: "corrupt", clear: |it| it.corrupt = None, is_there: |it| it.corrupt.is_some() },
    Chances { name: "truncate", clear: |it| it.truncate = None, is_there: |it| it.truncate.is_some() },
    Chances { name: "duplicate", clear: |it| it.duplicate = None, is_there: |it| it.duplicate.is_some() },
    Chances { name: "reorder", clear: |it| it.reorder = None, is_there: |it| it.reorder.is_some() },
    Chances { name: "jitter", clear: |it| it.jitter = None, is_there: |it| it.jitter.is_some() },
];

impl Chances {
    /// Returns true if a link of the file has it.
    pub fn is_in(&self, file: &File) -> bool {
        tables(file).any(self.is_there)
    }

    /// The file without it.
    pub fn without(&self, file: &File) -> File {
        let mut without = file.clone();
        (self.clear)(&mut without.links.default);
        without.links.named.values_mut().for_each(self.clear);
        without
    }
}

fn tables(file: &File) -> impl Iterator<Item = &LinkTable> {
    [&file.links.default].into_iter().chain(file.links.named.values())
}

/// The origin's file with every kind of chance, kind of fault and client away that the failure does not need.
pub fn coarse(origin: &Origin<'_>, oracle: &Oracle<'_>) -> File {
    let file = origin.scenario.file().clone();
    let mut case =
        Case { atoms: file.faults.clone(), base: File { faults: Vec::new(), ..file }, seed: origin.seed };
    // The largest bite first: everything of a sort at once.
    let mut all = case.clone();
    for chance in CHANCES {
        all.base = chance.without(&all.base);
    }
    case = oracle.choose(changed(&case, vec![all])).unwrap_or(case);
    case = oracle.choose(changed(&case, vec![Case { atoms: Vec::new(), ..case.clone() }])).unwrap_or(case);
    while let Some(smaller) = oracle.choose(changed(&case, candidates(&case))) {
        case = smaller;
    }
    case.file()
}

fn candidates(case: &Case) -> Vec<Case> {
    let clients = case.base.clients.keys().map(|name| without_client(case, name));
    let chances = CHANCES.iter().filter(|chance| chance.is_in(&case.base));
    let chances = chances.map(|chance| Case { base: chance.without(&case.base), ..case.clone() });
    let mut kinds: Vec<&'static str> = case.atoms.iter().map(|atom| atom.kind.name()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let faults = kinds.into_iter().map(|kind| {
        let left = case.atoms.iter().filter(|atom| atom.kind.name() != kind);
        Case { atoms: left.cloned().collect(), ..case.clone() }
    });
    // Of one kind, each entry of the file by itself; what has thousands is left to the list's own way.
    let entries = (0..case.atoms.len().min(ENTRIES_MAX)).map(|place| {
        let mut without = case.clone();
        without.atoms.remove(place);
        without
    });
    // Packets that are named are one entry and many faults, which are told apart later.
    let is_list = |case: &Case| case.atoms.iter().any(|atom| matches!(atom.kind, FaultKind::Packets { .. }));
    let entries: Vec<Case> = if is_list(case) { Vec::new() } else { entries.collect() };
    clients.chain(chances).chain(faults).chain(entries).collect()
}

/// Entries of a file that are left out one by one.
const ENTRIES_MAX: usize = 32;

fn changed(case: &Case, candidates: Vec<Case>) -> Vec<Case> {
    candidates.into_iter().filter(|candidate| candidate != case).collect()
}
