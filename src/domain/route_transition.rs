//! The transitions of a route's state that a person asks for. Pure: the caller reads the record and writes the next one.

use super::location::AccountId;
use super::route_state::{LastTransition, RouteRecord, RouteState, StateEntry};
use super::timestamp::Timestamp;

/// Who asks for a transition, when and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitionRequest {
    /// The accounts; empty for the whole route.
    pub accounts: Vec<AccountId>,
    /// The ARN of the caller.
    pub by: String,
    /// The reason that the caller gave.
    pub reason: String,
    /// The time of the request.
    pub now: Timestamp,
}

/// The answer to a request for a transition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transition {
    /// The state is already the requested one.
    Unchanged,
    /// The record to write.
    Next(Box<RouteRecord>),
}

/// A transition that the present state does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitionRefused {
    /// What the state is, and who set it.
    pub problem: String,
    /// What to do instead.
    pub accepted: String,
}

impl RouteRecord {
    /// Stops the replication. A freeze of the whole route includes every account that is active by its own record.
    ///
    /// # Errors
    /// The route or an account is in a state that already belongs to a failover: a freeze would hide it.
    pub fn freeze(&self, request: &TransitionRequest) -> Result<Transition, TransitionRefused> {
        let stops = |state| matches!(state, RouteState::New | RouteState::Active);
        self.transition(request, RouteState::Frozen, |entry, subject| match entry.state {
            RouteState::Frozen => Ok(false),
            state if stops(state) => Ok(true),
            RouteState::FailingBack => Err(refused(
                entry,
                subject,
                "`hubctl failback` to continue or to end the failback; a freeze would hide it",
            )),
            _ => Err(refused(entry, subject, "no command: the hub writes nothing in this state")),
        })
    }

    /// Starts the replication. `seen` is the serial that the caller read before: a late repetition does nothing.
    ///
    /// # Errors
    /// The record changed since `seen`, or the state does not allow replication to start.
    pub fn thaw(
        &self,
        request: &TransitionRequest,
        seen: u64,
    ) -> Result<Transition, TransitionRefused> {
        let next = self.transition(request, RouteState::Active, |entry, subject| {
            match entry.state {
                RouteState::Active => Ok(false),
                RouteState::New | RouteState::Frozen => Ok(true),
                RouteState::FailedOver | RouteState::FailingBack => Err(refused(
                    entry,
                    subject,
                    "`hubctl failback`, which keeps what the owners wrote in the target Region",
                )),
                RouteState::Retired => Err(refused(
                    entry,
                    subject,
                    "the opposite route in REPLICATOR_ROUTES, because a retired route does not start again",
                )),
            }
        })?;
        if matches!(next, Transition::Next(_)) && self.serial != seen {
            let who = self
                .last
                .as_ref()
                .map_or_else(|| format!("the route is {}", self.route), LastTransition::to_string);
            return Err(TransitionRefused {
                problem: format!(
                    "the state changed: the request carries the serial {seen}, and the serial is now {}: {who}",
                    self.serial
                ),
                accepted: "the serial that `hubctl status` shows, if the replication may start"
                    .to_owned(),
            });
        }
        Ok(next)
    }

    /// Sets `state` for the route or for the named accounts. `decide` says for one entry whether the entry changes.
    fn transition(
        &self,
        request: &TransitionRequest,
        state: RouteState,
        decide: impl Fn(&StateEntry, &str) -> Result<bool, TransitionRefused>,
    ) -> Result<Transition, TransitionRefused> {
        let serial = self.serial + 1;
        let entry = StateEntry {
            state,
            serial,
            since: Some(request.now),
            by: request.by.clone(),
            reason: request.reason.clone(),
            run: None,
        };
        let last = LastTransition {
            state,
            accounts: request.accounts.clone(),
            at: request.now,
            by: request.by.clone(),
            reason: request.reason.clone(),
        };
        let mut next = Self { serial, last: Some(last), ..self.clone() };
        let mut changes = false;
        if request.accounts.is_empty() {
            changes = decide(&self.route, "the route")?;
            // An account that is active by its own record loses this exception when the whole route stops.
            let is_exception = |account| self.of(account).state == RouteState::Active;
            changes |= state != RouteState::Active && self.accounts.keys().any(is_exception);
            next.accounts.retain(|_, own| own.state != RouteState::Active);
            next.route = entry;
        } else {
            for account in &request.accounts {
                if !decide(self.of(account), &format!("the account {account}"))? {
                    continue;
                }
                changes = true;
                if state == self.route.state {
                    next.accounts.remove(account);
                } else {
                    next.accounts.insert(account.clone(), entry.clone());
                }
            }
        }
        Ok(if changes { Transition::Next(Box::new(next)) } else { Transition::Unchanged })
    }
}

fn refused(entry: &StateEntry, subject: &str, accepted: &str) -> TransitionRefused {
    TransitionRefused { problem: format!("{subject} is {entry}"), accepted: accepted.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u64) -> AccountId {
        AccountId::parse(&format!("{n:012}")).expect("an account")
    }

    fn request(accounts: &[u64]) -> TransitionRequest {
        TransitionRequest {
            accounts: accounts.iter().map(|n| account(*n)).collect(),
            by: "arn:aws:sts::111122223333:assumed-role/operator/ann".to_owned(),
            reason: "us-east-2 fails".to_owned(),
            now: Timestamp::from_millis(1_000),
        }
    }

    fn next(transition: Result<Transition, TransitionRefused>) -> RouteRecord {
        match transition {
            Ok(Transition::Next(record)) => *record,
            other => panic!("{other:?}"),
        }
    }

    fn states(record: &RouteRecord, accounts: &[u64]) -> Vec<RouteState> {
        accounts.iter().map(|n| record.of(&account(*n)).state).collect()
    }

    use RouteState::{Active, Frozen};

    #[test]
    fn a_new_route_starts_stops_and_starts_again() {
        let new = RouteRecord::absent(0);
        let active = next(new.thaw(&request(&[]), 0));
        assert_eq!((active.serial, active.route.state), (1, Active));
        let frozen = next(active.freeze(&request(&[])));
        assert_eq!((frozen.serial, frozen.route.state), (2, Frozen));
        assert_eq!(frozen.freeze(&request(&[])), Ok(Transition::Unchanged));
        assert_eq!(next(frozen.thaw(&request(&[]), 2)).route.state, Active);
        assert_eq!(next(new.freeze(&request(&[]))).route.state, Frozen);
    }

    #[test]
    fn a_late_repetition_of_thaw_does_nothing() {
        let frozen = next(RouteRecord::absent(0).freeze(&request(&[])));
        let active = next(frozen.thaw(&request(&[]), 1));
        assert_eq!(active.thaw(&request(&[]), 1), Ok(Transition::Unchanged), "the same thaw twice");
        let again = next(active.freeze(&request(&[])));
        let refused = again.thaw(&request(&[]), 1).expect_err("another freeze came after it");
        assert!(refused.problem.contains("serial 1") && refused.problem.contains("now 3"));
        assert!(refused.problem.contains("us-east-2 fails"), "{}", refused.problem);
    }

    #[test]
    fn accounts_stop_and_start_one_by_one_and_the_whole_route_takes_all() {
        let active = next(RouteRecord::absent(0).thaw(&request(&[]), 0));
        let one = next(active.freeze(&request(&[1])));
        assert_eq!(states(&one, &[1, 2]), [Frozen, Active]);
        let all = next(one.freeze(&request(&[])));
        assert_eq!(states(&all, &[1, 2]), [Frozen, Frozen]);
        let second = next(all.thaw(&request(&[2]), all.serial));
        assert_eq!(states(&second, &[1, 2, 3]), [Frozen, Active, Frozen]);
        let taken = next(second.freeze(&request(&[])));
        assert_eq!(states(&taken, &[1, 2, 3]), [Frozen, Frozen, Frozen]);
        // An account keeps its own record when the whole route starts.
        let thawed = next(taken.thaw(&request(&[]), taken.serial));
        assert_eq!(states(&thawed, &[1, 2, 3]), [Frozen, Active, Active]);
        let last = next(thawed.thaw(&request(&[1]), thawed.serial));
        assert_eq!(states(&last, &[1, 2, 3]), [Active, Active, Active]);
        assert!(last.accounts.is_empty());
    }

    #[test]
    fn a_refused_thaw_names_the_last_transition_even_if_it_left_no_entry() {
        let active = next(RouteRecord::absent(0).thaw(&request(&[]), 0));
        let one = next(active.freeze(&request(&[1])));
        let bob = TransitionRequest { by: "arn:bob".to_owned(), ..request(&[1]) };
        let again = next(one.thaw(&bob, 2));
        assert!(again.accounts.is_empty());
        let both =
            next(again.freeze(&TransitionRequest { by: "arn:bob".to_owned(), ..request(&[2, 3]) }));
        for (record, who) in [
            (
                &again,
                "the account 000000000001 was set to active at 1970-01-01T00:00:01Z by arn:bob",
            ),
            (&both, "the account 000000000002 and 1 more were set to frozen"),
        ] {
            let frozen = RouteRecord {
                route: StateEntry { state: Frozen, ..record.route.clone() },
                ..record.clone()
            };
            let refused = frozen.thaw(&request(&[]), 2).expect_err("the serial moved on");
            assert!(refused.problem.contains(who), "{}", refused.problem);
        }
    }

    #[test]
    fn a_state_of_a_failover_is_neither_frozen_nor_thawed() {
        for state in [RouteState::FailedOver, RouteState::FailingBack, RouteState::Retired] {
            let entry = StateEntry { state, serial: 4, ..StateEntry::none() };
            let whole = RouteRecord { serial: 4, route: entry.clone(), ..RouteRecord::absent(4) };
            let active = next(RouteRecord::absent(3).thaw(&request(&[]), 3));
            let one = RouteRecord { accounts: [(account(1), entry)].into(), ..active };
            for (record, accounts) in [(&whole, &[][..]), (&whole, &[1]), (&one, &[1])] {
                let frozen = record.freeze(&request(accounts)).expect_err("refused");
                let thawed = record.thaw(&request(accounts), 4).expect_err("refused");
                for refused in [frozen, thawed] {
                    assert!(refused.problem.contains(state.word()), "{}", refused.problem);
                }
            }
        }
    }
}
