//! The types that every other module uses: locations, items, keys, times, outcomes and failures. Nothing here calls AWS.

mod assignment;
mod change;
mod conflict;
mod execution;
mod failure;
mod item;
mod kms;
mod ledger;
mod location;
mod name_filter;
mod note;
mod opt_out;
mod outcome;
mod purpose;
mod reason;
mod route;
mod route_state;
mod route_transition;
mod secret_text;
mod shown;
mod tags;
mod timestamp;
mod version;
mod writers;

pub use assignment::{Assignment, Expectation, Scope, Wanted};
pub use change::{Change, Counts, OutcomeKind};
pub use conflict::ConflictClass;
pub use execution::{ExecutionName, InvalidExecution};
pub use failure::{Cause, Failure, FailureKind, Subject};
pub use item::{InvalidName, Item, Kind, ParameterName, SecretName};
pub use kms::{DEFAULT_PARAMETER_KEY, DEFAULT_SECRET_KEY, KmsKeys, TargetKey};
pub use ledger::{Ledger, LedgerCounts, LedgerKey};
pub use location::{AccountId, InvalidLocation, Location, Region};
pub use name_filter::{BOOKKEEPING, NameFilter, is_in_hub_tree, split_globs};
pub use note::{ABSENT, ABSENT_REMEDY, Note, PENDING, PENDING_REMEDY};
pub use opt_out::OptOut;
pub use outcome::{AccountOutcome, Step, TombstonedReplica, WrittenBy};
pub use purpose::{Leftovers, PlanStep, Purpose, Take};
pub use reason::Reason;
pub use route::{InvalidRoute, Route, Routes};
pub use route_state::{
    LastTransition, Need, RoutePair, RouteRecord, RouteState, StateEntry, Withheld,
};
pub use route_transition::{Transition, TransitionRefused, TransitionRequest};
pub use secret_text::SecretText;
pub(crate) use shown::shown;
pub use tags::{
    EXCLUDE_TAG, LENDS_TO_TAG, MARK_KEY, MARK_VALUE, OVERRIDE_TAG_PREFIX, PROVENANCE_KEY,
    TAG_LIMIT, Tags,
};
pub use timestamp::Timestamp;
pub use version::Version;
pub use writers::{TrustedWriters, Writer, Writers, assumed_role};
