//! The progress bar: on stderr, at a terminal only, and gone when the result is there.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::hub::Progress;

/// A bar that shows itself with the first finished account, or never where stderr is no terminal.
pub(super) fn bar() -> ProgressBar {
    let target = if io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    let template = "{bar:30} {human_pos}/{human_len} accounts, {elapsed}, {eta} to go  {wide_msg}";
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        // The template is constant; without it the bar has its usual look.
        Err(_) => bar,
    }
}

/// Moves the bar on.
pub(super) fn show(bar: &ProgressBar, progress: &Progress) {
    bar.set_length(progress.total as u64);
    bar.set_position(progress.finished as u64);
    bar.set_message(format!("{} {}", progress.account, progress.status.word()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::AccountId;
    use crate::report::Status;

    #[test]
    fn the_bar_follows_the_accounts() {
        let bar = bar();
        let account = AccountId::parse("111122223333").expect("twelve digits");
        show(&bar, &Progress { finished: 3, total: 10, account, status: Status::Changed });
        assert_eq!((bar.position(), bar.length()), (3, Some(10)));
        assert_eq!(bar.message(), "111122223333 changed");
    }
}
