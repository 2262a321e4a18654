//! The table of settings: name, default, what is accepted. Whoever adds a setting adds it here and in `parse`.

/// What the name of every setting begins with.
pub const PREFIX: &str = "REPLICATOR_";

/// One setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The environment variable.
    pub name: &'static str,
    /// What holds where the variable is not set or empty.
    pub default: Option<&'static str>,
    /// What is accepted, for a person; it stands in every fault.
    pub accepted: &'static str,
}

/// Every setting, in the order of the README's table.
pub const fn known() -> &'static [Known] {
    &ALL
}

macro_rules! settings {
    ($($constant:ident = $name:literal, $default:expr, $accepted:expr;)*) => {
        $(pub(super) const $constant: Known = Known {
            name: concat!("REPLICATOR_", $name),
            default: $default,
            accepted: $accepted,
        };)*
        const ALL: [Known; [$($constant),*].len()] = [$($constant),*];
    };
}

const ACCOUNTS: &str =
    "account ids of twelve digits with commas between, such as `111122223333,444455556666`";
const OUS: &str = "paths of organisational units as Organizations gives them, with commas between, such as `o-a1b2c3d4e5/r-f6g7/ou-f6g7-h8i9j0k1/`";
const GLOBS: &str = "globs over names with commas between, such as `/shop/*,/pay/*/db`";
const EXCLUDED_GLOBS: &str = "globs over names with commas between, such as `default,/shop/*`, where the word `default` stands for what deployment tools keep in each Region";
const ROLE_NAME: &str =
    "the name of a role without its path: 1 to 64 letters, digits and `_+=,.@-`";
const SHARE: &str = "a number over 0 and at most 1, such as `0.5`";

settings! {
    ROUTES = "ROUTES", None,
        "`SOURCE=TARGET[,TARGET]`, several with `;` between, such as `us-east-2=us-east-1,us-west-2;eu-west-1=eu-central-1`";
    SPOKE_ROLE_NAME = "SPOKE_ROLE_NAME", Some("failover-replicator-spoke"),
        ROLE_NAME;
    FAILOVER_ROLE_NAME = "FAILOVER_ROLE_NAME", Some("failover-replicator-failover"),
        "the name of a role other than REPLICATOR_SPOKE_ROLE_NAME, without its path: 1 to 64 letters, digits and `_+=,.@-`";
    TRUSTED_WRITERS = "TRUSTED_WRITERS", None,
        "exact names of roles, without their paths, with commas between, such as `parameter-store-replication,old-spoke`; or `*` alone, where AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_SSM names an emulator on loopback";
    SPOKE_EXTERNAL_ID = "SPOKE_EXTERNAL_ID", None,
        "2 to 1,224 letters, digits and `_+=,.@:/-`";
    OPERATOR_ROLE_ARN = "OPERATOR_ROLE_ARN", None,
        "the ARN of a role, such as `arn:aws:iam::111122223333:role/NAME`";
    SNS_TOPIC_ARN = "SNS_TOPIC_ARN", None,
        "the ARN of a standard topic, such as `arn:aws:sns:us-east-1:111122223333:NAME`";
    INCLUDE_ACCOUNTS = "INCLUDE_ACCOUNTS", None, ACCOUNTS;
    EXCLUDE_ACCOUNTS = "EXCLUDE_ACCOUNTS", None, ACCOUNTS;
    INCLUDE_OUS = "INCLUDE_OUS", None, OUS;
    EXCLUDE_OUS = "EXCLUDE_OUS", None, OUS;
    INCLUDE_NAMES = "INCLUDE_NAMES", None, GLOBS;
    EXCLUDE_NAMES = "EXCLUDE_NAMES", Some("default"), EXCLUDED_GLOBS;
    KMS_KEYS = "KMS_KEYS", Some("{}"),
        "a JSON object from source key to target key, or to an object from target Region to key, such as `{\"alias/a\":\"alias/b\",\"alias/c\":{\"us-east-1\":\"alias/d\"}}`";
    ON_CONFLICT = "ON_CONFLICT", Some("report"), "`report` or `adopt`";
    ON_TARGET_CHANGE = "ON_TARGET_CHANGE", Some("report"), "`report` or `restore`";
    DELETE_GRACE_DAYS = "DELETE_GRACE_DAYS", Some("1"), "a whole number of days from 0 to 3650";
    MAX_DELETES = "MAX_DELETES", Some("10%"),
        "a whole number such as `25`, or a percentage from `0%` to `100%`";
    SOURCE_QUOTA_SHARE = "SOURCE_QUOTA_SHARE", Some("0.5"), SHARE;
    TARGET_QUOTA_SHARE = "TARGET_QUOTA_SHARE", Some("0.9"), SHARE;
    QUOTAS = "QUOTAS", Some("{}"),
        "a JSON object from `account/region/bucket`, each of them or `*`, to calls a second, such as `{\"111122223333/us-east-2/ssm.read\":1000,\"*/*/ssm.control\":10}`";
    ACCOUNT_CONCURRENCY = "ACCOUNT_CONCURRENCY", Some("64"), "a whole number from 1 to 1000";
    ITEMS_IN_FLIGHT = "ITEMS_IN_FLIGHT", Some("100000"), "a whole number from 1000 to 10000000";
    EVENT_CONCURRENCY = "EVENT_CONCURRENCY", Some("2"), "a whole number from 1 to 1000";
}

/// The known setting whose name is most like `name`.
pub(super) fn nearest(name: &str) -> &'static str {
    let name = name.to_ascii_uppercase();
    let mut best = (usize::MAX, ALL[0].name);
    for setting in known() {
        let distance = strsim::damerau_levenshtein(&name, setting.name);
        if distance < best.0 {
            best = (distance, setting.name);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_the_one_that_was_meant() {
        for (wrong, right) in [
            ("REPLICATOR_ROUTE", "REPLICATOR_ROUTES"),
            ("REPLICATOR_routes", "REPLICATOR_ROUTES"),
            ("REPLICATOR_SNS_TOPIC", "REPLICATOR_SNS_TOPIC_ARN"),
            ("REPLICATOR_MAX_DELETE", "REPLICATOR_MAX_DELETES"),
            ("REPLICATOR_EXLUDE_ACCOUNTS", "REPLICATOR_EXCLUDE_ACCOUNTS"),
        ] {
            assert_eq!(nearest(wrong), right);
        }
    }

    #[test]
    fn names_begin_with_the_prefix_and_stand_once() {
        let names: std::collections::BTreeSet<&str> = known().iter().map(|k| k.name).collect();
        assert_eq!(names.len(), known().len());
        assert!(names.iter().all(|name| name.starts_with(PREFIX)));
    }
}
