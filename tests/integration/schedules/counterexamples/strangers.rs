//! A stranger in the target, and answers that are lost.
//!
//! Each is the counterexample of a rule that lacks one part of the proof of ownership: the writer, the writers of the
//! versions between, `of`, the answered version, the read of the version below, the mark that an update leaves alone.

use super::{Invocation, Script, put, tag};
use crate::schedules::alone;
use crate::schedules::check::{self, End, Standing};
use crate::schedules::flows::{ROUTES, TARGET};
use crate::schedules::history::{ANOTHER, Change, NAME, happen};
use crate::schedules::process::Input;
use crate::schedules::store::Store;
use crate::schedules::stranger::{Act, VALUE};
use crate::support::{MARK, PROVENANCE};

impl Script {
    /// A replica, and that of another item, whose tags can be copied.
    fn replicated_beside_another() -> Self {
        let mut script = Self::replicated();
        happen(&mut script.store, ANOTHER, Change::Create, 0);
        script.sweep();
        script
    }

    /// A replica with so many versions, and a change of its source that an invocation is about to put over it.
    fn about_to_put(version: usize) -> (Self, Invocation) {
        Self::replicated().brought_to_put(version)
    }

    fn about_to_put_beside_another(version: usize) -> (Self, Invocation) {
        Self::replicated_beside_another().brought_to_put(version)
    }

    fn brought_to_put(self, version: usize) -> (Self, Invocation) {
        let mut script = self;
        for _ in 1..version {
            script.owner(Change::Value);
            script.sweep();
        }
        script.owner(Change::Value);
        let mut late = Self::begin();
        script.until(&mut late, put);
        (script, late)
    }

    /// The end is good by all that sweeps do and report.
    fn assert_reports_hold(&self, act: Act) {
        let end = End { names: &[NAME], targets: &[TARGET], is_quiet: false };
        let sweep = check::sweep(ROUTES);
        let swept = &mut |store: &mut Store| alone::live(store, &sweep, None);
        assert_eq!(end.fault(self.store.fork(), swept), None, "{act:?}");
    }

    /// Whether what is in the target has this tag.
    fn has(&self, key: &str) -> bool {
        self.store.parameter(TARGET, NAME).is_some_and(|held| held.tags.contains_key(key))
    }

    /// The source goes, and what is in the target stays: no sweep deletes it.
    fn assert_kept_without_its_source(&mut self, class: &str, words: &str) {
        let before = self.store.parameter(TARGET, NAME).expect("it is there");
        self.owner(Change::Delete);
        let event = Self::begin();
        self.finish(event);
        self.assert_reported(class, words);
        for _ in 0..3 {
            self.sweep();
        }
        assert_eq!(self.store.parameter(TARGET, NAME), Some(before));
    }
}

/// All ways to delete a replica and to create something else in its place.
const RECREATIONS: [Act; 7] = [
    Act::Recreate,
    Act::RecreateWithTags,
    Act::RecreateWithCopiedTags,
    Act::RecreateOfAnotherRoute,
    Act::RecreateWithMark,
    Act::RecreateWithProvenance,
    Act::RecreateReleased,
];

/// A version 1 that is put over where this version was read: it is named, with its source and without.
fn a_recreation_is_named(version_read: usize, act: Act) {
    let (mut script, late) = Script::about_to_put_beside_another(version_read);
    script.act(act);
    let before = script.store.parameter(TARGET, NAME).expect("it is there").tags;
    script.finish(late);
    let after = script.store.parameter(TARGET, NAME).expect("it is there").tags;
    assert_eq!(after.get(PROVENANCE), before.get(PROVENANCE), "{act:?}: it is not stamped");
    // What its owner declared released stays so, and its version is named with that.
    let class = if act == Act::RecreateReleased { "released" } else { "written_over" };
    script.assert_reported(class, "version 1");
    script.assert_kept_without_its_source(class, "version 1");
}

#[test]
fn whatever_was_created_anew_as_version_1_is_named_where_the_put_was_to_make_version_2() {
    // The answered version is what it would have been anyway.
    for act in RECREATIONS {
        a_recreation_is_named(1, act);
    }
}

#[test]
fn whatever_was_created_anew_as_version_1_is_named_where_the_put_was_to_make_version_5() {
    for act in RECREATIONS {
        a_recreation_is_named(4, act);
    }
}

#[test]
fn a_tag_written_onto_what_was_created_anew_as_version_1_does_not_name_it() {
    for act in RECREATIONS {
        let mut script = Script::replicated_beside_another();
        script.owner(Change::Tag);
        let mut late = Script::begin();
        script.until(&mut late, tag);
        script.act(act);
        script.finish(late);
        script.assert_reports_hold(act);
        script.owner(Change::Delete);
        let event = Script::begin();
        script.finish(event);
        assert!(script.store.parameter(TARGET, NAME).is_some(), "{act:?}: it is kept");
        script.assert_reports_hold(act);
    }
}

#[test]
fn a_value_that_was_written_between_the_read_and_the_put_is_named() {
    let (mut script, late) = Script::about_to_put(2);
    script.act(Act::Write);
    script.finish(late);
    script.assert_reported("written_over", "version 3");
    // A later value of the source does not go over it in silence either.
    script.owner(Change::Value);
    script.finish(Script::begin());
    script.assert_reported("written_over", "version 3");
    script.assert_kept_without_its_source("written_over", "version 3");
}

#[test]
fn a_value_that_was_written_before_the_read_is_kept() {
    let mut script = Script::replicated();
    script.act(Act::Write);
    script.owner(Change::Value);
    assert_eq!(script.finish(Script::begin()), 0);
    script.assert_reported("changed_in_target", "version 2");
    script.assert_kept_without_its_source("changed_in_target", "version 2");
}

#[test]
fn the_puts_of_two_invocations_are_no_conflict_though_an_answer_is_lost() {
    let (mut script, mut first) = Script::about_to_put(2);
    let mut second = Script::begin();
    script.until(&mut second, put);
    script.lose(&mut first, put);
    script.answer(&mut second, put, 0);
    let (_, conflicts) = script.finished(second);
    assert!(conflicts.is_empty(), "{conflicts:?}");
    let (_, conflicts) = script.finished(first);
    assert!(conflicts.is_empty(), "{conflicts:?}");
    script.sweep();
    script.assert_equal();
}

#[test]
fn a_put_whose_answer_is_lost_is_not_sent_again_over_what_was_written_since() {
    let (mut script, mut late) = Script::about_to_put(2);
    script.lose(&mut late, put);
    script.act(Act::Write);
    script.finish(late);
    // Its own version is below the stranger's, which stays.
    let held = script.store.parameter(TARGET, NAME).expect("it is there");
    assert!(held.value.starts_with(VALUE), "{held:?}");
    script.assert_reported("changed_in_target", "version 4");
}

#[test]
fn a_create_whose_answer_is_lost_is_not_sent_again() {
    let mut script = Script::from_nothing();
    script.owner(Change::Create);
    let mut late = Script::begin();
    script.until(&mut late, put);
    script.lose(&mut late, put);
    assert!(late.held(put).is_none(), "{:?}", late.held(put));
    let (_, conflicts) = script.finished(late);
    assert!(conflicts.is_empty(), "{conflicts:?}");
    script.sweep();
    script.assert_equal();
}

#[test]
fn a_release_during_an_update_stands() {
    let (mut script, late) = Script::about_to_put(2);
    script.act(Act::Release);
    let (_, conflicts) = script.finished(late);
    assert!(conflicts.iter().any(|one| one["class"] == "released"), "{conflicts:?}");
    assert!(!script.has(MARK.0));
    script.assert_reported("released", "");
    let before = script.store.parameter(TARGET, NAME);
    script.owner(Change::Delete);
    assert_eq!((script.finish(Script::begin()), script.sweep()), (0, 0));
    assert_eq!(script.store.parameter(TARGET, NAME), before);
}

#[test]
fn a_release_between_the_put_and_its_provenance_stands() {
    let (mut script, mut late) = Script::about_to_put(2);
    script.answer(&mut late, put, 0);
    script.until(&mut late, tag);
    script.act(Act::Release);
    script.finish(late);
    assert!(!script.has(MARK.0));
    script.assert_reported("released", "");
}

#[test]
fn the_tags_of_another_replica_make_nothing_the_hubs() {
    let mut script = Script::from_nothing();
    happen(&mut script.store, ANOTHER, Change::Create, 0);
    script.sweep();
    script.act(Act::CopyTags);
    // Reported where no source wants the name, and where one does.
    script.assert_reported("claimed", "");
    script.owner(Change::Create);
    assert_eq!(script.finish(Script::begin()), 0);
    script.assert_reported("claimed", "");
    script.assert_kept_without_its_source("claimed", "");
}

#[test]
fn the_provenance_of_another_replica_takes_the_proof_from_a_replica() {
    // The hub wrote both, so that their writers tell nothing.
    let mut script = Script::replicated_beside_another();
    script.act(Act::TagLikeAnother);
    script.owner(Change::Value);
    assert_eq!(script.finish(Script::begin()), 0);
    script.assert_reported("claimed", "");
    script.assert_kept_without_its_source("claimed", "");
}

#[test]
fn the_old_tags_of_a_replica_make_nothing_the_hubs() {
    let mut script = Script::replicated();
    script.act(Act::Delete);
    script.act(Act::CopyOldTags);
    script.owner(Change::Value);
    assert_eq!(script.finish(Script::begin()), 0);
    script.assert_reported("claimed", "");
    script.assert_kept_without_its_source("claimed", "");
}

#[test]
fn a_person_who_resolves_decides_on_the_version_that_was_read_and_on_no_later_one() {
    let mut script = Script::from_nothing();
    script.owner(Change::Create);
    script.act(Act::Create);
    let mut person = Invocation::started(&Input::of_resolve(ROUTES, NAME));
    script.until(&mut person, put);
    script.act(Act::Write);
    script.finish(person);
    script.assert_reported("written_over", "version 2");
    // The person looks again.
    let again = Invocation::started(&Input::of_resolve(ROUTES, NAME));
    script.finish(again);
    assert_eq!(script.standing(), Standing::Equal);
    assert_eq!(script.finish(Invocation::started(&check::sweep(ROUTES))), 0);
}
