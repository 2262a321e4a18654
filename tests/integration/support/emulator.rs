//! The emulator: started once for the test binary, or once for a test that needs an organisation of its own.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};

/// A running emulator. It ends itself with the test process or after half an hour, and is ended by its process id when
/// this is dropped.
pub(crate) struct Emulator {
    process: Child,
    pub(crate) url: String,
}

impl Emulator {
    /// The one that the tests share, each with accounts of its own.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Emulator> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(&[]))
    }

    /// One more, for as long as the test process lives: with an organisation of its own, or none.
    pub(crate) fn alone(arguments: &[&str]) -> &'static Self {
        Box::leak(Box::new(Self::start(arguments)))
    }

    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(python())
            .arg(root().join("tests/emulator/launch.py"))
            .args([
                "--lifetime",
                "1800",
                "--parent",
                &std::process::id().to_string(),
                "--count-requests",
            ])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the emulator starts: `make test` makes its virtual environment");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("its output is piped");
        BufReader::new(stdout).read_line(&mut line).expect("the emulator says where it listens");
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .expect("the emulator says where it listens")
            .to_owned();
        Self { process, url }
    }

    /// Makes accounts with the spoke role.
    pub(crate) fn accounts(&self, arguments: &[&str]) -> Vec<String> {
        serde_json::from_value(self.script("furnish", arguments)).expect("a list of account ids")
    }

    /// Does what the hub's SDKs cannot, as `aside.py` takes its arguments.
    pub(crate) fn aside(&self, arguments: &[&str]) -> Value {
        self.script("aside", arguments)
    }

    fn script(&self, script: &str, arguments: &[&str]) -> Value {
        static OWNERS: LazyLock<Mutex<Owners>> = LazyLock::new(|| Mutex::new(Owners::start()));
        let request = json!({"url": self.url, "script": script, "arguments": arguments});
        let mut owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = owners.ask(&request);
        assert!(answer["failed"].is_null(), "{request}: {}", answer["failed"]);
        answer["done"].take()
    }
}

/// The one process of `owners.py`, which ends with the test process: its input does then.
struct Owners {
    #[expect(dead_code, reason = "it lives as long as this")]
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Owners {
    fn start() -> Self {
        let mut process = Command::new(python())
            .arg(root().join("tests/emulator/owners.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the owners start: `make test` makes the virtual environment");
        let requests = process.stdin.take().expect("its input is piped");
        let answers = process.stdout.take().expect("its output is piped");
        Self { process, requests, answers: BufReader::new(answers) }
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.requests, "{request}").expect("the owners take a request");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the owners answer");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn python() -> PathBuf {
    root().join(".venv/bin/python")
}
