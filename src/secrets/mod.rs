//! Managed replication of secrets. Secrets Manager copies the values; the hub requests missing replicas and checks the
//! existing ones. No call in this module returns a secret value.

mod apply;
mod ask;
mod await_creation;
mod await_replicas;
mod causes;
mod context;
mod decide;
mod key_health;
mod model;
mod observe;
mod plan;
mod reconcile;
mod refused_deletes;
mod release;

pub use reconcile::reconcile;
pub use refused_deletes::refused_deletes;
pub use release::release;
