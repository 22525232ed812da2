//! Settings from environment variables.
//!
//! Read here and not by clap, because a configuration file stands below them, because a message must name the
//! variable and not a flag that nobody typed, and because an empty variable is one that is not set.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::str::FromStr;

use backchat_core::text::visible;

/// Environment variables: those of the process, or a test's list.
#[derive(Clone, Default)]
pub struct Environment {
    variables: BTreeMap<OsString, OsString>,
}

/// The variables of both programs: a shell has them for both.
const KNOWN: [&str; 12] = [
    "BACKCHAT_CONFIG",
    "BACKCHAT_GRACE",
    "BACKCHAT_LISTEN",
    "BACKCHAT_LOG_FORMAT",
    "BACKCHAT_METRICS",
    "BACKCHAT_METRICS_HOST",
    "BACKCHAT_NICK",
    "BACKCHAT_SERVER",
    "BACKCHAT_SHARE",
    "BACKCHAT_STATE_DIR",
    "BACKCHAT_TIMEOUT",
    "BACKCHAT_UDP",
];

/// What they begin with.
const PREFIX: &str = "BACKCHAT_";

/// Most slips between what was set and what was meant.
const MAX_SLIPS: usize = 3;

/// A variable that looks like one of ours and does nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVariable {
    name: String,
    meant: Option<&'static str>,
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "environment variable {} is none that is read here", visible(&self.name))?;
        self.meant.map_or(Ok(()), |meant| write!(f, ", did you mean {meant}?"))
    }
}

impl Environment {
    /// The variables that begin as ours do and are none, so that a slip is not a setting that silently does nothing.
    pub fn unknown(&self) -> Vec<UnknownVariable> {
        let names = self.variables.keys().map(|name| name.to_string_lossy());
        let ours = names.filter(|name| name.starts_with(PREFIX) && !KNOWN.contains(&name.as_ref()));
        let meant = |name: &str| {
            let slips = |known: &&str| strsim::damerau_levenshtein(known, name);
            KNOWN.into_iter().min_by_key(slips).filter(|known| slips(known) <= MAX_SLIPS)
        };
        ours.filter(|name| !is_of_kubernetes(name))
            .map(|name| UnknownVariable { meant: meant(&name), name: name.into_owned() })
            .collect()
    }

    /// The environment of this process.
    pub fn of_process() -> Self {
        Self { variables: std::env::vars_os().collect() }
    }

    /// An environment of just these variables.
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        Self { variables }
    }

    /// The variable `name` as it is; `None` when it is unset or empty.
    pub fn raw(&self, name: &str) -> Option<OsString> {
        self.variables.get(OsStr::new(name)).filter(|value| !value.is_empty()).cloned()
    }

    /// The variable `name` as texts with commas between; none when it is unset or empty.
    pub fn list(&self, name: &str) -> Vec<String> {
        let all = self.raw(name).map(|raw| raw.to_string_lossy().into_owned()).unwrap_or_default();
        all.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
    }

    /// The variable `name` as a value; `None` when it is unset or empty.
    pub fn value<T>(&self, name: &'static str) -> Result<Option<T>, BadVariable>
    where
        T: FromStr,
        T::Err: fmt::Display,
    {
        let Some(raw) = self.raw(name) else {
            return Ok(None);
        };
        let text = raw.to_string_lossy();
        text.parse().map(Some).map_err(|error: T::Err| BadVariable {
            name,
            value: visible(&text).to_string(),
            reason: error.to_string(),
        })
    }
}

/// Kubernetes tells every container about every service: one called `backchat` is `BACKCHAT_SERVICE_HOST`,
/// `BACKCHAT_PORT`, `BACKCHAT_PORT_55000_TCP_ADDR` and more.
fn is_of_kubernetes(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_PORT")
        || name.split("_PORT_").nth(1).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

impl fmt::Debug for Environment {
    /// Prints nothing of it: there are passwords in environments.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

/// A variable whose value makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable {name} is '{value}': {reason}")]
pub struct BadVariable {
    /// Which variable.
    pub name: &'static str,
    /// What it holds, made visible.
    pub value: String,
    /// What was expected.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::values::Span;

    #[test]
    fn an_empty_variable_is_not_set() {
        let environment = Environment::of(&[("BACKCHAT_TIMEOUT", "")]);
        assert_eq!(environment.value::<Span>("BACKCHAT_TIMEOUT"), Ok(None));
        assert_eq!(environment.value::<Span>("BACKCHAT_GRACE"), Ok(None));
    }

    #[test]
    fn a_variable_that_does_nothing_is_told_with_the_one_that_was_meant() {
        let unknown = |name: &str| -> Vec<String> {
            Environment::of(&[(name, "x")]).unknown().iter().map(ToString::to_string).collect()
        };
        let slip =
            "environment variable BACKCHAT_SHRAE is none that is read here, did you mean BACKCHAT_SHARE?";
        assert_eq!(unknown("BACKCHAT_SHRAE"), [slip]);
        assert_eq!(
            unknown("BACKCHAT_COLOUR_SCHEME"),
            ["environment variable BACKCHAT_COLOUR_SCHEME is none that is read here"]
        );
        for name in [
            "BACKCHAT_SHARE",
            "BACKCHAT_NICK",
            "SHARE",
            "BACKCHAT_SERVICE_HOST",
            "BACKCHAT_SERVICE_PORT_CHAT",
            "BACKCHAT_PORT",
            "BACKCHAT_PORT_55000_TCP_ADDR",
            "BACKCHAT_SERVER_PORT",
        ] {
            assert_eq!(unknown(name), [""; 0], "{name}");
        }
    }

    #[test]
    fn every_variable_of_the_help_is_known_and_every_known_one_is_there() {
        let mut helps = String::new();
        for mut command in [crate::cli::args::ServerArgs::command(), crate::cli::args::ClientArgs::command()]
        {
            helps += &command.render_long_help().to_string();
        }
        let words = helps.split(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        let found: std::collections::BTreeSet<&str> =
            words.filter(|word| word.starts_with(PREFIX) && word.len() > PREFIX.len()).collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), KNOWN);
    }

    #[test]
    fn a_bad_value_names_its_variable() {
        let environment = Environment::of(&[("BACKCHAT_TIMEOUT", "soon")]);
        let error = environment.value::<Span>("BACKCHAT_TIMEOUT").expect_err("not a time");
        assert_eq!(
            error.to_string(),
            "environment variable BACKCHAT_TIMEOUT is 'soon': expected a time such as 15ms, 10s, 2m or 1h"
        );
    }
}
