//! Labels of versions: `GetParameter` by `name:label` must return the same value in source and target.
//!
//! Version numbers differ between the two, so labels are matched by value. A label of the source's current version goes to
//! the replica's current version; a label of an older version goes to the newest version of the replica with the same
//! value. The hub removes a label from the replica if the source lacks the label, or if no version of the replica has its
//! value: a stale value under a label is worse than none.
//!
//! # When labels are read
//!
//! No list shows labels, and labels change no version and no date. Only `GetParameterHistory` returns them: one parameter
//! a call, in the scarcest bucket. So the hub reads labels only where they may matter ([`super::label_reads::Reads`]); only
//! a run with `labels` finds the change behind a lost label event (`hubctl verify --labels`). The first read does not
//! decrypt; if an older version has a label, a second read does, because older labels are placed by value.
//!
//! A write for a source without labels also looks for stale labels on the replica, if the source may be a new one of the
//! same name: its version number did not increase, its history lacks the copied version, or an event reports a deletion
//! or a first version. A single removed label is found by its event. A history may lag behind a label just written and
//! hide a difference; a verification with labels finds those differences too.
//!
//! # Order
//!
//! A labelled replica is created with the oldest labelled value and then overwritten with the others, the current value
//! last. Until then its provenance names no version ([`Provenance::UNFINISHED`]). Labels are written after the read-back
//! and *before* the provenance, because later sweeps do not look again; a crash in between leaves the replica visibly out
//! of sync. The hub never writes an older value over a finished replica.
//!
//! If a temporary failure prevents labels, the provenance is not written, so the next run returns to the item. A permanent
//! failure is reported and the provenance is written, because the value is right; otherwise every sweep would write the
//! value again.
//!
//! # Confirmation
//!
//! After writing labels, the hub reads the source's history again, and writes labels once more if they changed. The event
//! of that change is no substitute: two invocations that each read before the other wrote may write in the wrong order,
//! and no list would show it. With the second read, the last writer is also the last reader.
//!
//! [`Provenance::UNFINISHED`]: crate::ownership::Provenance::UNFINISHED

mod create;
mod history;
mod hooks;
mod plan;
mod store;
mod sync;

pub(super) use create::{create, write_missing};
pub(super) use history::LabelHistory;
pub(super) use hooks::{SourceHistories, read_source_histories, write_labels};
pub(super) use sync::sync_unchanged;
