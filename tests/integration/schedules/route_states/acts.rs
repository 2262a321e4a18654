//! What may happen in a schedule of route states.

use serde_json::{Value, json};

use super::stage::{PAIR, ROUTES, SETTINGS};
use crate::schedules::case::touched;
use crate::schedules::process::Input;
use crate::schedules::store::ACCOUNT;

/// One act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// An operator freezes the route and waits.
    Freeze,
    /// An operator freezes the account alone and does not wait.
    FreezeAccount,
    /// An operator reads the serial and thaws the route.
    Thaw,
    /// The payload of the last thaw is sent again.
    ThawAgain,
    /// An operator begins a freeze now; the put of the record comes after all other acts.
    SecondOperatorFreezes,
    /// The same with a thaw.
    SecondOperatorThaws,
    /// The owner writes the source.
    OwnerWrites,
    /// A stranger writes the replica.
    StrangerWrites,
    /// A sweep.
    Sweep,
    /// An event that names the item.
    Event,
    /// The table is replaced by an empty one. Only by name, never by a seed.
    LoseTable,
}

impl Act {
    /// Those of all orders and of seeds.
    pub(super) const ALL: [Self; 10] = [
        Self::Freeze,
        Self::FreezeAccount,
        Self::Thaw,
        Self::ThawAgain,
        Self::SecondOperatorFreezes,
        Self::SecondOperatorThaws,
        Self::OwnerWrites,
        Self::StrangerWrites,
        Self::Sweep,
        Self::Event,
    ];

    /// Whether it is an invocation of the hub.
    pub(super) const fn is_invocation(self) -> bool {
        matches!(self, Self::Sweep | Self::Event)
    }
}

fn input(asked: Input) -> Input {
    Input { settings: SETTINGS, ..asked }
}

/// A sweep by a person.
pub(super) fn sweep() -> Input {
    input(Input::of_sweep(ROUTES))
}

/// An event that names the item.
pub(super) fn event() -> Input {
    input(touched(ROUTES))
}

/// A freeze of the route or of the account.
pub(super) fn freeze(of_account: bool, wait: bool) -> Input {
    let mut freeze =
        json!({"route": PAIR, "action": "freeze", "reason": "us-east-2 fails", "wait": wait});
    if of_account {
        freeze["account"] = ACCOUNT.into();
    }
    payload(&freeze)
}

/// A thaw with this serial.
pub(super) fn thaw(serial: u64) -> Input {
    payload(&json!({"route": PAIR, "action": "thaw", "serial": serial}))
}

/// A thaw of the account with this serial.
pub(super) fn thaw_account(serial: u64) -> Input {
    payload(&json!({"route": PAIR, "action": "thaw", "serial": serial, "account": ACCOUNT}))
}

fn payload(failover: &Value) -> Input {
    input(Input::of_payload(ROUTES, &json!({ "failover": failover })))
}
