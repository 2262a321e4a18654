//! What came of the cells, as the assertions saw it, in one table.

use aws_sim::Effect;
use serde_json::Value;

use super::expected::{is_done, is_lost_write};
use super::flows::Path;
use super::{EFFECTS, Place, came_back, is_of_a_session};
use crate::support::SOURCE;

/// What came of one cell.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    /// The kinds of the failures, `back` for events that come back, or the status.
    word: String,
    /// How often the fault struck.
    hits: u64,
}

const WRONG: &str = "WRONG";
/// Attempts of one call, as the hub's retries have it.
const ATTEMPTS: u64 = 5;

impl Outcome {
    /// Of a cell that does not hold.
    pub(super) fn wrong() -> Self {
        Self { word: WRONG.to_owned(), hits: 0 }
    }

    pub(super) fn of(answer: &Value, path: Path, hits: u64) -> Self {
        let word = if path == Path::Events {
            if came_back(answer).is_empty() { "done" } else { "back" }.to_owned()
        } else {
            let failures = answer["failures"].as_array().map_or(&[][..], Vec::as_slice);
            let kinds: std::collections::BTreeSet<&str> =
                failures.iter().filter_map(|failure| failure["error_kind"].as_str()).collect();
            if kinds.is_empty() {
                answer["status"].as_str().unwrap_or_default().to_owned()
            } else {
                kinds.into_iter().collect::<Vec<_>>().join("+")
            }
        };
        Self { word, hits }
    }

    /// A passing fault costs as many attempts as it strikes, one that stays five, and a refusal one.
    pub(super) fn assert_attempts(
        &self,
        what: &str,
        place: &Place,
        effect: Effect,
        times: Option<u64>,
    ) {
        // Where several names are in one call, a refusal may be one name's: each has a call of its own then.
        let is_for_several =
            ["ssm:GetParameters", "ssm:DeleteParameters"].contains(&place.operation.as_str());
        let refused = if is_for_several { 2 } else { 1 };
        // A tag's event waits for the tag to be readable, and when it cannot be read, goes on to read the item.
        let is_awaited = place.flow == "tag"
            && place.path == Path::Events
            && place.operation == "ssm:ListTagsForResource"
            && place.region == SOURCE;
        let calls = if is_awaited { 2 } else { 1 };
        let attempts = match (times, effect) {
            (Some(times), _) => times,
            (None, Effect::AccessDenied) => calls * refused,
            // The first is made once more, with new credentials.
            (None, Effect::ExpiredToken) => calls * refused + u64::from(is_of_a_session(place)),
            (None, effect) if is_done(place, effect) => 1,
            // Once in each of the two passes, or before and after the new proof.
            (None, effect) if is_lost_write(place, effect) => 2,
            (None, _) => calls * ATTEMPTS,
        };
        assert_eq!(self.hits, attempts, "{what}: attempts");
    }
}

/// One call of one flow, and what came of it under each fault: for ever, and passing.
pub(super) struct Row {
    label: String,
    pub(super) cells: Vec<(Outcome, Option<Outcome>)>,
}

impl Row {
    pub(super) fn of(place: &Place) -> Self {
        let path = if place.path == Path::Sweep { "sweep" } else { "events" };
        let label = format!("{} {path} {} {}", place.flow, place.operation, place.region);
        Self { label, cells: Vec::new() }
    }
}

/// How many cells do not hold.
pub(super) fn wrong(rows: &[Row]) -> usize {
    let outcomes = rows.iter().flat_map(|row| &row.cells);
    let outcomes = outcomes.flat_map(|(one, other)| [Some(one), other.as_ref()]);
    outcomes.flatten().filter(|outcome| outcome.word == WRONG).count()
}

/// The table: `kind×attempts`, and after a stroke the same where the fault passes.
pub(super) fn of(rows: &[Row]) -> String {
    let mut lines = vec![vec!["flow, way, call, Region".to_owned()]];
    lines[0].extend(EFFECTS.map(|(word, _)| word.to_owned()));
    for row in rows {
        let cell = |(for_ever, passing): &(Outcome, Option<Outcome>)| {
            let shown = |outcome: &Outcome| format!("{}×{}", outcome.word, outcome.hits);
            let passing = passing.as_ref().map(|passing| format!(" / {}", shown(passing)));
            format!("{}{}", shown(for_ever), passing.unwrap_or_default())
        };
        lines.push(std::iter::once(row.label.clone()).chain(row.cells.iter().map(cell)).collect());
    }
    let widths: Vec<usize> = (0..=EFFECTS.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let aligned = lines.iter().map(|line| {
        let padded = line.iter().zip(&widths).map(|(text, width)| format!("{text:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    });
    aligned.collect::<Vec<_>>().join("\n")
}
