//! What a trace says of its scenario, so that a checker needs nothing else: what each direction is like, and when things
//! will be calm.

use core::time::Duration;

use backchat_core::time::Instant;

use super::contents::Contents;
use crate::link::{BitsPerSecond, Plan, Profile, Rate, Schedule};
use crate::scenario::{Action, NodeFaultKind, Role, Scenario};
use crate::trace::{Name, Node, RunEvent};

/// The records that stand at the beginning of every trace: what is shared, and the scenario.
pub fn records(scenario: &Scenario, contents: &Contents) -> Vec<(Node, RunEvent)> {
    let shared = contents.files().map(|file| {
        let (name, size) = (contents.name(file).into(), contents.size(file));
        (Node::SIM, RunEvent::FileShared { name, size, blake3: contents.hash(file) })
    });
    let mut records: Vec<(Node, RunEvent)> = shared.collect();
    for client in scenario.clients() {
        let directions = [
            (format!("{}->server", client.nick), &client.up),
            (format!("server->{}", client.nick), &client.down),
        ];
        for (name, plan) in directions {
            records.push((name.into(), shape(scenario, plan)));
        }
    }
    for client in scenario.clients().iter().filter(|client| client.role != Role::default()) {
        let (visits, resumes, history) = match client.role {
            Role::Visitor => (true, false, None),
            Role::Member { resume, history } => (false, resume, history.map(u64::from)),
        };
        records.push((client.nick.as_str().into(), RunEvent::ClientDescribed { visits, resumes, history }));
    }
    for step in scenario.steps().iter().filter(|step| step.times > 1) {
        let client =
            scenario.clients().get(step.client.0).map_or(Node::SIM, |client| client.nick.as_str().into());
        let (what, detail) = (step.action.kind(), detail(&step.action));
        records.push((client, RunEvent::Planned { what, detail, times: u64::from(step.times) }));
    }
    let calm = RunEvent::CalmExpected { from: calm(scenario), duration: scenario.file().duration };
    records.push((Node::SIM, calm));
    records
}

/// What an action is about, as traces have it: the text, the file, the nickname.
pub fn detail(action: &Action) -> Option<Name> {
    match action {
        Action::Get(file) => Some(file.as_str().into()),
        Action::Say(text) => Some(text.as_str().into()),
        Action::Tell { to, text } => Some(format!("{to} {text}").into()),
        Action::Pause(file) | Action::Resume(file) | Action::Stop(file) => {
            file.as_ref().map(|file| file.as_str().into())
        }
        Action::Names | Action::Files | Action::Leave | Action::Join => None,
    }
}

/// The longest round trip of any client, jitter included: what is under way has arrived after half of it.
pub fn longest_round_trip(scenario: &Scenario) -> Duration {
    let one_way = |plan: &Plan| plan.profile.delay + plan.profile.jitter + plan.profile.aggregate;
    let round_trips = scenario.clients().iter().map(|client| one_way(&client.up) + one_way(&client.down));
    round_trips.max().unwrap_or_default()
}

fn shape(scenario: &Scenario, plan: &Plan) -> RunEvent {
    let profile = &plan.profile;
    let reorder = if profile.reorder.chance.is_never() { Duration::ZERO } else { profile.reorder.by };
    RunEvent::LinkShaped {
        delay: profile.delay,
        jitter: profile.jitter + reorder + profile.aggregate,
        rate: least_rate(scenario, profile).map(core::num::NonZeroU64::get),
        impairs: profile.is_random() && plan.heal.is_none(),
    }
}

/// The rate that a direction has at its slowest, if anything limits it: of what it shares with others its even share.
fn least_rate(scenario: &Scenario, profile: &Profile) -> Option<BitsPerSecond> {
    let policed = profile.policer.map(|policer| policer.rate);
    let share = profile.through.and_then(|through| {
        let plans = scenario.clients().iter().flat_map(|client| [&client.up.profile, &client.down.profile]);
        let is_with_it = |other: &&Profile| other.through.map(|it| it.bottleneck) == Some(through.bottleneck);
        let rate = scenario.bottlenecks().get(through.bottleneck)?.rate.least();
        BitsPerSecond::new(rate.get() / plans.filter(is_with_it).count() as u64).or(Some(BitsPerSecond::MIN))
    });
    let own = profile.rate.as_ref().map(Rate::least);
    [own, policed, share].into_iter().flatten().min()
}

/// When the last fault has ended and the last step has begun. What never ends counts to the end of the run.
pub fn calm(scenario: &Scenario) -> Instant {
    let end = scenario.end();
    let heal = scenario.heal();
    let faults =
        scenario.clients().iter().flat_map(|client| client.up.faults.iter().chain(&client.down.faults));
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
