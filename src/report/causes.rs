//! Failures by cause. A thousand accounts without the role are one thing to tell, not a thousand: failures that say
//! the same of one Region but for the account and name that they are about have one cause.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{ConflictClass, Failure, FailureKind, Subject};

/// Failures that one thing mends.
#[derive(Debug)]
pub(super) struct CauseGroup<'a> {
    /// Their kind.
    pub(super) kind: FailureKind,
    /// What holds the name, of conflicts.
    pub(super) class: Option<ConflictClass>,
    /// What the first of them says; the others say it of another account or name.
    pub(super) message: &'a str,
    /// What to do about the first of them.
    pub(super) remedy: &'a str,
    /// All of them, in the order in which they came; never none.
    pub(super) failures: Vec<&'a Failure>,
}

impl CauseGroup<'_> {
    /// `conflict (unmarked)`; the kind alone where there is no class.
    pub(super) fn title(&self) -> String {
        match self.class {
            Some(class) => format!("{} ({class})", self.kind),
            None => self.kind.to_string(),
        }
    }

    /// In how many accounts it happened.
    pub(super) fn accounts(&self) -> usize {
        self.failures.iter().filter_map(|f| f.account.as_ref()).collect::<BTreeSet<_>>().len()
    }

    /// What failed is the larger, the lower this is: the hub, an account, an item.
    fn breadth(&self) -> usize {
        let breadth = |failure: &&Failure| match failure.subject {
            Subject::Hub => 0,
            Subject::Account => 1,
            Subject::Item(_) => 2,
        };
        self.failures.iter().map(breadth).min().unwrap_or(2)
    }
}

/// Groups failures by cause: the hub's first, then those of whole accounts, then the most frequent.
pub(super) fn by_cause<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Vec<CauseGroup<'a>> {
    let mut places = HashMap::new();
    let mut groups: Vec<CauseGroup<'a>> = Vec::new();
    for failure in failures {
        let cause = &failure.cause;
        let (message, remedy) =
            (pattern(&cause.message, failure), pattern(cause.remedy(), failure));
        let key = (cause.kind, cause.class, &failure.region, message, remedy);
        let place = *places.entry(key).or_insert(groups.len());
        if let Some(group) = groups.get_mut(place) {
            group.failures.push(failure);
        } else {
            groups.push(CauseGroup {
                kind: cause.kind,
                class: cause.class,
                message: &cause.message,
                remedy: cause.remedy(),
                failures: vec![failure],
            });
        }
    }
    // Stable, so that equal ones stay in the order of their first failure.
    groups.sort_by_key(|group| (group.breadth(), std::cmp::Reverse(group.failures.len())));
    groups
}

/// `text` with what differs from one failure to the next of the same cause taken out.
fn pattern(text: &str, failure: &Failure) -> String {
    let name = match &failure.subject {
        Subject::Item(item) => item.name(),
        Subject::Account | Subject::Hub => "",
    };
    let mut pattern = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| c.is_whitespace() || "`'\"(),;".contains(c)) {
        let word = piece.trim_end_matches(|c: char| {
            c.is_whitespace() || "`'\"(),;".contains(c) || ".:".contains(c)
        });
        if word.is_empty() {
            pattern.push_str(piece);
        } else if word == name {
            pattern.push_str("{name}");
        } else if is_number(word) || is_request_id(word) {
            pattern.push_str("{id}");
        } else {
            let mut word = word.to_owned();
            if let Some(rest) = word.strip_suffix(name).filter(|_| word.starts_with("arn:")) {
                word = format!("{rest}{{name}}");
            }
            if let Some(account) = &failure.account {
                word = word.replace(account.as_str(), "{account}");
            }
            pattern.push_str(&word);
        }
        pattern.push(' ');
    }
    pattern
}

fn is_number(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_digit())
}

/// AWS ends many messages with the id of the request, 36 characters of hexadecimal digits and dashes.
fn is_request_id(word: &str) -> bool {
    word.len() == 36 && word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use crate::domain::Region;

    use super::super::samples::{account_failure, conflict, failure, hub_failure};
    use super::*;

    #[test]
    fn what_differs_only_in_place_and_name_has_one_cause() {
        let failures: Vec<Failure> = (1..4)
            .map(|n| {
                let account = format!("{:012}", 111_122_220_000_u64 + n);
                let message = format!(
                    "AWS refused ssm:PutParameter on arn:aws:ssm:us-east-1:{account}:parameter/a/{n} (4f5cd3a4-7a91-4d5b-8c0f-12345678900{n}): `/a/{n}` is {n}"
                );
                failure(n, &format!("/a/{n}"), FailureKind::AccessDenied, &message)
            })
            .collect();
        let groups = by_cause(&failures);
        let shape: Vec<_> = groups.iter().map(|g| (g.failures.len(), g.accounts())).collect();
        assert_eq!(shape, [(3, 3)]);
    }

    #[test]
    fn what_another_thing_mends_is_another_cause() {
        let failures = [
            failure(1, "/a", FailureKind::MissingKey, "the key alias/app1 is not in us-east-1"),
            failure(1, "/b", FailureKind::MissingKey, "the key alias/app2 is not in us-east-1"),
            failure(1, "/b", FailureKind::DisabledKey, "the key alias/app2 is not in us-east-1"),
        ];
        assert_eq!(by_cause(&failures).len(), 3);
    }

    #[test]
    fn another_region_is_another_cause() {
        let mut failures =
            ["/a", "/b", "/c"].map(|name| failure(1, name, FailureKind::Conflict, "held"));
        failures[2].region = Some(Region::parse("eu-west-1").expect("a Region"));
        let many: Vec<_> = by_cause(&failures).iter().map(|group| group.failures.len()).collect();
        assert_eq!(many, [2, 1]);
    }

    #[test]
    fn another_class_is_another_cause() {
        let failures = [
            conflict(1, "/a", ConflictClass::ChangedInTarget, "held"),
            conflict(2, "/b", ConflictClass::ChangedInTarget, "held"),
            conflict(1, "/c", ConflictClass::WrittenOver, "held"),
            failure(1, "/d", FailureKind::Conflict, "held"),
        ];
        let shape: Vec<_> =
            by_cause(&failures).iter().map(|g| (g.title(), g.failures.len())).collect();
        let expected =
            [("conflict (changed_in_target)", 2), ("conflict (written_over)", 1), ("conflict", 1)];
        assert_eq!(shape, expected.map(|(title, many)| (title.to_owned(), many)));
    }

    #[test]
    fn the_widest_cause_comes_first_and_then_the_most_frequent() {
        let failures = [
            failure(1, "/a", FailureKind::Invalid, "rare"),
            failure(1, "/b", FailureKind::Conflict, "often"),
            failure(1, "/c", FailureKind::Conflict, "often"),
            account_failure(2, FailureKind::NoSpokeRole, "no role"),
            hub_failure("no topic"),
        ];
        let messages: Vec<_> = by_cause(&failures).iter().map(|group| group.message).collect();
        assert_eq!(messages, ["no topic", "no role", "often", "rare"]);
    }
}
