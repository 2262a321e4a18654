//! `hubctl` as a person runs it: commands, formats, exit codes, and what lands on which stream.

use std::collections::BTreeMap;

use aws_sdk_ssm::types::ParameterType;
use serde_json::json;

use crate::support::{Emulator, Seen, World, count, put, steps};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";

/// Every parameter of both Regions, and the names of the secrets in the target: what a plan must not move.
async fn state(world: &World) -> (Vec<BTreeMap<String, Seen>>, Vec<String>) {
    let mut parameters = Vec::new();
    for account in 0..world.accounts.len() {
        for region in [SOURCE, TARGET] {
            parameters.push(world.seen(account, region).await);
        }
    }
    let listed = world.secrets(0, TARGET).await.list_secrets().send().await.expect("a list");
    let names = listed.secret_list().iter().filter_map(|secret| secret.name.clone());
    (parameters, names.collect())
}

#[tokio::test]
async fn plan_shows_what_a_sweep_then_does_and_writes_nothing() {
    let world = World::new(1);
    for name in ["/same", "/changes", "/goes"] {
        world.put(0, SOURCE, name, "before").await;
    }
    let hubctl = world.hubctl();
    let first = hubctl.run(&["sweep", "--format", "json"]).await;
    first.ended(0);
    assert_eq!(count(&first.json(), "parameters", "created"), 3);

    world.put(0, SOURCE, "/changes", "after").await;
    world.put(0, SOURCE, "/comes", "new").await;
    world.ssm(0, SOURCE).await.delete_parameter().name("/goes").send().await.expect("delete");
    let secrets = world.secrets(0, SOURCE).await;
    secrets.create_secret().name("s").secret_string("x").send().await.expect("a secret");
    let before = state(&world).await;
    let plan = hubctl.run(&["plan", "--format", "json"]).await;
    plan.ended(3);
    assert_eq!(plan.json()["status"], "drift");
    let mut planned = steps(&plan.json());
    planned.sort();
    assert_eq!(
        planned,
        [
            "us-east-1 /changes update",
            "us-east-1 /comes create",
            "us-east-1 /goes delete",
            "us-east-1 s replicate"
        ]
    );
    let table = hubctl.run(&["plan"]).await;
    table.ended(3);
    for name in ["/changes", "/comes", "/goes"] {
        assert!(table.stdout.contains(name), "{table:#?}");
    }
    assert_eq!(state(&world).await, before, "a plan writes nothing");

    let sweep = hubctl.run(&["sweep", "--format", "json"]).await;
    sweep.ended(0);
    let done = json!({"in_sync": 1, "created": 1, "updated": 1, "deleted": 1});
    assert_eq!(sweep.json()["totals"]["parameters"], done);
    assert_eq!(sweep.json()["totals"]["secrets"], json!({"replicated": 1}));
    let last = hubctl.run(&["plan", "--format", "json"]).await;
    last.ended(0);
    assert_eq!((last.json()["status"].clone(), steps(&last.json())), (json!("in_sync"), vec![]));
}

#[tokio::test]
async fn results_are_on_stdout_and_nothing_else_is() {
    let world = World::new(2);
    world.put(0, SOURCE, "/taken", "x").await;
    world.put(0, TARGET, "/taken", "somebody else's").await;
    let hubctl = world.hubctl();
    for (arguments, log) in [
        (["sweep", "--format", "json"], "info"),
        (["plan", "--format", "json"], "trace"),
        (["invoke", "payloads/sync-all.json", "--format=json"], "debug"),
        (["invoke", "payloads/sync-all.json", "--format=table"], "off"),
    ] {
        let ran = hubctl.clone().with("RUST_LOG", log).run(&arguments).await;
        ran.ended(4);
        if arguments[2] == "--format=table" {
            assert!(ran.stdout.contains("conflict") && ran.stdout.contains("/taken"), "{ran:#?}");
            assert!(ran.stdout.contains("hubctl resolve /taken"), "the remedy too: {ran:#?}");
            assert_eq!(ran.stderr, "");
        } else {
            // A second document, or a line of a log, would be no JSON here.
            assert_eq!(ran.json()["status"], "failed");
            assert_eq!(ran.stdout.lines().count(), 1, "for a program");
        }
        // No terminal, so no bar, no colours, no cursor that moves.
        for stream in [&ran.stdout, &ran.stderr] {
            assert!(!stream.contains(['\u{1b}', '\r']), "{ran:#?}");
            assert!(!stream.contains("to go"), "{ran:#?}");
        }
    }
    world.put(0, SOURCE, "/new", "x").await;
    let ran = hubctl.clone().with("RUST_LOG", "info").run(&["sweep", "--format", "json"]).await;
    assert_eq!(count(&ran.json(), "parameters", "created"), 1);
    assert!(
        ran.stderr.contains("/new") && ran.stderr.contains("ssm:PutParameter"),
        "the log: {ran:#?}"
    );
}

#[tokio::test]
async fn the_exit_code_is_the_worst_that_happened() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    let names: Vec<String> = (0..6).map(|n| format!("/{n}")).collect();
    for name in &names {
        put(&ssm, name, "x").await;
    }
    let hubctl = world.hubctl();
    hubctl.run(&["plan"]).await.ended(3);
    hubctl.run(&["sweep"]).await.ended(0);
    hubctl.run(&["plan"]).await.ended(0);
    hubctl.run(&["sweep"]).await.ended(0);

    // A conflict is worse than drift, the brake worse than a conflict, and bad settings are worse than all.
    put(&ssm, "/taken", "x").await;
    world.put(0, TARGET, "/taken", "y").await;
    put(&ssm, "/comes", "x").await;
    hubctl.run(&["plan"]).await.ended(4);
    hubctl.run(&["sweep"]).await.ended(4);
    for name in &names {
        ssm.delete_parameter().name(name).send().await.expect("delete");
    }
    for command in ["plan", "sweep"] {
        let ran = hubctl.run(&[command, "--format", "json"]).await;
        ran.ended(5);
        assert!(ran.stdout.contains("too_many_deletes"), "{ran:#?}");
    }
    let left = world.seen(0, TARGET).await.len();
    assert_eq!(left, 3, "one of the six, with a tombstone, the new one and what is in the way");
    hubctl.clone().with("REPLICATOR_MAX_DELETES", "lots").run(&["sweep"]).await.ended(2);
    let account = world.account(0);
    let person = ["sweep", "--account", account, "--max-deletes", "100%", "--format", "json"];
    let ran = hubctl.run(&person).await;
    ran.ended(4);
    assert_eq!(count(&ran.json(), "parameters", "deleted"), 1, "{ran:#?}");

    let ignored = json!({"source": "aws.s3", "detail-type": "Object Created", "detail": {}});
    let ran = hubctl.fed(&["invoke", "-"], &ignored.to_string()).await;
    ran.ended(0);
    assert!(ran.json()["ignored"].is_string(), "{ran:#?}");
}

#[tokio::test]
async fn account_and_route_narrow_a_run() {
    let world = World::new(3);
    for account in 0..3 {
        for region in [SOURCE, "eu-west-1"] {
            world.put(account, region, "/a", "x").await;
        }
    }
    let routes = "us-east-2=us-east-1,us-west-2;eu-west-1=eu-central-1";
    let hubctl = world.hubctl().with("REPLICATOR_ROUTES", routes);
    // What was written where, from the plan of all: the rest of it is still to do.
    let left = async |account: &str| {
        let plan = hubctl.run(&["plan", "--account", account, "--format", "json"]).await.json();
        let mut regions: Vec<String> = steps(&plan)
            .iter()
            .filter_map(|step| step.split(' ').next().map(str::to_owned))
            .collect();
        regions.sort();
        regions
    };
    let (first, second, third) = (world.account(0), world.account(1), world.account(2));
    let run = ["sweep", "--route", "us-east-2=us-west-2", "--account", first, "--account", second];
    hubctl.run(&run).await.ended(0);
    for account in [first, second] {
        assert_eq!(left(account).await, ["eu-central-1", "us-east-1"], "{account}");
    }
    assert_eq!(left(third).await, ["eu-central-1", "us-east-1", "us-west-2"]);
    hubctl.run(&["sweep", "--account", second, "--route", "us-east-2"]).await.ended(0);
    assert_eq!(left(second).await, ["eu-central-1"]);
    // An account that the settings exclude stays excluded when it is named, unless the person says so too.
    let elsewhere = hubctl.clone().with("REPLICATOR_INCLUDE_ACCOUNTS", first);
    for command in ["sweep", "plan", "verify", "prune"] {
        let ran = elsewhere.run(&[command, "--account", first, "--account", third]).await;
        ran.ended(2);
        let named = format!("exclude {third} (REPLICATOR_INCLUDE_ACCOUNTS)");
        assert!(ran.stdout.is_empty() && ran.stderr.contains(&named), "{ran:#?}");
        assert!(ran.stderr.contains("--even-if-excluded"), "{ran:#?}");
    }
    assert_eq!(left(third).await.len(), 3, "nothing was done");
    elsewhere.run(&["sweep", "--account", third, "--even-if-excluded"]).await.ended(0);
    assert!(left(third).await.is_empty());
}

#[tokio::test]
async fn a_setting_may_stand_in_a_file_or_in_parameter_store() {
    let world = World::on(Emulator::alone(&[]), &["--accounts", "1", "--management"]);
    world.put(1, SOURCE, "/a", "x").await;
    let ssm = world.ssm(0, TARGET).await;
    let request = ssm.put_parameter().name("/hub/routes").value("us-east-2=us-west-2");
    request.r#type(ParameterType::SecureString).send().await.expect("the owner may write");
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("external-id");
    std::fs::write(&file, "test-external-id\n").expect("a file");
    let hubctl = world
        .hubctl()
        .with("REPLICATOR_ROUTES", "ssm:/hub/routes")
        .with("REPLICATOR_SPOKE_EXTERNAL_ID", &format!("file:{}", file.display()));
    let ran = hubctl.run(&["plan", "--account", world.account(1), "--format", "json"]).await;
    ran.ended(3);
    assert_eq!(steps(&ran.json()), ["us-west-2 /a create"]);
}
