//! What stands above the client's loop for a person or a script: the chat in lines, and the one-shot commands.
//!
//! Each is an [`Application`](crate::driver::application::Application): it hands in commands and is told what
//! happened. None holds protocol state; what they remember is what has to be shown.

pub mod bars;
#[cfg(test)]
mod bench;
mod candidates;
pub mod chat;
pub mod get;
pub mod look;
pub mod nick;
pub mod once;
mod run;
pub mod silence;
pub mod suggestion;
pub mod voice;
mod window;

pub use self::run::main;
