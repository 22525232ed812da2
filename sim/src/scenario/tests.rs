//! The format held to its contract: what is read, what is refused and how, and that what is written is read again.

mod malformed;
mod reading;
mod round_trip;

use super::*;

/// The scenario of the contract, as it stands there.
const EXAMPLE: &str = include_str!("../../../scenarios/transfer/contract_example.toml");

/// A scenario with everything that a line under test may need before it.
fn parsed(text: &str) -> Scenario {
    Scenario::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
