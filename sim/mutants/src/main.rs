//! The harness proves itself: every planted bug, and the runs that must find it.
//!
//! ```text
//! cargo planted [table] [BUG…]    hunts each bug and prints the table; fails if one is not found
//! cargo planted quick [BUG…]      one hunt for each: whether it is found
//! cargo planted breadth [BUG…]    which of all scenarios find each
//! cargo planted shrink [-o DIR] [BUG…]  makes each bug's failure as small as it goes, and prints the table
//! cargo planted list              the bugs
//! cargo planted BUG COMMAND…      backchat-sim with a bug alive: BUG replay FILE --seed 0, BUG sweep scenarios/ …
//! ```
//!
//! `cargo planted` is an alias of `.cargo/config.toml`, for the workspace's root. It builds with a compiler that sets
//! `backchat_mutants`; in any other build this program says so and ends.

#[cfg(backchat_mutants)]
mod determinism;
#[cfg(backchat_mutants)]
mod hunt;
#[cfg(backchat_mutants)]
mod plan;
#[cfg(backchat_mutants)]
mod planted;
#[cfg(backchat_mutants)]
mod shrink;
#[cfg(backchat_mutants)]
mod table;

use std::process::ExitCode;

#[cfg(backchat_mutants)]
fn main() -> ExitCode {
    planted::main()
}

#[cfg(not(backchat_mutants))]
fn main() -> ExitCode {
    eprintln!("backchat-mutants: this build holds no planted bugs; run `cargo planted`");
    ExitCode::from(2)
}
