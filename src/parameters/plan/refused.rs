//! What AWS refused for good: the standby keeps its old form, and is not taken away for the same again.

use super::Case;
use super::write::Pair;
use crate::domain::{Cause, FailureKind};
use crate::ownership::{Provenance, Refused};

impl Pair<'_> {
    /// The attribute that AWS refused for good to change, for this version of the source and what is to be sent with it.
    pub(super) fn refused_before(&self, provenance: &Provenance) -> Option<&'static str> {
        let Refused { version, form } = provenance.refused?;
        let is_same = version == self.original.parameter.version && form == self.desired.form;
        self.recreation.filter(|_| is_same)
    }
}

/// The failure of a replica that keeps its old form.
pub(super) fn keeps_old_form(
    case: Case<'_>,
    attribute: &'static str,
    provenance: &Provenance,
) -> Cause {
    let message = format!(
        "AWS refused for good to change the {} of the replica in {}; it keeps its old form, of the source's version {}, and is not taken away for the same again",
        attribute.replace('_', " "),
        case.target,
        provenance.source.number
    );
    let remedy = format!(
        "change the source, which is tried with its next version; or mend in {} what AWS refused, which the first report of this failure says, and {}",
        case.target,
        retry_remedy(case)
    );
    Cause::new(FailureKind::Invalid, message).mended_by(remedy)
}

/// How a person has a change tried again that AWS refused for good.
pub(in crate::parameters) fn retry_remedy(case: Case<'_>) -> String {
    let name = case.original.or(case.replica).map(|held| held.parameter.name.as_str());
    format!(
        r#"name the item, which tries it once more: `hubctl invoke` with {{"account":"{}","region":"{}","detail":{{"name":"{}","operation":"sync"}}}}"#,
        case.account,
        case.source,
        name.unwrap_or_default()
    )
}
