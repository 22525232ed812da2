//! The answer to a shell that completes: what could stand at the cursor.
//!
//! clap's own engine knows the commands and options. The scripts are ours: those of clap leave a name with a blank
//! unquoted in bash, expand a `*` in it, and cut words at `:`.

use std::ffi::OsString;

use clap::{Args, Command, ValueEnum, ValueHint};
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate, complete};

use super::line::Line;

/// The shells that ask while one types.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asking {
    /// Takes what stands at the cursor as it will be inserted.
    Bash,
    /// Takes words, with what they mean behind a tab, and quotes them itself.
    Fish,
    /// As fish.
    Zsh,
}

/// What a shell asks.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct Question {
    shell: Asking,
    /// The line up to the cursor.
    line: OsString,
    /// The end of the line that bash replaces.
    #[arg(default_value = "")]
    replaced: OsString,
}

/// What the shell itself lists.
const FILES: &str = "files";
const FOLDERS: &str = "folders";

impl Question {
    /// The line that was typed.
    pub fn line(&self) -> Line {
        Line::read(&self.line.to_string_lossy())
    }

    /// The answer, a candidate a line. One line that begins with a tab names what the shell is to list itself, `files` or
    /// `folders`, and behind another tab what stands in front of the path in the same word.
    pub fn answer(&self, command: Command) -> String {
        let line = self.line();
        let (words, place) = line.words();
        let words = words.into_iter().map(OsString::from).collect();
        let found = complete(&mut with_paths(command), words, place, None).unwrap_or_default();
        let is_option =
            |candidate: &CompletionCandidate| candidate.get_id().is_some_and(|id| id.starts_with("arg::"));
        let has_dash = line.current.starts_with('-');
        // A word that begins as an option does is one where both an option and a path may stand.
        let is_option_begun = has_dash && found.iter().any(is_option);
        let is_path = |id: &&CompletionCandidate| id.get_id().is_some_and(|id| id == FILES || id == FOLDERS);
        if let Some(path) = found.iter().find(is_path).filter(|_| !is_option_begun) {
            let what = path.get_id().map(String::as_str).unwrap_or_default();
            return format!("\t{what}\t{}\n", path.get_value().to_string_lossy());
        }
        // Where a name belongs and none is known, a list of options would be an answer to another question.
        let shown = found.iter().filter(|candidate| has_dash || !is_option(candidate));
        shown.filter_map(|candidate| self.written(&line, candidate)).map(|written| written + "\n").collect()
    }

    /// A candidate as the shell takes it; none where that cannot be done in one line.
    fn written(&self, line: &Line, candidate: &CompletionCandidate) -> Option<String> {
        let value = candidate.get_value().to_str()?;
        if value.is_empty() || value.chars().any(backchat_core::text::is_hidden) {
            return None;
        }
        if self.shell == Asking::Bash {
            return line.insertion(value, self.replaced.to_str()?);
        }
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        Some(match brief(&help) {
            "" => value.to_owned(),
            help => format!("{value}\t{help}"),
        })
    }
}

/// The part of a help that fits beside the option in a list.
fn brief(help: &str) -> &str {
    let line = help.lines().next().unwrap_or_default();
    let ends = [": ", "; ", " ["].iter().filter_map(|end| line.find(end));
    line.get(..ends.min().unwrap_or(line.len())).unwrap_or(line)
}

/// Makes a shell offer these values for an argument whose parser does not know them.
pub fn offering(values: &'static [&'static str]) -> ArgValueCandidates {
    ArgValueCandidates::new(move || values.iter().map(CompletionCandidate::new).collect())
}

/// The command, whose options for paths answer that the shell lists these.
fn with_paths(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let is_open = arg.get::<ArgValueCompleter>().is_none();
        let what = match arg.get_value_hint() {
            ValueHint::DirPath if is_open => FOLDERS,
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::ExecutablePath if is_open => FILES,
            _ => return arg,
        };
        let answer = move |_: &std::ffi::OsStr| vec![CompletionCandidate::new("").id(Some(what.to_owned()))];
        arg.add(ArgValueCompleter::new(answer))
    });
    command.mut_subcommands(with_paths)
}
