//! Labels of versions: `GetParameter` by `name:label` is to give the same value in source and target.
//!
//! Version numbers differ between the two, so labels are matched by value: a label of the source's current version is
//! put on the replica's current one, a label of an older version on the newest version of the replica that has its
//! value. What the source has not, and what has its value in no version of the replica, is taken off the replica: a
//! standby that gives a stale value under a label is worse than one that gives none.
//!
//! # When they are read
//!
//! No list shows labels and no version or date moves with them; `GetParameterHistory` alone tells, at one parameter a
//! call of the scarcest bucket. So they are read where something is known to be at stake ([`super::label_reads::Reads`]), and a label event
//! that was lost is found by a run with `labels` alone (`hubctl verify --labels`). The history is read without
//! decryption first; only where an older version has a label are values needed, and then it is read decrypted.
//!
//! A write for a source without labels looks for labels that stayed on the replica where the source may be another one
//! than was copied: its version's number did not rise, its history does not have the copied version any more, or an event
//! tells of a deletion or of a first version. Labels that were taken off one by one are found by their events, and a
//! history that lags behind a label just written may hide a difference: such a verification finds those too.
//!
//! # Order
//!
//! A labelled replica is created with the oldest labelled value, then written over with the others, the current one
//! last, and its provenance names no version until all is done ([`Provenance::UNFINISHED`]). Labels go on after the
//! read-back and *before* provenance, after which a sweep would never look again: whatever ends on the way leaves the
//! replica visibly out of sync. An older value is never written over a replica that was finished.
//!
//! A failure that may pass by itself leaves provenance out too, so that the next run comes back to the item. Another is
//! told, and provenance is written, since the value is right: it would be written anew in every sweep for nothing.
//!
//! # Confirmation
//!
//! After labels were written the source's history is read again, and if its labels moved they are written once more.
//! Their event is no proof that somebody else does it: two invocations that each read before the other wrote may write
//! in the wrong order, and nothing would show it later. Whoever writes last also reads last.
//!
//! [`Provenance::UNFINISHED`]: super::provenance::Provenance::UNFINISHED

mod create;
mod history;
mod hooks;
mod plan;
mod store;
mod sync;

pub(super) use create::{create, write_missing};
pub(super) use history::History;
pub(super) use hooks::{Sources, label, sources};
pub(super) use sync::sync_unchanged;
