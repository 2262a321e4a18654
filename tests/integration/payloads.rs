//! The payload files that come with the project, each through `hubctl invoke`.

use serde_json::{Value, json};

use crate::support::{Emulator, World, count, put, steps};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";

/// A payload of the project's, with the test's account where it names one.
fn payload(file: &str, account: &str) -> Value {
    let path = format!("{}/payloads/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the payload");
    serde_json::from_str(&text.replace("111122223333", account)).expect("JSON")
}

#[tokio::test]
async fn every_payload_file_does_what_its_name_says() {
    // An emulator of its own: these payloads reach the hub's own account, which all tests of the shared one have.
    let world = World::on(Emulator::alone(&[]), &["--accounts", "2", "--management"]);
    let (hubs_own, named, other) = (0, 1, 2);
    let hubctl = world.hubctl().with("REPLICATOR_TABLE", "failover-replicator");
    let invoke = async |file: &str, code: i32| {
        let mut payload = payload(file, world.account(named));
        if file == "freeze.json" {
            // Without the wait of 24 seconds, which other tests measure.
            payload["failover"]["wait"] = false.into();
        }
        let text = payload.to_string();
        let ran = hubctl.fed(&["invoke", "-"], &text).await;
        ran.ended(code);
        ran.json()
    };
    let replica = async |account: usize| {
        world.seen(account, TARGET).await.get("/shop/db/host").map(|seen| seen.value.clone())
    };
    for account in 0..3 {
        world.put(account, SOURCE, "/shop/db/host", "one").await;
        world.put(account, SOURCE, "/other", "one").await;
    }
    let secrets = world.secrets(named, SOURCE).await;
    for name in ["shop/db", "shop/other"] {
        secrets.create_secret().name(name).secret_string("x").send().await.expect("a secret");
    }
    let has_secret = async |name: &str| {
        let target = world.secrets(named, TARGET).await;
        target.describe_secret().secret_id(name).send().await.is_ok()
    };

    let mut files: Vec<String> = std::fs::read_dir("payloads")
        .expect("the payloads")
        .map(|file| file.expect("a file").file_name().into_string().expect("text"))
        .filter(|name| name != "events")
        .collect();
    // In an order in which each still has something to do.
    let order = [
        "freeze.json",
        "thaw.json",
        "sync-create.json",
        "sync-update.json",
        "sync-delete.json",
        "sync-secret.json",
        "plan-account.json",
        "sync-account.json",
        "sync-all.json",
        "list-accounts.json",
        "status.json",
    ];
    files.sort_by_key(|file| order.iter().position(|known| known == file));
    assert_eq!(files, order, "a new payload is tested here");

    // The table is new, so its first record has the serial 1.
    let frozen = invoke("freeze.json", 0).await;
    assert_eq!((&frozen["state"], &frozen["serial"]), (&json!("frozen"), &json!(1)));
    let active = invoke("thaw.json", 0).await;
    assert_eq!((&active["state"], &active["serial"]), (&json!("active"), &json!(2)));
    let created = invoke("sync-create.json", 0).await;
    assert_eq!(created["totals"]["parameters"], json!({"created": 1}));
    assert_eq!(replica(named).await.as_deref(), Some("one"));
    assert_eq!((replica(hubs_own).await, replica(other).await), (None, None));
    let hubs = invoke("sync-update.json", 0).await;
    assert_eq!(hubs["totals"]["parameters"], json!({"created": 1}));
    assert_eq!(replica(hubs_own).await.as_deref(), Some("one"), "without `account`, the hub's own");
    world.put(hubs_own, SOURCE, "/shop/db/host", "two").await;
    let updated = invoke("sync-update.json", 0).await;
    assert_eq!(updated["totals"]["parameters"], json!({"updated": 1}));
    assert_eq!(replica(hubs_own).await.as_deref(), Some("two"));
    let ssm = world.ssm(hubs_own, SOURCE).await;
    let kept = invoke("sync-delete.json", 0).await;
    assert_eq!(kept["totals"]["parameters"], json!({"in_sync": 1}), "its source is there");
    ssm.delete_parameter().name("/shop/db/host").send().await.expect("delete");
    let deleted = invoke("sync-delete.json", 0).await;
    assert_eq!(deleted["totals"]["parameters"], json!({"deleted": 1}));
    assert_eq!(replica(hubs_own).await, None);
    put(&ssm, "/shop/db/host", "three").await;

    let secret = invoke("sync-secret.json", 0).await;
    assert_eq!(secret["totals"]["secrets"], json!({"replicated": 1}));
    assert!(has_secret("shop/db").await && !has_secret("shop/other").await);
    let plan = invoke("plan-account.json", 3).await;
    assert_eq!(steps(&plan).len(), 2, "a parameter and a secret: {plan:#}");
    let account = invoke("sync-account.json", 0).await;
    assert_eq!(account["totals"]["accounts"], json!({"changed": 1}));
    assert_eq!((replica(named).await.as_deref(), replica(other).await), (Some("one"), None));
    let all = invoke("sync-all.json", 0).await;
    assert_eq!(all["totals"]["accounts"], json!({"in_sync": 1, "changed": 2}), "{all:#}");
    assert_eq!(replica(other).await.as_deref(), Some("one"));
    assert_eq!(replica(hubs_own).await.as_deref(), Some("three"));
    let status = invoke("status.json", 0).await;
    let route = &status["routes"][0];
    assert_eq!((&route["state"], &route["last_sweep"]["in_sync"]), (&json!("active"), &json!(3)));
}

#[tokio::test]
async fn a_batch_of_listed_accounts_is_part_of_a_payload() {
    let world = World::new(3);
    world.put(1, SOURCE, "/a", "x").await;
    let hubctl = world.hubctl();
    let mut list = payload("list-accounts.json", "");
    let whole = hubctl.fed(&["invoke", "-"], &list.to_string()).await;
    whole.ended(0);
    assert_eq!(whole.json()["batches"].as_array().map(Vec::len), Some(1), "25 in each: {whole:#?}");
    list["batch"] = 2.into();
    let answer = hubctl.fed(&["invoke", "-"], &list.to_string()).await.json();
    assert!(answer["next"].is_null(), "{answer:#}");
    let mut listed = Vec::new();
    let mut created = 0;
    for batch in answer["batches"].as_array().expect("batches") {
        listed.extend(batch["accounts"].as_array().expect("accounts").clone());
        // As the state machine does it: what is to be done, and one batch beside it.
        let mut sync = batch.clone();
        sync["detail"] = json!({"name": "all", "operation": "sync"});
        let ran = hubctl.fed(&["invoke", "-"], &sync.to_string()).await;
        ran.ended(0);
        created += count(&ran.json(), "parameters", "created");
    }
    let ids: Vec<&str> = listed.iter().filter_map(Value::as_str).collect();
    let mut expected: Vec<&str> = world.accounts.iter().map(String::as_str).collect();
    expected.sort_by_key(|account| ids.iter().position(|id| id == account));
    assert_eq!((ids, created), (expected, 1));
}
