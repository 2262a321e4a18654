//! Names of parameters (FACTS 22, 23).

use crate::error::AwsError;

const LEVELS: usize = 15;
const LENGTH_WITH_ARN: usize = 1011;

/// The ARN of a parameter. `/Foo` and `Foo` have the same ARN.
pub(crate) fn arn(account: &str, region: &str, name: &str) -> String {
    format!("arn:aws:ssm:{region}:{account}:parameter/{}", key(name))
}

/// The name without a leading slash, which identifies a parameter.
pub(crate) fn key(name: &str) -> &str {
    name.strip_prefix('/').unwrap_or(name)
}

/// The name in the ARN of a parameter of this account and Region; any other text stays as it is.
pub(crate) fn from_arn<'a>(account: &str, region: &str, named: &'a str) -> &'a str {
    named.strip_prefix(&format!("arn:aws:ssm:{region}:{account}:parameter")).unwrap_or(named)
}

/// Checks the name of a new parameter.
pub(crate) fn check(account: &str, region: &str, name: &str) -> Result<(), AwsError> {
    let parts: Vec<&str> = key(name).split('/').collect();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if parts.iter().any(|part| part.is_empty() || !part.chars().all(allowed)) {
        return Err(AwsError::validation(
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_",
        ));
    }
    let first = parts[0].to_lowercase();
    if first.starts_with("aws") {
        let message = format!("No access to reserved parameter name: {name}.");
        return Err(AwsError::new("AccessDeniedException", message));
    }
    if first.starts_with("ssm") {
        return Err(AwsError::validation(
            "Parameter name: can't be prefixed with \"ssm\" (case-insensitive).",
        ));
    }
    if parts.len() > 1 && !name.starts_with('/') {
        return Err(AwsError::validation("Parameter name must be a fully qualified name."));
    }
    if parts.len() > LEVELS {
        return Err(AwsError::new(
            "HierarchyLevelLimitExceededException",
            format!("Hierarchies of parameters can have a maximum of {LEVELS} levels."),
        ));
    }
    if arn(account, region, name).len() > LENGTH_WITH_ARN {
        let message =
            format!("Parameter name with its ARN must not exceed {LENGTH_WITH_ARN} characters.");
        return Err(AwsError::validation(message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_as_aws_does() {
        let code =
            |name: &str| check("111122223333", "us-east-1", name).err().map(|error| error.code);
        for good in ["a", "/a", "/a/b.c-d_e", &format!("/{}z", "x/".repeat(14))] {
            assert_eq!(code(good), None, "{good}");
        }
        for (bad, expected) in [
            ("a/b", "ValidationException"),
            ("/a b", "ValidationException"),
            ("/a//b", "ValidationException"),
            ("/SSM/x", "ValidationException"),
            ("/AWSome", "AccessDeniedException"),
            (&format!("/{}z", "x/".repeat(15)), "HierarchyLevelLimitExceededException"),
            (&format!("/{}", "x".repeat(1000)), "ValidationException"),
        ] {
            assert_eq!(code(bad).as_deref(), Some(expected), "{bad}");
        }
        assert_eq!(arn("1", "r", "/a/b"), "arn:aws:ssm:r:1:parameter/a/b");
        assert_eq!(from_arn("1", "r", "arn:aws:ssm:r:1:parameter/a/b"), "/a/b");
    }
}
