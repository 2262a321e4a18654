//! Parameters: what is read of them, what is decided, what is written, and the loop that makes a replica equal.

mod apply;
pub mod desired;
mod endings;
#[cfg(test)]
mod fixtures;
mod labels;
pub mod model;
mod observe;
pub mod plan;
pub mod provenance;
mod reconcile;
mod removal;
mod round;
mod run;
mod settle;
mod write;

pub use reconcile::reconcile;
