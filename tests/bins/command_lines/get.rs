//! backchat-client get.

use std::path::Path;
use std::process::{Command, Stdio};

use super::program::process::clean;
use super::program::{Ended, Folder, Program, Server, limited, run, server};

/// Large enough that at 100 kB a second it lasts for longer than any test looks at it.
const LARGE: usize = 8_000_000;

fn get(server: &Server, here: &Path, args: &[&str]) -> Command {
    let mut command = server.client(&["get"]);
    command.args(args).current_dir(here);
    command
}

fn got(server: &Server, here: &Path, args: &[&str]) -> Ended {
    run(&mut get(server, here, args))
}

#[test]
fn files_of_every_size_arrive() {
    let folder = Folder::new();
    // Around the segments of any network, and around those of loopback.
    let sizes = [0, 1, 1199, 1200, 1201, 15_999, 16_000, 16_001, 64 << 20];
    let files = sizes.map(|size| (format!("{size}.bin"), folder.shared(&format!("{size}.bin"), size)));
    let server = Server::sharing(&folder.share());
    for (name, bytes) in &files {
        let ended = got(&server, &folder.here(), &[name]).expect(0);
        assert_eq!(&std::fs::read(folder.here().join(name)).expect("there"), bytes);
        assert!(ended.stdout.is_empty() && ended.stderr.contains("sent again"), "{ended:?}");
    }
}

#[test]
fn the_last_object_of_json_has_the_fields_of_the_contract() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 100_000);
    let server = Server::sharing(&folder.share());
    let ended = got(&server, &folder.here(), &["book.bin", "--json"]).expect(0);
    let json = ended.json();
    assert_eq!(
        (&json["type"], &json["file"], &json["bytes"]),
        (&"downloaded".into(), &"book.bin".into(), &100_000.into())
    );
    for field in
        ["path", "seconds", "goodput_bits_per_second", "segments_received", "duplicates", "resumed_from"]
    {
        assert!(!json[field].is_null(), "{field}: {json}");
    }
    assert_eq!(json["blake3"], blake3::hash(&bytes).to_hex().as_str());
    for line in ended.stdout.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(event["type"].is_string(), "{line}");
    }
}

#[test]
fn the_data_can_go_to_a_file_a_folder_or_standard_output() {
    let folder = Folder::new();
    folder.shared("text", 0);
    std::fs::write(folder.share().join("text"), "line one\nline two\n").expect("written");
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    got(&server, &here, &["text", "-o", "other name"]).expect(0);
    std::fs::create_dir(here.join("deep")).expect("a folder");
    got(&server, &here, &["text", "-d", "deep"]).expect(0);
    for path in ["other name", "deep/text"] {
        assert_eq!(std::fs::read_to_string(here.join(path)).expect(path), "line one\nline two\n");
    }
    let ended = got(&server, &here, &["text", "-o", "-"]).expect(0);
    assert_eq!(ended.stdout, "line one\nline two\n");
    let ended = got(&server, &here, &["text", "-o", "-", "--json"]).expect(0);
    assert_eq!(ended.stdout, "line one\nline two\n");
    let last = ended.stderr.lines().last().expect("a line");
    assert_eq!(serde_json::from_str::<serde_json::Value>(last).expect("JSON")["type"], "downloaded");
    assert!(!here.join("text").exists());
}

/// A download that fails must end, wherever its bytes were to go: the silence that would end it otherwise is
/// a minute, and `--timeout` is an hour here.
#[test]
fn a_download_to_standard_output_that_fails_ends_at_once() {
    let folder = Folder::new();
    folder.shared("book.bin", LARGE);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let to_stdout = ["-o", "-", "--timeout", "1h"];
    let with = |name| [&[name], to_stdout.as_slice()].concat();
    let ended = got(&server, &here, &with("none.bin")).expect(3);
    assert!(ended.stderr.contains("none.bin"), "{ended:?}");
    let mut nobody = super::program::client();
    nobody.args(["--server", "127.0.0.1:1", "get"]).args(with("book.bin"));
    run(&mut nobody).expect(5);
    // As `| head -c 10` does it.
    let head = |name| {
        let mut shell = Command::new("sh");
        let command = get(&server, &here, &with(name));
        shell
            .args(["-c", "\"$0\" \"$@\" | head -c 10 >head"])
            .arg(command.get_program())
            .args(command.get_args());
        shell.current_dir(&here);
        shell
    };
    run(&mut head("book.bin")).expect(0);
    assert_eq!(std::fs::read(here.join("head")).expect("there").len(), 10);
    // The server goes in the middle, while nobody reads.
    let mut slow = Command::new("sh");
    let mut command = get(&server, &here, &with("book.bin"));
    command.arg("--json");
    slow.args(["-c", "(\"$0\" \"$@\"; echo \"ended $?\" >&2) | (read gone; cat >/dev/null)"]);
    slow.arg(command.get_program()).args(command.get_args());
    let mut slow = Program::start(&mut slow);
    slow.error_line("\"progress\"");
    drop(server);
    slow.error_line("ended 5");
    slow.close_input();
    slow.end().expect(0);
}

#[test]
fn a_full_disk_under_the_objects_is_told_on_standard_error() {
    let folder = Folder::new();
    folder.shared("book.bin", 1000);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    for what in [&["get", "book.bin", "--json"] as &[&str], &["files", "--json"], &["get", "none", "--json"]]
    {
        let mut shell = Command::new("sh");
        let client = server.client(what);
        shell.args(["-c", "\"$0\" \"$@\" >/dev/full"]).arg(client.get_program()).args(client.get_args());
        let ended = run(shell.current_dir(&here)).expect(8);
        assert!(ended.stderr.contains("cannot write to standard output"), "{what:?}: {ended:?}");
    }
}

#[test]
fn a_device_and_a_pipe_are_written_in_order_and_the_servers_time_is_kept() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 300_000);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    got(&server, &here, &["book.bin", "-o", "/dev/null"]).expect(0);
    let mut shell = Command::new("sh");
    let client = get(&server, &here, &["book.bin", "-o", "pipe"]);
    shell.args(["-c", "mkfifo pipe && { cat pipe >copy & \"$0\" \"$@\" && wait; }"]);
    shell.arg(client.get_program()).args(client.get_args()).current_dir(&here);
    run(&mut shell).expect(0);
    assert_eq!(std::fs::read(here.join("copy")).expect("there"), bytes);
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let shared = std::fs::File::options().write(true).open(folder.share().join("book.bin")).expect("there");
    shared.set_times(std::fs::FileTimes::new().set_modified(then)).expect("set");
    got(&server, &here, &["book.bin", "-R"]).expect(0);
    let there = std::fs::metadata(here.join("book.bin")).expect("there");
    assert_eq!(there.modified().expect("a time"), then);
}

#[test]
fn a_file_that_exists_is_left_alone_unless_something_was_said() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 5000);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let mine = here.join("book.bin");
    std::fs::write(&mine, "mine").expect("written");
    let ended = got(&server, &here, &["book.bin"]).expect(9);
    assert!(ended.stderr.contains("--force") && ended.stderr.contains("book.bin"), "{ended:?}");
    let ended = got(&server, &here, &["book.bin", "--json"]).expect(9);
    assert_eq!((&ended.json()["reason"], &ended.json()["exit_code"]), (&"exists".into(), &9.into()));
    got(&server, &here, &["book.bin", "--skip-existing"]).expect(0);
    assert_eq!(std::fs::read(&mine).expect("there"), b"mine");
    got(&server, &here, &["book.bin", "--rename"]).expect(0);
    assert_eq!(std::fs::read(here.join("book (1).bin")).expect("there"), bytes);
    assert_eq!(std::fs::read(&mine).expect("there"), b"mine");
    got(&server, &here, &["book.bin", "--force"]).expect(0);
    assert_eq!(std::fs::read(&mine).expect("there"), bytes);
}

#[test]
fn names_that_lead_elsewhere_are_no_such_file() {
    let folder = Folder::new();
    folder.shared("book.bin", 10);
    std::fs::create_dir(folder.share().join("sub")).expect("a folder");
    std::os::unix::fs::symlink("/etc/passwd", folder.share().join("link")).expect("a link");
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let long = "x".repeat(300);
    for name in ["none.bin", "../x", "/etc/passwd", "a/b", "C:x", ".", "sub", "link", &long] {
        let ended = got(&server, &here, &["--", name]).expect(3);
        assert!(ended.stderr.contains(name), "{ended:?}");
    }
    let ended = got(&server, &here, &["bok.bin"]).expect(3);
    assert!(ended.stderr.contains("; did you mean 'book.bin'?"), "{ended:?}");
    assert_eq!(std::fs::read_dir(&here).expect("a folder").count(), 0);
}

#[test]
fn what_is_wrong_with_the_place_is_a_local_error() {
    let folder = Folder::new();
    folder.shared("book.bin", 10);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let ended = got(&server, &here, &["book.bin", "-d", "no-such-folder"]).expect(8);
    assert!(ended.stderr.contains("no-such-folder"), "{ended:?}");
    std::fs::write(here.join("file"), "").expect("written");
    let ended = got(&server, &here, &["book.bin", "-d", "file"]).expect(8);
    assert!(ended.stderr.contains("file is not a folder"), "{ended:?}");
    std::fs::create_dir(here.join("book.bin")).expect("a folder");
    let ended = got(&server, &here, &["book.bin"]);
    assert!(ended.code == Some(8) || ended.code == Some(9), "{ended:?}");
}

/// A download that is slow enough to be interrupted, once data has come.
fn slow(server: &Server, here: &Path, more: &[&str]) -> Program {
    let mut program =
        Program::start(get(server, here, &["book.bin", "--limit-rate", "100K", "--json"]).args(more));
    program.line("\"progress\"");
    program
}

#[test]
fn an_interrupt_keeps_the_partial_file_and_the_same_command_goes_on() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", LARGE);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let program = slow(&server, &here, &[]);
    program.signal("INT");
    let ended = program.end().expect(130);
    let failed = ended.json();
    assert_eq!((&failed["reason"], &failed["exit_code"]), (&"stopped".into(), &130.into()));
    let again = failed["resume"].as_str().expect("a command");
    assert!(again.contains("get book.bin") && again.contains("--limit-rate 100K"), "{again}");
    assert!(!here.join("book.bin").exists());
    let ended = got(&server, &here, &["book.bin", "--json"]).expect(0);
    assert!(ended.json()["resumed_from"].as_u64().expect("a number") > 0, "{ended:?}");
    assert_eq!(std::fs::read(here.join("book.bin")).expect("there"), bytes);
}

#[test]
fn people_are_told_how_to_go_on() {
    let folder = Folder::new();
    folder.shared("book.bin", LARGE);
    let (mut server, here) = (Server::sharing(&folder.share()), folder.here());
    // A part of the file is there already, so that there is something to keep whenever the signal comes.
    let first = slow(&server, &here, &["-o", "it's here"]);
    first.signal("TERM");
    first.end().expect(130);
    server.program.error_line("download over");
    let args = ["book.bin", "-o", "it's here", "--limit-rate", "100K"];
    let again = Program::start(&mut get(&server, &here, &args));
    server.program.error_line("download begins");
    again.signal("INT");
    let ended = again.end().expect(130);
    let line = ended.stderr.lines().find_map(|line| line.strip_prefix("to go on: ")).expect("a command");
    assert!(line.ends_with("get book.bin -o \"it's here\" --limit-rate 100K"), "{line}");
}

#[test]
fn a_killed_client_leaves_what_the_next_one_goes_on_with() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", LARGE);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let program = slow(&server, &here, &[]);
    program.signal("KILL");
    assert_eq!(program.end().code, None);
    got(&server, &here, &["book.bin"]).expect(0);
    assert_eq!(std::fs::read(here.join("book.bin")).expect("there"), bytes);
}

#[test]
fn a_second_process_is_told_that_the_file_is_being_written() {
    let folder = Folder::new();
    folder.shared("book.bin", LARGE);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let _first = slow(&server, &here, &[]);
    let ended = got(&server, &here, &["book.bin"]).expect(8);
    assert!(ended.stderr.contains("another download"), "{ended:?}");
}

#[test]
fn a_server_that_dies_on_the_way_is_a_lost_connection() {
    let folder = Folder::new();
    folder.shared("book.bin", LARGE);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let program = slow(&server, &here, &[]);
    server.program.signal("KILL");
    let ended = program.end().expect(5);
    assert_eq!(ended.json()["reason"], "lost");
}

#[test]
fn a_server_that_died_and_came_again_sends_the_rest() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", LARGE);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let program = slow(&server, &here, &[]);
    server.program.signal("KILL");
    let failed = program.end().expect(5).json();
    assert!(failed["resume"].as_str().expect("a command").contains("get book.bin"), "{failed}");
    drop(server);
    let again = Server::sharing(&folder.share());
    let ended = got(&again, &here, &["book.bin", "--json"]).expect(0);
    assert!(ended.json()["resumed_from"].as_u64().expect("a number") > 0, "{ended:?}");
    assert_eq!(std::fs::read(here.join("book.bin")).expect("there"), bytes);
}

#[test]
fn four_processes_download_at_once() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 8 << 20);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let names = ["1", "2", "3", "4"];
    let programs = names.map(|name| Program::start(&mut get(&server, &here, &["book.bin", "-o", name])));
    for (name, program) in names.into_iter().zip(programs) {
        program.end().expect(0);
        assert!(std::fs::read(here.join(name)).expect("there") == bytes, "{name}");
    }
}

#[test]
fn a_file_that_changes_on_the_way_is_a_refusal_that_says_how_to_go_on() {
    let folder = Folder::new();
    folder.shared("book.bin", LARGE);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let program = slow(&server, &here, &[]);
    std::fs::OpenOptions::new()
        .write(true)
        .open(folder.share().join("book.bin"))
        .and_then(|file| file.set_len(1000))
        .expect("cut");
    let failed = program.end().expect(4).json();
    assert!(failed["message"].as_str().expect("a text").contains("changed"), "{failed}");
    assert!(failed["resume"].is_string(), "{failed}");
    got(&server, &here, &["book.bin"]).expect(0);
    assert_eq!(std::fs::metadata(here.join("book.bin")).expect("there").len(), 1000);
}

#[test]
fn a_reader_that_has_seen_enough_is_told_of_to_programs_alone() {
    let folder = Folder::new();
    folder.shared("book.bin", LARGE);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    for (more, said) in [("", ""), (" --json", "nobody reads standard output any more")] {
        let mut shell = clean("sh");
        let script = format!("{{ \"$0\" \"$@\"{more}; echo \"ended with $?\" >&2; }} | head -c 10 | wc -c");
        let get = get(&server, &here, &["book.bin", "-o", "-"]);
        shell.args(["-c", &script]).arg(get.get_program()).args(get.get_args());
        let ended = run(&mut shell).expect(0);
        assert_eq!(ended.stdout.trim(), "10");
        // The data is not where it was to go.
        assert_eq!(ended.stderr.lines().last(), Some("ended with 8"), "{ended:?}");
        assert!(ended.stderr.contains(said) && !ended.stderr.contains("error"), "{ended:?}");
    }
}

#[test]
fn a_download_that_nobody_reads_of_goes_on() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 300_000);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    Program::start_with_stderr(&mut get(&server, &here, &["book.bin"]), full.into()).end().expect(0);
    assert_eq!(std::fs::read(here.join("book.bin")).expect("there"), bytes);
    // The events' reader goes at once.
    let mut shell = clean("sh");
    let get = get(&server, &here, &["book.bin", "--json", "-o", "other"]);
    shell.args(["-c", "{ \"$0\" \"$@\"; echo \"ended with $?\" >&2; } | true"]);
    shell.arg(get.get_program()).args(get.get_args()).current_dir(&here);
    let ended = run(&mut shell).expect(0);
    assert_eq!(ended.stderr, "ended with 0\n");
    assert_eq!(std::fs::read(here.join("other")).expect("there"), bytes);
}

#[test]
fn a_limit_on_the_size_of_files_is_a_local_error() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 3_000_000);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    // In blocks of 512 bytes, or of 1,024.
    let mut command = limited("-f 1000", &get(&server, &here, &["book.bin"]));
    let ended = run(command.current_dir(&here)).expect(8);
    assert!(ended.stderr.contains("book.bin") && ended.stderr.contains("ulimit -f"), "{ended:?}");
    // What fitted was kept.
    let ended = got(&server, &here, &["book.bin", "--json"]).expect(0);
    assert!(ended.json()["resumed_from"].as_u64().expect("a number") > 0, "{ended:?}");
    assert_eq!(std::fs::read(here.join("book.bin")).expect("there"), bytes);
}

#[test]
fn what_was_planted_at_the_partial_files_name_is_not_written_to() {
    let folder = Folder::new();
    folder.shared("book.bin", 10);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let (part, victim) = (here.join(".book.bin.part"), folder.path().join("victim"));
    std::os::unix::fs::symlink(&victim, &part).expect("a link");
    let ended = got(&server, &here, &["book.bin"]).expect(8);
    assert!(ended.stderr.contains("a symbolic link"), "{ended:?}");
    std::fs::remove_file(&part).expect("removed");
    std::fs::create_dir(&part).expect("a folder");
    let ended = got(&server, &here, &["book.bin"]).expect(8);
    assert!(ended.stderr.contains("remove it"), "{ended:?}");
    assert!(!victim.exists() && !here.join("book.bin").exists());
}

#[test]
fn the_longest_names_arrive() {
    let folder = Folder::new();
    let name = "n".repeat(255);
    let bytes = folder.shared(&name, 10);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    got(&server, &here, &[&name]).expect(0);
    got(&server, &here, &[&name, "--rename"]).expect(0);
    assert_eq!(std::fs::read(here.join(&name)).expect("there"), bytes);
    assert_eq!(std::fs::read_dir(&here).expect("a folder").count(), 2);
}

#[test]
fn a_download_that_timed_out_was_not_stopped_by_its_user() {
    let folder = Folder::new();
    folder.shared("book.bin", 10);
    // Nobody is there: what is sent is lost.
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let config = folder.path().join("backchat.toml");
    let advertise = format!("advertise = '{}'\n", nobody.local_addr().expect("an address"));
    std::fs::write(&config, advertise).expect("written");
    let server = Server::with(server().arg("--share").arg(folder.share()).arg("--config").arg(&config));
    let ended = got(&server, &folder.here(), &["book.bin", "--timeout", "1s"]).expect(6);
    assert!(!ended.stderr.contains("stopped") && ended.stderr.lines().count() == 1, "{ended:?}");
    let ended = got(&server, &folder.here(), &["book.bin", "--timeout", "1s", "--json"]).expect(6);
    assert_eq!(
        (&ended.json()["reason"], ended.stdout.lines().count()),
        (&"timed-out".into(), 1),
        "{ended:?}"
    );
}

#[test]
fn a_fixed_window_and_every_other_option_that_is_built_works() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 300_000);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let args = [
        "book.bin",
        "--congestion",
        "fixed:16",
        "--recovery",
        "go-back-n",
        "--limit-rate",
        "1Gbit/s",
        "--no-resume",
    ];
    got(&server, &here, &args).expect(0);
    assert_eq!(std::fs::read(here.join("book.bin")).expect("there"), bytes);
}

#[test]
fn a_closed_standard_output_ends_a_download_without_a_word() {
    let folder = Folder::new();
    folder.shared("book.bin", LARGE);
    let (server, here) = (Server::sharing(&folder.share()), folder.here());
    let mut command = get(&server, &here, &["book.bin", "-o", "-"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ends");
    assert_eq!(ended.status.code(), Some(8));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
