//! Logs to stderr. The progress bar is hidden while a line is written.

use std::io::{self, Write};

use indicatif::ProgressBar;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the logs.
///
/// # Errors
/// `RUST_LOG` is not a valid filter.
pub(super) fn start(bar: &ProgressBar) -> Result<(), String> {
    let bar = bar.clone();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(move || Stderr(bar.clone()))
        // The result already contains the failures.
        .with_filter(crate::logs::filter(LevelFilter::ERROR)?);
    // Only a test of the whole program installs a second subscriber, and the first one is sufficient.
    drop(tracing_subscriber::registry().with(lines).try_init());
    Ok(())
}

/// Standard error, with the progress bar hidden while a line is written.
struct Stderr(ProgressBar);

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
