//! What a failure is, without its seed, its times and its numbers: which checker found it, which of its rules was
//! broken, and by what kind of node.
//!
//! Two runs whose signatures are equal have, as far as anybody can tell without looking closer, failed for the same
//! reason. A sweep groups by it, and a shrinker may change everything but it.

use core::fmt;

/// See the module. Printed as one word, `recovery/una_went_back@server`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature {
    /// Which checker found it.
    pub checker: &'static str,
    /// Which of its rules was broken.
    pub rule: &'static str,
    /// Where.
    pub place: Place,
}

/// What kind of place a rule was broken at: all clients are one, for which of them it was is the seed's doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The server.
    Server,
    /// A client.
    Client,
    /// The direction from a client to the server.
    Up,
    /// The direction from the server to a client.
    Down,
    /// The run as a whole.
    Run,
}

impl Place {
    /// The kind of the node that a record names: a host, or a direction such as `server->alice`.
    pub fn of(node: &str) -> Self {
        match node {
            "server" => Self::Server,
            "sim" => Self::Run,
            other if other.starts_with("server->") => Self::Down,
            other if other.ends_with("->server") => Self::Up,
            _ => Self::Client,
        }
    }

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Up => "up",
            Self::Down => "down",
            Self::Run => "run",
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}@{}", self.checker, self.rule, self.place.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_kind_of_node_and_not_which_one() {
        let places = ["server", "alice", "load-17", "alice->server", "server->bob", "sim"].map(Place::of);
        let [Place::Server, one, other, Place::Up, Place::Down, Place::Run] = places else {
            panic!("{places:?}");
        };
        assert_eq!(one, other);
    }

    #[test]
    fn a_signature_is_one_word() {
        let signature = Signature { checker: "window", rule: "beyond_cwnd", place: Place::Server };
        assert_eq!(signature.to_string(), "window/beyond_cwnd@server");
    }
}
