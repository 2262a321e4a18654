//! The policies of a parameter, as a list shows them and as a write sends them.
//!
//! A list shows each policy as a JSON text with a status; a write takes one JSON list of all policies. AWS keeps the
//! policies if a write does not send the list, and removes them for `[{}]`. The hub does not send expired and finished
//! policies, because AWS does not document how it treats them.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::Timestamp;

/// The list that removes all policies.
const NONE: &str = "[{}]";

/// The policies of a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies(Vec<ParameterPolicy>);

/// One policy of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ParameterPolicy {
    /// The JSON with sorted keys, so that two spellings of one policy are equal.
    text: String,
    /// Whether AWS has finished the policy.
    finished: bool,
    /// When AWS deletes the parameter, for an expiration.
    expires: Option<Timestamp>,
    /// The text in its owner's spelling, which a write sends.
    written: String,
}

impl Policies {
    /// Reads policies from their texts, each with a flag for the status `Finished`.
    pub fn new<'a>(policies: impl IntoIterator<Item = (&'a str, bool)>) -> Self {
        let mut policies: Vec<ParameterPolicy> = policies
            .into_iter()
            .map(|(text, finished)| {
                let json = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
                let expires = (json["Type"] == "Expiration")
                    .then(|| Timestamp::parse(json["Attributes"]["Timestamp"].as_str()?))
                    .flatten();
                ParameterPolicy {
                    text: json.to_string(),
                    finished,
                    expires,
                    written: text.to_owned(),
                }
            })
            .collect();
        policies.sort_unstable();
        Self(policies)
    }

    /// Whether the parameter has no policies.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the time of an expiration has passed. AWS deletes the parameter some time later.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.0.iter().any(|policy| policy.expires.is_some_and(|at| at <= now))
    }

    /// The texts of the unfinished policies, for a hash; `None` without any. An expiration counts until AWS has
    /// deleted the parameter, so that the hash does not change with time.
    pub fn unfinished_texts(&self) -> Option<String> {
        let unfinished = self.0.iter().filter(|policy| !policy.finished);
        let texts: Vec<&str> = unfinished.map(|policy| policy.text.as_str()).collect();
        (!texts.is_empty()).then(|| format!("[{}]", texts.join(",")))
    }

    /// The list that gives these policies to a replica that has `held`; `None` if neither has any.
    pub fn to_send(&self, held: &Self, now: Timestamp) -> Option<String> {
        let live: Vec<&str> = self.live(now).map(|policy| policy.written.as_str()).collect();
        if live.is_empty() {
            return (!held.is_empty()).then(|| NONE.to_owned());
        }
        Some(format!("[{}]", live.join(",")))
    }

    /// Whether a replica that has `held` has these policies. Expired and finished policies do not count.
    pub fn are_on(&self, held: &Self, now: Timestamp) -> bool {
        let live: BTreeSet<&str> = self.live(now).map(|policy| policy.text.as_str()).collect();
        let over = |text: &&str| self.0.iter().any(|own| own.text == *text) && !live.contains(text);
        let there: BTreeSet<&str> =
            held.0.iter().map(|policy| policy.text.as_str()).filter(|text| !over(text)).collect();
        live == there
    }

    fn live(&self, now: Timestamp) -> impl Iterator<Item = &ParameterPolicy> {
        let is_live = move |policy: &&ParameterPolicy| {
            !policy.finished && policy.expires.is_none_or(|at| at > now)
        };
        self.0.iter().filter(is_live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPIRES: &str = r#"{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2026-06-30T00:00:00.000Z"}}"#;
    const NOTIFIES: &str = r#"{"Version":"1.0","Type":"NoChangeNotification","Attributes":{"After":"60","Unit":"Days"}}"#;

    fn june(day: i64) -> Timestamp {
        let first = Timestamp::parse("2026-06-01T00:00:00Z").expect("a time");
        Timestamp::from_millis(first.millis() + (day - 1) * 86_400_000)
    }

    #[test]
    fn policies_are_sent_as_one_list_in_the_owners_spelling() {
        let policies = Policies::new([(NOTIFIES, false), (EXPIRES, false)]);
        let sent = policies.to_send(&Policies::default(), june(1)).expect("something");
        let list: Vec<Value> = serde_json::from_str(&sent).expect("a list");
        assert_eq!(list.len(), 2);
        let spelled = format!(" {} ", EXPIRES.replace(',', " , "));
        let respelled = Policies::new([(spelled.as_str(), false), (NOTIFIES, false)]);
        assert!(
            respelled.are_on(&policies, june(1))
                && respelled.unfinished_texts() == policies.unfinished_texts()
        );
        let sent = respelled.to_send(&Policies::default(), june(1)).expect("something");
        assert!(sent.contains(spelled.trim()), "in the owner's spelling");
        assert!(policies.are_on(&policies, june(1)));
        assert!(!policies.are_on(&Policies::default(), june(1)));
    }

    #[test]
    fn finished_policies_are_not_sent_and_not_compared() {
        let policies = Policies::new([(NOTIFIES, true), (EXPIRES, false)]);
        let both = Policies::new([(NOTIFIES, false), (EXPIRES, false)]);
        let one = Policies::new([(EXPIRES, false)]);
        assert!(policies.are_on(&both, june(1)) && policies.are_on(&one, june(1)));
        assert!(!policies.are_on(&Policies::new([(NOTIFIES, false)]), june(1)));
        assert!(!policies.to_send(&both, june(1)).expect("something").contains("NoChange"));
        assert_eq!(policies.to_send(&both, june(30)).as_deref(), Some("[{}]"));
        assert_eq!(policies.to_send(&Policies::default(), june(30)), None);
        assert!(policies.are_on(&Policies::default(), june(30)));
        assert_ne!(policies.unfinished_texts(), both.unfinished_texts());
        assert_eq!(policies.unfinished_texts(), one.unfinished_texts());
        assert_eq!(Policies::new([(NOTIFIES, true)]).unfinished_texts(), None);
    }

    #[test]
    fn an_expiration_has_passed_from_its_time_on() {
        let policies = Policies::new([(EXPIRES, false)]);
        assert!(!policies.expired(june(29)) && policies.expired(june(30)));
        assert!(!Policies::new([(NOTIFIES, true), ("not JSON", false)]).expired(june(30)));
    }

    #[test]
    fn no_policies_remove_the_present_ones() {
        let held = Policies::new([(NOTIFIES, false)]);
        assert_eq!(Policies::default().to_send(&held, june(1)).as_deref(), Some("[{}]"));
        assert_eq!(Policies::default().to_send(&Policies::default(), june(1)), None);
        assert!(!Policies::default().are_on(&held, june(1)));
    }
}
