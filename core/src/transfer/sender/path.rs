//! Paths that are not proven: what they may be sent, and how they prove themselves.
//!
//! A client behind a NAT can appear at another port or address at any time. The server goes on sending to the old
//! one until the new one has sent back a nonce that went there; so nobody can point a download at a third party, and
//! nobody unproven ever gets more bytes than it sent (RFC 9000 §8.1 and §9.3, where the factor is three).

use super::{Sender, State, fresh};
use crate::node::Path;
use crate::time::Instant;
use crate::trace::{DropReason, Event, LossCause, Mark};
use crate::transfer::timer::SenderTimer;
use crate::wire::{Body, Nonce, SYN_LEN, Syn};

/// A challenge is repeated so often, then the new path is forgotten until it is heard of again.
const MAX_CHALLENGES: u32 = 3;

/// A path that has not proven itself yet. One at a time: a newer one replaces it.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) path: Path,
    /// What goes there and must come back.
    nonce: Nonce,
    /// Bytes that came from there.
    received: u64,
    /// Bytes that went there.
    sent: u64,
    challenges: u32,
}

impl Candidate {
    /// `received` bytes have come from there.
    const fn new(path: Path, nonce: Nonce, received: u64) -> Self {
        Self { path, nonce, received, sent: 0, challenges: 0 }
    }

    pub(super) fn proves(&self, path: Path, nonce: Nonce) -> bool {
        mutant!(ProofFromElsewhere => return self.nonce == nonce);
        mutant!(NonceNotCompared => return self.path == path);
        self.path == path && self.nonce == nonce
    }
}

impl Sender {
    /// Bytes came on `path`; if it is the one that must prove itself, so many more may go there.
    pub(super) fn pay(&mut self, path: Path, length: usize) {
        if let Some(candidate) = self.candidate.as_mut().filter(|it| it.path == path) {
            candidate.received = candidate.received.saturating_add(length as u64);
        }
    }

    /// The path that a right `SYN` came on, which must prove itself. Only the ticket's holder gets here, so nobody
    /// else can push a candidate out.
    pub(super) fn admit(&mut self, path: Path) -> Nonce {
        let known = self.candidate.take().filter(|it| it.path == path);
        let new = Candidate::new(path, fresh(&mut self.nonces), SYN_LEN as u64);
        self.candidate.insert(known.unwrap_or(new)).nonce
    }

    /// Sends to a path that is not proven, if it has sent as much; says whether it did.
    pub(super) fn send_paid(&mut self, path: Path, body: Body) -> bool {
        let length = body.encoded_len() as u64;
        let paid = self
            .candidate
            .as_mut()
            .filter(|it| it.path == path && (it.sent + length <= it.received || mutant!(Amplifier)));
        let Some(candidate) = paid else {
            self.mark(Mark::AmplificationHeld);
            self.dropped(DropReason::Amplification);
            return false;
        };
        candidate.sent += length * u64::from(!mutant!(AmplificationNotCounted));
        self.send(path, body);
        true
    }

    /// A `SYN` after the handshake: the client has heard nothing but the `SYN-ACK`. Perhaps it is elsewhere.
    pub(super) fn handle_late_syn(
        &mut self,
        now: Instant,
        path: Path,
        newest: bool,
        syn: &Syn,
        length: usize,
    ) {
        if !self.offer.ticket.matches(&syn.ticket) {
            return self.dropped(DropReason::WrongTicket);
        }
        self.mark(Mark::TicketShownAgain);
        self.heard(now, path, newest, length);
    }

    /// `length` bytes of this transfer came on `path`. If its client is proven elsewhere, it must prove that it is
    /// there. Only the newest datagram says where the client is now (RFC 9000 §9.3): an older one was overtaken by its
    /// move.
    pub(super) fn heard(&mut self, now: Instant, path: Path, newest: bool, length: usize) {
        // A handshake has this time once, however much is said in it; and whoever has everything and only ever repeats
        // acknowledgments will not answer `END` later either.
        if self.state == State::Sending && !mutant!(SilenceNotRenewed) {
            self.set(SenderTimer::Silence, now + self.config.silence);
        }
        if self.path == Some(path) {
            return;
        }
        if !newest {
            return self.mark(Mark::OvertakenByMove);
        }
        match &self.candidate {
            Some(candidate) if candidate.path == path => return,
            Some(_) => self.mark(Mark::CandidateReplaced),
            None => {}
        }
        mutant!(PathNotProven => return self.path = Some(path));
        let nonce = fresh(&mut self.nonces);
        self.candidate = Some(Candidate::new(path, nonce, length as u64));
        self.challenge(now);
    }

    /// Sends the challenge to the candidate, as far as it has paid for it, and sets the timer for the next.
    pub(super) fn challenge(&mut self, now: Instant) {
        let Some(candidate) = &mut self.candidate else { return };
        let (path, nonce) = (candidate.path, candidate.nonce);
        if candidate.challenges == MAX_CHALLENGES {
            self.candidate = None;
            return self.mark(Mark::ChallengesGivenUp);
        }
        candidate.challenges += 1;
        if candidate.challenges > 1 {
            self.mark(Mark::ChallengeUnanswered);
        }
        if self.send_paid(path, Body::PathChallenge(nonce)) {
            self.trace(|| Event::PathChallenged);
        }
        mutant!(ChallengeNotRepeated => return);
        self.set(SenderTimer::Path, now + self.rtt.base_rto());
    }

    /// The nonce came back from where it went: the client is there now.
    pub(super) fn handle_path_response(&mut self, now: Instant, path: Path, nonce: Nonce) {
        if !self.candidate.as_ref().is_some_and(|it| it.proves(path, nonce)) {
            self.mark(Mark::NonceFromElsewhere);
            return self.dropped(DropReason::WrongNonce);
        }
        self.mark_move(path);
        self.candidate = None;
        self.stop(SenderTimer::Path);
        let same_host = self.path.is_some_and(|old| old.remote.ip() == path.remote.ip());
        self.path = Some(path);
        self.stats.path_changes += 1;
        self.trace(|| Event::PathValidated);
        let before = self.cwnd();
        // Losses on the old path say nothing of this one.
        self.fruitless = 0;
        if !same_host && !mutant!(WindowKeptOnNewPath) {
            // Another port alone is a NAT that forgot; another address may be another network (RFC 9000 §9.4).
            self.rtt.on_path_changed();
            if let Some(controller) = &mut self.controller {
                controller.on_path_changed();
            }
        }
        let cwnd = self.cwnd();
        if !same_host || cwnd != before {
            self.trace(|| Event::WindowChanged { cwnd });
        }
        // A timeout or a probe on the old path says nothing about the new one, nor does what it carried.
        self.rtt.on_progress();
        self.progress_at = now;
        self.is_segment_carried = false;
        if self.state == State::Ending {
            self.say_end(now);
        } else if self.nxt > self.una {
            self.go_back(now, LossCause::PathChange);
        }
    }

    /// Notes in which situation the client has moved to `path`.
    fn mark_move(&mut self, path: Path) {
        let same_host = self.path.is_some_and(|old| old.remote.ip() == path.remote.ip());
        self.mark(if same_host { Mark::NewPort } else { Mark::NewHost });
        if self.state == State::Ending {
            self.mark(Mark::MovedAtEnd);
        } else if self.is_withheld() {
            self.mark(Mark::MovedWhileWithheld);
        } else if self.nxt < self.max || self.rtt.backoff() > 0 {
            self.mark(Mark::MovedWhileGoingBack);
        }
    }
}
