//! A table that cannot be believed: throttled, unreachable, another hub's, restored from a backup. What writes stops and
//! says why.

use aws_sim::{Effect, Fault, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::hub::{Answer, Hub, RouteFilter};
use failover_replicator::report::ExitCode;
use serde_json::{Value, json};

use super::{HUB_REGION, MANAGEMENT, ROUTE, SOURCE, TABLE, asked, hub_of, operator, stage, thaw};
use crate::support::{LONG_AGO, batch, native_event};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

/// A hub with one more setting.
async fn with(setting: (&str, &str), sim: &Sim) -> Hub {
    let mut settings = vec![("ROUTES", ROUTE), ("TABLE", TABLE), ("EXCLUDE_ACCOUNTS", MANAGEMENT)];
    settings.retain(|(name, _)| *name != setting.0);
    settings.push(setting);
    hub_of("hub", sim, SharedHttpClient::new(sim.clone()), &settings).await
}

/// A sweep, with the exit code of hubctl.
async fn swept(hub: &Hub) -> (Value, u8) {
    let all = json!({"detail": {"name": "all", "operation": "sync"}}).to_string();
    let answer = hub.run(all.as_bytes(), RouteFilter::default(), Deadline::never(), &|_| ()).await;
    let Ok(Answer::Report(response)) = answer else { panic!("a report: {answer:?}") };
    let code = ExitCode::of(&response).number();
    (serde_json::to_value(*response).expect("JSON"), code)
}

/// Asserts that neither a sweep nor events nor a payload write, and that the answers say why in these words.
async fn writes_nothing(sim: &Sim, hub: &Hub, account: &str, words: &str, is_readable: bool) {
    sim.forget_calls();
    let (answer, code) = swept(hub).await;
    assert_eq!(answer["status"], "frozen", "{words}: {answer:#}");
    assert!(answer.to_string().contains(words), "{words}: {answer:#}");
    assert_eq!(code, if is_readable { 3 } else { 4 }, "{words}: {answer:#}");
    let events = batch([("1", native_event(account, LONG_AGO, "/changed", "Update"))]);
    let returned = asked(hub, &events).await.expect("a batch");
    let expected = if is_readable { json!([]) } else { json!([{"itemIdentifier": "1"}]) };
    assert_eq!(returned["batchItemFailures"], expected, "{words}");
    let item = json!({
        "account": account, "region": SOURCE, "detail": {"name": "/changed", "operation": "update"}
    });
    let answer = asked(hub, &item).await.expect("a report");
    assert_eq!(answer["status"], "frozen", "{words}: {answer:#}");
    assert_eq!(sim.writes().len(), 0, "{words}");
    // A route without a record is planned, so that its source is read; another one is left alone.
    let read = sim.count("ssm:DescribeParameters", account, SOURCE).calls > 0;
    assert_eq!(read, is_readable, "{words}");
}

/// A route that is active in the table, and a source that changed since.
async fn changed() -> (Sim, String, Hub) {
    let (sim, mut accounts) = stage(1, 1);
    let (account, hub) = (accounts.remove(0), operator("hub", &sim).await);
    sim.account(&account).region(SOURCE).put("/changed", "before");
    asked(&hub, &thaw(0, "first deployment")).await.expect("a new route");
    assert_eq!(swept(&hub).await.0["status"], "changed");
    sim.account(&account).region(SOURCE).put("/changed", "after");
    (sim, account, hub)
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_throttled_or_out_of_reach_stops_every_write() {
    for (effect, words) in [
        (Effect::Throttle, "throttled"),
        (Effect::TimeOut, "dynamodb"),
        (Effect::Reset, "dynamodb"),
        (Effect::ServerError, "dynamodb:Query"),
        (Effect::AccessDenied, "dynamodb:Query"),
    ] {
        let (sim, account, hub) = changed().await;
        let fault = sim.fault(Fault::new(effect).service("dynamodb"));
        writes_nothing(&sim, &hub, &account, words, false).await;
        sim.mend(fault);
        assert_eq!(swept(&hub).await.0["status"], "changed", "readable again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_table_that_does_not_exist_or_belongs_to_another_hub_stops_every_write() {
    let (sim, account, _) = changed().await;
    let lost = with(("TABLE", "other"), &sim).await;
    writes_nothing(&sim, &lost, &account, "ResourceNotFoundException", false).await;
    // The same table, and another spoke role: the record is not this hub's.
    let theirs = with(("SPOKE_ROLE_NAME", "their-spoke"), &sim).await;
    writes_nothing(&sim, &theirs, &account, "belongs to another hub", false).await;
    let refused = asked(&theirs, &thaw(1, "mine")).await.expect_err("not its table");
    assert!(refused.contains("belongs to another hub"), "{refused}");
    assert_eq!(super::history(&sim).len(), 1, "nothing was changed");
}

#[tokio::test(start_paused = true)]
async fn a_restored_table_only_plans_until_a_thaw() {
    let (sim, account, _) = changed().await;
    let region = sim.account(MANAGEMENT);
    let region = region.region(HUB_REGION);
    let yesterday = region.table(TABLE).copy();
    region.table("restored").restore(&yesterday);
    let hub = with(("TABLE", "restored"), &sim).await;
    writes_nothing(&sim, &hub, &account, r#""state":"new""#, true).await;
    // The old serial goes on, so that a late thaw of the old table means nothing here.
    let late = asked(&hub, &thaw(0, "late")).await.expect_err("the serial is older");
    assert!(late.contains("serial"), "{late}");
    asked(&hub, &thaw(1, "the plan was read")).await.expect("thawed");
    assert_eq!(swept(&hub).await.0["status"], "changed");
}
