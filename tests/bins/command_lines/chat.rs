//! The chat in plain lines and in JSON.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::program::{Folder, PATIENCE, Program, Server, run_with};

#[test]
fn people_see_each_other_come_talk_and_go() {
    let server = Server::bare();
    let mut ann = server.join("ann");
    let mut bob = server.join("bob");
    let mut eve = server.join("eve");
    ann.line("-- bob joined");
    ann.line("-- eve joined");
    bob.write("hello\n/me waves\n");
    ann.line(" bob: hello");
    ann.line(" * bob waves");
    bob.line(" bob: hello");
    ann.write("to bob psst\n/tell bob again\nto be or not to be\n");
    bob.line(" ann -> bob: psst");
    bob.line(" ann -> bob: again");
    bob.line(" ann: to be or not to be");
    bob.write("/nick robert\nnicknames\n");
    ann.line("-- bob is now robert");
    bob.line("-- here: ann, eve, robert");
    bob.write("/quit\n");
    bob.end().expect(0);
    ann.line("-- robert left");
    eve.line("-- robert left");
    eve.write("/quit\n");
    let seen = eve.end().expect(0).stdout;
    assert!(seen.contains(" ann: to be or not to be") && !seen.contains("psst"), "{seen}");
}

#[test]
fn who_comes_later_sees_what_was_said_marked_as_earlier() {
    let server = Server::bare();
    run_with(&mut server.client(&["--nick", "ann"]), "hello\n").expect(0);
    let ended = run_with(&mut server.client(&["--nick", "bob", "--history", "5"]), "").expect(0);
    assert!(ended.stdout.contains("(earlier) ann: hello"), "{ended:?}");
    // A user who pipes text in wants it said, and has not asked for the history.
    let ended = run_with(&mut server.client(&["--nick", "bob"]), "x\n").expect(0);
    assert!(!ended.stdout.contains("(earlier)") && ended.stdout.contains("bob: x"), "{ended:?}");
    // A program is told what it can tell apart.
    let ended = run_with(&mut server.client(&["--nick", "bob", "--json"]), "").expect(0);
    assert!(ended.stdout.contains(r#""backlog":true"#), "{ended:?}");
}

#[test]
fn piped_lines_are_paced_and_none_is_lost() {
    let server = Server::bare();
    let mut ann = server.join("ann");
    let lines: Vec<String> = (0..12).map(|number| format!("line {number}")).collect();
    let ended = run_with(&mut server.client(&["--nick", "bob"]), &lines.join("\n")).expect(0);
    for line in &lines {
        ann.line(&format!("bob: {line}"));
    }
    assert!(!ended.stdout.contains("!!"), "{ended:?}");
}

#[test]
fn a_mistyped_command_is_never_said() {
    let server = Server::bare();
    let mut ann = server.join("ann");
    let ended = run_with(&mut server.client(&["--nick", "bob"]), "/nmaes\n//names\n").expect(0);
    assert!(ended.stdout.contains("did you mean /names?"), "{ended:?}");
    ann.line("bob joined");
    let said = ann.line("bob");
    assert!(said.ends_with("bob: /names"), "{said}");
}

#[test]
fn a_line_that_is_too_long_is_refused_and_never_cut() {
    let server = Server::bare();
    let input = format!("{}\n{}\nshort\n", "x".repeat(5000), "y".repeat(100_000));
    let ended = run_with(&mut server.client(&["--nick", "bob"]), &input).expect(0);
    assert!(ended.stdout.contains("text is 5000 bytes, at most 4096 fit"), "{ended:?}");
    assert!(ended.stdout.contains("a line of 100000 bytes was not sent, at most 4096 fit"), "{ended:?}");
    assert!(ended.stdout.contains("bob: short") && !ended.stdout.contains("bob: x"), "{ended:?}");
}

#[test]
fn downloads_run_beside_the_chat() {
    let folder = Folder::new();
    let bytes = folder.shared("my book.bin", 300_000);
    let server = Server::sharing(&folder.share());
    let mut command = server.client(&["--nick", "ann"]);
    let mut ann = Program::start(command.current_dir(folder.here()));
    ann.write("files\n");
    ann.line("my book.bin");
    ann.write("download my book.bin\n/get 'my book.bin' -o 'other one'\n/get none.bin\nhello\n");
    ann.line("there is no such file");
    ann.close_input();
    let ended = ann.end().expect(0);
    assert!(ended.stdout.contains("ann: hello"), "{ended:?}");
    for name in ["my book.bin", "other one"] {
        assert_eq!(std::fs::read(folder.here().join(name)).expect("there"), bytes, "{ended:?}");
    }
}

#[test]
fn a_download_can_be_held_go_on_and_be_stopped() {
    let folder = Folder::new();
    // At this rate it would take more than a minute.
    let bytes = folder.shared("book.bin", 8_000_000);
    let server = Server::sharing(&folder.share());
    let mut command = server.client(&["--nick", "ann", "--json"]);
    let mut ann = Program::start(command.current_dir(folder.here()));
    ann.write("{\"type\":\"get\",\"file\":\"book.bin\",\"limit_rate\":\"100K\",\"id\":\"mine\"}\n");
    ann.line("\"progress\"");
    ann.write("{\"type\":\"pause\"}\n");
    ann.line("\"paused\"");
    ann.write("{\"type\":\"resume\",\"file\":\"book.bin\"}\n");
    ann.line("\"resumed\"");
    ann.write("{\"type\":\"stop\"}\n");
    let failed = ann.line("\"failed\"");
    assert!(failed.contains("\"id\":\"mine\"") && failed.contains("\"reason\":\"stopped\""), "{failed}");
    ann.write("{\"type\":\"get\",\"file\":\"book.bin\"}\n");
    let done = ann.line("\"downloaded\"");
    assert!(!done.contains("\"resumed_from\":0,"), "{done}");
    ann.close_input();
    ann.end().expect(0);
    assert_eq!(std::fs::read(folder.here().join("book.bin")).expect("there"), bytes);
}

#[test]
fn json_is_one_object_a_line_with_the_frames_of_the_wire() {
    let server = Server::bare();
    let input = "{\"type\":\"say\",\"text\":\"hello\",\"id\":7}\n{\"type\":\"names\",\"id\":\"n\"}\n{\"type\":\"dance\"}\nnonsense\n";
    let ended = run_with(&mut server.client(&["--json", "--nick", "ann"]), input).expect(0);
    let events: Vec<serde_json::Value> =
        ended.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let has = |pairs: &[(&str, serde_json::Value)]| {
        events.iter().any(|event| pairs.iter().all(|(key, value)| event[key] == *value))
    };
    assert!(has(&[("type", "welcome".into()), ("nick", "ann".into())]), "{events:?}");
    assert!(has(&[("type", "accepted".into()), ("id", 7.into())]), "{events:?}");
    assert!(has(&[("type", "message".into()), ("text", "hello".into())]), "{events:?}");
    assert!(has(&[("type", "names".into()), ("id", "n".into())]), "{events:?}");
    assert!(has(&[("type", "error".into()), ("code", "unknown-type".into())]), "{events:?}");
    assert!(has(&[("type", "error".into()), ("code", "bad-frame".into())]), "{events:?}");
    assert!(events.iter().all(|event| event["type"].is_string()), "{events:?}");
}

#[test]
fn plain_sockets_take_part_and_cannot_send_escapes() {
    let server = Server::bare();
    let mut ann = server.join("ann");
    let mut stream = TcpStream::connect(&server.chat).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
        .write_all(b"{\"type\":\"join\",\"nick\":\"nc\"}\n{\"type\":\"say\",\"text\":\"two\\nlines \xe2\x80\xaetxt\"}\n")
        .expect("written");
    let line = ann.line("nc: ");
    assert!(line.ends_with("nc: two\\nlines \\u{202e}txt"), "{line}");
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).expect("a line");
    assert!(first.contains("\"welcome\""), "{first}");
    drop(reader);
    ann.line("nc left");
}

#[test]
fn an_interrupt_leaves_with_its_code() {
    let server = Server::bare();
    let mut bob = server.join("bob");
    let ann = server.join("ann");
    ann.signal("INT");
    ann.end().expect(130);
    bob.line("ann left");
}

#[test]
fn a_server_that_ends_for_good_is_a_lost_connection() {
    let server = Server::bare();
    let mut command = server.client(&["--plain", "--nick", "ann", "--timeout", "1s"]);
    let mut ann = Program::start(&mut command);
    ann.line("-- here: ");
    server.program.signal("KILL");
    ann.line("-- trying again in ");
    let ended = ann.end().expect(5);
    assert!(ended.stderr.contains(&server.chat), "{ended:?}");
}

#[test]
fn an_interrupt_in_the_chat_says_how_its_downloads_go_on() {
    let folder = Folder::new();
    folder.shared("book.bin", 8_000_000);
    let server = Server::sharing(&folder.share());
    let mut command = server.client(&["--nick", "ann"]);
    let mut ann = Program::start(command.current_dir(folder.here()));
    ann.write("/get book.bin -o 'my book' --limit-rate 100K --no-resume\n");
    ann.line("book.bin: 7.63 MiB to my book");
    // Asked until something of it is there.
    loop {
        ann.write("/stats\n");
        if !ann.line("-- book.bin: ").contains("-- book.bin: 0 B of") {
            break;
        }
    }
    ann.signal("INT");
    let ended = ann.end().expect(130);
    let line = ended.stdout.lines().find_map(|line| line.split_once("to go on: ")).expect("a command").1;
    assert_eq!(
        line,
        format!("backchat-client --server {} get book.bin -o 'my book' --limit-rate 800kbit/s", server.chat)
    );
}

#[test]
fn a_download_goes_on_after_its_server_was_stopped_for_a_while_that_the_chat_did_not_notice() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 8_000_000);
    let server = Server::sharing(&folder.share());
    let mut command = server.client(&["--nick", "ann", "--json", "--timeout", "1s"]);
    let mut ann = Program::start(command.current_dir(folder.here()));
    ann.write("{\"type\":\"get\",\"file\":\"book.bin\",\"limit_rate\":\"3M\"}\n");
    ann.line("\"progress\"");
    server.program.signal("STOP");
    ann.line("\"interrupted\"");
    server.program.signal("CONT");
    let done = ann.line("\"downloaded\"");
    assert!(!done.contains("\"resumed_from\":0,"), "{done}");
    ann.close_input();
    ann.end().expect(0);
    assert_eq!(std::fs::read(folder.here().join("book.bin")).expect("there"), bytes);
}

#[test]
fn downloads_wait_for_their_turn_and_none_is_refused() {
    let folder = Folder::new();
    let gets: Vec<String> =
        (0..40).map(|n| format!("/get {n}.bin -d '{}'", folder.path().display())).collect();
    for n in 0..40 {
        folder.shared(&format!("{n}.bin"), 3000);
    }
    let server = Server::sharing(&folder.share());
    let ended = run_with(&mut server.client(&["--nick", "bob"]), &gets.join("\n")).expect(0);
    assert!(!ended.stdout.contains("!!"), "{ended:?}");
    assert_eq!(ended.stdout.matches("saved as").count(), 40, "{ended:?}");
}

#[test]
fn what_was_not_done_when_its_user_leaves_is_no_success() {
    let folder = Folder::new();
    folder.shared("big.bin", 50_000_000);
    let server = Server::sharing(&folder.share());
    let get = format!("/get big.bin --limit-rate 1K -d '{}'\n/quit\n", folder.path().display());
    run_with(&mut server.client(&["--nick", "bob"]), &get).expect(1);
    // Lines before `/quit` are taken by the server before the client leaves.
    let lines: String = (0..12).map(|n| format!("line {n}\n")).collect();
    let ended = run_with(&mut server.client(&["--nick", "bob"]), &(lines + "/quit\n")).expect(0);
    assert!(ended.stdout.contains("bob: line 11"), "{ended:?}");
}

#[test]
fn standard_input_that_cannot_be_read_is_a_failure() {
    let server = Server::bare();
    let folder = std::fs::File::open(std::env::temp_dir()).expect("a folder");
    let mut client = server.client(&["--nick", "bob"]);
    let ended = client.stdin(folder).output().expect("it starts");
    assert_eq!(ended.status.code(), Some(8), "{ended:?}");
    assert!(String::from_utf8_lossy(&ended.stdout).contains("cannot read standard input"), "{ended:?}");
}
