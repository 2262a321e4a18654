//! The causes that are reported for secrets: class, message and remedy.

use crate::domain::{Cause, ConflictClass, EXCLUDE_TAG, FailureKind, Region, SecretName};

use super::model::Secret;

/// Another secret holds the secret's name in `target`.
pub(super) fn conflict(secret: &Secret, held: &Secret, source: &Region, target: &Region) -> Cause {
    let name = &secret.name;
    let cause = |class, message: String| Cause::conflict(class, message);
    if held.of_other_account {
        return cause(
            ConflictClass::OtherRoute,
            format!("{target} holds a replica of the secret `{name}` of another account"),
        )
        .with_remedy(format!(
            "end the replication in the other account, or set the tag `{EXCLUDE_TAG}=exclude` on the source"
        ));
    }
    if held.is_replica_in(target) {
        let primary = held.primary_region.as_deref().unwrap_or_default();
        return if primary == source.as_str() {
            cause(
                ConflictClass::Claimed,
                format!("{target} holds a replica of an earlier secret `{name}` in {source}"),
            )
            .with_remedy(format!(
                "run `aws secretsmanager stop-replication-to-replica --region {target} --secret-id {name}`, delete the secret in {target}, then sync the source again"
            ))
        } else {
            cause(
                ConflictClass::OtherRoute,
                format!("{target} holds a replica of the secret `{name}` in {primary}"),
            )
            .with_remedy(format!(
                "remove {target} from the replication of the secret in {primary}, or set the tag `{EXCLUDE_TAG}=exclude` on the source"
            ))
        };
    }
    if held.deleted {
        return cause(
            ConflictClass::Unmarked,
            format!(
                "an independent secret holds the name `{name}` in {target} until its scheduled deletion is complete"
            ),
        )
        .with_remedy(format!(
            "wait for the deletion, or run `aws secretsmanager delete-secret --region {target} --secret-id {name} --force-delete-without-recovery`, then sync the source again"
        ));
    }
    if is_promoted(secret, held, target) {
        // AWS does not show which of the two secrets was the primary.
        return cause(
            ConflictClass::Released,
            format!(
                "`{name}` in {target} and `{name}` in {source} were replica and primary until the replica was promoted to an independent secret"
            ),
        )
        .with_remedy(format!(
            "to keep both secrets, set the tag `{EXCLUDE_TAG}=exclude` on one of them; to replicate again, delete the secret that you do not need, then sync"
        ));
    }
    cause(
        ConflictClass::Unmarked,
        format!("an independent secret holds the name `{name}` in {target}"),
    )
}

/// Whether `held` in `target` was a replica of `secret` and is an independent secret now.
pub(super) fn is_promoted(secret: &Secret, held: &Secret, target: &Region) -> bool {
    !held.is_replica_in(target) && !held.deleted && held.is_same_secret(secret)
}

/// The secret in `source` is a replica, and no route leads from the Region of its primary.
pub(super) fn no_route(secret: &Secret, primary: &str, source: &Region, target: &Region) -> Cause {
    let name = &secret.name;
    Cause::conflict(
        ConflictClass::OtherRoute,
        format!(
            "`{name}` in {source} is a replica of the secret in {primary}; no route leads from {primary} to {target}, so {target} has no replica"
        ),
    )
    .with_remedy(format!(
        "add the route `{primary}={target}` to REPLICATOR_ROUTES, or run `aws secretsmanager replicate-secret-to-regions --region {primary} --secret-id {name} --add-replica-regions Region={target}`, or set the tag `{EXCLUDE_TAG}=exclude` on the secret in {primary}"
    ))
}

/// The secrets in `source` and `target` have the same primary, and they differ.
pub(super) fn differs_from_target(
    secret: &Secret,
    primary: &str,
    source: &Region,
    target: &Region,
) -> Cause {
    let name = &secret.name;
    Cause::new(
        FailureKind::Unavailable,
        format!(
            "`{name}` in {source} is a replica of the secret in {primary}; for more than ten minutes its version or its tags have differed from `{name}` in {target}"
        ),
    )
    .with_remedy(format!(
        "check the replication of the secret in {primary}: run `aws secretsmanager describe-secret --region {primary} --secret-id {name}`"
    ))
}

/// A tag sets a value override, which Secrets Manager does not support for replicas.
pub(super) fn unsupported_override(tag: &str, source: &Region) -> Cause {
    Cause::new(
        FailureKind::Unsupported,
        format!(
            "the tag `{tag}` sets a value override, but the replica of a secret always has the value of its primary; the secret is not replicated"
        ),
    )
    .with_remedy(format!(
        "remove the tag from the secret in {source}; if the target needs a different value, set the tag `{EXCLUDE_TAG}=exclude` on the secret and create a secret with the same name in the target"
    ))
}

/// The replica failed. Sweeps request the replica again; an operator has to correct the cause of the failure.
pub(super) fn replication_failed(
    secret: &Secret,
    message: Option<&str>,
    source: &Region,
    target: &Region,
) -> Cause {
    let reason = message.map_or("no reason given", |text| text.trim().trim_end_matches('.'));
    let kind = kind_of_failure(reason);
    let first = match kind {
        FailureKind::Conflict => {
            format!(
                "copy the secret that holds the name in {target} to another name, then delete it"
            )
        }
        FailureKind::MissingKey => {
            format!("create the key in {target}, or set another key in REPLICATOR_KMS_KEYS")
        }
        FailureKind::DisabledKey => {
            format!("enable the key in {target}, or cancel its deletion")
        }
        FailureKind::AccessDenied => {
            format!("allow the spoke role to use the keys in {source} and {target}")
        }
        _ => "correct the cause in the message".to_owned(),
    };
    let message =
        format!("Secrets Manager could not replicate `{}` to {target}: {reason}", secret.name);
    let cause = match kind {
        FailureKind::Conflict => Cause::conflict(ConflictClass::Unmarked, message),
        kind => Cause::new(kind, message),
    };
    cause.with_remedy(format!("{first}; the next sweep requests the replica again"))
}

/// Classifies `StatusMessage`, which AWS writes as prose. Name conflicts come first, because a name may contain `key`.
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

/// The key of the replica is not the key that the settings require. The key can be changed in the Region of the replica,
/// so the remedy removes nothing. The remedy never proposes the default key, because that key is weaker.
pub(super) fn different_key(secret: &Secret, shown: &str, wanted: &str, target: &Region) -> Cause {
    let name = &secret.name;
    Cause::new(
        FailureKind::Unsupported,
        format!("the replica of `{name}` in {target} is encrypted with {shown}, not with {wanted}"),
    )
    .with_remedy(format!(
        "run `aws secretsmanager update-secret --region {target} --secret-id {name} --kms-key-id {wanted}`, which keeps the replica"
    ))
}

/// The replica's key is unusable, so the value cannot be read in the target.
pub(super) fn undecryptable(secret: &Secret, target: &Region, cause: &Cause) -> Cause {
    let message = format!("the replica cannot be decrypted: {}", cause.message);
    Cause { message, ..cause.clone() }.with_remedy(format!(
        "{}; or change the replica's key in its own Region: run `aws secretsmanager update-secret --region {target} --secret-id {} --kms-key-id KEY`",
        cause.remedy(),
        secret.name
    ))
}

/// Secrets Manager shows the replica as in sync, but the reads by name differ.
pub(super) fn stale(secret: &Secret, held: &Secret, source: &Region, target: &Region) -> Cause {
    let name = &secret.name;
    let since = held.last_changed.map_or_else(|| "an unknown time".to_owned(), |at| at.to_string());
    Cause::new(
        FailureKind::Unavailable,
        format!(
            "the replica of `{name}` in {target} has not changed since {since}; its version or its tags differ from the primary, although Secrets Manager shows the status `InSync`"
        ),
    )
    .with_remedy(format!(
        "compare both secrets with `aws secretsmanager describe-secret`; if the difference remains, {}",
        replicate_again(name, source, target)
    ))
}

/// Secrets Manager shows the replica as in sync, but the target has no such secret.
pub(super) fn missing_in_target(secret: &Secret, source: &Region, target: &Region) -> Cause {
    let name = &secret.name;
    Cause::new(
        FailureKind::Unavailable,
        format!(
            "{target} has no replica of `{name}`, neither in the list nor by name, although Secrets Manager shows the status `InSync`"
        ),
    )
    .with_remedy(format!(
        "wait for the next sweep; if the failure remains, {}",
        replicate_again(name, source, target)
    ))
}

/// AWS shows a status that this version of the hub does not know.
pub(super) fn unknown_status(secret: &Secret, status: &str, target: &Region) -> Cause {
    Cause::new(
        FailureKind::Unsupported,
        format!(
            "unknown status `{status}` of the replica of `{}` in {target}",
            secret.name
        ),
    )
    .with_remedy("check the replication of the secret in the AWS console, and update the hub: a newer version may know the status")
}

fn replicate_again(name: &SecretName, source: &Region, target: &Region) -> String {
    format!(
        "run `aws secretsmanager remove-regions-from-replication --region {source} --secret-id {name} --remove-replica-regions {target}`, then sync the secret again"
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
