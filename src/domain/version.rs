//! The version of a parameter, as lists and histories show it.

use super::timestamp::Timestamp;

/// A version of a parameter. After a delete and a create the numbers start again at 1; number and date together stay unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// 1 for a create; each later write adds one.
    pub number: i64,
    /// The time of the write.
    pub modified: Timestamp,
}
