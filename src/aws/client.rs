//! Builds every SDK client, so that none lacks the rate limits and the retry rules.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::domain::Region;

/// Builds the client of a service for a Region from the shared configuration. `$service` is its prefix in IAM actions.
///
/// With `$role`, the client assumes the role again when AWS reports its credentials as expired.
///
/// Each client has its own retry partition. The SDK's default partition is shared by all clients of a service and
/// Region in the process: a hundred throttled calls in one account would use up the retries of all others.
macro_rules! client {
    ($sdk:ident, $service:literal, $config:expr, $region:expr, $limiters:expr $(, $role:expr)?) => {{
        let region: &$crate::domain::Region = $region;
        let partition = ::aws_smithy_runtime::client::retries::RetryPartition::custom($service);
        $sdk::Client::from_conf(
            $sdk::config::Builder::from($config)
                .region($sdk::config::Region::new(region.as_str().to_owned()))
                .retry_partition(partition.build())
                .retry_classifier($crate::aws::retry::RetryRules)
                .interceptor($crate::aws::throttle::interceptor::ThrottleInterceptor::new($limiters, region, $service))
                $(.interceptor($crate::aws::renewal::RenewalInterceptor($role.clone())))?
                .build(),
        )
    }};
}
pub(super) use client;

/// One client for each Region, built on first use.
pub(super) struct PerRegion<C>(Mutex<BTreeMap<Region, C>>);

impl<C: Clone> PerRegion<C> {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// The client of `region`; `make` builds the first one.
    pub(super) fn get_or(&self, region: &Region, make: impl FnOnce() -> C) -> C {
        // A panic in another thread cannot leave the map inconsistent.
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.clone()).or_insert_with(make).clone()
    }
}

impl<C> fmt::Debug for PerRegion<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PerRegion")
    }
}
