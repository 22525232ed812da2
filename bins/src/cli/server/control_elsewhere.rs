//! Where there are no sockets of the file system, there is no control socket: the console is the operator's.

use std::path::Path;

use super::admin::Admin;

/// None.
#[derive(Debug)]
pub(super) enum ControlSocket {}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
#[error("there is no control socket on this system")]
pub(super) struct NoSocket;

impl ControlSocket {
    /// There is none.
    pub(super) fn bind(_: &Path) -> Result<Self, NoSocket> {
        Err(NoSocket)
    }

    /// Nowhere.
    pub(super) fn path(&self) -> &Path {
        match *self {}
    }

    /// Never.
    #[expect(clippy::unused_async, reason = "as on Unix")]
    pub(super) async fn serve(self, _: Admin) {
        match self {}
    }
}
