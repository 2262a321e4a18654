//! Policies of a parameter: what a list shows of them, and what a write is to send.
//!
//! A list shows each policy as a JSON text with its status; a write takes one JSON list for all. Left out, they are
//! kept; `[{}]` takes them away. A policy whose time is past, or that did what it was for, is not sent: AWS leaves open
//! what it would make of it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::domain::Timestamp;

/// What a write sends to take all policies away.
const NONE: &str = "[{}]";

/// The policies of a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies(Vec<ParameterPolicy>);

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ParameterPolicy {
    /// Its JSON, with its keys in order, so that two spellings of one policy are equal.
    text: String,
    /// Whether it did what it was for.
    finished: bool,
    /// When it deletes the parameter, if that is what it is for.
    expires: Option<Timestamp>,
    /// The text as its owner wrote it, which is what a write sends.
    written: String,
}

impl Policies {
    /// From texts, each with whether its status is `Finished`.
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

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the parameter is past the time at which it is to be deleted; AWS does it a while later.
    pub fn expired(&self, now: Timestamp) -> bool {
        self.0.iter().any(|policy| policy.expires.is_some_and(|at| at <= now))
    }

    /// The texts of those that are still to do what they are for, `None` where there are none: what a hash is made over.
    /// An expiration counts until AWS has deleted the parameter, so that the hash does not move with time.
    pub fn unfinished_texts(&self) -> Option<String> {
        let unfinished = self.0.iter().filter(|policy| !policy.finished);
        let texts: Vec<&str> = unfinished.map(|policy| policy.text.as_str()).collect();
        (!texts.is_empty()).then(|| format!("[{}]", texts.join(",")))
    }

    /// What a write sends so that a replica with `held` policies has these; nothing where neither has any.
    pub fn to_send(&self, held: &Self, now: Timestamp) -> Option<String> {
        let live: Vec<&str> = self.live(now).map(|policy| policy.written.as_str()).collect();
        if live.is_empty() {
            return (!held.is_empty()).then(|| NONE.to_owned());
        }
        Some(format!("[{}]", live.join(",")))
    }

    /// Whether a replica with `held` policies has these: those that are over here may be there or not.
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
    const TELLS: &str = r#"{"Version":"1.0","Type":"NoChangeNotification","Attributes":{"After":"60","Unit":"Days"}}"#;

    fn june(day: i64) -> Timestamp {
        let first = Timestamp::parse("2026-06-01T00:00:00Z").expect("a time");
        Timestamp::from_millis(first.millis() + (day - 1) * 86_400_000)
    }

    #[test]
    fn what_is_sent_is_one_list_in_any_spelling_of_its_parts() {
        let policies = Policies::new([(TELLS, false), (EXPIRES, false)]);
        let sent = policies.to_send(&Policies::default(), june(1)).expect("something");
        let list: Vec<Value> = serde_json::from_str(&sent).expect("a list");
        assert_eq!(list.len(), 2);
        let spelled = format!(" {} ", EXPIRES.replace(',', " , "));
        let respelled = Policies::new([(spelled.as_str(), false), (TELLS, false)]);
        assert!(
            respelled.are_on(&policies, june(1))
                && respelled.unfinished_texts() == policies.unfinished_texts()
        );
        let sent = respelled.to_send(&Policies::default(), june(1)).expect("something");
        assert!(sent.contains(spelled.trim()), "as its owner wrote it");
        assert!(policies.are_on(&policies, june(1)));
        assert!(!policies.are_on(&Policies::default(), june(1)));
    }

    #[test]
    fn what_is_over_is_not_sent_and_may_be_there_or_not() {
        let policies = Policies::new([(TELLS, true), (EXPIRES, false)]);
        let both = Policies::new([(TELLS, false), (EXPIRES, false)]);
        let one = Policies::new([(EXPIRES, false)]);
        assert!(policies.are_on(&both, june(1)) && policies.are_on(&one, june(1)));
        assert!(!policies.are_on(&Policies::new([(TELLS, false)]), june(1)));
        assert!(!policies.to_send(&both, june(1)).expect("something").contains("NoChange"));
        assert_eq!(policies.to_send(&both, june(30)).as_deref(), Some("[{}]"));
        assert_eq!(policies.to_send(&Policies::default(), june(30)), None);
        assert!(policies.are_on(&Policies::default(), june(30)));
        assert_ne!(policies.unfinished_texts(), both.unfinished_texts());
        assert_eq!(policies.unfinished_texts(), one.unfinished_texts());
        assert_eq!(Policies::new([(TELLS, true)]).unfinished_texts(), None);
    }

    #[test]
    fn an_expiration_is_past_from_its_moment_on() {
        let policies = Policies::new([(EXPIRES, false)]);
        assert!(!policies.expired(june(29)) && policies.expired(june(30)));
        assert!(!Policies::new([(TELLS, true), ("not JSON", false)]).expired(june(30)));
    }

    #[test]
    fn none_take_away_what_is_there() {
        let held = Policies::new([(TELLS, false)]);
        assert_eq!(Policies::default().to_send(&held, june(1)).as_deref(), Some("[{}]"));
        assert_eq!(Policies::default().to_send(&Policies::default(), june(1)), None);
        assert!(!Policies::default().are_on(&held, june(1)));
    }
}
