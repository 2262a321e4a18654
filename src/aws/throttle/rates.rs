//! How many calls a second the hub may make of each bucket.
//!
//! AWS keeps one quota for each account, Region and group of operations, shared by everyone who works in the account.
//! The hub takes a share of it and leaves the rest to the account's owner.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::domain::{AccountId, Region};
use crate::settings::{Bucket, QuotaOverride};

/// Which kind of work a connection does. Processes do not share their limiters, so the share is divided in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Sweeps and payloads that a person sends: two thirds of the share.
    Sweep,
    /// Events: one third of the share, divided by the number of functions that may run at the same time.
    Events,
}

/// The part of the accounts' quotas that the hub may use.
#[derive(Clone, Debug, PartialEq)]
pub struct Quotas {
    /// Share of a source Region's quota, above 0 and at most 1. It applies to the hub's own buckets too.
    pub source_share: f64,
    /// Share of the quota in every other Region, above 0 and at most 1.
    pub target_share: f64,
    /// The Regions that are the source of a route.
    pub source_regions: BTreeSet<Region>,
    /// Quotas that differ from AWS's defaults. The most specific match applies.
    pub overrides: Vec<QuotaOverride>,
    /// The kind of work of this connection.
    pub lane: Lane,
    /// Functions that may serve events at the same time; zero counts as one.
    pub event_concurrency: u32,
}

impl Default for Quotas {
    /// The defaults of the settings, without a route.
    fn default() -> Self {
        Self {
            source_share: 0.5,
            target_share: 0.9,
            source_regions: BTreeSet::new(),
            overrides: Vec::new(),
            lane: Lane::Sweep,
            event_concurrency: 2,
        }
    }
}

/// The lowest rate, one call in a hundred seconds: with a rate of zero a request would wait for ever.
const SLOWEST: f64 = 0.01;

impl Quotas {
    /// Calls a second that this connection may make; `account` is `None` for the hub's own calls.
    pub fn rate(&self, account: Option<&AccountId>, region: &Region, bucket: Bucket) -> f64 {
        let quota = self
            .overrides
            .iter()
            .filter(|entry| entry.covers(account, region, bucket))
            .max_by_key(|entry| entry.weight())
            .map_or(bucket.quota(), |entry| entry.calls_per_second);
        let share = if bucket.is_the_hubs_own() || self.source_regions.contains(region) {
            self.source_share
        } else {
            self.target_share
        };
        let part = match self.lane {
            Lane::Sweep => 2.0 / 3.0,
            Lane::Events => 1.0 / 3.0 / f64::from(self.event_concurrency.max(1)),
        };
        (quota * share * part).max(SLOWEST)
    }
}

/// Counts of the calls of one action.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallStats {
    /// Requests sent, including the SDK's retries.
    pub attempts: u64,
    /// Requests that AWS throttled.
    pub throttled: u64,
    /// Time spent waiting for the limiter, added up over all requests.
    pub waited: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::parse(name).unwrap()
    }

    fn account(digits: &str) -> AccountId {
        AccountId::parse(digits).unwrap()
    }

    fn quotas() -> Quotas {
        Quotas {
            source_share: 0.5,
            target_share: 0.9,
            source_regions: BTreeSet::from([region("us-east-2")]),
            overrides: Vec::new(),
            lane: Lane::Sweep,
            event_concurrency: 2,
        }
    }

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() < 1e-9
    }

    #[test]
    fn half_of_a_source_quota_and_a_tenth_of_a_target_quota_are_left_to_the_owner() {
        let account = account("111122223333");
        let rate = |name, bucket| quotas().rate(Some(&account), &region(name), bucket);
        assert!(close(rate("us-east-2", Bucket::SsmControl), 3.0 * 0.5 * 2.0 / 3.0));
        assert!(close(rate("us-east-1", Bucket::SsmControl), 3.0 * 0.9 * 2.0 / 3.0));
        assert!(close(rate("us-east-1", Bucket::Sts), 600.0 * 0.5 * 2.0 / 3.0));
    }

    #[test]
    fn the_sweep_and_all_event_functions_together_take_exactly_the_share() {
        let account = account("111122223333");
        let rate = |lane| {
            let quotas = Quotas { lane, ..quotas() };
            quotas.rate(Some(&account), &region("us-east-2"), Bucket::SsmRead)
        };
        assert!(close(rate(Lane::Sweep) + 2.0 * rate(Lane::Events), 40.0 * 0.5));
    }

    #[test]
    fn the_most_specific_override_applies_in_any_order() {
        let entry =
            |account: Option<&str>, name: Option<&str>, bucket, calls_per_second| QuotaOverride {
                account: account.map(|digits| AccountId::parse(digits).unwrap()),
                region: name.map(region),
                bucket,
                calls_per_second,
            };
        let control = Some(Bucket::SsmControl);
        let mut overrides = vec![
            entry(None, None, None, 1.0),
            entry(None, None, control, 2.0),
            entry(None, Some("us-east-1"), None, 3.0),
            entry(None, Some("us-east-1"), control, 4.0),
            entry(Some("111122223333"), None, None, 5.0),
            entry(Some("111122223333"), Some("us-east-1"), control, 6.0),
        ];
        for _ in 0..2 {
            let quotas = Quotas {
                source_share: 1.0,
                target_share: 1.5,
                overrides: overrides.clone(),
                ..quotas()
            };
            let rate =
                |digits, name, bucket| quotas.rate(Some(&account(digits)), &region(name), bucket);
            assert!(close(rate("111122223333", "us-east-1", Bucket::SsmControl), 6.0));
            assert!(close(rate("111122223333", "us-east-1", Bucket::SsmRead), 5.0));
            assert!(close(rate("444455556666", "us-east-1", Bucket::SsmControl), 4.0));
            assert!(close(rate("444455556666", "us-east-1", Bucket::SsmRead), 3.0));
            assert!(close(rate("444455556666", "us-west-2", Bucket::SsmControl), 2.0));
            assert!(close(rate("444455556666", "us-west-2", Bucket::SsmRead), 1.0));
            overrides.reverse();
        }
    }

    #[test]
    fn an_override_of_any_account_applies_to_the_hubs_own_buckets() {
        let quotas = Quotas {
            source_share: 1.0,
            overrides: vec![QuotaOverride {
                account: Some(account("999988887777")),
                region: None,
                bucket: Some(Bucket::Organizations),
                calls_per_second: 9.0,
            }],
            ..quotas()
        };
        assert!(close(quotas.rate(None, &region("us-east-1"), Bucket::Organizations), 6.0));
        assert!(close(quotas.rate(None, &region("us-east-1"), Bucket::Sts), 400.0));
    }

    #[test]
    fn a_quota_of_zero_is_slow_but_not_endless() {
        let quotas = Quotas { source_share: 0.0, ..quotas() };
        assert!(quotas.rate(None, &region("us-east-1"), Bucket::Sts) >= SLOWEST);
    }
}
