//! The convergence of replicas, with the code that ships: schedules of several invocations, of owners, of a stranger and
//! of what goes wrong, each a list of choices that can be taken again.
//!
//! [`process`] runs one invocation of the hub, with the real SDK, up to its next calls, which its [`door`] holds;
//! [`store`] is the world, the simulator whose calls are done when a schedule says so, with a [`ledger`] of who wrote
//! what. [`memory`] remembers what an invocation does after which answers, so that [`explore`] can go through all
//! schedules of a [`case`] ([`exhaustive`]) without running the hub anew for each. [`live`] runs schedules of more
//! invocations and items with live hubs, each drawn from a seed ([`seeded`]). [`counterexamples`] are single schedules
//! by name, and [`lost`] takes each write of each of the [`flows`] in turn.
//!
//! [`conduct`] says what is bad by what an invocation [`heard`] itself, [`harm`] what is bad in what a write did, and
//! [`check`] what is bad at an end.
//!
//! # What can happen in these schedules
//!
//! * The owner changes the source: create, value, tag, opt-out, delete.
//! * A [`stranger`] acts in the target, at any moment, also between the hub's last read and its call: he writes a value,
//!   creates, deletes, deletes and creates again (without the hub's tags or with them), copies the tags of another
//!   replica or those that stood there before, changes a tag of the source's, takes provenance or the mark off. Each
//!   act is one step: nothing comes between his deletion and his create.
//! * Every write of the hub's in SSM may be done and its answer be lost, once for an exhaustive schedule, often in a
//!   seed's. The SDK sees a time-out. Answers of reads are never lost: the SDK sends reads again.
//! * An invocation may vanish after a write. Its message, or its sweep, comes again.
//! * A read may show what was before the last change of its Region, or a whole target may fall behind by two changes.
//!   Values and writers lag together: what a read shows is a state that was.
//!
//! # What cannot
//!
//! * A stranger does not act with the hub's role, nor in the source Region; he does not change labels or policies.
//! * The order of the versions of a parameter is the order of its writes, and each write is done at once: a put whose
//!   answer is lost is not done later.
//! * A stranger's second act, and stale reads, crashes and lost answers beside his act, are tried by seeds alone; beside
//!   two invocations one act of each sort is tried, beside one invocation all of them.
//! * AWS's IAM conditions are not simulated: what a condition on the mark refuses is done here, and counted apart.

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
mod route_states;
mod runner;
mod seeded;
mod state;
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
