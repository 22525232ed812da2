//! The format held to its contract: what is read, what is refused and how, and that what is written is read again.

mod malformed;
mod reading;
mod round_trip;

use super::*;

/// The scenario of the contract, as it stands there.
const EXAMPLE: &str = include_str!("../../../scenarios/transfer/contract_example.toml");

/// A new key is not finished before it is in the reference.
#[test]
fn the_reference_names_every_key() {
    const REFERENCE: &str = include_str!("../../../docs/SIMULATION.md");
    let tables = [
        file::KEYS,
        server::KEYS,
        server::FILE_KEYS,
        server::LIMIT_KEYS,
        clients::KEYS,
        transfer::KEYS,
        links::table::KEYS,
        links::table::LOSS_KEYS,
        links::table::RUNS_KEYS,
        links::table::LATE_KEYS,
        links::rates::STEPS_KEYS,
        links::rates::STEP_KEYS,
        links::rates::POLICER_KEYS,
        links::rates::CODEL_KEYS,
        links::bottlenecks::KEYS,
        steps::KEYS,
        steps::ACTIONS,
        faults::KEYS,
        faults::KINDS,
        expect::KEYS,
        expect::DOWNLOAD_KEYS,
        expect::MESSAGE_KEYS,
        expect::REFUSAL_KEYS,
    ];
    for key in tables.into_iter().flatten() {
        let is_word = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
        let quoted = REFERENCE.split('`').skip(1).step_by(2);
        let found =
            quoted.flat_map(|code| code.split(|character| !is_word(character))).any(|word| word == *key);
        assert!(found, "{key}");
    }
}

/// What must be a scenario.
fn parsed(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
