//! The progress bar on stderr. It appears only at a terminal and disappears before the result.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::hub::Progress;

/// Creates a bar that appears with the first finished account. It never appears if stderr is not a terminal.
pub(super) fn bar() -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    let template = "{bar:30} {human_pos}/{human_len} accounts, {elapsed}, {eta} left  {wide_msg}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        // The template is a valid constant. The fallback is the default style.
        Err(_) => bar,
    }
}

/// Shows the progress of a run on the bar, or returns it as a line for stderr.
pub(super) fn show(bar: &ProgressBar, progress: &Progress) -> Option<String> {
    match progress {
        Progress::Account { finished, total, account, status } => {
            bar.set_length(*total as u64);
            bar.set_position(*finished as u64);
            bar.set_message(format!("{account} {}", status.word()));
            None
        }
        Progress::Frozen { pair, until } => Some(format!(
            "{pair} is frozen; hubctl returns when no request can be under way, at {until}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{AccountId, RoutePair, Timestamp};
    use crate::report::Status;

    #[test]
    fn the_bar_follows_the_accounts() {
        let bar = bar();
        let account = AccountId::parse("111122223333").expect("twelve digits");
        let step = Progress::Account { finished: 3, total: 10, account, status: Status::Changed };
        assert_eq!(show(&bar, &step), None);
        assert_eq!((bar.position(), bar.length()), (3, Some(10)));
        assert_eq!(bar.message(), "111122223333 changed");
    }

    #[test]
    fn a_wait_is_a_line() {
        let pair = RoutePair::parse("us-east-2=us-east-1").expect("a pair");
        let until = Timestamp::from_millis(1_790_000_000_000);
        let line = show(&bar(), &Progress::Frozen { pair, until }).expect("a line");
        assert!(
            line.contains("us-east-2=us-east-1 is frozen") && line.contains(&until.to_string()),
            "{line}"
        );
    }
}
