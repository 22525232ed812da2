//! A server's sockets.

use std::io;
use std::net::IpAddr;
use std::ops::Range;
use std::task::{Context, Poll};

use backchat_core::chat::{OperatorError, StreamId};
use backchat_core::node::{Answer, Order, ServerEvent};
use backchat_core::time::Instant;
use backchat_core::trace::Record;
use backchat_core::wire::TransferId;
use tokio::sync::mpsc;

use super::{Fill, Sockets};
use crate::driver::outside::ServerOutside;
use crate::driver::server::{Control, Observer};
use crate::files::{NotHeld, Share};
use crate::net::{Clock, Listener, Udp};

/// What a server has beside its sockets.
pub(in crate::driver) struct ServerRole<'a, L, F, O> {
    listener: L,
    share: F,
    control: mpsc::Receiver<Control>,
    observer: &'a mut O,
}

/// The outside of a server over sockets.
pub(in crate::driver) type ServerSockets<'a, L, U, F, C, O> =
    Sockets<U, <L as Listener>::Stream, C, ServerRole<'a, L, F, O>>;

impl<'a, L: Listener, U: Udp, F: Share, C: Clock, O: Observer> ServerSockets<'a, L, U, F, C, O> {
    pub(in crate::driver) fn of_server(
        (listener, udp, share, clock): (L, U, F, C),
        control: mpsc::Receiver<Control>,
        observer: &'a mut O,
    ) -> Self {
        Self::new(clock, Some(udp), ServerRole { listener, share, control, observer })
    }
}

impl<L, F: Share, O> Fill for ServerRole<'_, L, F, O> {
    fn fill(&self, transfer: TransferId, range: Range<u64>, into: &mut [u8]) -> Result<(), NotHeld> {
        self.share.copy(transfer, range, into)
    }
}

impl<L: Listener, U: Udp, F: Share, C: Clock, O: Observer> ServerOutside
    for ServerSockets<'_, L, U, F, C, O>
{
    type Share = F;

    fn share(&mut self) -> &mut F {
        &mut self.role.share
    }

    fn poll_control(&mut self, cx: &mut Context<'_>) -> Poll<Option<Control>> {
        self.role.control.poll_recv(cx)
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>, stream: StreamId) -> Poll<io::Result<IpAddr>> {
        self.role.listener.poll_accept(cx).map_ok(|(connection, peer)| {
            self.streams.insert(stream, connection);
            peer.ip()
        })
    }
}

impl<L: Listener, U, F, C, O: Observer> Observer for ServerSockets<'_, L, U, F, C, O> {
    fn event(&mut self, now: Instant, event: ServerEvent) {
        self.role.observer.event(now, event);
    }

    fn operated(&mut self, order: &Order, result: &Result<Answer, OperatorError>) {
        self.role.observer.operated(order, result);
    }

    fn trace(&mut self, record: Record) {
        self.role.observer.trace(record);
    }
}
