//! The breaker alone, and on the way of requests.

mod requests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use aws_smithy_async::time::TimeSource;

use super::*;

/// The wall clock: tokio's, and what the process slept.
#[derive(Clone, Debug)]
struct Wall {
    start: Instant,
    slept: Arc<AtomicU64>,
}

impl TimeSource for Wall {
    fn now(&self) -> SystemTime {
        let slept = Duration::from_secs(self.slept.load(Ordering::Relaxed));
        SystemTime::UNIX_EPOCH + Duration::from_hours(1) + self.start.elapsed() + slept
    }
}

const SSM: &str = "ssm";
const SECRETS: &str = "secretsmanager";

/// A breaker, and the Region that it is asked about.
struct Stage {
    breaker: Arc<Breaker>,
    region: Region,
    wall: Wall,
}

impl Stage {
    fn new() -> Self {
        let wall = Wall { start: Instant::now(), slept: Arc::default() };
        let clock = SharedTimeSource::new(wall.clone());
        let breaker = Breaker::new(BreakerLimits::default(), clock);
        Self { breaker, region: region("us-east-2"), wall }
    }

    fn fail(&self, account: u64, service: &'static str) {
        self.fail_since(Instant::now(), account, service);
    }

    fn fail_since(&self, sent: Instant, account: u64, service: &'static str) {
        let place = (&self.region, service);
        self.breaker.failed(place, &id(account), sent, "timed out");
    }

    fn answer(&self, service: &'static str) {
        self.breaker.answered(&self.region, service);
    }

    fn ask(&self, account: u64, service: &'static str) -> Result<Option<Probe>, RegionSilent> {
        self.breaker.ask((&self.region, service), &id(account), false)
    }

    fn is_open(&self, service: &'static str) -> bool {
        let place = (&self.region, service);
        self.breaker.ask(place, &id(999), true).is_err()
    }

    fn open(&self, service: &'static str) {
        for account in 1..=3 {
            self.fail(account, service);
        }
        assert!(self.is_open(service));
    }
}

fn region(name: &str) -> Region {
    Region::parse(name).unwrap()
}

fn id(account: u64) -> AccountId {
    AccountId::parse(&format!("{account:012}")).unwrap()
}

async fn wait(seconds: u64) {
    // By a millisecond more: the timer is as exact as that.
    tokio::time::sleep(Duration::from_millis(seconds * 1000 + 1)).await;
}

#[tokio::test(start_paused = true)]
async fn three_different_accounts_without_an_answer_in_between_open_it() {
    let stage = Stage::new();
    for account in [1, 1, 1, 2, 2, 1] {
        stage.fail(account, SSM);
        assert!(!stage.is_open(SSM));
    }
    stage.answer(SSM);
    for account in [2, 3] {
        stage.fail(account, SSM);
        assert!(!stage.is_open(SSM), "an answer came in between");
    }
    stage.fail(4, SSM);
    assert!(stage.is_open(SSM));
    assert!(!stage.is_open(SECRETS), "another service of the Region");
    assert!(stage.breaker.ask((&region("eu-west-1"), SSM), &id(9), true).is_ok());
    stage.answer(SSM);
    assert!(!stage.is_open(SSM), "one answer is enough");
}

#[tokio::test(start_paused = true)]
async fn the_refusal_names_the_region_the_accounts_and_the_error_and_is_the_same_for_all() {
    let stage = Stage::new();
    stage.open(SSM);
    stage.open(SECRETS);
    let refused = stage.ask(7, SSM).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "us-east-2 does not answer: 3 accounts could not reach it (the last error: ssm: timed out); \
         until it answers, the hub sends it one probe each 5 s"
    );
    assert_eq!(stage.ask(8, SECRETS).unwrap_err(), refused);
    wait(31).await;
    stage.open(SECRETS);
    let refused = stage.ask(7, SECRETS).unwrap_err().to_string();
    assert!(refused.contains("(the last error: secretsmanager: timed out)"), "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_a_request_that_was_sent_before_an_answer_says_nothing() {
    let stage = Stage::new();
    let sent = Instant::now();
    wait(5).await;
    stage.answer(SSM);
    wait(5).await;
    for account in 1..=9 {
        stage.fail_since(sent, account, SSM);
    }
    assert!(!stage.is_open(SSM));
    stage.open(SSM);
}

#[tokio::test(start_paused = true)]
async fn one_account_at_a_time_probes_all_services_each_five_seconds() {
    let stage = Stage::new();
    stage.open(SSM);
    stage.open(SECRETS);
    wait(4).await;
    assert!(stage.ask(4, SSM).is_err(), "too early");
    wait(1).await;
    assert!(stage.breaker.ask((&stage.region, SSM), &id(4), true).is_err(), "a repeated request");
    let first = stage.ask(4, SSM).unwrap().expect("a probe");
    assert!(stage.ask(4, SSM).is_err(), "one request to a service");
    assert!(stage.ask(5, SSM).is_err() && stage.ask(5, SECRETS).is_err(), "another account");
    let second = stage.ask(4, SECRETS).unwrap().expect("the same account, another service");
    wait(10).await;
    drop(first);
    wait(10).await;
    assert!(stage.is_open(SSM) && stage.ask(5, SSM).is_err(), "a probe is under way");
    drop(second);
    wait(4).await;
    stage.fail(4, SSM);
    assert!(stage.ask(5, SSM).is_err());
    wait(1).await;
    assert!(stage.ask(5, SSM).unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn it_forgets_what_is_half_a_minute_old_by_either_clock() {
    let stage = Stage::new();
    stage.open(SSM);
    wait(25).await;
    stage.fail(1, SSM);
    wait(25).await;
    assert!(stage.is_open(SSM), "a failure was seen meanwhile");
    wait(5).await;
    assert!(!stage.is_open(SSM));

    stage.fail(1, SSM);
    stage.fail(2, SSM);
    stage.wall.slept.fetch_add(31, Ordering::Relaxed);
    stage.fail(3, SSM);
    assert!(!stage.is_open(SSM), "two of the failures are from before the process slept");
    stage.fail(4, SSM);
    stage.fail(5, SSM);
    assert!(stage.is_open(SSM));
    stage.wall.slept.fetch_add(31, Ordering::Relaxed);
    assert!(!stage.is_open(SSM));
}

#[tokio::test(start_paused = true)]
async fn a_region_is_silent_if_it_answers_none_of_three_accounts_for_a_moment() {
    let stage = Stage::new();
    let send = |account: u64| stage.breaker.sent((&stage.region, SSM), &id(account));
    // In milliseconds from now.
    let silent_in = || match stage.breaker.silence(&stage.region, SSM) {
        Silence::Now => 0,
        Silence::At(at) => at.duration_since(Instant::now()).as_millis(),
        other @ Silence::Few => panic!("{other:?}"),
    };
    for account in [1, 2, 1, 2] {
        send(account);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(stage.breaker.silence(&stage.region, SSM), Silence::Few);
    }
    stage.answer(SSM);
    for account in [1, 2, 3] {
        send(account);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(silent_in(), 150, "since the first request");
    stage.answer(SSM);
    send(1);
    send(2);
    wait(31).await;
    send(3);
    let few = stage.breaker.silence(&stage.region, SSM);
    assert_eq!(few, Silence::Few, "the old requests were dropped");
    stage.open(SSM);
    assert_eq!(silent_in(), 0);
    let never = Breaker::new(BreakerLimits::NEVER, SharedTimeSource::new(stage.wall.clone()));
    for account in 1..9 {
        never.sent((&stage.region, SSM), &id(account));
    }
    assert_eq!(never.silence(&stage.region, SSM), Silence::Few);
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_for_silence_until_other_accounts_wait_too_or_the_breaker_opens() {
    let stage = Stage::new();
    let start = Instant::now();
    let is_silent = async {
        stage.breaker.sent((&stage.region, SSM), &id(1));
        stage.breaker.is_silent(&stage.region, SSM).await;
        start.elapsed().as_millis()
    };
    let others = async {
        for account in [2, 3] {
            wait(2).await;
            stage.breaker.sent((&stage.region, SSM), &id(account));
        }
    };
    assert_eq!(futures::join!(is_silent, others).0, 4002);
    stage.answer(SSM);
    let start = Instant::now();
    let is_silent = async {
        stage.breaker.is_silent(&stage.region, SSM).await;
        start.elapsed().as_millis()
    };
    let opens = async {
        wait(2).await;
        stage.open(SSM);
    };
    assert_eq!(futures::join!(is_silent, opens).0, 2001);
}
