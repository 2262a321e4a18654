//! The processing of a call: caller, faults, quota, execution, answer.

use std::time::Duration;

use crate::clock::Millis;
use crate::error::{Answer, AwsError};
use crate::faults::{Effect, InjectedFaults};
use crate::identity::{Principal, denied, expired};
use crate::journal::{Write, writes};
use crate::protocol::{ParsedRequest, Request, Response, parse, respond, truncated};
use crate::quotas::bucket_of;
use crate::sim::Sim;
use crate::state::{Call, Lag, World};
use crate::{dynamodb, kms, organizations, secrets, sns, ssm, sts, tagging};

/// How far the date of a signature may differ from the current time (FACTS 2).
const SIGNATURE_LIFE: Millis = 5 * 60 * 1000;

/// The reply to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// An HTTP answer.
    Answer(Response),
    /// The connection breaks.
    Lost,
    /// No answer, ever.
    Never,
}

/// A call on its way to AWS: it is counted, and its faults are chosen.
pub(crate) struct Dispatched {
    request: ParsedRequest,
    /// The account that the counters name; for `AssumeRole`, the account of the role.
    account: String,
    injected: InjectedFaults,
    request_id: String,
}

/// The checks that a call passed or failed on arrival.
struct Admission {
    caller: Result<Principal, AwsError>,
    is_over_quota: bool,
}

impl Sim {
    /// Answers a request after the time to connect and the simulated latency.
    pub(crate) async fn answer(&self, request: &Request) -> Reply {
        match self.dispatch(request) {
            Ok(call) => {
                call.connect().await;
                self.exchange(&call).await
            }
            Err(refusal) => refusal,
        }
    }

    /// Begins a call. The error is the reply to a request that is not a request of AWS.
    pub(crate) fn dispatch(&self, request: &Request) -> Result<Dispatched, Reply> {
        let request = parse(request).ok_or_else(|| {
            let body = r#"{"__type":"UnknownOperationException"}"#.to_owned();
            Reply::Answer(Response { status: 400, content_type: "application/json", body })
        })?;
        Ok(dispatch(&mut self.world(), request, self.now()))
    }

    /// Sends a call over a connection, and returns the reply after the simulated latency. AWS executes the call after half
    /// of the latency.
    pub(crate) async fn exchange(&self, call: &Dispatched) -> Reply {
        let (admission, latency) = {
            let mut world = self.world();
            let latency = world.settings.latency.saturating_add(call.injected.latency);
            (admit(&mut world, call, self.now()), latency)
        };
        tokio::time::sleep(latency / 2).await;
        let reply = finish(&mut self.world(), call, &admission, self.now());
        tokio::time::sleep(latency / 2).await;
        reply
    }
}

impl Dispatched {
    /// The time that connecting takes.
    pub(crate) fn connecting(&self) -> Duration {
        self.injected.connecting
    }

    pub(crate) async fn connect(&self) {
        if !self.connecting().is_zero() {
            tokio::time::sleep(self.connecting()).await;
        }
    }
}

fn dispatch(world: &mut World, request: ParsedRequest, now: Millis) -> Dispatched {
    let caller = identify(world, &request, now);
    let account = caller.map_or_else(|_| "unknown".to_owned(), |caller| caller.account);
    // Calls of `AssumeRole` all have the hub's credentials, so faults and counters use the account of the role.
    let target_account =
        match request.input["RoleArn"].as_str().filter(|_| request.operation == "sts:AssumeRole") {
            Some(arn) => arn.split(':').nth(4).unwrap_or_default().to_owned(),
            None => account,
        };
    let seed = world.settings.seed;
    let injected = world.faults.inject(
        seed,
        &request.operation,
        &target_account,
        &request.region,
        &request.input,
    );
    let count = world.journal.count(&request.operation, &target_account, &request.region);
    count.calls += 1;
    count.faulted += u64::from(injected.effect.is_some());
    let nth = count.calls.to_string();
    let words = [request.operation.as_str(), &target_account, &request.region, &nth];
    let request_id = crate::seed::uuid(world.settings.seed, &words);
    Dispatched { request, account: target_account, injected, request_id }
}

fn admit(world: &mut World, call: &Dispatched, now: Millis) -> Admission {
    let Dispatched { request, injected, .. } = call;
    let caller = identify(world, request, now);
    // A call that a fault keeps from execution uses no quota.
    let is_prevented = injected.effect.is_some() && !injected.is_executed;
    let is_over_quota = caller.as_ref().is_ok_and(|caller| {
        let bucket = bucket_of(&request.operation);
        !is_prevented && !world.quotas.admit(&caller.account, &request.region, bucket, now)
    });
    let count = world.journal.count(&request.operation, &call.account, &request.region);
    count.throttled += u64::from(is_over_quota);
    Admission { caller, is_over_quota }
}

fn identify(world: &World, request: &ParsedRequest, now: Millis) -> Result<Principal, AwsError> {
    let is_json = request.is_json;
    if world.settings.signatures
        && request.signed_at.is_none_or(|at| at.abs_diff(now) > SIGNATURE_LIFE)
    {
        let code = if is_json { "InvalidSignatureException" } else { "SignatureDoesNotMatch" };
        return Err(
            AwsError::new(code, "Signature expired, or its date is not now.").with_status(403)
        );
    }
    let principal =
        world.access_keys.principal(&request.key, request.token.as_deref(), now, is_json)?;
    let is_disabled = world
        .accounts
        .get(&principal.account)
        .is_some_and(|held| held.disabled_regions.contains(&request.region));
    if is_disabled {
        let message = "The security token included in the request is invalid.";
        return Err(AwsError::new("UnrecognizedClientException", message));
    }
    Ok(principal.clone())
}

fn finish(world: &mut World, call: &Dispatched, admission: &Admission, now: Millis) -> Reply {
    let Dispatched { request, injected, request_id, .. } = call;
    let caller = &admission.caller;
    let answer = match caller {
        Err(error) => Err(error.clone()),
        Ok(_) if admission.is_over_quota => Err(throttled(&request.operation)),
        Ok(caller) => {
            if injected.effect.is_none() || injected.is_executed {
                let lag = world.settings.lag;
                execute(world, call, caller, lag, now)
            } else {
                Ok(serde_json::Value::Null)
            }
        }
    };
    // A call without valid credentials or over quota fails before the fault applies.
    let effect = injected.effect.filter(|_| caller.is_ok() && !admission.is_over_quota);
    let refuse = |error: AwsError| Reply::Answer(respond(request, &Err(error), request_id));
    let caller_arn = caller.as_ref().map(|caller| caller.arn.as_str()).unwrap_or_default();
    match effect {
        // For the last two the answer already differs, and the others have only taken time.
        None
        | Some(
            Effect::Latency(_)
            | Effect::Connecting(_)
            | Effect::OtherRegion(_)
            | Effect::Unprocessed,
        ) => Reply::Answer(respond(request, &answer, request_id)),
        Some(Effect::Throttle) => refuse(throttled(&request.operation)),
        Some(Effect::ServerError) => refuse(server_error(&request.operation)),
        Some(Effect::Unavailable) => refuse(unavailable()),
        Some(Effect::AccessDenied) => {
            refuse(denied(caller_arn, &request.operation, "*", request.is_json))
        }
        Some(Effect::ExpiredToken) => refuse(expired(request.is_json)),
        Some(Effect::Refused(code)) => {
            refuse(AwsError::new(code, format!("{code}, by a rule of faults")))
        }
        Some(Effect::MalformedBody) => {
            Reply::Answer(truncated(respond(request, &answer, request_id)))
        }
        Some(Effect::EmptyList) => {
            Reply::Answer(respond(request, &answer.map(|page| last_page(page, |_| 0)), request_id))
        }
        Some(Effect::CutList) => {
            let half = |items: usize| items / 2;
            Reply::Answer(respond(request, &answer.map(|page| last_page(page, half)), request_id))
        }
        Some(Effect::Reset) => Reply::Lost,
        Some(Effect::TimeOut) => Reply::Never,
    }
}

fn execute(
    world: &mut World,
    dispatched: &Dispatched,
    caller: &Principal,
    lag: Lag,
    now: Millis,
) -> Answer {
    let Dispatched { request, account, injected, .. } = dispatched;
    let region = match injected.effect {
        Some(Effect::OtherRegion(region)) => region,
        _ => &request.region,
    };
    let call = Call {
        operation: &request.operation,
        account: caller.account.clone(),
        region: region.to_owned(),
        caller,
        now,
        lag,
        input: &request.input,
        is_cut: injected.effect == Some(Effect::Unprocessed),
    };
    let answer = perform(world, &call);
    let count = world.journal.count(&request.operation, account, &request.region);
    match &answer {
        Ok(_) => count.done += 1,
        Err(_) => count.refused += 1,
    }
    if writes(&request.operation) {
        world.journal.add(Write {
            at: now,
            operation: request.operation.clone(),
            account: call.account,
            region: call.region,
            caller: caller.arn.clone(),
            request: request.input.clone(),
            refused: answer.as_ref().err().map(|error| error.code.clone()),
        });
    }
    answer
}

/// Executes a call.
pub(crate) fn perform(world: &mut World, call: &Call<'_>) -> Answer {
    let answer = match call.operation {
        "organizations:ListAccounts" => Some(organizations::list_accounts(world, call)),
        "sts:AssumeRole" => Some(sts::assume_role(world, call)),
        "sts:GetCallerIdentity" => Some(Ok(sts::get_caller_identity(call))),
        "sns:Publish" => Some(sns::publish(world, call)),
        "kms:DescribeKey" => Some(kms::describe_key(world, call)),
        "tag:GetResources" => {
            // A read of the Tagging API sees the scheduled changes of both services.
            ssm::expire_parameters(world, call);
            secrets::replicate::run_due_replications(world, &call.account, call.now);
            Some(tagging::get_resources(world, call))
        }
        operation if operation.starts_with("ssm:") => ssm::perform(world, call),
        operation if operation.starts_with("dynamodb:") => dynamodb::perform(world, call),
        operation if operation.starts_with("secretsmanager:") => secrets::perform(world, call),
        _ => None,
    };
    answer.unwrap_or_else(|| {
        let message = format!("the simulator does not implement {}", call.operation);
        Err(AwsError::new("UnknownOperationException", message))
    })
}

/// A last page with the first items of a page; `keep` returns how many.
fn last_page(mut page: serde_json::Value, keep: impl Fn(usize) -> usize) -> serde_json::Value {
    let mut count = 0;
    for member in ["Parameters", "ResourceTagMappingList", "SecretList", "Accounts", "Items"] {
        if let Some(items) = page.get_mut(member).and_then(serde_json::Value::as_array_mut) {
            items.truncate(keep(items.len()));
            count = items.len();
        }
    }
    if let Some(members) = page.as_object_mut() {
        members.remove("NextToken");
        members.remove("PaginationToken");
        members.remove("LastEvaluatedKey");
        for member in ["Count", "ScannedCount"] {
            if let Some(counted) = members.get_mut(member) {
                *counted = count.into();
            }
        }
    }
    page
}

/// The throttling error of each service (FACTS 5, 120).
fn throttled(operation: &str) -> AwsError {
    match operation.split(':').next().unwrap_or_default() {
        "organizations" => AwsError::new(
            "TooManyRequestsException",
            "AWS Organizations can't complete your request because of too many requests.",
        ),
        "sts" | "sns" => AwsError::new("Throttling", "Rate exceeded"),
        "tag" => AwsError::new("ThrottledException", "Rate exceeded"),
        "dynamodb" => AwsError::new(
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning level with the UpdateTable API.",
        ),
        _ => AwsError::new("ThrottlingException", "Rate exceeded"),
    }
}

fn server_error(operation: &str) -> AwsError {
    let code = match operation.split(':').next().unwrap_or_default() {
        "organizations" => "ServiceException",
        "sts" | "sns" => "InternalFailure",
        "tag" => "InternalServiceException",
        "secretsmanager" => "InternalServiceError",
        "kms" => "KMSInternalException",
        _ => "InternalServerError",
    };
    AwsError::new(code, "An error occurred on the server side.").with_status(500)
}

/// The answer of a service in front of which nothing works.
fn unavailable() -> AwsError {
    AwsError::new("ServiceUnavailable", "Service is unable to handle request.").with_status(503)
}
