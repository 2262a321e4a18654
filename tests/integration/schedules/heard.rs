//! What an invocation was told of one parameter of a target, by its own calls and their answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::process::{Answer, Call};
use super::store::Who;
use crate::support::PROVENANCE;

/// A call and its answer.
pub(super) type Heard<'a> = (&'a Call, &'a Answer);

/// What was read last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Absent,
    /// Number and date, as a read has them.
    Version(i64, Date),
    /// The number that its own write was answered with; no read has come since.
    Own(i64),
}

/// In milliseconds since 1970.
pub(super) type Date = u64;

/// What it knows of a parameter.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) seen: Option<Seen>,
    /// By which of its calls, by number, the version was read last, and by name: lists are hints.
    pub(super) read_by_name: Option<usize>,
    /// Who wrote which version.
    pub(super) writers: BTreeMap<(i64, Date), String>,
    /// Versions that it wrote itself.
    pub(super) own: BTreeSet<i64>,
    /// Its type.
    pub(super) kind: Option<String>,
    /// Its tags.
    pub(super) tags: Option<BTreeMap<String, String>>,
    /// Its last call about it was a put or a deletion whose answer did not arrive.
    pub(super) is_lost: bool,
}

impl Known {
    /// From all that an invocation heard, the oldest first.
    pub(super) fn of(heard: &[Heard<'_>], region: &str, name: &str) -> Self {
        let mut known = Self::default();
        for (at, (call, answer)) in heard.iter().enumerate() {
            if call.region != region || !call.body.contains(name) && !lists(call) {
                continue;
            }
            let request = call.request();
            if names(&request).contains(&name) {
                known.is_lost = answer.is_lost()
                    && matches!(
                        call.operation.as_str(),
                        "ssm:PutParameter" | "ssm:DeleteParameters"
                    );
            }
            if answer.status == 200 {
                let answer = serde_json::from_str(&answer.body).expect("JSON");
                known.take(at, call, &request, &answer, name);
            }
        }
        known
    }

    fn take(&mut self, at: usize, call: &Call, request: &Value, answer: &Value, name: &str) {
        match call.operation.as_str() {
            "ssm:GetParameters" => {
                if let Some(row) = rows(answer, name).find(|row| row["Selector"].is_null()) {
                    self.see(version(row));
                    self.kind = row["Type"].as_str().map(str::to_owned);
                    self.read_by_name = Some(at);
                } else if answer["InvalidParameters"]
                    .as_array()
                    .is_some_and(|names| names.iter().any(|one| one == name))
                {
                    self.seen = Some(Seen::Absent);
                    self.read_by_name = Some(at);
                }
            }
            "ssm:DescribeParameters" | "ssm:GetParameterHistory" => {
                for row in rows(answer, name) {
                    let user = row["LastModifiedUser"].as_str().unwrap_or_default();
                    self.writers.insert(version(row), user.to_owned());
                }
                if let Some(newest) = rows(answer, name).last() {
                    self.see(version(newest));
                }
            }
            "ssm:ListTagsForResource" => self.tags = Some(tags(&answer["TagList"])),
            "tag:GetResources" => {
                let end = format!(":parameter/{}", name.trim_start_matches('/'));
                let mut all = answer["ResourceTagMappingList"].as_array().into_iter().flatten();
                let is_it = |one: &&Value| {
                    one["ResourceARN"].as_str().is_some_and(|arn| arn.ends_with(&end))
                };
                if let Some(one) = all.find(is_it) {
                    self.tags = Some(tags(&one["Tags"]));
                }
            }
            "ssm:PutParameter" if request["Name"] == name => {
                let number = answer["Version"].as_i64().expect("a version");
                self.own.insert(number);
                self.seen = Some(Seen::Own(number));
                if number == 1 {
                    // A create has the tags of its own call; so has a put that was to be an update, which has none.
                    self.tags = Some(tags(&request["Tags"]));
                }
            }
            "ssm:AddTagsToResource" => {
                self.tags.get_or_insert_default().extend(tags(&request["Tags"]));
            }
            "ssm:RemoveTagsFromResource" => {
                let keys = request["TagKeys"].as_array().into_iter().flatten();
                let keys: BTreeSet<&str> = keys.filter_map(Value::as_str).collect();
                self.tags.get_or_insert_default().retain(|key, _| !keys.contains(key.as_str()));
            }
            _ => {}
        }
    }

    fn see(&mut self, (number, date): (i64, Date)) {
        self.seen = Some(Seen::Version(number, date));
    }

    /// The writer of what it read last, where it knows him; its own write, where it is known only by its number.
    pub(super) fn writer(&self) -> Option<&str> {
        match &self.seen {
            Some(Seen::Version(number, date)) => {
                let listed = self.writers.get(&(*number, *date)).map(String::as_str);
                listed.or(self.own.contains(number).then_some("its own"))
            }
            Some(Seen::Own(_)) => Some("its own"),
            Some(Seen::Absent) | None => None,
        }
    }

    /// Another's version among those from the one that the last provenance names.
    pub(super) fn stranger_since_provenance(&self) -> Option<i64> {
        let provenance = self.tags.as_ref()?.get(PROVENANCE)?;
        let mut fields = provenance.split(' ');
        let named: i64 = fields.find_map(|field| field.strip_prefix("replica="))?.parse().ok()?;
        let Some(Seen::Version(newest, date)) = self.seen else { return None };
        (named..=newest).find(|number| {
            // The last of this number: it may have been there before a deletion, too.
            let mut rows = self.writers.range((*number, 0)..=(*number, date));
            let last = rows.next_back().filter(|_| !self.own.contains(number));
            last.is_some_and(|(_, writer)| !is_hub(writer))
        })
    }
}

/// Whether an ARN is that of the role that the hub takes on, with its session or without.
pub(super) fn is_hub(arn: &str) -> bool {
    let hub = Who::Hub.arn();
    let (role, _) = hub.rsplit_once('/').expect("a session");
    arn == "its own" || arn == hub || arn == role
}

/// The parameters that a request is about, without selectors.
pub(super) fn names(request: &Value) -> Vec<&str> {
    let one = request["Name"].as_str().or_else(|| request["ResourceId"].as_str());
    let many = request["Names"].as_array().into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(many).map(|name| name.split(':').next().unwrap_or(name)).collect()
}

/// Whether a call names no parameter and tells of all of them.
fn lists(call: &Call) -> bool {
    matches!(call.operation.as_str(), "ssm:DescribeParameters" | "tag:GetResources")
}

fn rows<'a>(answer: &'a Value, name: &'a str) -> impl Iterator<Item = &'a Value> {
    let rows = answer["Parameters"].as_array().into_iter().flatten();
    rows.filter(move |row| row["Name"] == name)
}

fn version(row: &Value) -> (i64, Date) {
    let seconds = row["LastModifiedDate"].as_f64().expect("a date");
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a date of today")]
    let date = (seconds * 1000.0).round() as Date;
    (row["Version"].as_i64().expect("a version"), date)
}

fn tags(list: &Value) -> BTreeMap<String, String> {
    let tag =
        |tag: &Value| Some((tag["Key"].as_str()?.to_owned(), tag["Value"].as_str()?.to_owned()));
    list.as_array().into_iter().flatten().filter_map(tag).collect()
}
