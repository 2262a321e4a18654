//! The steps of a plan, one in each line, and the totals by Region.

use std::collections::BTreeMap;

use super::{View, new_table, set_spacing, wrapped};
use crate::domain::{Change, Reason, Step};
use crate::report::response::{PlannedStep, Response};
use crate::report::wording::{many, number, one_line};

/// The most steps at a terminal.
const STEPS: usize = 200;

/// A zero-width space after each `/` of a name, where the table may break a line; it is removed from the output. The `/`
/// cannot be the delimiter, because the table drops the delimiter at the end of a line.
const BREAK: char = '\u{200b}';

/// The table of the steps, the totals, and the id of the plan.
pub(super) fn planned(response: &Response, steps: &[PlannedStep], view: View) -> Vec<String> {
    let dropped = response.steps_dropped;
    if steps.is_empty() {
        return vec![String::new(), "Nothing is planned.".to_owned()];
    }
    let mut table = new_table(view);
    table.set_header(vec!["ACCOUNT", "REGION", "CHANGE", "KIND", "NAME", "BECAUSE"]);
    let shown = steps.len().min(view.at_most(STEPS));
    for PlannedStep { account, step } in steps.iter().take(shown) {
        table.add_row(vec![
            account.to_string(),
            step.region.to_string(),
            step.change.word().to_owned(),
            step.item.kind().word().to_owned(),
            one_line(step.item.name()).replace('/', &format!("/{BREAK}")),
            because(step),
        ]);
    }
    set_spacing(&mut table);
    if let Some(names) = table.column_mut(4) {
        names.set_delimiter(BREAK);
    }
    let mut lines = vec![String::new(), table.trim_fmt().replace(BREAK, "")];
    let left = (steps.len() - shown) as u64 + dropped;
    if left > 0 {
        let hint = "use `--account` or `--route` to limit the plan";
        lines.push(format!("… and {} more; {hint}", number(left)));
    }
    lines.push(String::new());
    let all = many(steps.len() + usize::try_from(dropped).unwrap_or(0), "step");
    lines.extend(wrapped(&format!("Planned, {all}: {}", by_region(response)), "  ", view));
    if let Some(id) = response.plan_id {
        lines.push(format!(
            "Plan {id}: the same command with `--yes --expect {id}` carries out exactly this plan"
        ));
    }
    lines
}

/// `value, tags`. A step that takes over a parameter also shows the conflict class: `value (mark_only)`.
fn because(step: &Step) -> String {
    let reasons = Reason::list(&step.because);
    match step.class {
        Some(class) => format!("{reasons} ({class})"),
        None => reasons,
    }
}

/// `us-east-1: 12 delete, 3 retag; us-west-2: 1 delete`. Counts all steps, kept or not.
fn by_region(response: &Response) -> String {
    let planned = response.totals.planned.iter().flatten();
    let regions: Vec<String> =
        planned.map(|(region, counts)| format!("{region}: {}", changes(counts))).collect();
    regions.join("; ")
}

/// `2 create, 1 update`.
pub(super) fn changes(counts: &BTreeMap<Change, u64>) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(change, count)| format!("{} {}", number(*count), change.word()))
        .collect();
    parts.join(", ")
}
