//! Backchat's simulator: what a run is made of.
//!
//! A run is a pure function of scenario and seed. This crate reads no clock, has no hash order and no randomness but
//! the seed's.
//!
//! # What is where
//! - [`scenario`]: the file that says who does what, over which links, with which faults, and what is expected.
//! - [`link`]: one direction of one path, as a machine that is told what is offered and says what arrives.
#![forbid(unsafe_code)]

pub mod link;
pub mod scenario;
