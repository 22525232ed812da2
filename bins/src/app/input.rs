//! Requests of a user, whoever read them: from a line that was typed, from an object of a program, from a key.

use std::path::PathBuf;

use super::get::GetOptions;

/// A request of the user, however it was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Nothing: an empty line.
    Nothing,
    /// Something to say to all.
    Say {
        /// The text.
        text: String,
        /// Whether it is an action (`/me`).
        action: bool,
    },
    /// Something to say to one.
    Tell {
        /// To whom.
        to: String,
        /// The text.
        text: String,
    },
    /// Something to say to whoever said something privately last.
    Reply(String),
    /// Who is not to be heard.
    Ignore(Ignore),
    /// Who is here.
    Names,
    /// What can be downloaded.
    Files,
    /// Another nickname.
    Nick(String),
    /// What was said before; so many messages, or as many as the server chooses.
    History(Option<u32>),
    /// A download.
    Get(GetOptions),
    /// Where downloads go from now on; without a folder, where they go now.
    Folder(Option<PathBuf>),
    /// Hold downloads.
    Pause(Pick),
    /// Go on with them.
    Resume(Pick),
    /// End them.
    Stop(Pick),
    /// How the downloads and the connection are doing.
    Stats,
    /// Take back what was pasted and waits for its turn.
    Cancel,
    /// Another connection, at once.
    Reconnect,
    /// What was said before and holds this; the same as last time, where nothing is said.
    Find(Option<String>),
    /// The mouse is the window's, or the terminal's; the other's, where nothing is said.
    Mouse(Option<Mouse>),
    /// A clear screen.
    Clear,
    /// Help, on one command or all.
    Help(Option<String>),
    /// Leave.
    Quit,
}

/// What is to change about who is heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ignore {
    /// Nothing: say who is ignored.
    List,
    /// Ignore this nickname, or end that.
    Switch(String),
    /// Ignore this nickname.
    Begin(String),
    /// Hear this nickname.
    End(String),
}

/// Which downloads a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// All that run.
    All,
    /// Those of this file.
    File(String),
}

/// What is known of somebody of whom `to NICK TEXT` may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// In the chat.
    Here,
    /// In the chat before, and not now.
    Gone,
    /// Nobody of that name was ever in this chat.
    Stranger,
    /// Nobody knows who is in the chat: the list has not come.
    Unknown,
}

/// Whose the mouse is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mouse {
    /// Ours: clicks and the wheel.
    Ours,
    /// The terminal's, which selects and scrolls.
    Theirs,
}
