//! The configuration as a file that explains itself: `docs/backchat.toml`, with what is set in its place.

use toml::{Table, Value};

use super::Config;

/// Every key with its default and what it means; those without a default stand behind a `#`.
pub(super) const SAMPLE: &str = include_str!("../../../../docs/backchat.toml");

/// The sample, saying what `config` says. What is as it is by default stays as it is written there.
pub(super) fn commented(config: &Config) -> String {
    let (set, default) = (table(config), table(&Config::default()));
    let mut text = String::with_capacity(SAMPLE.len());
    let mut section = None;
    for line in SAMPLE.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = Some(name);
        }
        let key = key(line);
        let value = key.and_then(|key| Some((key, find(&set, section, key)?)));
        match value {
            Some((key, value)) if find(&default, section, key) != Some(value) => {
                text += &format!("{key} = {value}");
            }
            _ => text += line,
        }
        text.push('\n');
    }
    text
}

fn table(config: &Config) -> Table {
    // Every key is text and every value a number or a text, which TOML can hold.
    Table::try_from(super::file::Table::of(config)).unwrap_or_default()
}

/// The key that a line of the sample sets, or would set without its `#`.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.strip_prefix("# ").unwrap_or(line).split_once(" = ")?;
    key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_').then_some(key)
}

fn find<'a>(table: &'a Table, section: Option<&str>, key: &str) -> Option<&'a Value> {
    match section {
        None => table.get(key),
        Some(section) => table.get(section)?.get(key),
    }
}
