//! What leaves the scope, and what a person alone may ask for: to remove leftovers, to put the source in the place of
//! what is in the way, to end a secret's replication.

use serde_json::{Value, json};

use crate::support::{
    Hubctl, MANAGEMENT, MARK, PROVENANCE, SOURCE, TARGET, World, assert_equal, count, failures,
    put, set_tags, steps,
};

const OREGON: &str = "us-west-2";
const BOTH: &str = "us-east-2=us-east-1,us-west-2";

async fn names(world: &World, region: &str) -> Vec<String> {
    world.seen(0, region).await.into_keys().collect()
}

/// A run of `hubctl` that ended so, as JSON.
async fn ran(hubctl: &Hubctl, arguments: &str, code: i32) -> Value {
    let arguments = format!("{arguments} --format json");
    let ran = hubctl.run(&arguments.split(' ').collect::<Vec<_>>()).await;
    ran.ended(code);
    ran.json()
}

#[tokio::test]
async fn what_leaves_the_scope_stays_until_prune_is_told_to_remove_it() {
    let world = World::new(1);
    for name in ["/kept", "/left/a", "/left/b"] {
        world.put(0, SOURCE, name, "x").await;
    }
    world.put(0, TARGET, "/left/theirs", "somebody's").await;
    let hubctl = world.hubctl().with("REPLICATOR_ROUTES", BOTH);
    ran(&hubctl, "sweep", 0).await;

    // A name filter that came later, and a target that was taken out of the route.
    let narrowed = world.hubctl().with("REPLICATOR_EXCLUDE_NAMES", "/left/*");
    let sweep = ran(&narrowed, "sweep", 0).await;
    assert_eq!(sweep["totals"]["parameters"], json!({"in_sync": 1, "out_of_scope": 2}));
    assert_eq!(names(&world, OREGON).await.len(), 3);
    let shown = ran(&narrowed, "prune", 3).await;
    assert_eq!(steps(&shown), ["us-east-1 /left/a delete", "us-east-1 /left/b delete"]);
    assert_eq!(shown["steps"][0]["because"], json!(["out_of_scope"]));
    let shown = ran(&narrowed, "prune --region us-west-2", 3).await;
    assert_eq!(steps(&shown).len(), 5, "all that is left in a Region that no route leads to");
    assert_eq!(names(&world, TARGET).await.len(), 4, "nothing was done yet");

    let done = narrowed.pruned(&["--region", OREGON]).await;
    done.ended(0);
    let done = done.json();
    assert_eq!(done["totals"]["parameters"], json!({"deleted": 5}));
    assert_eq!(names(&world, TARGET).await, ["/kept", "/left/theirs"]);
    assert_eq!(names(&world, OREGON).await, Vec::<String>::new());
    ran(&narrowed, "prune --region us-west-2", 0).await;
    assert_eq!(names(&world, SOURCE).await.len(), 3, "no source is ever touched");

    // An account that the settings exclude is named by the person, who must mean it.
    let excluded = world
        .hubctl()
        .without("REPLICATOR_INCLUDE_ACCOUNTS")
        .with("REPLICATOR_EXCLUDE_ACCOUNTS", world.account(0));
    let account = ["--account", world.account(0)];
    let refused = excluded.run(&["prune", account[0], account[1]]).await;
    refused.ended(2);
    assert!(refused.stderr.contains("(REPLICATOR_EXCLUDE_ACCOUNTS)"), "{refused:#?}");
    let named = ["--account", world.account(0), "--even-if-excluded"];
    let done = excluded.pruned(&named).await;
    done.ended(0);
    let done = done.json();
    assert_eq!(done["totals"]["parameters"], json!({"deleted": 1}));
    assert_eq!(names(&world, TARGET).await, ["/left/theirs"]);
}

#[tokio::test]
async fn an_account_that_the_settings_exclude_stays_excluded_when_a_payload_or_a_person_names_it() {
    let world = World::new(2);
    for account in [0, 1] {
        world.put(account, SOURCE, "/a", "x").await;
    }
    let (inside, outside) = (world.account(0), world.account(1));
    let all = json!({"name": "all", "operation": "sync"});
    let one = json!({"name": "/a", "operation": "sync"});
    for scope in [("EXCLUDE_ACCOUNTS", outside), ("INCLUDE_ACCOUNTS", inside)] {
        let hub = world.hub(&[scope]).await;
        world.wire.take();
        for payload in [
            json!({"account": outside, "detail": all}),
            json!({"accounts": [inside, outside], "detail": all}),
            json!({"account": outside, "region": SOURCE, "detail": one}),
            json!({"account": outside, "plan": true, "detail": all}),
        ] {
            let error = world.try_ask(&hub, &payload).await.expect_err("refused").to_string();
            let named = format!("exclude {outside} (REPLICATOR_{})", scope.0);
            assert!(error.contains(&named), "{payload}: {error}");
            assert!(!error.contains(inside), "{payload}: {error}");
        }
        assert!(world.wire.counts().is_empty(), "a refusal costs no call");
    }
    assert!(world.seen(0, TARGET).await.is_empty(), "a payload is refused as a whole");
    assert!(world.seen(1, TARGET).await.is_empty());

    let hubctl = world.hubctl().with("REPLICATOR_EXCLUDE_ACCOUNTS", outside);
    let payload = json!({"account": outside, "detail": all}).to_string();
    let invoked = hubctl.fed(&["invoke", "-"], &payload).await;
    invoked.ended(2);
    assert!(invoked.stderr.contains("REPLICATOR_EXCLUDE_ACCOUNTS"), "{invoked:#?}");
    let place = format!("--account {outside} --region {SOURCE}");
    for command in
        [format!("resolve /a {place} --take source"), format!("release parameter /a {place}")]
    {
        let refused = hubctl.run(&command.split(' ').collect::<Vec<_>>()).await;
        refused.ended(2);
        assert!(refused.stderr.contains("--even-if-excluded"), "{refused:#?}");
    }
    ran(&hubctl, &format!("sweep --account {outside} --even-if-excluded"), 0).await;
    assert_eq!(world.seen(1, TARGET).await.len(), 1, "lifted for one run");
    let release = format!("release parameter /a {place} --even-if-excluded --yes");
    ran(&hubctl, &release, 0).await;
    assert!(!world.seen(1, TARGET).await["/a"].tags.contains_key(MARK.0));
}

#[tokio::test]
async fn the_hubs_own_account_that_the_settings_exclude_is_not_worked_on_by_a_payload_without_account()
 {
    let world = World::new(1);
    let hub = world.hub(&[]).await;
    world.wire.take();
    let payload = json!({"detail": {"name": "/a", "operation": "sync"}});
    let error = world.try_ask(&hub, &payload).await.expect_err("refused").to_string();
    let named = format!("exclude {MANAGEMENT} (REPLICATOR_INCLUDE_ACCOUNTS)");
    assert!(error.contains(&named), "{error}");
    let calls = world.wire.counts();
    assert!(calls.keys().all(|call| call.contains("GetCallerIdentity")), "{calls:?}");
}

#[tokio::test]
async fn a_conflict_is_resolved_one_name_at_a_time_and_only_in_favour_of_the_source() {
    let world = World::new(1);
    for name in ["/taken", "/released", "/other"] {
        world.put(0, SOURCE, name, "source").await;
    }
    world.put(0, TARGET, "/taken", "theirs").await;
    world.put(0, TARGET, "/other", "theirs").await;
    let hubctl = world.hubctl();
    ran(&hubctl, "sweep", 4).await;
    let target = world.ssm(0, TARGET).await;
    crate::support::remove_tags(&target, "/released", &[MARK.0]).await;
    put(&target, "/released", "theirs").await;
    assert_eq!(failures(&ran(&hubctl, "sweep", 4).await).len(), 3);
    let place = format!("--account {} --region {SOURCE}", world.account(0));
    for name in ["/taken", "/released"] {
        let resolve = format!("resolve {name} {place} --take source");
        let shown = ran(&hubctl, &resolve, 3).await;
        assert_eq!(steps(&shown), [format!("us-east-1 {name} update")]);
        assert_eq!(world.seen(0, TARGET).await[name].value, "theirs", "nothing was done yet");
        let done = ran(&hubctl, &format!("{resolve} --yes"), 0).await;
        assert_eq!(done["totals"]["parameters"], json!({"updated": 1}), "{done:#}");
    }
    let seen = world.seen(0, TARGET).await;
    for name in ["/taken", "/released"] {
        assert_eq!(seen[name].value, "source", "{name}");
        assert_eq!(seen[name].tags[MARK.0], MARK.1, "{name}");
    }
    assert_eq!(seen["/other"].value, "theirs");
    let sweep = ran(&hubctl, "sweep", 4).await;
    assert_eq!(sweep["totals"]["parameters"], json!({"in_sync": 2, "conflict": 1}));
    let ran = hubctl.run(&["resolve", "/other", "--region", SOURCE, "--take", "source"]).await;
    ran.ended(2);
    assert!(ran.stderr.contains("--account"), "{ran:#?}");
}

#[tokio::test]
async fn a_secret_is_released_so_that_its_owner_can_delete_it() {
    let world = World::new(1);
    let secrets = world.secrets(0, SOURCE).await;
    secrets.create_secret().name("shop/db").secret_string("x").send().await.expect("a secret");
    let hubctl = world.hubctl();
    ran(&hubctl, "sweep", 0).await;
    let delete = || secrets.delete_secret().secret_id("shop/db").recovery_window_in_days(7).send();
    delete().await.expect_err("its replica keeps it");
    let release =
        format!("release secret shop/db --account {} --region {SOURCE}", world.account(0));
    let shown = ran(&hubctl, &release, 3).await;
    assert_eq!(steps(&shown), ["us-east-1 shop/db delete"]);
    delete().await.expect_err("nothing was done yet");
    let done = ran(&hubctl, &format!("{release} --yes"), 0).await;
    assert_eq!(done["totals"]["secrets"], json!({"deleted": 1}));
    delete().await.expect("nothing keeps it any more");
    let missing = ran(&hubctl, &release.replace("shop/db", "shop/none"), 4).await;
    assert_eq!(failures(&missing), [("invalid".to_owned(), "shop/none".to_owned())]);
    let elsewhere = release.replace(SOURCE, TARGET);
    hubctl.run(&elsewhere.split(' ').collect::<Vec<_>>()).await.ended(2);
}

#[tokio::test(start_paused = true)]
async fn an_owners_tag_removes_the_replica_and_its_end_brings_it_back() {
    let world = World::new(1);
    world.put(0, SOURCE, "/a", "x").await;
    world.put(0, SOURCE, "/b", "x").await;
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    let source = world.ssm(0, SOURCE).await;
    set_tags(&source, "/a", &[("failover-replicator", "remove")]).await;
    let response = world.sweep(&hub).await;
    let counted = |response: &Value, outcome| count(response, "parameters", outcome);
    assert_eq!((counted(&response, "deleted"), counted(&response, "in_sync")), (1, 1));
    assert_eq!(names(&world, TARGET).await, ["/b"]);
    let response = world.sweep(&hub).await;
    assert_eq!((counted(&response, "excluded"), counted(&response, "in_sync")), (1, 1));
    crate::support::remove_tags(&source, "/a", &["failover-replicator"]).await;
    world.sweep(&hub).await;
    assert_equal(&world, 0, TARGET).await;
}

#[tokio::test]
async fn an_equal_parameter_is_adopted_and_let_go_again_and_a_different_one_is_a_conflict() {
    let world = World::new(1);
    for (name, theirs) in [("/same", "x"), ("/different", "y")] {
        world.put(0, SOURCE, name, "x").await;
        world.put(0, TARGET, name, theirs).await;
    }
    let hub = world.hub(&[("ON_CONFLICT", "adopt")]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [("conflict".to_owned(), "/different".to_owned())]);
    assert_eq!(count(&response, "parameters", "updated"), 1);
    let seen = world.seen(0, TARGET).await;
    assert!(seen["/same"].tags[PROVENANCE].contains(" adopted=1"), "{seen:#?}");
    assert_eq!((seen["/same"].version, seen["/different"].tags.len()), (2, 0));
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "in_sync"), 1, "{response:#}");
    crate::support::delete(&world.ssm(0, SOURCE).await, &["/same"]).await;
    world.sweep(&hub).await;
    let seen = world.seen(0, TARGET).await;
    let released = [("failover-replicator".to_owned(), "released".to_owned())];
    assert_eq!((&seen["/same"].value[..], &seen["/same"].tags), ("x", &released.into()));
}
