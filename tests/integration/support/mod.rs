//! What the tests stand on: an emulator of AWS, accounts in it, the wire between it and the hub, and the hub.

mod clock;
mod conflicts;
mod denials;
mod emulator;
mod events;
mod http;
mod hubctl;
mod microburst;
mod mortal;
mod owner;
mod parity;
mod proxy;
mod rust_code;
mod signalled;
mod simulated;
mod topic;
mod wire;
mod world;
mod writers;

pub(crate) use clock::Clock;
pub(crate) use conflicts::{
    Conflict, Regional, assert_named, assert_named_in_full, assert_no_value, assert_stands,
    assert_tells_version, classes, late_events,
};
pub(crate) use denials::Denials;
pub(crate) use emulator::Emulator;
pub(crate) use events::{
    LONG_AGO, batch, call, delete_event, native_event, put_event, returned, tag_event,
};
pub(crate) use hubctl::{Hubctl, Ran, plan_id, steps};
pub(crate) use microburst::Microburst;
pub(crate) use mortal::{Death, Mortal};
pub(crate) use owner::{create_tagged, delete, put, put_secure, remove_tags, set_tags, tag};
pub(crate) use parity::{PROVENANCE, assert_equal, assert_replicated};
pub(crate) use proxy::Proxy;
pub(crate) use rust_code::{RustFile, files_below};
pub(crate) use signalled::Signalled;
pub(crate) use simulated::{
    SPOKE, answered, hub_of, hub_on, hub_over, hub_with_breaker, out_of_step, sdk_config,
    simulated, sweep_all, sweep_by, told_of,
};
pub(crate) use topic::Topic;
pub(crate) use wire::{Call, Fault, Wire};
pub(crate) use world::{
    EXTERNAL_ID, MANAGEMENT, MARK, ROUTES, SOURCE, Seen, TARGET, World, count, failures, told, with,
};
pub(crate) use writers::{HUB_ROLE, OWNER, Written};
