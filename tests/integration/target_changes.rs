//! Kind: somebody else writes a version of a replica after the one that its provenance names. It is kept, never
//! deleted, and named (`changed_in_target`) until a person decides.
//!
//! Neighbours: every kind of writer, those with the hub's name elsewhere in their ARN too; every kind of version; every
//! state of the replica (updated, labelled, adopted, tombstoned, encrypted); whatever becomes of its source; a sweep, a
//! plan, a verification, each operation by name, late events, `prune`; one of two targets; opposite routes; both ways
//! of `resolve`; and what is no version: tags and labels.

use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::types::{ParameterTier, ParameterType};
use serde_json::{Value, json};

use crate::support::{
    Clock, Conflict, HUB_ROLE, MARK, PROVENANCE, SOURCE, TARGET, World, assert_equal, assert_named,
    assert_replicated, assert_stands, classes, count, delete, put, put_secure, remove_tags,
    set_tags, steps,
};

const OREGON: &str = "us-west-2";
const OURS: &str = "canary of the source";
const THEIRS: &str = "canary of the failover Region";
const CLASS: &str = "changed_in_target";

async fn put_all(ssm: &Client, names: &[&str], value: &str) {
    for name in names {
        put(ssm, name, value).await;
    }
}

/// Sources with their replicas, each of which its owner then wrote over in the target.
async fn changed(world: &World, names: &[&str]) {
    put_all(&world.ssm(0, SOURCE).await, names, OURS).await;
    let response = world.sweep(&world.hub(&[]).await).await;
    assert_eq!(count(&response, "parameters", "created"), names.len() as u64, "{response:#}");
    put_all(&world.ssm(0, TARGET).await, names, THEIRS).await;
}

#[tokio::test(start_paused = true)]
async fn whoever_else_writes_over_a_replica_keeps_the_value_and_only_the_hub_s_role_is_the_hub() {
    let world = World::new(1);
    let names = ["/by/failover", "/by/namesake", "/by/owner", "/by/session", "/by/user"];
    let source = world.ssm(0, SOURCE).await;
    put_all(&source, &names, OURS).await;
    put(&source, "/by/hub", OURS).await;
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;

    let failover = "failover-replicator-failover";
    world.make_role(0, failover);
    let (owner, user) = ("OrganizationAccountAccessRole", "user/alice");
    let writers = [
        (world.ssm_as(0, TARGET, failover).await, failover),
        (world.ssm_of_user(0, TARGET, HUB_ROLE), HUB_ROLE),
        (world.ssm(0, TARGET).await, owner),
        (world.ssm_in_session(0, TARGET, owner, HUB_ROLE).await, owner),
        (world.ssm_of_user(0, TARGET, "alice"), user),
    ];
    for (name, (writer, _)) in names.iter().zip(&writers) {
        put(writer, name, THEIRS).await;
    }
    put(&world.ssm_as(0, TARGET, HUB_ROLE).await, "/by/hub", THEIRS).await;

    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "updated"), 1, "{response:#}");
    let seen = world.seen(0, TARGET).await;
    assert_eq!((&seen["/by/hub"].value[..], seen["/by/hub"].version), (OURS, 3));
    assert!(names.iter().all(|name| seen[*name].value == THEIRS), "{seen:#?}");
    let named = |(name, (_, writer)): (&&str, &(Client, &str))| {
        Conflict::new(CLASS, name, 2).by(writer.trim_start_matches("user/"))
    };
    let expected: Vec<Conflict> = names.iter().zip(&writers).map(named).collect();
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_replica_is_kept_whatever_becomes_of_its_source() {
    let world = World::new(1);
    let names = [
        "/s/gone",
        "/s/recreated",
        "/s/removed",
        "/s/same",
        "/s/tagged",
        "/s/type",
        "/s/value",
        "/s/excluded",
    ];
    changed(&world, &names).await;
    let source = world.ssm(0, SOURCE).await;
    delete(&source, &["/s/gone", "/s/recreated", "/s/type"]).await;
    // AWS changes no type: the replica of such a source is deleted and created anew, if it is the hub's.
    let list = source.put_parameter().name("/s/type").value("canary,of,a list");
    list.r#type(ParameterType::StringList).send().await.expect("a list");
    put_all(&source, &["/s/recreated", "/s/value"], "canary of another day").await;
    set_tags(&source, "/s/tagged", &[("team", "shop")]).await;
    set_tags(&source, "/s/removed", &[("failover-replicator", "remove")]).await;
    set_tags(&source, "/s/excluded", &[("failover-replicator", "exclude")]).await;

    let hub = world.hub(&[]).await;
    let expected: Vec<Conflict> =
        names[..7].iter().map(|name| Conflict::new(CLASS, name, 2)).collect();
    assert_stands(&world, &hub, &expected).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "excluded"), 1, "{response:#}");
    let seen = world.seen(0, TARGET).await;
    assert_eq!(seen.len(), names.len());
    assert!(seen.values().all(|replica| replica.value == THEIRS), "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_version_is_a_change_and_tags_and_labels_are_none() {
    let world = World::furnished(&["--regions", SOURCE, TARGET, "--alias", "alias/app", "alias/b"]);
    let plain = ["/v/described", "/v/equal", "/v/long", "/v/thrice", "/quiet/label", "/quiet/tag"];
    let source = world.ssm(0, SOURCE).await;
    put_all(&source, &plain, OURS).await;
    for name in ["/v/key", "/v/secret"] {
        put_secure(&source, name, OURS, "alias/app").await;
    }
    let hub = world.hub(&[]).await;
    assert_eq!(count(&world.sweep(&hub).await, "parameters", "created"), 8);

    let target = world.ssm(0, TARGET).await;
    let over = |name: &str, value: &str| {
        let request = target.put_parameter().name(name).value(value).overwrite(true);
        request.r#type(ParameterType::String)
    };
    over("/v/described", OURS).description("theirs").send().await.expect("a description");
    put(&target, "/v/equal", OURS).await;
    let long = over("/v/long", &THEIRS.repeat(200)).tier(ParameterTier::Advanced);
    long.send().await.expect("a long value");
    for value in [THEIRS, OURS, THEIRS] {
        put(&target, "/v/thrice", value).await;
    }
    put_secure(&target, "/v/key", OURS, "alias/b").await;
    put_secure(&target, "/v/secret", THEIRS, "alias/app").await;
    set_tags(&target, "/quiet/tag", &[("owner", "them")]).await;
    let label = target.label_parameter_version().name("/quiet/label").labels("theirs");
    label.send().await.expect("a label");

    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "retagged"), 1, "the tag: {response:#}");
    let name = |(name, version): (&str, i64)| Conflict::new(CLASS, name, version);
    let mut expected: Vec<Conflict> =
        ["/v/described", "/v/equal", "/v/key", "/v/long", "/v/secret"]
            .map(|conflict| name((conflict, 2)))
            .into();
    expected.push(name(("/v/thrice", 4)).or(2));
    // A pass with `labels` may take the foreign label off; it says nothing of a change.
    delete(&source, &["/quiet/label"]).await;
    world.sweep(&hub).await;
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_in_any_state_that_somebody_changed_outlives_its_source() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    let names = ["/state/adopted", "/state/labelled", "/state/tombstoned", "/state/updated"];
    put_all(&source, &names, "canary of the first day").await;
    let label = source.label_parameter_version().name("/state/labelled").labels("first");
    label.send().await.expect("a label");
    put(&source, "/state/labelled", OURS).await;
    put(&target, "/state/adopted", "canary of the first day").await;
    let clock = Clock::default();
    let settings = [("ON_CONFLICT", "adopt"), ("DELETE_GRACE_DAYS", "1")];
    let hub = world.hub_at(Some(&clock), &settings).await;
    world.sweep(&hub).await;
    put(&source, "/state/updated", OURS).await;
    delete(&source, &["/state/tombstoned"]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "tombstoned"), 1, "{response:#}");
    assert_named(&response, &[]);
    assert!(world.seen(0, TARGET).await["/state/adopted"].tags[PROVENANCE].contains("adopted=1"));

    let mut expected = Vec::new();
    for name in names {
        put(&target, name, THEIRS).await;
        expected.push(Conflict::new(CLASS, name, world.version(name).await));
    }
    // The tombstone is due long since.
    clock.forward(Duration::from_hours(24 * 9));
    assert_stands(&world, &hub, &expected).await;
    delete(&source, &["/state/adopted", "/state/labelled", "/state/updated"]).await;
    assert_stands(&world, &hub, &expected).await;
    let seen = world.seen(0, TARGET).await;
    assert!(seen.len() == 4 && seen.values().all(|replica| replica.value == THEIRS), "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_change_in_one_target_stops_neither_updates_nor_deletes_in_the_other() {
    let world = World::new(1);
    let hub = world.hub(&[("ROUTES", "us-east-2=us-east-1,us-west-2")]).await;
    let source = world.ssm(0, SOURCE).await;
    put_all(&source, &["/t/goes", "/t/moves"], OURS).await;
    world.sweep(&hub).await;
    put_all(&world.ssm(0, TARGET).await, &["/t/goes", "/t/moves"], THEIRS).await;
    put(&source, "/t/moves", "canary of another day").await;
    delete(&source, &["/t/goes"]).await;
    let expected = ["/t/goes", "/t/moves"].map(|name| Conflict::new(CLASS, name, 2));
    let response = world.sweep(&hub).await;
    assert_named(&response, &expected);
    let counted = |outcome| count(&response, "parameters", outcome);
    assert_eq!((counted("updated"), counted("deleted")), (1, 1), "{response:#}");
    assert_replicated(&world, 0, SOURCE, OREGON).await;
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn with_opposite_routes_a_changed_replica_is_not_carried_back_as_a_source() {
    let world = World::new(1);
    let routes = format!("{SOURCE}={TARGET};{TARGET}={SOURCE}");
    let hub = world.hub(&[("ROUTES", &routes)]).await;
    let source = world.ssm(0, SOURCE).await;
    put_all(&source, &["/o/gone", "/o/kept"], OURS).await;
    world.sweep(&hub).await;
    put_all(&world.ssm(0, TARGET).await, &["/o/gone", "/o/kept"], THEIRS).await;
    delete(&source, &["/o/gone"]).await;
    let before = world.both_regions().await;
    let expected = ["/o/gone", "/o/kept"].map(|name| Conflict::new(CLASS, name, 2));
    for _ in 0..3 {
        let response = world.sweep(&hub).await;
        assert_named(&response, &expected);
        assert_eq!(world.both_regions().await, before, "neither back nor away");
    }
}

#[tokio::test(start_paused = true)]
async fn prune_leaves_a_changed_replica_that_left_the_scope() {
    let world = World::new(1);
    changed(&world, &["/left/changed"]).await;
    let source = world.ssm(0, SOURCE).await;
    put(&source, "/left/ours", OURS).await;
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    delete(&source, &["/left/changed", "/left/ours"]).await;
    let hubctl = world.hubctl().with("REPLICATOR_EXCLUDE_NAMES", "/left/*");
    let plan = hubctl.run(&["prune", "--format", "json"]).await.json();
    assert_eq!(steps(&plan), ["us-east-1 /left/ours delete"], "{plan:#}");
    let done = hubctl.pruned(&[]).await.json();
    assert_eq!(count(&done, "parameters", "deleted"), 1, "{done:#}");
    let seen = world.seen(0, TARGET).await;
    assert_eq!(seen.keys().collect::<Vec<_>>(), ["/left/changed"]);
    assert_eq!(seen["/left/changed"].value, THEIRS);
}

#[tokio::test(start_paused = true)]
async fn resolve_takes_the_source_or_leaves_the_target_to_its_owner() {
    let world = World::new(1);
    let names = ["/r/gone", "/r/source", "/r/target"];
    changed(&world, &names).await;
    let hubctl = world.hubctl();
    let resolve = async |name: &str, take: &str| {
        let place = ["--account", world.account(0), "--region", SOURCE, "--format", "json"];
        let arguments = [&["resolve", name, "--yes", "--take", take][..], &place].concat();
        let ran = hubctl.run(&arguments).await;
        ran.ended(0);
        ran.json()
    };
    let done = resolve("/r/source", "source").await;
    assert_eq!(done["totals"]["parameters"], json!({"updated": 1}), "{done:#}");
    let history = world.history(0, TARGET, "/r/source").await;
    assert_eq!(history.iter().map(|v| &v.value[..]).collect::<Vec<_>>(), [OURS, THEIRS, OURS]);
    assert!(history[2].is_the_hubs());

    delete(&world.ssm(0, SOURCE).await, &["/r/gone"]).await;
    for name in ["/r/gone", "/r/target"] {
        resolve(name, "target").await;
        let seen = &world.seen(0, TARGET).await[name];
        assert_eq!((&seen.value[..], seen.version), (THEIRS, 2));
        assert!(!seen.tags.contains_key(MARK.0) && !seen.tags.contains_key(PROVENANCE));
        assert_eq!(seen.tags["failover-replicator"], "released");
    }
    let sweep = hubctl.run(&["sweep", "--format", "json"]).await;
    sweep.ended(4);
    let named: Vec<String> =
        classes(&sweep.json()).into_iter().filter(|line| !line.contains("/r/gone")).collect();
    assert_eq!(named, ["released /r/target us-east-1"], "{sweep:#?}");
    assert_eq!(sweep.json()["totals"]["parameters"]["in_sync"], Value::from(1));
    assert_eq!(world.seen(0, TARGET).await["/r/target"].value, THEIRS);

    // Once its owner takes the tag's word back and removes it, the source's replica is made anew.
    let target = world.ssm(0, TARGET).await;
    remove_tags(&target, "/r/target", &["failover-replicator"]).await;
    delete(&target, &["/r/target", "/r/gone"]).await;
    hubctl.run(&["sweep"]).await.ended(0);
    assert_equal(&world, 0, TARGET).await;
}
