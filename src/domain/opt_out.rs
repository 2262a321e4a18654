//! The opt-out tag `failover-replicator` of a source. Parameters and secrets share this function.

use super::failure::{Cause, FailureKind};
use super::shown::shown;
use super::tags::{EXCLUDE_TAG, Tags};

/// The value of the opt-out tag, in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptOut {
    /// `exclude`: the hub does not change the item's replicas.
    Exclude,
    /// `remove`: the hub does not replicate the item and removes its replicas.
    Remove,
    /// `released`: a former replica that now belongs to its owner. The hub replicates it like any other source.
    Released,
}

impl OptOut {
    /// The accepted values, for messages.
    pub const ACCEPTED: &str = "`exclude`, `remove` or `released`";

    /// Reads the tag; `None` if the item has no such tag.
    ///
    /// # Errors
    /// `invalid` for an unknown value.
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
        Err(Cause::new(FailureKind::Invalid, message).with_remedy(remedy))
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
