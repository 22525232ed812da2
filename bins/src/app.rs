//! What a client knows and shows: one model for the window, the plain lines and the objects.
//!
//! - [`session`]: the chat and its downloads as their user knows them. [`happening`]: what it tells.
//! - [`window`]: what a person at a terminal sees and types. [`editor`], [`completion`], [`gauge`], [`scrollback`], [`layout`],
//!   [`wrap`], [`settings`], [`action`]: its parts; `tui` draws it.
//! - [`roster`], [`downloads`], `requests`, [`request`], [`end`]: its parts.
//!
//! Nothing here does I/O, reads a clock or holds state of the protocol: a message goes in with its time, effects come
//! out.

pub mod action;
pub mod completion;
pub mod downloads;
pub mod editor;
pub mod end;
pub mod gauge;
pub mod get;
pub mod happening;
pub mod input;
pub mod keymap;
pub mod layout;
pub mod links;
pub mod request;
mod requests;
pub mod roster;
pub mod scrollback;
pub mod session;
pub mod settings;
pub mod window;
pub mod wrap;

pub use window::App;
