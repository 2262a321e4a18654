//! A simulator of the part of AWS that a replicator of parameters and secrets calls, and an unkind one: it has AWS's
//! limits, page sizes, quotas, lag and failures. What it knows of AWS stands in `FACTS.md`; each rule names its fact.
//!
//! It knows nothing of who calls it. It stands in an SDK's HTTP client ([`Sim`] is an `HttpClient`), or behind a
//! loopback socket ([`server::listen`], and the binary `aws-sim`). All time is tokio's, so a test that pauses tokio's
//! clock runs through hours in an instant; what looks random is made of the seed. Nothing else decides anything: no
//! wall clock, no system randomness, no order of a hash map.
//!
//! A call's way: `protocol` reads it, `service` settles who calls, what befalls it (`faults`) and whether its quota
//! bears it (`quotas`), then the service does its work on `state`, where everything has a `past` for reads that lag.
//! [`Sim::account`] is the owner's side: the same rules, without quotas, faults or lag.
#![expect(clippy::expect_used, clippy::panic, reason = "it serves tests, and fails them loudly")]

mod clock;
mod connector;
mod error;
mod faults;
mod identity;
mod journal;
mod kms;
mod organizations;
mod owner;
mod pages;
mod past;
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

pub use clock::{BEGINNING, Clock, Millis};
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

/// The numbered facts that the rules cite.
pub const FACTS: &str = include_str!("../FACTS.md");
