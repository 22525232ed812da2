//! Real sockets on loopback.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;

async fn bound(ip: impl Into<IpAddr>) -> UdpSocket {
    UdpSocket::bind(SocketAddr::new(ip.into(), 0)).await.unwrap()
}

fn to(socket: &UdpSocket, ip: impl Into<IpAddr>) -> Path {
    Path { remote: SocketAddr::new(ip.into(), socket.local_addr().port()), local: None }
}

/// Takes in `expected` datagrams: each with its path.
async fn receive(socket: &mut UdpSocket, expected: usize) -> Vec<(Path, Vec<u8>)> {
    let mut batch = Batch::new();
    let mut datagrams = Vec::new();
    while datagrams.len() < expected {
        std::future::poll_fn(|cx| socket.poll_readable(cx)).await.unwrap();
        match socket.try_recv(&mut batch) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => panic!("{error}"),
        }
        for group in batch.groups() {
            datagrams
                .extend(group.bytes.chunks(group.stride).map(|datagram| (group.path, datagram.to_vec())));
        }
    }
    datagrams
}

#[tokio::test]
async fn the_first_send_on_a_fresh_socket_is_taken() {
    let (mut here, mut there) = (bound(Ipv4Addr::LOCALHOST).await, bound(Ipv4Addr::LOCALHOST).await);
    assert_eq!(here.try_send(&to(&there, Ipv4Addr::LOCALHOST), b"hello", 5).unwrap(), 5);
    let got = receive(&mut there, 1).await;
    assert_eq!(got, [(Path { remote: here.local_addr(), local: None }, b"hello".to_vec())]);
}

#[tokio::test]
async fn a_batch_arrives_as_the_datagrams_that_were_sent() {
    let (mut here, mut there) = (bound(Ipv4Addr::LOCALHOST).await, bound(Ipv4Addr::LOCALHOST).await);
    let segment = 1_452;
    let bytes: Vec<u8> = (0..44 * segment + 7).map(|i| (i / segment) as u8).collect();
    assert_eq!(here.try_send(&to(&there, Ipv4Addr::LOCALHOST), &bytes, segment).unwrap(), bytes.len());
    let got = receive(&mut there, 45).await;
    let got: Vec<&[u8]> = got.iter().map(|(_, datagram)| datagram.as_slice()).collect();
    assert_eq!(got, bytes.chunks(segment).collect::<Vec<_>>());
}

#[tokio::test]
async fn sending_one_by_one_puts_the_same_datagrams_on_the_wire() {
    let (mut here, mut there) = (bound(Ipv4Addr::LOCALHOST).await, bound(Ipv4Addr::LOCALHOST).await);
    here.segments = 1;
    let bytes = [7; 2_500];
    assert_eq!(here.try_send(&to(&there, Ipv4Addr::LOCALHOST), &bytes, 1_000).unwrap(), 2_500);
    let lengths: Vec<usize> =
        receive(&mut there, 3).await.iter().map(|(_, datagram)| datagram.len()).collect();
    assert_eq!(lengths, [1_000, 1_000, 500]);
}

#[tokio::test]
async fn a_socket_bound_to_all_answers_from_the_address_that_was_asked() {
    let mut server = bound(Ipv4Addr::UNSPECIFIED).await;
    let mut client = bound(Ipv4Addr::LOCALHOST).await;
    let asked = Ipv4Addr::new(127, 0, 0, 9);
    client.try_send(&to(&server, asked), b"ask", 3).unwrap();
    let (path, _) = receive(&mut server, 1).await.remove(0);
    assert_eq!(path, Path { remote: client.local_addr(), local: Some(asked.into()) });
    server.try_send(&path, b"answer", 6).unwrap();
    let (path, _) = receive(&mut client, 1).await.remove(0);
    assert_eq!(path.remote, SocketAddr::new(asked.into(), server.local_addr().port()));
}

#[tokio::test]
async fn a_dual_stack_socket_answers_an_ipv4_peer_from_the_address_that_was_asked() {
    let Ok(mut server) = UdpSocket::bind(SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0))).await else {
        return; // a machine without IPv6
    };
    let mut client = bound(Ipv4Addr::LOCALHOST).await;
    let asked = Ipv4Addr::new(127, 0, 0, 9);
    let ask = to(&server, asked);
    if client.try_send(&ask, b"ask", 3).is_err() {
        return;
    }
    let (path, _) = receive(&mut server, 1).await.remove(0);
    let answer = [1; 3_000];
    server.try_send(&path, &answer, 1_000).unwrap();
    for (path, datagram) in receive(&mut client, 3).await {
        assert_eq!(path.remote.ip(), IpAddr::V4(asked));
        assert_eq!(datagram, [1; 1_000]);
    }
}

#[tokio::test]
async fn a_closed_port_and_an_impossible_address_are_datagrams_lost() {
    let mut here = bound(Ipv4Addr::LOCALHOST).await;
    let closed = bound(Ipv4Addr::LOCALHOST).await;
    let path = to(&closed, Ipv4Addr::LOCALHOST);
    drop(closed);
    let bytes = [0; 3_000];
    for path in [path, Path { remote: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), local: None }] {
        for _ in 0..3 {
            assert_eq!(here.try_send(&path, &bytes, 1_000).unwrap(), 3_000);
        }
    }
    assert_ne!(here.max_segments(), 1, "a peer cannot switch batches off");
    let error = here.try_recv(&mut Batch::new()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_full_buffer_takes_whole_datagrams_and_then_blocks() {
    // Nobody reads and the kernel may drop on loopback, so it is enough that a send answers with whole
    // datagrams or WouldBlock, whatever the buffers are.
    let (mut here, there) = (bound(Ipv4Addr::LOCALHOST).await, bound(Ipv4Addr::LOCALHOST).await);
    let bytes = vec![0; 50 * 1_200];
    for _ in 0..200 {
        match here.try_send(&to(&there, Ipv4Addr::LOCALHOST), &bytes, 1_200) {
            Ok(taken) => assert!(taken % 1_200 == 0 && taken > 0),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                break;
            }
        }
    }
}

#[tokio::test]
async fn the_kernels_real_receive_buffer_is_read_back() {
    let socket = bound(Ipv4Addr::LOCALHOST).await;
    let real = socket2::SockRef::from(&socket.io).recv_buffer_size().unwrap();
    assert_eq!(socket.receive_buffer(), real);
    assert!(real > 65_536, "a whole batch fits");
}

#[tokio::test]
async fn an_empty_datagram_is_left_out() {
    let (mut here, mut there) = (bound(Ipv4Addr::LOCALHOST).await, bound(Ipv4Addr::LOCALHOST).await);
    here.io.send_to(b"", there.local_addr()).await.unwrap();
    here.try_send(&to(&there, Ipv4Addr::LOCALHOST), b"x", 1).unwrap();
    assert_eq!(receive(&mut there, 1).await[0].1, b"x");
}
