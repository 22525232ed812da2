//! `demo`.
use super::args::DemoArgs;
use super::exit::{Exit, Trouble};

pub(super) fn demo(_: &DemoArgs) -> Result<Exit, Trouble> {
    Err(Trouble::NotBuilt("demo".into()))
}
