//! What the benchmarks share: a server in a thread of its own, and tables.
//!
//! Each program measures the loops that ship, over loopback, in a release build:
//!
//! ```sh
//! cargo run --release -p backchat-benches --bin download
//! ```
//!
//! Loopback on a machine that does other things as well differs by a third from run to run. The programs print
//! medians, and beside each number one that needs no protocol at all.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;

use backchat::driver::{Control, ServerParts, ServerSettings, serve};
use backchat::files::real::RealDisk;
use backchat::files::{FolderShare, NoShare, Share};
use backchat::net::{Listener, SystemClock, SystemEntropy, TcpListener, UdpSocket};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

/// A server on free ports of loopback, in a thread of its own.
#[derive(Debug)]
pub struct Server {
    /// Where its chat is.
    pub chat: SocketAddr,
    control: mpsc::Sender<Control>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts one that shares `folder`, or nothing.
    ///
    /// # Panics
    /// Loopback cannot be had.
    pub fn start(folder: Option<PathBuf>, settings: ServerSettings) -> Self {
        let (control, controls) = mpsc::channel(1);
        let (ready, is_ready) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime().block_on(async move {
                let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                let listener = TcpListener::bind(any).await.expect("a free port");
                let udp = UdpSocket::bind(any).await.expect("a free port");
                ready.send(listener.local_addr()).expect("somebody waits");
                match folder {
                    Some(folder) => {
                        let share = FolderShare::open(RealDisk, folder).expect("a folder");
                        run(listener, udp, share, settings, controls).await;
                    }
                    None => run(listener, udp, NoShare::default(), settings, controls).await,
                }
            });
        });
        let chat = is_ready.blocking_recv().expect("a server");
        Self { chat, control, thread: Some(thread) }
    }
}

async fn run(
    listener: TcpListener,
    udp: UdpSocket,
    share: impl Share,
    settings: ServerSettings,
    controls: mpsc::Receiver<Control>,
) {
    let parts = ServerParts { listener, udp, share, clock: SystemClock::new(), entropy: SystemEntropy };
    serve(parts, settings, controls, &mut ()).await.expect("a server that runs");
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.control.blocking_send(Control::Abort);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A runtime with one thread, as the programs that ship have it.
///
/// # Panics
/// The system gives none.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// The middle one.
pub fn median(mut durations: Vec<Duration>) -> Duration {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied().unwrap_or_default()
}

/// The `percent`th percentile of what is sorted.
pub fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((sorted.len() * percent / 100).min(last)).copied().unwrap_or_default()
}

/// Bytes a second, in millions.
pub fn megabytes_a_second(bytes: u64, took: Duration) -> f64 {
    bytes as f64 / 1e6 / took.as_secs_f64()
}

/// The command line's numbers, in order, with what stands in for those that are missing.
///
/// # Panics
/// One is not a number.
pub fn arguments<const N: usize>(defaults: [usize; N]) -> [usize; N] {
    let mut arguments = std::env::args().skip(1);
    defaults
        .map(|default| arguments.next().map_or(default, |text| text.parse().expect("a number as argument")))
}
