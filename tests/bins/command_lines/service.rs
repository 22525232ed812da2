//! A server as a service: what systemd is told, and what its unit says.

use std::os::unix::net::UnixDatagram;

use super::program::{Folder, Program, free, run, server, word};

/// Receives the next notification.
fn told(socket: &UnixDatagram) -> String {
    let mut bytes = [0; 4096];
    let count = socket.recv(&mut bytes).expect("a datagram");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[test]
fn systemd_is_told_when_it_is_ready_that_it_lives_and_when_it_ends() {
    let folder = Folder::new();
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("bound");
    socket.set_read_timeout(Some(super::program::PATIENCE)).expect("set");
    let state = folder.path().join("state");
    let mut command = free();
    command.arg("--state-dir").arg(&state).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "300000");
    let mut program = Program::start(&mut command);
    let chat = word(&program.line("ready "), "chat=");
    // A server is ready once it listens: the notification comes when connections are accepted.
    let mut all = vec![told(&socket)];
    while !all.iter().any(|it| it.starts_with("READY=1")) || !all.iter().any(|it| it == "WATCHDOG=1") {
        all.push(told(&socket));
    }
    assert!(all.iter().any(|it| it.contains(&format!("STATUS=chat on {chat}"))), "{all:?}");
    run(server().arg("ctl").arg("--state-dir").arg(&state).arg("reload")).expect(0);
    while !told(&socket).starts_with("RELOADING=1\nMONOTONIC_USEC=") {}
    while told(&socket) != "READY=1" {}
    program.signal("TERM");
    while !told(&socket).starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000") {}
    program.end().expect(0);
}

#[test]
fn the_unit_starts_what_there_is() {
    let unit = include_str!("../../../docs/backchat.service");
    let value =
        |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("{key}"));
    assert_eq!(value("Type="), "notify");
    // Each line that starts the program has words that it knows.
    for key in ["ExecStart=", "ExecReload="] {
        let words: Vec<&str> = value(key).split(' ').skip(1).collect();
        let help = run(server().args(&words).arg("--help")).expect(0).stdout;
        assert!(help.contains("--config"), "{words:?}: {help}");
    }
    // `ctl` finds the socket there without being told.
    assert_eq!((value("StateDirectory="), value("RuntimeDirectory=")), ("backchat", "backchat"));
    let Ok(rated) = std::process::Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--threshold=25"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/backchat.service"))
        .output()
    else {
        eprintln!("left out: there is no systemd-analyze here");
        return;
    };
    // One that is too old has no such option.
    let rated = String::from_utf8_lossy(&rated.stdout).into_owned();
    if rated.contains("Overall exposure level") {
        let level = rated.split("Overall exposure level for backchat.service: ").nth(1).expect("a level");
        let level: f32 = level.split(' ').next().and_then(|it| it.parse().ok()).expect("a number");
        assert!(level < 2.5, "{rated}");
    }
}
