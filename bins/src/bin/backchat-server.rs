//! The server: see `backchat::cli::server`.

use std::process::ExitCode;

use backchat::cli::args::Environment;

fn main() -> ExitCode {
    backchat::cli::server::main(std::env::args_os(), &Environment::of_process()).into()
}
