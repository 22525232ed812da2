//! Ranges of addresses, as an operator writes them: `192.0.2.1`, `10.0.0.0/24`, `2001:db8::/48`.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;
use std::collections::BTreeMap;

/// Number of bits before an IPv4 address where it is written as an IPv6 address (RFC 4291 §2.5.5.2).
const V4_AT: u8 = 96;

/// Addresses that begin with the same bits. Of IPv6 at most 64 bits are told apart, since whoever has one address of a
/// /64 has all of it.
///
/// In order, a wider range comes before a narrower one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressRange {
    /// In bits of IPv6, in which IPv4 is mapped.
    prefix: u8,
    first: u128,
}

/// Why a text is no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressRangeError {
    /// The text before the slash is no address.
    #[error("expected an address such as 192.0.2.1 or 2001:db8::1, or a range such as 10.0.0.0/24")]
    NotAnAddress,
    /// The text behind the slash is not a number of bits that such a range may have.
    #[error("expected a number of bits from {least} to {most} behind the slash")]
    BadPrefix {
        /// The fewest.
        least: u8,
        /// As many as the address has.
        most: u8,
    },
}

impl AddressRange {
    /// The fewest bits of an IPv4 range. A digit that was forgotten must not lock everybody out, and nobody was ever
    /// given more than a /8.
    pub const LEAST_V4: u8 = 8;

    /// The fewest bits of an IPv6 range: registries are given a /12, and hand out no more than a /19.
    pub const LEAST_V6: u8 = 16;

    /// Most bits of an IPv6 range.
    pub const MOST_V6: u8 = 64;

    /// Returns the range that one address stands for: itself, or its /64.
    pub fn of(peer: IpAddr) -> Self {
        match peer.to_canonical() {
            IpAddr::V4(v4) => Self::masked(u128::from(v4.to_ipv6_mapped()), 128),
            IpAddr::V6(v6) => Self::masked(u128::from(v6), Self::MOST_V6),
        }
    }

    /// The addresses whose first `bits` bits are those of `address`. Bits of `address` behind them do not matter, and
    /// more than 64 of IPv6 are 64.
    ///
    /// # Errors
    /// Such an address does not have so many bits, or so few are too wide a range.
    pub fn new(address: IpAddr, bits: u8) -> Result<Self, AddressRangeError> {
        let check = |least, most| {
            let fits = (least..=most).contains(&bits);
            if fits { Ok(()) } else { Err(AddressRangeError::BadPrefix { least, most }) }
        };
        match address {
            IpAddr::V4(v4) => {
                check(Self::LEAST_V4, 32)?;
                Ok(Self::masked(u128::from(v4.to_ipv6_mapped()), V4_AT + bits))
            }
            IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => {
                check(V4_AT + Self::LEAST_V4, 128)?;
                Ok(Self::masked(u128::from(v6), bits))
            }
            IpAddr::V6(v6) => {
                check(Self::LEAST_V6, 128)?;
                Ok(Self::masked(u128::from(v6), bits.min(Self::MOST_V6)))
            }
        }
    }

    /// Returns true if an address is in it.
    pub fn contains(self, peer: IpAddr) -> bool {
        self.holds(Self::of(peer))
    }

    /// Returns true if all of another range is in it.
    pub(super) fn holds(self, other: Self) -> bool {
        // A range of IPv6 that is wide enough would hold the place where IPv4 is mapped.
        self.is_v4() == other.is_v4() && self.prefix <= other.prefix && other.at(self.prefix) == self
    }

    /// Those of `ranges` that hold all of this one, the widest first. It takes one look for each number of bits that
    /// there is, however many ranges there are.
    pub(super) fn holders<T>(self, ranges: &BTreeMap<Self, T>) -> impl Iterator<Item = &T> {
        let mut from = Some(0);
        let prefixes = core::iter::from_fn(move || {
            let (next, _) = ranges.range(Self { prefix: from?, first: 0 }..).next()?;
            from = next.prefix.checked_add(1);
            Some(next.prefix)
        });
        let candidates =
            prefixes.take_while(move |prefix| *prefix <= self.prefix).map(move |prefix| self.at(prefix));
        candidates.filter(move |range| range.holds(self)).filter_map(|range| ranges.get(&range))
    }

    fn is_v4(self) -> bool {
        self.prefix >= V4_AT
    }

    /// The range of so many bits that begins as this one.
    fn at(self, prefix: u8) -> Self {
        Self::masked(self.first, prefix)
    }

    fn masked(address: u128, prefix: u8) -> Self {
        let mask = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
        Self { prefix, first: address & mask }
    }
}

impl FromStr for AddressRange {
    type Err = AddressRangeError;

    /// An address, or one with a slash and a number of bits behind it. An IPv6 address may stand in brackets.
    fn from_str(text: &str) -> Result<Self, AddressRangeError> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let address: IpAddr = match bare {
            Some(bare) => IpAddr::V6(bare.parse().map_err(|_| AddressRangeError::NotAnAddress)?),
            None => address.parse().map_err(|_| AddressRangeError::NotAnAddress)?,
        };
        let Some(bits) = bits else { return Ok(Self::of(address)) };
        // `parse` alone would also take "+8".
        let digits = bits.bytes().all(|byte| byte.is_ascii_digit());
        // Out of range for any address, so that the range is told.
        let bits = bits.parse().ok().filter(|_| digits).unwrap_or(u8::MAX);
        Self::new(address, bits)
    }
}

impl fmt::Display for AddressRange {
    /// `192.0.2.1`, `10.0.0.0/24`, `2001:db8::/64`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = Ipv6Addr::from_bits(self.first);
        match first.to_ipv4_mapped().filter(|_| self.is_v4()) {
            Some(v4) if self.prefix == 128 => Ipv4Addr::fmt(&v4, f),
            Some(v4) => write!(f, "{v4}/{}", self.prefix - V4_AT),
            None => write!(f, "{first}/{}", self.prefix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_print_as_what_they_hold() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1/32", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("10.0.0.77/24", "10.0.0.0/24"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("::ffff:10.0.0.0/120", "10.0.0.0/24"),
            ("2001:db8::1", "2001:db8::/64"),
            ("[2001:db8::1]", "2001:db8::/64"),
            ("2001:db8::1/128", "2001:db8::/64"),
            ("2001:db8:1:2::/48", "2001:db8:1::/48"),
            ("::1", "::/64"),
        ] {
            let network: AddressRange = text.parse().expect(text);
            assert_eq!(network.to_string(), shown, "{text}");
            assert_eq!(shown.parse(), Ok(network), "{text}");
        }
    }

    #[test]
    fn what_is_no_range_is_told_with_what_is_expected() {
        let not_an_address = AddressRangeError::NotAnAddress;
        let (v4, v6) = ((8, 32), (16, 128));
        let bad = |(least, most)| AddressRangeError::BadPrefix { least, most };
        for (text, error) in [
            ("10.0.0.256", not_an_address.clone()),
            ("127.1", not_an_address.clone()),
            ("010.0.0.1", not_an_address.clone()),
            ("10.0.0.1:80", not_an_address.clone()),
            ("[10.0.0.1]", not_an_address.clone()),
            ("fe80::1%eth0", not_an_address.clone()),
            ("/24", not_an_address.clone()),
            ("", not_an_address),
            ("10.0.0.0/33", bad(v4)),
            ("10.0.0.0/7", bad(v4)),
            ("0.0.0.0/0", bad(v4)),
            ("10.0.0.0/", bad(v4)),
            ("10.0.0.0/+24", bad(v4)),
            ("10.0.0.0/255.255.255.0", bad(v4)),
            ("::/0", bad(v6)),
            ("2001:db8::/129", bad(v6)),
            ("::ffff:10.0.0.0/96", bad((104, 128))),
        ] {
            assert_eq!(text.parse::<AddressRange>(), Err(error), "{text}");
        }
    }

    #[test]
    fn an_address_is_in_its_ranges_and_in_no_others() {
        let is_in = |peer: &str, network: &str| {
            network.parse::<AddressRange>().expect(network).contains(peer.parse().expect(peer))
        };
        assert!(is_in("10.0.0.255", "10.0.0.0/24") && !is_in("10.0.1.0", "10.0.0.0/24"));
        assert!(is_in("::ffff:10.0.0.7", "10.0.0.7") && !is_in("10.0.0.8", "10.0.0.7"));
        assert!(is_in("2001:db8::2:3:4", "2001:db8::1") && !is_in("2001:db8:0:1::1", "2001:db8::1"));
        assert!(is_in("2001:db8:0:1::1", "2001:db8::/48"));
        // An IPv4 address is not in what stands around its place in IPv6.
        assert!(!is_in("0.0.0.1", "::1") && !is_in("::1", "127.0.0.1"));
        assert!(!is_in("10.0.0.1", "::/16") && is_in("::1", "::/16"));
    }

    #[test]
    fn the_ranges_that_hold_an_address_are_found_from_the_widest_on() {
        let all =
            ["10.0.0.0/8", "10.0.0.0/24", "10.0.1.0/24", "10.0.0.1", "10.0.0.2", "::/16", "2001:db8::/32"];
        let ranges: BTreeMap<AddressRange, &str> =
            all.into_iter().map(|text| (text.parse().expect(text), text)).collect();
        let found = |text: &str| -> Vec<&str> {
            text.parse::<AddressRange>().expect(text).holders(&ranges).copied().collect()
        };
        assert_eq!(found("10.0.0.1"), ["10.0.0.0/8", "10.0.0.0/24", "10.0.0.1"]);
        assert_eq!(found("10.0.0.0/25"), ["10.0.0.0/8", "10.0.0.0/24"]);
        assert_eq!(found("2001:db8::1"), ["2001:db8::/32"]);
        assert_eq!(found("192.0.2.1"), [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn every_address_is_in_its_own_range(v4: u32, v6: u128, bits in 8u8..=32) {
            let (v4, v6) = (IpAddr::V4(Ipv4Addr::from_bits(v4)), IpAddr::V6(Ipv6Addr::from_bits(v6)));
            proptest::prop_assert!(AddressRange::of(v4).contains(v4) && AddressRange::of(v6).contains(v6));
            let network = AddressRange::new(v4, bits).expect("in range");
            proptest::prop_assert!(network.contains(v4));
            proptest::prop_assert_eq!(network.to_string().parse(), Ok(network));
        }

        #[test]
        fn any_text_is_a_range_or_an_error(text: String) {
            let _ = text.parse::<AddressRange>();
        }
    }
}
