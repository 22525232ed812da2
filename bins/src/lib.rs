//! The drivers that feed `backchat_core` with bytes and time from real sockets, and what its binaries share.

pub mod app;
pub mod cli;
pub mod driver;
mod errno;
pub mod files;
pub mod net;
mod paths;
pub mod quantity;
pub mod tui;
