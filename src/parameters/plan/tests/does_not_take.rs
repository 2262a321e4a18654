//! A difference that remains after the hub wrote it is reported and not written again.

use super::*;
use crate::parameters::model::{INTEGRATION, TEXT};

/// A change of what AWS shows.
type Changed = fn(&mut Parameter);

/// A source and a replica that does not show what the hub wrote.
fn shown_otherwise(change: Changed) -> (World, Observed, Observed) {
    let world = World::new();
    let mut original = observed(parameter("/a"), &[("team", "x")]);
    original.parameter.value_type = ValueType::SecureString;
    original.parameter.description = Some("words".into());
    let mut replica = world.replica_of(&original);
    change(&mut replica.parameter);
    (world, original, replica)
}

fn reported(decision: Decision) -> Cause {
    match decision {
        Decision::Conflict(cause) => {
            assert_eq!(cause.class, Some(ConflictClass::DoesNotTake));
            cause
        }
        other => panic!("no conflict: {other:?}"),
    }
}

#[test]
fn a_step_whose_reason_is_still_there_is_reported_with_the_reason_and_a_remedy() {
    let changes: [(&str, Changed); 6] = [
        ("type", |p| p.value_type = ValueType::String),
        ("data type", |p| p.data_type = INTEGRATION.into()),
        ("data type", |p| p.data_type = "json".into()),
        ("description", |p| p.description = None),
        ("pattern", |p| p.pattern = Some("^a$".into())),
        ("policies", |p| p.policies = Policies::new([(r#"{"Type":"x"}"#, false)])),
    ];
    for (reason, change) in changes {
        let (mut world, original, replica) = shown_otherwise(change);
        for parity in [Parity::ByProvenance, Parity::ByValue] {
            world.parity = parity;
            let cause = reported(world.decide(Some(&original), Some(&replica)));
            assert!(cause.message.contains(reason), "{reason}: {}", cause.message);
            assert!(cause.remedy().contains("hubctl invoke"), "{}", cause.remedy());
        }
    }
}

#[test]
fn it_is_tried_again_for_a_new_version_another_form_or_a_person() {
    let changes: [Changed; 2] =
        [|p| p.data_type = INTEGRATION.into(), |p| p.description = Some("other".into())];
    for change in changes {
        let (mut world, mut original, replica) = shown_otherwise(change);
        let is_written = |world: &World, original: &Observed| {
            matches!(world.decide(Some(original), Some(&replica)), Decision::Write(_))
        };
        assert!(!is_written(&world, &original));
        world.retry_refused = true;
        assert!(is_written(&world, &original), "a person named it");
        world.retry_refused = false;
        original.parameter.pattern = Some("^.*$".into());
        assert!(is_written(&world, &original), "another form");
        original.parameter.pattern = None;
        original.parameter.version += 1;
        assert!(is_written(&world, &original), "a new version");
    }
}

#[test]
fn an_interrupted_write_is_repeated() {
    let (world, original, mut replica) = shown_otherwise(|p| p.description = None);
    let named = replica.tags[PROVENANCE_KEY].clone();
    // The process died between the value and the provenance.
    let unfinished = named.replace(" replica=1 ", " replica=0 ");
    assert_ne!(unfinished, named);
    replica.tags.insert(PROVENANCE_KEY.into(), unfinished);
    let replica = later(&replica, &[(HUB, None)]);
    let (change, _) = because(&world.decide(Some(&original), Some(&replica)));
    assert_eq!(change, Change::Update);
}

#[test]
fn different_names_of_a_key_and_spellings_of_policies_are_no_difference() {
    let world = World::new();
    let mut original = observed(parameter("/a"), &[]);
    original.parameter.value_type = ValueType::SecureString;
    original.parameter.key = Some("mrk-1234".into());
    original.parameter.policies = Policies::new([(r#"{"Type":"x","Version":"1"}"#, false)]);
    let mut replica = world.replica_of(&original);
    replica.parameter.policies = Policies::new([(r#"{ "Version":"1", "Type":"x" }"#, false)]);
    for key in ["arn:aws:kms:us-east-1:111122223333:key/mrk-1234", "alias/by-name"] {
        replica.parameter.key = Some(key.into());
        let decision = world.decide(Some(&original), Some(&replica));
        assert_eq!(decision, Decision::InSync { tags_left_out: 0 }, "{key}");
    }
    replica.parameter.key = Some("mrk-5678".into());
    assert!(reported(world.decide(Some(&original), Some(&replica))).message.contains("key"));
}

#[test]
fn new_tags_are_written_although_an_attribute_does_not_take() {
    let (world, mut original, replica) = shown_otherwise(|p| p.description = None);
    original.tags.insert("team".into(), "y".into());
    let decided = because(&world.decide(Some(&original), Some(&replica)));
    assert_eq!(decided, (Change::Retag, vec![Reason::Tags]));
}

/// The replica after the planned retag.
fn retagged(decision: Decision, replica: &Observed) -> Observed {
    let Decision::Write(write) = decision else { panic!("no write: {decision:?}") };
    let mut replica = replica.clone();
    for key in &write.remove_tags {
        replica.tags.remove(key);
    }
    replica.tags.extend(write.set_tags);
    let provenance = write.provenance.expect("a retag writes it");
    replica.tags.insert(PROVENANCE_KEY.into(), provenance.to_string());
    replica
}

#[test]
fn a_difference_in_tags_is_corrected_once_for_the_same_tags_of_the_source() {
    let world = World::new();
    let mut original = observed(parameter("/a"), &[("team", "x")]);
    let in_sync = Decision::InSync { tags_left_out: 0 };
    let strange = |replica: &Observed| {
        let mut replica = replica.clone();
        replica.tags.insert("team".into(), "theirs".into());
        replica
    };
    let right = world.replica_of(&original);
    let right = retagged(world.decide(Some(&original), Some(&strange(&right))), &strange(&right));
    assert_eq!(world.decide(Some(&original), Some(&right)), in_sync);
    reported(world.decide(Some(&original), Some(&strange(&right))));
    // New tags of the source are written and may be corrected once again.
    original.tags.insert("team".into(), "y".into());
    let right = retagged(world.decide(Some(&original), Some(&strange(&right))), &strange(&right));
    assert_eq!(world.decide(Some(&original), Some(&right)), in_sync);
    let again = world.decide(Some(&original), Some(&strange(&right)));
    assert_eq!(because(&again), (Change::Retag, vec![Reason::Tags]));
}

#[test]
fn a_data_type_is_sent_only_where_it_is_needed() {
    use super::super::desired::{self, data_type_to_send};
    let sent = |value_type, data_type: &str, held: &str| {
        let mut parameter = parameter("/a");
        parameter.value_type = value_type;
        parameter.data_type = data_type.into();
        let desired = desired::Desired::like(&parameter);
        data_type_to_send(&desired, held).map(String::from)
    };
    let (string, list, secure) =
        (ValueType::String, ValueType::StringList, ValueType::SecureString);
    assert_eq!(sent(string, TEXT, TEXT).as_deref(), Some(TEXT));
    for kind in [list, secure] {
        assert_eq!(sent(kind, TEXT, TEXT), None, "some partitions refuse it");
        assert_eq!(sent(kind, "integer", TEXT).as_deref(), Some("integer"));
        assert_eq!(sent(kind, "integer", "integer").as_deref(), Some("integer"));
        assert_eq!(sent(kind, TEXT, "integer").as_deref(), Some(TEXT), "left out it would stay");
    }
    assert_eq!(sent(secure, INTEGRATION, TEXT).as_deref(), Some(INTEGRATION));
}

#[test]
fn a_replica_of_an_earlier_release_that_sent_no_data_type_is_written_once_more() {
    let world = World::new();
    let mut original = observed(parameter("/a"), &[]);
    original.parameter.value_type = ValueType::SecureString;
    original.parameter.data_type = INTEGRATION.into();
    let mut replica = world.replica_of(&original);
    replica.parameter.data_type = TEXT.into();
    // The hash of that release did not include the data type.
    let provenance = Provenance::of(&replica.tags).expect("readable");
    let early = Provenance { form: Fingerprint(1), ..provenance };
    replica.tags.insert(PROVENANCE_KEY.into(), early.to_string());
    let decided = because(&world.decide(Some(&original), Some(&replica)));
    assert_eq!(decided, (Change::Recreate, vec![Reason::DataType]));
}
