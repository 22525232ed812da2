//! The command lines, as scripts rely on them: real binaries on free ports, their output and their exit codes.
//!
//! Nothing here sleeps. What is waited for is an event: a line of a program's output, or its end; each wait has a
//! bound that is only met by a program that hangs.

mod command_lines {
    pub(crate) mod chat;
    pub(crate) mod client;
    pub(crate) mod complete;
    pub(crate) mod console;
    pub(crate) mod crowd;
    pub(crate) mod ctl;
    pub(crate) mod generate;
    pub(crate) mod get;
    pub(crate) mod hostile;
    pub(crate) mod metrics;
    pub(crate) mod program;
    pub(crate) mod schema;
    pub(crate) mod server;
    pub(crate) mod service;
}
