//! AWS STS: `AssumeRole` and `GetCallerIdentity` (FACTS 112, 113, 115).

use serde_json::{Value, json};

use crate::clock::format;
use crate::error::{Answer, AwsError};
use crate::identity::denied;
use crate::state::{Call, World};

const DEFAULT_SECONDS: u64 = 3600;
/// The longest session for a caller that itself uses a role's credentials.
const CHAINED_SECONDS: u64 = 3600;

fn invalid(message: impl Into<String>) -> AwsError {
    AwsError::new("ValidationError", message)
}

pub(crate) fn assume_role(world: &mut World, call: &Call<'_>) -> Answer {
    let arn = call.needed("RoleArn").map_err(|error| invalid(error.message))?;
    let session = call.needed("RoleSessionName").map_err(|error| invalid(error.message))?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if !(2..=64).contains(&session.len()) || !session.chars().all(allowed) {
        return Err(invalid(
            "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint",
        ));
    }
    let (account, path) = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":role/"))
        .ok_or_else(|| invalid(format!("{arn} is invalid")))?;
    let seconds = match call.text("DurationSeconds") {
        Some(text) => text.parse().map_err(|_| invalid("DurationSeconds is not a number"))?,
        None => DEFAULT_SECONDS,
    };
    let refused = || denied(&call.caller.arn, call.operation, arn, false);
    let role = world
        .accounts
        .get(account)
        .and_then(|held| held.roles.get(path))
        .filter(|role| role.trusts_caller(call.caller, call.text("ExternalId")))
        .ok_or_else(refused)?;
    if !(900..=43_200).contains(&seconds) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200"
        )));
    }
    if call.caller.ends.is_some() && seconds > CHAINED_SECONDS {
        return Err(invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if seconds > role.longest_seconds {
        return Err(invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    // The ARN of a session has the role's name without its path.
    let name = role.name.rsplit('/').next().unwrap_or(&role.name);
    let session_arn = format!("arn:aws:sts::{account}:assumed-role/{name}/{session}");
    let ends = call.now + seconds * 1000;
    let (seed, account) = (world.settings.seed, account.to_owned());
    let keys = world.access_keys.issue(seed, &account, session_arn.clone(), Some(ends));
    Ok(json!({
        "Credentials": {
            "AccessKeyId": keys.access_key_id,
            "SecretAccessKey": keys.secret_access_key,
            "SessionToken": keys.session_token,
            "Expiration": format(ends),
        },
        "AssumedRoleUser": {
            "AssumedRoleId": format!("AROA{}:{session}", crate::seed::letters(seed, &[arn], 17).to_uppercase()),
            "Arn": session_arn,
        },
    }))
}

pub(crate) fn get_caller_identity(call: &Call<'_>) -> Value {
    json!({
        "Account": call.account,
        "Arn": call.caller.arn,
        "UserId": call.caller.arn.rsplit('/').next().unwrap_or_default(),
    })
}
