//! The versions and labels that AWS keeps of a parameter.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Cause, SecretText, Version};

/// One version that AWS keeps.
#[derive(Clone, Debug)]
pub(super) struct KeptVersion {
    pub(super) version: Version,
    /// `None` if the value is encrypted or not needed.
    pub(super) value: Option<SecretText>,
    pub(super) labels: BTreeSet<String>,
}

impl KeptVersion {
    /// The version paired with each of its labels.
    pub(super) fn each_label(&self) -> impl Iterator<Item = (&Self, &str)> {
        self.labels.iter().map(move |label| (self, label.as_str()))
    }
}

/// The versions that AWS keeps of a parameter, at most 100, the oldest first.
#[derive(Clone, Debug, Default)]
pub(in crate::parameters) struct LabelHistory {
    versions: Vec<KeptVersion>,
    /// Whether values are encrypted, because the read did not decrypt.
    is_sealed: bool,
    /// Why AWS refused to decrypt the values.
    pub(super) unreadable: Option<Cause>,
}

impl LabelHistory {
    /// A history of these versions, in any order.
    pub(super) fn new(mut versions: Vec<KeptVersion>) -> Self {
        versions.sort_by_key(|kept| kept.version.number);
        let is_sealed = versions.iter().any(|kept| kept.value.is_none());
        Self { versions, is_sealed, unreadable: None }
    }

    /// The history without the values of unlabelled versions, which are not needed of a source.
    pub(super) fn without_unlabelled_values(mut self) -> Self {
        for kept in self.versions.iter_mut().filter(|kept| kept.labels.is_empty()) {
            kept.value = None;
        }
        self
    }

    /// The history without the labels of versions before the current one.
    pub(super) fn without_older_labels(mut self) -> Self {
        if let Some((_, older)) = self.versions.split_last_mut() {
            for kept in older {
                kept.labels.clear();
            }
        }
        self
    }

    /// All versions, the oldest first.
    pub(super) fn versions(&self) -> &[KeptVersion] {
        &self.versions
    }

    pub(super) fn contains(&self, version: Version) -> bool {
        self.versions.iter().any(|kept| kept.version == version)
    }

    pub(super) fn current(&self) -> Option<&KeptVersion> {
        self.versions.last()
    }

    pub(super) fn is_current(&self, kept: &KeptVersion) -> bool {
        self.current().is_some_and(|current| current.version == kept.version)
    }

    /// The labelled versions before the current one, the oldest first.
    pub(super) fn older_labelled(&self) -> impl Iterator<Item = &KeptVersion> {
        let older = self.versions.split_last().map(|(_, older)| older).unwrap_or_default();
        older.iter().filter(|kept| !kept.labels.is_empty())
    }

    pub(in crate::parameters) fn has_labels(&self) -> bool {
        self.versions.iter().any(|kept| !kept.labels.is_empty())
    }

    /// The version number of each label.
    pub(super) fn labels(&self) -> BTreeMap<&str, i64> {
        let labels = self.versions.iter().flat_map(KeptVersion::each_label);
        labels.map(|(kept, label)| (label, kept.version.number)).collect()
    }

    /// Whether the needed values are known.
    pub(super) fn is_readable(&self) -> bool {
        !self.is_sealed
    }

    /// Whether a version has this value. Unknown values never match.
    pub(super) fn has_value(&self, value: &SecretText) -> bool {
        self.versions.iter().any(|kept| kept.value.as_ref() == Some(value))
    }
}
