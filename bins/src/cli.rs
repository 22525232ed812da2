//! The command lines: what people type, what they read back, and the exit codes scripts rely on.
//!
//! Nothing here decides anything of the protocol, and nothing here owns a socket: arguments and configuration
//! become values, the drivers run, and their events become lines, tables, bars or JSON.

pub mod algorithms;
pub mod args;
pub mod client;
pub mod config;
pub mod exit;
pub mod failure;
pub mod generate;
pub mod home;
pub mod input;
pub mod logging;
mod private;
pub mod render;
pub mod server;
pub mod signals;
pub mod slash;
pub mod toml_file;
pub mod values;
