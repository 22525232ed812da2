//! The control socket: the console's commands for whoever has no terminal, over a socket of this machine.
//!
//! A request is a line: a command such as `ban bob 10m`, or `{"command":"ban bob 10m"}`, in which a text may have line
//! feeds. An answer is a line: `{"exit_code":0,"lines":[…],"answer":{…}}`, with lines for people and an object for
//! programs. Nothing here is on the loop: it is asked as the console asks it, one command at a time for each connection.
//!
//! Who may open the socket is the file system's to say: it has mode 0600.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::Mode;
use rustix::process::umask;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::admin::{Admin, By, Reply};
use crate::cli::exit::Exit;
use crate::cli::private::create_folder;
use crate::cli::render::json::printable;
use crate::paths::shown;

/// Connections at once; further ones wait in the system's queue. Each is one operator, or a script of one.
const CONNECTIONS_MAX: usize = 8;

/// Most bytes of a request: the longest text that can be said, with every character escaped, and a command around it.
pub(super) const REQUEST_BYTES_MAX: usize = 128 * 1024;

/// How long a connection may take for its next request, or for taking an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// After a connection could not be taken: the reason, mostly that descriptors have run out, does not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A request as an object.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    /// The command, with its slash or without.
    pub(super) command: String,
}

/// An answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    /// How `backchat-server ctl` ends.
    pub(super) exit_code: u8,
    /// For people.
    pub(super) lines: Vec<String>,
    /// For programs.
    pub(super) answer: serde_json::Value,
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoSocket {
    /// Somebody answers there.
    #[error("another server has its control socket at {}", shown(.0))]
    InUse(PathBuf),
    /// Something else is there, and is nobody's to remove.
    #[error("{} is in the way of the control socket, and is none: remove it", shown(.0))]
    InTheWay(PathBuf),
    /// Anything else.
    #[error("cannot have a control socket at {}: {source}", shown(.path))]
    Other {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// A socket that is removed with this.
#[derive(Debug)]
pub(super) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Which file it is, so that nobody else's is removed.
    inode: Option<u64>,
}

impl ControlSocket {
    /// Listens at `path`, in the place of a socket at which nobody listens any more.
    ///
    /// # Errors
    /// Another server has it, or the system refuses.
    pub(super) fn bind(path: &Path) -> Result<Self, NoSocket> {
        let other = |source| NoSocket::Other { path: path.to_owned(), source };
        if let Some(folder) = path.parent() {
            create_folder(folder).map_err(other)?;
        }
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => return Err(NoSocket::InTheWay(path.to_owned())),
            Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    fs::remove_file(path).map_err(other)?;
                }
                // One whose queue is full is one that somebody has.
                Ok(_) => return Err(NoSocket::InUse(path.to_owned())),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(NoSocket::InUse(path.to_owned()));
                }
                Err(error) => return Err(other(error)),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(other(error)),
        }
        // Set before, not after: in between somebody could connect.
        let before = umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
        let bound = UnixListener::bind(path);
        umask(before);
        let listener = bound.map_err(other)?;
        // For systems whose sockets do not heed the mask.
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(other)?;
        let inode = fs::symlink_metadata(path).map(|it| it.ino()).ok();
        Ok(Self { listener, path: path.to_owned(), inode })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Answers for as long as it is polled.
    pub(super) async fn serve(self, admin: Admin) {
        let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        // Nobody closes it.
        while let Ok(place) = Arc::clone(&room).acquire_owned().await {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::debug!(%error, "a control connection could not be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let admin = admin.clone();
            tokio::spawn(async move {
                // Who has gone, or says nothing, is not told.
                let _ = converse(stream, &admin).await;
                drop(place);
            });
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|it| Some(it.ino()) == self.inode) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Requests and answers, until the other side closes or takes too long.
async fn converse(mut stream: impl AsyncRead + AsyncWrite + Unpin, admin: &Admin) -> io::Result<()> {
    let mut bytes = Vec::new();
    loop {
        let end = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => end,
            None if bytes.len() > REQUEST_BYTES_MAX => {
                let error = format!("a request has at most {REQUEST_BYTES_MAX} bytes");
                let reply = Reply::failed(Exit::Usage, "usage", &error);
                return timeout(PATIENCE, send(&mut stream, &reply)).await?;
            }
            None => match timeout(PATIENCE, stream.read_buf(&mut bytes)).await?? {
                // The end of what is sent ends its last line too.
                0 if bytes.is_empty() => return Ok(()),
                0 => bytes.len(),
                _ => continue,
            },
        };
        let rest = bytes.split_off(bytes.len().min(end + 1));
        let line = std::mem::replace(&mut bytes, rest);
        let reply = match command(&line) {
            Ok(command) => match admin.carry_out(&command, By::Socket).await {
                Some(reply) => reply,
                None => return Ok(()),
            },
            Err(error) => Reply::failed(Exit::Usage, "usage", error),
        };
        timeout(PATIENCE, send(&mut stream, &reply)).await??;
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> io::Result<()> {
    let answer =
        Answer { exit_code: reply.exit.code(), lines: reply.lines.clone(), answer: reply.object.clone() };
    let text = serde_json::to_string(&answer).map_err(io::Error::other)?;
    stream.write_all(format!("{}\n", printable(&text)).as_bytes()).await?;
    stream.flush().await
}

/// The command of a request, with its slash.
pub(super) fn command(line: &[u8]) -> Result<String, &'static str> {
    let line = line.trim_ascii();
    let command = if line.first() == Some(&b'{') {
        let request: Request = serde_json::from_slice(line)
            .map_err(|_| "expected a command such as: who, or {\"command\":\"who\"}")?;
        request.command
    } else {
        String::from_utf8(line.to_owned()).map_err(|_| "a command is UTF-8")?
    };
    let command = command.trim();
    Ok(if command.is_empty() || command.starts_with('/') {
        command.to_owned()
    } else {
        format!("/{command}")
    })
}

#[cfg(test)]
mod tests {
    use backchat_core::node::{Answer as CoreAnswer, Order};
    use tokio::sync::mpsc;

    use super::*;
    use crate::driver::Control;

    /// What is answered to `input`, by a loop at which nobody is.
    async fn answers(input: &[u8]) -> Vec<Answer> {
        let (control, mut controls) = mpsc::channel(1);
        let (requests, _requested) = mpsc::channel(1);
        let admin = Admin::new(control, requests, None);
        let (ours, theirs) = tokio::io::duplex(16 * 1024);
        let (mut reader, mut writer) = tokio::io::split(ours);
        let serving = async {
            let _ = converse(theirs, &admin).await;
            drop(admin);
        };
        let looping = async {
            while let Some(command) = controls.recv().await {
                if let Control::Operate { order: Order::Who, answer } = command {
                    let _ = answer.send(Ok(CoreAnswer::Present(Vec::new())));
                }
            }
        };
        let writing = async {
            // What is cut off in the middle has been read enough of.
            let _ = writer.write_all(input).await;
            let _ = writer.shutdown().await;
        };
        let mut text = String::new();
        let reading = reader.read_to_string(&mut text);
        let (.., read) = tokio::join!(serving, looping, writing, reading);
        read.expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("an answer")).collect()
    }

    #[tokio::test]
    async fn each_request_has_one_answer_in_its_order() {
        let answers = answers(b"who\n/who\n\n{\"command\":\"who\"}\nwhoo\n{\"commnd\":1}\n\xff\nwho").await;
        let codes: Vec<u8> = answers.iter().map(|it| it.exit_code).collect();
        assert_eq!(codes, [0, 0, 0, 0, 2, 2, 2, 0]);
        assert_eq!(answers[0].lines, ["0 joined, 0 parked, 0 visiting"]);
        assert_eq!(answers[0].answer["type"], "who");
        assert_eq!(answers[4].lines, ["there is no command /whoo, did you mean /who?; /help lists them"]);
        assert_eq!(answers[4].answer["exit_code"], 2);
    }

    #[tokio::test]
    async fn a_request_without_an_end_is_refused_at_its_bound() {
        let answers = answers(&vec![b'x'; 10 * REQUEST_BYTES_MAX]).await;
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].lines, [format!("a request has at most {REQUEST_BYTES_MAX} bytes")]);
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_nothing_is_let_go() {
        let (control, _controls) = mpsc::channel(1);
        let (requests, _requested) = mpsc::channel(1);
        let (_ours, theirs) = tokio::io::duplex(64);
        let before = tokio::time::Instant::now();
        assert!(converse(theirs, &Admin::new(control, requests, None)).await.is_err());
        assert_eq!(before.elapsed(), PATIENCE);
    }

    #[tokio::test]
    async fn a_socket_is_its_owners_alone_and_takes_the_place_of_a_dead_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run/control.sock");
        let socket = ControlSocket::bind(&path).expect("free");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder.path().join("run"))), (0o600, 0o700));
        assert!(matches!(ControlSocket::bind(&path), Err(NoSocket::InUse(_))));
        // As a server that was killed leaves it.
        let other = folder.path().join("other");
        drop(std::os::unix::net::UnixListener::bind(&other).expect("bound"));
        drop(ControlSocket::bind(&other).expect("nobody is there"));
        assert!(!other.exists() && path.exists());
        drop(socket);
        assert!(!path.exists());
        fs::write(&other, "a file").expect("written");
        assert!(matches!(ControlSocket::bind(&other), Err(NoSocket::InTheWay(_))));
        assert_eq!(fs::read_to_string(&other).expect("kept"), "a file");
    }
}
