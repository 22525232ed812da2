//! Completions and manual pages.

use std::path::Path;
use std::process::Command;

use super::program::process::clean;
use super::program::{Ended, Folder, client, run, run_with, server};

/// How a program is started, an option that it has, and its pages.
type About = (fn() -> Command, &'static str, &'static [&'static str]);

const PROGRAMS: [About; 2] = [
    (
        client,
        "limit-rate",
        &[
            "backchat-client-completions.1",
            "backchat-client-files.1",
            "backchat-client-get.1",
            "backchat-client-man.1",
            "backchat-client-names.1",
            "backchat-client-say.1",
            "backchat-client-tell.1",
            "backchat-client.1",
        ],
    ),
    (
        server,
        "check-config",
        &[
            "backchat-server-completions.1",
            "backchat-server-ctl-ban.1",
            "backchat-server-ctl-bans.1",
            "backchat-server-ctl-kick.1",
            "backchat-server-ctl-reload.1",
            "backchat-server-ctl-say.1",
            "backchat-server-ctl-stats.1",
            "backchat-server-ctl-stop.1",
            "backchat-server-ctl-unban.1",
            "backchat-server-ctl-who.1",
            "backchat-server-ctl.1",
            "backchat-server-man.1",
            "backchat-server.1",
        ],
    ),
];

/// Gives `input` to a program of this system; `None`, with a word, where there is none.
pub(super) fn with_tool(tool: &str, args: &[&str], input: &str) -> Option<Ended> {
    if Command::new(tool).arg("--version").output().is_err() {
        eprintln!("left out: there is no {tool} here");
        return None;
    }
    Some(run_with(clean(tool).args(args), input))
}

#[test]
fn every_shell_has_completions_and_bash_reads_them() {
    for (program, option, _) in PROGRAMS {
        for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
            let script = run(program().args(["completions", shell])).expect(0).stdout;
            // These ask the program while one types; the others are told everything at once.
            let is_asking = ["bash", "zsh", "fish"].contains(&shell);
            let part = if is_asking { format!("complete {shell} -- ") } else { option.to_owned() };
            assert!(script.contains(&part), "{shell}: {script}");
            if shell == "bash"
                && let Some(read) = with_tool("bash", &["-n"], &script)
            {
                assert_eq!(read.expect(0).stderr, "");
            }
        }
        run(program().args(["completions", "cmd.exe"])).expect(2);
        run(program().arg("completions")).expect(2);
    }
}

#[test]
fn every_command_has_a_manual_page_that_troff_reads_without_a_warning() {
    let folder = Folder::new();
    for (program, option, expected) in PROGRAMS {
        let pages = folder.path().join("new").join(expected[0]);
        assert_eq!(run(program().args(["man", "--out"]).arg(&pages)).expect(0).stdout, "");
        let mut found: Vec<String> = std::fs::read_dir(&pages)
            .expect("a folder")
            .map(|entry| name(&entry.expect("a file").path()))
            .collect();
        found.sort();
        assert_eq!(found, expected);
        for page in expected {
            let text = std::fs::read_to_string(pages.join(page)).expect("ASCII");
            assert!(text.is_ascii() && text.contains(".SH SYNOPSIS"), "{page}");
            if let Some(read) = with_tool("groff", &["-man", "-ww", "-z"], &text) {
                assert_eq!(read.expect(0).stderr, "", "{page}");
            }
        }
        let page = run(program().arg("man")).expect(0).stdout;
        let main = expected.last().expect("a page");
        assert_eq!(page, std::fs::read_to_string(pages.join(main)).expect("there"));
        let option = option.replace('-', "\\-");
        assert!(
            page.contains(".SH \"EXIT CODES\"") && (page.contains(&option) || *main == "backchat-client.1")
        );
    }
}

#[test]
fn a_page_that_cannot_be_written_is_named() {
    let folder = Folder::new();
    folder.shared("file", 1);
    let file = folder.share().join("file");
    let ended = run(client().args(["man", "--out"]).arg(&file)).expect(8);
    assert!(ended.stderr.contains("cannot write") && ended.stderr.contains("file"), "{ended:?}");
    run(server().args(["man", "--out"]).arg(&file)).expect(1);
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}
