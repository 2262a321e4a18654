//! What owners have before the first sweep.

use aws_sim::{RegionSide, Sim};
use serde_json::{Value, json};

use super::random::Random;
use crate::support::MARK;

pub(super) const NAMES: [&str; 6] = ["/a", "/app/b", "/app/c", "/d", "root", "/out/e"];
pub(super) const SECRETS: [&str; 4] = ["s", "app/t", "app/u", "out/v"];
const REGIONS: [&str; 3] = ["us-east-2", "us-west-2", "us-east-1"];
/// A key that is nowhere else, and one that every Region has.
const LONELY: &str = "alias/lonely";
const SHARED: &str = "alias/shared";

pub(super) fn account(sim: &Sim, account: &str, random: &mut Random) {
    let account = sim.account(account);
    for region in REGIONS {
        let side = account.region(region);
        side.key("11111111-2222-3333-4444-555555555555", aws_sim::KeyState::Enabled);
        side.alias(SHARED, "11111111-2222-3333-4444-555555555555");
    }
    account
        .region("us-east-2")
        .key("66666666-2222-3333-4444-555555555555", aws_sim::KeyState::Enabled)
        .alias(LONELY, "66666666-2222-3333-4444-555555555555");
    for name in NAMES {
        // Most in the one source, some in the other, some on both sides.
        match random.under(10) {
            0 => {}
            1 => parameter(&account.region("us-west-2"), name, random),
            _ => parameter(&account.region("us-east-2"), name, random),
        }
        if random.one_in(8) {
            let target = *random.one_of(&["us-west-2", "us-east-1"]);
            in_the_way(&account.region(target), name, random);
        }
    }
    for name in SECRETS {
        match random.under(8) {
            0 => {}
            1 => secret(&account.region("us-west-2"), name, random),
            _ => secret(&account.region("us-east-2"), name, random),
        }
        if random.one_in(12) {
            let target = *random.one_of(&["us-west-2", "us-east-1"]);
            // The name may be held there already.
            drop(account.region(target).call(
                "secretsmanager:CreateSecret",
                &json!({"Name": name, "SecretString": "theirs"}),
            ));
        }
    }
}

fn tags(random: &mut Random) -> Vec<Value> {
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    match random.under(22) {
        0 => vec![tag("failover-replicator", "exclude")],
        1 => vec![tag("failover-replicator", "EXCLUDE")],
        2 => vec![tag("failover-replicator", "remove")],
        3 => vec![tag("failover-replicator", "exlude")],
        4 => vec![tag("failover-replicator:value", "own")],
        5 => vec![tag("failover-replicator:value-from", "/lent")],
        6 => (0..49).map(|n| tag(&format!("k{n:02}"), "v")).collect(),
        7 => vec![tag(MARK.0, MARK.1)],
        8..14 => vec![tag("team", "shop"), tag("stage", "live")],
        _ => Vec::new(),
    }
}

/// A parameter that its owner has.
pub(super) fn parameter(side: &RegionSide<'_>, name: &str, random: &mut Random) {
    let mut request =
        json!({"Name": name, "Value": "first", "Type": "String", "Tags": tags(random)});
    match random.under(14) {
        0 => request["Type"] = "StringList".into(),
        1..4 => request["Type"] = "SecureString".into(),
        4 => {
            request["Type"] = "SecureString".into();
            request["KeyId"] = (*random.one_of(&[SHARED, LONELY])).into();
        }
        5 => request["Description"] = "a setting".into(),
        6 => request["AllowedPattern"] = "[a-z]*".into(),
        7 => request["Tier"] = "Advanced".into(),
        8 => {
            request["Tier"] = "Advanced".into();
            request["Policies"] = json!([{"Type": "Expiration", "Version": "1.0",
                "Attributes": {"Timestamp": "2030-01-01T00:00:00.000Z"}}])
            .to_string()
            .into();
        }
        _ => {}
    }
    // What AWS does not take is not there.
    drop(side.call("ssm:PutParameter", &request));
}

/// Something that holds a name where a replica would be.
fn in_the_way(side: &RegionSide<'_>, name: &str, random: &mut Random) {
    let value = *random.one_of(&["first", "theirs"]);
    let provenance =
        "region=us-east-2 version=1 modified=2026-01-01T00:00:00.000Z replica=1 form=00000000";
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    let tags = match random.under(5) {
        0 => vec![tag(MARK.0, MARK.1)],
        1 => vec![tag(MARK.0, MARK.1), tag("ReplicationSource", provenance)],
        2 => vec![tag("ReplicationSource", provenance), tag("failover-replicator", "exclude")],
        3 => vec![tag(MARK.0, MARK.1), tag("ReplicationSource", "nonsense")],
        _ => Vec::new(),
    };
    let request = json!({"Name": name, "Value": value, "Type": "String", "Tags": tags});
    drop(side.call("ssm:PutParameter", &request));
}

/// A secret that its owner has.
pub(super) fn secret(side: &RegionSide<'_>, name: &str, random: &mut Random) {
    let tags: Vec<Value> = match random.under(10) {
        0 => vec![json!({"Key": "failover-replicator", "Value": "Exclude"})],
        1 => vec![json!({"Key": "failover-replicator", "Value": "exlude"})],
        2..5 => vec![json!({"Key": "team", "Value": "shop"})],
        _ => Vec::new(),
    };
    let mut request = json!({"Name": name, "SecretString": "first", "Tags": tags});
    if random.one_in(8) {
        request["KmsKeyId"] = (*random.one_of(&[SHARED, LONELY])).into();
    }
    if side.call("secretsmanager:CreateSecret", &request).is_err() {
        return;
    }
    match random.under(14) {
        0 => side.own_secret(name, "rds"),
        1 => drop(side.call("secretsmanager:DeleteSecret", &json!({"SecretId": name}))),
        _ => {}
    }
}
