//! A hub at work in the [`World`].

use std::sync::{Arc, Mutex, MutexGuard};

use super::super::*;
use super::world::World;
use crate::aws::fake::{FakeAws, assumed_role_response, json_error};
use crate::domain::{AccountId, Expectation, PROVENANCE_KEY};
use crate::parameters::remove_unwitnessed;

/// The fate of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    /// AWS throttles the call; the SDK repeats it later.
    Throttled,
    /// AWS carries out the call, but the answer is lost.
    Lost,
}

/// A world, a session to it, and the policy of a run.
pub(super) struct Stage {
    pub(super) world: Arc<Mutex<World>>,
    pub(super) fake: FakeAws,
    pub(super) session: Session,
    pub(super) policy: RunPolicy,
    pub(super) recent: RecentDeletes,
}

impl Stage {
    pub(super) async fn new(routes: &str) -> Self {
        Self::over(Arc::default(), routes, Vec::new()).await
    }

    /// A stage on a shared world, whose first calls have these fates.
    pub(super) async fn over(world: Arc<Mutex<World>>, routes: &str, fates: Vec<Fate>) -> Self {
        let (answering, fates) = (Arc::clone(&world), Mutex::new(fates.into_iter()));
        let fake = FakeAws::new(move |sent| {
            if sent.operation == "AssumeRole" {
                return assumed_role_response(sent);
            }
            let fate = fates.lock().expect("no panic").next().unwrap_or(Fate::Answered);
            if fate == Fate::Throttled {
                return json_error(400, "ThrottlingException");
            }
            let answer = answering.lock().expect("no panic").answer(sent);
            if fate == Fate::Lost { json_error(500, "InternalServerError") } else { answer }
        });
        let connection = fake.connect(|_| ()).await;
        let account = AccountId::parse("111122223333").expect("an account");
        let session = connection.session(&account).await.expect("a session");
        // Orphans are deleted at once; `tests::brake` tests the brake.
        let policy = RunPolicy { lifts_brake: true, ..RunPolicy::of_a_sweep(routes) };
        Self { world, fake, session, policy, recent: RecentDeletes::default() }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().expect("no panic")
    }

    pub(super) async fn run(&self, scope: &Scope) -> AccountOutcome {
        let assignments: Vec<Assignment> = self
            .policy
            .routes
            .iter()
            .map(|route| Assignment { route: route.clone(), scope: scope.clone() })
            .collect();
        let (session, policy, recent) = (&self.session, &self.policy, &self.recent);
        let (mut outcome, absent) = reconcile(session, policy, recent, &assignments).await;
        outcome.merge(remove_unwitnessed(session, policy, recent, absent, None).await);
        outcome
    }

    pub(super) async fn sweep(&self) -> AccountOutcome {
        self.run(&Scope::Everything).await
    }

    pub(super) async fn named(&self, name: &str) -> AccountOutcome {
        let item = Item::Parameter(ParameterName::new(name));
        self.run(&Scope::Items(vec![Wanted { item, expect: Vec::new() }])).await
    }

    /// Reconciles the items of deletion events.
    pub(super) async fn events_of_deletions(&mut self, names: &[&str]) -> AccountOutcome {
        let wanted = |name: &&str| Wanted {
            item: Item::Parameter(ParameterName::new(name)),
            expect: vec![Expectation { absent: true, ..Expectation::default() }],
        };
        self.policy.from_events = true;
        let outcome = self.run(&Scope::Items(names.iter().map(wanted).collect())).await;
        self.policy.from_events = false;
        outcome
    }

    pub(super) fn calls(&self, operation: &str, region: &str) -> usize {
        let sent = self.fake.sent(operation);
        sent.iter().filter(|sent| sent.host.contains(region)).count()
    }

    /// Appends to the provenance of a replica.
    pub(super) fn add_provenance(&self, region: &str, name: &str, more: &str) {
        let mut world = self.world();
        world.of(region, name).tags.get_mut(PROVENANCE_KEY).expect("provenance").push_str(more);
    }
}
