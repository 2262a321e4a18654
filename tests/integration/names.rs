//! Which names the filters of the settings mean.
//!
//! Neighbours: both spellings of a root name in a source and in a filter; secrets, which have no slash in front; the word
//! `default` set, left out, and beside others; replicas that an earlier release made of what is left out now; the hub's
//! own tree.

use aws_sim::{Settings, Sim};
use failover_replicator::deadline::Deadline;
use failover_replicator::domain::{Leftovers, Purpose};
use failover_replicator::hub::{Answer, RouteFilter};
use failover_replicator::request::{Accounts, Reconcile, Request, RunOptions};
use serde_json::{Value, json};

use crate::support::{SOURCE, TARGET, hub_on, simulated, steps, sweep_all};

const BOOTSTRAP: &str = "/cdk-bootstrap/hnb659fds/version";
const NONE: (&str, &str) = ("EXCLUDE_NAMES", "/none");

fn stage(parameters: &[&str], secrets: &[&str]) -> (Sim, String) {
    let (sim, mut accounts) = simulated(Settings::default(), 1);
    let account = accounts.remove(0);
    let source = sim.account(&account).region(SOURCE);
    for name in parameters {
        source.put(name, "x");
    }
    for name in secrets {
        source.create_secret(name, "x");
    }
    (sim, account)
}

async fn swept(sim: &Sim, settings: &[(&str, &str)]) -> Value {
    let settings = [&[("EXCLUDE_ACCOUNTS", "123456789012")], settings].concat();
    sweep_all(&hub_on(sim, &settings).await).await
}

/// The parameters and the secrets that the target has.
fn copied(sim: &Sim, account: &str) -> (Vec<String>, Vec<String>) {
    let target = sim.account(account).region(TARGET);
    (target.parameters().into_keys().collect(), target.secrets().into_keys().collect())
}

#[tokio::test(start_paused = true)]
async fn both_spellings_of_a_root_name_and_secrets_without_a_slash_are_meant() {
    let all = ["root", "/slashed", "/shop/db", "/other/db"];
    let secrets = ["shop/db", "other/db"];
    for (setting, globs, parameters, secret) in [
        (
            "INCLUDE_NAMES",
            "/shop/*,/root,slashed",
            &["/shop/db", "/slashed", "root"][..],
            "shop/db",
        ),
        ("EXCLUDE_NAMES", "/shop/*,/root,slashed", &["/other/db"][..], "other/db"),
    ] {
        let (sim, account) = stage(&all, &secrets);
        swept(&sim, &[(setting, globs)]).await;
        let (mut have, have_secrets) = copied(&sim, &account);
        have.sort_unstable();
        assert_eq!(have, parameters, "{setting}={globs}");
        assert_eq!(have_secrets, [secret], "{setting}={globs}");
    }
}

#[tokio::test(start_paused = true)]
async fn tools_bookkeeping_stays_in_its_region_unless_the_settings_say_otherwise() {
    let own = "/failover-replicator/settings";
    for (exclude, is_copied, app_is_copied) in [
        (None, false, true),
        (Some("default"), false, true),
        (Some("default,/app/*"), false, false),
        (Some("/app/*"), true, false),
    ] {
        let (sim, account) = stage(&[BOOTSTRAP, own, "/app/a"], &[]);
        let exclude: Vec<(&str, &str)> =
            exclude.map(|globs| ("EXCLUDE_NAMES", globs)).into_iter().collect();
        let answer = swept(&sim, &exclude).await;
        let (have, _) = copied(&sim, &account);
        let has = |name: &str| have.iter().any(|held| held == name);
        assert_eq!((has(BOOTSTRAP), has("/app/a"), has(own)), (is_copied, app_is_copied, false));
        let out = 3 - u64::from(is_copied) - u64::from(app_is_copied);
        assert_eq!(answer["totals"]["parameters"]["out_of_scope"], out, "{answer:#}");
        if !is_copied {
            // The tool prepares the Region as if there were no hub.
            let request = json!({"Name": BOOTSTRAP, "Value": "21", "Type": "String"});
            let target = sim.account(&account).region(TARGET);
            target.call("ssm:PutParameter", &request).expect("the name is free");
            let next = swept(&sim, &exclude).await;
            assert_eq!(next["failures"], json!([]), "{next:#}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_release_copied_stays_until_prune_which_says_why() {
    let (sim, account) = stage(&[BOOTSTRAP, "/left/a", "/app/a"], &[]);
    swept(&sim, &[NONE]).await;
    assert_eq!(copied(&sim, &account).0.len(), 3);
    for _ in 0..2 {
        let answer = swept(&sim, &[("EXCLUDE_NAMES", "default,/left/*")]).await;
        assert_eq!(answer["status"], "in_sync", "{answer:#}");
        assert_eq!(answer["totals"]["parameters"]["out_of_scope"], 2, "{answer:#}");
        assert_eq!(copied(&sim, &account).0.len(), 3, "leaving scope deletes nothing");
        // Not even where the source goes too.
        let source = sim.account(&account).region(SOURCE);
        source.parameters().contains_key(BOOTSTRAP).then(|| source.delete(BOOTSTRAP));
    }
    let settings = [("EXCLUDE_ACCOUNTS", "123456789012"), ("EXCLUDE_NAMES", "default,/left/*")];
    let hub = hub_on(&sim, &settings).await;
    let options = RunOptions { plan: true, ..RunOptions::default() };
    let purpose = Purpose::Pruning(Leftovers::default());
    let accounts = Accounts::Organization;
    let request = Request::Reconcile(Reconcile {
        accounts,
        region: None,
        item: None,
        options,
        purpose,
        execution: None,
    });
    let done = hub.perform(request, RouteFilter::default(), Deadline::never(), &|_| ()).await;
    let Answer::Report(response) = done.expect("a plan").answer else { panic!("a report") };
    let plan = serde_json::to_value(response.whole()).expect("JSON");
    assert_eq!(
        steps(&plan),
        [format!("us-east-1 {BOOTSTRAP} delete"), "us-east-1 /left/a delete".into()]
    );
    assert_eq!(plan["steps"][0]["because"], json!(["out_of_scope", "excluded_by_default"]));
    assert_eq!(plan["steps"][1]["because"], json!(["out_of_scope"]));
}
