//! Every file of `payloads/events/`, with an account's own id, times and secret in place of the sample's: what the
//! owner did before it, and what the hub makes of it.

use std::collections::BTreeMap;
use std::path::Path;

use aws_sdk_ssm::primitives::{DateTime, DateTimeFormat};
use aws_sdk_ssm::types::{ParameterType, ResourceTypeForTagging};
use serde_json::Value;

use crate::support::{SOURCE, TARGET, World, assert_equal, put, tag};

const HOST: &str = "/shop/db/host";
const SECRET: &str = "shop/db";
/// What the samples are of.
const SAMPLE_ACCOUNT: &str = "111122223333";
const SAMPLE_SECRET: &str = "shop/db-a1b2c3";

/// One account for one sample.
struct Stage<'a> {
    world: &'a World,
    account: usize,
    ssm: aws_sdk_ssm::Client,
    secrets: aws_sdk_secretsmanager::Client,
}

impl Stage<'_> {
    /// What is there, replicated, before the owner does what the sample tells.
    async fn set(&self, sample: &str) {
        let parameters: &[&str] = match sample {
            "parameter-store-change-create" => &[],
            "delete-parameters" => &[HOST, "/shop/db/port", "/shop/db/user"],
            _ => &[HOST],
        };
        for name in parameters {
            let host = self.ssm.put_parameter().name(*name).value("db.internal");
            let host = host.r#type(ParameterType::SecureString).tags(tag("stage", "test"));
            host.send().await.expect("put");
        }
        if sample == "delete-secret-refused" {
            self.create_secret().await;
        }
    }

    /// What the owner does.
    async fn act(&self, sample: &str) {
        let secret = &self.secrets;
        match sample {
            "put-parameter" | "parameter-store-change-update" => {
                let host = self.ssm.put_parameter().name(HOST).value("db2.internal");
                host.overwrite(true).send().await.expect("put");
            }
            "parameter-store-change-create" => put(&self.ssm, HOST, "db.internal").await,
            "add-tags-to-resource" => self.tag_host().await,
            "remove-tags-from-resource" => {
                let kind = ResourceTypeForTagging::Parameter;
                let remove = self.ssm.remove_tags_from_resource().resource_type(kind);
                remove.resource_id(HOST).tag_keys("stage").send().await.expect("tags");
            }
            "delete-parameter"
            | "delete-parameters"
            | "parameter-store-change-delete"
            | "parameter-store-policy-action" => {
                let names = [HOST, "/shop/db/port", "/shop/db/user"].map(str::to_owned).to_vec();
                self.ssm.delete_parameters().set_names(Some(names)).send().await.expect("delete");
            }
            "label-parameter-version"
            | "unlabel-parameter-version"
            | "parameter-store-change-label" => {
                let label = self.ssm.label_parameter_version().name(HOST).labels("live");
                label.send().await.expect("label");
            }
            "create-secret"
            | "update-secret"
            | "tag-resource"
            | "untag-resource"
            | "secret-label-updated" => self.create_secret().await,
            "restore-secret" => {
                self.create_secret().await;
                self.delete_secret().await;
                secret.restore_secret().secret_id(SECRET).send().await.expect("restore");
            }
            "delete-secret" => {
                self.create_secret().await;
                self.delete_secret().await;
            }
            // AWS refused it, so nothing was done.
            "delete-secret-refused" => {}
            "replicate-secret-to-regions" => {
                self.create_secret().await;
                self.replicate_secret().await;
            }
            "remove-regions-from-replication" => {
                self.create_secret().await;
                self.replicate_secret().await;
                let remove = secret.remove_regions_from_replication().secret_id(SECRET);
                remove.remove_replica_regions(TARGET).send().await.expect("remove");
            }
            "queue-batch" => {
                self.tag_host().await;
                self.create_secret().await;
            }
            other => panic!("no test knows what is done before payloads/events/{other}.json"),
        }
    }

    async fn tag_host(&self) {
        let kind = ResourceTypeForTagging::Parameter;
        let add = self.ssm.add_tags_to_resource().resource_type(kind).resource_id(HOST);
        add.tags(tag("team", "shop")).tags(tag("stage", "live")).send().await.expect("tags");
    }

    async fn create_secret(&self) {
        let create = self.secrets.create_secret().name(SECRET).secret_string("s3cret");
        create.send().await.expect("create");
    }

    async fn delete_secret(&self) {
        let delete = self.secrets.delete_secret().secret_id(SECRET);
        delete.recovery_window_in_days(30).send().await.expect("delete");
    }

    async fn replicate_secret(&self) {
        let region = aws_sdk_secretsmanager::types::ReplicaRegionType::builder().region(TARGET);
        let replicate = self.secrets.replicate_secret_to_regions().secret_id(SECRET);
        replicate.add_replica_regions(region.build()).send().await.expect("replicate");
    }

    /// The names of the target's secrets.
    async fn replicas(&self) -> Vec<String> {
        let target = self.world.secrets(self.account, TARGET).await;
        let list = target.list_secrets().send().await.expect("a list");
        list.secret_list.unwrap_or_default().into_iter().filter_map(|secret| secret.name).collect()
    }

    /// The sample, of this account and of what is there now.
    async fn in_place(&self, sample: &Value) -> Value {
        let host = self.ssm.get_parameter().name(HOST).send().await;
        let host = host.ok().and_then(|read| read.parameter);
        let version = host.as_ref().map_or(1, |host| host.version);
        let now = host.and_then(|host| host.last_modified_date).unwrap_or(DateTime::from_secs(0));
        let now = DateTime::from_secs(now.secs()).fmt(DateTimeFormat::DateTime).expect("a time");
        let described = self.secrets.describe_secret().secret_id(SECRET).send().await;
        let arn = described.ok().and_then(|secret| secret.arn).unwrap_or_default();
        let suffixed = arn.rsplit(':').next().unwrap_or_default().to_owned();
        let account = self.world.account(self.account);
        replaced(sample, &|field, value| match (field, value) {
            ("time" | "eventTime", _) => now.clone().into(),
            ("version", Value::Number(_)) => version.into(),
            (_, Value::String(text)) => {
                text.replace(SAMPLE_ACCOUNT, account).replace(SAMPLE_SECRET, &suffixed).into()
            }
            (_, value) => value.clone(),
        })
    }
}

/// `value` with each leaf as `leaf` has it; the body of a message is JSON in a text, and is one of its branches.
fn replaced(value: &Value, leaf: &dyn Fn(&str, &Value) -> Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().map(|(field, value)| {
                let value = match value {
                    Value::Object(_) | Value::Array(_) => replaced(value, leaf),
                    Value::String(text) if field == "body" => {
                        let body = serde_json::from_str(text).expect("an event");
                        replaced(&body, leaf).to_string().into()
                    }
                    value => leaf(field, value),
                };
                (field.clone(), value)
            });
            Value::Object(fields.collect())
        }
        Value::Array(values) => values
            .iter()
            .map(|value| if value.is_object() { replaced(value, leaf) } else { leaf("", value) })
            .collect(),
        value => value.clone(),
    }
}

fn samples() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("payloads/events");
    std::fs::read_dir(folder)
        .expect("the folder of samples")
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            let text = std::fs::read(path).expect("a readable file");
            (name, serde_json::from_slice(&text).expect("JSON"))
        })
        .collect()
}

/// One line that says what the hub answered.
fn line(answer: &Value) -> String {
    if let Some(reason) = answer["ignored"].as_str() {
        return format!("ignored: {reason}");
    }
    if !answer["batchItemFailures"].is_null() {
        return format!("comes back: {}", answer["batchItemFailures"]);
    }
    let totals = &answer["totals"];
    let failures = answer["failures"].as_array().expect("failures").iter();
    let failures =
        failures.map(|failure| format!(" {} {}", failure["error_kind"], failure["name"]));
    format!(
        "{} parameters {} secrets {}{}",
        answer["status"],
        totals["parameters"],
        totals["secrets"],
        failures.collect::<String>()
    )
    .replace('"', "")
}

#[tokio::test(start_paused = true)]
async fn every_sample_leads_to_the_right_replica() {
    let samples = samples();
    let world = World::new(samples.len());
    let mut stages = Vec::new();
    for (account, sample) in samples.keys().enumerate() {
        let (ssm, secrets) =
            (world.ssm(account, SOURCE).await, world.secrets(account, SOURCE).await);
        let stage = Stage { world: &world, account, ssm, secrets };
        stage.set(sample).await;
        stages.push(stage);
    }
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], "changed", "{response:#}");

    let mut lines = Vec::new();
    for (stage, (name, sample)) in stages.iter().zip(&samples) {
        // What is told of a deletion is told of the time before it.
        let deletes = name.contains("delete") || name.contains("policy");
        let before = if deletes { Some(stage.in_place(sample).await) } else { None };
        stage.act(name).await;
        let event = match before {
            Some(event) => event,
            None => stage.in_place(sample).await,
        };
        let answer = world.ask(&hub, &event).await;
        assert_equal(&world, stage.account, TARGET).await;
        lines.push(format!("{name}: {} -> {:?}", line(&answer), stage.replicas().await));
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    add-tags-to-resource: changed parameters {retagged:1} secrets {} -> []
    create-secret: changed parameters {} secrets {replicated:1} -> ["shop/db"]
    delete-parameter: changed parameters {deleted:1} secrets {} -> []
    delete-parameters: changed parameters {deleted:3} secrets {} -> []
    delete-secret: in_sync parameters {} secrets {skipped:1} -> []
    delete-secret-refused: failed parameters {} secrets {conflict:1} conflict shop/db -> ["shop/db"]
    label-parameter-version: changed parameters {retagged:1} secrets {} -> []
    parameter-store-change-create: changed parameters {created:1} secrets {} -> []
    parameter-store-change-delete: changed parameters {deleted:1} secrets {} -> []
    parameter-store-change-label: changed parameters {retagged:1} secrets {} -> []
    parameter-store-change-update: changed parameters {updated:1} secrets {} -> []
    parameter-store-policy-action: changed parameters {deleted:1} secrets {} -> []
    put-parameter: changed parameters {updated:1} secrets {} -> []
    queue-batch: comes back: [] -> ["shop/db"]
    remove-regions-from-replication: ignored: the sweep handles RemoveRegionsFromReplication, because the owner may be deleting the secret -> []
    remove-tags-from-resource: changed parameters {retagged:1} secrets {} -> []
    replicate-secret-to-regions: in_sync parameters {} secrets {in_sync:1} -> ["shop/db"]
    restore-secret: changed parameters {} secrets {replicated:1} -> ["shop/db"]
    secret-label-updated: changed parameters {} secrets {replicated:1} -> ["shop/db"]
    tag-resource: changed parameters {} secrets {replicated:1} -> ["shop/db"]
    unlabel-parameter-version: changed parameters {retagged:1} secrets {} -> []
    untag-resource: changed parameters {} secrets {replicated:1} -> ["shop/db"]
    update-secret: changed parameters {} secrets {replicated:1} -> ["shop/db"]
    "#);
}
