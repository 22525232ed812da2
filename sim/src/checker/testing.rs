//! Traces made by hand.

use backchat_core::time::Instant;
use backchat_core::wire::TransferId;

use super::{Checker, Found};
use crate::trace::{Event, Record};

/// The download of every test that has one only.
pub(super) const T: TransferId = TransferId(7);

/// A record at so many milliseconds.
pub(super) fn at(millis: u64, node: &str, event: Event) -> Record {
    Record { at: Instant::from_millis(millis), node: node.into(), event }
}

/// What a checker says of a trace.
pub(super) fn verdict(mut checker: impl Checker, records: &[Record]) -> Vec<String> {
    let mut violations = Vec::new();
    let mut found = Found { checker: checker.name(), violations: &mut violations };
    for record in records {
        checker.record(record, &mut found);
    }
    checker.finish(records.last().map_or(Instant::ZERO, |record| record.at), &mut found);
    violations.into_iter().map(|it| format!("{}: {}", it.at, it.message)).collect()
}
