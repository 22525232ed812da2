//! Values of a scenario that the command line sets: `--set links.default.jitter=20ms`, or, spread over the seeds of a sweep,
//! `--set links.default.jitter=0..20ms`.
//!
//! A key is written as in TOML, with the number of an entry where there is a list (`faults.0.at`). What is drawn from a range
//! is a function of seed and key, so that the line that replays a run says the same as the sweep did.

use backchat_core::seed::Seed;
use toml::{Table, Value};

use super::exit::Trouble;
use super::load::Loaded;
use crate::scenario::{Scenario, parse_rate, parse_size, parse_span};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Settings {
    all: Vec<Setting>,
    /// As they are given again: ` --set a=b`, or empty.
    words: String,
}

#[derive(Debug)]
struct Setting {
    text: String,
    key: String,
    path: Vec<String>,
    value: Spread,
}

#[derive(Clone, Debug, PartialEq)]
enum Spread {
    /// The same for every seed.
    One(Value),
    /// Equally likely anything from the least to the most, both included.
    Between(Unit, u64, u64),
    Chance(f64, f64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Plain,
    Span,
    Size,
    Rate,
}

impl Settings {
    /// # Errors
    /// One is no `KEY=VALUE`.
    pub(super) fn new(texts: &[String]) -> Result<Self, Trouble> {
        let all = texts.iter().map(|text| Setting::parse(text)).collect::<Result<Vec<_>, _>>()?;
        let words = texts.iter().map(|text| format!(" --set {}", super::explain::quoted(text))).collect();
        Ok(Self { all, words })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// As a replay line has them.
    pub(super) fn words(&self) -> &str {
        &self.words
    }

    /// Returns the values for a seed, by their keys.
    pub(super) fn of(&self, seed: u64) -> impl Iterator<Item = (&str, Value)> {
        self.all.iter().map(move |it| (it.key.as_str(), it.value.draw(seed, &it.key)))
    }

    /// The scenario with them, for a seed.
    ///
    /// # Errors
    /// It is none then.
    pub(super) fn applied(&self, loaded: &Loaded, seed: u64) -> Result<Loaded, Trouble> {
        if self.is_empty() {
            return Ok(loaded.clone());
        }
        self.with(loaded, |it| it.value.draw(seed, &it.key))
    }

    /// Checks that the settings make a scenario at both ends of every range.
    ///
    /// # Errors
    /// They do not.
    pub(super) fn check(&self, loaded: &Loaded) -> Result<(), Trouble> {
        for end in [u64::MIN, u64::MAX] {
            self.with(loaded, |it| it.value.at(end))?;
        }
        Ok(())
    }

    fn with(&self, loaded: &Loaded, value: impl Fn(&Setting) -> Value) -> Result<Loaded, Trouble> {
        let wrong = |text: &str, what: String| {
            // Its place would be one of a text that nobody has written.
            let what = what.splitn(3, ':').last().unwrap_or_default().trim_start().to_owned();
            Trouble::Scenario(format!("{} with --set {text}: {what}", loaded.path))
        };
        let text = String::from_utf8_lossy(&loaded.text);
        let mut root: Table = match text.parse() {
            Ok(root) => root,
            Err(_) => return Ok(loaded.clone()),
        };
        for it in &self.all {
            put(&mut root, &it.path, value(it)).map_err(|what| wrong(&it.text, format!("1:1: {what}")))?;
        }
        let last = self.all.last().map_or("", |it| it.text.as_str());
        let text = toml::to_string(&root).map_err(|error| wrong(last, format!("1:1: {error}")))?;
        let scenario = Scenario::parse(&text).map_err(|error| wrong(last, error.to_string()))?;
        Ok(Loaded { path: loaded.path.clone(), text: text.into_bytes(), scenario })
    }
}

impl Setting {
    fn parse(text: &str) -> Result<Self, Trouble> {
        let wrong = || {
            let expected = "expected KEY=VALUE, such as links.default.jitter=20ms, or 0..20ms for a range";
            Trouble::Usage(format!("--set {text}: {expected}"))
        };
        // A key may be quoted, as that of a link is; an = in one is behind a quote.
        let mut is_quoted = false;
        let place = text.char_indices().find(|(_, c)| {
            is_quoted ^= *c == '"';
            *c == '=' && !is_quoted
        });
        let (key, value) = text.split_at(place.ok_or_else(wrong)?.0);
        let (key, value) = (key.trim(), value.get(1..).unwrap_or_default().trim());
        let path = path(key).ok_or_else(wrong)?;
        let value = Spread::parse(value);
        match value {
            Spread::Between(_, least, most) if least > most => Err(wrong()),
            Spread::Chance(least, most) if least > most => Err(wrong()),
            value => Ok(Self { text: text.to_owned(), key: key.to_owned(), path, value }),
        }
    }
}

/// The parts of a key.
fn path(key: &str) -> Option<Vec<String>> {
    let mut table: Table = format!("{key} = 0").parse().ok()?;
    let mut path = Vec::new();
    loop {
        let (part, value) = table.into_iter().next()?;
        path.push(part);
        match value {
            Value::Table(inner) => table = inner,
            _ => return Some(path),
        }
    }
}

/// Puts a value to its place, with the tables that lead there.
fn put(root: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    let Some((last, tables)) = path.split_last() else { return Ok(()) };
    let mut at = Place::Table(root);
    for part in tables {
        at = match at {
            Place::Table(table) => {
                inner(table.entry(part.clone()).or_insert_with(|| Value::Table(Table::new())))
            }
            Place::List(list) => inner(entry(list, part)?),
            Place::Other => return Err(format!("'{part}' is behind a value; expected a table")),
        };
    }
    match at {
        Place::Table(table) => drop(table.insert(last.clone(), value)),
        Place::List(list) => *entry(list, last)? = value,
        Place::Other => return Err(format!("'{last}' is behind a value; expected a table")),
    }
    Ok(())
}

enum Place<'a> {
    Table(&'a mut Table),
    List(&'a mut Vec<Value>),
    Other,
}

fn inner(value: &mut Value) -> Place<'_> {
    match value {
        Value::Table(table) => Place::Table(table),
        Value::Array(list) => Place::List(list),
        _ => Place::Other,
    }
}

fn entry<'a>(list: &'a mut [Value], part: &str) -> Result<&'a mut Value, String> {
    let length = list.len();
    let place = part.parse::<usize>().ok().and_then(|place| list.get_mut(place));
    place.ok_or_else(|| format!("'{part}' of a list of {length}; expected a number from 0, below that"))
}

impl Spread {
    fn parse(text: &str) -> Self {
        let range = text.split_once("..").and_then(|(least, most)| Self::between(least.trim(), most.trim()));
        range.unwrap_or_else(|| {
            let whole: Result<Table, _> = format!("value = {text}").parse();
            let value = whole.ok().and_then(|mut table| table.remove("value"));
            Self::One(value.unwrap_or_else(|| Value::String(text.to_owned())))
        })
    }

    fn between(least: &str, most: &str) -> Option<Self> {
        let both = |parse: &dyn Fn(&str) -> Option<u64>| {
            let zero_or = |text: &str| if text == "0" { Some(0) } else { parse(text) };
            Some((zero_or(least)?, parse(most)?))
        };
        if let (Ok(least), Ok(most)) = (least.parse(), most.parse()) {
            return Some(Self::Between(Unit::Plain, least, most));
        }
        if let (Ok(least), Ok(most)) = (least.parse(), most.parse()) {
            return Some(Self::Chance(least, most));
        }
        let span = |text: &str| parse_span(text).ok().and_then(|span| u64::try_from(span.as_nanos()).ok());
        type Parse<'a> = &'a dyn Fn(&str) -> Option<u64>;
        let units: [(Unit, Parse<'_>); 3] = [
            (Unit::Span, &span),
            (Unit::Size, &|text| parse_size(text).ok()),
            (Unit::Rate, &|text| parse_rate(text).ok()),
        ];
        let mut found = units.iter().filter_map(|(unit, parse)| Some((*unit, both(parse)?)));
        found.next().map(|(unit, (least, most))| Self::Between(unit, least, most))
    }

    fn draw(&self, seed: u64, key: &str) -> Value {
        self.at(Seed::from_number(seed).stream(&format!("set {key}")).next_u64())
    }

    /// At a place of the range, from 0 to the largest number.
    fn at(&self, place: u64) -> Value {
        match self {
            Self::One(value) => value.clone(),
            Self::Chance(least, most) => {
                let part = place as f64 / u64::MAX as f64;
                Value::Float(least + (most - least) * part)
            }
            Self::Between(unit, least, most) => {
                let span = u128::from(most - least) + 1;
                let more = u64::try_from((span * u128::from(place)) >> 64).unwrap_or(0);
                let drawn = least + more;
                match unit {
                    Unit::Plain => {
                        i64::try_from(drawn).map_or(Value::String(drawn.to_string()), Value::Integer)
                    }
                    Unit::Span => Value::String(format!("{drawn}ns")),
                    Unit::Size => Value::String(format!("{drawn}B")),
                    Unit::Rate => Value::String(format!("{drawn}bit/s")),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded() -> Loaded {
        let text = "duration = \"9s\"\n[clients.ann]\n[links.default]\ndelay = \"5ms\"\n\
                    [[faults]]\nkind = \"blackout\"\nlink = \"ann<->server\"\n";
        let scenario = Scenario::parse(text).unwrap();
        Loaded { path: "a.toml".to_owned(), text: text.as_bytes().to_vec(), scenario }
    }

    fn set(texts: &[&str]) -> Settings {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Settings::new(&texts).unwrap()
    }

    #[test]
    fn values_are_set_where_they_stand_in_toml_and_lists_by_number() {
        let settings = set(&["links.default.loss=0.5", "links.\"server->ann\".delay=7ms", "faults.0.at=2s"]);
        let file = settings.applied(&loaded(), 0).unwrap().scenario.file().to_toml();
        for part in
            ["loss = 0.5", "[links.\"server->ann\"]\ndelay = \"7ms\"", "at = \"2s\"", "delay = \"5ms\""]
        {
            assert!(file.contains(part), "{part}: {file}");
        }
        assert_eq!(
            settings.words(),
            " --set links.default.loss=0.5 --set 'links.\"server->ann\".delay=7ms' --set faults.0.at=2s"
        );
    }

    #[test]
    fn a_range_is_drawn_by_seed_and_key_and_reaches_both_ends() {
        let settings = set(&["links.default.jitter=0..20ms"]);
        let drawn = |seed| settings.of(seed).next().unwrap().1;
        assert_eq!(drawn(3), drawn(3));
        assert_ne!(drawn(3), drawn(4));
        let range = &settings.all[0].value;
        assert_eq!(range.at(0), Value::String("0ns".to_owned()));
        assert_eq!(range.at(u64::MAX), Value::String("20000000ns".to_owned()));
        let unit = |text: &str| match Spread::parse(text) {
            Spread::Between(unit, ..) => Some(unit),
            _ => None,
        };
        let units = ["1..5", "1KiB..2KiB", "0..1Mbit/s", "0..1s", "20ms"].map(unit);
        assert_eq!(units, [Some(Unit::Plain), Some(Unit::Size), Some(Unit::Rate), Some(Unit::Span), None]);
        assert_eq!(Spread::parse("0..0.1"), Spread::Chance(0.0, 0.1));
        assert!(settings.check(&loaded()).is_ok());
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        for (text, expected) in [
            ("links.default.jitter", "--set links.default.jitter: expected KEY=VALUE"),
            ("=1", "--set =1: expected KEY=VALUE"),
            ("a=9..3", "--set a=9..3: expected KEY=VALUE"),
        ] {
            let said = Settings::new(&[text.to_owned()]).unwrap_err().to_string();
            assert!(said.starts_with(expected), "{said}");
        }
        for (text, expected) in [
            (
                "links.default.dealy=1s",
                "a.toml with --set links.default.dealy=1s: unknown key 'dealy'; expected ",
            ),
            (
                "links.default.loss=0..2",
                "a.toml with --set links.default.loss=0..2: loss is 2, above 1; expected ",
            ),
            ("faults.1.at=1s", "a.toml with --set faults.1.at=1s: '1' of a list of 1; expected a number"),
            ("duration.x=1s", "a.toml with --set duration.x=1s: 'x' is behind a value; expected a table"),
        ] {
            let said = set(&[text]).check(&loaded()).unwrap_err().to_string();
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
