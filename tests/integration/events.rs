//! Events say where to look, never what to do: whatever comes, late, twice or out of order, the end is equal to the
//! source as it is then.
//!
//! The clock is paused, so that the hub's waits for what an event tells cost no time.

use std::collections::BTreeSet;

use aws_sdk_ssm::primitives::{DateTime, DateTimeFormat};
use aws_sdk_ssm::types::ResourceTypeForTagging;
use serde_json::{Value, json};

use crate::support::{
    LONG_AGO, SOURCE, TARGET, World, assert_equal, batch, count, delete_event, put, put_event,
    returned, tag, tag_event,
};

/// What can be done to one parameter, in the order in which its owner does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Create,
    Update,
    Tag,
    Delete,
    CreateAgain,
}

const DEEDS: [Deed; 5] = [Deed::Create, Deed::Update, Deed::Tag, Deed::Delete, Deed::CreateAgain];

/// The owner does a deed, or the event of a deed that was done arrives.
#[derive(Clone, Copy, Debug)]
enum Step {
    Done(Deed),
    Told(Deed),
}

/// Every order in which the deeds are done and told, each told some time after it was done: 945.
fn orders(done: usize, told: &[Deed], so_far: &[Step], all: &mut Vec<Vec<Step>>) {
    if told.len() == DEEDS.len() {
        all.push(so_far.to_vec());
        return;
    }
    if let Some(deed) = DEEDS.get(done) {
        orders(done + 1, told, &[so_far, &[Step::Done(*deed)]].concat(), all);
    }
    for deed in DEEDS[..done].iter().filter(|deed| !told.contains(deed)) {
        let step = [so_far, &[Step::Told(*deed)]].concat();
        orders(done, &[told, &[*deed]].concat(), &step, all);
    }
}

/// The time of an event is a whole second.
fn second(seconds: i64) -> String {
    DateTime::from_secs(seconds).fmt(DateTimeFormat::DateTime).expect("a time")
}

/// When the newest version of a source was written.
async fn written(ssm: &aws_sdk_ssm::Client, name: &str) -> i64 {
    let read = ssm.get_parameter().name(name).send().await.expect("the source");
    read.parameter.expect("a parameter").last_modified_date.expect("a date").secs()
}

async fn delete(ssm: &aws_sdk_ssm::Client, name: &str) {
    ssm.delete_parameter().name(name).send().await.expect("the owner may delete");
}

async fn set_tag(ssm: &aws_sdk_ssm::Client, name: &str, key: &str, value: &str) {
    let kind = ResourceTypeForTagging::Parameter;
    let add = ssm.add_tags_to_resource().resource_type(kind).resource_id(name);
    add.tags(tag(key, value)).send().await.expect("the owner may tag");
}

async fn act(ssm: &aws_sdk_ssm::Client, name: &str, deed: Deed) {
    match deed {
        Deed::Create => put(ssm, name, "first").await,
        Deed::Update => put(ssm, name, "second").await,
        Deed::Tag => set_tag(ssm, name, "team", "shop").await,
        Deed::Delete => delete(ssm, name).await,
        Deed::CreateAgain => put(ssm, name, "third").await,
    }
}

fn event_of(account: &str, name: &str, deed: Deed, time: &str) -> Value {
    match deed {
        Deed::Create | Deed::CreateAgain => put_event(account, time, name, 1),
        Deed::Update => put_event(account, time, name, 2),
        Deed::Tag => tag_event(account, time, name, "team", "shop"),
        Deed::Delete => delete_event(account, time, name),
    }
}

#[tokio::test(start_paused = true)]
async fn in_whatever_order_events_come_twice_or_late_the_end_is_the_source() {
    let mut all = Vec::new();
    orders(0, &[], &[], &mut all);
    assert_eq!(all.len(), 945);
    // One in eleven is played, all at once, each with a parameter of its own.
    let played: Vec<(String, Vec<Step>)> = all
        .into_iter()
        .step_by(11)
        .enumerate()
        .map(|(n, steps)| (format!("/order/{n}"), steps))
        .collect();
    let world = World::new(1);
    let (account, ssm) = (world.account(0), world.ssm(0, SOURCE).await);
    let hub = world.hub(&[("MAX_DELETES", "100%")]).await;
    // When each deed was done, as near as its event tells it.
    let mut times: Vec<Vec<String>> = vec![Vec::new(); played.len()];
    let mut late = Vec::new();
    for step in 0..2 * DEEDS.len() {
        let mut told = Vec::new();
        for ((name, steps), times) in played.iter().zip(&mut times) {
            match steps[step] {
                Step::Done(deed) => {
                    act(&ssm, name, deed).await;
                    times.push(match (deed, times.last()) {
                        (Deed::Delete, Some(before)) => before.clone(),
                        _ => second(written(&ssm, name).await),
                    });
                }
                Step::Told(deed) => {
                    told.push((name, event_of(account, name, deed, &times[deed as usize])));
                }
            }
        }
        let twice = told.iter().chain(&told).enumerate();
        let messages = twice.map(|(n, (name, event))| (format!("{name} {n}"), event.clone()));
        let answer = world.ask(&hub, &batch(messages)).await;
        assert_eq!(returned(&answer), [""; 0], "step {step}");
        late.extend(told.into_iter().map(|(name, event)| (name.clone(), event)));
    }
    assert_equal(&world, 0, TARGET).await;
    let replicas = world.seen(0, TARGET).await;
    assert_eq!(replicas.len(), played.len());
    assert!(replicas.values().all(|replica| replica.value == "third"));

    // All of it once more, the last first: late by any measure, and nothing is written.
    world.wire.take();
    late.reverse();
    let answer = world.ask(&hub, &batch(late)).await;
    assert_eq!(returned(&answer), [""; 0]);
    let writes: BTreeSet<String> =
        world.wire.take().into_iter().map(|call| call.action).filter(|a| is_write(a)).collect();
    assert_eq!(writes, BTreeSet::new());
}

fn is_write(action: &str) -> bool {
    !["Get", "Describe", "List", "Assume"].iter().any(|verb| action.contains(verb))
}

#[tokio::test(start_paused = true)]
async fn a_stale_delete_event_deletes_nothing() {
    let world = World::new(1);
    let (account, ssm) = (world.account(0), world.ssm(0, SOURCE).await);
    put(&ssm, "/stale", "gone soon").await;
    let time = second(written(&ssm, "/stale").await);
    delete(&ssm, "/stale").await;
    put(&ssm, "/stale", "back again").await;
    let hub = world.hub(&[]).await;
    world.ask(&hub, &put_event(account, &time, "/stale", 1)).await;

    for time in [LONG_AGO, &time] {
        world.wire.take();
        let response = world.ask(&hub, &delete_event(account, time, "/stale")).await;
        assert_eq!(count(&response, "parameters", "in_sync"), 1, "{response:#}");
        assert!(world.wire.take().iter().all(|call| !is_write(&call.action)));
    }
    assert_eq!(world.seen(0, TARGET).await["/stale"].value, "back again");
}

/// Lets something happen just before the source is read for the second time.
fn before_the_second_read(world: &World, meanwhile: impl Future<Output = ()> + Send + 'static) {
    let mut reads = 0;
    let is_second = move |call: &crate::support::Call| {
        reads += usize::from(call.action == "ssm:GetParameters" && call.region == SOURCE);
        reads == 2
    };
    world.wire.before(is_second, meanwhile);
}

#[tokio::test(start_paused = true)]
async fn a_delete_event_waits_until_the_deletion_is_readable() {
    let world = World::new(1);
    let (account, ssm) = (world.account(0).to_owned(), world.ssm(0, SOURCE).await);
    let hub = world.hub(&[]).await;
    // The deletion is of the second of the write, which is as near as an event tells it, or of a later one.
    for (name, seconds_later) in [("/same", 0), ("/later", 1)] {
        put(&ssm, name, "x").await;
        world.ask(&hub, &put_event(&account, LONG_AGO, name, 1)).await;
        assert!(world.seen(0, TARGET).await.contains_key(name));
        let time = second(written(&ssm, name).await + seconds_later);

        let owner = ssm.clone();
        before_the_second_read(&world, async move { delete(&owner, name).await });
        let response = world.ask(&hub, &delete_event(&account, &time, name)).await;
        assert_eq!(count(&response, "parameters", "deleted"), 1, "{name}: {response:#}");
        assert!(!world.seen(0, TARGET).await.contains_key(name));
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_event_waits_until_its_version_is_readable() {
    let world = World::new(1);
    let (account, ssm) = (world.account(0).to_owned(), world.ssm(0, SOURCE).await);
    let hub = world.hub(&[]).await;
    put(&ssm, "/early", "one").await;
    world.ask(&hub, &put_event(&account, LONG_AGO, "/early", 1)).await;
    let time = second(written(&ssm, "/early").await);

    let owner = ssm.clone();
    before_the_second_read(&world, async move { put(&owner, "/early", "two").await });
    let response = world.ask(&hub, &put_event(&account, &time, "/early", 2)).await;
    assert_eq!(count(&response, "parameters", "updated"), 1, "{response:#}");
    assert_eq!(world.seen(0, TARGET).await["/early"].value, "two");

    let owner = ssm.clone();
    before_the_second_read(&world, async move { set_tag(&owner, "/early", "team", "shop").await });
    let response = world.ask(&hub, &tag_event(&account, LONG_AGO, "/early", "team", "shop")).await;
    assert_eq!(count(&response, "parameters", "retagged"), 1, "{response:#}");

    // A creation that is told before it can be read.
    let owner = ssm.clone();
    before_the_second_read(&world, async move { put(&owner, "/new", "one").await });
    let response = world.ask(&hub, &put_event(&account, &time, "/new", 1)).await;
    assert_eq!(count(&response, "parameters", "created"), 1, "{response:#}");
    assert_equal(&world, 0, TARGET).await;
}

#[tokio::test(start_paused = true)]
async fn what_never_becomes_readable_is_gone_on_without() {
    let world = World::new(1);
    world.put(0, SOURCE, "/kept", "x").await;
    let hub = world.hub(&[]).await;
    let never = "2100-01-01T00:00:00Z";
    let events = [
        ("version", put_event(world.account(0), never, "/kept", 9)),
        ("nothing", put_event(world.account(0), never, "/never", 1)),
    ];
    let answer = world.ask(&hub, &batch(events)).await;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_equal(&world, 0, TARGET).await;
    let reads = world
        .wire
        .take()
        .into_iter()
        .filter(|call| call.action == "ssm:GetParameters" && call.region == SOURCE);
    let waited = reads.count();
    assert!((5..15).contains(&waited), "it waits with longer and longer pauses: {waited}");
}
