//! A diff for people: in at most 25 lines where two traces part, what led there, and what came of it.

use core::fmt::Write as _;

use backchat_core::text::visible;

use super::content::EVENT;
use super::{Diff, Difference, Likeness, Occurrence, Parting, Row, Side, Step};
use crate::trace::{Header, text::Line};

/// The most lines.
pub const LINES_MAX: usize = 25;

/// Rows of counts that are shown where there is more to say.
const ROWS_MAX: usize = 8;

/// The same where two differences are told.
const ROWS_MAX_OF_TWO: usize = 5;

/// What led to a difference of times has so many lines where there is another one.
const CAUSES_OF_TIMES: usize = 4;

/// The text; `names` are the files'.
pub fn text(diff: &Diff, names: [&str; 2]) -> String {
    let mut lines = Vec::new();
    let [first, second] = names;
    let [count, other] = diff.records;
    let Header { scenario, seed, engine } = &diff.headers[0];
    match &diff.parting {
        None => {
            lines.push(format!("the same: {count} records of {scenario} with seed {seed} on {engine}"));
            headers(&mut lines, &diff.headers);
        }
        Some(parting) => {
            lines.push(format!("{first} and {second} differ: {count} records and {other}"));
            headers(&mut lines, &diff.headers);
            parts(&mut lines, diff, parting);
        }
    }
    lines.iter().fold(String::new(), |mut text, line| {
        // Whoever wrote the traces: nothing in them acts on a terminal.
        let _ = writeln!(text, "{}", visible(line));
        text
    })
}

fn headers(lines: &mut Vec<String>, headers: &[Header; 2]) {
    let [first, second] = headers;
    let seeds = [first.seed.to_string(), second.seed.to_string()];
    let all = [
        ("scenario", [&first.scenario, &second.scenario]),
        ("seed", seeds.each_ref()),
        ("engine", [&first.engine, &second.engine]),
    ];
    for (name, [first, second]) in all.iter().filter(|(_, [first, second])| first != second) {
        lines.push(format!("  {name}: {first}, then {second}"));
    }
}

fn parts(lines: &mut Vec<String>, diff: &Diff, parting: &Parting) {
    match parting {
        Parting::Order(at) => {
            lines.push(format!("the same records, in another order within the instant {at}"));
        }
        Parting::Numbers(records) => {
            lines.push("the same but for numbers that a run draws or counts, first:".to_owned());
            for (side, record) in Side::BOTH.into_iter().zip(records.iter()) {
                lines.push(format!("  {:<8}{}", name(side), Line(record)));
            }
        }
        Parting::Differs { first, more: None } => {
            let what = match first.likeness {
                Likeness::Times => "only times and timers differ, first",
                Likeness::Same | Likeness::Different => "first difference",
            };
            difference(lines, what, first);
            causes(lines, first, room_before(&diff.counts, ROWS_MAX, lines));
        }
        Parting::Differs { first, more: Some(more) } => {
            difference(lines, "first difference, only of times", first);
            causes(lines, first, CAUSES_OF_TIMES);
            difference(lines, "first difference of more than times", more);
            causes(lines, more, room_before(&diff.counts, ROWS_MAX_OF_TWO, lines));
        }
    }
    counts(lines, &diff.counts);
}

/// Lines that are left when so many rows have theirs.
fn room_before(counts: &[Row], rows: usize, lines: &[String]) -> usize {
    let title = usize::from(!counts.is_empty());
    LINES_MAX.saturating_sub(lines.len() + counts.len().min(rows) + title)
}

fn difference(lines: &mut Vec<String>, what: &str, it: &Difference) {
    let Difference { about, seen, instead, fields, likeness: _ } = it;
    // Of two events, what only one of them has goes without saying.
    let is_one = !fields.iter().any(|field| field.name == EVENT);
    let fields = fields.iter().filter(|field| is_one || field.values.iter().all(Option::is_some));
    let fields: Vec<&str> = fields.map(|field| field.name).collect();
    let how = match seen {
        [Some(_), None] => "the first alone has it".to_owned(),
        [None, _] => "the second alone has it".to_owned(),
        [Some(_), Some(_)] => fields.join(", "),
    };
    lines.push(format!("{what}: {about}: {how}"));
    for side in Side::BOTH {
        let (name, record) = match (&seen[side.place()], instead) {
            (Some(it), _) => (name(side), &it.record),
            (None, Some(next)) => ("instead", next),
            (None, None) => continue,
        };
        lines.push(format!("  {name:<8}{}", Line(record)));
    }
}

const fn name(side: Side) -> &'static str {
    match side {
        Side::First => "first",
        Side::Second => "second",
    }
}

/// What led to a difference, in so many lines: what is the same in both is told once.
fn causes(lines: &mut Vec<String>, it: &Difference, room: usize) {
    let chain = |it: &Option<Occurrence>| it.as_ref().map_or(Vec::new(), |it| it.causes.clone());
    let [first, second] = it.seen.each_ref().map(chain);
    let is_pair = it.seen.iter().all(Option::is_some);
    let parts = if is_pair { parted(&first, &second) } else { [Vec::new(), told(&first), told(&second)] };
    let titles = ["led there, in both:", "led there, in the first:", "led there, in the second:"];
    let mut left = parts.iter().filter(|steps| !steps.is_empty()).count();
    let mut room = room.saturating_sub(left);
    let mut shown = Vec::new();
    // What is nearest to the difference explains it best: it has its room first, and of each part the latest is shown.
    for (title, steps) in titles.iter().zip(&parts).filter(|(_, steps)| !steps.is_empty()).rev() {
        let count = steps.len().min(room.div_ceil(left));
        (room, left) = (room - count, left - 1);
        shown.push((title, &steps[steps.len() - count..]));
    }
    for (title, steps) in shown.into_iter().rev().filter(|(_, steps)| !steps.is_empty()) {
        lines.push(format!("  {title}"));
        lines.extend(steps.iter().map(|step| format!("    {step}")));
    }
}

/// What is the same in two chains, and what follows it in each.
fn parted(first: &[Step], second: &[Step]) -> [Vec<String>; 3] {
    // One may reach further back.
    let behind = |chain: &[Step], of: &[Step]| {
        of.first().and_then(|step| chain.iter().position(|it| it.subject == step.subject))
    };
    let (first, second) = match (behind(first, second), behind(second, first)) {
        (Some(skip), _) => (&first[skip..], second),
        (None, Some(skip)) => (first, &second[skip..]),
        (None, None) => (first, second),
    };
    let same = first.iter().zip(second).take_while(|(first, second)| first.subject == second.subject);
    let both: Vec<String> = same.map(|(first, second)| step(first, Some(second))).collect();
    let [first, second] = [first, second].map(|chain| told(&chain[both.len()..]));
    [both, first, second]
}

fn told(steps: &[Step]) -> Vec<String> {
    steps.iter().map(|it| step(it, None)).collect()
}

/// A step, and when it was in the other trace if that was not the same.
pub(crate) fn step(it: &Step, other: Option<&Step>) -> String {
    let record = &it.record;
    let line = match it.datagram {
        None => Line(record).to_string(),
        Some((what, sent)) => {
            let at = record.at.to_string();
            let window = match it.window {
                Some((limit, true)) => format!(", limit={limit} paused"),
                Some((limit, false)) => format!(", limit={limit}"),
                None => String::new(),
            };
            format!("{at:>15}  {:<15}  arrived: {what}, sent at {sent}{window}", record.node)
        }
    };
    match other.filter(|other| other.record.at != record.at) {
        None => line,
        Some(other) => format!("{line}  (second: {})", other.record.at),
    }
}

fn counts(lines: &mut Vec<String>, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    lines.push("over all of each:".to_owned());
    let room = LINES_MAX.saturating_sub(lines.len());
    let shown = if rows.len() > room { room.saturating_sub(1) } else { rows.len() };
    for Row { what, values: [first, second] } in &rows[..shown] {
        lines.push(format!("  {what}: {first}, then {second}"));
    }
    if shown < rows.len() {
        lines.push(format!("  and {} counts more", rows.len() - shown));
    }
}
