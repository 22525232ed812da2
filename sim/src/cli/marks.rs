//! `marks`: which situations of the core scenarios have been in.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::args::sweep::jobs;
use super::args::{MarksArgs, engine};
use super::exit::{Exit, Trouble};
use super::load;
use super::run::judged;
use crate::engine::direct::Payloads;
use crate::marks::{Coverage, RunMarks};

pub(super) fn marks(args: &MarksArgs) -> Result<Exit, Trouble> {
    let engine = engine(&args.engine, Payloads::Ranges)?;
    let paths = load::paths(&args.files)?;
    let scenarios = paths.iter().map(|path| load::one(path)).collect::<Result<Vec<_>, _>>()?;
    let seeds = args.seeds.to - args.seeds.from;
    let runs = seeds.saturating_mul(scenarios.len() as u64);
    if runs == 0 {
        let (from, to) = (args.seeds.from, args.seeds.to);
        return Err(Trouble::Nothing(format!("no run is selected: seeds {from}..{to}")));
    }
    let jobs = jobs(args.jobs);
    let next = AtomicU64::new(0);
    let coverage = Mutex::new(Coverage::new());
    let work = || -> Result<(), Trouble> {
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let place = usize::try_from(nth / seeds).unwrap_or(usize::MAX);
            let Some(loaded) = scenarios.get(place) else { return Ok(()) };
            let (seed, mut marks) = (args.seeds.from + nth % seeds, RunMarks::new());
            judged(loaded, seed, engine, &mut marks)?;
            // A thread that panicked has left nothing half done.
            let mut coverage = coverage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            coverage.add(&loaded.path, seed, &marks);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    let coverage = coverage.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    write!(io::stdout().lock(), "{coverage}")?;
    Ok(Exit::Passed)
}
