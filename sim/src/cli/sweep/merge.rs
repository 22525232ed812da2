//! `merge`: the parts of a sweep, put together to what the sweep in one piece would have written.

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::plan::Plan;
use super::results::{Reader, Results};
use crate::cli::args::{MergeArgs, Partition, engine, payloads};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::interrupt;
use crate::cli::output::{Files, Manner};
use crate::cli::settings::Settings;

/// A part: its lines, and which they must be.
struct Part {
    path: PathBuf,
    manifest: Manifest,
    plan: Plan,
    lines: Reader<BufReader<File>>,
    /// Lines that were read.
    read: u64,
}

impl Part {
    fn open(path: &Path, files: &Files) -> Result<Self, Trouble> {
        files.read(path);
        files.read(Manifest::path(path));
        let bad = |what: String| Trouble::Results { path: path.to_owned(), line: 1, column: 1, what };
        let file = File::open(path).map_err(|error| bad(format!("cannot be read: {error}")))?;
        let Some(manifest) = Manifest::read(path)? else {
            let beside = Manifest::path(path);
            return Err(bad(format!(
                "nothing says what it is of; expected {}, which 'sweep --json' writes",
                beside.display()
            )));
        };
        let plan = manifest.plan()?;
        Ok(Self {
            path: path.to_owned(),
            manifest,
            plan,
            lines: Reader::new(path, BufReader::new(file)),
            read: 0,
        })
    }

    fn partition(&self) -> Partition {
        self.manifest.partition.unwrap_or(Partition::WHOLE)
    }

    fn bad(&self, what: String) -> Trouble {
        Trouble::Results { path: self.path.clone(), line: self.read + 1, column: 1, what }
    }
}

pub(in crate::cli) fn merge(args: &MergeArgs) -> Result<Exit, Trouble> {
    interrupt::listen()?;
    let files = Files::new();
    let parts = args.parts.iter().map(|path| Part::open(path, &files));
    let mut parts = parts.collect::<Result<Vec<_>, _>>()?;
    let whole = whole(&mut parts)?;
    let plan = whole.plan()?;
    let engine = engine(&whole.engine, payloads(false))?;
    let set = Settings::new(&whole.set)?;
    let mut results = Results::new(&whole, engine, &files, set.words());
    // Half a sweep under the name of a whole one would be taken for it: both come to their places when they are whole.
    results.write_to("-o", args.output.as_deref(), args.junit.as_deref(), Manner::Replace)?;
    match &args.output {
        Some(_) => put_together(&plan, &mut parts, &mut results, &mut io::sink())?,
        None => put_together(&plan, &mut parts, &mut results, &mut io::stdout().lock())?,
    }
    let finished = results.finish();
    // Without -o stdout is the lines'.
    let mut text = Vec::new();
    results.print(&mut text, &[])?;
    writeln!(
        text,
        "{} runs of {} scenarios from {} parts: {} passed, {} failed",
        results.done(),
        plan.scenarios(),
        parts.len(),
        results.passed(),
        results.failed(),
    )?;
    match args.output {
        Some(_) => io::stdout().lock().write_all(&text)?,
        None => io::stderr().lock().write_all(&text)?,
    }
    match (finished, results.exit()) {
        (Err(trouble), Exit::Passed) => Err(trouble),
        (finished, exit) => {
            let _ = finished.map_err(|trouble| trouble.complain());
            Ok(exit)
        }
    }
}

/// What the parts are of together: each of them once, in their order.
fn whole(parts: &mut [Part]) -> Result<Manifest, Trouble> {
    parts.sort_by_key(|part| part.partition().index);
    let Some((first, others)) = parts.split_first() else {
        return Err(Trouble::Nothing("no part is named".to_owned()));
    };
    let count = first.partition().count;
    for part in others {
        if let Some(difference) = first.manifest.difference(&part.manifest) {
            let what = format!("{difference}; expected the sweep of {}", first.path.display());
            return Err(part.bad(what));
        }
        if part.partition().count != count {
            let what =
                format!("{}; expected one of {count} parts, as {}", part.partition(), first.path.display());
            return Err(part.bad(what));
        }
    }
    for pair in parts.windows(2) {
        if let [one, other] = pair
            && one.partition() == other.partition()
        {
            let what = format!("{} a second time; {} is it too", other.partition(), one.path.display());
            return Err(other.bad(what));
        }
    }
    let missing = (0..count)
        .filter(|index| parts.binary_search_by_key(index, |part| part.partition().index).is_err())
        // A part of a small sweep can have no run, and then there is no file of it.
        .map(|index| Partition { index, count })
        .filter(|partition| partition.share(parts.first().map_or(0, |part| part.plan.all())) > 0);
    let missing: Vec<String> = missing.take(MISSING_MAX).map(|part| part.to_string()).collect();
    let Some(first) = parts.first() else { return Err(Trouble::Nothing("no part is named".to_owned())) };
    if !missing.is_empty() {
        return Err(first.bad(format!("one of {count} parts; expected {} as well", missing.join(", "))));
    }
    Ok(first.manifest.whole())
}

/// Missing parts that a message names.
const MISSING_MAX: usize = 8;

/// Run by run, each from the part that has it.
fn put_together(
    plan: &Plan,
    parts: &mut [Part],
    results: &mut Results<'_>,
    out: &mut impl Write,
) -> Result<(), Trouble> {
    let count = parts.first().map_or(1, |part| part.partition().count);
    for number in 0..plan.len() {
        // Nothing of it has come to its place yet.
        if interrupt::is_asked() {
            return Err(Trouble::Interrupted);
        }
        let index = usize::try_from(number % count).unwrap_or(usize::MAX);
        let Some(part) = parts.get_mut(index) else { continue };
        let Some(kept) = part.lines.next(&part.manifest, &part.plan, part.read)? else {
            let run = results.which(plan.run(number));
            let (path, seed, left) = (run.path, run.seed, part.plan.len() - part.read);
            let what = format!("the end; expected {left} lines more, the first of {path} with seed {seed}");
            return Err(part.bad(what));
        };
        part.read += 1;
        writeln!(out, "{}", kept.line)?;
        results.put(plan.run(number), &kept)?;
    }
    for part in parts {
        // Nothing may come behind the last.
        part.lines.next(&part.manifest, &part.plan, part.read)?;
    }
    Ok(())
}
