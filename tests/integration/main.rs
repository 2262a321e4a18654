//! The integration tests, in one binary: each further one would link the SDK again.
#![expect(clippy::expect_used, clippy::panic, reason = "a failed expectation fails the test")]

mod adversary;
mod architecture;
mod attributes;
mod bad_input;
mod batches;
mod brake;
mod budget;
mod canary;
mod conformance;
mod dependencies;
mod digests;
mod events;
mod failures;
mod fidelity;
mod hard_attributes;
mod hostile;
mod hubctl;
mod ignored;
mod labels;
mod lists;
mod ownership;
mod payloads;
mod permissions;
mod predecessor;
mod predecessor_defects;
mod races;
mod readme;
mod routes;
mod samples;
mod schedules;
mod scope;
mod secrets;
mod simulated;
mod stock;
mod support;
