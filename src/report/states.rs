//! The states of routes and accounts as JSON, for every answer that shows one.

use serde_json::{Value, json};

use crate::domain::{AccountId, RouteState, StateEntry};

/// One state with its history.
pub(crate) fn entry_fields(entry: &StateEntry) -> Vec<(&'static str, Value)> {
    let mut fields = vec![("state", json!(entry.state.word())), ("serial", json!(entry.serial))];
    if entry.state != RouteState::New {
        let since = entry.since.map(|since| since.to_string());
        fields.push(("since", json!(since)));
        fields.push(("by", json!(entry.by)));
        fields.push(("reason", json!(entry.reason)));
    }
    fields
}

/// An account with the state that holds for it.
pub(crate) fn account_entry(account: &AccountId, entry: &StateEntry) -> Value {
    let fields = entry_fields(entry).into_iter().map(|(name, value)| (name.to_owned(), value));
    std::iter::once(("account".to_owned(), json!(account.as_str()))).chain(fields).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn a_state_has_its_history_and_a_new_route_has_none() {
        let account = AccountId::parse("111122223333").expect("an account");
        let entry = StateEntry {
            state: RouteState::Frozen,
            serial: 4,
            since: Timestamp::parse("2026-11-28T10:00:00Z"),
            by: "arn:ann".to_owned(),
            reason: "it fails".to_owned(),
            run: None,
        };
        let expected = json!({
            "account": "111122223333", "state": "frozen", "serial": 4,
            "since": "2026-11-28T10:00:00Z", "by": "arn:ann", "reason": "it fails",
        });
        assert_eq!(account_entry(&account, &entry), expected);
        let new: Vec<&str> = entry_fields(&StateEntry::none()).iter().map(|one| one.0).collect();
        assert_eq!(new, ["state", "serial"]);
    }
}
