//! Looks again at what Secrets Manager is at work on, all of an account together, until it is done or the time is over.

use std::time::Duration;

use futures::StreamExt as _;
use futures::stream;

use crate::domain::{AccountOutcome, Cause, Kind, OutcomeKind, Region};
use crate::partial_counts;

use super::model::Secret;
use super::observe;
use super::plan::{Decision, Question, plan};
use super::slice::{CALLS, Slice};

/// The first pause; the next is twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// What is not done after so long is left to the next invocation.
const PATIENCE: Duration = Duration::from_mins(1);
/// Kept of the time for the looks themselves.
const LOOK_TIME: Duration = Duration::from_secs(3);

/// A secret with replicas that are under way.
#[derive(Clone, Debug)]
pub(super) struct Waiting<'a> {
    /// The secret as it was described last.
    pub(super) secret: Secret,
    /// Its Region.
    pub(super) source: &'a Region,
    /// The Regions of those replicas.
    pub(super) targets: Vec<Underway<'a>>,
}

/// One replica that is under way.
#[derive(Clone, Debug)]
pub(super) struct Underway<'a> {
    /// Its Region.
    pub(super) target: &'a Region,
    /// Whether this run asked for it; else somebody before.
    pub(super) asked: bool,
    /// What is reported if it stays as it was last seen; nothing where Secrets Manager says that it is at work.
    pub(super) unlike: Option<Cause>,
}

impl<'a> Underway<'a> {
    /// A replica that this run asked for.
    pub(super) const fn asked(target: &'a Region) -> Self {
        Self { target, asked: true, unlike: None }
    }

    /// A replica that Secrets Manager is at work on for others.
    pub(super) const fn of_others(target: &'a Region, unlike: Option<Cause>) -> Self {
        Self { target, asked: false, unlike }
    }
}

/// Waits for all of them at once: a thousand replicas take the time of the slowest.
pub(super) async fn wait(slice: &Slice<'_>, mut waiting: Vec<Waiting<'_>>) -> AccountOutcome {
    let mut outcome = slice.nothing();
    let mut pause = FIRST_PAUSE;
    let mut waited = Duration::ZERO;
    while !waiting.is_empty() {
        let in_time = slice.policy.deadline.leaves(pause + LOOK_TIME);
        if !in_time || waited >= PATIENCE {
            outcome.complete &= in_time;
            for Waiting { secret, source, targets } in waiting {
                for underway in targets {
                    let way = (source, underway.target);
                    match underway.unlike.filter(|_| in_time) {
                        Some(cause) => slice.report(&mut outcome, &secret.name, way, cause),
                        None => slice.count(&mut outcome, &secret, way, OutcomeKind::Pending),
                    }
                }
            }
            break;
        }
        tokio::time::sleep(pause).await;
        waited += pause;
        pause = (pause * 2).min(LONGEST_PAUSE);

        let looks: Vec<_> = waiting.into_iter().map(|one| look(slice, one)).collect();
        let looked = stream::iter(looks).buffer_unordered(CALLS);
        let looked = looked.inspect(|(part, _)| partial_counts::add(Kind::Secret, &part.secrets));
        let looked: Vec<_> = looked.collect().await;
        waiting = Vec::new();
        for (part, rest) in looked {
            outcome.merge(part);
            waiting.extend(rest);
        }
    }
    outcome
}

/// One look at one secret: what ended, and what is still under way.
async fn look<'a>(
    slice: &Slice<'_>,
    waiting: Waiting<'a>,
) -> (AccountOutcome, Option<Waiting<'a>>) {
    let mut outcome = slice.nothing();
    let Waiting { secret, source, targets } = waiting;
    let regions = || targets.iter().map(|underway| underway.target);
    let last = secret;
    let secret = match observe::describe(slice.session, source, &last.arn).await {
        Ok(Some(secret)) => secret,
        Ok(None) => {
            for target in regions() {
                slice.count(&mut outcome, &last, (source, target), OutcomeKind::Absent);
            }
            return (outcome, None);
        }
        Err(cause) => {
            slice.fail_at_source(&mut outcome, &last.name, source, regions(), cause);
            return (outcome, None);
        }
    };
    let mut still = Vec::new();
    for underway in targets {
        let way = (source, underway.target);
        match decide(slice, &secret, source, underway.target).await {
            Decision::Await => still.push(Underway { unlike: None, ..underway }),
            Decision::Follow(cause) => still.push(Underway { unlike: Some(cause), ..underway }),
            Decision::Leave(OutcomeKind::InSync) if underway.asked => {
                slice.count(&mut outcome, &secret, way, OutcomeKind::Replicated);
            }
            Decision::Leave(kind) => slice.count(&mut outcome, &secret, way, kind),
            Decision::Report(cause) | Decision::AskAgain { failed: cause, .. } => {
                slice.report(&mut outcome, &secret.name, way, cause);
            }
            Decision::Refuse(cause) => {
                slice.fail_at_source(&mut outcome, &secret.name, source, [way.1], cause);
            }
            // Its owner took the Region out again: left to the next sweep.
            Decision::Replicate { .. } | Decision::LookCloser => {
                slice.count(&mut outcome, &secret, way, OutcomeKind::Pending);
            }
        }
    }
    let rest = (!still.is_empty()).then_some(Waiting { secret, source, targets: still });
    (outcome, rest)
}

/// What the primary says now; where it calls the replica in sync, the replica is looked at by name. What the lists
/// showed of the target is older than either.
async fn decide(slice: &Slice<'_>, secret: &Secret, source: &Region, target: &Region) -> Decision {
    let decision = plan(&slice.question(secret, None, source, target));
    if decision != Decision::LookCloser {
        return decision;
    }
    match observe::describe(slice.session, target, secret.name.as_str()).await {
        Ok(held) => {
            let question = slice.question(secret, held.as_ref(), source, target);
            plan(&Question { looked: true, ..question })
        }
        Err(cause) => Decision::Report(cause),
    }
}
