//! `backchat-sim`: scenarios in simulated networks, from the command line. What it does is in the library's `cli`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    backchat_sim::cli::main()
}
