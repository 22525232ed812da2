//! The server's side of a download: Go-Back-N's sender.
//!
//! Sequence space (byte offsets of the file):
//! ```text
//!            una            nxt        max
//!   ----------|--------------|----------|------------------- size
//!   acked     | outstanding  | to be sent again, after going back
//! ```
//! Without a loss `nxt == max`. Going back sets `nxt = una`; an acknowledgment above `nxt` (what was sent before the
//! going back did arrive) moves `nxt` with it. Invariant: `una <= nxt <= max <= size`.
//!
//! What is sent is bounded by three things, in this order: the congestion window (`una + cwnd`), the receiver's
//! `limit`, and what of the file is in the driver's memory (`buffer`).
//!
//! - `config`: what it is set up with. `output`: what it wants done.
//! - `handshake`: from the offer to the proven address.
//! - `sending`: which segments go out. `buffer`: what of the file is in memory for that.
//! - `acks`: what acknowledgments do.
//! - `timeouts`: what timers do.
//! - `path`: the client's address changes on the way.
//! - `table`: what a packet means in which state.
//! - `check`: what holds between any two inputs.

mod acks;
mod buffer;
mod check;
mod config;
mod handshake;
mod output;
mod path;
mod sending;
mod table;
mod timeouts;

use core::ops::Range;
use core::time::Duration;
use std::collections::VecDeque;

#[cfg(test)]
pub(crate) use table::ACTIONS as SENDER_ACTIONS;
use table::Action as SenderAction;

pub(crate) use buffer::MIN_BUDGET;
use buffer::{Buffer, Step};

use super::congestion::Controller;
use super::recovery::GoBackN;
use super::rtt::RttEstimator;
use super::timer::{SenderTimer, SenderTimers, Timers};
use super::{Outcome, QUIET};
use crate::node::Path;
use crate::queue::take_first;
use crate::seed::Stream;
use crate::time::Instant;
use crate::trace::{DropReason, Event, Mark, Marks, TransferState};
use crate::wire::{Body, CongestionChoice, Hash, Nonce, Packet, ResetCode, SegmentBatch};
pub use config::{Offer, SenderConfig};
pub use output::{SenderOutput, SenderStats};
use path::Candidate;
use sending::Flight;

/// What is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// A ticket was given; no `SYN` yet.
    Offered,
    /// `SYN-ACK` was said; the client's address is not proven yet.
    Handshake,
    /// Data flows.
    Sending,
    /// All is acknowledged; `END` was said.
    Ending,
    /// It was ended before its end; late packets are answered with the reason.
    Aborted(ResetCode),
    /// It is over.
    Closed,
}

impl State {
    /// The state as traces have it.
    pub(crate) const fn traced(self) -> TransferState {
        match self {
            Self::Offered => TransferState::Offered,
            Self::Handshake => TransferState::Handshake,
            Self::Sending => TransferState::Sending,
            Self::Ending => TransferState::Ending,
            Self::Aborted(_) => TransferState::Aborted,
            Self::Closed => TransferState::Closed,
        }
    }
}

/// The machine. See the module.
#[derive(Debug)]
pub struct Sender {
    config: SenderConfig,
    offer: Offer,
    state: State,
    /// Fresh nonces.
    nonces: Stream,

    /// The proven path; before that, where the last `SYN` came from.
    path: Option<Path>,
    /// A path that has not proven itself yet.
    candidate: Option<Candidate>,
    /// What was agreed in the handshake; smaller once the path has shown that it does not carry that.
    segment: u16,
    /// Such a segment was acknowledged since the path is in use.
    is_segment_carried: bool,
    congestion: CongestionChoice,

    una: u64,
    nxt: u64,
    max: u64,
    /// The persist timer ran out while the receiver allows less than a segment: send that all the same.
    small_allowed: bool,
    /// The receiver's: the first byte it does not allow yet.
    limit: u64,
    /// The user paused, said by the client's datagram of this number.
    paused: bool,
    /// The highest transmission number of the client.
    peer_seen: u64,
    /// When something new was last acknowledged, or could not have been: nothing was outstanding, because the receiver
    /// withheld, or the file was not in memory.
    progress_at: Instant,
    /// Ours, of the next datagram.
    next_transmission: u64,

    /// The parts of the file that the driver has in memory.
    buffer: Buffer,
    hash: Option<Hash>,

    controller: Option<Box<dyn Controller>>,
    /// Going back in a row that nothing new was acknowledged between, and the window before the first.
    fruitless: u32,
    window_before: u64,
    /// When it last went back because the client said that segments were lost.
    believed_at: Option<Instant>,
    /// Acknowledgments without the right proof.
    unproven: u32,
    /// The congestion window was what held us back, since the last acknowledgment.
    window_limited: bool,
    recovery: GoBackN,
    /// The receiver's last word on discarded segments, at `una`.
    discarded: u32,
    flight: VecDeque<Flight>,
    rtt: RttEstimator,
    /// When the only `SYN-ACK` so far was said: with the `CONFIRM` a round trip.
    syn_ack_at: Option<Instant>,
    syn_acks: u32,
    timers: SenderTimers,
    output: VecDeque<SenderOutput>,
    marks: Marks,
    stats: SenderStats,
}

impl Sender {
    /// A file that is open, offered for as long as its ticket lasts. `nonces` is a stream of this transfer's own.
    pub fn new(now: Instant, config: SenderConfig, offer: Offer, nonces: Stream) -> Self {
        let start = offer.start.min(offer.size);
        let mut sender = Self {
            state: State::Offered,
            nonces,
            path: None,
            candidate: None,
            segment: config.segment,
            is_segment_carried: false,
            congestion: CongestionChoice::Classic,
            una: start,
            nxt: start,
            max: start,
            small_allowed: false,
            limit: start,
            paused: false,
            peer_seen: 0,
            progress_at: now,
            next_transmission: 1,
            buffer: Buffer::new(start, offer.size, config.memory),
            hash: offer.hash,
            controller: None,
            fruitless: 0,
            window_before: 0,
            believed_at: None,
            unproven: 0,
            window_limited: false,
            recovery: GoBackN::default(),
            discarded: 0,
            flight: VecDeque::new(),
            rtt: RttEstimator::new(Duration::ZERO),
            syn_ack_at: None,
            syn_acks: 0,
            timers: Timers::new(),
            output: VecDeque::new(),
            marks: Marks::default(),
            stats: SenderStats::default(),
            config,
            offer,
        };
        mutant!(TicketNeverExpires => return sender);
        sender.set(SenderTimer::Ticket, now + sender.config.ticket_lifetime);
        sender
    }

    /// A packet of this transfer arrived: `length` bytes, on `path`.
    pub fn handle_packet(&mut self, now: Instant, path: Path, packet: &Packet, length: usize) {
        if self.state == State::Closed {
            return;
        }
        self.trace(|| Event::PacketReceived { kind: packet.body.kind(), transmission: packet.transmission });
        self.pay(path, length);
        let newest = packet.transmission > self.peer_seen;
        match (table::action(self.state, packet.body.kind()), &packet.body) {
            (SenderAction::Locate, Body::Syn(syn)) if mutant!(TicketTakenTwice) => {
                self.handle_syn(now, path, syn);
            }
            (SenderAction::Bind, Body::Syn(syn)) => self.handle_syn(now, path, syn),
            (SenderAction::Repeat, Body::Syn(syn)) => self.handle_repeated_syn(now, path, syn),
            (SenderAction::Locate, Body::Syn(syn)) => self.handle_late_syn(now, path, newest, syn, length),
            (SenderAction::Confirm, Body::Confirm(nonce, ack)) => self.handle_confirm(now, path, *nonce, ack),
            (SenderAction::Acknowledge, Body::Ack(ack) | Body::Confirm(_, ack)) => {
                self.heard(now, path, newest, length);
                self.handle_ack(now, ack, newest);
            }
            (SenderAction::Finish, Body::EndAck) => self.close(now, Outcome::Complete),
            (SenderAction::Close, &Body::Reset(code)) => {
                self.mark(Mark::EndedByClient);
                self.close(now, Outcome::Reset(code));
            }
            (SenderAction::Validate, &Body::PathResponse(nonce)) => {
                self.heard(now, path, newest, length);
                self.handle_path_response(now, path, nonce);
            }
            (SenderAction::TellReset, _) => self.tell_reset(path),
            (SenderAction::Ignore, _) => {}
            _ => self.dropped(DropReason::Unexpected),
        }
        if newest && self.state != State::Offered {
            self.peer_seen = packet.transmission;
        }
        self.pump(now);
    }

    /// The oldest of the reads that were asked for, which ends at `end`, is done, and its bytes are in memory. `hash` comes
    /// with the file's end.
    pub fn handle_read(&mut self, now: Instant, end: u64, hash: Option<Hash>) {
        self.buffer.on_read(end);
        self.hash = self.hash.or(hash);
        if self.nxt == self.una {
            // Nothing could be acknowledged before.
            self.progress_at = now;
        }
        self.pump(now);
    }

    /// So many bytes of the file may be in memory from now on.
    pub fn set_budget(&mut self, now: Instant, bytes: u64) {
        self.buffer.set_budget(bytes, self.nxt);
        self.pump(now);
    }

    /// Ends it before its end, and tells the client if there is one.
    pub fn abort(&mut self, now: Instant, code: ResetCode) {
        match self.state {
            State::Offered => self.close(now, Outcome::Aborted(code)),
            State::Aborted(_) | State::Closed => {}
            State::Handshake | State::Sending | State::Ending => {
                self.mark(Mark::EndedByServer);
                if let Some(path) = self.path {
                    self.send(path, Body::Reset(code));
                }
                self.stop_all();
                self.enter(State::Aborted(code));
                self.set(SenderTimer::Quiet, now + QUIET);
                self.output.push_back(SenderOutput::Ended(Outcome::Aborted(code)));
            }
        }
        self.pump(now);
    }

    /// Carries out what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for timer in SenderTimer::ALL {
            if self.timers.expire(timer, now) {
                self.trace(|| Event::TimerExpired { timer: timer.traced() });
                self.on_timer(now, timer);
            }
        }
        self.pump(now);
    }

    /// This side did not run until now, and cannot tell for how long the client was silent: that is counted anew.
    pub fn on_woken(&mut self, now: Instant) {
        if self.timers.at(SenderTimer::Silence).is_some() {
            self.progress_at = now;
            self.set(SenderTimer::Silence, now + self.config.silence);
        }
        self.pump(now);
    }

    /// The next thing to do, but for segments: see [`Sender::poll_segments`].
    pub fn poll_output(&mut self) -> Option<SenderOutput> {
        take_first(&mut self.output)
    }

    /// When [`Sender::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.earliest()
    }

    /// Whether it is over and can be dropped, once its output is drained.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether the client has begun: a `SYN` has come.
    pub fn is_bound(&self) -> bool {
        self.state != State::Offered
    }

    /// Whether everything was acknowledged, and only the answer to `END` is missing.
    pub fn is_ending(&self) -> bool {
        self.state == State::Ending
    }

    /// What it has done so far.
    pub const fn stats(&self) -> SenderStats {
        self.stats
    }

    /// The first byte that was sent, and the next that is not acknowledged.
    pub const fn progress(&self) -> Range<u64> {
        self.offer.start..self.una
    }

    /// The round-trip time, once measured.
    pub fn srtt(&self) -> Option<Duration> {
        self.rtt.srtt()
    }

    fn send(&mut self, path: Path, body: Body) {
        let transmission = self.next_transmission;
        self.next_transmission += 1;
        let packet = Packet { transfer: self.offer.transfer, transmission, body };
        self.stats.bytes_on_wire += packet.encoded_len() as u64;
        self.trace(|| Event::PacketSent { kind: packet.body.kind(), transmission });
        self.output.push_back(SenderOutput::Packet(path, packet));
    }

    fn tell_reset(&mut self, path: Path) {
        if let State::Aborted(code) = self.state {
            self.mark(Mark::ToldAgain);
            self.send(path, Body::Reset(code));
        }
    }

    /// The only place where the state changes.
    fn enter(&mut self, state: State) {
        let (from, to) = (self.state.traced(), state.traced());
        self.trace(|| Event::StateChanged { from, to });
        self.state = state;
    }

    fn close(&mut self, _now: Instant, outcome: Outcome) {
        let told = matches!(self.state, State::Aborted(_));
        self.stop_all();
        self.enter(State::Closed);
        if !told {
            self.output.push_back(SenderOutput::Ended(outcome));
        }
    }

    fn stop_all(&mut self) {
        for timer in SenderTimer::ALL {
            self.stop(timer);
        }
        self.timers.stop_all();
        self.flight.clear();
        self.candidate = None;
    }

    fn set(&mut self, timer: SenderTimer, at: Instant) {
        if self.timers.set(timer, at) == super::timer::Changed::Yes {
            self.trace(|| Event::TimerSet { timer: timer.traced(), due: at });
        }
    }

    fn stop(&mut self, timer: SenderTimer) {
        if self.timers.stop(timer) == super::timer::Changed::Yes {
            self.trace(|| Event::TimerStopped { timer: timer.traced() });
        }
    }

    fn dropped(&mut self, reason: DropReason) {
        self.output.push_back(SenderOutput::Trace(Event::Dropped { reason }));
    }

    fn trace(&mut self, event: impl FnOnce() -> Event) {
        if self.config.trace {
            self.output.push_back(SenderOutput::Trace(event()));
        }
    }

    /// Notes a situation.
    fn mark(&mut self, mark: Mark) {
        if self.marks.note(mark) {
            self.trace(|| Event::Marked { mark });
        }
    }
}

/// A nonce of its own for each question.
fn fresh(nonces: &mut Stream) -> Nonce {
    Nonce(nonces.next_u64())
}

impl Sender {
    /// The next batch of segments, if there is something that may be sent now, and the path it goes on. Ask until
    /// `None`, which adds nothing to the output; each answer is at most [`SenderConfig::max_segments`] long.
    pub fn poll_segments(&mut self, now: Instant) -> Option<(Path, SegmentBatch)> {
        let path = self.path.filter(|_| self.state == State::Sending)?;
        let batch = self.next_batch(now)?;
        if cfg!(debug_assertions) {
            self.check_invariants();
        }
        Some((path, batch))
    }
}
