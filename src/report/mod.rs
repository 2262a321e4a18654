//! The report of a run. [`Report`] adds up finished accounts and gives a [`Response`]; the JSON of the Lambda, the table
//! of `hubctl`, the exit code, the digest to SNS and the metrics all come from that response.
//!
//! This module is pure: the result depends only on the finished accounts and on the time that the caller passes in.

mod causes;
mod digest;
mod execution;
mod exit;
mod fold;
mod json_views;
mod metrics;
mod recently_reported;
mod response;
mod response_json;
#[cfg(test)]
pub(crate) mod samples;
mod states;
mod status;
#[cfg(feature = "cli")]
mod table;
mod unknown_writer;
mod withheld;
mod wording;

#[cfg(feature = "cli")]
pub(crate) use causes::by_cause;
pub use digest::{Attributes, Digest, digest};
pub use execution::ExecutionSummary;
pub use exit::ExitCode;
pub use fold::Report;
pub use metrics::{Measured, metrics};
pub use recently_reported::{NewFailures, RecentlyReported};
pub use response::{AccountLine, PlannedStep, Response, Totals};
pub use response_json::RESPONSE_LIMIT;
pub(crate) use states::{account_entry, entry_fields};
pub use status::Status;
#[cfg(feature = "cli")]
pub use table::{View, table};
#[cfg(feature = "cli")]
pub(crate) use table::{new_table, set_spacing, wrapped};
#[cfg(feature = "cli")]
pub(crate) use wording::{number, one_line};
