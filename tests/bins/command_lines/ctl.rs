//! A server without a terminal, administered over its control socket.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use super::program::{Ended, Folder, Program, Server, client, free, run, server, word};

/// A server with a folder for its state, and no terminal.
fn with_state(folder: &Path) -> Server {
    Server::with(server().arg("--state-dir").arg(folder))
}

fn ctl(folder: &Path, words: &[&str]) -> Ended {
    run(server().arg("ctl").arg("--state-dir").arg(folder).args(words))
}

/// Runs `names` against a server, as a client that only looks around.
fn names(chat: &str) -> Ended {
    run(client().args(["names", "--server", chat]))
}

#[test]
fn who_has_no_terminal_can_do_what_a_console_can() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    let server = with_state(&state);
    let (mut ann, bob) = (server.join("ann"), server.join("bob"));
    let who = ctl(&state, &["who"]).expect(0).stdout;
    assert!(
        who.contains("ann  127.0.0.1  joined  for ") && who.ends_with("2 joined, 0 parked, 0 visiting\n"),
        "{who}"
    );
    let who = ctl(&state, &["who", "--json", "bo"]).expect(0).json();
    assert_eq!((&who["joined"], &who["people"][0]["nick"]), (&2.into(), &"bob".into()), "{who}");
    assert_eq!(who["people"].as_array().map(Vec::len), Some(1));
    let kicked = ctl(&state, &["kick", "bob", "that", "is", "enough"]).expect(0).stdout;
    assert_eq!(kicked, "bob was kicked, and may come back; 1 session ended\n");
    assert!(bob.end().expect(4).stderr.contains("that is enough"));
    ctl(&state, &["say", "back at noon"]).expect(0);
    ann.line("back at noon");
    let stats = ctl(&state, &["stats", "--json"]).expect(0).json();
    assert_eq!((&stats["type"], &stats["sessions"]["joined"]), (&"stats".into(), &1.into()), "{stats}");
    ctl(&state, &["stats"]).expect(0);
    let reloaded = ctl(&state, &["reload"]).expect(0).stdout;
    assert_eq!(reloaded, "the configuration was read again\n");
    let stopping = ctl(&state, &["stop"]).expect(0).stdout;
    assert!(
        stopping.is_empty() || stopping.starts_with("stopping: downloads may go on for 10s"),
        "{stopping}"
    );
    ann.line("the server is shutting down");
    let log = server.program.end().expect(0).stderr;
    assert!(log.contains("the operator kicks nick=bob reason=\"that is enough\""), "{log}");
    assert!(!state.join("control.sock").exists());
    let gone = ctl(&state, &["who"]).expect(5);
    assert!(gone.stderr.starts_with("error: no server is there to be asked: "), "{gone:?}");
    assert_eq!(ctl(&state, &["who", "--json"]).expect(5).json()["exit_code"], 5);
}

#[test]
fn what_cannot_be_done_has_its_exit_code_and_changes_nothing() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    let server = with_state(&state);
    for (words, code, said) in [
        (&["kick", "bob"][..], 3, "nobody here is called bob"),
        (&["unban", "bob"], 3, "bob is not banned"),
        (&["ban", "10.0.0.256"], 2, "'10.0.0.256' is no address"),
        (&["ban", "ann", "5"], 2, "a unit is missing"),
        (&["kick", "b\u{f6}b"], 2, "nickname has"),
        (&["say", "a\u{1b}[2J"], 4, "control"),
        (&["whoo"], 2, ""),
    ] {
        let ended = ctl(&state, words).expect(code);
        assert!(ended.stdout.is_empty() && ended.stderr.contains(said), "{words:?}: {ended:?}");
    }
    let error = ctl(&state, &["--json", "kick", "bob"]).expect(3).json();
    assert_eq!((&error["type"], &error["code"]), (&"error".into(), &"no-such-nick".into()), "{error}");
    assert_eq!(ctl(&state, &["bans"]).expect(0).stdout, "0 bans\n");
    // Text with a line feed is one text, and no second command.
    ctl(&state, &["say", "a\n/stop"]).expect(0);
    names(&server.chat).expect(0);
}

#[test]
fn bans_survive_a_restart_and_a_kill() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    let server = with_state(&state);
    let banned = ctl(&state, &["ban", "bob", "1h", "flooding"]).expect(0).stdout;
    assert!(
        banned.starts_with("the nickname bob is banned for 1h, until ") && banned.ends_with(": flooding\n"),
        "{banned}"
    );
    let banned = ctl(&state, &["--json", "ban", "127.0.0.0/8"]).expect(0).json();
    assert_eq!((&banned["network"], &banned["kept"]), (&"127.0.0.0/8".into(), &true.into()), "{banned}");
    ctl(&state, &["ban", "10.0.0.1", "1ms"]).expect(0);
    let refused = names(&server.chat).expect(4);
    assert!(refused.stderr.contains("127.0.0.0/8 is banned (banned)"), "{refused:?}");
    let before = ctl(&state, &["bans"]).expect(0).stdout;
    assert!(before.ends_with("2 bans\n"), "{before}");
    // It is not told, and leaves its socket.
    server.program.signal("KILL");
    drop(server);

    let server = with_state(&state);
    names(&server.chat).expect(4);
    assert_eq!(ctl(&state, &["bans"]).expect(0).stdout, before);
    let one = ctl(&state, &["unban", "127.0.0.1"]).expect(3);
    assert!(one.stderr.contains("127.0.0.1 is banned as a part of 127.0.0.0/8: lift that ban"), "{one:?}");
    ctl(&state, &["unban", "127.0.0.0/8"]).expect(0);
    let refused = run(&mut server.client(&["say", "hello", "--nick", "BOB"])).expect(4);
    assert!(refused.stderr.contains("flooding"), "{refused:?}");
    server.program.signal("TERM");
    server.program.end().expect(0);
    let file = std::fs::read_to_string(state.join("bans.jsonl")).expect("there");
    assert!(file.starts_with("{\"nick\":\"bob\"") && file.lines().count() == 1, "{file}");
}

#[test]
fn a_broken_file_of_bans_is_told_and_kept_aside() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    std::fs::create_dir(&state).expect("a folder");
    let text = "{\"nick\":\"bob\"}\n{\"network\":\"10.0.0.256\"}\n";
    std::fs::write(state.join("bans.jsonl"), text).expect("written");
    let mut server = with_state(&state);
    server.program.error_line("bans.jsonl:2: network: expected an address such as 192.0.2.1");
    server.program.error_line("the others hold");
    ctl(&state, &["ban", "eve"]).expect(0);
    let kept = std::fs::read_to_string(state.join("bans.jsonl.broken-1")).expect("kept");
    assert_eq!(kept, text);
    assert!(ctl(&state, &["bans"]).expect(0).stdout.ends_with("2 bans\n"));
    // One that cannot be read at all is not written over.
    drop(server);
    std::fs::remove_file(state.join("bans.jsonl")).expect("removed");
    std::fs::create_dir(state.join("bans.jsonl")).expect("a folder");
    let failed = run(free().arg("--state-dir").arg(&state)).expect(1);
    assert!(failed.stderr.contains("cannot read the bans in "), "{failed:?}");
}

#[test]
fn a_ban_that_the_disk_refuses_holds_and_says_so() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    let server = with_state(&state);
    std::fs::create_dir_all(state.join("bans.new/x")).expect("a folder that is in the way");
    let told = ctl(&state, &["ban", "127.0.0.1"]).expect(8);
    assert!(told.stderr.contains("could not be written for the next start"), "{told:?}");
    names(&server.chat).expect(4);
    std::fs::remove_dir_all(state.join("bans.new")).expect("removed");
    ctl(&state, &["unban", "127.0.0.1"]).expect(0);
    names(&server.chat).expect(0);
}

#[test]
fn the_socket_is_the_owners_and_one_server_has_a_folder() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    let _server = with_state(&state);
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&state.join("control.sock")), mode(&state)), (0o600, 0o700));
    let second = run(free().arg("--state-dir").arg(&state)).expect(1);
    assert!(second.stderr.contains("another server uses "), "{second:?}");
    // Nobody has named the folder: the second goes without.
    let home = |command: &mut Command| Program::start(command.env("HOME", folder.path()));
    let (mut first, mut second) = (home(&mut free()), home(&mut free()));
    let (a, b) = (first.line("ready "), second.line("ready "));
    for ready in [a, b] {
        names(&word(&ready, "chat=")).expect(0);
    }
    run(server().args(["ctl", "who"]).env("HOME", folder.path())).expect(0);
    // Both have a free port, which nobody knows beforehand: what they are told is not kept for others.
    run(server().args(["ctl", "ban", "127.0.0.1"]).env("HOME", folder.path())).expect(0);
    assert!(!folder.path().join(".local/state/backchat/server/bans.jsonl").exists());
}

#[test]
fn whoever_opens_the_socket_cannot_hold_the_chat_up() {
    let folder = Folder::new();
    let state = folder.path().join("state");
    let server = with_state(&state);
    let connect = || UnixStream::connect(state.join("control.sock")).expect("it listens");
    // More than are served, none of which says anything, or ends its line, or reads.
    let mut all: Vec<UnixStream> = (0..20).map(|_| connect()).collect();
    for stream in all.iter_mut().take(4) {
        stream.set_nonblocking(true).expect("set");
        while stream.write(b"stats\n").is_ok() {}
    }
    names(&server.chat).expect(0);
    drop(all);
    let mut stream = connect();
    stream.write_all(b"who\n{\"command\":\"bans\"}\nnonsense\n").expect("written");
    stream.shutdown(std::net::Shutdown::Write).expect("shut");
    let answers: Vec<String> = BufReader::new(stream).lines().map(|line| line.expect("a line")).collect();
    let codes: Vec<u64> = answers
        .iter()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["exit_code"]
                .as_u64()
                .expect("a code")
        })
        .collect();
    assert_eq!(codes, [0, 0, 2], "{answers:?}");
}
