//! The records of route states: `state#us-east-2=us-east-1`, sorted by serial.
//!
//! A record is the whole state after a transition, so that the newest record is all that a read needs, and the older
//! ones are the history. A transition writes the next serial if no record has it: of two operators one wins.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::items::{Item, keyed, number, set_number, set_text, text};
use super::{Conditional, Table};
use crate::domain::{
    AccountId, Cause, FailureKind, LastTransition, RoutePair, RouteRecord, RouteState, StateEntry,
    Timestamp,
};

/// The version of the format of a record.
const FORMAT: u64 = 1;
/// Names the transition that wrote a record, so that a repeated put recognises its own record.
const REQUEST: &str = "request";
const HOME: &str = "home";
/// The transition that wrote the record, as a map.
const TRANSITION: &str = "transition";

/// What the table says about a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRead {
    /// The state of the route.
    pub record: RouteRecord,
    /// The table that wrote the record, if the record was copied or restored from it. The state is then `new`.
    pub copied_from: Option<String>,
}

/// The answer to the write of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatePut {
    /// The record is written.
    Written,
    /// Another transition took the serial.
    Lost,
}

impl Table {
    /// The state of a route, by a consistent read.
    ///
    /// # Errors
    /// The table is unreachable, the record is unreadable, or another hub wrote it.
    pub async fn state(&self, pair: &RoutePair) -> Result<StateRead, Cause> {
        match self.newest(&key(pair)).await? {
            None => Ok(StateRead { record: RouteRecord::absent(0), copied_from: None }),
            Some(item) => self.read(pair, &item),
        }
    }

    /// Writes the record of the next serial. `request` names this transition: a put whose answer was lost finds its own
    /// record.
    ///
    /// # Errors
    /// The table is unreachable.
    pub async fn put_state(
        &self,
        pair: &RoutePair,
        record: &RouteRecord,
        request: &str,
    ) -> Result<StatePut, Cause> {
        let item = self.item(pair, record, request);
        if self.put_new(item).await? == Conditional::Written {
            return Ok(StatePut::Written);
        }
        let newest = self.newest(&key(pair)).await?;
        let is_ours = newest.as_ref().is_some_and(|item| {
            text(item, REQUEST) == Some(request) && text(item, "sk") == Some(&serial(record.serial))
        });
        Ok(if is_ours { StatePut::Written } else { StatePut::Lost })
    }

    fn read(&self, pair: &RoutePair, item: &Item) -> Result<StateRead, Cause> {
        let unreadable = |what: &str| {
            let message = format!(
                "the newest record of the route {pair} in {} is not readable: {what}",
                self.place()
            );
            Cause::new(FailureKind::Invalid, message).with_remedy(
                "update hubctl and the hub to the same version; only they write records of route states",
            )
        };
        let serial = text(item, "sk")
            .and_then(|sk| sk.parse().ok())
            .ok_or_else(|| unreadable("its serial is not a number"))?;
        if number(item, "format") != Some(FORMAT) {
            return Err(unreadable("it has another format"));
        }
        let home = text(item, HOME).unwrap_or_default();
        if home != self.home {
            return self.of_another_home(pair, home, serial);
        }
        let route = entry(item, number(item, "route_serial"))
            .ok_or_else(|| unreadable("it has no valid state"))?;
        let mut accounts = std::collections::BTreeMap::new();
        let own = item.get("accounts").and_then(|own| own.as_m().ok());
        for (id, own) in own.into_iter().flatten() {
            let account = AccountId::parse(id).map_err(|error| unreadable(&error.to_string()))?;
            let own = own.as_m().ok().and_then(|own| entry(own, number(own, "serial")));
            let own = own.ok_or_else(|| unreadable(&format!("{id} has no valid state")))?;
            accounts.insert(account, own);
        }
        let last = item.get(TRANSITION).and_then(|last| transition(last.as_m().ok()?));
        Ok(StateRead { record: RouteRecord { serial, route, accounts, last }, copied_from: None })
    }

    /// A record that was not written for this table: copied from another table of this hub, or written by another hub.
    fn of_another_home(
        &self,
        pair: &RoutePair,
        home: &str,
        serial: u64,
    ) -> Result<StateRead, Cause> {
        let role = |home: &str| home.split_once(' ').map(|(_, role)| role.to_owned());
        if role(home) == role(&self.home) {
            let from = home.split(' ').next().unwrap_or_default().to_owned();
            return Ok(StateRead { record: RouteRecord::absent(serial), copied_from: Some(from) });
        }
        let home = crate::domain::shown(home);
        let message = format!(
            "{} belongs to another hub: its record of the route {pair} names `{home}`, and this hub is `{}`",
            self.place(),
            self.home
        );
        Err(Cause::new(FailureKind::Invalid, message).with_remedy(
            "set REPLICATOR_TABLE to the table of this hub's stack; after a change of REPLICATOR_SPOKE_ROLE_NAME use a new table and run `hubctl thaw`",
        ))
    }

    fn item(&self, pair: &RoutePair, record: &RouteRecord, request: &str) -> Item {
        let mut item = keyed(key(pair), serial(record.serial));
        set_number(&mut item, "format", FORMAT);
        set_text(&mut item, HOME, &self.home);
        set_text(&mut item, REQUEST, request);
        set_number(&mut item, "route_serial", record.route.serial);
        write_entry(&mut item, &record.route);
        let accounts: HashMap<String, AttributeValue> = record
            .accounts
            .iter()
            .map(|(account, entry)| {
                let mut own = Item::new();
                set_number(&mut own, "serial", entry.serial);
                write_entry(&mut own, entry);
                (account.to_string(), AttributeValue::M(own))
            })
            .collect();
        item.insert("accounts".to_owned(), AttributeValue::M(accounts));
        if let Some(last) = &record.last {
            item.insert(TRANSITION.to_owned(), AttributeValue::M(written_transition(last)));
        }
        item
    }
}

fn key(pair: &RoutePair) -> String {
    format!("state#{pair}")
}

/// Ten digits, so that the order of texts is the order of numbers.
fn serial(serial: u64) -> String {
    format!("{serial:010}")
}

/// `None` if a later release wrote the map. Only messages use it.
fn transition(item: &Item) -> Option<LastTransition> {
    let ids = item.get("accounts").and_then(|ids| ids.as_l().ok());
    let id = |id: &AttributeValue| AccountId::parse(id.as_s().ok()?).ok();
    Some(LastTransition {
        state: RouteState::parse(text(item, "state")?)?,
        accounts: ids.into_iter().flatten().map(id).collect::<Option<_>>()?,
        at: Timestamp::parse(text(item, "at")?)?,
        by: text(item, "by").unwrap_or_default().to_owned(),
        reason: text(item, "reason").unwrap_or_default().to_owned(),
    })
}

fn written_transition(last: &LastTransition) -> Item {
    let mut item = Item::new();
    set_text(&mut item, "state", last.state.word());
    set_text(&mut item, "at", last.at.to_string());
    set_text(&mut item, "by", &last.by);
    set_text(&mut item, "reason", &last.reason);
    let accounts = last.accounts.iter().map(|account| AttributeValue::S(account.to_string()));
    item.insert("accounts".to_owned(), AttributeValue::L(accounts.collect()));
    item
}

fn entry(item: &Item, serial: Option<u64>) -> Option<StateEntry> {
    Some(StateEntry {
        state: RouteState::parse(text(item, "state")?).filter(|state| *state != RouteState::New)?,
        serial: serial?,
        since: Some(Timestamp::parse(text(item, "since")?)?),
        by: text(item, "by").unwrap_or_default().to_owned(),
        reason: text(item, "reason").unwrap_or_default().to_owned(),
        run: text(item, "run").map(str::to_owned),
    })
}

fn write_entry(item: &mut Item, entry: &StateEntry) {
    set_text(item, "state", entry.state.word());
    set_text(item, "since", entry.since.map(|since| since.to_string()).unwrap_or_default());
    set_text(item, "by", &entry.by);
    set_text(item, "reason", &entry.reason);
    if let Some(run) = &entry.run {
        set_text(item, "run", run);
    }
}
