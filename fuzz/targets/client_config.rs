//! A person's configuration: from its text to settings and colours.
#![no_main]

use backchat::cli::home::preferences::Preferences;
use backchat::tui::theme::Theme;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(preferences) = toml::from_str::<Preferences>(text) else { return };
    let _ = preferences.colour(Theme::coloured());
    let _ = preferences.settings();
});
