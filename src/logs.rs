//! The log filter: `RUST_LOG` sets the levels. Crates that see whole requests print bodies at TRACE, so this filter limits
//! them to INFO whatever `RUST_LOG` says. Values of parameters therefore never reach the log.

use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt, filter_fn};
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;

/// Prefixes of the log targets that are limited to INFO.
const LIMITED: [&str; 4] = ["aws_", "hyper", "h2", "rustls"];

/// The filter for every log line of this process. `level` applies where `RUST_LOG` sets no level.
///
/// # Errors
/// An invalid `RUST_LOG`.
pub fn filter<S>(level: LevelFilter) -> Result<impl Filter<S>, String>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let builder = EnvFilter::builder().with_default_directive(level.into());
    let requested = builder.from_env().map_err(|error| {
        format!(
            "invalid RUST_LOG: {error}; expected levels such as `info` or `warn,failover_replicator=debug`"
        )
    })?;
    Ok(requested.and(filter_fn(is_allowed)))
}

fn is_allowed(metadata: &Metadata<'_>) -> bool {
    passes(metadata.target(), *metadata.level())
}

fn passes(target: &str, level: Level) -> bool {
    level <= Level::INFO || !LIMITED.iter().any(|prefix| target.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_that_print_bodies_are_limited_to_info() {
        for target in ["aws_smithy_runtime::client", "aws_sdk_ssm", "hyper_util::client", "rustls"]
        {
            assert!(passes(target, Level::INFO) && passes(target, Level::ERROR), "{target}");
            assert!(!passes(target, Level::DEBUG) && !passes(target, Level::TRACE), "{target}");
        }
        assert!(passes("failover_replicator::aws", Level::TRACE));
    }
}
