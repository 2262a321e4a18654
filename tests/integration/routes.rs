//! From which Region to which: routes side by side, against each other and into one target, and what is out of scope.

use std::collections::{BTreeMap, BTreeSet};

use failover_replicator::hub::{Hub, HubError};
use serde_json::{Value, json};

use crate::support::{
    PROVENANCE, Seen, World, assert_replicated, count, delete, failures, put, remove_tags,
    set_tags, with,
};

const OHIO: &str = "us-east-2";
const VIRGINIA: &str = "us-east-1";
const OREGON: &str = "us-west-2";
const IRELAND: &str = "eu-west-1";

/// What an account holds in some Regions, versions and tags with it.
async fn held(world: &World, regions: &[&'static str]) -> BTreeMap<&'static str, Regional> {
    let mut held = BTreeMap::new();
    for region in regions {
        held.insert(*region, world.seen(0, region).await);
    }
    held
}

type Regional = BTreeMap<String, Seen>;

fn names(regional: &Regional) -> Vec<&str> {
    regional.keys().map(String::as_str).collect()
}

/// Sweeps so often that whatever would still move had the time to, and nothing does.
async fn assert_rests(world: &World, hub: &Hub, regions: &[&'static str]) -> Value {
    let before = held(world, regions).await;
    let mut response = Value::Null;
    for _ in 0..3 {
        response = world.sweep(hub).await;
        assert_eq!(held(world, regions).await, before, "{response:#}");
    }
    response
}

async fn make_secret(world: &World, region: &str, name: &str) {
    let secrets = world.secrets(0, region).await;
    secrets.create_secret().name(name).secret_string("s").send().await.expect("a secret");
}

#[tokio::test]
async fn two_opposite_routes_copy_originals_and_never_a_replica_back() {
    let world = World::new(1);
    let routes = format!("{OHIO}={VIRGINIA};{VIRGINIA}={OHIO}");
    world.put(0, OHIO, "/of/ohio", "east 2").await;
    world.put(0, VIRGINIA, "/of/virginia", "east 1").await;
    world.put(0, OHIO, "/of/both", "mine").await;
    world.put(0, VIRGINIA, "/of/both", "no, mine").await;
    make_secret(&world, OHIO, "ohio/db").await;
    make_secret(&world, VIRGINIA, "virginia/db").await;
    let hub = world.hub(&[("ROUTES", &routes)]).await;

    let first = world.sweep(&hub).await;
    assert_eq!(count(&first, "parameters", "created"), 2, "{first:#}");
    assert_eq!(count(&first, "secrets", "replicated"), 2, "{first:#}");
    let conflict = ("conflict".to_owned(), "/of/both".to_owned());
    assert_eq!(failures(&first), [conflict.clone(), conflict.clone()]);

    let last = assert_rests(&world, &hub, &[OHIO, VIRGINIA]).await;
    assert_eq!(failures(&last), [conflict.clone(), conflict]);
    let counted = |kind, outcome| count(&last, kind, outcome);
    assert_eq!((counted("parameters", "in_sync"), counted("parameters", "skipped")), (2, 2));
    assert_eq!((counted("secrets", "in_sync"), counted("secrets", "skipped")), (2, 2));
    let now = held(&world, &[OHIO, VIRGINIA]).await;
    assert_eq!(
        (&now[OHIO]["/of/both"].value[..], &now[VIRGINIA]["/of/both"].value[..]),
        ("mine", "no, mine")
    );

    // Each route deletes its own replica, not the original that stands beside it.
    delete(&world.ssm(0, OHIO).await, &["/of/ohio"]).await;
    let response = world.sweep_by_a_person(&hub).await;
    assert_eq!(count(&response, "parameters", "deleted"), 1, "{response:#}");
    let now = held(&world, &[OHIO, VIRGINIA]).await;
    assert_eq!(names(&now[OHIO]), ["/of/both", "/of/virginia"]);
    assert_eq!(names(&now[VIRGINIA]), ["/of/both", "/of/virginia"]);
}

#[tokio::test]
async fn two_routes_into_one_target_leave_each_others_replicas_alone() {
    let world = World::new(1);
    let routes = format!("{OHIO}={VIRGINIA};{IRELAND}={VIRGINIA}");
    world.put(0, OHIO, "/ohio/a", "1").await;
    world.put(0, OHIO, "/ohio/b", "2").await;
    world.put(0, IRELAND, "/ireland/a", "3").await;
    let hub = world.hub(&[("ROUTES", &routes)]).await;
    let first = world.sweep(&hub).await;
    assert_eq!(count(&first, "parameters", "created"), 3, "{first:#}");
    let last = assert_rests(&world, &hub, &[OHIO, IRELAND, VIRGINIA]).await;
    assert_eq!((&last["status"], count(&last, "parameters", "in_sync")), (&json!("in_sync"), 3));

    delete(&world.ssm(0, IRELAND).await, &["/ireland/a"]).await;
    let response = world.sweep_by_a_person(&hub).await;
    assert_eq!(count(&response, "parameters", "deleted"), 1, "{response:#}");
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}

#[tokio::test]
async fn of_two_routes_with_one_name_the_second_is_told_of_a_conflict_until_the_first_lets_go() {
    let world = World::new(1);
    let routes = format!("{OHIO}={VIRGINIA};{IRELAND}={VIRGINIA}");
    world.put(0, OHIO, "/same", "ohio").await;
    world.put(0, IRELAND, "/same", "ireland").await;
    let hub = world.hub(&[("ROUTES", &routes)]).await;
    let ohio_first = with(world.all(), "region", OHIO);
    world.ask(&hub, &ohio_first).await;

    let last = assert_rests(&world, &hub, &[OHIO, IRELAND, VIRGINIA]).await;
    assert_eq!(failures(&last), [("conflict".to_owned(), "/same".to_owned())]);
    assert_eq!(last["failures"][0]["region"], VIRGINIA);
    let message = last["failures"][0]["message"].as_str().expect("a message");
    assert!(message.contains(&format!("the replica of the one in {OHIO}")), "{message}");
    assert_eq!(count(&last, "parameters", "in_sync"), 1, "the winner's");

    delete(&world.ssm(0, OHIO).await, &["/same"]).await;
    world.sweep_by_a_person(&hub).await;
    // Another process: this one would wait before it creates what it has just deleted.
    world.sweep(&world.hub(&[("ROUTES", &routes)]).await).await;
    assert_replicated(&world, 0, IRELAND, VIRGINIA).await;
}

#[tokio::test]
async fn of_two_routes_that_create_one_name_at_once_one_wins_for_good() {
    let world = World::new(1);
    let routes = format!("{OHIO}={VIRGINIA};{IRELAND}={VIRGINIA}");
    for n in 0..12 {
        world.put(0, OHIO, &format!("/same/{n:02}"), "ohio").await;
        world.put(0, IRELAND, &format!("/same/{n:02}"), "ireland").await;
    }
    let hub = world.hub(&[("ROUTES", &routes)]).await;
    let first = world.sweep(&hub).await;
    let counted = |response: &Value, outcome| count(response, "parameters", outcome);
    assert_eq!((counted(&first, "created"), counted(&first, "conflict")), (12, 12), "{first:#}");
    for (name, replica) in world.seen(0, VIRGINIA).await {
        let winner = if replica.value == "ohio" { OHIO } else { IRELAND };
        let provenance = &replica.tags[PROVENANCE];
        assert!(provenance.contains(&format!("region={winner} ")), "{name}: {provenance}");
    }
    let last = assert_rests(&world, &hub, &[OHIO, IRELAND, VIRGINIA]).await;
    assert_eq!((counted(&last, "in_sync"), counted(&last, "conflict")), (12, 12), "{last:#}");
}

#[tokio::test]
async fn each_target_of_a_route_is_made_equal_by_itself() {
    let world = World::new(1);
    let routes = format!("{OHIO}={VIRGINIA},{OREGON}");
    for name in ["/missing", "/overwritten", "/held"] {
        world.put(0, OHIO, name, "ours").await;
    }
    world.put(0, OREGON, "/held", "theirs").await;
    let hub = world.hub(&[("ROUTES", &routes), ("ON_TARGET_CHANGE", "restore")]).await;
    let first = world.sweep(&hub).await;
    assert_eq!(count(&first, "parameters", "created"), 5, "{first:#}");
    assert_eq!(first["failures"][0]["region"], OREGON, "{first:#}");

    delete(&world.ssm(0, VIRGINIA).await, &["/missing"]).await;
    world.put(0, OREGON, "/overwritten", "by hand").await;
    let before = held(&world, &[VIRGINIA, OREGON]).await;
    let second = world.sweep(&hub).await;
    let counted = |outcome| count(&second, "parameters", outcome);
    assert_eq!(
        (counted("created"), counted("restored"), counted("in_sync"), counted("conflict")),
        (1, 1, 3, 1),
        "{second:#}"
    );
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
    let now = held(&world, &[VIRGINIA, OREGON]).await;
    assert_eq!(now[VIRGINIA]["/overwritten"], before[VIRGINIA]["/overwritten"]);
    assert_eq!(now[OREGON]["/missing"], before[OREGON]["/missing"]);
    assert_eq!(now[OREGON]["/held"], before[OREGON]["/held"]);
    assert_eq!(
        (&now[OREGON]["/overwritten"].value[..], now[OREGON]["/overwritten"].version),
        ("ours", 3)
    );
}

#[tokio::test]
async fn a_payload_with_a_region_is_about_the_route_from_there_alone() {
    let world = World::new(1);
    let routes = format!("{OHIO}={VIRGINIA};{IRELAND}={OREGON}");
    world.put(0, OHIO, "/a", "ohio").await;
    world.put(0, IRELAND, "/a", "ireland").await;
    let hub = world.hub(&[("ROUTES", &routes)]).await;
    world.wire.take();
    for name in ["all", "/a"] {
        let payload = with(world.one(name, "sync"), "region", IRELAND);
        world.ask(&hub, &payload).await;
        let asked: BTreeSet<String> = world
            .wire
            .take()
            .into_iter()
            .filter(|call| !call.action.starts_with("sts:"))
            .map(|call| call.region)
            .collect();
        assert_eq!(asked, BTreeSet::from([IRELAND.to_owned(), OREGON.to_owned()]));
    }
    assert_replicated(&world, 0, IRELAND, OREGON).await;
    assert!(world.seen(0, VIRGINIA).await.is_empty());

    let everywhere = world.one("/a", "sync");
    world.ask(&hub, &everywhere).await;
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}

#[tokio::test]
async fn a_region_that_no_route_begins_in_is_refused_and_nothing_is_called() {
    let world = World::new(1);
    let hub = world.hub(&[("ROUTES", &format!("{OHIO}={VIRGINIA}"))]).await;
    for (region, name) in [(OREGON, "all"), (VIRGINIA, "all"), (VIRGINIA, "/a")] {
        let payload = with(world.one(name, "sync"), "region", region);
        match world.try_ask(&hub, &payload).await {
            Err(HubError::Refused(refused)) => {
                let text = refused.to_string();
                assert!(text.contains(region) && text.contains(OHIO), "{text}");
            }
            other => panic!("{payload}: {other:?}"),
        }
    }
    assert_eq!(world.wire.counts(), BTreeMap::new());
}

#[tokio::test]
async fn what_leaves_the_scope_is_counted_and_never_written_or_deleted() {
    let world = World::new(1);
    let ssm = world.ssm(0, OHIO).await;
    for name in ["/in/a", "/out/changes", "/out/goes"] {
        put(&ssm, name, "before").await;
    }
    let routes = format!("{OHIO}={VIRGINIA},{OREGON}");
    world.sweep(&world.hub(&[("ROUTES", &routes)]).await).await;
    put(&ssm, "/out/changes", "after").await;
    delete(&ssm, &["/out/goes"]).await;

    let before = held(&world, &[VIRGINIA, OREGON]).await;
    let narrowed = [("ROUTES", routes.as_str()), ("EXCLUDE_NAMES", "/out/**")];
    let response = assert_rests(&world, &world.hub(&narrowed).await, &[VIRGINIA, OREGON]).await;
    let counted = |outcome| count(&response, "parameters", outcome);
    assert_eq!((counted("out_of_scope"), counted("in_sync")), (4, 2), "{response:#}");
    let hub = world.hub(&narrowed).await;
    for name in ["/out/changes", "/out/goes"] {
        let payload = world.one(name, "delete");
        let response = world.ask(&hub, &payload).await;
        assert_eq!(count(&response, "parameters", "out_of_scope"), 2, "{response:#}");
    }
    assert_eq!(held(&world, &[VIRGINIA, OREGON]).await, before);

    // A target that is taken out of its route keeps what it has, whatever becomes of the sources.
    let hub = world.hub(&[("ROUTES", &format!("{OHIO}={VIRGINIA}"))]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "deleted"), 1, "{response:#}");
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
    assert_eq!(world.seen(0, OREGON).await, before[OREGON]);
}

#[tokio::test]
async fn a_source_that_opts_out_is_left_alone_with_its_replica_until_it_opts_in() {
    let world = World::new(1);
    let ssm = world.ssm(0, OHIO).await;
    put(&ssm, "/had/a/replica", "before").await;
    put(&ssm, "/never/had/one", "x").await;
    set_tags(&ssm, "/never/had/one", &[("failover-replicator", "exclude")]).await;
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "excluded"), 1, "{response:#}");
    assert_eq!(names(&world.seen(0, VIRGINIA).await), ["/had/a/replica"]);

    set_tags(&ssm, "/had/a/replica", &[("failover-replicator", "exclude")]).await;
    put(&ssm, "/had/a/replica", "after").await;
    let response = assert_rests(&world, &hub, &[VIRGINIA]).await;
    assert_eq!(
        (&response["status"], count(&response, "parameters", "excluded")),
        (&json!("in_sync"), 2)
    );
    for operation in ["update", "delete"] {
        let payload = world.one("/had/a/replica", operation);
        let response = world.ask(&hub, &payload).await;
        assert_eq!(count(&response, "parameters", "excluded"), 1, "{response:#}");
    }
    assert_eq!(world.seen(0, VIRGINIA).await["/had/a/replica"].value, "before");

    for name in ["/had/a/replica", "/never/had/one"] {
        remove_tags(&ssm, name, &["failover-replicator"]).await;
    }
    world.sweep(&hub).await;
    assert_replicated(&world, 0, OHIO, VIRGINIA).await;
}
