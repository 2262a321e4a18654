//! Parameters: what is read of them, what is decided, what is written, and the loop that makes a replica equal.

mod absent;
mod brake;
mod by_lists;
mod confirm;
mod delete;
mod endings;
#[cfg(test)]
mod fixtures;
mod histories;
mod in_turn;
mod keys;
mod labels;
pub mod model;
pub mod plan;
pub mod policies;
mod proof;
mod prune;
mod reconcile;
mod recreate;
mod release;
mod removal;
mod round;
mod run;
mod settle;
mod store;
mod task;
mod unwanted;
pub mod value_override;
mod write;

pub use absent::{Absent, MassAbsence, remove_absent};
pub use prune::prune;
pub use reconcile::reconcile;
pub use release::release;
