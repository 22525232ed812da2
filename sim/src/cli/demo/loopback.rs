//! The first half of the tour: the drivers that ship, on real sockets, in this process.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::task::{Context, Poll};
use std::time::Duration;

use backchat::driver::{
    Application, ClientParts, Command, Control, Flow, Receipt, ServerParts, ServerSettings, run_client, serve,
};
use backchat::files::real::RealDisk;
use backchat::files::{FileTargets, FolderShare, TargetEvent, TargetSpec};
use backchat::net::{
    Listener as _, SystemClock, SystemEntropy, TcpListener, TcpNetwork, Udp as _, UdpSocket,
};
use backchat_core::chat::{
    ClientChatEvent, ClientConfig as ChatConfig, JoinAs, Nickname, Reconnect, ServerFrame,
};
use backchat_core::node::{ClientConfig, ClientEvent, DownloadError, DownloadEvent, DownloadId, GetRequest};
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use tokio::sync::{mpsc, oneshot};

use super::screen::{Screen, Tone};
use crate::cli::exit::Trouble;

/// How large the file is that is downloaded, and how fast it may come: without a limit nobody would see the bar.
const BOOK_BYTES: usize = 32 << 20;
const BOOK_RATE: u64 = 16 << 20;

/// Longer than any step takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What can go wrong on a real machine.
type Result<T> = core::result::Result<T, Box<dyn std::error::Error>>;

/// The whole session. Everything it makes is in `folder`.
pub(super) async fn session(screen: &mut Screen, folder: &Path) -> core::result::Result<(), Trouble> {
    let session = tokio::time::timeout(PATIENCE, tour(screen, folder)).await;
    session.unwrap_or_else(|_| Err("it took too long".into())).map_err(|error| {
        match error.downcast::<io::Error>() {
            Ok(error) => Trouble::Output(*error),
            Err(error) => Trouble::Demo(error.to_string()),
        }
    })
}

async fn tour(screen: &mut Screen, folder: &Path) -> Result<()> {
    let (share, home) = (folder.join("share"), folder.join("ann"));
    std::fs::create_dir(&share)?;
    std::fs::create_dir(&home)?;
    let book: Vec<u8> = {
        let mut stream = Seed::from_number(1).stream("book");
        (0..BOOK_BYTES / 64).flat_map(|_| stream.bytes::<64>()).collect()
    };
    std::fs::write(share.join("book.bin"), &book)?;
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (listener, udp) = (TcpListener::bind(any).await?, UdpSocket::bind(any).await?);
    let (chat, downloads) = (listener.local_addr(), udp.local_addr());
    let share = FolderShare::open(RealDisk, share)?;
    let parts = ServerParts { listener, udp, share, clock: SystemClock::new(), entropy: SystemEntropy };
    let (control, controls) = mpsc::channel(1);
    let server = async { serve(parts, ServerSettings::default(), controls, &mut ()).await };
    screen.line(&format!("chat on tcp {chat}, downloads on udp {downloads}"), Tone::Aside)?;
    screen.names()?;
    let users = async {
        let result = talk(screen, chat, &home, &book).await;
        // It stops whatever has happened; one that has ended by itself is no longer listening.
        let _ = control.send(Control::Shutdown { grace: Duration::ZERO }).await;
        result
    };
    let (served, talked) = tokio::join!(server, users);
    talked?;
    served?;
    Ok(())
}

async fn talk(screen: &mut Screen, server: SocketAddr, home: &Path, book: &[u8]) -> Result<()> {
    let (mut ann, ann_runs) = user("ann", server)?;
    let (mut bob, bob_runs) = user("bob", server)?;
    let runs = async { tokio::try_join!(ann_runs, bob_runs) };
    tokio::pin!(runs);
    // When the script fails nobody would tell the clients to end.
    tokio::select! {
        biased;
        done = script(screen, &mut ann, &mut bob, home, book) => done?,
        ended = &mut runs => {
            ended?;
            return Err("the clients have ended too early".into());
        }
    }
    runs.await?;
    Ok(())
}

/// What happens. Each line is shown when those who shall see it do.
async fn script(screen: &mut Screen, ann: &mut User, bob: &mut User, home: &Path, book: &[u8]) -> Result<()> {
    ann.begins();
    let text = ann.sees("ann joined").await?;
    screen.row([&text, ""], Tone::Aside)?;
    screen.pause().await;
    bob.begins();
    both(screen, ann, bob, "bob joined", Tone::Aside).await?;
    bob.wants(said("Hi Ann, have you read the book?")).await?;
    both(screen, ann, bob, "the book?", Tone::Said).await?;
    let (to, text) = (Nickname::parse("bob")?, "Not yet. Do not spoil it!".to_owned());
    ann.wants(Command::Tell { to, text, action: false }).await?;
    both(screen, ann, bob, "spoil it!", Tone::Said).await?;
    let request = GetRequest { limit_rate: Some(BOOK_RATE), ..GetRequest::new("book.bin".parse()?) };
    ann.wants(Command::Get { request, target: TargetSpec::folder(home) }).await?;
    let (size, rate) = (BOOK_BYTES >> 20, BOOK_RATE >> 20);
    screen.row([&format!("-- book.bin begins, {size} MiB at {rate} MiB/s to be seen"), ""], Tone::Aside)?;
    ann.arrives(screen, BOOK_BYTES as u64 / 3).await?;
    bob.wants(said("And now?")).await?;
    both(screen, ann, bob, "And now?", Tone::Said).await?;
    ann.wants(said("It is coming. Hush!")).await?;
    both(screen, ann, bob, "Hush!", Tone::Said).await?;
    ann.arrives(screen, BOOK_BYTES as u64).await?;
    screen.clear_bar();
    let copy = std::fs::read(home.join("book.bin"))?;
    let (hash, shared) = (blake3::hash(&copy), blake3::hash(book));
    if hash != shared {
        return Err("the file that arrived is not the file that was shared".into());
    }
    let hash = hash.to_hex();
    let hash = hash.get(..16).unwrap_or_default();
    screen.row([&format!("book.bin is whole, BLAKE3 {hash}…, as on the server"), ""], Tone::Good)?;
    screen.pause().await;
    ann.wants(Command::Quit).await?;
    bob.wants(Command::Quit).await
}

fn said(text: &str) -> Command {
    Command::Say { text: text.to_owned(), action: false }
}

/// Shows a line that both see, when both do.
async fn both(screen: &mut Screen, ann: &mut User, bob: &mut User, part: &str, tone: Tone) -> Result<()> {
    let (left, right) = (ann.sees(part).await?, bob.sees(part).await?);
    screen.row([&left, &right], tone)?;
    screen.pause().await;
    Ok(())
}

/// Something that a user is told.
enum Told {
    /// A line of the chat.
    Line(String),
    /// So much of the file is there.
    Progress(u64),
    /// All of it, under its name.
    Downloaded,
    /// Something went wrong.
    Failed(String),
}

/// Where the script meets a client.
struct User {
    begin: Option<oneshot::Sender<()>>,
    commands: mpsc::Sender<Command>,
    told: mpsc::UnboundedReceiver<Told>,
    /// Bytes of the file that are there; all of them when it has its name.
    there: u64,
}

impl User {
    /// Connects, and joins.
    fn begins(&mut self) {
        // A client that has ended is found out by what it does not say.
        let _ = self.begin.take().map(|begin| begin.send(()));
    }

    async fn wants(&self, command: Command) -> Result<()> {
        Ok(self.commands.send(command).await?)
    }

    /// The next line that holds `part`.
    async fn sees(&mut self, part: &str) -> Result<String> {
        loop {
            if let Some(line) = self.next().await?.filter(|line| line.contains(part)) {
                return Ok(line);
            }
        }
    }

    /// Waits until so many bytes are there; of the whole file, until it has its name.
    async fn arrives(&mut self, screen: &mut Screen, bytes: u64) -> Result<()> {
        while self.there < bytes {
            self.next().await?;
            screen.bar(self.there, BOOK_BYTES as u64);
        }
        Ok(())
    }

    /// What comes next, if it is a line.
    async fn next(&mut self) -> Result<Option<String>> {
        match self.told.recv().await {
            Some(Told::Line(line)) => return Ok(Some(line)),
            // It is whole when its hash was checked, not when its last byte came.
            Some(Told::Progress(written)) => self.there = written.min(BOOK_BYTES as u64 - 1),
            Some(Told::Downloaded) => self.there = BOOK_BYTES as u64,
            Some(Told::Failed(why)) => return Err(why.into()),
            None => return Err("a client has ended too early".into()),
        }
        Ok(None)
    }
}

/// A client that waits to begin, and what runs it.
fn user(nick: &str, server: SocketAddr) -> Result<(User, impl Future<Output = Result<()>> + use<>)> {
    let (begin, begins) = oneshot::channel();
    let (commands, receiver) = mpsc::channel(4);
    let (sender, told) = mpsc::unbounded_channel();
    let join = JoinAs { nick: Nickname::parse(nick)?, history: None, resume: true };
    let chat = ChatConfig { join: Some(join), reconnect: Reconnect::Never, retry_first: false };
    let parts = ClientParts {
        network: TcpNetwork::from(server),
        targets: FileTargets::new(RealDisk, Box::new(io::sink())),
        clock: SystemClock::new(),
        entropy: SystemEntropy,
    };
    let mut ears = Ears { commands: receiver, told: sender };
    let runs = async move {
        begins.await?;
        run_client(parts, ClientConfig::new(chat), &mut ears).await?;
        Ok(())
    };
    Ok((User { begin: Some(begin), commands, told, there: 0 }, runs))
}

/// The application above a client's loop.
struct Ears {
    commands: mpsc::Receiver<Command>,
    told: mpsc::UnboundedSender<Told>,
}

impl Ears {
    fn tell(&self, told: Told) {
        // A script that no longer listens has heard enough.
        let _ = self.told.send(told);
    }

    fn frame(&self, frame: ServerFrame) {
        let line = match frame {
            ServerFrame::Joined { nick } => format!("-- {nick} joined"),
            ServerFrame::Message(it) => format!("{}: {}", it.from, it.text),
            ServerFrame::Private(it) => format!("{} -> {}: {}", it.from, it.to, it.text),
            _ => return,
        };
        self.tell(Told::Line(line));
    }
}

impl Application for Ears {
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Command> {
        match self.commands.poll_recv(cx) {
            Poll::Ready(Some(command)) => Poll::Ready(command),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn answered(
        &mut self,
        _: Command,
        answer: core::result::Result<Receipt, DownloadError>,
        _: Instant,
    ) -> Flow {
        if let Err(error) = answer {
            self.tell(Told::Failed(error.to_string()));
        }
        Flow::Continue
    }

    fn event(&mut self, event: ClientEvent, _: Instant) -> Flow {
        match event {
            ClientEvent::Chat(ClientChatEvent::Frame(frame)) => self.frame(frame),
            ClientEvent::Download { event: DownloadEvent::Progress { written, .. }, .. } => {
                self.tell(Told::Progress(written));
            }
            ClientEvent::Download { event: DownloadEvent::Finished(_), .. } => self.tell(Told::Downloaded),
            ClientEvent::Download { event: DownloadEvent::Failed { message, .. }, .. } => {
                self.tell(Told::Failed(message.to_string()));
            }
            ClientEvent::Chat(_) | ClientEvent::Download { .. } => {}
        }
        Flow::Continue
    }

    fn target(&mut self, _: DownloadId, event: TargetEvent, _: Instant) -> Flow {
        if let TargetEvent::Failed { error } = event {
            self.tell(Told::Failed(error.to_string()));
        }
        Flow::Continue
    }
}
