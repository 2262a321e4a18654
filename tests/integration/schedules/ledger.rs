//! Who wrote what in the targets, kept beside the simulator: what the hub must not do is judged by this, never by what
//! the hub or the simulator say about writers.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde_json::Value;

use super::heard::names;
use super::store::Who;
use crate::support::{MARK, PROVENANCE};

/// One version of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Written {
    pub(super) number: i64,
    pub(super) who: Who,
    pub(super) value: String,
    /// In milliseconds since 1970.
    pub(super) at: u64,
    /// A person decided that it goes.
    pub(super) is_decided: bool,
}

/// One name of one Region.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The versions of what is there now, the oldest first; none where nobody holds the name.
    versions: Vec<Written>,
    tags: BTreeMap<String, String>,
    /// A stranger took the mark off, and did not set it again.
    is_released: bool,
    /// A stranger did something to it, now or before it was created anew.
    is_touched: bool,
    /// The provenance of the last replica that stood here, once it is gone.
    last_provenance: Option<String>,
}

/// What a write of the hub's did to a version of a stranger's, or to his will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Harm {
    /// It put another value over this version.
    Covered(Written),
    /// It deleted this version, or one of its own that lies over this one.
    Deleted { lost: Written, newest: Written, is_marked: bool },
    /// Its provenance names this version as one of the hub's.
    Stamped(Written),
    /// It set a mark again that a stranger had taken off.
    MarkedAgain,
    /// It wrote what carries the provenance of this other parameter, which a stranger had put there.
    OfAnother { provenance: String, name: String },
}

/// All names of all targets.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    records: BTreeMap<(String, String), Record>,
    /// Whose the `of` of a provenance is, as the hub's own creates have it.
    of: BTreeMap<String, String>,
}

impl Record {
    /// Versions of a stranger's that lie directly under one of the hub's with another value.
    pub(super) fn covered(&self) -> impl Iterator<Item = &Written> {
        self.versions.windows(2).filter(|pair| covers(&pair[0], &pair[1])).map(|pair| &pair[0])
    }

    pub(super) fn is_touched(&self) -> bool {
        self.is_touched
    }

    /// The provenance that stood here before the name was given up.
    pub(super) fn last_provenance(&self) -> Option<&str> {
        self.last_provenance.as_deref()
    }

    /// A create of the hub's that has neither of its tags: an update met a deletion.
    pub(super) fn is_untagged_create(&self) -> bool {
        let own = matches!(&*self.versions, [Written { number: 1, who: Who::Hub, .. }]);
        own && !self.tags.contains_key(MARK.0) && !self.tags.contains_key(PROVENANCE)
    }

    fn put(&mut self, written: Written, tags: BTreeMap<String, String>) -> Option<Harm> {
        if written.number == 1 {
            self.versions.clear();
            self.tags = tags;
            self.is_released = false;
        }
        let under = self.versions.last().filter(|under| covers(under, &written));
        let harm = under.cloned().map(Harm::Covered);
        self.versions.push(written);
        harm
    }

    fn tag(&mut self, who: Who, set: BTreeMap<String, String>) -> Vec<Harm> {
        let mut harms = Vec::new();
        if set.contains_key(MARK.0) {
            // With both tags gone nothing tells a release from a create that lost its tags.
            let is_told = self.tags.contains_key(PROVENANCE);
            harms.extend(
                (who == Who::Hub && self.is_released && is_told).then_some(Harm::MarkedAgain),
            );
            self.is_released = false;
        }
        if let Some(provenance) = set.get(PROVENANCE).filter(|_| who == Who::Hub) {
            harms.extend(self.named_by(provenance).map(Harm::Stamped));
        }
        self.tags.extend(set);
        harms
    }

    /// The stranger's version that a provenance names: by number, and by date where it has one.
    fn named_by(&self, provenance: &str) -> Option<Written> {
        let field = |name: &str| {
            provenance.split(' ').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        };
        let date = field("written").map(|date| {
            let format = aws_smithy_types::date_time::Format::DateTime;
            let date = aws_smithy_types::DateTime::from_str(date, format).expect("a date");
            u64::try_from(date.to_millis().expect("a date of today")).expect("after 1970")
        });
        let number = field("replica").and_then(|number| number.parse::<i64>().ok())?;
        let is_named = |written: &&Written| {
            written.number == number && date.is_none_or(|date| date == written.at)
        };
        self.versions.iter().filter(|one| one.who == Who::Stranger).find(is_named).cloned()
    }

    fn untag(&mut self, who: Who, keys: &[&str]) {
        let takes_mark = keys.contains(&MARK.0) && self.tags.contains_key(MARK.0);
        self.is_released |= who == Who::Stranger && takes_mark;
        self.tags.retain(|key, _| !keys.contains(&key.as_str()));
    }

    fn delete(&mut self, who: Who) -> Option<Harm> {
        let newest = self.versions.last()?.clone();
        let is_theirs = newest.who == Who::Stranger;
        let lost = if is_theirs { Some(newest.clone()) } else { self.covered().next().cloned() };
        let is_marked = self.tags.contains_key(MARK.0);
        if let Some(provenance) = self.tags.remove(PROVENANCE) {
            self.last_provenance = Some(provenance);
        }
        self.versions.clear();
        self.tags.clear();
        self.is_released = false;
        let lost = lost.filter(|_| who == Who::Hub)?;
        Some(Harm::Deleted { lost, newest, is_marked })
    }
}

/// What a provenance says of whose it is.
fn of(provenance: &str) -> Option<&str> {
    provenance.split(' ').find_map(|part| part.strip_prefix("of="))
}

fn covers(under: &Written, over: &Written) -> bool {
    under.who == Who::Stranger
        && over.who == Who::Hub
        && under.value != over.value
        && !under.is_decided
}

impl Hash for Record {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // Tags are hashed as the simulator has them, and an old provenance matters only where nothing stands.
        let last = self.last_provenance.as_ref().filter(|_| self.versions.is_empty());
        (&self.versions, self.is_released, self.is_touched, last).hash(hasher);
    }
}

impl Ledger {
    /// Notes what was done to parameters; what of it was harm.
    pub(super) fn note(
        &mut self,
        who: Who,
        region: &str,
        operation: &str,
        (request, answer): (&Value, &Value),
        at: u64,
    ) -> Vec<(String, Harm)> {
        let of_others = if who == Who::Hub { self.of_others(region, request) } else { Vec::new() };
        let mut harms = self.done(who, region, operation, (request, answer), at);
        harms.extend(of_others);
        harms
    }

    /// Those of the names that a request of the hub's is about which carry the provenance of another one.
    fn of_others(&self, region: &str, request: &Value) -> Vec<(String, Harm)> {
        let of_another = |name: &str| {
            let provenance = self.of(region, name)?.tags.get(PROVENANCE)?.clone();
            let another = self.of.get(of(&provenance)?).filter(|another| *another != name)?.clone();
            Some((name.to_owned(), Harm::OfAnother { provenance, name: another }))
        };
        names(request).into_iter().filter_map(of_another).collect()
    }

    fn done(
        &mut self,
        who: Who,
        region: &str,
        operation: &str,
        (request, answer): (&Value, &Value),
        at: u64,
    ) -> Vec<(String, Harm)> {
        let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
        let list = |list: &Value, field: &str| -> BTreeMap<String, String> {
            let tag =
                |tag: &Value| Some((tag["Key"].as_str()?.into(), tag["Value"].as_str()?.into()));
            list[field].as_array().into_iter().flatten().filter_map(tag).collect()
        };
        match operation {
            "ssm:PutParameter" => {
                let number = answer["Version"].as_i64().expect("a version");
                let written = Written { number, who, value: text("Value"), at, is_decided: false };
                let (name, tags) = (text("Name"), list(request, "Tags"));
                if let Some(of) = tags.get(PROVENANCE).and_then(|provenance| of(provenance))
                    && who == Who::Hub
                {
                    self.of.insert(of.to_owned(), name.clone());
                }
                let harm = self.by(who, region, &name).put(written, tags);
                harm.map(|harm| (name, harm)).into_iter().collect()
            }
            "ssm:AddTagsToResource" => {
                let name = text("ResourceId");
                let harms = self.by(who, region, &name).tag(who, list(request, "Tags"));
                harms.into_iter().map(|harm| (name.clone(), harm)).collect()
            }
            "ssm:RemoveTagsFromResource" => {
                let keys = request["TagKeys"].as_array().into_iter().flatten();
                let keys: Vec<&str> = keys.filter_map(Value::as_str).collect();
                self.by(who, region, &text("ResourceId")).untag(who, &keys);
                Vec::new()
            }
            "ssm:DeleteParameter" | "ssm:DeleteParameters" => {
                let deleted = answer["DeletedParameters"].as_array().into_iter().flatten();
                let deleted = deleted.filter_map(Value::as_str).chain(request["Name"].as_str());
                let harm =
                    |name: &str| Some((name.to_owned(), self.by(who, region, name).delete(who)?));
                deleted.filter_map(harm).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A person decided that the versions of a name go up to this one of this date; whether these are all of a stranger's.
    pub(super) fn decide(&mut self, region: &str, name: &str, number: i64, date: u64) -> bool {
        let record = self.by(Who::Owner, region, name);
        for one in &mut record.versions {
            one.is_decided |= one.number <= number && one.at <= date;
        }
        record.versions.iter().all(|one| one.is_decided || one.who != Who::Stranger)
    }

    /// A name to which somebody is doing something.
    fn by(&mut self, who: Who, region: &str, name: &str) -> &mut Record {
        let record = self.records.entry((region.to_owned(), name.to_owned())).or_default();
        record.is_touched |= who == Who::Stranger;
        record
    }

    /// What is known of a name.
    pub(super) fn of(&self, region: &str, name: &str) -> Option<&Record> {
        self.records.get(&(region.to_owned(), name.to_owned()))
    }

    /// Hashes what is known of a Region's names.
    pub(super) fn hash_region<H: Hasher>(&self, region: &str, hasher: &mut H) {
        let of_region = self.records.iter().filter(|((place, _), _)| place == region);
        of_region.for_each(|one| one.hash(hasher));
    }
}
