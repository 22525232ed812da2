//! The ways to recover and to control congestion that a download can be asked for by name.
//!
//! A name that the field knows and this build does not have is refused, never replaced by another: who measures
//! `cubic` must not be shown `classic`.

use std::num::NonZeroU16;

use backchat_core::wire::{CongestionChoice, Recovery};

/// Why a name is not an algorithm that can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAlgorithm {
    /// The field has it, this build does not.
    #[error("{name} is not in this build, which has {built}")]
    NotBuilt {
        /// What was asked for.
        name: &'static str,
        /// What there is instead.
        built: &'static str,
    },
    /// Nobody has it.
    #[error("expected {0}")]
    Unknown(&'static str),
    /// `fixed` without a window, or with one that cannot be.
    #[error("fixed needs a window of 1 to 65535 segments, such as fixed:16")]
    BadWindow,
}

/// The names that [`parse_recovery`] takes.
pub const RECOVERY_NAMES: [&str; 1] = ["go-back-n"];

/// The names that [`parse_congestion`] takes; behind a colon there is a number to come.
pub const CONGESTION_NAMES: [&str; 2] = ["classic", "fixed:"];

/// How what was lost is sent again (`--recovery`).
pub fn parse_recovery(text: &str) -> Result<Recovery, BadAlgorithm> {
    match text {
        "go-back-n" => Ok(Recovery::GoBackN),
        "selective" => Err(BadAlgorithm::NotBuilt { name: "selective", built: "go-back-n" }),
        _ => Err(BadAlgorithm::Unknown("go-back-n")),
    }
}

/// How much may be on its way at once (`--congestion`). The server caps a window that is asked for.
pub fn parse_congestion(text: &str) -> Result<CongestionChoice, BadAlgorithm> {
    const BUILT: &str = "classic and fixed:N";
    let not_built = |name| Err(BadAlgorithm::NotBuilt { name, built: BUILT });
    match text {
        "classic" => Ok(CongestionChoice::Classic),
        "fixed" => Err(BadAlgorithm::BadWindow),
        "newreno" => not_built("newreno"),
        "cubic" => not_built("cubic"),
        "bbr" => not_built("bbr"),
        _ => {
            let window = text.strip_prefix("fixed:").ok_or(BadAlgorithm::Unknown("classic or fixed:N"))?;
            let window: NonZeroU16 = window.parse().map_err(|_| BadAlgorithm::BadWindow)?;
            Ok(CongestionChoice::Fixed(window.get()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_taken() {
        assert!(RECOVERY_NAMES.into_iter().all(|name| parse_recovery(name).is_ok()));
        assert!(CONGESTION_NAMES.into_iter().all(|name| parse_congestion(&name.replace(':', ":16")).is_ok()));
    }

    #[test]
    fn what_is_built_is_read() {
        assert_eq!(parse_recovery("go-back-n"), Ok(Recovery::GoBackN));
        for text in ["classic", "fixed:1", "fixed:16", "fixed:65535"] {
            assert_eq!(parse_congestion(text).expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_the_field_knows_and_we_lack_is_refused_by_name() {
        for name in ["newreno", "cubic", "bbr"] {
            let error = parse_congestion(name).expect_err(name).to_string();
            assert_eq!(error, format!("{name} is not in this build, which has classic and fixed:N"));
        }
        let error = parse_recovery("selective").expect_err("not built").to_string();
        assert_eq!(error, "selective is not in this build, which has go-back-n");
    }

    #[test]
    fn what_nobody_has_is_told_what_there_is() {
        for text in ["", "Classic", "reno", "fixed16"] {
            assert_eq!(parse_congestion(text), Err(BadAlgorithm::Unknown("classic or fixed:N")), "{text}");
        }
        for text in ["fixed", "fixed:", "fixed:0", "fixed:-1", "fixed:65536", "fixed:many"] {
            assert_eq!(parse_congestion(text), Err(BadAlgorithm::BadWindow), "{text}");
        }
        assert_eq!(parse_recovery("tcp"), Err(BadAlgorithm::Unknown("go-back-n")));
    }
}
