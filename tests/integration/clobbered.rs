//! Kind: a version of somebody else's lies directly under one of the hub's, which overwrote it between its last read
//! and its call (`written_over`). The hub never stamps its version and never deletes it, and every later report names
//! the covered version until a person decides.
//!
//! Neighbours: an overwrite, a recreation with and without the replica's tags, one with as many versions as there were;
//! by sweep, by name, by event, by value; a create, a labelled create, an adoption, `resolve`; before the proof that
//! precedes the put, so that nothing is written; afterwards the source changes, goes, is excluded, leaves the scope, and `prune` runs; both ways of `resolve`. A write
//! just after the hub's is current and stays. And where no stranger acted nothing is reported: two hubs at once, lost
//! answers.

use aws_sdk_ssm::Client;
use serde_json::{Value, json};

use crate::support::{
    Call, Conflict, Fault, LONG_AGO, MARK, PROVENANCE, Proxy, SOURCE, TARGET, World, assert_equal,
    assert_named, assert_stands, classes, count, create_tagged, delete, put, put_event,
    remove_tags, set_tags, steps, with,
};

const THEIRS: &str = "canary of somebody else";
const CLASS: &str = "written_over";

fn is_put(call: &Call, name: &str) -> bool {
    call.action == "ssm:PutParameter" && call.region == TARGET && call.request["Name"] == name
}

/// A source whose replica is in its third version, and whose fourth is still to be copied.
async fn behind(world: &World, names: &[&str]) {
    let source = world.ssm(0, SOURCE).await;
    let hub = world.hub(&[]).await;
    for round in 1..=3 {
        for name in names {
            put(&source, name, &format!("canary {round}")).await;
        }
        world.sweep(&hub).await;
    }
    for name in names {
        put(&source, name, "canary 4").await;
        assert_eq!(world.version(name).await, 3);
    }
}

/// What a stranger does to a replica in its third version.
#[derive(Clone, Copy)]
enum Deed {
    Overwrites,
    Recreates,
    RecreatesTagged,
    RecreatesToTheSameNumber,
}

impl Deed {
    async fn done(
        self,
        ssm: &Client,
        name: &str,
        tags: &std::collections::BTreeMap<String, String>,
    ) {
        match self {
            Self::Overwrites => put(ssm, name, THEIRS).await,
            Self::Recreates => {
                delete(ssm, &[name]).await;
                put(ssm, name, THEIRS).await;
            }
            Self::RecreatesTagged => {
                delete(ssm, &[name]).await;
                create_tagged(ssm, name, THEIRS, tags).await;
            }
            Self::RecreatesToTheSameNumber => {
                delete(ssm, &[name]).await;
                for _ in 0..3 {
                    put(ssm, name, THEIRS).await;
                }
            }
        }
    }
}

/// Each deed with a name of its own, the version that the stranger's value ends in, and the class of the conflict: tags
/// that were copied along name a version that is not there.
const DEEDS: [(Deed, &str, i64, &str); 4] = [
    (Deed::Overwrites, "/over/written", 4, CLASS),
    (Deed::Recreates, "/over/recreated", 1, CLASS),
    (Deed::RecreatesTagged, "/over/tagged", 1, "written_over|claimed"),
    (Deed::RecreatesToTheSameNumber, "/over/same-number", 3, CLASS),
];

/// The stranger acts just before the hub's put of each name, by one pass each.
async fn covered(world: &World) -> Vec<Conflict> {
    let names = DEEDS.map(|(_, name, ..)| name);
    behind(world, &names).await;
    let hub = world.hub(&[]).await;
    let mut expected = Vec::new();
    for (deed, name, version, class) in DEEDS {
        let (stranger, tags) =
            (world.ssm(0, TARGET).await, world.seen(0, TARGET).await[name].tags.clone());
        world.wire.before(move |call| is_put(call, name), async move {
            deed.done(&stranger, name, &tags).await;
        });
        let response = world.ask(&hub, &with(world.one(name, "update"), "region", SOURCE)).await;
        let conflict = Conflict::new(class, name, version);
        assert_named(&response, std::slice::from_ref(&conflict));
        expected.push(conflict);
    }
    expected
}

#[tokio::test(start_paused = true)]
async fn a_covered_version_is_named_in_every_later_report_and_the_cover_is_never_stamped() {
    let world = World::new(1);
    let expected = covered(&world).await;
    for (_, name, version, _) in DEEDS {
        let history = world.history(0, TARGET, name).await;
        let theirs = history.iter().find(|one| one.number == version).expect("it is kept");
        assert_eq!((&theirs.value[..], theirs.is_the_hubs()), (THEIRS, false), "{history:?}");
        let tags = &world.seen(0, TARGET).await[name].tags;
        let stamped = format!("replica={} ", version + 1);
        assert!(!tags.get(PROVENANCE).is_some_and(|text| text.contains(&stamped)), "{tags:?}");
    }
    let bare = &world.seen(0, TARGET).await["/over/recreated"].tags;
    assert!(!bare.contains_key(MARK.0) && !bare.contains_key(PROVENANCE), "{bare:?}");
    let hub = world.hub(&[]).await;
    assert_stands(&world, &hub, &expected).await;
    let source = world.ssm(0, SOURCE).await;
    for (_, name, ..) in DEEDS {
        put(&source, name, "canary 5").await;
        set_tags(&source, name, &[("team", "shop")]).await;
    }
    assert_stands(&world, &world.hub(&[("ON_TARGET_CHANGE", "restore")]).await, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_covered_version_is_named_without_its_source_and_in_spite_of_an_exclusion() {
    let world = World::new(1);
    let expected = covered(&world).await;
    let source = world.ssm(0, SOURCE).await;
    let names = DEEDS.map(|(_, name, ..)| name);
    for name in names {
        set_tags(&source, name, &[("failover-replicator", "exclude")]).await;
    }
    let hub = world.hub(&[("ON_CONFLICT", "adopt")]).await;
    let before = world.both_regions().await;
    for _ in 0..3 {
        assert_named(&world.sweep(&hub).await, &expected);
    }
    for name in names {
        set_tags(&source, name, &[("failover-replicator", "remove")]).await;
    }
    assert_named(&world.sweep(&hub).await, &expected);
    assert_eq!(world.both_regions().await[1], before[1]);
    delete(&source, &names).await;
    assert_stands(&world, &hub, &expected).await;

    let hubctl = world.hubctl().with("REPLICATOR_EXCLUDE_NAMES", "/over/*");
    let plan = hubctl.run(&["prune", "--format", "json"]).await.json();
    assert_eq!(steps(&plan), Vec::<String>::new(), "{plan:#}");
}

#[tokio::test(start_paused = true)]
async fn a_person_ends_the_report_by_resolve_either_way() {
    let world = World::new(1);
    covered(&world).await;
    let hubctl = world.hubctl();
    for (n, (_, name, ..)) in DEEDS.into_iter().enumerate() {
        let take = if n % 2 == 0 { "source" } else { "target" };
        let place = ["--account", world.account(0), "--region", SOURCE];
        hubctl
            .run(&[&["resolve", name, "--yes", "--take", take][..], &place].concat())
            .await
            .ended(0);
    }
    let response = world.sweep(&world.hub(&[]).await).await;
    assert_eq!(
        classes(&response),
        ["released /over/recreated us-east-1", "released /over/same-number us-east-1"]
    );
    assert_eq!(count(&response, "parameters", "in_sync"), 2, "{response:#}");
    let seen = world.seen(0, TARGET).await;
    assert!(seen["/over/written"].tags[PROVENANCE].contains("replica=6 "), "{seen:#?}");
}

#[tokio::test(start_paused = true)]
async fn whatever_made_the_hub_write_the_covered_version_is_named() {
    let world = World::new(1);
    let names = ["/by/event", "/by/name", "/by/sweep", "/by/value"];
    behind(&world, &names).await;
    let passes = [
        put_event(world.account(0), LONG_AGO, "/by/event", 4),
        with(world.one("/by/name", "sync"), "region", SOURCE),
        with(world.all(), "trust", false),
        world.all(),
    ];
    let hub = world.hub(&[]).await;
    // A pass over everything writes what is left: the name that it is about comes last of those.
    let order = ["/by/event", "/by/name", "/by/value", "/by/sweep"];
    put(&world.ssm(0, SOURCE).await, "/by/sweep", "canary 3").await;
    let mut expected: Vec<Conflict> = Vec::new();
    for (name, pass) in order.into_iter().zip(passes) {
        if name == "/by/sweep" {
            put(&world.ssm(0, SOURCE).await, name, "canary 5").await;
        }
        let (stranger, version) = (world.ssm(0, TARGET).await, world.version(name).await);
        let meanwhile = async move { put(&stranger, name, THEIRS).await };
        world.wire.before(move |call| is_put(call, name), meanwhile);
        let response = world.ask(&hub, &pass).await;
        let conflict = Conflict::new(CLASS, name, version + 1);
        expected.push(conflict);
        let told = classes(&response);
        assert!(told.contains(&format!("{CLASS} {name} {TARGET}")), "{pass}: {told:?}");
    }
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn a_create_covers_nothing_and_a_labelled_one_names_what_it_covered() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    let hub = world.hub(&[]).await;
    put(&source, "/new/plain", "canary 1").await;
    let stranger = world.ssm(0, TARGET).await;
    world.wire.before(|call| is_put(call, "/new/plain"), async move {
        put(&stranger, "/new/plain", THEIRS).await;
    });
    let unmarked = Conflict::new("unmarked", "/new/plain", 1);
    assert_named(&world.sweep(&hub).await, std::slice::from_ref(&unmarked));

    put(&source, "/new/labelled", "canary 1").await;
    let label = source.label_parameter_version().name("/new/labelled").labels("first");
    label.send().await.expect("a label");
    put(&source, "/new/labelled", "canary 2").await;
    let stranger = world.ssm(0, TARGET).await;
    let second = |call: &Call| is_put(call, "/new/labelled") && call.request["Overwrite"] == true;
    world.wire.before(second, async move { put(&stranger, "/new/labelled", THEIRS).await });
    world.sweep(&hub).await;
    let history = world.history(0, TARGET, "/new/labelled").await;
    assert_eq!((history.len(), &history[1].value[..]), (3, THEIRS), "{history:?}");
    assert_stands(&world, &hub, &[Conflict::new(CLASS, "/new/labelled", 2), unmarked]).await;
}

#[tokio::test(start_paused = true)]
async fn taking_over_covers_nothing_unnamed_either() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    for name in ["/take/adopted", "/take/resolved"] {
        put(&source, name, "canary 1").await;
        put(&target, name, "canary 1").await;
    }
    put(&target, "/take/resolved", "canary of their second").await;
    let hub = world.hub(&[("ON_CONFLICT", "adopt")]).await;
    let stranger = target.clone();
    world.wire.before(|call| is_put(call, "/take/adopted"), async move {
        put(&stranger, "/take/adopted", THEIRS).await;
    });
    world.sweep(&hub).await;

    let proxy = Proxy::to(&world.emulator.url).await;
    let stranger = target.clone();
    proxy.before(|call| is_put(call, "/take/resolved"), async move {
        put(&stranger, "/take/resolved", THEIRS).await;
    });
    let hubctl = world.hubctl().with("AWS_ENDPOINT_URL", &proxy.url);
    let place = ["--account", world.account(0), "--region", SOURCE, "--format", "json"];
    let arguments =
        [&["resolve", "/take/resolved", "--yes", "--take", "source"][..], &place].concat();
    let ran = hubctl.run(&arguments).await;
    ran.ended(4);
    assert_named(&ran.json(), &[Conflict::new(CLASS, "/take/resolved", 3)]);
    let tags = &world.seen(0, TARGET).await["/take/resolved"].tags;
    assert!(!tags.contains_key(MARK.0), "the mark comes off again: {tags:?}");
    let expected =
        [Conflict::new(CLASS, "/take/adopted", 2), Conflict::new(CLASS, "/take/resolved", 3)];
    assert_stands(&world, &world.hub(&[]).await, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_written_before_the_hub_proves_its_puts_is_not_covered_at_all() {
    let world = World::new(1);
    let names = ["/proof/over", "/proof/bare", "/proof/tagged"];
    behind(&world, &names).await;
    let source = world.ssm(0, SOURCE).await;
    for name in names {
        set_tags(&source, name, &[("team", "shop")]).await;
    }
    let hub = world.hub(&[]).await;
    let (stranger, replicas) = (world.ssm(0, TARGET).await, world.seen(0, TARGET).await);
    // The lists are read; what is read of the target by name comes next.
    let proof = |call: &Call| {
        call.region == TARGET
            && ["ssm:GetParameters", "ssm:ListTagsForResource"].contains(&call.action.as_str())
    };
    world.wire.take();
    world.wire.before(proof, async move {
        let deeds = [Deed::Overwrites, Deed::Recreates, Deed::RecreatesTagged];
        for (name, deed) in names.into_iter().zip(deeds) {
            deed.done(&stranger, name, &replicas[name].tags).await;
        }
    });
    world.sweep(&hub).await;
    let calls = world.wire.take();
    assert!(!calls.iter().any(|call| names.iter().any(|name| is_put(call, name))), "no put");
    let seen = world.seen(0, TARGET).await;
    for name in names {
        assert_eq!(seen[name].value, THEIRS, "{name}");
        assert!(!seen[name].tags.contains_key("team"), "nor a tag: {:?}", seen[name].tags);
    }
    let expected = [
        Conflict::new("unmarked", "/proof/bare", 1),
        Conflict::new("changed_in_target", "/proof/over", 4),
        Conflict::new("claimed", "/proof/tagged", 1).or(3),
    ];
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_written_just_after_the_hub_s_write_is_current_and_stays() {
    let world = World::new(1);
    behind(&world, &["/after/put", "/after/read"]).await;
    let hub = world.hub(&[]).await;
    for (name, action) in
        [("/after/put", "ssm:GetParameters"), ("/after/read", "ssm:AddTagsToResource")]
    {
        let stranger = world.ssm(0, TARGET).await;
        let mut written = false;
        let then = move |call: &Call| {
            let hit = written && call.action == action && call.region == TARGET;
            written |= is_put(call, name);
            hit
        };
        world.wire.before(then, async move { put(&stranger, name, THEIRS).await });
        world.ask(&hub, &with(world.one(name, "update"), "region", SOURCE)).await;
        assert_eq!(world.seen(0, TARGET).await[name].value, THEIRS, "{name}");
    }
    let expected =
        ["/after/put", "/after/read"].map(|name| Conflict::new("changed_in_target", name, 5));
    assert_stands(&world, &hub, &expected).await;
    delete(&world.ssm(0, SOURCE).await, &["/after/put", "/after/read"]).await;
    assert_stands(&world, &hub, &expected).await;
}

#[tokio::test(start_paused = true)]
async fn no_conflict_is_reported_where_only_the_hub_itself_wrote() {
    let world = World::new(1);
    let names = ["/own/lost", "/own/other", "/own/twice"];
    behind(&world, &names).await;
    let hub = world.hub(&[]).await;
    // Another invocation finishes its whole work between this one's read and its put.
    let beside = world.beside();
    let other = beside.hub(&[]).await;
    world.wire.before(|call| is_put(call, "/own/other"), async move {
        assert_named(&beside.sweep(&other).await, &[]);
    });
    assert_named(&world.sweep(&hub).await, &[]);
    assert_named(&world.sweep(&hub).await, &[]);
    assert_equal(&world, 0, TARGET).await;

    let source = world.ssm(0, SOURCE).await;
    for (name, lost) in [("/own/lost", 1), ("/own/twice", 2)] {
        put(&source, name, "canary 5").await;
        let mut faults = 0;
        world.wire.faults(move |call| {
            let hit = is_put(call, name) && faults < lost;
            faults += usize::from(hit);
            hit.then_some(Fault::AnswerLost)
        });
        let response = world.sweep(&hub).await;
        world.wire.faults(|_| None);
        let told = classes(&response);
        assert!(told.iter().all(|line| !line.starts_with(CLASS)), "{told:?}");
        assert_named(&world.sweep(&hub).await, &[]);
        assert_equal(&world, 0, TARGET).await;
    }
    let rests = world.sweep(&hub).await;
    assert_eq!(rests["status"], Value::from("in_sync"), "{rests:#}");
}

#[tokio::test(start_paused = true)]
async fn a_version_by_the_hub_over_somebody_else_s_is_known_by_its_history_alone() {
    // As an invocation leaves it that died right after its put: no mark, no provenance, and nobody saw the answer.
    let world = World::new(1);
    let (owner, hub_role) =
        (world.ssm(0, TARGET).await, world.ssm_as(0, TARGET, crate::support::HUB_ROLE).await);
    let source = world.ssm(0, SOURCE).await;
    for name in ["/died/marked", "/died/unmarked"] {
        put(&source, name, "canary 1").await;
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    for name in ["/died/marked", "/died/unmarked"] {
        put(&owner, name, THEIRS).await;
        put(&hub_role, name, "canary 2").await;
        put(&source, name, "canary 2").await;
    }
    remove_tags(&owner, "/died/unmarked", &[MARK.0, PROVENANCE]).await;
    let expected = ["/died/marked", "/died/unmarked"].map(|name| Conflict::new(CLASS, name, 2));
    assert_stands(&world, &hub, &expected).await;
    delete(&source, &["/died/marked", "/died/unmarked"]).await;
    assert_stands(&world, &hub, &expected).await;
    let deleted = json!({"detail": {"name": "all", "operation": "sync"}});
    let response = world.ask(&hub, &deleted).await;
    assert_eq!(count(&response, "parameters", "deleted"), 0, "{response:#}");
}
