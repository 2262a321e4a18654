//! `hubctl` as a person runs it: the built program in an environment of its own, and what it printed.

use std::collections::BTreeMap;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use super::world::{EXTERNAL_ID, ROUTES};

/// The program and its environment, which nothing of this process's gets into.
#[derive(Clone)]
pub(crate) struct Hubctl(BTreeMap<String, String>);

/// How a run of it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Hubctl {
    /// With the management account's credentials and the settings of the tests, over these accounts.
    pub(crate) fn new(url: &str, accounts: &[String]) -> Self {
        let variables = [
            ("AWS_ENDPOINT_URL", url),
            ("AWS_ACCESS_KEY_ID", "AKIAMANAGEMENTACCOUNT"),
            ("AWS_SECRET_ACCESS_KEY", "management-account-secret-key"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("AWS_REGION", "us-east-1"),
            ("REPLICATOR_ROUTES", ROUTES),
            ("REPLICATOR_TABLE", "none"),
            ("REPLICATOR_SPOKE_EXTERNAL_ID", EXTERNAL_ID),
            ("REPLICATOR_QUOTAS", r#"{"*/*/*":100000}"#),
            ("REPLICATOR_INCLUDE_ACCOUNTS", &accounts.join(",")),
            ("REPLICATOR_DELETE_GRACE_DAYS", "0"),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self(variables.into_iter().map(owned).collect())
    }

    /// The same with a variable more, or another one.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The same without a variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.remove(name);
        self
    }

    /// Runs it with these arguments.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        self.fed(arguments, "").await
    }

    /// Carries out the plan that `prune` shows with these arguments.
    pub(crate) async fn pruned(&self, arguments: &[&str]) -> Ran {
        let prune = [&["prune", "--format", "json"], arguments].concat();
        let id = plan_id(&self.run(&prune).await.json());
        self.run(&[&prune[..], &["--yes", "--expect", &id]].concat()).await
    }

    fn spawned(&self, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_hubctl"))
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_clear()
            .envs(&self.0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("hubctl starts")
    }

    /// Starts it with these arguments, to be sent signals.
    pub(crate) fn started(&self, arguments: &[&str]) -> Running {
        let mut process = self.spawned(arguments);
        let said = process.stderr.take().expect("its stderr is piped");
        Running { process, said: BufReader::new(said).lines(), lines: Vec::new() }
    }

    /// Runs it with these arguments and this standard input.
    pub(crate) async fn fed(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut process = self.spawned(arguments);
        let mut input = process.stdin.take().expect("its input is piped");
        // It may have refused its arguments already, and then reads nothing.
        drop(input.write_all(stdin.as_bytes()).await);
        drop(input);
        let output = process.wait_with_output().await.expect("it ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        Ran {
            code: output.status.code().expect("it ended by itself"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// One that runs.
pub(crate) struct Running {
    process: Child,
    said: Lines<BufReader<ChildStderr>>,
    lines: Vec<String>,
}

impl Running {
    /// Waits until a line on stderr has this text.
    pub(crate) async fn says(&mut self, text: &str) {
        while let Some(line) = self.said.next_line().await.expect("text") {
            let found = line.contains(text);
            self.lines.push(line);
            if found {
                return;
            }
        }
        panic!("it ended without `{text}`: {:#?}", self.lines);
    }

    /// Sends it a signal, such as `TERM`.
    pub(crate) async fn signal(&self, name: &str) {
        let process = self.process.id().expect("it runs").to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &process]).status().await;
        assert!(sent.expect("kill runs").success(), "{process} takes {name}");
    }

    /// What it printed, once it has ended.
    pub(crate) async fn ended(mut self) -> Ran {
        while let Some(line) = self.said.next_line().await.expect("text") {
            self.lines.push(line);
        }
        let output = self.process.wait_with_output().await.expect("it ends");
        Ran {
            code: output.status.code().expect("it ended by itself"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: self.lines.join("\n"),
        }
    }
}

/// The id of a plan.
pub(crate) fn plan_id(plan: &Value) -> String {
    let id = plan["plan_id"].as_str().unwrap_or_else(|| panic!("no id in {plan:#}"));
    assert!(id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit()), "{id}");
    id.to_owned()
}

impl Ran {
    /// It must have ended with this code.
    pub(crate) fn ended(&self, code: i32) {
        assert_eq!(self.code, code, "{self:#?}");
    }

    /// What is on stdout: one JSON document and nothing before or after it.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:#?}"))
    }
}

/// The steps of a plan as `region name change`, in its order.
pub(crate) fn steps(plan: &Value) -> Vec<String> {
    let list = plan["steps"].as_array().expect("steps");
    let text = |step: &Value, field: &str| step[field].as_str().unwrap_or("-").to_owned();
    list.iter()
        .map(|step| ["region", "name", "change"].map(|field| text(step, field)).join(" "))
        .collect()
}
