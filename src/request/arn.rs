//! ARNs of parameters and secrets. Every place that accepts a name also accepts the ARN.

use crate::domain::{AccountId, Item, ParameterName, Region, SecretName, shown};

/// The content of an ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arn {
    pub(super) account: AccountId,
    pub(super) region: Region,
    /// A parameter has its name here, and a secret the complete ARN: the six characters that AWS adds to the name of a
    /// secret cannot be recognised, and Secrets Manager accepts the ARN with or without them.
    pub(super) item: Item,
}

/// A text that is not the ARN of a parameter or secret.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not the ARN of a parameter or secret: {reason}", shown(.text))]
pub(super) struct InvalidArn {
    text: String,
    reason: String,
}

/// Parses `arn:aws:ssm:REGION:ACCOUNT:parameter/a/b` or `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[-SUFFIX]`.
pub(super) fn parse(text: &str) -> Result<Arn, InvalidArn> {
    let invalid = |reason: &str| InvalidArn { text: text.to_owned(), reason: reason.to_owned() };
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts.as_slice() else {
        return Err(invalid("expected six parts separated by `:`"));
    };
    let region = Region::parse(region).map_err(|error| invalid(&error.to_string()))?;
    let account = AccountId::parse(account).map_err(|error| invalid(&error.to_string()))?;
    if *partition != region.partition() {
        return Err(invalid("the partition does not match the Region"));
    }
    let item = match (*service, *resource) {
        ("ssm", resource) => {
            let path = resource
                .strip_prefix("parameter/")
                .ok_or_else(|| invalid("unknown resource type"))?;
            // The ARN of a name without a path is the same with and without a leading slash.
            let name = if path.contains('/') { format!("/{path}") } else { path.to_owned() };
            ParameterName::parse(&name).map(Item::Parameter)
        }
        ("secretsmanager", resource) => {
            let name =
                resource.strip_prefix("secret:").ok_or_else(|| invalid("unknown resource type"))?;
            if name.is_empty() || name.contains(':') {
                return Err(invalid("invalid name of a secret"));
            }
            SecretName::parse(text).map(Item::Secret)
        }
        _ => return Err(invalid("unknown service")),
    };
    Ok(Arn { account, region, item: item.map_err(|error| invalid(&error.to_string()))? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_contains_account_region_and_item() {
        let arn = parse("arn:aws:ssm:us-east-2:111122223333:parameter/a/b").expect("an ARN");
        assert_eq!((arn.account.as_str(), arn.region.as_str()), ("111122223333", "us-east-2"));
        assert_eq!(arn.item.name(), "/a/b");
        let root = parse("arn:aws:ssm:us-east-2:111122223333:parameter/Foo").expect("an ARN");
        assert_eq!(root.item, Item::Parameter(ParameterName::new("/Foo")));
        for secret in ["db/main-a1b2c3", "db/main"] {
            let text = format!("arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:{secret}");
            assert_eq!(parse(&text).expect("an ARN").item.name(), text);
        }
    }

    #[test]
    fn an_invalid_arn_reports_the_reason() {
        for (text, reason) in [
            ("arn:aws:ssm:us-east-2:111122223333", "expected six parts separated by `:`"),
            ("arn:aws:ssm:us-east-2:111122223333:document/a", "unknown resource type"),
            ("arn:aws:ssm:us-east-2:111122223333:parameter/", "the name is empty"),
            ("arn:aws:ssm:us-east-2:111122223333:parameter/a:3", "the character ':'"),
            ("arn:aws:ssm:us-east-2:1:parameter/a", "`1` is not an account id"),
            ("arn:aws:ssm:nowhere:111122223333:parameter/a", "`nowhere` is not the name"),
            ("arn:aws-cn:ssm:us-east-2:111122223333:parameter/a", "the partition does not match"),
            ("arn:aws:s3:us-east-2:111122223333:parameter/a", "unknown service"),
            ("arn:aws:secretsmanager:us-east-2:111122223333:secret:", "invalid name of a secret"),
            (
                "arn:aws:secretsmanager:us-east-2:111122223333:secret:a:b",
                "invalid name of a secret",
            ),
            ("arn:aws:secretsmanager:us-east-2:111122223333:secret:a b", "the character ' '"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
