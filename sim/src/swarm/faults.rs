//! What each kind of fault adds to a scenario.
//!
//! Each draws from streams that begin with its name. What concerns a link has a stream for each client.

use core::num::{NonZeroU32, NonZeroU64};
use core::time::Duration;

use backchat_core::chat::{Nickname, Reconnect};

use super::bounds::{Between, Strength};
use super::draw::Draw;
use super::generate::Making;
use super::kind::Kind;
use crate::link::{
    BitsPerSecond, BottleneckPlan, Chance, Codel, Inject, Late, Loss, PacketRef, Policer, QueueLimit, Rate,
    RateStep, RateSteps, Runs,
};
use crate::scenario::{
    Action, BottleneckName, Clients, Direction, Fault, FaultKind, LinkName, LinkTable, Node, Repeat, Role,
    Step,
};

/// The longest burst of losses or damage.
const BURST: Between = Between { least: 1, most: 8 };

/// Bursts of Gilbert and Elliott's end with a chance between a fiftieth and a half, in parts of 2^32.
const LEAVE: Between = Between { least: (1 << 32) / 50, most: 1 << 31 };

/// Bytes of garbage.
const GARBAGE: Between = Between { least: 1, most: 1500 };

/// What a policer lets through at once: a packet of ordinary length at least.
const POLICER_BURST: Between = Between { least: 1_500, most: 64 << 10 };

/// Packets of a queue that is longer than a window.
const LONG_QUEUE: Between = Between { least: 2, most: 500 };

/// How many rates come one after the other, and how long each lasts: 10 ms to 5 s.
const RATES: Between = Between { least: 2, most: 4 };
const RATE_LASTS: Between = Between { least: 10_000_000, most: 5_000_000_000 };

/// After how long a translator of addresses forgets: half a second to a minute.
const FORGOTTEN: Between = Between { least: 500_000_000, most: 60_000_000_000 };

/// Earlier packets that are replayed, by their ordinals, and how many of them at once.
const ORDINALS: Between = Between { least: 1, most: 200 };
const REPLAYED: Between = Between { least: 1, most: 8 };

/// How many messages from before are asked for.
const HISTORY: Between = Between { least: 0, most: 20 };

/// How often a visitor asks for something.
const ASKED_BY_VISITORS: Between = Between { least: 1, most: 4 };

/// Adds a kind.
pub(super) fn add(kind: Kind, to: &mut Making<'_>) {
    match kind {
        Kind::Loss => impair(kind, to, |table, draw, strength| {
            table.loss = Some(loss(draw, strength));
        }),
        Kind::Corrupt => impair(kind, to, |table, draw, strength| {
            table.corrupt = Some(runs(draw, strength));
        }),
        Kind::Truncate => impair(kind, to, |table, draw, strength| {
            table.truncate = Some(runs(draw, strength));
        }),
        Kind::Duplicate => impair(kind, to, |table, draw, strength| {
            table.duplicate = Some(late(draw, strength));
        }),
        Kind::Reorder => impair(kind, to, |table, draw, strength| {
            table.reorder = Some(late(draw, strength));
        }),
        Kind::Jitter => impair(kind, to, |table, draw, strength| {
            table.jitter = Some(draw.span(strength.by));
        }),
        Kind::Queue => impair(kind, to, |table, draw, strength| {
            let packets = u32::try_from(draw.steep(strength.packets)).unwrap_or(u32::MAX);
            table.queue = Some(QueueLimit::Packets(packets));
            table.rate = NonZeroU64::new(draw.steep(strength.rate)).map(Rate::Constant);
        }),
        Kind::Bottleneck => bottleneck(to),
        Kind::RateSteps => impair(kind, to, |table, draw, strength| {
            table.rate = rate_steps(draw, strength);
        }),
        Kind::Policer => impair(kind, to, |table, draw, strength| {
            let (rate, burst) = (rate(draw, strength), draw.steep(POLICER_BURST));
            table.policer = Some(Policer { rate, burst });
        }),
        Kind::Codel => impair(kind, to, |table, draw, strength| {
            table.rate = Some(Rate::Constant(rate(draw, strength)));
            table.queue =
                Some(QueueLimit::Packets(u32::try_from(draw.steep(LONG_QUEUE)).unwrap_or(u32::MAX)));
            table.codel = Some(Codel { ecn: draw.coin(), ..Codel::default() });
        }),
        Kind::Aggregate => impair(kind, to, |table, draw, strength| {
            table.aggregate = Some(draw.span(strength.by));
        }),
        Kind::Nat => nat(to),
        Kind::Blackout => happen(kind, to, |draw, making| {
            let client = making.client(draw);
            let direction = direction(draw);
            (FaultKind::Blackout(LinkName { client, direction }), Lasts::AWhile)
        }),
        Kind::ServerCrash | Kind::ServerPower => happen(kind, to, |_, _| {
            (FaultKind::Crash { node: Node::Server, power: kind == Kind::ServerPower }, Lasts::AWhile)
        }),
        Kind::ClientCrash | Kind::ClientPower => happen(kind, to, |draw, making| {
            let node = Node::Client(making.client(draw));
            (FaultKind::Crash { node, power: kind == Kind::ClientPower }, Lasts::AWhile)
        }),
        Kind::Rebind | Kind::Readdress => happen(kind, to, |draw, making| {
            (FaultKind::Rebind { client: making.client(draw), addr: kind == Kind::Readdress }, Lasts::AMoment)
        }),
        Kind::Garbage => happen(kind, to, |draw, making| {
            let length = u32::try_from(draw.steep(GARBAGE)).unwrap_or(u32::MAX);
            inject(draw, making, Inject::Random(length))
        }),
        Kind::Replay => happen(kind, to, |draw, making| {
            let packets = (0..draw.even(REPLAYED)).map(|_| PacketRef::Ordinal(draw.steep(ORDINALS)));
            let packets = packets.collect();
            inject(draw, making, Inject::Replay(packets))
        }),
        Kind::Pause => interrupt(kind, to, &Action::Pause(None), Some(&Action::Resume(None))),
        Kind::Stop => interrupt(kind, to, &Action::Stop(None), None),
        Kind::Leave => interrupt(kind, to, &Action::Leave, Some(&Action::Join)),
        Kind::Forgetful => forgetful(to),
        Kind::Visitor => visitor(to),
        Kind::Limits => limits(to),
        Kind::SmallBuffer => {
            let bytes = to.draws.of(kind.name()).steep(to.bounds.strength.buffer);
            to.file.transfer.receive_buffer = Some(bytes);
        }
        Kind::OneByOne => to.file.transfer.offload = false,
    }
}

/// Half of the clients, one at least, have a link that does something, in one direction or both.
fn impair(kind: Kind, to: &mut Making<'_>, how: impl Fn(&mut LinkTable, &mut Draw, &Strength)) {
    let bounds = to.bounds;
    let surely = to.client(&mut to.draws.of(kind.name()));
    for client in to.clients.clone() {
        let mut draw = to.draws.of(&format!("{} {client}", kind.name()));
        if !draw.coin() && client != surely {
            continue;
        }
        let direction = direction(&mut draw);
        how(to.link(&client, direction), &mut draw, &bounds.strength);
    }
}

fn rate(draw: &mut Draw, strength: &Strength) -> BitsPerSecond {
    NonZeroU64::new(draw.steep(strength.rate)).unwrap_or(NonZeroU64::MIN)
}

/// Rates one after the other, again and again.
fn rate_steps(draw: &mut Draw, strength: &Strength) -> Option<Rate> {
    let mut at = Duration::ZERO;
    let mut steps = Vec::new();
    for _ in 0..draw.even(RATES) {
        steps.push(RateStep { at, rate: rate(draw, strength) });
        at += draw.span(RATE_LASTS);
    }
    RateSteps::new(&steps, Some(at)).ok().map(Rate::Steps)
}

/// Half of the clients, two at least where there are two, share a path.
fn bottleneck(to: &mut Making<'_>) {
    let Some(name) = BottleneckName::parse("wan") else { return };
    let mut draw = to.draws.of(Kind::Bottleneck.name());
    let rate = Rate::Constant(rate(&mut draw, &to.bounds.strength));
    let queue = QueueLimit::Packets(u32::try_from(draw.steep(LONG_QUEUE)).unwrap_or(u32::MAX));
    let codel = draw.coin().then(Codel::default);
    to.file.links.bottlenecks.insert(name.clone(), BottleneckPlan { rate, queue, codel });
    for (nth, client) in to.clients.clone().into_iter().enumerate() {
        let mut draw = to.draws.of(&format!("{} {client}", Kind::Bottleneck.name()));
        if draw.coin() || nth < 2 {
            let direction = direction(&mut draw);
            to.link(&client, direction).through = Some(name.clone());
        }
    }
}

/// Half of the clients, one at least, are forgotten when they are silent.
fn nat(to: &mut Making<'_>) {
    let surely = to.client(&mut to.draws.of(Kind::Nat.name()));
    for client in to.clients.clone() {
        let mut draw = to.draws.of(&format!("{} {client}", Kind::Nat.name()));
        let after = draw.span(FORGOTTEN);
        if (draw.coin() || client == surely)
            && let Some(entry) = to.file.clients.get_mut(&client)
        {
            entry.nat = Some(after);
        }
    }
}

/// Half of the clients, one at least, do not ask for a token, and connect again or leave that to their users.
fn forgetful(to: &mut Making<'_>) {
    let surely = to.client(&mut to.draws.of(Kind::Forgetful.name()));
    for client in to.clients.clone() {
        let mut draw = to.draws.of(&format!("{} {client}", Kind::Forgetful.name()));
        let history = u32::try_from(draw.even(HISTORY)).ok().filter(|_| draw.coin());
        let reconnect = draw.coin().then_some(Reconnect::Never);
        if (draw.coin() || client == surely)
            && let Some(entry) = to.file.clients.get_mut(&client)
        {
            (entry.role, entry.reconnect) = (Role::Member { resume: false, history }, reconnect);
        }
    }
}

/// One client more, which does not join. Whatever else is drawn concerns the others.
fn visitor(to: &mut Making<'_>) {
    let Ok(who) = Nickname::parse("visitor") else { return };
    let mut draw = to.draws.of(Kind::Visitor.name());
    to.file.clients.insert(who.clone(), Clients { role: Role::Visitor, ..Clients::default() });
    to.link(&who, None).delay = Some(draw.span(to.bounds.settings.delay));
    for _ in 0..draw.even(ASKED_BY_VISITORS) {
        let place = draw.index(to.file.server.files.len() + 2);
        let file = to.file.server.files.get(place).map(|file| file.name.clone());
        let list = if draw.coin() { Action::Names } else { Action::Files };
        let at = draw.moment(to.busy);
        let action = file.map_or(list, Action::Get);
        to.file.steps.push(Step { at, who: who.clone(), action, repeat: Repeat::Once });
    }
}

/// One direction, or both.
fn direction(draw: &mut Draw) -> Option<Direction> {
    [None, Some(Direction::Up), Some(Direction::Down)].get(draw.index(3)).copied().flatten()
}

fn chance(draw: &mut Draw, between: Between) -> Chance {
    Chance::from_parts(draw.steep(between)).unwrap_or(Chance::ALWAYS)
}

fn burst(draw: &mut Draw) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(draw.steep(BURST)).unwrap_or(u32::MAX))
}

fn runs(draw: &mut Draw, strength: &Strength) -> Runs {
    Runs { chance: chance(draw, strength.chance), max_burst: burst(draw) }
}

fn loss(draw: &mut Draw, strength: &Strength) -> Loss {
    if draw.coin() {
        return Loss::Runs(runs(draw, strength));
    }
    let enter = chance(draw, strength.chance);
    Loss::GilbertElliott { enter, leave: chance(draw, LEAVE), max_burst: None }
}

fn late(draw: &mut Draw, strength: &Strength) -> Late {
    Late { chance: chance(draw, strength.chance), by: draw.span(strength.by) }
}

/// Whether a fault is a stretch of time.
enum Lasts {
    AWhile,
    AMoment,
}

/// Something happens a few times.
fn happen(kind: Kind, to: &mut Making<'_>, what: impl Fn(&mut Draw, &Making<'_>) -> (FaultKind, Lasts)) {
    for nth in 1..=to.draws.of(kind.name()).steep(to.bounds.strength.times) {
        let mut draw = to.draws.of(&format!("{} {nth}", kind.name()));
        let at = draw.moment(to.busy);
        let lasts = draw.span(to.bounds.strength.lasts);
        let (kind, how_long) = what(&mut draw, to);
        let lasts = match how_long {
            Lasts::AWhile => Some(lasts),
            Lasts::AMoment => None,
        };
        to.lasts_until(at + lasts.unwrap_or_default());
        to.file.faults.push(Fault { at, lasts, every: None, kind });
    }
}

fn inject(draw: &mut Draw, making: &Making<'_>, what: Inject) -> (FaultKind, Lasts) {
    let client = making.client(draw);
    let direction = if draw.coin() { Direction::Up } else { Direction::Down };
    let count = u32::try_from(draw.steep(making.bounds.strength.datagrams)).ok().and_then(NonZeroU32::new);
    let link = LinkName { client, direction: Some(direction) };
    (FaultKind::Inject { link, what, count: count.unwrap_or(NonZeroU32::MIN) }, Lasts::AMoment)
}

/// Clients do something, and undo it later.
fn interrupt(kind: Kind, to: &mut Making<'_>, action: &Action, undo: Option<&Action>) {
    for nth in 1..=to.draws.of(kind.name()).steep(to.bounds.strength.times) {
        let mut draw = to.draws.of(&format!("{} {nth}", kind.name()));
        let who = to.client(&mut draw);
        let at = draw.moment(to.busy);
        let until = at + draw.span(to.bounds.strength.lasts);
        to.file.steps.push(Step { at, who: who.clone(), action: action.clone(), repeat: Repeat::Once });
        if let Some(undo) = undo.cloned() {
            to.lasts_until(until);
            to.file.steps.push(Step { at: until, who, action: undo, repeat: Repeat::Once });
        }
    }
}

/// Each limit by itself is narrow or not. None of them keeps anybody from what a patient user would get in the end.
fn limits(to: &mut Making<'_>) {
    let draw = |name: &str, least: u64, most: u64| {
        let mut draw = to.draws.of(&format!("limits {name}"));
        let value = draw.steep(Between { least, most });
        draw.coin().then(|| u32::try_from(value).unwrap_or(u32::MAX))
    };
    let chat = &to.file.server.limits;
    let mut narrow = chat.clone();
    narrow.burst = draw("burst", 1, 8).unwrap_or(chat.burst);
    narrow.history = draw("history", 0, 64).unwrap_or(chat.history);
    narrow.backlog = draw("backlog", 0, 64).unwrap_or(chat.backlog);
    narrow.downloads_per_session = draw("downloads_per_session", 1, 4).unwrap_or(chat.downloads_per_session);
    narrow.tickets_per_session = draw("tickets_per_session", 1, 4).unwrap_or(chat.tickets_per_session);
    narrow.lists_per_session = draw("lists_per_session", 1, 4).unwrap_or(chat.lists_per_session);
    narrow.request_burst = draw("request_burst", 1, 16).unwrap_or(chat.request_burst);
    narrow.requests_per_second = draw("requests_per_second", 2, 8).unwrap_or(chat.requests_per_second);
    let parked = draw("parked_for", 0, 30_000).map(|millis| Duration::from_millis(u64::from(millis)));
    narrow.parked_for = parked.unwrap_or(chat.parked_for);
    let downloads = draw("downloads", 1, 8).unwrap_or(to.file.server.transfer.downloads);
    to.file.server.limits = narrow;
    to.file.server.transfer.downloads = downloads;
}
