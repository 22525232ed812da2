//! Many people at one server.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::Stdio;

use super::program::{Folder, PATIENCE, Program, Server, free, limited, server, terminal, word};

/// A connection that takes part with plain lines.
struct Guest {
    reader: BufReader<TcpStream>,
}

impl Guest {
    fn new(server: &Server) -> Self {
        Self::at(&server.chat)
    }

    fn at(chat: &str) -> Self {
        let stream = TcpStream::connect(chat).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        Self { reader: BufReader::new(stream) }
    }

    fn write(&self, line: &str) {
        self.reader.get_ref().write_all(line.as_bytes()).expect("written");
    }

    /// The next line that holds `part`.
    #[track_caller]
    fn line(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.reader.read_line(&mut line).expect("a line");
            assert!(read > 0, "closed without '{part}'");
            assert!(!line.contains("\"closing\""), "{line}");
            if line.contains(part) {
                return line;
            }
        }
    }
}

/// A crowd in the chat, of which everybody knows that everybody is there.
fn crowd(server: &Server, people: usize) -> Vec<Guest> {
    let mut guests: Vec<Guest> = (0..people).map(|_| Guest::new(server)).collect();
    for (number, guest) in guests.iter_mut().enumerate() {
        guest.write(&format!("{{\"type\":\"join\",\"nick\":\"guest{number}\"}}\n"));
        guest.line("\"joined\"");
    }
    let last = format!("\"guest{}\"", people - 1);
    for guest in &mut guests[..people - 1] {
        guest.line(&last);
    }
    guests
}

#[test]
fn a_crowd_that_speaks_at_once_hears_every_word() {
    // More writes than a runtime grants a task at a time, and more text than may wait for a slow reader: who is
    // merely not served yet is not slow.
    const PEOPLE: usize = 200;
    const SPEAKERS: usize = 40;
    let server = Server::bare();
    let mut guests = crowd(&server, PEOPLE);
    for (number, guest) in guests.iter().take(SPEAKERS).enumerate() {
        let text = "x".repeat(4000);
        guest.write(&format!("{{\"type\":\"say\",\"text\":\"<{number}>{text}\"}}\n"));
    }
    for guest in &mut guests {
        for _ in 0..SPEAKERS {
            guest.line("\"message\"");
        }
    }
}

#[test]
fn a_thousand_people_who_say_nothing_hold_nobody_up() {
    let server = Server::bare();
    let guests: Vec<Guest> = (0..1000).map(|_| Guest::new(&server)).collect();
    let mut ann = server.join("ann");
    ann.write("hello\n");
    ann.line("ann: hello");
    drop(guests);
}

#[test]
fn descriptors_are_taken_as_far_as_the_system_grants_them() {
    // The soft limit is for programs that cannot do better.
    let server = Server::with(&mut limited("-S -n 24", &server()));
    let guests = crowd(&server, 40);
    assert_eq!(guests.len(), 40);
}

#[test]
fn who_finds_no_descriptor_waits_until_another_goes_and_the_log_says_so_once() {
    let folder = Folder::new();
    folder.shared("small.txt", 10);
    let mut command = limited("-n 24", &server());
    let mut server = Server::with(command.arg("--share").arg(folder.share()));
    let mut guests: Vec<Guest> = (0..30).map(|_| Guest::new(&server)).collect();
    let told = server.program.error_line("no connection can be taken");
    assert!(told.contains("ulimit -n"), "{told}");
    // So few descriptors leave none for files: that is not the file's fault.
    guests[0].write("{\"type\":\"download\",\"file\":\"small.txt\"}\n");
    let busy = guests[0].line("\"error\"");
    assert!(busy.contains("\"busy\"") && busy.contains("try again later"), "{busy}");
    let mut last = guests.pop().expect("a guest");
    drop(guests);
    last.write("{\"type\":\"names\"}\n");
    last.line("\"names\"");
    server.program.error_line("connections are taken again");
    server.program.signal("TERM");
    let log = server.program.end().expect(0).stderr;
    assert!(!log.contains("no connection can be taken"), "{log}");
}

#[test]
fn connections_leave_descriptors_to_downloads() {
    let folder = Folder::new();
    folder.shared("small.txt", 10);
    let mut command = limited("-n 128", &server());
    let mut server = Server::with(command.arg("--share").arg(folder.share()));
    let mut guests: Vec<Guest> = (0..150).map(|_| Guest::new(&server)).collect();
    let told = server.program.error_line("no connection can be taken");
    assert!(told.contains("kept for downloads"), "{told}");
    guests[0].write("{\"type\":\"download\",\"file\":\"small.txt\"}\n");
    guests[0].line("\"ticket\"");
}

/// The header of a connection from `last` of 192.0.2.0/24, as HAProxy writes it.
fn proxied(last: u8) -> Vec<u8> {
    let addresses = [192, 0, 2, last, 198, 51, 100, 1, 0x30, 0x39, 0xd6, 0xd8];
    [&b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c"[..], &addresses].concat()
}

#[test]
fn a_proxy_names_whom_a_connection_is_from() {
    let folder = Folder::new();
    let config = folder.path().join("backchat.toml");
    std::fs::write(&config, "proxies = ['127.0.0.1']\n[limits]\nconnections_per_address = 1\n")
        .expect("written");
    let mut server = Server::with(server().arg("--config").arg(&config));
    let guest = |last: u8, nick: &str| {
        let guest = Guest::new(&server);
        guest.reader.get_ref().write_all(&proxied(last)).expect("written");
        guest.write(&format!("{{\"type\":\"join\",\"nick\":\"{nick}\"}}\n"));
        guest
    };
    let mut ann = guest(1, "ann");
    ann.line("\"welcome\"");
    guest(1, "ann2").line("\"too-many-connections\"");
    let mut bob = guest(2, "bob");
    bob.line("\"welcome\"");
    // Without a header it would be the proxy's own, and nobody's.
    let mut direct = Guest::new(&server);
    direct.write("{\"type\":\"join\",\"nick\":\"eve\"}\n");
    let mut line = String::new();
    assert_eq!(direct.reader.read_line(&mut line).unwrap_or(0), 0, "{line}");
    let joined = server.program.error_line("joined");
    assert!(joined.contains("ann") && joined.contains("192.0.2.1"), "{joined}");
}

/// So many people come and go that no pipe or terminal holds what the log says of it.
fn come_and_go(chat: &str) {
    for number in 0..800 {
        let mut guest = Guest::at(chat);
        guest.write(&format!("{{\"type\":\"join\",\"nick\":\"guest{number}\"}}\n"));
        guest.line("\"welcome\"");
    }
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    let (unread, log) = std::io::pipe().expect("a pipe");
    let mut program = Program::start_with_stderr(&mut free(), Stdio::from(log));
    come_and_go(&word(&program.line("ready "), "chat="));
    program.signal("TERM");
    // The end waits for the last lines, for two seconds.
    program.end().expect(0);
    drop(unread);
}

#[test]
fn a_log_that_is_read_late_is_whole() {
    let (mut late, log) = std::io::pipe().expect("a pipe");
    let mut program = Program::start_with_stderr(&mut free(), Stdio::from(log));
    come_and_go(&word(&program.line("ready "), "chat="));
    program.signal("TERM");
    let mut log = String::new();
    late.read_to_string(&mut log).expect("a text");
    program.end().expect(0);
    assert_eq!(log.lines().filter(|line| line.contains(" joined ")).count(), 800);
    assert!(log.lines().last().is_some_and(|line| line.contains("stopped")), "{log}");
}

#[test]
fn a_terminal_that_is_stopped_stops_nothing() {
    // Nobody reads it, as after Ctrl-S.
    let (ours, theirs) = terminal();
    let mut program = Program::start_on(&mut free(), theirs);
    come_and_go(&word(&program.line("ready "), "chat="));
    program.signal("TERM");
    program.end().expect(0);
    drop(ours);
}

#[test]
fn a_standard_output_that_is_full_stops_nothing() {
    let (unread, full) = std::io::pipe().expect("a pipe");
    let mode = rustix::fs::fcntl_getfl(&full).expect("its mode");
    rustix::fs::fcntl_setfl(&full, mode | rustix::fs::OFlags::NONBLOCK).expect("set");
    while rustix::io::write(&full, &[b'x'; 4096]).is_ok() {}
    rustix::fs::fcntl_setfl(&full, mode).expect("set");
    let mut child = free().stdin(Stdio::null()).stdout(full).stderr(Stdio::piped()).spawn().expect("started");
    let mut log = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut ready = String::new();
    log.read_line(&mut ready).expect("a line");
    Guest::at(&word(&ready, "chat=")).write("{\"type\":\"names\"}\n");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::TERM)
        .expect("told");
    assert!(child.wait().expect("its end").success());
    drop(unread);
}

#[test]
fn a_line_without_an_end_is_soon_not_read_any_more() {
    let server = Server::bare();
    let guest = Guest::new(&server);
    let piece = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    while guest.reader.get_ref().write_all(&piece).is_ok() {
        sent += piece.len();
        // The socket buffers of both systems take bytes besides those that the server reads.
        assert!(sent < 64 << 20, "{sent} bytes were taken");
    }
}
