//! `GET /metrics` for Prometheus, `GET /healthz` for whoever looks whether the server is well, and nothing else.
//!
//! Two kinds of request and two pages do not need an HTTP library: what is here is a request line, a bound on everything
//! and `Connection: close`. A scrape asks the loop for its counters through the channel that signals come by, and makes
//! its page beside it. Nothing here is reachable unless `--metrics` says so.
//!
//! - `request`: what a client may ask. `exposition`: the page of counters. `process`: what the process takes.

mod exposition;
mod process;
mod request;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use backchat_core::time::UnixTime;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, oneshot};

use self::process::Process;
pub(super) use self::request::Hosts;
use self::request::{HEAD_MAX, Head, Method, Page, Refusal};
use super::pulse::Lag;
use crate::cli::logging;
use crate::driver::{Control, Measures};

/// Connections at once; further ones wait in the system's queue. A scraper has one, and two of them are many.
const CONNECTIONS_MAX: usize = 8;

/// How long a connection may take from its first byte to its last.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the loop may take to say that it turns. Whoever asks asks again, and systems give up on one that takes
/// longer.
const HEALTH_WITHIN: Duration = Duration::from_secs(2);

/// What is still read, after the answer, of a client that has more to say: closing on unread bytes is a reset, which
/// can take the answer with it.
const UNREAD_MAX: u64 = 64 * 1024;

/// After a connection could not be taken: the reason, mostly that descriptors have run out, does not go at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the page tells beside what the loop counts.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    /// When the process began.
    pub(super) began: UnixTime,
    /// Lines that the log has left out because strangers caused too many.
    pub(super) left_out: Arc<AtomicU64>,
    /// How late the loop was.
    pub(super) lag: Lag,
    /// The names that it is asked by.
    pub(super) hosts: Hosts,
}

/// Reads a request; the response where it is refused, and `None` while its end is missing.
pub(super) fn scrape_refusal(bytes: &[u8], hosts: &Hosts) -> Option<Result<(), String>> {
    Head::read(bytes, hosts).map(|head| head.map(drop).map_err(Refusal::response))
}

/// Answers scrapes for as long as it is polled.
pub(super) async fn serve(listener: TcpListener, control: mpsc::Sender<Control>, facts: Facts) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Nobody closes it.
    while let Ok(place) = Arc::clone(&room).acquire_owned().await {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::debug!(%error, "a scrape could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (control, facts) = (control.clone(), facts.clone());
        tokio::spawn(async move {
            // Who is too slow or has gone is not told.
            let _ = tokio::time::timeout(PATIENCE, answer(stream, &control, &facts)).await;
            drop(place);
        });
    }
}

/// One request, one answer.
async fn answer(mut stream: TcpStream, control: &mpsc::Sender<Control>, facts: &Facts) -> io::Result<()> {
    let response = match head(&mut stream, &facts.hosts).await? {
        Some(Ok(head)) => {
            respond(head, control, facts).await.unwrap_or_else(|| Refusal::Unavailable.response())
        }
        Some(Err(refusal)) => refusal.response(),
        None => return Ok(()),
    };
    stream.write_all(response.as_bytes()).await?;
    stream.shutdown().await?;
    let mut rest = stream.take(UNREAD_MAX);
    tokio::io::copy(&mut rest, &mut tokio::io::sink()).await?;
    Ok(())
}

/// The page; `None` when there is no server any more, or its loop does not turn.
async fn respond(head: Head, control: &mpsc::Sender<Control>, facts: &Facts) -> Option<String> {
    match head.page {
        Page::Health => {
            tokio::time::timeout(HEALTH_WITHIN, probe(control)).await.ok()??;
            Some(page(head, "text/plain; charset=utf-8", "ok\n"))
        }
        Page::Metrics => {
            let measures = measure(control).await?;
            // It reads files.
            let process = tokio::task::spawn_blocking(Process::read).await.ok().flatten();
            let around = exposition::Around {
                began: facts.began,
                log_unread: logging::lost(),
                log_left_out: facts.left_out.load(Ordering::Relaxed),
                lag: facts.lag.measured(),
                process,
            };
            Some(page(head, exposition::CONTENT_TYPE, &exposition::page(&measures, &around)))
        }
    }
}

async fn probe(control: &mpsc::Sender<Control>) -> Option<()> {
    let (answer, answered) = oneshot::channel();
    control.send(Control::Probe(answer)).await.ok()?;
    answered.await.ok()
}

/// Reads until a request is whole or wrong; `None` when the client closes before.
async fn head(stream: &mut TcpStream, hosts: &Hosts) -> io::Result<Option<Result<Head, Refusal>>> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
        // First: a request that comes all at once is no smaller for that.
        if bytes.len() > HEAD_MAX {
            return Ok(Some(Err(Refusal::TooLarge)));
        }
        if let Some(read) = Head::read(&bytes, hosts) {
            return Ok(Some(read));
        }
    }
}

/// A label's value, in the one style that they all have: words of lower case with hyphens between them.
pub(super) fn label(text: &str) -> String {
    text.replace([' ', '_'], "-")
}

async fn measure(control: &mpsc::Sender<Control>) -> Option<Measures> {
    let (answer, measures) = oneshot::channel();
    control.send(Control::Measure(answer)).await.ok()?;
    measures.await.ok()
}

fn page(head: Head, content: &str, text: &str) -> String {
    let body = match head.method {
        Method::Get => text,
        Method::Head => "",
    };
    // The length of what GET would bring, for HEAD too.
    request::response("200 OK", content, "", text.len(), body)
}
