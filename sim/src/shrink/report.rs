//! The file that is kept, with where it came from; and the table of the proof.

use core::fmt::Write as _;

use super::form::{Blackouts, Line, Names};
use super::oracle::{Failure, Verdict, verdict};
use super::proof::{Proof, Without};
use super::{Origin, Shrunk};
use crate::run::Engine;
use crate::scenario::{File, Scenario};
use crate::signature::Signature;

/// The text of the scenario, with its origin in comments.
pub fn text(origin: &Origin<'_>, shrunk: &Shrunk) -> String {
    let Shrunk { case, signature, .. } = shrunk;
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "# Shrunk from {}, seed {}, engine {}, which failed with {signature}.",
        one_line(origin.path),
        origin.seed,
        origin.engine.name(),
    );
    if shrunk.form.is_random() {
        text.push_str("# Chance still decides: written out, it did not fail in the same way, or took too many faults.\n");
    } else if !case.atoms.is_empty() && shrunk.proof.is_complete() {
        text.push_str("# Without any one of its faults it passes.\n");
    }
    let _ = writeln!(text, "# To replay: --seed {} --engine {}", case.seed, origin.engine.name());
    let file = File { about: about(origin, *signature), ..case.file() };
    text.push_str(&file.to_toml());
    text
}

/// Says what it is about: a sentence of its own, to be replaced by a better one.
fn about(origin: &Origin<'_>, signature: Signature) -> String {
    let path = origin.path.trim_end_matches(".toml");
    let name = path.rsplit_once("scenarios/").map_or(path, |(_, name)| name);
    format!("What is left of {} with seed {}, which failed with {signature}.", one_line(name), origin.seed)
}

/// A path as a line of a comment can hold it.
fn one_line(path: &str) -> String {
    backchat_core::text::visible(path).to_string()
}

/// Whether a text that was written is, read again, what fails in the same way.
///
/// # Errors
/// It is not; in words.
pub fn check(text: &str, shrunk: &Shrunk, engine: Engine) -> Result<(), String> {
    let scenario = Scenario::parse(text).map_err(|error| error.in_file("the scenario that was written"))?;
    match verdict(&scenario, shrunk.case.seed, engine, &mut ()) {
        Verdict::Fails(failure) if failure.first == shrunk.signature => Ok(()),
        Verdict::Fails(Failure { first, .. }) => {
            Err(format!("read again it fails with {first}, not with {}", shrunk.signature))
        }
        Verdict::Passes | Verdict::Unknown => Err("read again it passes".to_owned()),
    }
}

/// What was found, in a few lines, and the table of the proof.
pub fn summary(shrunk: &Shrunk) -> String {
    let mut text = String::new();
    let Shrunk { case, signature, form, proof, faults_before, runs, is_finished } = shrunk;
    let line = match (form.names, form.line) {
        (Names::Chance, _) => {
            "as it was, with its chances: packet by packet it did not fail in the same way, or took too many faults"
        }
        (Names::Ordinal, _) => "by ordinal: by what they are it did not fail in the same way",
        (Names::Identity, Line::Kept) => "with rate and queue: without them it did not fail in the same way",
        (Names::Identity, Line::Single) => "on links that only take time, datagram by datagram",
        (Names::Identity, Line::Bare) => "on links that only take time",
    };
    let blackouts = match form.blackouts {
        Blackouts::Dropped => "",
        Blackouts::Kept => ", blackouts as they were",
        Blackouts::Gathered => ", what was lost as one blackout of each direction",
    };
    let _ = writeln!(text, "{signature}");
    let blackouts = if form.is_random() { "" } else { blackouts };
    let _ = writeln!(text, "  written out {line}{blackouts}");
    let left = case.atoms.len();
    let _ = match (faults_before, left) {
        (0, 0) => writeln!(text, "  no fault is left after {runs} runs"),
        _ => writeln!(text, "  {faults_before} faults, of which {left} are left after {runs} runs"),
    };
    if !is_finished {
        text.push_str("  a bound on time or runs was met: it may not be the smallest\n");
    }
    if proof.without.is_empty() {
        text.push_str("  it needs no fault at all\n");
    } else {
        text.push_str(&table(proof));
    }
    text
}

fn table(proof: &Proof) -> String {
    let width = proof.without.iter().map(|(fault, _)| fault.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (fault, without) in &proof.without {
        let what = match without {
            Without::Passes => "passes".to_owned(),
            Without::FailsOtherwise(signature) => format!("fails with {signature}"),
            Without::FailsTheSame => "fails in the same way".to_owned(),
            Without::NotRun => "not run".to_owned(),
        };
        let _ = writeln!(text, "  without {fault:<width$}  it {what}");
    }
    text
}
