//! The program `hubctl`: parses the arguments, runs one request, writes the result to stdout and everything else to stderr.
//! Only this module prints.

mod args;
mod failover_args;
mod logs;
mod progress;
mod requests;
mod save;
mod show;
mod signals;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use clap::Parser;
use indicatif::ProgressBar;

use self::args::{Arguments, Format};
use self::requests::RequestSource;
use self::signals::Completion;
use crate::deadline::Deadline;
use crate::hub::{Answer, Hub, HubError, RouteFilter};
use crate::report::{ExitCode, Report, View};
use crate::request::{self, Request};

/// The width of a table, in columns, if the terminal does not report its width.
const WIDTH: u16 = 100;

/// Runs `hubctl` with the arguments of the process, including the program name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => {
            // Help and version go to stdout. A failed write is ignored, because the reader has closed the pipe.
            drop(answer.print());
            return if answer.use_stderr() { ExitCode::Refused } else { ExitCode::Done };
        }
    };
    // The panic message is already on stderr. A panic in the work of one account is caught before this point.
    panic::catch_unwind(AssertUnwindSafe(|| perform(arguments))).unwrap_or_else(|_| {
        print_line("internal error: please report this failure with the lines above");
        ExitCode::Bug
    })
}

fn perform(arguments: Arguments) -> ExitCode {
    let bar = progress::bar();
    if let Err(refused) = logs::start(&bar) {
        return refuse(&refused);
    }
    let (preview, save) = (arguments.command.preview(), arguments.command.save());
    let (source, filter, format) = match arguments.command.request() {
        Ok(asked) => asked,
        Err(refused) => return refuse(&refused.to_string()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            print_line(&format!("error: cannot start threads: {error}"));
            return ExitCode::Failed;
        }
    };
    let ended = runtime.block_on(signals::with_signals(
        |deadline| answer(source, filter, deadline, &bar),
        |line| bar.suspend(|| print_line(line)),
    ));
    // A read of standard input may still block, and after a second signal all work is still in progress.
    runtime.shutdown_background();
    bar.finish_and_clear();
    let (answer, stopped) = match ended {
        Ok(Completion::Done(answer)) => (answer, false),
        Ok(Completion::Stopped(answer)) => (answer, true),
        Ok(Completion::Aborted) => return ExitCode::Stopped,
        Err(error) => {
            print_line(&format!("error: cannot listen for signals: {error}"));
            return ExitCode::Failed;
        }
    };
    let code = match answer {
        Ok(answer) => write_answer(&answer, format, save.as_deref()),
        Err(AnswerError::Unreadable(refused)) => refuse(&refused),
        Err(AnswerError::Hub(error)) => fail(&error),
    };
    if let (Some(how), ExitCode::Drift) = (preview, code) {
        print_line(how);
    }
    match code {
        ExitCode::Refused | ExitCode::Bug => code,
        _ if stopped => ExitCode::Stopped,
        _ => code,
    }
}

/// The reason for a missing answer.
enum AnswerError {
    /// The file or standard input cannot be read.
    Unreadable(String),
    /// The hub refused the request or could not run it.
    Hub(HubError),
}

impl<E: Into<HubError>> From<E> for AnswerError {
    fn from(error: E) -> Self {
        Self::Hub(error.into())
    }
}

async fn answer(
    source: RequestSource,
    filter: RouteFilter,
    deadline: Deadline,
    bar: &ProgressBar,
) -> Result<Answer, AnswerError> {
    // No work has started at this point, so a signal ends the command without unfinished work.
    let opened = deadline.unless_stopped(async {
        let asked = read(source).await.map_err(AnswerError::Unreadable)?;
        let hub = Hub::open().await?;
        let request = match asked {
            RequestInput::Bytes(bytes) => request::parse(&bytes)?,
            RequestInput::Request(request) => *request,
        };
        Ok::<_, AnswerError>((hub, request))
    });
    let Some(opened) = Box::pin(opened).await else {
        let mut report = Report::new();
        report.stopped();
        return Ok(Answer::Report(Box::new(report.response())));
    };
    let (hub, request) = opened?;
    let show = |step| {
        if let Some(line) = progress::show(bar, &step) {
            bar.suspend(|| print_line(&line));
        }
    };
    Ok(hub.perform(request, filter, deadline, &show).await?.answer)
}

/// Writes the answer to stdout, and a status also to the file `save`.
fn write_answer(answer: &Answer, format: Format, save: Option<&Path>) -> ExitCode {
    let (text, mut code) = show::answer(answer, format, view());
    if let (Answer::Status(status), Some(path)) = (answer, save)
        && let Err(why) = save::save(status, path)
    {
        print_line(&format!("error: {why}"));
        code = ExitCode::Failed;
    }
    if let Some(aside) = show::aside(answer) {
        print_line(&aside);
    }
    match writeln!(io::stdout(), "{text}") {
        // The reader closed the pipe early, as `| head` does.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            print_line(&format!("error: cannot write the result: {error}"));
            ExitCode::Failed
        }
        _ => code,
    }
}

fn refuse(reason: &str) -> ExitCode {
    print_line(&format!("error: {reason}"));
    ExitCode::Refused
}

fn fail(error: &HubError) -> ExitCode {
    let (text, code) = show::error(error);
    print_line(&text);
    code
}

/// A request, or the bytes of a request. The bytes are parsed after the check of the settings.
enum RequestInput {
    Bytes(Vec<u8>),
    Request(Box<Request>),
}

async fn read(source: RequestSource) -> Result<RequestInput, String> {
    match source {
        RequestSource::Request(request) => Ok(RequestInput::Request(request)),
        RequestSource::File(path) => {
            std::fs::read(&path).map(RequestInput::Bytes).map_err(|error| {
                format!(
                    "cannot read `{}`: {error}; expected a JSON file, or `-` for standard input",
                    path.display()
                )
            })
        }
        RequestSource::Stdin => {
            let read = tokio::task::spawn_blocking(|| {
                let mut bytes = Vec::new();
                io::stdin().read_to_end(&mut bytes).map(|_| bytes)
            });
            let read = read.await.map_err(io::Error::other).flatten();
            read.map(RequestInput::Bytes)
                .map_err(|error| format!("cannot read standard input: {error}"))
        }
    }
}

/// Prints a message to stderr. A failed write is ignored, because stderr is closed.
fn print_line(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

fn view() -> View {
    if io::stdout().is_terminal() { View::Terminal { width: width() } } else { View::Plain }
}

/// The width of the terminal in columns.
fn width() -> u16 {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| width.0).max(40)
}
