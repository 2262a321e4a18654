//! The day on which the source Region, us-east-1 and every account are out of reach: freeze, thaw and status need only the
//! hub's Region.

use std::time::Duration;

use aws_sim::{Effect, Fault, Sim};
use failover_replicator::domain::RoutePair;
use failover_replicator::hub::Answer;
use failover_replicator::request::{FailoverRequest, ThawPlan, ThawRequest};
use serde_json::json;

use super::{
    ROUTE, SOURCE, asked, calls, freeze, history, operator, performed, stage, status, thaw,
};

/// How a Region that is down shows.
const OUTAGES: [Effect; 3] = [Effect::TimeOut, Effect::Reset, Effect::ServerError];

/// Blocks the source Region, us-east-1, and every call with the credentials of a member account or for its role.
fn block(sim: &Sim, accounts: &[String], effect: Effect) {
    for region in [SOURCE, "us-east-1"] {
        sim.fault(Fault::new(effect).region(region));
    }
    for account in accounts {
        sim.fault(Fault::new(effect).account(account));
    }
    sim.forget_calls();
}

fn named(calls: &[(&str, u64)]) -> Vec<(String, u64)> {
    calls.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_freeze_is_one_read_one_put_and_the_caller_and_takes_24_seconds() {
    for effect in OUTAGES {
        let (sim, accounts) = stage(1, 3);
        let hub = operator("ann", &sim).await;
        asked(&hub, &thaw(0, "first deployment")).await.expect("active");
        block(&sim, &accounts, effect);
        // A process of its own, as hubctl is one: it does not know its caller yet.
        let hub = operator("ann", &sim).await;
        let began = tokio::time::Instant::now();
        let frozen = asked(&hub, &freeze("us-east-2 is failing")).await.expect("frozen");
        assert_eq!((&frozen["state"], &frozen["done"]), (&json!("frozen"), &json!(true)));
        let seconds = began.elapsed().as_secs();
        assert!((24..=26).contains(&seconds), "{effect:?}: {seconds} s");
        let expected =
            [("dynamodb:PutItem", 1), ("dynamodb:Query", 1), ("sts:GetCallerIdentity", 1)];
        assert_eq!(calls(&sim), named(&expected), "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_thaw_needs_no_plan_and_a_plan_that_fails_does_not_prevent_it() {
    for effect in OUTAGES {
        let (sim, accounts) = stage(2, 3);
        let hub = operator("ann", &sim).await;
        asked(&hub, &freeze("us-east-2 is failing")).await.expect("frozen");
        block(&sim, &accounts, effect);
        let payload = asked(&hub, &thaw(1, "a false alarm")).await.expect("active");
        assert_eq!((&payload["state"], &payload["serial"]), (&json!("active"), &json!(2)));
        assert_eq!(calls(&sim), named(&[("dynamodb:PutItem", 1), ("dynamodb:Query", 1)]));

        asked(&hub, &freeze("us-east-2 is failing")).await.expect("frozen");
        let pair = RoutePair::parse(ROUTE).expect("a pair");
        for (plan, accounts) in [(ThawPlan::Only, vec![]), (ThawPlan::Show, vec![])] {
            let reason = "with a plan".to_owned();
            let request = ThawRequest { pair: pair.clone(), accounts, reason, serial: None, plan };
            let answer = performed(&hub, FailoverRequest::Thaw(request)).await;
            let Ok(Answer::Failover(answer)) = answer else { panic!("{answer:?}") };
            let answer = serde_json::to_value(*answer).expect("JSON");
            // The organisation is in us-east-1.
            assert_eq!(answer["plan"]["error_kind"], "unavailable", "{answer:#}");
            let is_done = plan == ThawPlan::Show;
            assert_eq!(answer["done"], is_done, "{answer:#}");
            assert_eq!(answer["state"], if is_done { "active" } else { "frozen" });
        }
        assert_eq!(history(&sim).last().map(|last| last.0), Some(4));
    }
}

#[tokio::test(start_paused = true)]
async fn a_status_reads_the_table_alone() {
    for effect in OUTAGES {
        let (sim, accounts) = stage(3, 3);
        let hub = operator("ann", &sim).await;
        asked(&hub, &freeze("us-east-2 is failing")).await.expect("frozen");
        block(&sim, &accounts, effect);
        let began = tokio::time::Instant::now();
        let shown = asked(&hub, &status()).await.expect("a status");
        let route = &shown["routes"][0];
        assert_eq!((&route["state"], &shown["clean"]), (&json!("frozen"), &json!(false)));
        assert_eq!(route["reason"], "us-east-2 is failing");
        assert!(route["by"].as_str().expect("who").contains("/ann"), "{route:#}");
        assert!(began.elapsed() < Duration::from_secs(5), "{effect:?}: {:?}", began.elapsed());
        let of_others: Vec<_> = calls(&sim)
            .into_iter()
            .filter(|(name, _)| name != "dynamodb:Query" && name != "sts:GetCallerIdentity")
            .collect();
        assert_eq!(of_others, [], "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_freeze_does_not_wait_for_sts() {
    let (sim, _) = stage(4, 1);
    sim.fault(Fault::new(Effect::TimeOut).operation("sts:GetCallerIdentity"));
    let hub = operator("ann", &sim).await;
    let began = tokio::time::Instant::now();
    let frozen = asked(&hub, &freeze("us-east-2 is failing")).await.expect("frozen");
    assert_eq!(frozen["by"], "an unknown caller (sts:GetCallerIdentity did not answer)");
    assert!(began.elapsed() < Duration::from_secs(35), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_table_out_of_reach_is_an_error_with_a_remedy_and_nothing_is_changed() {
    for (effect, message) in [
        (Effect::TimeOut, "dynamodb:Query"),
        (Effect::Throttle, "ProvisionedThroughputExceededException"),
        (Effect::AccessDenied, "dynamodb:Query"),
    ] {
        let (sim, _) = stage(5, 1);
        let fault =
            sim.fault(Fault::new(effect).region(super::HUB_REGION).operation("dynamodb:Query"));
        let hub = operator("ann", &sim).await;
        for payload in [freeze("x"), thaw(0, "x"), status()] {
            let error = asked(&hub, &payload).await.expect_err("no state");
            assert!(error.contains(message), "{effect:?} {payload}: {error}");
        }
        assert!(history(&sim).is_empty());
        sim.mend(fault);
        asked(&hub, &freeze("x")).await.expect("frozen");
    }
}
