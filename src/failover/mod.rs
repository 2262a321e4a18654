//! The commands that change the state of a route: `freeze` stops the replication, `thaw` starts it.
//!
//! A command reads the newest record of the route, asks [`crate::domain::RouteRecord`] for the next one, and puts it if
//! no other operator was faster (`change.rs`). A freeze ends only when no request of the hub can be under way
//! (`wait.rs`): owners may write in the target Region once the command has returned. It needs the hub's own Region
//! alone: one read, one put and the caller's identity.

mod answer;
mod change;
mod freeze;
#[cfg(test)]
mod tests;
#[cfg(feature = "cli")]
mod text;
mod thaw;
mod wait;

pub use answer::{FailoverAnswer, FailoverEnd, PlanPart};
pub(crate) use change::request_id;
pub use freeze::freeze;
#[cfg(feature = "cli")]
pub use text::text;
pub use thaw::{BegunThaw, begin_thaw};
pub use wait::IN_FLIGHT;

use crate::domain::Cause;
use crate::request::Refused;

/// Why a command changed nothing, or does not know whether its change was written.
#[derive(Debug, thiserror::Error)]
pub enum FailoverError {
    /// The state does not allow the transition.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The table or STS is unreachable, or refused the call.
    #[error(transparent)]
    Cause(#[from] Cause),
}
