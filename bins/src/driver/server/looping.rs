//! The server's turns.

use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::task::{Context, Poll};

use backchat_core::chat::StreamId;
use backchat_core::node::{Close, Counters, Server, ServerOutput};
use backchat_core::time::{Instant, earliest};

use super::closing::{Closing, LAST_LINGER, Patience, Phase};
use super::{Control, Ending, Measures, ServeError, WALL_CLOCK_EVERY};
use crate::driver::outside::{Arrivals, Read, Sent, ServerOutside, Write};
use crate::driver::round::{Round, Source, Turn};
use crate::files::{Share, ShareCompletion};

/// Receives in a turn. Over sockets each can bring 512 KiB, and others want their turn too.
const RECEIVES_PER_TURN: usize = 4;

/// Connections that are read in a turn.
const STREAMS_PER_TURN: usize = 64;

/// Answers of the files that are taken in a turn. With one, 256 downloads would wait for 256 turns, each of which may
/// read [`STREAMS_PER_TURN`] connections.
const COMPLETIONS_PER_TURN: usize = 32;

/// Connections that are accepted in a turn. With one, who reconnects while others flood the server waits for as many
/// turns as the queue of the system is long.
const ACCEPTS_PER_TURN: usize = 16;

/// Bytes that are written to one connection before others have their turn. Lists and history can come to 64 MiB for a
/// session, and whoever reads as fast as they are made would hold the loop until the last of them.
const WRITTEN_PER_TURN: usize = 256 * 1024;

/// Bytes read from connections before their consequences are written. A message becomes frames in everybody's queue:
/// many of them in one turn are one write for each reader, but too many would fill the queue of one who reads well.
const READ_BEFORE_FLUSH: usize = 8 * 1024;

/// Slices of pending bytes that one write takes. Linux takes 1,024.
pub(crate) const SLICES_MAX: usize = 64;

/// A server's loop: the core, and all state of the loop that is not of the outside.
#[derive(Debug)]
pub struct ServerLoop {
    server: Server,
    round: Round,
    closing: Closing,
    /// Connections for which something may wait. They are written to at the end of a turn.
    unwritten: Vec<StreamId>,
    /// Bytes of the connection that is being read.
    buffer: Vec<u8>,
    last_stream: u64,
    next_wall_clock: Instant,
    /// More controls may come.
    is_controlled: bool,
    life: Life,
}

/// Progress of a server towards its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    /// The core has stopped; connections may close until then.
    Lingering(Instant),
    Ended(Ending),
}

impl ServerLoop {
    /// A loop around `server`, which nobody has connected to.
    pub fn new(now: Instant, server: Server) -> Self {
        Self {
            server,
            round: Round::default(),
            closing: Closing::default(),
            unwritten: Vec::new(),
            buffer: Vec::new(),
            last_stream: 0,
            next_wall_clock: now + WALL_CLOCK_EVERY,
            is_controlled: true,
            life: Life::Running,
        }
    }

    /// What the core has counted.
    pub fn counters(&self) -> &Counters {
        self.server.counters()
    }

    /// Serves every source that has something, each at most once. Pends when nothing is left to do.
    ///
    /// # Errors
    /// The outside has failed for good.
    pub fn poll_turn(
        &mut self,
        out: &mut impl ServerOutside,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Turn<Ending>, ServeError>> {
        loop {
            let deadline = self.drain(out);
            if let Some(how) = self.ending() {
                return Poll::Ready(Ok(Turn::Ended(how)));
            }
            match self.poll_serve(out, cx, deadline)? {
                Poll::Ready(source) => self.round.served(source),
                Poll::Pending if self.round.has_begun() => {
                    self.round = Round::default();
                    return Poll::Ready(Ok(Turn::Again));
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn ending(&self) -> Option<Ending> {
        match self.life {
            Life::Ended(how) => Some(how),
            Life::Lingering(_) if self.closing.is_quiet() => Some(Ending::Stopped),
            Life::Running | Life::Lingering(_) => None,
        }
    }

    /// Serves the first source that has something and was not served in this round.
    fn poll_serve(
        &mut self,
        out: &mut impl ServerOutside,
        cx: &mut Context<'_>,
        deadline: Option<Instant>,
    ) -> Poll<Result<Source, ServeError>> {
        let round = self.round;
        let served = |source| Poll::Ready(Ok(source));
        if self.is_controlled
            && round.may(Source::Control)
            && let Poll::Ready(control) = out.poll_control(cx)
        {
            match control {
                Some(control) => self.control(out, control),
                None => self.is_controlled = false,
            }
            return served(Source::Control);
        }
        if round.may(Source::Timer) && out.poll_sleep(cx, deadline).is_ready() {
            self.timeout(out);
            return served(Source::Timer);
        }
        if round.may(Source::Files)
            && let Poll::Ready(completion) = out.share().poll_next(cx)
        {
            self.complete(out, cx, completion);
            return served(Source::Files);
        }
        if round.may(Source::Received)
            && let Poll::Ready(arrived) = out.poll_receive(cx)
        {
            arrived.and_then(|arrivals| self.receive(out, cx, arrivals)).map_err(ServeError::Udp)?;
            return served(Source::Received);
        }
        if out.is_blocked()
            && round.may(Source::Writable)
            && let Poll::Ready(unblocked) = out.poll_unblocked(cx)
        {
            unblocked.map_err(ServeError::Udp)?;
            self.server.handle_writable(out.now());
            return served(Source::Writable);
        }
        if round.may(Source::Streams)
            && let Poll::Ready(stream) = out.poll_ready(cx)
        {
            self.read(out, cx, stream);
            return served(Source::Streams);
        }
        if round.may(Source::Accept)
            && let Poll::Ready(accepted) = out.poll_accept(cx, self.next_stream())
        {
            let accepted = accepted.and_then(|peer| self.accept(out, cx, peer));
            accepted.map_err(ServeError::Listener)?;
            return served(Source::Accept);
        }
        Poll::Pending
    }

    /// Carries out everything that the core wants done, and writes as much as connections take. Returns the time at
    /// which the timer is due.
    fn drain(&mut self, out: &mut impl ServerOutside) -> Option<Instant> {
        let mut deadline = self.carry_out(out, out.now());
        // Writing makes room, and room makes the core read its history on.
        while !self.unwritten.is_empty() {
            self.flush(out, out.now());
            deadline = self.carry_out(out, out.now());
        }
        let last = match self.life {
            Life::Lingering(at) => Some(at),
            Life::Running | Life::Ended(_) => None,
        };
        earliest([deadline, self.closing.deadline(), Some(self.next_wall_clock), last])
    }

    /// Carries out what the core wants done; writes to connections are only noted.
    fn carry_out(&mut self, out: &mut impl ServerOutside, now: Instant) -> Option<Instant> {
        loop {
            match self.server.poll_output(now) {
                ServerOutput::Stream(stream) => self.unwritten.push(stream),
                ServerOutput::CloseStream { stream, how: Close::Now } => self.drop_stream(out, now, stream),
                ServerOutput::CloseStream { stream, how: Close::Flushed } => {
                    self.closing.set(stream, Phase::Flushing);
                    self.unwritten.push(stream);
                }
                ServerOutput::Transmit(transmit) => {
                    if out.send(transmit) == Sent::Blocked {
                        self.server.handle_blocked();
                    }
                }
                ServerOutput::Share(request) => out.share().submit(request),
                ServerOutput::Event(event) => out.event(now, event),
                ServerOutput::Trace(record) => out.trace(record),
                ServerOutput::Stopped => {
                    if self.life == Life::Running {
                        self.life = Life::Lingering(now + LAST_LINGER);
                    }
                }
                ServerOutput::Timeout(deadline) => return deadline,
            }
        }
    }

    fn control(&mut self, out: &mut impl ServerOutside, control: Control) {
        let now = out.now();
        match control {
            Control::Shutdown { grace } => self.server.handle_shutdown(now, grace),
            Control::Abort => self.life = Life::Ended(Ending::Aborted),
            Control::Reload(reload) => {
                out.share().reload();
                self.server.handle_reload(now, reload.limits, reload.motd, reload.transfer);
            }
            // Who does not wait for the answer any more did want it done.
            Control::Operate { order, answer } => {
                let result = self.server.handle_order(now, order.clone());
                out.operated(&order, &result);
                let _ = answer.send(result);
            }
            // Who does not wait any more has seen enough.
            Control::Probe(answer) => {
                let _ = answer.send(());
            }
            Control::Measure(answer) => {
                let (stats, datagrams_lost) = (self.server.stats(now), out.datagrams_lost());
                let _ = answer.send(Measures { stats, datagrams_lost });
            }
        }
    }

    fn timeout(&mut self, out: &mut impl ServerOutside) {
        let now = out.now();
        while let Some(stream) = self.closing.expired(now) {
            self.drop_stream(out, now, stream);
        }
        if self.next_wall_clock <= now {
            self.next_wall_clock = now + WALL_CLOCK_EVERY;
            self.server.handle_wall_clock(now, out.wall());
        }
        if let Life::Lingering(at) = self.life
            && at <= now
        {
            self.life = Life::Ended(Ending::Stopped);
        }
        self.server.handle_timeout(now);
    }

    /// Takes `first` and other answers of the files that are there, a bounded number of them.
    fn complete(&mut self, out: &mut impl ServerOutside, cx: &mut Context<'_>, first: ShareCompletion) {
        let mut completion = first;
        for taken in 1..=COMPLETIONS_PER_TURN {
            let now = out.now();
            completion.tell(&mut self.server, now);
            self.carry_out(out, now);
            if taken == COMPLETIONS_PER_TURN {
                return;
            }
            match out.share().poll_next(cx) {
                Poll::Ready(next) => completion = next,
                Poll::Pending => return,
            }
        }
    }

    /// Takes in `first` and other datagrams that have arrived, a bounded number of them.
    fn receive<O: ServerOutside>(
        &mut self,
        out: &mut O,
        cx: &mut Context<'_>,
        first: O::Arrivals,
    ) -> io::Result<()> {
        let mut arrivals = first;
        for received in 1..=RECEIVES_PER_TURN {
            let now = out.now();
            for group in 0..arrivals.groups() {
                self.server.handle_datagrams(now, arrivals.path(group), arrivals.datagrams(group));
                self.carry_out(out, now);
            }
            out.recycle(arrivals);
            if received == RECEIVES_PER_TURN {
                break;
            }
            match out.poll_receive(cx) {
                Poll::Ready(next) => arrivals = next?,
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    /// The name of the next connection.
    fn next_stream(&self) -> StreamId {
        StreamId(self.last_stream + 1)
    }

    /// Takes in the connection of `first` and others that are there, a bounded number of them.
    fn accept(
        &mut self,
        out: &mut impl ServerOutside,
        cx: &mut Context<'_>,
        first: IpAddr,
    ) -> io::Result<()> {
        let mut peer = first;
        for taken in 1..=ACCEPTS_PER_TURN {
            let stream = self.next_stream();
            self.last_stream = stream.0;
            self.server.handle_stream_opened(out.now(), stream, peer);
            if taken == ACCEPTS_PER_TURN {
                break;
            }
            match out.poll_accept(cx, self.next_stream()) {
                Poll::Ready(next) => peer = next?,
                Poll::Pending => break,
            }
        }
        Ok(())
    }

    /// Reads from `first` and other connections that are ready, a bounded number of them.
    fn read(&mut self, out: &mut impl ServerOutside, cx: &mut Context<'_>, first: StreamId) {
        let mut unflushed = 0;
        let mut stream = first;
        for read in 1..=STREAMS_PER_TURN {
            let now = out.now();
            unflushed += self.read_one(out, now, stream);
            self.carry_out(out, now);
            if unflushed >= READ_BEFORE_FLUSH {
                self.flush(out, now);
                unflushed = 0;
            }
            // No connection is taken that is not read: put back, it would stand behind all that were read before it,
            // and with as many busy ones as a turn has it would never be read at all.
            if read == STREAMS_PER_TURN {
                break;
            }
            match out.poll_ready(cx) {
                Poll::Ready(next) => stream = next,
                Poll::Pending => break,
            }
        }
    }

    /// Reads once; returns the number of bytes that the core was given.
    fn read_one(&mut self, out: &mut impl ServerOutside, now: Instant, stream: StreamId) -> usize {
        // It may have been named because there is room.
        self.unwritten.push(stream);
        let phase = self.closing.phase(stream);
        if phase == Some(Phase::Finished) {
            return 0;
        }
        match (out.read(stream, &mut self.buffer), phase) {
            (Read::Bytes, None) => {
                self.server.handle_stream_bytes(now, stream, &self.buffer);
                return self.buffer.len();
            }
            (Read::Bytes, Some(_)) => {
                if self.closing.discard(stream, self.buffer.len()) == Patience::Over {
                    self.drop_stream(out, now, stream);
                }
            }
            (Read::Blocked, _) => {}
            (Read::Finished, None | Some(Phase::Finished)) => {
                self.closing.set(stream, Phase::Finished);
                self.server.handle_stream_finished(now, stream);
            }
            // Both sides have said everything.
            (Read::Finished, Some(Phase::Lingering)) | (Read::Failed, _) => {
                self.drop_stream(out, now, stream);
            }
            // It goes as soon as everything that waits for it was taken.
            (Read::Finished, Some(Phase::Flushing)) => {}
        }
        0
    }

    /// Writes to every connection that something may wait for.
    fn flush(&mut self, out: &mut impl ServerOutside, now: Instant) {
        let mut unwritten = std::mem::take(&mut self.unwritten);
        for stream in unwritten.drain(..) {
            self.write(out, now, stream);
        }
        // Its memory is used again, unless writing has noted more.
        if self.unwritten.is_empty() {
            self.unwritten = unwritten;
        }
    }

    /// Writes what waits for a connection until it takes no more, or has had its share of the turn.
    fn write(&mut self, out: &mut impl ServerOutside, now: Instant, stream: StreamId) {
        let mut written = 0;
        loop {
            if written >= WRITTEN_PER_TURN {
                return out.queue(stream);
            }
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.server.stream_pending(stream, &mut slices);
            if count == 0 {
                break;
            }
            match out.write(stream, slices.get(..count).unwrap_or_default()) {
                Write::Taken(taken) => {
                    written += taken;
                    self.server.handle_stream_taken(now, stream, taken);
                }
                Write::Blocked => return,
                Write::Failed => return self.drop_stream(out, now, stream),
            }
        }
        if self.closing.phase(stream) == Some(Phase::Flushing) {
            out.shut_down(stream);
            self.server.handle_stream_closed(now, stream);
            if let Some(oldest) = self.closing.linger(now, stream) {
                self.drop_stream(out, now, oldest);
            }
            // What is there to be read keeps it from being closed in peace.
            out.queue(stream);
        }
    }

    /// Gives a connection up, and tells the core unless it knows.
    fn drop_stream(&mut self, out: &mut impl ServerOutside, now: Instant, stream: StreamId) {
        let phase = self.closing.phase(stream);
        self.closing.forget(stream);
        if out.close(stream) && phase != Some(Phase::Lingering) {
            self.server.handle_stream_closed(now, stream);
        }
    }
}

#[cfg(test)]
mod tests;
