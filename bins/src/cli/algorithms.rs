//! The ways to recover and to control congestion that a download can be asked for by name.
//!
//! A name that the field knows and this build does not have is refused, never replaced by another: who measures
//! `cubic` must not be shown `classic`.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// How what was lost is sent again (`--recovery`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// Everything from the first loss on.
    #[default]
    GoBackN,
}

/// How much may be on its way at once (`--congestion`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Congestion {
    /// The original's: a window that doubles when it was acknowledged and halves on a loss.
    #[default]
    Classic,
    /// A fixed window of so many segments; the server caps it.
    Fixed(NonZeroU16),
}

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

impl FromStr for Recovery {
    type Err = BadAlgorithm;

    fn from_str(text: &str) -> Result<Self, BadAlgorithm> {
        match text {
            "go-back-n" => Ok(Self::GoBackN),
            "selective" => Err(BadAlgorithm::NotBuilt { name: "selective", built: "go-back-n" }),
            _ => Err(BadAlgorithm::Unknown("go-back-n")),
        }
    }
}

impl fmt::Display for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GoBackN => f.write_str("go-back-n"),
        }
    }
}

impl FromStr for Congestion {
    type Err = BadAlgorithm;

    fn from_str(text: &str) -> Result<Self, BadAlgorithm> {
        const BUILT: &str = "classic and fixed:N";
        let not_built = |name| BadAlgorithm::NotBuilt { name, built: BUILT };
        match text {
            "classic" => Ok(Self::Classic),
            "fixed" => Err(BadAlgorithm::BadWindow),
            "newreno" => Err(not_built("newreno")),
            "cubic" => Err(not_built("cubic")),
            "bbr" => Err(not_built("bbr")),
            _ => {
                let window =
                    text.strip_prefix("fixed:").ok_or(BadAlgorithm::Unknown("classic or fixed:N"))?;
                window.parse().map(Self::Fixed).map_err(|_| BadAlgorithm::BadWindow)
            }
        }
    }
}

impl fmt::Display for Congestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classic => f.write_str("classic"),
            Self::Fixed(window) => write!(f, "fixed:{window}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read_and_printed() {
        assert_eq!("go-back-n".parse(), Ok(Recovery::GoBackN));
        assert_eq!(Recovery::GoBackN.to_string(), "go-back-n");
        for text in ["classic", "fixed:1", "fixed:16", "fixed:65535"] {
            assert_eq!(text.parse::<Congestion>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_the_field_knows_and_we_lack_is_refused_by_name() {
        for name in ["newreno", "cubic", "bbr"] {
            let error = name.parse::<Congestion>().expect_err(name).to_string();
            assert_eq!(error, format!("{name} is not in this build, which has classic and fixed:N"));
        }
        let error = "selective".parse::<Recovery>().expect_err("not built").to_string();
        assert_eq!(error, "selective is not in this build, which has go-back-n");
    }

    #[test]
    fn what_nobody_has_is_told_what_there_is() {
        for text in ["", "Classic", "reno", "fixed16"] {
            assert_eq!(
                text.parse::<Congestion>(),
                Err(BadAlgorithm::Unknown("classic or fixed:N")),
                "{text}"
            );
        }
        for text in ["fixed", "fixed:", "fixed:0", "fixed:-1", "fixed:65536", "fixed:many"] {
            assert_eq!(text.parse::<Congestion>(), Err(BadAlgorithm::BadWindow), "{text}");
        }
        assert_eq!("tcp".parse::<Recovery>(), Err(BadAlgorithm::Unknown("go-back-n")));
    }
}
