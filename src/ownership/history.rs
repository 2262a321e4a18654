//! What AWS keeps of a parameter's versions, as far as ownership needs it: who wrote which.

use std::sync::Arc;

use crate::domain::{AccountId, Version, Writer, Writers};

/// One version of a parameter's history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastVersion {
    /// Which version.
    pub version: Version,
    /// The ARN of its writer, where AWS names one.
    pub writer: Option<Arc<str>>,
    /// Whether the next version has the same value; `None` where the values were not read or there is no next one.
    pub same_as_next: Option<bool>,
}

/// A version of another writer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignVersion {
    /// Its number.
    pub number: i64,
    /// The ARN of its writer, where AWS names one.
    pub writer: Option<Arc<str>>,
}

/// A parameter's versions, the oldest that AWS keeps first, each with whom it counts for.
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

    /// The part of it that begins with the row at `at`.
    pub(super) fn from(&self, at: usize) -> Self {
        Self { rows: self.rows.get(at..).unwrap_or_default(), ..*self }
    }

    pub(super) fn position(&self, is: impl FnMut(&PastVersion) -> bool) -> Option<usize> {
        self.rows.iter().position(is)
    }

    /// Whom the version at `at` counts for.
    pub(super) fn writer(&self, at: usize) -> Option<Writer> {
        self.rows.get(at).map(|row| self.of(row))
    }

    /// Whether it goes back to the first version.
    pub(super) fn is_complete(&self) -> bool {
        self.rows.first().is_some_and(|first| first.version.number == 1)
    }

    /// The first version that is not the hub's.
    pub(super) fn first_foreign(&self) -> Option<ForeignVersion> {
        self.rows.iter().find(|row| self.of(row) != Writer::Hub).map(foreign)
    }

    /// The last version of another writer's that lies directly under one of the hub's with another value.
    pub(super) fn last_covered(&self) -> Option<ForeignVersion> {
        let at = (0..self.rows.len()).rev().find(|at| self.is_covered(*at))?;
        self.rows.get(at).map(foreign)
    }

    /// Whether the version at `at` is another writer's and lies directly under one of the hub's with another value.
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
