//! Programs on the bench: started, spoken to, listened to, and killed at the end of the test.

#[path = "../../common/process.rs"]
pub(crate) mod process;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use process::clean;

/// Longer than anything here takes on the slowest machine; only a program that hangs meets it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A backchat-server that is not started yet, with nothing of this machine's environment.
pub(crate) fn server() -> Command {
    let mut command = clean(env!("CARGO_BIN_EXE_backchat-server"));
    // These variables name the state and the control socket of the user who runs the tests.
    for name in
        ["HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "NOTIFY_SOCKET"]
    {
        command.env_remove(name);
    }
    command
}

/// The same on free ports of loopback.
pub(crate) fn free() -> Command {
    let mut command = server();
    command.args(["--listen", "127.0.0.1:0", "--udp", "127.0.0.1:0"]);
    command
}

/// Returns the value behind `key` in a line such as the ready line.
#[track_caller]
pub(crate) fn word(line: &str, key: &str) -> String {
    let word = line.split_whitespace().find_map(|word| word.strip_prefix(key));
    word.unwrap_or_else(|| panic!("no {key} in {line}")).to_owned()
}

/// A backchat-client that is not started yet.
pub(crate) fn client() -> Command {
    clean(env!("CARGO_BIN_EXE_backchat-client"))
}

/// The same program under a limit of the shell's `ulimit`, such as `-n 24`.
pub(crate) fn limited(limit: &str, command: &Command) -> Command {
    behind(&format!("ulimit {limit} &&"), command)
}

/// The same program after something that a shell does first.
pub(crate) fn behind(first: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{first} exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// What a program that ended has left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The last line of standard output, as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        let last = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Checks the exit code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

/// Runs a program to its end, with nothing on its standard input.
pub(crate) fn run(command: &mut Command) -> Ended {
    run_with(command, "")
}

/// Runs a program to its end, with `input` on its standard input.
pub(crate) fn run_with(command: &mut Command, input: &str) -> Ended {
    let mut program = Program::start(command);
    program.write(input);
    program.close_input();
    program.end()
}

/// A program that runs. It is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    stdin: Option<File>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    seen: String,
}

impl Program {
    /// Starts it, with pipes for everything.
    pub(crate) fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let stdin = child.stdin.take().map(|pipe| File::from(OwnedFd::from(pipe)));
        let stdout = listen(child.stdout.take().expect("a pipe"));
        let stderr = listen(child.stderr.take().expect("a pipe"));
        Self { child, stdin, stdout, stderr, seen: String::new() }
    }

    /// Starts it on a terminal: what is written to it is typed, and its standard error is what the terminal shows.
    pub(crate) fn start_on_a_terminal(command: &mut Command) -> Self {
        let (ours, theirs) = terminal();
        let mut program = Self::start_on(command, theirs);
        program.stdin = Some(File::from(ours.try_clone().expect("a descriptor")));
        program.stderr = listen(File::from(ours));
        program
    }

    /// Starts it on the side of a terminal that programs have.
    pub(crate) fn start_on(command: &mut Command, theirs: OwnedFd) -> Self {
        command.stdin(theirs.try_clone().expect("a descriptor")).stderr(theirs).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        // A terminal is closed when nobody holds that side any more.
        command.stdin(Stdio::null()).stderr(Stdio::null());
        let stdout = listen(child.stdout.take().expect("a pipe"));
        Self { child, stdin: None, stdout, stderr: listen(std::io::empty()), seen: String::new() }
    }

    /// Starts it with its standard error somewhere else.
    pub(crate) fn start_with_stderr(command: &mut Command, stderr: Stdio) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the program starts");
        let stdin = child.stdin.take().map(|pipe| File::from(OwnedFd::from(pipe)));
        let stdout = listen(child.stdout.take().expect("a pipe"));
        Self { child, stdin, stdout, stderr: listen(std::io::empty()), seen: String::new() }
    }

    /// Writes to its standard input. That it has ended is for the caller to find out.
    pub(crate) fn write(&mut self, text: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(text.as_bytes()).and_then(|()| stdin.flush());
        }
    }

    pub(crate) fn close_input(&mut self) {
        self.stdin = None;
    }

    /// The next line of its standard output that holds `part`; what comes before is skipped.
    #[track_caller]
    pub(crate) fn line(&mut self, part: &str) -> String {
        let line = wait_for(&self.stdout, part, &mut self.seen);
        line.unwrap_or_else(|why| {
            panic!("no line with '{part}' ({why}); standard output was:\n{}{}", self.seen, self.complaints())
        })
    }

    /// The next line of its standard error that holds `part`.
    #[track_caller]
    pub(crate) fn error_line(&mut self, part: &str) -> String {
        let line = wait_for(&self.stderr, part, &mut self.seen);
        line.unwrap_or_else(|why| panic!("no line with '{part}' ({why}); output was:\n{}", self.seen))
    }

    fn complaints(&self) -> String {
        self.stderr.try_iter().map(|line| format!("stderr: {line}\n")).collect()
    }

    /// Sends it a signal, by its name for `kill`.
    pub(crate) fn signal(&self, name: &str) {
        process::send(self.child.id(), name);
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        // Its pipes close when it ends; what they hold is read before.
        let stdout = drain(&self.stdout);
        let stderr = drain(&self.stderr);
        let status = self.status();
        let (Some(stdout), Some(stderr), Some(status)) = (stdout, stderr, status) else {
            panic!("it does not end; output was:\n{}", self.seen);
        };
        Ended { code: status.code(), stdout: format!("{}{stdout}", self.seen), stderr }
    }

    fn status(&mut self) -> Option<ExitStatus> {
        // Both pipes are closed, so this is a matter of its last instructions.
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if Instant::now() < deadline => std::thread::yield_now(),
                _ => return None,
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A terminal: the side of whoever sits in front of it, and that of its programs.
pub(crate) fn terminal() -> (OwnedFd, OwnedFd) {
    use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).expect("a terminal");
    grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("a terminal");
    let theirs = ioctl_tiocgptpeer(&ours, flags).expect("its other side");
    (ours, theirs)
}

/// The lines of a pipe, each with its end, read on a thread that ends with the pipe.
fn listen(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver): (Sender<String>, _) = channel();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(pipe);
        loop {
            let mut line = Vec::new();
            match reader.read_until(b'\n', &mut line) {
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                        return;
                    }
                }
            }
        }
    });
    receiver
}

fn wait_for(lines: &Receiver<String>, part: &str, seen: &mut String) -> Result<String, RecvTimeoutError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let line = lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))?;
        seen.push_str(&line);
        if line.contains(part) {
            return Ok(line.trim_end_matches('\n').to_owned());
        }
    }
}

/// Everything until the pipe closes; `None` when it does not.
fn drain(lines: &Receiver<String>) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    let mut text = String::new();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => text.push_str(&line),
            Err(RecvTimeoutError::Disconnected) => return Some(text),
            Err(RecvTimeoutError::Timeout) => return None,
        }
    }
}

/// A server on free ports.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) ready: String,
    pub(crate) chat: String,
}

impl Server {
    /// A chat alone.
    pub(crate) fn bare() -> Self {
        Self::with(&mut server())
    }

    /// With a share.
    pub(crate) fn sharing(folder: &Path) -> Self {
        Self::with(server().arg("--share").arg(folder))
    }

    /// As `command` says, on free ports of loopback.
    pub(crate) fn with(command: &mut Command) -> Self {
        let mut program = Program::start(command.args(["--listen", "127.0.0.1:0", "--udp", "127.0.0.1:0"]));
        let ready = program.line("ready ");
        let chat = ready.split_whitespace().find_map(|word| word.strip_prefix("chat="));
        let chat = chat.expect("an address").to_owned();
        Self { program, ready, chat }
    }

    /// A client of this server, not started yet.
    pub(crate) fn client(&self, args: &[&str]) -> Command {
        let mut command = client();
        command.args(["--server", &self.chat]).args(args);
        command
    }

    /// A client that is in the chat, as plain lines, and knows who is here.
    pub(crate) fn join(&self, nick: &str) -> Program {
        let mut program = Program::start(&mut self.client(&["--plain", "--nick", nick]));
        program.line("-- here: ");
        program
    }
}

/// A folder for a test, with a share in it.
#[derive(Debug)]
pub(crate) struct Folder {
    folder: tempfile::TempDir,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("share")).expect("a folder");
        std::fs::create_dir(folder.path().join("here")).expect("a folder");
        Self { folder }
    }

    /// The folder that is shared.
    pub(crate) fn share(&self) -> PathBuf {
        self.folder.path().join("share")
    }

    /// The folder that downloads go to.
    pub(crate) fn here(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A file in the share, of `size` bytes that are not all alike.
    pub(crate) fn shared(&self, name: &str, size: usize) -> Vec<u8> {
        let bytes: Vec<u8> =
            (0..size as u64).map(|at| (at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as u8).collect();
        std::fs::write(self.share().join(name), &bytes).expect("written");
        bytes
    }
}
