//! The binary as a process, called by the real SDK over a loopback socket.
#![expect(clippy::expect_used, reason = "a failed expectation fails the test")]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ssm::types::{ParameterType, Tag};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use serde_json::Value;

const REGION: &str = "us-east-2";
const SPOKE: &str = "failover-replicator-spoke";
const EXTERNAL_ID: &str = "test-external-id";
/// How long the process may take to end after its input has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// A running simulator. `Drop` ends the process by its id if the test fails earlier.
struct Process {
    child: Child,
    input: Option<ChildStdin>,
    says: Value,
}

impl Process {
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_aws-sim"))
            .args(["--accounts", "2", "--seed", "7"])
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the process starts");
        let input = child.stdin.take();
        let mut line = String::new();
        let stdout = child.stdout.take().expect("the output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the process prints its address");
        Self { child, input, says: serde_json::from_str(&line).expect("JSON") }
    }

    fn text(&self, member: &str) -> &str {
        self.says[member].as_str().expect("a text")
    }

    fn account(&self, index: usize) -> &str {
        self.says["accounts"][index].as_str().expect("an account")
    }

    /// Closes the input and returns whether the process ends with success.
    fn ends(mut self) -> bool {
        drop(self.input.take());
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("the process has a status") {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An SSM client with the spoke role of an account.
async fn ssm(process: &Process, account: &str) -> aws_sdk_ssm::Client {
    let (id, secret) = (process.text("access_key_id"), process.text("secret_access_key"));
    let http = aws_smithy_http_client::Builder::new().build_http();
    let sleep = SharedAsyncSleep::new(TokioSleep::new());
    let sts = aws_sdk_sts::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(process.text("url"))
        .credentials_provider(Credentials::new(id, secret, None, None, "hub"))
        .http_client(http.clone())
        .sleep_impl(sleep.clone())
        .build();
    let given = aws_sdk_sts::Client::from_conf(sts)
        .assume_role()
        .role_arn(format!("arn:aws:iam::{account}:role/{SPOKE}"))
        .role_session_name("test")
        .external_id(EXTERNAL_ID)
        .send()
        .await
        .expect("the role trusts the hub")
        .credentials
        .expect("credentials");
    let token = Some(given.session_token);
    let credentials =
        Credentials::new(given.access_key_id, given.secret_access_key, token, None, "spoke");
    let config = aws_sdk_ssm::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .endpoint_url(process.text("url"))
        .credentials_provider(credentials)
        .http_client(http)
        .sleep_impl(sleep)
        .build();
    aws_sdk_ssm::Client::from_conf(config)
}

#[tokio::test]
async fn the_sdk_assumes_roles_and_uses_parameters_over_the_socket() {
    let process = Process::start(&[]);
    let first = ssm(&process, process.account(0)).await;
    let tag = Tag::builder().key("team").value("shop").build().expect("a tag");
    let put = first.put_parameter().name("/a").value("x").r#type(ParameterType::SecureString);
    let put = put.tags(tag).send().await.expect("the put succeeds");
    assert_eq!(put.version, 1);
    let read = first.get_parameter().name("/a").with_decryption(true).send().await;
    let read = read.expect("the read succeeds").parameter.expect("a parameter");
    assert_eq!(read.value.as_deref(), Some("x"));
    let arn = format!("arn:aws:ssm:{REGION}:{}:parameter/a", process.account(0));
    assert_eq!(read.arn.as_deref(), Some(arn.as_str()));

    let second = ssm(&process, process.account(1)).await;
    let refused = second.get_parameter().name("/a").send().await.expect_err("another account");
    assert!(refused.into_service_error().is_parameter_not_found());
    assert!(process.ends(), "the process ends with its input");
}

#[tokio::test]
async fn an_option_selects_the_operations_that_show_a_session() {
    for (choice, listed, kept) in
        [("both", true, true), ("lists", true, false), ("histories", false, true)]
    {
        let process = Process::start(&["--sessions", choice]);
        let account = process.account(0);
        let ssm = ssm(&process, account).await;
        let put = ssm.put_parameter().name("/a").value("x").r#type(ParameterType::String);
        put.send().await.expect("the put succeeds");
        let row = ssm.describe_parameters().send().await.expect("a list").parameters;
        let row = row.and_then(|mut rows| rows.pop()).expect("a parameter");
        let version = ssm.get_parameter_history().name("/a").send().await.expect("a history");
        let version = version.parameters.and_then(|mut rows| rows.pop()).expect("a version");
        let writer = |with_session: bool| {
            let session = if with_session { "/test" } else { "" };
            Some(format!("arn:aws:sts::{account}:assumed-role/{SPOKE}{session}"))
        };
        assert_eq!(row.last_modified_user, writer(listed), "{choice}");
        assert_eq!(version.last_modified_user, writer(kept), "{choice}");
        assert!(process.ends(), "the process ends with its input");
    }
}

#[test]
fn an_invalid_option_is_refused() {
    for (options, message) in [
        (["--colour", "blue"], "unknown option --colour"),
        (["--sessions", "some"], "expected both, lists, histories or neither; got some"),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_aws-sim")).args(options).output();
        let run = run.expect("the process runs");
        let errors = String::from_utf8(run.stderr).expect("text");
        assert!(!run.status.success() && errors.contains(message), "{errors}");
    }
}
