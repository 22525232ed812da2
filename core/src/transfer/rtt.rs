//! The round-trip time and the retransmission timeout. RFC 6298, in integers.
//!
//! Karn's rule (RFC 6298 §3) is kept by the caller: what was sent twice gives no sample.

use core::time::Duration;

use super::MAX_BACKOFF;

/// Lower bound on the RTO. RFC 6298 §2.4 says 1 s, Linux uses 200 ms. Our receivers hold an acknowledgment back for
/// at most 25 ms ([`super::timer::ACK_DELAY`]), which leaves this four times that.
pub(super) const MIN_RTO: Duration = Duration::from_millis(100);

/// Upper bound on the RTO without backoff. RFC 6298 §2.5 allows any from 60 s on; we give up after 60 s of silence,
/// so an RTO longer than this would leave it few chances.
pub(super) const MAX_RTO: Duration = Duration::from_secs(10);

/// Upper bound on the first RTO (RFC 6298 §2.1), when all that is known is the round trip of the ticket.
const MAX_FIRST_RTO: Duration = Duration::from_secs(1);

/// The clock granularity G of RFC 6298 §2.3: what a driver's timers can be late by.
const GRANULARITY: Duration = Duration::from_millis(1);

const _: () =
    assert!(MIN_RTO.as_nanos() < MAX_FIRST_RTO.as_nanos() && MAX_FIRST_RTO.as_nanos() < MAX_RTO.as_nanos());

/// SRTT, RTTVAR, RTO and its backoff.
#[derive(Clone, Debug)]
pub struct RttEstimator {
    /// Smoothed, and its variation; `None` before the first sample.
    smoothed: Option<(Duration, Duration)>,
    latest: Duration,
    min: Duration,
    /// Before the first sample.
    first_rto: Duration,
    /// How often the timer ran out since something new was acknowledged.
    backoff: u32,
}

impl RttEstimator {
    /// Before any sample: `guess` is the round trip of the ticket over the chat's connection, and three times that,
    /// between 100 ms and 1 s, is the first RTO.
    pub fn new(guess: Duration) -> Self {
        let first_rto = guess.saturating_mul(3).clamp(MIN_RTO, MAX_FIRST_RTO);
        Self { smoothed: None, latest: guess, min: Duration::MAX, first_rto, backoff: 0 }
    }

    /// Takes a sample: from the sending of something sent once to the arrival of its acknowledgment. `held` is how
    /// long the receiver says it held that back; it is believed as far as the sample does not fall below the
    /// smallest one seen (RFC 9002 §5.3).
    pub fn on_sample(&mut self, sample: Duration, held: Duration) {
        self.min = self.min.min(sample);
        let less = sample.saturating_sub(held.min(super::timer::ACK_DELAY));
        let sample = if less >= self.min { less } else { sample };
        self.latest = sample;
        self.smoothed = Some(match self.smoothed {
            // RFC 6298 §2.2.
            None => (sample, sample / 2),
            // RFC 6298 §2.3, alpha 1/8 and beta 1/4; the variation first, with the old SRTT.
            Some((srtt, rttvar)) => {
                let rttvar = (rttvar * 3 + srtt.abs_diff(sample)) / 4;
                ((srtt * 7 + sample) / 8, rttvar)
            }
        });
    }

    /// The timer ran out: the next one is twice as long (RFC 6298 §5.5).
    pub fn on_timeout(&mut self) {
        mutant!(TimerNotBackedOff => return);
        self.backoff = self.backoff.saturating_add(1);
    }

    /// How often the timer ran out since something new was acknowledged.
    pub(super) const fn backoff(&self) -> u32 {
        self.backoff
    }

    /// Whether the backoff is as long as it gets.
    pub(super) fn is_capped(&self) -> bool {
        self.backoff > 0 && self.rto() >= MAX_BACKOFF
    }

    /// Something new was acknowledged: the path works, the backoff ends.
    pub fn on_progress(&mut self) {
        mutant!(BackoffNotEnded => return);
        self.backoff = 0;
    }

    /// The path is another one: what was measured says nothing about it.
    pub fn on_path_changed(&mut self) {
        *self = Self::new(self.srtt().unwrap_or(self.latest));
    }

    /// The RTO without backoff.
    pub fn base_rto(&self) -> Duration {
        match self.smoothed {
            None => self.first_rto,
            Some((srtt, rttvar)) => (srtt + GRANULARITY.max(rttvar * 4)).clamp(MIN_RTO, MAX_RTO),
        }
    }

    /// The RTO: doubled for each timeout in a row, up to [`MAX_BACKOFF`] or its own length if that is longer.
    pub fn rto(&self) -> Duration {
        let base = self.base_rto();
        mutant!(BackoffNotCapped => return base.saturating_mul(1u32.checked_shl(self.backoff).unwrap_or(u32::MAX)));
        base.saturating_mul(1u32.checked_shl(self.backoff).unwrap_or(u32::MAX)).min(MAX_BACKOFF.max(base))
    }

    /// The smoothed round-trip time, once there is a sample.
    pub fn srtt(&self) -> Option<Duration> {
        self.smoothed.map(|(srtt, _)| srtt)
    }

    /// The smallest sample, as it was measured: nothing that the other side says makes it shorter. Before there is one, the
    /// RTO, which is longer.
    pub fn least(&self) -> Duration {
        if self.smoothed.is_some() { self.min } else { self.base_rto() }
    }

    /// Its variation, once there is a sample.
    pub fn rttvar(&self) -> Option<Duration> {
        self.smoothed.map(|(_, rttvar)| rttvar)
    }

    /// The last sample.
    pub const fn latest(&self) -> Duration {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn the_first_rto_is_three_round_trips_of_the_ticket() {
        assert_eq!(RttEstimator::new(ms(100)).rto(), ms(300));
        assert_eq!(RttEstimator::new(ms(1)).rto(), ms(100));
        assert_eq!(RttEstimator::new(ms(5000)).rto(), ms(1000));
    }

    #[test]
    fn samples_follow_rfc_6298() {
        let mut rtt = RttEstimator::new(ms(10));
        rtt.on_sample(ms(80), ms(0));
        assert_eq!((rtt.srtt(), rtt.rttvar()), (Some(ms(80)), Some(ms(40))));
        assert_eq!(rtt.rto(), ms(240));
        rtt.on_sample(ms(160), ms(0));
        assert_eq!((rtt.srtt(), rtt.rttvar()), (Some(ms(90)), Some(ms(50))));
        assert_eq!(rtt.rto(), ms(290));
    }

    #[test]
    fn a_steady_path_does_not_go_below_the_lower_bound() {
        let mut rtt = RttEstimator::new(ms(10));
        (0..100).for_each(|_| rtt.on_sample(ms(1), ms(0)));
        assert_eq!(rtt.rto(), MIN_RTO);
    }

    #[test]
    fn what_the_receiver_held_back_is_taken_off_but_never_below_the_smallest() {
        let mut rtt = RttEstimator::new(ms(10));
        rtt.on_sample(ms(50), ms(0));
        rtt.on_sample(ms(70), ms(20));
        assert_eq!(rtt.latest(), ms(50));
        rtt.on_sample(ms(55), ms(20));
        assert_eq!(rtt.latest(), ms(55));
        rtt.on_sample(ms(90), ms(60_000));
        assert_eq!(rtt.latest(), ms(65));
    }

    #[test]
    fn backoff_doubles_to_its_cap_and_ends_with_progress() {
        let mut rtt = RttEstimator::new(ms(100));
        let steps: Vec<_> = (0..6)
            .map(|_| {
                rtt.on_timeout();
                rtt.rto().as_millis()
            })
            .collect();
        assert_eq!(steps, [600, 1200, 2400, 3000, 3000, 3000]);
        (0..100).for_each(|_| rtt.on_timeout());
        assert_eq!(rtt.rto(), MAX_BACKOFF);
        rtt.on_progress();
        assert_eq!(rtt.rto(), ms(300));
    }

    #[test]
    fn a_path_slower_than_the_cap_keeps_its_rto() {
        let mut rtt = RttEstimator::new(ms(1000));
        rtt.on_sample(ms(1500), ms(0));
        assert_eq!(rtt.rto(), ms(4500));
        rtt.on_timeout();
        assert_eq!(rtt.rto(), ms(4500));
    }
}
