//! The labels of items whose replicas are equal otherwise.

use super::observe::history_at;
use super::place::{Pair, Placed, place};
use super::reads::Reads;
use crate::aws::at_once;
use crate::domain::{Change, OutcomeKind, ParameterName, Region};
use crate::parameters::endings::Ending;
use crate::parameters::model::Observed;
use crate::parameters::plan::{Decision, decide};
use crate::parameters::run::{Candidate, Round, Run};
use crate::parameters::value_override::value_override;

/// Makes the labels equal of those candidates whose labels are read in any case, or whose source may be another one than
/// was copied, where no value was written: with a value, its labels went too.
pub(in crate::parameters) async fn follow(
    run: &Run<'_>,
    candidates: &[Candidate],
    round: &mut Round,
) {
    let due = candidates.iter().filter_map(|candidate| {
        let original = candidate.original.as_ref()?;
        let name = &candidate.name;
        let always = run.labels.of_item(name) == Reads::Always;
        let copied = original.parameter.version();
        if !always && !run.labels.is_late_restart(name, copied) {
            return None;
        }
        let replicas: Vec<(&Region, &Observed)> = candidate
            .replicas
            .iter()
            .filter_map(|(target, replica)| Some((target, replica.as_ref()?)))
            // A first version has no label of an earlier source.
            .filter(|(_, replica)| always || replica.parameter.version > 1)
            .filter(|(target, replica)| {
                is_equal(run, &candidate.name, target, original, replica, round)
            })
            .collect();
        (!replicas.is_empty()).then_some((&candidate.name, original, replicas))
    });
    let followed = due.map(|(name, original, replicas)| async move {
        (name, follow_one(run, original, replicas).await)
    });
    for (name, ended) in at_once(followed).await {
        for (target, placed) in ended {
            end(run, name, target, placed, round);
        }
    }
}

/// Whether the round found it equal, and wrote no value.
fn is_equal(
    run: &Run<'_>,
    name: &ParameterName,
    target: &Region,
    original: &Observed,
    replica: &Observed,
    round: &Round,
) -> bool {
    match round.endings.of(name, target) {
        Some(Ending::Left(OutcomeKind::InSync) | Ending::Counted(OutcomeKind::Retagged)) => true,
        // Equal but for some tags that do not fit.
        Some(Ending::Failed { .. }) => {
            let case = run.case(target, Some(original), Some(replica), None);
            matches!(decide(case, run.policy(run.parity())), Decision::InSync { .. })
        }
        _ => false,
    }
}

async fn follow_one<'a>(
    run: &Run<'_>,
    original: &Observed,
    replicas: Vec<(&'a Region, &'a Observed)>,
) -> Vec<(&'a Region, Placed)> {
    // Histories are read slowly: after a stop none is begun, and the item is left to a later run.
    if run.rules.deadline.is_stopped() {
        return all(&replicas, || Placed::Moved);
    }
    let (name, version) = (&original.parameter.name, original.parameter.version());
    let source = match history_at(run.session, run.source, name, version, false).await {
        Ok(Some(source)) => source,
        Ok(None) => return all(&replicas, || Placed::Moved),
        Err(cause) => return all(&replicas, || Placed::Failed(cause.clone())),
    };
    let placed = replicas.into_iter().map(|(target, replica)| {
        let source = source.clone();
        async move {
            let pair = Pair {
                source_name: name,
                source: version,
                target,
                name: &replica.parameter.name,
                replica: replica.parameter.version(),
                own_value: matches!(value_override(&original.tags, target), Ok(Some(_))),
                to_judge: Some((original, replica)),
            };
            (target, place(run, pair, source).await)
        }
    });
    at_once(placed).await
}

fn all<'a>(
    replicas: &[(&'a Region, &'a Observed)],
    placed: impl Fn() -> Placed,
) -> Vec<(&'a Region, Placed)> {
    replicas.iter().map(|(target, _)| (*target, placed())).collect()
}

fn end(run: &Run<'_>, name: &ParameterName, target: &Region, placed: Placed, round: &mut Round) {
    // That some tags do not fit stays told.
    let was_equal = !matches!(round.endings.of(name, target), Some(Ending::Failed { .. }));
    let ending = match placed {
        Placed::Done { lacks: Some(cause), .. } | Placed::Failed(cause) => {
            let account = run.session.account();
            tracing::warn!(%account, region = %target, kind = "parameter", name = name.as_str(), error_kind = %cause.kind, "{}", cause.message);
            Ending::Failed { region: target.clone(), cause }
        }
        Placed::Done { written: true, .. } if was_equal => Ending::Counted(OutcomeKind::Retagged),
        Placed::Planned if was_equal => Ending::Planned {
            change: Change::Retag,
            because: vec!["labels"],
            class: None,
            reported: None,
        },
        Placed::Done { .. } | Placed::Planned => return,
        Placed::Moved => Ending::Counted(OutcomeKind::Pending),
    };
    round.endings.end(name, target, ending);
}
