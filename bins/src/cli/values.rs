//! What people write for sizes, rates, durations and addresses, and back again.
//!
//! Each type is parsed once, says in its error what it expected, and prints in a form that parses to the same
//! value. They are used alike on command lines, in configuration files and in the chat's own commands. Durations
//! are the `humantime` crate's; sizes and rates are counted in [`crate::quantity`], because they must be exact and the crates that
//! read them go through floating point.

pub use self::address::{BadAddress, HostPort};
pub use self::hosts::parse_hosts;
pub use self::quantity::BadQuantity;
pub use self::rate::Rate;
pub use self::size::Size;
pub use self::span::{BadSpan, Span};

mod address;
mod hosts;
mod quantity;
mod rate;
mod size;
mod span;

/// Serde through the text of a type: a string in TOML and JSON, read with `FromStr` and written with `Display`.
macro_rules! serde_as_text {
    ($type:ty, $expected:literal) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str($expected)
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    };
}
use serde_as_text;
