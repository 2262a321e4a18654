//! The response as JSON, within the size limit of its destination. Lists are cut at their ends: steps lose entries before
//! failures, and failures before accounts. `totals` and `remaining` are never cut.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::json_views::{
    AccountView, FailureView, NoteView, StepView, TombstoneView, TotalsView, Views, fit, size_of,
};
use super::response::{AccountLine, PlannedStep, Response, TombstoneLine};
use super::withheld::RouteNotActiveView;
use crate::domain::{AccountId, Failure, Note};

/// The largest response in bytes of JSON. Step Functions accepts 256 KiB for the output of a task, with its own wrapper.
pub const RESPONSE_LIMIT: usize = 200 * 1024;

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.fitted(RESPONSE_LIMIT).serialize(serializer)
    }
}

impl Response {
    /// The JSON with all entries that the report kept. `hubctl` writes it, because a terminal has no size limit.
    pub fn whole(&self) -> impl Serialize {
        let (accounts, failures) = (self.accounts.as_slice(), self.failures.as_slice());
        let (steps, tombstones) = (self.steps.as_deref(), self.tombstones.as_slice());
        let notes = self.notes.as_slice();
        ResponseDocument { response: self, accounts, failures, steps, tombstones, notes }
    }

    /// As many entries as fit into `limit` bytes.
    fn fitted(&self, limit: usize) -> ResponseDocument<'_> {
        let steps = self.steps.as_deref();
        let mut document = ResponseDocument {
            response: self,
            accounts: &[],
            failures: &[],
            steps: steps.map(|_| [].as_slice()),
            tombstones: &[],
            notes: &[],
        };
        // The size with empty lists: here the numbers of cut entries have the most digits.
        let mut room = limit.saturating_sub(size_of(&document));
        document.accounts = fit(&self.accounts, AccountView, &mut room);
        document.failures = fit(&self.failures, FailureView, &mut room);
        document.steps = steps.map(|steps| fit(steps, StepView, &mut room));
        document.tombstones = fit(&self.tombstones, TombstoneView, &mut room);
        document.notes = fit(&self.notes, NoteView, &mut room);
        document
    }
}

/// A response with the parts of its lists that fit.
struct ResponseDocument<'a> {
    response: &'a Response,
    accounts: &'a [AccountLine],
    failures: &'a [Failure],
    steps: Option<&'a [PlannedStep]>,
    tombstones: &'a [TombstoneLine],
    notes: &'a [Note],
}

impl Serialize for ResponseDocument<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let whole = self.response;
        let cut = |all: usize, shown: usize, dropped: u64| (all - shown) as u64 + dropped;
        let mut object = serializer.serialize_struct("Response", 13)?;
        object.serialize_field("status", whole.status.word())?;
        if whole.stopped {
            object.serialize_field("stopped", &true)?;
        }
        if let Some(id) = whole.plan_id {
            object.serialize_field("plan_id", &id.to_string())?;
        }
        object.serialize_field("totals", &TotalsView(&whole.totals))?;
        object.serialize_field("accounts", &Views(self.accounts, AccountView))?;
        object.serialize_field("failures", &Views(self.failures, FailureView))?;
        let failures_cut = cut(whole.failures.len(), self.failures.len(), whole.failures_dropped);
        object.serialize_field("failures_cut", &failures_cut)?;
        object
            .serialize_field("accounts_cut", &cut(whole.accounts.len(), self.accounts.len(), 0))?;
        if let (Some(all), Some(shown)) = (&whole.steps, self.steps) {
            object.serialize_field("steps", &Views(shown, StepView))?;
            object
                .serialize_field("steps_cut", &cut(all.len(), shown.len(), whole.steps_dropped))?;
        }
        if !whole.tombstones.is_empty() {
            object.serialize_field("tombstones", &Views(self.tombstones, TombstoneView))?;
        }
        if !whole.notes.is_empty() {
            object.serialize_field("notes", &Views(self.notes, NoteView))?;
            let notes_cut = cut(whole.notes.len(), self.notes.len(), whole.notes_dropped);
            object.serialize_field("notes_cut", &notes_cut)?;
        }
        if !whole.routes_not_active.is_empty() {
            let routes = Views(&whole.routes_not_active, RouteNotActiveView);
            object.serialize_field("routes_not_active", &routes)?;
        }
        object.serialize_field("remaining", &Views(&whole.remaining, AccountId::as_str))?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::super::Report;
    use super::super::samples::{account, failure, outcomes, parameter_step};
    use super::*;
    use crate::domain::{
        AccountOutcome, Change, ConflictClass, FailureKind, Kind, OutcomeKind, Step,
    };
    use crate::ownership::Fingerprint;

    fn json(response: &Response) -> String {
        serde_json::to_string(response).expect("JSON")
    }

    #[test]
    fn the_document_is_the_interface() {
        let mut report = Report::new();
        for outcome in outcomes() {
            report.take(outcome);
        }
        report.leave(account(9));
        insta::assert_snapshot!(serde_json::to_string_pretty(&report.response()).expect("JSON"), @r#"
        {
          "status": "failed",
          "totals": {
            "accounts": {
              "in_sync": 2,
              "changed": 1,
              "incomplete": 1,
              "failed": 2
            },
            "parameters": {
              "in_sync": 4800,
              "created": 3,
              "conflict": 2
            },
            "secrets": {
              "in_sync": 40,
              "failed": 1
            }
          },
          "accounts": [
            {
              "account": "111122220003",
              "status": "changed",
              "parameters": {
                "in_sync": 1200,
                "created": 3
              },
              "secrets": {
                "in_sync": 10
              }
            },
            {
              "account": "111122220004",
              "status": "failed",
              "parameters": {
                "in_sync": 1200,
                "conflict": 2
              },
              "secrets": {
                "in_sync": 10,
                "failed": 1
              }
            },
            {
              "account": "111122220005",
              "status": "failed",
              "parameters": {},
              "secrets": {}
            }
          ],
          "failures": [
            {
              "account": "111122220004",
              "kind": "parameter",
              "region": "us-east-1",
              "name": "/shop/db/host",
              "error_kind": "conflict",
              "class": "unmarked",
              "message": "a parameter without the mark holds the name in us-east-1",
              "remedy": "rename or delete the parameter or secret that holds the name in the target Region, or set the tag `failover-replicator=exclude` on the source"
            },
            {
              "account": "111122220004",
              "kind": "parameter",
              "region": "us-east-1",
              "name": "/shop/db/port",
              "error_kind": "conflict",
              "class": "unmarked",
              "message": "a parameter without the mark holds the name in us-east-1",
              "remedy": "rename or delete the parameter or secret that holds the name in the target Region, or set the tag `failover-replicator=exclude` on the source"
            },
            {
              "account": "111122220004",
              "kind": "secret",
              "region": "us-east-1",
              "name": "db/main",
              "error_kind": "missing_key",
              "message": "the key alias/app does not exist in us-east-1",
              "remedy": "create alias/app in us-east-1, or name a different key in REPLICATOR_KMS_KEYS"
            },
            {
              "account": "111122220005",
              "kind": "account",
              "error_kind": "no_spoke_role",
              "message": "AWS refused the role failover-replicator-spoke of account 111122220005",
              "remedy": "deploy the spoke stack into this account; check that the spoke role trusts the hub's role and external id"
            }
          ],
          "failures_cut": 0,
          "accounts_cut": 0,
          "remaining": [
            "111122220009"
          ]
        }
        "#);
    }

    #[test]
    fn a_run_in_sync_has_empty_lists_and_a_plan_has_steps() {
        let report = Report::new();
        insta::assert_snapshot!(json(&report.response()), @r#"{"status":"in_sync","totals":{"accounts":{},"parameters":{},"secrets":{}},"accounts":[],"failures":[],"failures_cut":0,"accounts_cut":0,"remaining":[]}"#);
        let mut plan = Report::of_plan();
        insta::assert_snapshot!(json(&plan.response()), @r#"{"status":"in_sync","totals":{"accounts":{},"parameters":{},"secrets":{},"planned":{}},"accounts":[],"failures":[],"failures_cut":0,"accounts_cut":0,"steps":[],"steps_cut":0,"remaining":[]}"#);
        let mut outcome = AccountOutcome::new(account(1));
        outcome.count(Kind::Parameter, OutcomeKind::InSync);
        outcome.steps.push(parameter_step("/a", Change::Create));
        plan.take(outcome);
        insta::assert_snapshot!(json(&plan.response()), @r#"{"status":"drift","totals":{"accounts":{"drift":1},"parameters":{"in_sync":1},"secrets":{},"planned":{"us-east-1":{"create":1}}},"accounts":[{"account":"111122220001","status":"drift","parameters":{"in_sync":1},"secrets":{}}],"failures":[],"failures_cut":0,"accounts_cut":0,"steps":[{"account":"111122220001","kind":"parameter","region":"us-east-1","name":"/a","change":"create","because":["missing"]}],"steps_cut":0,"remaining":[]}"#);
    }

    #[test]
    fn a_step_that_takes_over_a_parameter_shows_the_conflict_class() {
        let mut plan = Report::of_plan();
        let mut outcome = AccountOutcome::new(account(1));
        let class = Some(ConflictClass::ChangedInTarget);
        outcome.steps.push(Step { class, ..parameter_step("/a", Change::Update) });
        plan.take(outcome);
        let shown: Value = serde_json::from_str(&json(&plan.response())).expect("JSON");
        assert_eq!(shown["steps"][0]["class"], "changed_in_target");
    }

    #[test]
    fn a_stopped_run_and_the_id_of_a_plan_are_shown() {
        let mut report = Report::of_plan();
        report.plan_id(Fingerprint(0x1a2b_3c4d));
        report.stopped();
        let shown: Value = serde_json::from_str(&json(&report.response())).expect("JSON");
        assert_eq!((&shown["stopped"], &shown["plan_id"]), (&true.into(), &"1a2b3c4d".into()));
    }

    #[test]
    fn a_terminal_gets_all_entries_and_totals_count_all_steps() {
        let mut report = Report::of_plan().for_a_terminal();
        let mut outcome = AccountOutcome::new(account(1));
        for n in 0..30_000 {
            outcome.steps.push(parameter_step(&format!("/{n:05}"), Change::Delete));
        }
        report.take(outcome);
        let response = report.response();
        let whole = serde_json::to_value(response.whole()).expect("JSON");
        assert_eq!(whole["steps"].as_array().map(Vec::len), Some(30_000));
        assert_eq!(whole["steps_cut"], 0);
        let cut: Value = serde_json::from_str(&json(&response)).expect("JSON");
        assert!(cut["steps_cut"].as_u64() > Some(25_000), "{}", cut["steps_cut"]);
        for shown in [&whole, &cut] {
            assert_eq!(shown["totals"]["planned"]["us-east-1"]["delete"], 30_000);
        }
    }

    #[test]
    fn steps_are_cut_before_failures_and_failures_before_accounts() {
        let mut report = Report::of_plan();
        // A step is longer than a failure, so that the room left by the failures holds no step.
        let name = format!("/{}", "b".repeat(1000));
        for number in 0..900 {
            let mut outcome = AccountOutcome::new(account(number));
            outcome.fail(failure(number, "/a", FailureKind::Conflict, &"x".repeat(300)));
            outcome.steps.push(parameter_step(&name, Change::Update));
            outcome.complete = false;
            report.take(outcome);
        }
        let response = report.response();
        let shown: Value = serde_json::from_str(&json(&response)).expect("JSON");
        let many = |list: &str| shown[list].as_array().map_or(0, Vec::len);
        assert_eq!((many("accounts"), &shown["accounts_cut"]), (900, &0.into()));
        assert_eq!((many("steps"), &shown["steps_cut"]), (0, &900.into()));
        assert!((100..300).contains(&many("failures")), "{}", many("failures"));
        assert_eq!(many("failures") as u64 + shown["failures_cut"].as_u64().unwrap_or(0), 900);
        assert_eq!(many("remaining"), 900);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_response_is_over_its_limit(
            accounts in 0_u64..2_500,
            failures in 0_usize..1_500,
            steps in 0_usize..1_500,
            name in "[\\PC\\x00-\\x1f]{0,300}",
            message in "[\\PC\\x00-\\x1f]{0,3000}",
        ) {
            let mut report = Report::new();
            for number in 0..accounts {
                let mut outcome = AccountOutcome::new(account(number));
                outcome.count(Kind::Parameter, OutcomeKind::Created);
                report.take(outcome);
            }
            let mut outcome = AccountOutcome::new(account(9_999));
            outcome.failures = (0..failures)
                .map(|n| failure(n as u64, &format!("{n}{name}"), FailureKind::Invalid, &message))
                .collect();
            outcome.steps = (0..steps)
                .map(|n| parameter_step(&format!("{n}{name}"), Change::Create))
                .collect();
            report.take(outcome);
            let response = report.response();
            let json = json(&response);
            prop_assert!(json.len() <= RESPONSE_LIMIT, "{}", json.len());
            let shown: Value = serde_json::from_str(&json).expect("JSON");
            for (list, all) in [
                ("accounts", response.accounts.len()),
                ("failures", failures),
                ("steps", steps),
            ] {
                let listed = shown[list].as_array().map_or(0, Vec::len) as u64;
                let cut = shown[format!("{list}_cut")].as_u64().unwrap_or(0);
                prop_assert_eq!(listed + cut, all as u64, "{}", list);
            }
            prop_assert_eq!(shown["totals"]["accounts"]["changed"].as_u64().unwrap_or(0), accounts);
        }
    }
}
