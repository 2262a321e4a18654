//! The decisions over random worlds.

use proptest::prelude::*;

use super::*;

fn any_tags() -> impl Strategy<Value = Tags> {
    let key = prop_oneof![
        Just("team".to_owned()),
        Just("aws:stack".to_owned()),
        Just(MARK_KEY.to_owned()),
        Just(EXCLUDE_TAG.to_owned()),
    ];
    let provenance = (prop_oneof![Just("us-east-2"), Just("eu-west-1")], 1_i64..4).prop_map(
        |(from, replica)| {
            let provenance = Provenance {
                region: region(from),
                source: parameter("/a").version(),
                replica,
                written: Some(parameter("/a").modified),
                form: Form(7),
                adopted: false,
                gone: None,
            };
            (PROVENANCE_KEY.to_owned(), provenance.to_string())
        },
    );
    let value = prop_oneof![
        Just(MARK_VALUE.to_owned()),
        Just("exclude".to_owned()),
        Just("remove".to_owned()),
        Just("x".to_owned())
    ];
    (proptest::collection::vec((key, value), 0..4), proptest::option::of(provenance))
        .prop_map(|(tags, provenance)| tags.into_iter().chain(provenance).collect())
}

fn any_observed() -> impl Strategy<Value = Observed> {
    (1_i64..4, any::<bool>(), 0_u8..3, any::<bool>(), any_tags()).prop_map(
        |(version, by_spoke, kind, described, tags)| {
            let mut parameter = parameter("/a");
            parameter.version = version;
            parameter.written_by_spoke = by_spoke;
            parameter.value_type =
                [ValueType::String, ValueType::StringList, ValueType::SecureString]
                    [usize::from(kind)];
            parameter.key = (kind == 2).then(|| "alias/x".into());
            parameter.description = described.then(|| "d".into());
            Observed { parameter, tags }
        },
    )
}

proptest! {
    #[test]
    fn what_is_not_ours_is_never_a_steps_target(
        original in proptest::option::of(any_observed()), replica in any_observed(), only_route: bool, adopt: bool, take: bool,
        parity in prop_oneof![Just(Parity::ByProvenance), Just(Parity::ByValue), Just(Parity::Rewrite)],
    ) {
        let world = World { only_route, parity, adopt, take, ..World::new() };
        let case = world.case(original.as_ref(), Some(&replica));
        let holder = holder(case);
        let decision = decide(case, world.policy());
        match &decision {
            Decision::Write(write) | Decision::Compare(write) => {
                prop_assert!(!matches!(holder, Holder::Another(_)));
                if holder.objection().is_some() {
                    prop_assert!(take || adopt && write.adopts() && holder == Holder::Unmarked);
                }
                prop_assert!(!write.adopts() || adopt && write.change == Change::Retag);
            }
            Decision::Remove(_) => {
                let proven = is_marked(&replica.tags) && Provenance::of(&replica.tags).is_some_and(|p| p.region == world.source);
                prop_assert!(proven && original.as_ref().is_none_or(|original| wants_removal(&original.tags)));
            }
            _ => {}
        }
        if original.as_ref().is_some_and(|original| is_marked(&original.tags)) {
            prop_assert!(!matches!(decision, Decision::Write(_) | Decision::Compare(_)));
        }
    }

    #[test]
    fn the_plan_after_an_apply_is_empty(original in any_observed(), replica in proptest::option::of(any_observed())) {
        let world = World::new();
        let (Decision::Write(write) | Decision::Compare(write)) = world.decide(Some(&original), replica.as_ref()) else {
            return Ok(());
        };
        // Applied: what the target shows after exactly the writes that the decision asks for.
        let mut applied = replica.unwrap_or_else(|| observed(parameter("/a"), &[]));
        for key in &write.remove_tags {
            applied.tags.remove(key);
        }
        applied.tags.extend(write.set_tags.clone());
        let desired = write.desired;
        let anew = matches!(write.change, Change::Create | Change::Recreate);
        if write.change == Change::Retag && desired.value_type != applied.parameter.value_type {
            // It was not proved ours before this, and is recreated at the next look.
            return Ok(());
        }
        if anew {
            applied.tags = desired.tags.clone();
            applied.tags.insert(MARK_KEY.into(), MARK_VALUE.into());
        }
        applied.parameter = Parameter {
            version: applied.parameter.version + 1,
            modified: Timestamp::from_millis(1_800_000_000_000),
            value_type: desired.value_type,
            description: desired.description.clone(),
            key: desired.key.clone().map(Into::into),
            tier: write.tier,
            ..applied.parameter
        };
        if write.because == ["tags"] {
            let named = Provenance::of(&applied.tags).expect("an owned replica");
            applied.parameter.version = named.replica;
            applied.parameter.modified = named.written.expect("a date");
        } else {
            let provenance = Provenance {
                region: world.source.clone(),
                source: original.parameter.version(),
                replica: applied.parameter.version,
                written: Some(applied.parameter.modified),
                form: desired.form,
                adopted: write.adopted,
                gone: None,
            };
            applied.tags.insert(PROVENANCE_KEY.into(), provenance.to_string());
        }
        let next = world.decide(Some(&original), Some(&applied));
        // What was not proved ours yet goes only at this look.
        if wants_removal(&original.tags) {
            prop_assert!(matches!(next, Decision::Remove(_)), "{:?}", next);
        } else {
            prop_assert_eq!(next, Decision::InSync { tags_left_out: 0 });
        }
    }
}
