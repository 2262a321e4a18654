//! The digest for a program: the causes, and as many failures as fit, in the same form as in the response.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::JSON_LIMIT;
use crate::domain::{AccountId, Failure};
use crate::report::causes::CauseGroup;
use crate::report::json_views::{FailureView, TotalsView, Views, fit, size_of};
use crate::report::recently_reported::NewFailures;
use crate::report::response::Response;
use crate::report::withheld::RouteNotActiveView;

/// The document: at most [`JSON_LIMIT`] bytes.
pub(super) fn json(
    response: &Response,
    new_failures: &NewFailures<'_>,
    groups: &[CauseGroup<'_>],
) -> String {
    let mut document = DigestDocument {
        response,
        new_failures,
        groups,
        causes: &[],
        failures: &[],
        remaining: &[],
    };
    // Causes come first, because each stands for many failures. No list may take all the room.
    let mut room = JSON_LIMIT.saturating_sub(size_of(&document));
    let mut share = room / 2;
    document.causes = fit(groups, CauseView, &mut share);
    room = room / 2 + share;
    share = room / 4;
    document.remaining = fit(&new_failures.remaining, account_view, &mut share);
    room = room - room / 4 + share;
    document.failures = fit(&new_failures.failures, failure_view, &mut room);
    serde_json::to_string(&document).unwrap_or_default()
}

/// The digest with the parts of its lists that fit.
struct DigestDocument<'a> {
    response: &'a Response,
    new_failures: &'a NewFailures<'a>,
    groups: &'a [CauseGroup<'a>],
    causes: &'a [CauseGroup<'a>],
    failures: &'a [&'a Failure],
    remaining: &'a [&'a AccountId],
}

impl Serialize for DigestDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let new_failures = self.new_failures;
        let failures_cut = (new_failures.failures.len() - self.failures.len()) as u64
            + self.response.failures_dropped;
        let mut object = serializer.serialize_struct("Digest", 11)?;
        object.serialize_field("source", "failover-replicator")?;
        object.serialize_field("status", self.response.status.word())?;
        object.serialize_field("totals", &TotalsView(&self.response.totals))?;
        object.serialize_field("causes", &Views(self.causes, CauseView))?;
        object.serialize_field("causes_cut", &(self.groups.len() - self.causes.len()))?;
        object.serialize_field("failures", &Views(self.failures, failure_view))?;
        object.serialize_field("failures_cut", &failures_cut)?;
        object.serialize_field("failures_repeated", &new_failures.repeated)?;
        object.serialize_field(
            "routes_not_active",
            &Views(&self.response.routes_not_active, RouteNotActiveView),
        )?;
        object.serialize_field("remaining", &Views(self.remaining, account_view))?;
        object.serialize_field(
            "remaining_cut",
            &(new_failures.remaining.len() - self.remaining.len()),
        )?;
        object.end()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "`Views` passes references")]
fn failure_view<'a>(failure: &&'a Failure) -> FailureView<'a> {
    FailureView(failure)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "`Views` passes references")]
fn account_view<'a>(account: &&'a AccountId) -> &'a str {
    account.as_str()
}

struct CauseView<'a>(&'a CauseGroup<'a>);

impl Serialize for CauseView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let group = self.0;
        let mut object = serializer.serialize_struct("Cause", 6)?;
        object.serialize_field("error_kind", group.kind.word())?;
        if let Some(class) = group.class {
            object.serialize_field("class", class.word())?;
        }
        object.serialize_field("message", group.message)?;
        object.serialize_field("remedy", group.remedy)?;
        object.serialize_field("failures", &group.failures.len())?;
        object.serialize_field("accounts", &group.accounts())?;
        object.end()
    }
}
