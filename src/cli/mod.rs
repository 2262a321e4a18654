//! The hub at a terminal: arguments in, one request, its result on stdout and everything else on stderr. This is the
//! only module that prints.

mod args;
mod logs;
mod progress;
mod requests;
mod show;
mod signals;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::panic::{self, AssertUnwindSafe};

use clap::Parser;
use indicatif::ProgressBar;

use self::args::{Arguments, Format};
use self::requests::Source;
use self::signals::Ended;
use crate::deadline::Deadline;
use crate::hub::{Answer, Hub, HubError, RouteFilter};
use crate::report::{ExitCode, Report, View};
use crate::request::{self, Request};

/// The columns of a table where the terminal does not tell its own.
const WIDTH: u16 = 100;

/// Runs `hubctl` with its arguments, the program's name first, and returns how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Help and version are answers too, on stdout; where nobody reads them, nothing is lost.
            drop(answer.print());
            return if answer.use_stderr() { ExitCode::Refused } else { ExitCode::Done };
        }
    };
    // The panic's own message is on stderr by then; a panic of one account never gets here.
    panic::catch_unwind(AssertUnwindSafe(|| perform(arguments))).unwrap_or_else(|_| {
        tell("error: hubctl has a fault of its own; please report it with the lines above");
        ExitCode::Bug
    })
}

fn perform(arguments: Arguments) -> ExitCode {
    let bar = progress::bar();
    if let Err(refused) = logs::begin(&bar) {
        return refused_as(&refused);
    }
    let shows_first = arguments.command.shows_first();
    let (source, narrow, format) = match arguments.command.request() {
        Ok(asked) => asked,
        Err(refused) => return refused_as(&refused.to_string()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&format!("error: no threads to work with: {error}"));
            return ExitCode::Failed;
        }
    };
    let ended = runtime.block_on(signals::heeded(
        |deadline| answer(source, narrow, deadline, &bar),
        |line| bar.suspend(|| tell(line)),
    ));
    // A read of standard input may still wait, and after a second signal all the work.
    runtime.shutdown_background();
    bar.finish_and_clear();
    let (answer, stopped) = match ended {
        Ok(Ended::Done(answer)) => (answer, false),
        Ok(Ended::Stopped(answer)) => (answer, true),
        Ok(Ended::AtOnce) => return ExitCode::Stopped,
        Err(error) => {
            tell(&format!("error: signals cannot be listened to: {error}"));
            return ExitCode::Failed;
        }
    };
    let code = match answer {
        Ok(answer) => shown(&answer, format),
        Err(Problem::Source(refused)) => refused_as(&refused),
        Err(Problem::Hub(error)) => refuse(&error),
    };
    if shows_first && code == ExitCode::Drift {
        tell("nothing was done; the same command with --yes carries this out");
    }
    match code {
        ExitCode::Refused | ExitCode::Bug => code,
        _ if stopped => ExitCode::Stopped,
        _ => code,
    }
}

/// Why there is no answer.
enum Problem {
    /// The request cannot be read.
    Source(String),
    /// It could not be done.
    Hub(HubError),
}

impl<E: Into<HubError>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Hub(error.into())
    }
}

async fn answer(
    source: Source,
    narrow: RouteFilter,
    deadline: Deadline,
    bar: &ProgressBar,
) -> Result<Answer, Problem> {
    // Until the hub is asked nothing is begun, and a signal leaves nothing to finish.
    let opened = deadline.unless_stopped(async {
        let asked = read(source).await.map_err(Problem::Source)?;
        let hub = Hub::open().await?;
        let request = match asked {
            Asked::Bytes(bytes) => request::parse(&bytes)?,
            Asked::Request(request) => *request,
        };
        Ok::<_, Problem>((hub, request))
    });
    let Some(opened) = Box::pin(opened).await else {
        let mut report = Report::new();
        report.stopped();
        return Ok(Answer::Report(Box::new(report.response())));
    };
    let (hub, request) = opened?;
    let show = |step| progress::show(bar, &step);
    Ok(hub.perform(request, narrow, deadline, &show).await?.answer)
}

/// Writes the answer to stdout.
fn shown(answer: &Answer, format: Format) -> ExitCode {
    let (text, code) = show::answer(answer, format, view());
    if let Some(aside) = show::aside(answer) {
        tell(&aside);
    }
    match writeln!(io::stdout(), "{text}") {
        // Whoever read it had seen enough, as `| head` does.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tell(&format!("error: the result could not be written: {error}"));
            ExitCode::Failed
        }
        _ => code,
    }
}

fn refused_as(why: &str) -> ExitCode {
    tell(&format!("error: {why}"));
    ExitCode::Refused
}

fn refuse(error: &HubError) -> ExitCode {
    let (text, code) = show::error(error);
    tell(&text);
    code
}

/// A request, or the bytes of one, which are read only once the settings are known to be good.
enum Asked {
    Bytes(Vec<u8>),
    Request(Box<Request>),
}

async fn read(source: Source) -> Result<Asked, String> {
    match source {
        Source::Request(request) => Ok(Asked::Request(request)),
        Source::File(path) => std::fs::read(&path).map(Asked::Bytes).map_err(|error| {
            format!(
                "{} cannot be read: {error}; name a file of JSON, or `-` for standard input",
                path.display()
            )
        }),
        Source::Stdin => {
            let read = tokio::task::spawn_blocking(|| {
                let mut bytes = Vec::new();
                io::stdin().read_to_end(&mut bytes).map(|_| bytes)
            });
            let read = read.await.map_err(io::Error::other).flatten();
            read.map(Asked::Bytes)
                .map_err(|error| format!("standard input cannot be read: {error}"))
        }
    }
}

/// Says something that is no result. Where stderr is closed, nobody is there to be told.
fn tell(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

fn view() -> View {
    if io::stdout().is_terminal() { View::Terminal { width: width() } } else { View::Plain }
}

/// The terminal's columns.
fn width() -> u16 {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0).max(40)
}
