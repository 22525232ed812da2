//! `list`: the scenarios, and what each is about.

use std::io::{self, Write};

use super::args::ListArgs;
use super::exit::{Exit, Trouble};
use super::load;

pub(super) fn list(args: &ListArgs) -> Result<Exit, Trouble> {
    let paths = load::paths(&args.files)?;
    // One that is bad is no reason to be silent about the others.
    let mut bad = Vec::new();
    let mut loaded = Vec::new();
    for path in &paths {
        match load::read(path) {
            Ok(it) => loaded.push(it),
            Err(trouble) => bad.push(trouble),
        }
    }
    let width = loaded.iter().map(|it| it.path.chars().count()).max().unwrap_or_default();
    let mut out = io::stdout().lock();
    for it in &loaded {
        writeln!(out, "{:<width$}  {}", it.path, it.scenario.about())?;
    }
    drop(out);
    bad.iter().for_each(Trouble::complain);
    Ok(bad.first().map_or(Exit::Passed, Trouble::exit))
}
