//! The client: see `backchat::cli::client`.

use std::process::ExitCode;

use backchat::cli::args::Environment;

fn main() -> ExitCode {
    backchat::cli::client::main(std::env::args_os(), &Environment::of_process()).into()
}
