//! Kind: the remedy that a failure gives. Each is followed as it is written, and the next sweep reports nothing of it.
//!
//! Neighbours: failures of items, of accounts and of the hub itself; remedies that are a command of `hubctl`, which is run
//! as it stands in the text. The conflicts' are in `conflict_reports`, the secrets' in `secrets`.

use std::collections::BTreeMap;

use aws_sdk_ssm::types::ParameterType;
use serde_json::{Value, json};

use crate::support::{
    Emulator, Fault, Hubctl, MANAGEMENT, Ran, SOURCE, TARGET, World, count, delete, put,
    put_secure, set_tags, told,
};

const TAG: &str = "failover-replicator";

/// The remedy of each item's failure, by the item's name.
fn remedies(response: &Value) -> BTreeMap<String, String> {
    let list = response["failures"].as_array().expect("failures");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    list.iter().map(|failure| (text(&failure["name"]), text(&failure["remedy"]))).collect()
}

/// The command of `hubctl` in a remedy, run as it is written.
async fn followed(hubctl: &Hubctl, remedy: &str) -> Ran {
    let command = remedy.split('`').find(|part| part.starts_with("hubctl "));
    let command = command.unwrap_or_else(|| panic!("no command in: {remedy}"));
    let arguments: Vec<&str> = command.split_whitespace().skip(1).collect();
    hubctl.run(&arguments).await
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_a_source_or_its_key_is_mended_as_its_remedy_says() {
    let world = World::furnished(&["--regions", SOURCE, "--alias", "alias/app"]);
    let source = world.ssm(0, SOURCE).await;
    put_secure(&source, "/r/key", "canary 1", "alias/app").await;
    let own = world.kms(0, SOURCE, "CreateKey", &json!({})).await;
    let own = own["KeyMetadata"]["Arn"].as_str().expect("an ARN").to_owned();
    put_secure(&source, "/r/key-by-arn", "canary 1", &own).await;
    for name in ["/r/lender", "/r/lent", "/r/tag"] {
        put(&source, name, "canary 1").await;
    }
    set_tags(&source, "/r/tag", &[(TAG, "perhaps")]).await;
    set_tags(&source, "/r/lent", &[("failover-replicator:value-from", "/r/lender")]).await;
    let image = source.put_parameter().name("/r/image").value("ami-0123456789abcdef0");
    let image = image.r#type(ParameterType::String).data_type("aws:ec2:image");
    image.send().await.expect("the owner may write");

    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    let expected = [
        ("/r/image", SOURCE, "unsupported"),
        ("/r/key", TARGET, "missing_key"),
        ("/r/key-by-arn", SOURCE, "missing_key"),
        ("/r/lent", SOURCE, "invalid"),
        ("/r/tag", SOURCE, "invalid"),
    ];
    let mut seen = told(&response);
    seen.sort();
    assert_eq!(
        seen,
        expected.map(|(name, region, kind)| format!("parameter {name} {region} {kind}"))
    );
    let remedies = remedies(&response);
    let says =
        |name: &str, words: &str| assert!(remedies[name].contains(words), "{}", remedies[name]);

    says("/r/key", "create the alias alias/app for a key in us-east-1");
    world.emulator.aside(&["key", world.account(0), TARGET, "alias/app"]);
    says("/r/tag", "set the tag `failover-replicator` to");
    set_tags(&source, "/r/tag", &[(TAG, "exclude")]).await;
    says("/r/image", "failover-replicator:value/us-east-1");
    set_tags(&source, "/r/image", &[("failover-replicator:value/us-east-1", "ami-1")]).await;
    says("/r/lent", "lends-to");
    set_tags(&source, "/r/lender", &[("failover-replicator:lends-to", "/r/lent")]).await;
    // The entry stands in the remedy, but for the name of the key.
    says("/r/key-by-arn", "REPLICATOR_KMS_KEYS");
    let entry = remedies["/r/key-by-arn"].split('`').find(|part| part.starts_with('"'));
    let entry = entry.map(|entry| format!("{{{entry}}}")).expect("an entry");
    let entry = entry.replace("alias/NAME", "alias/app");

    let hub = world.hub(&[("KMS_KEYS", &entry)]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), [""; 0], "{response:#}");
    assert_eq!(count(&response, "parameters", "created"), 4, "{response:#}");
    assert_eq!(count(&response, "parameters", "excluded"), 1, "{response:#}");
}

#[tokio::test(start_paused = true)]
async fn what_aws_refuses_for_a_while_needs_nothing_and_what_policies_refuse_is_named() {
    let world = World::new(1);
    let source = world.ssm(0, SOURCE).await;
    let refusals = [
        ("/r/denied", "AccessDeniedException", "access_denied", "ssm:PutParameter"),
        ("/r/full", "ParameterLimitExceeded", "limit", "ask AWS to raise the limit"),
        ("/r/ill", "InternalServerError", "unavailable", "the next sweep tries again"),
        ("/r/policy", "TagPolicyException", "tag_policy", "tag policy"),
        ("/r/slow", "ThrottlingException", "throttled", "the next sweep tries again"),
    ];
    for (name, ..) in refusals {
        put(&source, name, "canary 1").await;
    }
    let hub = world.hub(&[]).await;
    world.wire.faults(move |call| {
        let is_put = call.action == "ssm:PutParameter" && call.region == TARGET;
        let refusal = refusals.iter().find(|(name, ..)| is_put && call.request["Name"] == *name);
        refusal.map(|(_, code, ..)| Fault::Refused(code))
    });
    let response = world.sweep(&hub).await;
    let mut seen = told(&response);
    seen.sort();
    assert_eq!(
        seen,
        refusals.map(|(name, _, kind, _)| format!("parameter {name} {TARGET} {kind}"))
    );
    for failure in response["failures"].as_array().expect("failures") {
        let (.., words) = refusals.iter().find(|(name, ..)| failure["name"] == *name).expect("one");
        let text = format!("{} {}", failure["message"], failure["remedy"]);
        assert!(text.contains(words), "{words} in {failure:#}");
    }
    world.wire.faults(|_| None);
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), [""; 0], "{response:#}");
    assert_eq!(count(&response, "parameters", "created"), 5, "{response:#}");
}

#[tokio::test(start_paused = true)]
async fn the_commands_of_conflicts_and_of_held_deletes_are_run_as_they_are_written() {
    let world = World::new(1);
    let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
    for number in 1..=6 {
        put(&source, &format!("/r/{number}"), "canary 1").await;
    }
    let hub = world.hub(&[]).await;
    world.sweep(&hub).await;
    put(&target, "/r/1", "canary 2").await;
    put(&source, "/r/theirs", "canary 1").await;
    put(&target, "/r/theirs", "canary 2").await;
    let remedies_of_conflicts = remedies(&world.sweep(&hub).await);
    let hubctl = world.hubctl();
    for name in ["/r/1", "/r/theirs"] {
        let remedy =
            remedies_of_conflicts[name].replace("`hubctl resolve", "`hubctl resolve --yes");
        followed(&hubctl, &remedy).await.ended(0);
    }
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), [""; 0], "{response:#}");

    delete(&source, &["/r/1", "/r/2", "/r/3", "/r/4", "/r/5", "/r/6", "/r/theirs"]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(count(&response, "parameters", "held"), 7, "{response:#}");
    let remedy = remedies(&response).remove("/r/1").expect("its remedy");
    followed(&hubctl, &remedy).await.ended(0);
    assert_eq!(told(&world.sweep(&hub).await), [""; 0]);
    assert!(world.seen(0, TARGET).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_refused_role_says_which_account_it_is_what_it_lacks_and_who_refuses() {
    let emulator = Emulator::alone(&[]);
    let mut world = World::on(emulator, &["--accounts", "1", "--without-role"]);
    world.accounts.insert(0, MANAGEMENT.to_owned());
    let hub = world.hub(&[]).await;
    let response = world.sweep(&hub).await;
    assert_eq!(told(&response), ["account - - no_spoke_role"; 2], "{response:#}");
    for (account, words) in [
        (0, "deploy the spoke stack into the organisation's management account separately"),
        (1, "check that the account belongs to the organisation, that the spoke stack is deployed"),
    ] {
        let list = response["failures"].as_array().expect("failures");
        let failure = list.iter().find(|failure| failure["account"] == world.account(account));
        let remedy = failure.expect("its failure")["remedy"].as_str().expect("a remedy");
        assert!(remedy.contains(words) && remedy.contains("SPOKE_EXTERNAL_ID"), "{remedy}");
    }
    for account in &world.accounts {
        emulator.aside(&["role", account, "failover-replicator-spoke"]);
    }
    assert_eq!(told(&world.sweep(&hub).await), [""; 0]);

    let stranger = world.hub(&[("SPOKE_EXTERNAL_ID", "another-id")]).await;
    let response = world.sweep(&stranger).await;
    assert_eq!(told(&response), ["account - - no_spoke_role"; 2], "{response:#}");
    for (reason, words) in [
        (
            "because no identity-based policy allows the sts:AssumeRole action",
            "allow sts:AssumeRole on",
        ),
        (
            "with an explicit deny in a service control policy",
            "the control policy that the message names",
        ),
    ] {
        let hub = world.hub(&[]).await;
        let message = format!("User: x is not authorized to perform: sts:AssumeRole {reason}");
        world.wire.faults(move |call| {
            let is_role = call.action == "sts:AssumeRole";
            is_role.then(|| Fault::RefusedSaying("AccessDenied", message.clone()))
        });
        let response = world.sweep(&hub).await;
        assert_eq!(told(&response), ["account - - access_denied"; 2], "{response:#}");
        let remedy = response["failures"][0]["remedy"].as_str().expect("a remedy");
        assert!(remedy.contains(words), "{remedy}");
    }
}

#[tokio::test]
async fn a_setting_that_names_a_parameter_that_is_not_there_says_how_to_write_it() {
    let world = World::new(1);
    world.put(0, SOURCE, "/r/a", "canary 1").await;
    let name = format!("/r/{}/external-id", world.account(0));
    let hubctl = world.hubctl().with("REPLICATOR_SPOKE_EXTERNAL_ID", &format!("ssm:{name}"));
    let ran = hubctl.run(&["sweep", "--format", "json"]).await;
    ran.ended(4);
    let command =
        format!("aws ssm put-parameter --region us-east-1 --name {name} --type SecureString");
    assert!(ran.stderr.contains(&command), "{}", ran.stderr);
    let own = aws_sdk_ssm::Client::new(&world.management_config("us-east-1"));
    put_secure(&own, &name, crate::support::EXTERNAL_ID, "alias/aws/ssm").await;
    hubctl.run(&["sweep", "--format", "json"]).await.ended(0);
}
