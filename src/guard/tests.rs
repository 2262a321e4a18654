//! The steps that the guard lets through.

use super::*;
use crate::domain::{
    AccountId, Leftovers, MARK_KEY, MARK_VALUE, PROVENANCE_KEY, ParameterName, Tags, Version,
};
use crate::ownership::{Fingerprint, PastVersion};

const HUB: &str = "arn:aws:sts::111122223333:assumed-role/failover-replicator-spoke/s";
const PERSON: &str = "arn:aws:iam::111122223333:user/person";
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const CHANGES: [Change; 7] = [
    Change::Create,
    Change::Update,
    Change::Retag,
    Change::Recreate,
    Change::Delete,
    Change::Tombstone,
    Change::Replicate,
];
const CLAIMS: [Option<Claim>; 6] = [
    None,
    Some(Claim::Adopt),
    Some(Claim::Take),
    Some(Claim::TakeOver),
    Some(Claim::Restore),
    Some(Claim::Release),
];

fn region(name: &str) -> Region {
    Region::parse(name).expect("a Region")
}

/// A parameter in the target, by its tags and the writers of its versions.
struct Subject {
    account: AccountId,
    target: Region,
    name: ParameterName,
    tags: Tags,
    rows: Vec<PastVersion>,
}

impl Subject {
    /// Has the mark, provenance that names version `named`, and a version by each of these writers.
    fn new(marked: bool, named: Option<i64>, adopted: bool, writers: &[&str]) -> Self {
        let rows: Vec<PastVersion> = (1..)
            .zip(writers)
            .map(|(number, writer)| PastVersion {
                version: Version { number, modified: Timestamp::from_millis(number * 1000) },
                writer: Some((*writer).into()),
                same_as_next: None,
            })
            .collect();
        let (account, target) =
            (AccountId::parse("111122223333").expect("an account"), region("us-east-1"));
        let name = ParameterName::new("/a");
        let mut tags = Tags::new();
        if marked {
            tags.insert(MARK_KEY.into(), MARK_VALUE.into());
        }
        if let Some(named) = named {
            let provenance = crate::ownership::Provenance {
                region: region("us-east-2"),
                source: Version { number: 1, modified: Timestamp::from_millis(1) },
                replica: named,
                written: Some(Timestamp::from_millis(named * 1000)),
                form: Fingerprint(1),
                of: Some(Fingerprint::of_item(&account, &target, &name)),
                tags: None,
                adopted,
                refused: None,
                retagged: None,
                gone: None,
                unknown: String::new(),
            };
            tags.insert(PROVENANCE_KEY.into(), provenance.to_string());
        }
        Self { account, target, name, tags, rows }
    }

    fn occupant(&self) -> Occupant<'_> {
        let last = self.rows.last().expect("a version");
        Occupant::Parameter(Evidence {
            account: &self.account,
            target: &self.target,
            name: &self.name,
            tags: &self.tags,
            version: last.version,
            writer: last.writer.as_deref(),
            history: Some(&self.rows),
        })
    }
}

fn policy(purpose: Purpose) -> RunPolicy {
    RunPolicy { purpose, ..RunPolicy::of_a_sweep("us-east-2=us-east-1") }
}

/// The changes and claims that pass.
fn passing(policy: &RunPolicy, occupant: Occupant<'_>) -> Vec<(Change, Option<Claim>)> {
    let (source, target) = (region("us-east-2"), region("us-east-1"));
    let all = CHANGES.into_iter().flat_map(|change| CLAIMS.map(|claim| (change, claim)));
    all.filter(|(change, claim)| {
        let (change, claim) = (*change, *claim);
        let forth = Proposal { source: &source, target: &target, change, occupant, claim };
        let back = Proposal { source: &target, target: &source, ..forth.clone() };
        let prunes = matches!(policy.purpose, Purpose::Pruning(_))
            && matches!(change, Change::Delete | Change::Retag);
        assert!(prunes || policy.judge(&back, NOW) != Ruling::Proceed, "off the route: {back:?}");
        policy.judge(&forth, NOW) == Ruling::Proceed
    })
    .collect()
}

const OWNED: [(Change, Option<Claim>); 5] = [
    (Change::Update, None),
    (Change::Retag, None),
    (Change::Recreate, None),
    (Change::Delete, None),
    (Change::Tombstone, None),
];

#[test]
fn a_sweep_writes_only_what_the_evidence_proves_owned() {
    let sweep = policy(Purpose::Equality);
    let passes = |subject: &Subject| passing(&sweep, subject.occupant());
    assert_eq!(passes(&Subject::new(true, Some(2), false, &[HUB, HUB])), OWNED);
    assert_eq!(passes(&Subject::new(true, Some(1), false, &[HUB, HUB])), OWNED);
    for (what, subject) in [
        ("changed in the target", Subject::new(true, Some(1), false, &[HUB, PERSON])),
        ("written over", Subject::new(true, Some(1), false, &[HUB, PERSON, HUB])),
        ("claimed", Subject::new(true, Some(2), false, &[HUB, PERSON])),
        ("unmarked", Subject::new(false, None, false, &[PERSON])),
        ("released", Subject::new(false, Some(1), false, &[HUB])),
        ("mark only", Subject::new(true, None, false, &[PERSON])),
        ("an old untagged create", Subject::new(false, None, false, &[HUB])),
    ] {
        assert_eq!(passes(&subject), [], "{what}");
    }
    let released = [(Change::Retag, Some(Claim::Release))];
    let adopted = passes(&Subject::new(true, Some(1), true, &[HUB]));
    assert!(adopted.iter().all(|one| OWNED.contains(one) || released.contains(one)));
    assert!(adopted.contains(&released[0]));
    let by_mark = passes(&Subject::new(true, None, false, &[HUB]));
    let taken_over = [(Change::Update, Some(Claim::TakeOver))];
    assert_eq!(by_mark, taken_over);
}

#[test]
fn evidence_without_the_decisive_history_proves_nothing() {
    let subject = Subject::new(true, Some(1), false, &[HUB, HUB]);
    let Occupant::Parameter(evidence) = subject.occupant() else { panic!("a parameter") };
    let occupant = Occupant::Parameter(Evidence { history: None, ..evidence });
    assert_eq!(passing(&policy(Purpose::Equality), occupant), []);
}

#[test]
fn a_vacant_name_may_be_created_and_nothing_else() {
    let creates = CLAIMS.map(|claim| (Change::Create, claim));
    let replicates = CLAIMS.map(|claim| (Change::Replicate, claim));
    let both: Vec<_> = creates.into_iter().chain(replicates).collect();
    for purpose in purposes() {
        assert_eq!(passing(&policy(purpose), Occupant::Nothing), both);
    }
}

#[test]
fn a_secrets_replica_goes_only_at_a_persons_word() {
    let ended = CLAIMS.map(|claim| (Change::Delete, claim));
    for purpose in purposes() {
        let is_release = purpose == Purpose::Releasing;
        let passes = passing(&policy(purpose.clone()), Occupant::SecretReplica);
        let mut expected = if is_release { ended.to_vec() } else { Vec::new() };
        // A failed replication is requested again.
        expected.push((Change::Replicate, None));
        assert_eq!(passes, expected);
        assert_eq!(passing(&policy(purpose), Occupant::OtherSecret), []);
    }
}

fn purposes() -> [Purpose; 5] {
    [
        Purpose::Equality,
        Purpose::Pruning(Leftovers::default()),
        Purpose::Resolving(Take::Source),
        Purpose::Resolving(Take::Target),
        Purpose::Releasing,
    ]
}

#[test]
fn each_claim_passes_only_with_its_setting_or_command() {
    let theirs = Subject::new(false, None, false, &[PERSON]);
    let changed = Subject::new(true, Some(1), false, &[HUB, PERSON]);
    for purpose in purposes() {
        for on_conflict in [OnConflict::Report, OnConflict::Adopt] {
            for on_target_change in [OnTargetChange::Report, OnTargetChange::Restore] {
                let policy = RunPolicy { on_conflict, on_target_change, ..policy(purpose.clone()) };
                let mut unmarked = Vec::new();
                let mut changed_passes = Vec::new();
                if on_conflict == OnConflict::Adopt {
                    unmarked.push((Change::Update, Some(Claim::Adopt)));
                }
                if purpose == Purpose::Resolving(Take::Source) {
                    for passes in [&mut unmarked, &mut changed_passes] {
                        passes.push((Change::Update, Some(Claim::Take)));
                    }
                }
                if on_target_change == OnTargetChange::Restore {
                    changed_passes.push((Change::Update, Some(Claim::Restore)));
                }
                let releases =
                    matches!(purpose, Purpose::Resolving(Take::Target) | Purpose::Releasing);
                if releases {
                    changed_passes.push((Change::Retag, Some(Claim::Release)));
                }
                let sorted = |mut passes: Vec<(Change, Option<Claim>)>| {
                    passes.sort_by_key(|(change, claim)| (*change, format!("{claim:?}")));
                    passes
                };
                assert_eq!(sorted(passing(&policy, theirs.occupant())), sorted(unmarked));
                assert_eq!(sorted(passing(&policy, changed.occupant())), sorted(changed_passes));
            }
        }
    }
}

#[test]
fn a_replica_that_was_restored_once_is_not_restored_again() {
    let restore =
        RunPolicy { on_target_change: OnTargetChange::Restore, ..policy(Purpose::Equality) };
    let again = Subject::new(true, Some(3), false, &[HUB, PERSON, HUB, PERSON]);
    assert_eq!(passing(&restore, again.occupant()), []);
    let adopted = Subject::new(true, Some(1), true, &[HUB, PERSON]);
    assert_eq!(passing(&restore, adopted.occupant()), [], "its owner had it first");
}

#[test]
fn a_plan_and_a_freeze_write_nothing_and_still_refuse_what_is_forbidden() {
    let subjects =
        [Subject::new(true, Some(1), false, &[HUB]), Subject::new(false, None, false, &[PERSON])];
    let (source, target) = (region("us-east-2"), region("us-east-1"));
    let judged = |writing| {
        let policy = RunPolicy { writing, ..policy(Purpose::Equality) };
        let all = subjects.iter().map(Subject::occupant).chain([Occupant::Nothing]);
        all.flat_map(|occupant| CHANGES.map(|change| (occupant, change)))
            .map(|(occupant, change)| {
                let claim = None;
                let proposal =
                    Proposal { source: &source, target: &target, change, occupant, claim };
                policy.judge(&proposal, NOW)
            })
            .collect::<Vec<_>>()
    };
    let applied = judged(Writing::Apply);
    assert!(Writing::Apply.allows() && applied.contains(&Ruling::Proceed));
    assert!(!Writing::PlanOnly.allows());
    let reported = applied.iter().map(|ruling| match ruling {
        Ruling::Proceed => Ruling::ReportOnly,
        held => held.clone(),
    });
    assert_eq!(judged(Writing::PlanOnly), reported.collect::<Vec<_>>());
}
