//! Window: no segment is sent that would take what is outstanding above the window of that moment.
//!
//! The window is the smaller of the congestion window and what the receiver allows. What is outstanding is computed here
//! from what was sent and acknowledged, and not believed from the sender.

use backchat_core::wire::TransferId;

use super::{Checker, Found};
use crate::trace::{CoreEvent, Event, Record, TransferMap};

/// See the module.
#[derive(Debug, Default)]
pub struct Window {
    senders: TransferMap<Sender>,
}

/// What is known of a sender.
#[derive(Clone, Copy, Debug)]
struct Sender {
    una: u64,
    limit: Option<u64>,
    cwnd: Option<u64>,
}

impl Window {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    fn sender(&mut self, transfer: TransferId, una: u64) -> &mut Sender {
        self.senders.get_or(transfer, || Sender { una, limit: None, cwnd: None })
    }
}

impl Checker for Window {
    const NAME: &'static str = "window";

    #[inline(always)]
    fn record(&mut self, record: &Record, found: &mut Found<'_, Self>) {
        let Record { at, node, event } = record;
        match event {
            Event::Core(Some(transfer), CoreEvent::Acknowledged { una, limit, .. }) => {
                let sender = self.sender(*transfer, *una);
                sender.una = sender.una.max(*una);
                sender.limit = Some(sender.limit.unwrap_or(0).max(*limit));
            }
            Event::Core(Some(transfer), CoreEvent::WindowChanged { cwnd }) => {
                self.sender(*transfer, 0).cwnd = Some(*cwnd);
            }
            Event::Core(Some(transfer), CoreEvent::SegmentsSent { range, in_flight, cwnd, .. }) => {
                let sender = self.sender(*transfer, range.start);
                let outstanding = range.end.saturating_sub(sender.una);
                let window = sender.cwnd.unwrap_or(*cwnd);
                let mut wrong = |rule, what| found.add_of(*at, node, *transfer, (rule, what));
                if outstanding > window {
                    wrong(
                        "beyond_cwnd",
                        format!(
                            "{range:?} sent with {outstanding} bytes outstanding, the congestion window is {window}"
                        ),
                    );
                }
                if let Some(limit) = sender.limit.filter(|limit| range.end > *limit) {
                    wrong("beyond_limit", format!("{range:?} sent, the receiver allows up to {limit}"));
                }
                if *in_flight != outstanding || *cwnd != window {
                    wrong(
                        "miscounted",
                        format!(
                            "the sender counts {in_flight} bytes outstanding of {cwnd}, it is {outstanding} of {window}"
                        ),
                    );
                }
                sender.cwnd = Some(window);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::{Sent, core, segment, verdict};

    fn sent(millis: u64, start: u64, end: u64, in_flight: u64, cwnd: u64) -> Record {
        segment(millis, Sent { start, end, in_flight, cwnd, limit: 10_000, ..Sent::default() })
    }

    fn acked(millis: u64, una: u64, limit: u64) -> Record {
        core(millis, "server", CoreEvent::Acknowledged { una, limit, in_flight: 0 })
    }

    #[test]
    fn a_full_window_is_right() {
        let records = [
            acked(0, 0, 10_000),
            sent(1, 0, 4_000, 4_000, 4_000),
            acked(2, 1_000, 10_000),
            sent(3, 4_000, 5_000, 4_000, 4_000),
        ];
        assert_eq!(verdict(Window::new(), &records), Vec::<String>::new());
    }

    #[test]
    fn a_byte_beyond_the_window_is_found() {
        let records = [acked(0, 0, 10_000), sent(1, 0, 4_001, 4_001, 4_000)];
        let said = verdict(Window::new(), &records);
        assert_eq!(said.len(), 1);
        assert!(said[0].ends_with("0..4001 sent with 4001 bytes outstanding, the congestion window is 4000"));
        let halved = core(2, "server", CoreEvent::WindowChanged { cwnd: 2_000 });
        let records = [
            acked(0, 0, 10_000),
            sent(1, 0, 2_000, 2_000, 4_000),
            halved,
            sent(3, 2_000, 3_000, 3_000, 4_000),
        ];
        assert!(verdict(Window::new(), &records)[0].contains("the congestion window is 2000"));
    }

    #[test]
    fn a_byte_beyond_what_the_receiver_allows_is_found() {
        let records = [acked(0, 0, 3_000), sent(1, 0, 4_000, 4_000, 4_000)];
        assert!(
            verdict(Window::new(), &records)[0].ends_with("0..4000 sent, the receiver allows up to 3000")
        );
    }

    #[test]
    fn a_sender_that_miscounts_is_found() {
        let records = [acked(0, 0, 10_000), sent(1, 0, 4_000, 1_000, 4_000)];
        assert!(
            verdict(Window::new(), &records)[0].contains("counts 1000 bytes outstanding of 4000, it is 4000")
        );
    }
}
