//! `backchat-server ctl` where there are no sockets of the file system.

use crate::cli::args::{CtlArgs, Environment};
use crate::cli::exit::Exit;
use crate::cli::logging;

/// Says so.
pub(super) fn run(_: &CtlArgs, _: &Environment) -> Exit {
    logging::complain(&"there is no control socket on this system: use the console of the server");
    Exit::Usage
}
