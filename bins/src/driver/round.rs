//! Whose turn it is.

/// What a loop waits for. The order is the order in which they are looked at.
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

/// Who was served in this round. Everybody is served at most once a round.
#[derive(Clone, Copy, Debug, Default)]
pub struct Round(u16);

impl Round {
    /// Whether a source may be waited for.
    pub fn may(self, source: Source) -> bool {
        self.0 & Self::bit(source) == 0
    }

    /// A source was served.
    pub fn served(&mut self, source: Source) {
        self.0 |= Self::bit(source);
    }

    /// Whether anybody was served: then waiting for the others must not take time, for there may be more here.
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
