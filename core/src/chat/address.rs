//! What connections are counted and banned by.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 address, or the /64 of an IPv6 address, since whoever has one of those has all of it.
///
/// The low 64 bits of the second are all ones, so no number stands for both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address(u128);

impl Address {
    /// What `peer` is counted by.
    pub fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V4(v4) => Self(u128::from(v4.to_bits())),
            IpAddr::V6(v6) => Self(v6.to_bits() | u128::from(u64::MAX)),
        }
    }

    /// As [`of`](Self::of); `None` for loopback, which no limit counts.
    pub fn counted(peer: IpAddr) -> Option<Self> {
        (!peer.to_canonical().is_loopback()).then(|| Self::of(peer))
    }
}

impl fmt::Display for Address {
    /// `192.0.2.1`, `2001:db8::/64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u32::try_from(self.0) {
            Ok(v4) => Ipv4Addr::from_bits(v4).fmt(f),
            Err(_) => write!(f, "{}/64", Ipv6Addr::from_bits(self.0 & !u128::from(u64::MAX))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Address {
        Address::of(text.parse().unwrap())
    }

    #[test]
    fn addresses_are_told_apart_by_what_one_person_has() {
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("2001:db8::1"), of("2001:db8::2:3:4"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_ne!(of("::"), of("0.0.0.0"));
    }

    #[test]
    fn loopback_is_not_counted() {
        for loopback in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(Address::counted(loopback.parse().unwrap()), None, "{loopback}");
        }
        assert_eq!(Address::counted("192.0.2.1".parse().unwrap()), Some(of("192.0.2.1")));
    }

    #[test]
    fn an_address_prints_as_what_is_banned() {
        assert_eq!(of("::ffff:192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(of("2001:db8::1:2:3:4").to_string(), "2001:db8::/64");
        assert_eq!(of("::1").to_string(), "::/64");
    }
}
