//! What an idle connection costs a server, and what the server costs by itself.
//!
//! `memory [CONNECTIONS]`; without an argument 2,000. The server is a process of its own; its memory is what Linux
//! says is resident. What the kernel keeps for the sockets is not in it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use backchat::driver::ServerSettings;
use backchat_benches::{Server, arguments};

/// Given to the child in place of a number.
const SERVE: &str = "serve";

/// Bytes that are resident.
fn resident(child: &Child) -> u64 {
    let path = format!("/proc/{}/status", child.id());
    let status = std::fs::read_to_string(path).expect("a system that tells");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a line");
    let kibibytes: u64 = line.split_whitespace().nth(1).and_then(|it| it.parse().ok()).expect("a number");
    kibibytes * 1024
}

/// Joins, and reads until the welcome is there.
fn join(address: &str, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("a connection");
    let frame = format!("{{\"type\":\"join\",\"nick\":\"n{number}\",\"history\":0}}\n");
    stream.write_all(frame.as_bytes()).expect("a join");
    let mut byte = [0];
    while byte != *b"\n" {
        stream.read_exact(&mut byte).expect("a welcome");
    }
    stream
}

fn main() {
    if std::env::args().nth(1).as_deref() == Some(SERVE) {
        let server = Server::start(None, ServerSettings::default());
        println!("{}", server.chat);
        // Until the parent is gone.
        let _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let [connections] = arguments([2_000]);
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .arg(SERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let mut address = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut address).expect("an address");
    let address = address.trim();
    let empty = resident(&child);
    println!("server without a connection          {:>8.1} KiB", empty as f64 / 1024.0);
    let open: Vec<TcpStream> =
        (0..connections).map(|_| TcpStream::connect(address).expect("a connection")).collect();
    // The last one was answered, so all before it were taken.
    let last = join(address, 0);
    let each = |now: u64, count: usize| now.saturating_sub(empty) as f64 / count as f64 / 1024.0;
    println!(
        "{connections} connections, nobody joined: each {:>8.2} KiB",
        each(resident(&child), connections + 1)
    );
    drop((open, last));
    // Readers that never read would be closed for it: each reads what came until its welcome, and the notices of
    // those who come later stay in the kernel's buffers.
    let joined: Vec<TcpStream> = (1..=connections).map(|number| join(address, number)).collect();
    println!(
        "{connections} clients that joined:        each {:>8.2} KiB",
        each(resident(&child), connections)
    );
    drop(joined);
    child.kill().expect("a child that can be ended");
    child.wait().expect("its end");
}
