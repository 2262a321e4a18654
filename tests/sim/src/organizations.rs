//! AWS Organizations: `ListAccounts` (FACTS 110, 111).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::error::{Answer, AwsError};
use crate::identity::denied;
use crate::pages;
use crate::state::{Call, World};

const PAGE: u64 = 20;

/// An account of the organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) state: String,
    /// The path of organisational units below the root, such as `ou-1/ou-2`; may be empty.
    pub(crate) units: String,
}

#[derive(Clone, Debug)]
pub(crate) struct Organization {
    pub(crate) management: String,
    pub(crate) administrators: BTreeSet<String>,
    /// The accounts by id.
    pub(crate) members: BTreeMap<String, Member>,
}

impl Organization {
    /// An organisation with the management account alone.
    pub(crate) fn of(management: &str) -> Self {
        let mut organization = Self {
            management: management.to_owned(),
            administrators: BTreeSet::new(),
            members: BTreeMap::new(),
        };
        organization.join(management);
        organization
    }

    /// Adds an active account directly below the root.
    pub(crate) fn join(&mut self, account: &str) -> &mut Member {
        let new = || Member { state: "ACTIVE".to_owned(), units: String::new() };
        self.members.entry(account.to_owned()).or_insert_with(new)
    }
}

pub(crate) fn list_accounts(world: &mut World, call: &Call<'_>) -> Answer {
    let organization = &world.organization;
    let account = &call.account;
    if *account != organization.management && !organization.administrators.contains(account) {
        return Err(denied(&call.caller.arn, call.operation, "*", true));
    }
    let size = call
        .size("MaxResults", PAGE)
        .map_err(|error| AwsError::new("InvalidInputException", error.message))?;
    let token = call.text("NextToken");
    let position = pages::parse_token(token, call.now).ok_or_else(|| {
        AwsError::new("InvalidInputException", "You specified an invalid value for nextToken.")
    })?;
    let members = organization.members.iter().map(|(id, member)| (id.clone(), (id, member)));
    let empty_first = world.settings.empty_pages;
    let (page, next) = pages::page(members, &position, token.is_none(), size, empty_first);
    let accounts: Vec<Value> =
        page.into_iter().map(|(id, member)| account_json(organization, id, member)).collect();
    let mut answer = json!({ "Accounts": accounts });
    if let Some(next) = next {
        answer["NextToken"] = next.into();
    }
    Ok(answer)
}

fn account_json(organization: &Organization, id: &str, member: &Member) -> Value {
    let units = if member.units.is_empty() { String::new() } else { format!("{}/", member.units) };
    // The older field `Status` has fewer values than `State`.
    let status = match member.state.as_str() {
        "CLOSED" => "SUSPENDED",
        "PENDING_ACTIVATION" => "ACTIVE",
        other => other,
    };
    json!({
        "Id": id,
        "Arn": format!("arn:aws:organizations::{}:account/o-simulated1/{id}", organization.management),
        "Name": format!("account-{id}"),
        "Email": format!("{id}@example.com"),
        "State": member.state,
        "Status": status,
        "Paths": [format!("o-simulated1/r-root/{units}{id}/")],
    })
}
