//! Swarm testing: for each seed a random subset of faults, with random strengths, over a random workload.
//!
//! After Groce, Zhang, Eide, Chen and Regehr, "Swarm Testing" (ISSTA 2012): a run in which everything goes wrong at once
//! hides much of what a run with a few faults shows, for one fault keeps another from mattering. So each seed leaves out
//! about half of them, another half each time, and what is counted is which pairs have met.
//!
//! What a seed comes to is a scenario like any other: it can be saved, replayed and shrunk. Whether it fails is for the
//! checkers to say; nothing is expected of it besides, so every failure is somebody's mistake.
//!
//! - [`bounds`]: the file that says within what. [`kind`]: the faults. [`draw`]: numbers from named streams.
//! - [`generate`]: the scenario of a seed: settings and workload. `faults`: what each kind adds to it.
//! - [`meetings`]: which pairs have met.

pub mod bounds;
pub mod draw;
mod faults;
pub mod generate;
pub mod kind;
pub mod meetings;

pub use bounds::Bounds;
pub use generate::{Made, make};
pub use kind::Kind;
pub use meetings::Meetings;
