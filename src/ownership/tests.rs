//! Judgements of single cases.

use super::*;
use crate::domain::{EXCLUDE_TAG, PROVENANCE_KEY, TrustedWriters};

const HUB: &str = "arn:aws:sts::111122223333:assumed-role/failover-replicator-spoke/s";
const BARE_HUB: &str = "arn:aws:sts::111122223333:assumed-role/failover-replicator-spoke";
const PERSON: &str = "arn:aws:iam::111122223333:user/person";
const OLD_ROLE: &str = "arn:aws:sts::111122223333:assumed-role/old-replicator/s";
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// A parameter in the target. Its versions are a second apart, and the last is an hour old.
struct HeldParameter {
    account: AccountId,
    target: Region,
    name: ParameterName,
    tags: Tags,
    rows: Vec<PastVersion>,
    reads_history: bool,
}

fn version(number: i64, of: usize) -> Version {
    let back = i64::try_from(of).expect("few") - number;
    Version { number, modified: Timestamp::from_millis(NOW.millis() - 3_600_000 - back * 1000) }
}

impl HeldParameter {
    fn new(writers: &[&str]) -> Self {
        let rows = (1..).zip(writers).map(|(number, writer)| PastVersion {
            version: version(number, writers.len()),
            writer: Some((*writer).into()),
            same_as_next: None,
        });
        Self {
            account: AccountId::parse("111122223333").expect("an account"),
            target: Region::parse("us-east-1").expect("a Region"),
            name: ParameterName::new("/a"),
            tags: Tags::new(),
            rows: rows.collect(),
            reads_history: true,
        }
    }

    fn marked(mut self) -> Self {
        self.tags.insert(MARK_KEY.into(), MARK_VALUE.into());
        self
    }

    /// With the provenance of an update that made this version.
    fn naming(self, number: i64) -> Self {
        let written = Some(version(number, self.rows.len()).modified);
        self.with(|provenance| Provenance { replica: number, written, ..provenance })
    }

    fn with(mut self, change: impl FnOnce(Provenance) -> Provenance) -> Self {
        let provenance = Provenance {
            region: Region::parse("us-east-2").expect("a Region"),
            source: Version { number: 4, modified: Timestamp::from_millis(1) },
            replica: 1,
            written: None,
            form: Fingerprint(7),
            of: Some(Fingerprint::of_item(&self.account, &self.target, &self.name)),
            tags: None,
            adopted: false,
            refused: None,
            retagged: None,
            gone: None,
            unknown: String::new(),
        };
        self.tags.insert(PROVENANCE_KEY.into(), change(provenance).to_string());
        self
    }

    fn by_list(mut self) -> Self {
        self.reads_history = false;
        self
    }

    fn evidence(&self) -> Evidence<'_> {
        let last = self.rows.last().expect("a version");
        Evidence {
            account: &self.account,
            target: &self.target,
            name: &self.name,
            tags: &self.tags,
            version: last.version,
            writer: last.writer.as_deref(),
            history: self.reads_history.then_some(&self.rows),
        }
    }

    fn judged_by(&self, writers: &Writers, only_route: bool) -> Ownership {
        let source = Region::parse("us-east-2").expect("a Region");
        judge(
            self.evidence(),
            JudgeContext { source: &source, active_since: None, only_route, writers, now: NOW },
        )
    }

    fn judged(&self) -> Ownership {
        self.judged_by(&Writers::of_defaults(), true)
    }

    fn is_owned(&self) -> bool {
        matches!(self.judged(), Ownership::Owned { .. })
    }
}

fn foreign(number: i64) -> ForeignVersion {
    ForeignVersion { number, writer: Some(PERSON.into()) }
}

#[test]
fn a_list_proves_the_named_version_and_everything_else_needs_the_history() {
    assert!(HeldParameter::new(&[HUB]).marked().with(|made| made).by_list().is_owned(), "a create");
    assert!(HeldParameter::new(&[BARE_HUB]).marked().with(|made| made).by_list().is_owned());
    assert!(HeldParameter::new(&[HUB, HUB, HUB]).marked().naming(3).by_list().is_owned());
    for undecided in [
        HeldParameter::new(&[HUB, HUB]).marked().naming(1),
        HeldParameter::new(&[HUB, PERSON]).marked().naming(1),
        HeldParameter::new(&[HUB, HUB]).marked(),
        HeldParameter::new(&[HUB, HUB]),
        HeldParameter::new(&[HUB, HUB]).naming(1),
    ] {
        assert_eq!(undecided.by_list().judged(), Ownership::NeedsHistory);
    }
    let theirs = HeldParameter::new(&[HUB, PERSON]);
    assert_eq!(theirs.by_list().judged(), Ownership::Unmarked);
    let released = HeldParameter::new(&[HUB, PERSON]).naming(1);
    assert_eq!(released.by_list().judged(), Ownership::Released { excluded: false, covered: None });
}

#[test]
fn every_version_after_the_named_one_must_be_the_hubs() {
    assert!(HeldParameter::new(&[PERSON, HUB, HUB, BARE_HUB]).marked().naming(2).is_owned());
    let covered = HeldParameter::new(&[HUB, PERSON, HUB]).marked().naming(1);
    assert_eq!(covered.judged(), Ownership::WrittenOver(foreign(2)));
    // Of two versions in a row, the first was covered by its own writer.
    let two = HeldParameter::new(&[HUB, PERSON, PERSON, HUB]).marked().naming(1);
    assert_eq!(two.judged(), Ownership::WrittenOver(foreign(3)));
    let mut same = HeldParameter::new(&[HUB, PERSON, HUB]).marked().naming(1);
    same.rows[1].same_as_next = Some(true);
    assert!(same.is_owned(), "the same value is no loss");
    same.rows[1].same_as_next = Some(false);
    assert!(!same.is_owned());
}

#[test]
fn a_change_in_the_target_names_its_version_and_the_version_covered_before() {
    let changed = |held: HeldParameter| match held.judged() {
        Ownership::ChangedInTarget { change, covered, restored_before, restorable } => {
            (change.number, covered.map(|covered| covered.number), restored_before, restorable)
        }
        other => panic!("not changed: {other:?}"),
    };
    let plain = HeldParameter::new(&[HUB, PERSON]).marked().naming(1);
    assert_eq!(changed(plain), (2, None, false, true));
    let twice = HeldParameter::new(&[HUB, PERSON, HUB, PERSON]).marked().naming(1);
    assert_eq!(changed(twice), (4, Some(2), false, true));
    let restored = HeldParameter::new(&[HUB, PERSON, HUB, PERSON]).marked().naming(3);
    assert_eq!(changed(restored), (4, None, true, true));
    let adopted = HeldParameter::new(&[PERSON, HUB, PERSON]).marked();
    let written = Some(version(2, 3).modified);
    let adopted = adopted.with(|made| Provenance { replica: 2, written, adopted: true, ..made });
    assert_eq!(changed(adopted), (3, None, true, false));
}

#[test]
fn tags_that_the_hub_did_not_write_for_this_version_prove_nothing() {
    let claimed = |held: HeldParameter| match held.judged() {
        Ownership::Claimed(why) => why,
        other => panic!("not claimed: {other:?}"),
    };
    let recreated = HeldParameter::new(&[PERSON]).marked().with(|made| made);
    assert_eq!(claimed(recreated.by_list()), InvalidClaim::OtherWriter(foreign(1)));
    let copied = HeldParameter::new(&[HUB])
        .marked()
        .with(|made| Provenance { of: Some(Fingerprint(1)), ..made });
    assert_eq!(claimed(copied.by_list()), InvalidClaim::OtherParameter);
    let early = HeldParameter::new(&[HUB]).marked().with(|made| Provenance { of: None, ..made });
    assert!(early.is_owned(), "a tag of an earlier release does not name its parameter");
    let then_theirs = HeldParameter::new(&[PERSON, PERSON]).marked().naming(1);
    assert_eq!(claimed(then_theirs), InvalidClaim::OtherWriter(foreign(1)));
    // The same number with another date is another version.
    let dated = |made| Provenance { written: Some(Timestamp::from_millis(5)), ..made };
    assert_eq!(
        claimed(HeldParameter::new(&[PERSON]).marked().with(dated)),
        InvalidClaim::NoSuchVersion
    );
    let mut dropped = HeldParameter::new(&[HUB, HUB, HUB]).marked().naming(1);
    dropped.rows.remove(0);
    assert_eq!(claimed(dropped), InvalidClaim::NoSuchVersion);
}

#[test]
fn a_replica_that_the_hub_alone_created_again_is_owned_whatever_version_its_tag_names() {
    let named = |number| {
        move |made| Provenance { replica: number, written: Some(Timestamp::from_millis(5)), ..made }
    };
    assert!(HeldParameter::new(&[HUB]).marked().with(named(5)).is_owned());
    assert!(HeldParameter::new(&[HUB, HUB]).marked().with(named(5)).is_owned());
    assert!(!HeldParameter::new(&[HUB, PERSON, HUB]).marked().with(named(5)).is_owned());
    let unfinished = |made| Provenance { replica: Provenance::UNFINISHED, ..made };
    assert!(HeldParameter::new(&[HUB, HUB]).marked().with(unfinished).is_owned());
    let covered = HeldParameter::new(&[HUB, PERSON, HUB]).marked().with(unfinished);
    assert_eq!(covered.judged(), Ownership::WrittenOver(foreign(2)));
}

#[test]
fn a_covered_version_is_found_without_either_tag_and_without_the_mark() {
    let covered = Ownership::WrittenOver(foreign(1));
    assert_eq!(HeldParameter::new(&[PERSON, HUB]).judged(), covered);
    assert_eq!(HeldParameter::new(&[PERSON, HUB]).marked().judged(), covered);
    let unmarked = HeldParameter::new(&[HUB, PERSON, HUB]).naming(1);
    assert_eq!(unmarked.judged(), Ownership::WrittenOver(foreign(2)));
    // The tags may name another route, another parameter, or this one.
    let elsewhere =
        |made| Provenance { region: Region::parse("eu-west-1").expect("a Region"), ..made };
    let another = |made| Provenance { of: Some(Fingerprint(1)), ..made };
    assert_eq!(HeldParameter::new(&[PERSON, HUB]).marked().with(elsewhere).judged(), covered);
    assert_eq!(HeldParameter::new(&[PERSON, HUB]).marked().with(another).judged(), covered);
    assert_eq!(HeldParameter::new(&[PERSON, HUB]).marked().with(|made| made).judged(), covered);
    // The other route has taken over its replica, so the covered version is decided.
    let others = HeldParameter::new(&[PERSON, HUB, HUB]).marked();
    let written = Some(version(2, 3).modified);
    let others = others.with(|made| Provenance { replica: 2, written, ..elsewhere(made) });
    assert!(matches!(others.judged(), Ownership::OtherRoute(_)));
    // The owner declared the parameter released since then.
    let mut released = HeldParameter::new(&[PERSON, HUB]);
    released.tags.insert(EXCLUDE_TAG.into(), "released".into());
    let named = Ownership::Released { excluded: false, covered: Some(foreign(1)) };
    assert_eq!(released.judged(), named, "the class is released, and the covered version is named");
    let mut theirs = HeldParameter::new(&[PERSON, HUB, PERSON]).by_list();
    theirs.tags.insert(EXCLUDE_TAG.into(), "released".into());
    assert_eq!(theirs.judged(), Ownership::Released { excluded: false, covered: None });
}

#[test]
fn a_marked_parameter_without_provenance_is_taken_over_only_from_the_hub_or_a_trusted_writer() {
    let mut writers = Writers::of_defaults();
    let old = || HeldParameter::new(&[OLD_ROLE, OLD_ROLE]).marked().by_list();
    assert_eq!(old().judged_by(&writers, true), Ownership::MarkOnly { trusted: false });
    writers.trusted = TrustedWriters::Roles(["old-replicator".to_owned()].into());
    assert_eq!(old().judged_by(&writers, true), Ownership::MarkOnly { trusted: true });
    assert_eq!(old().judged_by(&writers, false), Ownership::AmbiguousRoute);
    let ours = HeldParameter::new(&[HUB, HUB]).marked();
    assert_eq!(ours.judged(), Ownership::MarkOnly { trusted: true });
    let named_by_trusted = HeldParameter::new(&[OLD_ROLE]).marked().with(|made| made);
    assert!(!named_by_trusted.is_owned());
    match named_by_trusted.judged_by(&writers, true) {
        Ownership::Owned { by_trusted, .. } => assert!(by_trusted),
        other => panic!("not owned: {other:?}"),
    }
}

#[test]
fn only_a_young_first_version_gets_its_missing_tags_again() {
    let mut create = HeldParameter::new(&[HUB]);
    assert_eq!(create.judged(), Ownership::UntaggedCreate { fresh: false });
    create.rows[0].version.modified = Timestamp::from_millis(NOW.millis() - 3_599_999);
    assert_eq!(create.judged(), Ownership::UntaggedCreate { fresh: true });
    assert_eq!(
        HeldParameter::new(&[HUB, HUB]).judged(),
        Ownership::UntaggedCreate { fresh: false }
    );
    assert_eq!(HeldParameter::new(&[PERSON]).judged(), Ownership::Unmarked);
}

#[test]
fn a_released_replica_says_whether_its_owner_wants_no_report() {
    let mut released = HeldParameter::new(&[HUB]).naming(1);
    assert_eq!(released.judged(), Ownership::Released { excluded: false, covered: None });
    released.tags.insert(EXCLUDE_TAG.into(), "Exclude".into());
    assert_eq!(released.judged(), Ownership::Released { excluded: true, covered: None });
}

#[test]
fn versions_between_a_decision_and_its_write_are_the_hubs_or_named() {
    let account = AccountId::parse("111122223333").expect("an account");
    let writers = Writers::of_defaults();
    let judged = |by: &[&str], decided: Option<Version>| {
        versions_between(&HeldParameter::new(by).rows, decided, &account, &writers)
    };
    assert_eq!(judged(&[HUB, HUB], Some(version(1, 2))), VersionsBetween::OnlyHub);
    assert_eq!(
        judged(&[HUB, HUB, HUB], Some(version(1, 3))),
        VersionsBetween::OnlyHub,
        "two hubs at once"
    );
    assert_eq!(
        judged(&[HUB, PERSON, HUB], Some(version(1, 3))),
        VersionsBetween::Foreign(foreign(2))
    );
    // The version that was decided on may be any writer's: a takeover overwrites it.
    assert_eq!(judged(&[PERSON, HUB], Some(version(1, 2))), VersionsBetween::OnlyHub);
    let another = Version { number: 1, modified: Timestamp::from_millis(1) };
    assert_eq!(judged(&[PERSON, HUB], Some(another)), VersionsBetween::Foreign(foreign(1)));
    assert_eq!(judged(&[HUB, HUB], Some(another)), VersionsBetween::Recreated);
    assert_eq!(judged(&[HUB, HUB], None), VersionsBetween::OnlyHub, "a labelled create");
    assert_eq!(judged(&[HUB, PERSON, HUB], None), VersionsBetween::Foreign(foreign(2)));
}

#[test]
fn a_changed_name_of_the_spoke_role_is_recognised_by_what_it_wrote() {
    let source = Region::parse("us-east-2").expect("a Region");
    let writers = Writers::of_defaults();
    let role = |held: &HeldParameter| {
        let viewpoint = JudgeContext {
            source: &source,
            active_since: None,
            only_route: true,
            writers: &writers,
            now: NOW,
        };
        other_role(held.evidence(), viewpoint).map(str::to_owned)
    };
    let former = HeldParameter::new(&[OLD_ROLE]).marked().with(|made| made);
    assert_eq!(role(&former).as_deref(), Some("old-replicator"));
    assert_eq!(role(&HeldParameter::new(&[HUB]).marked().with(|made| made)), None);
    assert_eq!(role(&HeldParameter::new(&[OLD_ROLE]).marked()), None);
    assert_eq!(role(&HeldParameter::new(&[PERSON]).marked().with(|made| made)), None, "no role");
}

#[test]
fn each_class_has_a_message_and_a_remedy_with_and_without_a_source() {
    let (account, name) =
        (AccountId::parse("111122223333").expect("an account"), ParameterName::new("/a"));
    let region = |name| Region::parse(name).expect("a Region");
    let (source, target) = (region("us-east-2"), region("us-east-1"));
    let all = [
        Ownership::ChangedInTarget {
            change: foreign(5),
            covered: Some(foreign(3)),
            restored_before: false,
            restorable: true,
        },
        Ownership::WrittenOver(foreign(5)),
        Ownership::Claimed(InvalidClaim::OtherWriter(foreign(5))),
        Ownership::Claimed(InvalidClaim::OtherParameter),
        Ownership::Claimed(InvalidClaim::NoSuchVersion),
        Ownership::Unmarked,
        Ownership::Released { excluded: false, covered: None },
        Ownership::OtherRoute(region("eu-west-1")),
        Ownership::AmbiguousRoute,
        Ownership::MarkOnly { trusted: false },
        Ownership::UntaggedCreate { fresh: false },
    ];
    for ownership in &all {
        for source_exists in [true, false] {
            let held = foreign(9);
            let context = ConflictContext {
                account: &account,
                source: &source,
                target: &target,
                name: &name,
                source_exists,
                held: &held,
            };
            let cause = objection(ownership, context).expect("a conflict");
            assert_eq!(cause.class, ownership.class());
            assert!(cause.message.contains("us-east-1"), "{}", cause.message);
            let names_version = [ConflictClass::ChangedInTarget, ConflictClass::WrittenOver];
            if ownership.class().is_some_and(|class| names_version.contains(&class)) {
                assert!(cause.message.contains("version 5"), "{}", cause.message);
                assert!(cause.message.contains(PERSON), "{}", cause.message);
            }
            if ownership.may_be_taken() && source_exists {
                let command = "`hubctl resolve /a --account 111122223333 --region us-east-2 --target us-east-1 --take ";
                assert!(cause.remedy().contains(command), "{}", cause.remedy());
            }
        }
    }
}
