//! What is told of a run, and how: the response, the exit code, the table, the digest, the metrics. All of it is
//! pure: what is told depends on the finished accounts and on the time that is passed in, on nothing else.

mod causes;
mod digest;
mod exit;
mod fold;
mod json_views;
mod metrics;
mod recently_reported;
mod response;
mod response_json;
#[cfg(test)]
pub(crate) mod samples;
mod status;
#[cfg(feature = "cli")]
mod table;
mod unknown_writer;
mod wording;

pub use digest::{Attributes, Digest, digest};
pub use exit::ExitCode;
pub use fold::Report;
pub use metrics::{Measured, metrics};
pub use recently_reported::{NewFailures, RecentlyReported};
pub use response::{AccountLine, PlannedStep, Response, Totals};
pub use response_json::RESPONSE_LIMIT;
pub use status::Status;
#[cfg(feature = "cli")]
pub use table::{View, table};
