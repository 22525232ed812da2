//! Which record of the one trace is which of the other.
//!
//! Instant by instant, records about the same thing are put together; those that are left look among the ones that were
//! left before, and wait if there is none for them. Who has waited for too long is alone.

use std::collections::{BTreeMap, VecDeque};

use backchat_core::time::Instant;

use super::content::{Field, Likeness, compare};
use super::history::{History, Seen};
use super::subject::Subject;
use super::{Difference, Parting, Side};
use crate::trace::{CoreEvent, Event, Record};

/// Records of each trace that wait for their like. One that did not come before so many others have begun to wait is taken
/// for missing: traces that are so far apart have long ceased to be about the same.
pub const WAITING_MAX: usize = 1 << 16;

/// Where in the traces something is: instants first, then the order of their records.
type Place = (Instant, u64);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Align {
    waiting: [Waiting; 2],
    first: Option<First>,
    /// The first difference that is more than one of times.
    more: Option<(Place, Difference)>,
    /// The first instant with the same records in another order.
    order: Option<Instant>,
    /// The first two records that are about the same, say the same, and are not the same to the letter.
    numbers: Option<[Record; 2]>,
}

/// The first difference, which may not be known to its end yet.
#[derive(Debug)]
struct First {
    place: Place,
    difference: Difference,
    /// Who has it, and where, while the other may still have it as well.
    alone: Option<(Side, u64)>,
}

impl Align {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Takes what both traces have at one instant, which is the next.
    pub(super) fn instant(&mut self, at: Instant, seen: [Vec<Seen>; 2], of: [&History; 2]) {
        self.look_beside(&seen);
        let [first, second] = &seen;
        if first.iter().map(|it| &it.record).eq(second.iter().map(|it| &it.record)) {
            return;
        }
        let [mut left, together] = partners(seen);
        if self.first.is_none() && self.order.is_none() && left.iter().all(Vec::is_empty) {
            let is_in_order = together[1].is_sorted_by_key(|seen| seen.number);
            self.order = (!is_in_order).then_some(at);
        }
        let beside = self.first.is_none().then(|| left.clone());
        let [firsts, seconds] = together;
        firsts.into_iter().zip(seconds).for_each(|(first, second)| self.pair(&[first, second], of));
        for side in Side::BOTH {
            for seen in std::mem::take(&mut left[side.place()]) {
                self.alone(side, seen, of);
            }
        }
        if let Some(beside) = beside {
            self.look_beside(&beside);
        }
    }

    /// Two records about the same thing.
    fn pair(&mut self, seen: &[Seen; 2], of: [&History; 2]) {
        let records = seen.each_ref().map(|it| &it.record);
        let (likeness, fields) = compare(records, of.map(History::names));
        if likeness == Likeness::Same {
            if self.numbers.is_none() && records[0] != records[1] {
                self.numbers = Some(records.map(Record::clone));
            }
            return;
        }
        let place = seen.iter().map(|it| (it.record.at, it.number)).min().unwrap_or_default();
        let make = || difference(seen, likeness, &fields, of);
        match &mut self.first {
            Some(first) if first.is_about(seen) => {
                first.alone = None;
                first.difference = make();
            }
            Some(first) if first.place <= place => {}
            _ => self.first = Some(First { place, difference: make(), alone: None }),
        }
        if likeness == Likeness::Different && self.more.as_ref().is_none_or(|(before, _)| place < *before) {
            self.more = Some((place, make()));
        }
    }

    /// A record that the other trace does not have at the same instant.
    fn alone(&mut self, side: Side, seen: Seen, of: [&History; 2]) {
        if let Some(like) = self.waiting[side.other().place()].take(&seen.subject) {
            let pair = match side {
                Side::First => [seen, like],
                Side::Second => [like, seen],
            };
            return self.pair(&pair, of);
        }
        let place = (seen.record.at, seen.number);
        if self.first.as_ref().is_none_or(|first| place < first.place) {
            let difference = missing(side, &seen, of);
            self.first = Some(First { place, difference, alone: Some((side, seen.number)) });
        }
        if let Some(oldest) = self.waiting[side.place()].add(seen) {
            self.missing(side, &oldest, of);
        }
    }

    /// A record that the other trace does not have.
    fn missing(&mut self, side: Side, seen: &Seen, of: [&History; 2]) {
        let place = (seen.record.at, seen.number);
        if is_of_times(&seen.record) {
            return;
        }
        if self.more.as_ref().is_none_or(|(before, _)| place < *before) {
            self.more = Some((place, missing(side, seen, of)));
        }
    }

    /// Where the first difference is that one of them does not have something: what it has there instead.
    fn look_beside(&mut self, seen: &[Vec<Seen>; 2]) {
        let Some(First { difference, alone: Some((side, _)), .. }) = &mut self.first else { return };
        if difference.instead.is_some() {
            return;
        }
        let node = difference.seen[side.place()].as_ref().map(|it| it.record.node);
        let there = seen[side.other().place()].iter().find(|it| Some(it.record.node) == node);
        difference.instead = there.map(|it| it.record.clone());
    }

    /// How they part.
    pub(super) fn finish(mut self, of: [&History; 2]) -> Option<Parting> {
        for side in Side::BOTH {
            for seen in std::mem::take(&mut self.waiting[side.place()]).all() {
                self.missing(side, &seen, of);
            }
        }
        let Some(First { difference, .. }) = self.first else {
            let numbers = self.numbers.map(|records| Parting::Numbers(Box::new(records)));
            return self.order.map(Parting::Order).or(numbers);
        };
        let more = self.more.filter(|_| difference.likeness == Likeness::Times);
        let more = more.map(|(_, more)| Box::new(more));
        Some(Parting::Differs { first: Box::new(difference), more })
    }
}

impl First {
    fn is_about(&self, seen: &[Seen; 2]) -> bool {
        self.alone.is_some_and(|(side, number)| seen[side.place()].number == number)
    }
}

fn difference(seen: &[Seen; 2], likeness: Likeness, fields: &[Field], of: [&History; 2]) -> Difference {
    let [first, second] = seen;
    let about = first.subject.clone();
    let seen = [Some(of[0].occurrence(first)), Some(of[1].occurrence(second))];
    Difference { about, seen, instead: None, likeness, fields: fields.to_vec() }
}

fn missing(side: Side, seen: &Seen, of: [&History; 2]) -> Difference {
    let mut both = [None, None];
    both[side.place()] = Some(of[side.place()].occurrence(seen));
    let about = seen.subject.clone();
    let likeness = if is_of_times(&seen.record) { Likeness::Times } else { Likeness::Different };
    Difference { about, seen: both, instead: None, likeness, fields: Vec::new() }
}

/// Whether a record is about nothing but times. Two loops of which one looks oftener differ in how often a timer is set
/// anew, and in nothing that comes of it.
fn is_of_times(record: &Record) -> bool {
    let Event::Core(_, event) = &record.event else { return false };
    matches!(
        event,
        CoreEvent::TimerSet { .. } | CoreEvent::TimerStopped { .. } | CoreEvent::RttUpdated { .. }
    )
}

/// Puts together what is about the same: those that are left of each, and those that have each other, in the same order.
fn partners(seen: [Vec<Seen>; 2]) -> [[Vec<Seen>; 2]; 2] {
    let [firsts, seconds] = seen;
    let mut places: BTreeMap<Subject, VecDeque<usize>> = BTreeMap::new();
    for (place, seen) in seconds.iter().enumerate() {
        places.entry(seen.subject.clone()).or_default().push_back(place);
    }
    let mut seconds: Vec<Option<Seen>> = seconds.into_iter().map(Some).collect();
    let (mut left, mut together) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for seen in firsts {
        let place = places.get_mut(&seen.subject).and_then(VecDeque::pop_front);
        match place.and_then(|place| seconds[place].take()) {
            Some(other) => {
                together[0].push(seen);
                together[1].push(other);
            }
            None => left[0].push(seen),
        }
    }
    left[1].extend(seconds.into_iter().flatten());
    [left, together]
}

/// Records of one trace whose like has not come.
#[derive(Debug, Default)]
struct Waiting {
    by_subject: BTreeMap<Subject, VecDeque<Seen>>,
    by_age: BTreeMap<u64, Subject>,
}

impl Waiting {
    /// Adds one; answers who has waited for too long.
    fn add(&mut self, seen: Seen) -> Option<Seen> {
        self.by_age.insert(seen.number, seen.subject.clone());
        self.by_subject.entry(seen.subject.clone()).or_default().push_back(seen);
        if self.by_age.len() <= WAITING_MAX {
            return None;
        }
        let (_, subject) = self.by_age.pop_first()?;
        self.oldest(&subject)
    }

    /// The one about `subject` that has waited longest.
    fn take(&mut self, subject: &Subject) -> Option<Seen> {
        let seen = self.oldest(subject)?;
        self.by_age.remove(&seen.number);
        Some(seen)
    }

    fn oldest(&mut self, subject: &Subject) -> Option<Seen> {
        let all = self.by_subject.get_mut(subject)?;
        let seen = all.pop_front();
        if all.is_empty() {
            self.by_subject.remove(subject);
        }
        seen
    }

    /// Everything, in its order.
    fn all(self) -> Vec<Seen> {
        let mut all: Vec<Seen> = self.by_subject.into_values().flatten().collect();
        all.sort_by_key(|seen| seen.number);
        all
    }
}
