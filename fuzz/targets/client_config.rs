//! A person's configuration: from its text to settings and colours. What is wrong with it is told without a control
//! character.
#![no_main]

use backchat::cli::home::preferences::Preferences;
use backchat::tui::theme::Theme;
use backchat_core::text::is_printable;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Preferences::parse(text) {
        Ok(preferences) => {
            let _ = preferences.colour(Theme::coloured());
            assert!(preferences.settings().is_ok(), "it was checked");
        }
        Err((_, message)) => assert!(is_printable(&message), "{message:?}"),
    }
});
