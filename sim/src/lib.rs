//! Backchat's simulator.
#![forbid(unsafe_code)]

pub mod trace;
