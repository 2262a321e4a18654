//! Credentials, quotas and faults: what the caller sees, and what the simulator records.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{ACCOUNT, OTHER, REGION, code, named, send, send_form, world};
use crate::service::Reply;
use crate::{Effect, Fault, Lag, Quota, Settings, Sim, server};

const GET: &str = "AmazonSSM.GetParameter";

#[tokio::test(start_paused = true)]
async fn a_quota_allows_a_burst_and_then_the_sustained_rate() {
    let (sim, keys) = world(|settings| settings.latency = Duration::ZERO);
    sim.account(ACCOUNT).region(REGION).put("/a", "x");
    sim.set_quota(ACCOUNT, REGION, "ssm.get", Quota { rate: 2.0, burst: 4.0 });
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(code(&send(&sim, &keys, GET, &named("/a")).await));
    }
    assert_eq!(codes[..4], ["ok"; 4]);
    assert_eq!(codes[4..], ["ThrottlingException"; 2]);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(code(&send(&sim, &keys, GET, &named("/a")).await), "ok");
    let count = sim.count("ssm:GetParameter", ACCOUNT, REGION);
    assert_eq!((count.calls, count.done, count.throttled), (7, 5, 2));
    assert_eq!(sim.metered(ACCOUNT, REGION, "ssm.get").most_within(100), 6);
}

#[tokio::test(start_paused = true)]
async fn every_fault_has_its_effect_and_executes_the_call_only_where_documented() {
    let put = json!({"Name": "/a", "Value": "x", "Type": "String"});
    for (effect, after, seen, done) in [
        (Effect::Throttle, false, "ThrottlingException", false),
        (Effect::ServerError, false, "InternalServerError", false),
        (Effect::ServerError, true, "InternalServerError", true),
        (Effect::AccessDenied, false, "AccessDeniedException", false),
        (Effect::ExpiredToken, false, "ExpiredTokenException", false),
        (Effect::Refused("InvalidKeyId"), false, "InvalidKeyId", false),
        (Effect::Reset, false, "Lost", false),
        (Effect::Reset, true, "Lost", true),
        (Effect::TimeOut, false, "Never", false),
        (Effect::TimeOut, true, "Never", true),
        (Effect::MalformedBody, false, "ok", true),
    ] {
        let (sim, keys) = world(|_| ());
        let fault =
            Fault::new(effect).operation("ssm:PutParameter").account(ACCOUNT).region(REGION);
        let fault = sim.fault(if after { fault.after_execution() } else { fault });
        let reply = send(&sim, &keys, "AmazonSSM.PutParameter", &put).await;
        assert_eq!(code(&reply), seen, "{effect:?}");
        assert_eq!(sim.hits(fault), 1);
        let there = sim.account(ACCOUNT).region(REGION).parameters().contains_key("/a");
        assert_eq!(there, done, "{effect:?}, after execution: {after}");
        assert_eq!(sim.writes().len(), usize::from(done));
        if effect == Effect::MalformedBody {
            let Reply::Answer(answer) = reply else { panic!("an answer") };
            assert!(serde_json::from_str::<Value>(&answer.body).is_err());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn credentials_identify_the_account_and_expire() {
    let (sim, _) = world(|_| ());
    let root = "arn:aws:iam::123456789012:root";
    sim.account(ACCOUNT).role("spoke", &[root], Some("id"));
    sim.account("444455556666").role("spoke", &[root], None);
    let hub = sim.hub_keys("hub");
    let assume = |account: &str, id: &str| {
        format!(
            "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A{account}%3Arole%2Fspoke&RoleSessionName=test&ExternalId={id}"
        )
    };
    let ask = async |form: String| {
        let reply = send_form(&sim, &hub, "sts", &form).await;
        let Reply::Answer(answer) = reply else { panic!("an answer") };
        answer.body
    };
    assert!(ask(assume(ACCOUNT, "other")).await.contains("<Code>AccessDenied</Code>"));
    assert!(ask(assume("999999999999", "id")).await.contains("<Code>AccessDenied</Code>"));
    let given = ask(assume(ACCOUNT, "id")).await;
    let field = |name: &str| {
        let rest = given.split_once(&format!("<{name}>")).unwrap().1;
        rest.split_once('<').unwrap().0.to_owned()
    };
    let mut keys = crate::Keys {
        access_key_id: field("AccessKeyId"),
        secret_access_key: field("SecretAccessKey"),
        session_token: Some(field("SessionToken")),
    };
    let put = json!({"Name": "/a", "Value": "x", "Type": "String"});
    assert_eq!(code(&send(&sim, &keys, "AmazonSSM.PutParameter", &put).await), "ok");
    let written = sim.account(ACCOUNT).region(REGION).parameters()["/a"].clone();
    assert_eq!(written.user, format!("arn:aws:sts::{ACCOUNT}:assumed-role/spoke/test"));
    assert!(sim.account("444455556666").region(REGION).parameters().is_empty());
    tokio::time::sleep(Duration::from_secs(3601)).await;
    assert_eq!(code(&send(&sim, &keys, GET, &named("/a")).await), "ExpiredTokenException");
    keys.session_token = None;
    assert_eq!(code(&send(&sim, &keys, GET, &named("/a")).await), "UnrecognizedClientException");
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_gives_the_same_answers_and_another_seed_different_ones() {
    let run = async |seed: u64| {
        let (sim, keys) = world(|settings| settings.seed = seed);
        sim.fault(Fault::new(Effect::Reset).per_mille(500));
        let region = sim.account(ACCOUNT).region(REGION);
        region.put("/a", "x");
        region.create_secret("s", "x");
        let mut seen = vec![keys.access_key_id.clone(), region.secrets()["s"].arn.clone()];
        for _ in 0..50 {
            seen.push(format!("{:?}", send(&sim, &keys, GET, &named("/a")).await));
        }
        seen
    };
    let first = run(7).await;
    assert_eq!(first, run(7).await);
    assert_ne!(first, run(8).await);
}

#[tokio::test(start_paused = true)]
async fn the_owner_sees_no_lag() {
    let (sim, _) = world(|settings| settings.lag.lists = Duration::from_mins(1));
    sim.set_lag(Lag { reads: Duration::from_mins(1), ..Lag::default() });
    let region = sim.account(ACCOUNT).region(OTHER);
    region.put("/a", "x");
    assert!(region.call("ssm:GetParameter", &named("/a")).is_ok());
}

#[tokio::test]
async fn the_socket_serves_the_same_answers() {
    let sim = Sim::new(Settings { signatures: false, ..Settings::default() });
    let keys = sim.account(ACCOUNT).keys();
    let (address, serve) = server::listen(sim.clone(), 0).await.unwrap();
    let server = tokio::spawn(serve);
    let body = json!({"Name": "/a", "Value": "x", "Type": "String"}).to_string();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: AmazonSSM.PutParameter\r\nAuthorization: Credential={}/d/{REGION}/ssm/aws4_request\r\nContent-Length: {}\r\n\r\n{body}",
        keys.access_key_id,
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // Two requests on one connection.
    for expected in ["\"Version\":1", "ParameterAlreadyExists"] {
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = vec![0; 4096];
        let mut text = String::new();
        while !text.contains('}') {
            let read = stream.read(&mut answer).await.unwrap();
            assert!(read > 0, "{text}");
            text.push_str(&String::from_utf8_lossy(&answer[..read]));
        }
        assert!(text.contains(expected), "{text}");
    }
    sim.fault(Fault::new(Effect::Reset));
    stream.write_all(request.as_bytes()).await.unwrap();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0, "the connection breaks");
    server.abort();
}

#[tokio::test(start_paused = true)]
async fn a_list_can_be_empty_truncated_or_of_another_region() {
    let tagged = json!({"ResourceTypeFilters": ["ssm:parameter"], "ResourcesPerPage": 4});
    let partition = json!({"TableName": "hub", "Limit": 4, "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "p"}}});
    for (target, input, operation) in [
        ("AmazonSSM.DescribeParameters", json!({"MaxResults": 4}), "ssm:DescribeParameters"),
        ("ResourceGroupsTaggingAPI_20170126.GetResources", tagged, "tag:GetResources"),
        ("secretsmanager.ListSecrets", json!({"MaxResults": 4}), "secretsmanager:ListSecrets"),
        ("DynamoDB_20120810.Query", partition, "dynamodb:Query"),
    ] {
        let (sim, keys) = world(|_| ());
        for (region, count) in [(REGION, 9), (OTHER, 1)] {
            let region = sim.account(ACCOUNT).region(region);
            for n in 0..count {
                region.put_parameter(&json!({"Name": format!("/{n}"), "Value": "x",
                    "Type": "String", "Tags": [{"Key": "k", "Value": "v"}]}));
                region.create_secret(&n.to_string(), "x");
                region.table("hub").put(&json!({"pk": {"S": "p"}, "sk": {"S": n.to_string()}}));
            }
        }
        for (effect, items, more) in [
            (Effect::Latency(Duration::ZERO), 4, true),
            (Effect::EmptyList, 0, false),
            (Effect::CutList, 2, false),
            (Effect::OtherRegion(OTHER), 1, false),
        ] {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let fault = sim.fault(Fault::new(effect).operation(operation));
            let reply = send(&sim, &keys, target, &input).await;
            sim.mend(fault);
            assert_eq!(code(&reply), "ok", "{operation} {effect:?}");
            let Reply::Answer(answer) = reply else { panic!("an answer") };
            let page: Value = serde_json::from_str(&answer.body).unwrap();
            let list = page.as_object().unwrap().values().find_map(Value::as_array);
            let length = list.and_then(|list| u64::try_from(list.len()).ok());
            assert_eq!(length, Some(items), "{operation} {effect:?}");
            let token = [&page["NextToken"], &page["PaginationToken"]];
            let goes_on = token.iter().any(|token| token.as_str().is_some_and(|t| !t.is_empty()))
                || page["LastEvaluatedKey"].is_object();
            let counted = page.get("Count").and_then(Value::as_u64);
            assert!(counted.is_none_or(|count| count == items), "{operation} {effect:?}: {page}");
            assert_eq!(goes_on, more, "{operation} {effect:?}");
        }
    }
}
