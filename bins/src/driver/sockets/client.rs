//! A client's sockets.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use backchat_core::chat::StreamId;
use backchat_core::node::{ClientEvent, DownloadError, DownloadId};
use backchat_core::time::Instant;
use backchat_core::trace::Record;
use backchat_core::wire::TransferId;

use super::{Fill, Sockets};
use crate::driver::application::{Application, Command, Flow, Receipt};
use crate::driver::outside::{ClientOutside, Payload};
use crate::files::{NotHeld, TargetEvent, Targets};
use crate::net::{Batch, Clock, Network, Udp};

/// Something that is under way.
type Pending<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// What a client has beside its sockets.
pub(in crate::driver) struct ClientRole<'a, N: Network, T, A> {
    network: N,
    targets: T,
    connecting: Option<Pending<(N::Stream, SocketAddr)>>,
    binding: Option<Pending<N::Udp>>,
    application: &'a mut A,
}

/// The outside of a client over sockets.
pub(in crate::driver) type ClientSockets<'a, N, T, C, A> =
    Sockets<<N as Network>::Udp, <N as Network>::Stream, C, ClientRole<'a, N, T, A>>;

impl<'a, N: Network, T: Targets<Content = Vec<u8>>, C: Clock, A: Application> ClientSockets<'a, N, T, C, A> {
    pub(in crate::driver) fn of_client((network, targets, clock): (N, T, C), application: &'a mut A) -> Self {
        let role = ClientRole { network, targets, connecting: None, binding: None, application };
        Self::new(clock, None, role)
    }
}

impl<N: Network, T, A> Fill for ClientRole<'_, N, T, A> {
    /// A client sends no bytes of files.
    fn fill(&self, _: TransferId, _: Range<u64>, _: &mut [u8]) -> Result<(), NotHeld> {
        Err(NotHeld)
    }
}

impl<N: Network, T: Targets<Content = Vec<u8>>, C: Clock, A: Application> ClientOutside
    for ClientSockets<'_, N, T, C, A>
{
    type Targets = T;

    fn targets(&mut self) -> &mut T {
        &mut self.role.targets
    }

    fn write_target(&mut self, download: DownloadId, offset: u64, from: Payload<'_, Batch>) {
        let Payload { arrivals, group, datagram, bytes } = from;
        let group = arrivals.group(group);
        let datagram = group.bytes.chunks(group.stride.max(1)).nth(datagram);
        match datagram.and_then(|datagram| datagram.get(bytes)) {
            Some(bytes) => self.role.targets.write(download, offset, bytes),
            None => tracing::error!(?download, offset, "bytes that are not there were to be written"),
        }
    }

    fn connect(&mut self) {
        self.role.connecting = Some(Box::pin(self.role.network.connect()));
    }

    fn poll_connect(&mut self, cx: &mut Context<'_>, stream: StreamId) -> Poll<io::Result<SocketAddr>> {
        let Some(connecting) = &mut self.role.connecting else { return Poll::Pending };
        let connected = ready!(connecting.as_mut().poll(cx));
        self.role.connecting = None;
        Poll::Ready(connected.map(|(connection, server)| {
            self.streams.insert(stream, connection);
            server
        }))
    }

    fn cancel_connect(&mut self) {
        self.role.connecting = None;
    }

    fn bind(&mut self, server: SocketAddr) {
        self.role.binding = Some(Box::pin(self.role.network.bind_udp(server)));
    }

    fn poll_bind(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(binding) = &mut self.role.binding else { return Poll::Pending };
        let bound = ready!(binding.as_mut().poll(cx));
        self.role.binding = None;
        Poll::Ready(bound.map(|udp| self.udp.insert(udp).receive_buffer()))
    }

    fn unbind(&mut self) {
        self.role.binding = None;
        self.udp = None;
        self.outgoing.clear();
    }
}

impl<N: Network, T, C, A: Application> Application for ClientSockets<'_, N, T, C, A> {
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Command> {
        self.role.application.poll_command(cx)
    }

    fn answered(&mut self, command: Command, answer: Result<Receipt, DownloadError>, now: Instant) -> Flow {
        self.role.application.answered(command, answer, now)
    }

    fn event(&mut self, event: ClientEvent, now: Instant) -> Flow {
        self.role.application.event(event, now)
    }

    fn target(&mut self, download: DownloadId, event: TargetEvent, now: Instant) -> Flow {
        self.role.application.target(download, event, now)
    }

    fn cannot_connect(&mut self, error: &io::Error, now: Instant) -> Flow {
        self.role.application.cannot_connect(error, now)
    }

    fn trace(&mut self, record: Record) {
        self.role.application.trace(record);
    }
}
