//! An item that was not proved equal, and what is known of it.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Observed;
use crate::domain::{Cause, ParameterName, Region};
use crate::ownership::FoundBy;

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
