//! Values that stand in JSON as texts: parsed where they lie, without a copy of the text.
//!
//! What a text has to look like is its type's matter; here is only the way from serde to the type's parser.

use core::fmt::{self, Display};
use core::marker::PhantomData;
use serde::Deserializer;
use serde::de::{Error, Visitor};

/// The value that `parse` makes of the text that comes next.
pub(crate) fn from_text<'de, D, T, E>(
    deserializer: D,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    E: Display,
{
    deserializer.deserialize_str(Text(parse, PhantomData))
}

struct Text<P, T>(P, PhantomData<T>);

impl<T, E: Display, P: FnOnce(&str) -> Result<T, E>> Visitor<'_> for Text<P, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<F: Error>(self, text: &str) -> Result<T, F> {
        (self.0)(text).map_err(F::custom)
    }
}
