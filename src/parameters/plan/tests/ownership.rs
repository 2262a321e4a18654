//! Who holds the name in the target, and what is done where that is not the hub.

use super::*;

/// A parameter of another writer with the tags of a replica of `original` except `less`.
fn by_person(world: &World, original: &Observed, less: &[&str]) -> Observed {
    let mut held = without(&world.replica_of(original), less);
    held.parameter.writer = Some(PERSON.into());
    held
}

const BOTH: [&str; 2] = [MARK_KEY, PROVENANCE_KEY];

#[test]
fn only_tags_and_the_last_writer_together_make_a_replica_owned() {
    let world = World::new();
    let original = observed(parameter("/a"), &[]);
    let replica = world.replica_of(&original);
    let mut of_another = replica.clone();
    let text = replica.tags[PROVENANCE_KEY].replace("us-east-2", "eu-west-1");
    of_another.tags.insert(PROVENANCE_KEY.into(), text);
    let unreadable = without(&proving(&replica, " version=13"), &[MARK_KEY]);
    let mut elsewhere = replica.clone();
    elsewhere.parameter.name = crate::domain::ParameterName::new("/copy");
    for (held, class) in [
        (without(&replica, &[MARK_KEY]), ConflictClass::Released),
        (unreadable, ConflictClass::Released),
        (by_person(&world, &original, &BOTH), ConflictClass::Unmarked),
        (of_another, ConflictClass::OtherRoute),
        (by_person(&world, &original, &[]), ConflictClass::Claimed),
        (elsewhere, ConflictClass::Claimed),
        (later(&replica, &[(PERSON, None)]), ConflictClass::ChangedInTarget),
        (later(&replica, &[(PERSON, None), (HUB, None)]), ConflictClass::WrittenOver),
        (by_person(&world, &original, &[PROVENANCE_KEY]), ConflictClass::MarkOnly),
        (without(&replica, &BOTH), ConflictClass::UntaggedCreate),
    ] {
        assert_eq!(world.class(Some(&original), &held), class);
        // The hub deletes none of them when the source is gone.
        assert!(!matches!(world.decide(None, Some(&held)), Decision::Remove(_)), "{class}");
    }
    assert_eq!(
        world.decide(Some(&original), Some(&replica)),
        Decision::InSync { tags_left_out: 0 }
    );
}

#[test]
fn the_history_is_needed_if_provenance_does_not_name_the_present_version() {
    let world = World::new();
    let original = observed(parameter("/a"), &[]);
    let mut replica = world.replica_of(&original);
    replica.parameter.version = 2;
    for original in [Some(&original), None] {
        assert_eq!(world.decide(original, Some(&replica)), Decision::ReadHistory);
    }
    let known = later(&world.replica_of(&original), &[(HUB, None)]);
    let update = because(&world.decide(Some(&original), Some(&known)));
    assert_eq!(update, (Change::Update, vec![Reason::ReplicaVersion]));
    assert!(matches!(world.decide(None, Some(&known)), Decision::Remove(_)));
}

#[test]
fn only_the_first_route_reports_leftovers_without_a_source() {
    let original = observed(parameter("/a"), &[]);
    let first = World::with_routes("us-east-2=us-east-1;eu-west-1=us-east-1");
    let second = World {
        source: region("eu-west-1"),
        ..World::with_routes("us-east-2=us-east-1;eu-west-1=us-east-1")
    };
    let marked = by_person(&first, &original, &[PROVENANCE_KEY]);
    assert_eq!(first.class(None, &marked), ConflictClass::Ambiguous);
    assert_eq!(second.decide(None, Some(&marked)), Decision::Nothing);
    let untagged = without(&first.replica_of(&original), &BOTH);
    assert_eq!(first.class(None, &untagged), ConflictClass::UntaggedCreate);
    assert_eq!(second.decide(None, Some(&untagged)), Decision::Nothing);
    // The replica of a configured route is left to that route; the replica of a removed route is out of scope.
    let of_first = first.replica_of(&original);
    assert_eq!(second.decide(None, Some(&of_first)), Decision::Nothing);
    let alone = World { source: region("eu-west-1"), ..World::with_routes("eu-west-1=us-east-1") };
    let out_of_scope = Decision::Leave(OutcomeKind::OutOfScope);
    assert_eq!(alone.decide(None, Some(&of_first)), out_of_scope);
    assert_eq!(alone.class(Some(&original), &of_first), ConflictClass::OtherRoute);
}

#[test]
fn a_covered_version_is_named_whatever_the_source_asks_for() {
    let mut world = World::new();
    let original = observed(parameter("/a"), &[]);
    let covered = later(&world.replica_of(&original), &[(PERSON, None), (HUB, None)]);
    let excluded = observed(parameter("/a"), &[(EXCLUDE_TAG, "exclude")]);
    let removed = observed(parameter("/a"), &[(EXCLUDE_TAG, "remove")]);
    for original in [Some(&original), Some(&excluded), Some(&removed), None] {
        match world.decide(original, Some(&covered)) {
            Decision::Conflict(cause) => {
                assert_eq!(cause.class, Some(ConflictClass::WrittenOver));
                assert!(cause.message.contains("version 2 in us-east-1"), "{}", cause.message);
                assert!(cause.remedy().contains("hubctl resolve /a"), "{}", cause.remedy());
            }
            other => panic!("not reported: {other:?}"),
        }
    }
    let same = later(&world.replica_of(&original), &[(PERSON, Some(true)), (HUB, None)]);
    let update = because(&world.decide(Some(&original), Some(&same)));
    assert_eq!(update, (Change::Update, vec![Reason::ReplicaVersion]), "the same value is no loss");
    world.take = true;
    assert!(matches!(world.decide(Some(&original), Some(&covered)), Decision::Write(_)));
}

#[test]
fn the_predecessors_replica_is_taken_over_only_if_its_role_is_trusted_and_one_route_leads_there() {
    const PREDECESSOR: &str = "arn:aws:sts::111122223333:assumed-role/old-replicator/s";
    let original = observed(parameter("/a"), &[]);
    let mut world = World::new();
    let mut marked = by_person(&world, &original, &[PROVENANCE_KEY]);
    marked.parameter.writer = Some(PREDECESSOR.into());
    assert_eq!(world.class(Some(&original), &marked), ConflictClass::MarkOnly);
    let trusted = ["old-replicator".to_owned()].into();
    world.writers.trusted = crate::domain::TrustedWriters::Roles(trusted);
    let Decision::Write(write) = world.decide(Some(&original), Some(&marked)) else {
        panic!("not written")
    };
    assert_eq!((write.change, write.claim), (Change::Update, Some(Claim::TakeOver)));
    assert_eq!(write.mark_timing, MarkTiming::Never, "it is marked already");
    assert_eq!(world.class(None, &marked), ConflictClass::MarkOnly);
    let writers = world.writers.clone();
    let two = World { writers, ..World::with_routes("us-east-2=us-east-1;eu-west-1=us-east-1") };
    assert_eq!(two.class(Some(&original), &marked), ConflictClass::Ambiguous);
}

#[test]
fn a_replica_that_depends_on_a_trusted_writer_is_in_sync_until_it_is_taken_over() {
    const FORMER: &str = "arn:aws:sts::111122223333:assumed-role/former-spoke/s";
    let original = observed(parameter("/a"), &[]);
    let mut world = World::new();
    let mut replica = world.replica_of(&original);
    replica.parameter.writer = Some(FORMER.into());
    assert_eq!(world.class(Some(&original), &replica), ConflictClass::Claimed);
    let trusted = ["former-spoke".to_owned()].into();
    world.writers.trusted = crate::domain::TrustedWriters::Roles(trusted);
    assert_eq!(
        world.decide(Some(&original), Some(&replica)),
        Decision::InSync { tags_left_out: 0 }
    );
    let newer = later(&replica, &[(FORMER, None)]);
    assert_eq!(world.class(Some(&original), &newer), ConflictClass::ChangedInTarget);
    world.take_over = true;
    let update = because(&world.decide(Some(&original), Some(&replica)));
    assert_eq!(update, (Change::Update, vec![Reason::TakenOver]));
}

#[test]
fn a_create_without_tags_gets_its_tags_within_an_hour_and_is_never_a_source() {
    let world = World::new();
    let original = observed(parameter("/a"), &[]);
    let mut bare = without(&world.replica_of(&original), &BOTH);
    let at = |hours: i64| Timestamp::from_millis(NOW.millis() - hours * 3_600_000);
    bare.parameter.modified = at(0);
    let Decision::Compare(write) = world.decide(Some(&original), Some(&bare)) else {
        panic!("not compared")
    };
    assert_eq!((write.change, write.mark_timing), (Change::Retag, MarkTiming::BeforeWrite));
    assert_eq!(world.class(None, &bare), ConflictClass::UntaggedCreate);
    match world.decide(Some(&bare), None) {
        Decision::Refuse(cause) => assert_eq!(cause.class, Some(ConflictClass::UntaggedCreate)),
        other => panic!("a source: {other:?}"),
    }
    bare.parameter.modified = at(1);
    assert_eq!(world.class(Some(&original), &bare), ConflictClass::UntaggedCreate);
    // The owner declared it released: it is a source and no replica.
    bare.tags.insert(EXCLUDE_TAG.into(), "Released".into());
    assert_eq!(because(&world.decide(Some(&bare), None)).0, Change::Create);
    assert_eq!(world.class(Some(&original), &bare), ConflictClass::Released);
    assert_eq!(world.decide(None, Some(&bare)), Decision::Nothing);
}

#[test]
fn a_marked_source_is_skipped_only_as_the_replica_of_a_route_that_leads_there() {
    let world = World::with_routes("us-east-2=us-east-1;us-east-1=us-east-2");
    let back = World {
        source: region("us-east-1"),
        target: region("us-east-2"),
        ..World::with_routes("us-east-2=us-east-1;us-east-1=us-east-2")
    };
    let of_the_opposite = back.replica_of(&observed(parameter("/a"), &[]));
    let skipped = Decision::Leave(OutcomeKind::Skipped);
    assert_eq!(world.decide(Some(&of_the_opposite), None), skipped);
    let mut copied = of_the_opposite.clone();
    copied.parameter.name = crate::domain::ParameterName::new("/copy");
    let bare = observed(parameter("/a"), &[(MARK_KEY, MARK_VALUE)]);
    let one_way = World::new();
    for (world, original) in [(&world, &copied), (&world, &bare), (&one_way, &of_the_opposite)] {
        match world.decide(Some(original), None) {
            Decision::Refuse(cause) => {
                assert_eq!(cause.class, Some(ConflictClass::MarkedSource));
                assert!(
                    cause
                        .message
                        .contains("carries the mark of a replica, so it is not replicated")
                );
            }
            other => panic!("not refused: {other:?}"),
        }
    }
}

#[test]
fn a_change_in_the_target_is_restored_once_with_the_setting() {
    let mut world = World::new();
    let original = observed(parameter("/a"), &[]);
    let replica = world.replica_of(&original);
    let changed = later(&replica, &[(PERSON, None)]);
    assert_eq!(world.class(Some(&original), &changed), ConflictClass::ChangedInTarget);
    world.restore = true;
    let Decision::Write(write) = world.decide(Some(&original), Some(&changed)) else {
        panic!("not written")
    };
    assert_eq!((write.change, write.claim), (Change::Update, Some(Claim::Restore)));
    assert_eq!(write.class, Some(ConflictClass::ChangedInTarget));
    // Restored as version 3, and changed again.
    let mut again = later(&replica, &[(PERSON, None), (HUB, None), (PERSON, None)]);
    let restored = again.history.as_ref().expect("a history")[2].version;
    let provenance = Provenance {
        replica: restored.number,
        written: Some(restored.modified),
        ..Provenance::of(&replica.tags).expect("provenance")
    };
    again.tags.insert(PROVENANCE_KEY.into(), provenance.to_string());
    assert_eq!(world.class(Some(&original), &again), ConflictClass::DoesNotTake);
    // An adopted parameter is not restored, and nothing is restored without a source.
    let adopted = later(&proving(&replica, " adopted=1"), &[(PERSON, None)]);
    assert_eq!(world.class(Some(&original), &adopted), ConflictClass::ChangedInTarget);
    assert_eq!(world.class(None, &changed), ConflictClass::ChangedInTarget);
}

#[test]
fn only_an_equal_parameter_without_tags_is_adopted_and_only_with_the_setting() {
    let mut world = World::new();
    let original = observed(parameter("/a"), &[("team", "x")]);
    let theirs = by_person(&world, &original, &BOTH);
    assert_eq!(world.class(Some(&original), &theirs), ConflictClass::Unmarked);
    world.adopt = true;
    let Decision::Compare(write) = world.decide(Some(&original), Some(&theirs)) else {
        panic!("not compared")
    };
    assert_eq!((write.change, write.adopts(), write.adopted), (Change::Update, true, true));
    assert_eq!((write.mark_timing, write.set_tags), (MarkTiming::WithProvenance, Tags::new()));
    let changes: [cases::Difference; 6] = [
        ("type", |o| o.parameter.value_type = ValueType::StringList),
        ("data type", |o| o.parameter.data_type = "aws:ssm:integration".into()),
        ("description", |o| o.parameter.description = Some("theirs".into())),
        ("pattern", |o| o.parameter.pattern = Some("[a-z]+".into())),
        ("policies", |o| o.parameter.policies = cases::expiring(NOW)),
        ("tags", |o| drop(o.tags.insert("team".into(), "y".into()))),
    ];
    for (what, change) in changes {
        let mut different = theirs.clone();
        change(&mut different);
        let Decision::Conflict(cause) = world.decide(Some(&original), Some(&different)) else {
            panic!("{what}: no conflict")
        };
        assert!(cause.message.ends_with(&format!("different {what}")), "{}", cause.message);
    }
    let released = without(&world.replica_of(&original), &[MARK_KEY]);
    assert_eq!(world.class(Some(&original), &released), ConflictClass::Released);
    let back =
        World { adopt: true, ..World::with_routes("us-east-2=us-east-1;us-east-1=us-east-2") };
    match back.decide(Some(&original), Some(&theirs)) {
        Decision::Conflict(cause) => {
            assert!(cause.message.contains("a route leads from us-east-1 back to us-east-2"));
        }
        other => panic!("adopted: {other:?}"),
    }
}

#[test]
fn a_parameter_of_a_lower_tier_or_another_key_is_not_adopted_and_one_of_a_higher_tier_is() {
    let world = World { adopt: true, ..World::new() };
    let decide = |original: &Observed, change: fn(&mut Observed)| {
        let mut theirs = by_person(&world, original, &BOTH);
        change(&mut theirs);
        world.decide(Some(original), Some(&theirs))
    };
    let differs = |decision: Decision, what: &str| match decision {
        Decision::Conflict(cause) => assert!(cause.message.ends_with(what), "{}", cause.message),
        other => panic!("no conflict: {other:?}"),
    };
    let plain = observed(parameter("/a"), &[]);
    let mut secure = plain.clone();
    secure.parameter.value_type = ValueType::SecureString;
    secure.parameter.key = Some("alias/shop".into());
    let mut advanced = secure.clone();
    advanced.parameter.tier = Tier::Advanced;
    for original in [&plain, &secure, &advanced] {
        assert!(matches!(decide(original, |_| {}), Decision::Compare(_)));
    }
    differs(decide(&secure, |o| o.parameter.key = Some("alias/aws/ssm".into())), "different key");
    differs(decide(&secure, |o| o.parameter.key = None), "different key");
    differs(decide(&advanced, |o| o.parameter.tier = Tier::Standard), "different tier");
    // AWS never turns a tier back, so an advanced replica of a standard source is equal.
    let Decision::Compare(write) = decide(&plain, |o| o.parameter.tier = Tier::Advanced) else {
        panic!("not compared")
    };
    assert_eq!(write.tier, Tier::Advanced);
}

#[test]
fn an_operator_may_take_over_everything_except_another_routes_replica() {
    let mut world = World::new();
    let original = observed(parameter("/a"), &[]);
    let replica = world.replica_of(&original);
    let held = [
        by_person(&world, &original, &BOTH),
        without(&replica, &[MARK_KEY]),
        by_person(&world, &original, &[]),
        by_person(&world, &original, &[PROVENANCE_KEY]),
        without(&replica, &BOTH),
        later(&replica, &[(PERSON, None)]),
        later(&replica, &[(PERSON, None), (HUB, None)]),
    ];
    let classes: Vec<_> =
        held.iter().map(|held| Some(world.class(Some(&original), held))).collect();
    world.take = true;
    for (held, class) in held.iter().zip(classes) {
        let Decision::Write(write) = world.decide(Some(&original), Some(held)) else {
            panic!("not written")
        };
        assert_eq!((write.change, write.claim), (Change::Update, Some(Claim::Take)));
        assert_eq!((write.mark_timing, write.class), (MarkTiming::BeforeWrite, class));
        assert_eq!(write.because, [Reason::Conflict]);
    }
    let mut another = replica.clone();
    let text = replica.tags[PROVENANCE_KEY].replace("us-east-2", "eu-west-1");
    another.tags.insert(PROVENANCE_KEY.into(), text);
    assert_eq!(world.class(Some(&original), &another), ConflictClass::OtherRoute);
}
