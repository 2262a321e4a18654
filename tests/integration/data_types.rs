//! Every data type with every type that it goes with: one sweep makes its replica equal, and the next writes nothing.

use std::time::Duration;

use aws_sdk_ssm::types::ParameterType;
use aws_sim::{RegionSide, Settings, Sim};
use failover_replicator::hub::Hub;
use serde_json::{Value, json};

use crate::support::{
    MARK, PROVENANCE, SOURCE, TARGET, World, assert_equal, count, hub_on, simulated, sweep_all,
};

const OVERRIDE: &str = "failover-replicator:value";
/// What the target's image is.
const IMAGE_THERE: &str = "ami-00000000";

/// A type, a data type, and whether the tier is advanced.
type Form = (&'static str, &'static str, bool);

/// Every form that AWS accepts.
fn forms() -> Vec<Form> {
    const ANY: [&str; 11] = [
        "text",
        "aws:region",
        "aws:account:id",
        "boolean",
        "integer",
        "float",
        "hostname",
        "email",
        "ipv4-address",
        "ipv6-address",
        "url",
    ];
    const NO_LIST: [&str; 3] = ["binary", "json", "jsonc"];
    let mut forms = vec![("String", "aws:ec2:image"), ("SecureString", "aws:ssm:integration")];
    for kind in ["String", "StringList", "SecureString"] {
        forms.extend(ANY.map(|data_type| (kind, data_type)));
    }
    for kind in ["String", "SecureString"] {
        forms.extend(NO_LIST.map(|data_type| (kind, data_type)));
    }
    let tier = |(place, (kind, data_type))| (kind, data_type, place % 2 == 0);
    forms.into_iter().enumerate().map(tier).collect()
}

/// The `n`th value of a data type.
fn value(data_type: &str, n: usize) -> String {
    match data_type {
        "aws:ec2:image" => format!("ami-{n:08}"),
        "aws:region" => format!("eu-west-{n}"),
        "aws:account:id" => format!("{n:012}"),
        "boolean" => n.is_multiple_of(2).to_string(),
        "integer" => n.to_string(),
        "float" => format!("{n}.5"),
        "hostname" => format!("db{n}.example.com"),
        "email" => format!("u{n}@example.com"),
        "ipv4-address" => format!("10.0.0.{}", n % 256),
        "ipv6-address" => format!("::{n:x}"),
        "url" => format!("https://example.com/{n}"),
        "binary" => format!("A{:03}", n % 1000),
        "json" | "aws:ssm:integration" => format!("{{\"n\":{n}}}"),
        "jsonc" => format!("// n\n{{\"n\":{n}}}"),
        _ => format!("any text {n}"),
    }
}

/// The owner gives a name this form: in place where AWS does that, or by deleting it first.
fn is_in_place((from_kind, from, was_advanced): Form, (kind, to, advanced): Form) -> bool {
    let is_fixed = |one: &str| ["aws:ec2:image", "aws:ssm:integration"].contains(&one);
    let same_data_type = from == to || !(is_fixed(from) || is_fixed(to));
    from_kind == kind && same_data_type && (advanced || !was_advanced)
}

fn put(source: &RegionSide<'_>, name: &str, (kind, data_type, advanced): Form, n: usize) {
    let overwrite = source.parameters().contains_key(name);
    let mut request = json!({
        "Name": name, "Type": kind, "DataType": data_type, "Value": value(data_type, n),
        "Tier": if advanced { "Advanced" } else { "Standard" }, "Overwrite": overwrite,
        "Description": format!("number {n}"),
    });
    if !overwrite {
        request["Tags"] = match data_type {
            "aws:ec2:image" => json!([{"Key": OVERRIDE, "Value": IMAGE_THERE}]),
            _ => json!([{"Key": "team", "Value": "shop"}]),
        };
    }
    source.put_parameter(&request);
}

/// What of the replicas is not what the sources ask for.
fn unequal(sim: &Sim, account: &str) -> Vec<String> {
    let sources = sim.account(account).region(SOURCE).parameters();
    let mut replicas = sim.account(account).region(TARGET).parameters();
    let mut wrong = Vec::new();
    for (name, mut source) in sources {
        let Some(mut replica) = replicas.remove(&name) else {
            wrong.push(format!("{name} is missing"));
            continue;
        };
        let mark = replica.tags.remove(MARK.0);
        let provenance = replica.tags.remove(PROVENANCE);
        if source.data_type == "aws:ec2:image" {
            IMAGE_THERE.clone_into(&mut source.value);
        }
        (replica.version, replica.modified, replica.user) =
            (source.version, source.modified, source.user.clone());
        // AWS never turns a tier back.
        if replica.tier == "Advanced" {
            replica.tier.clone_from(&source.tier);
        }
        if mark.is_none() || provenance.is_none() || replica != source {
            wrong.push(format!("{name}: {replica:?}, not {source:?}"));
        }
    }
    wrong.extend(replicas.into_keys().map(|name| format!("{name} has no source")));
    wrong
}

async fn stage() -> (Sim, String, Hub) {
    let (sim, mut accounts) = simulated(Settings::default(), 1);
    let settings = [("EXCLUDE_ACCOUNTS", "123456789012"), ("MAX_DELETES", "100000")];
    let hub = hub_on(&sim, &settings).await;
    (sim, accounts.remove(0), hub)
}

/// A second sweep finds nothing to do; what the first one says once is no matter.
async fn rests(sim: &Sim, hub: &Hub, account: &str, what: &str) {
    assert_eq!(unequal(sim, account), Vec::<String>::new(), "{what}");
    sim.forget_calls();
    let second: Value = sweep_all(hub).await;
    assert_eq!(sim.writes(), [], "{what}");
    assert_eq!(second["status"], "in_sync", "{what}: {second:#}");
}

#[tokio::test(start_paused = true)]
async fn every_data_type_is_copied_and_every_change_of_it_is_followed() {
    let (sim, account, hub) = stage().await;
    let source = sim.account(&account).region(SOURCE);
    let forms = forms();
    let names: Vec<String> = (0..forms.len()).map(|n| format!("/form/{n:02}")).collect();
    let mut present = forms.clone();
    for (name, form) in names.iter().zip(&forms) {
        put(&source, name, *form, 1);
    }
    let first = sweep_all(&hub).await;
    assert_eq!(first["status"], "changed", "{first:#}");
    rests(&sim, &hub, &account, "created").await;

    // Each name takes another form with each step; the steps are of different lengths, so that many pairs come up.
    for (round, step) in [1, 3, 7, 12, 19].into_iter().enumerate() {
        let next: Vec<Form> = (0..forms.len())
            .map(|place| {
                let at = forms.iter().position(|form| *form == present[place]).expect("a form");
                forms[(at + step) % forms.len()]
            })
            .collect();
        let anew = |place: usize| !is_in_place(present[place], next[place]);
        for (_, name) in names.iter().enumerate().filter(|(place, _)| anew(*place)) {
            source.delete(name);
        }
        tokio::time::sleep(Duration::from_secs(31)).await;
        for (name, form) in names.iter().zip(&next) {
            put(&source, name, *form, round + 2);
        }
        present = next;
        sweep_all(&hub).await;
        rests(&sim, &hub, &account, &format!("after a step of {step}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn only_an_image_and_an_integration_are_created_anew_for_their_data_type() {
    let (sim, account, hub) = stage().await;
    let source = sim.account(&account).region(SOURCE);
    put(&source, "/a", ("SecureString", "text", false), 1);
    sweep_all(&hub).await;
    for (round, (data_type, change)) in [
        ("json", "updated"),
        ("text", "updated"),
        ("aws:ssm:integration", "recreated"),
        ("integer", "recreated"),
        ("text", "updated"),
    ]
    .into_iter()
    .enumerate()
    {
        if change == "recreated" {
            source.delete("/a");
            tokio::time::sleep(Duration::from_secs(31)).await;
        }
        put(&source, "/a", ("SecureString", data_type, false), round + 2);
        let swept = sweep_all(&hub).await;
        assert_eq!(count(&swept, "parameters", change), 1, "{data_type}: {swept:#}");
        rests(&sim, &hub, &account, data_type).await;
    }
}

#[tokio::test(start_paused = true)]
async fn older_labelled_values_need_not_be_of_the_current_data_type() {
    let (sim, account, hub) = stage().await;
    let source = sim.account(&account).region(SOURCE);
    for kind in ["String", "SecureString"] {
        let name = format!("/{kind}");
        put(&source, &name, (kind, "text", false), 1);
        let label = json!({"Name": name, "ParameterVersion": 1, "Labels": ["old"]});
        source.call("ssm:LabelParameterVersion", &label).expect("labelled");
        put(&source, &name, (kind, "integer", false), 2);
    }
    let swept = sweep_all(&hub).await;
    assert_eq!(count(&swept, "parameters", "created"), 2, "{swept:#}");
    for (name, replica) in sim.account(&account).region(TARGET).parameters() {
        assert_eq!(
            (replica.value.as_str(), replica.data_type.as_str()),
            ("2", "integer"),
            "{name}"
        );
        assert_eq!(replica.labels.len(), 1, "{name}");
    }
}

#[tokio::test]
async fn the_emulator_has_the_same_rules() {
    let world = World::new(1);
    let ssm = world.ssm(0, SOURCE).await;
    let put = |name: &str, kind: &str, data_type: &str, n: usize| {
        let request = ssm.put_parameter().name(name).value(value(data_type, n));
        request.r#type(ParameterType::from(kind)).data_type(data_type).overwrite(n > 1).send()
    };
    let first = [
        ("/a", "String", "integer"),
        ("/b", "SecureString", "json"),
        ("/c", "StringList", "boolean"),
        ("/d", "SecureString", "aws:ssm:integration"),
        ("/e", "SecureString", "text"),
    ];
    let then = [
        ("/a", "String", "float"),
        ("/b", "SecureString", "text"),
        ("/c", "StringList", "text"),
        ("/d", "SecureString", "aws:ssm:integration"),
        ("/e", "SecureString", "url"),
    ];
    let hub = world.hub(&[]).await;
    for (n, forms) in (1..).zip([first, then]) {
        for (name, kind, data_type) in forms {
            put(name, kind, data_type, n).await.expect("put");
        }
        let swept = world.sweep(&hub).await;
        let done = if n == 1 { "created" } else { "updated" };
        assert_eq!(count(&swept, "parameters", done), 5, "{swept:#}");
        assert_equal(&world, 0, TARGET).await;
        let listed = world.ssm(0, TARGET).await.describe_parameters().send().await.expect("a list");
        let mut shown: Vec<(&str, &str)> = listed
            .parameters()
            .iter()
            .filter_map(|one| Some((one.name()?, one.data_type()?)))
            .collect();
        shown.sort_unstable();
        assert_eq!(shown, forms.map(|(name, _, data_type)| (name, data_type)));
        let second = world.sweep(&hub).await;
        assert_eq!(second["status"], "in_sync", "{second:#}");
    }
}
