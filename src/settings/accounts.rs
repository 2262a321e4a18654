//! The filter for accounts, by id and by the path of the organisational unit.

use std::collections::BTreeSet;

use crate::domain::AccountId;

/// An account is in scope if an include matches it and no exclude matches it. Without includes every account is included.
/// `organization` evaluates the filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Ids of included accounts.
    pub include: BTreeSet<AccountId>,
    /// Ids of excluded accounts.
    pub exclude: BTreeSet<AccountId>,
    /// Paths of organisational units, each with a final `/`. A path matches every account below the unit.
    pub include_ous: Vec<String>,
    /// In the form of `include_ous`.
    pub exclude_ous: Vec<String>,
}

impl AccountFilter {
    /// Whether the ids admit `account`. Organisational units do not count here, because only Organizations knows the unit
    /// of an account. Events arrive only from accounts with the spoke's rules, which are deployed by unit.
    pub fn names_account(&self, account: &AccountId) -> bool {
        self.excluded_by(account).is_none()
    }

    /// The setting that excludes `account` by id. Organisational units do not apply to named accounts or to events yet:
    /// that requires the stored account list of the last sweep.
    pub fn excluded_by(&self, account: &AccountId) -> Option<&'static str> {
        if self.exclude.contains(account) {
            return Some("REPLICATOR_EXCLUDE_ACCOUNTS");
        }
        let included = self.include.is_empty()
            || !self.include_ous.is_empty()
            || self.include.contains(account);
        (!included).then_some("REPLICATOR_INCLUDE_ACCOUNTS")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_of_an_account_that_is_excluded_by_id_is_out() {
        let account = |id| AccountId::parse(id).expect("an account");
        let (a, b) = (account("111122223333"), account("444455556666"));
        assert!(AccountFilter::default().names_account(&a));
        let only_a =
            AccountFilter { include: BTreeSet::from([a.clone()]), ..AccountFilter::default() };
        assert!(only_a.names_account(&a) && !only_a.names_account(&b));
        assert_eq!(only_a.excluded_by(&b), Some("REPLICATOR_INCLUDE_ACCOUNTS"));
        let or_unit = AccountFilter { include_ous: vec!["ou-1".to_owned()], ..only_a };
        assert!(or_unit.names_account(&b));
        let not_a =
            AccountFilter { exclude: BTreeSet::from([a.clone()]), ..AccountFilter::default() };
        assert!(!not_a.names_account(&a) && not_a.names_account(&b));
        assert_eq!(not_a.excluded_by(&a), Some("REPLICATOR_EXCLUDE_ACCOUNTS"));
        let both = AccountFilter { include: BTreeSet::from([a.clone()]), ..not_a };
        assert_eq!(both.excluded_by(&a), Some("REPLICATOR_EXCLUDE_ACCOUNTS"), "an exclude wins");
    }
}
