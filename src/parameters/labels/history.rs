//! What AWS keeps of a parameter's versions.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Cause, SecretText, Version};

/// One version that AWS keeps.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Which.
    pub(super) version: Version,
    /// Its value; none where it is encrypted and was read as it is, or is not needed.
    pub(super) value: Option<SecretText>,
    /// Its labels.
    pub(super) labels: BTreeSet<String>,
}

impl Kept {
    /// Itself with each of its labels.
    pub(super) fn each_label(&self) -> impl Iterator<Item = (&Self, &str)> {
        self.labels.iter().map(move |label| (self, label.as_str()))
    }
}

/// The versions that AWS keeps of a parameter, at most 100, the oldest first.
#[derive(Clone, Debug, Default)]
pub(in crate::parameters) struct History {
    versions: Vec<Kept>,
    /// Whether values are encrypted, since decryption was not asked for.
    is_sealed: bool,
    /// Why AWS did not decrypt the values, where they were asked for.
    pub(super) unreadable: Option<Cause>,
}

impl History {
    /// Of these versions, in any order.
    pub(super) fn new(mut versions: Vec<Kept>) -> Self {
        versions.sort_by_key(|kept| kept.version.number);
        let is_sealed = versions.iter().any(|kept| kept.value.is_none());
        Self { versions, is_sealed, unreadable: None }
    }

    /// The same without the values of versions that have no label: of a source no others are needed.
    pub(super) fn without_idle_values(mut self) -> Self {
        for kept in self.versions.iter_mut().filter(|kept| kept.labels.is_empty()) {
            kept.value = None;
        }
        self
    }

    /// The same without the labels of versions before the current one.
    pub(super) fn without_older_labels(mut self) -> Self {
        if let Some((_, older)) = self.versions.split_last_mut() {
            for kept in older {
                kept.labels.clear();
            }
        }
        self
    }

    /// All versions, the oldest first.
    pub(super) fn versions(&self) -> &[Kept] {
        &self.versions
    }

    /// Whether this version is among those that AWS keeps.
    pub(super) fn keeps(&self, version: Version) -> bool {
        self.versions.iter().any(|kept| kept.version == version)
    }

    /// The current version.
    pub(super) fn current(&self) -> Option<&Kept> {
        self.versions.last()
    }

    /// Whether this is the current version.
    pub(super) fn is_current(&self, kept: &Kept) -> bool {
        self.current().is_some_and(|current| current.version == kept.version)
    }

    /// The labelled versions before the current one, the oldest first.
    pub(super) fn older_labelled(&self) -> impl Iterator<Item = &Kept> {
        let older = self.versions.split_last().map(|(_, older)| older).unwrap_or_default();
        older.iter().filter(|kept| !kept.labels.is_empty())
    }

    /// Whether any version has a label.
    pub(in crate::parameters) fn has_labels(&self) -> bool {
        self.versions.iter().any(|kept| !kept.labels.is_empty())
    }

    /// Each label's version number.
    pub(super) fn labels(&self) -> BTreeMap<&str, i64> {
        let labels = self.versions.iter().flat_map(Kept::each_label);
        labels.map(|(kept, label)| (label, kept.version.number)).collect()
    }

    /// Whether the values are known, as far as they are needed.
    pub(super) fn is_readable(&self) -> bool {
        !self.is_sealed
    }

    /// Whether a version has this value; false where it is not known.
    pub(super) fn has_value(&self, value: &SecretText) -> bool {
        self.versions.iter().any(|kept| kept.value.as_ref() == Some(value))
    }
}
