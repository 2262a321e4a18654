//! Kind: replicas that another role wrote before the hub did: the predecessor's, or those of a former spoke role.
//! `REPLICATOR_TRUSTED_WRITERS` names such roles; after one sweep the setting can go, and nothing changes.
//!
//! Neighbours: with and without the setting (`mark_only`, `claimed`); equal, different, encrypted and tagged replicas,
//! several versions; without a source; where two routes lead (`ambiguous`); a name that only resembles the role's; two
//! roles; a last writer who is not trusted; a role that writes on afterwards; `ON_TARGET_CHANGE=restore` and `prune`
//! over trusted replicas; `hubctl sweep --take-over`, twice, and where a stranger writes in between.

use aws_sdk_ssm::Client;
use serde_json::json;

use crate::support::{
    Conflict, MARK, PROVENANCE, Proxy, SOURCE, TARGET, World, assert_equal, assert_named,
    assert_no_value, assert_stands, classes, count, delete, put, put_secure, set_tags, steps,
};

const PREDECESSOR: &str = "ssm-replicator";
const FORMER: &str = "former-spoke";
const IRELAND: &str = "eu-west-1";
const TRUSTED: [(&str, &str); 1] = [("TRUSTED_WRITERS", PREDECESSOR)];
const NAMES: [&str; 4] = ["/p/different", "/p/equal", "/p/secret", "/p/twice"];

async fn marked(ssm: &Client, name: &str) {
    set_tags(ssm, name, &[MARK, ("Environment", "disaster-recovery")]).await;
}

/// Sources, and their replicas as the predecessor's role made them: mark and no provenance.
async fn predecessors() -> (World, Client, Client) {
    let world = World::new(1);
    world.make_role(0, PREDECESSOR);
    let source = world.ssm(0, SOURCE).await;
    let role = world.ssm_as(0, TARGET, PREDECESSOR).await;
    for ssm in [&source, &role] {
        put(ssm, "/p/different", "canary 1").await;
        put(ssm, "/p/equal", "canary 1").await;
        put_secure(ssm, "/p/secret", "canary 1", "alias/aws/ssm").await;
        put(ssm, "/p/twice", "canary 1").await;
        put(ssm, "/p/twice", "canary 2").await;
    }
    put(&source, "/p/different", "canary 2").await;
    set_tags(&source, "/p/equal", &[("team", "shop")]).await;
    for name in NAMES {
        marked(&role, name).await;
    }
    (world, source, role)
}

/// A process in which nothing is trusted finds all equal, and writes nothing.
async fn assert_setting_can_go(world: &World) {
    assert_equal(world, 0, TARGET).await;
    let before = world.both_regions().await;
    let hub = world.hub(&[]).await;
    world.wire.take();
    let response = world.sweep(&hub).await;
    assert_eq!(response["status"], json!("in_sync"), "{response:#}");
    let counts = world.wire.counts();
    for write in ["ssm:PutParameter", "ssm:AddTagsToResource", "ssm:RemoveTagsFromResource"] {
        assert!(!counts.contains_key(write), "{counts:?}");
    }
    assert_eq!(world.both_regions().await, before);
    assert_stands(world, &hub, &[]).await;
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_the_predecessor_s_replicas_are_kept_and_reported() {
    let (world, source, _) = predecessors().await;
    let version = |name: &str| if name == "/p/twice" { 2 } else { 1 };
    let expected =
        NAMES.map(|name| Conflict::new("mark_only", name, version(name)).by(PREDECESSOR));
    let resembling = [("TRUSTED_WRITERS", "ssm-replicator-2,ssm,replicator")];
    for settings in [&[][..], &resembling, &[("ON_CONFLICT", "adopt")]] {
        let hub = world.hub(settings).await;
        assert_named(&world.sweep(&hub).await, &expected);
    }
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    for failure in response["failures"].as_array().expect("failures") {
        let remedy = failure["remedy"].as_str().unwrap_or_default();
        assert!(remedy.contains("REPLICATOR_TRUSTED_WRITERS"), "{failure:#}");
    }
    assert_stands(&world, &hub, &expected).await;
    delete(&source, &NAMES).await;
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn with_the_setting_one_sweep_takes_them_over_by_one_write_each() {
    let (world, ..) = predecessors().await;
    let before = world.seen(0, TARGET).await;
    let hub = world.hub(&[("TRUSTED_WRITERS", "another-role,ssm-replicator")]).await;
    world.wire.take();
    assert_named(&world.sweep(&hub).await, &[]);
    assert_eq!(world.wire.counts().get("ssm:PutParameter"), Some(&4));
    for name in NAMES {
        let history = world.history(0, TARGET, name).await;
        let number = before[name].version + 1;
        assert_eq!(history.last().map(|last| last.number), Some(number), "{name}");
        assert!(history.last().is_some_and(crate::support::Written::is_the_hubs), "{history:?}");
        let provenance = world.seen(0, TARGET).await[name].tags[PROVENANCE].clone();
        assert!(provenance.contains(&format!("replica={number} ")), "{provenance}");
        assert!(!provenance.contains("adopted"), "it goes with its source: {provenance}");
    }
    assert_setting_can_go(&world).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_over_goes_with_its_source_and_an_orphan_of_the_predecessor_s_never() {
    let (world, source, role) = predecessors().await;
    put(&role, "/p/orphan", "canary 1").await;
    marked(&role, "/p/orphan").await;
    let hub = world.hub(&TRUSTED).await;
    let orphan = Conflict::new("mark_only", "/p/orphan", 1).by(PREDECESSOR);
    assert_named(&world.sweep(&hub).await, std::slice::from_ref(&orphan));
    delete(&source, &NAMES).await;
    let response = world.sweep_by_a_person(&hub).await;
    assert_eq!(count(&response, "parameters", "deleted"), 4, "{response:#}");
    assert_stands(&world, &hub, std::slice::from_ref(&orphan)).await;
    let hubctl = world
        .hubctl()
        .with("REPLICATOR_TRUSTED_WRITERS", PREDECESSOR)
        .with("REPLICATOR_EXCLUDE_NAMES", "/p/*");
    let plan = hubctl.run(&["prune", "--format", "json"]).await.json();
    assert_eq!(steps(&plan), Vec::<String>::new(), "{plan:#}");
    // Its source comes back, and with it the proof of what it is.
    put(&source, "/p/orphan", "canary 2").await;
    assert_named(&world.sweep(&hub).await, &[]);
    assert_setting_can_go(&world).await;
}

#[tokio::test(start_paused = true)]
async fn only_the_last_writer_counts_and_only_where_one_route_leads() {
    let (world, source, role) = predecessors().await;
    put(&world.ssm(0, TARGET).await, "/p/equal", "canary of the owner").await;
    let hub = world.hub(&TRUSTED).await;
    let owners = Conflict::new("mark_only", "/p/equal", 2);
    assert_named(&world.sweep(&hub).await, std::slice::from_ref(&owners));
    assert_stands(&world, &hub, &[owners]).await;

    let routes = format!("{SOURCE}={TARGET};{IRELAND}={TARGET}");
    put(&source, "/p/two", "canary 1").await;
    put(&role, "/p/two", "canary 1").await;
    marked(&role, "/p/two").await;
    let before = world.both_regions().await;
    let hub = world.hub(&[TRUSTED[0], ("ROUTES", &routes)]).await;
    for _ in 0..2 {
        let told = classes(&world.sweep(&hub).await);
        let ambiguous: Vec<&String> =
            told.iter().filter(|line| line.starts_with("ambiguous ")).collect();
        assert!(ambiguous.contains(&&"ambiguous /p/two us-east-1".to_owned()), "{told:?}");
        assert_eq!(world.both_regions().await, before);
    }
}

#[tokio::test(start_paused = true)]
async fn a_predecessor_that_still_runs_is_reported_by_its_role() {
    let (world, source, role) = predecessors().await;
    let hub = world.hub(&[TRUSTED[0], ("ON_TARGET_CHANGE", "report")]).await;
    world.sweep(&hub).await;
    put(&role, "/p/equal", "canary 2").await;
    put(&source, "/p/equal", "canary 3").await;
    let expected = [Conflict::new("changed_in_target", "/p/equal", 3).by(PREDECESSOR)];
    assert_stands(&world, &hub, &expected).await;
    assert_stands(&world, &world.hub(&[]).await, &expected).await;
}

/// Replicas with provenance, as the hub wrote them while its spoke role had another name.
async fn formers(names: &[&str]) -> (World, Client) {
    let world = World::new(1);
    world.make_role(0, FORMER);
    let source = world.ssm(0, SOURCE).await;
    for name in names {
        put(&source, name, "canary 1").await;
    }
    let hub = world.hub(&[("SPOKE_ROLE_NAME", FORMER)]).await;
    assert_eq!(count(&world.sweep(&hub).await, "parameters", "created"), names.len() as u64);
    (world, source)
}

#[tokio::test(start_paused = true)]
async fn after_the_spoke_role_was_renamed_one_message_names_the_setting_and_nothing_is_touched() {
    let names = ["/f/1", "/f/2", "/f/3", "/f/4"];
    let (world, source) = formers(&names).await;
    delete(&source, &["/f/4"]).await;
    let before = world.both_regions().await;
    let hub = world.hub(&[]).await;
    for _ in 0..2 {
        let response = world.sweep(&hub).await;
        assert_eq!(response["status"], json!("failed"), "{response:#}");
        assert_no_value(&response.to_string());
        let failures = response["failures"].as_array().expect("failures");
        let says = |one: &&serde_json::Value| {
            let text = one.to_string();
            text.contains("REPLICATOR_TRUSTED_WRITERS") && text.contains(FORMER)
        };
        assert!(failures.iter().any(|one| says(&one)), "{response:#}");
        assert_eq!(world.both_regions().await, before);
    }
    let trusting = world.hub(&[("TRUSTED_WRITERS", FORMER)]).await;
    put(&source, "/f/4", "canary 2").await;
    assert_named(&world.sweep(&trusting).await, &[]);
    let history = world.history(0, TARGET, "/f/4").await;
    assert!(history.len() == 2 && history[1].is_the_hubs(), "as any other update: {history:?}");
}

#[tokio::test(start_paused = true)]
async fn sweep_take_over_writes_once_what_leans_on_the_setting_and_then_it_can_go() {
    let names = ["/f/1", "/f/2", "/f/3"];
    let (world, _) = formers(&names).await;
    let trusting = world.hubctl().with("REPLICATOR_TRUSTED_WRITERS", FORMER);
    let sweep = trusting.run(&["sweep", "--format", "json"]).await;
    sweep.ended(0);
    assert_eq!(sweep.json()["totals"]["parameters"]["in_sync"], json!(3), "{sweep:#?}");
    assert!(names.len() == world.seen(0, TARGET).await.len());
    for version in [2, 2] {
        trusting.run(&["sweep", "--take-over"]).await.ended(0);
        for (name, replica) in world.seen(0, TARGET).await {
            assert_eq!(replica.version, version, "once and not again: {name}");
            let history = world.history(0, TARGET, &name).await;
            assert!(history[1].is_the_hubs(), "{history:?}");
        }
    }
    assert_setting_can_go(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_s_version_under_the_one_that_takes_over_is_named() {
    let (world, _) = formers(&["/f/1", "/f/2"]).await;
    let proxy = Proxy::to(&world.emulator.url).await;
    let stranger = world.ssm(0, TARGET).await;
    proxy.before(
        |call| call.action == "ssm:PutParameter" && call.request["Name"] == "/f/1",
        async move { put(&stranger, "/f/1", "canary of a stranger").await },
    );
    let trusting = world
        .hubctl()
        .with("REPLICATOR_TRUSTED_WRITERS", FORMER)
        .with("AWS_ENDPOINT_URL", &proxy.url);
    let ran = trusting.run(&["sweep", "--take-over", "--format", "json"]).await;
    ran.ended(4);
    let expected = [Conflict::new("written_over", "/f/1", 2)];
    assert_named(&ran.json(), &expected);
    let hub = world.hub(&[("TRUSTED_WRITERS", FORMER)]).await;
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn restore_does_not_undo_a_change_of_what_a_trusted_role_wrote() {
    let (world, _) = formers(&["/f/1"]).await;
    put(&world.ssm(0, TARGET).await, "/f/1", "canary of the owner").await;
    let settings = [("TRUSTED_WRITERS", FORMER), ("ON_TARGET_CHANGE", "restore")];
    let hub = world.hub(&settings).await;
    let expected = [Conflict::new("changed_in_target", "/f/1", 2)];
    assert_stands(&world, &hub, &expected).await;
}
