//! Fault injection. A rule selects calls by operation, account, Region, item and position, and has one effect.

use std::time::Duration;

use serde_json::Value;

use crate::journal::writes;
use crate::seed;

/// The effect of a fault on a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// The call takes longer by this duration. AWS executes the call after half of it, if the caller still waits then.
    Latency(Duration),
    /// Connecting takes this duration, before AWS receives the call. A caller gives up at its own limit, and then AWS
    /// never receives the call. With [`Duration::MAX`] no connection is ever made.
    Connecting(Duration),
    /// The service throttles the call, with its own error code.
    Throttle,
    /// The service answers `InternalServerError` with status 500.
    ServerError,
    /// The service answers `ServiceUnavailable` with status 503 and executes nothing.
    Unavailable,
    /// The service never answers.
    TimeOut,
    /// The connection breaks.
    Reset,
    /// The service refuses the call with its access-denied error.
    AccessDenied,
    /// The service reports that the caller's credentials have expired.
    ExpiredToken,
    /// The service answers with status 200 and a truncated body.
    MalformedBody,
    /// The service refuses the call with this error code and status 400.
    Refused(&'static str),
    /// A list operation returns an empty last page.
    EmptyList,
    /// A list operation returns the first half of this page, as the last page.
    CutList,
    /// A batch of writes executes its first half, and reports the others as unprocessed (FACTS 134).
    Unprocessed,
    /// The call runs in this Region instead.
    OtherRegion(&'static str),
}

impl Effect {
    const fn only_takes_time(&self) -> bool {
        matches!(self, Self::Latency(_) | Self::Connecting(_))
    }

    /// Whether the call is executed and only the answer differs.
    const fn changes_only_the_answer(self) -> bool {
        matches!(
            self,
            Self::MalformedBody
                | Self::EmptyList
                | Self::CutList
                | Self::Unprocessed
                | Self::OtherRegion(_)
        )
    }
}

/// The effects that lose an answer: the caller cannot know whether AWS executed the call.
pub const LOST_ANSWERS: [Effect; 3] = [Effect::TimeOut, Effect::Reset, Effect::ServerError];

/// Which of the matching calls the fault hits.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    All,
    Only(u64),
    First(u64),
    From(u64),
    /// This many per thousand, chosen by the seed.
    Share(u64),
}

/// A fault rule. Without selectors the rule matches every call.
#[derive(Clone, Debug)]
pub struct Fault {
    effect: Effect,
    operation: Option<String>,
    service: Option<String>,
    writes_only: bool,
    account: Option<String>,
    spared: Option<String>,
    region: Option<String>,
    name: Option<String>,
    which: Which,
    is_executed: bool,
    matched: u64,
    hits: u64,
}

impl Fault {
    /// A rule with this effect, for all calls.
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            operation: None,
            service: None,
            writes_only: false,
            account: None,
            spared: None,
            region: None,
            name: None,
            which: Which::All,
            is_executed: false,
            matched: 0,
            hits: 0,
        }
    }

    /// Matches only this operation, such as `ssm:PutParameter`.
    #[must_use]
    pub fn operation(self, operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..self }
    }

    /// Matches only the operations of this service, such as `dynamodb`.
    #[must_use]
    pub fn service(self, service: &str) -> Self {
        Self { service: Some(service.to_owned()), ..self }
    }

    /// Matches only calls that may change something.
    #[must_use]
    pub fn writes(self) -> Self {
        Self { writes_only: true, ..self }
    }

    /// Matches only calls with credentials of this account; for `AssumeRole`, only calls for a role of this account.
    #[must_use]
    pub fn account(self, account: &str) -> Self {
        Self { account: Some(account.to_owned()), ..self }
    }

    /// Matches only calls of all accounts except this one; `AssumeRole` belongs to the account of the role.
    #[must_use]
    pub fn except_account(self, account: &str) -> Self {
        Self { spared: Some(account.to_owned()), ..self }
    }

    /// Matches only calls in this Region.
    #[must_use]
    pub fn region(self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self }
    }

    /// Matches only requests that name this item by name or ARN, with or without a selector.
    #[must_use]
    pub fn naming(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// Hits only the n-th matching call; the first is 1.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        Self { which: Which::Only(n), ..self }
    }

    /// Hits only the first n matching calls.
    #[must_use]
    pub fn first(self, n: u64) -> Self {
        Self { which: Which::First(n), ..self }
    }

    /// Hits the n-th matching call and all later ones.
    #[must_use]
    pub fn from(self, n: u64) -> Self {
        Self { which: Which::From(n), ..self }
    }

    /// Hits this many per thousand of the matching calls.
    #[must_use]
    pub fn per_mille(self, share: u64) -> Self {
        Self { which: Which::Share(share), ..self }
    }

    /// Executes the call before its answer is lost.
    ///
    /// # Panics
    /// If the effect refuses the call: AWS does not execute a call that it refuses.
    #[must_use]
    pub fn after_execution(self) -> Self {
        assert!(
            LOST_ANSWERS.contains(&self.effect),
            "{:?} refuses the call, so the call cannot be executed",
            self.effect
        );
        Self { is_executed: true, ..self }
    }
}

/// Identifies a fault rule of one simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(usize);

/// The faults that apply to one call: additional durations, and at most one other effect.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct InjectedFaults {
    pub(crate) latency: Duration,
    pub(crate) connecting: Duration,
    pub(crate) effect: Option<Effect>,
    /// Whether the call is executed despite the effect.
    pub(crate) is_executed: bool,
}

/// The fault rules, in the order of their creation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<Option<Fault>>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) -> FaultId {
        self.0.push(Some(fault));
        FaultId(self.0.len() - 1)
    }

    pub(crate) fn remove(&mut self, id: FaultId) {
        if let Some(fault) = self.0.get_mut(id.0) {
            *fault = None;
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.iter_mut().for_each(|fault| *fault = None);
    }

    pub(crate) fn hits(&self, id: FaultId) -> u64 {
        self.0.get(id.0).and_then(Option::as_ref).map_or(0, |fault| fault.hits)
    }

    /// Decides which faults apply to a call. Durations add up; of the other effects the first matching rule applies.
    pub(crate) fn inject(
        &mut self,
        seed: u64,
        operation: &str,
        account: &str,
        region: &str,
        request: &Value,
    ) -> InjectedFaults {
        let mut injected = InjectedFaults::default();
        for (index, fault) in self.0.iter_mut().enumerate() {
            let Some(fault) = fault else { continue };
            let fits = |wanted: &Option<String>, given: &str| {
                wanted.as_deref().is_none_or(|wanted| wanted == given)
            };
            let service = operation.split(':').next().unwrap_or_default();
            if !fits(&fault.operation, operation)
                || !fits(&fault.service, service)
                || fault.spared.as_deref() == Some(account)
                || fault.writes_only && !writes(operation)
                || !fits(&fault.account, account)
                || !fits(&fault.region, region)
                || fault.name.as_deref().is_some_and(|name| !names(request, name))
            {
                continue;
            }
            if injected.effect.is_some() && !fault.effect.only_takes_time() {
                continue;
            }
            fault.matched += 1;
            let n = fault.matched;
            let hits_call = match fault.which {
                Which::All => true,
                Which::Only(only) => n == only,
                Which::First(first) => n <= first,
                Which::From(from) => n >= from,
                Which::Share(share) => {
                    seed::number(seed, &["fault", &index.to_string(), &n.to_string()]) % 1000
                        < share
                }
            };
            if !hits_call {
                continue;
            }
            fault.hits += 1;
            match fault.effect {
                Effect::Latency(time) => {
                    injected.latency = injected.latency.saturating_add(time);
                }
                Effect::Connecting(time) => {
                    injected.connecting = injected.connecting.saturating_add(time);
                }
                effect => {
                    injected.effect = Some(effect);
                    // The work is done for every effect that only changes the answer.
                    injected.is_executed = fault.is_executed || effect.changes_only_the_answer();
                }
            }
        }
        injected
    }
}

/// Whether a string in the request is this name, this name with a selector, or an ARN that contains the name.
fn names(request: &Value, name: &str) -> bool {
    match request {
        Value::String(text) => {
            let rest = text.strip_prefix(name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
                || text.starts_with("arn:") && text.contains(name)
        }
        Value::Array(list) => list.iter().any(|one| names(one, name)),
        Value::Object(members) => members.values().any(|one| names(one, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hit_calls(fault: Fault, calls: usize) -> Vec<bool> {
        let mut faults = Faults::default();
        faults.add(fault);
        let request = json!({"Names": ["/a", "/b", "/d:1"]});
        let mut inject = || faults.inject(1, "ssm:PutParameter", "1", "r", &request);
        (0..calls).map(|_| inject().effect.is_some()).collect()
    }

    #[test]
    fn a_rule_hits_only_the_calls_that_it_selects() {
        let throttle = || Fault::new(Effect::Throttle);
        assert_eq!(hit_calls(throttle().nth(2), 3), [false, true, false]);
        assert_eq!(hit_calls(throttle().first(2), 3), [true, true, false]);
        assert_eq!(hit_calls(throttle().from(2), 3), [false, true, true]);
        assert_eq!(hit_calls(throttle().operation("ssm:GetParameter"), 1), [false]);
        assert_eq!(hit_calls(throttle().account("2"), 1), [false]);
        assert_eq!(hit_calls(throttle().region("r").account("1"), 1), [true]);
        assert_eq!(hit_calls(throttle().region("other"), 1), [false]);
        assert_eq!(hit_calls(throttle().service("ssm").except_account("2"), 1), [true]);
        assert_eq!(hit_calls(throttle().service("sns"), 1), [false]);
        assert_eq!(hit_calls(throttle().except_account("1"), 1), [false]);
        assert_eq!(hit_calls(throttle().naming("/b"), 1), [true]);
        assert_eq!(hit_calls(throttle().naming("/c"), 1), [false]);
        assert_eq!(hit_calls(throttle().naming("/d"), 1), [true], "by a selector");
        assert_eq!(hit_calls(throttle().naming("/d:"), 1), [false]);
        assert_eq!(hit_calls(throttle().writes().nth(2), 3), [false, true, false]);
        let share =
            hit_calls(throttle().per_mille(300), 1000).into_iter().filter(|hit| *hit).count();
        assert!((250..350).contains(&share), "{share}");
    }

    #[test]
    fn a_rule_for_writes_does_not_hit_reads() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Effect::Reset).writes());
        let mut is_hit =
            |operation: &str| faults.inject(1, operation, "1", "r", &Value::Null).effect.is_some();
        for write in ["ssm:PutParameter", "ssm:UnlabelParameterVersion", "sns:Publish"] {
            assert!(is_hit(write), "{write}");
        }
        for read in ["ssm:GetParameters", "ssm:DescribeParameters", "sts:AssumeRole"] {
            assert!(!is_hit(read), "{read}");
        }
    }

    #[test]
    #[should_panic(expected = "Throttle refuses the call, so the call cannot be executed")]
    fn a_refused_call_cannot_be_executed() {
        let _ = Fault::new(Effect::Throttle).after_execution();
    }

    #[test]
    fn latency_adds_to_another_effect_and_a_removed_rule_has_no_effect() {
        let mut faults = Faults::default();
        let second = Duration::from_secs(1);
        let reset = faults.add(Fault::new(Effect::Reset).after_execution());
        faults.add(Fault::new(Effect::Latency(second)));
        let injected = faults.inject(1, "x", "1", "r", &Value::Null);
        assert_eq!((injected.effect, injected.latency), (Some(Effect::Reset), second));
        assert!(injected.is_executed);
        assert_eq!(faults.hits(reset), 1);
        faults.remove(reset);
        assert_eq!(faults.inject(1, "x", "1", "r", &Value::Null).effect, None);
    }
}
