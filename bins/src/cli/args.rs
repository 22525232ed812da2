//! The arguments of the two programs, as clap reads them, and what clap does not read: the environment.
//!
//! An option is `None` until somebody sets it, so that the layers below it (environment, configuration file,
//! default) can tell what was said from what was not.

pub use self::client::{ClientArgs, ClientCommand, ClientOptions, When};
pub use self::environment::{BadVariable, Environment};
pub use self::get::{GetWords, option_lines};
pub use self::server::{CtlArgs, CtlCommand, LogFormat, ServerArgs, ServerAsked};

mod client;
mod environment;
mod get;
mod server;

/// The TCP port of the chat where an address names none.
pub const CHAT_PORT: u16 = 55_000;

/// The TCP port of the metrics where an address names none: that of OpenTelemetry's exporters for Prometheus, since
/// Prometheus has no port for everybody.
pub const METRICS_PORT: u16 = 9464;

/// The UDP port of the downloads where an address names none.
pub const TRANSFER_PORT: u16 = 44_000;
