//! Kind: a parameter carries a replica's tags, though the hub never wrote what they name (`claimed`). It is neither
//! overwritten nor retagged nor deleted, and named whether a source wants its name or not.
//!
//! Neighbours: a copy under another name, with and without a source of that name; in another account; in another target
//! Region; a replica recreated with its own tags, equal or not, encrypted under another key, with versions enough to
//! match the tags, without its slash; a replica that was given another one's tags; tags made up (a version that is not
//! there, an unfinished create, an adoption, a tombstone that is due); `prune`; both ways of `resolve`. And what is no
//! claim: tags without `of`, as older releases wrote them, and with keys of a later release.

use std::collections::BTreeMap;

use serde_json::json;

use crate::support::{
    Conflict, MARK, PROVENANCE, SOURCE, TARGET, World, assert_equal, assert_named, assert_stands,
    classes, count, create_tagged, delete, put, put_secure, set_tags, steps, tag,
};

const OREGON: &str = "us-west-2";
const OURS: &str = "canary of the source";
const THEIRS: &str = "canary of somebody else";
const CLASS: &str = "claimed";

type Tags = BTreeMap<String, String>;

async fn tags(world: &World, region: &str, name: &str) -> Tags {
    world.seen(0, region).await[name].tags.clone()
}

/// A provenance with one of its keys set to another value, or added.
fn edited(provenance: &str, key: &str, value: &str) -> String {
    let prefix = format!("{key}=");
    let others = provenance.split(' ').filter(|part| !part.starts_with(&prefix));
    let mut parts: Vec<String> = others.map(str::to_owned).collect();
    parts.push(format!("{prefix}{value}"));
    parts.join(" ")
}

/// A world in which every name has a replica.
async fn replicated(world: &World, names: &[&str]) {
    let source = world.ssm(0, SOURCE).await;
    for name in names {
        put(&source, name, OURS).await;
    }
    let response = world.sweep(&world.hub(&[]).await).await;
    assert_eq!(count(&response, "parameters", "created"), names.len() as u64, "{response:#}");
}

#[tokio::test(start_paused = true)]
async fn a_copy_with_a_replica_s_tags_is_its_writer_s_under_any_name_with_and_without_a_source() {
    let world = World::new(1);
    replicated(&world, &["/app/db"]).await;
    let target = world.ssm(0, TARGET).await;
    let copied = tags(&world, TARGET, "/app/db").await;
    for name in ["/app/db-copy", "/app/wanted", "/drill/app/db", "db"] {
        create_tagged(&target, name, THEIRS, &copied).await;
    }
    put(&target, "/drill/app/db", THEIRS).await;
    put(&world.ssm(0, SOURCE).await, "/app/wanted", OURS).await;
    let hub = world.hub(&[("ON_CONFLICT", "adopt")]).await;
    let named = |(name, version)| Conflict::new(CLASS, name, version).or(1);
    let expected =
        [("/app/db-copy", 1), ("/app/wanted", 1), ("/drill/app/db", 2), ("db", 1)].map(named);
    assert_stands(&world, &hub, &expected).await;
    delete(&world.ssm(0, SOURCE).await, &["/app/wanted"]).await;
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_copy_in_another_account_or_another_target_is_its_writer_s() {
    let world = World::new(2);
    let hub = world.hub(&[("ROUTES", "us-east-2=us-east-1,us-west-2")]).await;
    put(&world.ssm(0, SOURCE).await, "/app/db", OURS).await;
    world.sweep(&hub).await;
    let copied = tags(&world, TARGET, "/app/db").await;
    let other = world.ssm(1, TARGET).await;
    create_tagged(&other, "/app/db", THEIRS, &copied).await;
    put(&other, "/app/db", THEIRS).await;
    let oregon = world.ssm(0, OREGON).await;
    delete(&oregon, &["/app/db"]).await;
    create_tagged(&oregon, "/app/db", OURS, &copied).await;

    for wanted in [false, true] {
        if wanted {
            put(&world.ssm(1, SOURCE).await, "/app/db", OURS).await;
            // The target that nobody copied into is filled all the same.
            assert_eq!(count(&world.sweep(&hub).await, "parameters", "created"), 1);
        }
        for _ in 0..3 {
            let response = world.sweep(&hub).await;
            let expected = [
                Conflict::new(CLASS, "/app/db", 1).in_region(OREGON),
                Conflict::new(CLASS, "/app/db", 2).or(1),
            ];
            assert_named(&response, &expected);
            let failures = response["failures"].as_array().expect("failures");
            let accounts: Vec<_> = failures.iter().map(|one| &one["account"]).collect();
            assert_eq!(accounts.len(), 2);
            assert!(accounts.contains(&&json!(world.account(1))), "{response:#}");
        }
        assert_eq!(world.seen(1, TARGET).await["/app/db"].value, THEIRS);
        assert_eq!(world.seen(0, OREGON).await["/app/db"].version, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_recreated_with_its_own_tags_is_whoever_s_recreated_it() {
    let world = World::furnished(&["--regions", SOURCE, TARGET, "--alias", "alias/app", "alias/b"]);
    let source = world.ssm(0, SOURCE).await;
    let names = ["/re/equal", "/re/other", "/re/twice", "/re/updated", "root"];
    replicated(&world, &names).await;
    put_secure(&source, "/re/secret", OURS, "alias/app").await;
    put(&source, "/re/updated", "canary of another day").await;
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;

    let target = world.ssm(0, TARGET).await;
    let before = world.seen(0, TARGET).await;
    for (name, replica) in &before {
        delete(&target, &[name]).await;
        if name == "/re/secret" {
            let tags = replica.tags.iter().map(|(key, value)| tag(key, value)).collect();
            put_secure(&target, name, THEIRS, "alias/b").await;
            let add = target.add_tags_to_resource().resource_id(name).set_tags(Some(tags));
            let parameter = aws_sdk_ssm::types::ResourceTypeForTagging::Parameter;
            add.resource_type(parameter).send().await.expect("tags");
            continue;
        }
        let value = if name == "/re/equal" { OURS } else { THEIRS };
        create_tagged(&target, name, value, &replica.tags).await;
    }
    // As many versions as the tags name, and one more.
    for name in ["/re/updated", "/re/twice", "/re/twice"] {
        put(&target, name, THEIRS).await;
    }
    let version = |name: &str| match name {
        "/re/updated" => 2,
        "/re/twice" => 3,
        _ => 1,
    };
    let named = |name: &String| Conflict::new(CLASS, name, version(name)).or(1);
    let expected: Vec<Conflict> = before.keys().map(named).collect();
    assert_stands(&world, &hub, &expected).await;
    let names: Vec<&str> = before.keys().map(String::as_str).collect();
    delete(&source, &names).await;
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_was_given_another_one_s_tags_is_not_that_one() {
    let world = World::new(1);
    let hub = world.hub(&[("ROUTES", "us-east-2=us-east-1,us-west-2")]).await;
    let source = world.ssm(0, SOURCE).await;
    for name in ["/given/gone", "/given/kept", "/giver", "/region"] {
        put(&source, name, OURS).await;
    }
    world.sweep(&hub).await;
    let target = world.ssm(0, TARGET).await;
    let given = tags(&world, TARGET, "/giver").await[PROVENANCE].clone();
    for name in ["/given/gone", "/given/kept"] {
        set_tags(&target, name, &[(PROVENANCE, &given)]).await;
    }
    let elsewhere = tags(&world, OREGON, "/region").await[PROVENANCE].clone();
    set_tags(&target, "/region", &[(PROVENANCE, &elsewhere)]).await;
    delete(&source, &["/given/gone"]).await;
    // Oregon's replica of it was nobody's business but the hub's.
    assert_eq!(count(&world.sweep(&hub).await, "parameters", "deleted"), 1);
    let expected = ["/given/gone", "/given/kept", "/region"]
        .map(|name| Conflict::new(CLASS, name, 1).by(crate::support::HUB_ROLE));
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn made_up_tags_do_not_make_the_hub_write_or_delete() {
    let world = World::new(1);
    let forgeries = [
        ("/made/absent", "replica", "9"),
        ("/made/adopted", "adopted", "1"),
        ("/made/due", "gone", "2020-01-01T00:00:00.000Z"),
        ("/made/unfinished", "replica", "0"),
        ("/made/unwritten", "written", "2020-01-01T00:00:00.000Z"),
    ];
    let names = forgeries.map(|(name, ..)| name);
    replicated(&world, &names).await;
    let target = world.ssm(0, TARGET).await;
    for (name, key, value) in forgeries {
        let mut tags = tags(&world, TARGET, name).await;
        delete(&target, &[name]).await;
        let provenance = edited(&tags[PROVENANCE], key, value);
        tags.insert(PROVENANCE.to_owned(), provenance);
        create_tagged(&target, name, THEIRS, &tags).await;
    }
    let hub = world.hub(&[]).await;
    let expected = names.map(|name| Conflict::new(CLASS, name, 1).or(0).or(9));
    assert_stands(&world, &hub, &expected).await;
    delete(&world.ssm(0, SOURCE).await, &names).await;
    // The tags of an adoption may be taken off: they are the hub's own, and the value stays.
    for _ in 0..3 {
        let response = world.sweep(&hub).await;
        let named: Vec<String> = expected_lines(&names);
        let told = classes(&response);
        assert!(told.iter().all(|line| named.contains(line)), "{told:?}");
        assert_eq!(told.iter().filter(|line| !line.contains("adopted")).count(), 4, "{told:?}");
        let seen = world.seen(0, TARGET).await;
        assert!(seen.len() == 5 && seen.values().all(|one| one.value == THEIRS), "{seen:#?}");
    }
}

fn expected_lines(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{CLASS} {name} {TARGET}")).collect()
}

#[tokio::test(start_paused = true)]
async fn tags_of_an_older_release_and_keys_of_a_later_one_are_still_the_hub_s() {
    let world = World::new(1);
    let names = ["/goes/later", "/goes/older", "/stays/later", "/stays/older"];
    replicated(&world, &names).await;
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    for name in names {
        let fresh = tags(&world, TARGET, name).await[PROVENANCE].clone();
        let of = fresh.split(' ').find_map(|part| part.strip_prefix("of=")).unwrap_or_default();
        assert!(of.len() == 8 && of.bytes().all(|byte| byte.is_ascii_hexdigit()), "{fresh}");
        let provenance = if name.ends_with("older") {
            fresh.replace(&format!(" of={of}"), "")
        } else {
            format!("{fresh} colour=blue")
        };
        set_tags(&target, name, &[(PROVENANCE, &provenance)]).await;
    }
    let hub = world.hub(&[]).await;
    assert_named(&world.sweep(&hub).await, &[]);
    for name in ["/stays/later", "/stays/older"] {
        put(&source, name, "canary of another day").await;
    }
    delete(&source, &["/goes/later", "/goes/older"]).await;
    let response = world.sweep(&hub).await;
    let counted = |outcome| count(&response, "parameters", outcome);
    assert_eq!((counted("updated"), counted("deleted")), (2, 2), "{response:#}");
    assert_equal(&world, 0, TARGET).await;
    let seen = world.seen(0, TARGET).await;
    assert!(seen["/stays/later"].tags[PROVENANCE].contains(" colour=blue"), "{seen:#?}");
    assert!(seen["/stays/older"].tags[PROVENANCE].contains(" of="), "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn prune_leaves_copies_and_a_person_takes_them_or_lets_them_be() {
    let world = World::new(1);
    replicated(&world, &["/left/ours", "/take/source", "/take/target"]).await;
    let target = world.ssm(0, TARGET).await;
    let copied = tags(&world, TARGET, "/left/ours").await;
    create_tagged(&target, "/left/copy", THEIRS, &copied).await;
    for name in ["/take/source", "/take/target"] {
        let own = tags(&world, TARGET, name).await;
        delete(&target, &[name]).await;
        create_tagged(&target, name, THEIRS, &own).await;
    }
    let narrowed = world.hubctl().with("REPLICATOR_EXCLUDE_NAMES", "/left/*");
    let plan = narrowed.run(&["prune", "--format", "json"]).await.json();
    assert_eq!(steps(&plan), ["us-east-1 /left/ours delete"], "{plan:#}");
    narrowed.pruned(&[]).await;
    assert!(!world.seen(0, TARGET).await.contains_key("/left/ours"));

    let hubctl = world.hubctl();
    for (name, take) in
        [("/take/source", "source"), ("/take/target", "target"), ("/left/copy", "target")]
    {
        let place = ["--account", world.account(0), "--region", SOURCE];
        hubctl
            .run(&[&["resolve", name, "--yes", "--take", take][..], &place].concat())
            .await
            .ended(0);
    }
    let seen = world.seen(0, TARGET).await;
    assert_eq!((&seen["/take/source"].value[..], seen["/take/source"].version), (OURS, 2));
    assert_eq!(seen["/take/source"].tags[MARK.0], MARK.1);
    for name in ["/take/target", "/left/copy"] {
        assert_eq!((&seen[name].value[..], seen[name].version), (THEIRS, 1), "{name}");
        assert!(!seen[name].tags.contains_key(PROVENANCE), "{:?}", seen[name]);
    }
    let sweep = hubctl.run(&["sweep", "--format", "json"]).await.json();
    let told: Vec<String> = classes(&sweep);
    assert!(told.contains(&"released /take/target us-east-1".to_owned()), "{told:?}");
    assert!(!told.iter().any(|line| line.contains("/take/source")), "{told:?}");
}
