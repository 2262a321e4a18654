//! The hub against an unkind AWS, in virtual time: faults, quotas, a first fill, kills, signals, and lists that lie.

mod deletions;
mod faults;
mod first_fill;
mod hub_calls;
mod kills;
mod listings;
mod quotas;
mod signals;

use crate::support::{SOURCE, TARGET};

/// AWS's quotas by bucket, as the simulator has them: calls a second, which are also the burst that each bears.
const QUOTAS: [(&str, f64); 5] = [
    ("ssm.get", 40.0),
    ("ssm.control", 3.0),
    ("ssm.delete", 3.0),
    ("ssm.tags", 5.0),
    ("tagging", 15.0),
];
/// The hub's share by Region, as the settings' defaults have it.
const SHARES: [(&str, f64); 2] = [(SOURCE, 0.5), (TARGET, 0.9)];
/// The management account has no spoke.
const EXCLUDED: [(&str, &str); 1] = [("EXCLUDE_ACCOUNTS", "123456789012")];
