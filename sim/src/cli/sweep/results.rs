//! Results in the order of the runs: where they are written, and what is counted of them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::groups::Groups;
use super::junit::Junit;
use super::kept::{End, Kept};
use super::manifest::Manifest;
use super::plan::{Plan, RunId};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::explain::Which;
use crate::run::Engine;

/// See the module.
pub(in crate::cli) struct Results<'a> {
    manifest: &'a Manifest,
    engine: Engine,
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
    to: BufWriter<File>,
}

/// Lines that are in memory at most. What a process that is killed has not written is run again.
const BUFFER_BYTES: usize = 64 << 10;

impl Lines {
    fn new(path: &Path, file: File) -> Self {
        Self { path: path.to_owned(), to: BufWriter::with_capacity(BUFFER_BYTES, file) }
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
    /// # Errors
    /// A file cannot be written.
    pub(super) fn new(manifest: &'a Manifest, engine: Engine, junit: Option<&Path>) -> Result<Self, Trouble> {
        let junit = junit.map(Junit::create).transpose()?;
        Ok(Self { manifest, engine, json: None, junit, groups: Groups::default(), passed: 0, unended: 0 })
    }

    /// Lines go to a new file, with what it is of beside it.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write_to(&mut self, path: &Path) -> Result<(), Trouble> {
        let file = File::create(path).map_err(Trouble::write(path))?;
        // Beside a pipe or a device there is nothing to go on with.
        if file.metadata().is_ok_and(|it| it.is_file()) {
            self.manifest.write(path)?;
        }
        self.json = Some(Lines::new(path, file));
        Ok(())
    }

    /// Takes the lines that a sweep has left, and goes on behind them. Answers how many there are.
    ///
    /// # Errors
    /// They are of another sweep, or cannot be read or written.
    pub(super) fn go_on(&mut self, path: &Path, plan: &Plan) -> Result<u64, Trouble> {
        let Some(there) = Manifest::read(path)? else {
            if path.exists() {
                let what =
                    format!("--resume needs {} too, which is not there", Manifest::path(path).display());
                return Err(Trouble::Usage(what));
            }
            self.write_to(path)?;
            return Ok(0);
        };
        let difference = self.manifest.difference(&there);
        let parts = (self.manifest.partition != there.partition).then(|| "is of another part".to_owned());
        if let Some(difference) = difference.or(parts) {
            let path = Manifest::path(path);
            return Err(Trouble::Usage(format!("--resume: {} {difference}", path.display())));
        }
        let open = std::fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = open.map_err(Trouble::write(path))?;
        let mut reader = Reader::new(path, BufReader::new(&mut file));
        let mut count = 0;
        while let Some(kept) = reader.next(self.manifest, plan, count)? {
            self.count(plan.run(count), &kept)?;
            count += 1;
        }
        // A line without an end was being written when the process was.
        let whole = reader.bytes;
        let behind = file.set_len(whole).and_then(|()| file.seek(SeekFrom::Start(whole)));
        behind.map_err(Trouble::write(path))?;
        self.json = Some(Lines::new(path, file));
        Ok(count)
    }

    /// Whether anybody wants lines.
    pub(super) fn which(&self, run: RunId) -> Which<'a> {
        let path = self.manifest.scenarios.get(run.scenario).map_or("", |scenario| &scenario.path);
        Which { path, seed: run.seed, engine: self.engine }
    }

    /// The next result.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn put(&mut self, run: RunId, kept: &Kept) -> Result<Put, Trouble> {
        if let Some(json) = &mut self.json {
            json.put(&kept.line)?;
        }
        self.count(run, kept)
    }

    /// Counts a result, and reports it.
    fn count(&mut self, run: RunId, kept: &Kept) -> Result<Put, Trouble> {
        let which = self.which(run);
        if let Some(junit) = &mut self.junit {
            junit.put(which, kept.failure.as_ref())?;
        }
        let Some(failure) = &kept.failure else {
            self.passed += 1;
            return Ok(Put::Passed);
        };
        self.unended += u64::from(failure.end == End::None);
        Ok(Put::Failed { before: self.groups.add(&failure.signature, run) })
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

    /// Nothing more comes: everything is on the disk.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn finish(&mut self) -> Result<(), Trouble> {
        if let Some(json) = &mut self.json {
            json.to.flush().map_err(Trouble::write(&json.path))?;
        }
        self.junit.take().map_or(Ok(()), Junit::finish)
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
        let read = self.from.read_until(b'\n', &mut line);
        let bytes = read.map_err(|error| bad(1, format!("cannot be read: {error}")))?;
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
