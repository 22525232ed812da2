//! Where a download's time went: for a failure that is about time, which no single packet explains.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

use backchat_core::time::Instant;
use backchat_core::trace::TransferTimer;
use backchat_core::wire::{DATA_HEADER_LEN, TransferId};

use crate::scenario::ActionKind;
use crate::trace::{AppEvent, CoreEvent, Direction, Event, Node, Record, RunEvent, Sink};

/// Bytes of IP and UDP headers, which a link's rate counts.
const HEADERS: u64 = 28 + DATA_HEADER_LEN as u64;

/// A download, and what it waited for. The spans overlap: a byte that is sent again while the path is dark is counted twice.
#[derive(Clone, Debug)]
pub struct Spent {
    /// The client that downloads.
    pub client: Node,
    /// When the user wanted it.
    pub began: Instant,
    /// When it ended; `None` while it has not.
    pub ended: Option<Instant>,
    transfer: Option<TransferId>,
    /// From the wish to the first segment.
    first_segment: Option<Instant>,
    /// Bytes on the wire with something new in them.
    wire: u64,
    /// Bytes on the wire that had been sent before.
    wire_again: u64,
    /// Number of times that the sender went back.
    went_back: u64,
    /// Between the last sign of life and the retransmission timer.
    timers: Duration,
    expired: u64,
    dark: Duration,
    paused: Duration,
    paused_since: Option<Instant>,
    last_sign: Instant,
}

/// Every download of a run.
#[derive(Debug, Default)]
pub struct Spending {
    /// In the order of their start.
    downloads: Vec<Spent>,
    wishes: BTreeMap<(Node, u64), usize>,
    transfers: BTreeMap<TransferId, usize>,
    rates: BTreeMap<Node, Option<u64>>,
    /// Blackouts of each client's path: how many there are, and since when.
    dark: BTreeMap<Node, (u32, Instant)>,
    now: Instant,
}

impl Spending {
    /// Nothing was spent.
    pub fn new() -> Self {
        Self::default()
    }

    /// In words, where the time of a client's download went that ended at `at`, or has not ended.
    pub fn of(&self, client: &str, at: Instant) -> Option<String> {
        let theirs = self.downloads.iter().filter(|it| it.client == *client);
        let ended = |it: &&Spent| it.ended == Some(at);
        let it = theirs.clone().find(ended).or_else(|| theirs.clone().find(|it| it.ended.is_none()))?;
        let rate = self.rates.get(&it.client).copied().flatten();
        Some(Told { it, rate, until: it.ended.unwrap_or(self.now) }.to_string())
    }

    fn of_wish(&mut self, node: Node, wish: u64) -> Option<&mut Spent> {
        let place = *self.wishes.get(&(node, wish))?;
        self.downloads.get_mut(place)
    }

    fn of_transfer(&mut self, transfer: TransferId) -> Option<&mut Spent> {
        let place = *self.transfers.get(&transfer)?;
        self.downloads.get_mut(place)
    }

    fn lit(&mut self, client: Node, since: Instant, now: Instant) {
        for it in self.downloads.iter_mut().filter(|it| it.client == client) {
            let end = it.ended.unwrap_or(now).min(now);
            it.dark += end.saturating_since(since.max(it.began));
        }
    }
}

impl Sink for Spending {
    fn record(&mut self, record: &Record) {
        let Record { at, node, event } = record;
        let (now, node) = (*at, *node);
        self.now = now;
        match event {
            Event::Run(RunEvent::LinkShaped { rate, .. }) => {
                if let Some(Direction::Down(client)) = node.direction() {
                    self.rates.insert(client, *rate);
                }
            }
            Event::App(AppEvent::Asked { wish, what: ActionKind::Get, .. }) => {
                let place = self.downloads.len();
                if *self.wishes.entry((node, *wish)).or_insert(place) == place {
                    self.downloads.push(Spent::new(node, now));
                }
            }
            Event::App(AppEvent::DownloadStarted { wish, transfer, .. }) => {
                if let Some(place) = self.wishes.get(&(node, *wish)).copied() {
                    self.transfers.insert(*transfer, place);
                    if let Some(it) = self.downloads.get_mut(place) {
                        it.transfer = Some(*transfer);
                    }
                }
            }
            Event::App(AppEvent::DownloadFinished { wish, .. } | AppEvent::DownloadFailed { wish, .. }) => {
                let dark = self.dark.get(&node).copied().filter(|(count, _)| *count > 0);
                if let Some(it) = self.of_wish(node, *wish) {
                    it.ended = Some(now);
                    if let Some((_, since)) = dark {
                        it.dark += now.saturating_since(since.max(it.began));
                    }
                    if let Some(since) = it.paused_since.take() {
                        it.paused += now - since;
                    }
                }
            }
            Event::Core(Some(transfer), CoreEvent::SegmentsSent { range, count, resent, .. }) => {
                if let Some(it) = self.of_transfer(*transfer) {
                    it.first_segment.get_or_insert(now);
                    it.last_sign = now;
                    let (bytes, headers) = (range.end - range.start, count * HEADERS);
                    let again = headers * resent / bytes.max(1) + resent;
                    it.wire_again += again;
                    it.wire += (bytes + headers).saturating_sub(again);
                }
            }
            Event::Core(Some(transfer), CoreEvent::Acknowledged { .. }) => {
                if let Some(it) = self.of_transfer(*transfer) {
                    it.last_sign = now;
                }
            }
            Event::Core(Some(transfer), CoreEvent::WentBack { .. }) => {
                if let Some(it) = self.of_transfer(*transfer) {
                    it.went_back += 1;
                }
            }
            Event::Core(Some(transfer), CoreEvent::TimerExpired { timer: TransferTimer::Retransmit })
                if node == Node::SERVER =>
            {
                if let Some(it) = self.of_transfer(*transfer) {
                    it.timers += now - it.last_sign;
                    it.expired += 1;
                    it.last_sign = now;
                }
            }
            Event::Core(Some(transfer), CoreEvent::Paused { paused }) if node != Node::SERVER => {
                if let Some(it) = self.of_transfer(*transfer) {
                    match (it.paused_since.take(), *paused) {
                        (None, true) => it.paused_since = Some(now),
                        (Some(since), false) => it.paused += now - since,
                        (since, _) => it.paused_since = since,
                    }
                }
            }
            Event::Run(RunEvent::BlackoutBegan { .. }) => {
                if let Some(client) = node.direction().map(Direction::client) {
                    let (count, since) = self.dark.entry(client).or_insert((0, now));
                    if *count == 0 {
                        *since = now;
                    }
                    *count += 1;
                }
            }
            Event::Run(RunEvent::BlackoutEnded) => {
                let Some(client) = node.direction().map(Direction::client) else { return };
                let Some((count, since)) = self.dark.get_mut(&client) else { return };
                *count = count.saturating_sub(1);
                if *count == 0 {
                    let since = *since;
                    self.lit(client, since, now);
                }
            }
            _ => {}
        }
    }
}

impl Spent {
    fn new(client: Node, now: Instant) -> Self {
        Self {
            client,
            began: now,
            ended: None,
            transfer: None,
            first_segment: None,
            wire: 0,
            wire_again: 0,
            went_back: 0,
            timers: Duration::ZERO,
            expired: 0,
            dark: Duration::ZERO,
            paused: Duration::ZERO,
            paused_since: None,
            last_sign: now,
        }
    }
}

struct Told<'a> {
    it: &'a Spent,
    rate: Option<u64>,
    until: Instant,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { it, rate, until } = self;
        let seconds = |span: Duration| format!("{:.3} s", span.as_secs_f64());
        let on_line = |bytes: u64| {
            let nanos = u128::from(bytes) * 8 * 1_000_000_000;
            let rate = u128::from(rate.unwrap_or(0));
            nanos.checked_div(rate).and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos)
        };
        let mut parts = Vec::new();
        match it.first_segment {
            Some(at) => parts.push(format!("{} until the first segment", seconds(at - it.began))),
            None => parts.push("no segment was sent".to_owned()),
        }
        match on_line(it.wire) {
            Some(span) => parts.push(format!("{} for its bytes at the line's rate", seconds(span))),
            None => parts.push("nothing for its bytes, as the line has no rate".to_owned()),
        }
        if it.wire_again > 0 {
            let (bytes, times) = (it.wire_again, it.went_back);
            let went_back = format!("{bytes} bytes that were sent again after going back {times} times");
            match on_line(bytes) {
                Some(span) => parts.push(format!("{} for {went_back}", seconds(span))),
                None => parts.push(went_back),
            }
        }
        if it.expired > 0 {
            let (span, times) = (seconds(it.timers), it.expired);
            parts.push(format!("{span} until the retransmission timer ran out, {times} times"));
        }
        if !it.dark.is_zero() {
            parts.push(format!("{} in blackouts", seconds(it.dark)));
        }
        if !it.paused.is_zero() {
            parts.push(format!("{} paused", seconds(it.paused)));
        }
        let took = seconds(*until - it.began);
        write!(f, "of {took}: {}; the rest waiting for acknowledgments", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::trace::LossCause;

    use super::*;
    use crate::checker::testing::at;
    use crate::scenario::Failure;
    use crate::trace::Name;

    #[test]
    fn time_is_told_by_what_it_was_spent_on() {
        let transfer = TransferId(7);
        let sent = |millis, start: u64, resent| {
            let (end, count) = (start + 1_000, 1);
            let (transmission, in_flight, cwnd, limit) = (1, 1_000, 1_000, 9_000);
            let event = Event::Core(
                Some(transfer),
                CoreEvent::SegmentsSent {
                    range: start..end,
                    transmission,
                    count,
                    resent,
                    in_flight,
                    cwnd,
                    limit,
                },
            );
            at(millis, "server", event)
        };
        let wire = 8 * (1_000 + HEADERS);
        let shaped = RunEvent::LinkShaped {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            rate: Some(wire),
            impairs: false,
        };
        let blackout = RunEvent::BlackoutBegan { until: None };
        let records = [
            at(0, "server->ann", shaped),
            at(100, "ann", AppEvent::Asked { wish: 1, what: ActionKind::Get, detail: Some(Name::of("f")) }),
            at(150, "ann", AppEvent::DownloadStarted { wish: 1, transfer, size: 2_000, start: 0 }),
            sent(200, 0, 0),
            at(300, "server->ann", blackout),
            at(800, "server->ann", RunEvent::BlackoutEnded),
            at(
                900,
                "server",
                Event::Core(Some(transfer), CoreEvent::TimerExpired { timer: TransferTimer::Retransmit }),
            ),
            at(
                900,
                "server",
                Event::Core(
                    Some(transfer),
                    CoreEvent::WentBack { from: 1_000, to: 0, cause: LossCause::Timeout },
                ),
            ),
            sent(900, 0, 1_000),
            at(
                1_900,
                "ann",
                AppEvent::DownloadFailed {
                    wish: 1,
                    file: Name::of("f"),
                    reason: Failure::Lost,
                    message: Name::of(""),
                    kept: 0,
                },
            ),
        ];
        let mut spending = Spending::new();
        records.iter().for_each(|record| spending.record(record));
        let told = spending.of("ann", Instant::from_millis(1_900)).unwrap();
        let again = 1_000 + HEADERS;
        assert_eq!(
            told,
            format!(
                "of 1.800 s: 0.100 s until the first segment, 1.000 s for its bytes at the line's rate, \
                 1.000 s for {again} bytes that were sent again after going back 1 times, 0.700 s until the \
                 retransmission timer ran out, 1 times, 0.500 s in blackouts; the rest waiting for acknowledgments"
            )
        );
    }
}
