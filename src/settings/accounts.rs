//! Which accounts are in scope: by id, and by the path of their organisational unit.

use std::collections::BTreeSet;

use crate::domain::AccountId;

/// In scope is what some include names (any account, where there are none) and no exclude does. `organization` decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// Accounts by id.
    pub include: BTreeSet<AccountId>,
    /// Accounts by id.
    pub exclude: BTreeSet<AccountId>,
    /// Paths of organisational units, each with a `/` at its end: everything below it.
    pub include_ous: Vec<String>,
    /// Paths of organisational units, each with a `/` at its end: everything below it.
    pub exclude_ous: Vec<String>,
}

impl AccountFilter {
    /// Whether the ids alone let `account` in. Where organisational units decide too, only Organizations can tell:
    /// events come from where the spoke's rules are deployed, which is by unit as well.
    pub fn names_account(&self, account: &AccountId) -> bool {
        self.excluded_by(account).is_none()
    }

    /// The setting that leaves `account` out by its id. Organisational units do not bind accounts that are named, nor
    /// events, yet: that needs the list of accounts that the last sweep stored.
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
