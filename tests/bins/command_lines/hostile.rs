//! A server that sends what a terminal would act on, to every command and mode: none of it comes out.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;

use backchat_core::text::is_hidden;

use super::program::{Ended, Folder, client, run};

/// OSC 52 (writes the clipboard), a title, cleared lines, C1, bidi, a zero-width space, and a line of its own. In JSON.
const HURTS: &str =
    r"\u001b]52;c;ZXZpbA==\u0007\u001b]0;x\u001b\\\u001b[2J\u001b[1A\u009b2K\u202e\u200b\u2028\r\nINJECTED";

/// When the server says what hurts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// It refuses whoever comes, to join or to ask.
    AtOnce,
    /// It lets them in, and refuses what is asked next.
    AtTheRequest,
    /// It lets them in, says and lists something, and throws them out.
    InTheMiddle,
}

/// Serves one client.
fn serve(listener: TcpListener, when: When) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let lines = BufReader::new(stream.try_clone().expect("a descriptor")).lines();
        let mut lines = lines.map_while(Result::ok);
        for line in lines.by_ref() {
            let request: serde_json::Value = serde_json::from_str(&line).expect("a frame");
            let id = format!(r#""id":{}"#, request["id"]);
            if request["type"] == "leave" || !answer(&stream, request["type"] == "join", &id, when) {
                break;
            }
        }
        // A socket that is closed with something unread resets the connection, and the client may lose what was said.
        let _ = stream.shutdown(Shutdown::Write);
        lines.for_each(drop);
    })
}

/// Answers a request; says whether it goes on.
fn answer(stream: &TcpStream, is_join: bool, id: &str, when: When) -> bool {
    let mut stream = stream;
    let mut send = |frame: String| stream.write_all(format!("{frame}\n").as_bytes()).is_ok();
    let refusal = format!(r#"{{"type":"error",{id},"code":"x{HURTS}","message":"{HURTS}"}}"#);
    if !is_join || when == When::AtOnce {
        return send(refusal);
    }
    send(format!(
        r#"{{"type":"welcome",{id},"protocol":1,"nick":"ann","epoch":"0011223344556677","number":0,"resumed":false,"motd":"{HURTS}"}}"#
    ));
    if when == When::AtTheRequest {
        return true;
    }
    for frame in [
        r#"{"type":"message","number":1,"at":"2026-11-22T12:00:00Z","from":"eve","text":"HURTS"}"#,
        r#"{"type":"message","number":2,"at":"2026-11-22T12:00:00Z","from":"eve","text":"HURTS","action":true}"#,
        r#"{"type":"private","number":3,"at":"2026-11-22T12:00:00Z","from":"eve","to":"ann","text":"HURTS"}"#,
        r#"{"type":"left","nick":"eve","reason":"HURTS"}"#,
        r#"{"type":"notice","text":"HURTS"}"#,
        r#"{"type":"closing","reason":"HURTS"}"#,
        r#"{"type":"error","code":"kicked","message":"HURTS"}"#,
    ] {
        send(frame.replace("HURTS", HURTS));
    }
    false
}

/// Runs a client against such a server, and returns its exit code and output.
fn meet(when: When, args: &[&str]) -> Ended {
    let folder = Folder::new();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = serve(listener, when);
    let mut command = client();
    command.args(["--server", &address, "--timeout", "10s"]).args(args).current_dir(folder.here());
    let ended = run(&mut command);
    server.join().expect("no panic");
    ended
}

#[test]
fn nothing_of_a_hostile_server_reaches_the_terminal() {
    let ways: [&[&str]; 7] = [
        &["say", "hello", "--nick", "ann"],
        &["tell", "bob", "psst", "--nick", "ann"],
        &["get", "book.bin"],
        &["names"],
        &["files"],
        &["--plain", "--nick", "ann"],
        &["get", "book.bin", "-o", "-"],
    ];
    for args in ways {
        for when in [When::AtOnce, When::AtTheRequest, When::InTheMiddle] {
            let joins = args.contains(&"--nick");
            let is_chat = args.contains(&"--plain");
            if (!joins && when != When::AtOnce) || (is_chat && when == When::AtTheRequest) {
                continue;
            }
            for style in [&[][..], &["--json"]] {
                let args: Vec<&str> = args
                    .iter()
                    .chain(style)
                    .copied()
                    .filter(|it| !(is_chat && !style.is_empty() && *it == "--plain"))
                    .collect();
                let ended = meet(when, &args);
                for output in [&ended.stdout, &ended.stderr] {
                    let acts = |c: char| c != '\n' && is_hidden(c);
                    assert!(!output.contains(acts), "{args:?} {when:?}: {ended:?}");
                    assert!(
                        !output.lines().any(|line| line.starts_with("INJECTED")),
                        "{args:?} {when:?}: {ended:?}"
                    );
                }
                let said = format!("{}{}", ended.stdout, ended.stderr);
                assert!(said.contains("INJECTED") && ended.code != Some(0), "{args:?} {when:?}: {ended:?}");
            }
        }
    }
}
