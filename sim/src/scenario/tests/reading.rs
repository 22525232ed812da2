//! What a scenario is read as, and what is run.

use core::num::{NonZeroU32, NonZeroU64};

use backchat_core::chat::{FileName, Limits, Reconnect};
use backchat_core::wire::CongestionChoice;

use super::*;
use crate::link::{
    self, BottleneckPlan, Codel, Loss, Order, PacketRef, Policer, QueueLimit, Rate, RateStep, RateSteps, Runs,
};

fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

fn span(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn megabits(rate: u64) -> Option<Rate> {
    NonZeroU64::new(rate * 1_000_000).map(Rate::Constant)
}

/// The profile from `a` to the server, of a default link with this line.
fn profile(line: &str) -> link::Profile {
    let text = format!("duration = \"1s\"\n[clients.a]\n[links.default]\n{line}");
    parsed(&text).clients()[0].up.profile.clone()
}

#[test]
fn a_rate_is_one_or_a_list_or_a_list_that_comes_again() {
    let list = "[{ at = \"0s\", rate = \"10Mbit/s\" }, { at = \"5s\", rate = \"1Mbit/s\" }]";
    let steps = [(0, 10), (5_000, 1)].map(|(millis, rate)| RateStep {
        at: span(millis),
        rate: NonZeroU64::new(rate * 1_000_000).unwrap(),
    });
    let read = |every| Some(Rate::Steps(RateSteps::new(&steps, every).unwrap()));
    assert_eq!(profile(&format!("rate = {list}")).rate, read(None));
    let again = format!("rate = {{ steps = {list}, every = \"8s\" }}");
    assert_eq!(profile(&again).rate, read(Some(span(8_000))));
    assert_eq!(profile("rate = \"10Mbit/s\"").rate, megabits(10));
}

#[test]
fn a_shared_bottleneck_lies_behind_the_clients_own_line_upward_and_before_it_downward() {
    let text = "duration = \"1s\"\n[clients.a]\n[clients.b]\n[bottlenecks.air]\nrate = \"1Mbit/s\"\n\
                [bottlenecks.wan]\nrate = \"10Mbit/s\"\nqueue = \"50pkt\"\ncodel = {}\n\
                [links.default]\nthrough = \"wan\"\n[links.\"server->b\"]\nthrough = \"air\"";
    let scenario = parsed(text);
    let wan = BottleneckPlan {
        rate: megabits(10).unwrap(),
        queue: QueueLimit::Packets(50),
        codel: Some(Codel::default()),
    };
    assert_eq!(scenario.bottlenecks()[1], wan);
    let through = |plan: &Plan| plan.profile.through.map(|it| (it.bottleneck, it.order));
    let [a, b] = scenario.clients() else { panic!("{:?}", scenario.clients()) };
    assert_eq!([&a.up, &a.down].map(through), [Some((1, Order::BehindOwn)), Some((1, Order::BeforeOwn))]);
    assert_eq!([&b.up, &b.down].map(through), [Some((1, Order::BehindOwn)), Some((0, Order::BeforeOwn))]);
}

#[test]
fn a_managed_queue_has_the_values_of_its_rfc_where_nothing_is_said() {
    let read = |codel: &str| profile(&format!("rate = \"1Mbit/s\"\ncodel = {codel}")).codel;
    assert_eq!(read("{}"), Some(Codel { target: span(5), interval: span(100), ecn: false }));
    let all = "{ target = \"1ms\", interval = \"20ms\", ecn = true }";
    assert_eq!(read(all), Some(Codel { target: span(1), interval: span(20), ecn: true }));
}

#[test]
fn each_of_a_group_is_behind_a_translator_that_forgets() {
    let scenario = parsed("duration = \"1s\"\n[clients.load]\ncount = 2\nnat = \"30s\"\n[clients.a]");
    let nats: Vec<_> = scenario.clients().iter().map(|client| client.nat).collect();
    assert_eq!(nats, [None, Some(span(30_000)), Some(span(30_000))]);
}

#[test]
fn clients_take_part_as_it_is_written() {
    let scenario = parsed(
        "duration = \"1s\"\n[clients.a]\n[clients.b]\nresume = false\nhistory = 3\nreconnect = \"never\"\n\
         [clients.c]\nvisitor = true\ncount = 2\nreconnect = \"30s\"\n[clients.d]\nreconnect = \"always\"",
    );
    let read: Vec<_> = scenario.clients().iter().map(|client| (client.role, client.reconnect)).collect();
    let forgetful = Role::Member { resume: false, history: Some(3) };
    let visitor = (Role::Visitor, Some(Reconnect::For(span(30_000))));
    let always = (Role::default(), Some(Reconnect::Always));
    assert_eq!(
        read,
        [(Role::default(), None), (forgetful, Some(Reconnect::Never)), visitor, visitor, always]
    );
}

#[test]
fn a_policer_and_batches_are_as_they_are_written() {
    let read = profile("policer = { rate = \"2Mbit/s\", burst = \"16KiB\" }\naggregate = \"5ms\"");
    let policer = Policer { rate: NonZeroU64::new(2_000_000).unwrap(), burst: 16 << 10 };
    assert_eq!((read.policer, read.aggregate), (Some(policer), span(5)));
}

#[test]
fn the_example_of_the_contract_is_what_it_says() {
    let scenario = parsed(EXAMPLE);
    assert!(scenario.about().starts_with("A 300 ms blackout"));
    assert_eq!((scenario.end(), scenario.heal()), (ms(60_000), None));
    let file = scenario.file();
    let book = FileName::parse("book.bin").unwrap();
    assert_eq!(file.server.files, [SharedFile { name: book.clone(), size: 512 << 10 }]);
    assert_eq!(file.transfer, Transfer::default());
    let [alice, bob] = scenario.clients() else { panic!("{:?}", scenario.clients()) };
    assert_eq!((alice.nick.as_str(), alice.start), ("alice", ms(0)));
    assert_eq!((bob.nick.as_str(), bob.start), ("bob", ms(20)));
    let both = &alice.up.profile;
    assert_eq!((both.delay, both.rate.clone()), (span(15), megabits(10)));
    assert_eq!((both.queue, both.mtu), (QueueLimit::Packets(25), 1500));
    assert_eq!(both.loss, Loss::Runs(Runs { chance: "0.002".parse().unwrap(), max_burst: None }));
    assert_eq!(alice.down.profile, link::Profile { delay: span(40), ..both.clone() });
    assert_eq!((&bob.up.profile, &bob.down.profile), (both, both));
    let blackout =
        link::Fault { schedule: Schedule::once(ms(400), span(300)), kind: link::FaultKind::Blackout };
    assert_eq!((&alice.up.faults[..], &alice.down.faults[..]), (&[blackout.clone()][..], &[blackout][..]));
    assert!(bob.up.faults.is_empty());
    let get = ClientStep { at: ms(100), client: ClientId(0), action: Arc::new(Action::Get(book)), times: 1 };
    let say = Arc::new(Action::Say("hello".into()));
    assert_eq!(
        scenario.steps(),
        [get, ClientStep { at: ms(150), client: ClientId(1), action: say, times: 1 }]
    );
    assert_eq!(file.expect.downloads[0].within, Some(span(9000)));
}

#[test]
fn left_out_is_the_default() {
    let scenario = parsed("duration = \"1s\"\n[clients.a]");
    assert_eq!(scenario.clients()[0].up, Plan::default());
    assert_eq!(scenario.file().server.limits, Limits::default());
    assert_eq!(scenario.file().transfer.congestion, CongestionChoice::Classic);
    let rate = parsed("duration = \"1s\"\n[clients.a]\n[links.default]\nrate = \"1Mbit/s\"");
    assert_eq!(rate.clients()[0].up.profile.queue, QueueLimit::Packets(25));
}

#[test]
fn the_more_specific_table_wins_key_by_key() {
    let scenario = parsed(
        "duration = \"1s\"\n[clients.a]\n[clients.load]\ncount = 2\n\
         [links.default]\ndelay = \"1ms\"\njitter = \"1ms\"\n\
         [links.\"load<->server\"]\ndelay = \"2ms\"\n\
         [links.\"load->server\"]\ndelay = \"3ms\"\n\
         [links.\"load-2<->server\"]\ndelay = \"4ms\"\n\
         [links.\"server->load-2\"]\ndelay = \"5ms\"\n",
    );
    let delays: Vec<_> = scenario
        .clients()
        .iter()
        .map(|client| (client.nick.as_str(), client.up.profile.delay, client.down.profile.delay))
        .collect();
    assert_eq!(delays, [("a", span(1), span(1)), ("load-1", span(3), span(2)), ("load-2", span(4), span(5))]);
    assert!(scenario.clients().iter().all(|client| client.up.profile.jitter == span(1)));
}

#[test]
fn groups_and_repeated_steps_are_spelt_out_in_the_order_of_time() {
    let scenario = parsed(
        "duration = \"60s\"\n[clients.load]\ncount = 12\nstart = \"5ms\"\n[clients.zoe]\n\
         [[steps]]\nat = \"2s\"\nwho = \"load\"\ndo = \"names\"\n\
         [[steps]]\nwho = \"zoe\"\ndo = \"say\"\ntext = \"x\"\ntimes = 3\nevery = \"2s\"\n\
         [[steps]]\nwho = \"load-11\"\ndo = \"files\"\ntimes = 50\nafter = \"done\"\n",
    );
    let nicks: Vec<_> = scenario.clients().iter().map(|client| client.nick.as_str()).collect();
    assert_eq!(nicks[..3], ["load-1", "load-2", "load-3"]);
    assert_eq!(nicks[9..], ["load-10", "load-11", "load-12", "zoe"]);
    assert!(scenario.clients()[..12].iter().all(|client| client.start == ms(5)));
    let steps: Vec<_> = scenario
        .steps()
        .iter()
        .map(|step| (step.at.as_nanos() / 1_000_000, step.client.0, step.action.kind().name(), step.times))
        .collect();
    assert_eq!(steps[..2], [(0, 12, "say", 1), (0, 10, "files", 50)]);
    assert_eq!(steps[2], (2000, 0, "names", 1));
    assert_eq!(steps[13], (2000, 11, "names", 1));
    assert_eq!(steps[14..], [(2000, 12, "say", 1), (4000, 12, "say", 1)]);
    assert_eq!(scenario.members(&Nickname::parse("load").unwrap()), 0..12);
}

#[test]
fn every_form_of_a_chance_is_read() {
    let scenario = parsed(
        "duration = \"1s\"\n[clients.a]\n[links.default]\nloss = { enter = 0.01, leave = 0.3, max_burst = 5 }\n\
         corrupt = { probability = 0.3, max_burst = 3 }\ntruncate = 1\nduplicate = 0.5\n\
         reorder = { probability = 0.05, by = \"10ms\" }\n\
         [links.\"a->server\"]\nduplicate = { probability = 0.5, by = \"20ms\" }\nloss = { probability = 0.3, max_burst = 3 }\n",
    );
    let chance = |text: &str| text.parse().unwrap();
    let (up, down) = (&scenario.clients()[0].up.profile, &scenario.clients()[0].down.profile);
    let max_burst = NonZeroU32::new(3);
    let third = Runs { chance: chance("0.3"), max_burst };
    let bad =
        Loss::GilbertElliott { enter: chance("0.01"), leave: chance("0.3"), max_burst: NonZeroU32::new(5) };
    assert_eq!((down.loss, up.loss), (bad, Loss::Runs(third)));
    assert_eq!((down.corrupt, down.truncate.chance), (third, link::Chance::ALWAYS));
    assert_eq!((down.duplicate.by, up.duplicate.by), (Duration::ZERO, span(20)));
    assert_eq!(down.reorder, link::Late { chance: chance("0.05"), by: span(10) });
}

#[test]
fn every_kind_of_fault_is_read() {
    let scenario = parsed(
        "duration = \"60s\"\nheal = \"30s\"\n[clients.a]\n\
         [[faults]]\nat = \"5s\"\nfor = \"2s\"\nevery = \"7s\"\nkind = \"blackout\"\nlink = \"a<->server\"\n\
         [[faults]]\nat = \"1s\"\nfor = \"500ms\"\nkind = \"crash\"\nnode = \"server\"\npower = true\n\
         [[faults]]\nat = \"1s\"\nkind = \"crash\"\nnode = \"a\"\n\
         [[faults]]\nat = \"1s\"\nevery = \"5s\"\nkind = \"rebind\"\nnode = \"a\"\naddr = true\n\
         [[faults]]\nkind = \"drop\"\nlink = \"server->a\"\npackets = [1, 3, 15]\n\
         [[faults]]\nkind = \"duplicate\"\nlink = \"server->a\"\npackets = [\"data@12000#2\"]\n\
         [[faults]]\nkind = \"duplicate\"\nlink = \"server->a\"\npackets = [2]\nby = \"20ms\"\n\
         [[faults]]\nkind = \"corrupt\"\nlink = \"server->a\"\npackets = [2]\n\
         [[faults]]\nkind = \"truncate\"\nlink = \"server->a\"\npackets = [2]\n\
         [[faults]]\nkind = \"delay\"\nlink = \"server->a\"\npackets = [2]\nby = \"30ms\"\n\
         [[faults]]\nkind = \"inject\"\nlink = \"a->server\"\nhex = \"01ff 00\"\n\
         [[faults]]\nkind = \"inject\"\nlink = \"a->server\"\nrandom = \"64B\"\ncount = 9\n\
         [[faults]]\nkind = \"inject\"\nlink = \"a->server\"\nreplay = [3]\n",
    );
    let a = &scenario.clients()[0];
    let names: Vec<_> = a.down.faults.iter().map(|fault| &fault.kind).collect();
    use link::FaultKind::{Blackout, Corrupt, Delay, Drop, Duplicate, Inject, Truncate};
    let two = vec![PacketRef::Ordinal(2)];
    let again = vec![PacketRef::Identity("data@12000#2".parse().unwrap())];
    let expected = [
        Drop([1, 3, 15].map(PacketRef::Ordinal).to_vec()),
        Duplicate(again, Duration::ZERO),
        Duplicate(two.clone(), span(20)),
        Corrupt(two.clone()),
        Truncate(two.clone()),
        Delay(two, span(30)),
        Blackout,
    ];
    assert_eq!(names, expected.iter().collect::<Vec<_>>());
    let one = NonZeroU32::MIN;
    assert_eq!(a.up.faults[0].kind, Inject(link::Inject::Bytes(vec![1, 255, 0]), one));
    assert_eq!(a.up.faults[1].kind, Inject(link::Inject::Random(64), NonZeroU32::new(9).unwrap()));
    assert_eq!(a.up.faults[2].kind, Inject(link::Inject::Replay(vec![PacketRef::Ordinal(3)]), one));
    assert_eq!(a.up.heal, Some(ms(30_000)));
    let nodes: Vec<_> = scenario.node_faults().iter().map(|fault| fault.kind).collect();
    assert_eq!(
        nodes,
        [
            NodeFaultKind::Crash { node: None, power: true },
            NodeFaultKind::Crash { node: Some(ClientId(0)), power: false },
            NodeFaultKind::Rebind { client: ClientId(0), addr: true },
        ]
    );
    assert_eq!(scenario.node_faults()[2].schedule.start(2), Some(ms(11_000)));
}

#[test]
fn a_file_nobody_shares_can_be_asked_for_and_the_failure_expected() {
    let scenario = parsed(
        "duration = \"9s\"\n[clients.a]\n[[steps]]\nwho = \"a\"\ndo = \"get\"\nfile = \"missing\"\n[expect]\n\
         resent_at_most = 0\ndownloads = [{ client = \"a\", file = \"missing\", failed = \"not-found\" }]",
    );
    let expect = &scenario.file().expect;
    assert_eq!((expect.downloads[0].failed, expect.resent_at_most), (Some(Failure::NotFound), Some(0)));
}

#[test]
fn limits_are_the_servers_own() {
    let scenario = parsed(
        "duration = \"9s\"\n[server.limits]\nburst = 9\njoin_timeout = \"1500ms\"\ntext_bytes = \"1KiB\"\nticket = \"3s\"",
    );
    let server = &scenario.file().server;
    assert_eq!(
        (server.limits.burst, server.limits.join_timeout, server.limits.text_bytes),
        (9, span(1500), 1024)
    );
    assert_eq!(server.transfer.ticket_ms, 3000);
}
