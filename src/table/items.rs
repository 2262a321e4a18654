//! Attributes of items: reading and writing them.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest, Sha256};

use super::TTL;
use crate::domain::{AccountId, Counts, OutcomeKind, Timestamp};

/// The attributes of one item.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// The most bytes of a sort key. AWS accepts 1,024; the name of a parameter alone may have 1,011.
const SORT_KEY_LIMIT: usize = 1_024;
/// The most bytes of a message or a remedy: some messages of AWS quote whole policies.
const SENTENCE: usize = 1_500;

/// A text attribute; `None` if the attribute is missing or has another type.
pub(crate) fn text<'a>(item: &'a Item, name: &str) -> Option<&'a str> {
    item.get(name)?.as_s().ok().map(String::as_str)
}

/// A whole number, not negative; `None` if the attribute is missing, has another type or another form.
pub(crate) fn number(item: &Item, name: &str) -> Option<u64> {
    item.get(name)?.as_n().ok()?.parse().ok()
}

/// Whether the attribute is present and true.
pub(crate) fn flag(item: &Item, name: &str) -> bool {
    item.get(name).and_then(|value| value.as_bool().ok()).copied().unwrap_or_default()
}

/// A time; `None` if the attribute is missing or is not a time.
pub(crate) fn time(item: &Item, name: &str) -> Option<Timestamp> {
    Timestamp::parse(text(item, name)?)
}

/// The id of an account; `None` if the attribute is missing or is not an id.
pub(crate) fn account(item: &Item, name: &str) -> Option<AccountId> {
    AccountId::parse(text(item, name)?).ok()
}

/// Numbers by word. Other attributes of the map are left out.
pub(crate) fn numbers<'a>(item: &'a Item, name: &str) -> impl Iterator<Item = (&'a str, u64)> {
    let map = item.get(name).and_then(|map| map.as_m().ok());
    map.into_iter()
        .flatten()
        .filter_map(|(word, many)| Some((word.as_str(), many.as_n().ok()?.parse().ok()?)))
}

/// Counts by outcome. A word that no outcome has is left out.
pub(crate) fn counts(item: &Item, name: &str) -> Counts {
    let mut counts = Counts::default();
    for (word, many) in numbers(item, name) {
        if let Some(kind) = OutcomeKind::ALL.into_iter().find(|kind| kind.word() == word) {
            counts.add(kind, many);
        }
    }
    counts
}

/// An attribute with its name, from a text.
pub(crate) fn set_text(item: &mut Item, name: &str, value: impl Into<String>) {
    item.insert(name.to_owned(), AttributeValue::S(value.into()));
}

/// An attribute with its name, from a number.
pub(crate) fn set_number(item: &mut Item, name: &str, value: u64) {
    item.insert(name.to_owned(), AttributeValue::N(value.to_string()));
}

/// An attribute with its name, from a boolean.
pub(crate) fn set_flag(item: &mut Item, name: &str, value: bool) {
    item.insert(name.to_owned(), AttributeValue::Bool(value));
}

/// An attribute with its name, from a time.
pub(crate) fn set_time(item: &mut Item, name: &str, value: Timestamp) {
    set_text(item, name, value.to_string());
}

/// A map from words to numbers.
pub(crate) fn set_numbers<'a>(
    item: &mut Item,
    name: &str,
    numbers: impl IntoIterator<Item = (&'a str, u64)>,
) {
    let numbers = numbers
        .into_iter()
        .map(|(word, many)| (word.to_owned(), AttributeValue::N(many.to_string())));
    item.insert(name.to_owned(), AttributeValue::M(numbers.collect()));
}

/// Counts by outcome, without zeros.
pub(crate) fn set_counts(item: &mut Item, name: &str, counts: &Counts) {
    set_numbers(item, name, counts.iter().map(|(kind, many)| (kind.word(), many)));
}

/// A message or a remedy, cut to the longest one that the table keeps.
pub(crate) fn set_sentence(item: &mut Item, name: &str, sentence: &str) {
    let end = sentence.floor_char_boundary(SENTENCE);
    let cut = if end < sentence.len() { "…" } else { "" };
    set_text(item, name, format!("{}{cut}", sentence.get(..end).unwrap_or(sentence)));
}

/// Lets `DynamoDB` remove the item when `kept` has passed since `now`.
pub(crate) fn set_ttl(item: &mut Item, now: Timestamp, kept: Duration) {
    let seconds = now.plus(kept).millis().div_euclid(1_000);
    set_number(item, TTL, u64::try_from(seconds).unwrap_or_default());
}

/// An item with its keys.
pub(crate) fn keyed(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    let mut item = Item::new();
    set_text(&mut item, "pk", pk);
    set_text(&mut item, "sk", sk);
    item
}

/// A sort key: the parts with `#` between them. The end of a key that is too long is a hash of the whole key.
///
/// Every item also has its parts as attributes, so a key is only compared and never taken apart.
pub(crate) fn sort_key(parts: &[&str]) -> String {
    let mut key = parts.join("#");
    if key.len() > SORT_KEY_LIMIT {
        let hash: [u8; 32] = Sha256::digest(key.as_bytes()).into();
        let hash = u128::from_be_bytes(hash.first_chunk().copied().unwrap_or_default());
        let hash = format!("{hash:032x}");
        key.truncate(key.floor_char_boundary(SORT_KEY_LIMIT - 1 - hash.len()));
        key = format!("{key}~{hash}");
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_too_long_ends_with_a_hash_of_the_whole() {
        assert_eq!(
            sort_key(&["us-east-1", "parameter", "/a", "conflict"]),
            "us-east-1#parameter#/a#conflict"
        );
        let long = "é".repeat(600);
        let [one, other] = ["limit", "conflict"].map(|kind| sort_key(&["us-east-1", &long, kind]));
        assert!(one.len() <= SORT_KEY_LIMIT && one.len() > 1_020, "{}", one.len());
        assert_ne!(one, other, "what the key leaves out is in the hash");
        assert!(one.starts_with("us-east-1#éé"));
        assert_eq!(one, sort_key(&["us-east-1", &long, "limit"]));
    }

    #[test]
    fn attributes_read_back_and_other_types_are_missing() {
        let now = Timestamp::parse("2026-11-28T10:15:00.120Z").expect("a time");
        let mut counted = Counts::default();
        counted.add(OutcomeKind::InSync, 7);
        counted.add(OutcomeKind::Conflict, 1);
        let mut item = keyed("a", "b");
        set_time(&mut item, "at", now);
        set_flag(&mut item, "complete", true);
        set_counts(&mut item, "parameters", &counted);
        set_ttl(&mut item, now, Duration::from_mins(1));
        assert_eq!((time(&item, "at"), flag(&item, "complete")), (Some(now), true));
        assert_eq!(counts(&item, "parameters"), counted);
        assert_eq!(number(&item, TTL), Some(1_795_860_960));
        assert_eq!(
            (number(&item, "at"), text(&item, "complete"), time(&item, "pk")),
            (None, None, None)
        );
        assert!(!flag(&item, "missing") && counts(&item, "at") == Counts::default());
        set_numbers(&mut item, "parameters", [("no_such_outcome", 3)]);
        assert_eq!(counts(&item, "parameters"), Counts::default());
    }

    #[test]
    fn a_long_sentence_is_cut_between_characters() {
        let mut item = Item::new();
        set_sentence(&mut item, "message", &"é".repeat(2_000));
        let cut = text(&item, "message").expect("a text");
        assert!(cut.len() <= SENTENCE + 3 && cut.ends_with("é…"));
        set_sentence(&mut item, "message", "short");
        assert_eq!(text(&item, "message"), Some("short"));
    }
}
