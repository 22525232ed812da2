//! The chat's answers to a request: a ticket, or why there is none.

use core::time::Duration;

use super::{Client, DEFAULT_SEGMENT, Download, LOOPBACK_SEGMENT, Running, Stage};
use crate::chat::client::ClientChatEvent;
use crate::chat::{ErrorCode, ErrorFrame, RequestId, ServerFrame, TicketFrame};
use crate::node::client::{DownloadEvent, DownloadId, FailReason};
use crate::time::Instant;
use crate::trace::Mark;
use crate::transfer::{Receiver, ReceiverConfig};
use crate::wire::{MAX_SEGMENT, MIN_SEGMENT, Ticket, TransferId};

/// Returns the number of bytes that have to come within `silence` at a rate of `min_rate` bytes a second.
fn least(min_rate: Option<u64>, silence: Duration) -> u64 {
    let bytes = u128::from(min_rate.unwrap_or_default()) * silence.as_millis() / 1000;
    u64::try_from(bytes).unwrap_or(u64::MAX).max(1)
}

impl Client {
    /// The chat brought a ticket.
    pub(in crate::node::client) fn on_ticket(
        &mut self,
        now: Instant,
        id: &RequestId,
        round_trip: Duration,
        ticket: &TicketFrame,
    ) {
        let transfer = TransferId(ticket.transfer.into());
        let is_known = self.by_transfer.contains_key(&transfer);
        let asked =
            |(_, it): &(&DownloadId, &mut Download)| matches!(&it.stage, Stage::Asking(asked) if asked == id);
        let Some((&download, it)) = self.downloads.iter_mut().find(asked) else {
            return self.give_back(now, transfer);
        };
        let Some(reached) = self.server else { return };
        if is_known {
            let message = "the server gave one ticket to two downloads".to_owned();
            return self.fail(download, FailReason::Refused, message);
        }
        if ticket.file != it.request.file {
            let message = format!("the server gave a ticket for {}", ticket.file);
            self.give_back(now, transfer);
            return self.fail(download, FailReason::Refused, message);
        }
        let server = match self.config.hosts.choose(reached, ticket.udp) {
            Ok(server) => server,
            Err(foreign) => {
                self.give_back(now, transfer);
                return self.fail(download, FailReason::Refused, foreign.to_string());
            }
        };
        let segment = it.request.segment.unwrap_or(match server.ip().is_loopback() {
            true => LOOPBACK_SEGMENT,
            false => DEFAULT_SEGMENT,
        });
        let receiver = Receiver::new(
            now,
            ReceiverConfig {
                round_trip,
                recovery: it.request.recovery,
                congestion: it.request.congestion,
                segment: segment.clamp(MIN_SEGMENT, MAX_SEGMENT),
                have: it.have,
                size: Some(ticket.size),
                window: self.config.receive_window,
                limit_rate: it.request.limit_rate,
                silence: self.config.silence,
                least: least(it.request.min_rate, self.config.silence),
                trace: self.config.trace,
                ..ReceiverConfig::new(transfer, Ticket(ticket.ticket.0))
            },
        );
        let paused = it.paused;
        let modified = ticket.modified;
        it.stage = Stage::Running(Box::new(Running { receiver, transfer, server, modified, deadline: None }));
        self.by_transfer.insert(transfer, download);
        self.announce(download, DownloadEvent::Admitted);
        self.with_receiver(now, download, |receiver| {
            if paused {
                receiver.pause(now);
            }
        });
    }

    /// Nobody wants a ticket any more: the server need not keep a place for it.
    pub(super) fn give_back(&mut self, now: Instant, transfer: TransferId) {
        mutant!(TicketNotGivenBack => return);
        self.mark(now, Some(transfer), Mark::TicketGivenBack);
        // Where nothing can be said, the ticket expires.
        let _ = self.chat.stop(now, transfer.0);
    }

    /// A download has timed out. The server may hear nothing over UDP, and would go on counting it as running while its
    /// user asks for it again: the chat tells it, ahead of that request.
    pub(super) fn free_place(&mut self, now: Instant, download: DownloadId) {
        let Some(transfer) = self.running(download).map(|running| running.transfer) else { return };
        if self.chat.is_up() {
            let _ = self.chat.stop(now, transfer.0);
        }
    }

    /// Takes an event of the chat that is the answer to a download's request; says whether it was one.
    pub(in crate::node::client) fn is_about_a_download(
        &mut self,
        _now: Instant,
        event: &ClientChatEvent,
    ) -> bool {
        let (id, reason, message) = match event {
            ClientChatEvent::Frame(ServerFrame::Error(ErrorFrame {
                id: Some(id), code, message, ..
            })) => {
                let reason = match code {
                    ErrorCode::NoSuchFile | ErrorCode::BadName => FailReason::NotFound,
                    ErrorCode::ShuttingDown => FailReason::Lost,
                    _ => FailReason::Refused,
                };
                (id, reason, message.clone())
            }
            ClientChatEvent::Unanswered { id } => {
                (id, FailReason::Lost, "the connection was lost before the server answered".into())
            }
            _ => return false,
        };
        let asked =
            |(_, it): &(&DownloadId, &Download)| matches!(&it.stage, Stage::Asking(asked) if asked == id);
        let Some((&download, _)) = self.downloads.iter().find(asked) else { return false };
        self.fail(download, reason, message);
        true
    }
}
