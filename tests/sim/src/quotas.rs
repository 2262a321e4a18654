//! Quotas in calls a second for each account and Region: token buckets on the simulated clock. The simulator also
//! records every call, so a test can measure the caller's real rate.

use std::collections::BTreeMap;

use crate::clock::Millis;

/// A quota of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// The sustained rate in calls a second.
    pub rate: f64,
    /// The number of calls that pass at once after a pause.
    pub burst: f64,
}

/// AWS's default quotas: bucket, calls a second, burst (FACTS 10 to 19).
const DEFAULTS: [(&str, f64, f64); 16] = [
    ("ssm.get", 40.0, 40.0),
    ("ssm.control", 3.0, 3.0),
    ("ssm.delete", 3.0, 3.0),
    ("ssm.tags", 5.0, 5.0),
    ("tagging", 15.0, 15.0),
    ("secrets.value", 50.0, 50.0),
    ("secrets.create", 50.0, 50.0),
    ("secrets.delete", 50.0, 50.0),
    ("secrets.tags", 50.0, 50.0),
    ("secrets.list", 100.0, 100.0),
    ("secrets.describe", 40_000.0, 40_000.0),
    ("organizations", 8.0, 12.0),
    ("sts", 600.0, 600.0),
    ("kms", 10_000.0, 10_000.0),
    ("sns", 1000.0, 1000.0),
    ("dynamodb", 4000.0, 4000.0),
];

/// The bucket of an operation.
pub(crate) fn bucket_of(operation: &str) -> &'static str {
    match operation.split_once(':').unwrap_or(("", operation)) {
        ("ssm", name) if name.ends_with("Resource") => "ssm.tags",
        ("ssm", name) if name.starts_with("Delete") => "ssm.delete",
        ("ssm", "GetParameter" | "GetParameters" | "GetParametersByPath") => "ssm.get",
        ("ssm", _) => "ssm.control",
        ("tag", _) => "tagging",
        ("secretsmanager", "ListSecrets") => "secrets.list",
        ("secretsmanager", "DescribeSecret") => "secrets.describe",
        ("secretsmanager", "CreateSecret") => "secrets.create",
        ("secretsmanager", "DeleteSecret") => "secrets.delete",
        ("secretsmanager", "TagResource" | "UntagResource") => "secrets.tags",
        ("secretsmanager", _) => "secrets.value",
        ("organizations", _) => "organizations",
        ("sts", _) => "sts",
        ("sns", _) => "sns",
        ("dynamodb", _) => "dynamodb",
        _ => "kms",
    }
}

/// Account, Region, bucket.
type BucketId = (String, String, &'static str);

#[derive(Clone, Debug)]
struct Bucket {
    quota: Quota,
    tokens: f64,
    at: Millis,
    passed: Vec<Millis>,
    refused: Vec<Millis>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Quotas {
    buckets: BTreeMap<BucketId, Bucket>,
    custom: BTreeMap<BucketId, Quota>,
    /// Whether the quotas are not enforced.
    pub(crate) off: bool,
}

/// The calls of one bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// The times of the calls that passed.
    pub passed: Vec<Millis>,
    /// The times of the throttled calls.
    pub refused: Vec<Millis>,
}

impl Metered {
    /// The calls from this time on.
    #[must_use]
    pub fn since(&self, from: Millis) -> Self {
        let since = |times: &[Millis]| times.iter().copied().filter(|at| *at >= from).collect();
        Self { passed: since(&self.passed), refused: since(&self.refused) }
    }

    /// The burst that a bucket with this rate would need to pass every call, throttled calls included.
    pub fn burst_beyond(&self, rate: f64) -> f64 {
        let mut times: Vec<Millis> = self.passed.iter().chain(&self.refused).copied().collect();
        times.sort_unstable();
        let (mut level, mut most, mut last) = (0.0_f64, 0.0_f64, None);
        for time in times {
            #[expect(
                clippy::cast_precision_loss,
                reason = "an f64 holds the length of any pause exactly"
            )]
            let drained = last.map_or(0.0, |last| (time - last) as f64 / 1000.0 * rate);
            level = (level - drained).max(0.0) + 1.0;
            most = most.max(level);
            last = Some(time);
        }
        most
    }

    /// The largest number of calls in any `window` milliseconds, throttled calls included.
    pub fn most_within(&self, window: Millis) -> usize {
        let mut times: Vec<Millis> = self.passed.iter().chain(&self.refused).copied().collect();
        times.sort_unstable();
        let mut first = 0;
        let mut most = 0;
        for (last, time) in times.iter().enumerate() {
            while times[first] + window <= *time {
                first += 1;
            }
            most = most.max(last + 1 - first);
        }
        most
    }
}

impl Quotas {
    /// Whether a call passes now. The call is recorded in both cases.
    pub(crate) fn admit(
        &mut self,
        account: &str,
        region: &str,
        bucket: &'static str,
        now: Millis,
    ) -> bool {
        let id = (account.to_owned(), region.to_owned(), bucket);
        let quota = self.custom.get(&id).copied().unwrap_or_else(|| default_of(bucket));
        let held = self.buckets.entry(id).or_insert_with(|| Bucket {
            quota,
            tokens: quota.burst,
            at: now,
            passed: Vec::new(),
            refused: Vec::new(),
        });
        #[expect(
            clippy::cast_precision_loss,
            reason = "an f64 holds the length of any pause exactly"
        )]
        let filled = (now - held.at) as f64 / 1000.0 * held.quota.rate;
        held.tokens = (held.tokens + filled).min(held.quota.burst);
        held.at = now;
        let passes = held.tokens >= 1.0 - 1e-9 || self.off;
        if passes {
            held.tokens = (held.tokens - 1.0).max(0.0);
            held.passed.push(now);
        } else {
            held.refused.push(now);
        }
        passes
    }

    /// Sets the quota of one account and Region.
    pub(crate) fn set(&mut self, account: &str, region: &str, bucket: &str, quota: Quota) {
        let Some((bucket, ..)) = DEFAULTS.iter().find(|(known, ..)| *known == bucket) else {
            panic!(
                "unknown bucket {bucket}; expected one of {:?}",
                DEFAULTS.map(|(name, ..)| name)
            );
        };
        let id = (account.to_owned(), region.to_owned(), *bucket);
        if let Some(held) = self.buckets.get_mut(&id) {
            held.quota = quota;
        }
        self.custom.insert(id, quota);
    }

    /// The calls of a bucket.
    pub(crate) fn metered(&self, account: &str, region: &str, bucket: &str) -> Metered {
        let of =
            |((a, r, b), _): &(&BucketId, &Bucket)| a == account && r == region && *b == bucket;
        let held = self.buckets.iter().find(of);
        held.map(|(_, held)| Metered { passed: held.passed.clone(), refused: held.refused.clone() })
            .unwrap_or_default()
    }
}

fn default_of(bucket: &str) -> Quota {
    let found = DEFAULTS.iter().find(|(known, ..)| *known == bucket);
    let (_, rate, burst) = found.copied().unwrap_or((bucket_of(""), 1.0, 1.0));
    Quota { rate, burst }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_sustained_rate() {
        let mut quotas = Quotas::default();
        let mut passed = Vec::new();
        for now in (0..3000).step_by(100) {
            if quotas.admit("a", "r", "ssm.control", now) {
                passed.push(now);
            }
        }
        // Three calls pass at once, then one call every third of a second.
        assert_eq!(passed, [0, 100, 200, 400, 700, 1000, 1400, 1700, 2000, 2400, 2700]);
        assert_eq!(quotas.metered("a", "r", "ssm.control").passed.len(), passed.len());
        assert_eq!(quotas.metered("a", "r", "ssm.control").most_within(1000), 10);
        let burst = quotas.metered("a", "r", "ssm.control").burst_beyond(3.0);
        assert!((burst - 21.3).abs() < 0.01, "30 calls in 2.9 s: {burst}");
        assert!(quotas.admit("a", "other", "ssm.control", 3000), "each Region has its own bucket");
    }

    #[test]
    fn every_operation_has_a_bucket_of_the_table() {
        for operation in [
            "ssm:PutParameter",
            "ssm:ListTagsForResource",
            "kms:DescribeKey",
            "tag:GetResources",
            "dynamodb:Query",
        ] {
            let bucket = bucket_of(operation);
            assert!(DEFAULTS.iter().any(|(known, ..)| *known == bucket), "{operation}: {bucket}");
        }
    }
}
