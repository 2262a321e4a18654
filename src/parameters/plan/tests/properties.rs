//! Properties of decisions over random worlds.

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
                form: Fingerprint(7),
                of: None,
                tags: None,
                adopted: false,
                refused: None,
                retagged: None,
                gone: None,
                unknown: String::new(),
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
            parameter.writer = by_spoke.then(|| HUB.into());
            parameter.value_type =
                [ValueType::String, ValueType::StringList, ValueType::SecureString]
                    [usize::from(kind)];
            parameter.key = (kind == 2).then(|| "alias/x".into());
            parameter.description = described.then(|| "d".into());
            Observed::new(parameter, tags)
        },
    )
}

fn with_any_history() -> impl Strategy<Value = Observed> {
    let writer = prop_oneof![Just(HUB), Just(PERSON)];
    (any_observed(), proptest::collection::vec((writer, proptest::option::of(any::<bool>())), 0..4))
        .prop_map(|(observed, versions)| later(&observed, &versions))
}

fn any_parity() -> impl Strategy<Value = Parity> {
    prop_oneof![Just(Parity::ByProvenance), Just(Parity::ByValue), Just(Parity::Rewrite)]
}

proptest! {
    #[test]
    fn only_an_allowed_claim_changes_what_the_hub_does_not_own(
        original in proptest::option::of(any_observed()),
        replica in prop_oneof![any_observed(), with_any_history()],
        several_routes: bool, adopt: bool, take: bool, restore: bool, take_over: bool,
        parity in any_parity(),
    ) {
        let routes = if several_routes { "us-east-2=us-east-1;eu-west-1=us-east-1" } else { "us-east-2=us-east-1" };
        let world = World { parity, adopt, take, restore, take_over, ..World::with_routes(routes) };
        let ownership = world.case(original.as_ref(), Some(&replica)).ownership(world.plan_policy());
        let decision = world.decide(original.as_ref(), Some(&replica));
        match &decision {
            Decision::Write(write) | Decision::Compare(write) => {
                prop_assert!(!matches!(ownership, Ownership::OtherRoute(_) | Ownership::NeedsHistory));
                let allowed = match write.claim {
                    None => matches!(ownership, Ownership::Owned { .. } | Ownership::UntaggedCreate { fresh: true }),
                    Some(Claim::Adopt) => adopt && ownership == Ownership::Unmarked,
                    Some(Claim::Take) => take && ownership.may_be_taken(),
                    Some(Claim::TakeOver) => ownership == Ownership::MarkOnly { trusted: true },
                    Some(Claim::Restore) => restore && matches!(ownership, Ownership::ChangedInTarget { covered: None, .. }),
                    Some(Claim::Release) => false,
                };
                prop_assert!(allowed, "{write:?} of {ownership:?}");
                prop_assert!(write.claim.is_some() || write.mark_timing != MarkTiming::WithProvenance);
                let is_owned = matches!(ownership, Ownership::Owned { .. });
                prop_assert!(!is_owned || write.mark_timing == MarkTiming::Never);
            }
            Decision::Remove(_) => {
                let is_owned = matches!(ownership, Ownership::Owned { .. });
                prop_assert!(is_owned);
                prop_assert!(original.as_ref().is_none_or(|original| wants_removal(&original.tags)));
            }
            Decision::ReadHistory => prop_assert_eq!(&ownership, &Ownership::NeedsHistory),
            _ => {}
        }
        if matches!(ownership, Ownership::WrittenOver(_)) && !take {
            prop_assert!(matches!(decision, Decision::Conflict(_)), "{decision:?}");
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
        // What the target shows after exactly the planned writes.
        let mut applied = replica.unwrap_or_else(|| observed(parameter("/a"), &[]));
        for key in &write.remove_tags {
            applied.tags.remove(key);
        }
        applied.tags.extend(write.set_tags.clone());
        let desired = write.desired;
        let is_new = matches!(write.change, Change::Create | Change::Recreate);
        if is_new {
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
            writer: Some(HUB.into()),
            ..applied.parameter
        };
        applied.history = None;
        if write.mark_timing != MarkTiming::Never {
            applied.tags.insert(MARK_KEY.into(), MARK_VALUE.into());
        }
        if write.because == [Reason::Tags] {
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
                of: Some(Fingerprint::of_item(&world.account, &world.target, &desired.name)),
                tags: Some(desired.tags_fingerprint()),
                adopted: write.adopted,
                refused: None,
                retagged: None,
                gone: None,
                unknown: String::new(),
            };
            applied.tags.insert(PROVENANCE_KEY.into(), provenance.to_string());
        }
        let next = world.decide(Some(&original), Some(&applied));
        // The first write takes the replica over; the second decision removes it.
        if wants_removal(&original.tags) {
            prop_assert!(matches!(next, Decision::Remove(_)), "{:?}", next);
        } else {
            prop_assert_eq!(next, Decision::InSync { tags_left_out: 0 });
        }
    }
}
