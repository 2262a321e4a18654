//! How a cell of the matrix must end.

use aws_sim::Effect;
use serde_json::{Value, json};

use super::flows::{AFFLICTED, ALSO, OTHER, Path};
use super::{Place, came_back, is_of_a_session};

/// Whom a call that fails takes along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Everybody: the run does not begin.
    Run,
    /// The account.
    Account,
    /// The account's parameters, or secrets, in this Region.
    Region,
    /// The items that the call names.
    Item,
}

pub(super) fn reach(place: &Place) -> Reach {
    match (place.operation.as_str(), place.path) {
        ("organizations:ListAccounts", _) => Reach::Run,
        ("sts:AssumeRole", _) => Reach::Account,
        (
            "ssm:DescribeParameters" | "tag:GetResources" | "secretsmanager:ListSecrets",
            Path::Sweep,
        ) => Reach::Region,
        _ => Reach::Item,
    }
}

/// How often a fault strikes that passes by itself; none for one that does not.
pub(super) fn bound(place: &Place, effect: Effect) -> Option<u64> {
    match effect {
        Effect::AccessDenied => None,
        Effect::ExpiredToken if !is_of_a_session(place) => None,
        // New credentials are asked for once.
        Effect::ExpiredToken => Some(1),
        _ if is_lost_write(place, effect) => Some(1),
        _ => Some(2),
    }
}

/// Whether it is a write or deletion of a parameter whose answer is lost. The SDK does not send it again, since it may
/// have been carried out: what stands there is looked at first, and the call is made once more where that is as it was.
pub(super) fn is_lost_write(place: &Place, effect: Effect) -> bool {
    let is_refusal =
        matches!(effect, Effect::Throttle | Effect::AccessDenied | Effect::ExpiredToken);
    ["ssm:PutParameter", "ssm:DeleteParameters"].contains(&place.operation.as_str()) && !is_refusal
}

/// Whether it is a create or a deletion that AWS has carried out: the next look finds all as it should be.
pub(super) fn is_done(place: &Place, effect: Effect) -> bool {
    let is_once = ["create", "recreate", "delete"].contains(&place.flow);
    is_lost_write(place, effect) && effect == Effect::MalformedBody && is_once
}

const REPLICATE: &str = "secretsmanager:ReplicateSecretToRegions";

/// How a cell must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// As if nothing had been.
    Done,
    /// With a failure of this kind, which comes back to the queue or not.
    Failed { kind: &'static str, comes_back: bool },
    /// Without any account looked at.
    NotBegun,
}

pub(super) fn expected(place: &Place, effect: Effect, bounded: bool) -> Expected {
    if bounded {
        return Expected::Done;
    }
    if reach(place) == Reach::Run {
        return Expected::NotBegun;
    }
    if is_done(place, effect) {
        return Expected::Done;
    }
    if place.operation == REPLICATE && effect == Effect::MalformedBody {
        // Its work is done, and when its answer cannot be read, the primary is asked what came of it.
        return Expected::Done;
    }
    let (kind, comes_back) = match effect {
        Effect::Throttle => ("throttled", true),
        Effect::AccessDenied if place.operation == "sts:AssumeRole" => ("no_spoke_role", true),
        Effect::AccessDenied | Effect::ExpiredToken => ("access_denied", false),
        _ => ("unavailable", true),
    };
    Expected::Failed { kind, comes_back }
}

impl Expected {
    /// Asserts that the answer says so.
    pub(super) fn hold(self, what: &str, place: &Place, account: &str, answer: &Value) {
        if place.path == Path::Events {
            self.holds_for_a_batch(what, place, answer);
            return;
        }
        let failures = answer["failures"].as_array().expect("failures");
        for failure in failures {
            for field in ["message", "remedy"] {
                let text = failure[field].as_str().unwrap_or_default();
                assert!(text.len() > 10, "{what}: {failure:#}");
            }
        }
        match self {
            Self::Done => {
                assert_eq!(failures.len(), 0, "{what}: {answer:#}");
                assert_eq!(answer["status"], "changed", "{what}: {answer:#}");
                assert_eq!(answer["remaining"], json!([]), "{what}: {answer:#}");
            }
            Self::NotBegun => {
                assert_eq!(answer["status"], "failed", "{what}: {answer:#}");
                assert_eq!(failures[0]["kind"], "hub", "{what}: {answer:#}");
            }
            Self::Failed { kind, .. } => {
                assert_eq!(answer["status"], "failed", "{what}: {answer:#}");
                assert!(!failures.is_empty(), "{what}: {answer:#}");
                for failure in failures {
                    assert_eq!(failure["error_kind"], kind, "{what}: {answer:#}");
                    assert_eq!(failure["account"], account, "{what}: {answer:#}");
                }
                let is_about = |failure: &Value| match reach(place) {
                    Reach::Run | Reach::Account => failure["kind"] == "account",
                    Reach::Region => {
                        failure["kind"] == "account" && failure["region"] == place.region
                    }
                    Reach::Item => {
                        failure["name"].as_str().is_some_and(|name| AFFLICTED.ends_with(name))
                    }
                };
                assert!(failures.iter().any(is_about), "{what}: {answer:#}");
                // Whom it does not take along is done in the same run, unless one call is for both.
                let also = failures.iter().any(|failure| {
                    failure["name"].as_str().is_some_and(|name| ALSO.ends_with(name))
                });
                assert!(!also || is_for_several(place), "{what}: {answer:#}");
            }
        }
    }

    fn holds_for_a_batch(self, what: &str, place: &Place, answer: &Value) {
        let back = came_back(answer);
        assert!(!back.contains(&OTHER.to_owned()), "{what}: {answer}");
        let also = back.contains(&ALSO.to_owned());
        assert!(!also || reach(place) != Reach::Item || is_for_several(place), "{what}: {answer}");
        let comes_back = matches!(self, Self::Failed { comes_back: true, .. });
        assert_eq!(back.contains(&AFFLICTED.to_owned()), comes_back, "{what}: {answer}");
    }
}

/// Whether one call is for several items.
fn is_for_several(place: &Place) -> bool {
    ["ssm:GetParameters", "ssm:DeleteParameters", "ssm:DescribeParameters"]
        .contains(&place.operation.as_str())
}
