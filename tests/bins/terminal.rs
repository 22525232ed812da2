//! The client that people see: the real program in a pseudo-terminal, with a real server.

#![cfg(unix)]

#[expect(dead_code, reason = "the tests of command lines use more of it")]
#[path = "command_lines/program.rs"]
mod program;
#[path = "terminal/screen.rs"]
mod screen;

use std::path::Path;

use portable_pty::CommandBuilder;

use program::{Folder, Server};
use screen::{Takes, Terminal};

/// A client in a folder, with nothing of this machine's environment.
fn client(server: &str, nick: &str, folder: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_backchat-client"));
    command.args(["--server", server, "--nick", nick]);
    command.env_clear();
    command.env("TERM", "xterm-256color");
    command.env("HOME", folder);
    command.cwd(folder);
    command
}

fn joined(server: &Server, nick: &str, folder: &Folder) -> Terminal {
    let terminal = Terminal::run(client(&server.chat, nick, &folder.here()), 100, 24);
    terminal.shows(&format!("joined as {nick}"));
    terminal.shows("1 here");
    terminal
}

#[test]
fn people_join_talk_complete_and_leave() {
    let (folder, server) = (Folder::new(), Server::bare());
    let mut ann = joined(&server, "ann", &folder);
    let mut bob = server.join("bob");
    ann.shows("bob joined");
    bob.write("hello ann\n");
    ann.shows("bob: hello ann");
    // Tab makes the nickname whole, Control and arrows move, and what is sent arrives.
    ann.types("b\thi\x01oh \x05!\r");
    bob.line(" ann: oh bob: hi!");
    ann.types("/nmaes\r");
    ann.shows("did you mean /names?");
    // The draft stays to be mended. The screen can be painted anew.
    ann.types("\x15\x0c");
    ann.until("an empty line", |screen| screen.trim_end().ends_with('>'));
    ann.types("\x03");
    ann.shows("leave?");
    ann.types("y");
    let (code, _) = ann.ends();
    assert_eq!(code, 0);
    bob.line("ann left");
}

#[test]
fn a_download_has_its_bar_and_is_seen_from_inside() {
    let folder = Folder::new();
    let bytes = folder.shared("my book.bin", 6_000_000);
    let server = Server::sharing(&folder.share());
    let mut ann = joined(&server, "ann", &folder);
    ann.shows("1 file");
    ann.types("/get m\t --limit-rate 1M\r");
    ann.shows(" %  ");
    ann.types("\x1bOQ");
    ann.shows("what was seen here");
    ann.shows("measured at this end");
    ann.types("\x1bOQ");
    ann.shows("> ");
    ann.types("/pause\r");
    ann.shows("held: /resume, /stop");
    ann.types("/stop\r");
    ann.shows("to go on: /get 'my book.bin'");
    ann.types("/get 'my book.bin'\r");
    ann.shows("6,000,000 bytes in");
    // One that is over can be looked at too.
    ann.types("\x1bOQ");
    ann.shows("complete: ");
    ann.types("/quit\r");
    assert_eq!(ann.ends().0, 0);
    assert_eq!(std::fs::read(folder.here().join("my book.bin")).expect("there"), bytes);
}

#[test]
fn a_window_of_any_size_keeps_its_cursor_in_the_line() {
    let (folder, server) = (Folder::new(), Server::bare());
    let mut ann = joined(&server, "ann", &folder);
    ann.types("日本語 e\u{301}x");
    ann.has_cursor_at(2 + 6 + 1 + 2, 23);
    ann.resize(40, 10);
    ann.has_cursor_at(11, 9);
    ann.until("narrow", |screen| screen.contains("日本語") && !screen.contains("│ 1 here"));
    ann.resize(120, 30);
    ann.has_cursor_at(11, 29);
    ann.shows("1 here");
    ann.signal("TERM");
    assert_eq!(ann.ends().0, 130);
}

#[test]
fn many_pasted_lines_are_one_question_and_never_run() {
    let (folder, server) = (Folder::new(), Server::bare());
    let mut bob = server.join("bob");
    let mut ann = Terminal::run(client(&server.chat, "ann", &folder.here()), 100, 24);
    ann.shows("2 here");
    ann.types("\x1b[200~/quit\nfirst\nsecond\x1b[201~");
    ann.shows("paste 3 lines?");
    ann.types("s");
    bob.line(r" ann: /quit\nfirst\nsecond");
    // Without brackets, too.
    ann.types("/quit\r\r\rthird\r");
    ann.shows("paste 4 lines?");
    ann.types("s");
    bob.line(r" ann: /quit\n\n\nthird");
    ann.types("\x1b[200~/home/ann/a file.txt\x1b[201~");
    ann.shows("is not sent");
    ann.types("\r");
    ann.shows("> //home/ann");
    ann.types("\r");
    bob.line(" ann: /home/ann/a file.txt");
    ann.types("/quit\r");
    assert_eq!(ann.ends().0, 0);
}

#[test]
fn a_server_that_is_lost_is_waited_for_and_nothing_typed_is_lost() {
    let (folder, server) = (Folder::new(), Server::bare());
    let mut ann = joined(&server, "ann", &folder);
    ann.types("half a thou");
    ann.shows("half a thou");
    let port = server.chat.rsplit(':').next().expect("a port").to_owned();
    drop(server);
    ann.shows("not connected, again in");
    let mut again = program::server();
    again.args(["--listen", &format!("127.0.0.1:{port}"), "--udp", "127.0.0.1:0"]);
    let mut again = program::Program::start(&mut again);
    again.line("ready ");
    ann.types("ght");
    ann.shows("· up");
    let mut bob = program::Program::start(program::client().args([
        "--plain",
        "--nick",
        "bob",
        "--server",
        &format!("127.0.0.1:{port}"),
    ]));
    bob.line("-- here: ");
    ann.types("\r");
    bob.line(" ann: half a thought");
    ann.types("/quit\r");
    assert_eq!(ann.ends().0, 0);
}

#[test]
fn a_download_and_a_draft_outlive_a_killed_server() {
    let folder = Folder::new();
    let bytes = folder.shared("book.bin", 6_000_000);
    let server = Server::sharing(&folder.share());
    let mut ann = joined(&server, "ann", &folder);
    ann.types("/get book.bin --limit-rate 2M\r");
    ann.until("more than a tenth", |screen| percent(screen).is_some_and(|percent| percent > 10));
    ann.types("half a thou");
    ann.shows("> half a thou");
    let transfer = server.ready.split_whitespace().find_map(|word| word.strip_prefix("transfer="));
    let (chat, transfer) = (server.chat.clone(), transfer.expect("an address").to_owned());
    server.program.signal("KILL");
    drop(server);
    ann.shows("not connected, again in");
    let mut again = program::server();
    again.args(["--listen", &chat, "--udp", &transfer, "--share"]).arg(folder.share());
    let mut again = program::Program::start(&mut again);
    again.line("ready ");
    ann.types("ght");
    // Not from the beginning: what had arrived is there.
    ann.shows("book.bin: interrupted at ");
    ann.shows(", going on at ");
    ann.shows("> half a thought");
    ann.shows("6,000,000 bytes in");
    ann.types("\x15/quit\r");
    assert_eq!(ann.ends().0, 0);
    assert_eq!(std::fs::read(folder.here().join("book.bin")).expect("there"), bytes);
}

/// How far the one download has come, as its bar says.
fn percent(screen: &str) -> Option<u32> {
    let (before, _) = screen.split_once(" %  ")?;
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[test]
fn a_window_that_takes_nothing_holds_up_nothing() {
    let folder = Folder::new();
    let config = folder.path().join("fast.toml");
    std::fs::write(&config, "[limits]\nburst = 1000\nper_second = 1000\n").expect("written");
    let server = Server::with(program::server().arg("--config").arg(&config));
    let mut ann = Terminal::run(client(&server.chat, "ann", &folder.here()), 250, 80);
    ann.shows("1 here");
    let mut bob = server.join("bob");
    ann.shows("2 here");
    ann.takes(Takes::Nothing);
    // Far more than a terminal keeps that nobody looks at.
    for number in 0..100 {
        bob.write(&format!("{}\n", format!("{number} ").repeat(1000)));
        ann.types(&format!("still here {number}\r"));
        bob.line(&format!(" ann: still here {number}"));
    }
    ann.signal("TERM");
    bob.line("ann left");
    ann.takes(Takes::Everything);
    // Left on its other screen: to give it back would have been to wait for it.
    assert_eq!(ann.code(), 130);
}

#[test]
fn a_nickname_that_is_taken_can_be_chosen_again() {
    let (folder, server) = (Folder::new(), Server::bare());
    let _ann = server.join("ann");
    let mut second = Terminal::run(client(&server.chat, "ann", &folder.here()), 100, 24);
    second.shows("ann2 is free");
    second.types("/nick ann2\r");
    second.shows("joined as ann2");
    second.shows("2 here");
    second.types("/quit\r");
    assert_eq!(second.ends().0, 0);
}

#[test]
fn a_nickname_that_was_taken_meanwhile_can_be_chosen_again() {
    let (folder, server) = (Folder::new(), Server::bare());
    let mut ann = joined(&server, "ann", &folder);
    let chat = server.chat.clone();
    drop(server);
    ann.shows("not connected, again in");
    // She cannot be first.
    ann.signal("STOP");
    let mut again = program::server();
    let mut again = program::Program::start(again.args(["--listen", &chat, "--udp", "127.0.0.1:0"]));
    again.line("ready ");
    let mut other = program::client();
    let mut other = program::Program::start(other.args(["--plain", "--nick", "ann", "--server", &chat]));
    other.line("-- here: ");
    ann.signal("CONT");
    ann.shows("refused by the server: ann is taken");
    ann.shows("/nick NAME under another name");
    ann.types("/nick ann3\r");
    ann.shows("joined as ann3");
    other.line("ann3 joined");
    ann.types("/quit\r");
    assert_eq!(ann.ends().0, 0);
}

#[test]
fn a_killed_client_goes_on_with_its_session_and_the_last_chat_is_remembered() {
    let (folder, server) = (Folder::new(), Server::bare());
    let kept = || {
        let state = folder.here().join(".local/state/backchat");
        let entries = std::fs::read_dir(state).expect("there").map(|entry| entry.expect("an entry").path());
        let mut files: Vec<_> = entries.collect();
        files.sort();
        files
    };
    let ann = joined(&server, "ann", &folder);
    let tokens = kept();
    assert!(tokens.len() == 1 && tokens[0].to_string_lossy().contains("session-"), "{tokens:?}");
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&tokens[0]).expect("there"));
    assert_eq!(mode & 0o777, 0o600);
    ann.signal("KILL");
    drop(ann);
    let mut ann = Terminal::run(client(&server.chat, "ann", &folder.here()), 100, 24);
    ann.shows("back as ann");
    // Ids of the life before are not taken for those of this one.
    let mut bob = server.join("bob");
    ann.types("still me\r");
    bob.line(" ann: still me");
    ann.types("/quit\r");
    assert_eq!(ann.ends().0, 0);
    let left = kept();
    assert!(left.len() == 1 && left[0].ends_with("last.toml"), "{left:?}");
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_backchat-client"));
    command.env_clear();
    command.env("TERM", "xterm-256color");
    command.env("HOME", folder.here());
    let mut ann = Terminal::run(command, 100, 24);
    ann.shows("joined as ann");
    ann.types("/quit\r");
    assert_eq!(ann.ends().0, 0);
}

#[test]
fn every_signal_gives_the_terminal_back() {
    for name in ["TERM", "HUP", "INT"] {
        let (folder, server) = (Folder::new(), Server::bare());
        let ann = joined(&server, "ann", &folder);
        ann.signal(name);
        assert_eq!(ann.ends().0, 130, "{name}");
    }
}

#[test]
fn a_suspended_client_comes_back_as_it_was() {
    let (folder, server) = (Folder::new(), Server::bare());
    // A shell that does jobs: nobody could wake a client that stopped without one.
    let mut command = CommandBuilder::new("sh");
    let program = env!("CARGO_BIN_EXE_backchat-client");
    command.args(["-mc", "\"$0\" \"$@\"; echo here is the shell; read line; fg", program]);
    command.args(["--server", &server.chat, "--nick", "ann"]);
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("TERM", "xterm-256color");
    command.env("HOME", folder.here());
    let mut ann = Terminal::run(command, 100, 24);
    ann.shows("joined as ann");
    ann.types("a draft");
    ann.shows("> a draft");
    ann.types("\x1a");
    ann.shows("here is the shell");
    ann.is_given_back();
    ann.types("\r");
    ann.shows("> a draft");
    ann.types("\x15/quit\r");
    assert_eq!(ann.ends().0, 0);
}

#[test]
fn what_was_chosen_holds_in_the_window() {
    let (folder, server) = (Folder::new(), Server::bare());
    let config = folder.here().join(".config/backchat");
    std::fs::create_dir_all(&config).expect("a folder");
    let choices = "log = \"~/logs\"\n[keys]\nF5 = \"help\"\nF1 = \"none\"\n";
    std::fs::write(config.join("client.toml"), choices).expect("written");
    let mut ann = joined(&server, "ann", &folder);
    let mut bob = server.join("bob");
    bob.write("see https://a.example/x, ann\n");
    ann.shows("bob: see https://a.example/x");
    // It comes with the frame that the screen has.
    ann.until("a link", |_| ann.written().contains(";https://a.example/x\u{1b}\\"));
    ann.types("\x1b[15~");
    ann.shows("Commands (Esc: back");
    ann.types("\x1b");
    ann.shows("bob: see");
    ann.has_mouse(true);
    ann.types("/mouse off\r");
    ann.has_mouse(false);
    ann.types("/mouse on\r");
    ann.has_mouse(true);
    ann.types("/quit\r");
    assert_eq!(ann.ends().0, 0);
    let logs: Vec<_> = std::fs::read_dir(folder.here().join("logs")).expect("there").collect();
    let log = logs[0].as_ref().expect("a file").path();
    let text = std::fs::read_to_string(log).expect("text");
    assert!(text.contains("bob: see https://a.example/x, ann\n"), "{text}");
    assert!(text.lines().all(|line| !line.contains('\u{1b}')), "{text}");
}

/// Set for the process that panics.
const PANICS: &str = "BACKCHAT_TEST_PANICS";

#[test]
fn a_panic_gives_the_terminal_back() {
    if std::env::var_os(PANICS).is_some() {
        let mut taken = backchat::tui::terminal::take(backchat::app::input::Mouse::Ours).expect("a terminal");
        taken.draw(|_| Vec::new()).expect("drawn");
        panic!("on purpose");
    }
    let mut command = CommandBuilder::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "a_panic_gives_the_terminal_back", "--nocapture"]);
    // It would be run in the home otherwise, which need not be there.
    command.cwd(std::env::temp_dir());
    command.env("TERM", "xterm-256color");
    command.env(PANICS, "1");
    // The message alone, so that it does not scroll away.
    command.env("RUST_BACKTRACE", "0");
    let terminal = Terminal::run(command, 100, 24);
    // A terminal that was not drawn on yet, or not to its end, looks as it was found too.
    terminal.shows("on purpose");
    let (code, screen) = terminal.ends();
    assert_ne!(code, 0);
    // On the screen that the shell has, where it can be read.
    assert!(screen.contains("on purpose"), "{screen}");
}
