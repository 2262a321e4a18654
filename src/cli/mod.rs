//! The hub at a terminal: arguments in, one request, its result on stdout and everything else on stderr. This is the
//! only module that prints.

mod args;
mod logs;
mod progress;
mod requests;
mod show;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Read, Write};
use std::panic::{self, AssertUnwindSafe};

use clap::Parser;

use self::args::Arguments;
use self::requests::Source;
use crate::aws::Deadline;
use crate::hub::{Hub, HubError};
use crate::report::{ExitCode, View};
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
        tell(&format!("error: {refused}"));
        return ExitCode::Refused;
    }
    let request = arguments.command.request().map_err(|refused| refused.to_string());
    let read = request.and_then(|(source, narrow, format)| Ok((read(source)?, narrow, format)));
    let (asked, narrow, format) = match read {
        Ok(asked) => asked,
        Err(refused) => {
            tell(&format!("error: {refused}"));
            return ExitCode::Refused;
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&format!("error: no threads to work with: {error}"));
            return ExitCode::Failed;
        }
    };
    let answer = runtime.block_on(async {
        let hub = Hub::open().await?;
        let show = |step| progress::show(&bar, &step);
        let request = match asked {
            Asked::Bytes(bytes) => request::parse(&bytes)?,
            Asked::Request(request) => *request,
        };
        Ok(hub.perform(request, narrow, Deadline::never(), &show).await?.answer)
    });
    bar.finish_and_clear();
    match answer {
        Ok(answer) => {
            let (text, code) = show::answer(&answer, format, view());
            match writeln!(io::stdout(), "{text}") {
                // Whoever read it had seen enough, as `| head` does.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                    tell(&format!("error: the result could not be written: {error}"));
                    ExitCode::Failed
                }
                _ => code,
            }
        }
        Err(error) => refuse(&error),
    }
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

fn read(source: Source) -> Result<Asked, String> {
    match source {
        Source::Request(request) => Ok(Asked::Request(request)),
        Source::File(path) => std::fs::read(&path).map(Asked::Bytes).map_err(|error| {
            format!(
                "{} cannot be read: {error}; name a file of JSON, or `-` for standard input",
                path.display()
            )
        }),
        Source::Stdin => {
            let mut bytes = Vec::new();
            let read = io::stdin().read_to_end(&mut bytes);
            read.map_err(|error| format!("standard input cannot be read: {error}"))?;
            Ok(Asked::Bytes(bytes))
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
