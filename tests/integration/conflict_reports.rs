//! Kind: how a conflict is reported. Each class has its word in the field `class`, a message that names the Region, the
//! version and its writer, and a remedy that is a command or a setting, which helps; never a value.
//!
//! Neighbours: every class; the response of a sweep, a plan, a verification and a payload by name; `hubctl`'s table and
//! its JSON; the digest; failures that are no conflicts, which have no class; and each remedy, carried out.

use serde_json::{Value, json};

use crate::support::{
    Conflict, HUB_ROLE, MARK, PROVENANCE, SOURCE, TARGET, Topic, World, assert_equal, assert_named,
    assert_named_in_full, assert_no_value, assert_stands, classes, count, create_tagged, delete,
    put, remove_tags, set_tags, with,
};

const IRELAND: &str = "eu-west-1";
const TAG: &str = "failover-replicator";

/// One conflict of each class that one route can have.
async fn one_of_each() -> (World, Vec<Conflict>) {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    let hub_role = world.ssm_as(0, TARGET, HUB_ROLE).await;
    let replicas = ["/c/changed", "/c/claimed", "/c/released", "/c/written-over"];
    for name in replicas {
        put(&source, name, "canary 1").await;
    }
    world.sweep(&world.hub(&[]).await).await;
    put(&target, "/c/changed", "canary 2").await;
    let tags = world.seen(0, TARGET).await["/c/claimed"].tags.clone();
    delete(&target, &["/c/claimed"]).await;
    create_tagged(&target, "/c/claimed", "canary 2", &tags).await;
    remove_tags(&target, "/c/released", &[MARK.0]).await;
    put(&target, "/c/written-over", "canary 2").await;
    put(&hub_role, "/c/written-over", "canary 1").await;

    for name in ["/c/mark-only", "/c/marked-source", "/c/other-route", "/c/unmarked"] {
        put(&source, name, "canary 1").await;
    }
    set_tags(&source, "/c/marked-source", &[MARK]).await;
    for name in ["/c/mark-only", "/c/other-route", "/c/unmarked"] {
        put(&target, name, "canary 2").await;
    }
    set_tags(&target, "/c/mark-only", &[MARK]).await;
    let elsewhere = format!(
        "region={IRELAND} version=1 modified=2026-11-24T10:00:00.123Z replica=1 form=9c1e20aa"
    );
    set_tags(&target, "/c/other-route", &[MARK, (PROVENANCE, &elsewhere)]).await;
    put(&hub_role, "/c/untagged", "canary 2").await;
    let expected = vec![
        Conflict::new("changed_in_target", "/c/changed", 2),
        Conflict::new("claimed", "/c/claimed", 1),
        Conflict::new("mark_only", "/c/mark-only", 1),
        Conflict::new("marked_source", "/c/marked-source", 1).in_region(SOURCE),
        Conflict::new("other_route", "/c/other-route", 1),
        Conflict::new("released", "/c/released", 1).by(HUB_ROLE),
        Conflict::new("unmarked", "/c/unmarked", 1),
        Conflict::new("untagged_create", "/c/untagged", 1).by(HUB_ROLE),
        Conflict::new("written_over", "/c/written-over", 2),
    ];
    (world, expected)
}

#[tokio::test(start_paused = true)]
async fn every_class_is_named_with_its_region_version_and_writer() {
    let (world, expected) = one_of_each().await;
    assert_named_in_full(&world.sweep(&world.hub(&[]).await).await, &expected);
}

#[tokio::test(start_paused = true)]
async fn every_class_has_its_word_and_its_remedy_in_every_response() {
    let (world, expected) = one_of_each().await;
    let hub = world.hub(&[]).await;
    assert_stands(&world, &hub, &expected).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "conflict"), 9, "{response:#}");

    let hubctl = world.hubctl();
    for arguments in [
        ["sweep", "--format", "json"],
        ["plan", "--format", "json"],
        ["verify", "--format", "json"],
    ] {
        let ran = hubctl.run(&arguments).await;
        ran.ended(4);
        assert_named(&ran.json(), &expected);
        assert_no_value(&ran.stderr);
    }
}

#[tokio::test(start_paused = true)]
async fn a_marked_one_of_no_readable_origin_is_ambiguous_where_two_routes_lead() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    for name in ["/c/gone", "/c/marked", "/c/unreadable"] {
        put(&source, name, "canary 1").await;
        put(&target, name, "canary 2").await;
        set_tags(&target, name, &[MARK]).await;
    }
    set_tags(&target, "/c/unreadable", &[(PROVENANCE, "of a later release")]).await;
    delete(&source, &["/c/gone"]).await;
    let routes = format!("{SOURCE}={TARGET};{IRELAND}={TARGET}");
    let hub = world.hub(&[("ROUTES", &routes)]).await;
    let before = world.both_regions().await;
    for pass in [world.all(), with(world.all(), "plan", true), with(world.all(), "trust", false)] {
        let response = world.ask(&hub, &pass).await;
        let told = classes(&response);
        for name in ["/c/gone", "/c/marked", "/c/unreadable"] {
            assert!(told.contains(&format!("ambiguous {name} {TARGET}")), "{told:?}");
        }
        assert!(told.iter().all(|line| line.starts_with("ambiguous ")), "{told:?}");
        assert_no_value(&response.to_string());
        assert_eq!(world.both_regions().await, before, "{pass}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_table_and_the_digest_name_each_conflict_with_its_remedy_and_no_value() {
    let (world, _) = one_of_each().await;
    let failures = world.sweep(&world.hub(&[]).await).await["failures"].clone();
    let failures = failures.as_array().expect("failures");
    assert_eq!(failures.len(), 9);
    let table = world.hubctl().run(&["sweep"]).await;
    table.ended(4);
    // A table breaks its lines.
    let words = |text: &str| text.split_whitespace().collect::<String>();
    let shown = words(&table.stdout);
    for failure in failures {
        for field in ["name", "message", "remedy"] {
            let text = failure[field].as_str().expect("a text");
            assert!(shown.contains(&words(text)), "{field} of {failure:#} in {}", table.stdout);
        }
    }
    assert_no_value(&table.stdout);

    let topic = Topic::new(world.emulator, &json!({}));
    let hub = world.hub(&[("SNS_TOPIC_ARN", &topic.arn)]).await;
    world.sweep(&hub).await;
    let digests: String = topic.take().iter().map(Value::to_string).collect();
    for failure in failures {
        let name = failure["name"].as_str().expect("a name");
        assert!(digests.contains(name), "{name}: {digests}");
    }
    assert!(digests.contains("hubctl resolve"), "{digests}");
    assert_no_value(&digests);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_conflict_has_no_class() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    for name in ["/c/conflict", "/c/wrong-tag"] {
        put(&source, name, "canary 1").await;
    }
    set_tags(&source, "/c/wrong-tag", &[(TAG, "perhaps")]).await;
    put(&world.ssm(0, TARGET).await, "/c/conflict", "canary 2").await;
    let response = world.sweep(&world.hub(&[]).await).await;
    assert_eq!(
        classes(&response),
        ["invalid /c/wrong-tag us-east-2", "unmarked /c/conflict us-east-1"]
    );
    for failure in response["failures"].as_array().expect("failures") {
        let is_conflict = failure["error_kind"] == "conflict";
        assert_eq!(failure.get("class").is_some(), is_conflict, "{failure:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_remedy_ends_its_conflict() {
    let (world, _) = one_of_each().await;
    let response = world.sweep(&world.hub(&[]).await).await;
    let remedy = |name: &str| {
        let list = response["failures"].as_array().expect("failures");
        let failure = list.iter().find(|failure| failure["name"] == name).expect("its failure");
        failure["remedy"].as_str().expect("a remedy").to_owned()
    };
    let hubctl = world.hubctl();
    let resolve = async |name: &str, take: &str| {
        let place = ["--account", world.account(0), "--region", SOURCE];
        hubctl
            .run(&[&["resolve", name, "--yes", "--take", take][..], &place].concat())
            .await
            .ended(0);
    };
    for name in ["/c/changed", "/c/claimed", "/c/released", "/c/unmarked", "/c/written-over"] {
        assert!(remedy(name).contains("hubctl resolve"), "{name}: {}", remedy(name));
        resolve(name, "source").await;
    }
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    assert!(remedy("/c/marked-source").contains(MARK.0));
    remove_tags(&source, "/c/marked-source", &[MARK.0]).await;
    assert!(remedy("/c/mark-only").contains("REPLICATOR_TRUSTED_WRITERS"));
    let trusting = hubctl.clone().with("REPLICATOR_TRUSTED_WRITERS", crate::support::OWNER);
    trusting.run(&["sweep"]).await.ended(4);
    remove_tags(&target, "/c/other-route", &[MARK.0, PROVENANCE]).await;
    resolve("/c/other-route", "source").await;
    resolve("/c/untagged", "target").await;
    delete(&target, &["/c/untagged"]).await;

    let ran = hubctl.run(&["sweep", "--format", "json"]).await;
    ran.ended(0);
    assert_named(&ran.json(), &[]);
    assert_equal(&world, 0, TARGET).await;
}
