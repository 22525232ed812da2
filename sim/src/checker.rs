//! Checkers: what must hold in every run, whatever the scenario.
//!
//! A checker reads only the trace, in which the bytes of finished files and the texts of messages are as well; so the
//! same checkers judge a run while it goes on and a trace that was recorded. Safety is checked with every record;
//! liveness after the faults have ended, within a bound that is computed from what was left to do.
//!
//! - [`delivery`]: finished files are the files; messages arrive once and in order.
//! - [`window`]: nothing is sent beyond the window of the moment.
//! - [`timers`]: a retransmission or persist timer runs exactly while it must.
//! - [`conservation`]: every datagram went to one place.
//! - [`quiescence`]: everything ends.
//!
//! Beyond the contract's five:
//! - [`recovery`]: what the RFCs ask of a sender.
//! - [`timeouts`]: how long its timers run.
//! - [`acknowledging`]: what the receiver owes, and what the sender may make of it.
//! - [`paths`]: nobody is sent a file who has not proven to be there.
//! - [`sessions`]: what is whose in the chat.
//!
//! [`expect`] holds what a scenario expects besides against what came of its downloads.

pub mod acknowledging;
pub mod conservation;
pub mod delivery;
pub mod expect;
pub mod paths;
pub mod quiescence;
pub mod recovery;
pub mod sessions;
pub mod timeouts;
pub mod timers;
pub mod window;

#[cfg(test)]
pub(crate) mod testing;

use core::marker::PhantomData;
use std::collections::BTreeMap;

use backchat_core::time::Instant;
use backchat_core::wire::TransferId;

use crate::signature::{Place, Signature};
use crate::trace::{Record, Sink};

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which checker found it.
    pub checker: &'static str,
    /// Which of its rules was broken.
    pub rule: &'static str,
    /// By what kind of node.
    pub place: Place,
    /// When, in virtual time.
    pub at: Instant,
    /// What was expected, and what happened.
    pub message: String,
}

impl Violation {
    /// What it is, without when and how much.
    pub const fn signature(&self) -> Signature {
        Signature { checker: self.checker, rule: self.rule, place: self.place }
    }
}

/// Something that must not be, before a checker has said where and when: the rule that was broken, and what happened.
pub type Wrong = (&'static str, String);

/// Violations of one checker that are kept: after the first hundred nobody reads on.
const MAX_EACH: usize = 100;

/// What was found, in the order of finding.
#[derive(Clone, Debug, Default)]
pub struct Violations {
    kept: Vec<Violation>,
    /// How many each checker has found.
    counts: BTreeMap<&'static str, usize>,
}

impl Violations {
    /// A rule that was broken by `node`: a host, or a direction.
    #[cold]
    pub fn add(&mut self, checker: &'static str, at: Instant, node: &str, (rule, message): Wrong) {
        let count = self.counts.entry(checker).or_default();
        *count += 1;
        if *count <= MAX_EACH {
            self.kept.push(Violation { checker, rule, place: Place::of(node), at, message });
        }
    }

    /// Those that are kept.
    pub fn into_vec(self) -> Vec<Violation> {
        self.kept
    }
}

/// Where a checker puts what it finds. Whose it is says the type: who finds nothing has nothing to write down.
#[derive(Debug)]
pub struct Found<'a, C> {
    violations: &'a mut Violations,
    by: PhantomData<C>,
}

impl<'a, C: Checker> Found<'a, C> {
    /// What is added to `violations` is found by `C`.
    pub const fn new(violations: &'a mut Violations) -> Self {
        Self { violations, by: PhantomData }
    }

    /// A rule that was broken by `node`: a host, or a direction.
    pub fn add(&mut self, at: Instant, node: &str, wrong: Wrong) {
        self.violations.add(C::NAME, at, node, wrong);
    }

    /// A rule that was broken by `node` in a download.
    #[cold]
    pub fn add_of(&mut self, at: Instant, node: &str, transfer: TransferId, (rule, wrong): Wrong) {
        self.add(at, node, (rule, format!("{node}: {transfer}: {wrong}")));
    }
}

/// What must hold.
pub trait Checker: Sized {
    /// Its name, as in the contract.
    const NAME: &'static str;

    /// Time moves on to `now`: of the times before there are no more records.
    fn time_moves_on(&mut self, now: Instant, found: &mut Found<'_, Self>) {
        let _ = (now, found);
    }

    /// The next record. Inlined, for it is a part of [`Checkers`].
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>);

    /// There are no more; the last was at `end`.
    fn finish(&mut self, end: Instant, found: &mut Found<'_, Self>) {
        let _ = (end, found);
    }
}

macro_rules! checkers {
    ($($name:ident: $type:ty,)+) => {
        /// All checkers that always run. Each is called as what it is and becomes a part of one function: millions of records
        /// pass by all of them, and to most a record is no more than a jump.
        #[derive(Debug, Default)]
        pub struct Checkers {
            $($name: $type,)+
            violations: Violations,
            last: Instant,
        }

        impl Checkers {
            /// There are no more records. Answers everything that was found.
            pub fn finish(mut self) -> Vec<Violation> {
                $(self.$name.finish(self.last, &mut Found::new(&mut self.violations));)+
                self.violations.into_vec()
            }
        }

        impl Sink for Checkers {
            fn record(&mut self, record: &Record) {
                if record.at > self.last {
                    self.last = record.at;
                    $(self.$name.time_moves_on(record.at, &mut Found::new(&mut self.violations));)+
                }
                $(self.$name.record(record, &mut Found::new(&mut self.violations));)+
            }
        }
    };
}

checkers! {
    delivery: delivery::Delivery,
    window: window::Window,
    timers: timers::Timers,
    conservation: conservation::Conservation,
    quiescence: quiescence::Quiescence,
    recovery: recovery::Recovery,
    timeouts: timeouts::Timeouts,
    acknowledging: acknowledging::Acknowledging,
    paths: paths::Paths,
    sessions: sessions::Sessions,
}

impl Checkers {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// What was found so far, in the order of finding.
    pub fn violations(&self) -> &[Violation] {
        &self.violations.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_are_kept_of_a_checker_that_finds_without_end() {
        let mut violations = Violations::default();
        for (checker, count) in [("loud", 5 * MAX_EACH), ("quiet", 1)] {
            (0..count).for_each(|_| violations.add(checker, Instant::ZERO, "sim", ("rule", String::new())));
        }
        let kept = violations.into_vec();
        assert_eq!(kept.iter().filter(|it| it.checker == "loud").count(), MAX_EACH);
        assert_eq!(kept.len(), MAX_EACH + 1);
    }
}
