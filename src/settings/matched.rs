//! Which entries of the account filters match an account of the organisation, over all pages of its list. An entry that
//! matches nothing is most likely mistyped, or stands for what is gone: a sweep of less than was meant is no success.

use super::accounts::AccountFilter;
use crate::domain::{Cause, FailureKind, Note, Subject};

/// The page token of the hub's own says what was matched before, and then what AWS's token is.
const PREFIX: &str = "matched=";

/// What the account filters matched so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Whether any account was let through.
    any: bool,
    /// By entry, in the order of [`entries`].
    entries: Vec<bool>,
}

/// One entry of a filter.
struct Entry<'a> {
    setting: &'static str,
    text: &'a str,
    includes: bool,
}

/// What is to be reported once the whole list was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmatched {
    /// What makes the sweep one of less than was meant.
    pub failures: Vec<Cause>,
    /// What may be a mistake.
    pub notes: Vec<Note>,
}

impl Matched {
    /// Nothing yet.
    pub fn new(filter: &AccountFilter) -> Self {
        Self { any: false, entries: vec![false; entries(filter).len()] }
    }

    /// An account of the list: the units over it, by `lies_under`, whether it is active, and whether it is let through.
    pub fn take(
        &mut self,
        filter: &AccountFilter,
        account: &str,
        (is_active, is_let_through): (bool, bool),
        lies_under: impl Fn(&str) -> bool,
    ) {
        self.any |= is_let_through;
        for (entry, matched) in entries(filter).iter().zip(&mut self.entries) {
            let is_meant = entry.text == account || lies_under(entry.text);
            *matched |= is_meant && (is_active || !entry.includes);
        }
    }

    /// The token that goes on behind AWS's own.
    pub fn token(&self, token: &str) -> String {
        let bit = |matched: &bool| if *matched { '1' } else { '0' };
        let bits: String = std::iter::once(&self.any).chain(&self.entries).map(bit).collect();
        format!("{PREFIX}{bits};{token}")
    }

    /// What a token says, and AWS's own in it. One that the hub did not make, or made with other settings, says that all
    /// was matched: nothing is reported on no grounds.
    pub fn of_token(filter: &AccountFilter, token: String) -> (Self, String) {
        let many = entries(filter).len();
        let told = token.strip_prefix(PREFIX).and_then(|rest| rest.split_once(';'));
        let Some((bits, aws)) = told else {
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

    /// What matched nothing, at the end of the list.
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
                        "correct the entry, or take it out of {setting}; `aws organizations list-accounts` shows the ids, `hubctl plan` what is in scope"
                    );
                    unmatched
                        .failures
                        .push(Cause::new(FailureKind::Invalid, message).mended_by(remedy));
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
                    remedy: "correct the entry if it is mistyped: what it should exclude is replicated; take it out if the account or the unit is gone".into(),
                }),
            }
        }
        if !self.any && unmatched.failures.is_empty() {
            let message = "the account filters let no account of the organisation through";
            let remedy = "check REPLICATOR_INCLUDE_ACCOUNTS, REPLICATOR_INCLUDE_OUS, REPLICATOR_EXCLUDE_ACCOUNTS and REPLICATOR_EXCLUDE_OUS against the organisation";
            unmatched.failures.push(Cause::new(FailureKind::Invalid, message).mended_by(remedy));
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

    fn told(unmatched: &Unmatched) -> (Vec<&str>, Vec<&str>) {
        let entry = |text: &'static str| text;
        let named = |message: &str| {
            [
                "111122223333",
                "444455556666",
                "ou-1/",
                "ou-9/",
                "no account of the organisation through",
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
        assert_eq!(told(&matched.unmatched(&filter)), expected);
        // A suspended account is no success of an include, and proof enough of an exclude.
        matched.take(&filter, "111122223333", (false, false), |_| false);
        matched.take(&filter, "444455556666", (false, false), |_| false);
        assert_eq!(
            told(&matched.unmatched(&filter)),
            (vec!["111122223333", "ou-1/"], vec!["ou-9/"])
        );
        matched.take(&filter, "111122223333", (true, true), |ou| ou == "ou-1/");
        assert_eq!(told(&matched.unmatched(&filter)), (vec![], vec!["ou-9/"]));
    }

    #[test]
    fn filters_that_let_nobody_through_fail_though_each_entry_matches() {
        let filter = AccountFilter { include: <_>::default(), include_ous: vec![], ..filter() };
        let mut matched = Matched::new(&filter);
        matched.take(&filter, "444455556666", (true, false), |ou| ou == "ou-9/");
        let expected = (vec!["no account of the organisation through"], vec![]);
        assert_eq!(told(&matched.unmatched(&filter)), expected);
    }

    #[test]
    fn what_was_matched_goes_from_page_to_page() {
        let filter = filter();
        let mut first = Matched::new(&filter);
        first.take(&filter, "111122223333", (true, true), |_| false);
        let token = first.token("aws;token");
        assert_eq!(token, "matched=11000;aws;token");
        let (mut second, aws) = Matched::of_token(&filter, token);
        assert_eq!((&second, aws.as_str()), (&first, "aws;token"));
        second.take(&filter, "777788889999", (true, true), |ou| ou == "ou-1/");
        assert_eq!(told(&second.unmatched(&filter)).0, Vec::<&str>::new());
        for other in ["aws", "matched=1;aws"] {
            let (all, aws) = Matched::of_token(&filter, other.to_owned());
            assert_eq!((all.unmatched(&filter), aws.as_str()), (Unmatched::default(), "aws"));
        }
    }
}
