//! ARNs of parameters and secrets: who passes a name may pass its ARN.

use crate::domain::{AccountId, Item, ParameterName, Region, SecretName, shown};

/// What an ARN names, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arn {
    pub(super) account: AccountId,
    pub(super) region: Region,
    /// A parameter by its name. A secret by the ARN as it is: whether it has the six characters that AWS adds to the
    /// name cannot be told, and Secrets Manager takes it either way.
    pub(super) item: Item,
}

/// Why a text is no such ARN.
#[derive(Debug, thiserror::Error)]
#[error("`{}` is not the ARN of a parameter or secret: {why}", shown(.text))]
pub(super) struct InvalidArn {
    text: String,
    why: String,
}

/// Reads `arn:aws:ssm:REGION:ACCOUNT:parameter/a/b` or `arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[-SUFFIX]`.
pub(super) fn parse(text: &str) -> Result<Arn, InvalidArn> {
    let invalid = |why: &str| InvalidArn { text: text.to_owned(), why: why.to_owned() };
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, region, account, resource] = parts.as_slice() else {
        return Err(invalid("it has other parts"));
    };
    let region = Region::parse(region).map_err(|error| invalid(&error.to_string()))?;
    let account = AccountId::parse(account).map_err(|error| invalid(&error.to_string()))?;
    if *partition != region.partition() {
        return Err(invalid("its partition is not its Region's"));
    }
    let item = match (*service, *resource) {
        ("ssm", resource) => {
            let path =
                resource.strip_prefix("parameter/").ok_or_else(|| invalid("another resource"))?;
            // The ARN of a root name does not say whether the name has a slash in front; both are one parameter.
            let name = if path.contains('/') { format!("/{path}") } else { path.to_owned() };
            ParameterName::parse(&name).map(Item::Parameter)
        }
        ("secretsmanager", resource) => {
            let name =
                resource.strip_prefix("secret:").ok_or_else(|| invalid("another resource"))?;
            if name.is_empty() || name.contains(':') {
                return Err(invalid("it names no secret"));
            }
            SecretName::parse(text).map(Item::Secret)
        }
        _ => return Err(invalid("another service")),
    };
    Ok(Arn { account, region, item: item.map_err(|error| invalid(&error.to_string()))? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_where_and_what() {
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
    fn what_is_no_arn_of_ours_says_why() {
        for (text, why) in [
            ("arn:aws:ssm:us-east-2:111122223333", "it has other parts"),
            ("arn:aws:ssm:us-east-2:111122223333:document/a", "another resource"),
            ("arn:aws:ssm:us-east-2:111122223333:parameter/", "the name is empty"),
            ("arn:aws:ssm:us-east-2:111122223333:parameter/a:3", "the character ':'"),
            ("arn:aws:ssm:us-east-2:1:parameter/a", "`1` is not an account id"),
            ("arn:aws:ssm:nowhere:111122223333:parameter/a", "`nowhere` is not the name"),
            ("arn:aws-cn:ssm:us-east-2:111122223333:parameter/a", "its partition"),
            ("arn:aws:s3:us-east-2:111122223333:parameter/a", "another service"),
            ("arn:aws:secretsmanager:us-east-2:111122223333:secret:", "it names no secret"),
            ("arn:aws:secretsmanager:us-east-2:111122223333:secret:a:b", "it names no secret"),
            ("arn:aws:secretsmanager:us-east-2:111122223333:secret:a b", "the character ' '"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
