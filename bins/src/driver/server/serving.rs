//! What the server's loop does between two waits.

use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;

use backchat_core::chat::StreamId;
use backchat_core::node::{Close, Server, ServerOutput};
use backchat_core::time::{Instant, earliest};

use super::closing::{Closing, LAST_LINGER, Patience, Phase};
use super::{Control, Ending, Measures, Observer, ServerEnd, WALL_CLOCK_EVERY};
use crate::driver::datagrams::{Outgoing, Sent};
use crate::driver::streams::{Read, SLICES_MAX, Streams, Write};
use crate::files::{Share, ShareCompletion};
use crate::net::{Batch, Clock, Listener, Stream, Udp};

/// Receives a turn. Each can bring 512 KiB; others want their turn too.
const RECEIVES_PER_TURN: usize = 4;

/// Streams that are read in a turn.
pub const STREAMS_PER_TURN: usize = 64;

/// Answers of the files that are taken in a turn. With one, 256 downloads would wait for 256 turns, each of which may
/// read [`STREAMS_PER_TURN`] connections.
pub const COMPLETIONS_PER_TURN: usize = 32;

/// Connections that are taken in a turn. With one, who reconnects while others flood the server waits for as many turns
/// as the queue of the system is long.
pub const ACCEPTS_PER_TURN: usize = 16;

/// Bytes that are written to one stream before others have their turn. Lists and history can come to 64 MiB for a
/// session, and whoever reads as fast as they are made would hold the loop until the last of them.
pub const WRITTEN_PER_TURN: usize = 256 * 1024;

/// Bytes read from streams before what they caused is written. A message becomes frames in everybody's queue: many
/// of them in one turn are one write for each reader, but too many would fill the queue of one who reads well.
pub const READ_BEFORE_FLUSH: usize = 8 * 1024;

/// The core, and everything of the loop that is not waited for.
pub(super) struct Serving<'a, S, O> {
    server: Server,
    pub(super) streams: Streams<S>,
    closing: Closing,
    /// Streams for which something may wait. Written to at the end of a turn.
    unwritten: Vec<StreamId>,
    outgoing: Outgoing,
    observer: &'a mut O,
    last_stream: u64,
    next_wall_clock: Instant,
    life: Life,
}

/// Whether the loop goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// The core has stopped; connections may close until then.
    Lingering(Instant),
    Ended(Ending),
}

impl<'a, S: Stream, O: Observer> Serving<'a, S, O> {
    pub(super) fn new(now: Instant, server: Server, observer: &'a mut O) -> Self {
        Self {
            server,
            streams: Streams::new(),
            closing: Closing::default(),
            unwritten: Vec::new(),
            outgoing: Outgoing::new(),
            observer,
            last_stream: 0,
            next_wall_clock: now + WALL_CLOCK_EVERY,
            life: Life::Running,
        }
    }

    /// Set when there is nothing more to wait for.
    pub(super) fn ending(&self) -> Option<Ending> {
        match self.life {
            Life::Ended(how) => Some(how),
            Life::Lingering(_) if self.closing.is_quiet() => Some(Ending::Stopped),
            Life::Running | Life::Lingering(_) => None,
        }
    }

    pub(super) fn end(self, how: Ending) -> ServerEnd {
        let counters = self.server.counters().clone();
        ServerEnd { how, counters, datagrams_lost: self.outgoing.lost() }
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.outgoing.is_blocked()
    }

    /// Carries out everything that the core wants done and writes what streams take. Answers when the timer is
    /// due.
    pub(super) fn drain(
        &mut self,
        clock: &impl Clock,
        udp: &impl Udp,
        share: &mut impl Share,
    ) -> Option<Instant> {
        let mut deadline = self.carry_out(clock.now(), udp, share);
        // Writing makes room, and room makes the core read its history on.
        while !self.unwritten.is_empty() {
            self.flush(clock.now());
            deadline = self.carry_out(clock.now(), udp, share);
        }
        let last = match self.life {
            Life::Lingering(at) => Some(at),
            Life::Running | Life::Ended(_) => None,
        };
        earliest([deadline, self.closing.deadline(), Some(self.next_wall_clock), last])
    }

    /// Carries out what the core wants done; writes to streams are only noted.
    fn carry_out(&mut self, now: Instant, udp: &impl Udp, share: &mut impl Share) -> Option<Instant> {
        loop {
            match self.server.poll_output(now) {
                ServerOutput::Stream(stream) => self.unwritten.push(stream),
                ServerOutput::CloseStream { stream, how: Close::Now } => self.drop_stream(now, stream),
                ServerOutput::CloseStream { stream, how: Close::Flushed } => {
                    self.closing.set(stream, Phase::Flushing);
                    self.unwritten.push(stream);
                }
                ServerOutput::Transmit(transmit) => {
                    let transfer = match &transmit {
                        backchat_core::node::Transmit::Segments { batch, .. } => Some(batch.transfer()),
                        backchat_core::node::Transmit::Packet { .. } => None,
                    };
                    let sent = self.outgoing.send(udp, transmit, |range, place| match transfer {
                        Some(transfer) => share.copy(transfer, range, place),
                        None => Err(crate::files::NotHeld),
                    });
                    if sent == Sent::Blocked {
                        self.server.handle_blocked();
                    }
                }
                ServerOutput::Share(request) => share.submit(request),
                ServerOutput::Event(event) => self.observer.event(now, event),
                ServerOutput::Trace(record) => self.observer.trace(record),
                ServerOutput::Stopped => {
                    if self.life == Life::Running {
                        self.life = Life::Lingering(now + LAST_LINGER);
                    }
                }
                ServerOutput::Timeout(deadline) => return deadline,
            }
        }
    }

    pub(super) fn control(&mut self, now: Instant, control: Control, share: &mut impl Share) {
        match control {
            Control::Shutdown { grace } => self.server.handle_shutdown(now, grace),
            Control::Abort => self.life = Life::Ended(Ending::Aborted),
            Control::Reload(reload) => {
                share.reload();
                self.server.handle_reload(now, reload.limits, reload.motd, reload.transfer);
            }
            // Who does not wait for the answer any more did want it done.
            Control::Operate { order, answer } => {
                let result = self.server.handle_order(now, order.clone());
                self.observer.operated(&order, &result);
                let _ = answer.send(result);
            }
            // Who does not wait any more has seen enough.
            Control::Probe(answer) => {
                let _ = answer.send(());
            }
            Control::Measure(answer) => {
                let (stats, datagrams_lost) = (self.server.stats(now), self.outgoing.lost());
                let _ = answer.send(Measures { stats, datagrams_lost });
            }
        }
    }

    pub(super) fn timeout(&mut self, clock: &impl Clock) {
        let now = clock.now();
        while let Some(stream) = self.closing.expired(now) {
            self.drop_stream(now, stream);
        }
        if self.next_wall_clock <= now {
            self.next_wall_clock = now + WALL_CLOCK_EVERY;
            self.server.handle_wall_clock(now, clock.wall());
        }
        if let Life::Lingering(at) = self.life
            && at <= now
        {
            self.life = Life::Ended(Ending::Stopped);
        }
        self.server.handle_timeout(now);
    }

    /// Takes `first` and other answers of the files that are there, a bounded number of them.
    pub(super) async fn complete(
        &mut self,
        first: ShareCompletion,
        clock: &impl Clock,
        udp: &impl Udp,
        share: &mut impl Share,
    ) {
        let mut completion = first;
        for taken in 1..=COMPLETIONS_PER_TURN {
            let now = clock.now();
            completion.tell(&mut self.server, now);
            self.carry_out(now, udp, share);
            if taken == COMPLETIONS_PER_TURN {
                return;
            }
            match at_once(share.next()).await {
                Some(next) => completion = next,
                None => return,
            }
        }
    }

    /// Takes in what has arrived, a bounded amount of it.
    pub(super) fn receive(
        &mut self,
        batch: &mut Batch,
        clock: &impl Clock,
        udp: &impl Udp,
        share: &mut impl Share,
    ) -> io::Result<()> {
        for _ in 0..RECEIVES_PER_TURN {
            match udp.try_recv(batch) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            let now = clock.now();
            for group in batch.groups() {
                self.server.handle_datagrams(now, group.path, group.bytes, group.stride);
                self.carry_out(now, udp, share);
            }
        }
        Ok(())
    }

    /// The socket may take more.
    pub(super) fn writable(&mut self, now: Instant, udp: &impl Udp) {
        if self.outgoing.resume(udp) != Sent::Blocked {
            self.server.handle_writable(now);
        }
    }

    /// Takes `first` and other connections that are there, a bounded number of them.
    pub(super) async fn accept(
        &mut self,
        first: (S, SocketAddr),
        clock: &impl Clock,
        listener: &mut impl Listener<Stream = S>,
    ) -> io::Result<()> {
        let (mut stream, mut peer) = first;
        for taken in 1..=ACCEPTS_PER_TURN {
            self.accepted(clock.now(), stream, peer);
            if taken == ACCEPTS_PER_TURN {
                break;
            }
            match at_once(listener.accept()).await {
                Some(next) => (stream, peer) = next?,
                None => break,
            }
        }
        Ok(())
    }

    fn accepted(&mut self, now: Instant, stream: S, peer: SocketAddr) {
        self.last_stream += 1;
        let name = StreamId(self.last_stream);
        self.streams.insert(name, stream);
        self.server.handle_stream_opened(now, name, peer.ip());
    }

    /// Reads from `first` and others that were woken, a bounded number of them.
    pub(super) fn read(
        &mut self,
        first: StreamId,
        clock: &impl Clock,
        udp: &impl Udp,
        share: &mut impl Share,
    ) {
        let mut unflushed = 0;
        let mut stream = first;
        for read in 1..=STREAMS_PER_TURN {
            let now = clock.now();
            unflushed += self.read_one(now, stream);
            self.carry_out(now, udp, share);
            if unflushed >= READ_BEFORE_FLUSH {
                self.flush(now);
                unflushed = 0;
            }
            // No stream is taken that is not read: put back, it would stand behind all that were read before it, and
            // with as many busy ones as a turn has it would never be read at all.
            if read == STREAMS_PER_TURN {
                break;
            }
            match self.streams.take() {
                Some(next) => stream = next,
                None => break,
            }
        }
    }

    /// Reads once; answers how many bytes the core was given.
    fn read_one(&mut self, now: Instant, stream: StreamId) -> usize {
        // It may have been woken because there is room.
        self.unwritten.push(stream);
        let phase = self.closing.phase(stream);
        if phase == Some(Phase::Finished) {
            return 0;
        }
        match self.streams.read(stream) {
            Read::Bytes(bytes) if phase.is_none() => {
                self.server.handle_stream_bytes(now, stream, bytes);
                bytes.len()
            }
            Read::Bytes(bytes) => {
                if self.closing.discard(stream, bytes.len()) == Patience::Over {
                    self.drop_stream(now, stream);
                }
                0
            }
            Read::Blocked => 0,
            Read::Finished => {
                match phase {
                    None | Some(Phase::Finished) => {
                        self.closing.set(stream, Phase::Finished);
                        self.server.handle_stream_finished(now, stream);
                    }
                    // Both sides have said everything.
                    Some(Phase::Lingering) => self.drop_stream(now, stream),
                    // It goes as soon as what waits for it was taken.
                    Some(Phase::Flushing) => {}
                }
                0
            }
            Read::Failed(_) => {
                self.drop_stream(now, stream);
                0
            }
        }
    }

    /// Writes to every stream that something may wait for.
    fn flush(&mut self, now: Instant) {
        let mut unwritten = std::mem::take(&mut self.unwritten);
        for stream in unwritten.drain(..) {
            self.write(now, stream);
        }
        // Its memory is used again, unless writing has noted more.
        if self.unwritten.is_empty() {
            self.unwritten = unwritten;
        }
    }

    /// Writes what waits for a stream until it takes no more, or has had its share of the turn.
    fn write(&mut self, now: Instant, stream: StreamId) {
        let mut written = 0;
        loop {
            if written >= WRITTEN_PER_TURN {
                self.streams.queue(stream);
                return;
            }
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.server.stream_pending(stream, &mut slices);
            if count == 0 {
                break;
            }
            match self.streams.write(stream, &slices[..count]) {
                Write::Taken(taken) => {
                    written += taken;
                    self.server.handle_stream_taken(now, stream, taken);
                }
                Write::Blocked => return,
                Write::Failed(_) => {
                    self.drop_stream(now, stream);
                    return;
                }
            }
        }
        if self.closing.phase(stream) == Some(Phase::Flushing) {
            self.streams.shut_down(stream);
            self.server.handle_stream_closed(now, stream);
            if let Some(oldest) = self.closing.linger(now, stream) {
                self.drop_stream(now, oldest);
            }
            // What is there to be read keeps it from being closed in peace.
            self.streams.queue(stream);
        }
    }

    /// Gives a stream up, and tells the core unless it knows.
    fn drop_stream(&mut self, now: Instant, stream: StreamId) {
        let phase = self.closing.phase(stream);
        self.closing.forget(stream);
        if self.streams.remove(stream).is_some() && phase != Some(Phase::Lingering) {
            self.server.handle_stream_closed(now, stream);
        }
    }
}

/// What a cancel-safe future has ready, without waiting for it.
async fn at_once<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        Poll::Ready(match future.as_mut().poll(cx) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        })
    })
    .await
}

#[cfg(test)]
mod tests;
