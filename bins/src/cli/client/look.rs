//! How the window looks: colours or not, and what a person has chosen.

use std::io::{self, IsTerminal as _};

use crate::app::settings::{Links, Settings};
use crate::cli::args::{ClientOptions, Environment, When};
use crate::cli::home::preferences::Preferences;
use crate::tui::theme::Theme;

/// How the window looks.
#[derive(Debug)]
pub struct Look {
    /// Times, bell, words.
    pub settings: Settings,
    /// Colours.
    pub theme: Theme,
}

/// Whether there is a terminal that a window can be drawn on.
pub fn is_window(environment: &Environment) -> bool {
    let is_dumb = environment.raw("TERM").is_none_or(|term| term == "dumb");
    !is_dumb && io::stdin().is_terminal() && io::stdout().is_terminal()
}

impl Look {
    /// By the command line, then what the person has chosen, then the environment.
    pub fn of(options: &ClientOptions, preferences: &Preferences, environment: &Environment) -> Self {
        let when = options.color.or(preferences.color).unwrap_or_default();
        let theme = match is_coloured(when, environment) {
            true => preferences.colour(Theme::coloured()),
            false => Theme::plain(),
        };
        // What does not make settings was refused when it was read.
        let mut settings = preferences.settings().unwrap_or_default();
        if preferences.links.unwrap_or_else(|| has_links(environment)) {
            let host = whoami::hostname().unwrap_or_default();
            settings.links = Links::Clickable { host };
        }
        Self { settings, theme }
    }
}

/// Whether a terminal takes links: most do, and those that do not know the sequence leave it out. The console of Linux
/// is known to do nothing with it. Not where `NO_COLOR` asks for plain text; `FORCE_HYPERLINK` is what other programs
/// are told (<https://github.com/zkat/supports-hyperlinks>).
fn has_links(environment: &Environment) -> bool {
    if let Some(forced) = environment.raw("FORCE_HYPERLINK") {
        return forced != "0";
    }
    let is_text = environment.raw("TERM").is_none_or(|term| term == "dumb" || term == "linux");
    !is_text && environment.raw("NO_COLOR").is_none()
}

/// `--color`, then `NO_COLOR` (<https://no-color.org>), then `CLICOLOR_FORCE` and `CLICOLOR`.
fn is_coloured(when: When, environment: &Environment) -> bool {
    let is_set = |name: &str| environment.raw(name).is_some_and(|value| value != "0");
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if environment.raw("NO_COLOR").is_some() => false,
        When::Auto if is_set("CLICOLOR_FORCE") => true,
        When::Auto => environment.raw("CLICOLOR").is_none_or(|value| value != "0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_left_out_where_text_is_wanted() {
        for (variables, expected) in [
            (&[("TERM", "xterm-256color")][..], true),
            (&[("TERM", "linux")], false),
            (&[("TERM", "dumb")], false),
            (&[], false),
            (&[("TERM", "xterm"), ("NO_COLOR", "1")], false),
            (&[("TERM", "xterm"), ("FORCE_HYPERLINK", "0")], false),
            (&[("TERM", "linux"), ("FORCE_HYPERLINK", "1")], true),
        ] {
            assert_eq!(has_links(&Environment::of(variables)), expected, "{variables:?}");
        }
    }

    #[test]
    fn colours_heed_the_option_and_then_the_environment() {
        for (when, variables, expected) in [
            (When::Auto, &[][..], true),
            (When::Auto, &[("NO_COLOR", "1")], false),
            (When::Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
            (When::Auto, &[("CLICOLOR", "0")], false),
            (When::Auto, &[("CLICOLOR", "0"), ("CLICOLOR_FORCE", "1")], true),
            (When::Always, &[("NO_COLOR", "1")], true),
            (When::Never, &[("CLICOLOR_FORCE", "1")], false),
        ] {
            assert_eq!(is_coloured(when, &Environment::of(variables)), expected, "{when:?} {variables:?}");
        }
    }
}
