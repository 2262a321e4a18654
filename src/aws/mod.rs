//! The way to AWS: one connection for the process, one session for each account, and every attempt paced.
//!
//! Nothing above this module looks at an error code of AWS's, but for the few that decide what is done next ([`code`]).

mod client;
mod connection;
mod credentials;
#[cfg(test)]
pub(crate) mod double;
mod environment;
mod errors;
mod key_states;
mod keys;
mod memory_budget;
mod renewal;
mod retry;
mod session;
#[cfg(test)]
mod tests;
mod throttle;
mod unmodelled;
mod whole;
mod writes;

pub use connection::{Connection, Options};
pub use environment::Environment;
pub use errors::{cause, code};
pub use key_states::{KeyStates, is_about_key, is_aws_managed};
pub use keys::naming_key;
pub use retry::OnlyIfRefused;
pub use session::{Session, timestamp};
pub use throttle::{ACTIONS, CallStats, Lane, Quotas};
pub use unmodelled::Unmodelled;
pub use whole::{lacking, whole};
