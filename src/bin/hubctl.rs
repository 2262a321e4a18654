//! The hub at a terminal.

use std::process::ExitCode;

fn main() -> ExitCode {
    failover_replicator::cli::run(std::env::args_os()).into()
}
