//! Decisions for single cases.

mod cases;
mod consent;
mod does_not_take;
mod orphans;
mod ownership;
mod properties;

use std::time::Duration;

use super::desired::desired;
use super::*;
use crate::domain::{
    Change, ConflictClass, EXCLUDE_TAG, KmsKeys, MARK_KEY, MARK_VALUE, PROVENANCE_KEY, Reason,
    Tags, Timestamp,
};
use crate::guard::Claim;
use crate::ownership::{Fingerprint, PastVersion, Provenance, Tombstone, is_marked};
use crate::parameters::fixtures::{HUB, PERSON, observed, parameter, region};
use crate::parameters::model::{Parameter, Tier, ValueType};
use crate::parameters::policies::Policies;

/// The current time.
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// When replicas were written.
const WRITTEN: Timestamp = Timestamp::from_millis(1_700_000_009_000);

#[expect(clippy::struct_excessive_bools, reason = "each is a separate setting or option")]
struct World {
    account: AccountId,
    source: Region,
    target: Region,
    routes: Routes,
    names: NameFilter,
    keys: KmsKeys,
    writers: Writers,
    parity: Parity,
    adopt: bool,
    take: bool,
    restore: bool,
    take_over: bool,
    retry_refused: bool,
    found_by: Option<FoundBy>,
    active_since: Option<Timestamp>,
    deletes: DeletePolicy,
}

impl World {
    fn new() -> Self {
        Self::with_routes("us-east-2=us-east-1")
    }

    fn with_routes(routes: &str) -> Self {
        Self {
            account: AccountId::parse("111122223333").expect("an account"),
            source: region("us-east-2"),
            target: region("us-east-1"),
            routes: Routes::parse(routes).expect("routes"),
            names: NameFilter::default(),
            keys: KmsKeys::default(),
            writers: Writers::of_defaults(),
            parity: Parity::ByProvenance,
            adopt: false,
            take: false,
            restore: false,
            take_over: false,
            retry_refused: false,
            found_by: Some(FoundBy::List),
            active_since: None,
            deletes: DeletePolicy {
                never: false,
                at_once: false,
                keep_until: None,
                latest_due: Timestamp::from_millis(NOW.millis() + 1_000),
                grace: Duration::from_millis(500),
            },
        }
    }

    fn decide(&self, original: Option<&Observed>, replica: Option<&Observed>) -> Decision {
        decide(self.case(original, replica), self.plan_policy())
    }

    fn plan_policy(&self) -> PlanPolicy<'_> {
        PlanPolicy {
            names: &self.names,
            kms_keys: &self.keys,
            writers: &self.writers,
            parity: self.parity,
            adopt: self.adopt,
            take: self.take,
            restore: self.restore,
            take_over: self.take_over,
            retry_refused: self.retry_refused,
            deletes: self.deletes,
            now: NOW,
        }
    }

    fn case<'a>(
        &'a self,
        original: Option<&'a Observed>,
        replica: Option<&'a Observed>,
    ) -> Case<'a> {
        Case {
            account: &self.account,
            source: &self.source,
            target: &self.target,
            routes: &self.routes,
            original,
            replica,
            referenced: None,
            active_since: self.active_since,
            found_by: self.found_by,
        }
    }

    /// The class of the conflict.
    fn class(&self, original: Option<&Observed>, replica: &Observed) -> ConflictClass {
        match self.decide(original, Some(replica)) {
            Decision::Conflict(cause) => cause.class.expect("a class"),
            other => panic!("no conflict: {other:?}"),
        }
    }

    /// The replica that the hub makes of `original`.
    fn replica_of(&self, original: &Observed) -> Observed {
        let wanted = desired(original, None, &self.keys, &self.source, &self.target)
            .expect("can be replicated");
        let mut replica = original.clone();
        replica.parameter.version = 1;
        replica.parameter.modified = WRITTEN;
        replica.parameter.writer = Some(HUB.into());
        replica.parameter.key = wanted.key.clone().map(Into::into);
        let name = &original.parameter.name;
        let provenance = Provenance {
            region: self.source.clone(),
            source: original.parameter.version(),
            replica: 1,
            written: None,
            form: wanted.form,
            of: Some(Fingerprint::of_item(&self.account, &self.target, name)),
            tags: Some(wanted.tags_fingerprint()),
            adopted: false,
            refused: None,
            retagged: None,
            gone: None,
            unknown: String::new(),
        };
        replica.tags = with_both(wanted.tags, &provenance);
        replica
    }
}

/// A replica with these later versions: each has a writer, and says whether the next version has the same value. The history
/// is known.
fn later(replica: &Observed, writers: &[(&str, Option<bool>)]) -> Observed {
    let mut changed = replica.clone();
    let first = PastVersion {
        version: replica.parameter.version(),
        writer: replica.parameter.writer.clone(),
        same_as_next: None,
    };
    let mut rows = vec![first];
    for (after, (writer, same_as_next)) in (1_i64..).zip(writers) {
        changed.parameter.version = replica.parameter.version + after;
        changed.parameter.modified = Timestamp::from_millis(WRITTEN.millis() + after * 1000);
        changed.parameter.writer = Some((*writer).into());
        let (version, writer) = (changed.parameter.version(), changed.parameter.writer.clone());
        rows.push(PastVersion { version, writer, same_as_next: *same_as_next });
    }
    changed.history = Some(rows.into());
    changed
}

fn because(decision: &Decision) -> (Change, Vec<Reason>) {
    match decision {
        Decision::Write(write) | Decision::Compare(write) => (write.change, write.because.clone()),
        other => panic!("no write: {other:?}"),
    }
}

fn removal(decision: &Decision) -> (Disposal, Reason) {
    match decision {
        Decision::Remove(removal) => (removal.disposal, removal.because),
        other => panic!("no removal: {other:?}"),
    }
}

/// The replica with further keys in its provenance.
fn proving(replica: &Observed, more: &str) -> Observed {
    let mut changed = replica.clone();
    changed.tags.get_mut(PROVENANCE_KEY).expect("provenance").push_str(more);
    changed
}

fn without(observed: &Observed, keys: &[&str]) -> Observed {
    let mut changed = observed.clone();
    changed.tags.retain(|key, _| !keys.contains(&key.as_str()));
    changed
}
