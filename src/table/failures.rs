//! The failures of an account that its last sweeps found: `fail#111122223333` / `us-east-1#parameter#/shop/db#conflict`.
//!
//! A failure keeps the time at which it was first seen while it stands, and its item goes when a sweep that looked there no
//! longer finds it. Attributes that other writers added to the item, such as an acknowledgement, are kept.

use std::collections::BTreeMap;

use super::Table;
use super::calls::TableWrite;
use super::items::{
    Item, account, keyed, number, set_number, set_sentence, set_text, set_time, sort_key, text,
    time,
};
use crate::domain::{
    AccountId, Cause, Failure, FailureKind, Item as ReplicatedItem, Region, Subject, Timestamp,
};

/// The most failures of an account that are kept by name. The others are counted by their cause.
pub const NAMED: usize = 1_000;
/// In place of the name, for failures that are only counted. No name contains it.
const UNNAMED: &str = "*";
/// In place of the Region of a failure that concerns the whole account.
const EVERYWHERE: &str = "-";

/// A failure that the last sweep of its place found.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownFailure {
    /// The account.
    pub account: AccountId,
    /// The Region in which the operator looks; `None` for the whole account.
    pub region: Option<Region>,
    /// `parameter`, `secret`, `account` or `hub`.
    pub kind: String,
    /// The name of the item; `None` if the failure concerns no single item.
    pub name: Option<String>,
    /// The kind of the failure.
    pub error_kind: FailureKind,
    /// Conflicts only: what holds the name.
    pub class: Option<String>,
    /// When a sweep first found the failure.
    pub first: Timestamp,
    /// When a sweep last found the failure.
    pub last: Timestamp,
    /// One sentence for a person.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The number of failures with this cause; 1 for a failure with a name.
    pub failures: u64,
    /// The item as it was read.
    kept: Item,
}

impl KnownFailure {
    fn read(item: Item) -> Option<Self> {
        let word = text(&item, "error_kind")?;
        let region = match text(&item, "region") {
            Some(region) => Some(Region::parse(region).ok()?),
            None => None,
        };
        Some(Self {
            account: account(&item, "account")?,
            region,
            kind: text(&item, "kind")?.to_owned(),
            name: text(&item, "name").map(str::to_owned),
            error_kind: FailureKind::ALL.into_iter().find(|kind| kind.word() == word)?,
            class: text(&item, "class").map(str::to_owned),
            first: time(&item, "first")?,
            last: time(&item, "last")?,
            message: text(&item, "message").unwrap_or_default().to_owned(),
            remedy: text(&item, "remedy").unwrap_or_default().to_owned(),
            failures: number(&item, "failures").unwrap_or(1),
            kept: item,
        })
    }

    fn key(&self) -> &str {
        text(&self.kept, "sk").unwrap_or_default()
    }
}

impl Table {
    /// The failures of an account, by key. An item in another format is left out.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn known_failures(&self, account: &AccountId) -> Result<Vec<KnownFailure>, Cause> {
        let items = self.all(&partition(account)).await?;
        Ok(items.into_iter().filter_map(KnownFailure::read).collect())
    }
}

/// The failures of one account in one sweep, by key: at most [`NAMED`] with their names, then one for each cause.
#[derive(Clone, Debug, Default)]
pub(crate) struct StandingFailures(BTreeMap<String, StandingFailure>);

/// One failure, or the first of those with one cause.
#[derive(Clone, Debug)]
struct StandingFailure {
    failure: Failure,
    /// How many there are with this cause; `None` for a failure with its name.
    counted: Option<u64>,
}

impl StandingFailures {
    /// Failures of the route's state are left out: the state itself is in the table.
    pub(crate) fn of(failures: &[Failure]) -> Self {
        let mut by_key: BTreeMap<String, &Failure> = BTreeMap::new();
        for failure in failures.iter().filter(|one| one.cause.kind != FailureKind::Frozen) {
            by_key.entry(key(failure, name(failure))).or_insert(failure);
        }
        let mut standing: BTreeMap<String, StandingFailure> = BTreeMap::new();
        for (index, (named, failure)) in by_key.into_iter().enumerate() {
            if index < NAMED {
                standing.insert(named, StandingFailure { failure: failure.clone(), counted: None });
                continue;
            }
            let class = failure.cause.class.map_or(String::new(), |class| format!("/{class}"));
            let cause = key(failure, UNNAMED) + &class;
            let first = || StandingFailure { failure: failure.clone(), counted: None };
            let counted = &mut standing.entry(cause).or_insert_with(first).counted;
            *counted = Some(counted.unwrap_or_default() + 1);
        }
        Self(standing)
    }

    /// The writes that make the table's items equal to these failures. `is_gone` says whether the sweep looked in a Region,
    /// so that a failure which it did not find no longer exists.
    pub(crate) fn writes(
        self,
        known: Vec<KnownFailure>,
        now: Timestamp,
        is_gone: impl Fn(Option<&Region>) -> bool,
    ) -> Vec<TableWrite> {
        let mut known: BTreeMap<String, KnownFailure> =
            known.into_iter().map(|one| (one.key().to_owned(), one)).collect();
        let mut writes = Vec::new();
        for (key, standing) in self.0 {
            let before = known.remove(&key);
            writes.extend(written(key, &standing, before, now).map(TableWrite::Put));
        }
        let gone = known.into_iter().filter(|(_, one)| is_gone(one.region.as_ref()));
        let delete = |(sk, one): (String, KnownFailure)| TableWrite::Delete {
            pk: partition(&one.account),
            sk,
        };
        writes.extend(gone.map(delete));
        writes
    }
}

fn partition(account: &AccountId) -> String {
    format!("fail#{account}")
}

fn key(failure: &Failure, name: &str) -> String {
    let region = failure.region.as_ref().map_or(EVERYWHERE, Region::as_str);
    sort_key(&[region, failure.subject.word(), name, failure.cause.kind.word()])
}

/// `/a` and `a` are one parameter.
fn name(failure: &Failure) -> &str {
    match &failure.subject {
        Subject::Item(ReplicatedItem::Parameter(name)) => name.key(),
        Subject::Item(ReplicatedItem::Secret(name)) => name.as_str(),
        Subject::Account | Subject::Hub => EVERYWHERE,
    }
}

/// The item of a failure; `None` for a failure without an account, which no sweep of an account has.
fn written(
    sk: String,
    StandingFailure { failure, counted }: &StandingFailure,
    before: Option<KnownFailure>,
    now: Timestamp,
) -> Option<Item> {
    let Failure { account, region, subject, cause } = failure;
    let account = account.as_ref()?;
    let first = before.as_ref().map_or(now, |before| before.first);
    let mut item = before.map(|before| before.kept).unwrap_or_default();
    item.extend(keyed(partition(account), sk));
    for optional in ["region", "name", "class"] {
        item.remove(optional);
    }
    set_text(&mut item, "account", account.as_str());
    set_text(&mut item, "kind", subject.word());
    if let Some(region) = region {
        set_text(&mut item, "region", region.as_str());
    }
    if let (Subject::Item(named), true) = (subject, counted.is_none()) {
        set_text(&mut item, "name", named.name());
    }
    if let Some(class) = cause.class {
        set_text(&mut item, "class", class.word());
    }
    set_text(&mut item, "error_kind", cause.kind.word());
    set_time(&mut item, "first", first);
    set_time(&mut item, "last", now);
    set_sentence(&mut item, "message", &cause.message);
    set_sentence(&mut item, "remedy", cause.remedy());
    set_number(&mut item, "failures", counted.unwrap_or(1));
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryTable;
    use super::*;
    use crate::domain::ConflictClass;
    use crate::report::samples::{account, account_failure, conflict, failure};

    fn at(day: u32) -> Timestamp {
        Timestamp::parse(&format!("2026-11-{day:02}T10:00:00Z")).expect("a time")
    }

    /// A sweep of account 1 that found these failures.
    async fn sweep(
        table: &Table,
        failures: &[Failure],
        now: Timestamp,
        is_gone: impl Fn(Option<&Region>) -> bool,
    ) {
        let known = table.known_failures(&account(1)).await.expect("read");
        let writes = StandingFailures::of(failures).writes(known, now, is_gone);
        table.write_all(writes).await.expect("written");
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_keeps_its_first_time_and_what_others_added_and_goes_when_it_is_gone() {
        let memory = MemoryTable::new(|_| None);
        let table = memory.table().await;
        let here = conflict(1, "/a", ConflictClass::Unmarked, "held by `x`");
        let whole = account_failure(1, FailureKind::NoSpokeRole, "no role");
        let frozen = failure(1, "/f", FailureKind::Frozen, "the route is frozen");
        sweep(&table, &[here.clone(), whole, frozen], at(1), |_| true).await;
        let (pk, key) = ("fail#111122220001", "us-east-1#parameter#a#conflict");
        memory.add(pk, key, "acknowledged_until", "2026-12-31");
        let other = conflict(1, "/a", ConflictClass::ChangedInTarget, "changed");
        sweep(&table, &[other], at(2), |region| region.is_some()).await;
        let known = table.known_failures(&account(1)).await.expect("read");
        let [whole, conflict] = known.as_slice() else { panic!("{known:?}") };
        assert_eq!(
            (whole.region.as_ref(), &*whole.kind, whole.name.as_deref()),
            (None, "account", None)
        );
        assert_eq!((whole.first, whole.last), (at(1), at(1)), "the sweep did not look there");
        assert_eq!((conflict.first, conflict.last), (at(1), at(2)));
        assert_eq!(conflict.name.as_deref(), Some("/a"));
        assert_eq!(conflict.region.as_ref().map(Region::as_str), Some("us-east-1"));
        assert_eq!(conflict.class.as_deref(), Some("changed_in_target"));
        assert_eq!((&*conflict.message, conflict.failures), ("changed", 1));
        let item = memory.item(pk, key).expect("an item");
        assert_eq!(item["acknowledged_until"]["S"], "2026-12-31");
        sweep(&table, &[], at(3), |_| true).await;
        assert!(memory.items().is_empty(), "{:?}", memory.items());
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_a_thousand_the_failures_of_one_cause_are_counted() {
        let memory = MemoryTable::new(|_| None);
        let table = memory.table().await;
        let conflicts = |class, first: usize| {
            (first..first + 600).map(move |n| conflict(1, &format!("/{n:05}"), class, "held"))
        };
        let mut failures: Vec<Failure> = conflicts(ConflictClass::Unmarked, 0)
            .chain(conflicts(ConflictClass::Unmarked, 600))
            .chain(conflicts(ConflictClass::WrittenOver, 1_200))
            .collect();
        failures.push(failure(1, "/zzz", FailureKind::Limit, "too large"));
        sweep(&table, &failures, at(1), |_| true).await;
        let known = table.known_failures(&account(1)).await.expect("read");
        assert_eq!(known.len(), NAMED + 3);
        let counted: Vec<_> = known
            .iter()
            .filter(|one| one.name.is_none())
            .map(|one| (one.error_kind.word(), one.class.as_deref(), one.failures))
            .collect();
        let expected = [
            ("conflict", Some("unmarked"), 200),
            ("conflict", Some("written_over"), 600),
            ("limit", None, 1),
        ];
        assert_eq!(counted, expected);
        // Fewer failures: each has its name again.
        failures.truncate(3);
        sweep(&table, &failures, at(2), |_| true).await;
        let known = table.known_failures(&account(1)).await.expect("read");
        assert_eq!(known.iter().filter(|one| one.name.is_some()).count(), 3);
        assert_eq!(known.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_longest_names_have_keys_that_aws_accepts() {
        let memory = MemoryTable::new(|_| None);
        let table = memory.table().await;
        let long = format!("/{}", "x".repeat(1_010));
        let failures = [
            failure(1, &format!("{long}a"), FailureKind::AccessDenied, "no"),
            failure(1, &format!("{long}b"), FailureKind::AccessDenied, "no"),
        ];
        sweep(&table, &failures, at(1), |_| true).await;
        let known = table.known_failures(&account(1)).await.expect("read");
        let names: Vec<_> = known.iter().filter_map(|one| one.name.clone()).collect();
        assert_eq!(names.len(), 2);
        assert!(names.contains(&format!("{long}a")) && names.contains(&format!("{long}b")));
        assert!(memory.items().keys().all(|(_, sk)| sk.len() <= 1_024));
    }
}
