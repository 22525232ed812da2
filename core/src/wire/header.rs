//! The header that every packet begins with.

use super::{DecodeError, TransferId};

/// The version that this is.
pub const VERSION: u8 = 1;

/// Bytes of the header.
pub const HEADER_LEN: usize = field::TRANSMISSION.end;

/// Where what stands.
pub(super) mod field {
    use core::ops::Range;

    pub(crate) const VERSION: usize = 0;
    pub(crate) const KIND: usize = 1;
    pub(crate) const FLAGS: Range<usize> = 2..4;
    pub(crate) const CHECKSUM: Range<usize> = 4..8;
    pub(crate) const TRANSFER: Range<usize> = 8..16;
    pub(crate) const TRANSMISSION: Range<usize> = 16..24;
}

/// Bits of the flags' field. A bit that a kind does not have is ignored.
pub(super) mod flag {
    /// `DATA`: the sender can send nothing more until this is acknowledged.
    pub(crate) const ACK_NOW: u16 = 1;
    /// `ACK`, `CONFIRM`: the user paused; send nothing, whatever the limit says.
    pub(crate) const PAUSED: u16 = 2;
    /// `SYN-ACK`: the hash is known.
    pub(crate) const HASH: u16 = 4;
    /// `SYN`: the client proves what it acknowledges.
    pub(crate) const PROVES: u16 = 8;
}

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// Client: opens a download with a ticket. Padded, so that no answer is larger than the question.
    Syn = 1,
    /// Server: a nonce, the file's information, what was agreed.
    SynAck = 2,
    /// Client: the nonce back; the information is confirmed, data may flow.
    Confirm = 3,
    /// Server: a segment.
    Data = 4,
    /// Client: a cumulative acknowledgment.
    Ack = 5,
    /// Server: says nothing new, asks for an acknowledgment (RFC 9293 §3.8.6.1, zero-window probing).
    Probe = 6,
    /// Server: everything was acknowledged, and this is the file's hash.
    End = 7,
    /// Client: has everything.
    EndAck = 8,
    /// Either: it is over, and why.
    Reset = 9,
    /// Server: prove that you are at this address.
    PathChallenge = 10,
    /// Client: here I am.
    PathResponse = 11,
}

impl Kind {
    /// Every kind, in the order of their numbers.
    pub const ALL: [Self; 11] = [
        Self::Syn,
        Self::SynAck,
        Self::Confirm,
        Self::Data,
        Self::Ack,
        Self::Probe,
        Self::End,
        Self::EndAck,
        Self::Reset,
        Self::PathChallenge,
        Self::PathResponse,
    ];

    /// Its word in traces, and in faults that name packets.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syn => "syn",
            Self::SynAck => "syn-ack",
            Self::Confirm => "confirm",
            Self::Data => "data",
            Self::Ack => "ack",
            Self::Probe => "probe",
            Self::End => "end",
            Self::EndAck => "end-ack",
            Self::Reset => "reset",
            Self::PathChallenge => "path-challenge",
            Self::PathResponse => "path-response",
        }
    }

    /// The kind of that word.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    fn decode(byte: u8) -> Result<Self, DecodeError> {
        Self::ALL.into_iter().find(|&kind| kind as u8 == byte).ok_or(DecodeError::Kind(byte))
    }
}

/// The decoded header. The checksum is not in it: see [`super::seal`] and [`super::is_sealed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the packet is for.
    pub kind: Kind,
    pub(super) flags: u16,
    /// Which download it belongs to.
    pub transfer: TransferId,
    /// Counts this side's datagrams of this download, from 1. What is sent again has a number of its own.
    pub transmission: u64,
}

impl Header {
    /// Appends the header's bytes, with a checksum of zero.
    pub(super) fn encode(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&[VERSION, self.kind as u8]);
        to.extend_from_slice(&self.flags.to_be_bytes());
        to.extend_from_slice(&[0; 4]);
        to.extend_from_slice(&self.transfer.0.to_be_bytes());
        to.extend_from_slice(&self.transmission.to_be_bytes());
    }

    /// Reads the header at the front of a datagram.
    ///
    /// # Errors
    /// Too short, another version, an unknown kind.
    pub fn decode(datagram: &[u8]) -> Result<Self, DecodeError> {
        let Some(header) = datagram.first_chunk::<HEADER_LEN>() else {
            return Err(DecodeError::TooShort { length: datagram.len(), expected: HEADER_LEN });
        };
        if header[field::VERSION] != VERSION {
            return Err(DecodeError::Version(header[field::VERSION]));
        }
        let mut rest = Reader(&header[field::FLAGS.start..]);
        let flags = rest.u16();
        let kind = Kind::decode(header[field::KIND])?;
        let mut rest = Reader(&header[field::TRANSFER.start..]);
        Ok(Self { kind, flags, transfer: TransferId(rest.u64()), transmission: rest.u64() })
    }

    pub(super) const fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

const _: () =
    assert!(field::TRANSMISSION.start == field::TRANSFER.end && field::FLAGS.start == field::KIND + 1);

/// Takes fixed-width integers off the front of a slice whose length was checked before. Past its end it reads
/// zeros, so that a wrong check is a wrong number and never a panic.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        match self.0.split_first_chunk::<N>() {
            Some((&front, rest)) => {
                self.0 = rest;
                front
            }
            None => {
                self.0 = &[];
                [0; N]
            }
        }
    }

    pub(super) fn u8(&mut self) -> u8 {
        u8::from_be_bytes(self.array())
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_be_bytes(self.array())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_be_bytes(self.array())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.array())
    }
}
