//! A tour in a few seconds: a server, two people who chat, and a file that one of them downloads.
//!
//! `cargo run --release -p backchat --example tour`
//!
//! Everything is real: the programs are those that ship (this one starts itself as each of them), the sockets are
//! those of this machine, on ports that are free. What is shown is what the programs print.

use std::error::Error;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use backchat::cli::args::Environment;
use backchat::cli::{client, server};

/// Longer than any step takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// How large the file is that is downloaded.
const BOOK_BYTES: usize = 16 << 20;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let role = words.nth(1);
    // What follows the role is a command line of that program; its first word is a name that is never looked at.
    let words = std::iter::once("tour".into()).chain(words);
    match role.as_deref().and_then(|role| role.to_str()) {
        Some("server") => return server::main(words, &Environment::default()).into(),
        Some("client") => return client::main(words, &Environment::default()).into(),
        Some(_) | None => {}
    }
    let begun = Instant::now();
    match tour() {
        Ok(()) => {
            println!("\nThat was the tour, in {:.1} s.", begun.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nThe tour has failed: {error}");
            ExitCode::FAILURE
        }
    }
}

fn tour() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let (share, home) = (folder.path().join("share"), folder.path().join("ann"));
    std::fs::create_dir(&share)?;
    std::fs::create_dir(&home)?;
    let book = sample(BOOK_BYTES);
    std::fs::write(share.join("book.bin"), &book)?;
    std::fs::write(share.join("welcome.txt"), "Hello!\n")?;

    heading("A server starts, and shares a folder");
    let free = ["server", "--listen", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--share", "share"];
    let mut server = Actor::start("server", folder.path(), &free)?;
    let ready = server.until("ready ")?;
    let address = ready.split_whitespace().find_map(|word| word.strip_prefix("chat="));
    let address = address.ok_or("the server has not said where it is")?;

    heading("Ann joins, then Bob: each sees the other");
    let join = |nick| ["client", "--plain", "--server", address, "--nick", nick];
    let mut ann = Actor::start("ann", &home, &join("ann"))?;
    ann.until("-- here: ann")?;
    let mut bob = Actor::start("bob", folder.path(), &join("bob"))?;
    bob.until("-- here: ann, bob")?;
    ann.until("-- bob joined")?;

    heading("They talk: to all, to one, with a slip of the finger");
    bob.types("Hi Ann, have you read the book?")?;
    ann.until("have you read the book?")?;
    ann.types("/tell bob Not yet. Do not spoil it!")?;
    bob.until("Do not spoil it!")?;
    bob.types("/me promises")?;
    ann.until("* bob promises")?;
    ann.types("/flies")?;
    ann.until("did you mean /files?")?;

    heading("Ann downloads it over UDP, while the chat goes on");
    ann.types("/files")?;
    ann.until("welcome.txt")?;
    ann.types("/get book.bin")?;
    ann.until("saved as")?;
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex();
    let arrived = std::fs::read(home.join("book.bin"))?;
    if arrived != book {
        return Err("the file that arrived is not the file that was shared".into());
    }
    println!("{:>8}   BLAKE3 of the shared file  {}", "", hash(&book));
    println!("{:>8}   BLAKE3 of Ann's copy       {}", "", hash(&arrived));

    heading("Bob leaves, and the server stops");
    bob.types("/quit")?;
    bob.ends()?;
    ann.until("-- bob left")?;
    server.stop()?;
    ann.until("the server is shutting down")?;
    server.ends()
    // What is left of Ann ends with her actor, and the folder with this function.
}

fn heading(text: &str) {
    println!("\n{text}");
}

/// Bytes that are not all alike, and the same in every tour.
fn sample(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"a tour of backchat").finalize_xof().fill(&mut bytes);
    bytes
}

/// A program that plays a part. It is killed when it is dropped.
struct Actor {
    name: &'static str,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Actor {
    /// Starts this program as another, in a folder.
    fn start(name: &'static str, folder: &Path, words: &[&str]) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(words).current_dir(folder);
        // The log of the server is not part of the tour.
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("no pipe")?;
        Ok(Self { name, child, stdin, lines: lines_of(stdout) })
    }

    /// Types a line.
    fn types(&mut self, line: &str) -> Result<(), Box<dyn Error>> {
        println!("{:>8} > {line}", self.name);
        let stdin = self.stdin.as_mut().ok_or("the input is closed")?;
        writeln!(stdin, "{line}")?;
        Ok(stdin.flush()?)
    }

    /// Shows what the program prints, up to a line that holds `part`; answers that line.
    fn until(&mut self, part: &str) -> Result<String, Box<dyn Error>> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.map_err(|_| format!("{} has not printed '{part}'", self.name))?;
            println!("{:>8} | {line}", self.name);
            if line.contains(part) {
                return Ok(line);
            }
        }
    }

    /// Asks the program to end, as an operator would.
    fn stop(&self) -> Result<(), Box<dyn Error>> {
        let id = i32::try_from(self.child.id())?;
        let id = rustix::process::Pid::from_raw(id).ok_or("no process")?;
        Ok(rustix::process::kill_process(id, rustix::process::Signal::TERM)?)
    }

    /// Shows what is left to print, and waits for a good end.
    fn ends(&mut self) -> Result<(), Box<dyn Error>> {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            println!("{:>8} | {line}", self.name);
        }
        if Instant::now() >= deadline {
            return Err(format!("{} does not end", self.name).into());
        }
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("{} has ended with {status}", self.name).into()) }
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a pipe, read on a thread that ends with it.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
