//! One of the two traces: as it is read, and what is kept of it.

use std::io::BufRead;

use backchat_core::time::Instant;

use super::causes::{Causes, LinkId, Told};
use super::counts::Counts;
use super::names::{Names, Owner};
use super::subject::Subject;
use super::{Occurrence, Side, Unreadable};
use crate::trace::{Header, ReadError, Reading, Record, Sink as _};

/// Records of an instant that are taken at once. One with more is taken piece by piece.
const INSTANT_MAX: usize = 1 << 16;

/// A record, and what is known of it when it is read.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(super) record: Record,
    pub(super) subject: Subject,
    pub(super) cause: Option<LinkId>,
    /// Its number in its trace.
    pub(super) number: u64,
}

/// What is kept of what was read.
#[derive(Debug, Default)]
pub(crate) struct History {
    names: Names,
    causes: Causes,
    counts: Counts,
}

impl History {
    pub(super) const fn names(&self) -> &Names {
        &self.names
    }

    pub(super) const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Returns the client and download that a record concerns besides its node.
    pub(crate) fn owner(&self, record: &Record) -> Option<Owner> {
        self.names.owner(&record.event)
    }

    /// A record with what led to it, as far as that is still known.
    pub(crate) fn occurrence(&self, seen: &Seen) -> Occurrence {
        Occurrence { record: seen.record.clone(), causes: self.causes.chain(seen.cause) }
    }

    /// The next record.
    pub(crate) fn see(&mut self, record: Record) -> Seen {
        self.names.learn(&record);
        let subject = Subject::of(&record, &self.names);
        let cause = self.causes.next(&Told { record: &record, subject: &subject }, &self.names);
        self.names.follow(&record, cause);
        let number = self.counts.records();
        self.counts.record(&record);
        Seen { record, subject, cause, number }
    }
}

/// A trace that is read.
pub(super) struct Half<R> {
    side: Side,
    reading: Reading<R>,
    next: Option<Record>,
    history: History,
}

impl<R: BufRead> Half<R> {
    pub(super) fn new(side: Side, reading: Reading<R>) -> Result<Self, Unreadable> {
        let mut half = Self { side, reading, next: None, history: History::default() };
        half.advance()?;
        Ok(half)
    }

    pub(super) const fn header(&self) -> &Header {
        self.reading.header()
    }

    pub(super) const fn edited(&self) -> Option<&ReadError> {
        self.reading.edited()
    }

    pub(super) const fn history(&self) -> &History {
        &self.history
    }

    /// When the next record is; `None` behind the last.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.next.as_ref().map(|record| record.at)
    }

    /// What it has at this instant.
    pub(super) fn instant(&mut self, at: Instant) -> Result<Vec<Seen>, Unreadable> {
        let mut all = Vec::new();
        while all.len() < INSTANT_MAX
            && let Some(record) = self.next.take_if(|record| record.at == at)
        {
            all.push(self.history.see(record));
            self.advance()?;
        }
        Ok(all)
    }

    fn advance(&mut self) -> Result<(), Unreadable> {
        let next = self.reading.next_record();
        self.next = next.map_err(|error| Unreadable { side: self.side, error })?;
        Ok(())
    }
}
