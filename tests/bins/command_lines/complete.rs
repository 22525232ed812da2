//! What a shell offers while one types.

use std::time::{Duration, Instant};

use super::program::{Folder, Server, client, run, server};

/// What is offered at the end of this line, as `shell` takes it.
fn offered(shell: &str, line: &str) -> Vec<String> {
    let ended = run(client().args(["complete", shell, "--", line])).expect(0);
    assert_eq!(ended.stderr, "");
    ended.stdout.lines().map(str::to_owned).collect()
}

const NAMES: [&str; 6] = ["-rf", "bang!", "book.bin", "it's \"q\" $x*", "my book.bin", "tab~#é"];

fn shared() -> (Folder, Server) {
    let folder = Folder::new();
    for name in NAMES {
        folder.shared(name, 1);
    }
    let server = Server::sharing(&folder.share());
    (folder, server)
}

#[test]
fn names_of_the_server_are_offered_where_they_belong() {
    let (_folder, server) = shared();
    let chat = &server.chat;
    let ask = |words: &str| offered("zsh", &format!("backchat-client --server {chat} {words}"));
    assert_eq!(ask("get "), NAMES[1..]);
    assert_eq!(ask("get -- "), NAMES);
    assert_eq!(ask("get 'my b"), ["my book.bin"]);
    assert_eq!(ask("get b"), ["bang!", "book.bin"]);
    assert_eq!(ask("get book.bin "), [""; 0]);
    let _ann = server.join("ann");
    assert_eq!(ask("tell "), ["ann"]);
    assert_eq!(ask("tell ann "), [""; 0]);
    // The server that is named last is the one that is asked.
    assert_eq!(ask(&format!("tell --server={chat} a")), ["ann"]);
    assert_eq!(ask("--server 127.0.0.1:1 tell "), [""; 0]);
    assert_eq!(run(&mut server.client(&["names"])).expect(0).stdout, "ann\n");
}

#[test]
fn what_needs_no_server_is_offered_without_one() {
    for (words, expected) in [
        ("get x --congestion ", &["classic", "fixed:"][..]),
        ("get x --congestion=c", &["--congestion=classic"]),
        ("get x --recovery ", &["go-back-n"]),
        ("--server 1", &["127.0.0.1:55000"]),
        (
            "--color a",
            &[
                "auto\tWhere a terminal shows them and nothing in the environment is against it",
                "always\tAlways",
            ],
        ),
        ("get x -d ", &["\tfolders\t"]),
        ("get x --dir=a", &["\tfolders\t--dir="]),
        ("get x -o ", &["\tfiles\t"]),
        ("comp", &["completions\tPrint completions for a shell"]),
        ("say ", &[]),
        ("--nick ", &[]),
    ] {
        assert_eq!(offered("fish", &format!("backchat-client {words}")), expected, "{words}");
    }
    assert_eq!(
        run(client().args(["complete", "bash", "--", "backchat-client ge", "ge"])).expect(0).stdout,
        "get\n"
    );
    let line = "backchat-server ctl --sta";
    assert_eq!(
        run(server().args(["complete", "bash", "--", line, "--sta"])).expect(0).stdout,
        "--state-dir\n"
    );
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let began = Instant::now();
    assert_eq!(offered("bash", &format!("backchat-client --server {address} get ")), [""; 0]);
    // Far from both a second and the minute that a command would wait.
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
}

#[cfg(unix)]
#[test]
fn bash_inserts_a_name_so_that_it_means_the_file() {
    use super::generate::with_tool;
    let (_folder, server) = shared();
    let script = run(client().args(["completions", "bash"])).expect(0).stdout;
    let program = client().get_program().to_string_lossy().into_owned();
    for (typed, replaced, completed) in [
        ("get my", "my", "my\\ book.bin"),
        ("get \"my", "my", "my book.bin"),
        ("get it", "it", "it\\'s\\ \\\"q\\\"\\ \\$x\\*"),
        ("get 'it", "it", "it'\\''s \"q\" $x*"),
        ("get ban", "ban", "bang\\!"),
        ("get -- -", "-", "-rf"),
        ("get x --limi", "--limi", "--limit-rate"),
        ("get x --congestion=fi", "fi", "fixed:"),
    ] {
        let line = format!("backchat-client --server {} {typed}", server.chat);
        let quoted = shlex::try_quote(&line).expect("no NUL");
        let ask = format!(
            "COMP_LINE={quoted}; COMP_POINT=${{#COMP_LINE}}; _backchat_client {program} {} ''\n\
             printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
            shlex::try_quote(replaced).expect("no NUL"),
        );
        let Some(answer) = with_tool("bash", &["--norc"], &format!("{script}\n{ask}")) else { return };
        assert_eq!(answer.expect(0).stdout.trim_end(), completed, "{typed}");
    }
}
