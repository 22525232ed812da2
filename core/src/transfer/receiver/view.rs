//! What a receiver knows of the transfer at one moment, for whoever wants to watch it.
//!
//! The sender's window is not told to a receiver. What a receiver sees of it is how much arrives in a round trip, and how
//! far a segment that came was ahead of what is waited for.

use core::time::Duration;

use super::Receiver;

/// A transfer from the receiver's side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReceiverView {
    /// Everything below has arrived.
    pub rcv_nxt: u64,
    /// The end of the highest segment that has arrived, kept or not.
    pub highest: u64,
    /// The sender was told that it may send up to here.
    pub limit: u64,
    /// Bytes of data in a full segment.
    pub segment: u16,
    /// Bytes of data that have arrived, whatever became of them.
    pub arrived: u64,
    /// Segments that brought nothing new.
    pub duplicates: u64,
    /// Segments thrown away because they came behind a gap.
    pub discarded: u64,
    /// The round trip that the handshake measured.
    pub round_trip: Option<Duration>,
    /// After this without a word the receiver repeats its acknowledgment; doubled each time that it does.
    pub rto: Duration,
    /// How often the sender was seen to go back.
    pub went_back: u64,
    /// The last time: from which byte to which.
    pub last_went_back: Option<(u64, u64)>,
}

/// What is counted for the view alone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Watch {
    highest: u64,
    arrived: u64,
    went_back: u64,
    last: Option<(u64, u64)>,
}

impl Watch {
    /// Bytes of the file came. The sender has gone back where it sends what was waited for after something behind it
    /// had come: a datagram that was overtaken looks the same, and is rare.
    pub(super) fn on_segment(&mut self, offset: u64, end: u64, rcv_nxt: u64) {
        self.arrived += end - offset;
        if self.highest > end && offset <= rcv_nxt && end > rcv_nxt {
            self.went_back += 1;
            self.last = Some((self.highest, offset));
            self.highest = end;
        }
        self.highest = self.highest.max(end);
    }
}

impl Receiver {
    /// What is known of the transfer now.
    pub fn view(&self) -> ReceiverView {
        ReceiverView {
            rcv_nxt: self.rcv_nxt,
            highest: self.watch.highest.max(self.rcv_nxt),
            limit: self.limit,
            segment: self.segment,
            arrived: self.watch.arrived,
            duplicates: self.stats.duplicates,
            discarded: self.stats.discarded,
            round_trip: self.rtt.srtt(),
            rto: self.rtt.rto(),
            went_back: self.watch.went_back,
            last_went_back: self.watch.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_that_goes_back_is_seen() {
        let mut watch = Watch::default();
        watch.on_segment(0, 100, 0);
        // One is lost, two come behind the gap.
        watch.on_segment(200, 300, 100);
        watch.on_segment(300, 400, 100);
        assert_eq!((watch.went_back, watch.highest), (0, 400));
        watch.on_segment(100, 200, 100);
        assert_eq!((watch.went_back, watch.last), (1, Some((400, 100))));
        // Those that follow are sent again too, which is the same going back.
        watch.on_segment(200, 300, 200);
        watch.on_segment(300, 400, 300);
        assert_eq!((watch.went_back, watch.highest, watch.arrived), (1, 400, 600));
    }
}
