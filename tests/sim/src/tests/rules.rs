//! Rules that depend on time: expiration, pauses, replication, lag. The conformance suite tests the errors of requests.

use std::time::Duration;

use serde_json::json;

use super::{ACCOUNT, OTHER, REGION, code, named, send, world};
use crate::clock::format;
use crate::service::Reply;
use crate::{EarlyCreate, KeyState, Lag};

#[tokio::test(start_paused = true)]
async fn an_expired_parameter_is_deleted_on_time_and_lagging_reads_still_see_it() {
    let (sim, keys) = world(|settings| settings.lag.reads = Duration::from_mins(1));
    let region = sim.account(ACCOUNT).region(REGION);
    let end = format(sim.now() + 3_600_000);
    let policies =
        json!([{"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": end}}]);
    region.put_parameter(&json!({"Name": "/a", "Value": "x", "Type": "String", "Tier": "Advanced", "Policies": policies.to_string()}));
    tokio::time::sleep(Duration::from_secs(3590)).await;
    assert!(region.parameters().contains_key("/a"));
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(region.parameters().is_empty());
    assert_eq!(code(&send(&sim, &keys, "AmazonSSM.GetParameter", &named("/a")).await), "ok");
    tokio::time::sleep(Duration::from_mins(1)).await;
    let late = send(&sim, &keys, "AmazonSSM.GetParameter", &named("/a")).await;
    assert_eq!(code(&late), "ParameterNotFound");
}

#[tokio::test(start_paused = true)]
async fn a_create_within_thirty_seconds_of_the_deletion_follows_the_setting() {
    for (early, at_once, seen) in [
        (EarlyCreate::Refused, "TooManyUpdates", "ParameterNotFound"),
        (EarlyCreate::Unseen, "ok", "ParameterNotFound"),
        (EarlyCreate::Allowed, "ok", "ok"),
    ] {
        let (sim, keys) = world(|settings| settings.early_create = early);
        let region = sim.account(ACCOUNT).region(REGION);
        region.put("/a", "old");
        region.delete("/a");
        let create = json!({"Name": "/a", "Value": "new", "Type": "String"});
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert_eq!(
            code(&send(&sim, &keys, "AmazonSSM.PutParameter", &create).await),
            at_once,
            "{early:?}"
        );
        let read = send(&sim, &keys, "AmazonSSM.GetParameter", &named("/a")).await;
        assert_eq!(code(&read), seen, "{early:?}");
        tokio::time::sleep(Duration::from_secs(1)).await;
        region.put("/a", "new");
        let read = send(&sim, &keys, "AmazonSSM.GetParameter", &named("/a")).await;
        assert_eq!(code(&read), "ok", "{early:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn lists_and_reads_have_separate_lags() {
    let (sim, keys) = world(|settings| {
        settings.lag = Lag {
            reads: Duration::from_secs(2),
            lists: Duration::from_secs(10),
            tagging: Duration::from_secs(30),
        };
    });
    let region = sim.account(ACCOUNT).region(REGION);
    region.put_parameter(&json!({"Name": "/a", "Value": "x", "Type": "String", "Tags": [{"Key": "k", "Value": "v"}]}));
    let tags = json!({"ResourceTypeFilters": ["ssm:parameter"]});
    let calls = [
        ("AmazonSSM.GetParameter", named("/a"), 2),
        ("AmazonSSM.DescribeParameters", json!({}), 10),
        ("ResourceGroupsTaggingAPI_20170126.GetResources", tags, 30),
    ];
    for second in 1..35 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for (target, input, from) in &calls {
            let shows =
                format!("{:?}", send(&sim, &keys, target, input).await).contains("parameter/a");
            assert_eq!(shows, second >= *from, "{target} after {second} s");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn replication_is_asynchronous_and_fails_for_a_bad_key_or_a_disabled_region() {
    let (sim, _) = world(|settings| settings.replication = Duration::from_secs(5));
    let account = sim.account(ACCOUNT);
    account.close_region("eu-west-1");
    let (source, target) = (account.region(REGION), account.region(OTHER));
    target.key("k", KeyState::Disabled).alias("alias/off", "k");
    source.create_secret("a", "1");
    source.create_secret("b", "1");
    let add = |id: &str, region: &str, key: Option<&str>| {
        let wanted = json!({"Region": region, "KmsKeyId": key});
        source.call(
            "secretsmanager:ReplicateSecretToRegions",
            &json!({"SecretId": id, "AddReplicaRegions": [wanted]}),
        )
    };
    let answer = add("a", OTHER, None).unwrap();
    assert_eq!(answer["ReplicationStatus"][0]["Status"], "InProgress");
    add("b", OTHER, Some("alias/off")).unwrap();
    add("a", "eu-west-1", None).unwrap();
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert!(target.secrets().is_empty());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let replica = target.secrets()["a"].clone();
    assert_eq!((replica.primary.as_deref(), replica.value.as_deref()), (Some(REGION), Some("1")));
    let primaries = source.secrets();
    assert_eq!(primaries["a"].replicas[OTHER], ("InSync".to_owned(), None));
    assert_eq!(primaries["a"].replicas["eu-west-1"].0, "Failed");
    let (status, message) = &primaries["b"].replicas[OTHER];
    assert!(status == "Failed" && message.as_ref().unwrap().ends_with("is disabled."));
    // A failed replica may be requested again, an existing replica may not.
    target.key("k", KeyState::Enabled);
    assert!(add("b", OTHER, Some("alias/off")).is_ok());
    assert_eq!(add("a", OTHER, None).unwrap_err().code, "InvalidParameterException");
}

#[tokio::test(start_paused = true)]
async fn one_bad_key_fails_a_batch_only_with_decryption() {
    let (sim, keys) = world(|_| ());
    let region = sim.account(ACCOUNT).region(REGION);
    region.key("k", KeyState::Enabled);
    region.put("/plain", "x");
    region.put_parameter(
        &json!({"Name": "/secret", "Value": "x", "Type": "SecureString", "KeyId": "k"}),
    );
    for state in [KeyState::Disabled, KeyState::PendingDeletion, KeyState::Denied] {
        region.key("k", state);
        let batch =
            |decrypt: bool| json!({"Names": ["/plain", "/secret"], "WithDecryption": decrypt});
        let refused = send(&sim, &keys, "AmazonSSM.GetParameters", &batch(true)).await;
        assert_eq!(code(&refused), "InvalidKeyId", "{state:?}");
        let shown = send(&sim, &keys, "AmazonSSM.GetParameters", &batch(false)).await;
        assert!(code(&shown) == "ok" && format!("{shown:?}").contains("AQICAH"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_is_described_by_any_of_its_names_in_its_own_region_only() {
    let (sim, keys) = world(|_| ());
    let region = sim.account(ACCOUNT).region(REGION);
    region.key("k1", KeyState::Enabled).key("k2", KeyState::Disabled);
    region.key("k3", KeyState::PendingDeletion).key("mrk-4", KeyState::Denied);
    region.alias("alias/app", "k1");
    let describe = async |named: &str| {
        let key = json!({ "KeyId": named });
        let reply = send(&sim, &keys, "TrentService.DescribeKey", &key).await;
        if code(&reply) != "ok" {
            return Err(code(&reply));
        }
        let Reply::Answer(answer) = reply else { panic!("an answer") };
        let answer: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        Ok(answer["KeyMetadata"].clone())
    };
    let own = format!("arn:aws:kms:{REGION}:{ACCOUNT}:");
    for named in ["k1", "alias/app", &format!("{own}key/k1"), &format!("{own}alias/app")] {
        let key = describe(named).await.unwrap();
        assert_eq!(key["Arn"], format!("{own}key/k1"), "{named}");
        assert_eq!((&key["KeyState"], &key["Enabled"]), (&json!("Enabled"), &json!(true)));
        assert_eq!((&key["KeyManager"], &key["MultiRegion"]), (&json!("CUSTOMER"), &json!(false)));
    }
    for (named, state, enabled) in [
        ("k2", "Disabled", false),
        ("k3", "PendingDeletion", false),
        // DescribeKey does not show that a policy denies the use of a key.
        ("mrk-4", "Enabled", true),
        ("alias/aws/ssm", "Enabled", true),
    ] {
        let key = describe(named).await.unwrap();
        assert_eq!(
            (&key["KeyState"], &key["Enabled"]),
            (&json!(state), &json!(enabled)),
            "{named}"
        );
    }
    assert_eq!(describe("mrk-4").await.unwrap()["MultiRegion"], true);
    assert_eq!(describe("alias/aws/ssm").await.unwrap()["KeyManager"], "AWS");
    for elsewhere in ["k9", "alias/none", &format!("arn:aws:kms:{OTHER}:{ACCOUNT}:key/k1")] {
        assert_eq!(describe(elsewhere).await.unwrap_err(), "NotFoundException", "{elsewhere}");
    }
}
