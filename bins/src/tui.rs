//! The window on a terminal: it draws an [`App`](crate::app::App) and turns keys into its messages.
//!
//! - [`view`]: a picture of the model; it changes nothing. [`theme`]: in which colours.
//! - [`keys`]: from the terminal's events to messages.
//! - [`terminal`]: takes the terminal over, and gives it back however the program ends.
//! - `run`: the loop's [`Application`](crate::driver::Application).
//!
//! Nothing of the chat is decided here.

pub mod keys;
mod run;
pub mod terminal;
pub mod theme;
pub mod view;

pub use run::{Tui, Until};
