//! A scenario file. What is understood is written and understood again as the same; what is not is told on one line,
//! without a control character.
#![no_main]

use backchat_core::text::is_printable;
use backchat_sim::scenario::Scenario;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match Scenario::parse_bytes(bytes) {
        Ok(scenario) => {
            let written = scenario.file().to_toml();
            let again =
                Scenario::from_file(scenario.file()).unwrap_or_else(|error| panic!("{error}\n{written}"));
            assert_eq!(again.file(), scenario.file(), "{written}");
        }
        Err(error) => assert!(is_printable(&error.to_string()), "{error:?}"),
    }
});
