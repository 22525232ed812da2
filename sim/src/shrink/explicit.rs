//! What chance did, written out: each packet that was lost, damaged, doubled or late, as a fault that names it.
//!
//! A link's answer is a function of its seed, its name and what was offered before, so nothing has to be recorded but
//! what was offered: links that are made anew and asked the same give the same answers, with more detail than a trace.

use core::time::Duration;

use backchat_core::time::Instant;

use super::Origin;
use super::case::Case;
use super::fates::{Fate, Fates};
use super::form::{Blackouts, Buffer, Form, Line, Names};
use super::oracle::{Oracle, Verdict, verdict};
use crate::link::{self, DropReason, Inject, PacketRef, Plan, Schedule};
use crate::offers::{Offer, Offers};
use crate::scenario::{
    Client, ClientId, Direction, Fault, FaultKind, File, LinkName, LinkTable, Node, NodeFaultKind,
    PacketFault,
};

/// What is small enough: no other form is tried when so few faults are left.
const FEW: usize = 4;

/// A failure that is about time and takes more faults than this is left to chance: what made it is not one packet but all
/// of them, and which kind of chance is known by then.
const MANY: usize = 64;

/// Rules that are about time.
const TIME: [&str; 2] = ["too_late", "not_ended"];

/// What a socket holds that nothing is lost at.
const ROOMY: u64 = 1 << 30;

/// The most occurrences of one fault that are written out; a rebinding every microsecond is no list.
const MAX_OCCURRENCES: u64 = 1_000;

/// Runs what is shrunk: what was offered to the links, and what came of it.
pub fn observe(origin: &Origin<'_>) -> (Offers, Verdict) {
    let mut offers = Offers::default();
    let verdict = verdict(origin.scenario, origin.seed, origin.engine, &mut offers);
    (offers, verdict)
}

/// A failure, written out.
#[derive(Clone, Debug)]
pub struct Written {
    /// It, with as few faults as its form needs.
    pub case: Case,
    /// How.
    pub form: Form,
    /// How many faults there were in that form.
    pub faults_before: usize,
}

/// The plainest form that fails in the same way and needs few faults, or the one that needs fewest; with seed 0, if
/// that will do.
pub fn write_out(origin: &Origin<'_>, offers: &Offers, oracle: &Oracle<'_>) -> Written {
    let mut best: Option<Written> = None;
    let fates = Fates::of(origin, offers);
    let is_about_time = TIME.contains(&oracle.wanted().first.rule);
    for form in Form::ALL {
        let is_about_chance = best.as_ref().is_some_and(|best| best.case.atoms.len() > MANY);
        if best.is_some() && form.names != Names::Identity && !(is_about_chance && form.is_random()) {
            continue;
        }
        let case = if form.is_random() {
            as_it_was(origin)
        } else {
            Writer { origin, offers, fates: &fates, form }.case()
        };
        let faults_before = case.atoms.len();
        if is_about_time && faults_before > MANY && !form.is_random() {
            continue;
        }
        let seeds = [Case { seed: 0, ..case.clone() }, case];
        let [relaxed, other] = seeds.each_ref().map(|case| relaxed(case, oracle));
        let [zero, own] = seeds;
        let mut plainest = vec![relaxed, zero, other, own];
        plainest.dedup();
        let Some(case) = oracle.choose(plainest) else { continue };
        let case = oracle.fewest_faults(case);
        let faults = case.atoms.len();
        if best.as_ref().is_none_or(|best| faults < best.case.atoms.len()) {
            best = Some(Written { case, form, faults_before });
        }
        if faults <= FEW {
            break;
        }
    }
    best.unwrap_or_else(|| {
        // A bound was met before anything failed.
        let case = as_it_was(origin);
        let faults_before = case.atoms.len();
        Written { case, form: Form::ALL[Form::ALL.len() - 1], faults_before }
    })
}

/// Expects of downloads that they end well, and no more: how soon, or that one fails, is nothing to a failure that is
/// not about it.
fn relaxed(case: &Case, oracle: &Oracle<'_>) -> Case {
    let mut relaxed = case.clone();
    if oracle.wanted().first.checker == crate::checker::expect::NAME {
        return relaxed;
    }
    relaxed.base.expect.resent_at_most = None;
    relaxed.base.expect.refused_at_most = None;
    relaxed.base.expect.messages.clear();
    relaxed.base.expect.refusals.clear();
    for expected in &mut relaxed.base.expect.downloads {
        (expected.within, expected.not_within) = (None, None);
        (expected.failed, expected.resent_at_most) = (None, None);
    }
    relaxed
}

/// The origin, its faults as the file has them.
fn as_it_was(origin: &Origin<'_>) -> Case {
    let base = origin.scenario.file().clone();
    Case { atoms: base.faults.clone(), base: File { faults: Vec::new(), ..base }, seed: origin.seed }
}

struct Writer<'a> {
    origin: &'a Origin<'a>,
    offers: &'a Offers,
    fates: &'a Fates,
    form: Form,
}

/// A fault, and when it had its effect.
type Dated = (Instant, Fault);

impl Writer<'_> {
    fn case(&self) -> Case {
        let mut base = File { faults: Vec::new(), heal: None, ..self.origin.scenario.file().clone() };
        if self.form.buffer == Buffer::Roomy {
            base.transfer.receive_buffer = Some(ROOMY);
        }
        base.transfer.offload &= self.form.line != Line::Single;
        self.clean(&mut base.links.default);
        base.links.named.values_mut().for_each(|table| self.clean(table));
        let mut dated = self.node_faults();
        for client in self.origin.scenario.clients() {
            for direction in Direction::BOTH {
                self.link_faults(client, direction, &mut dated);
            }
        }
        // Stable: at the same time in the order of clients and directions.
        dated.sort_by_key(|(at, _)| *at);
        Case { base, atoms: dated.into_iter().map(|(_, fault)| fault).collect(), seed: self.origin.seed }
    }

    /// Nothing is left to chance.
    fn clean(&self, table: &mut LinkTable) {
        let (jitter, loss, corrupt, truncate, duplicate, reorder) = (None, None, None, None, None, None);
        *table = LinkTable { jitter, loss, corrupt, truncate, duplicate, reorder, ..table.clone() };
        if self.form.line != Line::Kept {
            (table.rate, table.queue, table.policer) = (None, None, None);
            (table.codel, table.through) = (None, None);
        }
    }

    fn node_faults(&self) -> Vec<Dated> {
        let scenario = self.origin.scenario;
        let nick = |client: ClientId| scenario.clients().get(client.0).map(|client| client.nick.clone());
        let mut dated = Vec::new();
        for fault in scenario.node_faults() {
            let kind = match fault.kind {
                NodeFaultKind::Crash { node: None, power } => {
                    Some(FaultKind::Crash { node: Node::Server, power })
                }
                NodeFaultKind::Crash { node: Some(client), power } => {
                    nick(client).map(|nick| FaultKind::Crash { node: Node::Client(nick), power })
                }
                NodeFaultKind::Rebind { client, addr } => {
                    nick(client).map(|client| FaultKind::Rebind { client, addr })
                }
            };
            if let Some(kind) = kind {
                self.occurrences(&fault.schedule, &kind, &mut dated);
            }
        }
        dated
    }

    /// What a direction did to its packets, and what was done to it.
    fn link_faults(&self, client: &Client, direction: Direction, dated: &mut Vec<Dated>) {
        let plan = client.plan(direction);
        let link = LinkName { client: client.nick.clone(), direction: Some(direction) };
        let name = direction.link_name(&client.nick);
        let offers: Vec<&Offer> = self.offers.of(&name).collect();
        let mut lost = Vec::new();
        for offer in &offers {
            let Some(fate) = self.fates.of_one(&name, offer.ordinal) else { continue };
            for damage in self.damages(plan, offer.length, fate) {
                if damage == PacketFault::Drop && self.form.blackouts == Blackouts::Gathered {
                    lost.push(offer.at);
                    continue;
                }
                let packets = vec![self.name(offer)];
                let kind = FaultKind::Packets { link: link.clone(), damage, packets };
                dated.push((offer.at, moment(Duration::ZERO, kind)));
            }
        }
        if let (Some(first), Some(last)) = (lost.first(), lost.last()) {
            // Up to and with the last one.
            let lasts = Some(*last - *first + Duration::from_nanos(1));
            let blackout = moment(*first - Instant::ZERO, FaultKind::Blackout(link.clone()));
            dated.push((*first, Fault { lasts, ..blackout }));
        }
        let heal = plan.heal.unwrap_or(Schedule::ALWAYS.until);
        for fault in &plan.faults {
            let schedule = Schedule { until: fault.schedule.until.min(heal), ..fault.schedule };
            match &fault.kind {
                link::FaultKind::Blackout if self.form.blackouts == Blackouts::Kept => {
                    self.occurrences(&schedule, &FaultKind::Blackout(link.clone()), dated);
                }
                link::FaultKind::Inject(Inject::Replay(packets), count) => {
                    for packet in packets {
                        let what = Inject::Replay(vec![self.renamed(*packet, &offers)]);
                        let kind = FaultKind::Inject { link: link.clone(), what, count: *count };
                        self.occurrences(&schedule, &kind, dated);
                    }
                }
                link::FaultKind::Inject(what, count) => {
                    let kind = FaultKind::Inject { link: link.clone(), what: what.clone(), count: *count };
                    self.occurrences(&schedule, &kind, dated);
                }
                // What these did was done to packets, and is written out.
                _ => {}
            }
        }
    }

    /// What was done to one packet.
    fn damages(&self, plan: &Plan, length: usize, fate: &Fate) -> Vec<PacketFault> {
        let copies = match fate.verdict {
            link::Verdict::Dropped(DropReason::Loss | DropReason::Explicit) => {
                return vec![PacketFault::Drop];
            }
            link::Verdict::Dropped(DropReason::Blackout) if self.form.blackouts != Blackouts::Kept => {
                return vec![PacketFault::Drop];
            }
            link::Verdict::Dropped(DropReason::QueueFull | DropReason::Policed | DropReason::Codel)
                if self.form.line != Line::Kept =>
            {
                return vec![PacketFault::Drop];
            }
            // It happens again by itself.
            link::Verdict::Dropped(_) | link::Verdict::Queued => return Vec::new(),
            link::Verdict::Passed(copies) => copies,
        };
        let Some((first, others)) = copies.split_first() else { return Vec::new() };
        let mut damages = Vec::new();
        let late = first.at.saturating_since(plan.profile.handed_over(fate.departed + plan.profile.delay));
        if !late.is_zero() {
            damages.push(PacketFault::Delay(late));
        }
        if first.damage.is_truncated() {
            damages.push(PacketFault::Truncate);
        }
        if first.damage.flipped_bits(length) > 0 {
            damages.push(PacketFault::Corrupt);
        }
        damages.extend(others.iter().map(|copy| PacketFault::Duplicate(copy.at.saturating_since(first.at))));
        damages
    }

    /// A fault for each time that a schedule begins.
    fn occurrences(&self, schedule: &Schedule, kind: &FaultKind, dated: &mut Vec<Dated>) {
        let starts = (0..MAX_OCCURRENCES).map_while(|nth| schedule.start(nth));
        let end = self.origin.scenario.end();
        for start in starts.take_while(|start| *start <= end) {
            let has_length = matches!(kind, FaultKind::Blackout(_) | FaultKind::Crash { .. });
            // What is healed has an end.
            let until =
                (schedule.until < Schedule::ALWAYS.until).then(|| schedule.until.saturating_since(start));
            let lasts = schedule.lasts.into_iter().chain(until).min().filter(|_| has_length);
            dated.push((start, Fault { lasts, ..moment(start - Instant::ZERO, kind.clone()) }));
        }
    }

    fn name(&self, offer: &Offer) -> PacketRef {
        match self.form.names {
            Names::Identity => offer.name(),
            Names::Ordinal | Names::Chance => PacketRef::Ordinal(offer.ordinal),
        }
    }

    /// The packet that was meant, as the form names it.
    fn renamed(&self, packet: PacketRef, offers: &[&Offer]) -> PacketRef {
        match packet {
            PacketRef::Ordinal(ordinal) => {
                let offer = offers.iter().find(|offer| offer.ordinal == ordinal);
                offer.map_or(packet, |offer| self.name(offer))
            }
            PacketRef::Identity(_) => packet,
        }
    }
}

/// A fault without length.
fn moment(at: Duration, kind: FaultKind) -> Fault {
    Fault { at, lasts: None, every: None, kind }
}
