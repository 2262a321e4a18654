//! Lists that lie: empty though their names still read present, cut, refused, or of another Region. Nothing is deleted, and
//! nothing is written over.

use std::time::Duration;

use aws_sim::{Effect, Fault, Lag, ParameterView, Settings, Sim};
use serde_json::{Value, json};

use crate::support::{SOURCE, TARGET, failures, hub_on, out_of_step, simulated, sweep_all};

const ELSEWHERE: &str = "eu-west-1";
const EXCLUDED: [(&str, &str); 2] = [("EXCLUDE_ACCOUNTS", "123456789012"), ("MAX_DELETES", "100%")];
const LISTS: [&str; 3] =
    ["ssm:DescribeParameters", "tag:GetResources", "secretsmanager:ListSecrets"];

type Held = std::collections::BTreeMap<String, ParameterView>;

/// An account whose replicas are long since equal; nothing but the lists can be why any of them goes: the brake lets all
/// of them go at once.
async fn in_sync() -> (Sim, String) {
    let (sim, accounts) = simulated(Settings::default(), 1);
    let account = accounts[0].clone();
    let source = sim.account(&account).region(SOURCE);
    for n in 0..60 {
        source.put_parameter(&json!({"Name": format!("/app/{n:02}"), "Value": "x",
            "Type": "String", "Tags": [{"Key": "team", "Value": "shop"}]}));
    }
    for n in 0..3 {
        source.create_secret(&format!("db/{n}"), "x");
    }
    // What another Region has: a name of ours and one of its own.
    let elsewhere = sim.account(&account).region(ELSEWHERE);
    elsewhere.put("/app/00", "of another Region");
    elsewhere.put("/elsewhere", "of another Region");
    elsewhere.create_secret("elsewhere", "x");
    let response = sweep_all(&hub_on(&sim, &EXCLUDED).await).await;
    assert_eq!(response["status"], "changed", "{response:#}");
    tokio::time::sleep(Duration::from_hours(1)).await;
    sim.forget_calls();
    (sim, account)
}

fn held(sim: &Sim, account: &str) -> (Held, Vec<String>) {
    let target = sim.account(account).region(TARGET);
    (target.parameters(), target.secrets().into_keys().collect())
}

/// Sweeps while the lists lie, and once more when they do not.
async fn lied_to(sim: &Sim, account: &str, what: &str, faults: Vec<Fault>) -> Value {
    let before = held(sim, account);
    assert_eq!((before.0.len(), before.1.len()), (60, 3), "{what}");
    for fault in faults {
        sim.fault(fault);
    }
    let response = sweep_all(&hub_on(sim, &EXCLUDED).await).await;
    assert_eq!(held(sim, account), before, "{what}: {response:#}");
    let done: Vec<_> = sim.writes().into_iter().filter(|write| write.refused.is_none()).collect();
    assert_eq!(done, [], "{what}: {response:#}");
    sim.mend_all();
    sim.set_lag(Lag::default());
    let after = sweep_all(&hub_on(sim, &EXCLUDED).await).await;
    assert_eq!(after["status"], "in_sync", "{what}: {after:#}");
    assert_eq!(out_of_step(sim, account, TARGET, &[]), [] as [String; 0], "{what}");
    response
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_empty_cut_or_of_another_region_deletes_nothing() {
    let (in_sync, account) = in_sync().await;
    for effect in [Effect::EmptyList, Effect::CutList, Effect::OtherRegion(ELSEWHERE)] {
        for region in [SOURCE, TARGET] {
            for lists in [&LISTS[..1], &LISTS[1..2], &LISTS[2..], &LISTS[..]] {
                let sim = in_sync.fork();
                let fault = |list: &&str| Fault::new(effect).operation(list).region(region);
                let what = format!("{effect:?}, {lists:?} of {region}");
                lied_to(&sim, &account, &what, lists.iter().map(fault).collect()).await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_list_deletes_nothing_and_is_told_with_its_region() {
    let (in_sync, account) = in_sync().await;
    for (effect, kind) in
        [(Effect::AccessDenied, "access_denied"), (Effect::MalformedBody, "unavailable")]
    {
        for region in [SOURCE, TARGET] {
            for list in LISTS {
                // On the second page where there is one: half a list is none.
                for nth in [1, 2] {
                    if nth == 2 && list != LISTS[0] {
                        continue;
                    }
                    let sim = in_sync.fork();
                    let fault = Fault::new(effect).operation(list).region(region).from(nth);
                    let what = format!("{effect:?}, {list} of {region}, from page {nth}");
                    let response = lied_to(&sim, &account, &what, vec![fault]).await;
                    assert_eq!(failures(&response), [(kind.to_owned(), String::new())], "{what}");
                    assert_eq!(response["failures"][0]["region"], region, "{what}");
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lists_that_lag_behind_everything_delete_nothing() {
    let (sim, account) = in_sync().await;
    // As of before anything was there, though every name reads present.
    let day = Duration::from_hours(24);
    sim.set_lag(Lag { reads: Duration::ZERO, lists: day, tagging: day });
    let response = lied_to(&sim, &account, "lists of yesterday", Vec::new()).await;
    assert_eq!(response["failures"], json!([]), "{response:#}");
}
