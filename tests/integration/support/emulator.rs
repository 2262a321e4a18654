//! The emulator: started once for the test binary, or once for a test that needs an organisation of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

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
            .args(["--lifetime", "1800", "--parent", &std::process::id().to_string(), "--count-requests"])
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
        serde_json::from_value(self.script("furnish.py", arguments)).expect("a list of account ids")
    }

    /// Does what the hub's SDKs cannot, as `aside.py` takes its arguments.
    pub(crate) fn aside(&self, arguments: &[&str]) -> serde_json::Value {
        self.script("aside.py", arguments)
    }

    fn script(&self, name: &str, arguments: &[&str]) -> serde_json::Value {
        let output = Command::new(python())
            .arg(root().join("tests/emulator").join(name))
            .arg(&self.url)
            .args(arguments)
            .output()
            .expect("the script runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} does its work: {told}");
        serde_json::from_slice(&output.stdout).expect("JSON")
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
