//! Sending datagrams by the batch through a socket that may be full.

use std::io;
use std::ops::Range;

use backchat_core::node::{Path, Transmit};
use backchat_core::wire::SegmentBatch;

use crate::driver::outside::Sent;
use crate::files::NotHeld;
use crate::net::Udp;

/// The room that a batch is written into at first: the longest UDP payload.
const BUFFER_LEN: usize = 65_536;

/// What could not be sent at once, and what was lost.
#[derive(Debug)]
pub(super) struct Outgoing {
    buffer: Vec<u8>,
    /// The part of `buffer` that the socket did not take.
    waiting: Option<Waiting>,
    /// Datagrams that found another one waiting, or whose bytes were not there: the protocol sends them again.
    lost: u64,
}

#[derive(Debug)]
struct Waiting {
    path: Path,
    /// The first byte of `buffer` that was not taken.
    from: usize,
    segment: usize,
}

impl Outgoing {
    pub(super) fn new() -> Self {
        Self { buffer: Vec::with_capacity(BUFFER_LEN), waiting: None, lost: 0 }
    }

    /// Whether something waits for the socket.
    pub(super) fn is_blocked(&self) -> bool {
        self.waiting.is_some()
    }

    /// Gives up what waits.
    pub(super) fn clear(&mut self) {
        self.waiting = None;
    }

    /// Datagrams that were lost here.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Sends one datagram or one batch, whose bytes come from `fill`.
    pub(super) fn send(
        &mut self,
        udp: &mut impl Udp,
        transmit: Transmit,
        mut fill: impl FnMut(Range<u64>, &mut [u8]) -> Result<(), NotHeld>,
    ) -> Sent {
        let (path, segment) = match transmit {
            Transmit::Packet { path, packet } => {
                if self.is_blocked() {
                    self.lost += 1;
                    return Sent::Taken;
                }
                packet.write_into(&mut self.buffer);
                (path, self.buffer.len())
            }
            Transmit::Segments { path, batch } => {
                if self.is_blocked() || self.write(&batch, &mut fill).is_err() {
                    self.lost += batch.count() as u64;
                    return Sent::Taken;
                }
                (path, batch.datagram_len())
            }
        };
        self.waiting = Some(Waiting { path, from: 0, segment });
        self.resume(udp)
    }

    /// Tries what waits once more.
    pub(super) fn resume(&mut self, udp: &mut impl Udp) -> Sent {
        while let Some(waiting) = &mut self.waiting {
            let rest = self.buffer.get(waiting.from..).unwrap_or_default();
            if rest.is_empty() {
                self.waiting = None;
                break;
            }
            match udp.try_send(&waiting.path, rest, waiting.segment) {
                Ok(taken) => waiting.from += taken,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Blocked,
                Err(error) => {
                    tracing::error!(%error, "the socket for downloads is broken");
                    self.waiting = None;
                    return Sent::Broken;
                }
            }
        }
        Sent::Taken
    }

    fn write(
        &mut self,
        batch: &SegmentBatch,
        fill: &mut impl FnMut(Range<u64>, &mut [u8]) -> Result<(), NotHeld>,
    ) -> Result<(), NotHeld> {
        let mut result = Ok(());
        batch.write_into(&mut self.buffer, |range, place| {
            if result.is_ok() {
                result = fill(range, place);
            }
        });
        if let Err(error) = result {
            // Sealed zeros would be worse than nothing: they look like the file.
            tracing::error!(range = ?batch.range(), %error, "segments not sent");
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::task::{Context, Poll};

    use backchat_core::wire::{Body, Packet, ProofKey, TransferId};

    use super::*;
    use crate::net::Batch;

    /// A socket that takes so many bytes and then blocks.
    struct Narrow {
        room: usize,
        sent: Vec<u8>,
    }

    impl Narrow {
        fn new(room: usize) -> Self {
            Self { room, sent: Vec::new() }
        }
    }

    impl Udp for Narrow {
        fn local_addr(&self) -> SocketAddr {
            SocketAddr::from(([127, 0, 0, 1], 1))
        }
        fn max_segments(&self) -> usize {
            1
        }
        fn receive_buffer(&self) -> usize {
            0
        }
        fn poll_readable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_writable(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn try_send(&mut self, _: &Path, bytes: &[u8], segment: usize) -> io::Result<usize> {
            let taken = bytes.len().min(self.room / segment * segment);
            if taken == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            self.room -= taken;
            self.sent.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }
        fn try_recv(&mut self, _: &mut Batch) -> io::Result<()> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }

    fn path() -> Path {
        Path { remote: SocketAddr::from(([127, 0, 0, 1], 2)), local: None }
    }

    fn segments() -> (Transmit, usize) {
        let key = ProofKey::new([0; 16]);
        let batch = SegmentBatch::new(TransferId(1), 1, 0..1_000, 100, false, key).unwrap();
        let length = batch.total_len();
        (Transmit::Segments { path: path(), batch }, length)
    }

    #[test]
    fn what_a_full_socket_did_not_take_goes_first_when_there_is_room() {
        let (transmit, length) = segments();
        let mut udp = Narrow::new(length / 2);
        let mut outgoing = Outgoing::new();
        let fill = |_: Range<u64>, place: &mut [u8]| {
            place.fill(7);
            Ok(())
        };
        assert_eq!(outgoing.send(&mut udp, transmit.clone(), fill), Sent::Blocked);
        assert_eq!(outgoing.resume(&mut udp), Sent::Blocked);
        // What comes meanwhile is lost, and counted.
        let packet = Packet { transfer: TransferId(1), transmission: 1, body: Body::EndAck };
        let packet = Transmit::Packet { path: path(), packet };
        assert_eq!(outgoing.send(&mut udp, packet, fill), Sent::Taken);
        assert_eq!(outgoing.send(&mut udp, transmit, fill), Sent::Taken);
        assert_eq!(outgoing.lost(), 11);
        udp.room = length;
        assert_eq!(outgoing.resume(&mut udp), Sent::Taken);
        assert!(!outgoing.is_blocked());
        assert_eq!(udp.sent.len(), length);
    }

    #[test]
    fn segments_without_their_bytes_are_not_sent() {
        let mut udp = Narrow::new(usize::MAX / 2);
        let mut outgoing = Outgoing::new();
        assert_eq!(outgoing.send(&mut udp, segments().0, |_, _| Err(NotHeld)), Sent::Taken);
        assert!(udp.sent.is_empty());
        assert_eq!(outgoing.lost(), 10);
    }
}
