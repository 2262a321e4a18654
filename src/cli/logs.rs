//! Logs to stderr, where the progress bar steps aside for every line.

use std::io::{self, Write};

use indicatif::ProgressBar;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Begins logging.
///
/// # Errors
/// `RUST_LOG` holds what is no filter.
pub(super) fn begin(bar: &ProgressBar) -> Result<(), String> {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(Stderr(bar.clone()))
        // Failures are in the result already.
        .with_filter(crate::logs::filter(LevelFilter::ERROR)?);
    // A second subscriber could only come from a test of the whole; the first is as good.
    drop(tracing_subscriber::registry().with(lines).try_init());
    Ok(())
}

/// Standard error, with the progress bar taken away while a line is written.
#[derive(Clone)]
struct Stderr(ProgressBar);

impl Write for Stderr {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

impl MakeWriter<'_> for Stderr {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
