//! Decides one described secret in one target: reads the target by name if necessary, and checks the KMS keys.

use super::ask::KnownHolder;
use super::context::SecretsContext;
use super::model::Secret;
use super::plan::{SecretDecision, SecretQuestion, exemption, plan};
use super::{causes, observe};
use crate::aws::is_about_key;
use crate::domain::{AccountOutcome, Cause, OutcomeKind, Region};
use crate::guard;

/// A decision, and what the target held under the secret's name when the decision was made.
pub(super) struct TargetDecision {
    pub(super) decision: SecretDecision,
    pub(super) held: guard::Occupant<'static>,
}

impl TargetDecision {
    fn new(decision: SecretDecision, question: &SecretQuestion<'_>) -> Self {
        let held = match question.held {
            None => guard::Occupant::Nothing,
            Some(held) if held.is_replica_in(question.target) => guard::Occupant::SecretReplica,
            Some(_) => guard::Occupant::OtherSecret,
        };
        Self { decision, held }
    }
}

impl SecretsContext<'_> {
    /// Decides one target of a described secret.
    pub(super) async fn decide_target(
        &self,
        outcome: &mut AccountOutcome,
        secret: &Secret,
        source: &Region,
        target: &Region,
        holder: KnownHolder,
    ) -> TargetDecision {
        let known = match &holder {
            KnownHolder::Unread | KnownHolder::Vacant => None,
            KnownHolder::Secret(held) => Some(&**held),
        };
        let question = self.question(secret, known, source, target);
        if let Some(decision) = exemption(&question) {
            return TargetDecision::new(decision, &question);
        }
        // Any list may be outdated, also one without the name. The plan then asks for a read by name.
        let by_list = (!matches!(holder, KnownHolder::Unread)).then(|| plan(&question));
        if let Some(decision) = by_list.filter(|decision| *decision != SecretDecision::ReadByName) {
            let decision = self.with_usable_keys(outcome, &question, decision).await;
            return TargetDecision::new(decision, &question);
        }
        match observe::describe(self.session, target, secret.name.as_str()).await {
            Ok(held) => {
                let question = self.question(secret, held.as_ref(), source, target);
                let question = SecretQuestion { read_by_name: true, ..question };
                let decision = plan(&question);
                let decision = self.with_usable_keys(outcome, &question, decision).await;
                TargetDecision::new(decision, &question)
            }
            Err(cause) => TargetDecision::new(SecretDecision::Report(cause), &question),
        }
    }

    /// Replaces the decision with a report if a required key is unusable. A replica in sync requires its own key. A
    /// request for a replica requires the secret's key and the target's key.
    async fn with_usable_keys(
        &self,
        outcome: &mut AccountOutcome,
        question: &SecretQuestion<'_>,
        decision: SecretDecision,
    ) -> SecretDecision {
        let SecretQuestion { secret, held, source, target, .. } = *question;
        match &decision {
            SecretDecision::Leave(OutcomeKind::InSync) if !secret.is_replica_in(source) => {
                let Some(held) = held else { return decision };
                match self.unusable_key(outcome, target, held.kms_key()).await {
                    None => decision,
                    Some(cause) => {
                        SecretDecision::Report(causes::undecryptable(secret, target, &cause))
                    }
                }
            }
            SecretDecision::Replicate { kms_key }
            | SecretDecision::ReplicateAgain { kms_key, .. } => {
                if let Some(cause) = self.unusable_key(outcome, source, secret.kms_key()).await {
                    return SecretDecision::ReportAtSource(cause);
                }
                match self.unusable_key(outcome, target, kms_key).await {
                    None => decision,
                    Some(cause) => SecretDecision::Report(cause),
                }
            }
            _ => decision,
        }
    }

    /// The reason why a key is unusable, or `None` if the key is usable. A failed call to KMS is reported, and the key
    /// counts as usable.
    pub(super) async fn unusable_key(
        &self,
        outcome: &mut AccountOutcome,
        region: &Region,
        key: &str,
    ) -> Option<Cause> {
        match self.keys.ask(self.session, region, key).await {
            Ok(()) => None,
            Err(cause) if is_about_key(&cause) => Some(cause),
            Err(cause) => {
                self.fail_region(outcome, region, cause);
                None
            }
        }
    }
}
