//! Finds entries of the account filters that match no account of the organisation. Such an entry is probably mistyped or
//! obsolete, and the sweep would silently cover fewer accounts than intended.

use super::accounts::AccountFilter;
use crate::domain::{Cause, FailureKind, Note, Subject};

/// The prefix of the hub's page token, which contains the matches so far and the token of AWS.
const PREFIX: &str = "matched=";

/// The matches of the account filters so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Whether the filters admitted any account.
    any: bool,
    /// One flag per entry, in the order of [`entries`].
    entries: Vec<bool>,
}

/// One entry of a filter.
struct Entry<'a> {
    setting: &'static str,
    text: &'a str,
    includes: bool,
}

/// The reports after the last page of the account list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmatched {
    /// Includes without a match: the sweep covers fewer accounts than intended.
    pub failures: Vec<Cause>,
    /// Excludes without a match.
    pub notes: Vec<Note>,
}

impl Matched {
    /// The state before the first account.
    pub fn new(filter: &AccountFilter) -> Self {
        Self { any: false, entries: vec![false; entries(filter).len()] }
    }

    /// Adds one account of the list. `lies_under` tests whether the account is below a unit.
    pub fn take(
        &mut self,
        filter: &AccountFilter,
        account: &str,
        (is_active, is_admitted): (bool, bool),
        lies_under: impl Fn(&str) -> bool,
    ) {
        self.any |= is_admitted;
        for (entry, matched) in entries(filter).iter().zip(&mut self.entries) {
            let is_match = entry.text == account || lies_under(entry.text);
            *matched |= is_match && (is_active || !entry.includes);
        }
    }

    /// The hub's token for the next page; `token` is the token of AWS.
    pub fn token(&self, token: &str) -> String {
        let bit = |matched: &bool| if *matched { '1' } else { '0' };
        let bits: String = std::iter::once(&self.any).chain(&self.entries).map(bit).collect();
        format!("{PREFIX}{bits};{token}")
    }

    /// Reads the hub's token, and returns the token of AWS as the second part. For a token of another origin or of other
    /// settings, every entry counts as matched, so that nothing is reported without a reason.
    pub fn of_token(filter: &AccountFilter, token: String) -> (Self, String) {
        let many = entries(filter).len();
        let parts = token.strip_prefix(PREFIX).and_then(|rest| rest.split_once(';'));
        let Some((bits, aws)) = parts else {
            return (Self { any: true, entries: vec![true; many] }, token);
        };
        let mut bits = bits.chars().map(|bit| bit == '1');
        let any = bits.next().unwrap_or(true);
        let entries: Vec<bool> = bits.collect();
        let same_settings = entries.len() == many;
        let matched = if same_settings {
            Self { any, entries }
        } else {
            Self { any: true, entries: vec![true; many] }
        };
        (matched, aws.to_owned())
    }

    /// The entries without a match, after the last page.
    pub fn unmatched(&self, filter: &AccountFilter) -> Unmatched {
        let mut unmatched = Unmatched::default();
        for (entry, matched) in entries(filter).iter().zip(&self.entries) {
            let Entry { setting, text, includes } = entry;
            match (matched, includes) {
                (true, _) => {}
                (false, true) => {
                    let message = format!(
                        "{setting} has the entry `{text}`, which matches no active account of the organisation"
                    );
                    let remedy = format!(
                        "correct the entry, or remove it from {setting}; `aws organizations list-accounts` shows the ids, and `hubctl plan` shows what is in scope"
                    );
                    unmatched
                        .failures
                        .push(Cause::new(FailureKind::Invalid, message).with_remedy(remedy));
                }
                (false, false) => unmatched.notes.push(Note {
                    account: None,
                    region: None,
                    subject: Subject::Hub,
                    outcome: None,
                    message: format!(
                        "{setting} has the entry `{text}`, which matches no account of the organisation, so it excludes nothing"
                    )
                    .into(),
                    remedy: "correct the entry if it is mistyped, because the hub replicates the accounts that it should exclude; remove the entry if the account or the unit no longer exists".into(),
                }),
            }
        }
        if !self.any && unmatched.failures.is_empty() {
            let message = "the account filters admit no account of the organisation";
            let remedy = "compare REPLICATOR_INCLUDE_ACCOUNTS, REPLICATOR_INCLUDE_OUS, REPLICATOR_EXCLUDE_ACCOUNTS and REPLICATOR_EXCLUDE_OUS with the accounts of the organisation";
            unmatched.failures.push(Cause::new(FailureKind::Invalid, message).with_remedy(remedy));
        }
        unmatched
    }
}

fn entries(filter: &AccountFilter) -> Vec<Entry<'_>> {
    let AccountFilter { include, exclude, include_ous, exclude_ous } = filter;
    let ids = |setting, includes| move |id| Entry { setting, text: id, includes };
    let included = include.iter().map(crate::domain::AccountId::as_str);
    let excluded = exclude.iter().map(crate::domain::AccountId::as_str);
    included
        .map(ids("REPLICATOR_INCLUDE_ACCOUNTS", true))
        .chain(include_ous.iter().map(String::as_str).map(ids("REPLICATOR_INCLUDE_OUS", true)))
        .chain(excluded.map(ids("REPLICATOR_EXCLUDE_ACCOUNTS", false)))
        .chain(exclude_ous.iter().map(String::as_str).map(ids("REPLICATOR_EXCLUDE_OUS", false)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AccountId;

    fn filter() -> AccountFilter {
        let account = |id| AccountId::parse(id).expect("an account");
        AccountFilter {
            include: [account("111122223333")].into(),
            exclude: [account("444455556666")].into(),
            include_ous: vec!["ou-1/".to_owned()],
            exclude_ous: vec!["ou-9/".to_owned()],
        }
    }

    fn reported(unmatched: &Unmatched) -> (Vec<&str>, Vec<&str>) {
        let entry = |text: &'static str| text;
        let named = |message: &str| {
            [
                "111122223333",
                "444455556666",
                "ou-1/",
                "ou-9/",
                "admit no account of the organisation",
            ]
            .into_iter()
            .find(|text| message.contains(text))
            .map_or("?", entry)
        };
        (
            unmatched.failures.iter().map(|cause| named(&cause.message)).collect(),
            unmatched.notes.iter().map(|note| named(&note.message)).collect(),
        )
    }

    #[test]
    fn an_include_that_matches_nothing_fails_and_an_exclude_is_noted() {
        let filter = filter();
        let mut matched = Matched::new(&filter);
        let expected = (vec!["111122223333", "ou-1/"], vec!["444455556666", "ou-9/"]);
        assert_eq!(reported(&matched.unmatched(&filter)), expected);
        // A suspended account does not match an include, but it matches an exclude.
        matched.take(&filter, "111122223333", (false, false), |_| false);
        matched.take(&filter, "444455556666", (false, false), |_| false);
        assert_eq!(
            reported(&matched.unmatched(&filter)),
            (vec!["111122223333", "ou-1/"], vec!["ou-9/"])
        );
        matched.take(&filter, "111122223333", (true, true), |ou| ou == "ou-1/");
        assert_eq!(reported(&matched.unmatched(&filter)), (vec![], vec!["ou-9/"]));
    }

    #[test]
    fn filters_that_admit_no_account_fail_even_if_each_entry_matches() {
        let filter = AccountFilter { include: <_>::default(), include_ous: vec![], ..filter() };
        let mut matched = Matched::new(&filter);
        matched.take(&filter, "444455556666", (true, false), |ou| ou == "ou-9/");
        let expected = (vec!["admit no account of the organisation"], vec![]);
        assert_eq!(reported(&matched.unmatched(&filter)), expected);
    }

    #[test]
    fn the_matches_are_carried_from_page_to_page() {
        let filter = filter();
        let mut first = Matched::new(&filter);
        first.take(&filter, "111122223333", (true, true), |_| false);
        let token = first.token("aws;token");
        assert_eq!(token, "matched=11000;aws;token");
        let (mut second, aws) = Matched::of_token(&filter, token);
        assert_eq!((&second, aws.as_str()), (&first, "aws;token"));
        second.take(&filter, "777788889999", (true, true), |ou| ou == "ou-1/");
        assert_eq!(reported(&second.unmatched(&filter)).0, Vec::<&str>::new());
        for other in ["aws", "matched=1;aws"] {
            let (all, aws) = Matched::of_token(&filter, other.to_owned());
            assert_eq!((all.unmatched(&filter), aws.as_str()), (Unmatched::default(), "aws"));
        }
    }
}
