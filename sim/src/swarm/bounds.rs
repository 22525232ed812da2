//! The file of bounds: TOML, every key of which must be there. [`DEFAULT`] is one, and `swarm --print-bounds` prints it.

use core::fmt;
use std::collections::BTreeMap;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::kind::Kind;
use crate::link::Chance;
use crate::scenario::{MAX_CLIENTS, MAX_FILE_BYTES, Place, parse_rate, parse_size, parse_span};

/// The bounds of a swarm to which nobody gave any.
pub const DEFAULT: &str = include_str!("default.toml");

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Bounds {
    /// What clients do.
    pub workload: Workload,
    /// What they do it with.
    pub settings: Settings,
    /// How strong faults are.
    pub strength: Strength,
    /// The chance for each kind to be in a run.
    #[serde(deserialize_with = "shares")]
    pub faults: BTreeMap<Kind, Chance>,
}

/// `[workload]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Workload {
    /// How many there are.
    #[serde(deserialize_with = "number")]
    pub clients: Between,
    /// How many files are shared.
    #[serde(deserialize_with = "number")]
    pub files: Between,
    /// How long each is.
    #[serde(deserialize_with = "size")]
    pub bytes: Between,
    /// How many downloads all clients want.
    #[serde(deserialize_with = "number")]
    pub downloads: Between,
    /// How many messages they say and tell.
    #[serde(deserialize_with = "number")]
    pub messages: Between,
    /// How many lists they ask for.
    #[serde(deserialize_with = "number")]
    pub lists: Between,
    /// In nanoseconds: within which everything begins.
    #[serde(deserialize_with = "span")]
    pub busy: Between,
}

/// `[settings]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Settings {
    /// Bytes in a segment.
    #[serde(deserialize_with = "number")]
    pub segment: Between,
    /// Segments in a fixed window.
    #[serde(deserialize_with = "number")]
    pub window: Between,
    /// Nanoseconds, one way.
    #[serde(deserialize_with = "span")]
    pub delay: Between,
    /// Bits a second.
    #[serde(deserialize_with = "rate")]
    pub rate: Between,
}

/// `[strength]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub struct Strength {
    /// For a packet to be hit, in parts of 2^32.
    #[serde(deserialize_with = "chance")]
    pub chance: Between,
    /// Nanoseconds that a packet is later.
    #[serde(deserialize_with = "span")]
    pub by: Between,
    /// Nanoseconds that something lasts.
    #[serde(deserialize_with = "span")]
    pub lasts: Between,
    /// How often something happens.
    #[serde(deserialize_with = "number")]
    pub times: Between,
    /// How many datagrams are injected.
    #[serde(deserialize_with = "number")]
    pub datagrams: Between,
    /// How many packets wait in a short queue.
    #[serde(deserialize_with = "number")]
    pub packets: Between,
    /// Bits a second of the path before it.
    #[serde(deserialize_with = "rate")]
    pub rate: Between,
    /// Bytes of a small receive buffer.
    #[serde(deserialize_with = "size")]
    pub buffer: Between,
}

/// The least and the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between {
    /// The least.
    pub least: u64,
    /// The most.
    pub most: u64,
}

/// What is wrong with a file of bounds, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundsError {
    /// Where.
    pub place: Place,
    /// What, and what was expected.
    pub what: String,
}

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column } = self.place;
        write!(f, "{line}:{column}: {}", backchat_core::text::visible(&self.what))
    }
}

impl Bounds {
    /// The bounds that a file's text is.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, BoundsError> {
        let at = |start: usize, what: String| BoundsError { place: Place::of(text, start), what };
        let parsed: Result<Self, _> = toml::from_str(text);
        let bounds = parsed
            .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
        bounds.check().map_err(|(key, what)| {
            let start = text.find(&format!("\n{key} =")).map_or(0, |newline| newline + 1);
            at(start, format!("{key} {what}"))
        })?;
        Ok(bounds)
    }

    /// What makes no scenario, whatever is drawn.
    fn check(&self) -> Result<(), (&'static str, String)> {
        let Self { workload, settings, strength, faults: _ } = self;
        let ranges = [
            ("clients", workload.clients, 1, u64::from(MAX_CLIENTS)),
            ("files", workload.files, 1, 100),
            ("bytes", workload.bytes, 0, MAX_FILE_BYTES),
            ("downloads", workload.downloads, 0, 10_000),
            ("messages", workload.messages, 0, 10_000),
            ("lists", workload.lists, 0, 10_000),
            ("busy", workload.busy, MILLISECOND, HOUR),
            ("segment", settings.segment, 64, 65_475),
            ("window", settings.window, 1, 65_535),
            ("delay", settings.delay, 0, HOUR),
            ("rate", settings.rate, 1, 1_000_000_000_000),
            ("by", strength.by, MICROSECOND, HOUR),
            ("lasts", strength.lasts, MICROSECOND, HOUR),
            ("times", strength.times, 1, 100),
            ("datagrams", strength.datagrams, 1, 100_000),
            ("packets", strength.packets, 1, 1_000_000),
            ("rate", strength.rate, 1, 1_000_000_000_000),
            ("buffer", strength.buffer, 2304, 1 << 30),
        ];
        let wrong = ranges.into_iter().find(|(_, it, least, most)| it.least < *least || it.most > *most);
        wrong.map_or(Ok(()), |(key, it, least, most)| {
            Err((key, format!("is {} to {}; expected within {least} to {most}", it.least, it.most)))
        })
    }
}

impl Default for Bounds {
    /// [`DEFAULT`].
    #[expect(clippy::expect_used, reason = "a constant, which a test reads as well")]
    fn default() -> Self {
        Self::parse(DEFAULT).expect("the built-in bounds are bounds")
    }
}

/// In nanoseconds. What is drawn is told in these units.
const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
/// An hour: what lasts longer is no fault of a run.
const HOUR: u64 = 3_600_000_000_000;

/// A value of the file, before it is known what it measures.
#[derive(Deserialize)]
#[serde(untagged)]
enum Word {
    Number(u64),
    Decimal(f64),
    Text(String),
}

fn pair<'de, D: Deserializer<'de>>(
    from: D,
    expected: &str,
    read: impl Fn(&Word) -> Option<u64>,
) -> Result<Between, D::Error> {
    let wrong = || D::Error::custom(format!("no such pair; expected [least, most], each {expected}"));
    let [least, most] = <[Word; 2]>::deserialize(from).map_err(|_| wrong())?;
    let (least, most) = (read(&least).ok_or_else(wrong)?, read(&most).ok_or_else(wrong)?);
    if least > most {
        return Err(D::Error::custom("the least is above the most; expected [least, most]"));
    }
    Ok(Between { least, most })
}

fn number<'de, D: Deserializer<'de>>(from: D) -> Result<Between, D::Error> {
    pair(from, "a whole number", |word| match word {
        Word::Number(number) => Some(*number),
        Word::Decimal(_) | Word::Text(_) => None,
    })
}

fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Between, D::Error> {
    pair(from, "a size such as \"64KiB\"", |word| match word {
        Word::Number(number) => Some(*number),
        Word::Text(text) => parse_size(text).ok(),
        Word::Decimal(_) => None,
    })
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Between, D::Error> {
    pair(from, "a duration such as \"15ms\"", |word| match word {
        Word::Text(text) => parse_span(text).ok().and_then(|span| u64::try_from(span.as_nanos()).ok()),
        Word::Number(_) | Word::Decimal(_) => None,
    })
}

fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<Between, D::Error> {
    pair(from, "a rate such as \"10Mbit/s\"", |word| match word {
        Word::Text(text) => parse_rate(text).ok(),
        Word::Number(_) | Word::Decimal(_) => None,
    })
}

fn chance<'de, D: Deserializer<'de>>(from: D) -> Result<Between, D::Error> {
    pair(from, "a chance from 0 to 1", |word| as_chance(word).map(Chance::parts))
}

fn as_chance(word: &Word) -> Option<Chance> {
    match word {
        Word::Number(number) => number.to_string().parse().ok(),
        Word::Decimal(number) => number.to_string().parse().ok(),
        Word::Text(_) => None,
    }
}

fn shares<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<Kind, Chance>, D::Error> {
    let words: BTreeMap<Kind, Word> = BTreeMap::deserialize(from)?;
    let mut shares = BTreeMap::new();
    for kind in Kind::ALL {
        let word = words.get(&kind);
        let word = word.ok_or_else(|| {
            D::Error::custom(format!("[faults] has no '{}'; expected its chance", kind.name()))
        })?;
        let share = as_chance(word);
        let wrong =
            || D::Error::custom(format!("{} is no chance; expected a number from 0 to 1", kind.name()));
        shares.insert(kind, share.ok_or_else(wrong)?);
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_bounds_are_read_as_they_stand() {
        let bounds = Bounds::parse(DEFAULT).unwrap();
        assert_eq!(bounds.workload.bytes, Between { least: 0, most: 256 << 10 });
        assert_eq!(bounds.strength.lasts, Between { least: 1_000_000, most: 45_000_000_000 });
        assert_eq!(bounds.faults.len(), Kind::ALL.len());
        assert!(Kind::ALL.into_iter().all(|kind| DEFAULT.contains(&format!("\n{} = ", kind.name()))));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (from, to, expected) in [
            ("clients = [1, 6]", "clients = [0, 6]", "5:1: clients is 0 to 6; expected within 1 to 10000"),
            ("clients = [1, 6]", "clients = [6, 1]", "5:11: the least is above the most; expected"),
            (
                "clients = [1, 6]",
                "clients = 6",
                "5:11: no such pair; expected [least, most], each a whole number",
            ),
            (
                "clients = [1, 6]",
                "clinets = [1, 6]",
                "5:1: unknown field `clinets`, expected one of `clients`",
            ),
            ("clients = [1, 6]", "", "4:1: missing field `clients`"),
            ("\nloss = 0.5", "", "[faults] has no 'loss'"),
            ("\nloss = 0.5", "\nloss = 1.5", "loss is no chance; expected a number from 0 to 1"),
            ("\nloss = 0.5", "\nlos = 0.5", "unknown variant `los`, expected one of `loss`"),
            ("[workload]", "[workload", "4:10: "),
        ] {
            let error = Bounds::parse(&DEFAULT.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
