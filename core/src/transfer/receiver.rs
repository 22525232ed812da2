//! The client's side of a download: Go-Back-N's receiver.
//!
//! It keeps what comes in order, throws away the rest, and says what it waits for. In order means: everything below
//! `rcv_nxt` has arrived; everything below `written` is with the operating system; the sender may send below `limit`,
//! which is `written` plus the window and never goes down.
//!
//! - `config`: what it is set up with. `output`: what it wants done.
//! - `handshake`: `SYN`, `SYN-ACK`, `CONFIRM`.
//! - `data`: segments, and when they are acknowledged. `chain`: the proof that they arrived.
//! - `finish`: `END`, the digest, the name.
//! - `state`: the states. `table`: what a packet means in which.
//! - `view`: what it can show of itself.
//! - `check`: what holds between any two inputs.

mod chain;
mod check;
mod config;
mod data;
mod finish;
mod handshake;
mod output;
mod state;
mod table;
mod view;

use core::ops::Range;
use core::time::Duration;
use std::collections::VecDeque;

#[cfg(test)]
pub(crate) use table::ACTIONS as RECEIVER_ACTIONS;
use table::Action as ReceiverAction;

use super::flow::Window;
use super::pace::Pace;
use super::rtt::RttEstimator;
use super::timer::{Changed, ReceiverTimer, ReceiverTimers, Timers};
use super::{MAX_BACKOFF, QUIET};
use crate::queue::take_first;
use crate::time::Instant;
use crate::trace::{DropReason, Event, Mark, Marks, TransferEnd};
use crate::wire::{Body, FileVersion, Hash, Nonce, Packet, ResetCode};
use chain::Chain;
pub use config::ReceiverConfig;
pub use output::{ReceiverFailure, ReceiverOutput, ReceiverStats};
use state::Finish;
pub(crate) use state::State;
pub use view::ReceiverView;
use view::Watch;

/// The machine. See the module.
#[derive(Debug)]
pub struct Receiver {
    config: ReceiverConfig,
    state: State,
    size: u64,
    version: Option<FileVersion>,
    start: u64,
    segment: u16,
    nonce: Option<Nonce>,

    rcv_nxt: u64,
    chain: Chain,
    written: u64,
    /// The highest limit that was ever told.
    limit: u64,
    window: Window,
    pace: Option<Pace>,
    paused: bool,

    /// The highest transmission number seen, and when its datagram arrived.
    seen: u64,
    seen_at: Instant,
    /// When something that was asked for last came: the answer to a `SYN`, the first sign after the `CONFIRM`, bytes in
    /// order. Later, while nothing more could come, because the user paused or the window was closed.
    progress_at: Instant,
    /// `rcv_nxt` at that time: what has come since may be less than has to.
    counted_from: u64,
    next_transmission: u64,
    /// Segments thrown away since `rcv_nxt` last moved.
    discarded: u32,
    /// Segments kept since the last acknowledgment.
    unacked: u32,
    /// An acknowledgment must go out with the end of this batch.
    ack_now: bool,

    rtt: RttEstimator,
    /// When the only `SYN`, and the only `CONFIRM`, so far was said.
    syn_at: Option<Instant>,
    confirm_at: Option<Instant>,
    /// How often the handshake's timer ran out.
    repeats: u32,
    /// The hash that `END` named, and the one that the `SYN-ACK` did if it was known then.
    hash: Option<Hash>,
    named: Option<Hash>,
    finish: Finish,
    timers: ReceiverTimers,
    output: VecDeque<ReceiverOutput>,
    marks: Marks,
    stats: ReceiverStats,
    watch: Watch,
}

impl Receiver {
    /// A ticket is here: say `SYN`.
    pub fn new(now: Instant, config: ReceiverConfig) -> Self {
        let mut receiver = Self {
            state: State::SynSent,
            size: 0,
            version: None,
            start: 0,
            segment: config.segment,
            nonce: None,
            rcv_nxt: 0,
            chain: Chain::default(),
            written: 0,
            limit: 0,
            window: Window::new(config.window.max(u64::from(config.segment))),
            pace: None,
            paused: false,
            seen: 0,
            seen_at: now,
            progress_at: now,
            counted_from: 0,
            next_transmission: 1,
            discarded: 0,
            unacked: 0,
            ack_now: false,
            rtt: RttEstimator::new(config.round_trip),
            syn_at: None,
            confirm_at: None,
            repeats: 0,
            hash: None,
            named: None,
            finish: Finish::Writing,
            timers: Timers::new(),
            output: VecDeque::new(),
            marks: Marks::default(),
            stats: ReceiverStats::default(),
            watch: Watch::default(),
            config,
        };
        receiver.set(ReceiverTimer::Silence, now + receiver.config.silence);
        receiver.say_syn(now);
        receiver
    }

    /// A packet of this transfer arrived from the server. For a segment, the payload stays with the caller until the
    /// output is drained. Call [`Receiver::handle_batch_end`] after the last of those that arrived together.
    pub fn handle_packet(&mut self, now: Instant, packet: &Packet) {
        if self.state == State::Closed {
            return;
        }
        let kind = packet.body.kind();
        let action = table::action(self.state, kind);
        // What became of a segment says that it was received.
        if action != ReceiverAction::Take {
            self.trace(|| Event::PacketReceived { kind, transmission: packet.transmission });
        }
        if !matches!(action, ReceiverAction::Drop | ReceiverAction::TellReset | ReceiverAction::Ignore) {
            self.heard(now, packet.transmission);
        }
        match (action, &packet.body) {
            (ReceiverAction::Confirm, Body::SynAck(it)) => self.handle_syn_ack(now, it),
            (ReceiverAction::Repeat, Body::SynAck(it)) => self.handle_repeated_syn_ack(now, it),
            (ReceiverAction::Take, &Body::Data { offset, proof, length, ack_now }) => {
                self.handle_data(now, offset, length, proof, ack_now);
            }
            (ReceiverAction::Acknowledge, body) => {
                if matches!(body, Body::Probe { nxt } if self.limit > *nxt && !self.paused) {
                    self.mark(Mark::OpeningMissed);
                }
                self.begin_receiving();
                self.ack_now = true;
            }
            (ReceiverAction::End, &Body::End { size, hash }) => self.handle_end(now, size, hash),
            (ReceiverAction::EndAck, _) if mutant!(EndAnsweredOnce) => {}
            (ReceiverAction::EndAck, _) => {
                self.mark(Mark::EndRepeated);
                self.send(Body::EndAck);
            }
            (ReceiverAction::Fail, &Body::Reset(code)) => {
                self.fail(now, State::Aborted(None), ReceiverFailure::Reset(code));
            }
            (ReceiverAction::Close, _) => self.close(),
            (ReceiverAction::Respond, &Body::PathChallenge(nonce)) => self.send(Body::PathResponse(nonce)),
            (ReceiverAction::TellReset, _) => self.tell_reset(),
            (ReceiverAction::Ignore, _) => {}
            _ => self.dropped(DropReason::Unexpected),
        }
    }

    /// The user pauses: the window closes, and the sender is told to stop at once.
    pub fn pause(&mut self, now: Instant) {
        self.set_paused(now, true);
    }

    /// The pause ends.
    pub fn resume(&mut self, now: Instant) {
        self.set_paused(now, false);
    }

    /// Whether the user paused.
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Ends it before its end, and tells the server.
    pub fn abort(&mut self, now: Instant, code: ResetCode) {
        if self.is_over() {
            return;
        }
        self.send(Body::Reset(code));
        self.fail(now, State::Aborted(Some(code)), ReceiverFailure::Aborted(code));
        self.settle();
    }

    /// Carries out what is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        for timer in ReceiverTimer::ALL {
            if self.timers.expire(timer, now) {
                self.trace(|| Event::TimerExpired { timer: timer.traced() });
                self.on_timer(now, timer);
            }
        }
        self.settle();
    }

    /// This side did not run until now, and cannot tell for how long the server was silent: that is counted anew.
    pub fn on_woken(&mut self, now: Instant) {
        if self.timers.at(ReceiverTimer::Silence).is_some() {
            self.progress_at = now;
            self.set(ReceiverTimer::Silence, now + self.config.silence);
        }
        self.settle();
    }

    /// Since when something that was asked for has been waited for.
    pub const fn waits_since(&self) -> Instant {
        self.progress_at
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<ReceiverOutput> {
        take_first(&mut self.output)
    }

    /// When [`Receiver::handle_timeout`] wants to be called.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.earliest()
    }

    /// Whether nothing is answered any more, so that it can be dropped once its output is drained.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// Whether it is over: finished or failed. It may still answer late packets.
    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Done | State::Aborted(_) | State::Closed)
    }

    /// Whether every byte is here and the server was told: what is left is between us and our disk.
    pub fn has_everything(&self) -> bool {
        self.state == State::Finishing
    }

    /// What it has seen so far.
    pub const fn stats(&self) -> ReceiverStats {
        self.stats
    }

    /// From the first byte that came to the last that is written.
    pub const fn progress(&self) -> Range<u64> {
        self.start..self.written
    }

    /// The whole file's bytes; 0 before the handshake.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The round-trip time of the handshake, if it could be measured.
    pub fn round_trip(&self) -> Option<Duration> {
        self.rtt.srtt()
    }

    /// The hash that the server named, once it has.
    pub const fn hash(&self) -> Option<Hash> {
        self.hash
    }

    fn on_timer(&mut self, now: Instant, timer: ReceiverTimer) {
        match timer {
            ReceiverTimer::Silence => {
                let ever = self.seen > 0;
                self.mark(if ever { Mark::FellSilent } else { Mark::NeverAnswered });
                self.send(Body::Reset(ResetCode::Silence));
                let failure = if ever && now - self.seen_at < self.config.silence / 2 {
                    ReceiverFailure::Stalled
                } else {
                    ReceiverFailure::Silence { ever }
                };
                self.fail(now, State::Aborted(Some(ResetCode::Silence)), failure);
            }
            ReceiverTimer::Handshake => self.repeat_handshake(now),
            ReceiverTimer::AckDelay => {
                self.mark(Mark::AckDelayed);
                self.send_ack(now);
            }
            ReceiverTimer::Repeat => {
                self.mark(Mark::AckRepeated);
                self.rtt.on_timeout();
                self.send_ack(now);
                self.set(ReceiverTimer::Repeat, now + self.repeat_after());
            }
            ReceiverTimer::Pace => {
                self.mark(Mark::RateHeld);
                self.open_window(now);
            }
            ReceiverTimer::Quiet => self.close(),
        }
    }

    /// Something of use came from the server.
    fn heard(&mut self, now: Instant, transmission: u64) {
        if transmission > self.seen {
            self.seen = transmission;
            self.seen_at = now;
        }
        self.rtt.on_progress();
        // A handshake has this time once, however much is said in it; and words alone, such as a `PROBE` for a window
        // that is open or an `END` before its time, keep nobody waiting for ever.
        if self.state == State::Receiving {
            if !self.expects_more() {
                self.progress_at = now;
                self.counted_from = self.rcv_nxt;
            }
            self.set(ReceiverTimer::Silence, self.progress_at + self.config.silence);
        }
        if self.timers.at(ReceiverTimer::Repeat).is_some() {
            self.set(ReceiverTimer::Repeat, now + self.repeat_after());
        }
    }

    /// Returns true if the server has something to send that we asked for: bytes that the window allows, or
    /// `END`.
    fn expects_more(&self) -> bool {
        self.rcv_nxt == self.size || (!self.paused && self.rcv_nxt < self.limit)
    }

    /// Something that was asked for has come, or may come from now on.
    fn on_progress(&mut self, now: Instant) {
        self.progress_at = now;
        self.counted_from = self.rcv_nxt;
        if self.state == State::Receiving {
            self.set(ReceiverTimer::Silence, now + self.config.silence);
        }
    }

    /// New bytes have come in order. They are progress when they are as many as the user wants within the time that silence
    /// may last.
    fn on_bytes(&mut self, now: Instant) {
        let least = self.config.least.min(self.size - self.counted_from).max(1);
        if self.rcv_nxt - self.counted_from >= least {
            self.on_progress(now);
        }
    }

    /// How long nothing may be heard before the acknowledgment is repeated. In a pause nothing is the rule.
    fn repeat_after(&self) -> Duration {
        if self.paused { MAX_BACKOFF } else { self.rtt.rto() }
    }

    fn fail(&mut self, now: Instant, state: State, failure: ReceiverFailure) {
        self.stop_all();
        self.enter(state);
        self.set(ReceiverTimer::Quiet, now + QUIET);
        self.trace(|| Event::Ended { outcome: TransferEnd::from(&failure) });
        self.output.push_back(ReceiverOutput::Failed(failure));
    }

    fn close(&mut self) {
        self.stop_all();
        self.enter(State::Closed);
    }

    fn tell_reset(&mut self) {
        if let State::Aborted(Some(code)) = self.state {
            self.mark(Mark::ToldAgain);
            self.send(Body::Reset(code));
        }
    }

    fn send(&mut self, body: Body) {
        let transmission = self.next_transmission;
        self.next_transmission += 1;
        let packet = Packet { transfer: self.config.transfer, transmission, body };
        self.trace(|| Event::PacketSent { kind: packet.body.kind(), transmission });
        self.output.push_back(ReceiverOutput::Packet(packet));
    }

    /// The only place where the state changes.
    fn enter(&mut self, state: State) {
        let (from, to) = (self.state.traced(), state.traced());
        self.trace(|| Event::StateChanged { from, to });
        self.state = state;
    }

    fn stop_all(&mut self) {
        for timer in ReceiverTimer::ALL {
            self.stop(timer);
        }
        self.timers.stop_all();
    }

    fn set(&mut self, timer: ReceiverTimer, at: Instant) {
        if self.timers.set(timer, at) == Changed::Yes {
            self.trace(|| Event::TimerSet { timer: timer.traced(), due: at });
        }
    }

    fn stop(&mut self, timer: ReceiverTimer) {
        if self.timers.stop(timer) == Changed::Yes {
            self.trace(|| Event::TimerStopped { timer: timer.traced() });
        }
    }

    fn dropped(&mut self, reason: DropReason) {
        self.output.push_back(ReceiverOutput::Trace(Event::Dropped { reason }));
    }

    fn trace(&mut self, event: impl FnOnce() -> Event) {
        if self.config.trace {
            self.output.push_back(ReceiverOutput::Trace(event()));
        }
    }

    /// Notes a situation.
    fn mark(&mut self, mark: Mark) {
        if self.marks.note(mark) {
            self.trace(|| Event::Marked { mark });
        }
    }
}
