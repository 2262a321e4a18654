//! A value is nowhere but in the calls that carry it: in no output, log, response or error, in whatever spelling.

use aws_sdk_ssm::types::ParameterType;
use serde_json::json;

use crate::support::{Emulator, Fault, Microburst, World, count, failures};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";

/// A text that stands nowhere else, and every spelling of it that would give it away.
struct Canary {
    text: String,
    spellings: Vec<String>,
}

impl Canary {
    /// With lines, runs of spaces, quotes and letters of other alphabets, as keys and documents have them: what changes
    /// a text on its way to a message must not hide it from whoever takes it out there.
    fn new(name: &str) -> Self {
        let core = format!("Canary{name}Zq7w");
        let odd = "\"é\\\"";
        let text = format!("{core}1 \"x\"\n  {core}2\t{odd}{odd}{odd}  {core}3");
        let json = json!(odd.repeat(3)).to_string();
        let json = json.trim_matches('"').to_owned();
        let mut spellings = vec![core.clone(), odd.repeat(3), json.replace('é', "\\u00e9"), json];
        spellings.push(format!("{:?}", odd.repeat(3)).trim_matches('"').to_owned());
        // Three bytes are four letters of base64, so the core reads in one of three ways by where it begins.
        for before in 0..3 {
            let encoded = aws_smithy_types::base64::encode(format!("{}{core}", "-".repeat(before)));
            spellings.push(encoded[4..encoded.len() - 4].to_owned());
        }
        let hex: Vec<String> = core.bytes().map(|byte| format!("{byte:02x}")).collect();
        spellings.push(hex.concat());
        Self { text, spellings }
    }

    fn is_in(&self, text: &str) -> bool {
        self.spellings.iter().any(|spelling| text.contains(spelling.as_str()))
    }

    /// The text where commas part a list.
    fn as_list(&self) -> String {
        format!("a,{},b", self.text)
    }
}

#[test]
fn a_canary_is_found_in_every_spelling() {
    let canary = Canary::new("Self");
    let Canary { text, .. } = &canary;
    let encode = |text: &str| aws_smithy_types::base64::encode(text);
    for before in ["", "a", "ab", "abc"] {
        assert!(canary.is_in(&encode(&format!("{before}{text}"))), "{before}");
    }
    assert!(canary.is_in(&json!({"Value": text}).to_string()));
    assert!(
        canary.is_in(&format!("{:?}", Some(text)))
            && canary.is_in(&format!("{:?}", text.lines().next_back()))
    );
    assert!(canary.is_in(&text.split_whitespace().collect::<Vec<_>>().join(" ")));
    assert!(!canary.is_in(&Canary::new("Other").text.replace("\"é\\\"", "")));
}

/// One parameter of each type and one secret, all with the canary.
async fn plant(world: &World, canary: &Canary) {
    let ssm = world.ssm(0, SOURCE).await;
    for (name, value_type, value) in [
        ("/canary/text", ParameterType::String, canary.text.clone()),
        ("/canary/list", ParameterType::StringList, canary.as_list()),
        ("/canary/secure", ParameterType::SecureString, canary.text.clone()),
        ("/canary/refused", ParameterType::SecureString, canary.text.clone()),
    ] {
        let request = ssm.put_parameter().name(name).r#type(value_type).value(value);
        request.overwrite(true).send().await.expect("the owner may write");
    }
    let secrets = world.secrets(0, SOURCE).await;
    if secrets.describe_secret().secret_id("canary").send().await.is_ok() {
        let put = secrets.put_secret_value().secret_id("canary").secret_string(&canary.text);
        put.send().await.expect("the owner may write");
    } else {
        let create = secrets.create_secret().name("canary").secret_string(&canary.text);
        create.send().await.expect("the owner may write");
    }
}

#[tokio::test]
async fn no_value_is_in_what_hubctl_prints_whatever_is_logged() {
    let proxy = Microburst::before(&Emulator::shared().url);
    for (log, name) in [
        ("trace", "Trace"),
        ("debug,aws_smithy_runtime=trace,aws_sdk_ssm=trace,hyper=trace", "Smithy"),
    ] {
        let world = World::new(1);
        let [old, new] = [Canary::new(&format!("{name}Old")), Canary::new(&format!("{name}New"))];
        plant(&world, &old).await;
        let hubctl = world.hubctl().with("AWS_ENDPOINT_URL", &proxy.url).with("RUST_LOG", log);
        let untrusting = json!({"account": world.account(0), "trust": false,
            "detail": {"name": "all", "operation": "sync"}});
        let named = json!({"account": world.account(0),
            "detail": {"name": "/canary/secure", "operation": "update"}});
        let mut printed = String::new();
        let mut run = async |arguments: &[&str], stdin: &str| {
            let ran = hubctl.fed(arguments, stdin).await;
            printed.push_str(&ran.stdout);
            printed.push_str(&ran.stderr);
            ran
        };
        for canary in [&old, &new] {
            plant(&world, canary).await;
            proxy.rules(&json!([{"service": "ssm", "operation": "PutParameter", "times": 1,
                "body": "Name=='/canary/refused'",
                "error": {"code": "ValidationException",
                    "message": format!("{} will not do", canary.text)}}]));
            run(&["plan", "--format", "json"], "").await;
            run(&["invoke", "-"], &named.to_string()).await;
            let refused = run(&["sweep", "--format", "json"], "").await;
            let expected = ("invalid".to_owned(), "/canary/refused".to_owned());
            assert_eq!(failures(&refused.json()), [expected], "{:#}", refused.json());
            run(&["sweep"], "").await;
            run(&["invoke", "-", "--format", "table"], &untrusting.to_string()).await;
            let replicas = world.seen(0, TARGET).await;
            assert_eq!(replicas.len(), 4);
            // It would be seen if it were there: it is in what was replicated just now.
            assert!(replicas.values().all(|seen| canary.is_in(&seen.value)), "{replicas:#?}");
        }
        assert!(printed.contains("/canary/refused"), "names are told");
        assert!(
            printed.contains(" INFO ") && printed.contains("ssm:PutParameter"),
            "the log is on"
        );
        for canary in [old, new] {
            assert!(!canary.is_in(&printed), "{printed}");
        }
    }
}

#[tokio::test]
async fn a_message_that_quotes_the_value_is_told_without_it() {
    let canary = Canary::new("Quoted");
    let long = format!("{}{}", canary.text, "CanaryQuotedZq7w".repeat(200));
    for value in [canary.text.clone(), long] {
        let world = World::new(1);
        let ssm = world.ssm(0, SOURCE).await;
        for name in ["/refused", "/fine"] {
            let request =
                ssm.put_parameter().name(name).value(&value).r#type(ParameterType::String);
            request.send().await.expect("the owner may write");
        }
        let hub = world.hub(&[]).await;
        for message in [
            format!(
                "1 validation error detected: Value '{value}' at 'value' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]*"
            ),
            format!("Parameter value {value}, cannot be validated against allowedPattern: [a-z]*"),
            value.clone(),
            format!("Not valid: {value} and again {value}"),
        ] {
            let saying = message.clone();
            world.wire.take();
            world.wire.faults(move |call| {
                (call.action == "ssm:PutParameter" && call.request["Name"] == "/refused")
                    .then(|| Fault::RefusedSaying("ValidationException", saying.clone()))
            });
            for payload in [
                json!({"detail": {"name": "all", "operation": "sync"}}),
                json!({"account": world.account(0), "detail": {"name": "/refused", "operation": "sync"}}),
            ] {
                let response = world.ask(&hub, &payload).await;
                let expected = ("invalid".to_owned(), "/refused".to_owned());
                assert_eq!(failures(&response), [expected], "{response:#}");
                assert!(!canary.is_in(&response.to_string()), "{message}: {response:#}");
                let told = response["failures"][0]["message"].as_str().unwrap_or_default();
                assert!(told.contains("ssm:PutParameter"), "{told}");
            }
            // The wire had it, so this test would see it in the response.
            let calls = world.wire.take();
            let mut puts = calls.iter().filter(|call| call.action == "ssm:PutParameter");
            assert!(puts.any(|call| canary.is_in(&String::from_utf8_lossy(&call.bytes))));
        }
        // An update quotes as a create does.
        world.wire.faults(|_| None);
        assert_eq!(count(&world.sweep(&hub).await, "parameters", "created"), 1);
        let request =
            ssm.put_parameter().name("/refused").value(format!("{value}!")).overwrite(true);
        request.send().await.expect("the owner may write");
        world.wire.faults(move |call| {
            let value = call.request["Value"].as_str()?;
            let message = format!("{value} will not do");
            Some(Fault::RefusedSaying("ValidationException", message))
        });
        let response = world.sweep(&hub).await;
        assert_eq!(failures(&response).len(), 1, "{response:#}");
        assert!(!canary.is_in(&response.to_string()), "{response:#}");
    }
}
