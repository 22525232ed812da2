//! backchat-client: the one-shot commands and everything that goes wrong.

use std::net::{TcpListener, UdpSocket};

use super::program::{Folder, Server, client, run};

#[test]
fn files_are_listed_as_a_table_and_as_json() {
    let folder = Folder::new();
    folder.shared("b.bin", 1234);
    folder.shared("a file.txt", 7);
    let server = Server::sharing(&folder.share());
    let table = run(&mut server.client(&["files"])).expect(0);
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("   7  20") && lines[0].ends_with("Z  a file.txt"), "{table:?}");
    assert!(lines[1].starts_with("1234  20") && lines[1].ends_with("Z  b.bin"), "{table:?}");
    let json = run(&mut server.client(&["files", "--json"])).expect(0).json();
    assert_eq!((&json[0]["name"], &json[0]["size"]), (&"a file.txt".into(), &7.into()));
    assert!(json[0]["modified"].as_str().expect("a time").ends_with('Z'));
    assert_eq!(json.as_array().map(Vec::len), Some(2));
}

#[test]
fn names_lists_who_is_here_and_does_not_join() {
    let server = Server::bare();
    assert_eq!(run(&mut server.client(&["names"])).expect(0).stdout, "");
    assert_eq!(run(&mut server.client(&["names", "--json"])).expect(0).stdout, "[]\n");
    let mut ann = server.join("ann");
    assert_eq!(run(&mut server.client(&["names"])).expect(0).stdout, "ann\n");
    assert_eq!(run(&mut server.client(&["--json", "names"])).expect(0).stdout, "[{\"nick\":\"ann\"}]\n");
    // Nobody noticed.
    ann.write("hello\n");
    let line = ann.line(" ");
    assert!(line.contains("ann: hello"), "{line}");
}

#[test]
fn say_and_tell_arrive_and_exit_when_they_were_taken() {
    let server = Server::bare();
    let mut ann = server.join("ann");
    let mut bob = server.join("bob");
    run(&mut server.client(&["say", "hello all", "--nick", "bot"])).expect(0);
    ann.line("bot: hello all");
    bob.line("bot: hello all");
    run(server.client(&["tell", "ann", "psst"]).env("BACKCHAT_NICK", "env")).expect(0);
    ann.line("env -> ann: psst");
    let ended = run(&mut server.client(&["say", "x", "--json", "--nick", "bot"])).expect(0);
    assert_eq!(ended.json()["type"], "accepted");
    bob.write("/quit\n");
    let seen = bob.end().expect(0).stdout;
    assert!(!seen.contains("psst"), "{seen}");
}

#[test]
fn without_a_nickname_it_is_the_login_name() {
    let server = Server::bare();
    let mut ann = server.join("ann");
    run(&mut server.client(&["say", "hello"])).expect(0);
    ann.line(": hello");
}

#[test]
fn nobody_and_a_taken_nickname_have_their_codes() {
    let server = Server::bare();
    let _ann = server.join("ann");
    let ended = run(&mut server.client(&["tell", "nobody", "psst", "--nick", "bot"])).expect(3);
    assert!(ended.stderr.contains("nobody"), "{ended:?}");
    let ended = run(&mut server.client(&["tell", "two words", "psst", "--nick", "bot"])).expect(3);
    assert!(ended.stderr.contains("two words"), "{ended:?}");
    for command in [&["say", "x"][..], &[]] {
        let ended = run(server.client(command).args(["--nick", "ANN"])).expect(4);
        assert_eq!(ended.stderr.matches("ANN2").count(), 1, "{ended:?}");
    }
    let ended = run(&mut server.client(&["say", "x", "--nick", "ann", "--json"])).expect(4);
    assert_eq!((&ended.json()["type"], &ended.json()["exit_code"]), (&"failed".into(), &4.into()));
}

#[test]
fn a_text_that_is_too_long_is_refused_with_the_limit() {
    let server = Server::bare();
    for (bytes, limit) in [(5_000, "4096"), (20_000, "15360")] {
        let ended = run(&mut server.client(&["say", &"x".repeat(bytes), "--nick", "bot"])).expect(4);
        assert!(ended.stderr.contains(limit), "{ended:?}");
    }
}

#[test]
fn a_wrong_command_line_is_a_usage_error_before_anything_happens() {
    for args in [
        &["dance"][..],
        &["get"],
        &["say"],
        &["tell", "bob"],
        &["--plain", "--json"],
        &["--timeout", "10"],
        &["--server", "nonsense:port", "names"],
        &["--server", "::1:x", "names"],
        &["--nick", "two words"],
        &["get", "x", "--recovery", "selective"],
        &["get", "x", "--congestion", "newreno"],
        &["get", "x", "--congestion", "cubic"],
        &["get", "x", "--congestion", "bbr"],
        &["get", "x", "--congestion", "fixed:0"],
        &["get", "x", "--limit-rate", "fast"],
        &["get", "x", "-o", "a", "-d", "b"],
        &["get", "x", "--force", "--rename"],
    ] {
        let ended = run(client().args(args)).expect(2);
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{args:?}: {ended:?}");
    }
    for name in ["selective", "newreno", "cubic", "bbr"] {
        let option = if name == "selective" { "--recovery" } else { "--congestion" };
        let ended = run(client().args(["get", "x", option, name])).expect(2);
        assert!(ended.stderr.contains(&format!("{name} is not in this build")), "{ended:?}");
    }
    run(client().arg("names").env("BACKCHAT_SERVER", ":1")).expect(2);
    run(client().arg("names").env("BACKCHAT_TIMEOUT", "0s")).expect(2);
    run(client().args(["say", "x"]).env("BACKCHAT_NICK", "two words")).expect(2);
}

#[test]
fn help_lists_the_exit_codes_and_every_command() {
    let help = run(client().arg("--help")).expect(0);
    for part in
        ["names", "files", "say", "tell", "get", "--server", "--timeout", "130  interrupted", "BACKCHAT_NICK"]
    {
        assert!(help.stdout.contains(part), "{part}");
    }
    let get = run(client().args(["get", "--help"])).expect(0);
    for part in [
        "--output",
        "--dir",
        "--force",
        "--rename",
        "--skip-existing",
        "--no-resume",
        "--limit-rate",
        "fixed:N",
    ] {
        assert!(get.stdout.contains(part), "{part}");
    }
    run(client().arg("--version")).expect(0);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let folder = Folder::new();
    // A port that was free a moment ago, and that nobody listens on.
    let address =
        TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    for command in [&["names"][..], &["say", "x", "--nick", "ann"], &["get", "x"], &["--nick", "ann"]] {
        let mut client = client();
        client.args(["--server", &address.to_string()]).args(command).current_dir(folder.here());
        let ended = run(&mut client).expect(5);
        assert!(ended.stderr.contains(&address.to_string()), "{command:?}: {ended:?}");
    }
    let mut client_of_json = client();
    client_of_json.args(["--server", &address.to_string(), "get", "x", "--json"]).current_dir(folder.here());
    let ended = run(&mut client_of_json).expect(5);
    assert_eq!((&ended.json()["reason"], &ended.json()["exit_code"]), (&"lost".into(), &5.into()));
    let ended = run(client().args(["--server", "no-such-host.invalid", "names"])).expect(5);
    assert!(ended.stderr.contains("no-such-host.invalid"), "{ended:?}");
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let folder = Folder::new();
    // It accepts connections, for the kernel does, and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    for command in [&["names"][..], &["say", "x", "--nick", "ann"], &["get", "x"]] {
        let mut client = client();
        client.args(["--server", &address, "--timeout", "200ms"]).args(command).current_dir(folder.here());
        let ended = run(&mut client).expect(6);
        assert!(ended.stderr.contains(&address), "{command:?}: {ended:?}");
    }
}

#[test]
fn a_server_of_another_version_is_named_and_left() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = other.local_addr().expect("an address").to_string();
    let speaker = std::thread::spawn(move || {
        let welcome = br#"{"type":"welcome","protocol":2,"nick":"ann","epoch":"0011223344556677","number":0,"resumed":false}"#;
        for _ in 0..2 {
            let (mut stream, _) = other.accept().expect("a client");
            std::io::Write::write_all(&mut stream, welcome).expect("written");
            std::io::Write::write_all(&mut stream, b"\n").expect("written");
            // Until the client goes.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        }
    });
    for command in [&["say", "hello", "--nick", "ann"][..], &["--plain", "--nick", "ann"]] {
        let ended = run(client().args(["--server", &address]).args(command)).expect(4);
        assert!(ended.stderr.contains("version 2 of the protocol"), "{ended:?}");
    }
    speaker.join().expect("no panic");
}

#[test]
fn a_client_of_another_version_is_told_so() {
    let server = Server::bare();
    let mut stream = std::net::TcpStream::connect(&server.chat).expect("connected");
    let join = b"{\"type\":\"join\",\"nick\":\"ann\",\"protocol\":2}\n{\"type\":\"join\",\"nick\":\"ann\",\"protocol\":1}\n";
    std::io::Write::write_all(&mut stream, join).expect("written");
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stream));
    let mut next = || lines.next().expect("an answer").expect("text");
    let (refused, welcome) = (next(), next());
    assert!(
        refused.contains(r#""code":"another-version""#) && refused.contains("not version 2"),
        "{refused}"
    );
    assert!(welcome.contains(r#""type":"welcome""#), "{welcome}");
}

#[test]
fn another_kind_of_server_is_no_reason_to_panic() {
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = other.local_addr().expect("an address").to_string();
    let speaker = std::thread::spawn(move || {
        let (mut stream, _) = other.accept().expect("a client");
        std::io::Write::write_all(&mut stream, b"220 mail.example ESMTP\r\n\x00\xff{}\n").expect("written");
    });
    let ended = run(client().args(["--server", &address, "names"])).expect(5);
    speaker.join().expect("no panic");
    assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    // And UDP is nobody's business here.
    drop(UdpSocket::bind("127.0.0.1:0"));
}

#[test]
fn a_closed_output_ends_quietly() {
    let folder = Folder::new();
    for number in 0..2000 {
        folder.shared(&format!("{number:0100}.bin"), 1);
    }
    let server = Server::sharing(&folder.share());
    let mut command = server.client(&["files"]);
    let mut child = command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ends");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
