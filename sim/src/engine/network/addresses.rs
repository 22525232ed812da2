//! Addresses, and who can be reached at them.
//!
//! Each client has a network of its own in `10.128.0.0/9`, from which it takes an address at a time and a port for each
//! socket and connection. So an address says whose it is, also when nobody has it any more. There is no IPv6 in this world.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use super::{ClientIndex, server_udp};

/// The first port of a client's sockets.
const FIRST_PORT: u16 = 50_000;

/// Ports of a client; after the last comes the first again.
const PORTS: u16 = 10_000;

/// A socket, counted from 1 over the whole run. Its address may change.
pub(in crate::engine) type SocketId = u64;

/// Every socket that is bound; `S` is what an engine keeps of it.
pub(in crate::engine) struct Sockets<S> {
    bound: BTreeMap<SocketAddrV4, Bound<S>>,
    addresses: BTreeMap<SocketId, SocketAddrV4>,
    last: SocketId,
    places: Vec<Place>,
}

/// A socket that is bound.
pub(in crate::engine) struct Bound<S> {
    /// Which of the sockets it is: an address may be used again.
    pub(in crate::engine) socket: SocketId,
    /// What the engine keeps of it.
    pub(in crate::engine) what: S,
}

/// Where a client is.
struct Place {
    ip: Ipv4Addr,
    /// Addresses and ports that it has had.
    addresses: u8,
    ports: u16,
}

/// The `number`th address of a client.
fn address(client: usize, number: u8) -> Ipv4Addr {
    let client = u16::try_from(client + 1).unwrap_or(u16::MAX);
    let [high, low] = client.to_be_bytes();
    Ipv4Addr::new(10, 128 | high, low, number)
}

impl<S> Sockets<S> {
    pub(super) fn new(clients: usize) -> Self {
        let place = |client| Place { ip: address(client, 1), addresses: 1, ports: 0 };
        let places = (0..clients).map(place).collect();
        Self { bound: BTreeMap::new(), addresses: BTreeMap::new(), last: 0, places }
    }

    /// Which client has this address, or had it.
    pub(super) fn owner(&self, address: SocketAddrV4) -> Option<ClientIndex> {
        let [ten, high, low, _] = address.ip().octets();
        let index = usize::from(u16::from_be_bytes([high & 0x7f, low])).checked_sub(1)?;
        (ten == 10 && high & 0x80 != 0 && index < self.places.len()).then_some(ClientIndex(index))
    }

    /// An address that nobody has, for a client's next socket or connection.
    pub(in crate::engine) fn free_address(&mut self, client: ClientIndex) -> SocketAddrV4 {
        let Some(place) = self.places.get_mut(client.0) else {
            return SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        };
        place.ports = place.ports.wrapping_add(1) % PORTS;
        SocketAddrV4::new(place.ip, FIRST_PORT + place.ports)
    }

    /// A client binds a socket. Answers its name and its address.
    pub(in crate::engine) fn bind_client(
        &mut self,
        client: ClientIndex,
        what: S,
    ) -> (SocketId, SocketAddrV4) {
        let address = self.free_address(client);
        (self.bind(address, what), address)
    }

    /// The server binds its own.
    pub(in crate::engine) fn bind_server(&mut self, what: S) -> (SocketId, SocketAddrV4) {
        let address = server_udp();
        (self.bind(address, what), address)
    }

    fn bind(&mut self, address: SocketAddrV4, what: S) -> SocketId {
        self.last += 1;
        let socket = self.last;
        if let Some(before) = self.bound.insert(address, Bound { socket, what }) {
            self.addresses.remove(&before.socket);
        }
        self.addresses.insert(socket, address);
        socket
    }

    /// A socket is gone.
    pub(in crate::engine) fn unbind(&mut self, socket: SocketId) {
        if let Some(address) = self.addresses.remove(&socket) {
            self.bound.remove(&address);
        }
    }

    /// The address that a socket has now.
    pub(in crate::engine) fn address_of(&self, socket: SocketId) -> Option<SocketAddrV4> {
        self.addresses.get(&socket).copied()
    }

    /// Who can be reached at an address.
    pub(in crate::engine) fn at(&self, address: SocketAddrV4) -> Option<&Bound<S>> {
        self.bound.get(&address)
    }

    /// The sockets of a client, by their addresses.
    fn of(&self, client: ClientIndex) -> impl Iterator<Item = SocketAddrV4> {
        let first = SocketAddrV4::new(address(client.0, 0), 0);
        let last = SocketAddrV4::new(address(client.0, u8::MAX), u16::MAX);
        self.bound.range(first..=last).map(|(address, _)| *address)
    }

    /// Where a client's datagrams come from, and where they go to: its socket, or where its next one would be.
    pub(super) fn seen_at(&self, client: ClientIndex) -> SocketAddrV4 {
        let next = || {
            let ip = self.places.get(client.0).map_or(Ipv4Addr::UNSPECIFIED, |place| place.ip);
            SocketAddrV4::new(ip, FIRST_PORT)
        };
        self.of(client).next().unwrap_or_else(next)
    }

    /// Moves a client's sockets to other addresses. Answers from where to where.
    pub(super) fn rebind(&mut self, client: ClientIndex, new_ip: bool) -> Vec<(SocketAddrV4, SocketAddrV4)> {
        let old: Vec<SocketAddrV4> = self.of(client).collect();
        if let Some(place) = self.places.get_mut(client.0).filter(|_| new_ip) {
            place.addresses = place.addresses.wrapping_add(1).max(1);
            place.ip = address(client.0, place.addresses);
        }
        let moved = old.into_iter().map(|from| {
            let to = self.free_address(client);
            if let Some(bound) = self.bound.remove(&from) {
                self.addresses.insert(bound.socket, to);
                self.bound.insert(to, bound);
            }
            (from, to)
        });
        moved.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: ClientIndex = ClientIndex(0);
    const BOB: ClientIndex = ClientIndex(1);

    #[test]
    fn a_socket_is_found_where_it_has_moved_to_and_nowhere_else() {
        let mut sockets = Sockets::new(2);
        let (socket, first) = sockets.bind_client(ALICE, 'a');
        let (other, elsewhere) = sockets.bind_client(BOB, 'b');
        assert_eq!(sockets.rebind(ALICE, true).len(), 1);
        let now = sockets.address_of(socket).unwrap();
        assert_ne!(now.ip(), first.ip());
        assert!(sockets.at(first).is_none());
        assert_eq!(sockets.at(now).map(|bound| (bound.socket, bound.what)), Some((socket, 'a')));
        assert_eq!(sockets.address_of(other), Some(elsewhere));
        assert_eq!(
            [sockets.owner(first), sockets.owner(now), sockets.owner(elsewhere)],
            [Some(ALICE), Some(ALICE), Some(BOB)]
        );
        sockets.unbind(socket);
        assert!(sockets.at(now).is_none() && sockets.address_of(socket).is_none());
    }

    #[test]
    fn the_server_is_no_client() {
        assert_eq!(Sockets::<()>::new(3).owner(server_udp()), None);
    }
}
