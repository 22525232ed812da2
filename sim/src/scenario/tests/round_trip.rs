//! What is written is read as the same; and no text, however wrong, does worse than be refused.

use core::num::{NonZeroU32, NonZeroU64};
use std::collections::BTreeMap;

use backchat_core::chat::{FileName, Reconnect};
use backchat_core::wire::{CongestionChoice, Kind, Recovery};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::link::{
    BitsPerSecond, BottleneckPlan, Chance, Codel, Identity, Inject, Late, Loss, PacketRef, Policer,
    QueueLimit, Rate, RateStep, RateSteps, Runs,
};

/// Below the duration of the generated scenarios.
const WITHIN_MILLIS: u64 = 50_000;

fn span() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..WITHIN_MILLIS).prop_map(Duration::from_millis),
        (0..WITHIN_MILLIS * 1_000_000).prop_map(Duration::from_nanos)
    ]
}

fn positive_span() -> impl Strategy<Value = Duration> {
    (1..WITHIN_MILLIS * 1_000_000).prop_map(Duration::from_nanos)
}

fn chance() -> impl Strategy<Value = Chance> {
    prop_oneof![0..=1u64 << 32, Just(0), Just(1 << 32)].prop_map(|parts| Chance::from_parts(parts).unwrap())
}

fn burst() -> impl Strategy<Value = Option<NonZeroU32>> {
    option::of((1u32..=1_000_000).prop_map(|most| NonZeroU32::new(most).unwrap()))
}

fn runs() -> impl Strategy<Value = Runs> {
    (chance(), burst()).prop_map(|(chance, max_burst)| Runs { chance, max_burst })
}

fn loss() -> impl Strategy<Value = Loss> {
    let leave = (1..=1u64 << 32).prop_map(|parts| Chance::from_parts(parts).unwrap());
    prop_oneof![
        runs().prop_map(Loss::Runs),
        (chance(), leave, burst()).prop_map(|(enter, leave, max_burst)| Loss::GilbertElliott {
            enter,
            leave,
            max_burst
        })
    ]
}

fn late(by: impl Strategy<Value = Duration>) -> impl Strategy<Value = Late> {
    (chance(), by).prop_map(|(chance, by)| Late { chance, by })
}

fn link_table() -> impl Strategy<Value = LinkTable> {
    // A queue only with a rate, or the whole would be refused.
    let queue = prop_oneof![
        (0u32..=1_000_000).prop_map(QueueLimit::Packets),
        (0u64..=1 << 30).prop_map(QueueLimit::Bytes)
    ];
    let rate = (rate(), option::of(queue));
    let policer = (bits(), 0u64..=1 << 30).prop_map(|(rate, burst)| Policer { rate, burst });
    (
        (option::of(span()), option::of(span()), option::of(rate), option::of(68u32..=65_535)),
        (option::of(loss()), option::of(runs()), option::of(runs())),
        (option::of(late(span())), option::of(late(positive_span()))),
        (option::of(policer), option::of(positive_span())),
        (option::of(codel()), option::of(bottleneck_name())),
    )
        .prop_map(|(first, second, (duplicate, reorder), (policer, aggregate), (codel, through))| {
            let ((delay, jitter, rate, mtu), (loss, corrupt, truncate)) = (first, second);
            LinkTable {
                delay,
                jitter,
                policer,
                codel: codel.filter(|_| rate.is_some()),
                through,
                queue: rate.as_ref().and_then(|(_, queue)| *queue),
                rate: rate.map(|(rate, _)| rate),
                mtu,
                loss,
                corrupt,
                truncate,
                duplicate,
                reorder,
                aggregate,
            }
        })
}

fn codel() -> impl Strategy<Value = Codel> {
    (positive_span(), positive_span(), any::<bool>()).prop_map(|(target, interval, ecn)| Codel {
        target,
        interval,
        ecn,
    })
}

/// The bottlenecks that every generated scenario has.
fn bottleneck_name() -> impl Strategy<Value = BottleneckName> {
    select(vec!["wan", "air"]).prop_map(|name| BottleneckName::parse(name).unwrap())
}

fn bottlenecks() -> impl Strategy<Value = BTreeMap<BottleneckName, BottleneckPlan>> {
    let plan = || {
        let queue = prop_oneof![
            (0u32..=1_000_000).prop_map(QueueLimit::Packets),
            (0u64..=1 << 30).prop_map(QueueLimit::Bytes)
        ];
        (rate(), queue, option::of(codel())).prop_map(|(rate, queue, codel)| BottleneckPlan {
            rate,
            queue,
            codel,
        })
    };
    (plan(), plan()).prop_map(|(one, two)| {
        let name = |name| BottleneckName::parse(name).unwrap();
        [(name("wan"), one), (name("air"), two)].into_iter().collect()
    })
}

fn bits() -> impl Strategy<Value = BitsPerSecond> {
    (1u64..=1_000_000_000_000).prop_map(|bits| NonZeroU64::new(bits).unwrap())
}

/// A rate, constant or in steps.
fn rate() -> impl Strategy<Value = Rate> {
    let steps = (vec((1u64..60_000, bits()), 1..6), option::of(1u64..60_000)).prop_map(|(list, more)| {
        let mut at = Duration::ZERO;
        let mut steps = Vec::new();
        for (length, rate) in list {
            steps.push(RateStep { at, rate });
            at += Duration::from_millis(length);
        }
        let every = more.map(|more| at + Duration::from_millis(more));
        Rate::Steps(RateSteps::new(&steps, every).unwrap())
    });
    prop_oneof![bits().prop_map(Rate::Constant), steps]
}

fn nick(name: &str) -> Nickname {
    Nickname::parse(name).unwrap()
}

/// The clients that every generated scenario has.
fn who() -> impl Strategy<Value = Nickname> {
    select(vec!["alice", "bob", "load", "load-2"]).prop_map(nick)
}

fn link_name() -> impl Strategy<Value = LinkName> {
    let direction = option::of(select(Direction::BOTH.to_vec()));
    (who(), direction).prop_map(|(client, direction)| LinkName { client, direction })
}

fn file_name() -> impl Strategy<Value = FileName> {
    let odd =
        "[a-z\"' \u{202e}ü#=\\]]{1,12}".prop_filter_map("a file's name", |name| FileName::parse(&name).ok());
    prop_oneof![Just(FileName::parse("book.bin").unwrap()), odd]
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        file_name().prop_map(Action::Get),
        any::<String>().prop_map(Action::Say),
        any::<String>().prop_map(|text| Action::Tell { to: nick("bob"), text }),
        select(vec![Action::Names, Action::Files, Action::Leave, Action::Join]),
        option::of(file_name()).prop_map(Action::Pause),
        option::of(file_name()).prop_map(Action::Resume),
        option::of(file_name()).prop_map(Action::Stop),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let repeat = prop_oneof![
        Just(Repeat::Once),
        (1u32..20, 1u64..500).prop_map(|(times, every)| Repeat::Every(times, Duration::from_millis(every))),
        (1u32..100).prop_map(Repeat::AfterDone)
    ];
    (span(), who(), action(), repeat).prop_map(|(at, who, action, repeat)| Step { at, who, action, repeat })
}

fn packets() -> impl Strategy<Value = Vec<PacketRef>> {
    let identity = (option::of(1u32..), option::of(any::<u64>()), 1u32..).prop_map(|(download, at, nth)| {
        let kind = if at.is_some() { Kind::Data } else { Kind::SynAck };
        PacketRef::Identity(Identity { download, kind, at, nth })
    });
    vec(prop_oneof![(1..=i64::MAX as u64).prop_map(PacketRef::Ordinal), identity], 1..5)
}

fn fault() -> impl Strategy<Value = Fault> {
    let damage = prop_oneof![
        select(vec![PacketFault::Drop, PacketFault::Corrupt, PacketFault::Truncate]),
        span().prop_map(PacketFault::Duplicate),
        positive_span().prop_map(PacketFault::Delay)
    ];
    let node = prop_oneof![Just(Node::Server), who().prop_map(Node::Client)];
    let inject = prop_oneof![
        vec(any::<u8>(), 0..20).prop_map(Inject::Bytes),
        (1u32..=65_507).prop_map(Inject::Random),
        packets().prop_map(Inject::Replay)
    ];
    let count = (1..=MAX_INJECTED).prop_map(|count| NonZeroU32::new(count).unwrap());
    let kind = prop_oneof![
        link_name().prop_map(FaultKind::Blackout),
        (node, any::<bool>()).prop_map(|(node, power)| FaultKind::Crash { node, power }),
        (who(), any::<bool>()).prop_map(|(client, addr)| FaultKind::Rebind { client, addr }),
        (link_name(), damage, packets()).prop_map(|(link, damage, packets)| FaultKind::Packets {
            link,
            damage,
            packets
        }),
        (link_name(), inject, count).prop_map(|(link, what, count)| FaultKind::Inject { link, what, count }),
    ];
    (span(), option::of((1u64..1000, option::of(1u64..1000))), kind).prop_map(|(at, times, kind)| {
        let is_moment = matches!(kind, FaultKind::Rebind { .. } | FaultKind::Inject { .. });
        let lasts = times.map(|(lasts, _)| Duration::from_millis(lasts));
        let every = times.and_then(|(lasts, more)| Some(Duration::from_millis(lasts + more?)));
        Fault { at, lasts: lasts.filter(|_| !is_moment), every, kind }
    })
}

fn transfer() -> impl Strategy<Value = Transfer> {
    let congestion = prop_oneof![
        select(vec![
            CongestionChoice::Classic,
            CongestionChoice::NewReno,
            CongestionChoice::Cubic,
            CongestionChoice::Bbr
        ]),
        (1u16..).prop_map(CongestionChoice::Fixed)
    ];
    let recovery = select(vec![Recovery::GoBackN, Recovery::Selective]);
    let socket = (option::of(2304u64..1 << 30), any::<bool>());
    (recovery, congestion, 64u16..65_000, socket, option::of(8u64..1_000_000_000)).prop_map(
        |(recovery, congestion, segment, (receive_buffer, offload), limit_rate)| Transfer {
            recovery,
            congestion,
            segment,
            receive_buffer,
            limit_rate,
            offload,
        },
    )
}

fn server() -> impl Strategy<Value = Server> {
    let files = btree_map(file_name(), 0..=MAX_FILE_BYTES, 0..4);
    (files, 1u32..1_000_000, 1u64..86_400_000, 1u32..1000).prop_map(|(files, burst, ticket, parked)| {
        let mut server = Server {
            files: files.into_iter().map(|(name, size)| SharedFile { name, size }).collect(),
            ..Server::default()
        };
        server.limits.burst = burst;
        server.limits.parked_for = Duration::from_millis(u64::from(parked));
        server.transfer.ticket_ms = ticket;
        server
    })
}

fn file() -> impl Strategy<Value = File> {
    let member = (any::<bool>(), option::of(any::<u32>()))
        .prop_map(|(resume, history)| Role::Member { resume, history });
    let reconnect = option::of(prop_oneof![
        select(vec![Reconnect::Never, Reconnect::Always]),
        positive_span().prop_map(Reconnect::For)
    ]);
    let clients = (span(), 2u32..5, option::of(positive_span()), member, reconnect).prop_map(
        |(start, count, nat, role, reconnect)| {
            [
                (nick("alice"), Clients::default()),
                (nick("bob"), Clients { start, role, ..Clients::default() }),
                (nick("guest"), Clients { role: Role::Visitor, reconnect, ..Clients::default() }),
                (nick("load"), Clients { count: Some(count), start, nat, role, reconnect }),
            ]
        },
    );
    (
        (
            any::<String>(),
            option::of((50_001u64..60_000).prop_map(Duration::from_millis)),
            server(),
            clients,
            transfer(),
        ),
        (
            (link_table(), btree_map(link_name(), link_table(), 0..4), bottlenecks()),
            vec(step(), 0..6),
            vec(fault(), 0..6),
        ),
        (option::of(any::<u64>()), option::of(positive_span()), option::of(select(Failure::ALL.to_vec()))),
    )
        .prop_map(|((about, heal, server, clients, transfer), (links, steps, faults), expect)| {
            let (default, named, bottlenecks) = links;
            let (resent_at_most, within, failed) = expect;
            // TOML's integers end there.
            let resent_at_most = resent_at_most.map(|most| most >> 1);
            let got = steps.iter().find_map(|step| match &step.action {
                Action::Get(file) => Some((step.who.clone(), file.clone())),
                _ => None,
            });
            let download = got.map(|(client, file)| Download {
                client,
                file,
                within,
                not_within: within.and_then(|most| (most.as_nanos() > 1).then(|| most / 2)),
                failed,
                count: Some(1),
                resent_at_most,
            });
            let said = steps.iter().find_map(|step| match &step.action {
                Action::Say(text) | Action::Tell { text, .. } => Some((step.who.clone(), text.clone())),
                _ => None,
            });
            let refused = steps.iter().find_map(|step| match &step.action {
                Action::Tell { .. } => Some((step.who.clone(), Request::Tell)),
                _ => None,
            });
            let times = match (within, failed) {
                (None, _) => Times::Each,
                (Some(_), None) => Times::AtLeast(2),
                (Some(_), Some(_)) => Times::Never,
            };
            let message = said.map(|(from, text)| Message {
                client: nick("load"),
                from: resent_at_most.map(|_| from),
                text: Some(text),
                private: resent_at_most.map(|most| most % 2 == 0),
                times,
            });
            let code = resent_at_most.map(|_| {
                if resent_at_most == Some(0) {
                    Reason::NotTaken
                } else {
                    Reason::Server(backchat_core::chat::ErrorCode::NoSuchNick)
                }
            });
            let refusal = refused.map(|(client, what)| Refusal { client, what, code, times });
            File {
                about,
                duration: Duration::from_secs(60),
                heal,
                server,
                clients: clients.into_iter().collect(),
                transfer,
                links: Links { default, named, bottlenecks },
                steps,
                faults,
                expect: Expect {
                    downloads: download.into_iter().collect(),
                    resent_at_most,
                    messages: message.into_iter().collect(),
                    refusals: refusal.into_iter().collect(),
                    refused_at_most: resent_at_most,
                },
            }
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_as_the_same(file in file()) {
        let text = file.to_toml();
        let scenario = Scenario::from_file(&file).map_err(|error| TestCaseError::fail(format!("{error}\n{text}")))?;
        prop_assert_eq!(scenario.file(), &file, "{}", text);
        prop_assert_eq!(parsed(&text), scenario);
    }

    #[test]
    fn any_text_is_a_scenario_or_an_error(text: String, bytes: Vec<u8>) {
        let _ = Scenario::parse(&text);
        let _ = Scenario::parse(&format!("duration = \"1s\"\n{text}"));
        let _ = Scenario::parse_bytes(&bytes);
    }

    #[test]
    fn any_mutation_of_a_scenario_is_one_or_an_error(
        file in file(),
        at in any::<prop::sample::Index>(),
        end in any::<prop::sample::Index>(),
        put in prop_oneof![
            any::<String>(),
            select(vec!["\"", "[", "]", "{", "=", "\n", "-", "1e999", "99999999999999999999", "nan", "true", "[[steps]]\n"])
                .prop_map(str::to_owned),
        ],
    ) {
        let text = if at.index(2) == 0 { EXAMPLE.to_owned() } else { file.to_toml() };
        let mut characters: Vec<char> = text.chars().collect();
        let (at, end) = (at.index(characters.len() + 1), end.index(12));
        let end = (at + end).min(characters.len());
        characters.splice(at..end, put.chars());
        let mutated: String = characters.into_iter().collect();
        match Scenario::parse(&mutated) {
            Ok(scenario) => prop_assert_eq!(parsed(&scenario.file().to_toml()), scenario),
            Err(error) => {
                prop_assert!(error.place.line <= mutated.split('\n').count() && error.place.column > 0);
                prop_assert!(error.to_string().contains("; expected "), "{}", error);
                prop_assert!(!error.to_string().contains('\n'), "{}", error);
            }
        }
    }
}
