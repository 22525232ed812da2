//! Where a server may have its client send datagrams.
//!
//! A ticket names the address that takes its datagrams. Believed unseen, it makes a reflector of every client: two dozen
//! datagrams of 1,232 bytes to whomever the server has chosen, for one line of chat.

use std::net::{IpAddr, SocketAddr};

/// Which hosts a ticket may send a download to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DownloadHosts {
    /// The one that the chat was reached at.
    #[default]
    OfChat,
    /// That one, and this one.
    And(IpAddr),
    /// Whichever the server names.
    Any,
}

/// Why nothing is sent to the address that a ticket names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Foreign {
    #[error(
        "the server wants it fetched from {named}, another host than its chat's ({chat}); --udp-host {} allows that",
        .named.ip()
    )]
    Host { named: SocketAddr, chat: IpAddr },
    #[error("the server wants it fetched from {named}, to which nothing goes from where its chat is, {chat}")]
    Family { named: SocketAddr, chat: IpAddr },
    #[error("the server wants it fetched from {0}, which is no address of a host")]
    Nobody(SocketAddr),
}

impl DownloadHosts {
    /// Where the datagrams of a ticket go that names `named`, from a server whose chat was reached at `reached`.
    pub(super) fn choose(self, reached: SocketAddr, named: SocketAddr) -> Result<SocketAddr, Foreign> {
        let (chat, udp) = (reached.ip().to_canonical(), named.ip().to_canonical());
        if named.port() == 0 || udp.is_multicast() || udp == IpAddr::V4(std::net::Ipv4Addr::BROADCAST) {
            return Err(Foreign::Nobody(named));
        }
        if udp.is_unspecified() || udp == chat {
            // The whole address, for one of IPv6's link has a scope as well.
            let mut server = reached;
            server.set_port(named.port());
            return Ok(server);
        }
        let is_allowed = match self {
            Self::OfChat => false,
            Self::And(host) => host.to_canonical() == udp,
            Self::Any => true,
        };
        // All of loopback is one host: ours.
        let is_own_loopback = udp.is_loopback() && chat.is_loopback();
        if !is_allowed && !is_own_loopback {
            return Err(Foreign::Host { named, chat });
        }
        // The socket for datagrams has the family that the chat was reached over.
        if named.is_ipv4() != reached.is_ipv4() {
            return Err(Foreign::Family { named, chat });
        }
        Ok(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect(text)
    }

    fn host(text: &str) -> DownloadHosts {
        DownloadHosts::And(text.parse().expect(text))
    }

    #[test]
    fn datagrams_go_to_the_host_of_the_chat() {
        for (reached, named, goes_to) in [
            ("192.0.2.1:55000", "0.0.0.0:44000", "192.0.2.1:44000"),
            ("192.0.2.1:55000", "192.0.2.1:44000", "192.0.2.1:44000"),
            ("192.0.2.1:55000", "[::ffff:192.0.2.1]:44000", "192.0.2.1:44000"),
            ("[2001:db8::1]:55000", "[::]:44000", "[2001:db8::1]:44000"),
            ("[fe80::1%3]:55000", "[fe80::1]:44000", "[fe80::1%3]:44000"),
            ("127.0.0.1:55000", "127.0.0.2:44000", "127.0.0.2:44000"),
        ] {
            let chosen = DownloadHosts::OfChat.choose(address(reached), address(named));
            assert_eq!(chosen, Ok(address(goes_to)), "{reached} {named}");
        }
    }

    #[test]
    fn a_third_host_gets_nothing_unless_the_user_says_so() {
        let reached = address("192.0.2.1:55000");
        for named in ["198.51.100.7:53", "127.0.0.1:44000", "[2001:db8::7]:53", "192.0.2.2:44000"] {
            let chosen = DownloadHosts::OfChat.choose(reached, address(named));
            assert!(matches!(chosen, Err(Foreign::Host { .. })), "{named} {chosen:?}");
            assert!(host("203.0.113.9").choose(reached, address(named)).is_err(), "{named}");
        }
        let named = address("198.51.100.7:44000");
        assert_eq!(host("198.51.100.7").choose(reached, named), Ok(named));
        assert_eq!(DownloadHosts::Any.choose(reached, named), Ok(named));
        let other = DownloadHosts::Any.choose(reached, address("[2001:db8::7]:44000"));
        assert!(matches!(other, Err(Foreign::Family { .. })));
    }

    #[test]
    fn nobody_means_many_or_none() {
        for named in ["192.0.2.1:0", "224.0.0.1:44000", "255.255.255.255:44000"] {
            let chosen = DownloadHosts::Any.choose(address("192.0.2.1:55000"), address(named));
            assert_eq!(chosen, Err(Foreign::Nobody(address(named))));
        }
    }

    #[test]
    fn a_refusal_says_what_allows_it() {
        let refused = DownloadHosts::OfChat.choose(address("192.0.2.1:55000"), address("198.51.100.7:44000"));
        assert_eq!(
            refused.expect_err("foreign").to_string(),
            "the server wants it fetched from 198.51.100.7:44000, another host than its chat's (192.0.2.1); \
             --udp-host 198.51.100.7 allows that"
        );
    }
}
