//! The hub as a command-line program.

use std::process::ExitCode;

fn main() -> ExitCode {
    failover_replicator::cli::run(std::env::args_os()).into()
}
