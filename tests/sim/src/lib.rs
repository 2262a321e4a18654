//! A simulator of the AWS services that failover-replicator calls. It reproduces AWS's limits, page sizes, quotas, lag
//! and failures. `FACTS.md` lists the facts about AWS that the simulator implements; each rule in the code cites the
//! number of its fact.
//!
//! The simulator does not depend on the code that calls it. A test uses it as the HTTP client of an SDK ([`Sim`]
//! implements `HttpClient`) or over a loopback socket ([`server::listen`], and the binary `aws-sim`). Time is tokio's
//! time, so a test that pauses tokio's clock simulates hours in an instant. [`Clock::skip`] lets the time of day jump
//! ahead while that clock stands still, as on a machine that was asleep. Random choices derive from a seed. The
//! simulator is deterministic: no wall clock, no system randomness, no iteration order of a hash map.
//!
//! A call passes these modules: `protocol` parses the request; `service` identifies the caller, injects `faults` and
//! checks `quotas`; then the module of the AWS service reads and changes `state`. The state keeps earlier values in a
//! `timeline`, for reads that lag. [`Sim::account`] is the owner's view: the same rules without quotas, faults or lag.
#![expect(clippy::expect_used, clippy::panic, reason = "a simulator for tests fails loudly")]

mod clock;
mod connector;
mod dynamodb;
mod error;
mod faults;
mod identity;
mod journal;
mod kms;
mod organizations;
mod owner;
mod pages;
mod protocol;
mod quotas;
mod secrets;
mod seed;
pub mod server;
mod service;
mod sim;
mod sns;
mod ssm;
mod state;
mod sts;
mod tagging;
#[cfg(test)]
mod tests;
mod timeline;

pub use clock::{BEGINNING, Clock, Millis, ProcessClock};
pub use dynamodb::TableItem;
pub use dynamodb::owner::{TableCopy, TableSide};
pub use error::AwsError;
pub use faults::{Effect, Fault, FaultId, LOST_ANSWERS};
pub use identity::Keys;
pub use journal::{Count, Write};
pub use kms::KeyState;
pub use owner::{AccountSide, Doer, ParameterView, RegionSide, SecretView};
pub use quotas::{Metered, Quota};
pub use sim::Sim;
pub use sns::Message;
pub use state::{EarlyCreate, Lag, Sessions, Settings};

/// The facts about AWS that the code cites by number.
pub const FACTS: &str = include_str!("../FACTS.md");
