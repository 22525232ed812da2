//! A datagram that has arrived.

use crate::wire::{self, DecodeError, Packet};

/// A datagram that has arrived: as bytes, or as the packet that somebody has decoded already.
///
/// A simulator carries packets whose payload is only named; nobody has to make bytes to take them apart again.
#[derive(Clone, Copy, Debug)]
pub enum Datagram<'a> {
    /// UDP payload.
    Bytes(&'a [u8]),
    /// An undamaged packet.
    Packet {
        /// The content.
        packet: &'a Packet,
        /// Bytes of UDP payload that it would have.
        length: usize,
    },
}

impl<'a> Datagram<'a> {
    /// Cuts bytes that arrived together into datagrams: `stride` bytes each, the last perhaps shorter.
    pub fn each(bytes: &'a [u8], stride: usize) -> impl Iterator<Item = Self> {
        bytes.chunks(stride.max(1)).map(Self::Bytes)
    }

    /// Hands the packet and its length in bytes to `take`.
    pub(super) fn decoded<R>(self, take: impl FnOnce(&Packet, usize) -> R) -> Result<R, DecodeError> {
        match self {
            Self::Bytes(bytes) => Ok(take(&wire::decode(bytes)?, bytes.len())),
            Self::Packet { packet, length } => Ok(take(packet, length)),
        }
    }
}
