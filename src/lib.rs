//! One hub keeps a standby copy of every SSM parameter, and a managed replica of every Secrets Manager secret, of an
//! AWS organisation in failover Regions. Two binaries use this library: `hub` (the Lambda function) and `hubctl` (a
//! terminal).
//!
//! # The way of a request
//!
//! ```text
//! bytes ─▶ request ─▶ work (account, source Region, items | everything)
//!                       └─▶ sweep: many accounts, each on its own
//!                             └─▶ observe ─▶ plan ─▶ guard ─▶ apply ─▶ confirm ─▶ outcomes
//!                                                                                 └─▶ report ─▶ notify
//! ```
//!
//! 1. `lambda` or `cli` receives the bytes, and [`hub::Hub::perform`] performs the request.
//! 2. [`request`] parses the bytes into an event, a batch of events, or a payload. The settings come from [`settings`].
//! 3. [`work`] finds the accounts, routes and items that the request concerns. An event says only where to look.
//! 4. [`mod@sweep`] reconciles the accounts in parallel. The failure or panic of one account stays in that account.
//! 5. [`parameters`] and [`secrets`] read the current state, plan, write, read back and confirm. A plan is pure.
//! 6. [`guard`] judges each planned step again from the evidence of [`ownership`]. `parameters/reconcile/brake.rs`
//!    limits the deletions of an account, with the memory of [`allowances`].
//! 7. [`report`] folds the outcomes into one report. `hub/notifications.rs` publishes its new failures through
//!    [`notify`].
//!
//! 8. [`route_gate`] holds the states of the routes during a run: a route that is not active is left alone, and every
//!    write asks for the state immediately before it is sent. [`table`] keeps the states.
//!
//! [`aws`] sends every call: it assumes the roles, limits the rate, retries, and translates errors into causes.
//!
//! # What the code relies on
//!
//! * A decision depends only on what is read now, never on the content of an event: CloudTrail masks values, and events
//!   arrive late, repeatedly, out of order, or not at all. Events, sweeps and payloads therefore take the same way.
//! * The hub writes or deletes only what it owns. The tags are a claim; the last writer, which AWS records, is the
//!   proof.
//! * A replica in sync causes no step and no read of a value: lists and provenance prove parity.
//! * After each write the source is read again. If it changed, the item takes another pass, which writes value and tags
//!   whatever provenance says. Provenance is written only after version and value have been read back.
//! * The failure of one item is an outcome and not an error of the run.
//! * Values exist only in [`domain::SecretText`], which does not print.
//! * No trait stands between the code and AWS: tests run the real SDK against a simulator.
//!
//! # The arrows
//!
//! A module may use the modules to its right, and not those to its left. `tests/integration/architecture.rs` checks
//! this.
//!
//! ```text
//! lambda cli → hub → notify sweep failover status work organization report logs → request parameters secrets → guard
//!   → run_policy recent_deletes ownership partial_counts → allowances route_gate → table → aws
//!   → concurrency deadline → settings → domain
//! ```
//!
//! Inside one group only `notify → report`, `sweep → work`, `failover → report` and `status → report`. Inside
//! `parameters`:
//!
//! ```text
//! prune release → reconcile → labels → attempt → context → results store → candidate label_reads → plan
//!   → value_override model → policies causes
//! ```
//!
//! The same test keeps the SDK's types in `aws`, `table`, `organization`, `notify`, `parameters/store`,
//! `parameters/labels/store.rs`, `secrets/observe.rs` and `secrets/apply.rs`, and keeps plans, `guard`, `work`,
//! `report` and `domain` free of effects.
//!
//! # Glossary
//!
//! | word | meaning |
//! |---|---|
//! | location | An account and a Region. |
//! | route | A source Region and its target Regions. |
//! | source, replica | The original in the source Region, and its copy in a target Region. |
//! | item | A kind (parameter or secret) and a name. |
//! | spoke | The role in a member account that the hub assumes. |
//! | mark | The tag `ReplicationStatus` on a replica, a claim that the hub keeps it. |
//! | provenance | The tag `ReplicationSource` on a replica, with the versions of source and replica and the form of the write. |
//! | ownership | Whether a parameter in a target belongs to the hub, judged from the tags and the last writer. |
//! | conflict | Something that the hub does not own holds the name of a replica. |
//! | drift | A difference between a replica and what it must be. |
//! | orphan | A replica whose source is absent, or whose owner asked for its removal. |
//! | tombstone | A note in provenance: the replica may be deleted from a given time on. |
//! | witness | An event of the deletion or expiration, or the tag `remove`; only a witnessed deletion happens at once. |
//! | value override | A tag on the source that gives the replica a different value. |
//! | reconcile | To make the replicas of a route equal to their sources, for named items or for everything. |
//! | sweep | To reconcile everything, over many accounts. |
//! | pass | One cycle of read, decide, write, read back and confirm over a chunk of items. |
//! | brake | What limits deletions: the daily allowance for each account and target, and the hold on mass absences. |
//! | outcome, report, digest | How an item ended, all outcomes of a run, and the message to the SNS topic. |
//! | route state | Whether the hub may write on a route: active, frozen, and the states of a failover. |
//! | lane | The kind of work, sweep or events; each lane has its own part of the quotas. |
//!
//! # Where to begin to read
//!
//! [`hub::Hub::perform`], then [`sweep::sweep`], [`parameters::reconcile`] and `parameters/plan/mod.rs`.
//! `aws/throttle/mod.rs` tells rate limiting, and [`deadline`] lists the time reserves. `docs/design.md` states the
//! rules.

pub mod allowances;
pub mod aws;
#[cfg(feature = "cli")]
pub mod cli;
pub mod concurrency;
pub mod deadline;
pub mod domain;
pub mod failover;
pub mod guard;
pub mod hub;
pub mod lambda;
pub mod logs;
pub mod notify;
pub mod organization;
pub mod ownership;
pub mod parameters;
pub mod partial_counts;
pub mod recent_deletes;
pub mod report;
pub mod request;
pub mod route_gate;
pub mod run_policy;
pub mod secrets;
pub mod settings;
pub mod status;
pub mod sweep;
pub mod table;
pub mod work;
