//! The loop over a Parameter Store in memory whose lists lag, whose sources move between two calls, and which refuses.

use std::sync::{Arc, Mutex, MutexGuard};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::*;
use crate::aws::Deadline;
use crate::aws::double::{Answer, Double, Sent, json_error, role_given};
use crate::domain::{
    AccountId, Change, Failure, KmsKeys, MARK_KEY, MARK_VALUE, NameFilter, PROVENANCE_KEY, Routes,
};
use crate::guard::Writing;
use crate::settings::MaxDeletes;

const SOURCE: &str = "us-east-2";
const NEAR: &str = "us-east-1";
const FAR: &str = "us-west-2";
const OWNER: &str = "arn:aws:iam::111122223333:user/owner";
/// Interleavings that are tried.
const CASES: u32 = 200;
const SPOKE: &str = "arn:aws:sts::111122223333:assumed-role/spoke/hub";

/// A parameter as it is kept.
#[derive(Clone, Debug)]
struct Held {
    name: String,
    value: String,
    kind: String,
    version: i64,
    modified: i64,
    writer: &'static str,
    tags: BTreeMap<String, String>,
}

/// By Region and by name without its slash.
type Store = BTreeMap<String, BTreeMap<String, Held>>;
type Meanwhile = Box<dyn FnOnce(&mut World) + Send>;

/// The account's parameters in all Regions.
#[derive(Default)]
struct World {
    held: Store,
    /// What the lists of a Region still show of parameters, where that is older.
    listed: Store,
    /// What the lists of a Region still show of tags, where that is older.
    tagged: Store,
    /// Calls that are refused: operation, Region, code and message.
    refused: Vec<(&'static str, &'static str, &'static str, String)>,
    /// What happens just before the first call of an operation in a Region, in this order.
    meanwhile: Vec<(&'static str, &'static str, Meanwhile)>,
    now: i64,
    begun: Option<Instant>,
}

impl World {
    fn answer(&mut self, sent: &Sent) -> Answer {
        let elapsed = self.begun.get_or_insert_with(Instant::now).elapsed();
        let now = 1_790_000_000_000 + i64::try_from(elapsed.as_millis()).expect("a time");
        self.now = self.now.max(now);
        let region = sent.host.split('.').nth(1).expect("a regional host").to_owned();
        let operation = sent.operation.as_str();
        let is_it = |(op, at, _): &(&str, &str, Meanwhile)| *op == operation && *at == region;
        if let Some(at) = self.meanwhile.iter().position(is_it) {
            self.meanwhile.remove(at).2(self);
        }
        let refusal = self.refused.iter().find(|(op, at, ..)| *op == operation && *at == region);
        if let Some((_, _, code, message)) = refusal {
            return (400, json!({ "__type": code, "message": message }).to_string());
        }
        let body: Value = serde_json::from_str(&sent.body).expect("JSON");
        match operation {
            "DescribeParameters" => self.describe(&region, &body),
            "GetResources" => self.resources(&region, &body),
            "GetParameters" => self.get(&region, &body),
            "PutParameter" => self.put_parameter(&region, &body),
            "DeleteParameters" => self.delete(&region, &body),
            "ListTagsForResource" | "AddTagsToResource" | "RemoveTagsFromResource" => {
                self.tags(operation, &region, &body)
            }
            other => panic!("{other} is called"),
        }
    }

    fn describe(&self, region: &str, body: &Value) -> Answer {
        let wanted = body["ParameterFilters"][0]["Values"].as_array();
        let source =
            if wanted.is_some() { &self.held } else { stale(&self.listed, &self.held, region) };
        let shown = source.get(region).into_iter().flat_map(BTreeMap::values).filter(|held| {
            wanted.is_none_or(|names| names.iter().any(|name| *name == held.name.as_str()))
        });
        let shown: Vec<Value> = shown
            .map(|held| {
                json!({ "Name": held.name, "Type": held.kind, "Version": held.version, "Tier": "Standard",
                    "DataType": "text", "LastModifiedDate": seconds(held.modified), "LastModifiedUser": held.writer })
            })
            .collect();
        ok(&json!({ "Parameters": shown }))
    }

    fn resources(&self, region: &str, body: &Value) -> Answer {
        let marked_only = body["TagFilters"].as_array().is_some();
        let shown = stale(&self.tagged, &self.held, region).get(region);
        let shown: Vec<Value> = shown
            .into_iter()
            .flatten()
            .filter(|(_, held)| !held.tags.is_empty())
            .filter(|(_, held)| !marked_only || held.tags.contains_key(MARK_KEY))
            .map(|(key, held)| {
                let arn = format!("arn:aws:ssm:{region}:111122223333:parameter/{key}");
                json!({ "ResourceARN": arn, "Tags": as_list(&held.tags) })
            })
            .collect();
        ok(&json!({ "ResourceTagMappingList": shown }))
    }

    fn get(&self, region: &str, body: &Value) -> Answer {
        let shown: Vec<Value> = body["Names"]
            .as_array()
            .expect("names")
            .iter()
            .filter_map(|name| self.held.get(region)?.get(key(name)))
            .map(|held| {
                json!({ "Name": held.name, "Type": held.kind, "Value": held.value, "Version": held.version,
                    "LastModifiedDate": seconds(held.modified) })
            })
            .collect();
        ok(&json!({ "Parameters": shown }))
    }

    fn put_parameter(&mut self, region: &str, body: &Value) -> Answer {
        let overwrite = body["Overwrite"] == json!(true);
        let before = self.held.get(region).and_then(|held| held.get(key(&body["Name"])));
        if before.is_some() && !overwrite {
            return json_error(400, "ParameterAlreadyExists");
        }
        assert!(!overwrite || body["Tags"].is_null(), "tags and overwrite");
        assert!(before.is_none_or(|before| body["Name"] == json!(before.name)), "another spelling");
        let tags = before.map_or_else(|| as_map(&body["Tags"]), |before| before.tags.clone());
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let name = before.map_or_else(|| text(&body["Name"]), |before| before.name.clone());
        let version = before.map_or(1, |before| before.version + 1);
        let held = Held {
            name,
            value: text(&body["Value"]),
            kind: text(&body["Type"]),
            version,
            modified: self.now,
            writer: SPOKE,
            tags,
        };
        self.held.entry(region.to_owned()).or_default().insert(key(&body["Name"]).to_owned(), held);
        ok(&json!({ "Version": version, "Tier": "Standard" }))
    }

    fn delete(&mut self, region: &str, body: &Value) -> Answer {
        let names = body["Names"].as_array().expect("names").iter();
        let held = self.held.entry(region.to_owned()).or_default();
        let (gone, not): (Vec<&Value>, Vec<&Value>) =
            names.partition(|name| held.remove(key(name)).is_some());
        ok(&json!({ "DeletedParameters": gone, "InvalidParameters": not }))
    }

    fn tags(&mut self, operation: &str, region: &str, body: &Value) -> Answer {
        let held =
            self.held.get_mut(region).and_then(|held| held.get_mut(key(&body["ResourceId"])));
        let Some(held) = held else { return json_error(400, "InvalidResourceId") };
        assert_eq!(json!(held.name), body["ResourceId"], "the name has another spelling");
        for gone in body["TagKeys"].as_array().into_iter().flatten() {
            held.tags.remove(gone.as_str().expect("a key"));
        }
        if operation == "AddTagsToResource" {
            held.tags.extend(as_map(&body["Tags"]));
        }
        assert!(held.tags.len() <= 50, "too many tags");
        ok(&json!({ "TagList": as_list(&held.tags) }))
    }

    /// The owner writes.
    fn put(&mut self, region: &str, name: &str, value: &str) {
        self.now = self.now.max(1_780_000_000_000) + 1;
        let held = self.held.entry(region.to_owned()).or_default();
        let before = held.get(name.trim_start_matches('/'));
        let held_now = Held {
            name: name.to_owned(),
            value: value.to_owned(),
            kind: "String".to_owned(),
            version: before.map_or(1, |before| before.version + 1),
            modified: self.now,
            writer: OWNER,
            tags: before.map(|before| before.tags.clone()).unwrap_or_default(),
        };
        held.insert(name.trim_start_matches('/').to_owned(), held_now);
    }

    /// A parameter that is there.
    fn of(&mut self, region: &str, name: &str) -> &mut Held {
        let held =
            self.held.get_mut(region).and_then(|held| held.get_mut(name.trim_start_matches('/')));
        held.unwrap_or_else(|| panic!("{name} is not in {region}"))
    }

    fn has(&self, region: &str, name: &str) -> bool {
        self.held.get(region).is_some_and(|held| held.contains_key(name.trim_start_matches('/')))
    }

    fn take(&mut self, region: &str, name: &str) {
        self.held.get_mut(region).and_then(|held| held.remove(name.trim_start_matches('/')));
    }

    /// The lists of a Region stop here.
    fn freeze_list(&mut self, region: &str) {
        self.listed.insert(region.to_owned(), self.held.get(region).cloned().unwrap_or_default());
    }

    fn freeze_tags(&mut self, region: &str) {
        self.tagged.insert(region.to_owned(), self.held.get(region).cloned().unwrap_or_default());
    }

    fn meanwhile(
        &mut self,
        operation: &'static str,
        region: &'static str,
        happens: impl FnOnce(&mut Self) + Send + 'static,
    ) {
        self.meanwhile.push((operation, region, Box::new(happens)));
    }
}

fn stale<'a>(older: &'a Store, now: &'a Store, region: &str) -> &'a Store {
    if older.contains_key(region) { older } else { now }
}

fn key(name: &Value) -> &str {
    name.as_str().expect("a name").trim_start_matches('/')
}

fn seconds(millis: i64) -> f64 {
    format!("{}.{:03}", millis / 1000, millis % 1000).parse().expect("a number")
}

fn as_list(tags: &BTreeMap<String, String>) -> Vec<Value> {
    tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}

fn as_map(list: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = list.as_array().into_iter().flatten();
    list.map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect()
}

fn ok(body: &Value) -> Answer {
    (200, body.to_string())
}

/// A world, a session over it, and the rules.
struct Stage {
    world: Arc<Mutex<World>>,
    double: Double,
    session: Session,
    rules: Rules,
    recent: RecentDeletes,
}

impl Stage {
    async fn new(routes: &str) -> Self {
        Self::over(Arc::default(), routes, Vec::new()).await
    }

    /// Over a world that others are over too; the first calls have these fates.
    async fn over(world: Arc<Mutex<World>>, routes: &str, fates: Vec<Fate>) -> Self {
        let (answering, fates) = (Arc::clone(&world), Mutex::new(fates.into_iter()));
        let double = Double::new(move |sent| {
            if sent.operation == "AssumeRole" {
                return role_given(sent);
            }
            let fate = fates.lock().expect("no panic").next().unwrap_or(Fate::Answered);
            if fate == Fate::Throttled {
                return json_error(400, "ThrottlingException");
            }
            let answer = answering.lock().expect("no panic").answer(sent);
            if fate == Fate::Lost { json_error(500, "InternalServerError") } else { answer }
        });
        let connection = double.connect(|_| ()).await;
        let account = AccountId::parse("111122223333").expect("an account");
        let session = connection.session(&account).await.expect("a session");
        let rules = Rules {
            writing: Writing::Apply,
            trust: true,
            max_deletes: MaxDeletes::Percent(10),
            delete_grace_days: 0,
            adopt: false,
            names: NameFilter::default(),
            kms_keys: KmsKeys::default(),
            routes: Routes::parse(routes).expect("routes"),
            deadline: Deadline::never(),
        };
        Self { world, double, session, rules, recent: RecentDeletes::default() }
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no panic")
    }

    async fn run(&self, scope: &Scope) -> AccountOutcome {
        let assignments: Vec<Assignment> = self
            .rules
            .routes
            .iter()
            .map(|route| Assignment { route: route.clone(), scope: scope.clone() })
            .collect();
        reconcile(&self.session, &self.rules, &self.recent, &assignments).await
    }

    async fn sweep(&self) -> AccountOutcome {
        self.run(&Scope::Everything).await
    }

    async fn named(&self, name: &str) -> AccountOutcome {
        let item = Item::Parameter(ParameterName::new(name));
        self.run(&Scope::Items(vec![Wanted { item, expect: Vec::new() }])).await
    }

    fn calls(&self, operation: &str, region: &str) -> usize {
        let sent = self.double.sent(operation);
        sent.iter().filter(|sent| sent.host.contains(region)).count()
    }

    /// Adds to what the provenance of a replica says.
    fn add_provenance(&self, region: &str, name: &str, more: &str) {
        let mut world = self.world();
        world.of(region, name).tags.get_mut(PROVENANCE_KEY).expect("provenance").push_str(more);
    }
}

fn counts(outcome: &AccountOutcome) -> Vec<(OutcomeKind, u64)> {
    outcome.parameters.iter().collect()
}

/// Where to look, and for what.
fn told(outcome: &AccountOutcome) -> Vec<(String, FailureKind)> {
    let place = |failure: &Failure| failure.region.clone().map(|region| region.to_string());
    let mut told: Vec<(String, FailureKind)> = outcome
        .failures
        .iter()
        .map(|failure| (place(failure).unwrap_or_default(), failure.cause.kind))
        .collect();
    told.sort_unstable();
    told
}

fn at(region: &str, kind: FailureKind) -> (String, FailureKind) {
    (region.to_owned(), kind)
}

#[tokio::test(start_paused = true)]
async fn a_sweep_creates_updates_and_is_then_in_sync() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/a", "1");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 2)]);
    stage.world().put(SOURCE, "/a", "2");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 2)]);
    assert_eq!(stage.world().of(FAR, "/a").value, "2");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 2)]);
    assert_eq!(stage.calls("PutParameter", FAR), 2);
    stage.world().take(SOURCE, "/a");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 2)]);
}

#[tokio::test(start_paused = true)]
async fn without_trust_only_differences_are_written() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().put(SOURCE, "/b", "1");
    stage.sweep().await;
    stage.world().of(NEAR, "/a").value = "corrupt".to_owned();
    stage.rules.trust = false;
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1), (OutcomeKind::Updated, 1)]);
    assert_eq!(stage.calls("PutParameter", NEAR), 3);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_moves_while_it_is_copied_is_written_again() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().meanwhile("PutParameter", NEAR, |world| world.put(SOURCE, "/a", "2"));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Created, 1)]);
    assert_eq!(stage.world().of(NEAR, "/a").value, "2");
    stage.world().meanwhile("PutParameter", NEAR, |world| world.put(SOURCE, "/a", "4"));
    stage.world().meanwhile("PutParameter", NEAR, |world| world.put(SOURCE, "/a", "5"));
    stage.world().put(SOURCE, "/a", "3");
    let outcome = stage.sweep().await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Pending, 1)]);
    assert!(!outcome.complete);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_whose_provenance_was_refused_is_written_again() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().put(SOURCE, "/a", "2");
    let refusal = ("AddTagsToResource", NEAR, "AccessDeniedException", String::new());
    stage.world().refused.push(refusal);
    let outcome = stage.sweep().await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 1)]);
    assert_eq!(told(&outcome), [at(NEAR, FailureKind::AccessDenied)]);
    stage.world().refused.clear();
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 1)]);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
}

#[tokio::test(start_paused = true)]
async fn an_update_that_meets_the_deletion_of_both_leaves_nothing_behind() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().put(SOURCE, "/a", "2");
    stage.world().meanwhile("PutParameter", NEAR, |world| {
        world.take(SOURCE, "/a");
        world.take(NEAR, "/a");
    });
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 1)]);
    assert!(!stage.world().has(NEAR, "/a"));
}

#[tokio::test(start_paused = true)]
async fn an_update_that_meets_the_replicas_deletion_creates_it_with_all_its_tags() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().of(SOURCE, "/a").tags.insert("team".to_owned(), "shop".to_owned());
    stage.sweep().await;
    stage.world().put(SOURCE, "/a", "2");
    stage.world().meanwhile("PutParameter", NEAR, |world| world.take(NEAR, "/a"));
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Updated, 1)]);
    assert_eq!(stage.world().of(NEAR, "/a").tags["team"], "shop");
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
}

#[tokio::test(start_paused = true)]
async fn what_only_the_lists_show_late_is_not_written_again() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().freeze_list(NEAR);
    stage.world().freeze_tags(NEAR);
    stage.world().put(SOURCE, "/a", "1");
    stage.named("/a").await;
    // The target's list does not show the replica yet.
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
    stage.world().listed.clear();
    stage.world().tagged.clear();
    stage.world().freeze_list(SOURCE);
    stage.world().put(SOURCE, "/a", "2");
    stage.named("/a").await;
    // The source's list does not show the version that was copied.
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::InSync, 1)]);
    assert_eq!(stage.world().of(NEAR, "/a").version, 2);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_confirmed_is_told_where_it_could_not_be_read() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().meanwhile("PutParameter", NEAR, |world| {
        let refusal = ("GetParameters", SOURCE, "AccessDeniedException", String::new());
        world.refused.push(refusal);
    });
    let outcome = stage.sweep().await;
    assert_eq!(told(&outcome), [at(SOURCE, FailureKind::AccessDenied)]);
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 1)]);
}

#[tokio::test(start_paused = true)]
async fn tags_that_do_not_fit_are_told_at_the_source_in_every_sweep() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    let tags = (0..50).map(|n| (format!("k{n:02}"), String::new()));
    stage.world().of(SOURCE, "/a").tags.extend(tags);
    for _ in 0..2 {
        let outcome = stage.sweep().await;
        assert_eq!(told(&outcome), [at(SOURCE, FailureKind::Limit)]);
        assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 1)]);
    }
    assert_eq!(stage.world().of(NEAR, "/a").tags.len(), 50);
    assert_eq!(stage.calls("AddTagsToResource", NEAR), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_is_to_mend_in_the_target_is_told_there() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/retyped", "1");
    stage.sweep().await;
    stage.world().of(SOURCE, "/retyped").kind = "StringList".to_owned();
    let both = [at(NEAR, FailureKind::Unsupported), at(FAR, FailureKind::Unsupported)];
    assert_eq!(told(&stage.sweep().await), both);
    assert_eq!(told(&stage.named("/retyped").await), both);
}

#[tokio::test(start_paused = true)]
async fn an_adopted_replica_is_kept_whatever_the_lists_show() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().freeze_tags(NEAR);
    stage.add_provenance(NEAR, "/a", " adopted=1");
    stage.world().take(SOURCE, "/a");
    assert_eq!(told(&stage.sweep().await), [at(NEAR, FailureKind::Unsupported)]);
    stage.world().tagged.clear();
    assert_eq!(told(&stage.sweep().await), [at(NEAR, FailureKind::Unsupported)]);
    assert_eq!(told(&stage.named("/a").await), [at(NEAR, FailureKind::Unsupported)]);
    assert!(stage.world().has(NEAR, "/a"));
}

#[tokio::test(start_paused = true)]
async fn a_source_is_confirmed_once_for_all_targets_that_its_replicas_were_deleted_in() {
    let stage = Stage::new("us-east-2=us-east-1,us-west-2").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().take(SOURCE, "/a");
    let before = stage.calls("GetParameters", SOURCE);
    assert_eq!(counts(&stage.sweep().await), [(OutcomeKind::Deleted, 2)]);
    assert_eq!(stage.calls("GetParameters", SOURCE) - before, 3);
}

#[tokio::test(start_paused = true)]
async fn the_brake_holds_over_both_rounds_together() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    for n in 0..20 {
        stage.world().put(SOURCE, &format!("/{n:02}"), "1");
    }
    stage.sweep().await;
    stage.rules.max_deletes = MaxDeletes::Count(2);
    stage.world().take(SOURCE, "/00");
    stage.world().take(SOURCE, "/01");
    stage.world().put(SOURCE, "/02", "2");
    stage.world().put(SOURCE, "/03", "2");
    // These go when the lists are read already.
    stage.world().meanwhile("ListTagsForResource", SOURCE, |world| {
        world.take(SOURCE, "/02");
        world.take(SOURCE, "/03");
    });
    let outcome = stage.sweep().await;
    assert_eq!(told(&outcome), [at(NEAR, FailureKind::TooManyDeletes)]);
    assert_eq!(outcome.parameters.get(OutcomeKind::Deleted), 2);
    assert_eq!(outcome.parameters.get(OutcomeKind::Failed), 2);
    assert!(stage.world().has(NEAR, "/02") && stage.world().has(NEAR, "/03"));
}

#[tokio::test(start_paused = true)]
async fn a_replica_whose_tags_are_not_listed_yet_is_no_source_of_the_opposite_route() {
    let stage = Stage::new("us-east-2=us-east-1;us-east-1=us-east-2").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.sweep().await;
    stage.world().tagged.insert(NEAR.to_owned(), BTreeMap::new());
    let outcome = stage.sweep().await;
    assert_eq!(told(&outcome), []);
    assert_eq!(counts(&outcome), [(OutcomeKind::InSync, 1), (OutcomeKind::Skipped, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_predecessors_replica_whose_source_is_not_listed_yet_is_no_conflict() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().freeze_list(SOURCE);
    for region in [SOURCE, NEAR] {
        stage.world().put(region, "/a", "1");
        stage.world().of(region, "/a").modified = 1_790_000_000_000;
    }
    stage.world().of(NEAR, "/a").tags.insert(MARK_KEY.to_owned(), MARK_VALUE.to_owned());
    let outcome = stage.sweep().await;
    assert_eq!(told(&outcome), []);
    assert_eq!(counts(&outcome), [(OutcomeKind::Retagged, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_root_name_is_found_under_either_spelling() {
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/root", "1");
    assert_eq!(counts(&stage.named("root").await), [(OutcomeKind::Created, 1)]);
    stage.world().of(NEAR, "/root").name = "root".to_owned();
    stage.world().put(SOURCE, "/root", "2");
    assert_eq!(counts(&stage.named("root").await), [(OutcomeKind::Updated, 1)]);
    stage.world().take(SOURCE, "/root");
    assert_eq!(counts(&stage.named("/root").await), [(OutcomeKind::Deleted, 1)]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_quotes_the_value_is_withheld_and_others_are_left_whole() {
    let refusal = |value: &str| {
        let message = format!("{value} is not good");
        ("PutParameter", NEAR, "ValidationException", message)
    };
    for value in ["first line\nsecond line".to_owned(), "long".repeat(300)] {
        let stage = Stage::new("us-east-2=us-east-1").await;
        stage.world().put(SOURCE, "/a", &value);
        stage.world().refused.push(refusal(&value));
        let outcome = stage.sweep().await;
        let message = &outcome.failures[0].cause.message;
        assert!(!message.contains("line") && !message.contains("long"), "{message}");
    }
    let stage = Stage::new("us-east-2=us-east-1").await;
    stage.world().put(SOURCE, "/a", "1");
    stage.world().refused.push(refusal("something else"));
    let outcome = stage.sweep().await;
    assert_eq!(
        outcome.failures[0].cause.message,
        "ssm:PutParameter was refused in 111122223333/us-east-1: ValidationException: something else is not good"
    );
}

#[tokio::test(start_paused = true)]
async fn a_plan_writes_nothing() {
    let mut stage = Stage::new("us-east-2=us-east-1").await;
    for name in ["/stays", "/moves", "/tagged", "/goes"] {
        stage.world().put(SOURCE, name, "1");
    }
    stage.sweep().await;
    stage.world().put(SOURCE, "/moves", "2");
    stage.world().put(SOURCE, "/comes", "1");
    stage.world().of(SOURCE, "/tagged").tags.insert("team".to_owned(), "shop".to_owned());
    stage.world().take(SOURCE, "/goes");
    stage.rules.writing = Writing::PlanOnly;
    let writes = |stage: &Stage| {
        let writes =
            ["PutParameter", "AddTagsToResource", "RemoveTagsFromResource", "DeleteParameters"];
        writes.map(|operation| stage.calls(operation, "")).iter().sum::<usize>()
    };
    let before = writes(&stage);
    for trust in [true, false] {
        stage.rules.trust = trust;
        let steps = stage.sweep().await.steps;
        let mut told: Vec<_> = steps.iter().map(|step| (step.item.name(), step.change)).collect();
        told.sort_unstable();
        let expected = [
            ("/comes", Change::Create),
            ("/goes", Change::Delete),
            ("/moves", Change::Update),
            ("/tagged", Change::Retag),
        ];
        assert_eq!(told, expected);
    }
    assert_eq!(writes(&stage), before);
}

/// What an owner does to the one parameter.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Put,
    Tag,
    Delete,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It is throttled, and made again a while later.
    Throttled,
    /// It is carried out, but its answer is lost.
    Lost,
}

/// A deed at its millisecond, its event so many later, and the fates of the first calls that this leads to.
type Event = (u64, Deed, u64, Vec<Fate>);

/// All reconciles run at once, each in a process of its own.
async fn live(events: Vec<Event>) {
    let stage = Stage::new("us-east-2=us-east-1").await;
    let events = events.into_iter().enumerate().map(|(n, (at, deed, later, fates))| {
        let world = Arc::clone(&stage.world);
        async move {
            tokio::time::sleep(Duration::from_millis(at)).await;
            done(&mut world.lock().expect("no panic"), n, deed);
            tokio::time::sleep(Duration::from_millis(later)).await;
            let process = Stage::over(world, "us-east-2=us-east-1", fates).await;
            // What is pending or failed goes back to the queue and comes again.
            for _ in 0..10 {
                let outcome = process.named("/a").await;
                if outcome.complete && outcome.failures.is_empty() {
                    return;
                }
            }
            panic!("never done");
        }
    });
    futures::future::join_all(events).await;
    let world = stage.world();
    let copied = |region: &str| {
        let mut held = world.held.get(region)?.get("a")?.clone();
        held.tags.retain(|key, _| key != MARK_KEY && key != PROVENANCE_KEY);
        Some((held.value, held.tags))
    };
    assert_eq!(copied(NEAR), copied(SOURCE));
}

fn done(world: &mut World, n: usize, deed: Deed) {
    match deed {
        Deed::Put => world.put(SOURCE, "/a", &n.to_string()),
        Deed::Delete => world.take(SOURCE, "/a"),
        Deed::Tag if world.has(SOURCE, "/a") => {
            let tag = (format!("k{}", n % 2), n.to_string());
            world.of(SOURCE, "/a").tags.extend([tag]);
        }
        Deed::Tag => {}
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let at = prop_oneof![0_u64..40, 1990_u64..2040, 0_u64..3000, 29_000_u64..36_000];
    let deed = prop_oneof![2 => Just(Deed::Put), 1 => Just(Deed::Tag), 1 => Just(Deed::Delete)];
    let later = prop_oneof![0_u64..20, 0_u64..2500];
    let fate = prop_oneof![
        5 => Just(Fate::Answered), 2 => Just(Fate::Throttled), 1 => Just(Fate::Lost)
    ];
    (at, deed, later, proptest::collection::vec(fate, 0..24))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn whatever_the_owner_does_meanwhile_the_replica_ends_equal(
        events in proptest::collection::vec(any_event(), 1..6)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(live(events));
    }
}
