//! Shares of each address in things of which there is a limited number.
//!
//! A limit on what all hold together is used up by one stranger, unless each address has a share of it. For IPv6 an
//! address is a /64, and whoever has been given a /56 or a /48 has hundreds or ten thousands of them: those have shares
//! too, of a few addresses' worth.

use super::address::{Address, Network};
use super::limits::{Bucket, Rate};
use crate::time::Instant;
use core::time::Duration;
use std::collections::BTreeMap;

/// Numbers of things that each address holds, and each network that addresses are in.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    held: BTreeMap<Network, u32>,
    in_all: usize,
}

impl Shares {
    /// Returns true if `address`, or a network that it is in, has as many as it may when an address may have
    /// `most`.
    pub fn is_full(&self, address: Address, most: u32) -> bool {
        address.networks().any(|network| self.of(network) >= most.saturating_mul(network.worth()))
    }

    /// Returns the number that an address holds.
    pub fn held(&self, address: Address) -> u32 {
        self.of(address.network())
    }

    /// An address has one more.
    pub fn take(&mut self, address: Address) {
        self.in_all += 1;
        for network in address.networks() {
            let held = self.held.entry(network).or_default();
            *held = held.saturating_add(1);
        }
    }

    /// An address has one less.
    pub fn give_back(&mut self, address: Address) {
        self.in_all = self.in_all.saturating_sub(1);
        for network in address.networks() {
            if let Some(held) = self.held.get_mut(&network) {
                *held = held.saturating_sub(1);
                if *held == 0 {
                    self.held.remove(&network);
                }
            }
        }
    }

    /// Returns the number that all addresses hold together.
    pub fn in_all(&self) -> usize {
        self.in_all
    }

    fn of(&self, network: Network) -> u32 {
        self.held.get(&network).copied().unwrap_or(0)
    }
}

/// Returns true if `address`, or a network that it is in, has as many of `all` as it may when an address may
/// have `most`: for things of which there are few, so that they are counted when it matters.
pub fn is_full_among<I>(all: &I, address: Address, most: u32) -> bool
where
    I: Iterator<Item = Address> + Clone,
{
    address.networks().any(|network| {
        let there = all.clone().filter(|it| it.networks().any(|of| of == network)).count();
        there >= most.saturating_mul(network.worth()) as usize
    })
}

/// A bucket of tokens for each address and each network, from which all its sessions take beside their own.
#[derive(Clone, Debug, Default)]
pub struct SharedBuckets {
    buckets: BTreeMap<Network, Bucket>,
    /// With so many, those that are full again are dropped: a full one is as good as none.
    crowded_at: usize,
}

impl SharedBuckets {
    /// With fewer buckets nobody looks for full ones.
    const FEW: usize = 1024;

    /// Takes `tokens` from every bucket that `address` shares in, at the `rate` of an address, if each has one; else takes
    /// none and tells how long until each has.
    pub fn take(&mut self, now: Instant, address: Address, tokens: u32, rate: Rate) -> Result<(), Duration> {
        let networks = address.networks();
        let ready = networks
            .clone()
            .filter_map(|network| Some(self.buckets.get(&network)?.holds(1, rate.times(network.worth()))));
        if let Some(ready) = ready.max().filter(|ready| *ready > now) {
            return Err(ready - now);
        }
        for network in networks {
            self.buckets.entry(network).or_default().charge_many(now, tokens, rate.times(network.worth()));
        }
        if self.buckets.len() > self.crowded_at.max(Self::FEW) {
            self.buckets.retain(|_, bucket| !bucket.is_full(now));
            // Twice as many as are in use may come before it is looked at all of them again.
            self.crowded_at = 2 * self.buckets.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Address {
        Address::of(text.parse().unwrap())
    }

    #[test]
    fn an_address_has_its_share_and_a_network_that_of_a_few() {
        let mut shares = Shares::default();
        let (most, mut taken) = (2, Vec::new());
        for net in 0..100_u128 {
            for _ in 0..3 {
                // Every /64 of 2001:db8::/48, each once more than it may.
                let address = Address::of(core::net::IpAddr::from(
                    ((0x2001_0db8_u128 << 96) | (net << 64)).to_be_bytes(),
                ));
                if !shares.is_full(address, most) {
                    shares.take(address);
                    taken.push(address);
                }
            }
        }
        assert_eq!(taken.len(), 2 * 4, "all of them are in one /56, which has four addresses' worth");
        assert!(!shares.is_full(of("2001:db8:0:100::"), most) && !shares.is_full(of("192.0.2.1"), most));
        assert_eq!((shares.held(of("2001:db8::")), shares.in_all()), (2, 8));
        for address in ["2001:db8::", "2001:db8:0:9::", "2001:db8:0:100::", "192.0.2.1"].map(of) {
            assert_eq!(shares.is_full(address, most), is_full_among(&taken.iter().copied(), address, most));
        }
        for address in taken {
            shares.give_back(address);
        }
        assert!(shares.held.is_empty() && shares.in_all() == 0);
    }

    #[test]
    fn a_whole_48_has_sixteen_addresses_worth() {
        let mut shares = Shares::default();
        for net in 0..65_536_u128 {
            let bits = (0x2001_0db8_u128 << 96) | (net << 64);
            let address = Address::of(core::net::IpAddr::from(bits.to_be_bytes()));
            if !shares.is_full(address, 3) {
                shares.take(address);
            }
        }
        assert_eq!(shares.in_all(), 3 * 16);
    }

    #[test]
    fn sessions_of_one_address_share_a_bucket_and_others_have_their_own() {
        let (mut buckets, now, rate) =
            (SharedBuckets::default(), Instant::from_millis(5_000), Rate::new(4, 2));
        for _ in 0..4 {
            assert_eq!(buckets.take(now, of("192.0.2.1"), 1, rate), Ok(()));
        }
        assert_eq!(buckets.take(now, of("192.0.2.1"), 1, rate), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take(now, of("192.0.2.2"), 1, rate), Ok(()));
        assert_eq!(buckets.take(Instant::from_millis(5_500), of("192.0.2.1"), 1, rate), Ok(()));
    }

    #[test]
    fn a_network_of_many_addresses_takes_no_more_than_a_few_of_them() {
        let (mut buckets, now, rate) =
            (SharedBuckets::default(), Instant::from_millis(5_000), Rate::new(4, 2));
        let granted = (0..1000_u128).filter(|net| {
            let bits = (0x2001_0db8_u128 << 96) | (net << 64);
            buckets.take(now, Address::of(core::net::IpAddr::from(bits.to_be_bytes())), 1, rate).is_ok()
        });
        // Four /56 with four addresses' worth each.
        assert_eq!(granted.count(), 4 * 4 * 4);
    }

    #[test]
    fn buckets_that_are_full_again_are_forgotten() {
        let (mut buckets, rate) = (SharedBuckets::default(), Rate::new(4, 2));
        for number in 0..100_000_u32 {
            let now = Instant::from_millis(u64::from(number));
            let peer = core::net::IpAddr::from(number.to_be_bytes());
            assert_eq!(buckets.take(now, Address::of(peer), 1, rate), Ok(()));
        }
        assert!(buckets.buckets.len() <= 2 * SharedBuckets::FEW, "{} buckets", buckets.buckets.len());
    }
}
