//! How a client of one service in one Region is made: always here, so that none is without pacing and retry rules.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::domain::Region;

/// Makes the client of a service for a Region from the shared configuration. `$service` is its prefix in IAM's actions.
///
/// Signed by a role's credentials, which come last then, it asks for new ones when AWS calls them over.
///
/// Its retry partition is its own: the SDK's default one is shared by the whole process for a service and Region, and a
/// hundred throttled calls in one account would leave no retry to any other.
macro_rules! client {
    ($sdk:ident, $service:literal, $config:expr, $region:expr, $pacer:expr $(, $role:expr)?) => {{
        let region: &$crate::domain::Region = $region;
        let partition = ::aws_smithy_runtime::client::retries::RetryPartition::custom($service);
        $sdk::Client::from_conf(
            $sdk::config::Builder::from($config)
                .region($sdk::config::Region::new(region.as_str().to_owned()))
                .retry_partition(partition.build())
                .retry_classifier($crate::aws::retry::RetryRules)
                .interceptor($crate::aws::throttle::interceptor::Paced::new($pacer, region, $service))
                $(.interceptor($crate::aws::renewal::Renewal($role.clone())))?
                .build(),
        )
    }};
}
pub(super) use client;

/// One client for each Region, made when it is first asked for.
pub(super) struct PerRegion<C>(Mutex<BTreeMap<Region, C>>);

impl<C: Clone> PerRegion<C> {
    /// None yet.
    pub(super) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// The client of `region`, made by `make` if it is the first time.
    pub(super) fn get_or(&self, region: &Region, make: impl FnOnce() -> C) -> C {
        // A thread that panicked here left at worst a client less.
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.entry(region.clone()).or_insert_with(make).clone()
    }
}

impl<C> fmt::Debug for PerRegion<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PerRegion")
    }
}
