//! The hub against the simulator, in virtual time, with AWS's quotas.

use aws_sim::Settings;
use serde_json::json;

use crate::support::{
    LONG_AGO, MARK, answered, batch, count, hub_on, native_event, simulated, sweep_all,
};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";

#[tokio::test(start_paused = true)]
async fn one_item_of_an_account_of_thousands_costs_a_few_calls_and_not_a_list() {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let source = sim.account(&accounts[0]).region(SOURCE);
    for n in 0..3_000 {
        source.put(&format!("/many/{n:04}"), "x");
    }
    let hub = hub_on(&sim, &[]).await;
    for value in ["first", "second"] {
        source.put("/zzz/last", value);
        sim.forget_calls();
        let event = native_event(&accounts[0], LONG_AGO, "/zzz/last", "Update");
        let answer = answered(&hub, &batch([("1", event)])).await;
        assert_eq!(answer, json!({"batchItemFailures": []}));
        let replicas = sim.account(&accounts[0]).region(TARGET).parameters();
        assert_eq!(replicas["/zzz/last"].value, value);
        let counts = sim.counts();
        let calls = |operation| counts.get(operation).map_or(0, |count| count.calls);
        let reads = calls("ssm:DescribeParameters") + calls("ssm:GetParameterHistory");
        assert!(reads <= 6, "{counts:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn three_accounts_are_filled_under_aws_quotas_and_a_second_sweep_writes_nothing() {
    let (sim, accounts) = simulated(Settings { empty_pages: true, ..Settings::default() }, 3);
    for account in &accounts {
        let region = sim.account(account).region(SOURCE);
        for n in 0..60 {
            region.put_parameter(&json!({
                "Name": format!("/app/{n:02}"),
                "Value": format!("{n} of {account}"),
                "Type": if n % 10 == 0 { "SecureString" } else { "String" },
                "Description": "a setting",
                "Tags": [{"Key": "team", "Value": "shop"}],
            }));
        }
    }
    let excluded = [("EXCLUDE_ACCOUNTS", "123456789012")];
    let hub = hub_on(&sim, &excluded).await;

    let response = sweep_all(&hub).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    assert_eq!(count(&response, "parameters", "created"), 180, "{response:#}");
    for account in &accounts {
        let sources = sim.account(account).region(SOURCE).parameters();
        let replicas = sim.account(account).region(TARGET).parameters();
        assert_eq!(sources.len(), replicas.len());
        for (name, source) in sources {
            let mut replica = replicas[&name].clone();
            assert_eq!(replica.tags.remove(MARK.0).as_deref(), Some(MARK.1));
            assert!(replica.tags.remove("ReplicationSource").is_some());
            let spoke = format!("arn:aws:sts::{account}:assumed-role/failover-replicator-spoke/");
            assert!(replica.user.starts_with(&spoke), "{}", replica.user);
            (replica.modified, replica.user) = (source.modified, source.user.clone());
            assert_eq!(replica, source, "{name}");
        }
        let metered = sim.metered(account, TARGET, "ssm.control");
        assert!(metered.passed.len() > 60, "the writes are measured: {}", metered.passed.len());
        assert!(metered.refused.is_empty(), "the hub keeps within the quota");
    }

    sim.forget_calls();
    let response = sweep_all(&hub).await;
    assert_eq!(response["status"], "in_sync", "{response:#}");
    assert_eq!(count(&response, "parameters", "in_sync"), 180);
    assert_eq!(sim.writes(), []);
    assert_eq!(sim.count("ssm:GetParameters", "", "").calls, 0, "no value is read");
}
