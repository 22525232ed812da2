//! Many people at one server.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::program::{PATIENCE, Server};

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
