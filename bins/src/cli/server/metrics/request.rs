//! What may be asked, and how refusals look: as much of HTTP/1.1 (RFC 9112) as two pages need.
//!
//! A page of the web can have a name of its own stand for this machine (DNS rebinding), and then reads what is answered to
//! a browser here. The browser still says the name that it was given, in `Host`: a name that nobody has chosen for this
//! server is refused.

use std::net::IpAddr;

/// Most bytes of a request before its empty line. Browsers with their cookies stay below it.
pub(super) const HEAD_MAX: usize = 8 * 1024;

/// A request for a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: Method,
    pub(super) page: Page,
}

/// The pages that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// Counters.
    Metrics,
    /// Whether the server is well.
    Health,
}

impl Page {
    const ALL: [Self; 2] = [Self::Metrics, Self::Health];

    const fn path(self) -> &'static str {
        match self {
            Self::Metrics => "/metrics",
            Self::Health => "/healthz",
        }
    }
}

/// What is done with the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// It is sent.
    Get,
    /// Its length is.
    Head,
}

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It is not HTTP.
    Malformed,
    /// It is about another page.
    NotFound,
    /// It is to change something.
    NotAllowed,
    /// It has more than [`HEAD_MAX`] bytes.
    TooLarge,
    /// It is for a server of another name.
    Misdirected,
    /// It is of another HTTP.
    Version,
    /// The server is about to end, or its loop does not turn.
    Unavailable,
}

impl Refusal {
    /// All that is sent.
    pub(super) fn response(self) -> String {
        let (status, headers) = match self {
            Self::Malformed => ("400 Bad Request", ""),
            Self::NotFound => ("404 Not Found", ""),
            Self::NotAllowed => ("405 Method Not Allowed", "Allow: GET, HEAD\r\n"),
            Self::Misdirected => ("421 Misdirected Request", ""),
            Self::TooLarge => ("431 Request Header Fields Too Large", ""),
            Self::Version => ("505 HTTP Version Not Supported", ""),
            Self::Unavailable => ("503 Service Unavailable", ""),
        };
        let body = match self {
            Self::Misdirected => {
                format!("{status}; this name is not one of the server's: --metrics-host NAME makes it one\n")
            }
            _ => format!("{status}; there is {} and {}\n", Page::Metrics.path(), Page::Health.path()),
        };
        response(status, "text/plain; charset=utf-8", headers, body.len(), &body)
    }
}

/// The names that the server is asked by, beside addresses and `localhost`, which no page of the web has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cli::server) struct Hosts(Vec<String>);

impl Hosts {
    /// These names.
    pub(in crate::cli::server) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(normal).collect())
    }

    /// Whether `host`, which may have a port, is one of ours.
    fn has(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((address, _)) => address,
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        name.parse::<IpAddr>().is_ok() || {
            let name = normal(name);
            name == "localhost" || self.0.contains(&name)
        }
    }
}

/// Names are the same in capitals, and with the dot of the root.
fn normal(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

impl Head {
    /// Reads a request from what has arrived of it; `None` while its end is missing.
    pub(super) fn read(bytes: &[u8], hosts: &Hosts) -> Option<Result<Self, Refusal>> {
        let ends = |end: &[u8]| bytes.windows(end.len()).any(|window| window == end);
        // RFC 9112 §2.2: a line feed alone ends a line too.
        if !ends(b"\r\n\r\n") && !ends(b"\n\n") {
            return None;
        }
        let mut lines =
            bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let request = lines.next().unwrap_or_default();
        let headers = lines.take_while(|line| !line.is_empty());
        Some(Self::of_lines(request, headers, hosts))
    }

    fn of_lines<'a>(
        request: &[u8],
        headers: impl Iterator<Item = &'a [u8]>,
        hosts: &Hosts,
    ) -> Result<Self, Refusal> {
        let line = std::str::from_utf8(request).map_err(|_| Refusal::Malformed)?;
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Refusal::Malformed);
        };
        match version.strip_prefix("HTTP/") {
            Some("1.1" | "1.0") => {}
            Some(_) => return Err(Refusal::Version),
            None => return Err(Refusal::Malformed),
        }
        let (authority, path) = split(target);
        let mut named = authority.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let mut count = 0;
        for header in headers {
            let Some(host) = host(header) else { continue };
            count += 1;
            named.push(std::str::from_utf8(host).map_err(|_| Refusal::Malformed)?.trim().to_owned());
        }
        // RFC 9112 §3.2: not two, of which the one in front of us might have heeded the other. None is a script's, for
        // every browser sends it.
        if count > 1 {
            return Err(Refusal::Malformed);
        }
        if named.iter().any(|host| !hosts.has(host)) {
            return Err(Refusal::Misdirected);
        }
        let page = Page::ALL.into_iter().find(|page| page.path() == path).ok_or(Refusal::NotFound)?;
        match method {
            "GET" => Ok(Self { method: Method::Get, page }),
            "HEAD" => Ok(Self { method: Method::Head, page }),
            _ => Err(Refusal::NotAllowed),
        }
    }
}

/// The value of a line that is the header `Host`.
fn host(header: &[u8]) -> Option<&[u8]> {
    let at = header.iter().position(|byte| *byte == b':')?;
    let (name, value) = header.split_at_checked(at)?;
    name.trim_ascii().eq_ignore_ascii_case(b"host").then(|| value.get(1..).unwrap_or_default())
}

/// The authority and path of a target, which may be a whole address (RFC 9112 §3.2.2) and may have a query.
fn split(target: &str) -> (Option<&str>, &str) {
    let (authority, path) = match target.strip_prefix("http://") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (Some(authority), path)
        }
        None => (None, target),
    };
    (authority, path.split_once('?').map_or(path, |(path, _)| path))
}

/// A response; `length` is that of the body, or of what it would be.
pub(super) fn response(status: &str, content: &str, headers: &str, length: usize, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Type: {content}\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Head, Refusal> {
        whole(&format!("{line}\r\nHost: localhost:9464\r\n\r\n"))
    }

    fn whole(head: &str) -> Result<Head, Refusal> {
        Head::read(head.as_bytes(), &Hosts::new(["backchat.example", "B2."])).expect("it is whole")
    }

    #[test]
    fn a_name_that_nobody_has_chosen_is_refused() {
        let get = |headers: &str| whole(&format!("GET /metrics HTTP/1.1\r\n{headers}\r\n"));
        for host in [
            "127.0.0.1",
            "127.0.0.1:9464",
            "192.0.2.7",
            "[::1]:9464",
            "[fe80::1]",
            "localhost",
            "LOCALHOST:9464",
            "localhost.",
            "backchat.example",
            "Backchat.Example:9464",
            "b2",
        ] {
            assert!(get(&format!("Host: {host}\r\n")).is_ok(), "{host}");
            assert!(get(&format!("Accept: */*\r\nhost:{host}\r\n")).is_ok(), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9464",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "xbackchat.example",
            "",
            "127.1",
            "[evil.example]",
        ] {
            assert_eq!(get(&format!("Host: {host}\r\n")), Err(Refusal::Misdirected), "{host}");
        }
        assert_eq!(get("Host: localhost\r\nHost: localhost\r\n"), Err(Refusal::Malformed));
        assert!(get("Accept: */*\r\n").is_ok(), "a script's");
        let absolute = "GET http://evil.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
        assert_eq!(whole(absolute), Err(Refusal::Misdirected));
    }

    #[test]
    fn the_page_can_be_had_and_nothing_else() {
        let get = Ok(Head { method: Method::Get, page: Page::Metrics });
        assert_eq!(read("GET /metrics HTTP/1.1"), get);
        assert_eq!(read("GET /metrics?name[]=up HTTP/1.0"), get);
        assert_eq!(read("GET http://localhost:9464/metrics HTTP/1.1"), get);
        assert_eq!(read("HEAD /metrics HTTP/1.1"), Ok(Head { method: Method::Head, page: Page::Metrics }));
        assert_eq!(read("GET /healthz HTTP/1.1"), Ok(Head { method: Method::Get, page: Page::Health }));
        for (line, refusal) in [
            ("GET / HTTP/1.1", Refusal::NotFound),
            ("GET /metrics/ HTTP/1.1", Refusal::NotFound),
            ("GET http://localhost HTTP/1.1", Refusal::NotFound),
            ("POST /elsewhere HTTP/1.1", Refusal::NotFound),
            ("POST /metrics HTTP/1.1", Refusal::NotAllowed),
            ("get /metrics HTTP/1.1", Refusal::NotAllowed),
            ("GET /metrics HTTP/2", Refusal::Version),
            ("GET /metrics", Refusal::Malformed),
            ("GET /metrics HTTP/1.1 x", Refusal::Malformed),
            ("{\"type\":\"names\"}", Refusal::Malformed),
            ("", Refusal::Malformed),
        ] {
            assert_eq!(read(line), Err(refusal), "{line}");
        }
    }

    #[test]
    fn a_request_is_read_when_its_empty_line_has_come() {
        let hosts = Hosts::default();
        let whole = b"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(Head::read(&whole[..end], &hosts), None, "{end} bytes");
        }
        assert!(Head::read(whole, &hosts).is_some());
        assert!(
            Head::read(b"GET /metrics HTTP/1.1\nHost: [::1]\n\n", &hosts).is_some_and(|head| head.is_ok())
        );
        assert_eq!(Head::read(b"\xff\xfe / HTTP/1.1\n\n", &hosts), Some(Err(Refusal::Malformed)));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_request_or_a_refusal(bytes: Vec<u8>) {
            let _ = Head::read(&bytes, &Hosts::default());
        }
    }
}
