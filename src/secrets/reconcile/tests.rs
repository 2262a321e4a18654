//! The reconcile loop with answers that an emulator does not give: refusals, lost answers, slow replicas.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::aws::fake::{FakeAws, FakeResponse, Sent, assumed_role_response, json_error};
use crate::deadline::Deadline;
use crate::domain::{AccountId, Expectation, Failure, Item, Route, SecretName, Timestamp, Wanted};
use crate::run_policy::Writing;

const SOURCE: &str = "us-east-2";
const NEAR: &str = "us-east-1";
const FAR: &str = "us-west-2";

/// One secret in the source, and the replicas that the primary shows.
#[derive(Default)]
struct World {
    replicas: BTreeMap<String, &'static str>,
    /// The status of a replica after a request.
    becomes: &'static str,
    /// Regions for which AWS refuses a request.
    refused: Vec<&'static str>,
    /// Whether the answers to requests for replicas are lost.
    loses_answers: bool,
    /// The Region in which `ListSecrets` is denied.
    denied: Option<&'static str>,
    /// The opt-out tag of the owner.
    opt_out: Option<&'static str>,
    /// Calls with an empty answer: operation, Region and number.
    silent: Option<(&'static str, &'static str, usize)>,
    /// Regions without the replica that the primary shows as in sync.
    vanished: Vec<&'static str>,
    /// The last change of replicas that have an older version than the primary. `None`: the replicas are current.
    behind: Option<i64>,
    /// The last change of the secret.
    changed: Option<i64>,
    key: Option<&'static str>,
    /// The states of keys, by Region and key. `missing` means that the key does not exist.
    keys: BTreeMap<(&'static str, &'static str), &'static str>,
    /// The number of reads of the source that do not show the secret yet.
    invisible_reads: usize,
}

impl World {
    fn answer(&mut self, sent: &Sent) -> FakeResponse {
        if sent.operation == "AssumeRole" {
            return assumed_role_response(sent);
        }
        let region = sent.host.split('.').nth(1).expect("a regional host").to_owned();
        if let Some((operation, at, left)) = &mut self.silent
            && *operation == sent.operation
            && *at == region
            && *left > 0
        {
            *left -= 1;
            return (200, String::new());
        }
        let body: Value = serde_json::from_str(&sent.body).expect("JSON");
        match sent.operation.as_str() {
            "ListSecrets" if self.denied == Some(&region) => {
                json_error(400, "AccessDeniedException")
            }
            "ListSecrets" => ok(&json!({ "SecretList": self.secret(&region).as_slice() })),
            "DescribeSecret" if region == SOURCE && self.invisible_reads > 0 => {
                self.invisible_reads -= 1;
                json_error(400, "ResourceNotFoundException")
            }
            "DescribeKey" => {
                let key = body["KeyId"].as_str().expect("a key");
                let state = self.keys.iter().find(|((at, id), _)| *at == region && *id == key);
                match state.map_or("Enabled", |(_, state)| state) {
                    "missing" => json_error(400, "NotFoundException"),
                    state => ok(&json!({"KeyMetadata": {"KeyId": key, "KeyState": state}})),
                }
            }
            "DescribeSecret" => match self.secret(&region) {
                Some(secret) => ok(&secret),
                None => json_error(400, "ResourceNotFoundException"),
            },
            "ReplicateSecretToRegions" => self.replicate(&body),
            other => panic!("{other} is called"),
        }
    }

    fn secret(&self, region: &str) -> Option<Value> {
        let mut secret = json!({
            "Name": "db/main",
            "ARN": format!("arn:aws:secretsmanager:{region}:111122223333:secret:db/main-a1b2c3"),
            "LastChangedDate": self.changed.unwrap_or(1_700_000_000),
            "VersionIdsToStages": {"v2": ["AWSCURRENT"]},
            "SecretVersionsToStages": {"v2": ["AWSCURRENT"]},
        });
        if let Some(key) = self.key {
            secret["KmsKeyId"] = json!(key);
        }
        if let Some(value) = self.opt_out {
            secret["Tags"] = json!([{ "Key": "failover-replicator", "Value": value }]);
        }
        if region == SOURCE {
            let told =
                |(region, status): (&String, &&str)| json!({ "Region": region, "Status": status });
            secret["ReplicationStatus"] = self.replicas.iter().map(told).collect();
        } else {
            self.replicas.get(region).filter(|status| **status == "InSync")?;
            if self.vanished.contains(&region) {
                return None;
            }
            secret["PrimaryRegion"] = json!(SOURCE);
            if let Some(changed) = self.behind {
                secret["LastChangedDate"] = json!(changed);
                for stages in ["VersionIdsToStages", "SecretVersionsToStages"] {
                    secret[stages] = json!({"v1": ["AWSCURRENT"]});
                }
            }
        }
        Some(secret)
    }

    fn replicate(&mut self, body: &Value) -> FakeResponse {
        assert_ne!(body["ForceOverwriteReplicaSecret"], json!(true));
        let regions = body["AddReplicaRegions"].as_array().expect("Regions");
        let regions: Vec<&str> =
            regions.iter().map(|one| one["Region"].as_str().expect("a Region")).collect();
        if regions.iter().any(|region| self.refused.contains(region)) {
            return json_error(400, "InvalidParameterException");
        }
        for region in regions {
            self.replicas.insert(region.to_owned(), self.becomes);
        }
        if self.loses_answers { json_error(500, "InternalServiceError") } else { ok(&json!({})) }
    }
}

fn ok(body: &Value) -> FakeResponse {
    (200, body.to_string())
}

fn region(name: &str) -> Region {
    Region::parse(name).expect("a Region")
}

async fn run_with(
    world: World,
    scope: Scope,
    change: impl FnOnce(&mut RunPolicy),
) -> (AccountOutcome, FakeAws) {
    let world = Arc::new(Mutex::new(world));
    let fake = FakeAws::new(move |sent| world.lock().expect("no panic").answer(sent));
    let connection = fake.connect(|_| ()).await;
    let account = AccountId::parse("111122223333").expect("an account");
    let session = connection.session(&account).await.expect("a session");
    let mut policy = RunPolicy::of_a_sweep("us-east-2=us-east-1,us-west-2");
    change(&mut policy);
    let route = Route { source: region(SOURCE), targets: vec![region(NEAR), region(FAR)] };
    let outcome = reconcile(&session, &policy, &[Assignment { route, scope }]).await;
    (outcome, fake)
}

async fn sweep(world: World) -> (AccountOutcome, FakeAws) {
    run_with(world, Scope::Everything, |_| ()).await
}

fn counts(outcome: &AccountOutcome) -> Vec<(OutcomeKind, u64)> {
    outcome.secrets.iter().collect()
}

#[tokio::test(start_paused = true)]
async fn secrets_in_parity_cost_one_list_a_region_and_nothing_else() {
    let replicas = [NEAR, FAR].map(|target| (target.to_owned(), "InSync"));
    let world = World { replicas: BTreeMap::from(replicas), ..World::default() };
    let (outcome, fake) = sweep(world).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::InSync, 2)]);
    assert_eq!(fake.sent("ListSecrets").len(), 3);
    for list in fake.sent("ListSecrets") {
        let asked: Value = serde_json::from_str(&list.body).expect("JSON");
        assert_eq!(asked, json!({ "MaxResults": 100, "IncludePlannedDeletion": true }));
    }
    assert_eq!(fake.sent("DescribeSecret").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn all_missing_replicas_are_requested_in_one_call() {
    let (outcome, fake) = sweep(World { becomes: "InSync", ..World::default() }).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Replicated, 2)]);
    assert!(outcome.failures.is_empty() && outcome.complete);
    assert_eq!(fake.sent("ReplicateSecretToRegions").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_opt_out_is_one_failure_in_the_source() {
    let (outcome, fake) = sweep(World { opt_out: Some("excluded"), ..World::default() }).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 2)]);
    let [failure] = outcome.failures.as_slice() else { panic!("{:?}", outcome.failures) };
    assert_eq!(failure.cause.kind, FailureKind::Invalid);
    assert_eq!(failure.region, Some(region(SOURCE)));
    assert!(fake.sent("ReplicateSecretToRegions").is_empty());

    let (outcome, fake) = sweep(World { opt_out: Some("REMOVE"), ..World::default() }).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Excluded, 2)]);
    assert!(fake.sent("ReplicateSecretToRegions").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refused_region_does_not_block_the_other_regions() {
    let world = World { becomes: "InSync", refused: vec![FAR], ..World::default() };
    let (outcome, _) = sweep(world).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Replicated, 1), (OutcomeKind::Failed, 1)]);
    assert_eq!(outcome.failures.len(), 1);
    assert_eq!(outcome.failures[0].region, Some(region(FAR)));
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_the_primary_is_believed() {
    let world = World { becomes: "InSync", loses_answers: true, ..World::default() };
    let (outcome, _) = sweep(world).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::InSync, 2)]);
    assert!(outcome.failures.is_empty(), "{:?}", outcome.failures);
}

#[tokio::test(start_paused = true)]
async fn a_region_with_a_failed_list_is_reported_and_skipped() {
    let world = World { becomes: "InSync", denied: Some(FAR), ..World::default() };
    let (outcome, fake) = sweep(world).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Replicated, 1), (OutcomeKind::Failed, 1)]);
    assert_eq!(outcome.failures.len(), 1);
    let failure = &outcome.failures[0];
    assert_eq!((&failure.subject, &failure.region), (&Subject::Account, &Some(region(FAR))));
    let asked = fake.sent("ReplicateSecretToRegions");
    assert!(asked.iter().all(|sent| !sent.body.contains(FAR)));
}

#[tokio::test(start_paused = true)]
async fn without_the_sources_list_nothing_is_decided() {
    let world = World { becomes: "InSync", denied: Some(SOURCE), ..World::default() };
    let (outcome, fake) = sweep(world).await;
    assert_eq!((counts(&outcome), outcome.failures.len()), (vec![], 1));
    assert!(fake.sent("ReplicateSecretToRegions").is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_is_pending() {
    let begun = Instant::now();
    let (outcome, _) = sweep(World { becomes: "InProgress", ..World::default() }).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Pending, 2)]);
    assert!(outcome.complete && outcome.failures.is_empty());
    assert!((60..75).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_deadline_cuts_the_wait() {
    let begun = Instant::now();
    let end = begun + Duration::from_secs(20);
    let world = World { becomes: "InProgress", ..World::default() };
    let (outcome, _) =
        run_with(world, Scope::Everything, |policy| policy.deadline = Deadline::at(end)).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Pending, 2)]);
    assert!(!outcome.complete);
    assert!(Instant::now() < end);

    let over = |policy: &mut RunPolicy| policy.deadline = Deadline::at(Instant::now());
    let (outcome, fake) = run_with(World::default(), Scope::Everything, over).await;
    assert_eq!((counts(&outcome), outcome.complete), (vec![], false));
    assert!(outcome.failures.is_empty() && fake.sent("ReplicateSecretToRegions").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_replica_is_a_failure_of_that_target() {
    let (outcome, _) = sweep(World { becomes: "Failed", ..World::default() }).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 2)]);
    assert_eq!(outcome.failures.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_run_without_writes_lists_its_steps() {
    let plan_only = |policy: &mut RunPolicy| policy.writing = Writing::PlanOnly;
    let (outcome, fake) = run_with(World::default(), Scope::Everything, plan_only).await;
    assert_eq!(counts(&outcome), []);
    let targets: Vec<&str> = outcome.steps.iter().map(|step| step.region.as_str()).collect();
    assert_eq!(targets, [NEAR, FAR]);
    assert!(fake.sent("ReplicateSecretToRegions").is_empty());
}

mod rules;

#[tokio::test(start_paused = true)]
async fn a_secret_requested_by_name_and_by_arn_counts_once() {
    let arn = "arn:aws:secretsmanager:us-east-2:111122223333:secret:db/main-a1b2c3";
    let wanted = |id| Wanted { item: Item::Secret(SecretName::new(id)), expect: Vec::new() };
    let scope = Scope::Items(vec![wanted("db/main"), wanted(arn)]);
    let world = World { becomes: "InSync", ..World::default() };
    let (outcome, fake) = run_with(world, scope, |_| ()).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Replicated, 2)]);
    assert_eq!(fake.sent("ReplicateSecretToRegions").len(), 1);
    assert!(fake.sent("ListSecrets").is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_incomplete_answer_never_means_that_a_secret_is_absent() {
    for (operation, region) in
        [("ListSecrets", SOURCE), ("ListSecrets", NEAR), ("DescribeSecret", SOURCE)]
    {
        for (times, is_told) in [(1, false), (usize::MAX, true)] {
            let replicas = BTreeMap::from([(FAR.to_owned(), "InSync")]);
            let silent = Some((operation, region, times));
            let world = World { replicas, becomes: "InSync", silent, ..World::default() };
            let (outcome, fake) = sweep(world).await;
            let what = format!("{operation} in {region}: {:?}", outcome.failures);
            let place = outcome.failures.first().and_then(|failure| failure.region.clone());
            let expected = is_told.then(|| self::region(region));
            assert_eq!(place, expected, "{what}");
            let unavailable = |failure: &Failure| failure.cause.kind == FailureKind::Unavailable;
            assert!(outcome.failures.iter().all(unavailable), "{what}");
            let asked = fake.sent("ReplicateSecretToRegions").len();
            assert_eq!(asked, usize::from(!is_told), "{what}");
        }
    }
}
