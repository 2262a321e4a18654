//! Managed replication of secrets: Secrets Manager copies by itself, the hub asks it to and looks at what came of it.
//! No value is read: no call here returns one.

mod appear;
mod apply;
mod ask;
mod causes;
mod health;
mod look;
mod model;
mod observe;
mod plan;
mod reconcile;
mod refused;
mod release;

mod slice;
mod waiting;

pub use reconcile::reconcile;
pub use refused::refused_deletes;
pub use release::release;
