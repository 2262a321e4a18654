//! One hub keeps a standby copy of every SSM parameter and a managed replica of every Secrets Manager secret of an AWS
//! organisation in the failover Regions. The Lambda (`hub`) and the terminal (`hubctl`) are two thin doors to it.
//!
//! # The way of a request
//!
//! ```text
//! bytes ─▶ request ─▶ work (account, source Region, items | everything)
//!                       └─▶ sweep: many accounts, each alone
//!                             └─▶ observe ─▶ plan ─▶ guard ─▶ apply ─▶ confirm ─▶ outcomes
//!                                                                                 └─▶ report ─▶ notify
//! ```
//!
//! An event says only *where to look*. What to do is decided from what is read now: CloudTrail masks every value, and
//! events come late, twice, out of order, or never. Event, sweep and payload therefore take the same way.
//!
//! # What holds it together
//!
//! * `plan` and `guard` are pure. `plan` decides one item, `guard` judges an account's steps together, `apply` makes
//!   no choice, `reconcile` is the loop.
//! * In sync means no step, and no read of a value: the tag `ReplicationSource` ([`ownership::Provenance`]) proves
//!   parity from lists alone.
//! * Only what [`ownership`] proves to be this route's own is written or deleted: mark and provenance are a claim, and the
//!   writer that AWS records with each version is the proof. `guard` is handed the evidence and judges by itself.
//! * After every write the source is read again. If it moved, the item goes round once more, and then nothing that is
//!   read of the replica is believed: value and tags are written. Provenance follows a write only once version and value have been read back.
//! * Labels are matched by value, and are put on between read-back and provenance (`parameters::labels`): no list
//!   shows them, so a replica that provenance calls equal would never be looked at again.
//! * One item's failure is an outcome, never an error of the run. One account's panic is its own.
//! * A value lives in [`domain::SecretText`] alone, which does not print.
//! * The SDK's types stay in `aws`, in the store of parameters and the `observe` and `apply` of labels and secrets, in
//!   `organization` and `notify`.
//!
//! # The arrows
//!
//! `lambda cli → hub → notify sweep work organization report logs → request parameters secrets → guard → run_policy
//! recent_deletes ownership partial_counts → allowances → aws → settings → domain`; within a group only `notify → report` and `sweep → work`. A test reads them from the code.
//!
//! # Where it differs from the obvious
//!
//! * Clients are made for each account's session from one shared HTTP client and dropped with it: a client without a
//!   TLS set-up of its own costs some 40 µs, and memory is bounded by the accounts under way.
//! * Requests wait for their bucket in the HTTP connector, the one place that no attempt passes by. A task for each
//!   bucket serves its queue, so that a future which nobody polls cannot hold up the others.
//! * No trait stands between the code and AWS: tests run the real SDK over the wire.
//!
//! Begin to read at [`hub::Hub::perform`], then [`sweep::sweep`] and [`parameters::reconcile`].

pub mod allowances;
pub mod aws;
#[cfg(feature = "cli")]
pub mod cli;
pub mod concurrency;
pub mod deadline;
pub mod domain;
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
pub mod run_policy;
pub mod secrets;
pub mod settings;
pub mod sweep;
pub mod work;
