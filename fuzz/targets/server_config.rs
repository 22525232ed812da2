//! The server's configuration. What is understood is printed and understood again as the same; what is not is told
//! without a control character.
#![no_main]

use std::path::Path;

use backchat::cli::args::ServerArgs;
use backchat::cli::config::{Config, ConfigFile};
use backchat_core::text::is_printable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let folder = Path::new("/etc/backchat");
    match ConfigFile::parse(text, folder) {
        Ok(file) => {
            let config = Config::of(ServerArgs::default(), file);
            for written in [config.to_toml(), config.to_commented_toml()] {
                let again = ConfigFile::parse(&written, folder);
                let again = again.unwrap_or_else(|(place, message)| panic!("{place}: {message}\n{written}"));
                assert_eq!(Config::of(ServerArgs::default(), again), config, "{written}");
            }
        }
        Err((_, message)) => assert!(is_printable(&message), "{message:?}"),
    }
});
