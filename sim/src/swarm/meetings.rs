//! Which pairs of faults have met in a run, and how often.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use super::kind::Kind;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meetings {
    /// The lesser kind comes first; a kind with itself is how often it was there.
    pairs: BTreeMap<(Kind, Kind), u64>,
}

impl Meetings {
    /// These were in one run.
    pub fn add(&mut self, kinds: &BTreeSet<Kind>) {
        for (nth, one) in kinds.iter().enumerate() {
            for other in kinds.iter().skip(nth) {
                *self.pairs.entry((*one, *other)).or_default() += 1;
            }
        }
    }

    /// In how many runs both were.
    pub fn count(&self, one: Kind, other: Kind) -> u64 {
        self.pairs.get(&(one.min(other), one.max(other))).copied().unwrap_or(0)
    }

    /// Pairs that never met.
    pub fn strangers(&self) -> Vec<(Kind, Kind)> {
        let pairs = Kind::ALL.into_iter().flat_map(|one| Kind::ALL.map(|other| (one, other)));
        pairs.filter(|(one, other)| one < other && self.count(*one, *other) == 0).collect()
    }

    /// Prints the table: a row for each kind, and a column for each kind before it and itself.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "in how many runs two faults have met, the last of a row is the row's own:")?;
        for (row, one) in Kind::ALL.into_iter().enumerate() {
            write!(out, "{:>2} {:<13}", row + 1, one.name())?;
            for other in Kind::ALL.into_iter().take(row + 1) {
                write!(out, "{:>5}", short(self.count(one, other)))?;
            }
            writeln!(out)?;
        }
        write!(out, "{:16}", "")?;
        for column in 1..=Kind::ALL.len() {
            write!(out, "{column:>5}")?;
        }
        writeln!(out)?;
        let strangers = self.strangers();
        if strangers.is_empty() {
            return writeln!(out, "every pair has met");
        }
        writeln!(out, "{} pairs never met:", strangers.len())?;
        for (one, other) in strangers.into_iter().take(STRANGERS_MAX) {
            writeln!(out, "  {} and {}", one.name(), other.name())?;
        }
        Ok(())
    }
}

/// Pairs that never met and are named.
const STRANGERS_MAX: usize = 20;

/// A count in four characters.
fn short(count: u64) -> String {
    match count {
        0 => ".".to_owned(),
        1..10_000 => count.to_string(),
        10_000..1_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_once_and_strangers_are_named() {
        let mut meetings = Meetings::default();
        meetings.add(&BTreeSet::from([Kind::Loss, Kind::Jitter, Kind::Stop]));
        meetings.add(&BTreeSet::from([Kind::Stop, Kind::Loss]));
        let counts = [(Kind::Loss, Kind::Stop), (Kind::Stop, Kind::Loss), (Kind::Loss, Kind::Loss)]
            .map(|(one, other)| meetings.count(one, other));
        assert_eq!((counts, meetings.count(Kind::Jitter, Kind::Stop)), ([2, 2, 2], 1));
        let all = Kind::ALL.len() * (Kind::ALL.len() - 1) / 2;
        assert_eq!(meetings.strangers().len(), all - 3);
        meetings.add(&BTreeSet::from(Kind::ALL));
        let mut out = Vec::new();
        meetings.print(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.ends_with("every pair has met\n") && text.contains(" 1 loss             3\n"), "{text}");
    }
}
