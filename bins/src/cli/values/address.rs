//! A host and a port, as people type them: `example.org`, `127.0.0.1:55000`, `[::1]:55000`, `::1`.
//!
//! Names are not resolved here: parsing asks nobody.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use backchat_core::text::visible;

/// A host, by name or address, and a port where one was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostPort {
    host: String,
    port: Option<u16>,
}

impl HostPort {
    /// The host: a name or an address, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, or `default` where none was written.
    pub fn port_or(&self, default: u16) -> u16 {
        self.port.unwrap_or(default)
    }

    /// The same host, its port written out.
    #[must_use]
    pub fn with_default_port(self, default: u16) -> Self {
        Self { port: Some(self.port_or(default)), ..self }
    }
}

/// Why a text is not a host and a port.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// Nothing stands before the port, or nothing at all.
    #[error("the host is missing: expected HOST or HOST:PORT, such as 127.0.0.1:55000")]
    NoHost,
    /// The port is not a number from 0 to 65535.
    #[error("'{0}' is not a port: expected a number from 0 to 65535")]
    BadPort(String),
    /// The brackets hold no IPv6 address, or something stands behind them.
    #[error("expected an IPv6 address in brackets, such as [::1]:55000")]
    BadBrackets,
    /// A character no host name has.
    #[error("a host name cannot hold '{0}'")]
    BadHost(String),
    /// Colons that are neither an address' nor a port's.
    #[error("an IPv6 address with a port stands in brackets, such as [::1]:55000")]
    NoBrackets,
}

impl From<SocketAddr> for HostPort {
    fn from(address: SocketAddr) -> Self {
        Self { host: crate::net::host_of(address), port: Some(address.port()) }
    }
}

impl FromStr for HostPort {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let text = text.trim();
        if let Some(inner) = text.strip_prefix('[') {
            let (address, rest) = inner.split_once(']').ok_or(BadAddress::BadBrackets)?;
            if !is_ipv6(address) {
                return Err(BadAddress::BadBrackets);
            }
            let port = match rest.strip_prefix(':') {
                Some(port) => Some(parse_port(port)?),
                None if rest.is_empty() => None,
                None => return Err(BadAddress::BadBrackets),
            };
            return Ok(Self { host: address.to_owned(), port });
        }
        if text.parse::<IpAddr>().is_ok() || is_ipv6(text) {
            return Ok(Self { host: text.to_owned(), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(parse_port(port)?)),
            None => (text, None),
        };
        if is_ipv6(host) {
            return Err(BadAddress::NoBrackets);
        }
        if host.is_empty() {
            return Err(BadAddress::NoHost);
        }
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        if let Some(bad) = host.chars().find(|c| !allowed(*c)) {
            return Err(BadAddress::BadHost(visible(bad.encode_utf8(&mut [0; 4])).to_string()));
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

/// Whether this is an IPv6 address, perhaps with a scope (`fe80::1%eth0`, RFC 4007 §11). What the scope means is for the
/// resolver to know; here it holds nothing that no interface's name holds.
fn is_ipv6(text: &str) -> bool {
    let (literal, scope) = match text.split_once('%') {
        Some((literal, scope)) => (literal, Some(scope)),
        None => (text, None),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let is_scope = |scope: &str| !scope.is_empty() && scope.chars().all(allowed);
    literal.parse::<Ipv6Addr>().is_ok() && scope.is_none_or(is_scope)
}

fn parse_port(text: &str) -> Result<u16, BadAddress> {
    // `parse` alone would also take "+1".
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = if digits { text.parse().ok() } else { None };
    port.ok_or_else(|| BadAddress::BadPort(visible(text).to_string()))
}

impl fmt::Display for HostPort {
    /// As it can be typed: an IPv6 address in brackets where a port follows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) if self.host.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

super::serde_as_text!(HostPort, "an address as a string, such as \"127.0.0.1:55000\"");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_and_ports_are_told_apart() {
        for (text, host, port) in [
            ("example.org", "example.org", None),
            ("example.org:55001", "example.org", Some(55001)),
            ("localhost:0", "localhost", Some(0)),
            ("127.0.0.1", "127.0.0.1", None),
            ("0.0.0.0:55000", "0.0.0.0", Some(55000)),
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::1]:7", "::1", Some(7)),
            ("[fe80::1%eth0]:7", "fe80::1%eth0", Some(7)),
            ("fe80::1%wlp2s0.10", "fe80::1%wlp2s0.10", None),
            ("grün.example", "grün.example", None),
        ] {
            let parsed: HostPort = text.parse().expect(text);
            assert_eq!((parsed.host(), parsed.port), (host, port), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, expected) in [
            ("", BadAddress::NoHost),
            (":55000", BadAddress::NoHost),
            ("host:", BadAddress::BadPort(String::new())),
            ("host:http", BadAddress::BadPort("http".into())),
            ("host:65536", BadAddress::BadPort("65536".into())),
            ("host:+1", BadAddress::BadPort("+1".into())),
            ("[::1", BadAddress::BadBrackets),
            ("[::1]7", BadAddress::BadBrackets),
            ("[host]:7", BadAddress::BadBrackets),
            ("a/b:7", BadAddress::BadHost("/".into())),
            ("http://host:7", BadAddress::BadHost(":".into())),
            ("fd00::2:44000", BadAddress::NoBrackets),
            ("fe80::1%eth0:7", BadAddress::NoBrackets),
            ("[fe80::1%]:7", BadAddress::BadBrackets),
            ("[fe80::1%\u{1b}]:7", BadAddress::BadBrackets),
            ("a\u{1b}b", BadAddress::BadHost("\\u{1b}".into())),
        ] {
            assert_eq!(text.parse::<HostPort>(), Err(expected), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_address_prints_as_what_parses_to_it(address: SocketAddr) {
            let parsed: HostPort = address.to_string().parse().expect("an address");
            prop_assert_eq!(parsed.to_string(), address.to_string());
            prop_assert_eq!(HostPort::from(address), parsed);
        }

        #[test]
        fn any_text_is_an_address_or_an_error(text: String) {
            let _ = text.parse::<HostPort>();
        }
    }
}
