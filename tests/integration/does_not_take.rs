//! What is undone whenever it was done: it is written once more, then reported and left alone.

use std::time::Duration;

use aws_sim::{RegionSide, Settings};
use serde_json::{Value, json};

use crate::support::{SOURCE, TARGET, answered, count, hub_on, simulated, sweep_all};

const NAME: &str = "/a";

/// What an automatic tagger does to whatever it finds.
fn tagger(target: &RegionSide<'_>) {
    let writes = target.parameters()[NAME].tags.values().map(String::len).sum::<usize>();
    target.tag(NAME, "created-by", &format!("tagger {writes}"));
}

fn conflict(swept: &Value) -> &Value {
    assert_eq!(count(swept, "parameters", "conflict"), 1, "{swept:#}");
    let failure = &swept["failures"][0];
    assert_eq!(failure["class"], "does_not_take", "{swept:#}");
    assert_eq!(failure["name"], NAME);
    assert!(failure["message"].as_str().is_some_and(|text| text.contains("tags")), "{failure}");
    assert!(failure["remedy"].as_str().is_some_and(|text| text.contains("hubctl invoke")));
    failure
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_somebody_sets_again_is_taken_off_once_and_then_reported() {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = &accounts[0];
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", "123456789012")]).await;
    let (source, target) =
        (sim.account(account).region(SOURCE), sim.account(account).region(TARGET));
    source.put(NAME, "one");
    sweep_all(&hub).await;

    tagger(&target);
    assert_eq!(count(&sweep_all(&hub).await, "parameters", "retagged"), 1);
    assert_eq!(sweep_all(&hub).await["status"], "in_sync", "it took so far");
    tokio::time::sleep(Duration::from_hours(1)).await;
    tagger(&target);
    for _ in 0..2 {
        sim.forget_calls();
        conflict(&sweep_all(&hub).await);
        assert_eq!(sim.writes(), [], "it is not repeated");
    }
    // Another difference is another reason.
    source.tag(NAME, "team", "shop");
    assert_eq!(count(&sweep_all(&hub).await, "parameters", "retagged"), 1);
    tagger(&target);
    assert_eq!(count(&sweep_all(&hub).await, "parameters", "retagged"), 1);
    tagger(&target);
    conflict(&sweep_all(&hub).await);
    // A person has it tried again.
    let named = json!({"account": account, "region": SOURCE, "detail": {"name": NAME, "operation": "sync"}});
    let asked = answered(&hub, &named).await;
    assert_eq!(count(&asked, "parameters", "retagged"), 1, "{asked:#}");
    tagger(&target);
    conflict(&sweep_all(&hub).await);
    // So does a new version of the source.
    source.put(NAME, "two");
    assert_eq!(count(&sweep_all(&hub).await, "parameters", "updated"), 1);
    assert_eq!(sweep_all(&hub).await["status"], "in_sync");
    assert_eq!(target.parameters()[NAME].value, "two");
}

#[tokio::test(start_paused = true)]
async fn a_list_of_tags_that_lags_is_no_proof_that_a_step_did_not_take() {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = &accounts[0];
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", "123456789012")]).await;
    let (source, target) =
        (sim.account(account).region(SOURCE), sim.account(account).region(TARGET));
    source.put(NAME, "one");
    sweep_all(&hub).await;
    tokio::time::sleep(Duration::from_hours(1)).await;
    target.tag(NAME, "extra", "1");
    tokio::time::sleep(Duration::from_hours(1)).await;
    sim.set_lag(aws_sim::Lag { tagging: Duration::from_mins(10), ..aws_sim::Lag::default() });
    assert_eq!(count(&sweep_all(&hub).await, "parameters", "retagged"), 1);
    let swept = sweep_all(&hub).await;
    assert_eq!(swept["status"], "in_sync", "{swept:#}");
}

#[tokio::test(start_paused = true)]
async fn a_list_from_before_a_recreation_is_no_proof_either() {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = &accounts[0];
    let hub = hub_on(&sim, &[("EXCLUDE_ACCOUNTS", "123456789012")]).await;
    let (source, target) =
        (sim.account(account).region(SOURCE), sim.account(account).region(TARGET));
    source.put(NAME, "one");
    sweep_all(&hub).await;
    source.delete(NAME);
    tokio::time::sleep(Duration::from_mins(1)).await;
    source.put_parameter(&json!({"Name": NAME, "Value": "two", "Type": "SecureString"}));
    tokio::time::sleep(Duration::from_mins(1)).await;
    sim.set_lag(aws_sim::Lag { lists: Duration::from_secs(3), ..aws_sim::Lag::default() });
    assert_eq!(count(&sweep_all(&hub).await, "parameters", "recreated"), 1);
    assert_eq!(target.parameters()[NAME].version, 1, "the number of the one before");
    let swept = sweep_all(&hub).await;
    assert_eq!(swept["status"], "in_sync", "{swept:#}");
}
