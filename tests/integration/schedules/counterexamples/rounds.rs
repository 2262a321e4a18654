//! Rounds, confirms and provenance, with nobody in the target but the hub.
//!
//! Each is the counterexample of a model of the rule that lacks one part of it: the confirm, the confirm of tags, the
//! distrust of provenance in a later round, the read-back, a source that reads as it is. One was found by the hub's own
//! exploration: tags that a later round believed.

use super::{Invocation, Script, delete, put, read_of_tags, read_of_the_source, tag};
use crate::schedules::check::Standing;
use crate::schedules::flows::TARGET;
use crate::schedules::history::{Change, SOURCE};

#[test]
fn a_create_that_meets_the_deletion_of_its_source_is_taken_back() {
    let mut script = Script::from_nothing();
    script.owner(Change::Create);
    let mut first = Script::begin();
    script.until(&mut first, put);
    script.owner(Change::Delete);
    let second = Script::begin();
    assert_eq!(script.finish(second), 0, "it finds nothing on either side");
    assert_eq!(script.finish(first), 2, "a create, and its deletion");
    script.assert_equal();
}

#[test]
fn a_tag_that_came_back_to_what_it_was_is_not_overtaken_by_an_older_one() {
    let mut script = Script::replicated();
    script.owner(Change::Tag);
    let mut first = Script::begin();
    script.until(&mut first, tag);
    script.owner(Change::Tag);
    let second = Script::begin();
    assert_eq!(script.finish(second), 0, "it finds both sides equal");
    script.finish(first);
    script.assert_equal();
}

/// As far as the three schedules of provenance go together: a replica of the third value that `creator` made anew, over
/// which `late` still holds a write of the second, and `tagger` a provenance of the third for a version that is gone.
fn three_at_once() -> (Script, Invocation, Invocation) {
    let mut script = Script::replicated();
    script.owner(Change::Value);
    let mut late = Script::begin();
    script.until(&mut late, put);
    script.owner(Change::Delete);
    let mut creator = Script::begin();
    script.until(&mut creator, delete);
    script.owner(Change::Create);
    let mut tagger = Script::begin();
    script.take(&mut tagger, put);
    script.until(&mut tagger, tag);
    script.answer(&mut creator, delete, 0);
    script.finish(creator);
    assert_eq!(script.standing(), Standing::Equal);
    (script, late, tagger)
}

#[test]
fn a_second_round_does_not_believe_a_provenance_of_a_version_that_came_again() {
    let (mut script, mut late, tagger) = three_at_once();
    script.answer(&mut late, put, 0);
    // Its confirm finds the source moved, and it reads the source for its second round.
    script.take(&mut late, tag);
    script.answer(&mut late, read_of_the_source, 0);
    script.take(&mut late, read_of_the_source);
    script.finish(tagger);
    script.finish(late);
    script.assert_equal();
}

#[test]
fn a_second_round_writes_whatever_lagging_reads_of_the_replica_say() {
    let mut script = Script::replicated();
    script.owner(Change::Value);
    let mut late = Script::begin();
    script.until(&mut late, put);
    script.owner(Change::Value);
    let second = Script::begin();
    script.finish(second);
    assert_eq!(script.standing(), Standing::Equal);
    script.answer(&mut late, put, 0);
    script.take(&mut late, tag);
    assert_eq!(script.standing(), Standing::Different);
    // Its confirm finds the source moved. What it reads of the replica now is what it has just written over.
    script.read_behind(&mut late);
    script.finish(late);
    script.assert_equal();
}

#[test]
fn a_second_round_writes_all_tags_whatever_lagging_reads_of_the_replica_say() {
    let mut script = Script::replicated();
    script.owner(Change::Value);
    let mut late = Script::begin();
    script.take(&mut late, |call| read_of_tags(call, SOURCE));
    script.until(&mut late, |call| read_of_tags(call, TARGET));
    script.owner(Change::Tag);
    let mut second = Script::begin();
    script.take(&mut second, tag);
    // It finds the new tag in the target, and is to write the old one over it.
    script.until(&mut late, tag);
    script.finish(second);
    assert_eq!(script.standing(), Standing::Equal);
    script.answer(&mut late, tag, 0);
    script.take(&mut late, put);
    assert_eq!(script.standing(), Standing::Different);
    // Its read-back lags, so that it begins again, and reads the tags that it has just written over.
    script.read_behind(&mut late);
    script.finish(late);
    script.assert_equal();
}

#[test]
fn a_crash_between_value_and_provenance_leaves_nothing_that_looks_in_sync() {
    let (mut script, mut late, tagger) = three_at_once();
    script.answer(&mut late, put, 0);
    drop(late);
    let mut again = Script::begin();
    script.answer(&mut again, read_of_the_source, 0);
    script.finish(tagger);
    script.finish(again);
    script.assert_equal();
}

#[test]
fn a_confirm_that_reads_a_moment_ago_leaves_a_difference_that_a_sweep_sees() {
    let mut script = Script::replicated();
    script.owner(Change::Delete);
    let mut creator = Script::begin();
    script.until(&mut creator, delete);
    script.owner(Change::Create);
    let mut late = Script::begin();
    script.until(&mut late, put);
    script.owner(Change::Value);
    let mut tagger = Script::begin();
    script.take(&mut tagger, put);
    script.until(&mut tagger, tag);
    script.answer(&mut creator, delete, 0);
    script.finish(creator);
    script.answer(&mut late, put, 0);
    script.take(&mut late, tag);
    // The confirm.
    script.answer(&mut late, read_of_the_source, 1);
    script.finish(late);
    script.finish(tagger);
    script.assert_left_to_a_sweep();
}
