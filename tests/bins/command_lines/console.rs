//! The server's console, on a real terminal.

use super::program::{Folder, Program, Server, client, free, run, terminal, word};

/// A server that somebody sits in front of.
fn on_a_terminal() -> Server {
    let mut program = Program::start_on_a_terminal(&mut free());
    let ready = program.line("ready ");
    let chat = word(&ready, "chat=");
    program.error_line("this terminal is the server's console");
    Server { program, ready, chat }
}

#[test]
fn an_operator_sees_who_is_here_and_sends_somebody_away() {
    let mut server = on_a_terminal();
    let (mut ann, bob) = (server.join("ann"), server.join("bob"));
    server.program.write("/who\n");
    for nick in ["ann", "bob"] {
        server.program.error_line(&format!("{nick}  127.0.0.1  joined  for "));
    }
    server.program.error_line("2 joined, 0 parked, 0 visiting");
    server.program.write("/kick BOB that is enough\n");
    server.program.error_line("BOB was kicked, and may come back; 1 session ended");
    let ended = bob.end().expect(4);
    assert!(
        ended.stderr.contains("the operator has ended this session: that is enough (kicked)"),
        "{ended:?}"
    );
    ann.line("bob left");
    server.program.write("/kick bob\n");
    server.program.error_line("!! nobody here is called bob");
    server.program.write("/say back at noon\n");
    ann.line("back at noon");
}

#[test]
fn a_ban_holds_over_a_hangup_until_it_is_lifted() {
    let mut server = on_a_terminal();
    server.program.write("/ban bob 1h flooding\n");
    server.program.error_line("the nickname bob is banned for 1h, until ");
    server.program.signal("HUP");
    server.program.error_line("the configuration was read again");
    server.program.write("/bans\n");
    server.program.error_line("bob  until ");
    server.program.error_line("1 ban");
    let say = ["say", "hello", "--nick", "bob"];
    let refused = run(&mut server.client(&say)).expect(4);
    assert!(
        refused.stderr.contains("bob is banned until ") && refused.stderr.contains("flooding"),
        "{refused:?}"
    );
    server.program.write("/unban bob\n");
    server.program.error_line("the nickname bob may come in again");
    run(&mut server.client(&say)).expect(0);
    server.program.write("/ban 127.0.0.1\n");
    server.program.error_line("the address 127.0.0.1 is banned until it is lifted");
    let refused = run(&mut server.client(&["names"])).expect(4);
    assert!(refused.stderr.contains("127.0.0.1 is banned (banned)"), "{refused:?}");
    server.program.write("/stats\n");
    server.program.error_line("2 banned");
    server.program.error_line("bans       1");
}

#[test]
fn a_line_of_the_log_takes_the_place_of_what_is_being_typed() {
    let mut server = on_a_terminal();
    server.program.write("/wh");
    run(client().args(["say", "hello", "--nick", "ann", "--server", &server.chat])).expect(0);
    let line = server.program.error_line("joined session=");
    let before = line.split("INFO").next().expect("a time");
    let visible = before.rsplit("\r\u{1b}[K").next().expect("what is left of the row");
    assert!(!visible.contains("/wh") && before.contains("\r\u{1b}[K"), "{line:?}");
    server.program.write("o\n");
    server.program.error_line("0 joined, 0 parked, 0 visiting");
}

#[test]
fn what_is_wrong_is_said_and_nothing_else_happens() {
    let mut server = on_a_terminal();
    for (line, answer) in [
        ("hello", "!! commands begin with a slash"),
        ("/stpo", "!! there is no command /stpo, did you mean /stop?"),
        ("/kick", "!! expected /kick NICK [REASON]"),
        ("/ban 127.1 10m", "!! '127.1' is no address: expected an address such as 192.0.2.1"),
        ("/ban ann -5m", "!! '-5m': expected a time such as"),
        ("/bans", "0 bans"),
        ("/help ban", "example: /ban bob 1h flooding"),
        ("/help", "/stop "),
    ] {
        server.program.write(&format!("{line}\n"));
        server.program.error_line(answer);
    }
    // Ctrl-D.
    server.program.write("\u{4}");
    server.program.error_line("Ctrl-D does not stop the server; /stop does");
    run(&mut server.client(&["names"])).expect(0);
}

#[test]
fn stop_is_a_signal_and_a_second_one_ends_it_at_once() {
    let mut server = on_a_terminal();
    let mut ann = server.join("ann");
    server.program.write("/stop\n");
    ann.line("the server is shutting down");
    server.program.end().expect(0);

    let folder = Folder::new();
    folder.shared("book.bin", 8_000_000);
    let mut command = super::program::server();
    command
        .args(["--listen", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--grace", "1h", "--share"])
        .arg(folder.share());
    let mut program = Program::start_on_a_terminal(&mut command);
    let ready = program.line("ready ");
    let chat = ready.split_whitespace().find_map(|word| word.strip_prefix("chat=")).expect("an address");
    let mut get = client();
    get.args(["get", "book.bin", "--limit-rate", "100K", "--json", "--server", chat])
        .current_dir(folder.here());
    let mut get = Program::start(&mut get);
    get.line("\"progress\"");
    program.write("/stop\n");
    program.error_line("stopping");
    program.write("/stop\n");
    program.end().expect(1);
}

#[test]
fn a_pipe_is_no_console_and_a_terminal_that_goes_ends_it() {
    let mut server = Server::bare();
    server.program.write("/stop\n");
    run(&mut server.client(&["names"])).expect(0);

    let (ours, theirs) = terminal();
    let mut program = Program::start_on(&mut free(), theirs);
    let chat = word(&program.line("ready "), "chat=");
    drop(ours);
    // Nobody has told it to end, as with disown or nohup.
    run(client().args(["names", "--server", &chat])).expect(0);
    program.signal("TERM");
    program.end().expect(0);

    // The window is closed: the system, or the shell, says so.
    let (ours, theirs) = terminal();
    let mut program = Program::start_on(&mut free(), theirs);
    program.line("ready ");
    drop(ours);
    program.signal("HUP");
    program.end().expect(0);
}
