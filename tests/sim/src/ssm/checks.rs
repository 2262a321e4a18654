//! The checks of a parameter's type, value, pattern and description (FACTS 24, 30, 38).

use regex_automata::meta::Regex;

use super::data_type;
use crate::error::AwsError;

const TEXT: usize = 1024;

/// Checks description, pattern and value.
pub(super) fn check_texts(description: &str, pattern: &str, value: &str) -> Result<(), AwsError> {
    for (what, text) in [("description", description), ("allowedPattern", pattern)] {
        if text.chars().count() > TEXT {
            return Err(AwsError::validation(format!(
                "1 validation error detected: Value at '{what}' failed to satisfy constraint: Member must have length less than or equal to {TEXT}"
            )));
        }
    }
    if value.is_empty() {
        return Err(AwsError::validation(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member must have length greater than or equal to 1.",
        ));
    }
    if value.split_once("{{").is_some_and(|(_, rest)| rest.contains("}}")) {
        return Err(AwsError::validation(
            "Parameter value can't nest another parameter. Do not use \"{{}}\" in your value.",
        ));
    }
    if pattern.is_empty() {
        return Ok(());
    }
    let regex = Regex::new(pattern).map_err(|error| {
        AwsError::new(
            "InvalidAllowedPatternException",
            format!("Invalid allowedPattern {pattern}: {error}"),
        )
    })?;
    if regex.is_match(value) {
        return Ok(());
    }
    let message = format!("Parameter value, cannot be validated against allowedPattern: {pattern}");
    Err(AwsError::new("ParameterPatternMismatchException", message))
}

/// Type and data type of a write. `held` are the type and data type of the existing parameter.
pub(super) fn resolve(
    kind: Option<&str>,
    data_type: Option<&str>,
    held: Option<(&str, &str)>,
) -> Result<(String, String), AwsError> {
    let kind = match (kind, held) {
        (Some(kind), _) => kind,
        (None, Some((held, _))) => held,
        (None, None) => {
            return Err(AwsError::validation(
                "A parameter type is required when you create a parameter.",
            ));
        }
    };
    if !["String", "StringList", "SecureString"].contains(&kind) {
        return Err(AwsError::validation(format!(
            "1 validation error detected: Value '{kind}' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]"
        )));
    }
    let data_type = data_type.or(held.map(|(_, held)| held)).unwrap_or(data_type::TEXT);
    data_type::check(data_type, kind)?;
    if let Some((held_kind, held_data_type)) = held {
        if kind != held_kind {
            let message = format!(
                "The parameter type can't be changed from {held_kind} to {kind}. Delete and recreate the parameter."
            );
            return Err(AwsError::new("HierarchyTypeMismatchException", message));
        }
        data_type::check_change(held_data_type, data_type)?;
    }
    Ok((kind.to_owned(), data_type.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_patterns_and_types_are_checked() {
        assert_eq!(check_texts("", "^[a-c]+$", "abc"), Ok(()));
        let code = |pattern, value| check_texts("", pattern, value).map_err(|error| error.code);
        assert_eq!(code("^a$", "b"), Err("ParameterPatternMismatchException".to_owned()));
        assert_eq!(code("(", "b"), Err("InvalidAllowedPatternException".to_owned()));
        assert_eq!(code("", "{{ssm:x}}"), Err("ValidationException".to_owned()));
        let held = Some(("String", "text"));
        assert!(resolve(None, None, None).is_err() && resolve(None, None, held).is_ok());
        assert!(resolve(Some("SecureString"), None, held).is_err());
        assert!(resolve(Some("String"), Some("aws:ec2:image"), held).is_err());
        assert!(resolve(Some("StringList"), Some("aws:ec2:image"), None).is_err());
    }
}
