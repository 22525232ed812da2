//! What systemd is told: sd_notify(3) and sd_watchdog_enabled(3), without its library.
//!
//! A service of `Type=notify` is started when it says so, and with `WatchdogSec=` it is ended and started again when its
//! loop has said nothing for too long. Nothing here waits: what a full socket does not take is lost, as a datagram may be.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::cli::args::Environment;

/// Added to the grace of the end: the last lines of the log, and connections that linger.
const END_TAKES: Duration = Duration::from_secs(5);

/// Whoever has started us and wants to know, if anybody.
#[derive(Clone, Debug, Default)]
pub(super) struct Notify(Option<Arc<UnixDatagram>>);

impl Notify {
    /// As `NOTIFY_SOCKET` says: a path, or a name behind an `@`.
    pub(super) fn of(environment: &Environment) -> Self {
        let Some(name) = environment.raw("NOTIFY_SOCKET") else { return Self(None) };
        match connect(&name.to_string_lossy()) {
            Ok(socket) => Self(Some(Arc::new(socket))),
            Err(error) => {
                tracing::warn!(%error, "NOTIFY_SOCKET cannot be used: systemd is told nothing");
                Self(None)
            }
        }
    }

    /// Connections are accepted. `status` is what `systemctl status` shows.
    pub(super) fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// The configuration is being read again; [`reloaded`](Self::reloaded) follows, whatever came of it.
    pub(super) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}{:06}", now.tv_sec, now.tv_nsec / 1_000));
    }

    /// It was read, or not.
    pub(super) fn reloaded(&self) {
        self.send("READY=1");
    }

    /// The end has begun, and may take so long.
    pub(super) fn stopping(&self, grace: Duration) {
        let micros = grace.saturating_add(END_TAKES).as_micros();
        self.send(&format!(
            "STOPPING=1\nEXTEND_TIMEOUT_USEC={micros}\nSTATUS=stopping: downloads may finish"
        ));
    }

    /// The loop turns.
    pub(super) fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, state: &str) {
        if let Some(socket) = &self.0 {
            let _ = socket.send(state.as_bytes());
        }
    }
}

fn connect(name: &str) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match name.strip_prefix('@') {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt as _;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            socket.connect_addr(&address)?;
        }
        _ => socket.connect(name)?,
    }
    Ok(socket)
}

/// How long the loop may say nothing before it is ended, if systemd looks. `pid` is ours.
pub(super) fn watchdog(environment: &Environment, pid: u32) -> Option<Duration> {
    let number = |name| environment.raw(name)?.to_string_lossy().parse::<u64>().ok();
    let is_ours = match environment.raw("WATCHDOG_PID") {
        Some(_) => number("WATCHDOG_PID") == Some(u64::from(pid)),
        None => true,
    };
    number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 4096];
        let count = socket.recv(&mut bytes).expect("a datagram");
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[test]
    fn systemd_is_told_over_its_socket_and_never_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        let notify = Notify::of(&Environment::of(&[("NOTIFY_SOCKET", &path.to_string_lossy())]));
        notify.ready("chat on 127.0.0.1:1");
        assert_eq!(received(&socket), "READY=1\nSTATUS=chat on 127.0.0.1:1");
        notify.reloading();
        let reloading = received(&socket);
        let micros = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect(&reloading);
        assert!(micros.parse::<u64>().is_ok(), "{micros}");
        notify.stopping(Duration::from_secs(10));
        assert!(received(&socket).starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000\n"));
        // More than any queue of the system holds.
        for _ in 0..100_000 {
            notify.alive();
        }
        assert_eq!(received(&socket), "WATCHDOG=1");
        for nobody in ["", "/nowhere/at/all"] {
            Notify::of(&Environment::of(&[("NOTIFY_SOCKET", nobody)])).alive();
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_socket_may_have_a_name_without_a_file() {
        use std::os::linux::net::SocketAddrExt as _;
        let name = format!("backchat-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("bound");
        Notify::of(&Environment::of(&[("NOTIFY_SOCKET", &format!("@{name}"))])).alive();
        assert_eq!(received(&socket), "WATCHDOG=1");
    }

    #[test]
    fn a_watchdog_is_ours_or_another_process() {
        let of = |variables: &[(&str, &str)]| watchdog(&Environment::of(variables), 7);
        let usec = ("WATCHDOG_USEC", "30000000");
        assert_eq!(of(&[usec]), Some(Duration::from_secs(30)));
        assert_eq!(of(&[usec, ("WATCHDOG_PID", "7")]), Some(Duration::from_secs(30)));
        assert_eq!(of(&[usec, ("WATCHDOG_PID", "8")]), None);
        assert_eq!(of(&[("WATCHDOG_USEC", "0")]), None);
        assert_eq!(of(&[("WATCHDOG_USEC", "soon")]), None);
        assert_eq!(of(&[]), None);
    }
}
