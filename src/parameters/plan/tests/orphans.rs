//! Replicas whose source is gone.

use super::*;

/// The decision for a replica without a source.
fn orphaned(world: &World, tombstone: &str, found_by: Option<FoundBy>) -> Decision {
    let replica = world.replica_of(&observed(parameter("/a"), &[]));
    let replica = proving(&replica, tombstone);
    let mut case = world.case(None, Some(&replica));
    case.found_by = found_by;
    decide(case, world.plan_policy())
}

/// The disposal of a replica without a source, or what the replica counts as.
fn disposal(
    world: &World,
    tombstone: &str,
    found_by: Option<FoundBy>,
) -> Result<Disposal, OutcomeKind> {
    match orphaned(world, tombstone, found_by) {
        Decision::Remove(removal) => Ok(removal.disposal),
        Decision::Leave(outcome) => Err(outcome),
        Decision::Wait(_) => Err(OutcomeKind::Tombstoned),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_removal_of_an_orphan_depends_on_what_found_it() {
    let mut world = World::new();
    let (event, list, by_neither) = (Some(FoundBy::Event), Some(FoundBy::List), None);
    let later = NOW.plus(Duration::from_millis(500));
    world.deletes.keep_until = Some(later);
    let tombstone = Disposal::Tombstone(Tombstone { due: later, by: FoundBy::List });
    assert_eq!(disposal(&world, "", event), Ok(Disposal::Delete));
    assert_eq!(disposal(&world, "", list), Ok(tombstone));
    assert_eq!(disposal(&world, "", by_neither), Ok(tombstone));
    // A witness overrides a sweep's tombstone that is not due; nothing else does.
    let (by_list, by_event) = (format!(" gone={later}"), format!(" gone={later} by=event"));
    assert_eq!(disposal(&world, &by_list, event), Ok(Disposal::Delete));
    for (tombstone, found_by) in [
        (&by_list, list),
        (&by_list, by_neither),
        (&by_event, event),
        (&by_event, list),
        (&by_event, by_neither),
    ] {
        assert_eq!(
            disposal(&world, tombstone, found_by),
            Err(OutcomeKind::Tombstoned),
            "{tombstone}"
        );
    }
    // A due tombstone needs another sweep or a witness.
    for tombstone in [format!(" gone={NOW}"), format!(" gone={NOW} by=event")] {
        assert_eq!(disposal(&world, &tombstone, event), Ok(Disposal::DeleteDue));
        assert_eq!(disposal(&world, &tombstone, list), Ok(Disposal::DeleteDue));
        assert_eq!(disposal(&world, &tombstone, by_neither), Err(OutcomeKind::Tombstoned));
        assert_eq!(
            disposal(&world, &format!("{tombstone} adopted=1"), list),
            Ok(Disposal::Release)
        );
    }
    // A tombstone in the far future is shortened.
    let latest = world.deletes.latest_due;
    for by in [FoundBy::Event, FoundBy::List] {
        let far = format!(" gone={} by={}", latest.plus(Duration::from_millis(1)), by.word());
        assert_eq!(
            disposal(&world, &far, list),
            Ok(Disposal::Tombstone(Tombstone { due: latest, by }))
        );
    }
}

#[test]
fn settings_and_operators_delete_orphans_at_once_or_never() {
    let mut world = World::new();
    let (list, by_neither) = (Some(FoundBy::List), None);
    let later = NOW.plus(Duration::from_millis(500));
    let (by_list, by_event) = (format!(" gone={later}"), format!(" gone={later} by=event"));
    world.deletes.keep_until = None;
    assert_eq!(disposal(&world, "", list), Ok(Disposal::Delete));
    assert_eq!(disposal(&world, "", by_neither), Ok(Disposal::Delete));
    // An operator's own brake deletes at once; `MAX_DELETES=0` still deletes nothing.
    world.deletes = DeletePolicy { keep_until: Some(later), at_once: true, ..world.deletes };
    for tombstone in ["", &by_list, &by_event] {
        assert_eq!(disposal(&world, tombstone, list), Ok(Disposal::Delete), "{tombstone}");
    }
    world.deletes.never = true;
    assert_eq!(disposal(&world, "", list), Err(OutcomeKind::Held));
    assert_eq!(disposal(&world, " adopted=1", list), Ok(Disposal::Release));
}

#[test]
fn a_source_that_returned_removes_the_tombstone() {
    let world = World::new();
    let original = observed(parameter("/a"), &[]);
    let mut replica = world.replica_of(&original);
    let text = format!(
        "{} gone=2026-12-01T00:00:00Z",
        replica.tags.get(PROVENANCE_KEY).expect("provenance")
    );
    replica.tags.insert(PROVENANCE_KEY.into(), text);
    let Decision::Write(write) = world.decide(Some(&original), Some(&replica)) else {
        panic!("no write")
    };
    assert_eq!((write.change, write.because), (Change::Retag, vec![Reason::SourceReturned]));
    let written = write.provenance.expect("provenance");
    assert_eq!((written.gone, write.renew_provenance), (None, false));
}

#[test]
fn a_freeze_stops_the_term_of_a_tombstone() {
    let mut world = World::new();
    let list = Some(FoundBy::List);
    let past = Timestamp::from_millis(NOW.millis() - 100);
    let due = format!(" gone={past}");
    assert_eq!(disposal(&world, &due, list), Ok(Disposal::DeleteDue));
    // The route became active 499 ms ago, and the grace is 500 ms.
    let since = |millis| Some(Timestamp::from_millis(NOW.millis() - millis));
    world.active_since = since(499);
    let original = observed(parameter("/a"), &[]);
    let mut replica = world.replica_of(&original);
    let text = format!("{}{due}", replica.tags.get(PROVENANCE_KEY).expect("provenance"));
    replica.tags.insert(PROVENANCE_KEY.into(), text);
    let later = NOW.plus(Duration::from_millis(1));
    assert_eq!(world.decide(None, Some(&replica)), Decision::Wait(later));
    world.active_since = since(500);
    assert_eq!(disposal(&world, &due, list), Ok(Disposal::DeleteDue));
}
