//! The JSON of accounts, failures, notes, steps and tombstones, shared by the response and the digest; and the part of a
//! list that fits a size limit.

use std::collections::BTreeMap;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use super::response::{AccountLine, PlannedStep, TombstoneLine, Totals};
use crate::domain::{AccountId, Change, Counts, Failure, Note, Region, Subject, TombstonedReplica};

/// The longest prefix of `list` that fits into `room` bytes. Reduces `room` by the size of that prefix.
pub(super) fn fit<'a, T, V: Serialize>(
    list: &'a [T],
    view: impl Fn(&'a T) -> V,
    room: &mut usize,
) -> &'a [T] {
    let mut many = 0;
    for entry in list {
        let Some(left) = room.checked_sub(size_of(&view(entry)).saturating_add(1)) else { break };
        *room = left;
        many += 1;
    }
    list.get(..many).unwrap_or(list)
}

/// The size as JSON in bytes.
pub(super) fn size_of(entry: &impl Serialize) -> usize {
    // An entry that cannot be serialised counts as too large.
    serde_json::to_vec(entry).map_or(usize::MAX / 2, |json| json.len())
}

/// A list whose entries are serialised through the function `F`.
pub(super) struct Views<'a, T, F>(pub(super) &'a [T], pub(super) F);

impl<'a, T, V: Serialize, F: Fn(&'a T) -> V> Serialize for Views<'a, T, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(&self.1))
    }
}

/// Counts without zeros.
pub(super) struct CountsView<'a>(pub(super) &'a Counts);

impl Serialize for CountsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(kind, count)| (kind.word(), count)))
    }
}

/// The totals over all accounts.
pub(super) struct TotalsView<'a>(pub(super) &'a Totals);

impl Serialize for TotalsView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Totals", 5)?;
        object.serialize_field("accounts", &StatusesView(self.0))?;
        object.serialize_field("parameters", &CountsView(&self.0.parameters))?;
        object.serialize_field("secrets", &CountsView(&self.0.secrets))?;
        if self.0.trusted_writers > 0 {
            object.serialize_field("trusted_writers", &self.0.trusted_writers)?;
        }
        if let Some(planned) = &self.0.planned {
            object.serialize_field("planned", &PlannedView(planned))?;
        }
        object.end()
    }
}

/// Steps by target Region and change.
struct PlannedView<'a>(&'a BTreeMap<Region, BTreeMap<Change, u64>>);

impl Serialize for PlannedView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let changes = |changes: &BTreeMap<Change, u64>| {
            changes.iter().map(|(change, count)| (change.word(), *count)).collect()
        };
        serializer.collect_map(self.0.iter().map(|(region, counted)| {
            let counted: BTreeMap<&str, u64> = changes(counted);
            (region.as_str(), counted)
        }))
    }
}

struct StatusesView<'a>(&'a Totals);

impl Serialize for StatusesView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.accounts().map(|(status, count)| (status.word(), count)))
    }
}

/// An account that is not in sync.
pub(super) struct AccountView<'a>(pub(super) &'a AccountLine);

impl Serialize for AccountView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let line = self.0;
        let mut object = serializer.serialize_struct("Account", 4)?;
        object.serialize_field("account", line.account.as_str())?;
        object.serialize_field("status", line.status.word())?;
        object.serialize_field("parameters", &CountsView(&line.parameters))?;
        object.serialize_field("secrets", &CountsView(&line.secrets))?;
        object.end()
    }
}

/// Account, kind, Region and name; a field without a value is omitted.
fn place<M: SerializeMap>(
    object: &mut M,
    account: Option<&AccountId>,
    region: Option<&Region>,
    subject: &Subject,
) -> Result<(), M::Error> {
    if let Some(account) = account {
        object.serialize_entry("account", account.as_str())?;
    }
    object.serialize_entry("kind", subject.word())?;
    if let Some(region) = region {
        object.serialize_entry("region", region.as_str())?;
    }
    if let Subject::Item(item) = subject {
        object.serialize_entry("name", item.name())?;
    }
    Ok(())
}

/// A failure. Account, Region, name and class may be missing.
pub(super) struct FailureView<'a>(pub(super) &'a Failure);

impl Serialize for FailureView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Failure { account, region, subject, cause } = self.0;
        let mut object = serializer.serialize_map(None)?;
        place(&mut object, account.as_ref(), region.as_ref(), subject)?;
        object.serialize_entry("error_kind", cause.kind.word())?;
        if let Some(class) = cause.class {
            object.serialize_entry("class", class.word())?;
        }
        object.serialize_entry("message", &cause.message)?;
        object.serialize_entry("remedy", cause.remedy())?;
        object.end()
    }
}

/// A note. Account, Region, name and outcome may be missing.
pub(super) struct NoteView<'a>(pub(super) &'a Note);

impl Serialize for NoteView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Note { account, region, subject, outcome, message, remedy } = self.0;
        let mut object = serializer.serialize_map(None)?;
        place(&mut object, account.as_ref(), region.as_ref(), subject)?;
        if let Some(outcome) = outcome {
            object.serialize_entry("outcome", outcome.word())?;
        }
        object.serialize_entry("message", message)?;
        object.serialize_entry("remedy", remedy)?;
        object.end()
    }
}

/// A step of a plan. The class may be missing.
pub(super) struct StepView<'a>(pub(super) &'a PlannedStep);

impl Serialize for StepView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PlannedStep { account, step } = self.0;
        let mut object = serializer.serialize_struct("Step", 7)?;
        object.serialize_field("account", account.as_str())?;
        object.serialize_field("kind", step.item.kind().word())?;
        object.serialize_field("region", step.region.as_str())?;
        object.serialize_field("name", step.item.name())?;
        object.serialize_field("change", step.change.word())?;
        let because: Vec<&str> = step.because.iter().map(|reason| reason.as_str()).collect();
        object.serialize_field("because", &because)?;
        if let Some(class) = step.class {
            object.serialize_field("class", class.word())?;
        }
        object.end()
    }
}

/// A replica with a tombstone.
pub(super) struct TombstoneView<'a>(pub(super) &'a TombstoneLine);

impl Serialize for TombstoneView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let TombstoneLine { replica: TombstonedReplica { due, region, item }, account } = self.0;
        let mut object = serializer.serialize_struct("Tombstone", 5)?;
        object.serialize_field("account", account.as_str())?;
        object.serialize_field("kind", item.kind().word())?;
        object.serialize_field("region", region.as_str())?;
        object.serialize_field("name", item.name())?;
        object.serialize_field("due", &due.to_string())?;
        object.end()
    }
}
