//! A queue's batch: each item once however many messages name it, and back to the queue just what a retry can mend.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{
    Call, Fault, LONG_AGO, SOURCE, TARGET, Topic, World, assert_equal, batch, native_event,
    put_event, returned,
};

/// Items of each account: ten are a call's worth.
const ITEMS: usize = 10;

/// What is on the wire besides tags, by action; and how often each parameter was put.
fn sorted(calls: Vec<Call>) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let (mut actions, mut puts) = (BTreeMap::new(), BTreeMap::new());
    for Call { action, request, .. } in calls {
        if action == "ssm:PutParameter" {
            let name = request["Name"].as_str().expect("a name").to_owned();
            *puts.entry(name).or_default() += 1;
        }
        *actions.entry(action).or_default() += 1;
    }
    actions.remove("ssm:ListTagsForResource");
    (actions, puts)
}

#[tokio::test(start_paused = true)]
async fn a_hundred_messages_over_five_accounts_are_one_reconcile_of_each_item() {
    let world = World::new(5);
    let hub = world.hub(&[]).await;
    let name = |account: usize, item: usize| format!("/of/{account}/{item}");
    // Two messages of each item, of different kinds, and no two of one account or item side by side.
    let messages = || {
        let both = (0..ITEMS).flat_map(|item| (0..5).map(move |account| (account, item)));
        let world = &world;
        both.clone()
            .map(move |(account, item)| {
                let name = name(account, item);
                put_event(world.account(account), LONG_AGO, &name, 1)
            })
            .chain(both.map(move |(account, item)| {
                native_event(world.account(account), LONG_AGO, &name(account, item), "Update")
            }))
            .enumerate()
            .map(|(n, event)| (n.to_string(), event))
    };
    assert_eq!(messages().count(), 100);
    for value in ["first", "second"] {
        for account in 0..5 {
            let ssm = world.ssm(account, SOURCE).await;
            for item in 0..ITEMS {
                crate::support::put(&ssm, &name(account, item), value).await;
            }
        }
        world.wire.take();
        let answer = world.ask(&hub, &batch(messages())).await;
        assert_eq!(answer, json!({"batchItemFailures": []}));

        let (mut actions, puts) = sorted(world.wire.take());
        assert_eq!(puts.len(), 5 * ITEMS);
        assert!(puts.values().all(|puts| *puts == 1), "{puts:?}");
        let mut take = |action: &str| actions.remove(action).unwrap_or_default();
        assert_eq!(take("ssm:PutParameter"), 5 * ITEMS);
        // A create carries its tags; an update's provenance follows it.
        let tagged = if value == "first" { 0 } else { 5 * ITEMS };
        assert_eq!(take("ssm:AddTagsToResource"), tagged);
        assert!(take("sts:AssumeRole") <= 5);
        let reads = take("ssm:GetParameters") + take("ssm:DescribeParameters");
        // Half a read an item for its source, and half for its one target.
        assert!(reads <= 5 * ITEMS, "{value}: {reads} reads of {} items", 5 * ITEMS);
        assert_eq!(actions, BTreeMap::new(), "and no other call");
    }
    for account in 0..5 {
        assert_equal(&world, account, TARGET).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_unreadable_message_comes_back_alone_and_the_rest_is_done() {
    let world = World::new(1);
    let hub = world.hub(&[]).await;
    let event = |name: &str| put_event(world.account(0), LONG_AGO, name, 1);
    for name in ["/first", "/last"] {
        world.put(0, SOURCE, name, "x").await;
    }
    let mut records = batch([("a", event("/first")), ("b", Value::Null), ("c", event("/last"))]);
    records["Records"][1]["body"] = "{\"source\":\"aws.ssm\",".into();
    let answer = world.ask(&hub, &records).await;
    assert_eq!(returned(&answer), ["b"]);
    assert_eq!(world.seen(0, TARGET).await.len(), 2);
    assert_equal(&world, 0, TARGET).await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_refuses_its_role_gets_its_messages_back_and_is_told_of() {
    let mut world = World::new(1);
    world.accounts.extend(World::furnished(&["--without-role"]).accounts);
    let topic = Topic::new(world.emulator, &json!({}));
    let hub = world.hub(&[("SNS_TOPIC_ARN", &topic.arn)]).await;
    let event = |account: usize, name: &str| put_event(world.account(account), LONG_AGO, name, 1);
    world.put(0, SOURCE, "/a", "x").await;
    let messages = [("good", event(0, "/a")), ("bad", event(1, "/a")), ("bad too", event(1, "/b"))];
    let answer = world.ask(&hub, &batch(messages)).await;
    assert_eq!(returned(&answer), ["bad", "bad too"]);
    assert_equal(&world, 0, TARGET).await;
    assert_eq!(world.seen(0, TARGET).await.len(), 1);
    let told = topic.take();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["MessageAttributes"]["error_kinds"]["Value"], "[\"no_spoke_role\"]");
    let accounts = json!([world.account(1)]).to_string();
    assert_eq!(told[0]["MessageAttributes"]["accounts"]["Value"], accounts);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_item_comes_back_and_a_conflict_or_a_refusal_does_not() {
    let world = World::new(1);
    let hub = world.hub(&[]).await;
    let names = ["/fine", "/throttled", "/held", "/refused"];
    for name in names {
        world.put(0, SOURCE, name, "x").await;
    }
    world.put(0, TARGET, "/held", "the failover Region's own").await;
    world.wire.faults(|call| {
        let name = call.request["Name"].as_str().filter(|_| call.action == "ssm:PutParameter");
        match name {
            Some("/throttled") => Some(Fault::Refused("ThrottlingException")),
            Some("/refused") => Some(Fault::Refused("ValidationException")),
            _ => None,
        }
    });
    let events = |round: usize| {
        names
            .map(|name| (format!("{name} {round}"), put_event(world.account(0), LONG_AGO, name, 1)))
    };
    // Both messages of an item come back: none of them was done.
    let answer = world.ask(&hub, &batch([events(1), events(2)].concat())).await;
    assert_eq!(returned(&answer), ["/throttled 1", "/throttled 2"]);
    let replicas = world.seen(0, TARGET).await;
    assert_eq!(replicas.keys().collect::<Vec<_>>(), ["/fine", "/held"]);
    assert_eq!(replicas["/held"].value, "the failover Region's own");

    world.wire.faults(|_| None);
    let answer = world.ask(&hub, &batch(events(1))).await;
    assert_eq!(returned(&answer), [""; 0]);
    assert!(world.seen(0, TARGET).await.contains_key("/throttled"));
}
