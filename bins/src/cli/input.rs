//! What a user types into the chat, or pipes into it, as values.
//!
//! Nothing here sends anything: a line becomes an [`Input`](crate::app::input::Input), which an application turns into a command of the
//! client. Bounds on text are the core's to check; a line that no message could hold is refused here, whole.

pub use self::json::{BadObject, JsonInput, read_object};
pub use self::line::{BadInput, read_line};
pub use self::source::{Line, Lines, MAX_LINE_BYTES, spawn_stdin};

pub mod commands;
mod json;
mod line;
mod source;
