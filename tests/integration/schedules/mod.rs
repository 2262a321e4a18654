//! The convergence of replicas, with the code that ships: schedules of several invocations, of owners and of what goes
//! wrong, each a list of choices that can be taken again.
//!
//! [`process`] runs one invocation of the hub, with the real SDK, up to its next calls, which it holds; [`store`] is
//! the world, the simulator whose calls are done when a schedule says so. [`memory`] remembers what an invocation does
//! after which answers, so that [`explore`] can go through all schedules of a case ([`exhaustive`]) without running the
//! hub anew for each. [`live`] runs schedules of more invocations and items with live hubs, each drawn from a seed
//! ([`seeded`]). [`counterexamples`] are single schedules by name. [`conduct`] and [`check`] say what is bad.

use std::io::Write as _;

mod alone;
mod asked;
mod case;
mod check;
mod conduct;
mod counterexamples;
mod door;
mod exhaustive;
mod explore;
mod flows;
mod harm;
mod heard;
mod history;
mod ledger;
mod live;
mod lost;
mod memory;
mod process;
mod seeded;
mod store;
mod stranger;

/// Prints a line past the harness, which keeps back what a test prints that passes.
fn tell(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("an open output");
}

/// Which schedules are run, by the variable `SCHEDULES`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    /// Those that fit into every run of the tests.
    Some,
    /// `telling`: those that tell the hub from its mutants.
    Telling,
    /// `all`.
    All,
    /// The exhaustive ones whose class has this in its name.
    Named(String),
}

#[expect(clippy::disallowed_methods, reason = "it chooses a set of tests, and is no setting")]
fn which() -> Which {
    match std::env::var("SCHEDULES").as_deref() {
        Err(_) | Ok("") => Which::Some,
        Ok("telling") => Which::Telling,
        Ok("all") => Which::All,
        Ok(name) => Which::Named(name.to_owned()),
    }
}
