//! Results for programs: one JSON object a run.

use core::time::Duration;

use backchat_core::hex::Hex;
use backchat_core::time::Instant;
use serde_json::{Value, json};

use crate::engine::outcome::RunError;
use crate::run::{Engine, Report};
use crate::summary::{Download, Failed};
use crate::trace::Name;

/// What a run came to. Without `wall`, the same run gives the same text.
pub fn result(path: &str, seed: u64, engine: Engine, report: &Report, wall: Option<Duration>) -> Value {
    let violations: Vec<Value> = report
        .violations
        .iter()
        .map(|it| {
            let signature = it.signature().to_string();
            json!({ "checker": it.checker, "signature": signature, "at_seconds": at(it.at), "message": it.message })
        })
        .collect();
    let transfers: Vec<Value> = report.summary.downloads().iter().map(transfer).collect();
    let refusals: Vec<Value> = report
        .summary
        .refusals()
        .map(|it| {
            let to = it.to.as_ref().map(Name::as_str);
            let (client, what, code) = (it.client.as_str(), it.what.name(), it.code.name());
            let (count, first) = (it.count, at(it.first));
            json!({ "client": client, "do": what, "to": to, "code": code, "count": count, "first_at": first })
        })
        .collect();
    let mut object = json!({
        "scenario": path,
        "seed": seed.to_string(),
        "engine": engine.name(),
        "outcome": if report.has_passed() { "pass" } else { "fail" },
        "violations": violations,
        "virtual_seconds": at(report.end.at),
        "events": report.end.events,
        "datagrams": report.end.datagrams,
        "trace_hash": Hex(report.end.hash).to_string(),
        "transfers": transfers,
        "messages": { "accepted": report.summary.accepted, "delivered": report.summary.delivered },
        "refusals": refusals,
    });
    if let (Some(wall), Some(object)) = (wall, object.as_object_mut()) {
        object.insert("wall_seconds".to_owned(), json!(wall.as_secs_f64()));
    }
    object
}

/// Describes the error in a text that should have been JSON of a certain shape, without the parser's words.
pub(super) fn wrong(error: &serde_json::Error) -> String {
    let said = error.to_string();
    // Where it is stands before it, and what is expected behind it.
    let said = said.split(" at line ").next().unwrap_or_default();
    let said = said.split(", expected ").next().unwrap_or_default();
    if error.is_eof() {
        "the end of the text".to_owned()
    } else if error.is_syntax() {
        format!("no JSON: {said}")
    } else if said.contains(" field ") {
        said.to_owned()
    } else {
        "JSON of another shape".to_owned()
    }
}

/// Says what the command line has set.
pub fn add_settings<'a>(result: &mut Value, settings: impl Iterator<Item = (&'a str, toml::Value)>) {
    let set: serde_json::Map<String, Value> = settings
        .map(|(key, value)| (key.to_owned(), serde_json::to_value(value).unwrap_or_default()))
        .collect();
    if let (false, Some(object)) = (set.is_empty(), result.as_object_mut()) {
        object.insert("set".to_owned(), Value::Object(set));
    }
}

/// A run that came to no end, with the keys of one that did.
pub fn unended(path: &str, seed: u64, engine: Engine, error: &RunError) -> Value {
    let signature = error.signature();
    let violation = json!({
        "checker": signature.checker,
        "signature": signature.to_string(),
        "at_seconds": null,
        "message": error.to_string(),
    });
    json!({
        "scenario": path,
        "seed": seed.to_string(),
        "engine": engine.name(),
        "outcome": "fail",
        "violations": [violation],
        "virtual_seconds": null,
        "events": null,
        "datagrams": null,
        "trace_hash": null,
        "transfers": [],
        "messages": null,
        "refusals": [],
    })
}

fn transfer(it: &Download) -> Value {
    json!({
        "client": it.client.as_str(),
        "file": it.file.as_str(),
        "bytes": it.bytes,
        "complete": it.is_complete(),
        "failed": it.end.as_ref().and_then(|end| end.failed).map(Failed::name),
        "started_at": at(it.began),
        "virtual_seconds": it.took().map(|took| took.as_secs_f64()),
        "goodput_bits_per_second": it.goodput(),
        "segments_sent": it.served.segments_sent,
        "segments_resent": it.served.segments_resent,
        "bytes_on_wire": it.served.bytes_on_wire,
        "timeouts": it.served.timeouts,
    })
}

fn at(at: Instant) -> f64 {
    (at - Instant::ZERO).as_secs_f64()
}
