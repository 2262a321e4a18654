//! A Parameter Store in memory. Its lists may lag, its parameters may change between two calls, and it can refuse calls.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::*;
use crate::aws::fake::{FakeResponse, Sent, json_error};
use crate::domain::MARK_KEY;

pub(super) const SOURCE: &str = "us-east-2";
pub(super) const NEAR: &str = "us-east-1";
pub(super) const FAR: &str = "us-west-2";
const OWNER: &str = "arn:aws:iam::111122223333:user/owner";
const SPOKE: &str = "arn:aws:sts::111122223333:assumed-role/failover-replicator-spoke/hub";

/// A stored parameter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) kind: String,
    pub(super) version: i64,
    pub(super) modified: i64,
    pub(super) writer: &'static str,
    pub(super) tags: BTreeMap<String, String>,
    /// The KMS key, if the write named one.
    pub(super) key: Option<String>,
    /// The earlier versions: number, date, writer and value.
    pub(super) past: Vec<(i64, i64, &'static str, String)>,
}

impl Held {
    /// All versions, the current one last.
    fn versions(&self) -> impl Iterator<Item = (i64, i64, &'static str, &str)> {
        let past =
            self.past.iter().map(|(number, at, by, value)| (*number, *at, *by, value.as_str()));
        past.chain([(self.version, self.modified, self.writer, self.value.as_str())])
    }

    /// The `past` of the next version.
    fn passed(&self) -> Vec<(i64, i64, &'static str, String)> {
        self.versions().map(|(number, at, by, value)| (number, at, by, value.to_owned())).collect()
    }
}

/// By Region and by name without its slash.
type Store = BTreeMap<String, BTreeMap<String, Held>>;
type Meanwhile = Box<dyn FnOnce(&mut World) + Send>;

/// The account's parameters in all Regions.
#[derive(Default)]
pub(super) struct World {
    pub(super) held: Store,
    /// The older parameters that the lists of a Region still show.
    pub(super) listed: Store,
    /// The older tags that the lists of a Region still show.
    pub(super) tagged: Store,
    /// Refused calls: operation, Region, code and message.
    pub(super) refused: Vec<(&'static str, &'static str, &'static str, String)>,
    /// Calls with empty answers, and the number of such answers that are left.
    pub(super) silent: Vec<(&'static str, &'static str, usize)>,
    /// The state of every key if not `Enabled`, or the error code of `DescribeKey`.
    pub(super) key_state: Option<&'static str>,
    /// Types that `PutParameter` refuses.
    pub(super) refused_types: Vec<&'static str>,
    /// Changes that happen just before the next call of an operation in a Region, in this order.
    pub(super) meanwhile: Vec<(&'static str, &'static str, Meanwhile)>,
    /// Whether `DeleteParameters` with more than one name is refused.
    pub(super) refuses_deletes_together: bool,
    /// Whether the role's policy requires the mark, so that calls for a missing parameter are refused.
    pub(super) denies_absent: bool,
    /// Keys of tags that cannot be removed.
    pub(super) kept_tags: Vec<&'static str>,
    /// The number of next `DeleteParameters` calls whose answers are lost after they are carried out.
    pub(super) lost_deletes: usize,
    /// A change that happens just after the next `DeleteParameters` call.
    pub(super) after_delete: Option<Meanwhile>,
    pub(super) now: i64,
    pub(super) begun: Option<Instant>,
}

impl World {
    pub(super) fn answer(&mut self, sent: &Sent) -> FakeResponse {
        let elapsed = self.begun.get_or_insert_with(Instant::now).elapsed();
        let now = 1_790_000_000_000 + i64::try_from(elapsed.as_millis()).expect("a time");
        self.now = self.now.max(now);
        let region = sent.host.split('.').nth(1).expect("a regional host").to_owned();
        let operation = sent.operation.as_str();
        let is_now = |(op, at, _): &(&str, &str, Meanwhile)| *op == operation && *at == region;
        if let Some(at) = self.meanwhile.iter().position(is_now) {
            self.meanwhile.remove(at).2(self);
        }
        let names = || body_of(sent)["Names"].as_array().map_or(0, Vec::len);
        if operation == "DeleteParameters" && self.refuses_deletes_together && names() > 1 {
            return json_error(400, "AccessDeniedException");
        }
        if self.denies(operation, &region, &body_of(sent)) {
            return json_error(400, "AccessDeniedException");
        }
        let refusal = self.refused.iter().find(|(op, at, ..)| *op == operation && *at == region);
        if let Some((_, _, code, message)) = refusal {
            return (400, json!({ "__type": code, "message": message }).to_string());
        }
        let mut silent = self.silent.iter_mut();
        if let Some((.., left)) =
            silent.find(|(op, at, left)| *op == operation && *at == region && *left > 0)
        {
            *left -= 1;
            return (200, String::new());
        }
        let body = body_of(sent);
        match operation {
            "DescribeKey" => match self.key_state.unwrap_or("Enabled") {
                refusal if refusal.ends_with("Exception") => json_error(400, refusal),
                state => ok(&json!({ "KeyMetadata": { "KeyId": "k", "KeyState": state } })),
            },
            "DescribeParameters" => self.describe(&region, &body),
            "GetResources" => self.resources(&region, &body),
            "GetParameters" => self.get(&region, &body),
            "GetParameterHistory" => self.history(&region, &body),
            "PutParameter" => self.put_parameter(&region, &body),
            "DeleteParameters" => {
                let answer = self.delete(&region, &body);
                if let Some(happens) = self.after_delete.take() {
                    happens(self);
                }
                let is_lost = self.lost_deletes > 0;
                self.lost_deletes = self.lost_deletes.saturating_sub(1);
                if is_lost { json_error(500, "InternalServerError") } else { answer }
            }
            "ListTagsForResource" | "AddTagsToResource" | "RemoveTagsFromResource" => {
                self.tags(operation, &region, &body)
            }
            other => panic!("{other} is called"),
        }
    }

    /// Whether the policy that requires the mark, or the one that keeps a tag, denies a call.
    fn denies(&self, operation: &str, region: &str, body: &Value) -> bool {
        let is_absent =
            |name: &Value| !self.held.get(region).is_some_and(|held| held.contains_key(key(name)));
        let mut keys = body["TagKeys"].as_array().into_iter().flatten();
        let is_kept = |kept: &Value| self.kept_tags.iter().any(|key| kept == key);
        match operation {
            "DeleteParameters" => {
                self.denies_absent && body["Names"].as_array().expect("names").iter().any(is_absent)
            }
            "AddTagsToResource" | "RemoveTagsFromResource" => {
                self.denies_absent && is_absent(&body["ResourceId"]) || keys.any(is_kept)
            }
            _ => false,
        }
    }

    pub(super) fn describe(&self, region: &str, body: &Value) -> FakeResponse {
        let wanted = body["ParameterFilters"][0]["Values"].as_array();
        let source =
            if wanted.is_some() { &self.held } else { stale(&self.listed, &self.held, region) };
        let shown = source.get(region).into_iter().flat_map(BTreeMap::values).filter(|held| {
            wanted.is_none_or(|names| names.iter().any(|name| *name == held.name.as_str()))
        });
        let shown: Vec<Value> = shown
            .map(|held| {
                json!({ "Name": held.name, "Type": held.kind, "Version": held.version, "Tier": "Standard",
                    "DataType": "text", "LastModifiedDate": seconds(held.modified), "LastModifiedUser": held.writer,
                    "KeyId": held.key })
            })
            .collect();
        ok(&json!({ "Parameters": shown }))
    }

    pub(super) fn resources(&self, region: &str, body: &Value) -> FakeResponse {
        let marked_only = body["TagFilters"].as_array().is_some();
        let shown = stale(&self.tagged, &self.held, region).get(region);
        let arns = body["ResourceARNList"].as_array();
        let is_asked = |key: &str| {
            let ends =
                |arn: &Value| arn.as_str().expect("an ARN").ends_with(&format!(":parameter/{key}"));
            arns.is_none_or(|arns| arns.iter().any(ends))
        };
        let shown: Vec<Value> = shown
            .into_iter()
            .flatten()
            .filter(|(key, _)| is_asked(key))
            .filter(|(_, held)| !held.tags.is_empty())
            .filter(|(_, held)| !marked_only || held.tags.contains_key(MARK_KEY))
            .map(|(key, held)| {
                let arn = format!("arn:aws:ssm:{region}:111122223333:parameter/{key}");
                json!({ "ResourceARN": arn, "Tags": as_list(&held.tags) })
            })
            .collect();
        ok(&json!({ "ResourceTagMappingList": shown }))
    }

    pub(super) fn get(&self, region: &str, body: &Value) -> FakeResponse {
        let shown = |name: &Value| {
            let (name, number) = match key(name).split_once(':') {
                Some((name, number)) => (name, number.parse().ok()),
                None => (key(name), None),
            };
            let held = self.held.get(region)?.get(name)?;
            let (version, modified, _, value) = held
                .versions()
                .filter(|one| number.is_none_or(|number: i64| one.0 == number))
                .last()?;
            Some(json!({ "Name": held.name, "Type": held.kind, "Value": value, "Version": version,
                "LastModifiedDate": seconds(modified) }))
        };
        let names = body["Names"].as_array().expect("names");
        let absent: Vec<&Value> = names.iter().filter(|name| shown(name).is_none()).collect();
        let shown: Vec<Value> = names.iter().filter_map(shown).collect();
        ok(&json!({ "Parameters": shown, "InvalidParameters": absent }))
    }

    /// The history without labels, which only the simulator has.
    fn history(&self, region: &str, body: &Value) -> FakeResponse {
        let held = self.held.get(region).and_then(|held| held.get(key(&body["Name"])));
        let Some(held) = held else { return json_error(400, "ParameterNotFound") };
        let kept = held.versions().map(|(version, modified, writer, value)| {
            json!({ "Name": held.name, "Type": held.kind, "Value": value, "Version": version,
                "LastModifiedDate": seconds(modified), "LastModifiedUser": writer, "Labels": [] })
        });
        ok(&json!({ "Parameters": kept.collect::<Vec<_>>() }))
    }

    pub(super) fn put_parameter(&mut self, region: &str, body: &Value) -> FakeResponse {
        let overwrite = body["Overwrite"] == json!(true);
        let before = self.held.get(region).and_then(|held| held.get(key(&body["Name"])));
        if before.is_some() && !overwrite {
            return json_error(400, "ParameterAlreadyExists");
        }
        if self.refused_types.iter().any(|kind| body["Type"] == json!(kind)) {
            return json_error(400, "ValidationException");
        }
        if before.is_some_and(|before| json!(before.kind) != body["Type"]) {
            return json_error(400, "HierarchyTypeMismatchException");
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
            key: body["KeyId"].as_str().map(ToOwned::to_owned),
            past: before.map(Held::passed).unwrap_or_default(),
        };
        self.held.entry(region.to_owned()).or_default().insert(key(&body["Name"]).to_owned(), held);
        ok(&json!({ "Version": version, "Tier": "Standard" }))
    }

    pub(super) fn delete(&mut self, region: &str, body: &Value) -> FakeResponse {
        let names = body["Names"].as_array().expect("names").iter();
        let held = self.held.entry(region.to_owned()).or_default();
        let (gone, not): (Vec<&Value>, Vec<&Value>) =
            names.partition(|name| held.remove(key(name)).is_some());
        ok(&json!({ "DeletedParameters": gone, "InvalidParameters": not }))
    }

    pub(super) fn tags(&mut self, operation: &str, region: &str, body: &Value) -> FakeResponse {
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
    pub(super) fn put(&mut self, region: &str, name: &str, value: &str) {
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
            key: before.and_then(|before| before.key.clone()),
            past: before.map(Held::passed).unwrap_or_default(),
        };
        held.insert(name.trim_start_matches('/').to_owned(), held_now);
    }

    /// The owner deletes the parameter and creates it again with another type.
    pub(super) fn retype(&mut self, region: &str, name: &str, kind: &str, value: &str) {
        self.take(region, name);
        self.put(region, name, value);
        kind.clone_into(&mut self.of(region, name).kind);
    }

    /// An existing parameter.
    pub(super) fn of(&mut self, region: &str, name: &str) -> &mut Held {
        let held =
            self.held.get_mut(region).and_then(|held| held.get_mut(name.trim_start_matches('/')));
        held.unwrap_or_else(|| panic!("{name} is not in {region}"))
    }

    pub(super) fn has(&self, region: &str, name: &str) -> bool {
        self.held.get(region).is_some_and(|held| held.contains_key(name.trim_start_matches('/')))
    }

    pub(super) fn take(&mut self, region: &str, name: &str) {
        self.held.get_mut(region).and_then(|held| held.remove(name.trim_start_matches('/')));
    }

    /// The parameter list of a Region shows the present state from now on.
    pub(super) fn freeze_list(&mut self, region: &str) {
        self.listed.insert(region.to_owned(), self.held.get(region).cloned().unwrap_or_default());
    }

    /// The tag list of a Region shows the present state from now on.
    pub(super) fn freeze_tags(&mut self, region: &str) {
        self.tagged.insert(region.to_owned(), self.held.get(region).cloned().unwrap_or_default());
    }

    pub(super) fn meanwhile(
        &mut self,
        operation: &'static str,
        region: &'static str,
        happens: impl FnOnce(&mut Self) + Send + 'static,
    ) {
        self.meanwhile.push((operation, region, Box::new(happens)));
    }
}

fn body_of(sent: &Sent) -> Value {
    serde_json::from_str(&sent.body).expect("JSON")
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

fn ok(body: &Value) -> FakeResponse {
    (200, body.to_string())
}
