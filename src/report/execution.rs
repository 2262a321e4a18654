//! The sum of a whole execution: how many accounts are in sync, which were not swept, and which routes are not active; its
//! answer, its digest and its metrics.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::digest::{Attributes, Digest};
use super::metrics::line;
use super::status::Status;
use super::wording::{many, number, one_line};
use crate::domain::{
    AccountId, FailureKind, RoutePair, RouteRecord, RouteState, StateEntry, Timestamp,
};
use crate::table::{ExecutionRecords, SweepRecord};

/// The most ids of accounts in an answer: 75 KB. The state machine accepts an answer of 256 KB.
const LISTED: usize = 5_000;
/// The most states in an answer: 120 KB, because each has a reason of up to 500 characters.
const STATES: usize = 50;
/// The most accounts that the text names for one reason.
const NAMED: usize = 20;
/// The most characters of a name, a caller or a reason in the text.
const SHOWN: usize = 200;
/// The most accounts in the attributes of the digest.
const IN_ATTRIBUTES: usize = 1_000;

/// An account that was swept and is not in sync.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NotInSync {
    status: String,
    failures: BTreeMap<FailureKind, u64>,
}

/// A route that is not active, or an account that is not active on an active route.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NotActive {
    pair: RoutePair,
    account: Option<AccountId>,
    entry: StateEntry,
}

/// The sum of an execution.
#[derive(Clone, Debug)]
pub struct ExecutionSummary {
    name: String,
    at: Timestamp,
    accounts: usize,
    in_sync: usize,
    failed: BTreeMap<AccountId, NotInSync>,
    /// All routes of these accounts are not active.
    withheld: usize,
    not_swept: BTreeSet<AccountId>,
    not_active: Vec<NotActive>,
    names: BTreeMap<AccountId, String>,
}

/// What the records of one account amount to.
enum Verdict {
    InSync,
    Failed(NotInSync),
    Withheld,
    NotSwept,
}

impl ExecutionSummary {
    /// The sum of the records of an execution, with the states of the routes now. `names` are the names of accounts.
    pub fn new(
        name: &str,
        at: Timestamp,
        records: &ExecutionRecords,
        states: &[(RoutePair, RouteRecord)],
        names: BTreeMap<AccountId, String>,
    ) -> Self {
        let mut by_account: BTreeMap<&AccountId, Vec<&SweepRecord>> =
            records.expected.iter().map(|account| (account, Vec::new())).collect();
        for record in &records.results {
            by_account.entry(&record.account).or_default().push(record);
        }
        let mut summary = Self {
            name: name.to_owned(),
            at,
            accounts: by_account.len(),
            in_sync: 0,
            failed: BTreeMap::new(),
            withheld: 0,
            not_swept: BTreeSet::new(),
            not_active: states.iter().flat_map(not_active).collect(),
            names,
        };
        let pairs: Vec<&RoutePair> = states.iter().map(|(pair, _)| pair).collect();
        for (account, records) in by_account {
            match verdict(&records, &pairs) {
                Verdict::InSync => summary.in_sync += 1,
                Verdict::Withheld => summary.withheld += 1,
                Verdict::Failed(why) => drop(summary.failed.insert(account.clone(), why)),
                Verdict::NotSwept => drop(summary.not_swept.insert(account.clone())),
            }
        }
        summary
    }

    /// Whether there is nothing to report. An execution without any account is not clean.
    pub fn is_clean(&self) -> bool {
        self.accounts > 0
            && self.failed.is_empty()
            && self.not_swept.is_empty()
            && self.not_active.is_empty()
    }

    fn status(&self) -> Status {
        if !self.failed.is_empty() {
            Status::Failed
        } else if !self.not_swept.is_empty() || self.accounts == 0 {
            Status::Incomplete
        } else if !self.not_active.is_empty() {
            Status::Frozen
        } else {
            Status::InSync
        }
    }

    /// The answer to `finish`.
    pub fn json(&self) -> Value {
        let not_swept: Vec<&str> =
            self.not_swept.iter().take(LISTED).map(AccountId::as_str).collect();
        let not_active: Vec<Value> =
            self.not_active.iter().take(STATES).map(not_active_json).collect();
        json!({
            "format": 1,
            "at": self.at.to_string(),
            "execution": self.name,
            "status": self.status().word(),
            "accounts": self.accounts,
            "in_sync": self.in_sync,
            "failed": self.failed.len(),
            "withheld": self.withheld,
            "not_swept_cut": self.not_swept.len() - not_swept.len(),
            "not_swept": not_swept,
            "routes_not_active_cut": self.not_active.len() - not_active.len(),
            "routes_not_active": not_active,
        })
    }

    /// The digest of the execution; `None` if there is nothing to report.
    pub fn digest(&self) -> Option<Digest> {
        if self.is_clean() {
            return None;
        }
        let mut kinds: BTreeSet<FailureKind> =
            self.failed.values().flat_map(|why| why.failures.keys().copied()).collect();
        if !self.not_swept.is_empty() || self.accounts == 0 {
            kinds.insert(FailureKind::NotInTime);
        }
        if !self.not_active.is_empty() {
            kinds.insert(FailureKind::Frozen);
        }
        let accounts: BTreeSet<&AccountId> = self.failed.keys().chain(&self.not_swept).collect();
        Some(Digest {
            subject: self.subject(),
            text: self.text(),
            json: self.document(),
            attributes: Attributes {
                status: self.status(),
                error_kinds: kinds.into_iter().collect(),
                accounts_cut: accounts.len().saturating_sub(IN_ATTRIBUTES),
                accounts: accounts.into_iter().take(IN_ATTRIBUTES).cloned().collect(),
            },
        })
    }

    /// The metrics of the execution. `AccountsNotInSync` counts the accounts that failed or were not swept: a route that is
    /// not active has a metric with its own name. `RouteNotActiveHours` is the age of the oldest state that is not active.
    pub fn metrics(&self) -> Vec<String> {
        let routes = || self.not_active.iter().filter(|one| one.account.is_none());
        let since = routes().filter_map(|one| one.entry.since).min();
        let hours = since.map_or(0.0, |since| self.at.since(since).as_secs_f64() / 3600.0);
        let not_in_sync = self.failed.len() + self.not_swept.len();
        vec![line(
            self.at,
            &[],
            &[
                ("AccountsInSync", "Count", self.in_sync.into()),
                ("AccountsNotInSync", "Count", not_in_sync.into()),
                ("RoutesNotActive", "Count", routes().count().into()),
                ("RouteNotActiveHours", "None", hours.into()),
            ],
        )]
    }

    /// Fewer than 100 ASCII characters: 91 if each number has six digits.
    fn subject(&self) -> String {
        let mut parts = Vec::new();
        if self.accounts == 0 {
            parts.push("no account was swept".to_owned());
        }
        if !self.failed.is_empty() {
            parts.push(format!("{} not in sync", many(self.failed.len(), "account")));
        }
        if !self.not_swept.is_empty() {
            let accounts = if parts.is_empty() {
                many(self.not_swept.len(), "account")
            } else {
                number(self.not_swept.len() as u64)
            };
            parts.push(format!("{accounts} not swept"));
        }
        let routes: BTreeSet<&RoutePair> = self.not_active.iter().map(|one| &one.pair).collect();
        if !routes.is_empty() {
            parts.push(format!("{} not active", many(routes.len(), "route")));
        }
        format!("failover-replicator {}: {}", self.status().word(), parts.join(", "))
    }

    /// The answer, and the first accounts that are not in sync.
    fn document(&self) -> String {
        let mut document = self.json();
        let not_in_sync: Vec<Value> = self
            .failed
            .iter()
            .take(NAMED)
            .map(|(account, why)| {
                let kinds: BTreeMap<&str, u64> =
                    why.failures.iter().map(|(kind, many)| (kind.word(), *many)).collect();
                json!({"account": account.as_str(), "status": why.status, "error_kinds": kinds})
            })
            .collect();
        let not_swept: Vec<&str> =
            self.not_swept.iter().take(IN_ATTRIBUTES).map(AccountId::as_str).collect();
        document["source"] = "failover-replicator".into();
        document["not_in_sync_cut"] = (self.failed.len() - not_in_sync.len()).into();
        document["not_in_sync"] = not_in_sync.into();
        document["not_swept_cut"] = (self.not_swept.len() - not_swept.len()).into();
        document["not_swept"] = not_swept.into();
        document.to_string()
    }

    fn text(&self) -> String {
        let mut lines = vec![
            "failover-replicator keeps copies of parameters and secrets in the failover Regions."
                .to_owned(),
            format!(
                "The execution {} ended with status `{}`: {}, {} in sync.",
                shown(&self.name),
                self.status().word(),
                many(self.accounts, "account"),
                number(self.in_sync as u64)
            ),
        ];
        if self.accounts == 0 {
            lines.push("The execution has listed no account and swept no account. Its history in Step Functions says why.".to_owned());
        }
        self.name_routes(&mut lines);
        self.name_accounts(
            &mut lines,
            "not in sync; the digests of their sweeps name each failure:",
            self.failed.iter().map(|(account, why)| (account, kinds(why))),
        );
        self.name_accounts(
            &mut lines,
            "not swept, so nothing is known of them; a sweep of these accounts, or the next execution, sweeps them:",
            self.not_swept.iter().map(|account| (account, String::new())),
        );
        if self.withheld > 0 {
            lines.push(String::new());
            lines.push(format!(
                "{} left alone, because none of their routes is active.",
                many(self.withheld, "account")
            ));
        }
        lines.join("\n") + "\n"
    }

    fn name_routes(&self, lines: &mut Vec<String>) {
        if self.not_active.is_empty() {
            return;
        }
        lines.push(String::new());
        lines.push(
            "Not active, so their copies are not kept up to date until `hubctl thaw`:".to_owned(),
        );
        for NotActive { pair, account, entry } in self.not_active.iter().take(NAMED) {
            let account =
                account.as_ref().map_or(String::new(), |id| format!(" for {}", self.named(id)));
            lines.push(format!("  {pair}{account}: {}", shown(&entry.to_string())));
        }
        more(lines, self.not_active.len());
    }

    fn name_accounts<'a>(
        &self,
        lines: &mut Vec<String>,
        head: &str,
        accounts: impl ExactSizeIterator<Item = (&'a AccountId, String)>,
    ) {
        let all = accounts.len();
        if all == 0 {
            return;
        }
        lines.push(String::new());
        lines.push(format!("{} {head}", many(all, "account")));
        for (account, why) in accounts.take(NAMED) {
            lines.push(format!("  {}{why}", self.named(account)));
        }
        more(lines, all);
    }

    /// `111122223333 (shop)`.
    fn named(&self, account: &AccountId) -> String {
        match self.names.get(account).filter(|name| !name.is_empty()) {
            Some(name) => format!("{account} ({})", shown(name)),
            None => account.to_string(),
        }
    }
}

fn more(lines: &mut Vec<String>, all: usize) {
    if all > NAMED {
        lines.push(format!("  … and {} more", number((all - NAMED) as u64)));
    }
}

fn kinds(why: &NotInSync) -> String {
    let kinds: Vec<String> =
        why.failures.iter().map(|(kind, many)| format!("{} {kind}", number(*many))).collect();
    if kinds.is_empty() { format!(": {}", why.status) } else { format!(": {}", kinds.join(", ")) }
}

fn shown(text: &str) -> String {
    one_line(text).chars().take(SHOWN).collect()
}

/// The worst of the routes of an account. A route that is not active decides nothing.
fn verdict(records: &[&SweepRecord], pairs: &[&RoutePair]) -> Verdict {
    let in_sync = [Status::InSync, Status::Changed].map(Status::word);
    let mut failed = None;
    let mut active = 0;
    for pair in pairs {
        let Some(record) = records.iter().find(|record| record.pair == **pair) else {
            return Verdict::NotSwept;
        };
        if record.state != RouteState::Active || record.status == Status::Frozen.word() {
            continue;
        }
        active += 1;
        if !record.complete {
            return Verdict::NotSwept;
        }
        if !in_sync.contains(&record.status.as_str()) {
            let (status, failures) = (record.status.clone(), record.failures.clone());
            failed = Some(NotInSync { status, failures });
        }
    }
    match failed {
        Some(why) => Verdict::Failed(why),
        None if active == 0 => Verdict::Withheld,
        None => Verdict::InSync,
    }
}

/// The route if it is not active; otherwise its accounts that are not active.
fn not_active((pair, record): &(RoutePair, RouteRecord)) -> Vec<NotActive> {
    let of = |account: Option<&AccountId>, entry: &StateEntry| NotActive {
        pair: pair.clone(),
        account: account.cloned(),
        entry: entry.clone(),
    };
    if record.route.state != RouteState::Active {
        return vec![of(None, &record.route)];
    }
    record.exceptions().map(|(account, entry)| of(Some(account), entry)).collect()
}

fn not_active_json(NotActive { pair, account, entry }: &NotActive) -> Value {
    let mut object = json!({
        "route": pair.to_string(),
        "state": entry.state.word(),
        "since": entry.since.map(|since| since.to_string()),
        "by": entry.by,
        "reason": entry.reason,
    });
    if let Some(account) = account {
        object["account"] = account.as_str().into();
    }
    object
}

#[cfg(test)]
mod tests;
