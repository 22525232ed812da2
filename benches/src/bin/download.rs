//! Downloads over loopback into a file, beside a plain TCP copy into a file.
//!
//! `download [MEBIBYTES] [RUNS]`; without arguments 1 GiB, five times. Files go to the folder for temporary files
//! (`TMPDIR`), and to memory where that is at hand, since a disk that syncs a gigabyte takes longer than the
//! download.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::task::{Context, Poll};
use std::time::{Duration, Instant as Wall};

use backchat::driver::{Application, ClientParts, Command, Flow, Receipt, ServerSettings, run_client};
use backchat::files::real::RealDisk;
use backchat::files::{FileTargets, TargetEvent, TargetSpec};
use backchat::net::{SystemClock, SystemEntropy, TcpNetwork};
use backchat_benches::{Server, arguments, median, megabytes_a_second, runtime};
use backchat_core::chat::{ClientConfig as ChatConfig, Reconnect};
use backchat_core::node::{
    ClientConfig, ClientEvent, DownloadError, DownloadEvent, DownloadId, GetRequest, Summary,
};
use backchat_core::time::Instant;
use backchat_core::wire::CongestionChoice;

const NAME: &str = "large.bin";

/// Downloads one file and ends.
struct Once {
    get: Option<Command>,
    began: Wall,
    /// When all bytes were with the system.
    written: Option<Duration>,
    /// When the file had its name.
    named: Option<Duration>,
    summary: Option<Summary>,
}

impl Application for Once {
    fn poll_command(&mut self, _: &mut Context<'_>) -> Poll<Command> {
        self.get.take().map_or(Poll::Pending, Poll::Ready)
    }

    fn answered(&mut self, _: Command, answer: Result<Receipt, DownloadError>, _: Instant) -> Flow {
        answer.expect("a download that begins");
        Flow::Continue
    }

    fn event(&mut self, event: ClientEvent, _: Instant) -> Flow {
        match event {
            ClientEvent::Download { event: DownloadEvent::Progress { written, size, .. }, .. }
                if written == size =>
            {
                self.written.get_or_insert(self.began.elapsed());
            }
            ClientEvent::Download { event: DownloadEvent::Finished(summary), .. } => {
                self.named = Some(self.began.elapsed());
                self.summary = Some(summary);
                return Flow::Exit;
            }
            ClientEvent::Download { event: DownloadEvent::Failed { message, .. }, .. } => panic!("{message}"),
            ClientEvent::Download { .. } | ClientEvent::Chat(_) => {}
        }
        Flow::Continue
    }

    fn target(&mut self, _: DownloadId, _: TargetEvent, _: Instant) -> Flow {
        Flow::Continue
    }
}

struct Run {
    written: Duration,
    named: Duration,
    summary: Summary,
}

fn download(server: SocketAddr, folder: &Path, segment: u16, congestion: CongestionChoice) -> Run {
    let file = NAME.parse().expect("a file name");
    let request = GetRequest { segment: Some(segment), congestion, ..GetRequest::new(file) };
    let get = Command::Get { request, target: TargetSpec::folder(folder) };
    let chat = ChatConfig { join: None, reconnect: Reconnect::Never, retry_first: false };
    let mut once = Once { get: Some(get), began: Wall::now(), written: None, named: None, summary: None };
    runtime().block_on(async {
        let parts = ClientParts {
            network: TcpNetwork::from(server),
            targets: FileTargets::new(RealDisk, Box::new(io::sink())),
            clock: SystemClock::new(),
            entropy: SystemEntropy,
        };
        run_client(parts, ClientConfig::new(chat), &mut once).await.expect("a client");
    });
    std::fs::remove_file(folder.join(NAME)).expect("the file");
    Run {
        written: once.written.expect("all of it"),
        named: once.named.expect("its name"),
        summary: once.summary.expect("a summary"),
    }
}

/// A TCP connection, reading and writing in pieces of 256 KiB; then a sync and a rename, as a download has them.
fn copy(source: &Path, folder: &Path) -> Run {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    let source = source.to_owned();
    let sender = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut file = File::open(source).expect("the file");
        pour(&mut file, &mut stream);
    });
    let began = Wall::now();
    let mut stream = TcpStream::connect(address).expect("a connection");
    let partial = folder.join(".copy.part");
    let mut file = File::create(&partial).expect("a file");
    pour(&mut stream, &mut file);
    let written = began.elapsed();
    file.sync_all().expect("a sync");
    std::fs::rename(&partial, folder.join("copy")).expect("a rename");
    let named = began.elapsed();
    sender.join().expect("a sender");
    std::fs::remove_file(folder.join("copy")).expect("the file");
    let summary = Summary {
        size: 0,
        resumed_from: 0,
        took: named,
        segments_received: 0,
        duplicates: 0,
        discarded: 0,
        round_trip: None,
        hash: backchat_core::wire::Hash::of_nothing(),
    };
    Run { written, named, summary }
}

fn pour(from: &mut impl Read, to: &mut impl Write) {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = from.read(&mut buffer).expect("a read");
        if count == 0 {
            return;
        }
        to.write_all(&buffer[..count]).expect("a write");
    }
}

fn main() {
    let [mebibytes, runs] = arguments([1024, 5]);
    let size = (mebibytes as u64) << 20;
    let mut roots = vec![std::env::temp_dir()];
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        roots.push(memory.to_owned());
    }
    println!(
        "{mebibytes} MiB, medians of {runs}, MB/s until the last byte is written / until it is synced and named"
    );
    for root in roots {
        let share = tempfile::tempdir_in(&root).expect("a folder");
        let target = tempfile::tempdir_in(&root).expect("a folder");
        let source = share.path().join(NAME);
        pour(&mut io::repeat(0x5A).take(size), &mut File::create(&source).expect("a file"));
        let server = Server::start(Some(share.path().to_owned()), ServerSettings::default());
        println!("in {}", root.display());
        let print = |what: &str, runs: Vec<Run>| {
            let written = median(runs.iter().map(|run| run.written).collect());
            let named = median(runs.iter().map(|run| run.named).collect());
            let discarded: u64 = runs.iter().map(|run| run.summary.discarded).sum();
            let (written, named) = (megabytes_a_second(size, written), megabytes_a_second(size, named));
            println!("  {what:<38} {written:>7.0} / {named:>5.0}   discarded {discarded}");
        };
        for segment in [1_200, 1_400, 8_900, 16_000, 65_000] {
            let results =
                (0..runs).map(|_| download(server.chat, target.path(), segment, CongestionChoice::Classic));
            print(&format!("backchat, segments of {segment}"), results.collect());
        }
        print("plain TCP copy", (0..runs).map(|_| copy(&source, target.path())).collect());
    }
}
