//! What goes wrong on purpose: by operation, account, Region, and which of the matching calls.

use std::time::Duration;

use serde_json::Value;

use crate::journal::writes;
use crate::seed;

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Effect {
    /// It takes so much longer.
    Latency(Duration),
    /// It is throttled, in the service's own words.
    Throttle,
    /// It is answered with `InternalServerError` and status 500.
    ServerError,
    /// It is never answered.
    TimeOut,
    /// Its connection is lost.
    Reset,
    /// The caller may not do this.
    AccessDenied,
    /// The caller's credentials are said to be over.
    ExpiredToken,
    /// It is answered with status 200 and a body that breaks off.
    MalformedBody,
    /// It is refused with this code, and status 400.
    Refused(&'static str),
    /// A list that is answered as the last page of nothing.
    EmptyList,
    /// A list of which this page has only the first half, and is said to be the last.
    CutList,
    /// It is answered as this Region would answer it.
    OtherRegion(&'static str),
}

impl Effect {
    /// Whether the work is done and only its answer is another.
    const fn is_of_the_answer(self) -> bool {
        matches!(self, Self::MalformedBody | Self::EmptyList | Self::CutList | Self::OtherRegion(_))
    }
}

/// The effects of an answer that is lost: the caller cannot know whether the call's work was done.
pub const LOST_ANSWERS: [Effect; 3] = [Effect::TimeOut, Effect::Reset, Effect::ServerError];

/// Which of the calls that match.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Which {
    All,
    Only(u64),
    First(u64),
    From(u64),
    /// So many of a thousand, chosen by the seed.
    Share(u64),
}

/// A rule; without narrowing it befalls every call.
#[derive(Clone, Debug)]
pub struct Fault {
    effect: Effect,
    operation: Option<String>,
    writes_only: bool,
    account: Option<String>,
    region: Option<String>,
    name: Option<String>,
    which: Which,
    work_is_done: bool,
    matched: u64,
    hits: u64,
}

impl Fault {
    /// A rule with this effect.
    pub fn new(effect: Effect) -> Self {
        Self {
            effect,
            operation: None,
            writes_only: false,
            account: None,
            region: None,
            name: None,
            which: Which::All,
            work_is_done: false,
            matched: 0,
            hits: 0,
        }
    }

    /// Only this operation: `ssm:PutParameter`.
    #[must_use]
    pub fn operation(self, operation: &str) -> Self {
        Self { operation: Some(operation.to_owned()), ..self }
    }

    /// Only calls that may change something.
    #[must_use]
    pub fn writes(self) -> Self {
        Self { writes_only: true, ..self }
    }

    /// Only calls with this account's credentials; of `AssumeRole`, only into this account.
    #[must_use]
    pub fn account(self, account: &str) -> Self {
        Self { account: Some(account.to_owned()), ..self }
    }

    /// Only in this Region.
    #[must_use]
    pub fn region(self, region: &str) -> Self {
        Self { region: Some(region.to_owned()), ..self }
    }

    /// Only calls whose request names this item, by name or ARN, with or without a selector, alone or among others.
    #[must_use]
    pub fn naming(self, name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..self }
    }

    /// Only the n-th call that matches, from 1.
    #[must_use]
    pub fn nth(self, n: u64) -> Self {
        Self { which: Which::Only(n), ..self }
    }

    /// Only the first n.
    #[must_use]
    pub fn first(self, n: u64) -> Self {
        Self { which: Which::First(n), ..self }
    }

    /// Only from the n-th on.
    #[must_use]
    pub fn from(self, n: u64) -> Self {
        Self { which: Which::From(n), ..self }
    }

    /// Only so many of a thousand.
    #[must_use]
    pub fn per_mille(self, share: u64) -> Self {
        Self { which: Which::Share(share), ..self }
    }

    /// The call does its work first: only its answer is lost.
    ///
    /// # Panics
    /// The effect is a refusal. AWS refuses nothing that it has done.
    #[must_use]
    pub fn after_the_work(self) -> Self {
        assert!(
            LOST_ANSWERS.contains(&self.effect),
            "{:?} refuses the call, so its work is not done",
            self.effect
        );
        Self { work_is_done: true, ..self }
    }
}

/// Names a rule of a simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultId(usize);

/// What befalls one call: more time, and at most one other effect.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Befallen {
    pub(crate) latency: Duration,
    pub(crate) effect: Option<Effect>,
    /// Whether the work is done all the same.
    pub(crate) work_is_done: bool,
}

/// The rules, in the order in which they were made.
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

    /// What befalls a call. The first rule with an effect other than latency wins; latencies add up.
    pub(crate) fn judge(
        &mut self,
        seed: u64,
        operation: &str,
        account: &str,
        region: &str,
        request: &Value,
    ) -> Befallen {
        let mut befallen = Befallen::default();
        for (index, fault) in self.0.iter_mut().enumerate() {
            let Some(fault) = fault else { continue };
            let fits = |wanted: &Option<String>, given: &str| {
                wanted.as_deref().is_none_or(|wanted| wanted == given)
            };
            if !fits(&fault.operation, operation)
                || fault.writes_only && !writes(operation)
                || !fits(&fault.account, account)
                || !fits(&fault.region, region)
                || fault.name.as_deref().is_some_and(|name| !names(request, name))
            {
                continue;
            }
            if befallen.effect.is_some() && !matches!(fault.effect, Effect::Latency(_)) {
                continue;
            }
            fault.matched += 1;
            let n = fault.matched;
            let strikes = match fault.which {
                Which::All => true,
                Which::Only(only) => n == only,
                Which::First(first) => n <= first,
                Which::From(from) => n >= from,
                Which::Share(share) => {
                    seed::number(seed, &["fault", &index.to_string(), &n.to_string()]) % 1000
                        < share
                }
            };
            if !strikes {
                continue;
            }
            fault.hits += 1;
            match fault.effect {
                Effect::Latency(latency) => befallen.latency += latency,
                effect => {
                    befallen.effect = Some(effect);
                    // An answer that says "done" is never a lie: only its body is lost or false.
                    befallen.work_is_done = fault.work_is_done || effect.is_of_the_answer();
                }
            }
        }
        befallen
    }
}

/// Whether a text of the request is this name, the same with a selector, or an ARN with it.
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

    fn strikes(fault: Fault, calls: usize) -> Vec<bool> {
        let mut faults = Faults::default();
        faults.add(fault);
        let request = json!({"Names": ["/a", "/b", "/d:1"]});
        let mut judge = || faults.judge(1, "ssm:PutParameter", "1", "r", &request);
        (0..calls).map(|_| judge().effect.is_some()).collect()
    }

    #[test]
    fn a_rule_strikes_the_calls_that_it_names() {
        let throttle = || Fault::new(Effect::Throttle);
        assert_eq!(strikes(throttle().nth(2), 3), [false, true, false]);
        assert_eq!(strikes(throttle().first(2), 3), [true, true, false]);
        assert_eq!(strikes(throttle().from(2), 3), [false, true, true]);
        assert_eq!(strikes(throttle().operation("ssm:GetParameter"), 1), [false]);
        assert_eq!(strikes(throttle().account("2"), 1), [false]);
        assert_eq!(strikes(throttle().region("r").account("1"), 1), [true]);
        assert_eq!(strikes(throttle().naming("/b"), 1), [true]);
        assert_eq!(strikes(throttle().naming("/c"), 1), [false]);
        assert_eq!(strikes(throttle().naming("/d"), 1), [true], "by a selector");
        assert_eq!(strikes(throttle().naming("/d:"), 1), [false]);
        assert_eq!(strikes(throttle().writes().nth(2), 3), [false, true, false]);
        let share = strikes(throttle().per_mille(300), 1000).into_iter().filter(|hit| *hit).count();
        assert!((250..350).contains(&share), "{share}");
    }

    #[test]
    fn a_rule_for_writes_leaves_reads_alone() {
        let mut faults = Faults::default();
        faults.add(Fault::new(Effect::Reset).writes());
        let mut befalls =
            |operation: &str| faults.judge(1, operation, "1", "r", &Value::Null).effect.is_some();
        for write in ["ssm:PutParameter", "ssm:UnlabelParameterVersion", "sns:Publish"] {
            assert!(befalls(write), "{write}");
        }
        for read in ["ssm:GetParameters", "ssm:DescribeParameters", "sts:AssumeRole"] {
            assert!(!befalls(read), "{read}");
        }
    }

    #[test]
    #[should_panic(expected = "Throttle refuses the call, so its work is not done")]
    fn what_aws_refuses_it_has_not_done() {
        let _ = Fault::new(Effect::Throttle).after_the_work();
    }

    #[test]
    fn latency_adds_to_another_effect_and_a_removed_rule_is_over() {
        let mut faults = Faults::default();
        let second = Duration::from_secs(1);
        let reset = faults.add(Fault::new(Effect::Reset).after_the_work());
        faults.add(Fault::new(Effect::Latency(second)));
        let befallen = faults.judge(1, "x", "1", "r", &Value::Null);
        assert_eq!((befallen.effect, befallen.latency), (Some(Effect::Reset), second));
        assert!(befallen.work_is_done);
        assert_eq!(faults.hits(reset), 1);
        faults.remove(reset);
        assert_eq!(faults.judge(1, "x", "1", "r", &Value::Null).effect, None);
    }
}
