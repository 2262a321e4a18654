//! What the steps of a round share: the route that is made equal, the items that are not proved equal yet, and what came
//! of a round.

use std::collections::{BTreeMap, BTreeSet};

use super::absent::Absent;
use super::endings::{Ending, Endings};
use super::keys::KeyStates;
use super::labels::LabelReads;
use super::model::Observed;
use super::plan::{Case, Decision, DeletePolicy, Parity, Policy};
use crate::aws::Session;
use crate::domain::{
    Cause, FailureKind, Kind, OutcomeKind, ParameterName, Purpose, Region, Scope, Take,
};
use crate::ownership::FoundBy;
use crate::recent_deletes::RecentDeletes;
use crate::run_policy::RunPolicy;
use crate::settings::{OnConflict, OnTargetChange};
use crate::so_far;

/// One route of one account, being made equal.
pub(super) struct Run<'a> {
    pub(super) session: &'a Session,
    pub(super) rules: &'a RunPolicy,
    pub(super) recent: &'a RecentDeletes,
    pub(super) source: &'a Region,
    pub(super) labels: LabelReads,
    /// What KMS says of the keys that replicas are to be recreated under.
    pub(super) keys: KeyStates,
    /// Whether a person named the items.
    pub(super) by_person: bool,
}

/// An item that was not proved equal, and what is known of it in its source and in the targets concerned.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) name: ParameterName,
    pub(super) original: Option<Observed>,
    pub(super) replicas: BTreeMap<Region, Option<Observed>>,
    /// Whether tags were read by name, not from a list.
    pub(super) fresh: bool,
    /// The first target that could not be read, and why.
    pub(super) unread: Option<(Region, Cause)>,
    /// The parameters that value overrides reference, by target: as a list shows them until a round reads them by name.
    pub(super) referenced: BTreeMap<Region, Observed>,
    /// What said that the source is gone, where it is.
    pub(super) found_by: Option<FoundBy>,
    /// Targets that were written for a source that moved meanwhile: they are written again whatever is read there.
    pub(super) moved: BTreeSet<Region>,
}

impl<'a> Run<'a> {
    /// The route from `source`, made equal within `scope`.
    pub(super) fn new(
        session: &'a Session,
        rules: &'a RunPolicy,
        recent: &'a RecentDeletes,
        source: &'a Region,
        scope: &Scope,
    ) -> Self {
        let labels = LabelReads::of(scope, rules);
        let by_person = matches!(scope, Scope::Items(_)) && !rules.from_events;
        Self { session, rules, recent, source, labels, keys: KeyStates::default(), by_person }
    }
}

impl Run<'_> {
    pub(super) fn parity(&self) -> Parity {
        if self.rules.trust { Parity::ByProvenance } else { Parity::ByValue }
    }

    pub(super) fn policy(&self, parity: Parity) -> Policy<'_> {
        let now = self.session.now();
        Policy {
            names: &self.rules.names,
            kms_keys: &self.rules.kms_keys,
            parity,
            writers: &self.rules.writers,
            adopt: self.rules.on_conflict == OnConflict::Adopt,
            restore: self.rules.on_target_change == OnTargetChange::Restore,
            take_over: self.rules.take_over,
            retry_refused: self.by_person,
            take: self.rules.purpose == Purpose::Resolving(Take::Source),
            deletes: DeletePolicy {
                never: self.rules.never_deletes(),
                at_once: self.rules.lifts_brake,
                keep_until: self.rules.keep_until(now),
                latest_due: self.rules.latest_due(now),
            },
            now,
        }
    }

    pub(super) fn case<'a>(
        &'a self,
        target: &'a Region,
        original: Option<&'a Observed>,
        replica: Option<&'a Observed>,
        referenced: Option<&'a Observed>,
    ) -> Case<'a> {
        let (account, routes) = (self.session.account(), &self.rules.routes);
        let found_by = None;
        let source = self.source;
        Case { account, source, target, routes, original, replica, referenced, found_by }
    }

    /// Ends an item for which there is nothing to do in `target`; a decision to do something comes back.
    pub(super) fn ended(
        &self,
        name: &ParameterName,
        target: &Region,
        decision: Decision,
        endings: &mut Endings,
    ) -> Option<Decision> {
        match decision {
            Decision::Nothing => {}
            Decision::InSync { tags_left_out: 0 } => {
                endings.end(name, target, Ending::Left(OutcomeKind::InSync));
            }
            Decision::InSync { tags_left_out } => {
                endings.fail(name, target, self.source, left_out(tags_left_out));
            }
            Decision::Leave(outcome) => endings.end(name, target, Ending::Left(outcome)),
            Decision::Skip(cause) => {
                let outcome = OutcomeKind::Skipped;
                endings.end(name, target, Ending::Noted { outcome, cause });
            }
            Decision::Wait(due) => {
                endings.end(name, target, Ending::Left(OutcomeKind::Tombstoned));
                endings.wait(name, target, due);
            }
            Decision::Refuse(cause) => endings.fail(name, target, self.source, cause),
            Decision::Conflict(cause) | Decision::Keep(cause) => {
                endings.fail(name, target, target, cause);
            }
            Decision::ReadHistory
            | Decision::Write(_)
            | Decision::Compare(_)
            | Decision::Remove(_) => {
                return Some(decision);
            }
        }
        None
    }
}

/// Why an item goes round again.
#[derive(Clone, Debug)]
pub(super) enum GoAgain {
    /// What was read is not so any more, and nothing was written.
    Unwritten,
    /// Something was written for a source that moved meanwhile, so that what provenance says there proves nothing.
    Moved,
    /// Something may have been written: the answer of its write did not come.
    Unanswered(Cause),
}

/// Items to go round again, by target.
pub(super) type Again = BTreeMap<ParameterName, BTreeMap<Region, GoAgain>>;

/// What came of one round of some items.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) endings: Endings,
    pub(super) again: Again,
    /// What a sweep found without a source and without a witness.
    pub(super) absent: Absent,
}

impl Round {
    /// A round that the deadline left no time for.
    pub(super) fn left(candidates: &[Candidate]) -> Self {
        let mut round = Self::default();
        for candidate in candidates {
            for target in candidate.replicas.keys() {
                round.endings.end(&candidate.name, target, Ending::Counted(OutcomeKind::Pending));
            }
        }
        round
    }

    /// Notes what ended in this round, should the deadline cut the account off.
    pub(super) fn note(&self) {
        so_far::note(Kind::Parameter, &self.endings.outcomes(&self.again));
    }

    pub(super) fn go_again(&mut self, name: &ParameterName, target: &Region, why: GoAgain) {
        self.again.entry(name.clone()).or_default().insert(target.clone(), why);
    }
}

/// The replica is advanced, and its source is not any more.
pub(super) fn tier_stays() -> Cause {
    Cause::new(
        FailureKind::Limit,
        "the source's tier is standard now, and the replica's stays advanced, since AWS turns none back; all else is equal, and this is said once",
    )
    .mended_by("nothing, at the price of an advanced parameter; or delete the replica by hand, and the next sweep creates it anew")
}

/// Some of the source's tags do not fit beside the hub's two.
pub(super) fn left_out(tags: usize) -> Cause {
    Cause::new(
        FailureKind::Limit,
        format!(
            "the source has so many tags that {tags} of them, the last by key, do not fit on the replica beside the hub's two; all else is equal"
        ),
    )
    .mended_by("leave at most 48 tags on the source")
}
