//! What the core observes, in the words of the trace.

use backchat_core::chat::ChatEvent;
use backchat_core::node::ServerEvent;
use backchat_core::trace;
use backchat_core::wire::TransferId;

use super::{Event, Name};
use crate::link::Blackout;

/// An observation of a machine. One that says no download where it has to is of the download 0, which never is.
pub fn core(record: trace::Record) -> Event {
    use trace::Event as Core;
    let of = record.transfer;
    let transfer = of.unwrap_or(TransferId(0));
    match record.event {
        Core::StateChanged { from, to } => {
            Event::StateChanged { transfer, from: Name::of(from.name()), to: Name::of(to.name()) }
        }
        Core::PacketSent { kind: it, transmission } => {
            Event::PacketSent { transfer, kind: Name::of(it.name()), transmission }
        }
        Core::PacketReceived { kind: it, transmission } => {
            Event::PacketReceived { transfer, kind: Name::of(it.name()), transmission }
        }
        Core::SegmentsSent { range, transmission, count, resent, in_flight, cwnd, limit } => {
            Event::SegmentsSent {
                transfer,
                start: range.start,
                end: range.end,
                transmission,
                count,
                resent,
                in_flight,
                cwnd,
                limit,
            }
        }
        Core::SegmentReceived { range } => {
            Event::SegmentReceived { transfer, start: range.start, end: range.end }
        }
        Core::SegmentDiscarded { range, rcv_nxt } => {
            Event::SegmentDiscarded { transfer, start: range.start, end: range.end, rcv_nxt }
        }
        Core::Acknowledged { una, limit, in_flight } => {
            Event::Acknowledged { transfer, una, limit, in_flight }
        }
        Core::RttUpdated { latest, srtt, rttvar, rto } => {
            Event::RttUpdated { transfer, latest, srtt, rttvar, rto }
        }
        Core::WentBack { from, to, cause } => {
            Event::WentBack { transfer, from, to, cause: Name::of(cause.name()) }
        }
        Core::WindowChanged { cwnd } => Event::WindowChanged { transfer, cwnd },
        Core::TimerSet { timer, due } => Event::TimerSet { transfer, timer: Name::of(timer.name()), due },
        Core::TimerStopped { timer } => Event::TimerStopped { transfer, timer: Name::of(timer.name()) },
        Core::TimerExpired { timer } => Event::TimerExpired { transfer, timer: Name::of(timer.name()) },
        Core::Paused { paused } => Event::Paused { transfer, paused },
        Core::PathChallenged => Event::PathChallenged { transfer },
        Core::PathValidated => Event::PathValidated { transfer },
        Core::Dropped { reason } => Event::PacketDropped { transfer: of, reason: Name::of(reason.name()) },
        Core::Marked { mark } => Event::Marked { transfer: of, mark: Name::of(mark.name()) },
        Core::Ended { outcome } => Event::TransferEnded { transfer, outcome: Name::of(outcome.name()) },
    }
}

impl From<Blackout> for Event {
    fn from(blackout: Blackout) -> Self {
        match blackout {
            Blackout::Began { until } => Self::BlackoutBegan { until },
            Blackout::Ended => Self::BlackoutEnded {},
        }
    }
}

/// What a server tells its operator.
pub fn server(event: ServerEvent) -> Event {
    match event {
        ServerEvent::Chat(event) => chat(event),
        ServerEvent::Offered { session, transfer, file, size, start } => {
            let file = file.as_str().into();
            Event::TransferOffered { transfer, session: session.0, file, size, start }
        }
        ServerEvent::Refused { session, file, code } => {
            Event::TransferRefused { session: session.0, file: file.as_str().into(), code: code.raw().into() }
        }
        ServerEvent::Ended { session, transfer, file, outcome, progress, stats, round_trip: _, took: _ } => {
            Event::TransferServed {
                transfer,
                session: session.0,
                file: file.as_str().into(),
                outcome: Name::of(outcome.name()),
                bytes: progress.end.saturating_sub(progress.start),
                segments_sent: stats.segments_sent,
                segments_resent: stats.segments_resent,
                bytes_on_wire: stats.bytes_on_wire,
                timeouts: stats.timeouts,
            }
        }
    }
}

fn chat(event: ChatEvent) -> Event {
    match event {
        ChatEvent::Opened { stream, session, peer: _ } => {
            Event::ChatOpened { stream: stream.0, session: session.0 }
        }
        ChatEvent::TurnedAway { stream, peer: _, reason } => {
            Event::ChatTurnedAway { stream: stream.0, reason: Name::of(reason.as_str()) }
        }
        ChatEvent::Closed { stream, reason } => {
            Event::ChatClosed { stream: stream.0, reason: Name::of(reason.as_str()) }
        }
        ChatEvent::Joined { session, nick, peer: _ } => {
            Event::ChatJoined { session: session.0, nick: nick.as_str().into() }
        }
        ChatEvent::Parked { session, reason } => {
            Event::ChatParked { session: session.0, reason: Name::of(reason.as_str()) }
        }
        ChatEvent::Resumed { session, stream, seen, peer: _ } => {
            Event::ChatResumed { session: session.0, stream: stream.0, seen }
        }
        ChatEvent::Left { session, nick, peer: _, reason } => Event::ChatLeft {
            session: session.0,
            nick: nick.as_str().into(),
            reason: Name::of(reason.as_str()),
        },
        ChatEvent::Renamed { session, from, to } => {
            Event::ChatRenamed { session: session.0, from: from.as_str().into(), to: to.as_str().into() }
        }
        ChatEvent::Said { session, number, to, id } => Event::ChatSaid {
            session: session.0,
            number,
            to: to.map(|to| to.0),
            id: id.map(|id| id.to_string().into()),
        },
        ChatEvent::Repeated { session, number } => Event::ChatRepeated { session: session.0, number },
        ChatEvent::Refused { session, code } => {
            Event::ChatRefused { session: session.0, code: code.raw().into() }
        }
        ChatEvent::Dropped { session, reason } => {
            Event::ChatDropped { session: session.0, reason: Name::of(reason.as_str()) }
        }
    }
}
