//! The message texts of `reconcile`, `labels`, `prune` and `release`, in one place. The planner keeps its texts beside its
//! decisions.

use crate::domain::{
    AccountId, Cause, Change, ConflictClass, FailureKind, MARK_KEY, PROVENANCE_KEY, Region,
    Timestamp,
};
use crate::settings::MaxDeletes;

/// The replica stays advanced after the tier of the source went back to standard.
pub(super) fn tier_stays() -> Cause {
    Cause::new(
        FailureKind::Limit,
        "the tier of the source is standard now; the replica stays advanced, because AWS does not change an advanced parameter back to standard; everything else is equal; this is reported once",
    )
    .with_remedy("nothing, if you accept the price of an advanced parameter; otherwise delete the replica by hand: the next sweep creates it again")
}

/// Some tags of the source do not fit beside the hub's two.
pub(super) fn tags_left_out(tags: usize) -> Cause {
    let message = format!(
        "the source has too many tags: {tags} of them (the last by key) do not fit on the replica beside the hub's two; everything else is equal"
    );
    Cause::new(FailureKind::Limit, message).with_remedy("keep at most 48 tags on the source")
}

/// The write succeeded; the read that confirms it failed.
pub(super) fn unconfirmed(cause: Cause) -> Cause {
    let message = format!(
        "the write succeeded, but the read that confirms it failed, so the source may have changed meanwhile: {}",
        cause.message
    );
    Cause { message, ..cause }
}

/// A refused take-over whose earlier tags could not be restored either.
pub(super) fn tags_not_restored(refused: Cause, cause: &Cause) -> Cause {
    let message = format!(
        "{}; the earlier tags of the parameter could not be restored: {}",
        refused.message, cause.message
    );
    Cause { message, ..refused }
}

/// AWS validates an AMI id asynchronously, after PutParameter has succeeded.
pub(super) fn image_refused(target: &Region) -> Cause {
    let message = format!(
        "ssm:PutParameter succeeded in {target}, but the new version does not appear: AWS validates AMI ids asynchronously, and found no image in {target} with the id in the source's tag"
    );
    Cause::new(FailureKind::Invalid, message).with_remedy(format!(
        "set the source's tag to the id of an image in {target} that the account may use"
    ))
}

/// A created parameter does not appear in a read by name.
pub(super) fn created_not_shown() -> Cause {
    Cause::new(FailureKind::Unavailable, "the new parameter does not appear in a read by name")
}

/// The planner asked for a change that no step carries out.
pub(super) fn no_such_step(change: Change) -> Cause {
    let message = format!("internal error: no step carries out a planned {}", change.word());
    Cause::new(FailureKind::Bug, message)
}

/// A replica whose key does not decrypt.
pub(super) fn replica_unreadable(cause: &Cause) -> Cause {
    let message = format!("the replica cannot be decrypted: {}", cause.message);
    Cause { message, ..cause.clone() }
}

/// A recreation in `target` waits for `before`, where the recreation failed.
pub(super) fn recreation_waits(target: &Region, before: &Region, cause: &Cause) -> Cause {
    let message = format!(
        "the type changes in one failover Region after the other; the replica in {target} keeps its old form until {before} has the new one: {}",
        cause.message
    );
    Cause { message, ..cause.clone() }
}

/// The allowance of the day is used up, so a replica is not recreated today.
pub(super) fn recreation_over_allowance(
    attribute: &str,
    max_deletes: MaxDeletes,
    target: &Region,
) -> Cause {
    let message = format!(
        "the {attribute} differs, and only a deletion can change it; REPLICATOR_MAX_DELETES ({max_deletes}) allows no more deletions in {target} today, so the replica keeps its old form"
    );
    Cause::new(FailureKind::TooManyDeletes, message)
        .with_remedy("wait: a sweep of the next day changes it; or raise REPLICATOR_MAX_DELETES")
}

/// The settings forbid every deletion, so a replica is never recreated.
pub(super) fn recreation_never(attribute: &str) -> Cause {
    let message = format!(
        "the {attribute} differs, and only a deletion can change it; REPLICATOR_MAX_DELETES is 0, so the replica keeps its old form and value"
    );
    Cause::new(FailureKind::TooManyDeletes, message).with_remedy(
        "raise REPLICATOR_MAX_DELETES; or delete the replica by hand: the next sweep creates it again",
    )
}

/// The key of the new form cannot be used, so the replica is not recreated.
pub(super) fn recreation_without_key(attribute: &str, target: &Region, cause: &Cause) -> Cause {
    let message = format!(
        "the {attribute} differs, but the replica in {target} stays as it is: {}",
        cause.message
    );
    Cause { message, ..cause.clone() }
}

/// AWS refused the new form; `restored` says what happened to the old form.
pub(super) fn recreation_refused(attribute: &str, refused: &Cause, restored: &str) -> String {
    format!("the {attribute} could not be changed: {}; {restored}", refused.message)
}

/// What happened to the old form after AWS refused the new one.
pub(super) fn old_form_restored(target: &Region) -> String {
    format!(
        "the replica in {target} has its old form again, and sweeps do not try the change again for this version of the source"
    )
}

/// The same, where another writer created the name meanwhile.
pub(super) fn old_name_taken() -> String {
    "another parameter holds the name now".to_owned()
}

/// The same, where the old form was refused too.
pub(super) fn old_form_lost(cause: &Cause) -> String {
    format!("the old form could not be restored either: {}", cause.message)
}

/// DeleteParameters answered, but not for this name.
pub(super) fn delete_unanswered() -> Cause {
    Cause::new(FailureKind::Unavailable, "ssm:DeleteParameters gave no answer for this name")
}

/// The allowance of the day is used up, so the replica gets a tombstone.
pub(super) fn deletion_over_allowance(
    source: &Region,
    target: &Region,
    max_deletes: MaxDeletes,
    due: Timestamp,
) -> Cause {
    let message = format!(
        "the source in {source} no longer exists, but REPLICATOR_MAX_DELETES ({max_deletes}) allows no more deletions in {target} today, so the replica is kept with a tombstone until {due}"
    );
    Cause::new(FailureKind::TooManyDeletes, message).with_remedy(
        "if the deletion is intended, do nothing: a sweep deletes the replica when the tombstone is due; if not, restore the source, which removes the tombstone",
    )
}

/// The day's number of deletions cannot be read or recorded, so the replica gets a tombstone.
pub(super) fn deletion_not_recorded(
    source: &Region,
    target: &Region,
    cause: &Cause,
    due: Timestamp,
) -> Cause {
    let message = format!(
        "the source in {source} no longer exists, but the hub cannot count today's deletions in {target}, so the replica is kept with a tombstone until {due}: {}",
        cause.message
    );
    Cause::new(cause.kind, message).with_remedy(cause.remedy())
}

/// Every replica of a route in one target lost its source without an event.
pub(super) fn every_source_gone(
    account: &AccountId,
    source: &Region,
    target: &Region,
    lost: usize,
) -> Cause {
    let message = format!(
        "no replica in {target} has a source in {source} any more ({lost} sources are gone without an event of the deletion), so the hub deletes nothing"
    );
    Cause::new(FailureKind::TooManyDeletes, message).with_remedy(format!(
        "if the deletions are intended, run `hubctl sweep --account {account} --route {source}={target} --max-deletes 100%`; if not, restore the sources"
    ))
}

/// Too many accounts of one invocation lost sources without an event.
pub(super) fn mass_absence(account: &AccountId, with_new: usize, accounts: usize) -> Cause {
    let message = format!(
        "the source is gone and no event reported its deletion, as in {with_new} of the {accounts} accounts of this run, so the hub deletes nothing in any of them"
    );
    Cause::new(FailureKind::TooManyDeletes, message).with_remedy(format!(
        "if the deletions are intended, run `hubctl sweep --account {account} --max-deletes 100%`; if not, restore the sources"
    ))
}

/// The value is replicated; the labels are not.
pub(super) fn labels_failed(cause: &Cause) -> Cause {
    let message = format!("the value is replicated, the labels are not: {}", cause.message);
    let remedy = format!("{}; then run `hubctl sweep --labels`", cause.remedy());
    Cause::new(cause.kind, message).with_remedy(remedy)
}

/// A label keeps AWS from dropping the oldest version of a replica with 100 versions.
pub(super) fn oldest_version_is_labelled(refused: Cause) -> Cause {
    refused.with_remedy(
        "move the label at the source to a newer version; or delete the replica by hand: the next sweep creates it again with all labelled versions",
    )
}

/// Labels of older versions, which are placed by value, where values cannot be read.
pub(super) fn labels_without_values(labels: &str, target: &Region, why: Option<&Cause>) -> Cause {
    let kind = why.map_or(FailureKind::Unsupported, |cause| cause.kind);
    let why = why.map_or_else(String::new, |cause| format!(": {}", cause.message));
    let message = format!(
        "labels of older versions ({labels}) are unchanged in {target}, because the values of some versions cannot be read{why}"
    );
    Cause::new(kind, message).with_remedy(
        "remove these labels at the source, or enable the keys of the older versions again; then run `hubctl sweep --labels`",
    )
}

/// Labels of older versions whose values the replica does not have.
pub(super) fn labels_without_version(labels: &str, target: &Region) -> Cause {
    let message = format!(
        "labels of older versions ({labels}) are missing in {target}: no version of the replica has their values, and the hub never writes an older value over a replica"
    );
    Cause::new(FailureKind::Unsupported, message).with_remedy(
        "delete the replica by hand: the next sweep creates it again with all labelled versions; or move the labels at the source to a newer version",
    )
}

/// Labels for which no version of the replica has room.
pub(super) fn labels_without_room(labels: &str, target: &Region) -> Cause {
    let message = format!(
        "labels ({labels}) are missing in {target}: AWS allows 10 labels on a version, and no other version of the replica has their value"
    );
    Cause::new(FailureKind::Limit, message)
        .with_remedy("remove labels from the source's versions of this value")
}

/// AWS reported invalid labels in a successful answer.
pub(super) fn labels_invalid(location: &str, labels: &[String]) -> Cause {
    let message = format!(
        "ssm:LabelParameterVersion failed in {location}: invalid labels: {}",
        labels.join(", ")
    );
    Cause::new(FailureKind::Invalid, message)
        .with_remedy("give the source's version a label with a valid name")
}

/// A marked parameter where a route starts; after a route was reversed, it may be a source.
pub(super) fn leftover_may_be_source(of: &Region, target: &Region, last_write: &str) -> Cause {
    let message = format!(
        "the parameter in {target} carries the mark of a replica of {of}; no route leads from {of} to {target}, and one starts in {target}, so the parameter may be a source and is not deleted ({last_write})"
    );
    let remedy = format!(
        "if it is a source, remove the tags `{MARK_KEY}` and `{PROVENANCE_KEY}` from it; if it is a leftover, delete it by hand"
    );
    Cause::conflict(ConflictClass::MarkedSource, message).with_remedy(remedy)
}

/// A step of the plan whose parameter no longer exists, changed, or is in scope again.
pub(super) fn not_a_leftover(change: Change) -> Cause {
    let message = format!(
        "the plan contains a {} for this parameter, but the parameter is not the planned leftover any more, so nothing was changed",
        change.word()
    );
    Cause::new(FailureKind::Invalid, message)
        .with_remedy("run `hubctl prune` again to list what is left")
}

/// A parameter changed between two reads.
pub(super) fn changed_while_read(target: &Region) -> Cause {
    let message = format!("the parameter in {target} changed while the hub read it");
    Cause::new(FailureKind::Unavailable, message)
}

/// There is no parameter to release.
pub(super) fn nothing_to_release(target: &Region) -> Cause {
    let message = format!("no parameter of this name exists in {target}");
    Cause::new(FailureKind::Invalid, message)
        .with_remedy("give the name as Parameter Store shows it, and the Region of its source")
}

/// The parameter to release is not a replica.
pub(super) fn not_a_replica(target: &Region) -> Cause {
    let message =
        format!("the parameter in {target} does not carry the tags of a replica of this route");
    Cause::new(FailureKind::Invalid, message).with_remedy(
        "nothing, if the owner already manages it; otherwise give the Region of its source",
    )
}
