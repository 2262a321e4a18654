//! The writer of a version of a parameter. AWS records the writer's ARN with each version (`LastModifiedUser`), and no
//! caller can set that field: it is the proof of ownership.

use std::collections::BTreeSet;

use super::location::AccountId;

/// The setting `REPLICATOR_TRUSTED_WRITERS`: further roles whose versions provenance may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedWriters {
    /// Exact names of roles, without paths.
    Roles(BTreeSet<String>),
    /// Any writer, and versions without a writer: for emulators that record none.
    Anyone,
}

impl Default for TrustedWriters {
    fn default() -> Self {
        Self::Roles(BTreeSet::new())
    }
}

/// The writer of a version, as far as ownership is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The hub: the spoke role of the same account.
    Hub,
    /// A role in `REPLICATOR_TRUSTED_WRITERS`.
    Trusted,
    /// A different writer, or no writer in AWS's answer.
    Other,
}

/// The roles that decide whether the hub wrote a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writers {
    /// The name, without a path, of the role that the hub assumes to write.
    pub spoke_role: String,
    /// The name, without a path, of the role of the failover commands. Its versions never count as the hub's.
    pub failover_role: String,
    /// Further roles that count.
    pub trusted: TrustedWriters,
}

impl Writers {
    /// The writer behind `arn`, for a parameter in `account`.
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

/// `ROLE` of `arn:aws:sts::111122223333:assumed-role/ROLE/SESSION`, if the role belongs to `account`. Some lists and
/// histories of AWS omit the session.
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
    /// The roles of the default settings.
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
