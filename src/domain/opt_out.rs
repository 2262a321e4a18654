//! The tag by which an owner takes an item out of replication: one reading of it for parameters and secrets.

use super::failure::{Cause, FailureKind};
use super::shown::shown;
use super::tags::{EXCLUDE_TAG, Tags};

/// What the tag `failover-replicator` of an item says; any case of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOut {
    /// `exclude`: the item and its replicas are left alone.
    Exclude,
    /// `remove`: the item is not replicated, and its replicas are removed.
    Remove,
    /// `released`: a former replica that is its owner's now; it is replicated like any other source.
    Released,
}

impl OptOut {
    /// The values, as messages show them.
    pub const ACCEPTED: &str = "`exclude`, `remove` or `released`";

    /// Reads the tag; `None` where it is not there.
    ///
    /// # Errors
    /// `invalid`: a value with no meaning.
    pub fn of(tags: &Tags) -> Result<Option<Self>, Cause> {
        let Some(text) = tags.get(EXCLUDE_TAG) else { return Ok(None) };
        for (word, opt_out) in
            [("exclude", Self::Exclude), ("remove", Self::Remove), ("released", Self::Released)]
        {
            if text.eq_ignore_ascii_case(word) {
                return Ok(Some(opt_out));
            }
        }
        let message = format!(
            "unknown value `{}` of the tag `{EXCLUDE_TAG}`; expected {}",
            shown(text),
            Self::ACCEPTED
        );
        let remedy = format!("set the tag `{EXCLUDE_TAG}` to {}, or remove it", Self::ACCEPTED);
        Err(Cause::new(FailureKind::Invalid, message).mended_by(remedy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_read_in_any_case_and_an_unknown_value_is_refused() {
        let read = |text: &str| OptOut::of(&Tags::from([(EXCLUDE_TAG.into(), text.into())]));
        assert_eq!(OptOut::of(&Tags::new()), Ok(None));
        assert_eq!(read("EXCLUDE"), Ok(Some(OptOut::Exclude)));
        assert_eq!(read("Remove"), Ok(Some(OptOut::Remove)));
        assert_eq!(read("released"), Ok(Some(OptOut::Released)));
        for unknown in ["", "excluded", " exclude", "yes"] {
            let cause = read(unknown).expect_err("an unknown value");
            assert_eq!(cause.kind, FailureKind::Invalid);
            assert!(cause.message.contains(OptOut::ACCEPTED), "{}", cause.message);
            assert!(cause.remedy().contains(OptOut::ACCEPTED), "{}", cause.remedy());
        }
    }
}
