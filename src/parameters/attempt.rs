//! One write of one item in one target: what was read, what was decided, and how far the write has come.

use std::collections::BTreeMap;

use super::context::RouteContext;
use super::model::{Observed, Parameter};
use super::plan::{Case, PlannedWrite, with_both};
use super::value_override::ValueOverride;
use crate::domain::{Cause, Change, OutcomeKind, ParameterName, Region, SecretText, Tags, Version};
use crate::guard::{Claim, Occupant};
use crate::ownership::{Fingerprint, Ownership, Provenance, is_marked};

/// A write of one item in one target. The steps of a pass take the attempts by reference and advance their states.
pub(super) struct WriteAttempt {
    pub(super) name: ParameterName,
    pub(super) target: Region,
    /// The source, as the decision saw it.
    pub(super) original: Observed,
    /// The replica, as the decision saw it.
    pub(super) replica: Option<Observed>,
    /// The parameter that a value override references, as the decision saw it.
    pub(super) referenced: Option<Observed>,
    pub(super) ownership: Ownership,
    pub(super) write: PlannedWrite,
    /// Whether the values decide between update and retag.
    pub(super) compare: bool,
    pub(super) state: WriteState,
    /// Why the replica lacks labels of the source.
    pub(super) missing_labels: Option<Cause>,
}

/// The values that a pass has read, by name.
pub(super) type Values = BTreeMap<ParameterName, SecretText>;

/// A value that an attempt needs to read.
pub(super) struct ValueRead {
    pub(super) name: ParameterName,
    /// The key that encrypts the value, where the key is known.
    pub(super) key: Option<Box<str>>,
    /// The version that the decision saw.
    pub(super) version: Version,
}

impl WriteAttempt {
    /// The source's version that the decision saw.
    pub(super) fn source_version(&self) -> Version {
        self.original.parameter.version()
    }

    /// The replica's version that the decision saw.
    pub(super) fn replica_version(&self) -> Option<Version> {
        Some(self.replica.as_ref()?.parameter.version())
    }

    /// The version that an update overwrites; `None` for every other change.
    pub(super) fn overwritten_version(&self) -> Option<Version> {
        (self.write.change == Change::Update).then(|| self.replica_version()).flatten()
    }

    /// The parameter whose value replaces the source's value.
    pub(super) fn referenced_value(&self) -> Option<&Observed> {
        match self.write.desired.value_override {
            Some(ValueOverride::FromParameter(_)) => self.referenced.as_ref(),
            Some(ValueOverride::Literal(_)) | None => None,
        }
    }

    /// The value to read; `None` if a tag holds the value.
    pub(super) fn value_to_read(&self) -> Option<ValueRead> {
        let Parameter { key, .. } = &self.original.parameter;
        match (&self.write.desired.value_override, &self.referenced) {
            (None, _) => Some(ValueRead {
                name: self.name.clone(),
                key: key.clone(),
                version: self.source_version(),
            }),
            (Some(ValueOverride::FromParameter(name)), Some(Observed { parameter, .. })) => {
                let (key, version) = (parameter.key.clone(), parameter.version());
                Some(ValueRead { name: name.clone(), key, version })
            }
            (Some(ValueOverride::FromParameter(_) | ValueOverride::Literal(_)), _) => None,
        }
    }

    /// The value to write, from `values` or from a tag.
    pub(super) fn value<'a>(&'a self, values: &'a Values) -> Option<&'a SecretText> {
        match &self.write.desired.value_override {
            None => values.get(&self.name),
            Some(ValueOverride::Literal(text)) => Some(text),
            Some(ValueOverride::FromParameter(name)) => values.get(name),
        }
    }

    /// The evidence for the guard: the parameter that holds the name in the target.
    pub(super) fn evidence<'a>(&'a self, context: &'a RouteContext<'_>) -> Occupant<'a> {
        match &self.replica {
            None => Occupant::Nothing,
            Some(replica) => {
                Occupant::Parameter(replica.evidence(context.session.account(), &self.target))
            }
        }
    }

    /// The case that was decided.
    pub(super) fn case<'a>(&'a self, context: &'a RouteContext<'_>) -> Case<'a> {
        context.case(
            &self.target,
            Some(&self.original),
            self.replica.as_ref(),
            self.referenced.as_ref(),
        )
    }

    /// Whether `resolve` sets the mark for this write, so that a refusal removes the mark again.
    pub(super) fn mark_is_provisional(&self) -> bool {
        let was_marked = self.replica.as_ref().is_some_and(|replica| is_marked(&replica.tags));
        self.write.claim == Some(Claim::Take) && !was_marked
    }

    /// The source versions that the decision depends on.
    pub(super) fn decided_versions(&self) -> Vec<(ParameterName, Version)> {
        let mut versions = vec![(self.name.clone(), self.source_version())];
        if let Some(referenced) = self.referenced_value() {
            versions.push((referenced.parameter.name.clone(), referenced.parameter.version()));
        }
        versions
    }
}

/// How far a write has come.
pub(super) enum WriteState {
    /// Not begun.
    Planned,
    /// Complete; only the confirmation is left.
    Done(OutcomeKind),
    /// Created with all tags; only the confirmation is left.
    Created(OutcomeKind),
    /// Written as this version; the read-back is next.
    Written(i64),
    /// The read-back shows this version with the right value; labels and then provenance are next.
    Verified(Version),
    /// As `Verified`, but the replica was deleted meanwhile and the write created it; all tags are next.
    Recreated(Version),
    /// The answer was lost; AWS may have carried out the write.
    Unanswered(Cause),
    /// Source or replica changed before the write; nothing was written.
    Retry,
    /// The deadline left no time to begin or to finish.
    OutOfTime,
    /// The allowance permits no deletion, which this write needs; the cause is `None` if the settings forbid every
    /// deletion.
    Held(Option<Cause>),
    /// Source or replica changed during the write.
    Superseded(OutcomeKind),
    Failed(Cause),
    /// Written, but the read that confirms the write failed.
    Unconfirmed(Cause),
}

/// All tags of a new replica, whose first version is the copy.
pub(super) fn created_tags(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Tags {
    let first = Version { number: 1, ..attempt.source_version() };
    all_tags(attempt, &provenance(context, attempt, first, true))
}

/// All tags of a replica that needs more writes: owned, and visibly out of sync.
pub(super) fn tags_of_unfinished(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Tags {
    let unfinished = Version { number: Provenance::UNFINISHED, ..attempt.source_version() };
    all_tags(attempt, &provenance(context, attempt, unfinished, true))
}

/// The tags of the source with the mark and `provenance`.
pub(super) fn all_tags(attempt: &WriteAttempt, provenance: &Provenance) -> Tags {
    with_both(attempt.write.desired.tags.clone(), provenance)
}

/// The provenance of `replica`, the version that holds the copy.
pub(super) fn provenance(
    context: &RouteContext<'_>,
    attempt: &WriteAttempt,
    replica: Version,
    created: bool,
) -> Provenance {
    Provenance {
        region: context.source.clone(),
        source: attempt.source_version(),
        replica: replica.number,
        written: (!created).then_some(replica.modified),
        form: attempt.write.desired.form,
        of: Some(Fingerprint::of_item(
            context.session.account(),
            &attempt.target,
            &attempt.write.desired.name,
        )),
        tags: Some(attempt.write.desired.tags_fingerprint()),
        adopted: attempt.write.adopted,
        refused: None,
        retagged: None,
        gone: None,
        unknown: attempt.write.unknown.clone(),
    }
}
