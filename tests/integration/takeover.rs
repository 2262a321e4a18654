//! Kind: what somebody else made becomes the hub's own: by one write of the source's value over the version that was
//! just read, read back, and only then stamped. Tags alone never do it.
//!
//! Neighbours: adoption of equal parameters of every type, never of unequal ones, never in a Region from which a route
//! leads back, also where the way back is not direct to the same name; what becomes of the adopted; `resolve --take
//! source` of a parameter with tags of its own, of an encrypted one, of one in one target of two, of one of another
//! type; a `resolve` that AWS refuses at each of its writes takes the mark off again.

use std::collections::BTreeSet;

use aws_sdk_ssm::types::ParameterType;
use serde_json::json;

use crate::support::{
    Call, Conflict, Hubctl, MARK, PROVENANCE, Proxy, Ran, SOURCE, TARGET, World, assert_equal,
    assert_named, assert_stands, classes, count, delete, put, put_secure, remove_tags, set_tags,
};

const OREGON: &str = "us-west-2";
const ADOPT: [(&str, &str); 1] = [("ON_CONFLICT", "adopt")];

async fn resolve(world: &World, hubctl: &Hubctl, name: &str, more: &[&str]) -> Ran {
    let place = ["--account", world.account(0), "--region", SOURCE, "--format", "json", "--yes"];
    hubctl.run(&[&["resolve", name, "--take", "source"][..], &place, more].concat()).await
}

#[tokio::test(start_paused = true)]
async fn an_equal_parameter_is_adopted_by_one_write_and_is_then_in_sync() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    for ssm in [&source, &target] {
        put(ssm, "/adopt/text", "canary 1").await;
        put(ssm, "/adopt/tagged", "canary 1").await;
        set_tags(ssm, "/adopt/tagged", &[("team", "shop")]).await;
        put_secure(ssm, "/adopt/secret", "canary 1", "alias/aws/ssm").await;
        let list = ssm.put_parameter().name("/adopt/list").value("canary,1");
        list.r#type(ParameterType::StringList).send().await.expect("a list");
        put(ssm, "/differs/tags", "canary 1").await;
        put(ssm, "/differs/value", "canary 1").await;
    }
    for _ in 0..2 {
        put(&target, "/adopt/text", "canary 1").await;
    }
    put(&target, "/differs/value", "canary 2").await;
    set_tags(&target, "/differs/tags", &[("team", "shop")]).await;
    let hub = world.hub(&ADOPT).await;
    let before = world.seen(0, TARGET).await;
    world.wire.take();
    let response = world.sweep(&hub).await;
    let expected = [
        Conflict::new("unmarked", "/differs/tags", 1),
        Conflict::new("unmarked", "/differs/value", 2),
    ];
    assert_named(&response, &expected);
    let puts: Vec<Call> =
        world.wire.take().into_iter().filter(|call| call.action == "ssm:PutParameter").collect();
    assert_eq!(puts.len(), 4, "one each: {puts:?}");
    let seen = world.seen(0, TARGET).await;
    for (name, replica) in seen.iter().filter(|(name, _)| name.starts_with("/adopt/")) {
        let number = before[name].version + 1;
        assert_eq!((replica.version, &replica.value), (number, &before[name].value), "{name}");
        let provenance = &replica.tags[PROVENANCE];
        assert!(provenance.contains(&format!("replica={number} ")), "{provenance}");
        assert!(provenance.contains("adopted=1"), "{provenance}");
        let history = world.history(0, TARGET, name).await;
        let ours = history.iter().filter(|version| version.is_the_hubs());
        assert_eq!(ours.map(|version| version.number).collect::<Vec<_>>(), [number], "{name}");
    }
    assert_stands(&world, &hub, &expected).await;
    // The setting is not needed any longer.
    assert_stands(&world, &world.hub(&[]).await, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_adopted_in_a_region_from_which_a_route_leads_back() {
    let world = World::new(1);
    let names = ["/both/equal", "/both/other"];
    for region in [SOURCE, TARGET, OREGON] {
        let ssm = world.ssm(0, region).await;
        for name in names {
            put(&ssm, name, "canary 1").await;
        }
    }
    put(&world.ssm(0, TARGET).await, "/both/other", "canary 2").await;
    put(&world.ssm(0, TARGET).await, "/only/target", "canary 1").await;
    let routes = format!("{SOURCE}={TARGET},{OREGON};{TARGET}={SOURCE}");
    let hub = world.hub(&[ADOPT[0], ("ROUTES", &routes)]).await;
    for round in 0..3 {
        let response = world.sweep(&hub).await;
        let told: BTreeSet<String> = classes(&response).into_iter().collect();
        let expected = [TARGET, SOURCE]
            .iter()
            .flat_map(|region| names.map(|name| format!("unmarked {name} {region}")))
            .collect::<BTreeSet<_>>();
        assert_eq!(told, expected, "round {round}");
        for region in [SOURCE, TARGET] {
            let seen = world.seen(0, region).await;
            for name in names {
                assert!(seen[name].tags.is_empty(), "{name} of {region}: {seen:#?}");
            }
        }
    }
    let oregon = world.seen(0, OREGON).await;
    for name in names {
        assert!(oregon[name].tags[PROVENANCE].contains("adopted=1"), "no route leads back: {name}");
    }
    let source = world.seen(0, SOURCE).await;
    assert_eq!(source["/only/target"].tags[MARK.0], MARK.1, "all else is replicated");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_one_that_its_owner_writes_or_deletes_is_theirs_to_write_and_the_hub_s_to_make()
{
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    let names = ["/own/deleted", "/own/marked-off", "/own/written"];
    for name in names {
        put(&source, name, "canary 1").await;
        put(&target, name, "canary 1").await;
    }
    let hub = world.hub(&ADOPT).await;
    world.sweep(&hub).await;
    put(&target, "/own/written", "canary 2").await;
    delete(&target, &["/own/deleted"]).await;
    remove_tags(&target, "/own/marked-off", &[MARK.0]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "created"), 1, "{response:#}");
    let expected = [
        Conflict::new("released", "/own/marked-off", 2).by(crate::support::HUB_ROLE),
        Conflict::new("changed_in_target", "/own/written", 3),
    ];
    assert_named(&response, &expected);
    let made = &world.seen(0, TARGET).await["/own/deleted"].tags[PROVENANCE];
    assert!(!made.contains("adopted=1"), "the hub made this one: {made}");
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn resolve_takes_the_source_over_a_parameter_with_tags_of_its_own() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    for name in ["/take/text", "/take/two"] {
        put(&source, name, "canary 1").await;
        put(&target, name, "canary 2").await;
        set_tags(&source, name, &[("team", "shop")]).await;
        set_tags(&target, name, &[("team", "theirs"), ("owner", "them")]).await;
    }
    put_secure(&source, "/take/secret", "canary 1", "alias/aws/ssm").await;
    put_secure(&target, "/take/secret", "canary 2", "alias/aws/ssm").await;
    set_tags(&target, "/take/secret", &[("owner", "them")]).await;
    put(&world.ssm(0, OREGON).await, "/take/two", "canary 3").await;

    let proxy = Proxy::to(&world.emulator.url).await;
    let hubctl = world.hubctl().with("AWS_ENDPOINT_URL", &proxy.url);
    for name in ["/take/secret", "/take/text"] {
        proxy.take();
        resolve(&world, &hubctl, name, &[]).await.ended(0);
        assert_order(&proxy.take(), name);
        let history = world.history(0, TARGET, name).await;
        assert_eq!(history.len(), 2, "{history:?}");
        assert!(history[1].is_the_hubs() && history[1].value == "canary 1", "{history:?}");
    }
    let both = hubctl.clone().with("REPLICATOR_ROUTES", "us-east-2=us-east-1,us-west-2");
    resolve(&world, &both, "/take/two", &["--target", TARGET]).await.ended(0);
    assert_eq!(world.seen(0, OREGON).await["/take/two"].value, "canary 3", "not this one");
    assert_equal(&world, 0, TARGET).await;
    assert_stands(&world, &world.hub(&[]).await, &[]).await;
}

/// The mark comes before every other write, and provenance after the value: a role that may only write what is marked
/// can do this, and what dies in between is not taken for a replica.
fn assert_order(calls: &[Call], name: &str) {
    let writes: Vec<String> = calls
        .iter()
        .filter(|call| call.request["Name"] == name || call.request["ResourceId"] == name)
        .filter_map(|call| match call.action.as_str() {
            "ssm:AddTagsToResource" => {
                let tags = call.request["Tags"].to_string();
                let keys = [MARK.0, PROVENANCE].into_iter().filter(|key| tags.contains(key));
                Some(format!("tags {}", keys.collect::<Vec<_>>().join(" ")))
            }
            "ssm:RemoveTagsFromResource" => Some("untag".to_owned()),
            "ssm:PutParameter" => Some("put".to_owned()),
            _ => None,
        })
        .collect();
    let at = |wanted: &str| writes.iter().position(|write| write.contains(wanted));
    assert_eq!(at(MARK.0), Some(0), "{writes:?}");
    assert_eq!(writes.iter().filter(|write| *write == "put").count(), 1, "{writes:?}");
    assert!(at("put") < at(PROVENANCE), "{writes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_resolve_that_aws_refuses_leaves_the_value_and_takes_the_mark_off_again() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    let refused = [
        ("/refused/mark", "ssm:AddTagsToResource"),
        ("/refused/put", "ssm:PutParameter"),
        ("/refused/untag", "ssm:RemoveTagsFromResource"),
    ];
    for (name, _) in refused {
        put(&source, name, "canary 1").await;
        put(&target, name, "canary 2").await;
        set_tags(&target, name, &[("owner", "them")]).await;
    }
    let proxy = Proxy::to(&world.emulator.url).await;
    let hubctl = world.hubctl().with("AWS_ENDPOINT_URL", &proxy.url);
    for (name, action) in refused {
        // Its own two tags it may always take off again.
        proxy.refuse(move |call| {
            call.action == action && !call.request["TagKeys"].to_string().contains(MARK.0)
        });
        let ran = resolve(&world, &hubctl, name, &[]).await;
        ran.ended(4);
        assert_eq!(ran.json()["failures"][0]["error_kind"], "access_denied", "{ran:#?}");
        let seen = &world.seen(0, TARGET).await[name];
        assert_eq!((&seen.value[..], seen.version), ("canary 2", 1), "{name}");
        assert!(!seen.tags.contains_key(MARK.0), "{name}: {seen:?}");
        assert!(!seen.tags.contains_key(PROVENANCE), "{name}: {seen:?}");
        if action == "ssm:AddTagsToResource" {
            let owner = seen.tags.get("owner").map(String::as_str);
            assert_eq!(owner, Some("them"), "nothing is written before the mark");
        }
    }
    proxy.refuse(|_| false);
    for (name, _) in refused {
        resolve(&world, &hubctl, name, &[]).await.ended(0);
    }
    assert_equal(&world, 0, TARGET).await;
}

#[tokio::test(start_paused = true)]
async fn what_one_write_cannot_take_over_is_refused_and_left_as_it_was() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    put(&source, "/type", "canary").await;
    let list = target.put_parameter().name("/type").value("canary,2");
    list.r#type(ParameterType::StringList).send().await.expect("a list");
    set_tags(&target, "/type", &[("owner", "them")]).await;
    let before = world.seen(0, TARGET).await;
    let ran = resolve(&world, &world.hubctl(), "/type", &[]).await;
    ran.ended(4);
    assert_eq!(ran.json()["failures"].as_array().map(Vec::len), Some(1), "{ran:#?}");
    assert_eq!(world.seen(0, TARGET).await, before, "neither value nor tags nor mark");
    let sweep = world.sweep(&world.hub(&[]).await).await;
    assert_named(&sweep, &[Conflict::new("unmarked", "/type", 1)]);
    assert_eq!(sweep["status"], json!("failed"));
}
