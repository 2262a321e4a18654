//! The rules that secrets share with parameters, checked against the calls.

use super::*;

/// A time long before the clock of any test.
const LONG_AGO: i64 = 1_700_000_000;

fn replicated(status: &'static str) -> BTreeMap<String, &'static str> {
    [NEAR, FAR].map(|target| (target.to_owned(), status)).into()
}

/// The time of the hub's clock, in seconds.
async fn now() -> i64 {
    let connection = FakeAws::new(assumed_role_response).connect(|_| ()).await;
    let account = AccountId::parse("111122223333").expect("an account");
    connection.session(&account).await.expect("a session").now().millis() / 1000
}

fn named(expect: Vec<Expectation>) -> Scope {
    Scope::Items(vec![Wanted { item: Item::Secret(SecretName::new("db/main")), expect }])
}

fn kinds(outcome: &AccountOutcome) -> Vec<(FailureKind, &str)> {
    let region = |failure: &Failure| failure.region.clone().expect("a Region");
    let mut kinds: Vec<_> = outcome
        .failures
        .iter()
        .map(|failure| {
            let at = [SOURCE, NEAR, FAR].into_iter().find(|at| *at == region(failure).as_str());
            (failure.cause.kind, at.expect("a Region of the route"))
        })
        .collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_its_region_does_not_show_is_out_of_sync() {
    for scope in [Scope::Everything, named(Vec::new())] {
        let world =
            World { replicas: replicated("InSync"), vanished: vec![FAR], ..World::default() };
        let (outcome, fake) = run_with(world, scope, |_| ()).await;
        assert_eq!(counts(&outcome), [(OutcomeKind::InSync, 1), (OutcomeKind::Failed, 1)]);
        assert_eq!(kinds(&outcome), [(FailureKind::Unavailable, FAR)]);
        let cause = &outcome.failures[0].cause;
        assert!(cause.message.contains("us-west-2 has no replica"), "{cause}");
        assert!(fake.sent("ReplicateSecretToRegions").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_changes_all_the_time_is_found_stale_by_its_replicas_age() {
    for changed in [now().await - 300, LONG_AGO] {
        let world = World {
            replicas: replicated("InSync"),
            behind: Some(LONG_AGO),
            changed: Some(changed),
            ..World::default()
        };
        let (outcome, _) = sweep(world).await;
        assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 2)]);
        let far = (FailureKind::Unavailable, FAR);
        assert_eq!(kinds(&outcome), [(FailureKind::Unavailable, NEAR), far]);
        let message = &outcome.failures[0].cause.message;
        assert!(message.contains("not changed since 2023-11-14"), "{message}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_changed_just_now_is_pending_and_not_in_sync() {
    let world = World {
        replicas: replicated("InSync"),
        behind: Some(now().await - 60),
        ..World::default()
    };
    let (outcome, _) = sweep(world).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Pending, 2)]);
    assert!(outcome.complete && outcome.failures.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_failed_replica_is_asked_for_again_once_a_sweep_by_no_event_and_never_by_force() {
    let failed = |becomes| World { replicas: replicated("Failed"), becomes, ..World::default() };
    let (outcome, fake) = sweep(failed("InSync")).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Replicated, 2)]);
    assert_eq!(fake.sent("ReplicateSecretToRegions").len(), 1, "for both Regions");

    let (outcome, fake) = sweep(failed("Failed")).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 2)]);
    assert_eq!(fake.sent("ReplicateSecretToRegions").len(), 1);

    let refused = World { refused: vec![NEAR, FAR], ..failed("InSync") };
    let (outcome, _) = sweep(refused).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 2)]);
    let message = &outcome.failures[0].cause.message;
    assert!(message.starts_with("Secrets Manager could not replicate `db/main`"), "{message}");
    assert!(message.contains("; requested again: "), "{message}");

    let by_event = |policy: &mut RunPolicy| policy.from_events = true;
    let (outcome, fake) = run_with(failed("InSync"), named(Vec::new()), by_event).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 2)]);
    assert!(fake.sent("ReplicateSecretToRegions").is_empty());
    let (outcome, _) = run_with(failed("InSync"), named(Vec::new()), |_| ()).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Replicated, 2)], "a person named it");
}

#[tokio::test(start_paused = true)]
async fn the_keys_of_source_and_target_are_asked_before_a_replica_is() {
    let world = |keys: &[((&'static str, &'static str), &'static str)]| World {
        becomes: "InSync",
        key: Some("alias/app"),
        keys: keys.iter().copied().collect(),
        ..World::default()
    };
    let cases = [
        ("Disabled", FailureKind::DisabledKey),
        ("PendingDeletion", FailureKind::DisabledKey),
        ("missing", FailureKind::MissingKey),
    ];
    for (state, kind) in cases {
        let (outcome, fake) = sweep(world(&[((FAR, "alias/app"), state)])).await;
        assert_eq!(counts(&outcome), [(OutcomeKind::Replicated, 1), (OutcomeKind::Failed, 1)]);
        assert_eq!(kinds(&outcome), [(kind, FAR)], "{state}");
        let asked = fake.sent("ReplicateSecretToRegions");
        assert!(asked.iter().all(|sent| !sent.body.contains(FAR)), "{state}");

        let (outcome, fake) = sweep(world(&[((SOURCE, "alias/app"), state)])).await;
        assert_eq!(counts(&outcome), [(OutcomeKind::Failed, 2)]);
        assert_eq!(kinds(&outcome), [(kind, SOURCE)], "{state}: reported once");
        assert!(fake.sent("ReplicateSecretToRegions").is_empty());
    }
    let (_, fake) = sweep(world(&[])).await;
    assert_eq!(fake.sent("DescribeKey").len(), 3, "each key of each Region once");
}

#[tokio::test(start_paused = true)]
async fn a_replica_in_sync_whose_key_may_not_be_used_is_no_standby() {
    for scope in [Scope::Everything, named(Vec::new())] {
        let world = World {
            replicas: replicated("InSync"),
            key: Some("alias/app"),
            keys: BTreeMap::from([((NEAR, "alias/app"), "PendingDeletion")]),
            ..World::default()
        };
        let (outcome, fake) = run_with(world, scope, |_| ()).await;
        assert_eq!(counts(&outcome), [(OutcomeKind::InSync, 1), (OutcomeKind::Failed, 1)]);
        assert_eq!(kinds(&outcome), [(FailureKind::DisabledKey, NEAR)]);
        let cause = &outcome.failures[0].cause;
        assert!(cause.message.starts_with("the replica cannot be decrypted"), "{cause}");
        assert!(cause.remedy().contains("update-secret --region us-east-1"), "{}", cause.remedy());
        assert_eq!(fake.sent("DescribeKey").len(), 2, "each replica's key once");
    }
}

#[tokio::test(start_paused = true)]
async fn the_event_of_a_creation_is_waited_for_twenty_seconds_and_a_lapse_is_no_failure() {
    let created = || {
        let at = Some(Timestamp::from_millis(LONG_AGO * 1000));
        vec![Expectation { at, ..Expectation::default() }]
    };
    let world = |invisible_reads| World { invisible_reads, becomes: "InSync", ..World::default() };
    let (outcome, _) = run_with(world(3), named(created()), |_| ()).await;
    assert_eq!(counts(&outcome), [(OutcomeKind::Replicated, 2)]);

    let begun = Instant::now();
    let (outcome, _) = run_with(world(usize::MAX), named(created()), |_| ()).await;
    assert!((15..=20).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert!(outcome.failures.is_empty() && outcome.complete, "{:?}", outcome.failures);

    // The run does not wait for a creation with a reported deletion, or for a payload from an operator.
    let deleted = Expectation { absent: true, ..Expectation::default() };
    for expect in [[created(), vec![deleted]].concat(), Vec::new()] {
        let begun = Instant::now();
        run_with(world(usize::MAX), named(expect), |_| ()).await;
        assert!(begun.elapsed().as_secs() < 2, "{:?}", begun.elapsed());
    }
}
