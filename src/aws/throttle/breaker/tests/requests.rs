//! Requests of sessions: which the breaker refuses, and from which it learns.

use std::sync::atomic::AtomicBool;

use super::*;
use crate::aws::fake::{FakeAws, FakeResponse, NO_ANSWER, Sent, assumed_role_response, json_error};
use crate::aws::{Connection, Session, cause};
use crate::domain::{Cause, FailureKind};
use crate::settings::{Bucket, QuotaOverride};

const SOURCE: &str = "us-east-2";
const TARGET: &str = "us-east-1";

/// A connection whose source Region answers with `respond`, and every other Region as if all were well.
async fn connected(
    respond: impl Fn(&Sent) -> FakeResponse + Send + Sync + 'static,
) -> (FakeAws, Connection) {
    let fake = FakeAws::new(move |sent| match sent.operation.as_str() {
        "AssumeRole" => assumed_role_response(sent),
        _ if sent.host.contains(SOURCE) => respond(sent),
        _ => (200, "{}".to_owned()),
    });
    let connection =
        fake.connect(|options| options.quotas.source_regions = [region(SOURCE)].into());
    let connection = connection.await;
    (fake, connection)
}

async fn session(connection: &Connection, account: u64) -> Session {
    connection.session(&id(account)).await.unwrap()
}

async fn get(session: &Session, at: &str) -> Result<(), Cause> {
    let call = session.ssm(&region(at)).get_parameters().names("n").send().await;
    let place = session.location(&region(at));
    call.map(drop).map_err(|error| cause("ssm:GetParameters", &place, &error))
}

async fn list_secrets(session: &Session, at: &str) -> Result<(), Cause> {
    let call = session.secrets(&region(at)).list_secrets().send().await;
    let place = session.location(&region(at));
    call.map(drop).map_err(|error| cause("secretsmanager:ListSecrets", &place, &error))
}

/// Calls in the source Region for this many accounts, one after the other. Returns those that failed.
async fn failures(connection: &Connection, accounts: std::ops::Range<u64>) -> Vec<Cause> {
    let mut failed = Vec::new();
    for account in accounts {
        failed.extend(get(&session(connection, account).await, SOURCE).await.err());
    }
    failed
}

#[tokio::test(start_paused = true)]
async fn further_accounts_fail_at_once_without_a_request_and_without_a_repetition() {
    for (answer, error) in [
        ((NO_ANSWER, String::new()), "ssm: connection refused"),
        (json_error(503, "ServiceUnavailable"), "ssm: HTTP status 503 ServiceUnavailable"),
        ((502, "<html>".to_owned()), "ssm: HTTP status 502"),
    ] {
        let (fake, connection) = connected(move |_| answer.clone()).await;
        assert_eq!(failures(&connection, 1..4).await.len(), 3);
        // Five attempts of each of two accounts, and one of the third, whose failure opens the breaker.
        assert_eq!(fake.sent("GetParameters").len(), 11, "{error}");
        let start = Instant::now();
        let causes = failures(&connection, 4..100).await;
        assert_eq!(causes.len(), 96);
        assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
        assert_eq!(fake.sent("GetParameters").len(), 11, "{error}");
        assert_eq!(connection.calls()["ssm:GetParameters"].attempts, 11, "no limiter was charged");
        for cause in causes {
            assert_eq!(cause.kind, FailureKind::Unavailable);
            let begin =
                "us-east-2 does not answer: 3 accounts could not reach it (the last error: ";
            assert!(cause.message.starts_with(&format!("{begin}{error})")), "{}", cause.message);
            assert!(cause.remedy().contains("AWS Health Dashboard"), "{}", cause.remedy());
        }
        assert!(get(&session(&connection, 200).await, TARGET).await.is_ok());
        assert!(list_secrets(&session(&connection, 200).await, TARGET).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn one_probe_each_five_seconds_and_the_first_answer_ends_it() {
    let works = Arc::new(AtomicBool::new(false));
    let answers = Arc::clone(&works);
    let (fake, connection) = connected(move |_| {
        if answers.load(Ordering::Relaxed) {
            (200, "{}".to_owned())
        } else {
            (NO_ANSWER, String::new())
        }
    })
    .await;
    failures(&connection, 1..4).await;
    let before = fake.sent("GetParameters").len();
    for round in 0..4 {
        assert_eq!(fake.sent("GetParameters").len(), before + round);
        wait(5).await;
        // The first of these accounts probes; its request is not repeated.
        assert_eq!(failures(&connection, 10..30).await.len(), 20);
    }
    works.store(true, Ordering::Relaxed);
    assert_eq!(failures(&connection, 10..30).await.len(), 20, "it does not know yet");
    wait(5).await;
    assert_eq!(failures(&connection, 10..30).await, []);
}

#[tokio::test(start_paused = true)]
async fn refusals_and_throttles_are_answers() {
    for (status, code) in [
        (400, "AccessDeniedException"),
        (400, "ThrottlingException"),
        (429, "TooManyRequestsException"),
        (503, "SlowDown"),
        (400, "InternalServerError"),
        (403, "<html>"),
        (404, ""),
    ] {
        let (fake, connection) = connected(move |_| json_error(status, code)).await;
        for account in 1..8 {
            let cause = get(&session(&connection, account).await, SOURCE).await.unwrap_err();
            assert!(!cause.message.contains("does not answer"), "{status} {code}: {cause}");
        }
        assert!(fake.sent("GetParameters").len() >= 7, "{status} {code}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_account_alone_never_opens_it() {
    let (_fake, connection) = connected(|sent| match sent.account.as_str() {
        "000000000001" | "000000000002" => (NO_ANSWER, String::new()),
        _ => (200, "{}".to_owned()),
    })
    .await;
    let lost = [session(&connection, 1).await, session(&connection, 2).await];
    for account in 3..20 {
        for lost in &lost {
            let cause = get(lost, SOURCE).await.unwrap_err();
            assert!(cause.message.contains("could not be reached"), "{cause}");
        }
        assert_eq!(get(&session(&connection, account).await, SOURCE).await, Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn writes_targets_and_the_hubs_own_calls_never_pass_it() {
    let (fake, connection) = connected(|_| (NO_ANSWER, String::new())).await;
    failures(&connection, 1..5).await;
    let session = session(&connection, 9).await;
    let write = session.secrets(&region(SOURCE)).replicate_secret_to_regions().secret_id("s");
    let gated = session.on_route(&region(SOURCE), crate::domain::Need::Replicate);
    let write = write.customize().interceptor(gated.writes_to([&region(TARGET)]));
    let error = write.send().await.unwrap_err();
    assert!(error.as_service_error().is_none());
    assert_eq!(fake.sent("ReplicateSecretToRegions").len(), 5, "sent, and repeated");
    let own = connection.own_ssm(&region(SOURCE)).get_parameter().name("n").send().await;
    assert!(own.is_err());
    assert_eq!(fake.sent("GetParameter").len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_its_limiter_is_refused_when_the_breaker_opens() {
    let (fake, connection) = connected(|sent| match sent.account.as_str() {
        "000000000009" => (200, "{}".to_owned()),
        _ => (NO_ANSWER, String::new()),
    })
    .await;
    let slow = QuotaOverride {
        account: Some(id(9)),
        region: None,
        bucket: Some(Bucket::SsmRead),
        calls_per_second: 0.03,
    };
    let connection = {
        drop(connection);
        let change = |options: &mut crate::aws::Options| {
            options.quotas.source_regions = [region(SOURCE)].into();
            options.quotas.overrides = vec![slow];
        };
        fake.connect(change).await
    };
    let waiting = session(&connection, 9).await;
    get(&waiting, SOURCE).await.unwrap();
    let start = Instant::now();
    let queued = futures::future::join_all((0..5).map(|_| get(&waiting, SOURCE)));
    let (queued, failed) = futures::join!(queued, failures(&connection, 1..4));
    assert_eq!(failed.len(), 3);
    assert!(start.elapsed() < Duration::from_secs(45), "{:?}", start.elapsed());
    for cause in queued {
        assert!(cause.unwrap_err().message.contains("does not answer"));
    }
    let sent = fake.sent("GetParameters");
    assert_eq!(sent.iter().filter(|sent| sent.account == "000000000009").count(), 1);
}
