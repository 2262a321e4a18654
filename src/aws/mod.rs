//! Access to AWS: one [`Connection`] for each kind of work ([`Lane`]), one [`Session`] for each account, and a rate
//! limit on every attempt (`throttle`).
//!
//! AWS's errors become a [`crate::domain::Cause`] here ([`cause`]). Other modules read an AWS error code only where the
//! code decides the next step ([`code`]).

mod client;
mod configuration;
mod connection;
mod credentials;
mod environment;
mod errors;
#[cfg(test)]
pub(crate) mod fake;
mod key_states;
mod keys;
mod memory_budget;
mod moment;
mod renewal;
mod response;
mod retry;
mod session;
#[cfg(test)]
mod tests;
mod throttle;
mod unmodelled;
mod write_gate;
mod writes;

#[cfg(test)]
pub(crate) use configuration::{CONNECT_TIMEOUT, READ_TIMEOUT};
pub use connection::{CallerIdentity, Connection, Options};
pub use environment::Environment;
pub use errors::{cause, code};
pub use key_states::{KeyStates, is_about_key, is_aws_managed};
pub use keys::naming_key;
pub use moment::Moment;
pub use response::{complete_response, missing_member};
pub use retry::OnlyIfRefused;
pub use session::{Session, timestamp};
pub use throttle::{ACTIONS, BreakerLimits, CallStats, Lane, Quotas};
pub use unmodelled::Unmodelled;
pub use write_gate::{WriteGate, WriteIntent, WriteIntentInterceptor};
