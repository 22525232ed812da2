//! Every scenario of the project is read, says what it is about, and is written as itself.

use std::path::{Path, PathBuf};

use backchat_sim::scenario::{ActionKind, Scenario};

/// Every file below `folder`, by path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries
        .flat_map(|entry| {
            let path = entry.expect("a folder can be listed").path();
            if path.is_dir() { files(&path) } else { vec![path] }
        })
        .collect();
    files.sort();
    files
}

fn scenarios() -> Vec<(PathBuf, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let read = |path: PathBuf| {
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        match Scenario::parse(&text) {
            Ok(scenario) => (path, scenario),
            Err(error) => panic!("{}", error.in_file(&path.display().to_string())),
        }
    };
    files(&folder).into_iter().map(read).collect()
}

#[test]
fn every_scenario_is_read_and_written_as_itself() {
    for (path, scenario) in scenarios() {
        let again = Scenario::from_file(scenario.file());
        assert_eq!(again.as_ref(), Ok(&scenario), "{}", path.display());
    }
}

#[test]
fn every_scenario_says_what_it_is_about_in_words_of_its_own() {
    let all = scenarios();
    assert!(all.len() >= 40, "{} scenarios", all.len());
    let mut abouts: Vec<&str> = all.iter().map(|(_, scenario)| scenario.about()).collect();
    assert!(abouts.iter().all(|about| about.len() > 20 && about.ends_with('.')));
    abouts.sort_unstable();
    abouts.dedup();
    assert_eq!(abouts.len(), all.len());
}

#[test]
fn every_scenario_lies_under_its_theme() {
    for (path, _) in scenarios() {
        let theme =
            path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        let themes = ["chat", "transfer", "network", "faults", "hostile", "interop", "regressions"];
        assert!(themes.contains(&theme), "{}", path.display());
        assert!(path.extension().is_some_and(|ending| ending == "toml"), "{}", path.display());
    }
}

/// Every download of a scenario that does not say how it ends is one that nobody looks at.
#[test]
fn every_scenario_with_a_download_says_what_it_expects_of_it() {
    for (path, scenario) in scenarios() {
        let gets = scenario.steps().iter().any(|step| step.action.kind() == ActionKind::Get);
        assert_eq!(gets, !scenario.file().expect.downloads.is_empty(), "{}", path.display());
    }
}
