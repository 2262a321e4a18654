//! The versions of a parameter: writers, selectors and history.

use std::time::Duration;

use serde_json::{Value, json};

use super::{ACCOUNT, REGION, world};
use crate::clock::format;
use crate::{AwsError, Doer, KeyState, Lag, RegionSide, Sessions, Sim};

const OWNER: &str = "arn:aws:iam::111122223333:user/owner";
const ROLE: &str = "arn:aws:sts::111122223333:assumed-role/spoke";
const SPOKE: &str = "arn:aws:sts::111122223333:assumed-role/spoke/hub-1";

fn region(sim: &Sim) -> RegionSide<'_> {
    sim.account(ACCOUNT).region(REGION)
}

/// Executes a call as the spoke role.
fn by_spoke(sim: &Sim, operation: &str, request: &Value) -> Result<Value, AwsError> {
    let doer = Doer { arn: SPOKE, at: sim.now(), lag: Lag::default() };
    sim.account(ACCOUNT).region(REGION).call_by(doer, operation, request)
}

fn spoke_puts(sim: &Sim, value: &str) {
    let put = json!({"Name": "/a", "Value": value, "Type": "String", "Overwrite": true});
    by_spoke(sim, "ssm:PutParameter", &put).expect("the put succeeds");
}

/// Version and writer of each row for `/a`.
fn writers(answer: &Value) -> Vec<(i64, String)> {
    let rows = answer["Parameters"].as_array().expect("rows");
    let writer = |row: &Value| row["LastModifiedUser"].as_str().expect("a writer").to_owned();
    rows.iter().map(|row| (row["Version"].as_i64().expect("a version"), writer(row))).collect()
}

fn list(sim: &Sim) -> Value {
    region(sim).call("ssm:DescribeParameters", &json!({})).expect("a list")
}

fn history(sim: &Sim) -> Result<Value, AwsError> {
    region(sim).call("ssm:GetParameterHistory", &json!({"Name": "/a"}))
}

fn rows(expected: &[(i64, &str)]) -> Vec<(i64, String)> {
    expected.iter().map(|(version, writer)| (*version, (*writer).to_owned())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_list_shows_the_last_writer_and_a_history_the_writer_of_each_version() {
    let (sim, _) = world(|_| ());
    spoke_puts(&sim, "1");
    assert_eq!(writers(&list(&sim)), rows(&[(1, SPOKE)]));
    region(&sim).put("/a", "2");
    assert_eq!(writers(&list(&sim)), rows(&[(2, OWNER)]));
    spoke_puts(&sim, "3");
    assert_eq!(writers(&list(&sim)), rows(&[(3, SPOKE)]));
    assert_eq!(writers(&history(&sim).unwrap()), rows(&[(1, SPOKE), (2, OWNER), (3, SPOKE)]));
}

#[tokio::test(start_paused = true)]
async fn the_settings_select_the_operations_that_show_a_session() {
    for (word, listed, kept) in [
        ("both", SPOKE, SPOKE),
        ("lists", SPOKE, ROLE),
        ("histories", ROLE, SPOKE),
        ("neither", ROLE, ROLE),
    ] {
        let sessions: Sessions = word.parse().unwrap();
        let (sim, _) = world(|settings| settings.sessions = sessions);
        region(&sim).put("/a", "1");
        spoke_puts(&sim, "2");
        assert_eq!(writers(&list(&sim)), rows(&[(2, listed)]), "{word}");
        // A user has no session name.
        assert_eq!(writers(&history(&sim).unwrap()), rows(&[(1, OWNER), (2, kept)]), "{word}");
        assert_eq!(region(&sim).parameters()["/a"].user, SPOKE, "{word}");
    }
    assert_eq!("both".parse(), Ok(Sessions::default()));
    assert!("none".parse::<Sessions>().unwrap_err().contains("both, lists, histories or neither"));
}

#[tokio::test(start_paused = true)]
async fn a_deletion_ends_the_history_and_a_create_starts_a_new_one() {
    let (sim, _) = world(|_| ());
    let end = format(sim.now() + 3_600_000);
    let policies =
        json!([{"Type": "Expiration", "Version": "1.0", "Attributes": {"Timestamp": end}}]);
    for expires in [false, true] {
        spoke_puts(&sim, "1");
        spoke_puts(&sim, "2");
        let label = json!({"Name": "/a", "Labels": ["live"]});
        by_spoke(&sim, "ssm:LabelParameterVersion", &label).unwrap();
        region(&sim).tag("/a", "team", "shop");
        if expires {
            let put = json!({"Name": "/a", "Value": "3", "Tier": "Advanced", "Overwrite": true,
                "Policies": policies.to_string()});
            by_spoke(&sim, "ssm:PutParameter", &put).unwrap();
            tokio::time::sleep(Duration::from_hours(1)).await;
        } else {
            region(&sim).delete("/a");
        }
        assert_eq!(history(&sim).unwrap_err().code, "ParameterNotFound");
        assert_eq!(writers(&list(&sim)), rows(&[]));
        tokio::time::sleep(Duration::from_secs(30)).await;
        region(&sim).put("/a", "recreated");
        assert_eq!(writers(&history(&sim).unwrap()), rows(&[(1, OWNER)]));
        assert_eq!(writers(&list(&sim)), rows(&[(1, OWNER)]));
        let recreated = region(&sim).parameters()["/a"].clone();
        assert!(recreated.tags.is_empty() && recreated.labels.is_empty(), "{recreated:?}");
        region(&sim).delete("/a");
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn tags_and_labels_change_neither_writer_nor_version_nor_date() {
    let (sim, _) = world(|_| ());
    region(&sim).put("/a", "1");
    region(&sim).put("/a", "2");
    let (listed, kept) = (list(&sim), history(&sim).unwrap());
    tokio::time::sleep(Duration::from_mins(1)).await;
    let tags = json!([{"Key": "k", "Value": "v"}]);
    for (operation, request) in [
        (
            "ssm:AddTagsToResource",
            json!({"ResourceType": "Parameter", "ResourceId": "/a", "Tags": tags}),
        ),
        (
            "ssm:RemoveTagsFromResource",
            json!({"ResourceType": "Parameter", "ResourceId": "/a", "TagKeys": ["k"]}),
        ),
        (
            "ssm:LabelParameterVersion",
            json!({"Name": "/a", "ParameterVersion": 1, "Labels": ["old"]}),
        ),
    ] {
        by_spoke(&sim, operation, &request).unwrap();
        assert_eq!(list(&sim), listed, "{operation}");
    }
    assert_eq!(history(&sim).unwrap()["Parameters"][0]["Labels"], json!(["old"]));
    let unlabel = json!({"Name": "/a", "ParameterVersion": 1, "Labels": ["old"]});
    by_spoke(&sim, "ssm:UnlabelParameterVersion", &unlabel).unwrap();
    assert_eq!((list(&sim), history(&sim).unwrap()), (listed, kept));
}

#[tokio::test(start_paused = true)]
async fn a_full_history_keeps_the_writers_while_the_oldest_version_is_dropped() {
    let (sim, _) = world(|_| ());
    for version in 1..=101 {
        if version % 2 == 0 {
            spoke_puts(&sim, "x");
        } else {
            region(&sim).put("/a", "x");
        }
    }
    let first = history(&sim).unwrap();
    let next = json!({"Name": "/a", "NextToken": first["NextToken"]});
    // The second page starts after the last row of the first page, although one more version is dropped between them.
    spoke_puts(&sim, "x");
    let second = region(&sim).call("ssm:GetParameterHistory", &next).unwrap();
    let mut seen = writers(&first);
    seen.extend(writers(&second));
    let writer = |version: i64| if version % 2 == 0 { SPOKE } else { OWNER };
    let expected: Vec<(i64, String)> =
        (2..=101).map(|version| (version, writer(version).to_owned())).collect();
    assert_eq!(seen, expected);
    assert!(second["NextToken"].is_string(), "version 102 is left");
}

/// Version and selector of each result, and the invalid names.
fn asked(sim: &Sim, names: &[&str], lag: Lag) -> (Vec<(i64, Option<String>)>, Value) {
    let doer = Doer { arn: OWNER, at: sim.now(), lag };
    let request = json!({ "Names": names });
    let answer = region(sim).call_by(doer, "ssm:GetParameters", &request).expect("an answer");
    let shown = answer["Parameters"].as_array().expect("a list").iter();
    let selector = |one: &Value| one["Selector"].as_str().map(str::to_owned);
    let shown = shown.map(|one| (one["Version"].as_i64().expect("a number"), selector(one)));
    (shown.collect(), answer["InvalidParameters"].clone())
}

#[tokio::test(start_paused = true)]
async fn one_call_can_request_several_versions_of_one_name() {
    let (sim, _) = world(|_| ());
    region(&sim).put("/b", "x");
    for _ in 0..11 {
        region(&sim).put("/a", "x");
    }
    let label = json!({"Name": "/a", "ParameterVersion": 9, "Labels": ["live"]});
    region(&sim).call("ssm:LabelParameterVersion", &label).unwrap();
    let arn = format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a:3");
    let names = ["/b:1", "/a:10", "/a", "/a:2", "/a:live", &arn];
    let own = |selector: &str| Some(selector.to_owned());
    let shown = vec![
        (2, own(":2")),
        (3, own(":3")),
        (9, own(":live")),
        (10, own(":10")),
        (11, None),
        (1, own(":1")),
    ];
    assert_eq!(asked(&sim, &names, Lag::default()), (shown, json!([])));
    let gone = ["/a:12", "/a:0", "/a:+2", "/a:other", "/c:1", "/a:1:1", "/a:"];
    assert_eq!(asked(&sim, &gone, Lag::default()), (vec![], json!(gone)));
    // A missing version does not affect the others.
    let mixed = ["/a:12", "/a:1"];
    assert_eq!(asked(&sim, &mixed, Lag::default()), (vec![(1, own(":1"))], json!(["/a:12"])));
}

#[tokio::test(start_paused = true)]
async fn a_lagging_read_sees_a_new_version_later() {
    let (sim, _) = world(|_| ());
    sim.set_lag(Lag { reads: Duration::from_secs(5), ..Lag::default() });
    let lag = Lag { reads: Duration::from_secs(2), ..Lag::default() };
    region(&sim).put("/a", "1");
    tokio::time::sleep(Duration::from_secs(5)).await;
    region(&sim).put("/a", "2");
    let names = ["/a", "/a:2", "/a:1"];
    let one = Some(":1".to_owned());
    let behind = (vec![(1, None), (1, one.clone())], json!(["/a:2"]));
    assert_eq!(asked(&sim, &names, lag), behind);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let caught_up = (vec![(1, one), (2, None), (2, Some(":2".to_owned()))], json!([]));
    assert_eq!(asked(&sim, &names, lag), caught_up);
}

#[tokio::test(start_paused = true)]
async fn a_version_is_decrypted_with_its_own_key_and_read_without_decryption_with_none() {
    let (sim, _) = world(|_| ());
    region(&sim).key("k1", KeyState::Enabled).key("k2", KeyState::Enabled);
    for key in ["k1", "k2"] {
        let put = json!({"Name": "/a", "Value": key, "Type": "SecureString", "KeyId": key,
            "Overwrite": true});
        region(&sim).put_parameter(&put);
    }
    region(&sim).key("k1", KeyState::Disabled);
    let get = |names: &[&str], decrypt: bool| {
        let request = json!({"Names": names, "WithDecryption": decrypt});
        region(&sim).call("ssm:GetParameters", &request)
    };
    let values = |answer: Value| {
        let shown = answer["Parameters"].as_array().expect("a list").clone();
        shown.into_iter().map(|one| one["Value"].as_str().unwrap_or_default().to_owned())
    };
    let sealed: Vec<String> = values(get(&["/a:1", "/a"], false).unwrap()).collect();
    assert!(sealed.iter().all(|value| value.starts_with("AQICAH")), "{sealed:?}");
    assert_ne!(sealed[0], sealed[1]);
    assert_eq!(values(get(&["/a"], true).unwrap()).collect::<Vec<_>>(), ["k2"]);
    assert_eq!(get(&["/a:1", "/a"], true).unwrap_err().code, "InvalidKeyId");
}

#[tokio::test(start_paused = true)]
async fn deletes_labels_and_tags_accept_only_a_name() {
    let (sim, _) = world(|_| ());
    region(&sim).put("/a", "x");
    let arn = format!("arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a");
    for named in [arn.as_str(), "/a:1"] {
        let code = |operation: &str, request: Value| {
            region(&sim).call(operation, &request).map_err(|error| error.code)
        };
        let not_found = Err("ParameterNotFound".to_owned());
        assert_eq!(code("ssm:DeleteParameter", json!({ "Name": named })), not_found);
        let labels = json!({"Name": named, "Labels": ["live"]});
        assert_eq!(code("ssm:LabelParameterVersion", labels), not_found);
        let many = code("ssm:DeleteParameters", json!({ "Names": [named] })).unwrap();
        assert_eq!(many, json!({"DeletedParameters": [], "InvalidParameters": [named]}));
        let resource = json!({"ResourceType": "Parameter", "ResourceId": named});
        let invalid = Err("InvalidResourceId".to_owned());
        assert_eq!(code("ssm:ListTagsForResource", resource), invalid);
    }
    assert!(region(&sim).parameters().contains_key("/a"));
}
