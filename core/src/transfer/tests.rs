//! Two endpoints on a virtual clock: a sender, a receiver, and a link that does what the test has written down.

mod belief;
mod flow;
mod hostile;
mod loss;
mod pair;
mod path;
mod random;
mod stalls;
mod tables;
