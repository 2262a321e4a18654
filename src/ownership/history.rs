//! The versions of a parameter with their writers: the part of the history that ownership needs.

use std::sync::Arc;

use crate::domain::{AccountId, Version, Writer, Writers};

/// One version of a parameter's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastVersion {
    /// Number and date.
    pub version: Version,
    /// The ARN of the writer, if AWS names one.
    pub writer: Option<Arc<str>>,
    /// Whether the next version has the same value; `None` if the values were not read or no next version exists.
    pub same_as_next: Option<bool>,
}

/// A version of another writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignVersion {
    /// The number of the version.
    pub number: i64,
    /// The ARN of the writer, if AWS names one.
    pub writer: Option<Arc<str>>,
}

/// The versions that AWS keeps of a parameter, the oldest first, and whose writers count as the hub.
pub(super) struct WriterHistory<'a> {
    rows: &'a [PastVersion],
    account: &'a AccountId,
    writers: &'a Writers,
}

impl<'a> WriterHistory<'a> {
    pub(super) fn new(
        rows: &'a [PastVersion],
        account: &'a AccountId,
        writers: &'a Writers,
    ) -> Self {
        Self { rows, account, writers }
    }

    /// The part of the history that begins with the row at `at`.
    pub(super) fn from(&self, at: usize) -> Self {
        Self { rows: self.rows.get(at..).unwrap_or_default(), ..*self }
    }

    pub(super) fn position(&self, is: impl FnMut(&PastVersion) -> bool) -> Option<usize> {
        self.rows.iter().position(is)
    }

    /// The writer of the version at `at`.
    pub(super) fn writer(&self, at: usize) -> Option<Writer> {
        self.rows.get(at).map(|row| self.of(row))
    }

    /// Whether the history goes back to the first version.
    pub(super) fn is_complete(&self) -> bool {
        self.rows.first().is_some_and(|first| first.version.number == 1)
    }

    /// The first version that is not the hub's.
    pub(super) fn first_foreign(&self) -> Option<ForeignVersion> {
        self.rows.iter().find(|row| self.of(row) != Writer::Hub).map(foreign)
    }

    /// The last version of another writer that lies directly under a version of the hub with a different value.
    pub(super) fn last_covered(&self) -> Option<ForeignVersion> {
        let at = (0..self.rows.len()).rev().find(|at| self.is_covered(*at))?;
        self.rows.get(at).map(foreign)
    }

    /// Whether another writer's version at `at` lies directly under a version of the hub with a different value.
    pub(super) fn is_covered(&self, at: usize) -> bool {
        let (Some(under), Some(over)) = (self.rows.get(at), self.rows.get(at + 1)) else {
            return false;
        };
        self.of(under) != Writer::Hub
            && self.of(over) == Writer::Hub
            && under.same_as_next != Some(true)
    }

    fn of(&self, row: &PastVersion) -> Writer {
        self.writers.of(self.account, row.writer.as_deref())
    }
}

fn foreign(row: &PastVersion) -> ForeignVersion {
    ForeignVersion { number: row.version.number, writer: row.writer.clone() }
}
