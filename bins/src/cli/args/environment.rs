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

impl Environment {
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
    fn a_bad_value_names_its_variable() {
        let environment = Environment::of(&[("BACKCHAT_TIMEOUT", "soon")]);
        let error = environment.value::<Span>("BACKCHAT_TIMEOUT").expect_err("not a time");
        assert_eq!(
            error.to_string(),
            "environment variable BACKCHAT_TIMEOUT is 'soon': expected a time such as 15ms, 10s, 2m or 1h"
        );
    }
}
