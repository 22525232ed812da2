//! Headers as HAProxy writes them, and connections in memory.

use proptest::prelude::*;
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;

use super::*;

/// A header: what stands behind the signature.
fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [&PROXY_V2_SIGNATURE[..], &[command, family], &length, rest].concat()
}

fn parse(bytes: &[u8]) -> Result<Proxied, BadHeader> {
    let (fixed, rest) = bytes.split_first_chunk::<FIXED_BYTES>().unwrap();
    parse_header(fixed, rest)
}

const V4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 7, 0xdc, 0x04, 0xd6, 0xd8];

#[test]
fn the_source_of_a_header_is_the_peer() {
    let peer = SocketAddr::from(([192, 0, 2, 1], 56324));
    assert_eq!(parse(&header(0x21, 0x11, &V4)), Ok(Proxied::From(peer)));
    // TLVs may follow, and are passed over.
    let with_tlv = [&V4[..], &[0x04, 0, 3, 1, 2, 3]].concat();
    assert_eq!(parse(&header(0x21, 0x11, &with_tlv)), Ok(Proxied::From(peer)));
    let source: Ipv6Addr = "2001:db8::7".parse().unwrap();
    let v6 = [&source.octets()[..], &[0; 16], &[0x12, 0x34, 0, 1]].concat();
    assert_eq!(parse(&header(0x21, 0x21, &v6)), Ok(Proxied::From(SocketAddr::from((source, 0x1234)))));
    // IPv4 in IPv6's clothes is counted as what it is.
    let mapped: Ipv6Addr = "::ffff:192.0.2.1".parse().unwrap();
    let v6 = [&mapped.octets()[..], &[0; 16], &[0xdc, 0x04, 0, 1]].concat();
    assert_eq!(parse(&header(0x21, 0x21, &v6)), Ok(Proxied::From(peer)));
}

#[test]
fn the_proxy_itself_asks_whether_we_are_alive() {
    for rest in [&[][..], &V4] {
        assert_eq!(parse(&header(0x20, 0x00, rest)), Ok(Proxied::Itself));
        assert_eq!(parse(&header(0x20, 0x77, rest)), Ok(Proxied::Itself));
        assert_eq!(parse(&header(0x21, 0x00, rest)), Ok(Proxied::Itself));
    }
}

#[test]
fn what_is_no_header_is_told() {
    assert_eq!(parse(b"PROXY TCP4 192.0.2.1 "), Err(BadHeader::NoSignature));
    assert_eq!(parse(&header(0x11, 0x11, &V4)), Err(BadHeader::VersionOrCommand(0x11)));
    assert_eq!(parse(&header(0x22, 0x11, &V4)), Err(BadHeader::VersionOrCommand(0x22)));
    assert_eq!(parse(&header(0x21, 0x12, &V4)), Err(BadHeader::Protocol(0x12)));
    assert_eq!(parse(&header(0x21, 0x11, &V4[..11])), Err(BadHeader::Length(11)));
    assert_eq!(parse(&header(0x21, 0x21, &V4)), Err(BadHeader::Length(12)));
    let long = header(0x21, 0x11, &[0; MOST_BYTES + 1]);
    assert_eq!(parse(&long), Err(BadHeader::Length(MOST_BYTES + 1)));
}

#[test]
fn ranges_are_read_and_contain_their_addresses() {
    let range = |text: &str| text.parse::<CidrBlock>();
    let contains = |text: &str, ip: &str| range(text).unwrap().contains(ip.parse().unwrap());
    assert!(contains("127.0.0.1", "127.0.0.1") && contains("127.0.0.1", "::ffff:127.0.0.1"));
    assert!(!contains("127.0.0.1", "127.0.0.2") && !contains("127.0.0.1", "::1"));
    assert!(contains("10.0.0.0/8", "10.255.0.1") && !contains("10.0.0.0/8", "11.0.0.1"));
    assert!(contains("0.0.0.0/0", "203.0.113.9") && contains("::/0", "2001:db8::1"));
    assert!(contains("fd00::/8", "fdff::1") && !contains("fd00::/8", "fe00::1"));
    for wrong in
        ["", "localhost", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/+8", "10.0.0.256", "1.2.3.4/8/8"]
    {
        assert_eq!(range(wrong), Err(BadCidrBlock), "{wrong:?}");
    }
    for text in ["127.0.0.1", "10.0.0.0/8", "fd00::/8", "::1"] {
        assert_eq!(range(text).unwrap().to_string(), text);
    }
}

proptest! {
    #[test]
    fn no_header_makes_it_panic(command: u8, family: u8, rest in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&header(command, family, &rest));
    }

    #[test]
    fn no_bytes_make_it_panic(fixed: [u8; FIXED_BYTES], rest in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(rest_of_header(&fixed).is_err());
        prop_assert!(parse_header(&fixed, &rest).is_err());
    }
}

/// Connections that are handed in.
struct Given(mpsc::Receiver<(DuplexStream, SocketAddr)>);

impl Listener for Given {
    type Stream = DuplexStream;
    fn local_addr(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], 1))
    }
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<(DuplexStream, SocketAddr)>> {
        match self.0.poll_recv(cx) {
            Poll::Ready(Some(given)) => Poll::Ready(Ok(given)),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }
}

async fn accept(listener: &mut ProxyListener<Given>) -> io::Result<(DuplexStream, SocketAddr)> {
    std::future::poll_fn(|cx| listener.poll_accept(cx)).await
}

#[tokio::test(start_paused = true)]
async fn a_slow_proxy_holds_nobody_up_and_who_is_no_proxy_cannot_name_a_peer() {
    let (give, given) = mpsc::channel(8);
    let mut listener = ProxyListener::new(Given(given), vec!["127.0.0.1".parse().unwrap()]);
    let proxy = SocketAddr::from(([127, 0, 0, 1], 9));
    let other = SocketAddr::from(([192, 0, 2, 9], 9));
    let connect = async |peer| {
        let (near, far) = duplex(4096);
        give.send((far, peer)).await.unwrap();
        near
    };
    let mut silent = connect(proxy).await;
    let mut lying = connect(proxy).await;
    lying.write_all(b"{\"type\":\"join\",\"nick\":\"ann\"}\n").await.unwrap();
    let mut passed = connect(proxy).await;
    let bytes = [&header(0x21, 0x11, &V4)[..], b"hello\n"].concat();
    for byte in bytes {
        passed.write_all(&[byte]).await.unwrap();
    }
    let mut direct = connect(other).await;
    direct.write_all(&header(0x21, 0x11, &V4)).await.unwrap();

    let mut taken = [accept(&mut listener).await.unwrap(), accept(&mut listener).await.unwrap()];
    taken.sort_by_key(|(_, peer)| peer.port());
    let [(mut from_other, at), (mut from_peer, peer)] = taken;
    assert_eq!((at, peer), (other, SocketAddr::from(([192, 0, 2, 1], 56324))));
    let mut line = [0; 6];
    from_peer.read_exact(&mut line).await.unwrap();
    assert_eq!(&line, b"hello\n", "what follows the header is the connection's");
    let mut first = [0; 12];
    from_other.read_exact(&mut first).await.unwrap();
    assert_eq!(first, PROXY_V2_SIGNATURE, "for the chat to see, which closes it");

    // The other two are closed: one at once, one when its time is over.
    assert!(tokio::time::timeout(2 * HEADER_TIMEOUT, accept(&mut listener)).await.is_err());
    for closed in [&mut lying, &mut silent] {
        assert_eq!(closed.read(&mut [0]).await.unwrap(), 0);
    }
}
