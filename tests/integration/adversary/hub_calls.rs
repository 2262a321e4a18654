//! The calls that the hub makes with its own credentials for a run of one account, and those for keys, under each fault:
//! who it is (`sts:GetCallerIdentity`), the digest (`sns:Publish`), and whether a replica's key is usable
//! (`kms:DescribeKey`). What passes by itself is not seen; what stays is reported, mended later, and never waited for
//! beyond the deadline.

use std::time::Duration;

use aws_sim::{Effect, Fault, KeyState, Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Answer, Hub, HubError, RouteFilter};
use serde_json::{Value, json};

use super::EXCLUDED;
use super::faults::EFFECTS;
use crate::support::{
    EXTERNAL_ID, LONG_AGO, MANAGEMENT, SOURCE, SPOKE, TARGET, batch, hub_on, native_event,
    returned, simulated, sweep_all,
};

const KEY: &str = "11111111-2222-3333-4444-555555555555";
const ALIAS: &str = "alias/app";

/// What the hub answers; what keeps it from beginning is reported as in Lambda.
async fn answer(hub: &Hub, payload: &Value, deadline: Deadline) -> Value {
    let bytes = payload.to_string();
    let answer = hub.run(bytes.as_bytes(), RouteFilter::default(), deadline.clone(), &|_| ()).await;
    let answer = match answer {
        Err(HubError::Cause(cause)) => hub.could_not_begin(cause, &deadline).await.answer,
        answer => answer.expect("the payload is right"),
    };
    match answer {
        Answer::Report(response) => serde_json::to_value(*response).expect("JSON"),
        Answer::Batch(answer, _) => answer,
        other => panic!("{other:?}"),
    }
}

fn kind(effect: Effect) -> &'static str {
    match effect {
        Effect::Throttle => "throttled",
        Effect::AccessDenied | Effect::ExpiredToken => "access_denied",
        _ => "unavailable",
    }
}

/// How often a fault may strike and pass all the same; none for what no repetition mends. An answer that breaks off is
/// asked for once more, since it reads as one without its members.
fn passing(effect: Effect) -> Option<u64> {
    match effect {
        Effect::AccessDenied | Effect::ExpiredToken => None,
        Effect::MalformedBody => Some(1),
        _ => Some(2),
    }
}

#[tokio::test(start_paused = true)]
async fn who_the_hub_is_is_asked_again_or_the_run_does_not_begin() {
    let payload = json!({"detail": {"name": "/a", "operation": "sync"}});
    for (word, effect) in EFFECTS {
        for times in std::iter::once(None).chain(passing(effect).map(Some)) {
            let (sim, _) = simulated(Settings::default(), 0);
            let root = format!("arn:aws:iam::{MANAGEMENT}:root");
            let own = sim.account(MANAGEMENT);
            own.role(SPOKE, &[&root], Some(EXTERNAL_ID)).region(SOURCE).put("/a", "1");
            let fault = Fault::new(effect).operation("sts:GetCallerIdentity");
            let fault = sim.fault(times.map_or(fault.clone(), |times| fault.first(times)));
            let hub = hub_on(&sim, &[]).await;
            let response = answer(&hub, &payload, Deadline::never()).await;
            assert!(sim.hits(fault) > 0, "{word}: it is asked");
            if times.is_some() {
                assert_eq!(response["status"], "changed", "{word}: {response:#}");
                continue;
            }
            let failure = &response["failures"][0];
            assert_eq!(failure["kind"], "hub", "{word}: {response:#}");
            assert_eq!(failure["error_kind"], kind(effect), "{word}: {response:#}");
            sim.mend_all();
            let after = answer(&hub, &payload, Deadline::never()).await;
            assert_eq!(after["status"], "changed", "{word}, and then {after:#}");
        }
    }
}

/// A world with a conflict, which is to be published.
fn conflicting() -> (Sim, String, String) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = sim.account(&accounts[0]);
    account.region(SOURCE).put("/held", "ours");
    account.region(TARGET).put("/held", "theirs");
    let topic = sim.account(MANAGEMENT).region(TARGET).topic("shared");
    (sim, accounts[0].clone(), topic)
}

#[tokio::test(start_paused = true)]
async fn a_digest_that_cannot_be_published_is_a_failure_and_its_messages_come_back() {
    for (word, effect) in EFFECTS {
        for times in std::iter::once(None).chain(passing(effect).map(Some)) {
            let (sim, account, topic) = conflicting();
            let settings = [EXCLUDED[0], ("SNS_TOPIC_ARN", topic.as_str())];
            let fault = Fault::new(effect).operation("sns:Publish");
            let fault = sim.fault(times.map_or(fault.clone(), |times| fault.first(times)));
            let hub = hub_on(&sim, &settings).await;
            let event = native_event(&account, LONG_AGO, "/held", "Update");
            let ends = tokio::time::Instant::now() + Duration::from_secs(90);
            let answer = answer(&hub, &batch([("1", event)]), Deadline::at(ends)).await;
            assert!(tokio::time::Instant::now() < ends, "{word}: the deadline holds");
            assert!(sim.hits(fault) > 0, "{word}: it is published");
            // AWS says that it took the message, and nothing more of its answer is needed.
            let told = times.is_some() || effect == Effect::MalformedBody;
            let expected: &[&str] = if told { &[] } else { &["1"] };
            assert_eq!(returned(&answer), expected, "{word}: {answer:#}");
            let messages = sim.account(MANAGEMENT).region(TARGET).messages("shared").len();
            assert_eq!(messages > 0, told, "{word}: {messages} messages");

            let response = sweep_all(&hub_on(&sim, &settings).await).await;
            let kinds: Vec<&Value> = response["failures"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|failure| &failure["error_kind"])
                .collect();
            let expected = if told { vec!["conflict"] } else { vec![kind(effect), "conflict"] };
            assert_eq!(kinds, expected, "{word}: {response:#}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_hangs_ends_with_the_invocation_and_not_after_it() {
    for left in [6, 10, 22, 600] {
        let (sim, account, topic) = conflicting();
        let hangs = Fault::new(Effect::Latency(Duration::from_hours(1)));
        sim.fault(hangs.operation("sns:Publish"));
        let hub = hub_on(&sim, &[EXCLUDED[0], ("SNS_TOPIC_ARN", &topic)]).await;
        let event = native_event(&account, LONG_AGO, "/held", "Update");
        let begins = tokio::time::Instant::now();
        let ends = begins + Duration::from_secs(left);
        let answer = answer(&hub, &batch([("1", event)]), Deadline::at(ends)).await;
        assert!(begins.elapsed() < Duration::from_secs(left.min(60)), "{:?}", begins.elapsed());
        assert_eq!(returned(&answer), ["1"], "{left} s: nobody was told");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_asked_for_is_reported_with_its_region_and_nothing_is_lost() {
    for (word, effect) in EFFECTS {
        let (sim, accounts) = simulated(Settings::default(), 2);
        for account in &accounts {
            for region in [SOURCE, TARGET] {
                sim.account(account).region(region).key(KEY, KeyState::Enabled).alias(ALIAS, KEY);
            }
            let source = sim.account(account).region(SOURCE);
            source.put_parameter(&json!({"Name": "/keyed", "Value": "1", "Type": "SecureString",
                "KeyId": ALIAS}));
            source.put("/plain", "1");
        }
        let hub = hub_on(&sim, &EXCLUDED).await;
        sweep_all(&hub).await;
        tokio::time::sleep(Duration::from_mins(15)).await;
        for account in &accounts {
            sim.account(account).region(SOURCE).put("/plain", "2");
        }
        let fault = Fault::new(effect).operation("kms:DescribeKey").account(&accounts[0]);
        let fault = sim.fault(fault);
        let response = sweep_all(&hub).await;
        assert!(sim.hits(fault) > 0, "{word}: it is asked");
        let failures = response["failures"].as_array().expect("failures");
        assert_eq!(failures.len(), 1, "{word}: {response:#}");
        let failure = &failures[0];
        assert_eq!(failure["error_kind"], kind(effect), "{word}: {response:#}");
        assert_eq!(
            (&failure["account"], &failure["region"]),
            (&accounts[0].as_str().into(), &TARGET.into())
        );
        for account in &accounts {
            let replicas = sim.account(account).region(TARGET).parameters();
            assert_eq!(replicas["/plain"].value, "2", "{word}: one key stops nothing else");
        }
        sim.mend_all();
        let after = sweep_all(&hub).await;
        assert_eq!(after["failures"], json!([]), "{word}, and then {after:#}");
    }
}
