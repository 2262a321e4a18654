//! Data types: the parameter types and values that each accepts, and the changes that an overwrite allows (FACTS 24, 37).

use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::Value;

use crate::error::AwsError;

/// The data type that accepts any value.
pub(super) const TEXT: &str = "text";
const IMAGE: &str = "aws:ec2:image";
const INTEGRATION: &str = "aws:ssm:integration";
/// Data types whose values contain no commas. A `StringList` of them is checked item by item.
const LISTABLE: [&str; 10] = [
    "aws:region",
    "aws:account:id",
    "boolean",
    "integer",
    "float",
    "hostname",
    "email",
    "ipv4-address",
    "ipv6-address",
    "url",
];
const NOT_LISTABLE: [&str; 3] = ["binary", "json", "jsonc"];

/// Whether the data type exists and the parameter type supports it.
pub(super) fn check(data_type: &str, kind: &str) -> Result<(), AwsError> {
    let kinds: &[&str] = match data_type {
        TEXT => return Ok(()),
        IMAGE => &["String"],
        INTEGRATION => &["SecureString"],
        other if LISTABLE.contains(&other) => return Ok(()),
        other if NOT_LISTABLE.contains(&other) => &["String", "SecureString"],
        other => {
            let message = format!("The following data type is not supported: {other}");
            return Err(AwsError::validation(message));
        }
    };
    if kinds.contains(&kind) {
        return Ok(());
    }
    let kinds = kinds.join(" or ");
    Err(AwsError::validation(format!("The data type {data_type} needs the type {kinds}.")))
}

/// Whether an overwrite may change the data type.
pub(super) fn check_change(held: &str, wanted: &str) -> Result<(), AwsError> {
    let is_fixed = [held, wanted].iter().any(|one| [IMAGE, INTEGRATION].contains(one));
    if held == wanted || !is_fixed {
        return Ok(());
    }
    let message = format!("The data type can't be changed from {held} to {wanted}.");
    Err(AwsError::validation(message))
}

/// Whether the value is valid for the data type. Of a list, every item must be valid.
pub(super) fn check_value(data_type: &str, kind: &str, value: &str) -> Result<(), AwsError> {
    let is_one = |item: &str| is_of(data_type, item);
    let is_valid = if kind == "StringList" { value.split(',').all(is_one) } else { is_one(value) };
    if is_valid {
        return Ok(());
    }
    Err(AwsError::validation(format!("The value isn't valid for the data type {data_type}.")))
}

fn is_of(data_type: &str, item: &str) -> bool {
    let all = |fits: fn(char) -> bool| !item.is_empty() && item.chars().all(fits);
    match data_type {
        "aws:region" => {
            item.split('-').count() >= 3 && all(|c| c.is_ascii_alphanumeric() || c == '-')
        }
        "aws:account:id" => item.len() == 12 && all(|c| c.is_ascii_digit()),
        "boolean" => ["true", "false"].contains(&item),
        "integer" => item.parse::<i64>().is_ok(),
        "float" => item.parse::<f64>().is_ok(),
        "hostname" => all(|c| c.is_ascii_alphanumeric() || "-.".contains(c)),
        "email" => {
            item.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        }
        "ipv4-address" => item.parse::<Ipv4Addr>().is_ok(),
        "ipv6-address" => item.parse::<Ipv6Addr>().is_ok(),
        "url" => item
            .split_once("://")
            .is_some_and(|(scheme, rest)| !scheme.is_empty() && !rest.is_empty()),
        "binary" => {
            item.len().is_multiple_of(4) && all(|c| c.is_ascii_alphanumeric() || "+/=".contains(c))
        }
        "json" => serde_json::from_str::<Value>(item).is_ok(),
        "jsonc" => {
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let code: String = item.lines().filter(is_code).collect();
            serde_json::from_str::<Value>(&code).is_ok()
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_data_type_accepts_its_parameter_types() {
        let kinds = |data_type| {
            ["String", "StringList", "SecureString"].map(|kind| check(data_type, kind).is_ok())
        };
        assert_eq!(kinds(TEXT), [true, true, true]);
        assert_eq!(kinds(IMAGE), [true, false, false]);
        assert_eq!(kinds(INTEGRATION), [false, false, true]);
        for one in LISTABLE {
            assert_eq!(kinds(one), [true, true, true], "{one}");
        }
        for one in NOT_LISTABLE {
            assert_eq!(kinds(one), [true, false, true], "{one}");
        }
        assert_eq!(kinds("number"), [false, false, false]);
    }

    #[test]
    fn an_overwrite_cannot_change_an_image_or_an_integration() {
        for fixed in [IMAGE, INTEGRATION] {
            assert!(check_change(fixed, fixed).is_ok());
            assert!(check_change(fixed, TEXT).is_err() && check_change("json", fixed).is_err());
        }
        assert!(check_change(TEXT, "json").is_ok() && check_change("json", TEXT).is_ok());
    }

    #[test]
    fn each_item_of_a_list_is_checked() {
        assert!(check_value("integer", "StringList", "1,2").is_ok());
        assert!(check_value("integer", "StringList", "1,x").is_err());
        assert!(check_value("integer", "String", "1,2").is_err());
        for (data_type, right, wrong) in [
            ("aws:region", "eu-west-1", "here"),
            ("aws:account:id", "111122223333", "1111"),
            ("boolean", "true", "yes"),
            ("float", "1.5", "one"),
            ("hostname", "db.example.com", "a b"),
            ("email", "a@example.com", "example.com"),
            ("ipv4-address", "10.0.0.1", "10.0.0"),
            ("ipv6-address", "::1", "10.0.0.1"),
            ("url", "https://example.com", "example.com"),
            ("binary", "AAEC", "?"),
            ("json", "{\"a\":1}", "{"),
            ("jsonc", "// a\n{\"a\":1}", "{"),
        ] {
            assert!(check_value(data_type, "String", right).is_ok(), "{data_type} {right}");
            assert!(check_value(data_type, "String", wrong).is_err(), "{data_type} {wrong}");
        }
        assert!(check_value(TEXT, "String", "anything").is_ok());
    }
}
