//! What happened, as text: lines for people, objects for programs, tables for lists.
//!
//! Everything here is a pure function from values to strings that hold no character a terminal would act on. Where
//! they are written to is for the applications.

pub mod json;
pub mod plain;
pub mod table;
pub mod units;
