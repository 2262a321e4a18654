//! The exit codes of `hubctl`. They are an interface: a number never changes its meaning. [`ExitCode::of`] decides from a
//! response; `cli` decides 2 (refused), 130 (stopped by a signal), and the code of a batch or an ignored event.

use super::response::Response;
use super::status::Status;

/// The result of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: in sync, applied, or ignored.
    Done,
    /// 1: an internal error.
    Bug,
    /// 2: invalid arguments, settings or payload; nothing was done.
    Refused,
    /// 3: a plan or a verification found differences, or a route is not active.
    Drift,
    /// 4: something failed or is incomplete, or the run could not start.
    Failed,
    /// 5: the brake (the daily allowance, or the hold on mass absences) held deletions back.
    HeldBack,
    /// 130: a signal stopped the run.
    Stopped,
}

impl ExitCode {
    /// The number for the shell.
    pub const fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Bug => 1,
            Self::Refused => 2,
            Self::Drift => 3,
            Self::Failed => 4,
            Self::HeldBack => 5,
            Self::Stopped => 130,
        }
    }

    /// The exit code for a response: the first that applies of 1, 130, 5, 4, 3, 0.
    pub fn of(response: &Response) -> Self {
        if response.internal_error {
            Self::Bug
        } else if response.stopped {
            Self::Stopped
        } else if response.held_back {
            Self::HeldBack
        } else if response.status == Status::Failed || response.unfinished {
            Self::Failed
        } else if matches!(response.status, Status::Drift | Status::Frozen) {
            Self::Drift
        } else {
            Self::Done
        }
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code.number())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Report;
    use super::super::samples::{account, failure, frozen, parameter_step};
    use super::*;
    use crate::domain::{AccountOutcome, Cause, Change, FailureKind, Kind, OutcomeKind, Withheld};

    fn code(build: impl FnOnce(&mut Report, &mut AccountOutcome)) -> u8 {
        let mut report = Report::new();
        let mut outcome = AccountOutcome::new(account(1));
        build(&mut report, &mut outcome);
        report.take(outcome);
        ExitCode::of(&report.response()).number()
    }

    #[test]
    fn the_first_code_that_applies() {
        assert_eq!(code(|_, _| ()), 0);
        assert_eq!(code(|_, outcome| outcome.count(Kind::Parameter, OutcomeKind::Created)), 0);
        let plan = |outcome: &mut AccountOutcome| {
            outcome.steps.push(parameter_step("/a", Change::Create));
        };
        assert_eq!(code(|_, outcome| plan(outcome)), 3);
        assert_eq!(
            code(|report, outcome| {
                plan(outcome);
                report.leave(account(2));
            }),
            4
        );
        assert_eq!(
            code(|_, outcome| outcome.fail(failure(1, "/a", FailureKind::Invalid, "refused"))),
            4
        );
        assert_eq!(
            code(|report, outcome| {
                report.stopped();
                outcome.fail(failure(
                    1,
                    "/a",
                    FailureKind::Bug,
                    "internal error: the task panicked",
                ));
            }),
            1
        );
        assert_eq!(
            code(|report, outcome| {
                report.stopped();
                outcome.fail(failure(1, "/a", FailureKind::TooManyDeletes, "40 of 40"));
            }),
            130
        );
        assert_eq!(
            code(|report, outcome| {
                report.fail(failure(1, "/a", FailureKind::AccessDenied, "no"));
                outcome.fail(failure(1, "/a", FailureKind::TooManyDeletes, "40 of 40"));
            }),
            5
        );
    }

    #[test]
    fn a_route_that_is_not_active_gives_3_and_an_unreadable_state_4() {
        let plan = |outcome: &mut AccountOutcome| {
            outcome.steps.push(parameter_step("/a", Change::Create));
        };
        assert_eq!(
            code(|_, outcome| {
                outcome.merge(frozen(1));
                plan(outcome);
            }),
            3
        );
        assert_eq!(
            code(|report, outcome| {
                outcome.merge(frozen(1));
                report.leave(account(2));
            }),
            4
        );
        assert_eq!(
            code(|_, outcome| {
                let cause = Cause::new(FailureKind::Frozen, "the state cannot be read");
                for withheld in frozen(1).withheld.into_keys() {
                    outcome.withheld.insert(withheld, Withheld::Unreadable(cause.clone()));
                }
            }),
            4
        );
    }
}
