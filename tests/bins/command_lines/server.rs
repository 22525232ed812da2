//! backchat-server.

use super::program::{Folder, Program, Server, behind, run, server};

#[test]
fn the_ready_line_says_where_and_what() {
    let folder = Folder::new();
    folder.shared("a.bin", 10);
    folder.shared(".hidden", 10);
    let server = Server::sharing(&folder.share());
    let words: Vec<&str> = server.ready.split(' ').collect();
    let share = format!("share={}", folder.share().display());
    assert_eq!((words[0], words[3], words[4]), ("ready", share.as_str(), "files=1"));
    for (word, key) in [(words[1], "chat=127.0.0.1:"), (words[2], "transfer=127.0.0.1:")] {
        let port: u16 = word.strip_prefix(key).expect(key).parse().expect("a port");
        assert_ne!(port, 0);
    }
}

#[test]
fn without_a_share_it_is_a_chat_alone() {
    let mut server = Server::bare();
    assert!(server.ready.ends_with(" share=- files=0"), "{}", server.ready);
    server.program.error_line("nothing is shared");
}

#[test]
fn a_share_with_white_space_is_quoted() {
    let folder = Folder::new();
    let spaced = folder.path().join("my share");
    std::fs::create_dir(&spaced).expect("a folder");
    let server = Server::sharing(&spaced);
    assert!(server.ready.contains(&format!("share=\"{}\" files=0", spaced.display())), "{}", server.ready);
}

#[test]
fn nothing_is_complained_of_where_nothing_is_wrong() {
    let folder = Folder::new();
    folder.shared("a.bin", 10);
    folder.shared("b.bin", 10);
    std::os::unix::fs::symlink("/etc/passwd", folder.share().join("link")).expect("a link");
    let server = Server::sharing(&folder.share());
    run(server.client(&["get", "a.bin"]).current_dir(folder.here())).expect(0);
    run(server.client(&["get", "link"]).current_dir(folder.here())).expect(3);
    server.program.signal("TERM");
    let log = server.program.end().expect(0).stderr;
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
}

#[test]
fn the_log_ends_with_what_it_came_to() {
    let folder = Folder::new();
    folder.shared("a.bin", 10);
    let mut server = Server::sharing(&folder.share());
    run(server.client(&["get", "a.bin"]).current_dir(folder.here())).expect(0);
    let over = server.program.error_line("download over");
    assert!(over.contains(" took_us=") && !over.contains("Some("), "{over}");
    server.program.signal("TERM");
    let log = server.program.end().expect(0).stderr;
    let last = log.lines().last().expect("a line");
    assert!(last.contains("downloads=1 ended_as=\"1 complete\" bytes=10 segments=1 sent_again=0"), "{last}");
}

#[test]
fn names_that_nobody_could_ask_for_are_left_out_and_told() {
    let folder = Folder::new();
    for name in ["good", ".hidden", "escape\u{1b}[31m"] {
        folder.shared(name, 1);
    }
    let mut server = Server::sharing(&folder.share());
    assert!(server.ready.ends_with(" files=1"), "{}", server.ready);
    let line = server.program.error_line("left out");
    assert!(line.contains("count=1") && line.contains("escape\\u{1b}[31m"), "{line}");
}

#[test]
fn an_operator_is_told_when_people_could_chat_and_not_download() {
    let mut program = Program::start(server().args(["--listen", "0.0.0.0:0", "--udp", "127.0.0.1:0"]));
    program.line("ready ");
    // Without a share there is nothing to download.
    let folder = Folder::new();
    let mut command = server();
    command.args(["--listen", "0.0.0.0:0", "--udp", "127.0.0.1:0", "--share"]).arg(folder.share());
    let mut program = Program::start(&mut command);
    program.line("ready ");
    let line = program.error_line("downloads cannot");
    assert!(line.contains("--udp"), "{line}");
}

#[test]
fn a_server_that_nobody_listens_to_serves_on() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let mut command = server();
    command.args(["--listen", "127.0.0.1:0", "--udp", "127.0.0.1:0"]);
    let mut program = Program::start_with_stderr(&mut command, full().into());
    let ready = program.line("ready ");
    let chat = ready.split_whitespace().find_map(|word| word.strip_prefix("chat=")).expect("an address");
    run(super::program::client().args(["say", "hello", "--nick", "ann", "--server", chat])).expect(0);
    program.signal("TERM");
    program.end().expect(0);
    let none = Program::start_with_stderr(server().args(["--share", "/no/such/folder"]), full().into());
    none.end().expect(1);
}

#[test]
fn a_server_asked_at_one_of_its_addresses_answers_from_that_one() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 100_000);
    let mut command = server();
    command.args(["--listen", "0.0.0.0:0", "--udp", "0.0.0.0:0", "--share"]).arg(folder.share());
    let mut program = Program::start(&mut command);
    let ready = program.line("ready ");
    let port = ready.split("chat=0.0.0.0:").nth(1).and_then(|rest| rest.split(' ').next()).expect("a port");
    // All of 127.0.0.0/8 is this machine, where it is at all.
    let address = format!("127.0.0.2:{port}");
    if std::net::TcpStream::connect(&address).is_err() {
        return;
    }
    let mut get = super::program::client();
    get.args(["get", "book.bin", "--timeout", "5s", "--server", &address]).current_dir(folder.here());
    run(&mut get).expect(0);
    assert_eq!(std::fs::read(folder.here().join("book.bin")).expect("there"), bytes);
}

#[test]
fn a_signal_tells_the_users_and_ends_it_well() {
    for signal in ["INT", "TERM"] {
        let server = Server::bare();
        let mut ann = server.join("ann");
        server.program.signal(signal);
        ann.line("the server is shutting down");
        let ended = server.program.end().expect(0);
        assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn a_hangup_reads_the_share_and_the_configuration_again() {
    let folder = Folder::new();
    let config = folder.path().join("backchat.toml");
    std::fs::write(&config, "motd = 'before'\n").expect("written");
    let mut server = Server::with(server().arg("--config").arg(&config).arg("--share").arg(folder.share()));
    let mut before = server.join("before");
    before.write("/quit\n");
    assert!(before.end().expect(0).stdout.contains("-- before\n"));

    std::fs::write(&config, "motd = 'after'\n[limits]\nbursts = 1\n").expect("written");
    server.program.signal("HUP");
    let line = server.program.error_line("nothing was changed");
    assert!(line.contains("backchat.toml:3:1: unknown field `bursts`"), "{line}");

    std::fs::write(&config, "motd = 'after'\n").expect("written");
    folder.shared("new.bin", 10);
    server.program.signal("HUP");
    server.program.error_line("the share was opened anew");
    let mut after = server.join("after");
    after.write("/quit\n");
    assert!(after.end().expect(0).stdout.contains("-- after\n"));
    let files = run(&mut server.client(&["files"])).expect(0);
    assert!(files.stdout.contains("new.bin"), "{files:?}");
}

#[test]
fn what_cannot_be_had_is_named_with_what_to_do() {
    let folder = Folder::new();
    folder.shared("file", 1);
    let file = folder.share().join("file");
    let none = folder.path().join("none");
    let other = Server::bare();
    let udp =
        other.ready.split("transfer=").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address");
    let free = ["--listen", "127.0.0.1:0", "--udp", "127.0.0.1:0"];
    for (command, expected) in [
        (server().args(free).arg("--share").arg(&none), vec!["does not exist", "none", "--share"]),
        (server().args(free).arg("--share").arg(&file), vec!["is not a folder", "file", "--share"]),
        (
            server().args(["--listen", &other.chat, "--udp", "127.0.0.1:0"]),
            vec![&other.chat, "in use", "--listen"],
        ),
        (server().args(["--listen", "127.0.0.1:0", "--udp", udp]), vec![udp, "in use", "--udp"]),
        (server().args(["--listen", "no-such-host.invalid"]), vec!["no-such-host.invalid", "--listen"]),
        (server().args(["--udp", "224.0.0.1:0"]), vec!["224.0.0.1 stands for many", "--udp"]),
    ] {
        let ended = run(command).expect(1);
        assert!(expected.iter().all(|part| ended.stderr.contains(part)), "{expected:?}: {ended:?}");
        assert!(ended.stdout.is_empty(), "{ended:?}");
    }
}

#[test]
fn a_bad_command_line_or_configuration_is_a_usage_error() {
    let folder = Folder::new();
    let config = folder.path().join("backchat.toml");
    std::fs::write(&config, "listen = '127.0.0.1:0'\n[limits]\nburst = 0\n").expect("written");
    let ended = run(server().arg("--config").arg(&config)).expect(2);
    assert!(ended.stderr.contains("backchat.toml:3:9: burst is 0, expected 1 to 1000000"), "{ended:?}");
    run(server().arg("--check-config").arg("--config").arg(&config)).expect(2);
    for (text, expected) in [
        ("share = ''", "1:9: share is empty"),
        ("advertise = 'foo:1'", "1:13: expected an IP address and a port"),
        ("[limits]\nburst = 'x'", "2:9: expected a whole number"),
        ("[limits]\nburst = -1", "2:9: expected a number that is not below zero"),
        ("[limits]\nburst = 99999999999", "2:9: burst is 4294967295, expected 1 to 1000000"),
    ] {
        std::fs::write(&config, text).expect("written");
        let ended = run(server().arg("--check-config").arg("--config").arg(&config)).expect(2);
        assert!(ended.stderr.contains(&format!("backchat.toml:{expected}")), "{expected}: {ended:?}");
    }
    run(server().arg("--config").arg(folder.path().join("none"))).expect(2);
    run(server().arg("--port")).expect(2);
    run(server().args(["--listen", "nonsense:port"])).expect(2);
    let ended = run(server().arg("--check-config").env("BACKCHAT_GRACE", "soon")).expect(2);
    assert!(ended.stderr.contains("BACKCHAT_GRACE"), "{ended:?}");
}

#[test]
fn the_effective_configuration_can_be_seen() {
    let folder = Folder::new();
    let mut command = server();
    command.args(["--check-config", "--listen", "0.0.0.0", "--share", "here"]).env("BACKCHAT_GRACE", "3s");
    command.current_dir(folder.path());
    let ended = run(&mut command).expect(0);
    for line in [
        "listen = \"0.0.0.0:55000\"",
        "udp = \"127.0.0.1:44000\"",
        "share = \"here\"",
        "grace = \"3s\"",
        "[limits]",
    ] {
        assert!(ended.stdout.contains(line), "{line}: {ended:?}");
    }
}

#[test]
fn a_configuration_is_checked_with_what_it_names() {
    let folder = Folder::new();
    let path = folder.path().join("backchat.toml");
    std::fs::write(&path, "share = 'missing'\nlisten = '192.0.2.1'\nstate_dir = '/dev/null/x'\n")
        .expect("written");
    let check = |path: &std::path::Path| run(server().arg("--check-config").arg("--config").arg(path));
    let ended = check(&path).expect(1);
    for part in
        ["missing does not exist", "cannot use 192.0.2.1:55000 for the chat", "cannot use /dev/null/x"]
    {
        assert!(ended.stderr.contains(part), "{ended:?}");
    }
    // The server that runs meanwhile has the ports and the folder.
    let text = "share = 'share'\nudp = '127.0.0.1:0'\nlisten = '{chat}'\nstate_dir = 'state'\n";
    std::fs::write(&path, text.replace("{chat}", "127.0.0.1:0")).expect("written");
    let mut running = Program::start(server().arg("--config").arg(&path));
    let chat = super::program::word(&running.line("ready "), "chat=");
    std::fs::write(&path, text.replace("{chat}", &chat)).expect("written");
    check(&path).expect(0);
    std::fs::write(folder.path().join("state/bans.jsonl"), "nonsense\n").expect("written");
    let ended = check(&path).expect(1);
    assert!(ended.stderr.contains("bans.jsonl:1: this is no JSON object"), "{ended:?}");
    assert!(!folder.path().join("state/bans.jsonl.broken-1").exists(), "it looks, and does nothing");
}

#[test]
fn a_variable_that_nobody_reads_is_told() {
    let slip = "environment variable BACKCHAT_SHRAE is none that is read here, did you mean BACKCHAT_SHARE?";
    let checked = run(server().arg("--check-config").env("BACKCHAT_SHRAE", "x")).expect(0);
    assert!(checked.stderr.contains(&format!("warning: {slip}\n")), "{checked:?}");
    let mut server = Server::with(server().env("BACKCHAT_SHRAE", "x"));
    server.program.error_line(slip);
    let ended = run(server.client(&["names"]).env("BACKCHAT_SHRAE", "x")).expect(0);
    assert!(ended.stderr.contains(slip), "{ended:?}");
}

#[test]
fn a_configuration_can_be_had_with_every_key_explained() {
    let folder = Folder::new();
    let sample = run(server().arg("--print-config")).expect(0).stdout;
    assert_eq!(sample, include_str!("../../../docs/backchat.toml"));
    let path = folder.path().join("backchat.toml");
    let mut command = server();
    command.args(["--listen", "0.0.0.0", "--share", "here", "--print-config"]).current_dir(folder.path());
    let printed = run(&mut command).expect(0).stdout;
    std::fs::write(&path, &printed).expect("written");
    let here = format!("share = \"{}\"", folder.path().join("here").display());
    assert!(printed.contains(&here) && printed.contains("# The folder whose files"), "{printed}");
    let checked = run(server().arg("--check-config").arg("--config").arg(&path)).expect(0).stdout;
    assert!(checked.contains("listen = \"0.0.0.0:55000\"") && checked.contains(&here), "{checked}");
    let again = run(server().arg("--print-config").arg("--config").arg(&path)).expect(0).stdout;
    assert_eq!(again, printed);
}

#[test]
fn help_and_version_are_on_standard_output() {
    let help = run(server().arg("--help")).expect(0);
    for part in [
        "--listen",
        "--udp",
        "--share",
        "--config",
        "--check-config",
        "--print-config",
        "--grace",
        "--log-format",
        "SIGHUP",
    ] {
        assert!(help.stdout.contains(part), "{part}");
    }
    assert!(run(server().arg("--version")).expect(0).stdout.starts_with("backchat-server "));
}

#[test]
fn the_log_can_be_json_and_holds_no_control_characters() {
    let mut command = server();
    let mut server = Program::start(command.args([
        "--listen",
        "127.0.0.1:0",
        "--udp",
        "127.0.0.1:0",
        "--log-format",
        "json",
    ]));
    server.line("ready ");
    let line = server.error_line("ready ");
    let json: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(json["level"], "INFO");
}

/// A server from which a download runs that will not end by itself for a minute, and the client of it.
fn busy(folder: &Folder, args: &[&str]) -> (Server, Program) {
    folder.shared("book.bin", 8_000_000);
    let server = Server::with(server().arg("--share").arg(folder.share()).args(args));
    let mut command = server.client(&["get", "book.bin", "--limit-rate", "100K", "--json"]);
    let mut client = Program::start(command.current_dir(folder.here()));
    client.line("\"progress\"");
    (server, client)
}

#[test]
fn a_download_gets_the_grace_that_was_promised_and_no_more() {
    let folder = Folder::new();
    let (server, client) = busy(&folder, &["--grace", "100ms"]);
    server.program.signal("TERM");
    server.program.end().expect(0);
    let failed = client.end().json();
    assert_eq!(failed["type"], "failed", "{failed}");
    assert!(failed["resume"].is_string() || failed["reason"] == "refused", "{failed}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new();
    let (mut server, _client) = busy(&folder, &["--grace", "1h"]);
    server.program.signal("TERM");
    server.program.error_line("stopping");
    server.program.signal("TERM");
    server.program.end().expect(1);
}

#[test]
fn ipv6_is_served_where_there_is_any() {
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let mut program = Program::start(server().args(["--listen", "[::1]:0", "--udp", "[::1]:0"]));
    let ready = program.line("ready ");
    let chat = ready.split_whitespace().find_map(|word| word.strip_prefix("chat=")).expect("an address");
    assert!(chat.starts_with("[::1]:"), "{ready}");
    run(super::program::client().args(["names", "--server", chat])).expect(0);
}

/// Returns true if this process was started with SIGQUIT as ignored: proc(5), `SigIgn`, signal 3.
#[cfg(target_os = "linux")]
fn is_quit_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).expect("proc(5)");
    u64::from_str_radix(mask.trim(), 16).expect("a mask") & 1 << 2 != 0
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_ignored_at_the_start_does_not_end_it() {
    let server = Server::with(&mut behind("trap '' HUP INT;", &server()));
    let mut ann = Program::start(&mut behind("trap '' HUP INT;", &server.client(&["--nick", "ann"])));
    ann.line("ann joined");
    // A shell cannot take back what it was itself started with as ignored: where these tests run behind `&`, SIGQUIT is
    // ignored as well, and then SIGINT is meant for the program.
    let signals: &[&str] = if is_quit_ignored() { &["HUP"] } else { &["HUP", "INT"] };
    for signal in signals {
        ann.signal(signal);
        server.program.signal(signal);
    }
    ann.write("still here\n");
    ann.line("ann: still here");
    // SIGTERM is what supervisors end things with.
    ann.signal("TERM");
    ann.end().expect(130);
    server.program.signal("TERM");
    server.program.end().expect(0);
}

#[test]
fn a_server_whose_terminal_is_closed_ends() {
    let (ours, theirs) = super::program::terminal();
    let mut program =
        Program::start_on(server().args(["--listen", "127.0.0.1:0", "--udp", "127.0.0.1:0"]), theirs);
    program.line("ready ");
    drop(ours);
    // The test's terminal is nobody's controlling one, so the kernel sends nothing by itself.
    program.signal("HUP");
    program.end().expect(0);
}
