//! What a trace says of its scenario, so that a checker needs nothing else: what each direction is like, and when things
//! will be calm.

use core::time::Duration;

use backchat_core::time::Instant;

use crate::link::{Plan, Schedule};
use crate::scenario::{NodeFaultKind, Scenario};
use crate::trace::record::SIM;
use crate::trace::{Event, Name};

/// The records that describe a scenario.
pub fn records(scenario: &Scenario) -> Vec<(Name, Event)> {
    let mut records = Vec::new();
    for client in scenario.clients() {
        let directions =
            [(format!("{}->server", client.nick), &client.up), (format!("server->{}", client.nick), &client.down)];
        for (name, plan) in directions {
            records.push((name.into(), shape(plan)));
        }
    }
    let calm = Event::CalmExpected { at: calm(scenario), duration: scenario.file().duration };
    records.push((SIM, calm));
    records
}

fn shape(plan: &Plan) -> Event {
    let profile = &plan.profile;
    let reorder = if profile.reorder.chance.is_never() { Duration::ZERO } else { profile.reorder.by };
    Event::LinkShaped {
        delay: profile.delay,
        jitter: profile.jitter + reorder,
        rate: profile.rate.map(core::num::NonZeroU64::get),
        impairs: profile.is_random() && plan.heal.is_none(),
    }
}

/// When the last fault has ended and the last step has begun. What never ends counts to the end of the run.
pub fn calm(scenario: &Scenario) -> Instant {
    let end = scenario.end();
    let heal = scenario.heal();
    let faults = scenario.clients().iter().flat_map(|client| client.up.faults.iter().chain(&client.down.faults));
    let faults = faults.map(|fault| {
        let ends = ends(&fault.schedule, matches!(fault.kind, crate::link::FaultKind::Blackout)).min(end);
        heal.map_or(ends, |heal| ends.min(heal))
    });
    let nodes = scenario.node_faults().iter().map(|fault| {
        let lasts = matches!(fault.kind, NodeFaultKind::Crash { .. });
        ends(&fault.schedule, lasts).min(end)
    });
    let steps = scenario.steps().iter().map(|step| step.at);
    let starts = scenario.clients().iter().map(|client| client.start);
    faults.chain(nodes).chain(steps).chain(starts).chain(heal).max().unwrap_or(Instant::ZERO).min(end)
}

/// When a schedule has its last end; a moment ends as it begins.
pub fn ends(schedule: &Schedule, lasts: bool) -> Instant {
    match (schedule.every, schedule.lasts, lasts) {
        (Some(_), _, _) => schedule.until,
        (None, None, true) => schedule.until,
        (None, Some(lasts), true) => (schedule.at + lasts).min(schedule.until),
        (None, _, false) => schedule.at.min(schedule.until),
    }
}
