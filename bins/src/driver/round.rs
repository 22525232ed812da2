//! Rounds of a loop, in which every source is served at most once.

/// What a loop's turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn<E> {
    /// Every source that had something was served, and may have more. The runtime is to look for new events, then the
    /// loop wants its next turn.
    Again,
    /// The loop is over.
    Ended(E),
}

/// Sources of input, in the order in which a loop looks at them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The user, or the operator.
    Control,
    /// The core's deadline.
    Timer,
    /// An answer of the files.
    Files,
    /// Datagrams.
    Received,
    /// Room in the socket for datagrams.
    Writable,
    /// Connections that can be read or written.
    Streams,
    /// A connection that somebody made.
    Accept,
    /// The connection that was to be made.
    Connect,
    /// The socket that was to be bound.
    Bind,
}

/// The sources that were served in this round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round(u16);

impl Round {
    /// Returns true if a source was not served yet.
    pub fn may(self, source: Source) -> bool {
        self.0 & Self::bit(source) == 0
    }

    /// Notes that a source was served.
    pub fn served(&mut self, source: Source) {
        self.0 |= Self::bit(source);
    }

    /// Returns true if any source was served: it may have more, so the loop must not wait for the others.
    pub fn has_begun(self) -> bool {
        self.0 != 0
    }

    fn bit(source: Source) -> u16 {
        1 << source as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_served_waits_for_the_next_round() {
        let mut round = Round::default();
        assert!(!round.has_begun());
        round.served(Source::Received);
        assert!(round.has_begun() && !round.may(Source::Received));
        assert!(round.may(Source::Control) && round.may(Source::Connect));
    }
}
