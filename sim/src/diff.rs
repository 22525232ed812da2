//! Two traces, held against each other: where they part, what led there, and what differs in the end.
//!
//! Records are aligned by what they are about and not by their lines: `data@12000#2` on `server->alice` in the one is
//! `data@12000#2` on `server->alice` in the other, whatever came before it. What a run draws or counts (numbers of
//! transfers, sessions, connections, packets and datagrams, hashes of contents) is held against what it stands for: two
//! seeds whose packets meet the same fates are two traces that differ in nothing. Of one seed, those must be the same too.
//!
//! - [`subject`]: what a record is about. `names`: what numbers of one run stand for.
//! - [`content`]: what two records about the same thing say. [`causes`]: what led to a record.
//! - `align`: which record is which. `history`: what is kept of one trace. [`counts`]: what came of each.
//! - [`report`]: for people, in at most 25 lines.
//!
//! Both traces are read at once, an instant of virtual time after the other, and forgotten behind it. What is kept is
//! bounded: records whose like has not come yet (the last [`WAITING_MAX`] of each trace), causes (the last
//! [`causes::LINKS_MAX`]), and counts. The time is that of reading.

mod align;
pub mod causes;
pub mod content;
pub mod counts;
mod history;
mod names;
pub mod report;
pub mod subject;

#[cfg(test)]
mod tests;

use std::io::BufRead;

pub use self::align::WAITING_MAX;
pub use self::causes::Step;
pub use self::content::Likeness;
pub use self::counts::Row;
pub(crate) use self::history::History;
pub use self::subject::Subject;

use self::align::Align;
use self::history::Half;
use crate::trace::{Header, ReadError, Reading, Record};
use backchat_core::time::Instant;

/// One of the two traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// The one that was named first.
    First,
    /// The other.
    Second,
}

impl Side {
    /// Both, in the order of what is kept in pairs.
    pub const BOTH: [Self; 2] = [Self::First, Self::Second];

    /// The other one.
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }

    const fn place(self) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
        }
    }
}

/// A trace that cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Which.
    pub side: Side,
    /// Where, and what.
    pub error: ReadError,
}

/// What two traces came to.
#[derive(Clone, Debug)]
pub struct Diff {
    /// Which runs they are of.
    pub headers: [Header; 2],
    /// How many records each has.
    pub records: [u64; 2],
    /// Which of them were edited, and how that is known.
    pub edited: [Option<ReadError>; 2],
    /// How they part; `None`: they are the same.
    pub parting: Option<Parting>,
    /// What differs in the counts over all of each.
    pub counts: Vec<Row>,
}

/// How two traces part.
#[derive(Clone, Debug)]
pub enum Parting {
    /// Something differs.
    Differs {
        /// The first, in virtual time.
        first: Box<Difference>,
        /// If that is only when something happened: the first that is more.
        more: Option<Box<Difference>>,
    },
    /// They have the same records, but not in the same order at some instant: the first of those.
    Order(Instant),
    /// They are of one seed, and only numbers that a run draws or counts differ: the first two records that do.
    Numbers(Box<[Record; 2]>),
}

/// One thing in which two traces differ.
#[derive(Clone, Debug)]
pub struct Difference {
    /// What it is about.
    pub about: Subject,
    /// What each says of it; `None`: it does not have it. One of them does.
    pub seen: [Option<Occurrence>; 2],
    /// What the one without it does next at the same place.
    pub instead: Option<Record>,
    /// How they differ where both have it.
    pub likeness: Likeness,
    /// The fields that differ, where both have it.
    pub fields: Vec<content::Field>,
}

/// A record, and what led there.
#[derive(Clone, Debug)]
pub struct Occurrence {
    /// The record.
    pub record: Record,
    /// Its causes, the latest last; a chain that is longer begins somewhere.
    pub causes: Vec<Step>,
}

impl Diff {
    /// Whether they have the same records in the same order, up to names.
    pub const fn is_same(&self) -> bool {
        self.parting.is_none()
    }
}

/// Reads both traces to their ends, and holds them against each other.
///
/// # Errors
/// One of them cannot be read.
pub fn diff<R: BufRead>(traces: [Reading<R>; 2]) -> Result<Diff, Unreadable> {
    let [first, second] = traces;
    let mut halves = [Half::new(Side::First, first)?, Half::new(Side::Second, second)?];
    let mut align = Align::new();
    while let Some(at) = halves.iter().filter_map(Half::next_at).min() {
        let [first, second] = &mut halves;
        let seen = [first.instant(at)?, second.instant(at)?];
        align.instant(at, seen, [first.history(), second.history()]);
    }
    let [first, second] = &halves;
    let is_one_seed = first.header().seed == second.header().seed;
    let parting = align.finish([first.history(), second.history()]);
    // What a seed draws is not another's.
    let parting = parting.filter(|parting| is_one_seed || !matches!(parting, Parting::Numbers(_)));
    let counts = counts::rows([first.history().counts(), second.history().counts()]);
    let of = halves.each_ref();
    Ok(Diff {
        headers: of.map(|half| half.header().clone()),
        records: of.map(|half| half.history().counts().records()),
        edited: of.map(|half| half.edited().cloned()),
        parting,
        counts,
    })
}
