//! `list`: the scenarios, and what each is about.

use std::io::{self, Write};

use super::args::ListArgs;
use super::exit::{Exit, Trouble};
use super::load;

pub(super) fn list(args: &ListArgs) -> Result<Exit, Trouble> {
    let paths = load::paths(&args.files)?;
    let loaded = paths.iter().map(|path| load::read(path)).collect::<Result<Vec<_>, _>>()?;
    let width = loaded.iter().map(|it| it.path.chars().count()).max().unwrap_or_default();
    let mut out = io::stdout().lock();
    for it in &loaded {
        writeln!(out, "{:<width$}  {}", it.path, it.scenario.about())?;
    }
    Ok(Exit::Passed)
}
