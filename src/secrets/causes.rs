//! What is told of a secret that is not in sync: the class, one sentence, and what a person does about it.

use crate::domain::{Cause, DEFAULT_SECRET_KEY, FailureKind, Region, SecretName};

use super::model::Secret;

/// `target` holds, under the secret's name, something that is not its replica.
pub(super) fn conflict(secret: &Secret, held: &Secret, source: &Region, target: &Region) -> Cause {
    let name = &secret.name;
    let cause = |message: String| Cause::new(FailureKind::Conflict, message);
    if held.is_replica_in(target) {
        let primary = held.primary_region.as_deref().unwrap_or_default();
        return if primary == source.as_str() {
            cause(format!("{target} holds a replica of an earlier secret `{name}` of {source}"))
                .mended_by(format!(
                    "run `aws secretsmanager stop-replication-to-replica --region {target} --secret-id {name}`, delete the secret there, then sync again"
                ))
        } else {
            cause(format!("{target} holds a replica of the secret `{name}` of {primary}"))
                .mended_by(format!(
                    "remove {target} from the replication of the secret in {primary}, or tag the source `failover-replicator=exclude`"
                ))
        };
    }
    if held.deleted {
        return cause(format!(
            "a secret of its own holds the name `{name}` in {target} until its scheduled deletion is over"
        ))
        .mended_by(format!(
            "wait for the deletion, or delete it in {target} at once with `--force-delete-without-recovery`, then sync the secret again"
        ));
    }
    if held.is_same_secret(secret) {
        // Which of the two was the primary, nothing tells any more.
        return cause(format!(
            "`{name}` of {target} and `{name}` of {source} were replica and primary, until the replica was promoted to a secret of its own"
        ))
        .mended_by(format!(
            "to keep both, tag `{name}` of {source} with `failover-replicator=exclude`; to replicate again, decide which of the two is to stay, delete the other and sync"
        ));
    }
    cause(format!("a secret of its own holds the name `{name}` in {target}"))
}

/// Secrets Manager gave the replica up. It is not asked again by itself: whether AWS takes a second request for a Region
/// that failed is not documented, and nothing has been mended yet.
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
    Cause::new(
        kind,
        format!("Secrets Manager could not replicate `{}` to {target}: {said}", secret.name),
    )
    .mended_by(format!("{first}; then {}", start_again(&secret.name, source, target)))
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

/// The replica has another key than the one that settings and source ask for. AWS changes a replica's key in no way but
/// by removing it, and a failover Region must not lose a good replica without a person's word.
pub(super) fn other_key(
    secret: &Secret,
    shown: &str,
    wanted: &str,
    source: &Region,
    target: &Region,
) -> Cause {
    let again = start_again(&secret.name, source, target);
    // Nobody is told to settle for the default key, which is the weaker one.
    let remedy = if shown == DEFAULT_SECRET_KEY {
        again
    } else {
        format!("{again}, or map the source's key to {shown} in REPLICATOR_KMS_KEYS")
    };
    Cause::new(
        FailureKind::Unsupported,
        format!(
            "the replica of `{}` in {target} is encrypted with {shown}, not with {wanted}",
            secret.name
        ),
    )
    .mended_by(remedy)
}

/// Secrets Manager calls the replica in sync, and yet it has differed for longer than lists and replication lag.
pub(super) fn stale(secret: &Secret, source: &Region, target: &Region) -> Cause {
    Cause::new(
        FailureKind::Unavailable,
        format!(
            "the replica of `{}` in {target} has had another version or other tags than its primary for over ten minutes, though Secrets Manager calls it in sync",
            secret.name
        ),
    )
    .mended_by(format!(
        "compare both with DescribeSecret; if it stays, {}",
        start_again(&secret.name, source, target)
    ))
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
