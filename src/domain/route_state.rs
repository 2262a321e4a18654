//! The state of a route, of the whole route and of single accounts: what the state allows, and how a person changes it.
//!
//! A record of the table is the whole state after a transition. [`RouteRecord::of`] gives the state that holds for an
//! account: the stricter one of route and account, except an account that became active after the route's own state was
//! set.

use std::collections::BTreeMap;
use std::fmt;

use super::failure::Cause;
use super::location::{AccountId, InvalidLocation, Region};
use super::shown::{shown, shown_caller};
use super::timestamp::Timestamp;

/// One source Region and one target Region, written `us-east-2=us-east-1`. Each pair has its own state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoutePair {
    /// The Region of the sources.
    pub source: Region,
    /// The Region of the replicas.
    pub target: Region,
}

impl RoutePair {
    /// The pair of these two Regions.
    pub fn new(source: &Region, target: &Region) -> Self {
        Self { source: source.clone(), target: target.clone() }
    }

    /// Reads `us-east-2=us-east-1`.
    ///
    /// # Errors
    /// The text has another shape, or one of the names is not the name of a Region.
    pub fn parse(text: &str) -> Result<Self, InvalidLocation> {
        let (source, target) =
            text.split_once('=').ok_or_else(|| InvalidLocation::Region(shown(text)))?;
        Ok(Self { source: Region::parse(source.trim())?, target: Region::parse(target.trim())? })
    }
}

impl fmt::Display for RoutePair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.source, self.target)
    }
}

/// The state of a route. The order of the declaration is the order of strictness: of route and account the later one
/// holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteState {
    /// The hub replicates.
    Active,
    /// An operator stopped the replication.
    Frozen,
    /// A failback is under way.
    FailingBack,
    /// The workloads run in the target Region.
    FailedOver,
    /// The route has ended.
    Retired,
    /// The table has no record of the route: the hub only plans.
    New,
}

impl RouteState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Active, Self::Frozen, Self::FailingBack, Self::FailedOver, Self::Retired, Self::New];

    /// The word in the table and in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::FailingBack => "failing_back",
            Self::FailedOver => "failed_over",
            Self::Retired => "retired",
            Self::New => "new",
        }
    }

    /// The state of a word; `None` for any other text.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl fmt::Display for RouteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Why a request writes. Every request that changes a member account names its need, and the state of the route allows
/// the need or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// Create or change a replica, its tags or its labels; start the replication of a secret.
    Replicate,
    /// Delete a replica.
    Delete,
    /// Set or remove the tag that announces a deletion.
    Tombstone,
    /// Carry out `resolve`.
    Resolve,
    /// Carry out `prune`.
    Prune,
    /// Carry out `release`.
    Release,
}

impl Need {
    /// Every need.
    pub const ALL: [Self; 6] =
        [Self::Replicate, Self::Delete, Self::Tombstone, Self::Resolve, Self::Prune, Self::Release];

    /// The word in messages.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Replicate => "replicate",
            Self::Delete => "delete",
            Self::Tombstone => "tombstone",
            Self::Resolve => "resolve",
            Self::Prune => "prune",
            Self::Release => "release",
        }
    }

    /// Whether a route in this state allows the request.
    pub const fn is_allowed_in(self, state: RouteState) -> bool {
        match self {
            Self::Replicate
            | Self::Delete
            | Self::Tombstone
            | Self::Resolve
            | Self::Prune
            | Self::Release => matches!(state, RouteState::Active),
        }
    }
}

/// One state with its history: when and why it was set, and who set it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateEntry {
    /// The state.
    pub state: RouteState,
    /// The serial of the transition that set the state.
    pub serial: u64,
    /// When the state was set; `None` for [`RouteState::New`].
    pub since: Option<Timestamp>,
    /// The ARN of the caller who set the state.
    pub by: String,
    /// The reason that the caller gave.
    pub reason: String,
    /// The run that holds the state, for [`RouteState::FailingBack`].
    pub run: Option<String>,
}

impl StateEntry {
    /// The state of a route without a record.
    pub const fn none() -> Self {
        Self {
            state: RouteState::New,
            serial: 0,
            since: None,
            by: String::new(),
            reason: String::new(),
            run: None,
        }
    }
}

impl fmt::Display for StateEntry {
    /// `frozen since 2026-11-28T10:00:00Z by arn:… (the reason)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.state)?;
        if let Some(since) = self.since {
            write!(f, " since {since}")?;
        }
        if !self.by.is_empty() {
            write!(f, " by {}", shown_caller(&self.by))?;
        }
        if !self.reason.is_empty() {
            write!(f, " ({})", shown_caller(&self.reason))?;
        }
        Ok(())
    }
}

/// The transition that wrote a record: what it set, when and why, and who asked for it. An account that takes the route's state again
/// has no entry, so only this says who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastTransition {
    /// The state that the transition set.
    pub state: RouteState,
    /// The accounts that the transition named; empty for the whole route.
    pub accounts: Vec<AccountId>,
    /// The time of the transition.
    pub at: Timestamp,
    /// The ARN of the caller.
    pub by: String,
    /// The reason that the caller gave.
    pub reason: String,
}

impl fmt::Display for LastTransition {
    /// `the route was set to frozen at 2026-11-28T10:00:00Z by arn:… (the reason)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.accounts.as_slice() {
            [] => write!(f, "the route was")?,
            [one] => write!(f, "the account {one} was")?,
            [first, others @ ..] => {
                write!(f, "the account {first} and {} more were", others.len())?;
            }
        }
        write!(f, " set to {} at {} by {}", self.state, self.at, shown_caller(&self.by))?;
        if !self.reason.is_empty() {
            write!(f, " ({})", shown_caller(&self.reason))?;
        }
        Ok(())
    }
}

/// Why a run leaves a route of an account alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// The route is not active.
    State(StateEntry),
    /// The state cannot be read.
    Unreadable(Cause),
}

/// The whole state of a route after a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRecord {
    /// The number of transitions so far; 0 if the table has no record.
    pub serial: u64,
    /// The state of the route itself.
    pub route: StateEntry,
    /// The accounts with their own state.
    pub accounts: BTreeMap<AccountId, StateEntry>,
    /// The transition that wrote the record; `None` if the table has no record.
    pub last: Option<LastTransition>,
}

impl RouteRecord {
    /// The record of a route that the table does not name. A table that was restored has a later `serial`.
    pub const fn absent(serial: u64) -> Self {
        Self { serial, route: StateEntry::none(), accounts: BTreeMap::new(), last: None }
    }

    /// The state of a route whose setting is `TABLE=none`.
    pub fn always_active() -> Self {
        let route = StateEntry { state: RouteState::Active, ..StateEntry::none() };
        Self { serial: 0, route, accounts: BTreeMap::new(), last: None }
    }

    /// The state that holds for an account.
    pub fn of(&self, account: &AccountId) -> &StateEntry {
        match self.accounts.get(account) {
            Some(own) if own.state == RouteState::Active => {
                if own.serial > self.route.serial {
                    own
                } else {
                    &self.route
                }
            }
            Some(own) if own.state > self.route.state => own,
            _ => &self.route,
        }
    }

    /// The accounts whose state differs from the route's.
    pub fn exceptions(&self) -> impl Iterator<Item = (&AccountId, &StateEntry)> {
        self.accounts
            .keys()
            .map(|account| (account, self.of(account)))
            .filter(|(_, entry)| entry.state != self.route.state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u64) -> AccountId {
        AccountId::parse(&format!("{n:012}")).expect("an account")
    }

    fn entry(state: RouteState, serial: u64) -> StateEntry {
        StateEntry { state, serial, ..StateEntry::none() }
    }

    #[test]
    fn a_pair_reads_back_as_it_is_written() {
        let pair = RoutePair::parse("us-east-2=us-east-1").expect("a pair");
        assert_eq!(pair.to_string(), "us-east-2=us-east-1");
        for wrong in
            ["us-east-2", "us-east-2=", "=us-east-1", "a=b", "us-east-2=us-east-1,us-west-2"]
        {
            assert!(RoutePair::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_state_reads_back_and_only_active_allows_what_replication_needs() {
        for state in RouteState::ALL {
            assert_eq!(RouteState::parse(state.word()), Some(state));
            for need in Need::ALL {
                assert_eq!(need.is_allowed_in(state), state == RouteState::Active, "{state}");
            }
        }
        assert_eq!(RouteState::parse("thawed"), None);
    }

    #[test]
    fn the_stricter_state_of_route_and_account_holds() {
        for route in RouteState::ALL {
            for own in RouteState::ALL {
                let record = RouteRecord {
                    serial: 9,
                    route: entry(route, 5),
                    accounts: [(account(1), entry(own, 4))].into(),
                    last: None,
                };
                assert_eq!(record.of(&account(1)).state, route.max(own), "{route} {own}");
                assert_eq!(record.of(&account(2)).state, route);
            }
        }
    }

    #[test]
    fn an_account_that_became_active_after_the_route_was_frozen_is_active() {
        let frozen = |serial| RouteRecord {
            serial: 9,
            route: entry(RouteState::Frozen, serial),
            accounts: [(account(1), entry(RouteState::Active, 6))].into(),
            last: None,
        };
        assert_eq!(frozen(5).of(&account(1)).state, RouteState::Active);
        assert_eq!(frozen(7).of(&account(1)).state, RouteState::Frozen);
        assert_eq!(frozen(5).exceptions().count(), 1);
        assert_eq!(frozen(7).exceptions().count(), 0);
    }
}
