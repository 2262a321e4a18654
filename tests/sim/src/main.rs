//! `aws-sim [--port N] [--epoch SECONDS] [--seed N] [--accounts N] [--sessions both|lists|histories|neither]`: the
//! simulator behind a loopback socket. The process ends when its standard input ends. `--sessions` selects which SSM
//! operations include the session name of a role in `LastModifiedUser`.
//!
//! The process prints one line of JSON: its address, the credentials of the hub, and the accounts. Each account has the
//! role `failover-replicator-spoke`, which trusts the management account with the external id `test-external-id`.
#![expect(clippy::print_stdout, reason = "the process reports its address on standard output")]

use std::error::Error;
use std::io::Read as _;
use std::time::SystemTime;

use aws_sim::{Sessions, Settings, Sim, server};

const ROLE: &str = "failover-replicator-spoke";
const EXTERNAL_ID: &str = "test-external-id";

/// The command-line options with their defaults.
struct Options {
    port: u16,
    epoch: u64,
    seed: u64,
    accounts: u64,
    sessions: Sessions,
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, Box<dyn Error>> {
    // Clients sign with the current date, so the simulated time starts at the current time.
    #[expect(clippy::disallowed_methods, reason = "the start time only; then tokio's clock counts")]
    let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_secs();
    let sessions = Sessions::default();
    let mut options = Options { port: 0, epoch, seed: 1, accounts: 3, sessions };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => options.port = value.parse()?,
            "--epoch" => options.epoch = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--accounts" => options.accounts = value.parse()?,
            "--sessions" => options.sessions = value.parse()?,
            _ => {
                let known = "--port --epoch --seed --accounts --sessions";
                return Err(format!("unknown option {name}; expected one of {known}").into());
            }
        }
    }
    Ok(options)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = options(std::env::args().skip(1))?;
    let Options { epoch: beginning, seed, sessions, .. } = options;
    let settings = Settings { seed, beginning, sessions, ..Settings::default() };
    let root = format!("arn:aws:iam::{}:root", settings.management);
    let sim = Sim::new(settings);
    let accounts: Vec<String> =
        (0..options.accounts).map(|n| format!("{:012}", 200_000_000_000 + n)).collect();
    for account in &accounts {
        sim.account(account).role(ROLE, &[&root], Some(EXTERNAL_ID));
    }
    let keys = sim.hub_keys("hub");
    let (address, serve) = server::listen(sim, options.port).await?;
    println!(
        "{}",
        serde_json::json!({
            "url": format!("http://{address}"),
            "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key,
            "accounts": accounts,
        })
    );
    let input_ends = tokio::task::spawn_blocking(|| {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
    });
    tokio::select! {
        () = serve => {}
        _ = input_ends => {}
    }
    Ok(())
}
