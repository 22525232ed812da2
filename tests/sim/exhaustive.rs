//! Small scopes, completely: every fate of the first packets of a small download, and a crash at every event of it.
//!
//! The first six of each direction are 16.7 million combinations, and a command: `backchat-sim exhaust --each`.

use backchat_sim::exhaust::{Failures, SMALL, check, crashes, fates};
use backchat_sim::scenario::Scenario;

fn small() -> Scenario {
    let scenario = Scenario::parse(SMALL).expect("a scenario");
    assert_eq!(check(&scenario), Ok(()));
    scenario
}

/// The scenarios that failed, as files: whoever reads the test's output can run them.
fn explain(scenario: &Scenario, failures: &Failures) -> String {
    let files = failures.0.iter().flat_map(|(signature, (count, failed))| {
        failed.iter().map(move |it| format!("# {signature}, one of {count}\n{}", it.file(scenario)))
    });
    files.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_fate_of_the_first_six_packets_ends_well() {
    let scenario = small();
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let tried = fates::try_all(&scenario, fates::Scope::Together(6), jobs, &|| true, &|| {});
    println!("{} runs for {} combinations", tried.runs, tried.combinations);
    assert_eq!(tried.failures.count(), 0, "{}", explain(&scenario, &tried.failures));
    assert_eq!((tried.combinations, tried.left), (4096, 0), "each once, and none left out");
}

#[test]
fn a_crash_before_and_after_every_event_ends_well() {
    let scenario = small();
    let tried = crashes::try_all(&scenario);
    println!("{} runs, crashes at {} times", tried.runs, tried.times);
    assert_eq!(tried.failures.count(), 0, "{}", explain(&scenario, &tried.failures));
    assert!(tried.times > 10 && tried.runs == 1 + 8 * tried.times as u64);
}

#[test]
fn who_stops_early_says_what_is_left() {
    let tried = fates::try_all(&small(), fates::Scope::Each(6), 2, &|| false, &|| {});
    assert!(tried.left > 0 && tried.combinations < fates::Scope::Each(6).combinations().expect("2^24"));
}
