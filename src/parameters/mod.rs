//! Parameters: what is read of them, what is decided, what is written, and the loop that makes a replica equal.

mod apply;
pub mod desired;
mod endings;
#[cfg(test)]
mod fixtures;
mod keys;
mod labels;
pub mod model;
mod observe;
pub mod plan;
pub mod policies;
mod proof;
pub mod provenance;
mod prune;
mod reconcile;
mod recreate;
mod removal;
mod round;
mod run;
mod settle;
pub mod supply;
mod task;
mod write;

pub use prune::prune;
pub use reconcile::reconcile;
