//! A write that AWS executes while its answer is lost, as a caller with the real SDK sees it.

use std::time::{Duration, SystemTime};

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::retry::RetryConfig;
use aws_sdk_ssm::config::timeout::TimeoutConfig;
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_ssm::error::SdkError;
use aws_sim::{Clock, Effect, Fault, LOST_ANSWERS, Settings, Sim};
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::TimeSource;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-2";

#[derive(Debug)]
struct Time(Clock);

impl TimeSource for Time {
    fn now(&self) -> SystemTime {
        self.0.system_time()
    }
}

fn ssm(sim: &Sim, attempts: u32) -> Client {
    let keys = sim.account(ACCOUNT).keys();
    let (id, secret) = (keys.access_key_id, keys.secret_access_key);
    let timeouts = TimeoutConfig::builder().read_timeout(Duration::from_secs(5)).build();
    let config = aws_sdk_ssm::Config::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(id, secret, keys.session_token, None, "owner"))
        .http_client(sim.clone())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(Time(sim.clock()))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(attempts))
        .build();
    Client::from_conf(config)
}

fn lost(effect: Effect) -> Fault {
    Fault::new(effect).operation("ssm:PutParameter").nth(1).after_execution()
}

#[tokio::test(start_paused = true)]
async fn the_caller_sees_a_timeout_a_broken_connection_or_status_500() {
    for effect in LOST_ANSWERS {
        let sim = Sim::new(Settings::default());
        let region = sim.account(ACCOUNT).region(REGION);
        region.put("/a", "1");
        sim.fault(lost(effect));
        let put = ssm(&sim, 1).put_parameter().name("/a").value("2").overwrite(true);
        let error = put.send().await.expect_err("the answer is lost");
        let is_as_it_should = match (&error, effect) {
            (SdkError::DispatchFailure(failure), Effect::TimeOut) => failure.is_timeout(),
            (SdkError::DispatchFailure(failure), Effect::Reset) => failure.is_io(),
            (SdkError::ServiceError(answer), Effect::ServerError) => {
                answer.raw().status().as_u16() == 500 && answer.err().is_internal_server_error()
            }
            _ => false,
        };
        assert!(is_as_it_should, "{effect:?}: {error:?}");
        assert_eq!(region.parameters()["/a"].version, 2, "{effect:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_sdk_that_retries_writes_twice() {
    for effect in LOST_ANSWERS {
        let sim = Sim::new(Settings::default());
        let region = sim.account(ACCOUNT).region(REGION);
        region.put("/a", "1");
        sim.fault(lost(effect));
        let put = ssm(&sim, 2).put_parameter().name("/a").value("2").overwrite(true);
        let answer = put.send().await.unwrap_or_else(|error| panic!("{effect:?}: {error:?}"));
        assert_eq!(answer.version, 3, "{effect:?}: the first attempt created version 2");
        assert_eq!(sim.writes().len(), 2, "{effect:?}");
    }
}
