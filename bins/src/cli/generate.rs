//! What a shell and `man` read about a program, generated from its command line, so that neither can be out of date.
//!
//! Every program has the commands of [`Generate`]. Packagers run them once; people may run them at any time, for
//! what is generated is what this build can do. The scripts for bash, zsh and fish ask the program itself while one
//! types, by the hidden command `complete`; those for other shells know what the command line alone tells.

mod complete;
pub mod line;
mod scripts;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Command, Subcommand};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use self::complete::Asking;
pub use self::complete::{Question, offering};
use super::exit::Exit;
use super::logging;

/// The commands that write about the program itself.
#[derive(Subcommand, Clone, Debug, PartialEq, Eq)]
pub enum Generate {
    /// Print completions for a shell
    Completions {
        /// For which shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print the manual page, or write one for each command
    Man {
        /// Write the pages of the program and of its commands into the folder DIR, which is created where it is missing
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Answer a shell that completes a command line
    #[command(hide = true)]
    Complete(Question),
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked<Args> {
    /// What the program is for.
    Run(Args),
    /// Something about the program.
    Generate(Generate),
}

/// A file or folder that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", crate::paths::shown(.path))]
pub struct Unwritable {
    /// Which.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

impl Generate {
    /// Writes what was asked for about `command`, and tells how the program ends; it does with `failed` when a file
    /// cannot be written.
    pub fn end(&self, command: Command, failed: Exit) -> Exit {
        match self.run(command) {
            Ok(()) => Exit::Done,
            Err(error) => {
                logging::complain(&error);
                failed
            }
        }
    }

    /// Writes what was asked for about `command`.
    ///
    /// # Errors
    /// A file cannot be written. Standard output that is closed has been read enough of, and is no error.
    pub fn run(&self, command: Command) -> Result<(), Unwritable> {
        let text = match self {
            Self::Completions { shell } => completions(*shell, command),
            Self::Man { out: Some(folder) } => return write_pages(command, folder),
            Self::Man { out: None } => page(&built(command)),
            Self::Complete(question) => question.answer(command).into_bytes(),
        };
        let mut out = io::stdout().lock();
        match out.write_all(&text).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Unwritable { path: "standard output".into(), source: error })
            }
            _ => Ok(()),
        }
    }
}

/// The script that `shell` completes `command` with.
fn completions(shell: Shell, mut command: Command) -> Vec<u8> {
    let name = command.get_name().to_owned();
    let asking = match shell {
        Shell::Bash => Asking::Bash,
        Shell::Fish => Asking::Fish,
        Shell::Zsh => Asking::Zsh,
        _ => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command, name, &mut script);
            return script;
        }
    };
    scripts::script(asking, &name).into_bytes()
}

/// A page for the program, and one for each of its commands.
fn write_pages(command: Command, folder: &Path) -> Result<(), Unwritable> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Unwritable { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let program = built(command);
    let mut left = vec![&program];
    while let Some(command) = left.pop() {
        let path = folder.join(format!("{}.1", name(command)));
        fs::write(&path, page(command)).map_err(failed(&path))?;
        left.extend(command.get_subcommands().filter(|command| !command.is_hide_set()));
    }
    Ok(())
}

/// The command with what clap adds to it. There is no page for `help`, which `man` itself is.
fn built(command: Command) -> Command {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    command
}

/// `backchat-client-get`.
fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

/// A manual page. What `--help` ends with, such as exit codes, has sections of its own, as manuals have them.
fn page(command: &Command) -> Vec<u8> {
    let source = format!("Backchat {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).title(name(command).to_uppercase()).source(source).manual("Backchat");
    let mut page = Vec::new();
    // A vector takes everything.
    let _ = man
        .render_title(&mut page)
        .and_then(|()| man.render_name_section(&mut page))
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| man.render_description_section(&mut page))
        .and_then(|()| man.render_options_section(&mut page))
        .and_then(|()| match command.has_subcommands() {
            true => man.render_subcommands_section(&mut page),
            false => Ok(()),
        })
        .and_then(|()| footer(command).to_writer(&mut page));
    escaped(&String::from_utf8_lossy(&page)).into_bytes()
}

/// The same in ASCII: not every `troff` reads UTF-8, and all read its escapes.
fn escaped(page: &str) -> String {
    let mut text = String::with_capacity(page.len());
    for character in page.chars() {
        match character {
            ascii if ascii.is_ascii() => text.push(ascii),
            other => text += &format!("\\[u{:04X}]", u32::from(other)),
        }
    }
    text
}

/// The sections behind the options: each a heading with a colon, and lines that stay as they are.
fn footer(command: &Command) -> Roff {
    let mut roff = Roff::default();
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    for section in text.split("\n\n").filter(|section| !section.is_empty()) {
        let (heading, lines) = section.split_once('\n').unwrap_or((section, ""));
        roff.control("SH", [heading.trim_end_matches(':').to_uppercase().as_str()]);
        roff.control("nf", []);
        for line in lines.lines() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("fi", []);
    }
    roff
}
