//! The table of settings: name, default and accepted values. A new setting is added here and in `parse`.

/// The prefix of every setting.
pub const PREFIX: &str = "REPLICATOR_";

/// One entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownSetting {
    /// The name of the environment variable.
    pub name: &'static str,
    /// The value that applies if the variable is not set or empty.
    pub default: Option<&'static str>,
    /// The accepted values, for an operator. Every fault shows this text.
    pub accepted: &'static str,
}

/// Every setting, in the order of the table in the documentation.
pub const fn known() -> &'static [KnownSetting] {
    &ALL
}

macro_rules! settings {
    ($($constant:ident = $name:literal, $default:expr, $accepted:expr;)*) => {
        $(pub(super) const $constant: KnownSetting = KnownSetting {
            name: concat!("REPLICATOR_", $name),
            default: $default,
            accepted: $accepted,
        };)*
        const ALL: [KnownSetting; [$($constant),*].len()] = [$($constant),*];
    };
}

const ACCOUNTS: &str =
    "account ids of twelve digits, separated by commas, such as `111122223333,444455556666`";
const OUS: &str = "paths of organisational units, separated by commas, such as `o-a1b2c3d4e5/r-f6g7/ou-f6g7-h8i9j0k1/`";
const GLOBS: &str = "globs for names, separated by commas, such as `/shop/*,/pay/*/db`";
const EXCLUDED_GLOBS: &str = "globs for names, separated by commas, such as `default,/shop/*`; the word `default` means the regional parameters of deployment tools";
const ROLE_NAME: &str =
    "the name of a role without the path: 1 to 64 letters, digits and `_+=,.@-`";
const SHARE: &str = "a number greater than 0 and not greater than 1, such as `0.5`";

settings! {
    ROUTES = "ROUTES", None,
        "`SOURCE=TARGET[,TARGET]`, separated by `;`, such as `us-east-2=us-east-1,us-west-2;eu-west-1=eu-central-1`";
    SPOKE_ROLE_NAME = "SPOKE_ROLE_NAME", Some("failover-replicator-spoke"),
        ROLE_NAME;
    FAILOVER_ROLE_NAME = "FAILOVER_ROLE_NAME", Some("failover-replicator-failover"),
        "the name of a role without the path, different from REPLICATOR_SPOKE_ROLE_NAME: 1 to 64 letters, digits and `_+=,.@-`";
    TRUSTED_WRITERS = "TRUSTED_WRITERS", None,
        "exact names of roles without their paths, separated by commas, such as `parameter-store-replication,old-spoke`; or only `*`, if AWS_ENDPOINT_URL or AWS_ENDPOINT_URL_SSM is an emulator on loopback";
    TABLE = "TABLE", None,
        "the name of the hub's DynamoDB table: 3 to 255 letters, digits and `_.-`; or `none` for every route active and no record";
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
        "a JSON object from source key to target key, or from source key to an object from target Region to key, such as `{\"alias/a\":\"alias/b\",\"alias/c\":{\"us-east-1\":\"alias/d\"}}`";
    ON_CONFLICT = "ON_CONFLICT", Some("report"), "`report` or `adopt`";
    ON_TARGET_CHANGE = "ON_TARGET_CHANGE", Some("report"), "`report` or `restore`";
    DELETE_GRACE_DAYS = "DELETE_GRACE_DAYS", Some("1"), "an integer from 0 to 3650, in days";
    MAX_DELETES = "MAX_DELETES", Some("10%"),
        "an integer such as `25`, or a percentage from `0%` to `100%`";
    SOURCE_QUOTA_SHARE = "SOURCE_QUOTA_SHARE", Some("0.5"), SHARE;
    TARGET_QUOTA_SHARE = "TARGET_QUOTA_SHARE", Some("0.9"), SHARE;
    QUOTAS = "QUOTAS", Some("{}"),
        "a JSON object from `account/region/bucket` to calls per second, where `*` matches every account, Region or bucket, such as `{\"111122223333/us-east-2/ssm.read\":1000,\"*/*/ssm.control\":10}`";
    ACCOUNT_CONCURRENCY = "ACCOUNT_CONCURRENCY", Some("64"), "an integer from 1 to 1000";
    ITEMS_IN_FLIGHT = "ITEMS_IN_FLIGHT", Some("100000"), "an integer from 1000 to 10000000";
    EVENT_CONCURRENCY = "EVENT_CONCURRENCY", Some("2"), "an integer from 1 to 1000";
}

/// The setting with the name that is most similar to `name`.
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
    fn the_nearest_name_corrects_a_typing_error() {
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
    fn names_are_unique_and_begin_with_the_prefix() {
        let names: std::collections::BTreeSet<&str> = known().iter().map(|k| k.name).collect();
        assert_eq!(names.len(), known().len());
        assert!(names.iter().all(|name| name.starts_with(PREFIX)));
    }
}
