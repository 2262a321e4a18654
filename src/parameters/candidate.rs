//! An item that the lists do not prove in sync.

use std::collections::{BTreeMap, BTreeSet};

use super::model::Observed;
use crate::domain::{Cause, ParameterName, Region};
use crate::ownership::FoundBy;

/// An item that the lists do not prove in sync, with everything that was read of the item in its source and targets.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) name: ParameterName,
    pub(super) original: Option<Observed>,
    pub(super) replicas: BTreeMap<Region, Option<Observed>>,
    /// Whether everything was read by name. Otherwise tags and attributes come from lists, which may lag.
    pub(super) read_by_name: bool,
    /// The first target that could not be read, with the reason.
    pub(super) unread: Option<(Region, Cause)>,
    /// The parameters that value overrides reference, by target. They come from a list until the pass reads them by name.
    pub(super) referenced: BTreeMap<Region, Observed>,
    /// The evidence that the source no longer exists.
    pub(super) found_by: Option<FoundBy>,
    /// Targets that hold a copy of a source version that changed during the write. The next pass writes them again,
    /// whatever it reads there.
    pub(super) moved: BTreeSet<Region>,
}
