//! Rate limiting: how many requests the hub sends to each account and Region, and when.
//!
//! AWS counts calls per account, Region and group of operations, and everyone who works in the account shares that
//! quota. The hub takes a configured share of it. The story in the order of the files:
//!
//! 1. `buckets.rs`: every action that the hub calls, with the bucket (group of operations) that AWS counts it into.
//!    `settings/quota.rs` holds the default quota of each bucket.
//! 2. `rates.rs`: quota × share × lane gives the calls a second that this process may make of a bucket.
//! 3. `limiter.rs`: one bucket of one account and Region. Requests pass in order of arrival, evenly spaced after a
//!    small burst. A throttle from AWS halves the rate and pauses the limiter for a second; successes restore the rate.
//! 4. `registry.rs`: the limiters of each account. They outlive the account's session until they are idle, so that
//!    consecutive small batches do not each start with a full burst.
//! 5. `interceptor.rs`: knows which operation an attempt belongs to, but cannot wait. It attaches a `Permit` to the
//!    request, and reports the answer (success or throttle) to the limiter.
//! 6. `breaker.rs` and `source_read.rs`: reads of a source Region that does not answer fail at once, before they wait for a
//!    limiter. `pending.rs`: an account that only waits for such a Region.
//! 7. `connector.rs`: the HTTP client of all SDK clients. It waits for the permit, logs writes, and sends the request.
//!
//! Every attempt passes the connector, including the SDK's own retries. `aws/client.rs` builds every client, so no
//! client can skip the interceptor.

pub(super) mod breaker;
mod buckets;
pub(super) mod connector;
pub(super) mod interceptor;
pub(super) mod limiter;
mod pending;
mod rates;
pub(super) mod registry;
mod source_read;

pub use breaker::BreakerLimits;
pub use buckets::ACTIONS;
pub use rates::{CallStats, Lane, Quotas};
