//! Who wrote a version of a parameter, by the ARN that AWS records with it (`LastModifiedUser`), which no caller can set.

use std::collections::BTreeSet;

use super::location::AccountId;

/// Further roles whose versions count for the ones that provenance names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedWriters {
    /// Roles by their exact names, without paths.
    Roles(BTreeSet<String>),
    /// Any writer, and versions without one: for emulators that record no writer.
    Anyone,
}

impl Default for TrustedWriters {
    fn default() -> Self {
        Self::Roles(BTreeSet::new())
    }
}

/// Whom a version counts for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The hub: the spoke role of the same account.
    Hub,
    /// A role that the settings trust.
    Trusted,
    /// Any other, or nobody that AWS names.
    Other,
}

/// Whose versions are the hub's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writers {
    /// The name, without a path, of the role through which the hub writes.
    pub spoke_role: String,
    /// The name, without a path, of the role that failover commands use. Its versions are never the hub's.
    pub failover_role: String,
    /// Further roles.
    pub trusted: TrustedWriters,
}

impl Writers {
    /// Whom a version of a parameter in `account` counts for that `arn` wrote.
    pub fn of(&self, account: &AccountId, arn: Option<&str>) -> Writer {
        let role = arn.and_then(|arn| assumed_role(account, arn));
        if role.is_some_and(|role| role == self.failover_role) {
            return Writer::Other;
        }
        if role.is_some_and(|role| role == self.spoke_role) {
            return Writer::Hub;
        }
        match (&self.trusted, role) {
            (TrustedWriters::Anyone, _) => Writer::Trusted,
            (TrustedWriters::Roles(roles), Some(role)) if roles.contains(role) => Writer::Trusted,
            _ => Writer::Other,
        }
    }
}

/// The name of the role of `account` that `arn` names as assumed: `arn:aws:sts::111122223333:assumed-role/ROLE/SESSION`.
/// AWS leaves the session out in some lists and histories.
pub fn assumed_role<'a>(account: &AccountId, arn: &'a str) -> Option<&'a str> {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(_), Some("sts"), Some("")) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    if parts.next() != Some(account.as_str()) {
        return None;
    }
    let mut path = parts.next()?.split('/');
    let (Some("assumed-role"), Some(role)) = (path.next(), path.next()) else { return None };
    let session = path.next();
    (!role.is_empty() && session != Some("") && path.next().is_none()).then_some(role)
}

#[cfg(test)]
impl Writers {
    /// Those of the settings' defaults.
    pub(crate) fn of_defaults() -> Self {
        Self {
            spoke_role: "failover-replicator-spoke".to_owned(),
            failover_role: "failover-replicator-failover".to_owned(),
            trusted: TrustedWriters::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> AccountId {
        AccountId::parse("111122223333").expect("an account")
    }

    fn of(writers: &Writers, arn: &str) -> Writer {
        writers.of(&account(), Some(arn))
    }

    const SPOKE: &str = "arn:aws:sts::111122223333:assumed-role/failover-replicator-spoke";

    #[test]
    fn the_hub_is_the_spoke_role_of_the_same_account_with_or_without_a_session() {
        let writers = Writers::of_defaults();
        assert_eq!(of(&writers, SPOKE), Writer::Hub);
        assert_eq!(of(&writers, &format!("{SPOKE}/failover-replicator")), Writer::Hub);
        assert_eq!(of(&writers, &SPOKE.replace("arn:aws:", "arn:aws-us-gov:")), Writer::Hub);
        for other in [
            String::new(),
            format!("{SPOKE}-2/failover-replicator"),
            format!("{SPOKE}/"),
            format!("{SPOKE}/a/b"),
            SPOKE.replace("111122223333", "444455556666"),
            SPOKE.replace(":sts:", ":iam:"),
            SPOKE.replace("assumed-role/", "assumed-role/path/"),
            "arn:aws:iam::111122223333:role/failover-replicator-spoke".to_owned(),
            "arn:aws:iam::111122223333:user/failover-replicator-spoke".to_owned(),
            "arn:aws:sts::111122223333:federated-user/failover-replicator-spoke".to_owned(),
            "failover-replicator-spoke".to_owned(),
        ] {
            assert_eq!(of(&writers, &other), Writer::Other, "{other}");
        }
        assert_eq!(writers.of(&account(), None), Writer::Other);
    }

    #[test]
    fn trusted_roles_are_exact_names_and_the_failover_role_is_never_the_hub() {
        let role = |name: &str| format!("arn:aws:sts::111122223333:assumed-role/{name}/s");
        let mut writers = Writers::of_defaults();
        writers.trusted = TrustedWriters::Roles(BTreeSet::from(["old-replicator".to_owned()]));
        assert_eq!(of(&writers, &role("old-replicator")), Writer::Trusted);
        assert_eq!(of(&writers, &role("old-replicator-2")), Writer::Other);
        assert_eq!(of(&writers, &role("Old-Replicator")), Writer::Other);
        assert_eq!(of(&writers, &role("failover-replicator-failover")), Writer::Other);
        writers.trusted = TrustedWriters::Anyone;
        assert_eq!(of(&writers, &role("anything")), Writer::Trusted);
        assert_eq!(writers.of(&account(), None), Writer::Trusted);
        assert_eq!(of(&writers, &role("failover-replicator-failover")), Writer::Other);
        assert_eq!(of(&writers, &format!("{SPOKE}/s")), Writer::Hub);
    }
}
