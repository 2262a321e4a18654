//! What a sweep costs: calls counted at the wire, by action and Region, against the formula of the budget.
//!
//! The formula is computed from what the emulator holds and the page sizes that it keeps, as AWS does.

use std::collections::BTreeMap;

use aws_sdk_ssm::types::ParameterType;
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use crate::support::{Call, Emulator, World, count, delete, put, remove_tags, set_tags, tag};

const OHIO: &str = "us-east-2";
const VIRGINIA: &str = "us-east-1";
const OREGON: &str = "us-west-2";
/// One source, two targets.
const ROUTES: (&str, &str) = ("ROUTES", "us-east-2=us-east-1,us-west-2");
const TARGETS: [&str; 2] = [VIRGINIA, OREGON];

/// Calls by action, and Region where the service has one.
type Bill = BTreeMap<String, usize>;

fn add(bill: &mut Bill, action: &str, region: &str, calls: usize) {
    if calls > 0 {
        *bill.entry(format!("{action} {region}").trim_end().to_owned()).or_default() += calls;
    }
}

/// What went over the wire. A read of values is told from one of versions.
fn bill(calls: &[Call]) -> Bill {
    let mut bill = Bill::new();
    for Call { action, region, request, .. } in calls {
        let regional = !action.starts_with("sts:") && !action.starts_with("organizations:");
        let decrypted = request["WithDecryption"] == json!(true);
        let action = if decrypted { format!("{action}+values") } else { action.clone() };
        add(&mut bill, &action, if regional { region } else { "" }, 1);
    }
    bill
}

/// Taken out of the bill, to be held against an upper bound.
fn take(bill: &mut Bill, action: &str, region: &str) -> usize {
    bill.remove(format!("{action} {region}").trim_end()).unwrap_or(0)
}

fn pages(items: usize, page: usize) -> usize {
    items.div_ceil(page).max(1)
}

/// The lists of one account over these Regions, and the role that they are read with.
async fn lists(world: &World, regions: &[&str]) -> Bill {
    let mut bill = Bill::new();
    add(&mut bill, "sts:AssumeRole", "", 1);
    for region in regions {
        let parameters = world.seen(0, region).await;
        let tagged = parameters.values().filter(|seen| !seen.tags.is_empty()).count();
        add(&mut bill, "ssm:DescribeParameters", region, pages(parameters.len(), 50));
        add(&mut bill, "tag:GetResources", region, pages(tagged, 100));
        let secrets = world.secrets(0, region).await;
        let listed = secrets.list_secrets().into_paginator().send().try_collect().await;
        let listed = listed.expect("pages of secrets");
        let secrets = listed.iter().map(|page| page.secret_list().len()).sum();
        add(&mut bill, "secretsmanager:ListSecrets", region, pages(secrets, 100));
    }
    bill
}

async fn sync(world: &World, hub: &Hub) -> (Value, Bill) {
    world.wire.take();
    let payload = world.all();
    let response = world.ask(hub, &payload).await;
    (response, bill(&world.wire.take()))
}

/// A world whose sources have their replicas in both targets already.
async fn replicated(parameters: usize) -> (World, Vec<String>) {
    let world = World::new(1);
    let names: Vec<String> = (0..parameters).map(|n| format!("/budget/{n:03}")).collect();
    let ssm = world.ssm(0, OHIO).await;
    for name in &names {
        put(&ssm, name, "before").await;
    }
    let (response, _) = sync(&world, &world.hub(&[ROUTES]).await).await;
    assert_eq!(count(&response, "parameters", "created"), 2 * parameters as u64, "{response:#}");
    (world, names)
}

#[tokio::test]
async fn a_sweep_of_what_is_in_sync_lists_each_location_once_and_does_nothing_else() {
    let world = World::new(1);
    let ssm = world.ssm(0, OHIO).await;
    // Two pages and a half of parameters; tagged ones over a page in the source, and all of them in the target.
    for n in 0..120 {
        let kind = if n % 3 == 0 { ParameterType::SecureString } else { ParameterType::String };
        let request = ssm.put_parameter().name(format!("/p/{n:03}")).value("v").r#type(kind);
        let tags = (n < 101).then(|| vec![tag("team", "a")]);
        request.set_tags(tags).send().await.expect("put");
    }
    let secrets = world.secrets(0, OHIO).await;
    for n in 0..101 {
        let request = secrets.create_secret().name(format!("s/{n:03}"));
        request.secret_string("v").send().await.expect("a secret");
    }
    let (first, _) = sync(&world, &world.hub(&[]).await).await;
    assert_eq!(count(&first, "parameters", "created"), 120, "{first:#}");
    assert_eq!(count(&first, "secrets", "replicated"), 101, "{first:#}");

    let (second, bill) = sync(&world, &world.hub(&[]).await).await;
    assert_eq!(second["status"], "in_sync", "{second:#}");
    let expected = lists(&world, &[OHIO, VIRGINIA]).await;
    assert_eq!(bill, expected);
    // The formula itself, in numbers: it would be empty if the emulator held nothing.
    assert_eq!(expected[&format!("ssm:DescribeParameters {OHIO}")], 3);
    assert_eq!(expected[&format!("tag:GetResources {VIRGINIA}")], 2);
    assert_eq!(expected[&format!("secretsmanager:ListSecrets {VIRGINIA}")], 2);
}

#[tokio::test]
async fn a_sweep_of_an_organisation_lists_its_accounts_once_and_assumes_one_role_in_each() {
    // An organisation of its own: in the shared one, other tests make accounts meanwhile.
    let world = World::on(Emulator::alone(&[]), &["--accounts", "23"]);
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(response["totals"]["accounts"], json!({"in_sync": 23}), "{response:#}");
    let mut bill = bill(&world.wire.take());
    let identity = take(&mut bill, "sts:GetCallerIdentity", "");
    assert!(identity <= 1, "{identity}");
    let members = world.organisation().await;
    assert_eq!(members, 24, "with the management account");
    let mut expected = Bill::new();
    add(&mut expected, "organizations:ListAccounts", "", pages(members, 20));
    add(&mut expected, "sts:AssumeRole", "", 23);
    for region in [OHIO, VIRGINIA] {
        for list in ["ssm:DescribeParameters", "tag:GetResources", "secretsmanager:ListSecrets"] {
            add(&mut expected, list, region, 23);
        }
    }
    assert_eq!(bill, expected);
}

#[tokio::test]
async fn created_parameters_cost_one_write_a_target_and_no_provenance_of_its_own() {
    const W: usize = 53;
    let world = World::new(1);
    let ssm = world.ssm(0, OHIO).await;
    for n in 0..W {
        put(&ssm, &format!("/budget/{n:03}"), "new").await;
    }
    let mut expected = lists(&world, &[OHIO, VIRGINIA, OREGON]).await;
    let (response, mut bill) = sync(&world, &world.hub(&[ROUTES]).await).await;
    assert_eq!(count(&response, "parameters", "created"), 2 * W as u64, "{response:#}");
    let tags = take(&mut bill, "ssm:ListTagsForResource", OHIO);
    assert!((W..=2 * W).contains(&tags), "{tags}");
    add(&mut expected, "ssm:GetParameters+values", OHIO, W.div_ceil(10));
    add(&mut expected, "ssm:GetParameters", OHIO, W.div_ceil(10));
    // No list shows labels: one look at each source that is written, for all targets.
    add(&mut expected, "ssm:GetParameterHistory", OHIO, W);
    for target in TARGETS {
        add(&mut expected, "ssm:PutParameter", target, W);
    }
    assert_eq!(bill, expected);
}

#[tokio::test]
async fn changed_values_cost_a_write_its_provenance_and_shared_reads() {
    const W: usize = 53;
    let (world, names) = replicated(W + 4).await;
    let ssm = world.ssm(0, OHIO).await;
    for name in &names[..W] {
        put(&ssm, name, "after").await;
    }
    let mut expected = lists(&world, &[OHIO, VIRGINIA, OREGON]).await;
    let (response, mut bill) = sync(&world, &world.hub(&[ROUTES]).await).await;
    assert_eq!(count(&response, "parameters", "updated"), 2 * W as u64, "{response:#}");
    let tags = take(&mut bill, "ssm:ListTagsForResource", OHIO);
    assert!((1..=2 * W).contains(&tags), "{tags}");
    add(&mut expected, "ssm:GetParameters+values", OHIO, W.div_ceil(10));
    add(&mut expected, "ssm:GetParameters", OHIO, W.div_ceil(10));
    add(&mut expected, "ssm:GetParameterHistory", OHIO, W);
    for target in TARGETS {
        let tags = take(&mut bill, "ssm:ListTagsForResource", target);
        // Before the write, and once more after it: a release meanwhile stands.
        assert!(tags <= 2 * W, "{tags} in {target}");
        // The proof before the puts, and after them the version that each went over.
        add(&mut expected, "ssm:GetParameters", target, 2 * W.div_ceil(10));
        add(&mut expected, "ssm:PutParameter", target, W);
        add(&mut expected, "ssm:AddTagsToResource", target, W);
        add(&mut expected, "ssm:GetParameters+values", target, W.div_ceil(10));
    }
    assert_eq!(bill, expected);
}

#[tokio::test]
async fn labels_cost_the_targets_history_their_calls_and_a_confirmation() {
    const L: usize = 7;
    let (world, names) = replicated(L + 3).await;
    let ssm = world.ssm(0, OHIO).await;
    for name in &names[..L] {
        put(&ssm, name, "after").await;
        let label = ssm.label_parameter_version().name(name).labels("live").labels("next");
        label.send().await.expect("labels");
    }
    let (response, bill) = sync(&world, &world.hub(&[ROUTES]).await).await;
    assert_eq!(count(&response, "parameters", "updated"), 2 * L as u64, "{response:#}");
    let calls = |action: &str, region: &str| bill.get(&format!("{action} {region}")).copied();
    // One before the write, and one after each target's labels.
    assert_eq!(calls("ssm:GetParameterHistory", OHIO), Some(L + 2 * L));
    for target in TARGETS {
        assert_eq!(calls("ssm:GetParameterHistory", target), Some(L));
        assert_eq!(calls("ssm:LabelParameterVersion", target), Some(L));
    }
    assert!(!bill.keys().any(|call| call.contains("History+values")), "{bill:?}");
}

#[tokio::test]
async fn changed_tags_cost_their_change_alone_and_no_value_is_read() {
    const W: usize = 23;
    let (world, names) = replicated(W + 2).await;
    let ssm = world.ssm(0, OHIO).await;
    for name in &names[..W] {
        set_tags(&ssm, name, &[("team", "b")]).await;
    }
    let mut expected = lists(&world, &[OHIO, VIRGINIA, OREGON]).await;
    let (response, mut bill) = sync(&world, &world.hub(&[ROUTES]).await).await;
    assert_eq!(count(&response, "parameters", "retagged"), 2 * W as u64, "{response:#}");
    let tags = take(&mut bill, "ssm:ListTagsForResource", OHIO);
    assert!((W..=2 * W).contains(&tags), "{tags}");
    add(&mut expected, "ssm:GetParameters", OHIO, W.div_ceil(10));
    for target in TARGETS {
        let tags = take(&mut bill, "ssm:ListTagsForResource", target);
        assert!(tags <= W, "{tags} in {target}");
        add(&mut expected, "ssm:GetParameters", target, W.div_ceil(10));
        add(&mut expected, "ssm:AddTagsToResource", target, W);
    }
    assert_eq!(bill, expected);

    for name in &names[..W] {
        remove_tags(&ssm, name, &["team"]).await;
    }
    let (_, bill) = sync(&world, &world.hub(&[ROUTES]).await).await;
    for target in TARGETS {
        assert_eq!(bill[&format!("ssm:RemoveTagsFromResource {target}")], W);
        // Provenance says which tags were sent.
        assert_eq!(bill[&format!("ssm:AddTagsToResource {target}")], W);
    }
}

#[tokio::test]
async fn deletes_cost_two_reads_of_the_sources_one_call_for_ten_and_a_confirmation() {
    const D: usize = 23;
    let (world, names) = replicated(D + 2).await;
    let gone: Vec<&str> = names[..D].iter().map(String::as_str).collect();
    delete(&world.ssm(0, OHIO).await, &gone).await;
    let mut expected = lists(&world, &[OHIO, VIRGINIA, OREGON]).await;
    let hub = world.hub(&[ROUTES, ("MAX_DELETES", "100%")]).await;
    let (response, mut bill) = sync(&world, &hub).await;
    assert_eq!(count(&response, "parameters", "deleted"), 2 * D as u64, "{response:#}");
    let tens = D.div_ceil(10);
    add(&mut expected, "ssm:GetParameters", OHIO, 2 * tens + tens);
    for target in TARGETS {
        // The fresh proof of ownership: no list is the ground for a delete. One call a replica that goes.
        let tags = take(&mut bill, "ssm:ListTagsForResource", target);
        assert!(tags <= D, "{tags} in {target}");
        add(&mut expected, "ssm:GetParameters", target, tens);
        add(&mut expected, "ssm:DeleteParameters", target, tens);
    }
    assert_eq!(bill, expected);
}
