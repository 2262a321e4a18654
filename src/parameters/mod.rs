//! Parameters: what the hub reads of them, what it decides, what it writes, and the loop that makes a replica equal to its
//! source.

mod attempt;
mod candidate;
mod causes;
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
pub use reconcile::{MassAbsence, UnwitnessedAbsences, reconcile, remove_unwitnessed};
pub use release::release;
