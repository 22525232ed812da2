//! `marks`: which situations of the core scenarios have been in.

use std::io::{self, Write};

use super::args::sweep::jobs;
use super::args::{MarksArgs, engine};
use super::exit::{Exit, Trouble};
use super::interrupt;
use super::load;
use super::output::Files;
use super::run::judged;
use super::sweep::{Plan, RunId};
use crate::engine::direct::Payloads;
use crate::marks::{Coverage, RunMarks};
use crate::workers::in_order;

pub(super) fn marks(args: &MarksArgs) -> Result<Exit, Trouble> {
    let engine = engine(&args.engine, Payloads::Ranges)?;
    let scenarios = load::all(&args.files, &Files::new())?;
    let plan = Plan::new(scenarios.len(), args.seeds, None)?;
    let work = |place| {
        let RunId { scenario, seed } = plan.run(place);
        let (loaded, mut marks) = (&scenarios[scenario], RunMarks::new());
        judged(loaded, seed, engine, &mut marks)?;
        Ok((&loaded.path, seed, marks))
    };
    let mut coverage = Coverage::new();
    let take = |_, ran: Result<(&String, u64, RunMarks), Trouble>| {
        ran.map(|(path, seed, marks)| coverage.add(path, seed, &marks))
    };
    interrupt::listen()?;
    let end = in_order(jobs(args.jobs), 0..plan.len(), interrupt::is_asked, work, take)?;
    let mut out = io::stdout().lock();
    write!(out, "{coverage}")?;
    if end < plan.len() {
        writeln!(out, "interrupted: of {} runs {end} were made", plan.len())?;
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::Passed)
}
