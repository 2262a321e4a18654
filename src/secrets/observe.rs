//! Reads secrets without their values: `ListSecrets` for a whole Region, `DescribeSecret` for one secret. A fact that AWS
//! omits stays unknown.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::types::{ReplicationStatusType, SecretListEntry, StatusType, Tag};

use crate::aws::{self, Session, Unmodelled, timestamp};
use crate::deadline::{Deadline, reserve};
use crate::domain::{Cause, FailureKind, Region, SecretName, Tags};

use super::model::{Replication, ReplicationStatus, Secret};

/// `ListSecrets` returns at most 100 secrets per page.
const PAGE: i32 = 100;
const LIST: &str = "secretsmanager:ListSecrets";
const DESCRIBE: &str = "secretsmanager:DescribeSecret";
/// The field that AWS shows for the replica of a secret of another account. The SDK does not model it.
const OTHER_ACCOUNT: &str = "CrossAccountPrimary";
/// The staging label of the version that `GetSecretValue` returns by default.
const CURRENT: &str = "AWSCURRENT";

/// The staging labels of a secret, by version id.
type Stages = HashMap<String, Vec<String>>;

/// Lists every secret of `region`, with those scheduled for deletion. An incomplete list is an error, because it would
/// look like missing replicas. The list may lag by five minutes.
///
/// # Errors
/// `not_in_time` if the deadline expired first; otherwise the cause of the failed call.
pub(super) async fn list(
    session: &Session,
    region: &Region,
    deadline: &Deadline,
) -> Result<HashMap<SecretName, Secret>, Cause> {
    let request =
        session.secrets(region).list_secrets().include_planned_deletion(true).max_results(PAGE);
    let place = session.location(region);
    let other_account = Unmodelled::new(OTHER_ACCOUNT);
    let mut secrets = HashMap::new();
    let mut token: Option<String> = None;
    loop {
        if !deadline.leaves(reserve::LIST_PAGE) {
            let message =
                format!("the deadline expired before the list of secrets in {region} was complete");
            return Err(Cause::new(FailureKind::NotInTime, message));
        }
        let request = request.clone().set_next_token(token.clone());
        let send = || request.clone().customize().interceptor(other_account.clone()).send();
        let page = aws::complete_response(send, |page| page.secret_list.is_some())
            .await
            .map_err(|error| aws::cause(LIST, &place, &error))?;
        let page = page.and_then(|page| Some((page.secret_list?, page.next_token)));
        let (listed, next) =
            page.ok_or_else(|| aws::missing_member(LIST, &place, "the list of secrets"))?;
        session.reserve_memory(listed.len()).await;
        for entry in listed {
            let secret = from_list(entry, &other_account)
                .ok_or_else(|| aws::missing_member(LIST, &place, "the name or ARN of a secret"))?;
            secrets.insert(secret.name.clone(), secret);
        }
        let next = next.filter(|token| !token.is_empty());
        if next.is_none() {
            return Ok(secrets);
        }
        if next == token {
            return Err(aws::missing_member(LIST, &place, "a valid token for the next page"));
        }
        token = next;
    }
}

/// The secret with this name or ARN in `region`. `None` if AWS answers that the secret does not exist.
pub(super) async fn describe(
    session: &Session,
    region: &Region,
    id: &str,
) -> Result<Option<Secret>, Cause> {
    let request = session.secrets(region).describe_secret().secret_id(id);
    let is_complete = |answer: &DescribeSecretOutput| answer.arn.is_some() && answer.name.is_some();
    let place = session.location(region);
    let other_account = Unmodelled::new(OTHER_ACCOUNT);
    let send = || request.clone().customize().interceptor(other_account.clone()).send();
    match aws::complete_response(send, is_complete).await {
        // An empty answer does not mean that the secret is absent.
        Ok(answer) => match answer.and_then(|answer| from_description(answer, &other_account)) {
            Some(secret) => Ok(Some(secret)),
            None => Err(aws::missing_member(DESCRIBE, &place, "the secret's name or ARN")),
        },
        Err(error) if aws::code(&error) == Some("ResourceNotFoundException") => Ok(None),
        Err(error) => Err(aws::cause(DESCRIBE, &place, &error)),
    }
}

/// Reads a list entry. `None` if the name or the ARN is missing; AWS gives every secret both.
fn from_list(entry: SecretListEntry, other_account: &Unmodelled) -> Option<Secret> {
    let arn = entry.arn?;
    Some(Secret {
        of_other_account: other_account.is_in(&arn),
        arn,
        name: SecretName::new(&entry.name?),
        primary_region: entry.primary_region,
        owning_service: entry.owning_service,
        deleted: entry.deleted_date.is_some(),
        kms_key: entry.kms_key_id,
        tags: entry.tags.map(tags),
        current_version: entry.secret_versions_to_stages.and_then(current),
        last_changed: entry.last_changed_date.as_ref().map(timestamp),
        replication: None,
    })
}

fn from_description(answer: DescribeSecretOutput, other_account: &Unmodelled) -> Option<Secret> {
    let replication = answer.replication_status.unwrap_or_default();
    let arn = answer.arn?;
    Some(Secret {
        of_other_account: other_account.is_in(&arn),
        arn,
        name: SecretName::new(&answer.name?),
        primary_region: answer.primary_region,
        owning_service: answer.owning_service,
        deleted: answer.deleted_date.is_some(),
        kms_key: answer.kms_key_id,
        tags: answer.tags.map(tags),
        current_version: answer.version_ids_to_stages.and_then(current),
        last_changed: answer.last_changed_date.as_ref().map(timestamp),
        replication: Some(replication.into_iter().filter_map(replica).collect::<BTreeMap<_, _>>()),
    })
}

/// Reads one replica. `None` if the Region has an invalid name: such a Region is not the target of a route.
fn replica(replica: ReplicationStatusType) -> Option<(Region, Replication)> {
    let region = Region::parse(&replica.region?).ok()?;
    let status = match replica.status? {
        StatusType::InSync => ReplicationStatus::InSync,
        StatusType::InProgress => ReplicationStatus::InProgress,
        StatusType::Failed => ReplicationStatus::Failed,
        other => ReplicationStatus::Other(other.as_str().to_owned()),
    };
    Some((
        region,
        Replication { status, message: replica.status_message, kms_key: replica.kms_key_id },
    ))
}

fn tags(tags: Vec<Tag>) -> Tags {
    tags.into_iter().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))).collect()
}

fn current(stages: Stages) -> Option<String> {
    let is_current = |labels: &Vec<String>| labels.iter().any(|label| label == CURRENT);
    stages.into_iter().find(|(_, labels)| is_current(labels)).map(|(version, _)| version)
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::DateTime;

    use super::*;

    fn nothing() -> Unmodelled {
        Unmodelled::new(OTHER_ACCOUNT)
    }

    #[test]
    fn a_list_entry_shows_no_replicas_and_a_description_does() {
        let stages = Stages::from([
            ("v1".to_owned(), vec!["AWSPREVIOUS".to_owned()]),
            ("v2".to_owned(), vec!["AWSPENDING".to_owned(), CURRENT.to_owned()]),
        ]);
        let entry = SecretListEntry::builder()
            .arn("arn:aws:secretsmanager:us-east-2:111122223333:secret:a-a1b2c3")
            .name("a")
            .set_secret_versions_to_stages(Some(stages))
            .deleted_date(DateTime::from_secs(1))
            .build();
        let listed = from_list(entry, &nothing()).expect("a secret");
        assert_eq!(listed.current_version.as_deref(), Some("v2"));
        assert!(listed.deleted && !listed.is_described() && listed.tags.is_none());

        let status = ReplicationStatusType::builder()
            .region("us-east-1")
            .status(StatusType::Failed)
            .status_message("no")
            .build();
        let answer = DescribeSecretOutput::builder()
            .arn("arn:aws:secretsmanager:us-east-2:111122223333:secret:a-a1b2c3")
            .name("a")
            .replication_status(status)
            .build();
        let described = from_description(answer, &nothing()).expect("a secret");
        let region = Region::parse("us-east-1").expect("a Region");
        let replica = &described.replication.expect("described")[&region];
        assert_eq!(
            (&replica.status, replica.message.as_deref()),
            (&ReplicationStatus::Failed, Some("no"))
        );
    }

    #[test]
    fn a_description_without_replicas_means_no_replicas() {
        let answer = DescribeSecretOutput::builder()
            .arn("arn:aws:secretsmanager:us-east-2:111122223333:secret:a-a1b2c3")
            .name("a")
            .build();
        let described = from_description(answer, &nothing()).expect("a secret");
        assert_eq!(described.replication, Some(BTreeMap::new()));
    }
}
