//! A server and clients on loopback, driven by a test.

use std::fmt::Debug;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Duration;

use backchat::driver::{
    Application, ClientEnd, ClientParts, Command, Control, Flow, Receipt, Reload, ServerEnd, ServerParts,
    ServerSettings, run_client, serve,
};
use backchat::files::real::RealDisk;
use backchat::files::{FileTargets, FolderShare, TargetEvent, TargetSpec};
use backchat::net::{Listener, Network, SystemClock, SystemEntropy, TcpListener, TcpNetwork, Udp, UdpSocket};
use backchat_core::chat::{
    ClientChatEvent, ClientConfig as ChatConfig, JoinAs, Limits, Reconnect, ServerFrame,
};
use backchat_core::node::{
    ClientConfig, ClientEvent, DownloadError, DownloadEvent, DownloadId, FailReason, GetRequest, Summary,
    TransferLimits,
};
use backchat_core::time::Instant;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// A test that waits so long is stuck, on any machine.
const GUARD: Duration = Duration::from_secs(120);

async fn guarded<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(GUARD, future).await {
        Ok(result) => result,
        Err(_) => panic!("stuck: {what}"),
    }
}

/// Bytes that differ from segment to segment and do not repeat with the window.
pub(crate) fn bytes_of(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// A server on free ports of loopback, and its share.
pub(crate) struct Server {
    pub chat: SocketAddr,
    pub folder: tempfile::TempDir,
    control: mpsc::Sender<Control>,
    task: JoinHandle<ServerEnd>,
}

impl Server {
    pub(crate) async fn start(files: &[(String, Vec<u8>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("share");
        std::fs::create_dir(&path).unwrap();
        for (name, bytes) in files {
            std::fs::write(path.join(name), bytes).unwrap();
        }
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = TcpListener::bind(any).await.unwrap();
        let udp = UdpSocket::bind(any).await.unwrap();
        assert_ne!(udp.local_addr().port(), 0);
        let chat = listener.local_addr();
        let share = FolderShare::open(RealDisk, path).unwrap();
        let parts = ServerParts { listener, udp, share, clock: SystemClock::new(), entropy: SystemEntropy };
        let (control, controls) = mpsc::channel(4);
        let task =
            tokio::spawn(
                async move { serve(parts, ServerSettings::default(), controls, &mut ()).await.unwrap() },
            );
        Self { chat, folder, control, task }
    }

    pub(crate) async fn control(&self, control: Control) {
        self.control.send(control).await.unwrap();
    }

    pub(crate) async fn reload(&self) {
        let reload = Reload { limits: Limits::default(), motd: None, transfer: TransferLimits::default() };
        self.control(Control::Reload(Box::new(reload))).await;
    }

    pub(crate) async fn ended(self) -> ServerEnd {
        guarded("the server does not end", self.task).await.unwrap()
    }

    pub(crate) async fn stop(self) {
        self.control(Control::Shutdown { grace: Duration::ZERO }).await;
        self.ended().await;
    }
}

/// What an application was told.
#[derive(Debug)]
pub(crate) enum Happening {
    Answered(
        #[expect(dead_code, reason = "shown when a test is stuck")] Command,
        Result<Receipt, DownloadError>,
    ),
    Frame(ServerFrame),
    Chat(ClientChatEvent),
    Download(DownloadEvent),
    Target(TargetEvent),
    CannotConnect(String),
}

/// Does what a test says and tells it everything.
struct Script {
    commands: mpsc::Receiver<Command>,
    happenings: mpsc::UnboundedSender<Happening>,
}

impl Script {
    fn tell(&self, happening: Happening) -> Flow {
        // A test that no longer listens has seen enough.
        let _ = self.happenings.send(happening);
        Flow::Continue
    }
}

impl Application for Script {
    fn poll_command(&mut self, cx: &mut Context<'_>) -> Poll<Command> {
        match self.commands.poll_recv(cx) {
            Poll::Ready(Some(command)) => Poll::Ready(command),
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    fn answered(&mut self, command: Command, answer: Result<Receipt, DownloadError>, _: Instant) -> Flow {
        self.tell(Happening::Answered(command, answer))
    }

    fn event(&mut self, event: ClientEvent, _: Instant) -> Flow {
        self.tell(match event {
            ClientEvent::Chat(ClientChatEvent::Frame(frame)) => Happening::Frame(frame),
            ClientEvent::Chat(event) => Happening::Chat(event),
            ClientEvent::Download { event, .. } => Happening::Download(event),
        })
    }

    fn target(&mut self, _: DownloadId, event: TargetEvent, _: Instant) -> Flow {
        self.tell(Happening::Target(event))
    }

    fn cannot_connect(&mut self, error: &io::Error, _: Instant) -> Flow {
        self.tell(Happening::CannotConnect(error.to_string()))
    }
}

/// A network that binds a socket only after everybody else had many turns.
struct Late(TcpNetwork);

impl Network for Late {
    type Stream = TcpStream;
    type Udp = UdpSocket;

    fn connect(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> + Send + 'static {
        self.0.connect()
    }

    fn bind_udp(&self, server: SocketAddr) -> impl Future<Output = io::Result<UdpSocket>> + Send + 'static {
        let binding = self.0.bind_udp(server);
        async {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            binding.await
        }
    }
}

/// Turns in which a ticket comes from a server in the same runtime.
const TURNS: usize = 10_000;

/// A client, and what it has been told so far.
pub(crate) struct Client {
    commands: mpsc::Sender<Command>,
    happenings: mpsc::UnboundedReceiver<Happening>,
    pub seen: Vec<Happening>,
    task: JoinHandle<ClientEnd>,
}

impl Client {
    /// One that has joined.
    pub(crate) async fn join(server: &Server, nick: &str) -> Self {
        let join = JoinAs { nick: nick.parse().unwrap(), history: None, resume: true };
        let mut client = Self::start(TcpNetwork::from(server.chat), Some(join));
        client.until(|it| matches!(it, Happening::Chat(ClientChatEvent::Joined { .. })).then_some(())).await;
        client
    }

    /// One that has no nickname and only asks.
    pub(crate) async fn visit(server: &Server) -> Self {
        let mut client = Self::visit_at(server.chat);
        client.until(|it| matches!(it, Happening::Chat(ClientChatEvent::Connected)).then_some(())).await;
        client
    }

    /// The same, whether there is a server or not.
    pub(crate) fn visit_at(address: SocketAddr) -> Self {
        Self::start(TcpNetwork::from(address), None)
    }

    /// One that only asks, over a network whose sockets for downloads are slow to come.
    pub(crate) fn visit_late(server: &Server) -> Self {
        Self::start(Late(TcpNetwork::from(server.chat)), None)
    }

    fn start(network: impl Network + 'static, join: Option<JoinAs>) -> Self {
        let (commands, receiver) = mpsc::channel(64);
        let (sender, happenings) = mpsc::unbounded_channel();
        let mut script = Script { commands: receiver, happenings: sender };
        let chat = ChatConfig { join, reconnect: Reconnect::Never, retry_first: false };
        let parts = ClientParts {
            network,
            targets: FileTargets::new(RealDisk, Box::new(io::sink())),
            clock: SystemClock::new(),
            entropy: SystemEntropy,
        };
        let task =
            tokio::spawn(
                async move { run_client(parts, ClientConfig::new(chat), &mut script).await.unwrap() },
            );
        Self { commands, happenings, seen: Vec::new(), task }
    }

    pub(crate) async fn send(&self, command: Command) {
        self.commands.send(command).await.unwrap();
    }

    /// The first answer that `find` gives to something that happens from now on.
    pub(crate) async fn until<T>(&mut self, mut find: impl FnMut(&Happening) -> Option<T>) -> T {
        loop {
            let next = tokio::time::timeout(GUARD, self.happenings.recv()).await;
            let Ok(Some(happening)) = next else { panic!("not told, but this: {:#?}", self.seen) };
            let found = find(&happening);
            self.seen.push(happening);
            if let Some(found) = found {
                return found;
            }
        }
    }

    pub(crate) async fn until_all<T>(
        &mut self,
        mut find: impl FnMut(&Happening) -> Option<T>,
        count: usize,
    ) -> Vec<T> {
        let mut found = Vec::new();
        while found.len() < count {
            found.push(self.until(&mut find).await);
        }
        found
    }

    pub(crate) async fn until_frame(&mut self, mut is_it: impl FnMut(&ServerFrame) -> bool) {
        self.until(|it| matches!(it, Happening::Frame(frame) if is_it(frame)).then_some(())).await;
    }

    /// Downloads one file and waits for its end.
    pub(crate) async fn download(&mut self, name: &str, target: TargetSpec) -> Result<Summary, FailReason> {
        self.send(get(name, target)).await;
        self.until(end_of_download).await
    }

    pub(crate) async fn quit(self) {
        self.send(Command::Quit).await;
        self.ended().await;
    }

    pub(crate) async fn ended(self) -> ClientEnd {
        guarded("the client does not end", self.task).await.unwrap()
    }
}

pub(crate) fn get(name: &str, target: TargetSpec) -> Command {
    Command::Get { request: GetRequest::new(name.parse().unwrap()), target }
}

pub(crate) fn end_of_download(happening: &Happening) -> Option<Result<Summary, FailReason>> {
    match happening {
        Happening::Download(DownloadEvent::Finished(summary)) => Some(Ok(*summary)),
        Happening::Download(DownloadEvent::Failed { reason, .. }) => Some(Err(reason.clone())),
        _ => None,
    }
}

/// The text of a public message.
pub(crate) fn text_of(frame: &ServerFrame) -> Option<&str> {
    match frame {
        ServerFrame::Message(message) => Some(message.text.raw()),
        _ => None,
    }
}
