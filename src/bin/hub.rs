//! The hub as a Lambda function.

use std::process::ExitCode;

fn main() -> ExitCode {
    failover_replicator::lambda::run()
}
