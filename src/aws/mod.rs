//! The way to AWS: one connection for the process, one session for each account, and every attempt paced.
//!
//! Nothing above this module looks at an error code of AWS's, but for the few that decide what is done next ([`code`]).

mod actions;
mod at_once;
mod class;
mod client;
mod connection;
mod connector;
mod credentials;
mod deadline;
#[cfg(test)]
pub(crate) mod double;
mod failure;
mod gate;
mod key_states;
mod keys;
mod pacer;
mod pacing;
mod ration;
mod renewal;
mod retry;
mod session;
#[cfg(test)]
mod tests;
mod unmodelled;
mod whole;
mod wire;
mod writes;

pub use actions::ACTIONS;
pub use at_once::at_once;
pub use connection::{Connection, Options};
pub use deadline::{Deadline, Stop};
pub use failure::{cause, code};
pub use key_states::{KeyStates, is_about_key, is_aws_managed};
pub use keys::naming_key;
pub use pacing::{CallStats, Lane, Quotas};
pub use retry::OnlyIfRefused;
pub use session::Session;
pub use unmodelled::Unmodelled;
pub use whole::{lacking, whole};
