//! What may be logged: by `RUST_LOG`, and never a value. The crates that see whole requests are held at INFO whatever is
//! asked for, since they print bodies at TRACE.

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;

/// Beginnings of the targets that are held.
const HELD: [&str; 4] = ["aws_", "hyper", "h2", "rustls"];

/// The filter of every log line of this process; `level` where `RUST_LOG` says nothing.
///
/// # Errors
/// `RUST_LOG` holds what is no filter.
pub fn filter<S>(level: LevelFilter) -> Result<impl Filter<S>, String>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let builder = EnvFilter::builder().with_default_directive(level.into());
    let asked = builder.from_env().map_err(|error| {
        format!(
            "RUST_LOG: {error}; write levels such as `info` or `warn,failover_replicator=debug`"
        )
    })?;
    Ok(asked.and(filter_fn(is_let_through)))
}

fn is_let_through(metadata: &Metadata<'_>) -> bool {
    passes(metadata.target(), *metadata.level())
}

fn passes(target: &str, level: Level) -> bool {
    level <= Level::INFO || !HELD.iter().any(|held| target.starts_with(held))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_that_print_bodies_are_held_at_info() {
        for target in ["aws_smithy_runtime::client", "aws_sdk_ssm", "hyper_util::client", "rustls"]
        {
            assert!(passes(target, Level::INFO) && passes(target, Level::ERROR), "{target}");
            assert!(!passes(target, Level::DEBUG) && !passes(target, Level::TRACE), "{target}");
        }
        assert!(passes("failover_replicator::aws", Level::TRACE));
    }
}
