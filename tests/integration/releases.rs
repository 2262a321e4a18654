//! Kind: somebody releases a replica: its mark is taken off. The release stands (`released`), whatever the hub was doing.
//!
//! Neighbours: the mark alone, both tags, the word `failover-replicator=released`; at each moment of an update, of a
//! retag and of a tombstone; by `hubctl release parameter` and by `resolve --take target`, of a plain, an encrypted, a
//! changed, a tombstoned replica, of one target of two, and without a source; the release of an adopted one whose source
//! goes; `failover-replicator=exclude` on the replica, which is counted and not reported; what is released is its
//! Region's own again, for the opposite route too, and is adopted by no setting.

use serde_json::json;

use crate::support::{
    Call, Conflict, HUB_ROLE, MARK, PROVENANCE, Proxy, Regional, SOURCE, TARGET, World,
    assert_named, assert_stands, classes, count, delete, put, put_secure, remove_tags, set_tags,
    steps,
};

const OREGON: &str = "us-west-2";
const TAG: &str = "failover-replicator";
const THEIRS: &str = "canary of the person";

type Is = fn(&Call) -> bool;

/// The calls of an update in the target, at each of which a person may have released the replica just before.
const MOMENTS: [(&str, Is); 4] = [
    ("put", |call| call.action == "ssm:PutParameter"),
    ("read-back", |call| {
        call.action == "ssm:GetParameters" && call.request["WithDecryption"] == true
    }),
    ("provenance", |call| call.action == "ssm:AddTagsToResource"),
    ("confirm", |call| call.action == "ssm:ListTagsForResource"),
];

/// True at the call of that moment, once the hub put this name into the target.
fn at(moment: &'static str, is: Is, name: &'static str) -> impl FnMut(&Call) -> bool {
    let mut written = moment == "put";
    move |call| {
        let about = call.request["Name"] == name
            || call.request["ResourceId"] == name
            || call.request["Names"].to_string().contains(&format!("\"{name}\""));
        let hit = written && is(call) && about && call.region == TARGET;
        written |= call.action == "ssm:PutParameter" && about && call.region == TARGET;
        hit
    }
}

fn is_released(seen: &Regional, name: &str) -> bool {
    let tags = &seen[name].tags;
    !tags.contains_key(MARK.0) && !tags.contains_key(PROVENANCE) && tags[TAG] == "released"
}

#[tokio::test(start_paused = true)]
async fn a_mark_taken_off_at_any_moment_of_an_update_stays_off() {
    let names = ["/m/put", "/m/read-back", "/m/provenance", "/m/confirm"];
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    for name in names {
        put(&source, name, "canary 1").await;
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    let mut expected: Vec<Conflict> = Vec::new();
    for (name, (moment, is)) in names.into_iter().zip(MOMENTS) {
        put(&source, name, "canary 2").await;
        let person = world.ssm(0, TARGET).await;
        world.wire.before(at(moment, is, name), async move {
            remove_tags(&person, name, &[MARK.0]).await;
        });
        expected.push(Conflict::new("released", name, 2).by(HUB_ROLE));
        // It is reported by the run that met it.
        assert_named(&world.sweep(&hub).await, &expected);
        let tags = &world.seen(0, TARGET).await[name].tags;
        assert!(!tags.contains_key(MARK.0), "released before the {moment}: {tags:?}");
    }
    // What the person writes then is theirs, whatever the source does.
    let person = world.ssm(0, TARGET).await;
    for name in names {
        put(&person, name, THEIRS).await;
        put(&source, name, "canary 3").await;
    }
    let expected = names.map(|name| Conflict::new("released", name, 3));
    assert_stands(&world, &world.hub(&[("ON_CONFLICT", "adopt")]).await, &expected).await;
    let seen = world.seen(0, TARGET).await;
    assert!(seen.values().all(|replica| replica.value == THEIRS), "{seen:#?}");
    delete(&source, &names).await;
    world.sweep(&hub).await;
    assert_eq!(world.seen(0, TARGET).await, seen, "and without a source as well");
}

#[tokio::test(start_paused = true)]
async fn both_tags_taken_off_at_any_moment_of_an_update_do_not_come_back() {
    let names = ["/b/put", "/b/read-back", "/b/provenance", "/b/confirm"];
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    for name in names {
        put(&source, name, "canary 1").await;
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    for (name, (moment, is)) in names.into_iter().zip(MOMENTS) {
        put(&source, name, "canary 2").await;
        let person = world.ssm(0, TARGET).await;
        world.wire.before(at(moment, is, name), async move {
            set_tags(&person, name, &[(TAG, "released")]).await;
            remove_tags(&person, name, &[MARK.0, PROVENANCE]).await;
        });
        world.sweep(&hub).await;
        let tags = &world.seen(0, TARGET).await[name].tags;
        assert!(!tags.contains_key(MARK.0), "released before the {moment}: {tags:?}");
    }
    let expected = names.map(|name| Conflict::new("released", name, 2).by(HUB_ROLE));
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_mark_taken_off_during_a_retag_or_a_tombstone_stays_off() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    for name in ["/t/gone", "/t/tagged"] {
        put(&source, name, "canary 1").await;
    }
    let hub = world.hub(&[("DELETE_GRACE_DAYS", "1")]).await;
    world.sweep(&hub).await;
    set_tags(&source, "/t/tagged", &[("team", "shop")]).await;
    delete(&source, &["/t/gone"]).await;
    let person = world.ssm(0, TARGET).await;
    world.wire.before(
        |call| call.action == "ssm:AddTagsToResource" && call.region == TARGET,
        async move {
            for name in ["/t/gone", "/t/tagged"] {
                remove_tags(&person, name, &[MARK.0]).await;
            }
        },
    );
    for _ in 0..2 {
        world.sweep(&hub).await;
        let seen = world.seen(0, TARGET).await;
        assert!(seen.values().all(|replica| !replica.tags.contains_key(MARK.0)), "{seen:#?}");
    }
    put(&source, "/t/tagged", "canary 2").await;
    let response = world.sweep(&world.hub(&[]).await).await;
    assert!(classes(&response).contains(&"released /t/tagged us-east-1".to_owned()));
    let seen = world.seen(0, TARGET).await;
    assert!(seen.len() == 2 && seen.values().all(|one| one.value == "canary 1"), "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_person_releases_a_replica_in_any_state_by_its_name() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    let hub = world.hub(&[("DELETE_GRACE_DAYS", "1")]).await;
    for name in ["/p/changed", "/p/gone", "/p/plain"] {
        put(&source, name, "canary 1").await;
    }
    put_secure(&source, "/p/secret", "canary 1", "alias/aws/ssm").await;
    set_tags(&source, "/p/plain", &[("team", "shop")]).await;
    world.sweep(&hub).await;
    delete(&source, &["/p/gone"]).await;
    assert_eq!(count(&world.sweep(&hub).await, "parameters", "tombstoned"), 1);
    put(&world.ssm(0, TARGET).await, "/p/changed", THEIRS).await;
    let before = world.seen(0, TARGET).await;

    let proxy = Proxy::to(&world.emulator.url).await;
    let hubctl = world.hubctl().with("AWS_ENDPOINT_URL", &proxy.url);
    for name in ["/p/changed", "/p/gone", "/p/plain", "/p/secret"] {
        let place = ["--account", world.account(0), "--region", SOURCE, "--format", "json"];
        let release = [&["release", "parameter", name][..], &place].concat();
        let shown = hubctl.run(&release).await;
        shown.ended(3);
        let planned = steps(&shown.json());
        let about = format!("us-east-1 {name} ");
        assert!(planned.len() == 1 && planned[0].starts_with(&about), "{planned:?}");
        assert_eq!(world.seen(0, TARGET).await[name], before[name], "nothing was done yet");
        proxy.take();
        hubctl.run(&[&release[..], &["--yes"]].concat()).await.ended(0);
        assert_tag_order(&proxy.take(), name);
    }
    let seen = world.seen(0, TARGET).await;
    for (name, replica) in &seen {
        assert!(is_released(&seen, name), "{name}: {replica:?}");
        assert_eq!((&replica.value, replica.version), (&before[name].value, before[name].version));
    }
    assert_eq!(seen["/p/plain"].tags["team"], "shop", "only the hub's two tags come off");
    let expected = [
        Conflict::new("released", "/p/changed", 2),
        Conflict::new("released", "/p/plain", 1).by(HUB_ROLE),
        Conflict::new("released", "/p/secret", 1).by(HUB_ROLE),
    ];
    assert_stands(&world, &world.hub(&[("ON_CONFLICT", "adopt")]).await, &expected).await;
}

/// The word `released` is there before the mark goes: a process that dies between them leaves a replica.
fn assert_tag_order(calls: &[Call], name: &str) {
    let at = |action: &str, text: &str| {
        calls.iter().position(|call| {
            call.action == action
                && call.request["ResourceId"] == name
                && call.request.to_string().contains(text)
        })
    };
    let said = at("ssm:AddTagsToResource", "released").expect("the word is set");
    let off = at("ssm:RemoveTagsFromResource", MARK.0).expect("the mark comes off");
    assert!(said < off, "{name}: {said} before {off}");
}

#[tokio::test(start_paused = true)]
async fn one_target_is_released_and_the_other_goes_on() {
    let world = World::new(1);
    let routes = "us-east-2=us-east-1,us-west-2";
    let hub = world.hub(&[("ROUTES", routes)]).await;
    let source = world.ssm(0, SOURCE).await;
    put(&source, "/two", "canary 1").await;
    world.sweep(&hub).await;
    let hubctl = world.hubctl().with("REPLICATOR_ROUTES", routes);
    let release = ["release", "parameter", "/two", "--account", world.account(0)];
    let place = ["--region", SOURCE, "--target", OREGON, "--yes"];
    hubctl.run(&[&release[..], &place].concat()).await.ended(0);
    put(&source, "/two", "canary 2").await;
    let response = world.sweep(&hub).await;
    let expected = [Conflict::new("released", "/two", 1).by(HUB_ROLE).in_region(OREGON)];
    assert_named(&response, &expected);
    assert_eq!(world.seen(0, TARGET).await["/two"].value, "canary 2");
    let oregon = world.seen(0, OREGON).await;
    assert!(is_released(&oregon, "/two") && oregon["/two"].value == "canary 1", "{oregon:?}");
}

#[tokio::test(start_paused = true)]
async fn exclude_on_what_was_released_is_counted_and_quiet() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    let hub = world.hub(&[]).await;
    for name in ["/q/mark", "/q/word"] {
        put(&source, name, "canary 1").await;
    }
    world.sweep(&hub).await;
    let person = world.ssm(0, TARGET).await;
    remove_tags(&person, "/q/mark", &[MARK.0]).await;
    remove_tags(&person, "/q/word", &[MARK.0, PROVENANCE]).await;
    set_tags(&person, "/q/word", &[(TAG, "Released")]).await;
    let expected =
        ["/q/mark", "/q/word"].map(|name| Conflict::new("released", name, 1).by(HUB_ROLE));
    assert_stands(&world, &hub, &expected).await;
    set_tags(&person, "/q/mark", &[(TAG, "exclude")]).await;
    put(&source, "/q/mark", "canary 2").await;
    let response = world.sweep(&hub).await;
    assert_named(&response, &expected[1..]);
    assert_eq!(count(&response, "parameters", "excluded"), 1, "{response:#}");
    assert_eq!(world.seen(0, TARGET).await["/q/mark"].value, "canary 1");
}

#[tokio::test(start_paused = true)]
async fn an_adopted_one_is_let_go_with_its_word_when_its_source_goes() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    for name in ["/a/let-go", "/a/removed"] {
        put(&source, name, "canary 1").await;
        put(&target, name, "canary 1").await;
    }
    let hub = world.hub(&[("ON_CONFLICT", "adopt")]).await;
    world.sweep(&hub).await;
    delete(&source, &["/a/let-go"]).await;
    set_tags(&source, "/a/removed", &[(TAG, "remove")]).await;
    world.wire.take();
    assert_named(&world.sweep(&hub).await, &[]);
    let calls = world.wire.take();
    let seen = world.seen(0, TARGET).await;
    for name in ["/a/let-go", "/a/removed"] {
        assert_tag_order(&calls, name);
        assert!(is_released(&seen, name), "{seen:#?}");
        assert_eq!((&seen[name].value[..], seen[name].version), ("canary 1", 2));
    }
    // A source that comes back finds it released, and does not adopt it again.
    put(&source, "/a/let-go", "canary 2").await;
    let released = Conflict::new("released", "/a/let-go", 2).by(HUB_ROLE);
    assert_named(&world.sweep(&hub).await, &[released]);
}

#[tokio::test(start_paused = true)]
async fn what_was_released_is_a_source_of_its_own_region_for_the_opposite_route() {
    let world = World::new(1);
    let routes = format!("{SOURCE}={TARGET};{TARGET}={SOURCE}");
    let hub = world.hub(&[("ROUTES", &routes)]).await;
    let source = world.ssm(0, SOURCE).await;
    put(&source, "/moved", "canary 1").await;
    world.sweep(&hub).await;
    let hubctl = world.hubctl().with("REPLICATOR_ROUTES", &routes);
    let release = ["release", "parameter", "/moved", "--account", world.account(0)];
    hubctl.run(&[&release[..], &["--region", SOURCE, "--yes"]].concat()).await.ended(0);
    delete(&source, &["/moved"]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "created"), 1, "{response:#}");
    let back = &world.seen(0, SOURCE).await["/moved"];
    assert_eq!((&back.value[..], back.tags[MARK.0].as_str()), ("canary 1", MARK.1));
    assert!(back.tags[PROVENANCE].contains(&format!("region={TARGET} ")), "{back:?}");
    let rests = world.sweep(&hub).await;
    assert_eq!(rests["status"], json!("in_sync"), "{rests:#}");
}
