//! How many requests the hub sends to each account and Region, and when.

mod buckets;
pub(super) mod connector;
pub(super) mod interceptor;
pub(super) mod limiter;
mod rates;
pub(super) mod registry;

pub use buckets::ACTIONS;
pub use rates::{CallStats, Lane, Quotas};
