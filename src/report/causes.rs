//! Groups failures by cause. Failures have the same cause if kind, class and Region are equal and if their messages differ
//! only in account, name and numbers. A thousand accounts without a spoke role are one cause.

use std::collections::{BTreeSet, HashMap};

use crate::domain::{ConflictClass, Failure, FailureKind, Subject};

/// Failures that one correction resolves.
#[derive(Debug)]
pub(crate) struct CauseGroup<'a> {
    /// The kind of all failures in the group.
    pub(super) kind: FailureKind,
    /// The class, for conflicts.
    pub(super) class: Option<ConflictClass>,
    /// The message of the first failure. The other messages name a different account or item.
    pub(crate) message: &'a str,
    /// The remedy of the first failure.
    pub(crate) remedy: &'a str,
    /// At least one failure, in the order of the response.
    pub(crate) failures: Vec<&'a Failure>,
}

impl CauseGroup<'_> {
    /// `conflict (unmarked)`; only the kind if there is no class.
    pub(crate) fn title(&self) -> String {
        match self.class {
            Some(class) => format!("{} ({class})", self.kind),
            None => self.kind.to_string(),
        }
    }

    /// The number of accounts.
    pub(super) fn accounts(&self) -> usize {
        self.failures.iter().filter_map(|f| f.account.as_ref()).collect::<BTreeSet<_>>().len()
    }

    /// 0 if the hub failed, 1 for an account, 2 for an item.
    fn breadth(&self) -> usize {
        let breadth = |failure: &&Failure| match failure.subject {
            Subject::Hub => 0,
            Subject::Account => 1,
            Subject::Item(_) => 2,
        };
        self.failures.iter().map(breadth).min().unwrap_or(2)
    }
}

/// Groups failures by cause: first those of the hub, then of whole accounts, then the most frequent.
pub(crate) fn by_cause<'a>(failures: impl IntoIterator<Item = &'a Failure>) -> Vec<CauseGroup<'a>> {
    let mut indexes = HashMap::new();
    let mut groups: Vec<CauseGroup<'a>> = Vec::new();
    for failure in failures {
        let cause = &failure.cause;
        let (message, remedy) =
            (pattern(&cause.message, failure), pattern(cause.remedy(), failure));
        let key = (cause.kind, cause.class, &failure.region, message, remedy);
        let index = *indexes.entry(key).or_insert(groups.len());
        if let Some(group) = groups.get_mut(index) {
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
    // The sort is stable: groups with equal keys stay in the order of their first failures.
    groups.sort_by_key(|group| (group.breadth(), std::cmp::Reverse(group.failures.len())));
    groups
}

/// `text` with placeholders for the parts that differ between failures of the same cause.
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

/// Many messages of AWS end with a request id: 36 hexadecimal digits and dashes.
fn is_request_id(word: &str) -> bool {
    word.len() == 36 && word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use crate::domain::Region;

    use super::super::samples::{account_failure, conflict, failure, hub_failure};
    use super::*;

    #[test]
    fn messages_that_differ_only_in_account_and_name_have_one_cause() {
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
    fn a_different_key_or_kind_is_a_different_cause() {
        let failures = [
            failure(1, "/a", FailureKind::MissingKey, "the key alias/app1 is not in us-east-1"),
            failure(1, "/b", FailureKind::MissingKey, "the key alias/app2 is not in us-east-1"),
            failure(1, "/b", FailureKind::DisabledKey, "the key alias/app2 is not in us-east-1"),
        ];
        assert_eq!(by_cause(&failures).len(), 3);
    }

    #[test]
    fn a_different_region_is_a_different_cause() {
        let mut failures =
            ["/a", "/b", "/c"].map(|name| failure(1, name, FailureKind::Conflict, "held"));
        failures[2].region = Some(Region::parse("eu-west-1").expect("a Region"));
        let many: Vec<_> = by_cause(&failures).iter().map(|group| group.failures.len()).collect();
        assert_eq!(many, [2, 1]);
    }

    #[test]
    fn a_different_class_is_a_different_cause() {
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
