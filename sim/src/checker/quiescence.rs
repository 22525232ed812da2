//! Quiescence: after the faults everything finishes, or fails with a reason, within a bound computed from what was left
//! to do; after the end no timer is armed.
//!
//! The bound counts from the moment at which the last fault has ended and the last step is due; `bound` says how long
//! that may be. A step that is begun later, for its client was not back yet, is then added to what was left.
//!
//! Where a link still impairs at random, no bound holds but the run's duration.

mod bound;

#[cfg(test)]
mod tests;

use core::time::Duration;
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};

use backchat_core::time::Instant;
use backchat_core::trace::TransferTimer;

use self::bound::{Left, Path, Stride};
use super::{Checker, Found};
use crate::link::DropReason;
use crate::scenario::ActionKind;
use crate::trace::event::Ending;
use crate::trace::{
    AppEvent, CoreEvent, Event, Name, NetEvent, Node, NodeMap, Record, RunEvent, TransferMap,
};

/// The bound as it was computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// From here on things were calm.
    pub from: Instant,
    /// Everything must have ended by then.
    pub until: Instant,
    /// Downloads that were open or to come.
    pub downloads: u64,
    /// Bytes that they wanted.
    pub bytes: u64,
    /// Other wishes that were open or to come.
    pub requests: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Quiescence {
    sizes: BTreeMap<Name, u64>,
    paths: NodeMap<Path>,
    impairs: bool,
    calm: Option<Instant>,
    duration: Duration,
    open: BTreeMap<(Node, u64), Wish>,
    /// Steps that are done again after they have ended, and how often still.
    planned: BTreeMap<(Node, ActionKind, Option<Name>), u64>,
    down: BTreeSet<Node>,
    alive: BTreeSet<Node>,
    armed: NodeMap<TransferMap<Vec<TransferTimer>>>,
    bound: Option<Bound>,
    /// What was left to do when things were calm, and what was asked for since.
    left: BTreeMap<Node, Left>,
    stride: Stride,
    is_late: bool,
    is_ended: bool,
}

#[derive(Clone, Debug)]
struct Wish {
    at: Instant,
    what: ActionKind,
    detail: Option<Name>,
}

impl Quiescence {
    /// Nothing has happened.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bound, once things are calm.
    pub fn bound(&self) -> Option<Bound> {
        self.bound
    }

    fn armed(&mut self, node: Node) -> &mut TransferMap<Vec<TransferTimer>> {
        self.armed.get_or(node, TransferMap::new)
    }

    fn left(&self) -> BTreeMap<Node, Left> {
        let mut left: BTreeMap<Node, Left> = BTreeMap::new();
        for ((client, _), wish) in &self.open {
            left.entry(*client).or_default().add(wish.what, self.size(wish.detail.as_ref()), 1);
        }
        for ((client, what, detail), times) in &self.planned {
            left.entry(*client).or_default().add(*what, self.size(detail.as_ref()), *times);
        }
        left
    }

    fn compute(&self, from: Instant) -> Bound {
        let end = Instant::ZERO + self.duration;
        let left = &self.left;
        let total = left.values().fold(Left::default(), |total, it| Left {
            downloads: total.downloads + it.downloads,
            bytes: total.bytes + it.bytes,
            requests: total.requests + it.requests,
        });
        let path = |client: Node| self.paths.get(client).copied().unwrap_or_default();
        let needs = left.iter().map(|(client, it)| it.needs(path(*client), self.stride));
        let needs = needs.max().unwrap_or_default();
        let until = if self.impairs { end } else { (from + needs).min(end) };
        let Left { downloads, bytes, requests } = total;
        Bound { from, until, downloads, bytes, requests }
    }

    /// A wish begins, or is carried on in another session. One that was not among what was left is added to it.
    fn asked(&mut self, client: Node, number: u64, wish: Wish) {
        let planned = self.planned.get_mut(&(client, wish.what, wish.detail.clone()));
        let was_planned = planned.is_some_and(|left| core::mem::replace(left, left.saturating_sub(1)) > 0);
        let Entry::Vacant(place) = self.open.entry((client, number)) else { return };
        let wish = place.insert(wish).clone();
        if let Some(bound) = self.bound.filter(|_| !was_planned) {
            let size = self.size(wish.detail.as_ref());
            self.left.entry(client).or_default().add(wish.what, size, 1);
            self.bound = Some(self.compute(bound.from));
        }
    }

    /// The bytes of what a wish is about, if that is a file.
    fn size(&self, detail: Option<&Name>) -> u64 {
        detail.and_then(|file| self.sizes.get(file)).copied().unwrap_or(0)
    }

    /// What found no room makes what is left take longer.
    fn dropped(&mut self, node: Node, reason: DropReason) {
        let is_in_socket = match reason {
            DropReason::ReceiveBuffer => true,
            DropReason::QueueFull | DropReason::Policed | DropReason::Codel => false,
            DropReason::Mtu
            | DropReason::Explicit
            | DropReason::Blackout
            | DropReason::Loss
            | DropReason::Unreachable => return,
        };
        let Some(direction) = node.direction() else { return };
        let path = self.paths.get_or(direction.client(), Path::default);
        let place = if is_in_socket { &mut path.overflows } else { &mut path.queue_overflows };
        if !core::mem::replace(place, true) {
            self.bound = self.bound.map(|bound| self.compute(bound.from));
        }
    }

    /// Names everything that has not ended.
    fn check_open(&self, now: Instant, found: &mut Found<'_, Self>) {
        let Some(bound) = self.bound else { return };
        let Bound { from, until, downloads, bytes, requests } = bound;
        for ((client, _), wish) in &self.open {
            if self.down.contains(client) {
                continue;
            }
            let detail = wish.detail.as_ref().map_or_else(String::new, |detail| format!(" {detail}"));
            let said = format!(
                "{client}'s {}{detail}, begun at {}, has not ended; bound {until}: calm from {from} with \
                 {downloads} downloads of {bytes} bytes and {requests} requests left",
                wish.what, wish.at,
            );
            let rule = if wish.what == ActionKind::Get { "download_not_ended" } else { "request_not_ended" };
            found.add(now, client, (rule, said));
        }
    }
}

impl Checker for Quiescence {
    const NAME: &'static str = "quiescence";

    fn time_moves_on(&mut self, now: Instant, found: &mut Found<'_, Self>) {
        if self.bound.is_none() && self.calm.is_some_and(|calm| now > calm) {
            self.left = self.left();
            self.bound = Some(self.compute(self.calm.unwrap_or_default()));
        }
        if !self.is_late && self.bound.is_some_and(|bound| now > bound.until) {
            self.is_late = true;
            self.check_open(now, found);
        }
    }

    #[inline(always)]
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>) {
        let Record { at, node, event } = record;
        match event {
            Event::Run(RunEvent::FileShared { name, size, .. }) => {
                self.sizes.insert(name.clone(), *size);
            }
            Event::Run(RunEvent::LinkShaped { delay, jitter, rate, impairs }) => {
                self.impairs |= impairs;
                let Some(direction) = node.direction() else { return };
                let path = self.paths.get_or(direction.client(), Path::default);
                path.round_trip += *delay + *jitter;
                path.reorders |= !jitter.is_zero();
                path.rate = [path.rate, *rate].into_iter().flatten().min();
            }
            Event::Core(_, CoreEvent::SegmentsSent { range, count, cwnd, .. }) => {
                let longer =
                    self.stride.lengthened((range.end - range.start).div_ceil((*count).max(1)), *cwnd);
                if longer != self.stride {
                    self.stride = longer;
                    self.bound = self.bound.map(|bound| self.compute(bound.from));
                }
            }
            Event::Net(NetEvent::Dropped { reason, .. }) => self.dropped(*node, *reason),
            Event::Run(RunEvent::CalmExpected { from, duration }) => {
                self.calm = Some(*from);
                self.duration = *duration;
            }
            Event::Run(RunEvent::Planned { what, detail, times }) => {
                let key = (*node, *what, detail.clone());
                *self.planned.entry(key).or_default() += times;
            }
            Event::App(AppEvent::Asked { wish, what, detail }) => {
                self.asked(*node, *wish, Wish { at: *at, what: *what, detail: detail.clone() });
            }
            Event::App(
                AppEvent::Answered { wish, .. }
                | AppEvent::NotTaken { wish, .. }
                | AppEvent::DownloadFinished { wish, .. }
                | AppEvent::DownloadFailed { wish, .. },
            ) => {
                let was_open = self.open.remove(&(*node, *wish)).is_some();
                if !was_open {
                    let said = format!("{node}'s wish {wish} ended and was not open");
                    found.add(*at, node, ("ended_twice", said));
                }
            }
            Event::Run(RunEvent::Started { .. }) => {
                self.down.remove(node);
                self.alive.insert(*node);
            }
            Event::Run(RunEvent::Crashed { .. }) => {
                self.down.insert(*node);
                self.alive.remove(node);
                *self.armed(*node) = TransferMap::new();
            }
            Event::Core(Some(transfer), CoreEvent::TimerSet { timer, .. }) => {
                let armed = self.armed(*node).get_or(*transfer, Vec::new);
                if !armed.contains(timer) {
                    armed.push(*timer);
                }
            }
            Event::Core(
                Some(transfer),
                CoreEvent::TimerStopped { timer } | CoreEvent::TimerExpired { timer },
            ) => {
                if let Some(armed) = self.armed(*node).get_mut(*transfer) {
                    armed.retain(|it| it != timer);
                }
            }
            Event::Run(RunEvent::Stopped { .. }) => {
                self.alive.remove(node);
                for (transfer, armed) in core::mem::take(self.armed(*node)).iter() {
                    // One that only answers late packets goes with its host.
                    let left = armed.iter().filter(|it| **it != TransferTimer::Quiet);
                    let left: Vec<&str> = left.map(|it| it.name()).collect();
                    if !left.is_empty() {
                        let timers = left.join(", ");
                        let said = format!("{node} has stopped, and of {transfer} is still armed: {timers}");
                        found.add(*at, node, ("timer_armed", said));
                    }
                }
            }
            Event::Run(RunEvent::Ending { reason: Ending::Duration }) if !self.is_late => {
                self.is_late = true;
                if self.bound.is_none() {
                    self.bound = Some(self.compute(self.calm.unwrap_or_default()));
                }
                self.check_open(*at, found);
            }
            Event::Run(RunEvent::Ended) => {
                self.is_ended = true;
                for node in &self.alive {
                    found.add(
                        *at,
                        node,
                        ("not_stopped", format!("{node} has not stopped at the end of the run")),
                    );
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, end: Instant, found: &mut Found<'_, Self>) {
        if !self.is_ended {
            found.add(end, "sim", ("cut_off", "the trace has no end: its run was cut off".to_owned()));
        }
    }
}
