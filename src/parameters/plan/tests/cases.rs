//! Writes and their reasons.

use super::*;

#[test]
fn in_sync_needs_nothing() {
    let world = World::new();
    let original = observed(parameter("/a"), &[("team", "x")]);
    let replica = world.replica_of(&original);
    assert_eq!(
        world.decide(Some(&original), Some(&replica)),
        Decision::InSync { tags_left_out: 0 }
    );
    assert_eq!(world.decide(None, None), Decision::Nothing);
}

#[test]
fn each_drift_is_named() {
    let world = World::new();
    let original = observed(parameter("/a"), &[("team", "x")]);
    let replica = world.replica_of(&original);
    let moved = |change: fn(&mut Observed, &mut Observed)| {
        let (mut original, mut replica) = (original.clone(), replica.clone());
        change(&mut original, &mut replica);
        because(&world.decide(Some(&original), Some(&replica)))
    };
    assert_eq!(
        moved(|o, _| o.parameter.version += 1),
        (Change::Update, vec![Reason::SourceVersion])
    );
    let other_date = Timestamp::from_millis(1);
    assert_eq!(
        moved(|o, _| o.parameter.modified = Timestamp::from_millis(1)).1,
        [Reason::SourceVersion]
    );
    assert_eq!(
        moved(|_, r| *r = later(r, &[(HUB, None)])),
        (Change::Update, vec![Reason::ReplicaVersion])
    );
    assert_eq!(
        moved(|o, _| o.parameter.description = Some("d".into())),
        (Change::Update, vec![Reason::Form])
    );
    assert_eq!(
        moved(|o, _| drop(o.tags.insert("new".into(), "tag".into()))),
        (Change::Retag, vec![Reason::Tags])
    );
    assert_eq!(
        moved(|_, r| drop(r.tags.insert("new".into(), "tag".into()))),
        (Change::Retag, vec![Reason::Tags])
    );
    assert_ne!(other_date, original.parameter.modified);
    assert_eq!(
        because(&world.decide(Some(&original), None)),
        (Change::Create, vec![Reason::Missing])
    );
    assert_eq!(
        removal(&world.decide(None, Some(&replica))),
        (Disposal::Delete, Reason::SourceGone)
    );
}

#[test]
fn tags_are_set_and_removed_except_those_of_aws_and_the_hub() {
    let world = World::new();
    let original = observed(
        parameter("/a"),
        &[("stays", "1"), ("changes", "new"), ("comes", "1"), ("aws:x", "1")],
    );
    let mut replica = world.replica_of(&observed(
        parameter("/a"),
        &[("stays", "1"), ("changes", "old"), ("goes", "1")],
    ));
    replica.tags.insert("aws:y".into(), "1".into());
    let Decision::Write(write) = world.decide(Some(&original), Some(&replica)) else {
        panic!("no write")
    };
    let set: Vec<_> = write.set_tags.keys().map(String::as_str).collect();
    assert_eq!((set, write.remove_tags), (vec!["changes", "comes"], vec!["goes".to_owned()]));
}

#[test]
fn opt_outs_and_filters_leave_an_item_unchanged() {
    let mut world = World::new();
    let tagged = |value| observed(parameter("/a"), &[(EXCLUDE_TAG, value)]);
    assert_eq!(
        world.decide(Some(&tagged("exclude")), None),
        Decision::Leave(OutcomeKind::Excluded)
    );
    assert!(
        matches!(world.decide(Some(&tagged("excluded")), None), Decision::Refuse(c) if c.kind == FailureKind::Invalid)
    );
    let original = observed(parameter("/a"), &[]);
    let replica = world.replica_of(&original);
    world.names = NameFilter::new([], ["/a"]).expect("a glob");
    assert_eq!(
        world.decide(Some(&original), Some(&replica)),
        Decision::Leave(OutcomeKind::OutOfScope)
    );
    assert_eq!(world.decide(None, Some(&replica)), Decision::Leave(OutcomeKind::OutOfScope));
}

#[test]
fn the_tag_remove_removes_only_what_the_hub_owns() {
    let mut world = World::new();
    let original = observed(parameter("/a"), &[(EXCLUDE_TAG, "Remove")]);
    let replica = world.replica_of(&original);
    let excluded = Decision::Leave(OutcomeKind::Excluded);
    assert_eq!(world.decide(Some(&original), None), excluded);
    let decide = |replica: &Observed| world.decide(Some(&original), Some(replica));
    assert_eq!(removal(&decide(&replica)), (Disposal::Delete, Reason::RemoveTag));
    assert_eq!(removal(&decide(&proving(&replica, " adopted=1"))).0, Disposal::Release);
    // A replica without provenance is first taken over.
    let taken = because(&decide(&without(&replica, &[PROVENANCE_KEY])));
    assert_eq!(taken, (Change::Update, vec![Reason::Provenance]));
    assert_eq!(decide(&without(&replica, &[MARK_KEY])), excluded);
    // A replica that another writer changed is reported and not deleted.
    let changed = later(&replica, &[(PERSON, None)]);
    assert_eq!(world.class(Some(&original), &changed), ConflictClass::ChangedInTarget);
    // The tag needs no grace period.
    world.deletes.keep_until = Some(NOW);
    assert_eq!(removal(&world.decide(Some(&original), Some(&replica))).0, Disposal::Delete);
    // Beyond the day's allowance the replica waits until its tombstone is due.
    let waits =
        proving(&replica, &format!(" gone={} by=event", NOW.plus(Duration::from_millis(1))));
    let due = NOW.plus(Duration::from_millis(1));
    assert_eq!(world.decide(Some(&original), Some(&waits)), Decision::Wait(due));
    let due = proving(&replica, &format!(" gone={NOW} by=event"));
    assert_eq!(removal(&world.decide(Some(&original), Some(&due))).0, Disposal::DeleteDue);
    world.deletes.never = true;
    let held = Decision::Leave(OutcomeKind::Held);
    assert_eq!(world.decide(Some(&original), Some(&replica)), held);
}

/// A policy by which a parameter is deleted at this time.
pub(super) fn expiring(at: Timestamp) -> Policies {
    let policy = format!(r#"{{"Type":"Expiration","Attributes":{{"Timestamp":"{at}"}}}}"#);
    Policies::new([(policy.as_str(), false)])
}

/// An attribute and a change of it.
pub(super) type Difference = (&'static str, fn(&mut Observed));

#[test]
fn an_attribute_that_aws_cannot_change_is_recreated_only_if_the_hub_owns_the_replica() {
    type Edit = fn(&mut Observed);
    let world = World::new();
    let original = observed(parameter("/a"), &[]);
    let replica = world.replica_of(&original);
    let changes: [(Reason, Edit); 2] = [
        (Reason::Type, |o| o.parameter.value_type = ValueType::StringList),
        (Reason::DataType, |o| o.parameter.data_type = "aws:ssm:integration".into()),
    ];
    for (what, change) in changes {
        let mut changed = original.clone();
        change(&mut changed);
        let decide = |replica| world.decide(Some(&changed), Some(replica));
        assert_eq!(because(&decide(&replica)), (Change::Recreate, vec![what]));
        let unproven = without(&replica, &[PROVENANCE_KEY]);
        assert!(
            matches!(decide(&unproven), Decision::Conflict(cause) if cause.message.contains("only a deletion changes"))
        );
        let mut foreign = without(&replica, &[PROVENANCE_KEY, MARK_KEY]);
        foreign.parameter.writer = Some(PERSON.into());
        assert!(matches!(decide(&foreign), Decision::Conflict(_)));
    }
}

#[test]
fn policies_follow_the_source_and_an_expired_source_has_no_replica() {
    let world = World::new();
    let mut original = observed(parameter("/a"), &[]);
    let bare = world.replica_of(&original);
    let next_day = Timestamp::from_millis(NOW.millis() + 86_400_000);
    original.parameter.policies = expiring(next_day);
    let replica = world.replica_of(&original);
    assert_eq!(
        world.decide(Some(&original), Some(&replica)),
        Decision::InSync { tags_left_out: 0 }
    );
    let sent = |original: &Observed, replica: Option<&Observed>| match world
        .decide(Some(original), replica)
    {
        Decision::Write(write) => (write.because, write.policies_to_send),
        other => panic!("no write: {other:?}"),
    };
    let list = original.parameter.policies.to_send(&Policies::default(), NOW);
    assert_eq!(sent(&original, None), (vec![Reason::Missing], list.clone()));
    assert_eq!(sent(&original, Some(&bare)), (vec![Reason::Form], list));
    let none = observed(parameter("/a"), &[]);
    assert_eq!(sent(&none, Some(&replica)), (vec![Reason::Form], Some("[{}]".to_owned())));
    original.parameter.policies = expiring(NOW);
    let skipped = world.decide(Some(&original), None);
    let Decision::Skip(cause) = skipped else { panic!("{skipped:?}") };
    assert!(cause.message.contains("Expiration policy") && cause.remedy().contains("Expiration"));
}

#[test]
fn a_plan_shows_that_an_override_applies_and_never_its_value() {
    let world = World::new();
    let original = observed(parameter("/a"), &[("failover-replicator:value", "canary")]);
    let created = world.decide(Some(&original), None);
    assert_eq!(because(&created), (Change::Create, vec![Reason::Missing, Reason::Override]));
    let plain = world.replica_of(&observed(parameter("/a"), &[]));
    let updated = because(&world.decide(Some(&original), Some(&plain)));
    assert_eq!(updated, (Change::Update, vec![Reason::Form, Reason::Tags, Reason::Override]));
}

#[test]
fn an_advanced_replica_of_a_standard_source_stays_advanced() {
    let world = World::new();
    let original = observed(parameter("/a"), &[]);
    let mut replica = world.replica_of(&original);
    replica.parameter.tier = Tier::Advanced;
    assert_eq!(
        world.decide(Some(&original), Some(&replica)),
        Decision::InSync { tags_left_out: 0 }
    );
    let replica = later(&replica, &[(HUB, None)]);
    let Decision::Write(write) = world.decide(Some(&original), Some(&replica)) else {
        panic!("no write")
    };
    assert_eq!((write.tier, write.desired.tier), (Tier::Advanced, Tier::Standard));
    assert!(!write.tier_stays, "its source was standard already");
    let mut advanced = original.clone();
    advanced.parameter.tier = Tier::Advanced;
    let replica = world.replica_of(&advanced);
    let Decision::Write(write) = world.decide(Some(&original), Some(&replica)) else {
        panic!("no write")
    };
    assert!(write.tier_stays);
}

#[test]
fn without_trust_values_decide_and_a_second_pass_always_writes() {
    let mut world = World::new();
    let original = observed(parameter("/a"), &[]);
    let replica = world.replica_of(&original);
    world.parity = Parity::ByValue;
    let compared = |original: &Observed| match world.decide(Some(original), Some(&replica)) {
        Decision::Compare(write) => (write.because, write.renew_provenance),
        other => panic!("not compared: {other:?}"),
    };
    assert_eq!(compared(&original), (vec![], false));
    // If the values are equal, only provenance is renewed.
    let mut moved = original.clone();
    moved.parameter.version += 1;
    assert_eq!(compared(&moved), (vec![Reason::SourceVersion], true));
    // Different attributes are written together with the value.
    let mut described = original.clone();
    described.parameter.description = Some("d".into());
    assert_eq!(
        because(&world.decide(Some(&described), Some(&replica))),
        (Change::Update, vec![Reason::Description])
    );
    world.parity = Parity::Rewrite;
    assert_eq!(
        because(&world.decide(Some(&original), Some(&replica))),
        (Change::Update, vec![Reason::Moved])
    );
}

#[test]
fn a_second_pass_writes_all_tags_whatever_the_replica_shows() {
    let world = World { parity: Parity::Rewrite, ..World::new() };
    let original = observed(parameter("/a"), &[("team", "shop"), ("stage", "live")]);
    let mut replica = world.replica_of(&original);
    let set = |replica: &Observed| match world.decide(Some(&original), Some(replica)) {
        Decision::Write(write) => (write.set_tags, write.remove_tags),
        other => panic!("not written: {other:?}"),
    };
    assert_eq!(set(&replica), (original.tags.clone(), vec![]));
    replica.tags.insert("stage".into(), "test".into());
    replica.tags.insert("owner".into(), "ann".into());
    assert_eq!(set(&replica), (original.tags.clone(), vec!["owner".to_owned()]));
}

#[test]
fn a_permanent_refusal_is_repeated_only_for_a_new_version_or_form_or_by_an_operator() {
    let mut world = World::new();
    let mut original = observed(parameter("/a"), &[("team", "x")]);
    let mut replica = world.replica_of(&original);
    original.parameter.value_type = ValueType::StringList;
    original.parameter.version = 7;
    let form = desired(&original, None, &world.keys, &world.source, &world.target)
        .expect("can be replicated")
        .form;
    let recreated = (Change::Recreate, vec![Reason::Type]);
    assert_eq!(because(&world.decide(Some(&original), Some(&replica))), recreated);
    replica = proving(&replica, &format!(" refused=7/{form}"));
    for parity in [Parity::ByProvenance, Parity::ByValue, Parity::Rewrite] {
        world.parity = parity;
        // Nothing is written and nothing counts as equal, even if tags differ.
        original.tags.insert("team".to_owned(), "y".to_owned());
        let Decision::Keep(cause) = world.decide(Some(&original), Some(&replica)) else {
            panic!("it is tried again by {parity:?}");
        };
        assert_eq!(cause.kind, FailureKind::Invalid);
        for words in ["the type", "us-east-1", "the source's version 3,"] {
            assert!(cause.message.contains(words), "{}", cause.message);
        }
        assert!(cause.remedy().contains("hubctl invoke"), "{}", cause.remedy());
    }
    world.parity = Parity::ByProvenance;
    let tried = |world: &World, original: &Observed, replica: &Observed| {
        because(&world.decide(Some(original), Some(replica)))
    };
    let mut moved = original.clone();
    moved.parameter.version = 8;
    assert_eq!(tried(&world, &moved, &replica), recreated);
    moved = original.clone();
    moved.parameter.description = Some("another form".into());
    assert_eq!(tried(&world, &moved, &replica), recreated);
    world.retry_refused = true;
    assert_eq!(tried(&world, &original, &replica), recreated);
    world.retry_refused = false;
    // The source has its old type again, so the refused change is not needed.
    moved = original.clone();
    moved.parameter.value_type = ValueType::String;
    assert_eq!(tried(&world, &moved, &replica).0, Change::Update);
    // A version of another writer decides first.
    let changed = later(&replica, &[(PERSON, None)]);
    assert_eq!(world.class(Some(&original), &changed), ConflictClass::ChangedInTarget);
}
