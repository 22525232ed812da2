//! From a failure to the smallest scenario that still fails in the same way, without randomness.
//!
//! A failing seed is a poor thing to keep: it means another run as soon as one packet more is sent before it matters.
//! So what chance did is first written out, packet by packet, as faults that name what they hit (`data@12000#2`); then
//! everything that the failure does not need is taken away, again and again, until nothing more can go; and then it is
//! shown that each fault which is left is needed.
//!
//! *In the same way* is: the first thing that a checker finds has the same [`Signature`]. The result depends on
//! nothing but scenario, seed, engine and the bound on runs: candidates are tried in a fixed order, and those tried at
//! the same time are judged in that order.
//!
//! - [`coarse`]: whole kinds of chance and faults, and clients, that it does not need.
//! - [`case`]: a scenario on its way, with its faults one by one. [`explicit`]: what chance did, as such faults, in one of
//!   several forms ([`form`]).
//! - [`oracle`]: whether a candidate fails in the same way; what was asked before is remembered, and the bounds.
//! - [`ddmin`]: of a list, as little as needed. [`simplify`]: everything that is not a fault.
//! - [`proof`]: what becomes of it without each fault. [`report`]: the file that is kept, with where it came from.

pub mod case;
pub mod coarse;
pub mod ddmin;
pub mod explicit;
pub mod fates;
pub mod form;
pub mod oracle;
pub mod proof;
pub mod report;
pub mod simplify;

use crate::run::Engine;
use crate::scenario::Scenario;
use crate::signature::Signature;

use case::Case;
use explicit::Written;
use form::Form;
use oracle::{Bounds, Oracle, Verdict, verdict};
use proof::Proof;

/// What is shrunk.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// What it is called, for the file that is kept.
    pub path: &'a str,
    /// The seed that it fails with.
    pub seed: u64,
    /// What runs it.
    pub engine: Engine,
}

/// The smallest that was found.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// It, with the seed that it is run with.
    pub case: Case,
    /// How it fails: as its origin did.
    pub signature: Signature,
    /// What was written out, and what was left as it was.
    pub form: Form,
    /// What becomes of it without each of its faults.
    pub proof: Proof,
    /// Faults that there were when chance had been written out.
    pub faults_before: usize,
    /// Runs that it took; what was known from before is not counted.
    pub runs: u32,
    /// Whether nothing more can be taken away, or a bound was met first.
    pub is_finished: bool,
}

/// Why nothing was shrunk.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShrinkError {
    /// It passes.
    #[error("passes: there is nothing to shrink")]
    Passes,
}

/// Shrinks a failure.
///
/// # Errors
/// It is none.
pub fn shrink(origin: &Origin<'_>, bounds: &Bounds<'_>) -> Result<Shrunk, ShrinkError> {
    let Verdict::Fails(failure) = verdict(origin.scenario, origin.seed, origin.engine, &mut ()) else {
        return Err(ShrinkError::Passes);
    };
    let oracle = Oracle::new(&failure, origin.engine, bounds);
    let plainer = Scenario::from_file(&coarse::coarse(origin, &oracle));
    let origin = &Origin { scenario: plainer.as_ref().unwrap_or(origin.scenario), ..*origin };
    let (offers, _) = explicit::observe(origin);
    let Written { case, form, faults_before } = explicit::write_out(origin, &offers, &oracle);
    // What has no faults left to blame has to pass, as it does now: otherwise it is another failure that is shrunk.
    let oracle = oracle.with_control(&case);
    let case = simplify::to_a_fixpoint(case, &oracle);
    let proof = proof::prove(&case, &oracle);
    let (runs, is_finished) = (oracle.runs(), !oracle.is_exhausted());
    Ok(Shrunk { case, signature: failure.first, form, proof, faults_before, runs, is_finished })
}
