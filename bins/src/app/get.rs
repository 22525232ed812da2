//! One download as its user wants it: what is typed behind `get`, and what an object of a program says.

use std::path::PathBuf;

use backchat_core::wire::{CongestionChoice, Recovery};

use crate::cli::values::Rate;

/// A file to download, its destination, and the limits of the transfer. What is `None` was not said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetOptions {
    /// The file's name, as the server lists it.
    pub name: String,
    /// The file to write to; `-` is standard output.
    pub output: Option<PathBuf>,
    /// The folder to write into, under the file's own name.
    pub folder: Option<PathBuf>,
    /// A file that exists is replaced.
    pub force: bool,
    /// Where the file exists, the first free name is taken.
    pub rename: bool,
    /// Where the file exists, nothing is downloaded.
    pub skip_existing: bool,
    /// The file gets the time at which the server's was last changed.
    pub remote_time: bool,
    /// The download begins at 0, whatever an earlier one left.
    pub no_resume: bool,
    /// The highest rate.
    pub limit_rate: Option<Rate>,
    /// The lowest average rate, below which the download ends.
    pub min_rate: Option<Rate>,
    /// How losses are repaired.
    pub recovery: Option<Recovery>,
    /// How the rate is found.
    pub congestion: Option<CongestionChoice>,
}

/// Where the bytes go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output (`-o -`).
    Stdout,
    /// This file.
    File(PathBuf),
    /// The file's own name, in this folder.
    Folder(PathBuf),
}

impl GetOptions {
    /// A download of `name` with nothing else said.
    pub fn of(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            output: None,
            folder: None,
            force: false,
            rename: false,
            skip_existing: false,
            remote_time: false,
            no_resume: false,
            limit_rate: None,
            min_rate: None,
            recovery: None,
            congestion: None,
        }
    }

    /// The words that would be typed for this, as they stand behind `get`. Without `--no-resume`: they are for going on.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut option = |name: &str, value: Option<String>| match value {
            // A value that looks like an option is one, unless it hangs on the one that it belongs to.
            Some(value) if value.starts_with('-') && value != "-" => words.push(format!("{name}={value}")),
            Some(value) => words.extend([name.to_owned(), value]),
            None => {}
        };
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        option("-o", path(&self.output));
        option("-d", path(&self.folder));
        option("--limit-rate", self.limit_rate.map(|rate| rate.to_string()));
        option("--min-rate", self.min_rate.map(|rate| rate.to_string()));
        option("--recovery", self.recovery.map(|recovery| recovery.name().to_owned()));
        option("--congestion", self.congestion.map(|control| control.to_string()));
        for (flag, set) in [
            ("--force", self.force),
            ("--rename", self.rename),
            ("--skip-existing", self.skip_existing),
            ("--remote-time", self.remote_time),
        ] {
            words.extend(set.then(|| flag.to_owned()));
        }
        // So does a name, unless nothing behind it is an option any more.
        match self.name.starts_with('-') {
            true => words.extend(["--".to_owned(), self.name.clone()]),
            false => words.insert(0, self.name.clone()),
        }
        words
    }

    /// Whether more is asked for than is allowed.
    pub fn contradiction(&self) -> Option<&'static str> {
        let pair = self.min_rate.zip(self.limit_rate);
        pair.is_some_and(|(least, most)| least.bytes_per_second() > most.bytes_per_second())
            .then_some("--min-rate is above --limit-rate, so that no download could go on")
    }

    /// Where the bytes go: into the current folder where nothing was said.
    pub fn destination(&self) -> Output {
        match (&self.output, &self.folder) {
            (Some(file), _) if file.as_os_str() == "-" => Output::Stdout,
            (Some(file), _) => Output::File(file.clone()),
            (None, Some(folder)) => Output::Folder(folder.clone()),
            (None, None) => Output::Folder(PathBuf::from(".")),
        }
    }
}
