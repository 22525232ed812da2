//! Where records are made, put in order and handed on.

use backchat_core::time::Instant;

use super::hash::TraceHash;
use super::{Event, Node, Record};

/// Who is handed every record, in order: a checker, a file, a counter.
pub trait Sink {
    /// The next record.
    fn record(&mut self, record: &Record);

    /// Returns true if the run is to be given up, for nobody wants more of it. Asked now and then; the
    /// answer depends on more than the run, so it is for impatient people alone.
    fn stops(&self) -> bool {
        false
    }
}

/// Gathers records and hands them on in the order of their times.
///
/// Hosts are run one after the other, a tick each, so a record of the second may be earlier than one of the first:
/// nothing is handed on before [`Recorder::settle`] says that nothing earlier can come. At the same time the order
/// of making decides.
#[derive(Debug)]
pub struct Recorder {
    /// Not handed on yet; in the order of making.
    waiting: Vec<Record>,
    hash: TraceHash,
    count: u64,
}

impl Recorder {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self { waiting: Vec::new(), hash: TraceHash::new(), count: 0 }
    }

    /// Something happened.
    #[inline]
    pub fn add(&mut self, at: Instant, node: Node, event: impl Into<Event>) {
        let record = Record { at, node, event: event.into() };
        match self.waiting.last() {
            // Almost everything comes in order, or nearly.
            Some(last) if last.at > at => self.add_earlier(record),
            _ => self.waiting.push(record),
        }
    }

    #[cold]
    fn add_earlier(&mut self, record: Record) {
        let place = self.waiting.partition_point(|before| before.at <= record.at);
        self.waiting.insert(place, record);
    }

    /// Nothing will be added that is earlier than `before`: hands on what is.
    pub fn settle(&mut self, before: Instant, sink: &mut impl Sink) {
        let count = self.waiting.partition_point(|record| record.at < before);
        let mut later = self.waiting.split_off(count);
        self.hand_on(sink);
        self.waiting.append(&mut later);
    }

    /// Nothing will be added that is earlier than anything here: hands on all of it.
    pub fn hand_on(&mut self, sink: &mut impl Sink) {
        // Where they lie: moving them out costs as much as their hash.
        for record in &self.waiting {
            self.hash.add(record);
            sink.record(record);
        }
        self.count += self.waiting.len() as u64;
        self.waiting.clear();
    }

    /// How many records were handed on.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The hash of what was handed on.
    pub fn hash(&self) -> [u8; 32] {
        self.hash.finish()
    }
}

impl Default for Recorder {
    fn default() -> Self {
        Self::new()
    }
}

/// Two that want the same records.
impl<A: Sink, B: Sink> Sink for (A, B) {
    fn record(&mut self, record: &Record) {
        self.0.record(record);
        self.1.record(record);
    }

    fn stops(&self) -> bool {
        self.0.stops() || self.1.stops()
    }
}

/// Nobody wants the records.
impl Sink for () {
    fn record(&mut self, _: &Record) {}
}

impl Sink for Vec<Record> {
    fn record(&mut self, record: &Record) {
        self.push(record.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::RunEvent;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn records_go_on_by_time_and_then_by_their_making() {
        let mut recorder = Recorder::new();
        let mut seen: Vec<Record> = Vec::new();
        for (time, life) in [(2, 0), (1, 1), (2, 2), (1, 3), (3, 4)] {
            recorder.add(at(time), "a".into(), RunEvent::Started { life });
        }
        recorder.settle(at(3), &mut seen);
        let lives = |seen: &[Record]| -> Vec<Event> { seen.iter().map(|it| it.event.clone()).collect() };
        let expected: Vec<Event> = [1, 3, 0, 2].map(|life| RunEvent::Started { life }.into()).to_vec();
        assert_eq!(lives(&seen), expected);
        recorder.hand_on(&mut seen);
        assert_eq!((seen.len(), recorder.count()), (5, 5));
    }

    #[test]
    fn the_hash_depends_on_every_part_of_a_record() {
        let hash = |time, node: &str, life| {
            let mut recorder = Recorder::new();
            recorder.add(at(time), node.into(), RunEvent::Started { life });
            recorder.hand_on(&mut ());
            recorder.hash()
        };
        let one = hash(1, "a", 0);
        assert_eq!(one, hash(1, "a", 0));
        assert!([hash(2, "a", 0), hash(1, "b", 0), hash(1, "a", 1)].iter().all(|other| *other != one));
    }
}
