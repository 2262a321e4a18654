//! What an invocation is asked, and with which settings.

use std::collections::BTreeMap;

use failover_replicator::domain::{AccountId, Item, ParameterName, Purpose, Region, Take};
use failover_replicator::request::{self, Accounts, Reconcile, Request, RunOptions};
use failover_replicator::settings::MaxDeletes;
use serde_json::Value;

use super::history::SOURCE;
use super::store::ACCOUNT;
use crate::support::EXTERNAL_ID;

/// What an invocation is asked, and with which settings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Input {
    /// The routes, as the setting has them.
    pub(super) routes: &'static str,
    /// Further settings, without `REPLICATOR_`.
    pub(super) settings: &'static [(&'static str, &'static str)],
    pub(super) asked: Asked,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Asked {
    /// What a payload, an event or a batch asks for.
    Payload(String),
    /// A person gives the name in the target to the source.
    Resolve(&'static str),
    /// A person sweeps, and lets everything go that misses its source.
    Sweep,
}

impl Input {
    /// With the default settings.
    pub(super) fn of_payload(routes: &'static str, payload: &Value) -> Self {
        Self { routes, settings: &[], asked: Asked::Payload(payload.to_string()) }
    }

    /// A person sweeps, and lets everything go that misses its source: with one item, its deletion is that of all.
    pub(super) fn of_sweep(routes: &'static str) -> Self {
        Self { routes, settings: &[], asked: Asked::Sweep }
    }

    /// A person gives the name in the target to the source.
    pub(super) fn of_resolve(routes: &'static str, name: &'static str) -> Self {
        Self { routes, settings: &[], asked: Asked::Resolve(name) }
    }

    /// Whether a person or a setting lets the hub take what it does not own.
    pub(super) fn may_take(&self) -> bool {
        self.is_a_persons() || self.settings.contains(&("ON_CONFLICT", "adopt"))
    }

    /// Whether a person at a terminal asks for it.
    pub(super) fn is_a_persons(&self) -> bool {
        matches!(self.asked, Asked::Resolve(_))
    }

    /// Whether it is an operator's command on the state of a route.
    pub(super) fn is_about_states(&self) -> bool {
        matches!(&self.asked, Asked::Payload(payload) if payload.starts_with(r#"{"failover""#))
    }

    pub(super) fn request(&self) -> Request {
        let accounts = || Accounts::These(vec![AccountId::parse(ACCOUNT).expect("an account")]);
        match &self.asked {
            Asked::Payload(payload) => request::parse(payload.as_bytes()).expect("a request"),
            Asked::Resolve(name) => Request::Reconcile(Reconcile {
                accounts: accounts(),
                region: Some(Region::parse(SOURCE).expect("a Region")),
                item: Some(Item::Parameter(ParameterName::new(name))),
                options: RunOptions::default(),
                purpose: Purpose::Resolving(Take::Source),
                execution: None,
            }),
            Asked::Sweep => Request::Reconcile(Reconcile {
                accounts: accounts(),
                region: None,
                item: None,
                options: RunOptions {
                    max_deletes: Some(MaxDeletes::Percent(100)),
                    lifts_brake: true,
                    ..RunOptions::default()
                },
                purpose: Purpose::Equality,
                execution: None,
            }),
        }
    }
}

/// Its settings as the environment has them.
pub(super) fn variables(input: &Input) -> Vec<(String, String)> {
    let always = [
        ("ROUTES", input.routes),
        ("TABLE", "none"),
        ("SPOKE_EXTERNAL_ID", EXTERNAL_ID),
        // The topic is where an event's conflicts are told.
        ("SNS_TOPIC_ARN", "arn:aws:sns:us-east-1:999988887777:failures"),
        // A replica goes as soon as its source is found gone.
        ("DELETE_GRACE_DAYS", "0"),
        // Pacing has tests of its own; here it would only spread the calls.
        ("QUOTAS", r#"{"*/*/*":100000}"#),
    ];
    let settings = input.settings.iter().copied();
    let all: BTreeMap<_, _> = always.into_iter().chain(settings).collect();
    all.into_iter().map(|(name, value)| (format!("REPLICATOR_{name}"), value.to_owned())).collect()
}
