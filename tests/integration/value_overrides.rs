//! Value overrides that reference another parameter, as an attacker uses them: whoever may tag a source of their own asks
//! the hub for the secret of another team, under a weaker key. On the emulator, with the real SDK.

use serde_json::{Value, json};

use crate::support::{
    SOURCE, TARGET, World, failures, put, put_secure, remove_tags, set_tags, with,
};

const FROM: &str = "failover-replicator:value-from";
const LENDS_TO: &str = "failover-replicator:lends-to";
const CANARY: &str = "CanaryOfTeamB";
const DEFAULT_KEY: &str = "alias/aws/ssm";
const TEAM_KEY: &str = "alias/team-b";

/// An account with a key of team B's in both Regions.
fn world() -> World {
    World::furnished(&["--regions", SOURCE, TARGET, "--alias", TEAM_KEY])
}

async fn value(world: &World, name: &str) -> Option<String> {
    world.seen(0, TARGET).await.get(name).map(|seen| seen.value.clone())
}

/// What is said of an item, message and remedy.
fn said(response: &Value, name: &str) -> String {
    let mut failures = response["failures"].as_array().expect("failures").iter();
    let failure = failures.find(|failure| failure["name"] == name);
    let failure = failure.unwrap_or_else(|| panic!("{name} in {response:#}"));
    assert_eq!(failure["error_kind"], "invalid", "{failure:#}");
    format!("{} {}", failure["message"], failure["remedy"])
}

/// Sweeps with these settings and expects that `/team-a/mine`, which asks for `lender`, is refused with these words and
/// that nothing is written for it, by the sweep, by name, and with values compared.
async fn refused(world: &World, settings: &[(&str, &str)], words: &[&str]) {
    let hub = world.hub(settings).await;
    let before = value(world, "/team-a/mine").await;
    for payload in [
        world.all(),
        world.one("/team-a/mine", "sync"),
        with(world.all(), "trust", false),
        with(world.all(), "plan", true),
    ] {
        let response = world.ask(&hub, &payload).await;
        let said = said(&response, "/team-a/mine");
        for words in words {
            assert!(said.contains(words), "{payload}: {said}");
        }
        assert!(!response.to_string().contains(CANARY), "{response:#}");
        assert_eq!(value(world, "/team-a/mine").await, before, "nothing is written for it");
    }
}

#[tokio::test]
async fn a_secret_under_another_key_is_not_lent_whatever_its_tags_say() {
    let world = world();
    let ssm = world.ssm(0, SOURCE).await;
    put_secure(&ssm, "/team-b/secret", CANARY, TEAM_KEY).await;
    put_secure(&ssm, "/team-a/mine", "own", DEFAULT_KEY).await;
    set_tags(&ssm, "/team-a/mine", &[(FROM, "/team-b/secret")]).await;
    let remedy = "set the tag `failover-replicator:lends-to=/team-a/mine` on /team-b/secret";
    refused(&world, &[], &["does not have the tag `failover-replicator:lends-to`", remedy]).await;
    set_tags(&ssm, "/team-b/secret", &[(LENDS_TO, "/team-a/other /team-c/")]).await;
    refused(&world, &[], &["does not name /team-a/mine", "add `/team-a/mine` to the tag"]).await;
    set_tags(&ssm, "/team-b/secret", &[(LENDS_TO, "/team-a/")]).await;
    refused(&world, &[], &["encrypted with alias/team-b", "encrypted with alias/aws/ssm"]).await;
    // The remedy that was given is tried: the borrower is written anew under the lender's key.
    put_secure(&ssm, "/team-a/mine", "own", TEAM_KEY).await;
    let hub = world.hub(&[]).await;
    assert_eq!(failures(&world.sweep(&hub).await), []);
    let replica = &world.seen(0, TARGET).await["/team-a/mine"];
    assert_eq!((replica.value.as_str(), replica.key.as_deref()), (CANARY, Some(TEAM_KEY)));
    assert_eq!(world.sweep(&hub).await["status"], "in_sync");
    // The lender's key changes, and then its type: the replica stays as it was.
    put_secure(&ssm, "/team-b/secret", "CanaryOfTeamBToo", DEFAULT_KEY).await;
    refused(&world, &[], &["encrypted with alias/aws/ssm", "encrypted with alias/team-b"]).await;
    assert_eq!(value(&world, "/team-a/mine").await.as_deref(), Some(CANARY));
}

#[tokio::test]
async fn a_lender_that_opted_out_is_filtered_or_is_a_replica_lends_nothing() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    put(&ssm, "/nocopy/x", CANARY).await;
    put(&ssm, "/team-a/mine", "own").await;
    set_tags(&ssm, "/team-a/mine", &[(FROM, "/nocopy/x")]).await;
    set_tags(&ssm, "/nocopy/x", &[(LENDS_TO, "/team-a/mine")]).await;
    for (opt_out, words) in [
        ("exclude", "the tag `failover-replicator` excludes from replication"),
        ("Remove", "the tag `failover-replicator` excludes from replication"),
        ("yes", "unknown value `yes` of the tag `failover-replicator`"),
    ] {
        set_tags(&ssm, "/nocopy/x", &[("failover-replicator", opt_out)]).await;
        refused(&world, &[], &[words, "/nocopy/x"]).await;
    }
    remove_tags(&ssm, "/nocopy/x", &["failover-replicator"]).await;
    let filters = ["name filters", "REPLICATOR_EXCLUDE_NAMES"];
    refused(&world, &[("EXCLUDE_NAMES", "/nocopy/*")], &filters).await;
    refused(&world, &[("INCLUDE_NAMES", "/team-a/*")], &filters).await;
    let mark = "monitored-by-parameter-store-replication-lambda";
    for (tag, text) in [("ReplicationStatus", mark), ("ReplicationSource", "region=us-west-2")] {
        set_tags(&ssm, "/nocopy/x", &[(tag, text)]).await;
        refused(&world, &[], &[&format!("the tag `{tag}` of a replica"), "/nocopy/x"]).await;
        remove_tags(&ssm, "/nocopy/x", &[tag]).await;
    }
    assert_eq!(value(&world, "/team-a/mine").await, None);
    let hub = world.hub(&[]).await;
    assert_eq!(failures(&world.sweep(&hub).await), []);
    assert_eq!(value(&world, "/team-a/mine").await.as_deref(), Some(CANARY));
    // Consent that ends is seen, and what was lent stays until the owner of the borrower decides.
    remove_tags(&ssm, "/nocopy/x", &[LENDS_TO]).await;
    refused(&world, &[], &["does not have the tag `failover-replicator:lends-to`"]).await;
    remove_tags(&ssm, "/team-a/mine", &[FROM]).await;
    world.sweep(&hub).await;
    assert_eq!(value(&world, "/team-a/mine").await.as_deref(), Some("own"));
}

#[tokio::test]
async fn plain_text_and_a_secret_never_lend_to_each_other_also_where_the_lenders_type_changes() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    put(&ssm, "/lender", "plain").await;
    set_tags(&ssm, "/lender", &[(LENDS_TO, "/team-a/")]).await;
    put(&ssm, "/team-a/mine", "own").await;
    set_tags(&ssm, "/team-a/mine", &[(FROM, "lender")]).await;
    put_secure(&ssm, "/team-a/secret", "own", DEFAULT_KEY).await;
    set_tags(&ssm, "/team-a/secret", &[(FROM, "/lender")]).await;
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(failures(&response), [("invalid".to_owned(), "/team-a/secret".to_owned())]);
    assert!(said(&response, "/team-a/secret").contains("is plain text"), "{response:#}");
    assert_eq!(value(&world, "/team-a/mine").await.as_deref(), Some("plain"));
    ssm.delete_parameter().name("/lender").send().await.expect("delete");
    put_secure(&ssm, "/lender", CANARY, DEFAULT_KEY).await;
    set_tags(&ssm, "/lender", &[(LENDS_TO, "/team-a/")]).await;
    refused(&world, &[], &["encrypted with alias/aws/ssm", "the replica is plain text"]).await;
    assert_eq!(value(&world, "/team-a/mine").await.as_deref(), Some("plain"));
    assert_eq!(value(&world, "/team-a/secret").await.as_deref(), Some(CANARY));
}

#[tokio::test]
async fn what_is_no_parameter_beside_the_source_is_refused_and_says_what_it_is() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    put(&ssm, "/team-a/mine", "own").await;
    put(&ssm, "/lender", CANARY).await;
    set_tags(&ssm, "/lender", &[(LENDS_TO, "/team-a/mine")]).await;
    set_tags(&ssm, "/team-a/mine", &[(LENDS_TO, "/team-a/mine")]).await;
    for (from, words) in [
        ("/team-a/mine", "is the source itself"),
        ("/lender:1", "selects a version or a label"),
        ("/lender:live", "selects a version or a label"),
        ("arn:aws:ssm:us-east-2:444455556666:parameter/lender", "contains an ARN"),
        ("arn:aws:ssm:us-east-1:111122223333:parameter/lender", "contains an ARN"),
        ("/aws/service/global-infrastructure/regions/us-east-1", "a public parameter of AWS"),
        ("/failover-replicator/settings", "the hub's own parameters"),
        ("team/lender", "a name with `/` that does not begin with `/`"),
        ("/missing", "us-east-2 has no such parameter"),
    ] {
        set_tags(&ssm, "/team-a/mine", &[(FROM, from)]).await;
        refused(&world, &[], &[words, FROM]).await;
    }
    assert_eq!(value(&world, "/team-a/mine").await, None);
    set_tags(&ssm, "/team-a/mine", &[(FROM, "/lender")]).await;
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    // The lender was replicated all the while.
    assert_eq!(response["totals"]["parameters"], json!({"created": 1, "in_sync": 1}));
    let replica = &world.seen(0, TARGET).await["/team-a/mine"];
    assert_eq!(replica.value, CANARY);
    assert_eq!(replica.tags[LENDS_TO], "/team-a/mine", "copied as any other tag");
}
