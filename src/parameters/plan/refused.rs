//! Owned replicas that the hub does not write again: AWS permanently refused the change, or AWS accepted the change and
//! the replica still differs. A new version of the source, a new form or an operator starts another attempt.

use super::comparison::Comparison;
use super::diff::is_incomparable_key;
use super::{Case, Decision, Parity, PlanPolicy};
use crate::domain::{Cause, ConflictClass, FailureKind, Reason};
use crate::ownership::{Fingerprint, Provenance, RefusedForm};

/// The decision for an owned replica. `taken_over`: the hub writes the value even if nothing differs.
pub(super) fn owned(
    case: Case<'_>,
    comparison: Comparison<'_>,
    (provenance, taken_over): (&Provenance, bool),
    policy: PlanPolicy<'_>,
) -> Decision {
    if !policy.retry_refused
        && let Some(attribute) = comparison.refused_before(provenance)
    {
        return Decision::Keep(keeps_old_form(case, attribute, provenance));
    }
    let is_written = policy.retry_refused || taken_over || policy.parity == Parity::Rewrite;
    match comparison.does_not_take(provenance) {
        Some(again) if !is_written && again.tags_to_set => comparison.only_tags(provenance),
        Some(again) if !is_written => {
            Decision::Conflict(does_not_take(case, &again.reasons, provenance))
        }
        _ => comparison.owned(provenance, policy, taken_over),
    }
}

/// Differences that remained after the hub wrote exactly this version of the source in exactly this form.
struct DoesNotTake {
    reasons: Vec<Reason>,
    /// Whether the tags differ too, and the hub did not yet set them.
    tags_to_set: bool,
}

impl Comparison<'_> {
    /// The attribute that AWS permanently refused to change for this version of the source and this form.
    fn refused_before(&self, provenance: &Provenance) -> Option<Reason> {
        let RefusedForm { version, form } = provenance.refused?;
        let is_same = version == self.original.parameter.version && form == self.desired.form;
        self.recreation.filter(|_| is_same)
    }

    /// The differences that did not take. The hub writes provenance last: if provenance names these versions and this
    /// form, the hub finished the write. Other writers may change tags without a new version, so tags count only if the
    /// same difference returns.
    fn does_not_take(&self, provenance: &Provenance) -> Option<DoesNotTake> {
        if !self.unproven_by(provenance).is_empty() || provenance.gone.is_some() {
            return None;
        }
        let mut reasons = self.attributes.clone();
        // The replica has the key that was sent; AWS may name the key differently.
        if is_incomparable_key(&self.desired, &self.replica.parameter) {
            reasons.retain(|reason| *reason != Reason::Key);
        }
        reasons.extend(self.recreation.filter(|attribute| !reasons.contains(attribute)));
        let differ = self.tags_differ();
        let change = Fingerprint::of_tag_change(&self.set_tags, &self.remove_tags);
        let is_again = differ
            && provenance.tags == Some(self.desired.tags_fingerprint())
            && provenance.retagged == Some(change);
        reasons.extend(is_again.then_some(Reason::Tags));
        (!reasons.is_empty()).then_some(DoesNotTake { reasons, tags_to_set: differ && !is_again })
    }
}

/// The failure of a replica that keeps its old form.
fn keeps_old_form(case: Case<'_>, attribute: Reason, provenance: &Provenance) -> Cause {
    let message = format!(
        "AWS permanently refused to change the {} of the replica in {}; the replica keeps the form of the source's version {}, and the hub does not repeat the refused change",
        Reason::attributes(&[attribute]),
        case.target,
        provenance.source.number
    );
    let remedy = format!(
        "change the source: the hub tries its next version; or correct in {} what AWS refused, as quoted in the first report of this failure, and {}",
        case.target,
        retry_remedy(case)
    );
    Cause::new(FailureKind::Invalid, message).with_remedy(remedy)
}

/// The conflict over a replica that still differs after the hub wrote it.
fn does_not_take(case: Case<'_>, reasons: &[Reason], provenance: &Provenance) -> Cause {
    let message = format!(
        "the replica in {} differs from its source in: {}; the hub already wrote this for the source's version {}, the difference remains, and the hub does not write it again",
        case.target,
        Reason::attributes(reasons),
        provenance.source.number
    );
    let remedy = format!(
        "find what changes the replica in {}, such as an automatic tagger; the hub tries the next version of the source; or {}",
        case.target,
        retry_remedy(case)
    );
    Cause::conflict(ConflictClass::DoesNotTake, message).with_remedy(remedy)
}

/// The command by which an operator starts another attempt.
pub(in crate::parameters) fn retry_remedy(case: Case<'_>) -> String {
    let name = case.original.or(case.replica).map(|held| held.parameter.name.as_str());
    format!(
        r#"to try once more, run `hubctl invoke` with {{"account":"{}","region":"{}","detail":{{"name":"{}","operation":"sync"}}}}"#,
        case.account,
        case.source,
        name.unwrap_or_default()
    )
}
