//! Reaching a host that has several addresses: Happy Eyeballs, RFC 8305.
//!
//! A name may stand for an address that nobody answers at: an IPv6 address where IPv6 is not routed, a machine of a group
//! that is down. One after the other each is given a head start; the first connection that is made wins, and the attempts
//! that were still under way are given up.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// How long an address is waited for before the next is tried as well. RFC 8305 §5 and §8 recommend 250 ms.
pub(super) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// After this, all attempts have failed. Below the client's own bound on connecting, because what came of each address says more than
/// that it took too long.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(9);

/// Most addresses that an error names: it has to fit the lines that people read.
const ADDRESSES_NAMED: usize = 4;

/// Connects to the first of `addresses` that answers.
///
/// # Errors
/// None does. With several addresses the error names what the system said of each.
pub(super) async fn dial<S, F>(
    addresses: impl IntoIterator<Item = SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<S>
where
    F: Future<Output = io::Result<S>> + Send + 'static,
    S: Send + 'static,
{
    let mut left = interleaved(addresses).into_iter();
    let until = Instant::now() + DIAL_TIMEOUT;
    let mut attempts = JoinSet::new();
    let mut pending = Vec::new();
    let mut failures = Vec::new();
    loop {
        if let Some(address) = left.next() {
            let attempt = connect(address);
            pending.push(address);
            attempts.spawn(async move { (address, attempt.await) });
        }
        if attempts.is_empty() {
            return Err(summary(failures));
        }
        let next = Instant::now() + ATTEMPT_DELAY;
        let wakes = if left.len() > 0 { next.min(until) } else { until };
        tokio::select! {
            biased;
            Some(ended) = attempts.join_next() => match ended {
                Ok((_, Ok(stream))) => return Ok(stream),
                Ok((address, Err(error))) => {
                    pending.retain(|it| *it != address);
                    failures.push((address, error));
                }
                Err(broken) => return Err(io::Error::other(broken)),
            },
            () = sleep_until(wakes) => {}
        }
        if Instant::now() >= until {
            let silent = || io::Error::new(io::ErrorKind::TimedOut, "no answer");
            failures.extend(pending.into_iter().map(|address| (address, silent())));
            return Err(summary(failures));
        }
    }
}

/// The addresses once each, those of the two families in turn and in the resolver's order (RFC 8305 §4): a family that is
/// not routed costs one head start and not one for each of its addresses.
fn interleaved(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut all: Vec<SocketAddr> = Vec::new();
    for address in addresses {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    let first_is_ipv6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = all.iter().partition(|it| it.is_ipv6() == first_is_ipv6);
    let turns = first.len().max(second.len());
    (0..turns).flat_map(|turn| [first.get(turn), second.get(turn)]).flatten().copied().collect()
}

/// One error for all that failed.
fn summary(failures: Vec<(SocketAddr, io::Error)>) -> io::Error {
    let mut failures = failures;
    if failures.len() < 2 {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        return failures.pop().map_or_else(unknown, |(_, error)| error);
    }
    let kind = failures.first().map_or(io::ErrorKind::Other, |(_, error)| error.kind());
    let kind =
        if failures.iter().all(|(_, error)| error.kind() == kind) { kind } else { io::ErrorKind::Other };
    let named = failures.iter().take(ADDRESSES_NAMED).map(|(address, error)| format!("{address}: {error}"));
    let mut text = named.collect::<Vec<_>>().join("; ");
    if failures.len() > ADDRESSES_NAMED {
        text += &format!("; and {} more addresses", failures.len() - ADDRESSES_NAMED);
    }
    io::Error::new(kind, text)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::Pin;

    use super::*;

    type Attempt = Pin<Box<dyn Future<Output = io::Result<SocketAddr>> + Send>>;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect(text)
    }

    /// Refuses at port 1, answers after as many milliseconds as the port says otherwise, and never at port 9.
    fn world(address: SocketAddr) -> Attempt {
        match address.port() {
            1 => Box::pin(async { Err(io::Error::new(io::ErrorKind::ConnectionRefused, "refused")) }),
            9 => Box::pin(pending()),
            millis => Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(millis.into())).await;
                Ok(address)
            }),
        }
    }

    /// What came of it, and after how long.
    async fn dialled(addresses: &[&str]) -> (io::Result<SocketAddr>, Duration) {
        let began = Instant::now();
        let result = dial(addresses.iter().map(|text| address(text)), world).await;
        (result, began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_does_not_answer_holds_nobody_up() {
        let (reached, took) = dialled(&["[2001:db8::1]:9", "192.0.2.1:20"]).await;
        assert_eq!(reached.expect("an answer"), address("192.0.2.1:20"));
        assert_eq!(took, ATTEMPT_DELAY + Duration::from_millis(20));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_refuses_is_followed_by_the_next_at_once() {
        let (reached, took) = dialled(&["[2001:db8::1]:1", "192.0.2.1:20"]).await;
        assert_eq!(reached.expect("an answer"), address("192.0.2.1:20"));
        assert_eq!(took, Duration::from_millis(20));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_answer_wins_whoever_was_asked_first() {
        let (reached, took) = dialled(&["192.0.2.1:1000", "192.0.2.2:100"]).await;
        assert_eq!(reached.expect("an answer"), address("192.0.2.2:100"));
        assert_eq!(took, ATTEMPT_DELAY + Duration::from_millis(100));
        let (reached, _) = dialled(&["192.0.2.1:300", "192.0.2.2:100"]).await;
        assert_eq!(reached.expect("an answer"), address("192.0.2.1:300"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_families_take_turns() {
        let addresses =
            ["[2001:db8::1]:9", "[2001:db8::2]:9", "[2001:db8::1]:9", "192.0.2.1:9", "192.0.2.2:9"];
        let turns = interleaved(addresses.map(address));
        assert_eq!(turns, ["[2001:db8::1]:9", "192.0.2.1:9", "[2001:db8::2]:9", "192.0.2.2:9"].map(address));
    }

    #[tokio::test(start_paused = true)]
    async fn what_came_of_each_address_is_told() {
        let (failed, took) = dialled(&["[2001:db8::1]:9", "192.0.2.1:1"]).await;
        assert_eq!(
            failed.expect_err("nobody").to_string(),
            "192.0.2.1:1: refused; [2001:db8::1]:9: no answer"
        );
        assert_eq!(took, DIAL_TIMEOUT);
        let (failed, took) = dialled(&["192.0.2.1:1", "192.0.2.2:1"]).await;
        let failed = failed.expect_err("nobody");
        assert_eq!(failed.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(failed.to_string(), "192.0.2.1:1: refused; 192.0.2.2:1: refused");
        assert_eq!(took, Duration::ZERO);
        assert_eq!(dialled(&["192.0.2.1:1"]).await.0.expect_err("nobody").to_string(), "refused");
        assert_eq!(dialled(&[]).await.0.expect_err("nobody").to_string(), "the name has no address");
    }
}
