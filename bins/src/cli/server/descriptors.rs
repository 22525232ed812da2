//! Open files and connections: each takes a descriptor.

#[cfg(unix)]
use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the soft limit to the hard one.
///
/// The soft limit is 1,024 almost everywhere, for the sake of programs that use `select`, which does not know higher
/// descriptors. This one does not use it, and its default limit is 10,000 connections.
#[cfg(unix)]
pub(super) fn take_all() {
    let mut limit = getrlimit(Resource::Nofile);
    let before = limit.current;
    if before == limit.maximum {
        return;
    }
    limit.current = limit.maximum;
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => tracing::debug!(?before, now = ?limit.maximum, "descriptors"),
        // What there is has to do; the log tells when it does not.
        Err(error) => tracing::debug!(?before, %error, "no more descriptors"),
    }
}

/// Nothing limits them on Windows.
#[cfg(not(unix))]
pub(super) fn take_all() {}
