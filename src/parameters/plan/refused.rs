//! What is not written again: what AWS refused for good, so that the standby keeps its old form and is not taken away for
//! the same again; and what the hub wrote, and is not there.

use super::diff::is_incomparable_key;
use super::write::Comparison;
use super::{Case, Decision, Parity, PlanPolicy};
use crate::domain::{Cause, ConflictClass, FailureKind, Reason};
use crate::ownership::{Fingerprint, Provenance, RefusedForm};

/// What is done about an owned replica: `taken` says whether it is written in any case.
pub(super) fn owned(
    case: Case<'_>,
    comparison: Comparison<'_>,
    (provenance, taken): (&Provenance, bool),
    policy: PlanPolicy<'_>,
) -> Decision {
    let is_asked = policy.retry_refused;
    if !is_asked && let Some(attribute) = comparison.refused_before(provenance) {
        return Decision::Keep(keeps_old_form(case, attribute, provenance));
    }
    let is_written = is_asked || taken || policy.parity == Parity::Rewrite;
    match comparison.does_not_take(provenance) {
        Some(again) if !is_written && again.tags_to_set => comparison.only_tags(provenance),
        Some(again) if !is_written => Decision::Conflict(does_not_take(case, &again, provenance)),
        _ => comparison.owned(provenance, policy, taken),
    }
}

/// What the hub wrote for exactly this version of the source and this form of the replica, and the replica does not show.
struct DoesNotTake {
    /// In what the two differ.
    reasons: Vec<Reason>,
    /// Whether the tags differ too, and were not put right before.
    tags_to_set: bool,
}

impl Comparison<'_> {
    /// The attribute that AWS refused for good to change, for this version of the source and what is to be sent with it.
    fn refused_before(&self, provenance: &Provenance) -> Option<Reason> {
        let RefusedForm { version, form } = provenance.refused?;
        let is_same = version == self.original.parameter.version && form == self.desired.form;
        self.recreation.filter(|_| is_same)
    }

    /// What did not take. Provenance is written last, so that one which names these very versions and this form proves that
    /// all of it was carried out. Of the tags, which others may move without a version, a difference that comes back.
    fn does_not_take(&self, provenance: &Provenance) -> Option<DoesNotTake> {
        if !self.unproven_by(provenance).is_empty() || provenance.gone.is_some() {
            return None;
        }
        let mut reasons = self.attributes.clone();
        // The replica is under the key that was sent: it proves nothing that AWS names it otherwise.
        if is_incomparable_key(&self.desired, &self.replica.parameter) {
            reasons.retain(|reason| *reason != Reason::Key);
        }
        reasons.extend(self.recreation.filter(|attribute| !reasons.contains(attribute)));
        let differ = !self.set_tags.is_empty() || !self.remove_tags.is_empty();
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
        "AWS refused for good to change the {} of the replica in {}; it keeps its old form, of the source's version {}, and is not taken away for the same again",
        Reason::attributes(&[attribute]),
        case.target,
        provenance.source.number
    );
    let remedy = format!(
        "change the source, which is tried with its next version; or mend in {} what AWS refused, which the first report of this failure says, and {}",
        case.target,
        retry_remedy(case)
    );
    Cause::new(FailureKind::Invalid, message).mended_by(remedy)
}

/// The conflict over a replica that does not show what was written.
fn does_not_take(
    case: Case<'_>,
    DoesNotTake { reasons, .. }: &DoesNotTake,
    provenance: &Provenance,
) -> Cause {
    let message = format!(
        "the replica in {} differs from its source in: {}; the hub wrote that for the source's version {} already, and it is not there, so it is not written again",
        case.target,
        Reason::attributes(reasons),
        provenance.source.number
    );
    let remedy = format!(
        "look for what changes the replica in {}, such as an automatic tagger; a new version of the source is tried again; or {}",
        case.target,
        retry_remedy(case)
    );
    Cause::conflict(ConflictClass::DoesNotTake, message).mended_by(remedy)
}

/// How a person has a change tried again that AWS refused for good, or that did not take.
pub(in crate::parameters) fn retry_remedy(case: Case<'_>) -> String {
    let name = case.original.or(case.replica).map(|held| held.parameter.name.as_str());
    format!(
        r#"name the item, which tries it once more: `hubctl invoke` with {{"account":"{}","region":"{}","detail":{{"name":"{}","operation":"sync"}}}}"#,
        case.account,
        case.source,
        name.unwrap_or_default()
    )
}
