//! Every kind of malformed scenario: its line, its column, what was found and what was expected.

use super::*;

/// What stands before the lines under test; they begin at line 8.
const BASE: &str = "duration = \"60s\"
[server]
files = [{ name = \"book.bin\", size = \"512KiB\" }]
[clients.alice]
[clients.bob]
[clients.load]
count = 3
";

/// Lines appended to [`BASE`], and the error.
const APPENDED: &[(&str, &str)] = &[
    // Syntax.
    ("[links.default", "8:15: unclosed table; expected `]`"),
    ("[server]", "8:2: duplicate key; expected each key once"),
    ("[transfer]\nsegment = 1200\nsegment = 1300", "10:1: duplicate key; expected each key once"),
    ("[transfer]\nsegment = ", "9:11: string values must be quoted; expected literal string"),
    // Keys.
    (
        "[link.default]",
        "8:2: unknown key 'link'; expected about, duration, heal, server, clients, transfer, bottlenecks, links, steps, faults or \
         expect; did you mean 'links'?",
    ),
    (
        "[links.default]\ndealy = \"5ms\"",
        "9:1: unknown key 'dealy'; expected delay, jitter, policer, rate, queue, codel, through, mtu, loss, corrupt, truncate, duplicate, \
         reorder or aggregate; did you mean 'delay'?",
    ),
    (
        "[clients.carol]\nstrat = \"5ms\"",
        "9:1: unknown key 'strat'; expected count, start, nat, resume, visitor, history or reconnect; did you mean 'start'?",
    ),
    (
        "[links.default]\nloss = { chance = 0.1 }",
        "9:10: unknown key 'chance'; expected probability, enter, leave or max_burst",
    ),
    (
        "[transfer]\nrecieve_buffer = \"64KiB\"",
        "9:1: unknown key 'recieve_buffer'; expected recovery, congestion, segment, receive_buffer, \
         limit_rate or offload; did you mean 'receive_buffer'?",
    ),
    // Types.
    (
        "[links.default]\ndelay = 15",
        "9:9: delay is an integer; expected a duration as a string, such as \"15ms\"",
    ),
    (
        "[links.default]\nrate = 10.5",
        "9:8: rate is a float; expected a rate as a string, such as \"10Mbit/s\"",
    ),
    (
        "[links.default]\nloss = \"2%\"",
        "9:8: loss is a string; expected a chance, { probability, max_burst } or { enter, leave, max_burst }",
    ),
    ("[links]\ndefault = 5", "9:11: default is an integer; expected a table: [links.default]"),
    (
        "[links.default]\nreorder = 0.1",
        "9:11: reorder is a float; expected a table: { probability = 0.05, by = \"10ms\" }",
    ),
    (
        "steps = 5",
        "8:1: unknown key 'steps'; expected count, start, nat, resume, visitor, history or reconnect",
    ),
    ("[[steps]]\nwho = [\"alice\"]\ndo = \"files\"", "9:7: who is an array; expected a client or a group"),
    (
        "[[faults]]\nkind = \"crash\"\nnode = \"alice\"\npower = 1",
        "11:9: power is an integer; expected true or false",
    ),
    // Durations, sizes, rates, queues.
    ("[links.default]\ndelay = \"-5ms\"", "9:9: delay is \"-5ms\"; expected a duration that is not negative"),
    (
        "[links.default]\ndelay = \"5\"",
        "9:9: delay is \"5\"; expected a unit: \"5s\" for seconds, \"5ms\" for milliseconds",
    ),
    ("[links.default]\ndelay = \"2days\"", "9:9: delay is \"2days\"; expected at most 86400s"),
    (
        "[links.default]\nrate = \"10Mb/s\"",
        "9:8: rate is \"10Mb/s\"; expected Mbit or MB: 'Mb' could be either",
    ),
    ("[links.default]\nrate = \"0bit/s\"", "9:8: rate is \"0bit/s\"; expected 1bit/s to 1000Gbit/s"),
    (
        "[links.default]\nrate = []",
        "9:8: rate is an empty array; expected a first step at \"0s\": the rate with which the run begins",
    ),
    (
        "[links.default]\nrate = [{ at = \"1s\", rate = \"1Mbit/s\" }]",
        "9:16: at is 1s; expected a first step at \"0s\": the rate with which the run begins",
    ),
    (
        "[links.default]\nrate = [{ at = \"0s\", rate = \"1Mbit/s\" }, { at = \"0s\", rate = \"2Mbit/s\" }]",
        "9:49: at is 0s; expected later than 0s, the step before",
    ),
    (
        "[links.default]\nrate = { steps = [{ at = \"0s\", rate = \"1Mbit/s\" }] }",
        "9:8: rate has no 'every'; expected the length of a period, such as \"10s\"",
    ),
    (
        "[links.default.rate]\nevery = \"5s\"\nsteps = [{ at = \"0s\", rate = \"1Mbit/s\" }, { at = \"5s\", rate = \"2Mbit/s\" }]",
        "9:9: every is 5s; expected longer than 5s, when the last step begins",
    ),
    (
        "[links.default]\ncodel = {}",
        "9:9: alice->server has a codel and no rate; expected a rate, or no codel",
    ),
    (
        "[links.default]\nrate = \"1Mbit/s\"\ncodel = true",
        "10:9: codel is a boolean; expected a table: {}, or { target = \"5ms\", interval = \"100ms\", ecn = true }",
    ),
    (
        "[links.default]\nrate = \"1Mbit/s\"\ncodel = { limit = 5 }",
        "10:11: unknown key 'limit'; expected target, interval or ecn",
    ),
    (
        "[links.default]\nthrough = \"wan\"",
        "9:11: through is 'wan', which is not here; expected none: there are none",
    ),
    (
        "[bottlenecks.wan]\nrate = \"1Mbit/s\"\n[links.default]\nthrough = \"van\"",
        "11:11: through is 'van', which is not here; expected wan; did you mean 'wan'?",
    ),
    (
        "[bottlenecks.wan]\nqueue = \"5pkt\"",
        "8:1: [bottlenecks.wan] has no 'rate'; expected a rate, such as \"10Mbit/s\"",
    ),
    (
        "[bottlenecks.wan]\nrate = \"1Mbit/s\"\ndelay = \"5ms\"",
        "10:1: unknown key 'delay'; expected rate, queue or codel",
    ),
    (
        "[bottlenecks.\"w n\"]\nrate = \"1Mbit/s\"",
        "8:14: 'w n' is no name of a bottleneck; expected 1 to 32 letters, digits, '-' and '_'",
    ),
    (
        "[clients.carol]\nvisitor = true\nhistory = 5",
        "10:1: 'history' goes with joining, and a visitor does not; expected no such key",
    ),
    ("[clients.carol]\nresume = \"no\"", "9:10: resume is a string; expected true or false"),
    ("[clients.carol]\nhistory = -1", "9:11: history is -1; expected 0 to 4294967295"),
    (
        "[clients.carol]\nreconnect = true",
        "9:13: reconnect is a boolean; expected \"never\", \"always\" or a duration, such as \"30s\"",
    ),
    (
        "[clients.carol]\nreconnect = \"0s\"",
        "9:13: reconnect is zero; expected \"never\", or a duration above zero",
    ),
    (
        "[clients.carol]\nreconnect = \"sometimes\"",
        "9:13: reconnect is \"sometimes\"; expected never, always or a duration such as \"15ms\" or \"2s\"",
    ),
    (
        "[clients.carol]\nvisitor = true\n[[steps]]\nwho = \"carol\"\ndo = \"say\"\ntext = \"hello\"",
        "12:6: carol is a visitor and does not say; expected one of get, names, files, pause, resume, stop",
    ),
    ("[clients.carol]\nnat = \"0s\"", "9:7: nat is zero; expected a duration above zero"),
    (
        "[links.default]\npolicer = \"1Mbit/s\"",
        "9:11: policer is a string; expected a table: { rate = \"10Mbit/s\", burst = \"64KiB\" }",
    ),
    (
        "[links.default]\npolicer = { rate = \"1Mbit/s\" }",
        "9:11: policer has no 'burst'; expected what it lets through at once, such as \"64KiB\"",
    ),
    ("[links.default]\naggregate = \"0s\"", "9:13: aggregate is zero; expected a duration above zero"),
    (
        "[links.default]\nqueue = \"25pkt\"",
        "9:9: alice->server has a queue and no rate; expected a rate, or no queue",
    ),
    (
        "[links.default]\nrate = \"1Mbit/s\"\nqueue = \"25\"",
        "10:9: queue is \"25\"; expected a unit: \"25pkt\" for packets, \"25B\" for bytes",
    ),
    (
        "[links.default]\nrate = \"1Mbit/s\"\nqueue = \"many\"",
        "10:9: queue is \"many\"; expected packets or a size, such as \"25pkt\" or \"64KiB\"",
    ),
    ("[links.default]\nmtu = 20", "9:7: mtu is 20; expected 68 to 65535"),
    ("[transfer]\nsegment = 70000", "9:11: segment is 70000; expected 64 to 65475"),
    ("[transfer]\noffload = 1", "9:11: offload is an integer; expected true or false"),
    ("[transfer]\nreceive_buffer = \"1KiB\"", "9:18: receive_buffer is \"1KiB\"; expected 2304B to 1GiB"),
    // Chances.
    ("[links.default]\nloss = 1.5", "9:8: loss is 1.5, above 1; expected a chance from 0 to 1"),
    ("[links.default]\nloss = -0.1", "9:8: loss is -0.1, below 0; expected a chance from 0 to 1"),
    ("[links.default]\nloss = nan", "9:8: loss is nan, not a number; expected a chance from 0 to 1"),
    (
        "[links.default]\nloss = { probability = 0.1, enter = 0.1, leave = 0.1 }",
        "9:10: 'probability' does not go with 'enter' and 'leave'; expected a chance, { probability, max_burst } or \
         { enter, leave, max_burst }",
    ),
    (
        "[links.default]\nloss = { enter = 0.1 }",
        "9:8: loss has no 'leave'; expected the chance to leave the bad state",
    ),
    (
        "[links.default]\nloss = { enter = 0.1, leave = 0 }",
        "9:31: leave is 0; expected above 0: a bad state without an end is a blackout",
    ),
    (
        "[links.default]\nloss = { max_burst = 3 }",
        "9:8: loss has no 'probability'; expected a chance from 0 to 1",
    ),
    (
        "[links.default]\ncorrupt = { probability = 0.1, max_burst = 0 }",
        "9:44: max_burst is 0; expected 1 to 1000000",
    ),
    (
        "[links.default]\nreorder = { probability = 0.1 }",
        "9:11: reorder has no 'by'; expected how much later, such as \"10ms\"",
    ),
    // Links.
    (
        "[links.\"server->alcie\"]",
        "8:8: the name is 'server->alcie', which is not here; expected server->alice, server->bob, server->load or \
         default; did you mean 'server->alice'?",
    ),
    (
        "[links.\"alice->bob\"]",
        "8:8: 'alice->bob' is no link; expected default, or a path between a client and the server, such as \
         \"alice<->server\" or \"server->alice\"",
    ),
    (
        "[links.\"alice<->server\"]\n[links.\"server<->alice\"]",
        "9:8: a second table for alice<->server; expected one",
    ),
    // The server and the clients.
    (
        "[server.limits]\nburts = 3",
        "9:1: unknown key 'burts'; expected text_bytes, burst, per_second, connections_per_address, rates_per_address, clients, join_timeout, slow_reader_bytes, slow_reader_timeout, unread_bytes, history, backlog, parked_for, ping_after, downloads_per_session, downloads_per_address, tickets_per_session, lists_per_session, request_burst, requests_per_second, malformed_burst, malformed_per_second, wasted_burst_bytes, wasted_bytes_per_second, downloads, memory, segment, fixed_cap, ticket or silence; did you mean 'burst'?",
    ),
    ("[server.limits]\nper_second = 0", "9:14: per_second is 0; expected 1 to 1000000"),
    ("[server.limits]\njoin_timeout = \"0s\"", "9:16: join_timeout is 0 ms; expected 1 to 86400000 ms"),
    ("[clients.server]", "8:10: a client is called 'server'; expected another name: the server has this one"),
    (
        "[clients.\"a b\"]",
        "8:10: 'a b' is no nickname: nickname has ' '; letters a-z, digits and _ - . [ ] are allowed; expected a \
         nickname",
    ),
    (
        "[clients.Alice]",
        "8:10: 'Alice' would be the same nickname as 'alice'; expected names that differ in more than case",
    ),
    (
        "[clients.load-2]",
        "8:10: the nickname 'load-2' is there twice; expected names that differ in more than case",
    ),
    ("[clients.many]\ncount = 20000", "9:9: count is 20000; expected 1 to 10000"),
    // Steps.
    (
        "[[steps]]\nwho = \"alcie\"\ndo = \"files\"",
        "9:7: who is 'alcie', which is not here; expected alice, bob or load; did you mean 'alice'?",
    ),
    ("[[steps]]\ndo = \"files\"", "8:1: [[steps]] has no 'who'; expected a client or a group"),
    (
        "[[steps]]\nwho = \"bob\"",
        "8:1: [[steps]] has no 'do'; expected one of get, say, tell, names, files, pause, resume, stop, leave, join",
    ),
    (
        "[[steps]]\nwho = \"bob\"\ndo = \"download\"",
        "10:6: do is 'download', which is not here; expected get, say, tell, names, files, pause, resume, stop, \
         leave or join",
    ),
    ("[[steps]]\nwho = \"bob\"\ndo = \"get\"", "8:1: [[steps]] has no 'file'; expected the file to download"),
    (
        "[[steps]]\nwho = \"bob\"\ndo = \"say\"\ntext = \"x\"\nfile = \"book.bin\"",
        "12:1: 'file' does not go with do = \"say\"; expected text",
    ),
    (
        "[[steps]]\nwho = \"bob\"\ndo = \"get\"\nfile = \"../secret\"",
        "11:8: file is \"../secret\"; expected a file's name: the file name has '/' in it; only names within the \
         shared folder can be asked for",
    ),
    (
        "[[steps]]\nat = \"61s\"\nwho = \"bob\"\ndo = \"names\"",
        "9:6: at is 61s, after the end; expected at most 60s, the scenario's duration",
    ),
    (
        "[[steps]]\nwho = \"bob\"\ndo = \"names\"\ntimes = 5",
        "11:9: 'times' alone does not say when; expected 'every' or after = \"done\"",
    ),
    (
        "[[steps]]\nwho = \"bob\"\ndo = \"names\"\nevery = \"2s\"",
        "11:1: 'every' says nothing without 'times'; expected 'times' too",
    ),
    (
        "[[steps]]\nwho = \"bob\"\ndo = \"names\"\ntimes = 5\nevery = \"2s\"\nafter = \"done\"",
        "13:9: 'every' and 'after' together; expected one of them",
    ),
    (
        "[[steps]]\nwho = \"bob\"\ndo = \"names\"\ntimes = 50\nevery = \"2s\"",
        "12:9: every is 2s, so that the last begins at 98s; expected all of them by 60s, the scenario's duration",
    ),
    (
        "[[steps]]\nwho = \"bob\"\ndo = \"tell\"\nto = \"load\"\ntext = \"x\"",
        "11:6: to is the group 'load'; expected one of it, such as load-1",
    ),
    // Faults.
    (
        "[[faults]]\nkind = \"blakout\"",
        "9:8: kind is 'blakout', which is not here; expected blackout, crash, rebind, drop, duplicate, corrupt, \
         truncate, delay or inject; did you mean 'blackout'?",
    ),
    (
        "[[faults]]\nkind = \"blackout\"",
        "8:1: [[faults]] has no 'link'; expected a link, such as \"server->alice\"",
    ),
    (
        "[[faults]]\nkind = \"blackout\"\nlink = \"alice<->server\"\nnode = \"alice\"",
        "11:1: 'node' does not go with kind = \"blackout\"; expected link",
    ),
    (
        "[[faults]]\nkind = \"blackout\"\nlink = \"alice<->carol\"",
        "10:8: link is \"alice<->carol\"; expected a path between a client and the server, such as \
         \"alice<->server\" or \"server->alice\"",
    ),
    (
        "[[faults]]\nkind = \"blackout\"\nlink = \"alice<->server\"\nevery = \"7s\"",
        "11:9: 'every' without 'for': it never ends, so it cannot begin again; expected 'for' too",
    ),
    (
        "[[faults]]\nkind = \"blackout\"\nlink = \"alice<->server\"\nfor = \"7s\"\nevery = \"7s\"",
        "12:9: every is 7s; expected longer than 'for', which is 7s",
    ),
    (
        "[[faults]]\nkind = \"crash\"\nnode = \"srever\"",
        "10:8: node is 'srever', which is not here; expected alice, bob, load or server; did you mean 'server'?",
    ),
    (
        "[[faults]]\nkind = \"rebind\"\nnode = \"server\"",
        "10:8: node is \"server\"; expected a client: the server stays where it is",
    ),
    (
        "[[faults]]\nkind = \"rebind\"\nnode = \"alice\"\nfor = \"1s\"",
        "11:1: 'for' does not go with kind = \"rebind\", which is a moment; expected 'at' and 'every' alone",
    ),
    (
        "[[faults]]\nkind = \"drop\"\nlink = \"server->bob\"\npackets = [0]",
        "11:12: packets[0] is 0; expected 1 to 18446744073709551615",
    ),
    (
        "[[faults]]\nkind = \"drop\"\nlink = \"server->bob\"\npackets = [1, \"date@0\"]",
        "11:15: packets[1] is \"date@0\"; expected an ordinal from 1, or an identity such as \"data@12000#2\": no \
         kind of packet is called 'date'",
    ),
    (
        "[[faults]]\nkind = \"drop\"\nlink = \"server->bob\"\npackets = []",
        "11:11: packets is empty; expected an array of packets, by ordinal or identity: [3, \"data@12000#2\"]",
    ),
    (
        "[[faults]]\nkind = \"delay\"\nlink = \"server->bob\"\npackets = [1]",
        "8:1: [[faults]] has no 'by'; expected how much later, such as \"10ms\"",
    ),
    (
        "[[faults]]\nkind = \"inject\"\nlink = \"server->bob\"",
        "8:1: nothing to inject; expected exactly one of 'hex', 'random' and 'replay'",
    ),
    (
        "[[faults]]\nkind = \"inject\"\nlink = \"server->bob\"\nhex = \"00\"\nrandom = \"4B\"",
        "12:10: two things to inject; expected exactly one of 'hex', 'random' and 'replay'",
    ),
    (
        "[[faults]]\nkind = \"inject\"\nlink = \"server->bob\"\nhex = \"0g\"",
        "11:7: hex is with 'g' in it; expected bytes in hexadecimal, such as \"01ff 00a0\"",
    ),
    (
        "[[faults]]\nkind = \"inject\"\nlink = \"server->bob\"\nrandom = \"64KiB\"",
        "11:10: random is \"64KiB\"; expected 1B to 65507B",
    ),
    // Expectations and the transfer.
    (
        "[expect]\ndownloads = [{ client = \"alice\", file = \"book.bin\" }]",
        "9:41: file is 'book.bin', which no step gets for alice; expected a file of one of its steps",
    ),
    (
        "[[steps]]\nwho = \"load\"\ndo = \"get\"\nfile = \"book.bin\"\n[expect]\ndownloads = [{ client = \"load\", \
         file = \"book.bin\", count = 4 }]",
        "13:60: count is 4; expected at most 3, as often as the steps get it",
    ),
    (
        "[[steps]]\nwho = \"bob\"\ndo = \"get\"\nfile = \"book.bin\"\n[expect]\ndownloads = [{ client = \"bob\", \
         file = \"book.bin\", failed = \"timeout\" }]",
        "13:60: failed is 'timeout', which is not here; expected not-found, refused, lost, timed-out, integrity, \
         local, exists or stopped; did you mean 'timed-out'?",
    ),
    (
        "[expect]\nmessages = [{ client = \"alice\", text = \"helo\" }]",
        "9:40: text is \"helo\"; expected a text that a step says or tells",
    ),
    (
        "[expect]\nmessages = [{ client = \"alcie\" }]",
        "9:24: client is 'alcie', which is not here; expected alice, bob or load; did you mean 'alice'?",
    ),
    (
        "[expect]\nmessages = [{ client = \"alice\", count = 2, never = true }]",
        "9:52: 'never' and a count; expected one of them",
    ),
    (
        "[expect]\nmessages = [{ client = \"alice\", form = \"bob\" }]",
        "9:33: unknown key 'form'; expected client, from, text, private, count or never; did you mean 'from'?",
    ),
    (
        "[expect]\nrefusals = [{ client = \"alice\", do = \"tel\" }]",
        "9:38: do is 'tel', which is not here; expected join, say, tell, names or files; did you mean 'tell'?",
    ),
    (
        "[expect]\nrefusals = [{ client = \"alice\", do = \"tell\" }]",
        "9:38: do is 'tell', which no step does for alice; expected a step of theirs",
    ),
    ("[expect]\nrefused_at_most = -1", "9:19: refused_at_most is -1; expected 0 to 18446744073709551615"),
    (
        "[transfer]\ncongestion = \"reno\"",
        "9:14: congestion is \"reno\"; expected classic, fixed:N, newreno, cubic or bbr",
    ),
    (
        "[transfer]\ncongestion = \"fixed:0\"",
        "9:14: congestion is \"fixed:0\"; expected a window of 1 to 65535 segments: \"fixed:16\"",
    ),
    (
        "[transfer]\nrecovery = \"selectiv\"",
        "9:12: recovery is 'selectiv', which is not here; expected go-back-n or selective; did you mean 'selective'?",
    ),
];

/// Whole files, and the error.
const WHOLE: &[(&str, &str)] = &[
    (
        "",
        "1:1: the scenario has no 'duration'; expected the virtual time of a run, such as duration = \"60s\"",
    ),
    ("duration = \"0s\"", "1:12: duration is zero; expected a duration above zero"),
    ("duration = 60", "1:12: duration is an integer; expected a duration as a string, such as \"15ms\""),
    (
        "duration = \"60s\"\nheal = \"61s\"",
        "2:8: heal is 61s, after the end; expected at most 60s, the scenario's duration",
    ),
    ("duration = \"60s\"\nabout = 1", "2:9: about is an integer; expected a sentence or two, as a string"),
    (
        "duration = \"60s\"\nserver.files = [{ name = \"a\", size = \"10TiB\" }]",
        "2:38: size is \"10TiB\"; expected 0B to 1GiB",
    ),
    (
        "duration = \"60s\"\nserver.files = [{ name = \"a\", size = \"1B\" }, { name = \"a\", size = \"1B\" }]",
        "2:46: files[1] is a second 'a'; expected names that differ",
    ),
    (
        "duration = \"60s\"\nserver.files = [{ name = \"a\" }]",
        "2:17: a file has no 'size'; expected its size, such as \"512KiB\"",
    ),
    (
        "duration = \"60s\"\nserver.files = \"book.bin\"",
        "2:16: files is a string; expected an array of files: [{ name, size }]",
    ),
    (
        "duration = \"60s\"\nheal = \"30s\"\n[clients.a]\n[[faults]]\nat = \"30s\"\nkind = \"blackout\"\nlink = \"a<->server\"",
        "5:6: at is 30s; expected below 30s, when the links are healed",
    ),
    ("duration = \"60s\"\nsteps = 5", "2:9: steps is an integer; expected an array of steps: [[steps]]"),
    ("# grüße\n\u{fe0f} = 1", "2:1: invalid unquoted key; expected letters, numbers, `-`, `_`"),
];

#[test]
fn every_kind_of_error_says_where_what_and_what_was_expected() {
    let appended = APPENDED.iter().map(|(lines, error)| (format!("{BASE}{lines}\n"), *error));
    let whole = WHOLE.iter().map(|(text, error)| ((*text).to_owned(), *error));
    let mut wrong = Vec::new();
    for (text, expected) in appended.chain(whole) {
        let found = Scenario::parse(&text).map_or_else(|error| error.to_string(), |_| "no error".into());
        if found != expected {
            wrong.push(format!("found:    {found}\nexpected: {expected}\nin: {:?}", text.lines().last()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(APPENDED.len() + WHOLE.len() >= 40);
}

#[test]
fn the_base_itself_is_well_formed() {
    assert_eq!(parsed(BASE).clients().len(), 5);
}

#[test]
fn an_error_is_printed_with_its_file_on_one_line() {
    let error = Scenario::parse("duration = \"x\\ny\"").unwrap_err();
    assert_eq!(
        error.in_file("a.toml"),
        "a.toml:1:12: duration is \"x\\ny\"; expected a duration such as \"15ms\" or \"2s\""
    );
    assert_eq!(
        Scenario::parse_bytes(b"about = \"\"\nx = \xff").unwrap_err().to_string(),
        "2:5: bytes that are no text; expected UTF-8"
    );
}
