//! Who holds the name in the target, and what is done where that is somebody else.

use super::*;

#[test]
fn only_mark_and_provenance_together_make_a_replica_ours() {
    let world = World::new();
    let original = observed(parameter("/a"), &[]);
    let replica = world.replica_of(&original);
    let conflict = |replica: &Observed| match world.decide(Some(&original), Some(replica)) {
        Decision::Conflict(cause) => cause.message,
        other => panic!("no conflict: {other:?}"),
    };
    assert!(conflict(&without(&replica, &[MARK_KEY])).contains("taken off"));
    assert!(
        conflict(&without(&replica, &[MARK_KEY, PROVENANCE_KEY]))
            .contains("does not carry the mark")
    );
    let mut of_another = replica.clone();
    of_another.tags.insert(
        PROVENANCE_KEY.into(),
        replica.tags.get(PROVENANCE_KEY).expect("provenance").replace("us-east-2", "eu-west-1"),
    );
    assert!(conflict(&of_another).contains("eu-west-1"));
    // What is left of a released replica's provenance need not be readable.
    let unreadable = without(&proving(&replica, " colour=blue"), &[MARK_KEY]);
    assert!(conflict(&unreadable).contains("taken off"));
    // None of these is deleted when the source is gone.
    for held in [
        without(&replica, &[MARK_KEY]),
        without(&replica, &[MARK_KEY, PROVENANCE_KEY]),
        of_another,
        unreadable,
    ] {
        assert_eq!(world.decide(None, Some(&held)), Decision::Nothing);
    }
}

#[test]
fn the_predecessors_replica_is_compared_when_it_can_only_be_ours() {
    let mut world = World::new();
    let original = observed(parameter("/a"), &[]);
    let marked = without(&world.replica_of(&original), &[PROVENANCE_KEY]);
    let decision = world.decide(Some(&original), Some(&marked));
    assert!(matches!(&decision, Decision::Compare(write) if write.because == ["provenance"]));
    let mut described = original.clone();
    described.parameter.description = Some("new".into());
    assert_eq!(
        because(&world.decide(Some(&described), Some(&marked))),
        (Change::Update, vec!["provenance", "description"])
    );
    assert!(matches!(world.decide(None, Some(&marked)), Decision::Conflict(_)));
    world.only_route = false;
    assert!(matches!(world.decide(Some(&original), Some(&marked)), Decision::Conflict(_)));
    assert_eq!(world.decide(None, Some(&marked)), Decision::Nothing);
}

#[test]
fn a_create_of_ours_without_tags_is_marked_but_never_deleted() {
    let world = World::new();
    let original = observed(parameter("/a"), &[]);
    let mut bare = observed(parameter("/a"), &[]);
    bare.parameter.version = 1;
    assert!(matches!(world.decide(Some(&original), Some(&bare)), Decision::Conflict(_)));
    bare.parameter.written_by_spoke = true;
    let Decision::Compare(write) = world.decide(Some(&original), Some(&bare)) else {
        panic!("not compared")
    };
    assert_eq!(write.set_tags.get(MARK_KEY).map(String::as_str), Some(MARK_VALUE));
    assert_eq!(world.decide(None, Some(&bare)), Decision::Nothing);
    bare.parameter.version = 2;
    assert!(matches!(world.decide(Some(&original), Some(&bare)), Decision::Conflict(_)));
}

#[test]
fn only_an_equal_parameter_of_somebodys_is_adopted_and_only_if_the_setting_says_so() {
    let mut world = World::new();
    let original = observed(parameter("/a"), &[("team", "x")]);
    let theirs = without(&world.replica_of(&original), &[MARK_KEY, PROVENANCE_KEY]);
    assert!(matches!(world.decide(Some(&original), Some(&theirs)), Decision::Conflict(_)));
    world.adopt = true;
    let Decision::Compare(write) = world.decide(Some(&original), Some(&theirs)) else {
        panic!("not compared")
    };
    assert_eq!((write.change, write.adopts()), (Change::Retag, true));
    assert_eq!(write.set_tags, Tags::from([(MARK_KEY.into(), MARK_VALUE.into())]));
    let changes: [Difference; 6] = [
        ("type", |o| o.parameter.value_type = ValueType::StringList),
        ("data type", |o| o.parameter.data_type = "aws:ssm:integration".into()),
        ("description", |o| o.parameter.description = Some("theirs".into())),
        ("pattern", |o| o.parameter.pattern = Some("[a-z]+".into())),
        ("policies", |o| o.parameter.policies = expiring(NOW)),
        ("tags", |o| drop(o.tags.insert("team".into(), "y".into()))),
    ];
    for (what, change) in changes {
        let mut different = theirs.clone();
        change(&mut different);
        let Decision::Conflict(cause) = world.decide(Some(&original), Some(&different)) else {
            panic!("{what}: no conflict")
        };
        assert!(cause.message.ends_with(&format!("differs in its {what}")), "{}", cause.message);
    }
    let replica = world.replica_of(&original);
    for released in [&replica, &proving(&replica, " colour=blue")] {
        let released = without(released, &[MARK_KEY]);
        assert!(matches!(world.decide(Some(&original), Some(&released)), Decision::Conflict(_)));
    }
}

#[test]
fn a_parameter_of_a_lower_tier_or_another_key_is_not_adopted_and_one_of_a_higher_tier_is() {
    let world = World { adopt: true, ..World::new() };
    let decide = |original: &Observed, change: fn(&mut Observed)| {
        let mut theirs = without(&world.replica_of(original), &[MARK_KEY, PROVENANCE_KEY]);
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
    differs(decide(&secure, |o| o.parameter.key = Some("alias/aws/ssm".into())), "in its key");
    differs(decide(&secure, |o| o.parameter.key = None), "in its key");
    differs(decide(&advanced, |o| o.parameter.tier = Tier::Standard), "in its tier");
    // AWS turns no tier back, so that a replica may be advanced, too.
    let Decision::Compare(write) = decide(&plain, |o| o.parameter.tier = Tier::Advanced) else {
        panic!("not compared")
    };
    assert_eq!(write.tier, Tier::Advanced);
}

#[test]
fn a_person_may_take_what_is_in_the_way_but_for_another_routes_replica() {
    let mut world = World::new();
    let original = observed(parameter("/a"), &[]);
    let replica = world.replica_of(&original);
    world.take = true;
    let theirs = without(&replica, &[MARK_KEY, PROVENANCE_KEY]);
    for held in [&theirs, &without(&replica, &[MARK_KEY])] {
        let Decision::Compare(write) = world.decide(Some(&original), Some(held)) else {
            panic!("not compared")
        };
        assert_eq!(write.because, ["conflict"]);
        assert!(write.set_tags.contains_key(MARK_KEY) && !write.adopts());
    }
    let mut described = original.clone();
    described.parameter.description = Some("ours".into());
    let update = because(&world.decide(Some(&described), Some(&theirs)));
    assert_eq!(update, (Change::Update, vec!["conflict", "description"]));
    assert_eq!(world.decide(None, Some(&theirs)), Decision::Nothing);
    let mut another = replica.clone();
    let text = replica.tags[PROVENANCE_KEY].replace("us-east-2", "eu-west-1");
    another.tags.insert(PROVENANCE_KEY.into(), text);
    assert!(matches!(world.decide(Some(&original), Some(&another)), Decision::Conflict(_)));
}
