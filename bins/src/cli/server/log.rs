//! What happens in a server, for its operator: one event a line, with what a program would look for as fields.
//!
//! What people say is not logged, only that they did. File names come from strangers and are made visible; nicknames
//! cannot hold anything that acts.

mod pace;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backchat_core::chat::{ChatEvent, OperatorError};
use backchat_core::node::{Answer, Order, ServerEvent, TransferEvent};
use backchat_core::text::visible;
use backchat_core::time::Instant;
use backchat_core::transfer::Outcome;

use self::pace::Pace;
use crate::driver::{Observer, ServerEnd};

/// Writes events to the log.
#[derive(Debug, Default)]
pub(super) struct Log {
    pace: Pace,
    left_out: Arc<AtomicU64>,
}

impl Log {
    /// How many lines were left out because strangers caused too many, for whoever shows counters.
    pub(super) fn left_out(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.left_out)
    }

    /// The last lines: what was left out and not told yet, and what it all came to.
    pub(super) fn stopped(mut self, end: &ServerEnd) {
        if let Some(left_out) = self.pace.rest() {
            tell_left_out(&left_out);
        }
        stopped(end);
    }

    /// Whether a line that a stranger has caused is written.
    fn lets(&mut self, now: Instant, kind: &'static str) -> bool {
        let lets = self.pace.lets(now, kind);
        if !lets {
            self.left_out.store(self.pace.total(), Ordering::Relaxed);
        }
        if let Some(left_out) = self.pace.summary(now) {
            tell_left_out(&left_out);
        }
        lets
    }

    fn chat(&mut self, now: Instant, event: &ChatEvent) {
        match event {
            ChatEvent::Opened { session, peer, .. } => {
                tracing::debug!(session = session.0, %peer, "connected");
            }
            ChatEvent::TurnedAway { peer, reason, .. } if self.lets(now, "turned away") => {
                tracing::warn!(%peer, %reason, "turned away");
            }
            ChatEvent::Closed { stream, reason } => tracing::debug!(stream = stream.0, %reason, "closed"),
            ChatEvent::Joined { session, nick, peer } if self.lets(now, "joined") => {
                tracing::info!(session = session.0, %nick, %peer, "joined");
            }
            ChatEvent::Parked { session, reason } if self.lets(now, "parked") => {
                tracing::info!(session = session.0, %reason, "parked");
            }
            ChatEvent::Resumed { session, seen, peer, .. } if self.lets(now, "came back") => {
                tracing::info!(session = session.0, seen, %peer, "came back");
            }
            ChatEvent::Left { session, nick, peer, reason } if self.lets(now, "left") => {
                tracing::info!(session = session.0, %nick, %peer, %reason, "left");
            }
            ChatEvent::Renamed { session, from, to } if self.lets(now, "renamed") => {
                tracing::info!(session = session.0, %from, %to, "renamed");
            }
            ChatEvent::TurnedAway { .. }
            | ChatEvent::Joined { .. }
            | ChatEvent::Parked { .. }
            | ChatEvent::Resumed { .. }
            | ChatEvent::Left { .. }
            | ChatEvent::Renamed { .. } => {}
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
}

impl Observer for Log {
    fn operated(&mut self, order: &Order, result: &Result<Answer, OperatorError>) {
        operated(order, result);
    }

    fn event(&mut self, now: Instant, event: ServerEvent) {
        match event {
            ServerEvent::Chat(event) => self.chat(now, &event),
            ServerEvent::Transfer(TransferEvent::Offered { session, transfer, file, size, start })
                if self.lets(now, "downloads begun") =>
            {
                let (session, file) = (session.0, visible(file.as_str()));
                tracing::info!(session, %transfer, %file, size, start, "download begins");
            }
            ServerEvent::Transfer(TransferEvent::Refused { session, file, code })
                if self.lets(now, "downloads refused") =>
            {
                let (session, file) = (session.0, visible(file.as_str()));
                tracing::info!(session, %file, %code, "download refused");
            }
            ServerEvent::Transfer(TransferEvent::Served {
                session,
                transfer,
                file,
                outcome,
                bytes,
                stats,
                round_trip,
                took,
            }) if self.lets(now, "downloads over") => {
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
                    bytes,
                    sent_bytes = stats.bytes_on_wire,
                    segments = stats.segments_sent,
                    sent_again = stats.segments_resent,
                    timeouts = stats.timeouts,
                    round_trip_us = round_trip.map(micros),
                    took_us = micros(took),
                    "download over"
                );
            }
            ServerEvent::Transfer(_) => {}
        }
    }
}

/// An operator's decisions, for those who come after. Questions are not.
fn operated(order: &Order, result: &Result<Answer, OperatorError>) {
    let error = result.as_ref().err().map(|error| visible(&error.to_string()).to_string());
    let (ended, until) = match result {
        Ok(Answer::Done { ended }) => (Some(*ended), None),
        Ok(Answer::Banned { ended, until }) => (Some(*ended), until.map(|until| until.to_string())),
        Ok(Answer::Present(_) | Answer::Bans(_)) | Err(_) => (None, None),
    };
    let shown = |reason: &Option<String>| reason.as_ref().map(|reason| visible(reason).to_string());
    match order {
        Order::Who | Order::Bans => {}
        Order::Kick { nick, reason } => {
            tracing::info!(%nick, reason = shown(reason), ended, error, "the operator kicks");
        }
        Order::Ban { whom, lasts, reason } => {
            let lasts = lasts.map(|lasts| humantime::format_duration(lasts).to_string());
            tracing::info!(%whom, lasts, until, reason = shown(reason), ended, error, "the operator bans");
        }
        Order::Unban(whom) => tracing::info!(%whom, error, "the operator lifts a ban"),
        Order::Say(text) => {
            tracing::info!(bytes = text.len(), error, "the operator tells everybody something");
        }
    }
}

fn tell_left_out(left_out: &str) {
    tracing::warn!(left_out, "lines were left out of this log: there were too many of a kind");
}

/// The last line: what it all came to.
fn stopped(end: &ServerEnd) {
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
