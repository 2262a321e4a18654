//! The digest: one SNS message about one run. A person reads its text in an e-mail; a program reads its JSON; subscriptions
//! filter on its attributes. The message always fits the limit of SNS: entries that do not fit are counted.

use std::collections::{BTreeMap, BTreeSet};

mod json;
mod text;

use super::causes::by_cause;
use super::response::Response;
use super::status::Status;
use crate::domain::{AccountId, FailureKind};
use crate::report::recently_reported::NewFailures;

/// The most bytes of the text. Quoting inside the message's JSON at most doubles text and JSON. SNS accepts 262,144 bytes
/// with subject and attributes: 2 × (48 + 64) KiB + 16 KiB of attributes fit.
const TEXT_LIMIT: usize = 48 * 1024;
/// The most bytes of the JSON.
const JSON_LIMIT: usize = 64 * 1024;
/// The most accounts in the attribute; each takes 15 bytes.
const ACCOUNTS_LIMIT: usize = 1_000;

/// One message to the topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Fewer than 100 ASCII characters on one line.
    pub subject: String,
    /// The message for a person.
    pub text: String,
    /// The message for a program: one JSON document.
    pub json: String,
    /// The message attributes for filter policies.
    pub attributes: Attributes,
}

/// The message attributes. A filter policy of a subscription matches their names and values:
///
/// | name | type | values |
/// |---|---|---|
/// | `status` | `String` | `in_sync`, `changed`, `drift`, `incomplete`, `frozen` or `failed` |
/// | `error_kinds` | `String.Array` | every `error_kind` of the message's failures; `not_in_time` also for accounts that are not finished |
/// | `accounts` | `String.Array` | account ids, at most 1,000; then `cut` if there are more. Missing if only the hub failed |
///
/// Every digest has `status` and `error_kinds`. Alarms of `CloudWatch` on the same topic have no attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The status of the run.
    pub status: Status,
    /// The kinds of the failures in the message.
    pub error_kinds: Vec<FailureKind>,
    /// The accounts of the failures, and accounts that are not finished.
    pub accounts: Vec<AccountId>,
    /// The number of accounts beyond the limit. The attribute then ends with `cut`, and a filter policy can match `cut`.
    pub accounts_cut: usize,
}

impl Digest {
    /// The message for `MessageStructure=json`: the text for e-mail, the subject for SMS, the JSON for all other protocols.
    pub fn message(&self) -> String {
        let Self { subject, text, json, .. } = self;
        serde_json::json!({ "default": json, "email": text, "sms": subject }).to_string()
    }

    /// The bytes that SNS counts against its limit.
    pub fn size(&self) -> usize {
        let attributes = self.attributes.entries();
        let attributes =
            attributes.iter().map(|(name, kind, value)| name.len() + kind.len() + value.len());
        self.message().len() + self.subject.len() + attributes.sum::<usize>()
    }
}

impl Attributes {
    /// Name, data type and value of each attribute. SNS refuses an empty attribute, so `accounts` may be missing.
    pub fn entries(&self) -> Vec<(&'static str, &'static str, String)> {
        let list = |values: Vec<&str>| serde_json::Value::from(values).to_string();
        let kinds = self.error_kinds.iter().map(|kind| kind.word()).collect();
        let mut accounts: Vec<&str> = self.accounts.iter().map(AccountId::as_str).collect();
        if self.accounts_cut > 0 {
            accounts.push("cut");
        }
        let mut entries = vec![
            ("status", "String", self.status.word().to_owned()),
            ("error_kinds", "String.Array", list(kinds)),
        ];
        if !accounts.is_empty() {
            entries.push(("accounts", "String.Array", list(accounts)));
        }
        entries
    }
}

/// The digest of the new failures of a response; `None` without a new failure.
pub fn digest(response: &Response, new_failures: &NewFailures<'_>) -> Option<Digest> {
    if new_failures.is_empty() {
        return None;
    }
    let groups = by_cause(new_failures.failures.iter().copied());
    let mut kinds: BTreeMap<FailureKind, usize> = BTreeMap::new();
    for failure in &new_failures.failures {
        *kinds.entry(failure.cause.kind).or_default() += 1;
    }
    if !new_failures.remaining.is_empty() {
        kinds.entry(FailureKind::NotInTime).or_default();
    }
    let accounts: BTreeSet<&AccountId> = new_failures
        .failures
        .iter()
        .filter_map(|failure| failure.account.as_ref())
        .chain(new_failures.remaining.iter().copied())
        .collect();
    Some(Digest {
        subject: text::subject(response, new_failures, &kinds, &accounts),
        text: text::text(response, new_failures, &groups),
        json: json::json(response, new_failures, &groups),
        attributes: Attributes {
            status: response.status,
            error_kinds: kinds.into_keys().collect(),
            accounts_cut: accounts.len().saturating_sub(ACCOUNTS_LIMIT),
            accounts: accounts.into_iter().take(ACCOUNTS_LIMIT).cloned().collect(),
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::{
        account, account_failure, failure, frozen, hub_failure, outcomes, parameter_step,
    };
    use super::super::{RecentlyReported, Report};
    use super::*;
    use crate::domain::{AccountOutcome, Change, Kind, OutcomeKind, Timestamp};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    /// The limit of SNS, with attributes and subject.
    const SNS_LIMIT: usize = 262_144;

    fn digest_of(report: &Report) -> Option<Digest> {
        let response = report.response();
        let recently_reported = RecentlyReported::default();
        digest(&response, &recently_reported.new_failures(&response, NOW))
    }

    fn sample() -> Report {
        let mut report = Report::new();
        for outcome in outcomes() {
            report.take(outcome);
        }
        report
    }

    #[test]
    fn a_person_reads_what_failed_where_and_what_to_do() {
        let mut report = sample();
        report.leave(account(9));
        let mut dependent = AccountOutcome::new(account(6));
        dependent.written_by.trusted = 12;
        report.take(dependent);
        let digest = digest_of(&report).expect("a digest");
        insta::assert_snapshot!(digest.subject, @r"failover-replicator failed: 2 conflict, 1 no_spoke_role, 1 missing_key in 3 accounts");
        insta::assert_snapshot!(digest.text, @r"
        failover-replicator keeps copies of parameters and secrets in the failover Regions.
        This run ended with status `failed`.
        4 new failures with 3 causes. Until a cause is corrected, the copies at its places may be missing or out of date.

        1. no_spoke_role: 1 failure in 1 account
           AWS refused the role failover-replicator-spoke of account 111122220005
           Where:
             111122220005 whole account
           What to do:
             deploy the spoke stack into this account; check that the spoke role trusts the hub's role and external id

        2. conflict (unmarked): 2 failures in 1 account
           a parameter without the mark holds the name in us-east-1
           Where:
             111122220004 us-east-1 parameter /shop/db/host
             111122220004 us-east-1 parameter /shop/db/port
           What to do:
             rename or delete the parameter or secret that holds the name in the target Region, or set the tag `failover-replicator=exclude` on the source

        3. missing_key: 1 failure in 1 account
           the key alias/app does not exist in us-east-1
           Where:
             111122220004 us-east-1 secret db/main
           What to do:
             create alias/app in us-east-1, or name a different key in REPLICATOR_KMS_KEYS

        Totals of this run:
        accounts:   3 in_sync, 1 changed, 1 incomplete, 2 failed
        parameters: 4,800 in_sync, 3 created, 2 conflict
        secrets:    40 in_sync, 1 failed
        12 replicas depend on REPLICATOR_TRUSTED_WRITERS; to remove the setting, first run `hubctl sweep --take-over`
        1 account not finished; the next run continues with it: 111122220009
        ");
    }

    #[test]
    fn a_program_reads_the_same_and_filters() {
        let digest = digest_of(&sample()).expect("a digest");
        let json: serde_json::Value = serde_json::from_str(&digest.json).expect("JSON");
        insta::assert_snapshot!(serde_json::to_string(&json["causes"][1]).expect("JSON"), @r#"{"accounts":1,"class":"unmarked","error_kind":"conflict","failures":2,"message":"a parameter without the mark holds the name in us-east-1","remedy":"rename or delete the parameter or secret that holds the name in the target Region, or set the tag `failover-replicator=exclude` on the source"}"#);
        assert_eq!(json["failures"].as_array().map(Vec::len), Some(4));
        let entries: Vec<String> = digest
            .attributes
            .entries()
            .iter()
            .map(|(name, kind, value)| format!("{name} {kind} {value}"))
            .collect();
        insta::assert_snapshot!(entries.join("\n"), @r#"
        status String failed
        error_kinds String.Array ["no_spoke_role","conflict","missing_key"]
        accounts String.Array ["111122220004","111122220005"]
        "#);
        let message: serde_json::Value = serde_json::from_str(&digest.message()).expect("JSON");
        assert_eq!(message["default"], digest.json);
        assert_eq!(message["email"], digest.text);
    }

    #[test]
    fn without_a_new_failure_there_is_no_digest() {
        let mut report = Report::of_plan();
        assert_eq!(digest_of(&report), None);
        let mut outcome = AccountOutcome::new(account(1));
        outcome.count(Kind::Parameter, OutcomeKind::Updated);
        outcome.steps.push(parameter_step("/a", Change::Create));
        report.take(outcome);
        assert_eq!(digest_of(&report), None);
        let mut pending = AccountOutcome::new(account(2));
        pending.count(Kind::Secret, OutcomeKind::Pending);
        report.take(pending);
        report.take(frozen(3));
        assert_eq!(digest_of(&report), None);
    }

    #[test]
    fn accounts_that_are_not_finished_are_reported() {
        let mut report = Report::new();
        report.leave(account(1));
        report.leave(account(2));
        let digest = digest_of(&report).expect("a digest");
        assert_eq!(digest.subject, "failover-replicator incomplete: 2 accounts not finished");
        assert_eq!(digest.attributes.error_kinds, [FailureKind::NotInTime]);
        assert!(digest.text.contains("2 accounts not finished"), "{}", digest.text);
    }

    #[test]
    fn a_failure_of_the_hub_has_no_account_to_filter_on() {
        let mut report = Report::new();
        report.fail(hub_failure("Organizations does not answer"));
        let digest = digest_of(&report).expect("a digest");
        assert_eq!(digest.subject, "failover-replicator failed: 1 unavailable");
        let names: Vec<_> = digest.attributes.entries().iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, ["status", "error_kinds"]);
    }

    #[test]
    fn more_accounts_than_the_attribute_holds_are_marked_as_cut() {
        let mut report = Report::new();
        for number in 0..1_500 {
            let mut outcome = AccountOutcome::new(account(number));
            outcome.fail(account_failure(number, FailureKind::NoSpokeRole, "no role"));
            report.take(outcome);
        }
        let digest = digest_of(&report).expect("a digest");
        assert_eq!(digest.attributes.accounts_cut, 500);
        let last = digest.attributes.entries().pop().expect("accounts");
        assert!(last.2.ends_with(r#","cut"]"#), "{}", last.2);
        assert!(digest.text.contains("… and 1,490 more"), "{}", digest.text);
        assert_eq!(
            digest.subject,
            "failover-replicator failed: 1,500 no_spoke_role in 1,500 accounts"
        );
    }

    #[test]
    fn text_that_doubles_when_quoted_still_fits() {
        let mut report = Report::new();
        for number in 0..3_000 {
            let message = format!("x{number} {}", "\"\\".repeat(700));
            let name = format!("/{number}{}", "\"".repeat(900));
            report.fail(failure(number, &name, FailureKind::Invalid, &message));
            report.leave(account(number));
        }
        let digest = digest_of(&report).expect("a digest");
        let filled = 9 * (TEXT_LIMIT + JSON_LIMIT) / 10;
        assert!(digest.text.len() + digest.json.len() > filled, "the room is used");
        assert!(digest.size() <= SNS_LIMIT, "{}", digest.size());
        assert!(digest.text.contains("more causes, omitted because this message is full"));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_digest_of_any_failures_can_be_sent(
            failures in 0_u64..3_000,
            left in 0_u64..15_000,
            distinct in any::<bool>(),
            name in "[\\PC\\x00-\\x1f\"\\\\]{0,600}",
            message in "[\\PC\\x00-\\x1f\"\\\\]{0,1500}",
        ) {
            let mut report = Report::new();
            for number in 0..failures {
                let kind = FailureKind::ALL[usize::try_from(number % 15).expect("small")];
                let text = if distinct { format!("x{number} {message}") } else { message.clone() };
                report.fail(failure(number, &format!("/{number}{name}"), kind, &text));
            }
            for number in 0..left {
                report.leave(account(20_000 + number));
            }
            let digest = digest_of(&report);
            prop_assert_eq!(digest.is_some(), failures + left > 0);
            if let Some(digest) = digest {
                prop_assert!(digest.size() <= SNS_LIMIT, "{}", digest.size());
                prop_assert!(digest.json.len() <= JSON_LIMIT && digest.text.len() <= TEXT_LIMIT);
                prop_assert!(digest.subject.len() < 100 && digest.subject.is_ascii());
                prop_assert!(!digest.subject.contains(char::is_control));
                prop_assert!(!digest.text.contains(|c: char| c.is_control() && c != '\n'));
                let json: serde_json::Value = serde_json::from_str(&digest.json).expect("JSON");
                let listed = json["failures"].as_array().map_or(0, Vec::len) as u64;
                prop_assert_eq!(listed + json["failures_cut"].as_u64().unwrap_or(0), failures);
                let listed = json["remaining"].as_array().map_or(0, Vec::len) as u64;
                prop_assert_eq!(listed + json["remaining_cut"].as_u64().unwrap_or(0), left);
            }
        }
    }
}
