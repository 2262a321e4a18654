//! A version of a parameter.

use super::timestamp::Timestamp;

/// A version of a parameter. Its number alone comes again after a deletion; number and date together do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// 1 for a create, and one more for each later write.
    pub number: i64,
    /// When it was written.
    pub modified: Timestamp,
}
