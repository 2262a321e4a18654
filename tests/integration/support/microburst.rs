//! A proxy between hub and emulator that answers some calls with AWS's errors.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::emulator::root;
use super::http::send;

/// A running proxy; ended by its process id when this is dropped.
pub(crate) struct Microburst {
    process: Child,
    pub(crate) url: String,
}

impl Microburst {
    /// One in front of the emulator at `upstream`, which hands everything on.
    pub(crate) fn before(upstream: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port().to_string();
        drop(free);
        let mut process = Command::new(root().join(".venv/bin/microburst"))
            .args(["--upstream", upstream, "--host", "127.0.0.1", "--port", &port])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the proxy starts: `make test` makes its virtual environment");
        let stdout = process.stdout.take().expect("its output is piped");
        let mut this = Self { process, url: format!("http://127.0.0.1:{port}") };
        for line in BufReader::new(stdout).lines() {
            // The last of the lines that it says before it binds.
            if line.expect("text").starts_with("point your app") {
                break;
            }
        }
        while std::net::TcpStream::connect(this.url.trim_start_matches("http://")).is_err() {
            let ended = this.process.try_wait().expect("it can be asked");
            assert!(ended.is_none(), "the proxy ended: {ended:?}");
            std::thread::yield_now();
        }
        // The first call makes it read what it knows of AWS, which takes longer than the hub waits for an answer.
        let key = "AKIAMANAGEMENTACCOUNT/20260101/us-east-1/ssm/aws4_request";
        let signed = format!("AWS4-HMAC-SHA256 Credential={key}, SignedHeaders=host, Signature=0");
        let headers = [
            ("Authorization", signed),
            ("X-Amz-Target", "AmazonSSM.DescribeParameters".to_owned()),
            ("Content-Type", "application/x-amz-json-1.1".to_owned()),
        ];
        send(&this.url, "POST /", &headers, &json!({}));
        this
    }

    /// From now on it answers some calls as these rules say, and no others.
    pub(crate) fn rules(&self, rules: &Value) {
        let headers = [("Content-Type", "application/json".to_owned())];
        send(&self.url, "POST /_microburst/rules", &headers, rules);
    }

    /// How many calls it answered by itself.
    pub(crate) fn fired(&self) -> usize {
        let fired = send(&self.url, "GET /_microburst/fired?limit=10000", &[], &json!(null));
        fired.as_array().expect("a list").len()
    }
}

impl Drop for Microburst {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
