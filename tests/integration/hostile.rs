//! Whoever may send events, write tags or choose names cannot make the hub write where it has no business.

use std::time::Duration;

use aws_sim::{Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Hub, HubError, RouteFilter};
use serde_json::{Value, json};

use crate::support::{
    LONG_AGO, MARK, PROVENANCE, batch, delete_event, hub_on, native_event, put_event, returned,
    simulated, sweep_all, tag_event, told,
};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";
/// An account that does not trust the hub.
const FOREIGN: &str = "999999999999";
/// A provenance that nobody wrote but a person.
const BY_HAND: &str =
    "region=us-east-2 version=1 modified=2026-09-21T14:13:20Z replica=1 form=00000000";

async fn ask(hub: &Hub, request: &Value) -> Result<Value, HubError> {
    let bytes = request.to_string().into_bytes();
    let answer = hub.run(&bytes, RouteFilter::default(), Deadline::never(), &|_| ()).await?;
    Ok(serde_json::to_value(answer).expect("JSON"))
}

/// One account with a source that has its replica, and a hub.
async fn replicated() -> (Sim, String, Hub) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = accounts[0].clone();
    sim.account(&account).region(SOURCE).put("/a", "one");
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", "123456789012")]).await;
    assert_eq!(sweep_all(&hub).await["status"], "changed");
    // Nothing is told of as written a moment ago.
    tokio::time::advance(Duration::from_hours(1)).await;
    sim.forget_calls();
    (sim, account, hub)
}

#[tokio::test(start_paused = true)]
async fn an_event_of_a_foreign_account_reaches_nothing_and_comes_back() {
    let (sim, _, hub) = replicated().await;
    let held = sim.account(FOREIGN).region(SOURCE);
    held.put("/a", "theirs");
    let events = [
        put_event(FOREIGN, LONG_AGO, "/a", 1),
        delete_event(FOREIGN, LONG_AGO, "/a"),
        tag_event(FOREIGN, LONG_AGO, "/a", "team", "x"),
        native_event(FOREIGN, LONG_AGO, "/a", "Update"),
    ];
    for event in events {
        let answer = ask(&hub, &event).await.expect("an answer");
        assert_eq!(told(&answer), ["account - - no_spoke_role"], "{answer:#}");
        let answer = ask(&hub, &batch([("1", event)])).await.expect("an answer");
        assert_eq!(returned(&answer), ["1"], "its access may be given later");
    }
    assert_eq!(sim.writes(), []);
    assert_eq!(sim.count("ssm:GetParameters", "", "").calls, 0, "nothing is read either");
    assert_eq!(sim.account(FOREIGN).region(TARGET).parameters().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_believed_in_its_envelope_alone() {
    let (sim, account, hub) = replicated().await;
    sim.account(FOREIGN).role(
        "failover-replicator-spoke",
        &["arn:aws:iam::123456789012:root"],
        None,
    );
    let of = |text: &str| format!("arn:aws:ssm:{SOURCE}:{text}:parameter/a");
    let mut by_arn = native_event(&account, LONG_AGO, "/a", "Update");
    by_arn["detail"]["name"] = Value::Null;
    by_arn["resources"] = json!([of(FOREIGN)]);
    let mut elsewhere = by_arn.clone();
    elsewhere["resources"] = json!([format!("arn:aws:ssm:{TARGET}:{account}:parameter/a")]);
    let mut partition = by_arn.clone();
    partition["resources"] = json!([of(&account).replace("arn:aws:", "arn:aws-cn:")]);
    let mut source = put_event(&account, LONG_AGO, "/a", 1);
    source["source"] = json!("aws.s3");
    let mut region = put_event(&account, LONG_AGO, "/a", 1);
    region["region"] = json!(TARGET);
    for (event, reason) in [
        (by_arn, "not in the account and Region of the event"),
        (elsewhere, "not in the account and Region of the event"),
        (partition, "the partition does not match the Region"),
        (source, "unknown event source `aws.s3`"),
        (region, "awsRegion"),
    ] {
        let answer = ask(&hub, &event).await.expect("an answer");
        let why = answer["ignored"].as_str().unwrap_or_default();
        assert!(why.contains(reason), "{reason}: {answer}");
    }
    assert!(sim.counts().is_empty(), "it costs no call: {:?}", sim.counts());
}

#[tokio::test(start_paused = true)]
async fn names_that_are_paths_or_hold_control_characters_are_no_names() {
    let (sim, account, hub) = replicated().await;
    for name in ["/app/../a", "/..", "/./a"] {
        let answer = ask(&hub, &put_event(&account, LONG_AGO, name, 1)).await.expect("an answer");
        let why = answer["ignored"].as_str().unwrap_or_default();
        assert!(why.contains("has the path segment"), "{name}: {answer}");
    }
    for name in ["/a\u{0}", "/a\nb", "/a\r\nX-Amz-Target: x", "/a\u{202e}b", "/a\u{1b}[2J", "/a\"}"]
    {
        let answer = ask(&hub, &put_event(&account, LONG_AGO, name, 1)).await.expect("an answer");
        let why = answer["ignored"].as_str().unwrap_or_default();
        assert!(why.contains("the character"), "{name:?}: {answer}");
        assert!(!why.chars().any(char::is_control), "it is told without being repeated: {why:?}");
        let payload = json!({"account": account, "region": SOURCE,
            "detail": {"name": name, "operation": "sync"}});
        let refused = ask(&hub, &payload).await.expect_err("refused").to_string();
        assert!(refused.contains("the character"), "{refused}");
        assert!(!refused.chars().any(char::is_control), "{refused:?}");
    }
    let arn = format!("arn:aws:ssm:{SOURCE}:{FOREIGN}:parameter/a");
    let payload = json!({"account": account, "detail": {"name": arn, "operation": "delete"}});
    assert!(matches!(ask(&hub, &payload).await, Err(HubError::Refused(_))));
    assert!(sim.counts().is_empty(), "{:?}", sim.counts());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_carries_our_marks_is_no_source() {
    let (sim, account, hub) = replicated().await;
    let source = sim.account(&account).region(SOURCE);
    source.put("/marked", "x");
    source.tag("/marked", MARK.0, MARK.1);
    source.put("/both", "x");
    source.tag("/both", MARK.0, MARK.1);
    source.tag("/both", PROVENANCE, BY_HAND);
    tokio::time::advance(Duration::from_hours(1)).await;
    for name in ["/marked", "/both"] {
        let event = batch([("1", put_event(&account, LONG_AGO, name, 1))]);
        let answer = ask(&hub, &event).await.expect("an answer");
        assert!(returned(&answer).is_empty(), "{answer}");
    }
    let response = sweep_all(&hub).await;
    assert_eq!(response["totals"]["parameters"], json!({"in_sync": 1, "conflict": 2}));
    let failures = response["failures"].as_array().expect("failures");
    assert!(failures.iter().all(|one| one["class"] == "marked_source"), "{response:#}");
    assert_eq!(sim.writes(), []);

    // A provenance alone makes nothing a replica, and is not copied.
    source.put("/proven", "y");
    source.tag("/proven", PROVENANCE, BY_HAND);
    sweep_all(&hub).await;
    let replica = sim.account(&account).region(TARGET).parameters().remove("/proven");
    let replica = replica.expect("it is replicated");
    assert_eq!(replica.value, "y");
    assert!(replica.tags[PROVENANCE] != BY_HAND, "{:?}", replica.tags);
}

#[tokio::test(start_paused = true)]
async fn a_provenance_written_by_hand_makes_nothing_the_hubs() {
    let (sim, account, hub) = replicated().await;
    let side = sim.account(&account);
    let target = side.region(TARGET);
    // Without the mark it is nobody's replica, whatever else it says.
    side.region(SOURCE).put("/unmarked", "ours");
    target.put("/unmarked", "theirs");
    target.tag("/unmarked", PROVENANCE, BY_HAND);
    // A replica whose tags are copied onto another value: AWS records who wrote it.
    let proven = target.parameters()["/a"].tags[PROVENANCE].clone();
    target.delete("/a");
    tokio::time::advance(Duration::from_mins(1)).await;
    target.put("/a", "forged");
    target.tag("/a", MARK.0, MARK.1);
    target.tag("/a", PROVENANCE, &proven);
    tokio::time::advance(Duration::from_hours(1)).await;

    let distrust = json!({"account": account, "trust": false,
        "detail": {"name": "all", "operation": "sync"}});
    for _ in 0..2 {
        let swept = sweep_all(&hub).await;
        let compared = ask(&hub, &distrust).await.expect("an answer");
        for response in [swept, compared] {
            assert_eq!(response["totals"]["parameters"], json!({"conflict": 2}), "{response:#}");
            let classes: Vec<&Value> = response["failures"]
                .as_array()
                .expect("failures")
                .iter()
                .map(|failure| &failure["class"])
                .collect();
            assert_eq!(classes, ["claimed", "released"]);
        }
    }
    assert_eq!(target.parameters()["/a"].value, "forged");
    let theirs = &target.parameters()["/unmarked"];
    assert_eq!((theirs.value.as_str(), theirs.version), ("theirs", 1));
    assert_eq!(theirs.tags[PROVENANCE], BY_HAND);

    // One that is no provenance at all is not believed either.
    target.put("/a", "forged again");
    target.tag("/a", PROVENANCE, "region=us-east-2 owner=me");
    let response = sweep_all(&hub).await;
    assert_eq!(response["failures"][0]["class"], "mark_only", "{response:#}");
    assert_eq!(target.parameters()["/a"].value, "forged again");
}
