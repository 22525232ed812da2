//! Many people at one server.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::program::{Folder, PATIENCE, Server, limited, server};

/// A connection that takes part with plain lines.
struct Guest {
    reader: BufReader<TcpStream>,
}

impl Guest {
    fn new(server: &Server) -> Self {
        let stream = TcpStream::connect(&server.chat).expect("connected");
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
    let mut command = limited("-n 24", &server());
    let mut server = Server::with(command.arg("--share").arg(folder.share()));
    let mut guests: Vec<Guest> = (0..30).map(|_| Guest::new(&server)).collect();
    let told = server.program.error_line("no connection can be taken");
    assert!(told.contains("ulimit -n"), "{told}");
    let mut last = guests.pop().expect("a guest");
    drop(guests);
    last.write("{\"type\":\"names\"}\n");
    last.line("\"names\"");
    server.program.error_line("connections are taken again");
    server.program.signal("TERM");
    let log = server.program.end().expect(0).stderr;
    assert!(!log.contains("no connection can be taken"), "{log}");
}
