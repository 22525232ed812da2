//! Quiescence: after the faults everything finishes, or fails with a reason, within a bound computed from what was left
//! to do; after the end no timer is armed.
//!
//! The bound counts from the moment at which the last fault has ended and the last step has begun. It is generous by
//! design, for a protocol that is merely slow is no violation; what it says is that nothing hangs:
//! - for each client with work left, [`RECOVERY`]: what it may take until a failure is noticed, or a connection made
//!   anew;
//! - for each download that is open or still to come, a handshake: ten round trips and a first RTO;
//! - for the bytes left, whatever is longer: eight times what the rate would take, or a round trip for every four
//!   segments, for each segment where jitter reorders; a window of fewer than four is its own measure, and segments
//!   are as long as the longest that was sent;
//! - where a client's socket has overflowed, or a queue before a window that never gives way, four round trips and 130 ms
//!   for each segment instead: of what was sent at once as little as the first may have had room, and with fewer than
//!   three behind it the loss of the second shows by a timer alone. That is a round trip, and an RTO of three (SRTT and
//!   four times RTTVAR, which is half of it after the first sample; later ones Karn's rule may keep out) or 100 ms, and
//!   the receiver's 25 ms and a few ticks;
//! - where a queue has overflowed before a window that gives way, five round trips and 160 ms for every two segments: one
//!   such turn, and one of a window so narrow that nothing of it is lost;
//! - for each message left half a second, the server's pace.
//!
//! Where a link still impairs at random, no bound holds but the run's duration.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use backchat_core::time::Instant;
use backchat_core::transfer::SILENCE;
use backchat_core::wire::DATA_HEADER_LEN;

use super::{Checker, Found};
use crate::link::HEADERS;
use crate::trace::{Event, Name, Node, NodeMap, Record, TransferMap};

/// What it may take until a failure is noticed, and until a client is back: a minute of silence, or a nickname that is
/// held for 30 s and attempts that are 8 s apart, and a margin.
const RECOVERY: Duration = Duration::from_secs(75);
const _: () = assert!(RECOVERY.as_secs() > SILENCE.as_secs() + 10 && RECOVERY.as_secs() > 30 + 2 * 8);

/// The first RTO at its longest.
const FIRST_RTO: Duration = Duration::from_secs(1);

/// The server's pace for messages.
const PER_MESSAGE: Duration = Duration::from_millis(500);

/// Bytes of a segment, until one has been sent; longer ones are counted as this, for a sender may fall back to it.
const SEGMENT: u64 = 1_200;

/// All headers of a segment.
const HEADERS_LEN: u64 = HEADERS as u64 + DATA_HEADER_LEN as u64;

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
    planned: BTreeMap<(Node, Name, Option<Name>), u64>,
    down: BTreeSet<Node>,
    alive: BTreeSet<Node>,
    armed: NodeMap<TransferMap<Vec<Name>>>,
    bound: Option<Bound>,
    /// What was left to do when things were calm.
    left: BTreeMap<Node, Left>,
    stride: Stride,
    is_late: bool,
    is_ended: bool,
}

#[derive(Clone, Debug)]
struct Wish {
    at: Instant,
    what: Name,
    detail: Option<Name>,
    written: u64,
}

/// A client's path, both directions together.
#[derive(Clone, Copy, Debug, Default)]
struct Path {
    round_trip: Duration,
    rate: Option<u64>,
    reorders: bool,
    /// Something found no room in the client's socket; in a queue.
    overflows: bool,
    queue_overflows: bool,
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

    fn armed(&mut self, node: Node) -> &mut TransferMap<Vec<Name>> {
        self.armed.get_or(node, TransferMap::new)
    }

    fn left(&self) -> BTreeMap<Node, Left> {
        let mut left: BTreeMap<Node, Left> = BTreeMap::new();
        for ((client, _), wish) in &self.open {
            left.entry(*client).or_default().add(&wish.what, self.size(wish), 1);
        }
        for ((client, what, detail), times) in &self.planned {
            let size = detail.as_ref().and_then(|file| self.sizes.get(file)).copied().unwrap_or(0);
            left.entry(*client).or_default().add(what, size, *times);
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

    fn size(&self, wish: &Wish) -> u64 {
        let size = wish.detail.as_ref().and_then(|file| self.sizes.get(file)).copied();
        size.unwrap_or(0).saturating_sub(wish.written)
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
            let rule = if wish.what == "get" { "download_not_ended" } else { "request_not_ended" };
            found.add(now, client, (rule, said));
        }
    }
}

/// How far a sender comes in a round trip, from the longest segment and the widest window that any had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stride {
    segment: Option<u64>,
    cwnd: u64,
    /// The window has been another one.
    has_changed: bool,
}

impl Stride {
    fn lengthened(self, segment: u64, cwnd: u64) -> Self {
        let has_changed = self.has_changed || (self.segment.is_some() && cwnd != self.cwnd);
        Self { segment: self.segment.max(Some(segment)), cwnd: self.cwnd.max(cwnd), has_changed }
    }

    /// Whether a loss does not make the window narrower, as far as one can see.
    const fn is_fixed(self) -> bool {
        self.segment.is_some() && !self.has_changed
    }

    /// So many bytes of a file with the headers of their segments, which can be longer than what they carry.
    fn on_the_wire(self, bytes: u64) -> u64 {
        let segment = self.segment.map_or(SEGMENT, |it| it.clamp(1, SEGMENT));
        bytes.saturating_add(bytes.div_ceil(segment).saturating_mul(HEADERS_LEN))
    }

    /// The bytes of so many segments, if the window was ever as wide; at least of one.
    fn bytes_of(self, segments: u64) -> u64 {
        let segment = self.segment.map_or(SEGMENT, |it| it.clamp(1, SEGMENT));
        let all = segments * segment;
        if self.segment.is_some() { all.min(self.cwnd).max(segment) } else { all }
    }
}

/// What a client has left to do.
#[derive(Clone, Copy, Debug, Default)]
struct Left {
    downloads: u64,
    bytes: u64,
    requests: u64,
}

impl Left {
    fn add(&mut self, what: &Name, size: u64, times: u64) {
        if *what == "get" {
            self.downloads += times;
            self.bytes = self.bytes.saturating_add(size.saturating_mul(times));
        } else {
            self.requests += times;
        }
    }

    /// How long that may take on a path.
    fn needs(&self, path: Path, stride: Stride) -> Duration {
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let by_rate = path.rate.map_or(Duration::ZERO, |rate| {
            let bytes = stride.on_the_wire(self.bytes);
            let nanos = u128::from(bytes) * 8 * 8 * 1_000_000_000 / u128::from(rate.max(1));
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        });
        let clean = path.round_trip + Duration::from_millis(30);
        let lossy = path.round_trip * 4 + Duration::from_millis(130);
        let (segments, turn) = if path.overflows || (path.queue_overflows && stride.is_fixed()) {
            (1, lossy)
        } else if path.queue_overflows {
            (2, lossy + clean)
        } else {
            (4, clean)
        };
        let each = stride.bytes_of(if path.reorders { 1 } else { segments });
        let by_turns = turn.saturating_mul(count(self.bytes.div_ceil(each)));
        let handshake = (path.round_trip * 10 + FIRST_RTO).saturating_mul(count(self.downloads));
        let messages = (PER_MESSAGE + path.round_trip).saturating_mul(count(self.requests));
        RECOVERY.saturating_add(by_rate.max(by_turns)).saturating_add(handshake).saturating_add(messages)
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
            Event::FileShared { name, size, .. } => {
                self.sizes.insert(name.clone(), *size);
            }
            Event::LinkShaped { delay, jitter, rate, impairs } => {
                self.impairs |= impairs;
                let Some(direction) = node.direction() else { return };
                let path = self.paths.get_or(direction.client(), Path::default);
                path.round_trip += *delay + *jitter;
                path.reorders |= !jitter.is_zero();
                path.rate = [path.rate, *rate].into_iter().flatten().min();
            }
            Event::SegmentsSent { start, end, count, cwnd, .. } => {
                let longer = self.stride.lengthened((end - start).div_ceil((*count).max(1)), *cwnd);
                if longer != self.stride {
                    self.stride = longer;
                    self.bound = self.bound.map(|bound| self.compute(bound.from));
                }
            }
            Event::NetDropped { reason, .. } if *reason == "receive_buffer" || *reason == "queue_full" => {
                let Some(direction) = node.direction() else { return };
                let path = self.paths.get_or(direction.client(), Path::default);
                let place =
                    if *reason == "queue_full" { &mut path.queue_overflows } else { &mut path.overflows };
                if !core::mem::replace(place, true) {
                    self.bound = self.bound.map(|bound| self.compute(bound.from));
                }
            }
            Event::CalmExpected { from, duration } => {
                self.calm = Some(*from);
                self.duration = *duration;
            }
            Event::Planned { what, detail, times } => {
                let key = (*node, what.clone(), detail.clone());
                *self.planned.entry(key).or_default() += times;
            }
            Event::Asked { wish, what, detail } => {
                let (what, detail) = (what.clone(), detail.clone());
                if let Some(left) = self.planned.get_mut(&(*node, what.clone(), detail.clone())) {
                    *left = left.saturating_sub(1);
                }
                let new = Wish { at: *at, what, detail, written: 0 };
                self.open.entry((*node, *wish)).or_insert(new);
            }
            Event::Answered { wish, .. }
            | Event::NotTaken { wish, .. }
            | Event::DownloadFinished { wish, .. }
            | Event::DownloadFailed { wish, .. } => {
                let was_open = self.open.remove(&(*node, *wish)).is_some();
                if !was_open {
                    let said = format!("{node}'s wish {wish} ended and was not open");
                    found.add(*at, node, ("ended_twice", said));
                }
            }
            Event::Started { .. } => {
                self.down.remove(node);
                self.alive.insert(*node);
            }
            Event::Crashed { .. } => {
                self.down.insert(*node);
                self.alive.remove(node);
                *self.armed(*node) = TransferMap::new();
            }
            Event::TimerSet { transfer, timer, .. } => {
                let armed = self.armed(*node).get_or(*transfer, Vec::new);
                if !armed.contains(timer) {
                    armed.push(timer.clone());
                }
            }
            Event::TimerStopped { transfer, timer } | Event::TimerExpired { transfer, timer } => {
                if let Some(armed) = self.armed(*node).get_mut(*transfer) {
                    armed.retain(|it| it != timer);
                }
            }
            Event::Stopped { .. } => {
                self.alive.remove(node);
                for (transfer, armed) in core::mem::take(self.armed(*node)).iter() {
                    // One that only answers late packets goes with its host.
                    let left: Vec<&str> =
                        armed.iter().map(Name::as_str).filter(|it| *it != "quiet").collect();
                    if !left.is_empty() {
                        let timers = left.join(", ");
                        let said = format!("{node} has stopped, and of {transfer} is still armed: {timers}");
                        found.add(*at, node, ("timer_armed", said));
                    }
                }
            }
            Event::Ending { reason } if *reason == "duration" && !self.is_late => {
                self.is_late = true;
                if self.bound.is_none() {
                    self.bound = Some(self.compute(self.calm.unwrap_or_default()));
                }
                self.check_open(*at, found);
            }
            Event::Ended {} => {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{Sent, T, at, segment, show, verdict};

    fn begin(impairs: bool) -> Vec<Record> {
        let shape = |impairs| Event::LinkShaped {
            delay: Duration::from_millis(15),
            jitter: Duration::ZERO,
            rate: Some(10_000_000),
            impairs,
        };
        let blake3 = backchat_core::wire::Hash::of_nothing();
        vec![
            at(0, "sim", Event::FileShared { name: Name::of("f"), size: 100_000, blake3 }),
            at(0, "ann->server", shape(false)),
            at(0, "server->ann", shape(impairs)),
            at(
                0,
                "sim",
                Event::CalmExpected { from: Instant::from_millis(10), duration: Duration::from_secs(600) },
            ),
            at(0, "ann", Event::Started { life: 0 }),
            at(10, "ann", Event::Asked { wish: 1, what: Name::of("get"), detail: Some(Name::of("f")) }),
        ]
    }

    fn failed(millis: u64) -> Record {
        let (file, reason, message) = (Name::of("f"), Name::of("lost"), Name::of("it was lost"));
        at(millis, "ann", Event::DownloadFailed { wish: 1, file, reason, message, kept: 0 })
    }

    fn end(millis: u64, reason: &'static str) -> [Record; 3] {
        [
            at(millis, "sim", Event::Ending { reason: Name::of(reason) }),
            at(millis, "ann", Event::Stopped { outcome: Name::of("left") }),
            at(millis, "sim", Event::Ended {}),
        ]
    }

    #[test]
    fn what_fails_with_a_reason_has_ended() {
        let records = [begin(false), vec![failed(20_000)], end(20_001, "done").to_vec()].concat();
        assert_eq!(verdict(Quiescence::new(), &records), Vec::<String>::new());
    }

    #[test]
    fn what_has_not_ended_by_the_bound_is_named_with_it() {
        // 75 s of recovery, 21 turns of 60 ms, a handshake of 1.3 s.
        let records = [begin(false), vec![failed(90_000)], end(90_001, "done").to_vec()].concat();
        let said = verdict(Quiescence::new(), &records);
        assert_eq!(
            said,
            [
                "90.000000000: ann's get f, begun at 0.010000000, has not ended; bound 77.570000000: calm from \
              0.010000000 with 1 downloads of 100000 bytes and 0 requests left"
            ]
        );
    }

    #[test]
    fn short_segments_and_narrow_windows_have_more_time() {
        let sent = |millis, length: u64, cwnd| {
            let (end, in_flight, limit) = (length, length, 100_000);
            segment(millis, Sent { end, in_flight, cwnd, limit, ..Sent::default() })
        };
        let until = |segment, cwnd| {
            let mut checker = Quiescence::new();
            show(&mut checker, &[begin(false), vec![sent(20, segment, cwnd), failed(30)]].concat());
            checker.bound().map(|bound| bound.until.as_nanos() / 1_000_000)
        };
        // A turn of 60 ms each: 21 of four segments, 84 of one, 250 of four short ones.
        assert_eq!(until(1200, 9_000), Some(77_570));
        assert_eq!(until(1200, 1_200), Some(81_350));
        assert_eq!(until(100, 9_000), Some(91_310));
        assert_eq!(until(9_000, 90_000), Some(77_570), "it may fall back to shorter ones");
    }

    #[test]
    fn a_socket_that_overflows_takes_a_segment_at_a_time() {
        let dropped = |reason| {
            at(20, "server->ann", Event::NetDropped { ordinal: 9, copy: 0, reason: Name::of(reason) })
        };
        let until = |reason| {
            let mut checker = Quiescence::new();
            show(&mut checker, &[begin(false), vec![dropped(reason)]].concat());
            checker.bound().map(|bound| bound.until.as_nanos() / 1_000_000)
        };
        // 75 s, 84 segments of 4 × 30 + 130 ms each, a handshake of 1.3 s; else 21 turns of 60 ms, or for a queue 42 of 250
        // and 60 ms. No window is known yet.
        assert_eq!(until("receive_buffer"), Some(97_310));
        assert_eq!(until("loss"), Some(77_570));
        assert_eq!(until("queue_full"), Some(89_330));
    }

    #[test]
    fn where_a_link_impairs_the_duration_is_the_bound() {
        let records = [begin(true), vec![failed(90_000)], end(90_001, "done").to_vec()].concat();
        assert_eq!(verdict(Quiescence::new(), &records), Vec::<String>::new());
        let records = [begin(true), end(600_000, "duration").to_vec()].concat();
        assert!(verdict(Quiescence::new(), &records)[0].contains("has not ended; bound 600.000000000"));
    }

    #[test]
    fn a_timer_that_outlives_its_host_is_found() {
        let timer =
            |timer| at(5, "ann", Event::TimerSet { transfer: T, timer: Name::of(timer), due: Instant::ZERO });
        let with = |it| [begin(false), vec![timer(it), failed(20)], end(30, "done").to_vec()].concat();
        assert!(verdict(Quiescence::new(), &with("silence"))[0].ends_with("is still armed: silence"));
        assert_eq!(verdict(Quiescence::new(), &with("quiet")), Vec::<String>::new());
    }

    #[test]
    fn a_host_that_does_not_stop_and_a_wish_that_ends_twice_are_found() {
        let end = at(30, "sim", Event::Ended {});
        let records = [begin(false), vec![failed(20), failed(21), end]].concat();
        let said = verdict(Quiescence::new(), &records);
        assert!(said[0].ends_with("ann's wish 1 ended and was not open"));
        assert!(said[1].ends_with("ann has not stopped at the end of the run"));
    }
}
