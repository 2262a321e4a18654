//! The SDK, the rate limits and the sessions together, with a fake AWS and a paused clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aws_smithy_types::retry::RetryConfig;

use super::fake::{FakeAws, FakeResponse, Sent, assumed_role_response, json_error, query_error};
use super::{ACTIONS, Connection, Session, cause, code};
use crate::domain::{AccountId, FailureKind, Location, Region};
use crate::settings::{Bucket, QuotaOverride};

fn account(digits: &str) -> AccountId {
    AccountId::parse(digits).unwrap()
}

fn region() -> Region {
    Region::parse("us-east-1").unwrap()
}

/// A fake that lets the hub assume roles. `respond` answers all other requests; its second argument counts them from
/// zero.
fn fake(respond: impl Fn(&Sent, usize) -> FakeResponse + Send + Sync + 'static) -> FakeAws {
    let count = AtomicUsize::new(0);
    FakeAws::new(move |sent| match sent.operation.as_str() {
        "AssumeRole" => assumed_role_response(sent),
        _ => respond(sent, count.fetch_add(1, Ordering::Relaxed)),
    })
}

async fn session(fake: &FakeAws) -> (Connection, Session) {
    let connection = fake.connect(|_| ()).await;
    let session = connection.session(&account("111122223333")).await.unwrap();
    (connection, session)
}

/// A session whose limiter allows this many writes a second.
async fn slow_session(fake: &FakeAws, writes_per_second: f64) -> Session {
    let slow = QuotaOverride {
        account: None,
        region: None,
        bucket: Some(Bucket::SsmControl),
        calls_per_second: writes_per_second * 1.5,
    };
    let connection = fake.connect(|options| options.quotas.overrides = vec![slow]).await;
    connection.session(&account("111122223333")).await.unwrap()
}

async fn put(session: &Session) -> Result<(), (FailureKind, String)> {
    let call = session.ssm(&region()).put_parameter().name("n").value("v");
    let at = Location { account: session.account().clone(), region: region() };
    let call = call.customize().interceptor(session.writes_to([&region()]));
    call.send().await.map(drop).map_err(|error| {
        let cause = cause("ssm:PutParameter", &at, &error);
        (cause.kind, cause.message)
    })
}

fn done() -> FakeResponse {
    (200, r#"{"Version":1}"#.to_owned())
}

#[tokio::test(start_paused = true)]
async fn every_attempt_waits_for_its_limiter_and_is_counted() {
    let fake = fake(|_, before| match before {
        0 | 1 => json_error(400, "ThrottlingException"),
        _ => done(),
    });
    let (connection, session) = session(&fake).await;
    put(&session).await.unwrap();
    let sent = fake.sent("PutParameter");
    assert_eq!(sent.len(), 3);
    // Each throttle pauses the limiter for a second, in addition to the SDK's own pause.
    assert!(sent[1].at >= sent[0].at + Duration::from_secs(1), "{sent:?}");
    assert!(sent[2].at >= sent[1].at + Duration::from_secs(1), "{sent:?}");
    let calls = connection.calls();
    assert_eq!((calls["ssm:PutParameter"].attempts, calls["ssm:PutParameter"].throttled), (3, 2));
    assert_eq!(calls["sts:AssumeRole"].attempts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_halves_the_rate_and_successes_restore_it() {
    let fake = fake(|_, before| match before {
        0 => json_error(400, "ThrottlingException"),
        _ => done(),
    });
    let (_connection, session) = session(&fake).await;
    for _ in 0..30 {
        put(&session).await.unwrap();
    }
    let sent = fake.sent("PutParameter");
    let after = |index: usize| sent[index].at.saturating_sub(sent[index - 1].at).as_secs_f64();
    assert!((0.8..1.1).contains(&after(3)), "one a second: {}", after(3));
    assert!((0.4..0.6).contains(&after(30)), "two a second again: {}", after(30));
}

#[tokio::test(start_paused = true)]
async fn calls_of_one_bucket_share_its_rate_and_other_buckets_do_not_wait() {
    let fake = fake(|_, _| done());
    let (connection, session) = session(&fake).await;
    for _ in 0..10 {
        put(&session).await.unwrap();
        session.ssm(&region()).describe_parameters().send().await.unwrap();
    }
    // A sweep takes two thirds of 3 a second: twenty calls, of which the first two form a burst.
    let last = fake.sent("DescribeParameters").last().unwrap().at;
    assert!(last >= Duration::from_millis(8900) && last <= Duration::from_millis(9200), "{last:?}");
    session.ssm(&region()).get_parameters().names("n").send().await.unwrap();
    assert!(fake.sent("GetParameters")[0].at < last + Duration::from_millis(10));
    assert!(connection.calls()["ssm:PutParameter"].waited > Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn a_throttled_account_neither_slows_nor_starves_another() {
    let of_the_other = AtomicUsize::new(0);
    let fake = fake(move |sent, _| {
        if sent.account == "111122223333" {
            return json_error(400, "ThrottlingException");
        }
        match of_the_other.fetch_add(1, Ordering::Relaxed) {
            0 => json_error(503, "ServiceUnavailable"),
            _ => done(),
        }
    });
    let connection = fake.connect(|_| ()).await;
    let throttled = connection.session(&account("111122223333")).await.unwrap();
    for _ in 0..40 {
        assert_eq!(put(&throttled).await.unwrap_err().0, FailureKind::Throttled);
    }
    let other = connection.session(&account("444455556666")).await.unwrap();
    let before = tokio::time::Instant::now();
    put(&other).await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(3));
    let of_other =
        fake.sent("PutParameter").into_iter().filter(|sent| sent.account == "444455556666");
    assert_eq!(of_other.count(), 2, "each account has its own retry tokens");
}

#[tokio::test(start_paused = true)]
async fn a_write_without_a_route_and_a_need_is_not_sent() {
    let fake = fake(|_, _| done());
    let (_connection, session) = session(&fake).await;
    let call = session.ssm(&region()).put_parameter().name("n").value("v");
    let error = call.send().await.unwrap_err();
    let at = Location { account: session.account().clone(), region: region() };
    assert_eq!(cause("ssm:PutParameter", &at, &error).kind, FailureKind::Bug);
    assert_eq!(fake.sent("PutParameter").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_wait_long_for_its_turn() {
    let fake = fake(|_, _| done());
    let session = slow_session(&fake, 0.02).await;
    for _ in 0..2 {
        let once = aws_sdk_ssm::Config::builder().retry_config(RetryConfig::disabled());
        let call = session.ssm(&region()).put_parameter().name("n").value("v");
        let call = call.customize().interceptor(session.writes_to([&region()]));
        call.config_override(once).send().await.unwrap();
    }
    assert!(fake.sent("PutParameter")[1].at >= Duration::from_secs(49));
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_signature_expired_in_the_queue_is_signed_again() {
    let fake = fake(|_, _| done());
    let session = slow_session(&fake, 0.01).await;
    let results = futures::future::join_all((0..5).map(|_| put(&session))).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let sent = fake.sent("PutParameter");
    assert_eq!(sent.len(), 5);
    assert!(sent[4].at >= Duration::from_secs(400));
}

#[tokio::test(start_paused = true)]
async fn too_many_updates_is_retried_and_a_used_up_quota_is_not() {
    let fake = fake(|sent, _| match sent.operation.as_str() {
        "PutParameter" => json_error(400, "TooManyUpdates"),
        _ => json_error(400, "LimitExceededException"),
    });
    let (_connection, session) = session(&fake).await;
    assert_eq!(put(&session).await.unwrap_err().0, FailureKind::Throttled);
    assert_eq!(fake.sent("PutParameter").len(), 5);
    let call = session.secrets(&region()).replicate_secret_to_regions().secret_id("s");
    let call = call.customize().interceptor(session.writes_to([&region()]));
    let error = call.send().await.unwrap_err();
    assert_eq!(code(&error), Some("LimitExceededException"));
    assert_eq!(fake.sent("ReplicateSecretToRegions").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_spoke_role_is_assumed_once_at_the_regional_endpoint_with_the_external_id() {
    let fake = fake(|_, _| done());
    let connection = fake.connect(|_| ()).await;
    let account = account("111122223333");
    assert_eq!(connection.calls().len(), 0, "no call before the first session");
    let (first, second) = tokio::join!(connection.session(&account), connection.session(&account));
    let (first, second) = (first.unwrap(), second.unwrap());
    put(&first).await.unwrap();
    put(&second).await.unwrap();
    let assumed = fake.sent("AssumeRole");
    assert_eq!(assumed.len(), 1);
    assert_eq!(assumed[0].host, "sts.us-east-1.amazonaws.com");
    assert_eq!(assumed[0].account, "hub");
    for part in
        ["role%2Fspoke", "ExternalId=our-id", "DurationSeconds=3600", "=failover-replicator"]
    {
        assert!(assumed[0].body.contains(part), "{part}");
    }
    assert!(fake.sent("PutParameter").iter().all(|sent| sent.account == "111122223333"));
}

#[tokio::test(start_paused = true)]
async fn a_role_is_assumed_with_its_path_and_named_without_it() {
    let fake = fake(|_, _| done());
    let connection =
        fake.connect(|options| options.spoke_role_name = "ours/spoke".to_owned()).await;
    let session = connection.session(&account("111122223333")).await.unwrap();
    assert!(fake.sent("AssumeRole")[0].body.contains("role%2Fours%2Fspoke"));
    assert_eq!(session.role_name(), "spoke");
}

#[tokio::test(start_paused = true)]
async fn a_session_outlives_its_credentials() {
    let fake = fake(|_, _| done());
    let (_connection, session) = session(&fake).await;
    for (minutes, roles) in [(54, 1), (2, 2), (50, 2), (10, 3)] {
        tokio::time::advance(Duration::from_mins(minutes)).await;
        let (first, second, third) = tokio::join!(put(&session), put(&session), put(&session));
        first.and(second).and(third).unwrap();
        assert_eq!(fake.sent("AssumeRole").len(), roles, "after {minutes} minutes more");
    }
}

#[tokio::test(start_paused = true)]
async fn valid_credentials_stay_in_use_after_a_failed_renewal() {
    let refuse = Arc::new(AtomicUsize::new(0));
    let when = Arc::clone(&refuse);
    let fake = FakeAws::new(move |sent| match sent.operation.as_str() {
        "AssumeRole" if when.load(Ordering::Relaxed) == 1 => query_error(403, "AccessDenied"),
        "AssumeRole" => assumed_role_response(sent),
        _ => done(),
    });
    let (_connection, session) = session(&fake).await;
    refuse.store(1, Ordering::Relaxed);
    tokio::time::advance(Duration::from_mins(56)).await;
    put(&session).await.unwrap();
    put(&session).await.unwrap();
    assert_eq!(fake.sent("AssumeRole").len(), 2, "no second attempt within half a minute");
    tokio::time::advance(Duration::from_mins(5)).await;
    let (kind, message) = put(&session).await.unwrap_err();
    assert_eq!(kind, FailureKind::NoSpokeRole, "{message}");
    refuse.store(0, Ordering::Relaxed);
    put(&session).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_renewal_whose_first_caller_is_not_polled_blocks_no_other_caller() {
    let fake = fake(|_, _| done());
    let (_connection, session) = session(&fake).await;
    tokio::time::advance(Duration::from_mins(56)).await;
    let mut unpolled = Box::pin(put(&session));
    assert!(futures::poll!(&mut unpolled).is_pending());
    assert_eq!(fake.sent("AssumeRole").len(), 2, "the renewal has started");
    let other = tokio::time::timeout(Duration::from_mins(1), put(&session)).await;
    other.unwrap().unwrap();
    unpolled.await.unwrap();
    assert_eq!(fake.sent("AssumeRole").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refused_role_differs_from_a_throttled_or_failing_sts() {
    for (answer, expected) in [
        (query_error(403, "AccessDenied"), FailureKind::NoSpokeRole),
        (query_error(400, "Throttling"), FailureKind::Throttled),
        (query_error(403, "ExpiredToken"), FailureKind::AccessDenied),
        (query_error(500, "InternalFailure"), FailureKind::Unavailable),
        ((200, "<AssumeRoleResponse/>".to_owned()), FailureKind::Unavailable),
    ] {
        let fake = FakeAws::new(move |_| answer.clone());
        let connection = fake.connect(|_| ()).await;
        let cause = connection.session(&account("111122223333")).await.unwrap_err();
        assert_eq!(cause.kind, expected, "{cause}");
        assert!(cause.message.contains("111122223333/us-east-1"), "{cause}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_operators_role_is_assumed_first_and_used_for_all_other_calls() {
    let fake = fake(|_, _| {
        let result =
            "<GetCallerIdentityResult><Account>999988887777</Account></GetCallerIdentityResult>";
        (200, format!("<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>"))
    });
    let operator = Some("arn:aws:iam::999988887777:role/operator".to_owned());
    let connection = fake.connect(|options| options.operator_role_arn = operator).await;
    for _ in 0..3 {
        assert_eq!(connection.hub_account().await.unwrap(), account("999988887777"));
    }
    connection.session(&account("111122223333")).await.unwrap();
    let by: Vec<String> = fake.sent("AssumeRole").into_iter().map(|sent| sent.account).collect();
    assert_eq!(by, ["hub", "999988887777"]);
    let asked = fake.sent("GetCallerIdentity");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].account, "999988887777");
}

#[tokio::test(start_paused = true)]
async fn a_finished_session_is_not_kept() {
    let fake = fake(|_, _| done());
    let connection = fake.connect(|_| ()).await;
    for number in 0..50 {
        let session = connection.session(&account(&format!("{number:012}"))).await.unwrap();
        put(&session).await.unwrap();
        assert_eq!(connection.sessions_held(), 1);
        // The limiters of the previous account are kept for a moment.
        assert!(connection.accounts_in_registry() <= 2, "{}", connection.accounts_in_registry());
        drop(session);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_session_of_an_account_continues_with_its_limiters() {
    let fake = fake(|_, _| done());
    let connection = fake.connect(|_| ()).await;
    for _ in 0..20 {
        let session = connection.session(&account("111122223333")).await.unwrap();
        put(&session).await.unwrap();
    }
    // Two calls a second, after a burst of two.
    let last = fake.sent("PutParameter").last().unwrap().at;
    assert!(last >= Duration::from_millis(8900), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn the_list_of_actions_holds_every_call() {
    let fake = fake(|sent, _| match sent.operation.as_str() {
        "Publish" => (200, "<PublishResponse><PublishResult/></PublishResponse>".to_owned()),
        _ => (200, "{}".to_owned()),
    });
    let (connection, session) = session(&fake).await;
    session.ssm(&region()).describe_parameters().send().await.unwrap();
    session.secrets(&region()).list_secrets().send().await.unwrap();
    session.tagging(&region()).get_resources().send().await.unwrap();
    connection.organizations().list_accounts().send().await.unwrap();
    connection.own_ssm(&region()).get_parameter().name("n").send().await.unwrap();
    let topic =
        connection.sns(&region()).publish().topic_arn("arn:aws:sns:us-east-1:999988887777:t");
    topic.message("m").send().await.unwrap();
    let calls = connection.calls();
    assert_eq!(calls.len(), 7);
    for action in calls.keys() {
        assert!(ACTIONS.iter().any(|(known, _)| known == action), "{action}");
    }
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_renewed_once_and_the_calls_repeated() {
    // Requests are refused until the role is assumed a second time.
    let assumed = AtomicUsize::new(0);
    let fake = FakeAws::new(move |sent| match sent.operation.as_str() {
        "AssumeRole" => {
            assumed.fetch_add(1, Ordering::Relaxed);
            assumed_role_response(sent)
        }
        _ if assumed.load(Ordering::Relaxed) < 2 => json_error(400, "ExpiredTokenException"),
        _ => done(),
    });
    let (_connection, session) = session(&fake).await;
    let (first, second, third) = tokio::join!(put(&session), put(&session), put(&session));
    first.and(second).and(third).unwrap();
    assert_eq!(fake.sent("AssumeRole").len(), 2, "one renewal serves all three");
    assert!((4..=6).contains(&fake.sent("PutParameter").len()));
}

#[tokio::test(start_paused = true)]
async fn credentials_that_aws_keeps_rejecting_are_not_renewed_for_each_call() {
    let fake = fake(|_, _| json_error(400, "ExpiredTokenException"));
    let (_connection, session) = session(&fake).await;
    for _ in 0..10 {
        assert_eq!(put(&session).await.unwrap_err().0, FailureKind::AccessDenied);
    }
    assert!(fake.sent("AssumeRole").len() <= 3, "{}", fake.sent("AssumeRole").len());
    assert!(fake.sent("PutParameter").len() <= 13);
}

#[tokio::test(start_paused = true)]
async fn a_response_that_is_not_from_aws_is_retried() {
    for nothing in [(200, r#"{"Version":"#), (400, r#"{"__type":"Th"#), (502, "<html>"), (403, "")]
    {
        let fake = fake(move |_, before| match before {
            0 | 1 => (nothing.0, nothing.1.to_owned()),
            _ => done(),
        });
        let (_connection, session) = session(&fake).await;
        put(&session).await.unwrap();
        assert_eq!(fake.sent("PutParameter").len(), 3, "{nothing:?}");
    }
}
