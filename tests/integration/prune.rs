//! `prune` carries out the plan that a person has seen and nothing else, and an original is in no plan.
//!
//! Neighbours: several accounts; a filter that was a slip; `--yes` without an id; an id that is none, another plan's, or
//! one that something came to meanwhile; routes turned round, with the values written to since; a chain; opposite routes,
//! of which a filter leaves replicas out; two hundred accounts.

use aws_sim::Settings;
use failover_replicator::deadline::Deadline;
use failover_replicator::domain::{Leftovers, Purpose};
use failover_replicator::hub::{Answer, Hub, HubError, RouteFilter};
use failover_replicator::ownership::Fingerprint;
use failover_replicator::request::{Accounts, Reconcile, Request, RunOptions};
use serde_json::{Value, json};

use crate::support::{
    Hubctl, SOURCE, TARGET, World, classes, hub_on, plan_id, put, simulated, steps, sweep_all,
};

const OREGON: &str = "us-west-2";
const BOTH: &str = "us-east-2=us-east-1,us-west-2";

async fn shown(hubctl: &Hubctl, more: &[&str], code: i32) -> Value {
    let ran = hubctl.run(&[&["prune", "--format", "json"], more].concat()).await;
    ran.ended(code);
    ran.json()
}

/// How many parameters each account has in both targets.
async fn replicas(world: &World) -> Vec<usize> {
    let mut all = Vec::new();
    for account in 0..world.accounts.len() {
        let seen = [world.seen(account, TARGET).await, world.seen(account, OREGON).await];
        all.push(seen.iter().map(std::collections::BTreeMap::len).sum());
    }
    all
}

#[tokio::test]
async fn exactly_the_plan_that_was_shown_is_carried_out_or_nothing() {
    let world = World::new(3);
    for account in 0..3 {
        let source = world.ssm(account, SOURCE).await;
        for name in ["/app/a", "/app/b", "/kept"] {
            put(&source, name, "x").await;
        }
    }
    let hubctl = world.hubctl().with("REPLICATOR_ROUTES", BOTH);
    hubctl.run(&["sweep"]).await.ended(0);
    // The filter is another environment's.
    let slip = hubctl.clone().with("REPLICATOR_EXCLUDE_NAMES", "/app/*");
    let plan = shown(&slip, &[], 3).await;
    let sums = json!({"us-east-1": {"delete": 6}, "us-west-2": {"delete": 6}});
    assert_eq!((&plan["totals"]["planned"], steps(&plan).len()), (&sums, 12));
    let id = plan_id(&plan);
    let table = slip.run(&["prune"]).await;
    table.ended(3);
    let end = format!(
        "Planned, 12 steps: us-east-1: 6 delete; us-west-2: 6 delete\nPlan {id}: the same command with `--yes --expect {id}` carries out exactly this plan\n"
    );
    assert!(table.stdout.ends_with(&end), "{table:#?}");

    let unsure = slip.run(&["prune", "--yes"]).await;
    unsure.ended(2);
    assert!(unsure.stderr.contains("`--yes --expect ID`"), "{unsure:#?}");
    for none in ["12345678", "1234", "everything"] {
        slip.run(&["prune", "--yes", "--expect", none]).await.ended(2);
    }
    assert_eq!(replicas(&world).await, [6, 6, 6]);

    // One more comes in another account; then a part of the plan is asked for by its whole id.
    put(&world.ssm(2, SOURCE).await, "/app/c", "x").await;
    hubctl.run(&["sweep"]).await.ended(0);
    let now = plan_id(&shown(&slip, &[], 3).await);
    let stale = slip.run(&["prune", "--yes", "--expect", &id]).await;
    stale.ended(2);
    assert!(stale.stderr.contains(&now) && stale.stderr.contains("nothing was done"), "{stale:#?}");
    let part = ["prune", "--account", world.account(0), "--yes", "--expect", &now];
    slip.run(&part).await.ended(2);
    assert_eq!(replicas(&world).await, [6, 6, 8]);

    let of_one = slip.pruned(&["--account", world.account(0)]).await;
    of_one.ended(0);
    assert_eq!(of_one.json()["totals"]["parameters"], json!({"deleted": 4}));
    assert_eq!(replicas(&world).await, [2, 6, 8]);
    // The brake is for sweeps: this is a person's word.
    let done = slip.clone().with("REPLICATOR_MAX_DELETES", "0").pruned(&[]).await;
    done.ended(0);
    assert_eq!(done.json()["totals"]["parameters"], json!({"deleted": 10}));
    assert_eq!(done.json()["totals"]["accounts"], json!({"in_sync": 1, "changed": 2}));
    assert_eq!(replicas(&world).await, [2, 2, 2]);
    assert_eq!(steps(&shown(&slip, &[], 0).await), [] as [String; 0]);
}

#[tokio::test]
async fn after_a_route_was_turned_round_what_it_wrote_is_in_no_plan() {
    let world = World::new(1);
    for name in ["/app/a", "/app/b"] {
        world.put(0, SOURCE, name, "v1").await;
    }
    world.hubctl().run(&["sweep"]).await.ended(0);
    put(&world.ssm(0, TARGET).await, "/app/a", "live").await;
    let before = world.seen(0, TARGET).await;
    for routes in
        ["us-east-1=us-west-2", "us-east-1=us-east-2", "us-west-2=us-east-1;us-east-1=us-west-2"]
    {
        let turned = world.hubctl().with("REPLICATOR_ROUTES", routes);
        let plan = shown(&turned, &["--region", TARGET], 4).await;
        assert_eq!(steps(&plan), [] as [String; 0], "{routes}");
        let told = ["marked_source /app/a us-east-1", "marked_source /app/b us-east-1"];
        assert_eq!(classes(&plan), told, "{routes}");
        let done = turned.pruned(&["--region", TARGET]).await;
        done.ended(4);
        assert_eq!(world.seen(0, TARGET).await, before, "{routes}");
        let remedy = done.json()["failures"][0]["remedy"].to_string();
        assert!(remedy.contains("remove the tags"), "{remedy}");
    }
    // Where no route begins, it is a leftover.
    let elsewhere = world.hubctl().with("REPLICATOR_ROUTES", "us-east-2=us-west-2");
    let plan = shown(&elsewhere, &["--region", TARGET], 4).await;
    assert_eq!(steps(&plan), ["us-east-1 /app/b delete"], "the other is its owner's by now");
}

#[tokio::test]
async fn of_opposite_routes_only_replicas_are_in_a_plan() {
    let world = World::new(1);
    let routes = "us-east-2=us-east-1;us-east-1=us-east-2";
    for region in [SOURCE, TARGET] {
        for name in ["/left", "/kept"] {
            world.put(0, region, &format!("{name}/of-{region}"), "x").await;
        }
    }
    let hubctl = world.hubctl().with("REPLICATOR_ROUTES", routes);
    hubctl.run(&["sweep"]).await.ended(0);
    assert_eq!(steps(&shown(&hubctl, &[], 0).await), [] as [String; 0]);
    let narrowed = hubctl.with("REPLICATOR_EXCLUDE_NAMES", "/left/*");
    let plan = shown(&narrowed, &[], 3).await;
    let expected = ["us-east-1 /left/of-us-east-2 delete", "us-east-2 /left/of-us-east-1 delete"];
    assert_eq!(steps(&plan), expected);
    narrowed.pruned(&[]).await.ended(0);
    for region in [SOURCE, TARGET] {
        let names: Vec<String> = world.seen(0, region).await.into_keys().collect();
        let own = format!("/left/of-{region}");
        assert_eq!(names, ["/kept/of-us-east-1", "/kept/of-us-east-2", &own]);
    }
}

async fn pruned(hub: &Hub, options: RunOptions) -> Result<Value, HubError> {
    let purpose = Purpose::Pruning(Leftovers::default());
    let accounts = Accounts::Organization;
    let reconcile =
        Reconcile { accounts, region: None, item: None, options, purpose, execution: None };
    let request = Request::Reconcile(reconcile);
    let done = hub.perform(request, RouteFilter::default(), Deadline::never(), &|_| ()).await?;
    match done.answer {
        Answer::Report(response) => Ok(serde_json::to_value(response.whole()).expect("JSON")),
        other => panic!("a report: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_over_two_hundred_accounts_is_carried_out_by_its_id_and_by_no_other() {
    const ACCOUNTS: u64 = 200;
    let (sim, accounts) = simulated(Settings::default(), ACCOUNTS);
    for account in &accounts {
        for name in ["/app/a", "/app/b", "/kept"] {
            sim.account(account).region(SOURCE).put(name, "x");
        }
    }
    let settings = [("ROUTES", BOTH), ("EXCLUDE_ACCOUNTS", "123456789012")];
    let response = sweep_all(&hub_on(&sim, &settings).await).await;
    assert_eq!(response["totals"]["parameters"], json!({"created": 6 * ACCOUNTS}));
    let slip = [&settings[..], &[("EXCLUDE_NAMES", "/app/*")]].concat();
    let hub = hub_on(&sim, &slip).await;
    let plan =
        pruned(&hub, RunOptions { plan: true, ..RunOptions::default() }).await.expect("a plan");
    let each = 2 * ACCOUNTS;
    let sums = json!({"us-east-1": {"delete": each}, "us-west-2": {"delete": each}});
    assert_eq!(plan["totals"]["planned"], sums);
    let id = Fingerprint::parse(&plan_id(&plan)).expect("an id");

    sim.forget_calls();
    let other = RunOptions { expect: Some(Fingerprint(id.0 ^ 1)), ..RunOptions::default() };
    let refused = pruned(&hub, other).await.expect_err("another plan's id");
    assert!(matches!(refused, HubError::Refused(_)), "{refused}");
    assert_eq!(sim.writes(), []);
    let expect = RunOptions { expect: Some(id), ..RunOptions::default() };
    let done = pruned(&hub, expect).await.expect("a run");
    assert_eq!(done["totals"]["parameters"], json!({"deleted": 2 * each}));
    for account in &accounts {
        for target in [TARGET, OREGON] {
            let left = sim.account(account).region(target).parameters();
            assert_eq!(left.into_keys().collect::<Vec<_>>(), ["/kept"]);
        }
    }
}
