//! What a payload may ask: which accounts, which route, which item, and how the run differs from the settings.

use crate::domain::{AccountId, Item, Purpose, Region};
use crate::ownership::Fingerprint;
use crate::settings::MaxDeletes;

/// Which accounts a payload is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// All of the organisation that are in scope.
    Organization,
    /// The hub's own.
    Hub,
    /// These, each once, in the order given; Organizations is not asked.
    These(Vec<AccountId>),
}

/// How a run differs from what the settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct RunOptions {
    /// Decide and report only.
    pub plan: bool,
    /// Whether provenance is believed; if not, values are compared.
    pub trust: bool,
    /// Whether labels are looked at of every item; no list shows them.
    pub labels: bool,
    /// Whether replicas that depend on `REPLICATOR_TRUSTED_WRITERS` are written once more by the hub; asked for at a
    /// terminal alone.
    pub take_over: bool,
    /// Whether accounts that the settings exclude are worked on where they are named; asked for at a terminal alone.
    pub even_if_excluded: bool,
    /// The brake on deletions of this run.
    pub max_deletes: Option<MaxDeletes>,
    /// Whether a person at a terminal said so; no payload can.
    pub lifts_brake: bool,
    /// The id of the plan that is to be carried out, and no other; asked for at a terminal alone.
    pub expect: Option<Fingerprint>,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            plan: false,
            trust: true,
            labels: false,
            take_over: false,
            even_if_excluded: false,
            max_deletes: None,
            lifts_brake: false,
            expect: None,
        }
    }
}

/// A request to make routes equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// In which accounts.
    pub accounts: Accounts,
    /// Only the route from this Region; it may have none, which `work` refuses.
    pub region: Option<Region>,
    /// Only this item.
    pub item: Option<Item>,
    /// How the run differs from what the settings say.
    pub options: RunOptions,
    /// What it is for; only equality can be asked for by a payload.
    pub purpose: Purpose,
}
