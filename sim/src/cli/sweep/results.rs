//! Results in the order of the runs: where they are written, and what is counted of them.

use std::io::{self, BufRead, BufReader, BufWriter, Read as _, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::groups::Groups;
use super::junit::Junit;
use super::kept::{End, Kept};
use super::manifest::Manifest;
use super::plan::{Plan, RunId};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::explain::Which;
use crate::cli::output::{Files, Manner, Output};
use crate::run::Engine;

/// See the module.
pub(in crate::cli) struct Results<'a> {
    manifest: &'a Manifest,
    engine: Engine,
    files: &'a Files,
    /// The settings of the command line: ` --set a=b`, or empty.
    set: &'a str,
    json: Option<Lines>,
    junit: Option<Junit>,
    groups: Groups,
    passed: u64,
    /// Runs that came to no end.
    unended: u64,
}

/// A file of lines.
struct Lines {
    path: PathBuf,
    to: BufWriter<Output>,
    /// The file for the manifest, where that is written when all lines are there.
    manifest: Option<Output>,
}

/// Lines that are in memory at most. What a process that is killed has not written is run again.
const BUFFER_BYTES: usize = 64 << 10;

impl Lines {
    fn new(to: Output, manifest: Option<Output>) -> Self {
        Self { path: to.path().to_owned(), to: BufWriter::with_capacity(BUFFER_BYTES, to), manifest }
    }

    fn finish(self, manifest: &Manifest) -> Result<(), Trouble> {
        let Self { path, to, manifest: beside } = self;
        let to = to.into_inner().map_err(io::IntoInnerError::into_error);
        to.and_then(Output::finish).map_err(Trouble::write(&path))?;
        beside.map_or(Ok(()), |beside| manifest.write(beside))
    }

    fn put(&mut self, line: &str) -> Result<(), Trouble> {
        writeln!(self.to, "{line}").map_err(Trouble::write(&self.path))
    }
}

/// What a failure is the how-many-eth of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It passed.
    Passed,
    /// So many of its signature failed before it.
    Failed { before: u64 },
}

impl<'a> Results<'a> {
    pub(super) const fn new(manifest: &'a Manifest, engine: Engine, files: &'a Files, set: &'a str) -> Self {
        let groups = Groups::new();
        Self { manifest, engine, files, set, json: None, junit: None, groups, passed: 0, unended: 0 }
    }

    /// Lines go to a new file that `option` names, with what it is of beside it, and a report to another. Nothing changes
    /// before it is known that all of them can.
    ///
    /// # Errors
    /// One cannot be written.
    pub(super) fn write_to(
        &mut self,
        option: &str,
        json: Option<&Path>,
        junit: Option<&Path>,
        manner: Manner,
    ) -> Result<(), Trouble> {
        let to = json.map(|path| self.files.write(option, path, manner)).transpose()?;
        // Beside a pipe or a device there is nothing to go on with.
        let beside = to.as_ref().filter(|to| to.is_file()).map(|to| Manifest::path(to.path()));
        let beside = beside.map(|path| self.files.write("the list of runs", &path, Manner::Replace));
        let mut beside = beside.transpose()?;
        let junit = junit.map(|path| self.files.write("--junit", path, Manner::Replace)).transpose()?;
        if let Some(mut to) = to {
            if manner == Manner::Grow {
                let begun = to.begin();
                begun.map_err(Trouble::write(to.path()))?;
                beside.take().map_or(Ok(()), |beside| self.manifest.write(beside))?;
            }
            self.json = Some(Lines::new(to, beside));
        }
        self.junit = junit.map(Junit::create).transpose()?;
        Ok(())
    }

    /// Takes the lines that a sweep has left, and goes on behind them. Answers how many there are.
    ///
    /// # Errors
    /// They are of another sweep, or cannot be read or written.
    pub(super) fn go_on(&mut self, path: &Path, junit: Option<&Path>, plan: &Plan) -> Result<u64, Trouble> {
        let Some(there) = Manifest::read(path)? else {
            if path.exists() {
                let what =
                    format!("--resume needs {} too, which is not there", Manifest::path(path).display());
                return Err(Trouble::Usage(what));
            }
            self.write_to("--json", Some(path), junit, Manner::Grow)?;
            return Ok(0);
        };
        let difference = self.manifest.difference(&there);
        let parts = (self.manifest.partition != there.partition).then(|| "is of another part".to_owned());
        if let Some(difference) = difference.or(parts) {
            let path = Manifest::path(path);
            return Err(Trouble::Usage(format!("--resume: {} {difference}", path.display())));
        }
        self.files.read(Manifest::path(path));
        let mut to = self.files.write("--json", path, Manner::GoOn)?;
        let junit = junit.map(|path| self.files.write("--junit", path, Manner::Replace)).transpose()?;
        self.junit = junit.map(Junit::create).transpose()?;
        let mut reader = Reader::new(path, BufReader::new(to.target()));
        let mut count = 0;
        while let Some(kept) = reader.next(self.manifest, plan, count)? {
            self.count(plan.run(count), &kept)?;
            count += 1;
        }
        // A line without an end was being written when the process was.
        let (whole, file) = (reader.bytes, to.target());
        let behind = file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole)));
        behind.map_err(Trouble::write(path))?;
        self.json = Some(Lines::new(to, None));
        Ok(count)
    }

    /// Whether anybody wants lines.
    pub(super) fn which(&self, run: RunId) -> Which<'a> {
        let path = self.manifest.scenarios.get(run.scenario).map_or("", |scenario| &scenario.path);
        Which { path, seed: run.seed, engine: self.engine, set: self.set }
    }

    /// The next result.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn put(&mut self, run: RunId, kept: &Kept) -> Result<Put, Trouble> {
        let written = self.json.as_mut().map_or(Ok(()), |json| json.put(&kept.line));
        // A result that cannot be written is counted all the same: it was found.
        let put = self.count(run, kept);
        written.and(put)
    }

    /// Counts a result, and reports it.
    fn count(&mut self, run: RunId, kept: &Kept) -> Result<Put, Trouble> {
        let put = match &kept.failure {
            None => {
                self.passed += 1;
                Put::Passed
            }
            Some(failure) => {
                self.unended += u64::from(failure.end == End::None);
                Put::Failed { before: self.groups.add(&failure.signature, run) }
            }
        };
        let which = self.which(run);
        if let Some(junit) = &mut self.junit {
            junit.put(which, kept.failure.as_ref())?;
        }
        Ok(put)
    }

    /// How many have failed.
    pub(super) const fn failed(&self) -> u64 {
        self.groups.failures()
    }

    /// How many there are.
    pub(super) const fn done(&self) -> u64 {
        self.passed + self.failed()
    }

    /// How many have passed.
    pub(super) const fn passed(&self) -> u64 {
        self.passed
    }

    pub(super) const fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Nothing more comes: everything has its place.
    ///
    /// # Errors
    /// Something cannot be written. The others are, all the same.
    pub(super) fn finish(&mut self) -> Result<(), Trouble> {
        let json = self.json.take().map_or(Ok(()), |json| json.finish(self.manifest));
        let junit = self.junit.take().map_or(Ok(()), Junit::finish);
        json.and(junit)
    }

    /// Prints the failures.
    ///
    /// # Errors
    /// Nobody can read them.
    pub(super) fn print(&self, out: &mut impl Write, explained: &[String]) -> io::Result<()> {
        self.groups.print(out, explained, |run| self.which(run))
    }

    /// What the runs came to.
    pub(super) const fn exit(&self) -> Exit {
        match (self.unended, self.failed()) {
            (0, 0) => Exit::Passed,
            (0, _) => Exit::Failed,
            _ => Exit::Internal,
        }
    }
}

/// The longest line. One with every download that a scenario may have, and its violations, is below.
const LINE_MAX: u64 = 256 << 20;

/// Reads lines of results.
pub(super) struct Reader<R> {
    path: PathBuf,
    from: R,
    /// Bytes of whole lines.
    bytes: u64,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(path: &Path, from: R) -> Self {
        Self { path: path.to_owned(), from, bytes: 0 }
    }

    /// The line at a place, which must be that of the run there; `None`: there is no whole line.
    ///
    /// # Errors
    /// It is another one.
    pub(super) fn next(
        &mut self,
        manifest: &Manifest,
        plan: &Plan,
        place: u64,
    ) -> Result<Option<Kept>, Trouble> {
        let mut line = Vec::new();
        let bad = |column, what| Trouble::Results { path: self.path.clone(), line: place + 1, column, what };
        let read = (&mut self.from).take(LINE_MAX + 1).read_until(b'\n', &mut line);
        let bytes = read.map_err(|error| bad(1, format!("cannot be read: {error}")))?;
        if line.len() as u64 > LINE_MAX {
            return Err(bad(1, format!("a longer line; expected at most {LINE_MAX} bytes")));
        }
        if line.pop() != Some(b'\n') {
            return Ok(None);
        }
        if place >= plan.len() {
            return Err(bad(1, format!("a line too many; expected {}", plan.len())));
        }
        let line =
            String::from_utf8(line).map_err(|_| bad(1, "bytes that are no text; expected UTF-8".into()))?;
        let run = plan.run(place);
        let path = manifest.scenarios.get(run.scenario).map_or("", |scenario| &scenario.path);
        let kept = Kept::read(line, path, run, &manifest.engine);
        let kept = kept.map_err(|error| bad(error.column, error.what))?;
        self.bytes += bytes as u64;
        Ok(Some(kept))
    }
}
