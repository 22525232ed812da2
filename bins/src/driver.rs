//! The loops that join the core with the outside.
pub mod application;
pub mod streams;
