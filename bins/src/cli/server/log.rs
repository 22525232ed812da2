//! What happens in a server, for its operator: one event a line, with what a program would look for as fields.
//!
//! What people say is not logged, only that they did. File names come from strangers and are made visible; nicknames
//! cannot hold anything that acts.

use std::collections::BTreeMap;
use std::time::Duration;

use backchat_core::chat::ChatEvent;
use backchat_core::node::ServerEvent;
use backchat_core::text::visible;
use backchat_core::time::Instant;
use backchat_core::transfer::Outcome;

use crate::driver::{Observer, ServerEnd};

/// Writes events to the log.
#[derive(Debug, Default)]
pub(super) struct Log {}

impl Observer for Log {
    fn event(&mut self, _: Instant, event: ServerEvent) {
        match event {
            ServerEvent::Chat(event) => chat(&event),
            ServerEvent::Offered { session, transfer, file, size, start } => {
                let (session, file) = (session.0, visible(file.as_str()));
                tracing::info!(session, %transfer, %file, size, start, "download begins");
            }
            ServerEvent::Refused { session, file, code } => {
                let (session, file) = (session.0, visible(file.as_str()));
                tracing::info!(session, %file, %code, "download refused");
            }
            ServerEvent::Ended { session, transfer, file, outcome, progress, stats, round_trip, took } => {
                let (session, file) = (session.0, visible(file.as_str()));
                let reason = match outcome {
                    Outcome::Aborted(code) | Outcome::Reset(code) => Some(code.to_string()),
                    Outcome::Complete | Outcome::Expired => None,
                };
                tracing::info!(
                    session,
                    %transfer,
                    %file,
                    outcome = outcome.name(),
                    reason,
                    bytes = progress.end.saturating_sub(progress.start),
                    segments = stats.segments_sent,
                    sent_again = stats.segments_resent,
                    timeouts = stats.timeouts,
                    round_trip_us = round_trip.map(micros),
                    took_us = micros(took),
                    "download over"
                );
            }
        }
    }
}

/// The last line: what it all came to.
pub(super) fn stopped(end: &ServerEnd) {
    let counters = &end.counters;
    tracing::info!(
        datagrams_received = counters.datagrams_received,
        datagrams_dropped = total(&counters.datagrams_dropped),
        dropped_for = by_reason(&counters.datagrams_dropped),
        datagrams_lost = end.datagrams_lost,
        tickets = counters.tickets,
        downloads = total(&counters.downloads_ended),
        ended_as = by_reason(&counters.downloads_ended),
        bytes = counters.bytes,
        segments = counters.segments,
        sent_again = counters.segments_resent,
        "stopped"
    );
}

fn total(counts: &BTreeMap<&'static str, u64>) -> u64 {
    counts.values().sum()
}

/// `3 checksum, 12 too_short`; nothing where nothing was counted.
fn by_reason(counts: &BTreeMap<&'static str, u64>) -> Option<String> {
    let parts: Vec<String> = counts.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

fn chat(event: &ChatEvent) {
    match event {
        ChatEvent::Opened { session, peer, .. } => tracing::debug!(session = session.0, %peer, "connected"),
        ChatEvent::TurnedAway { peer, reason, .. } => tracing::warn!(%peer, %reason, "turned away"),
        ChatEvent::Closed { stream, reason } => tracing::debug!(stream = stream.0, %reason, "closed"),
        ChatEvent::Joined { session, nick } => tracing::info!(session = session.0, %nick, "joined"),
        ChatEvent::Parked { session, reason } => tracing::info!(session = session.0, %reason, "parked"),
        ChatEvent::Resumed { session, seen, .. } => tracing::info!(session = session.0, seen, "came back"),
        ChatEvent::Left { session, nick, reason } => {
            tracing::info!(session = session.0, %nick, %reason, "left");
        }
        ChatEvent::Renamed { session, from, to } => {
            tracing::info!(session = session.0, %from, %to, "renamed");
        }
        ChatEvent::Said { session, number, to, .. } => {
            tracing::debug!(session = session.0, number, private = to.is_some(), "said something");
        }
        ChatEvent::Repeated { session, number } => {
            tracing::debug!(session = session.0, number, "said again what was taken");
        }
        ChatEvent::Refused { session, code } => tracing::debug!(session = session.0, %code, "refused"),
        ChatEvent::Dropped { session, reason } => {
            tracing::debug!(session = session.0, %reason, "line dropped");
        }
    }
}
