//! What becomes of a call: who calls, what befalls it, whether its quota bears it, its work, its answer.

use std::time::Duration;

use crate::clock::Millis;
use crate::error::{Answer, AwsError};
use crate::faults::{Befallen, Effect};
use crate::identity::{Principal, denied, expired};
use crate::journal::{Write, writes};
use crate::protocol::{Read, Request, Response, broken_off, read, respond};
use crate::quotas::bucket_of;
use crate::sim::Sim;
use crate::state::{Call, Lag, World};
use crate::{kms, organizations, secrets, sns, ssm, sts, tagging};

/// A signature is good for so long before and after its date (FACTS 2).
const SIGNATURE_LIFE: Millis = 5 * 60 * 1000;

/// What the caller gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// An answer.
    Answer(Response),
    /// The connection is lost.
    Lost,
    /// Nothing, ever.
    Never,
}

/// What was settled of a call when it arrived.
struct Arrived {
    caller: Result<Principal, AwsError>,
    /// The account that the call is charged to and counted for.
    account: String,
    befallen: Befallen,
    is_over_quota: bool,
    latency: Duration,
    request_id: String,
}

impl Sim {
    /// Answers a request, in its time.
    pub(crate) async fn answer(&self, request: &Request) -> Reply {
        let Some(read) = read(request) else {
            let body = r#"{"__type":"UnknownOperationException"}"#.to_owned();
            return Reply::Answer(Response { status: 400, content_type: "application/json", body });
        };
        let arrived = arrive(&mut self.world(), &read, self.clock().now());
        tokio::time::sleep(arrived.latency / 2).await;
        let reply = finish(&mut self.world(), &read, &arrived, self.clock().now());
        tokio::time::sleep(arrived.latency / 2).await;
        reply
    }
}

fn arrive(world: &mut World, read: &Read, now: Millis) -> Arrived {
    let caller = identify(world, read, now);
    let account =
        caller.as_ref().map_or_else(|_| "unknown".to_owned(), |caller| caller.account.clone());
    // A role's call is counted for the account that it leads into: that is what tells the calls apart.
    let befalls =
        match read.input["RoleArn"].as_str().filter(|_| read.operation == "sts:AssumeRole") {
            Some(arn) => arn.split(':').nth(4).unwrap_or_default().to_owned(),
            None => account.clone(),
        };
    let seed = world.settings.seed;
    let befallen = world.faults.judge(seed, &read.operation, &befalls, &read.region, &read.input);
    let bucket = bucket_of(&read.operation);
    // What a fault keeps from being done costs no quota.
    let is_kept_from = befallen.effect.is_some() && !befallen.work_is_done;
    let is_over_quota =
        caller.is_ok() && !is_kept_from && !world.quotas.admit(&account, &read.region, bucket, now);
    let count = world.journal.count(&read.operation, &befalls, &read.region);
    count.calls += 1;
    count.throttled += u64::from(is_over_quota);
    count.faulted += u64::from(befallen.effect.is_some());
    let nth = count.calls.to_string();
    let words = [read.operation.as_str(), &befalls, &read.region, &nth];
    let request_id = crate::seed::uuid(world.settings.seed, &words);
    let latency = world.settings.latency + befallen.latency;
    Arrived { caller, account: befalls, befallen, is_over_quota, latency, request_id }
}

fn identify(world: &World, read: &Read, now: Millis) -> Result<Principal, AwsError> {
    let is_json = read.is_json;
    if world.settings.signatures
        && read.signed_at.is_none_or(|at| at.abs_diff(now) > SIGNATURE_LIFE)
    {
        let code = if is_json { "InvalidSignatureException" } else { "SignatureDoesNotMatch" };
        return Err(
            AwsError::new(code, "Signature expired, or its date is not now.").with_status(403)
        );
    }
    let principal = world.issued.principal(&read.key, read.token.as_deref(), now, is_json)?;
    let closed = world
        .accounts
        .get(&principal.account)
        .is_some_and(|held| held.closed.contains(&read.region));
    if closed {
        let message = "The security token included in the request is invalid.";
        return Err(AwsError::new("UnrecognizedClientException", message));
    }
    Ok(principal.clone())
}

fn finish(world: &mut World, read: &Read, arrived: &Arrived, now: Millis) -> Reply {
    let Arrived { caller, befallen, request_id, .. } = arrived;
    let answer = match caller {
        Err(error) => Err(error.clone()),
        Ok(_) if arrived.is_over_quota => Err(throttled(&read.operation)),
        Ok(caller) => {
            if befallen.effect.is_none() || befallen.work_is_done {
                let lag = world.settings.lag;
                work(world, read, arrived, caller, lag, now)
            } else {
                Ok(serde_json::Value::Null)
            }
        }
    };
    // Who is refused for want of credentials or quota never comes as far as the fault.
    let effect = befallen.effect.filter(|_| caller.is_ok() && !arrived.is_over_quota);
    let refuse = |error: AwsError| Reply::Answer(respond(read, &Err(error), request_id));
    let caller_arn = caller.as_ref().map(|caller| caller.arn.as_str()).unwrap_or_default();
    match effect {
        // In another Region its work was done there.
        None | Some(Effect::Latency(_) | Effect::OtherRegion(_)) => {
            Reply::Answer(respond(read, &answer, request_id))
        }
        Some(Effect::Throttle) => refuse(throttled(&read.operation)),
        Some(Effect::ServerError) => refuse(server_error(&read.operation)),
        Some(Effect::AccessDenied) => {
            refuse(denied(caller_arn, &read.operation, "*", read.is_json))
        }
        Some(Effect::ExpiredToken) => refuse(expired(read.is_json)),
        Some(Effect::Refused(code)) => {
            refuse(AwsError::new(code, format!("{code}, by a rule of faults")))
        }
        Some(Effect::MalformedBody) => {
            Reply::Answer(broken_off(respond(read, &answer, request_id)))
        }
        Some(Effect::EmptyList) => {
            Reply::Answer(respond(read, &answer.map(|page| last_page(page, |_| 0)), request_id))
        }
        Some(Effect::CutList) => {
            let half = |items: usize| items / 2;
            Reply::Answer(respond(read, &answer.map(|page| last_page(page, half)), request_id))
        }
        Some(Effect::Reset) => Reply::Lost,
        Some(Effect::TimeOut) => Reply::Never,
    }
}

fn work(
    world: &mut World,
    read: &Read,
    arrived: &Arrived,
    caller: &Principal,
    lag: Lag,
    now: Millis,
) -> Answer {
    let region = match arrived.befallen.effect {
        Some(Effect::OtherRegion(region)) => region,
        _ => &read.region,
    };
    let call = Call {
        operation: &read.operation,
        account: caller.account.clone(),
        region: region.to_owned(),
        caller,
        now,
        lag,
        input: &read.input,
    };
    let answer = perform(world, &call);
    let count = world.journal.count(&read.operation, &arrived.account, &read.region);
    match &answer {
        Ok(_) => count.done += 1,
        Err(_) => count.refused += 1,
    }
    if writes(&read.operation) {
        world.journal.writes.push(Write {
            at: now,
            operation: read.operation.clone(),
            account: call.account,
            region: call.region,
            caller: caller.arn.clone(),
            request: read.input.clone(),
            refused: answer.as_ref().err().map(|error| error.code.clone()),
        });
    }
    answer
}

/// Does a call's work.
pub(crate) fn perform(world: &mut World, call: &Call<'_>) -> Answer {
    let answer = match call.operation {
        "organizations:ListAccounts" => Some(organizations::list_accounts(world, call)),
        "sts:AssumeRole" => Some(sts::assume_role(world, call)),
        "sts:GetCallerIdentity" => Some(Ok(sts::get_caller_identity(call))),
        "sns:Publish" => Some(sns::publish(world, call)),
        "kms:DescribeKey" => Some(kms::describe_key(world, call)),
        "tag:GetResources" => {
            // Both services' clocks go on, whoever asks.
            ssm::policies_act(world, call);
            secrets::replicate::settle(world, &call.account, call.now);
            Some(tagging::get_resources(world, call))
        }
        operation if operation.starts_with("ssm:") => ssm::perform(world, call),
        operation if operation.starts_with("secretsmanager:") => secrets::perform(world, call),
        _ => None,
    };
    answer.unwrap_or_else(|| {
        let message = format!("the simulator has no {}", call.operation);
        Err(AwsError::new("UnknownOperationException", message))
    })
}

/// A list's page with only so many of its items, and no token for more.
fn last_page(mut page: serde_json::Value, keep: impl Fn(usize) -> usize) -> serde_json::Value {
    for member in ["Parameters", "ResourceTagMappingList", "SecretList", "Accounts"] {
        if let Some(items) = page.get_mut(member).and_then(serde_json::Value::as_array_mut) {
            items.truncate(keep(items.len()));
        }
    }
    if let Some(members) = page.as_object_mut() {
        members.remove("NextToken");
        members.remove("PaginationToken");
    }
    page
}

/// Over quota, in the service's own words (FACTS 5).
fn throttled(operation: &str) -> AwsError {
    match operation.split(':').next().unwrap_or_default() {
        "organizations" => AwsError::new(
            "TooManyRequestsException",
            "AWS Organizations can't complete your request because of too many requests.",
        ),
        "sts" | "sns" => AwsError::new("Throttling", "Rate exceeded"),
        "tag" => AwsError::new("ThrottledException", "Rate exceeded"),
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
