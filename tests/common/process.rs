//! Programs that tests start: with nothing of the environment that the test has, and signals for them.

use std::process::Command;

/// Variables that a program keeps: where programs, libraries and temporary files are, and where coverage is written.
/// Everything else may differ from machine to machine and be seen in what a program prints: colours, a width, a zone, a
/// language, a home with a configuration in it.
const KEPT: &[&str] = &[
    "PATH",
    "TMPDIR",
    "TEMP",
    "TMP",
    "SYSTEMROOT",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "LLVM_PROFILE_FILE",
];

/// A program that is not started yet, with nothing of this machine's environment.
pub(crate) fn clean(path: &str) -> Command {
    let mut command = Command::new(path);
    // Each by its name and not all at once: what starts it through a shell copies the names.
    for (name, _) in std::env::vars_os() {
        if !KEPT.iter().any(|kept| name.eq_ignore_ascii_case(kept)) {
            command.env_remove(name);
        }
    }
    command
}

/// Sends a signal to a process of ours, by its name for `kill`. That program is missing on small systems.
#[cfg(unix)]
#[track_caller]
pub(crate) fn send(id: u32, name: &str) {
    use rustix::process::{Pid, Signal, kill_process};
    let signal = match name {
        "CONT" => Signal::CONT,
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "QUIT" => Signal::QUIT,
        "STOP" => Signal::STOP,
        "TERM" => Signal::TERM,
        "TSTP" => Signal::TSTP,
        "USR1" => Signal::USR1,
        _ => panic!("no signal of this name here: {name}"),
    };
    let id = i32::try_from(id).ok().and_then(Pid::from_raw).expect("the number of a process");
    kill_process(id, signal).expect("the signal is sent");
}
