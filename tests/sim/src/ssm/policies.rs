//! Parameter policies: parsing, the form in answers, and expiration (FACTS 31, 40 to 43).

use serde_json::Value;

use super::model::Policy;
use crate::clock::{Millis, parse};
use crate::error::AwsError;
use crate::state::{Call, World};

const MOST: usize = 10;
const LENGTH: usize = 4096;
const HOUR: Millis = 3_600_000;

/// Parses the policies of a request. `[{}]` means no policies.
pub(super) fn read(text: &str, now: Millis) -> Result<Vec<Policy>, AwsError> {
    let attribute = |message: String| AwsError::new("InvalidPolicyAttributeException", message);
    if text.chars().count() > LENGTH {
        return Err(AwsError::validation(format!("policies have at most {LENGTH} characters")));
    }
    let given: Vec<Value> = serde_json::from_str(text)
        .map_err(|error| attribute(format!("The policies are no JSON array: {error}")))?;
    let given: Vec<Value> = given
        .into_iter()
        .filter(|policy| policy.as_object().is_none_or(|o| !o.is_empty()))
        .collect();
    if given.len() > MOST {
        let message = format!("At most {MOST} policies.");
        return Err(AwsError::new("PoliciesLimitExceededException", message));
    }
    let expiration =
        given.iter().find_map(|policy| time_of(policy).filter(|_| policy["Type"] == "Expiration"));
    given
        .into_iter()
        .map(|policy| {
            let kind = policy["Type"].as_str().unwrap_or_default().to_owned();
            let attributes = &policy["Attributes"];
            let at = match kind.as_str() {
                "Expiration" => match time_of(&policy) {
                    Some(at) if at > now => Some(at),
                    Some(_) => return Err(attribute("The expiration is in the past.".to_owned())),
                    None => return Err(attribute("Expiration needs a Timestamp.".to_owned())),
                },
                "ExpirationNotification" => {
                    let before = span(attributes, "Before").ok_or_else(|| {
                        attribute("ExpirationNotification needs Before and Unit.".to_owned())
                    })?;
                    expiration.map(|end| end.saturating_sub(before))
                }
                "NoChangeNotification" => {
                    let after = span(attributes, "After").ok_or_else(|| {
                        attribute("NoChangeNotification needs After and Unit.".to_owned())
                    })?;
                    Some(now + after)
                }
                other => {
                    let message = format!("The policy type {other} isn't supported.");
                    return Err(AwsError::new("InvalidPolicyTypeException", message));
                }
            };
            Ok(Policy { kind, text: policy.to_string(), at })
        })
        .collect()
}

fn time_of(policy: &Value) -> Option<Millis> {
    parse(policy["Attributes"]["Timestamp"].as_str()?)
}

fn span(attributes: &Value, member: &str) -> Option<Millis> {
    let unit = match attributes["Unit"].as_str()? {
        "Days" => 24 * HOUR,
        "Hours" => HOUR,
        _ => return None,
    };
    Some(attributes[member].as_str()?.parse::<Millis>().ok()? * unit)
}

/// The time at which the policies delete the parameter.
pub(super) fn end(policies: &[Policy]) -> Option<Millis> {
    policies.iter().find(|policy| policy.kind == "Expiration").and_then(|policy| policy.at)
}

/// Deletes the parameters that have expired, each at its expiration time.
pub(crate) fn expire(world: &mut World, call: &Call<'_>) {
    let horizon = world.horizon();
    let region = world.region(&call.account, &call.region);
    while let Some((at, key)) = region.expiries.first().cloned().filter(|(at, _)| *at <= call.now) {
        region.expiries.pop_first();
        let Some(timeline) = region.parameters.get_mut(&key) else { continue };
        // The policies may have changed, or the parameter may be deleted.
        if timeline.now().is_some_and(|held| end(&held.latest().policies) == Some(at)) {
            timeline.set(at, None, horizon);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_parsed_and_refused_as_aws_does() {
        let now = parse("2026-11-24T10:00:00Z").expect("a date");
        let code = |text: &str| read(text, now).map_err(|error| error.code);
        assert_eq!(code("[{}]"), Ok(Vec::new()));
        let good = r#"[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-11-25T10:00:00.000Z"}},
            {"Type":"ExpirationNotification","Version":"1.0","Attributes":{"Before":"2","Unit":"Hours"}}]"#;
        let policies = code(good).expect("good ones");
        assert_eq!(end(&policies), parse("2026-11-25T10:00:00Z"));
        assert_eq!(policies[1].at, parse("2026-11-25T08:00:00Z"));
        let past =
            r#"[{"Type":"Expiration","Attributes":{"Timestamp":"2020-06-30T00:00:00.000Z"}}]"#;
        assert_eq!(code(past), Err("InvalidPolicyAttributeException".to_owned()));
        assert_eq!(code(r#"[{"Type":"Other"}]"#), Err("InvalidPolicyTypeException".to_owned()));
    }
}
