//! The tiers and their largest values (FACTS 25 to 28).

use crate::error::AwsError;

pub(super) const STANDARD: &str = "Standard";
pub(super) const ADVANCED: &str = "Advanced";
/// The maximum number of standard parameters in an account and Region.
pub(super) const STANDARD_LIMIT: usize = 10_000;

/// The tier after a write. `held` is the tier of the existing parameter.
pub(super) fn resolve(
    asked: Option<&str>,
    held: Option<&'static str>,
    value_bytes: usize,
    has_policies: bool,
) -> Result<&'static str, AwsError> {
    let was_advanced = held == Some(ADVANCED);
    let tier = match asked {
        Some("Standard") => STANDARD,
        Some("Advanced") => ADVANCED,
        Some("Intelligent-Tiering") => {
            if was_advanced || has_policies || value_bytes > limit(STANDARD) {
                ADVANCED
            } else {
                STANDARD
            }
        }
        None => held.unwrap_or(STANDARD),
        Some(other) => {
            return Err(AwsError::validation(format!(
                "1 validation error detected: Value '{other}' at 'tier' failed to satisfy constraint: Member must satisfy enum value set: [Standard, Advanced, Intelligent-Tiering]"
            )));
        }
    };
    if was_advanced && tier == STANDARD {
        return Err(AwsError::validation(
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.",
        ));
    }
    if value_bytes > limit(tier) {
        return Err(AwsError::validation(format!(
            "{tier} tier parameters support a maximum parameter value of {} characters.",
            limit(tier)
        )));
    }
    if tier == STANDARD && has_policies {
        return Err(AwsError::validation(
            "Parameter policies are supported by the advanced-parameter tier only.",
        ));
    }
    Ok(tier)
}

fn limit(tier: &str) -> usize {
    if tier == ADVANCED { 8192 } else { 4096 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_changes_to_advanced_and_never_back() {
        assert_eq!(resolve(Some("Standard"), None, 4096, false), Ok(STANDARD));
        assert!(resolve(Some("Standard"), None, 4097, false).is_err());
        assert_eq!(resolve(Some("Advanced"), Some(STANDARD), 8192, true), Ok(ADVANCED));
        assert!(resolve(Some("Advanced"), None, 8193, false).is_err());
        assert!(resolve(Some("Standard"), Some(ADVANCED), 1, false).is_err());
        assert!(resolve(Some("Standard"), None, 1, true).is_err());
        assert_eq!(resolve(None, Some(ADVANCED), 1, false), Ok(ADVANCED));
        assert_eq!(resolve(Some("Intelligent-Tiering"), None, 1, false), Ok(STANDARD));
        assert_eq!(resolve(Some("Intelligent-Tiering"), None, 5000, false), Ok(ADVANCED));
    }
}
