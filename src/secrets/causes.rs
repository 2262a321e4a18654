//! What is told of a secret that is not in sync: the class, one sentence, and what a person does about it.

use crate::domain::{Cause, ConflictClass, EXCLUDE_TAG, FailureKind, Region, SecretName};

use super::model::Secret;

/// `target` holds, under the secret's name, something that is not its replica.
pub(super) fn conflict(secret: &Secret, held: &Secret, source: &Region, target: &Region) -> Cause {
    let name = &secret.name;
    let cause = |class, message: String| Cause::conflict(class, message);
    if held.of_other_account {
        return cause(
            ConflictClass::OtherRoute,
            format!("{target} holds a replica of the secret `{name}` of another account"),
        )
        .mended_by(format!(
            "end that replication in the other account, or tag the source `{EXCLUDE_TAG}=exclude`"
        ));
    }
    if held.is_replica_in(target) {
        let primary = held.primary_region.as_deref().unwrap_or_default();
        return if primary == source.as_str() {
            cause(
                ConflictClass::Claimed,
                format!("{target} holds a replica of an earlier secret `{name}` of {source}"),
            )
            .mended_by(format!(
                "run `aws secretsmanager stop-replication-to-replica --region {target} --secret-id {name}`, delete the secret there, then sync again"
            ))
        } else {
            cause(
                ConflictClass::OtherRoute,
                format!("{target} holds a replica of the secret `{name}` of {primary}"),
            )
            .mended_by(format!(
                "remove {target} from the replication of the secret in {primary}, or tag the source `{EXCLUDE_TAG}=exclude`"
            ))
        };
    }
    if held.deleted {
        return cause(
            ConflictClass::Unmarked,
            format!(
                "a secret of its own holds the name `{name}` in {target} until its scheduled deletion is over"
            ),
        )
        .mended_by(format!(
            "wait for the deletion, or delete it in {target} at once with `--force-delete-without-recovery`, then sync the secret again"
        ));
    }
    if is_promoted(secret, held, target) {
        // Which of the two was the primary, nothing tells any more.
        return cause(
            ConflictClass::Released,
            format!(
                "`{name}` of {target} and `{name}` of {source} were replica and primary, until the replica was promoted to a secret of its own"
            ),
        )
        .mended_by(format!(
            "to keep both, tag either of the two with `{EXCLUDE_TAG}=exclude`; to replicate again, decide which of the two is to stay, delete the other and sync"
        ));
    }
    cause(
        ConflictClass::Unmarked,
        format!("a secret of its own holds the name `{name}` in {target}"),
    )
}

/// Whether `held` of `target` was a replica of `secret`, and is a secret of its own now.
pub(super) fn is_promoted(secret: &Secret, held: &Secret, target: &Region) -> bool {
    !held.is_replica_in(target) && !held.deleted && held.is_same_secret(secret)
}

/// The secret of `source` is the replica of a primary in a Region that no route looks after.
pub(super) fn no_route(secret: &Secret, primary: &str, source: &Region, target: &Region) -> Cause {
    let name = &secret.name;
    Cause::conflict(
        ConflictClass::OtherRoute,
        format!(
            "`{name}` of {source} is a replica of the secret in {primary}, from which no route leads to {target}, so {target} has no replica of it"
        ),
    )
    .mended_by(format!(
        "add the route `{primary}={target}` to REPLICATOR_ROUTES, or run `aws secretsmanager replicate-secret-to-regions --region {primary} --secret-id {name} --add-replica-regions Region={target}`, or tag the secret in {primary} `{EXCLUDE_TAG}=exclude`"
    ))
}

/// The secret of `source` is the replica of a primary in `primary`, and `target` has another state of it.
pub(super) fn unlike_elsewhere(
    secret: &Secret,
    primary: &str,
    source: &Region,
    target: &Region,
) -> Cause {
    let name = &secret.name;
    Cause::new(
        FailureKind::Unavailable,
        format!(
            "`{name}` of {source} is a replica of the secret in {primary}, and has had another version or other tags than `{name}` of {target} for over ten minutes"
        ),
    )
    .mended_by(format!(
        "look at the replication of the secret in {primary} with `aws secretsmanager describe-secret --region {primary} --secret-id {name}`"
    ))
}

/// A tag asks for a value of a target's own, which no replica of a secret can have.
pub(super) fn no_override(tag: &str, source: &Region) -> Cause {
    Cause::new(
        FailureKind::Unsupported,
        format!(
            "the tag `{tag}` asks for another value in a target, and a secret's replica always has the value of its primary, so it is not replicated"
        ),
    )
    .mended_by(format!(
        "remove the tag from the secret in {source}; where the target needs another value, tag the secret `{EXCLUDE_TAG}=exclude` and create one of that name there"
    ))
}

/// Secrets Manager gave the replica up. Sweeps ask for it again; what keeps it from coming about is for a person to mend.
pub(super) fn replication_failed(
    secret: &Secret,
    message: Option<&str>,
    source: &Region,
    target: &Region,
) -> Cause {
    let said = message.map_or("no reason given", |text| text.trim().trim_end_matches('.'));
    let kind = kind_of_failure(said);
    let first = match kind {
        FailureKind::Conflict => {
            format!("copy the secret that holds the name in {target} to another name and delete it")
        }
        FailureKind::MissingKey => {
            format!("create the key in {target}, or name another in REPLICATOR_KMS_KEYS")
        }
        FailureKind::DisabledKey => {
            format!("enable the key in {target}, or cancel its deletion")
        }
        FailureKind::AccessDenied => {
            format!("let the spoke role use the keys in {source} and {target}")
        }
        _ => "mend what the message names".to_owned(),
    };
    let message =
        format!("Secrets Manager could not replicate `{}` to {target}: {said}", secret.name);
    let cause = match kind {
        FailureKind::Conflict => Cause::conflict(ConflictClass::Unmarked, message),
        kind => Cause::new(kind, message),
    };
    cause.mended_by(format!("{first}; the next sweep asks for the replica again"))
}

/// The classes of `StatusMessage`, which is prose: the name first, since a name may have the word `key` in it.
fn kind_of_failure(message: &str) -> FailureKind {
    let message = message.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if has(&["already exists", "scheduled for deletion"]) {
        FailureKind::Conflict
    } else if has(&["access denied", "accessdenied", "not authorized", "permission"]) {
        FailureKind::AccessDenied
    } else if has(&["is disabled", "pending deletion", "pendingdeletion", "disabledexception"]) {
        FailureKind::DisabledKey
    } else if has(&["kms", "keyid", "key id", " key "]) {
        FailureKind::MissingKey
    } else {
        FailureKind::Invalid
    }
}

/// The replica has another key than the one that settings and source ask for. Its key can be changed in its own Region, so
/// the remedy removes nothing. The remedy never proposes the default key, because that key is weaker.
pub(super) fn other_key(secret: &Secret, shown: &str, wanted: &str, target: &Region) -> Cause {
    let name = &secret.name;
    Cause::new(
        FailureKind::Unsupported,
        format!("the replica of `{name}` in {target} is encrypted with {shown}, not with {wanted}"),
    )
    .mended_by(format!(
        "run `aws secretsmanager update-secret --region {target} --secret-id {name} --kms-key-id {wanted}`, which keeps the replica"
    ))
}

/// KMS says that the replica's key may not be used: the value cannot be read in the target.
pub(super) fn unreadable(secret: &Secret, target: &Region, cause: &Cause) -> Cause {
    let message = format!("nobody can decrypt the replica: {}", cause.message);
    Cause { message, ..cause.clone() }.mended_by(format!(
        "{}; a replica's key is changed where it is, by `aws secretsmanager update-secret --region {target} --secret-id {} --kms-key-id KEY`",
        cause.remedy(),
        secret.name
    ))
}

/// Both were read by name and differ, and Secrets Manager calls the replica in sync.
pub(super) fn stale(secret: &Secret, held: &Secret, source: &Region, target: &Region) -> Cause {
    let name = &secret.name;
    let since = held.last_changed.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
    Cause::new(
        FailureKind::Unavailable,
        format!(
            "the replica of `{name}` in {target}, which has not changed since {since}, has another version or other tags than its primary, though Secrets Manager calls it in sync"
        ),
    )
    .mended_by(format!(
        "compare both with DescribeSecret; if it stays, {}",
        start_again(name, source, target)
    ))
}

/// Secrets Manager calls the replica in sync, and its Region does not have it.
pub(super) fn not_there(secret: &Secret, source: &Region, target: &Region) -> Cause {
    let name = &secret.name;
    Cause::new(
        FailureKind::Unavailable,
        format!(
            "{target} has no replica of `{name}`, neither in its list nor by name, though Secrets Manager calls it in sync"
        ),
    )
    .mended_by(format!("nothing at once; if it stays, {}", start_again(name, source, target)))
}

/// AWS's status is a word that is not known here.
pub(super) fn unknown_status(secret: &Secret, status: &str, target: &Region) -> Cause {
    Cause::new(
        FailureKind::Unsupported,
        format!(
            "Secrets Manager gives the replica of `{}` in {target} the unknown status `{status}`",
            secret.name
        ),
    )
    .mended_by("look at the secret's replication in the console; a newer hub may know the status")
}

fn start_again(name: &SecretName, source: &Region, target: &Region) -> String {
    format!(
        "run `aws secretsmanager remove-regions-from-replication --region {source} --secret-id {name} --remove-replica-regions {target}` and sync the secret again"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_message_is_classed_by_its_words() {
        let cases = [
            ("Secret with this name already exists in this region", FailureKind::Conflict),
            (
                "Replication failed: Secret name kms/key already exists in region us-east-1.",
                FailureKind::Conflict,
            ),
            (
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
                FailureKind::Conflict,
            ),
            ("Invalid keyId alias/x", FailureKind::MissingKey),
            ("KMS key alias/x was not found", FailureKind::MissingKey),
            ("arn:aws:kms:us-east-1:111122223333:key/1 is disabled.", FailureKind::DisabledKey),
            (
                "arn:aws:kms:us-east-1:111122223333:key/1 is pending deletion.",
                FailureKind::DisabledKey,
            ),
            ("Access denied to KMS key", FailureKind::AccessDenied),
            ("The Region is not enabled", FailureKind::Invalid),
        ];
        for (message, kind) in cases {
            assert_eq!(kind_of_failure(message), kind, "{message}");
        }
    }
}
