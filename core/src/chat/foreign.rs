//! Recognising that whoever connected speaks another protocol.
//!
//! The chat reads lines, and passes over what is no frame, so that people can type it. That patience makes it a target:
//! a web page can have a browser send a request whose body is a frame, and the lines of the header before it would be
//! mistakes to pass over. So the first line of a connection is looked at, and whoever begins as another protocol does is
//! not read any further.

use core::fmt;

/// Bytes of a beginning that are looked at before its line has ended.
pub const BEGINNING_BYTES: usize = 32;

/// A protocol that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Foreign {
    /// A request or an answer of HTTP, or of a protocol with its lines: RTSP, SIP, ICAP.
    Http,
    /// A TLS record with a handshake. RFC 8446 §5.1: type 22, version 3.
    Tls,
    /// A header of the PROXY protocol, where none is expected.
    Proxy,
    /// An SSH identification. RFC 4253 §4.2.
    Ssh,
    /// A version of RFB, that is VNC. RFC 6143 §7.1.1.
    Rfb,
    /// The greeting of a mail client. RFC 5321 §4.1.1.1, RFC 2033 §4.1.
    Smtp,
    /// The first line of an IRC client.
    Irc,
    /// A NUL: no UTF-8 text that is typed or encoded as JSON has one. STUN, SOCKS, RDP, SMB, databases, UTF-16.
    Binary,
}

/// The signature of version 2 of the PROXY protocol. It begins with two empty lines, which our own lines may have.
pub const PROXY_V2_SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";

impl Foreign {
    /// Returns the protocol of a connection that began with these bytes, if it can be known already. No line
    /// has ended yet that was not empty.
    pub fn of_beginning(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..BEGINNING_BYTES).unwrap_or(bytes);
        match bytes {
            [0x16, 0x03, ..] => Some(Self::Tls),
            _ if bytes.starts_with(&PROXY_V2_SIGNATURE) => Some(Self::Proxy),
            _ if bytes.contains(&0) => Some(Self::Binary),
            _ => None,
        }
    }

    /// Returns the protocol of a connection, if it is not ours, by its first line that is not empty. `line`
    /// comes without its end.
    pub fn of_line(line: &[u8]) -> Option<Self> {
        let begins = |with: &[u8]| line.starts_with(with);
        let word = |word: &[u8]| {
            let first = line.split(|byte| *byte == b' ').next().unwrap_or_default();
            first.eq_ignore_ascii_case(word)
        };
        match Self::of_beginning(line) {
            Some(foreign) => Some(foreign),
            None if begins(b"PROXY TCP4 ") || begins(b"PROXY TCP6 ") || begins(b"PROXY UNKNOWN") => {
                Some(Self::Proxy)
            }
            None if begins(b"SSH-") => Some(Self::Ssh),
            None if begins(b"RFB 00") => Some(Self::Rfb),
            None if word(b"EHLO") || word(b"HELO") || word(b"LHLO") => Some(Self::Smtp),
            None if begins(b"CAP LS") => Some(Self::Irc),
            None if is_http(line) => Some(Self::Http),
            None => None,
        }
    }
}

/// Returns true if a line is the first of a request (`POST /path HTTP/1.1`) or of an answer
/// (`HTTP/1.1 200 OK`). RFC 9112 §3, §4. The target may be anything: a method and a path are a web page's to
/// choose, the version behind them is not.
fn is_http(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (Some(first), Some(second)) = (words.next(), words.next()) else { return false };
    is_version(first) && second.iter().all(u8::is_ascii_digit) || words.next_back().is_some_and(is_version)
}

/// `HTTP/1.1`, `RTSP/1.0`, `SIP/2.0`.
fn is_version(word: &[u8]) -> bool {
    let Some(at) = word.iter().position(|byte| *byte == b'/') else { return false };
    let (name, version) = word.split_at(at);
    let is_name = [&b"HTTP"[..], b"RTSP", b"SIP", b"ICAP"].contains(&name);
    is_name
        && matches!(version, [b'/', major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit())
}

impl fmt::Display for Foreign {
    /// As in "it was spoken to in …".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Tls => "TLS",
            Self::Proxy => "the PROXY protocol, which is taken from configured addresses only",
            Self::Ssh => "SSH",
            Self::Rfb => "RFB (VNC)",
            Self::Smtp => "SMTP",
            Self::Irc => "IRC",
            Self::Binary => "a binary protocol, or in UTF-16",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_greetings_of_other_protocols_are_known() {
        let lines: [(&[u8], Foreign); 14] = [
            (b"POST / HTTP/1.1", Foreign::Http),
            (b"GET /a%20b?c HTTP/1.0", Foreign::Http),
            (b"x y z HTTP/1.1", Foreign::Http),
            (b"PRI * HTTP/2.0", Foreign::Http),
            (b"OPTIONS rtsp://h/ RTSP/1.0", Foreign::Http),
            (b"HTTP/1.1 200 OK", Foreign::Http),
            (b"SSH-2.0-OpenSSH_9.7", Foreign::Ssh),
            (b"RFB 003.008", Foreign::Rfb),
            (b"EHLO mail.example", Foreign::Smtp),
            (b"helo x", Foreign::Smtp),
            (b"CAP LS 302", Foreign::Irc),
            (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2", Foreign::Proxy),
            (b"h\0i\0", Foreign::Binary),
            (b"\x16\x03\x01\x02\x00\x01", Foreign::Tls),
        ];
        for (line, expected) in lines {
            assert_eq!(Foreign::of_line(line), Some(expected), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn binary_protocols_are_known_before_a_line_has_ended() {
        let beginnings: [(&[u8], Foreign); 6] = [
            (b"\x16\x03\x01", Foreign::Tls),
            (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", Foreign::Proxy),
            // STUN (RFC 8489 §5), SOCKS5 (RFC 1928 §3), PostgreSQL's SSLRequest, RDP.
            (b"\x00\x03\x00\x08\x21\x12\xa4\x42", Foreign::Binary),
            (b"\x05\x01\x00", Foreign::Binary),
            (b"\0\0\0\x08\x04\xd2\x16\x2f", Foreign::Binary),
            (b"\x03\0\0\x13", Foreign::Binary),
        ];
        for (bytes, expected) in beginnings {
            assert_eq!(Foreign::of_beginning(bytes), Some(expected), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_people_type_is_not_taken_for_one() {
        for line in [
            "hello",
            "GET /",
            "POST it",
            "what is HTTP",
            "is it HTTP/1",
            "/join ann",
            "{\"type\":\"join\"}",
            "{\"type\":\"say\",\"text\":\"GET / HTTP/1.1\"}",
            "ssh ann@example",
            "proxy",
            "nick ann",
            "help",
            "ehlos",
            "\u{1b}[A",
            "   ",
            "größe",
            "\u{16}x",
        ] {
            assert_eq!(Foreign::of_line(line.as_bytes()), None, "{line:?}");
        }
    }

    proptest! {
        #[test]
        fn a_frame_is_never_taken_for_another_protocol(text in "\\PC{0,200}") {
            let request = crate::chat::Request::Say { text: text.into(), action: false };
            let line = crate::chat::ClientFrame { request, id: None }.encode();
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            prop_assert_eq!(Foreign::of_line(line), None);
        }

        #[test]
        fn any_request_line_is_taken_for_http(method in "[!-~]{1,20}", target in "[!-~]{1,200}") {
            let line = format!("{method} {target} HTTP/1.1");
            prop_assert!(Foreign::of_line(line.as_bytes()).is_some());
        }
    }
}
