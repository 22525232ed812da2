//! A download from inside: what the inspector plots.
//!
//! The steps are short at first and become longer with the download, so that one of a few milliseconds has a picture
//! too: until they are [`COARSEST`] they show all of it, and from then on what came last.
//!
//! Everything here is measured at the receiver. The sender's window is not told to it: what arrives in a round trip is
//! what the sender had in flight, less what was lost.

use std::collections::VecDeque;
use std::time::Duration;

use backchat_core::node::DownloadEvent;
use backchat_core::time::Instant;
use backchat_core::transfer::ReceiverView;

/// Steps that are kept.
pub const STEPS: usize = 256;

/// How long a step is at first: progress is told no more often.
const FINEST: Duration = Duration::from_millis(1);

/// How long it becomes, twice as long each time that the steps are full: about half a minute for all of them.
pub const COARSEST: Duration = Duration::from_millis(128);

const _: () = assert!(STEPS.is_multiple_of(2) && COARSEST.as_millis().is_power_of_two());

/// Events that are kept.
const MAX_EVENTS: usize = 64;

/// One step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Bytes of the file that were new, a second.
    pub goodput: u64,
    /// How far ahead of what has arrived the sender was allowed to go, in bytes.
    pub window: u64,
    /// Bytes that arrived in a round trip, useful or not.
    pub flight: u64,
    /// The round trip.
    pub round_trip: Duration,
    /// The receiver's RTO, backed off where it was.
    pub rto: Duration,
}

impl Sample {
    /// What a step of as long as all of these has; what does not add up is as it was in the last of them.
    fn mean(samples: &[Self]) -> Self {
        let of = |value: fn(&Self) -> u64| {
            let sum: u128 = samples.iter().map(|sample| u128::from(value(sample))).sum();
            u64::try_from(sum / samples.len().max(1) as u128).unwrap_or(u64::MAX)
        };
        let last = samples.last().copied().unwrap_or_default();
        Self { goodput: of(|it| it.goodput), flight: of(|it| it.flight), ..last }
    }
}

/// Something that happened to the transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// It began at this byte.
    Began(u64),
    /// The sender went back, and perhaps more than once since the last look.
    WentBack {
        /// It had sent up to this byte,
        from: u64,
        /// and goes on here.
        to: u64,
        /// How often.
        times: u64,
    },
    /// Segments that brought nothing new.
    Duplicates(u64),
    /// The user paused.
    Paused,
    /// The user went on.
    Resumed,
    /// The file is there.
    Complete {
        /// Bytes that this took,
        bytes: u64,
        /// and how long, from the request on.
        took: Duration,
    },
    /// It is over without the file.
    Ended(&'static str),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Gauge {
    began: Instant,
    step: Duration,
    samples: VecDeque<Sample>,
    incidents: VecDeque<(Duration, Incident)>,
    /// The transfer as it was told last, and when.
    view: ReceiverView,
    seen: Instant,
    /// Steps that are over, those that are not kept any more among them.
    steps: u64,
    /// The transfer as it was told when the last of them was over, and when that was.
    before: ReceiverView,
    before_at: Instant,
}

impl Gauge {
    /// A download that begins.
    pub fn new(now: Instant) -> Self {
        Self {
            began: now,
            step: FINEST,
            samples: VecDeque::new(),
            incidents: VecDeque::new(),
            view: ReceiverView::default(),
            seen: now,
            steps: 0,
            before: ReceiverView::default(),
            before_at: now,
        }
    }

    /// Something happened to it.
    pub fn on_event(&mut self, now: Instant, event: &DownloadEvent) {
        match event {
            DownloadEvent::Started { start, segment, .. } => {
                let view = ReceiverView { rcv_nxt: *start, segment: *segment, ..ReceiverView::default() };
                *self = Self { view, before: view, ..Self::new(now) };
                self.note(now, Incident::Began(*start));
            }
            DownloadEvent::Progress { view, .. } => self.on_view(now, **view),
            DownloadEvent::Admitted => {}
            DownloadEvent::Paused => self.note(now, Incident::Paused),
            DownloadEvent::Resumed => self.note(now, Incident::Resumed),
            DownloadEvent::Finished(summary) => {
                let bytes = summary.size.saturating_sub(summary.resumed_from);
                self.on_end(now, Incident::Complete { bytes, took: summary.took });
            }
            DownloadEvent::Failed { reason, .. } => self.on_end(now, Incident::Ended(reason.name())),
        }
    }

    fn on_view(&mut self, now: Instant, view: ReceiverView) {
        if let (Some((from, to)), true) = (view.last_went_back, view.went_back > self.view.went_back) {
            let times = view.went_back - self.view.went_back;
            self.note(now, Incident::WentBack { from, to, times });
        }
        if view.duplicates > self.view.duplicates {
            self.note(now, Incident::Duplicates(view.duplicates - self.view.duplicates));
        }
        (self.view, self.seen) = (view, now);
        while self.step < COARSEST && self.steps_until(now) > STEPS as u64 {
            self.lengthen_steps();
        }
        let passed = self.steps_until(now).saturating_sub(self.steps);
        if passed > 0 {
            self.finish_steps(passed);
        }
    }

    /// What came since the last step ended is in none yet.
    fn on_end(&mut self, now: Instant, incident: Incident) {
        if self.view != self.before {
            self.finish_steps(1);
        }
        self.note(now, incident);
    }

    /// What came since the last step is spread over the steps that have passed: what each of them brought is not known better
    /// than it was told.
    fn finish_steps(&mut self, passed: u64) {
        let (view, before) = (self.view, self.before);
        let nanos = self.seen.saturating_since(self.before_at).as_nanos().max(1);
        let round_trip = view.round_trip.unwrap_or_default();
        let per = |bytes: u64, time: Duration| {
            u64::try_from(u128::from(bytes) * time.as_nanos() / nanos).unwrap_or(u64::MAX)
        };
        let sample = Sample {
            goodput: per(view.rcv_nxt.saturating_sub(before.rcv_nxt), Duration::from_secs(1)),
            window: view.limit.saturating_sub(view.rcv_nxt),
            flight: per(view.arrived.saturating_sub(before.arrived), round_trip),
            round_trip,
            rto: view.rto,
        };
        for _ in 0..passed.min(STEPS as u64) {
            if self.samples.len() == STEPS {
                self.samples.pop_front();
            }
            self.samples.push_back(sample);
        }
        self.steps += passed;
        (self.before, self.before_at) = (view, self.seen);
    }

    /// Steps become twice as long. Two become one; where one is left over, it is told what its second half would be.
    fn lengthen_steps(&mut self) {
        let samples: Vec<Sample> = self.samples.drain(..).collect();
        self.samples = samples.chunks(2).map(Sample::mean).collect();
        self.step *= 2;
        self.steps = self.steps.div_ceil(2);
    }

    fn note(&mut self, now: Instant, incident: Incident) {
        if self.incidents.len() == MAX_EVENTS {
            self.incidents.pop_front();
        }
        self.incidents.push_back((now.saturating_since(self.began), incident));
    }

    /// Whole steps from the beginning until then.
    fn steps_until(&self, now: Instant) -> u64 {
        let passed = now.saturating_since(self.began).as_nanos() / self.step.as_nanos();
        u64::try_from(passed).unwrap_or(u64::MAX)
    }

    /// The steps, the oldest first.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = &Sample> {
        self.samples.iter()
    }

    /// How long a step is.
    pub fn step(&self) -> Duration {
        self.step
    }

    /// What happened, the newest first, each with the time since the beginning.
    pub fn incidents(&self) -> impl Iterator<Item = &(Duration, Incident)> {
        self.incidents.iter().rev()
    }

    /// The transfer as it was told last.
    pub fn view(&self) -> &ReceiverView {
        &self.view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(view: ReceiverView) -> DownloadEvent {
        DownloadEvent::Progress { written: view.rcv_nxt, size: 1 << 20, rate: 0, view: Box::new(view) }
    }

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    #[test]
    fn what_came_between_two_looks_is_spread_over_them() {
        let mut gauge = Gauge::new(Instant::ZERO);
        let round_trip = Some(Duration::from_millis(1));
        let view = ReceiverView {
            rcv_nxt: 10_000,
            arrived: 20_000,
            limit: 60_000,
            round_trip,
            ..ReceiverView::default()
        };
        gauge.on_event(at(4), &progress(view));
        let expected = Sample {
            goodput: 2_500_000,
            window: 50_000,
            flight: 5_000,
            round_trip: Duration::from_millis(1),
            rto: Duration::ZERO,
        };
        assert_eq!(gauge.samples().copied().collect::<Vec<_>>(), [expected; 4]);
    }

    #[test]
    fn going_back_is_told_once_with_how_often() {
        let mut gauge = Gauge::new(Instant::ZERO);
        let view = ReceiverView { went_back: 2, last_went_back: Some((58, 41)), ..ReceiverView::default() };
        gauge.on_event(at(100), &progress(view));
        gauge.on_event(at(200), &progress(view));
        let incidents: Vec<_> = gauge.incidents().copied().collect();
        assert_eq!(
            incidents,
            [(Duration::from_millis(100), Incident::WentBack { from: 58, to: 41, times: 2 })]
        );
    }

    #[test]
    fn a_download_shorter_than_a_step_has_one() {
        let mut gauge = Gauge::new(Instant::ZERO);
        let view = ReceiverView { rcv_nxt: 3_000, arrived: 3_000, ..ReceiverView::default() };
        gauge.on_event(Instant::ZERO + Duration::from_micros(500), &progress(view));
        assert_eq!(gauge.samples().len(), 0);
        let reason = backchat_core::node::FailReason::Stopped;
        let message = String::new().into();
        gauge.on_event(at(9), &DownloadEvent::Failed { reason, message, kept: 3_000, away: false });
        assert_eq!(gauge.samples().map(|sample| sample.goodput).collect::<Vec<_>>(), [6_000_000]);
    }

    #[test]
    fn steps_become_longer_and_the_beginning_stays_until_they_are_coarse() {
        let mut gauge = Gauge::new(Instant::ZERO);
        let mut view = ReceiverView::default();
        // A burst of 100 ms at the beginning, then a tenth of it.
        for millis in 1..30_000 {
            view.rcv_nxt += if millis <= 100 { 10_000 } else { 1_000 };
            gauge.on_event(at(millis), &progress(view));
            let seen = gauge.step() * u32::try_from(gauge.samples().len()).expect("few");
            assert!(
                seen <= Duration::from_millis(millis) && seen + gauge.step() > Duration::from_millis(millis)
            );
        }
        assert_eq!(gauge.step(), COARSEST);
        let goodput: Vec<u64> = gauge.samples().map(|sample| sample.goodput).collect();
        // 128 ms, of which 100 were fast.
        assert_eq!((goodput[0], goodput[1]), (8_031_250, 1_000_000));
        let total: u64 = goodput.iter().sum::<u64>() / 1_000 * 128;
        assert!(view.rcv_nxt.abs_diff(total) < 128_000, "{total} of {}", view.rcv_nxt);
        for millis in 30_000..50_000 {
            view.rcv_nxt += 1_000;
            gauge.on_event(at(millis), &progress(view));
        }
        assert_eq!((gauge.samples().len(), gauge.step()), (STEPS, COARSEST));
        assert!(gauge.samples().all(|sample| sample.goodput == 1_000_000), "the beginning has gone");
    }

    #[test]
    fn no_more_is_kept_however_long_nothing_was_told() {
        let mut gauge = Gauge::new(Instant::ZERO);
        gauge.on_event(at(10_000_000), &progress(ReceiverView::default()));
        assert_eq!((gauge.samples().len(), gauge.step()), (STEPS, COARSEST));
    }
}
