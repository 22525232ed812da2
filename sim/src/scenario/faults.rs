//! `[[faults]]`: what goes wrong, and when.

use core::num::NonZeroU32;
use core::time::Duration;

use backchat_core::chat::Nickname;

use super::clients::SERVER;
use super::links::LinkName;
use super::reader::{Read, Table, Value};
use super::steps::{Known, within};
use super::values::print_span;
use super::writer::{Writer, array, quoted};
use crate::link::{Identity, Inject, PacketRef};

/// The most faults in a file.
pub const MAX_FAULTS: usize = 10_000;

/// The most packets that a fault names.
pub const MAX_PACKETS: usize = 10_000;

/// The most faults and named packets, each counted for every client that it concerns.
pub const MAX_FAULTS_TOTAL: u64 = 1_000_000;

/// The longest datagram that can be injected: the longest UDP has over IPv4.
pub const MAX_INJECTED_BYTES: u64 = 65_507;

/// The most datagrams that a fault injects at once.
pub const MAX_INJECTED: u32 = 100_000;

/// A fault of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins.
    pub at: Duration,
    /// How long it lasts; `None`: to the end, or it is a moment.
    pub lasts: Option<Duration>,
    /// From one beginning to the next; `None`: once.
    pub every: Option<Duration>,
    /// What it is.
    pub kind: FaultKind,
}

/// What a fault is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nothing gets through.
    Blackout(LinkName),
    /// A node is gone, as by SIGKILL, and comes back when the fault ends.
    Crash {
        /// Which.
        node: Node,
        /// Whether what was not synced may be gone too.
        power: bool,
    },
    /// A client has a new source port.
    Rebind {
        /// Which client, or group.
        client: Nickname,
        /// Whether it has a new address as well.
        addr: bool,
    },
    /// Something happens to packets that are named.
    Packets {
        /// On this link.
        link: LinkName,
        /// What happens.
        damage: PacketFault,
        /// To these.
        packets: Vec<PacketRef>,
    },
    /// Datagrams arrive that nobody sent.
    Inject {
        /// On this link, at its far end.
        link: LinkName,
        /// Which.
        what: Inject,
        /// How often, at each occurrence.
        count: NonZeroU32,
    },
}

/// What happens to packets that are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketFault {
    /// They do not arrive.
    Drop,
    /// They arrive twice, the second time so much later.
    Duplicate(Duration),
    /// Bits are flipped.
    Corrupt,
    /// The end is cut off.
    Truncate,
    /// They arrive so much later.
    Delay(Duration),
}

/// What can crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// The server.
    Server,
    /// A client, or each of a group.
    Client(Nickname),
}

impl FaultKind {
    /// Its word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Blackout(_) => "blackout",
            Self::Crash { .. } => "crash",
            Self::Rebind { .. } => "rebind",
            Self::Packets { damage, .. } => match damage {
                PacketFault::Drop => "drop",
                PacketFault::Duplicate(_) => "duplicate",
                PacketFault::Corrupt => "corrupt",
                PacketFault::Truncate => "truncate",
                PacketFault::Delay(_) => "delay",
            },
            Self::Inject { .. } => "inject",
        }
    }

    /// Whether it is a moment, and not a stretch of time.
    const fn is_moment(&self) -> bool {
        matches!(self, Self::Rebind { .. } | Self::Inject { .. })
    }

    /// The link it concerns, if it is one.
    pub const fn link(&self) -> Option<&LinkName> {
        match self {
            Self::Blackout(link) | Self::Packets { link, .. } | Self::Inject { link, .. } => Some(link),
            Self::Crash { .. } | Self::Rebind { .. } => None,
        }
    }
}

pub(super) const KEYS: &[&str] = &[
    "at", "for", "every", "kind", "link", "node", "power", "addr", "packets", "by", "hex", "random",
    "replay", "count",
];
pub(super) const KINDS: &[&str] =
    &["blackout", "crash", "rebind", "drop", "duplicate", "corrupt", "truncate", "delay", "inject"];

pub(super) fn read(root: &Table<'_>, known: &Known<'_>, heal: Option<Duration>) -> Read<Vec<Fault>> {
    let Some(value) = root.get("faults") else { return Ok(Vec::new()) };
    let mut faults = Vec::new();
    let mut total: u64 = 0;
    for value in value.array("an array of faults: [[faults]]", MAX_FAULTS)? {
        let fault = read_fault(&value, known, heal)?;
        total = total.saturating_add(weight(&fault.kind, known));
        if total > MAX_FAULTS_TOTAL {
            let expected = format!("at most {MAX_FAULTS_TOTAL} faults and packets, counted for each client");
            return Err(value.bad("one too many", expected));
        }
        faults.push(fault);
    }
    Ok(faults)
}

/// How many faults and packets it comes to, for every client.
fn weight(kind: &FaultKind, known: &Known<'_>) -> u64 {
    let clients = |name: &Nickname| known.names.members(name).map_or(1, |range| range.len() as u64);
    let packets = match kind {
        FaultKind::Packets { packets, .. } | FaultKind::Inject { what: Inject::Replay(packets), .. } => {
            packets.len()
        }
        FaultKind::Inject { what: Inject::Bytes(bytes), .. } => bytes.len() / 64,
        _ => 0,
    };
    let clients = match kind {
        FaultKind::Crash { node: Node::Server, .. } => 1,
        FaultKind::Crash { node: Node::Client(client), .. } | FaultKind::Rebind { client, .. } => {
            clients(client)
        }
        FaultKind::Blackout(link) | FaultKind::Packets { link, .. } | FaultKind::Inject { link, .. } => {
            clients(&link.client)
        }
    };
    clients * (packets as u64 + 1)
}

fn read_fault(value: &Value<'_>, known: &Known<'_>, heal: Option<Duration>) -> Read<Fault> {
    let table = value.table("[[faults]]", "a table: [[faults]]")?;
    table.check_keys(KEYS)?;
    let kind = read_kind(&table, known)?;
    let at = match table.get("at") {
        None => Duration::ZERO,
        Some(value) => {
            let at = within(&value, known.duration)?;
            if let Some(heal) = heal
                && at >= heal
                && kind.link().is_some()
            {
                let expected = format!("below {}, when the links are healed", print_span(heal));
                return Err(value.bad(print_span(at), expected));
            }
            at
        }
    };
    if kind.is_moment() {
        let why = format!("does not go with kind = \"{}\", which is a moment", kind.name());
        table.refuse(&["for"], &why, "'at' and 'every' alone")?;
    }
    let lasts = table.get("for").map(|value| value.positive_span()).transpose()?;
    let every = match table.get("every") {
        None => None,
        Some(value) => {
            let every = value.positive_span()?;
            match lasts {
                Some(lasts) if lasts >= every => {
                    let expected = format!("longer than 'for', which is {}", print_span(lasts));
                    return Err(value.bad(print_span(every), expected));
                }
                None if !kind.is_moment() => {
                    return Err(value.conflict(
                        "'every' without 'for': it never ends, so it cannot begin again",
                        "'for' too",
                    ));
                }
                _ => Some(every),
            }
        }
    };
    Ok(Fault { at, lasts, every, kind })
}

fn read_kind(table: &Table<'_>, known: &Known<'_>) -> Read<FaultKind> {
    let word = table.need("kind", &format!("one of {}", KINDS.join(", ")))?.word(KINDS)?;
    let allowed: &[&str] = match word {
        "blackout" => &["link"],
        "crash" => &["node", "power"],
        "rebind" => &["node", "addr"],
        "delay" | "duplicate" => &["link", "packets", "by"],
        "inject" => &["link", "hex", "random", "replay", "count"],
        _ => &["link", "packets"],
    };
    let always = ["at", "for", "every", "kind"];
    let foreign: Vec<&str> =
        KEYS.iter().copied().filter(|key| !allowed.contains(key) && !always.contains(key)).collect();
    table.refuse(&foreign, &format!("does not go with kind = \"{word}\""), &allowed.join(", "))?;
    let link = || {
        let value = table.need("link", "a link, such as \"server->alice\"")?;
        LinkName::read(&value, known.names)
    };
    let damage = match word {
        "blackout" => return Ok(FaultKind::Blackout(link()?)),
        "crash" => {
            return Ok(FaultKind::Crash { node: read_node(table, known)?, power: flag(table, "power")? });
        }
        "rebind" => return read_rebind(table, known),
        "inject" => return read_inject(table, link()?),
        "drop" => PacketFault::Drop,
        "duplicate" => {
            let by = table.get("by").map(|by| by.positive_span()).transpose()?;
            PacketFault::Duplicate(by.unwrap_or_default())
        }
        "corrupt" => PacketFault::Corrupt,
        "truncate" => PacketFault::Truncate,
        _ => PacketFault::Delay(table.need("by", "how much later, such as \"10ms\"")?.positive_span()?),
    };
    let packets = read_packets(&table.need("packets", PACKETS)?)?;
    Ok(FaultKind::Packets { link: link()?, damage, packets })
}

const PACKETS: &str = "an array of packets, by ordinal or identity: [3, \"data@12000#2\"]";

fn flag(table: &Table<'_>, key: &'static str) -> Read<bool> {
    table.get(key).map_or(Ok(false), |value| value.boolean())
}

fn read_node(table: &Table<'_>, known: &Known<'_>) -> Read<Node> {
    let value = table.need("node", "\"server\", a client or a group")?;
    let text = value.text("\"server\", a client or a group")?;
    if text == SERVER {
        return Ok(Node::Server);
    }
    let all = || known.names.listed().into_iter().chain([SERVER.into()]).collect();
    known.names.lookup(text).map(Node::Client).ok_or_else(|| value.unknown(text, all()))
}

fn read_rebind(table: &Table<'_>, known: &Known<'_>) -> Read<FaultKind> {
    match read_node(table, known)? {
        Node::Client(client) => Ok(FaultKind::Rebind { client, addr: flag(table, "addr")? }),
        Node::Server => {
            Err(table.need("node", "a client")?.bad("\"server\"", "a client: the server stays where it is"))
        }
    }
}

/// Packets by ordinal or identity.
fn read_packets(value: &Value<'_>) -> Read<Vec<PacketRef>> {
    let values = value.array(PACKETS, MAX_PACKETS)?;
    if values.is_empty() {
        return Err(value.bad("empty", PACKETS));
    }
    values.iter().map(read_packet).collect()
}

fn read_packet(value: &Value<'_>) -> Read<PacketRef> {
    if value.is_integer() {
        return Ok(PacketRef::Ordinal(value.integer(1..=u64::MAX)?));
    }
    value
        .parsed("an ordinal from 1, or an identity such as \"data@12000#2\"", str::parse::<Identity>)
        .map(PacketRef::Identity)
}

fn read_inject(table: &Table<'_>, link: LinkName) -> Read<FaultKind> {
    const WHAT: &str = "exactly one of 'hex', 'random' and 'replay'";
    let what = match (table.get("hex"), table.get("random"), table.get("replay")) {
        (Some(hex), None, None) => Inject::Bytes(read_hex(&hex)?),
        (None, Some(random), None) => {
            Inject::Random(u32::try_from(random.size(1..=MAX_INJECTED_BYTES)?).unwrap_or(u32::MAX))
        }
        (None, None, Some(replay)) => Inject::Replay(read_packets(&replay)?),
        (None, None, None) => return Err(table.conflict("nothing to inject", WHAT)),
        (_, Some(second), _) | (_, _, Some(second)) => {
            return Err(second.conflict("two things to inject", WHAT));
        }
    };
    let count = match table.get("count") {
        None => 1,
        Some(value) => value.count(1, MAX_INJECTED)?,
    };
    Ok(FaultKind::Inject { link, what, count: NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN) })
}

fn read_hex(value: &Value<'_>) -> Read<Vec<u8>> {
    const EXPECTED: &str = "bytes in hexadecimal, such as \"01ff 00a0\"";
    let text = value.text(EXPECTED)?;
    let mut nibbles = Vec::new();
    for character in text.chars().filter(|character| !character.is_ascii_whitespace()) {
        let digit = character.to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        nibbles.push(digit.ok_or_else(|| value.bad(format!("with '{character}' in it"), EXPECTED))?);
    }
    let (pairs, rest) = nibbles.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(value.bad(format!("{} digits", nibbles.len()), "an even number of them"));
    }
    if pairs.len() as u64 > MAX_INJECTED_BYTES {
        return Err(value.bad(format!("{} bytes", pairs.len()), format!("at most {MAX_INJECTED_BYTES}")));
    }
    Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

pub(super) fn write(faults: &[Fault], to: &mut Writer) {
    for fault in faults {
        to.table("[[faults]]");
        to.span_above_zero("at", fault.at);
        if let Some(lasts) = fault.lasts {
            to.span("for", lasts);
        }
        if let Some(every) = fault.every {
            to.span("every", every);
        }
        to.text("kind", fault.kind.name());
        if let Some(link) = fault.kind.link() {
            to.text("link", link);
        }
        match &fault.kind {
            FaultKind::Blackout(_) => {}
            FaultKind::Crash { node, power } => {
                match node {
                    Node::Server => to.text("node", SERVER),
                    Node::Client(client) => to.text("node", client),
                }
                if *power {
                    to.raw("power", true);
                }
            }
            FaultKind::Rebind { client, addr } => {
                to.text("node", client);
                if *addr {
                    to.raw("addr", true);
                }
            }
            FaultKind::Packets { damage, packets, .. } => {
                to.raw("packets", print_packets(packets));
                if let PacketFault::Delay(by) | PacketFault::Duplicate(by) = damage {
                    to.span_above_zero("by", *by);
                }
            }
            FaultKind::Inject { what, count, .. } => {
                match what {
                    Inject::Bytes(bytes) => {
                        to.text("hex", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
                    }
                    Inject::Random(bytes) => to.text("random", super::values::print_size(u64::from(*bytes))),
                    Inject::Replay(packets) => to.raw("replay", print_packets(packets)),
                }
                if count.get() > 1 {
                    to.raw("count", count);
                }
            }
        }
    }
}

fn print_packets(packets: &[PacketRef]) -> String {
    array(packets.iter().map(|packet| match packet {
        PacketRef::Ordinal(ordinal) => ordinal.to_string(),
        PacketRef::Identity(identity) => quoted(&identity.to_string()),
    }))
}
