//! `END`, the digest, the name.
//!
//! `END` is acknowledged as soon as every byte has arrived: the server need not wait for our disk. The file gets its
//! name only when all of it is written and its hash is the one that the server named.

use super::{Finish, Receiver, ReceiverFailure, ReceiverOutput, State};
use crate::time::Instant;
use crate::trace::{DropReason, Event, TransferEnd};
use crate::transfer::QUIET;
use crate::transfer::timer::ReceiverTimer;
use crate::wire::{Body, Hash, ResetCode};

impl Receiver {
    /// An `END` that comes before every byte has is somebody else's, or very late. One that names another size or hash than
    /// the `SYN-ACK` did means that one of the two was forged: waiting for the rest would be waiting for ever.
    pub(super) fn handle_end(&mut self, now: Instant, size: u64, hash: Hash) {
        self.begin_receiving();
        if size != self.size || self.named.is_some_and(|named| named != hash) {
            return self.abort(now, ResetCode::Protocol);
        }
        if self.rcv_nxt != size {
            return self.dropped(DropReason::Contradiction);
        }
        self.hash = Some(hash);
        self.stop_all();
        self.enter(State::Finishing);
        self.send(Body::EndAck);
        // Nothing more is expected of the server; what is left is our own disk, which has no timer.
        self.ask_digest();
    }

    pub(super) fn ask_digest(&mut self) {
        if self.state == State::Finishing && self.written == self.size && self.finish == Finish::Writing {
            self.finish = Finish::Hashing;
            self.output.push_back(ReceiverOutput::Digest);
        }
    }

    /// The hash of what was written, as [`ReceiverOutput::Digest`] asked. An answer to nothing is passed over.
    pub fn handle_digest(&mut self, now: Instant, found: Hash) {
        let is_asked = self.state == State::Finishing && self.finish == Finish::Hashing;
        let Some(expected) = self.hash.filter(|_| is_asked) else { return };
        if found == expected || mutant!(HashIgnored) {
            self.finish = Finish::Naming;
            self.output.push_back(ReceiverOutput::Commit);
        } else {
            self.output.push_back(ReceiverOutput::Discard);
            self.fail(now, State::Aborted(None), ReceiverFailure::Integrity { found, expected });
        }
    }

    /// The file has its name, as [`ReceiverOutput::Commit`] asked. An answer to nothing is passed over.
    pub fn handle_committed(&mut self, now: Instant) {
        if self.state == State::Finishing && self.finish == Finish::Naming {
            self.enter(State::Done);
            self.set(ReceiverTimer::Quiet, now + QUIET);
            self.trace(|| Event::Ended { outcome: TransferEnd::Complete });
            self.output.push_back(ReceiverOutput::Finished);
        }
    }
}
