//! The first half of the tour: the drivers that ship, on real sockets, in this process.

use std::future::Future;
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use backchat::driver::{
    Application, ClientParts, Command, Control, Flow, Receipt, ServerParts, ServerSettings, run_client, serve,
};
use backchat::files::real::RealDisk;
use backchat::files::{FileTargets, FolderShare, TargetEvent, TargetSpec, Where};
use backchat::net::{
    Listener as _, SystemClock, SystemEntropy, TcpListener, TcpNetwork, Udp as _, UdpSocket,
};
use backchat_core::chat::{
    ClientChatEvent, ClientConfig as ChatConfig, JoinAs, Nickname, Reconnect, ServerFrame,
};
use backchat_core::node::{ClientConfig, ClientEvent, DownloadError, DownloadEvent, DownloadId, GetRequest};
use backchat_core::seed::Seed;
use backchat_core::time::Instant;
use tokio::sync::mpsc;

use crate::cli::exit::Trouble;

/// How large the file is that is downloaded.
const BOOK_BYTES: usize = 16 << 20;

/// Longer than any step takes on a slow machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// What can go wrong on a real machine.
type Result<T> = core::result::Result<T, Box<dyn std::error::Error>>;

/// The whole session. Everything it makes is in a temporary folder, which goes with it.
pub(super) fn session(out: &mut impl Write) -> core::result::Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Trouble::Demo(error.to_string()))?;
    let session = async {
        tokio::time::timeout(PATIENCE, tour(out)).await.map_err(|_| "it took too long")??;
        Ok(())
    };
    runtime.block_on(session).map_err(|error: Box<dyn std::error::Error>| {
        match error.downcast::<io::Error>() {
            Ok(error) => Trouble::Output(*error),
            Err(error) => Trouble::Demo(error.to_string()),
        }
    })
}

async fn tour(out: &mut impl Write) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (share, home) = (folder.path().join("share"), folder.path().join("ann"));
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
    let share = FolderShare::open(RealDisk, share, Where::Pool)?;
    let parts = ServerParts { listener, udp, share, clock: SystemClock::new(), entropy: SystemEntropy };
    let (control, controls) = mpsc::channel(1);
    let server = async { serve(parts, ServerSettings::default(), controls, &mut ()).await };
    writeln!(out, "   server  chat on {chat}, downloads on {downloads}")?;
    let users = async {
        let result = talk(out, chat, &home, &book).await;
        // It stops whatever has happened; one that has ended by itself is no longer listening.
        let _ = control.send(Control::Shutdown { grace: Duration::ZERO }).await;
        result
    };
    let (served, talked) = tokio::join!(server, users);
    talked?;
    served?;
    Ok(())
}

async fn talk(out: &mut impl Write, server: SocketAddr, home: &Path, book: &[u8]) -> Result<()> {
    let (mut ann, ann_runs) = user("ann", server)?;
    let (mut bob, bob_runs) = user("bob", server)?;
    let said = |text: &str| Command::Say { text: text.to_owned(), action: false };
    let script = async {
        ann.until(|it| matches!(it, Told::Joined)).await?;
        bob.until(|it| matches!(it, Told::Joined)).await?;
        writeln!(out, "   ann and bob have joined")?;
        bob.wants(said("Hi Ann, have you read the book?")).await?;
        let text = ann.until(|it| matches!(it, Told::Heard(from, _) if from == "bob")).await?;
        writeln!(out, "   ann     {text}")?;
        let (to, text) = (Nickname::parse("bob")?, "Not yet. Do not spoil it!".to_owned());
        ann.wants(Command::Tell { to, text, action: false }).await?;
        let text = bob.until(|it| matches!(it, Told::Heard(from, _) if from.starts_with("ann"))).await?;
        writeln!(out, "   bob     {text}")?;
        let request = GetRequest::new("book.bin".parse()?);
        ann.wants(Command::Get { request, target: TargetSpec::folder(home) }).await?;
        bob.wants(said("And now?")).await?;
        let text = ann.until(|it| matches!(it, Told::Downloaded(_) | Told::Failed(_))).await?;
        writeln!(out, "   ann     {text}")?;
        let copy = std::fs::read(PathBuf::from(home).join("book.bin"))?;
        if copy != book {
            return Err("the file that arrived is not the file that was shared".into());
        }
        let hash = blake3::hash(&copy).to_hex();
        writeln!(out, "   ann     the copy is the file: BLAKE3 {}…", hash.get(..16).unwrap_or_default())?;
        ann.wants(Command::Quit).await?;
        bob.wants(Command::Quit).await?;
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    let runs = async { tokio::try_join!(ann_runs, bob_runs) };
    tokio::pin!(runs);
    // When the script fails nobody would tell the clients to end.
    tokio::select! {
        biased;
        done = script => done?,
        ended = &mut runs => {
            ended?;
            return Err("the clients have ended too early".into());
        }
    }
    runs.await?;
    Ok(())
}

/// Something that a user is told.
enum Told {
    Joined,
    /// By whom, and what.
    Heard(String, String),
    Downloaded(String),
    Failed(String),
}

impl core::fmt::Display for Told {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Joined => f.write_str("joined"),
            Self::Heard(from, text) => write!(f, "{from}: {text}"),
            Self::Downloaded(text) | Self::Failed(text) => f.write_str(text),
        }
    }
}

/// Where the script meets a client.
struct User {
    commands: mpsc::Sender<Command>,
    told: mpsc::UnboundedReceiver<Told>,
}

impl User {
    async fn wants(&self, command: Command) -> Result<()> {
        Ok(self.commands.send(command).await?)
    }

    async fn until(&mut self, mut is_it: impl FnMut(&Told) -> bool) -> Result<Told> {
        while let Some(told) = self.told.recv().await {
            if is_it(&told) {
                return Ok(told);
            }
        }
        Err("a client has ended too early".into())
    }
}

/// A client, and what runs it.
fn user(nick: &str, server: SocketAddr) -> Result<(User, impl Future<Output = Result<()>> + use<>)> {
    let (commands, receiver) = mpsc::channel(4);
    let (sender, told) = mpsc::unbounded_channel();
    let join = JoinAs { nick: Nickname::parse(nick)?, history: None, resume: true };
    let chat = ChatConfig { join: Some(join), reconnect: Reconnect::Never, retry_first: false };
    let parts = ClientParts {
        network: TcpNetwork::new(server.to_string()),
        targets: FileTargets::new(RealDisk, Box::new(io::sink()), Where::Pool),
        clock: SystemClock::new(),
        entropy: SystemEntropy,
    };
    let mut ears = Ears { commands: receiver, told: sender };
    let runs = async move {
        run_client(parts, ClientConfig::new(chat), &mut ears).await?;
        Ok(())
    };
    Ok((User { commands, told }, runs))
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
}

impl Application for Ears {
    async fn command(&mut self) -> Command {
        match self.commands.recv().await {
            Some(command) => command,
            None => std::future::pending().await,
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
            ClientEvent::Chat(ClientChatEvent::Joined { .. }) => self.tell(Told::Joined),
            ClientEvent::Chat(ClientChatEvent::Frame(frame)) => match *frame {
                ServerFrame::Message(it) => self.tell(Told::Heard(it.from.to_string(), it.text)),
                ServerFrame::Private(it) => {
                    self.tell(Told::Heard(format!("{}, privately", it.from), it.text));
                }
                _ => {}
            },
            ClientEvent::Download { event: DownloadEvent::Finished(summary), .. } => {
                let mib = summary.size >> 20;
                let rate = summary.goodput() / 8 / 1_000_000;
                let took = summary.took.as_secs_f64() * 1e3;
                self.tell(Told::Downloaded(format!("book.bin: {mib} MiB in {took:.1} ms, {rate} MB/s")));
            }
            ClientEvent::Download { event: DownloadEvent::Failed { message, .. }, .. } => {
                self.tell(Told::Failed(message));
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
