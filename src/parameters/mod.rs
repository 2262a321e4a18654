//! Parameters: what is read of them, what is decided, what is written, and the loop that makes a replica equal.

mod attempt;
mod candidate;
mod context;
#[cfg(test)]
mod fixtures;
mod label_reads;
mod labels;
pub mod model;
pub mod plan;
pub mod policies;
mod prune;
mod reconcile;
mod release;
mod results;
mod store;
pub mod value_override;

pub use prune::prune;
pub use reconcile::{Absent, MassAbsence, reconcile, remove_absent};
pub use release::release;
