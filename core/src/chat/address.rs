//! Addresses, and the networks that they are in: connections are counted and banned by them.

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

    /// As [`of`](Self::of); `None` for loopback where that is `exempt`.
    pub fn counted(peer: IpAddr, loopback: Loopback) -> Option<Self> {
        let is_exempt = loopback == Loopback::Exempt && peer.to_canonical().is_loopback();
        (!is_exempt).then(|| Self::of(peer))
    }
}

/// Networks of IPv6 that are given to one customer, from the smallest: RFC 6177 §2. Whoever has one has all addresses in
/// it, but a mobile carrier or a campus has many people in one, so that a share of it is more than one address's.
const NETWORKS: [(u32, u32); 3] = [(64, 1), (56, 4), (48, 16)];

/// An address, or a network of addresses, that has a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Network {
    /// Number of addresses whose shares it has together.
    worth: u32,
    /// Its first bits; of an [`Address`] all of it.
    bits: u128,
}

impl Network {
    /// Returns the number of addresses whose shares it has together.
    pub const fn worth(self) -> u32 {
        self.worth
    }
}

impl Address {
    /// The address itself, as a network.
    pub const fn network(self) -> Network {
        Network { worth: 1, bits: self.0 }
    }

    /// The networks that it has its share in, from the smallest: of IPv4 the address, of IPv6 its /64, /56 and /48.
    pub fn networks(self) -> impl DoubleEndedIterator<Item = Network> + Clone {
        let sizes = if u32::try_from(self.0).is_ok() { &NETWORKS[..1] } else { &NETWORKS[..] };
        sizes.iter().map(move |&(prefix, worth)| match worth {
            1 => self.network(),
            _ => Network { worth, bits: self.0 & !(u128::MAX >> prefix) },
        })
    }
}

/// Treatment of loopback connections by the limits that hold for each address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Loopback {
    /// They do not: only who is on this machine can be there.
    #[default]
    Exempt,
    /// They do: others can connect too, and a tunnel or a proxy that ends on this machine brings them as loopback.
    Counted,
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
    fn an_ipv6_address_is_in_three_networks_and_an_ipv4_address_in_its_own() {
        let networks = |text| of(text).networks().map(Network::worth).collect::<Vec<_>>();
        assert_eq!((networks("192.0.2.1"), networks("2001:db8::1")), (vec![1], vec![1, 4, 16]));
        let shared = |one: &str, other: &str| {
            of(one).networks().zip(of(other).networks()).map(|(one, other)| one == other).collect::<Vec<_>>()
        };
        assert_eq!(shared("2001:db8:0:1::1", "2001:db8:0:1:2::"), [true, true, true]);
        assert_eq!(shared("2001:db8:0:1::1", "2001:db8:0:ff::"), [false, true, true]);
        assert_eq!(shared("2001:db8:0:1::1", "2001:db8:0:100::"), [false, false, true]);
        assert_eq!(shared("2001:db8:0:1::1", "2001:db8:1:1::"), [false, false, false]);
    }

    #[test]
    fn loopback_is_counted_where_others_can_come_from_there() {
        for loopback in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            let peer = loopback.parse().unwrap();
            assert_eq!(Address::counted(peer, Loopback::Exempt), None, "{loopback}");
            assert_eq!(Address::counted(peer, Loopback::Counted), Some(of(loopback)), "{loopback}");
        }
        let peer = "192.0.2.1".parse().unwrap();
        assert_eq!(Address::counted(peer, Loopback::Exempt), Some(of("192.0.2.1")));
    }

    #[test]
    fn an_address_prints_as_what_is_banned() {
        assert_eq!(of("::ffff:192.0.2.1").to_string(), "192.0.2.1");
        assert_eq!(of("2001:db8::1:2:3:4").to_string(), "2001:db8::/64");
        assert_eq!(of("::1").to_string(), "::/64");
    }
}
