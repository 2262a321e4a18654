//! One write of one item in one target: what was decided, what it stands on, the tags that belong to it, and what came
//! of it.

use std::collections::BTreeMap;

use super::context::RouteContext;
use super::model::{Observed, Parameter};
use super::plan::{Case, PlannedWrite, with_both};
use super::value_override::ValueOverride;
use crate::domain::{Cause, Change, OutcomeKind, ParameterName, Region, SecretText, Tags, Version};
use crate::guard::{Claim, Occupant};
use crate::ownership::{Fingerprint, Ownership, Provenance, is_marked};

/// A write of one item in one target, on its way.
pub(super) struct WriteAttempt {
    pub(super) name: ParameterName,
    pub(super) target: Region,
    /// The source as it was read, and decided on.
    pub(super) original: Observed,
    /// The replica as it was read.
    pub(super) replica: Option<Observed>,
    /// The parameter that holds the value by the source's tag, as it was read.
    pub(super) referenced: Option<Observed>,
    /// Whose what holds the name is.
    pub(super) held: Ownership,
    pub(super) write: PlannedWrite,
    /// Whether values are still to decide between update and retag.
    pub(super) compare: bool,
}

/// The values that a round has in hand, by the name that they were read under.
pub(super) type Values = BTreeMap<ParameterName, SecretText>;

/// A value that a task needs.
pub(super) struct Wanted {
    /// The name of what holds it.
    pub(super) name: ParameterName,
    /// The key that encrypts it, where that is known.
    pub(super) key: Option<Box<str>>,
    /// The version that was decided on.
    pub(super) version: Version,
}

impl WriteAttempt {
    /// The source's version that was decided on.
    pub(super) fn source_version(&self) -> Version {
        self.original.parameter.version()
    }

    /// The replica's version that was decided on.
    pub(super) fn replica_version(&self) -> Option<Version> {
        Some(self.replica.as_ref()?.parameter.version())
    }

    /// The version that its write goes over; `None` where it creates.
    pub(super) fn written_over(&self) -> Option<Version> {
        (self.write.change == Change::Update).then(|| self.replica_version()).flatten()
    }

    /// The parameter whose value it copies in the place of the source's own.
    pub(super) fn referenced_value(&self) -> Option<&Observed> {
        match self.write.desired.value_override {
            Some(ValueOverride::FromParameter(_)) => self.referenced.as_ref(),
            Some(ValueOverride::Literal(_)) | None => None,
        }
    }

    /// What it needs to read for its value; nothing where a tag holds that.
    pub(super) fn reads(&self) -> Option<Wanted> {
        let Parameter { key, .. } = &self.original.parameter;
        match (&self.write.desired.value_override, &self.referenced) {
            (None, _) => Some(Wanted {
                name: self.name.clone(),
                key: key.clone(),
                version: self.source_version(),
            }),
            (Some(ValueOverride::FromParameter(name)), Some(Observed { parameter, .. })) => {
                let (key, version) = (parameter.key.clone(), parameter.version());
                Some(Wanted { name: name.clone(), key, version })
            }
            (Some(ValueOverride::FromParameter(_) | ValueOverride::Literal(_)), _) => None,
        }
    }

    /// Its value, among those that were read or in a tag.
    pub(super) fn value<'a>(&'a self, values: &'a Values) -> Option<&'a SecretText> {
        match &self.write.desired.value_override {
            None => values.get(&self.name),
            Some(ValueOverride::Literal(text)) => Some(text),
            Some(ValueOverride::FromParameter(name)) => values.get(name),
        }
    }

    /// What holds the name, as the guard is to judge it.
    pub(super) fn evidence<'a>(&'a self, context: &'a RouteContext<'_>) -> Occupant<'a> {
        match &self.replica {
            None => Occupant::Nothing,
            Some(replica) => {
                Occupant::Parameter(replica.evidence(context.session.account(), &self.target))
            }
        }
    }

    /// The same as what it was decided on.
    pub(super) fn case<'a>(&'a self, context: &'a RouteContext<'_>) -> Case<'a> {
        context.case(
            &self.target,
            Some(&self.original),
            self.replica.as_ref(),
            self.referenced.as_ref(),
        )
    }

    /// Whether the mark was put on at a person's word, and comes off again if the write is refused.
    pub(super) fn marks_for_a_person(&self) -> bool {
        let was_marked = self.replica.as_ref().is_some_and(|replica| is_marked(&replica.tags));
        self.write.claim == Some(Claim::Take) && !was_marked
    }

    /// The versions on which it was decided.
    pub(super) fn stands_on(&self) -> Vec<(ParameterName, Version)> {
        let mut versions = vec![(self.name.clone(), self.source_version())];
        if let Some(referenced) = self.referenced_value() {
            versions.push((referenced.parameter.name.clone(), referenced.parameter.version()));
        }
        versions
    }
}

/// What one task came to.
pub(super) enum WriteState {
    /// Finished but for the confirmation.
    Done(OutcomeKind),
    /// Created with all that belongs to it; finished but for the confirmation.
    Created(OutcomeKind),
    /// Written as this version; to be read back before labels and provenance follow.
    Written(i64),
    /// Read back as this version, which is the copy; labels and then provenance are to follow.
    Verified(Version),
    /// The same, of a parameter that was deleted under the write and created by it: all its tags are to follow.
    Recreated(Version),
    /// It may have been carried out: its answer did not come.
    Unanswered(Cause),
    /// The world moved before anything was written.
    Retry,
    /// There was no time left to begin it.
    OutOfTime,
    /// The brake allows no deletion, which it needs; and why, where a person is to know.
    Held(Option<Cause>),
    /// The world moved while this was done.
    Superseded(OutcomeKind),
    /// Refused.
    Failed(Cause),
    /// Done, but the source could not be read again.
    Unconfirmed(Cause),
}

/// All the tags of a replica that is created, which is then its version 1.
pub(super) fn created_tags(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Tags {
    let first = Version { number: 1, ..attempt.source_version() };
    all_tags(attempt, &provenance(context, attempt, first, true))
}

/// All tags of a replica that is still being created, so that it is known as ours and is visibly out of sync.
pub(super) fn tags_of_unfinished(context: &RouteContext<'_>, attempt: &WriteAttempt) -> Tags {
    let unfinished = Version { number: Provenance::UNFINISHED, ..attempt.source_version() };
    all_tags(attempt, &provenance(context, attempt, unfinished, true))
}

/// All tags of a replica with this provenance.
pub(super) fn all_tags(attempt: &WriteAttempt, provenance: &Provenance) -> Tags {
    with_both(attempt.write.desired.tags.clone(), provenance)
}

/// What the tag says for `replica`, the version that holds what was read of the source.
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
