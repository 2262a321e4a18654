//! Secrets, and their managed replicas.

use std::collections::BTreeMap;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::{ReplicaRegionType, Tag};

use super::stage::{Page, SOURCE, Stage, TARGET, pairs, told};

fn secret_tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}

/// What `DescribeSecret` shows, without what differs from run to run.
async fn described(secrets: &Client, id: &str) -> String {
    told(secrets.describe_secret().secret_id(id).send().await, |d| {
        let stages: BTreeMap<String, usize> =
            d.version_ids_to_stages.unwrap_or_default().into_values().flatten().fold(
                BTreeMap::new(),
                |mut counts, stage| {
                    *counts.entry(stage).or_default() += 1;
                    counts
                },
            );
        let tags = d.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value));
        let replicas = d.replication_status.unwrap_or_default().into_iter().map(|replica| {
            (
                replica.region,
                (
                    replica.status,
                    replica.status_message.filter(|text| text.contains("already exists")),
                    replica.kms_key_id,
                ),
            )
        });
        format!(
            "{:?} key {:?} primary {:?} deleted {} stages {stages:?} tags {} replicas {}",
            d.name,
            d.kms_key_id,
            d.primary_region,
            d.deleted_date.is_some(),
            pairs(tags),
            pairs(replicas.map(|(region, rest)| (region, format!("{rest:?}")))),
        )
    })
}

pub(super) async fn values(stage: &Stage, mut page: Page<'_>) {
    let secrets = stage.secrets(SOURCE).await;
    let create = |name: &str| secrets.create_secret().name(name);
    page.outcome(
        "create",
        create("c/a").secret_string("1").tags(secret_tag("k", "v")).send().await,
    );
    page.note("described", described(&secrets, "c/a").await);
    page.outcome("create what is there", create("c/a").secret_string("1").send().await);
    page.outcome(
        "an unknown key",
        create("c/key").kms_key_id("alias/none").secret_string("1").send().await,
    );
    page.outcome("over 64 KB", create("c/large").secret_string("x".repeat(65_537)).send().await);
    page.outcome("without a value", create("c/empty").send().await);
    page.note("without a value described", described(&secrets, "c/empty").await);
    page.outcome("a name that is none", create("c a").secret_string("1").send().await);
    let token = "11111111-2222-3333-4444-555555555555";
    let put = |value: &str| secrets.put_secret_value().secret_id("c/a").secret_string(value);
    page.outcome("a new value", put("2").client_request_token(token).send().await);
    page.outcome("the same token and value", put("2").client_request_token(token).send().await);
    page.outcome(
        "the same token, another value",
        put("3").client_request_token(token).send().await,
    );
    page.note("two values described", described(&secrets, "c/a").await);
    let arn = secrets
        .describe_secret()
        .secret_id("c/a")
        .send()
        .await
        .expect("a secret")
        .arn
        .expect("an ARN");
    page.outcome("by ARN", secrets.describe_secret().secret_id(&arn).send().await);
    let partial = &arn[..arn.len() - 7];
    page.outcome(
        "by ARN without its suffix",
        secrets.describe_secret().secret_id(partial).send().await,
    );
    page.outcome("what is not there", secrets.describe_secret().secret_id("c/none").send().await);
    page.outcome(
        "AWS's own tag",
        secrets.tag_resource().secret_id("c/empty").tags(secret_tag("aws:x", "1")).send().await,
    );
    page.outcome("101 a page", secrets.list_secrets().max_results(101).send().await);

    page.outcome(
        "six days to recover",
        secrets.delete_secret().secret_id("c/a").recovery_window_in_days(6).send().await,
    );
    page.outcome(
        "forced, with days",
        secrets
            .delete_secret()
            .secret_id("c/a")
            .recovery_window_in_days(7)
            .force_delete_without_recovery(true)
            .send()
            .await,
    );
    page.outcome("delete", secrets.delete_secret().secret_id("c/a").send().await);
    page.note("deleted described", described(&secrets, "c/a").await);
    page.outcome("create what is deleted", create("c/a").secret_string("1").send().await);
    for (step, planned) in [("list", false), ("list with what is deleted", true)] {
        let listed = secrets.list_secrets().include_planned_deletion(planned).send().await;
        page.note(
            step,
            told(listed, |listed| {
                // What one of the two let through is its own step's difference.
                let ours = |name: &str| matches!(name, "c/a" | "c/empty");
                let listed = listed.secret_list.unwrap_or_default().into_iter();
                pairs(listed.filter(|s| s.name.as_deref().is_some_and(ours)).map(|s| {
                    (
                        s.name,
                        (
                            s.deleted_date.is_some(),
                            s.secret_versions_to_stages.map(|stages| stages.len()),
                        ),
                    )
                }))
            }),
        );
    }
    page.outcome(
        "delete by force",
        secrets
            .delete_secret()
            .secret_id("c/empty")
            .force_delete_without_recovery(true)
            .send()
            .await,
    );
    page.outcome("a value for what is deleted", put("4").send().await);
    page.outcome("create again at once", create("c/empty").secret_string("1").send().await);
}

pub(super) async fn replicas(stage: &Stage, mut page: Page<'_>) {
    let primary = stage.secrets(SOURCE).await;
    let other = stage.secrets(TARGET).await;
    for name in ["r/a", "r/taken", "r/key"] {
        primary
            .create_secret()
            .name(name)
            .secret_string("1")
            .tags(secret_tag("k", "v"))
            .send()
            .await
            .expect("create");
    }
    other.create_secret().name("r/taken").secret_string("another").send().await.expect("create");
    let add = |id: &str, region: &str, key: Option<&str>| {
        let wanted = ReplicaRegionType::builder()
            .region(region)
            .set_kms_key_id(key.map(str::to_owned))
            .build();
        primary.replicate_secret_to_regions().secret_id(id).add_replica_regions(wanted).send()
    };
    let tell = |answer: aws_sdk_secretsmanager::operation::replicate_secret_to_regions::ReplicateSecretToRegionsOutput| {
        let statuses = answer.replication_status.unwrap_or_default();
        pairs(statuses.into_iter().map(|status| (status.region, status.status)))
    };
    page.note("asked for", told(add("r/a", TARGET, Some(super::ALIAS)).await, tell));
    page.note("over another's name", told(add("r/taken", TARGET, None).await, tell));
    page.note(
        "with a key that is not there",
        told(add("r/key", TARGET, Some("alias/none")).await, tell),
    );
    stage.wait(10).await;
    page.note("the primary", described(&primary, "r/a").await);
    page.note("the replica", described(&other, "r/a").await);
    page.note("the name is taken", described(&primary, "r/taken").await);
    page.note("the other is untouched", described(&other, "r/taken").await);
    page.note("the key is not there", described(&primary, "r/key").await);
    let arn = |d: aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput| {
        d.arn.unwrap_or_default()
    };
    let of_primary =
        primary.describe_secret().secret_id("r/a").send().await.map(arn).expect("a secret");
    let of_replica =
        other.describe_secret().secret_id("r/a").send().await.map(arn).expect("a secret");
    page.note(
        "one ARN but for the Region",
        format!("{}", of_primary.replace(SOURCE, TARGET) == of_replica),
    );

    page.outcome("again where it is", add("r/a", TARGET, None).await);
    page.note("again where it failed", told(add("r/taken", TARGET, None).await, tell));
    page.outcome("into its own Region", add("r/a", SOURCE, None).await);
    page.outcome("what is not there", add("r/none", TARGET, None).await);
    page.outcome(
        "a value on the replica",
        other.put_secret_value().secret_id("r/a").secret_string("2").send().await,
    );
    page.outcome(
        "a tag on the replica",
        other.tag_resource().secret_id("r/a").tags(secret_tag("a", "1")).send().await,
    );
    page.outcome("delete the replica", other.delete_secret().secret_id("r/a").send().await);
    page.outcome("delete the primary", primary.delete_secret().secret_id("r/a").send().await);

    primary.put_secret_value().secret_id("r/a").secret_string("2").send().await.expect("put");
    primary
        .tag_resource()
        .secret_id("r/a")
        .tags(secret_tag("more", "1"))
        .send()
        .await
        .expect("tag");
    stage.wait(10).await;
    page.note("values and tags follow", described(&other, "r/a").await);
    let current = |d: aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput| {
        d.version_ids_to_stages
            .unwrap_or_default()
            .into_iter()
            .find(|(_, stages)| stages.contains(&"AWSCURRENT".to_owned()))
    };
    let of_primary =
        primary.describe_secret().secret_id("r/a").send().await.map(current).expect("a secret");
    let of_replica =
        other.describe_secret().secret_id("r/a").send().await.map(current).expect("a secret");
    page.note("the version's id is the same", format!("{}", of_primary == of_replica));

    let listed = other.list_secrets().send().await;
    page.note(
        "replicas in a list",
        told(listed, |listed| {
            pairs(
                listed
                    .secret_list
                    .unwrap_or_default()
                    .into_iter()
                    .filter(|s| s.name.as_deref().is_some_and(|name| name.starts_with("r/")))
                    .map(|s| (s.name, s.primary_region)),
            )
        }),
    );
    let remove = |region: &str| {
        primary
            .remove_regions_from_replication()
            .secret_id("r/a")
            .remove_replica_regions(region)
            .send()
    };
    page.outcome("remove", remove(TARGET).await);
    page.outcome("it is gone at once", other.describe_secret().secret_id("r/a").send().await);
    page.note("the primary is alone", described(&primary, "r/a").await);
    page.outcome("then it may be deleted", primary.delete_secret().secret_id("r/a").send().await);
    page.outcome("replicate what is deleted", add("r/a", TARGET, None).await);
}
