//! Streams in memory: no socket is slow or fast here.

use std::future::poll_fn;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// Waits for the next stream that is named.
async fn next(streams: &mut Streams<DuplexStream>) -> StreamId {
    poll_fn(|cx| streams.poll_ready(cx)).await
}

/// Reads once.
fn read(streams: &mut Streams<DuplexStream>, name: u64) -> (Read, Vec<u8>) {
    let mut buffer = Vec::new();
    (streams.read(StreamId(name), &mut buffer), buffer)
}

/// `count` streams and their other ends, all found idle once.
async fn idle(count: u64, buffer: usize) -> (Streams<DuplexStream>, Vec<DuplexStream>) {
    let mut streams = Streams::new();
    let mut peers = Vec::new();
    for name in 0..count {
        let (here, there) = duplex(buffer);
        streams.insert(StreamId(name), here);
        peers.push(there);
    }
    for name in 0..count {
        assert_eq!(next(&mut streams).await, StreamId(name));
        assert_eq!(read(&mut streams, name).0, Read::Blocked);
    }
    (streams, peers)
}

#[tokio::test]
async fn of_thousands_only_who_was_woken_is_named() {
    let (mut streams, mut peers) = idle(5_000, 64).await;
    assert_eq!(streams.take(), None);
    for name in [4_321, 7] {
        peers[name].write_all(b"hello").await.unwrap();
    }
    assert_eq!(next(&mut streams).await, StreamId(4_321));
    assert_eq!(read(&mut streams, 4_321), (Read::Bytes, b"hello".to_vec()));
    assert_eq!(next(&mut streams).await, StreamId(7));
    assert_eq!(read(&mut streams, 7), (Read::Bytes, b"hello".to_vec()));
    // Who had something to read is looked at once more, behind the others.
    assert_eq!(next(&mut streams).await, StreamId(4_321));
    assert_eq!(read(&mut streams, 4_321).0, Read::Blocked);
    assert_eq!(next(&mut streams).await, StreamId(7));
    assert_eq!(read(&mut streams, 7).0, Read::Blocked);
    assert_eq!(streams.take(), None);
}

#[tokio::test]
async fn a_wake_up_while_nobody_waits_is_not_lost() {
    let (mut streams, mut peers) = idle(3, 64).await;
    let cancelled = tokio::select! {
        biased;
        name = next(&mut streams) => Some(name),
        () = std::future::ready(()) => None,
    };
    assert_eq!(cancelled, None);
    peers[1].write_all(b"x").await.unwrap();
    assert_eq!(next(&mut streams).await, StreamId(1));
}

#[tokio::test]
async fn a_waiting_task_is_woken() {
    let (mut streams, mut peers) = idle(3, 64).await;
    let (name, ()) = tokio::join!(next(&mut streams), async {
        tokio::task::yield_now().await;
        peers[2].write_all(b"x").await.unwrap();
    });
    assert_eq!(name, StreamId(2));
}

#[tokio::test]
async fn a_full_stream_is_named_when_there_is_room_again() {
    let (mut streams, mut peers) = idle(1, 8).await;
    let name = StreamId(0);
    let frames = [IoSlice::new(b"abcde"), IoSlice::new(b"fghij")];
    let mut taken = 0;
    while let Write::Taken(count) = streams.write(name, &frames) {
        taken += count;
    }
    assert!(taken >= 5, "as much as fits");
    assert_eq!(streams.take(), None);
    let mut read = [0; 8];
    let count = peers[0].read(&mut read).await.unwrap();
    assert!(count > 0);
    assert_eq!(next(&mut streams).await, name);
    assert!(matches!(streams.write(name, &[IoSlice::new(b"k")]), Write::Taken(1)));
}

#[tokio::test]
async fn one_who_sends_without_end_does_not_starve_the_others() {
    let (mut streams, mut peers) = idle(2, 4 * READ_MAX).await;
    peers[0].write_all(&vec![0; 4 * READ_MAX]).await.unwrap();
    peers[1].write_all(b"x").await.unwrap();
    assert_eq!(next(&mut streams).await, StreamId(0));
    let (bytes, buffer) = read(&mut streams, 0);
    assert_eq!((bytes, buffer.len()), (Read::Bytes, READ_MAX));
    assert_eq!(next(&mut streams).await, StreamId(1));
}

#[tokio::test]
async fn the_end_of_a_stream_is_told_and_the_other_direction_stays_open() {
    let (mut streams, mut peers) = idle(1, 64).await;
    peers[0].shutdown().await.unwrap();
    assert_eq!(next(&mut streams).await, StreamId(0));
    assert_eq!(read(&mut streams, 0).0, Read::Finished);
    assert!(matches!(streams.write(StreamId(0), &[IoSlice::new(b"bye")]), Write::Taken(3)));
    streams.shut_down(StreamId(0));
    let mut rest = Vec::new();
    peers[0].read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"bye");
}

#[tokio::test]
async fn a_stream_that_is_gone_is_not_named_and_answers_with_an_error() {
    let (mut streams, mut peers) = idle(2, 64).await;
    peers[0].write_all(b"x").await.unwrap();
    streams.remove(StreamId(0)).unwrap();
    assert_eq!(streams.take(), None);
    assert_eq!(read(&mut streams, 0).0, Read::Failed);
    assert!(matches!(streams.write(StreamId(0), &[IoSlice::new(b"x")]), Write::Failed));
    streams.queue(StreamId(0));
    assert_eq!((streams.take(), streams.slots.len()), (None, 1));
}

#[test]
fn an_idle_stream_costs_little_beyond_itself() {
    let slot = size_of::<Slot<tokio::net::TcpStream>>() + size_of::<Name>() + 2 * size_of::<usize>();
    assert!(slot <= 256, "{slot} bytes");
}
