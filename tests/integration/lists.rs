//! A list that failed, or was cut, is no list: nothing is written or deleted by it, and all else goes on.

use serde_json::json;

use crate::support::{Call, Fault, World, put, told};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";
const OTHER_TARGET: &str = "us-west-2";
const TWO_TARGETS: (&str, &str) = ("ROUTES", "us-east-2=us-east-1,us-west-2");

fn is_in(call: &Call, action: &str, region: &str) -> bool {
    call.action == action && call.region == region
}

#[tokio::test]
async fn a_list_that_fails_in_a_target_writes_nothing_there_and_the_other_target_goes_on() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    // Two pages in each list, so that one can be cut in the middle: half a list is none.
    for n in 0..101 {
        put(&ssm, &format!("/{n:03}"), "x").await;
    }
    let hub = world.hub(&[TWO_TARGETS]).await;
    world.sweep(&hub).await;
    ssm.delete_parameter().name("/050").send().await.expect("delete");
    put(&ssm, "/051", "changed").await;
    put(&ssm, "/new", "x").await;
    let before = world.seen(0, TARGET).await;

    for (action, cut, goes_on) in [
        (
            "ssm:DescribeParameters",
            true,
            json!({"created": 1, "updated": 1, "deleted": 1, "failed": 101, "in_sync": 99}),
        ),
        ("tag:GetResources", true, json!({"failed": 101, "in_sync": 101})),
        ("ssm:DescribeParameters", false, json!({"failed": 101, "in_sync": 101})),
    ] {
        world.wire.take();
        world.wire.faults(move |call| {
            let token = &call.request
                [if action.starts_with("tag") { "PaginationToken" } else { "NextToken" }];
            let hit = is_in(call, action, TARGET)
                && (!cut || token.as_str().is_some_and(|t| !t.is_empty()));
            hit.then_some(Fault::Refused("AccessDeniedException"))
        });
        let response = world.sweep(&hub).await;
        assert_eq!(
            told(&response),
            ["account - us-east-1 access_denied"],
            "{action}: {response:#}"
        );
        assert!(response["failures"][0]["message"].as_str().is_some_and(|m| m.contains(action)));
        assert_eq!(response["totals"]["parameters"], goes_on, "{action}: {response:#}");
        let written =
            world.wire.take().into_iter().filter(|call| call.region == TARGET && writes(call));
        assert_eq!(written.count(), 0, "{action}");
    }
    assert_eq!(world.seen(0, TARGET).await, before);
    let other = world.seen(0, OTHER_TARGET).await;
    assert!(other.contains_key("/new") && !other.contains_key("/050"));
    assert_eq!(other["/051"].value, "changed");
}

fn writes(call: &Call) -> bool {
    let verb = call.action.split(':').nth(1).unwrap_or_default();
    !["Describe", "Get", "List", "AssumeRole"].iter().any(|read| verb.starts_with(read))
}

#[tokio::test]
async fn a_list_that_fails_in_the_source_writes_nothing_anywhere() {
    let world = World::new(1);
    for name in ["/a", "/stays"] {
        world.put(0, SOURCE, name, "x").await;
    }
    let secrets = world.secrets(0, SOURCE).await;
    secrets.create_secret().name("s").secret_string("x").send().await.expect("a secret");
    let hub = world.hub(&[TWO_TARGETS]).await;
    world.sweep(&hub).await;
    let targets = async || (world.seen(0, TARGET).await, world.seen(0, OTHER_TARGET).await);
    let before = targets().await;
    world.ssm(0, SOURCE).await.delete_parameter().name("/a").send().await.expect("delete");
    world.put(0, SOURCE, "/b", "x").await;
    secrets.create_secret().name("t").secret_string("x").send().await.expect("a secret");

    for action in ["ssm:DescribeParameters", "tag:GetResources"] {
        world.wire.take();
        world.wire.faults(move |call| {
            is_in(call, action, SOURCE).then_some(Fault::Refused("AccessDeniedException"))
        });
        let response = world.sweep(&hub).await;
        assert_eq!(told(&response), ["account - us-east-2 access_denied"], "{response:#}");
        assert_eq!(response["totals"]["parameters"], json!({}), "{response:#}");
        let written = world.wire.take().into_iter().filter(|call| call.action.starts_with("ssm"));
        assert_eq!(written.filter(writes).count(), 0);
        assert_eq!(targets().await, before);
    }
    // The secrets were none of its business: the new one was asked for in the first of these sweeps.
    let primary = secrets.describe_secret().secret_id("t").send().await.expect("the secret");
    assert_eq!(primary.replication_status().len(), 2);

    world.wire.faults(|call| {
        is_in(call, "secretsmanager:ListSecrets", SOURCE)
            .then_some(Fault::Refused("AccessDeniedException"))
    });
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), ["account - us-east-2 access_denied"], "{response:#}");
    assert_eq!(response["totals"]["parameters"], json!({"in_sync": 2, "created": 2, "deleted": 2}));
    assert_eq!(response["totals"]["secrets"], json!({}));
}
