//! A message to everybody in a room: how long until each has it, and how many deliveries a second.
//!
//! `fanout [READERS] [MESSAGES]`; without arguments 1,000 readers, 500 messages one after the other and ten times
//! as many with 64 under way. The readers are plain connections that count lines, in a thread of their own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use backchat::driver::ServerSettings;
use backchat_benches::{Server, arguments, percentile, runtime};
use backchat_core::chat::Limits;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

/// Messages under way in the second measurement.
const WINDOW: usize = 64;

/// One character that stands in every message and in nothing else: counting it counts messages.
const MARK: u8 = b'~';

async fn join(server: SocketAddr, nick: String) -> (BufReader<OwnedReadHalf>, OwnedWriteHalf) {
    let stream = TcpStream::connect(server).await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    let (reader, mut writer) = stream.into_split();
    let frame = format!("{{\"type\":\"join\",\"nick\":\"{nick}\",\"history\":0}}\n");
    writer.write_all(frame.as_bytes()).await.expect("a join");
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    reader.read_line(&mut line).await.expect("a welcome");
    assert!(line.contains("\"welcome\""), "{line}");
    (reader, writer)
}

/// Counts the marks that a reader sees, and tells each.
async fn count(mut reader: BufReader<OwnedReadHalf>, seen: mpsc::UnboundedSender<Instant>) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => {
                let now = Instant::now();
                for _ in buffer[..length].iter().filter(|byte| **byte == MARK) {
                    if seen.send(now).is_err() {
                        return;
                    }
                }
            }
        }
    }
}

fn main() {
    let [readers, messages] = arguments([1_000, 500]);
    let limits =
        Limits { burst: 1_000_000, per_second: 1_000_000, slow_reader_bytes: 16 << 20, ..Limits::default() };
    let server = Server::start(None, ServerSettings { limits, ..ServerSettings::default() });
    let address = server.chat;
    let joined = Arc::new(AtomicUsize::new(0));
    let (seen, mut marks) = mpsc::unbounded_channel();
    let all = Arc::clone(&joined);
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let mut writers = Vec::new();
            for number in 0..readers {
                let (reader, writer) = join(address, format!("r{number}")).await;
                writers.push(writer);
                tokio::spawn(count(reader, seen.clone()));
                all.fetch_add(1, Ordering::Relaxed);
            }
            drop(seen);
            std::future::pending::<()>().await;
        });
    });
    runtime().block_on(async move {
        while joined.load(Ordering::Relaxed) < readers {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let (mut reader, mut writer) = join(address, "speaker".to_owned()).await;
        tokio::spawn(async move {
            let mut nowhere = vec![0; 64 * 1024];
            while reader.read(&mut nowhere).await.is_ok_and(|length| length > 0) {}
        });
        let frame = b"{\"type\":\"say\",\"text\":\"~ a message of some thirty characters\"}\n";
        let mut latencies = Vec::with_capacity(readers * messages);
        let began = Instant::now();
        for _ in 0..messages {
            let sent = Instant::now();
            writer.write_all(frame).await.expect("a message");
            for _ in 0..readers {
                latencies.push(marks.recv().await.expect("a delivery").duration_since(sent));
            }
        }
        let took = began.elapsed();
        latencies.sort_unstable();
        println!("{readers} readers, one message under way:");
        println!(
            "  until a reader has it: p50 {:?}, p99 {:?}",
            percentile(&latencies, 50),
            percentile(&latencies, 99)
        );
        println!("  {:.0} deliveries/s", latencies.len() as f64 / took.as_secs_f64());
        let total = messages * 10;
        let began = Instant::now();
        let (mut sent, mut delivered) = (0, 0);
        while delivered < total * readers {
            while sent < total && sent < delivered / readers + WINDOW {
                writer.write_all(frame).await.expect("a message");
                sent += 1;
            }
            marks.recv().await.expect("a delivery");
            delivered += 1;
        }
        let took = began.elapsed();
        println!("{readers} readers, {WINDOW} messages under way:");
        println!("  {:.0} deliveries/s", delivered as f64 / took.as_secs_f64());
    });
    // The readers' thread and the server end with the process.
    std::process::exit(0);
}
