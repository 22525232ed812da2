//! The same run twice: the traces must be the same, record by record.

use core::fmt::Write as _;
use std::collections::VecDeque;

use super::exit::Trouble;
use super::load::Loaded;
use super::run::judged_within;
use super::within::Limit;
use crate::run::Engine;
use crate::trace::{Record, Sink, text::Line};

/// Records before the first difference that are shown.
const BEFORE: usize = 8;

/// Runs it twice. `None`: both are one trace; otherwise what to show.
pub(super) fn check(
    loaded: &Loaded,
    seed: u64,
    engine: Engine,
    limit: Limit,
) -> Result<Option<String>, Trouble> {
    let mut first: Vec<Record> = Vec::new();
    judged_within(loaded, seed, engine, &mut first, limit)?;
    let mut compare = Compare { first: &first, next: 0, before: VecDeque::new(), difference: None };
    judged_within(loaded, seed, engine, &mut compare, limit)?;
    Ok(compare.finish())
}

/// Holds a second run against a first.
struct Compare<'a> {
    first: &'a [Record],
    next: usize,
    before: VecDeque<Record>,
    difference: Option<String>,
}

impl Sink for Compare<'_> {
    fn record(&mut self, record: &Record) {
        if self.difference.is_some() {
            return;
        }
        let expected = self.first.get(self.next);
        if expected != Some(record) {
            self.differs(expected, Some(record));
            return;
        }
        self.next += 1;
        if self.before.len() == BEFORE {
            self.before.pop_front();
        }
        self.before.push_back(record.clone());
    }
}

impl Compare<'_> {
    fn differs(&mut self, first: Option<&Record>, second: Option<&Record>) {
        let show =
            |record: Option<&Record>| record.map_or("nothing more".to_owned(), |it| Line(it).to_string());
        let mut text =
            format!("the same run twice gave two traces; record {} differs, after\n", self.next + 1);
        for record in &self.before {
            let _ = writeln!(text, "    {}", Line(record));
        }
        let _ = writeln!(text, "first  {}\nsecond {}", show(first), show(second));
        self.difference = Some(text);
    }

    fn finish(mut self) -> Option<String> {
        if self.difference.is_none()
            && let Some(missing) = self.first.get(self.next)
        {
            self.differs(Some(missing), None);
        }
        self.difference
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::time::Instant;

    use super::*;
    use crate::trace::RunEvent;

    fn record(life: u64) -> Record {
        Record { at: Instant::from_millis(life), node: "a".into(), event: RunEvent::Started { life }.into() }
    }

    fn difference(first: &[Record], second: &[Record]) -> Option<String> {
        let mut compare = Compare { first, next: 0, before: VecDeque::new(), difference: None };
        second.iter().for_each(|record| compare.record(record));
        compare.finish()
    }

    #[test]
    fn the_first_difference_is_shown_with_what_led_there() {
        let all: Vec<Record> = (0..20).map(record).collect();
        assert_eq!(difference(&all, &all), None);
        let mut other = all.clone();
        other[12] = record(99);
        let text = difference(&all, &other).unwrap();
        assert!(text.starts_with("the same run twice gave two traces; record 13 differs, after\n"));
        assert_eq!(text.lines().count(), 1 + BEFORE + 2);
        assert!(text.contains("life=12") && text.contains("life=99") && text.contains("life=4"));
        assert!(difference(&all, &all[..5]).unwrap().ends_with("second nothing more\n"));
        assert!(difference(&all[..5], &all).unwrap().contains("first  nothing more\n"));
    }
}
