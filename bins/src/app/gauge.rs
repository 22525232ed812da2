//! A download from inside, over the last half minute: what the inspector plots.
//!
//! Everything here is measured at the receiver. The sender's window is not told to it: what arrives in a round trip is
//! what the sender had in flight, less what was lost.

use std::collections::VecDeque;
use std::time::Duration;

use backchat_core::node::DownloadEvent;
use backchat_core::time::Instant;
use backchat_core::transfer::ReceiverView;

/// Steps of a tenth of a second that are kept: half a minute.
pub const STEPS: usize = 300;

/// How long a step is.
pub const STEP: Duration = Duration::from_millis(100);

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
    /// It is over.
    Ended(&'static str),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Gauge {
    began: Instant,
    samples: VecDeque<Sample>,
    incidents: VecDeque<(Duration, Incident)>,
    view: ReceiverView,
    /// The step that is being filled, and what had arrived and was in order at its beginning.
    step: u64,
    before: ReceiverView,
}

impl Gauge {
    /// A download that begins.
    pub fn new(now: Instant) -> Self {
        Self {
            began: now,
            samples: VecDeque::new(),
            incidents: VecDeque::new(),
            view: ReceiverView::default(),
            step: 0,
            before: ReceiverView::default(),
        }
    }

    /// Something happened to it.
    pub fn on_event(&mut self, now: Instant, event: &DownloadEvent) {
        match event {
            DownloadEvent::Started { start, segment, .. } => {
                self.began = now;
                self.view = ReceiverView { rcv_nxt: *start, segment: *segment, ..ReceiverView::default() };
                self.before = self.view;
                self.note(now, Incident::Began(*start));
            }
            DownloadEvent::Progress { view, .. } => self.on_view(now, *view),
            DownloadEvent::Paused => self.note(now, Incident::Paused),
            DownloadEvent::Resumed => self.note(now, Incident::Resumed),
            DownloadEvent::Finished(_) => self.note(now, Incident::Ended("complete")),
            DownloadEvent::Failed { reason, .. } => self.note(now, Incident::Ended(reason.name())),
        }
    }

    fn on_view(&mut self, now: Instant, view: ReceiverView) {
        let step = self.step_of(now);
        let passed = step.saturating_sub(self.step);
        if passed > 0 {
            self.finish_steps(passed, &view);
            self.step = step;
            self.before = view;
        }
        if let (Some((from, to)), true) = (view.last_went_back, view.went_back > self.view.went_back) {
            let times = view.went_back - self.view.went_back;
            self.note(now, Incident::WentBack { from, to, times });
        }
        if view.duplicates > self.view.duplicates {
            self.note(now, Incident::Duplicates(view.duplicates - self.view.duplicates));
        }
        self.view = view;
    }

    /// What came since the last look is spread over the steps that have passed: what a tenth of a second brought is not
    /// known better than it was told.
    fn finish_steps(&mut self, passed: u64, view: &ReceiverView) {
        let millis = passed * STEP.as_millis() as u64;
        let round_trip = view.round_trip.unwrap_or_default();
        let arrived = view.arrived.saturating_sub(self.before.arrived);
        let per = |bytes: u64, time: Duration| {
            let bytes = u128::from(bytes) * time.as_micros() / (u128::from(millis) * 1000);
            u64::try_from(bytes).unwrap_or(u64::MAX)
        };
        let sample = Sample {
            goodput: per(view.rcv_nxt.saturating_sub(self.before.rcv_nxt), Duration::from_secs(1)),
            window: view.limit.saturating_sub(view.rcv_nxt),
            flight: per(arrived, round_trip),
            round_trip,
            rto: view.rto,
        };
        for _ in 0..passed.min(STEPS as u64) {
            if self.samples.len() == STEPS {
                self.samples.pop_front();
            }
            self.samples.push_back(sample);
        }
    }

    fn note(&mut self, now: Instant, incident: Incident) {
        if self.incidents.len() == MAX_EVENTS {
            self.incidents.pop_front();
        }
        self.incidents.push_back((now.saturating_since(self.began), incident));
    }

    fn step_of(&self, now: Instant) -> u64 {
        let passed = now.saturating_since(self.began).as_millis() / STEP.as_millis();
        u64::try_from(passed).unwrap_or(u64::MAX)
    }

    /// The steps, the oldest first.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = &Sample> {
        self.samples.iter()
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
        DownloadEvent::Progress { written: view.rcv_nxt, size: 1 << 20, rate: 0, view }
    }

    #[test]
    fn what_came_between_two_looks_is_spread_over_them() {
        let mut gauge = Gauge::new(Instant::ZERO);
        let round_trip = Some(Duration::from_millis(50));
        let view = ReceiverView {
            rcv_nxt: 10_000,
            arrived: 20_000,
            limit: 60_000,
            round_trip,
            ..ReceiverView::default()
        };
        gauge.on_event(Instant::from_millis(200), &progress(view));
        let expected = Sample {
            goodput: 50_000,
            window: 50_000,
            flight: 5_000,
            round_trip: Duration::from_millis(50),
            rto: Duration::ZERO,
        };
        assert_eq!(gauge.samples().copied().collect::<Vec<_>>(), [expected; 2]);
    }

    #[test]
    fn going_back_is_told_once_with_how_often() {
        let mut gauge = Gauge::new(Instant::ZERO);
        let view = ReceiverView { went_back: 2, last_went_back: Some((58, 41)), ..ReceiverView::default() };
        gauge.on_event(Instant::from_millis(100), &progress(view));
        gauge.on_event(Instant::from_millis(200), &progress(view));
        let incidents: Vec<_> = gauge.incidents().copied().collect();
        assert_eq!(incidents, [(STEP, Incident::WentBack { from: 58, to: 41, times: 2 })]);
    }

    #[test]
    fn half_a_minute_is_kept_however_long_nothing_was_told() {
        let mut gauge = Gauge::new(Instant::ZERO);
        gauge.on_event(Instant::from_millis(10_000_000), &progress(ReceiverView::default()));
        assert_eq!(gauge.samples().len(), STEPS);
    }
}
