//! Addresses, rates, sizes, times, names. What is understood is written and understood again as the same; what is not is
//! told on one line, without a control character.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use backchat::cli::algorithms::{parse_congestion, parse_recovery};
use backchat::cli::values::{HostPort, Rate, Size, Span};
use backchat_core::chat::{FileName, Hex, Nickname};
use backchat_core::text::{is_printable, visible};
use backchat_core::time::UnixTime;
use backchat_sim::swarm::Bounds;
use libfuzzer_sys::fuzz_target;

fn tell(error: &impl Display) {
    let text = error.to_string();
    assert!(is_printable(&text), "{text:?}");
}

fn reads<T: FromStr<Err: Display> + Display + Debug + PartialEq>(text: &str) {
    match text.parse::<T>() {
        Ok(value) => {
            let written = value.to_string();
            let again = written.parse::<T>().unwrap_or_else(|error| panic!("{written:?}: {error}"));
            assert_eq!(again, value, "{written:?}");
        }
        Err(error) => tell(&error),
    }
}

fuzz_target!(|text: &str| {
    reads::<HostPort>(text);
    reads::<Rate>(text);
    reads::<Size>(text);
    reads::<Span>(text);
    reads::<Nickname>(text);
    match FileName::parse(text) {
        // It is shown as it can be seen, which is not always how it is written.
        Ok(name) => assert_eq!(FileName::parse(name.as_str()), Ok(name)),
        Err(error) => tell(&error),
    }
    reads::<Hex<16>>(text);
    let _ = UnixTime::parse(text);
    if let Err(error) = Bounds::parse(text) {
        tell(&error);
    }
    if let Err(error) = parse_recovery(text) {
        tell(&error);
    }
    if let Err(error) = parse_congestion(text) {
        tell(&error);
    }
    let shown = visible(text).to_string();
    assert!(is_printable(&shown), "{shown:?}");
});
