//! What may be asked, and how refusals look: as much of HTTP/1.1 (RFC 9112) as one page needs.

/// Most bytes of a request before its empty line. Browsers with their cookies stay below it.
pub(super) const HEAD_MAX: usize = 8 * 1024;

/// The one page.
const PATH: &str = "/metrics";

/// A request for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) method: Method,
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
    /// It is of another HTTP.
    Version,
    /// The server is about to end.
    Stopping,
}

impl Refusal {
    /// All that is sent.
    pub(super) fn response(self) -> String {
        let (status, headers) = match self {
            Self::Malformed => ("400 Bad Request", ""),
            Self::NotFound => ("404 Not Found", ""),
            Self::NotAllowed => ("405 Method Not Allowed", "Allow: GET, HEAD\r\n"),
            Self::TooLarge => ("431 Request Header Fields Too Large", ""),
            Self::Version => ("505 HTTP Version Not Supported", ""),
            Self::Stopping => ("503 Service Unavailable", ""),
        };
        let body = format!("{status}; there is {PATH}, and nothing else\n");
        response(status, "text/plain; charset=utf-8", headers, body.len(), &body)
    }
}

impl Head {
    /// Reads a request from what has arrived of it; `None` while its end is missing.
    pub(super) fn read(bytes: &[u8]) -> Option<Result<Self, Refusal>> {
        let ends = |end: &[u8]| bytes.windows(end.len()).any(|window| window == end);
        // RFC 9112 §2.2: a line feed alone ends a line too.
        if !ends(b"\r\n\r\n") && !ends(b"\n\n") {
            return None;
        }
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Some(Self::of_line(line.strip_suffix(b"\r").unwrap_or(line)))
    }

    fn of_line(line: &[u8]) -> Result<Self, Refusal> {
        let line = std::str::from_utf8(line).map_err(|_| Refusal::Malformed)?;
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
        if path(target) != PATH {
            return Err(Refusal::NotFound);
        }
        match method {
            "GET" => Ok(Self { method: Method::Get }),
            "HEAD" => Ok(Self { method: Method::Head }),
            _ => Err(Refusal::NotAllowed),
        }
    }
}

/// The path of a target, which may be a whole address (RFC 9112 §3.2.2) and may have a query.
fn path(target: &str) -> &str {
    let path = match target.strip_prefix("http://") {
        Some(rest) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => target,
    };
    path.split_once('?').map_or(path, |(path, _)| path)
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
        Head::read(format!("{line}\r\nHost: here\r\n\r\n").as_bytes()).expect("it is whole")
    }

    #[test]
    fn the_page_can_be_had_and_nothing_else() {
        let get = Ok(Head { method: Method::Get });
        assert_eq!(read("GET /metrics HTTP/1.1"), get);
        assert_eq!(read("GET /metrics?name[]=up HTTP/1.0"), get);
        assert_eq!(read("GET http://localhost:9464/metrics HTTP/1.1"), get);
        assert_eq!(read("HEAD /metrics HTTP/1.1"), Ok(Head { method: Method::Head }));
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
        let whole = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(Head::read(&whole[..end]), None, "{end} bytes");
        }
        assert!(Head::read(whole).is_some());
        assert!(Head::read(b"GET /metrics HTTP/1.1\n\n").is_some_and(|head| head.is_ok()));
        assert_eq!(Head::read(b"\xff\xfe / HTTP/1.1\n\n"), Some(Err(Refusal::Malformed)));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_request_or_a_refusal(bytes: Vec<u8>) {
            let _ = Head::read(&bytes);
        }
    }
}
