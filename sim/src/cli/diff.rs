//! `diff`: where two recorded traces part, and what led there.

use std::io::{self, BufRead, Write};
use std::path::Path;

use serde_json::{Value, json};

use super::args::DiffArgs;
use super::check::opened;
use super::exit::{Exit, Trouble};
use crate::diff::{self, Diff, Difference, Occurrence, Parting, Side, report};
use crate::trace::{Reading, Record};

pub(super) fn diff(args: &DiffArgs) -> Result<Exit, Trouble> {
    let paths = [args.first.as_path(), args.second.as_path()];
    let [first, second] = paths.map(begun);
    let diff = diff::diff([first?, second?]).map_err(|it| Trouble::trace(of(paths, it.side))(it.error))?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", object(&diff))?;
    } else {
        let names = paths.map(|path| path.display().to_string());
        write!(out, "{}", report::text(&diff, names.each_ref().map(String::as_str)))?;
    }
    drop(out);
    let exit = if diff.is_same() { Exit::Passed } else { Exit::Differ };
    let edited = Side::BOTH.into_iter().zip(&diff.edited);
    let mut edited = edited.filter_map(|(side, it)| Some(Trouble::trace(of(paths, side))(it.clone()?)));
    match (exit, edited.next()) {
        // That what was edited is the same is no verdict.
        (Exit::Passed, Some(edited)) => Err(edited),
        (exit, first) => {
            first.into_iter().chain(edited).try_for_each(|it| writeln!(io::stderr(), "{it}"))?;
            Ok(exit)
        }
    }
}

const fn of([first, second]: [&Path; 2], side: Side) -> &Path {
    match side {
        Side::First => first,
        Side::Second => second,
    }
}

fn begun(path: &Path) -> Result<Reading<Box<dyn BufRead>>, Trouble> {
    Reading::begin(opened(path)?).map_err(Trouble::trace(path))
}

/// The result for programs.
fn object(diff: &Diff) -> Value {
    let header = |place: usize| {
        let header = &diff.headers[place];
        json!({
            "scenario": header.scenario,
            "seed": header.seed.to_string(),
            "engine": header.engine,
            "records": diff.records[place],
            "edited": diff.edited[place].is_some(),
        })
    };
    let (first, more) = match &diff.parting {
        Some(Parting::Differs { first, more }) => (Some(first), more.as_ref()),
        None | Some(Parting::Order(_) | Parting::Numbers(_)) => (None, None),
    };
    let order = match &diff.parting {
        Some(Parting::Order(at)) => Some(at.as_nanos()),
        _ => None,
    };
    let numbers = match &diff.parting {
        Some(Parting::Numbers(records)) => Some(records.each_ref().map(record)),
        _ => None,
    };
    let counts = diff.counts.iter().map(|row| json!({ "what": row.what, "values": row.values }));
    json!({
        "same": diff.is_same(),
        "traces": [header(0), header(1)],
        "difference": first.map(|it| difference(it)),
        "difference_of_more_than_times": more.map(|it| difference(it)),
        "other_order_at": order,
        "other_numbers": numbers,
        "counts": counts.collect::<Vec<_>>(),
    })
}

fn difference(it: &Difference) -> Value {
    let causes = |it: &Option<Occurrence>| {
        it.as_ref().map(|it| it.causes.iter().map(|step| record(&step.record)).collect::<Vec<_>>())
    };
    let fields = it.fields.iter().map(|field| json!({ "name": field.name, "values": field.values }));
    json!({
        "about": it.about.to_string(),
        "records": it.seen.each_ref().map(|it| it.as_ref().map(|it| record(&it.record))),
        "instead": it.instead.as_ref().map(record),
        "fields": fields.collect::<Vec<_>>(),
        "causes": it.seen.each_ref().map(causes),
    })
}

/// A record, as a trace has it.
fn record(record: &Record) -> Value {
    let mut line = Vec::new();
    crate::trace::json::push_record(&mut line, record);
    // What is written is read back by any reader.
    serde_json::from_slice(&line).unwrap_or_default()
}
