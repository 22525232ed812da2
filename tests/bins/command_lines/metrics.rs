//! Metrics: raw sockets in front of the real server.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;

use super::program::{Folder, PATIENCE, Server, run, server};

/// A server with metrics, and where they are.
fn measured(folder: &Folder) -> (Server, String) {
    let server = Server::with(server().args(["--metrics", "127.0.0.1:0", "--share"]).arg(folder.share()));
    let metrics = server.ready.split(' ').find_map(|word| word.strip_prefix("metrics="));
    let metrics = metrics.expect("an address").to_owned();
    (server, metrics)
}

fn connect(metrics: &str) -> TcpStream {
    let stream = TcpStream::connect(metrics).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a time");
    stream
}

/// Everything that is answered to `request`: status, headers, body.
fn ask(metrics: &str, request: &[u8]) -> (String, BTreeMap<String, String>, String) {
    let mut stream = connect(metrics);
    stream.write_all(request).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and closes");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n");
    let status = lines.next().expect("a status").to_owned();
    let headers = lines.map(|line| line.split_once(": ").expect("a header"));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
    (status, headers, body.to_owned())
}

fn scrape(metrics: &str) -> Samples {
    let (status, headers, body) = ask(metrics, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert_eq!(headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(headers["content-length"], body.len().to_string());
    parse(&body)
}

/// The samples of a page, by name and labels as they are written.
type Samples = BTreeMap<String, f64>;

/// Reads a page as the format has it, and takes no liberties: each family is explained, typed, then sampled, in one
/// piece; no sample comes twice; a counter's name ends in `_total`.
fn parse(page: &str) -> Samples {
    assert!(page.ends_with('\n'), "the last line ends too");
    let (mut samples, mut families) = (Samples::new(), BTreeSet::new());
    let (mut helped, mut family, mut kind) = (None, "", "");
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help");
            assert!(!help.is_empty() && families.insert(name), "{name} is explained once");
            helped = Some(name);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            (family, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(helped.take(), Some(family), "the help stands before the type");
            assert!(matches!(kind, "gauge" | "counter" | "histogram"), "{line}");
            assert_eq!(kind == "counter", family.ends_with("_total"), "{line}");
        } else {
            let (sample, value) = line.rsplit_once(' ').expect("a value");
            let (name, labels) = sample.split_once('{').unwrap_or((sample, "}"));
            let suffix = name.strip_prefix(family).expect("a sample of its family");
            let suffixes: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
            assert!(helped.is_none() && suffixes.contains(&suffix), "{line}");
            let is_name = |text: &str| {
                !text.is_empty()
                    && !text.starts_with(|c: char| c.is_ascii_digit())
                    && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            assert!(is_name(name), "{line}");
            let labels = labels.strip_suffix('}').expect("the end of the labels");
            for label in labels.split(',').filter(|label| !label.is_empty()) {
                let (label, value) = label.split_once('=').expect("a label");
                let value = value.strip_prefix('"').and_then(|it| it.strip_suffix('"')).expect("in quotes");
                assert!(is_name(label) && !value.contains(['"', '\\', '\n', '_', ' ']), "{line}");
            }
            let value: f64 = value.parse().expect("a number");
            assert!(value.is_finite() && (kind != "counter" || value >= 0.0), "{line}");
            assert!(samples.insert(sample.to_owned(), value).is_none(), "{sample} comes twice");
        }
    }
    samples
}

#[test]
fn what_people_do_is_counted() {
    let folder = Folder::new();
    folder.shared("book.bin", 100_000);
    let (server, metrics) = measured(&folder);
    let before = scrape(&metrics);
    assert_eq!(before["backchat_messages_total"], 0.0);
    assert_eq!(
        before["backchat_refused_total{code=\"no-such-nick\"}"], 0.0,
        "what can be counted is there at 0"
    );
    assert!(before["process_start_time_seconds"] > 1.7e9);
    run(&mut server.client(&["say", "hello", "--nick", "ann"])).expect(0);
    run(&mut server.client(&["tell", "nobody", "hello", "--nick", "ann"])).expect(3);
    run(server.client(&["get", "book.bin"]).current_dir(folder.here())).expect(0);
    let _bob = server.join("bob");
    let after = scrape(&metrics);
    for (name, value) in [
        ("backchat_messages_total", 1.0),
        ("backchat_refused_total{code=\"no-such-nick\"}", 1.0),
        ("backchat_sessions_joined_total", 3.0),
        ("backchat_sessions{state=\"joined\"}", 1.0),
        ("backchat_tickets_total", 1.0),
        ("backchat_downloads_ended_total{outcome=\"complete\"}", 1.0),
        ("backchat_download_bytes_total", 100_000.0),
        ("backchat_downloads", 0.0),
    ] {
        assert_eq!(after[name], value, "{name} in {after:?}");
    }
    assert_eq!(after["backchat_download_duration_seconds_count"], 1.0);
    assert_eq!(after["backchat_download_duration_seconds_bucket{le=\"+Inf\"}"], 1.0);
    assert!(after["backchat_loop_lag_seconds_count"] > 0.0 && after["backchat_delivery_seconds_count"] > 0.0);
    if cfg!(target_os = "linux") {
        assert!(after["process_resident_memory_bytes"] > 1e6 && after["process_open_fds"] > 3.0, "{after:?}");
        assert!(after.contains_key("process_cpu_seconds_total"));
    }
    assert!(after["backchat_segments_total"] > 0.0 && after["backchat_datagrams_received_total"] > 0.0);
    for (sample, value) in before.iter().filter(|(sample, _)| sample.contains("_total")) {
        assert!(after[sample] >= *value, "{sample} never falls");
    }
}

#[test]
fn there_is_one_page_and_it_can_only_be_read() {
    let folder = Folder::new();
    let (_server, metrics) = measured(&folder);
    let long = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &[b'x'; 10_000], b"\r\n\r\n"].concat();
    for (request, expected) in [
        (b"GET / HTTP/1.1\r\n\r\n".as_slice(), "404 Not Found"),
        (b"GET /metricsx HTTP/1.1\r\n\r\n", "404 Not Found"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405 Method Not Allowed"),
        (b"DELETE /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
        (b"{\"type\":\"names\"}\n\n", "400 Bad Request"),
        (b"GET /metrics HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported"),
        (&long, "431 Request Header Fields Too Large"),
    ] {
        let (status, headers, body) = ask(&metrics, request);
        assert_eq!(status, format!("HTTP/1.1 {expected}"));
        assert_eq!(headers.contains_key("allow"), expected.starts_with("405"), "{headers:?}");
        assert_eq!(
            (headers["content-length"].as_str(), headers["connection"].as_str()),
            (&*body.len().to_string(), "close")
        );
    }
    let (status, headers, body) = ask(&metrics, b"HEAD /metrics HTTP/1.1\r\n\r\n");
    assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 200 OK", ""));
    assert!(headers["content-length"].parse::<usize>().expect("a length") > 1_000);
}

#[test]
fn a_page_of_the_web_cannot_read_them_by_a_name_of_its_own() {
    let command = &mut server();
    let server =
        Server::with(command.args(["--metrics", "127.0.0.1:0", "--metrics-host", "backchat.internal"]));
    let metrics = super::program::word(&server.ready, "metrics=");
    for (host, expected) in [
        ("evil.example", "421 Misdirected Request"),
        ("evil.example:9464", "421 Misdirected Request"),
        ("backchat.internal:9464", "200 OK"),
        ("127.0.0.1:9464", "200 OK"),
        ("localhost", "200 OK"),
    ] {
        for path in ["/metrics", "/healthz"] {
            let (status, ..) =
                ask(&metrics, format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes());
            assert_eq!(status, format!("HTTP/1.1 {expected}"), "{host}");
        }
    }
}

#[test]
fn a_server_that_is_well_says_so() {
    let folder = Folder::new();
    let (_server, metrics) = measured(&folder);
    let (status, _, body) = ask(&metrics, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 200 OK", "ok\n"));
}

#[test]
fn who_says_nothing_holds_neither_the_server_nor_the_next_scrape_for_long() {
    let folder = Folder::new();
    let (server, metrics) = measured(&folder);
    // More than are answered at a time; each would be given up after its time, which nobody has to wait for here.
    let mut silent: Vec<TcpStream> = (0..8).map(|_| connect(&metrics)).collect();
    silent[0].write_all(b"GET /metrics HTTP/1.1\r\nHo").expect("it reads");
    run(&mut server.client(&["say", "hello", "--nick", "ann"])).expect(0);
    let waiting = std::thread::spawn({
        let metrics = metrics.clone();
        move || scrape(&metrics)
    });
    silent.truncate(4);
    assert_eq!(waiting.join().expect("it is answered")["backchat_messages_total"], 1.0);
    drop(silent);
    server.program.signal("TERM");
    server.program.end().expect(0);
}

#[test]
fn metrics_are_off_unless_they_are_asked_for_and_their_port_is_named_when_it_is_taken() {
    let folder = Folder::new();
    let (server, metrics) = measured(&folder);
    assert!(!Server::bare().ready.contains("metrics="));
    let ended = run(super::program::server().args(["--metrics", &metrics])).expect(1);
    assert!(
        ended.stderr.contains(&format!("{metrics} is in use")) && ended.stderr.contains("--metrics"),
        "{ended:?}"
    );
    drop(server);
}
