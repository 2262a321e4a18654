//! A closer look at one secret in one target: what holds its name there, and whether the keys can be used.

use super::model::Secret;
use super::plan::{Decision, Question, exemption, plan};
use super::slice::Slice;
use super::{causes, observe};
use crate::aws::is_about_key;
use crate::domain::{AccountOutcome, Cause, OutcomeKind, Region, Subject};
use crate::guard;
use crate::secrets::ask::Held;

/// What is decided, and what held the name then.
pub(super) struct Looked {
    pub(super) decision: Decision,
    pub(super) held: guard::Occupant<'static>,
}

impl Looked {
    fn new(decision: Decision, question: &Question<'_>) -> Self {
        let held = match question.held {
            None => guard::Occupant::Nothing,
            Some(held) if held.is_replica_in(question.target) => guard::Occupant::SecretReplica,
            Some(_) => guard::Occupant::OtherSecret,
        };
        Self { decision, held }
    }
}

impl Slice<'_> {
    /// Decides one target of a described secret, looking there where that is needed, and asks KMS of the keys.
    pub(super) async fn decide(
        &self,
        outcome: &mut AccountOutcome,
        secret: &Secret,
        source: &Region,
        target: &Region,
        held: Held,
    ) -> Looked {
        let known = match &held {
            Held::Unread | Held::Nobody => None,
            Held::By(held) => Some(&**held),
        };
        let question = self.question(secret, known, source, target);
        if let Some(decision) = exemption(&question) {
            return Looked::new(decision, &question);
        }
        // A list that shows nothing may be as old as one that shows something: a plan sees to that.
        let by_list = (!matches!(held, Held::Unread)).then(|| plan(&question));
        if let Some(decision) = by_list.filter(|decision| *decision != Decision::LookCloser) {
            let decision = self.with_usable_keys(outcome, &question, decision).await;
            return Looked::new(decision, &question);
        }
        match observe::describe(self.session, target, secret.name.as_str()).await {
            Ok(held) => {
                let question = self.question(secret, held.as_ref(), source, target);
                let question = Question { looked: true, ..question };
                let decision = plan(&question);
                let decision = self.with_usable_keys(outcome, &question, decision).await;
                Looked::new(decision, &question)
            }
            Err(cause) => Looked::new(Decision::Report(cause), &question),
        }
    }

    /// The decision, or what is wrong with a key without which it is worth nothing: the replica's where it is to be in
    /// sync, the secret's and the target's where a replica is to be asked for.
    async fn with_usable_keys(
        &self,
        outcome: &mut AccountOutcome,
        question: &Question<'_>,
        decision: Decision,
    ) -> Decision {
        let Question { secret, held, source, target, .. } = *question;
        match &decision {
            Decision::Leave(OutcomeKind::InSync) if !secret.is_replica_in(source) => {
                let Some(held) = held else { return decision };
                match self.unusable(outcome, target, held.kms_key()).await {
                    None => decision,
                    Some(cause) => Decision::Report(causes::unreadable(secret, target, &cause)),
                }
            }
            Decision::Replicate { kms_key } | Decision::AskAgain { kms_key, .. } => {
                if let Some(cause) = self.unusable(outcome, source, secret.kms_key()).await {
                    return Decision::Refuse(cause);
                }
                match self.unusable(outcome, target, kms_key).await {
                    None => decision,
                    Some(cause) => Decision::Report(cause),
                }
            }
            _ => decision,
        }
    }

    /// Why a key may not be used, if so. A call that is not answered is reported, and nothing is held back for it.
    pub(super) async fn unusable(
        &self,
        outcome: &mut AccountOutcome,
        region: &Region,
        key: &str,
    ) -> Option<Cause> {
        match self.keys.ask(self.session, region, key).await {
            Ok(()) => None,
            Err(cause) if is_about_key(&cause) => Some(cause),
            Err(cause) => {
                self.fail(outcome, Subject::Account, region, cause);
                None
            }
        }
    }
}
