//! Writes of parameters: what AWS takes and what it refuses.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::put_parameter::builders::PutParameterFluentBuilder;
use aws_sdk_ssm::types::{ParameterTier, ParameterType, ResourceTypeForTagging};

use super::stage::{Page, SOURCE, Stage, pairs, told};
use crate::support::tag;

const TAGGED: ResourceTypeForTagging = ResourceTypeForTagging::Parameter;

pub(super) fn put(ssm: &Client, name: &str, value: &str) -> PutParameterFluentBuilder {
    ssm.put_parameter().name(name).value(value).r#type(ParameterType::String)
}

/// What `DescribeParameters` shows of one parameter.
async fn described(ssm: &Client, name: &str) -> String {
    let filter =
        aws_sdk_ssm::types::ParameterStringFilter::builder().key("Name").values(name).build();
    let mut pages = ssm
        .describe_parameters()
        .parameter_filters(filter.expect("a filter"))
        .into_paginator()
        .send();
    while let Some(page) = pages.next().await {
        let Some(p) = page.expect("a page").parameters.unwrap_or_default().pop() else { continue };
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        return format!(
            "{:?} {:?} v{} {:?} description {:?} pattern {:?} data type {:?} key {:?} arn {}",
            p.name.unwrap_or_default(),
            p.r#type.map(|kind| kind.as_str().to_owned()),
            p.version,
            p.tier.map(|tier| tier.as_str().to_owned()),
            text(p.description),
            text(p.allowed_pattern),
            text(p.data_type),
            p.key_id,
            p.arn.is_some(),
        );
    }
    "not shown".to_owned()
}

pub(super) async fn writes(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    let name = "/c/put/a";
    let version = |answer: aws_sdk_ssm::operation::put_parameter::PutParameterOutput| {
        format!("v{} {:?}", answer.version, answer.tier.map(|tier| tier.as_str().to_owned()))
    };
    page.note("create", told(put(&ssm, name, "1").tags(tag("k", "v")).send().await, version));
    page.outcome("create what is there", put(&ssm, name, "2").send().await);
    page.outcome(
        "tags and overwrite",
        put(&ssm, name, "2").overwrite(true).tags(tag("k", "v")).send().await,
    );
    page.note(
        "the same value again",
        told(put(&ssm, name, "1").overwrite(true).send().await, version),
    );
    page.note(
        "overwrite what is not there",
        told(put(&ssm, "/c/put/b", "1").overwrite(true).send().await, version),
    );
    page.outcome(
        "create without a type",
        ssm.put_parameter().name("/c/put/c").value("1").send().await,
    );
    page.note(
        "overwrite without a type",
        told(ssm.put_parameter().name(name).value("3").overwrite(true).send().await, version),
    );
    for kind in [ParameterType::SecureString, ParameterType::StringList] {
        let step = format!("overwrite with the type {}", kind.as_str());
        page.outcome(&step, put(&ssm, name, "2").r#type(kind).overwrite(true).send().await);
    }
    page.outcome("an empty value", put(&ssm, "/c/put/empty", "").send().await);
    page.outcome("a nested parameter", put(&ssm, "/c/put/nested", "{{ssm:/a}}").send().await);

    let texts = "/c/put/texts";
    page.outcome(
        "create with texts",
        put(&ssm, texts, "abc").description("words").allowed_pattern("^[a-c]+$").send().await,
    );
    page.outcome(
        "a value that does not match",
        put(&ssm, texts, "xyz").overwrite(true).send().await,
    );
    page.outcome("a value that matches", put(&ssm, texts, "cab").overwrite(true).send().await);
    page.note("texts left out are kept", described(&ssm, texts).await);
    page.outcome(
        "empty texts",
        put(&ssm, texts, "cab").description("").allowed_pattern("").overwrite(true).send().await,
    );
    page.note("empty texts clear", described(&ssm, texts).await);
    page.outcome(
        "a pattern that is none",
        put(&ssm, "/c/put/p", "a").allowed_pattern("(").send().await,
    );
    page.outcome(
        "a description of 1,025 characters",
        put(&ssm, "/c/put/d", "a").description("d".repeat(1025)).send().await,
    );

    page.outcome(
        "an AMI",
        put(&ssm, "/c/put/ami", "ami-1").data_type("aws:ec2:image").send().await,
    );
    page.outcome(
        "another data type",
        put(&ssm, "/c/put/ami", "ami-1").data_type("text").overwrite(true).send().await,
    );
    page.outcome(
        "a data type that is none",
        put(&ssm, "/c/put/odd", "1").data_type("number").send().await,
    );
    page.outcome(
        "an integration that is not encrypted",
        put(&ssm, "/c/put/hook", "{}").data_type("aws:ssm:integration").send().await,
    );
    let hook = |data_type| {
        put(&ssm, "/c/put/hook", "{}").r#type(ParameterType::SecureString).data_type(data_type)
    };
    page.outcome("an integration", hook("aws:ssm:integration").send().await);
    page.outcome("an integration as text", hook("text").overwrite(true).send().await);
    let number = |data_type, value| put(&ssm, "/c/put/number", value).data_type(data_type);
    page.outcome("no number", number("integer", "one").send().await);
    page.outcome("a number", number("integer", "1").send().await);
    page.outcome("another data type in place", number("float", "1.5").overwrite(true).send().await);
    page.outcome("no number in place", number("float", "x").overwrite(true).send().await);
    page.note("the data type is kept", described(&ssm, "/c/put/number").await);
    page.outcome(
        "JSON in a list",
        put(&ssm, "/c/put/list", "{}")
            .r#type(ParameterType::StringList)
            .data_type("json")
            .send()
            .await,
    );
    page.outcome(
        "an AMI in a list",
        put(&ssm, "/c/put/amis", "ami-1")
            .r#type(ParameterType::StringList)
            .data_type("aws:ec2:image")
            .send()
            .await,
    );
}

pub(super) async fn names(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    for (step, name) in [
        ("at the root", "c-root".to_owned()),
        ("at the root with a slash", "/c-slash".to_owned()),
        ("a path without a slash", "c/names".to_owned()),
        ("a space inside", "/c/na mes".to_owned()),
        ("spaces around", " /c/names/trimmed ".to_owned()),
        ("two slashes", "/c//names".to_owned()),
        ("a slash at the end", "/c/names/".to_owned()),
        ("another letter", "/c/nämes".to_owned()),
        ("the prefix aws", "/aws-c/x".to_owned()),
        ("the prefix ssm", "/SSMc".to_owned()),
        ("15 levels", format!("/c{}", "/x".repeat(14))),
        ("16 levels", format!("/c{}", "/x".repeat(15))),
        ("too long with its ARN", format!("/{}", "x".repeat(1000))),
    ] {
        page.outcome(step, put(&ssm, &name, "1").send().await);
    }
    page.outcome("the same with a slash", put(&ssm, "/c-root", "2").send().await);
    page.outcome(
        "overwrite it with a slash",
        put(&ssm, "/c-root", "2").overwrite(true).send().await,
    );
    page.note("the first spelling is kept", described(&ssm, "c-root").await);
    let read = ssm.get_parameter().name("/c-root").send().await;
    page.note(
        "read with a slash",
        told(read, |read| {
            read.parameter.map_or_else(String::new, |p| format!("{:?} {:?}", p.name, p.value))
        }),
    );
    let arn = format!("arn:aws:ssm:{SOURCE}:{}:parameter/c-slash", stage.account(0));
    page.outcome("read by ARN", ssm.get_parameter().name(&arn).send().await);
    page.outcome("write by ARN", put(&ssm, &arn, "2").overwrite(true).send().await);
}

pub(super) async fn tiers(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    let (four, eight) = ("x".repeat(4096), "x".repeat(8192));
    let large = |value: &str| format!("{value}x");
    for (step, value, tier) in [
        ("4 KB Standard", four.clone(), Some(ParameterTier::Standard)),
        ("over 4 KB Standard", large(&four), Some(ParameterTier::Standard)),
        ("over 4 KB left out", large(&four), None),
        ("8 KB Advanced", eight.clone(), Some(ParameterTier::Advanced)),
        ("over 8 KB Advanced", large(&eight), Some(ParameterTier::Advanced)),
        ("small Intelligent", "x".to_owned(), Some(ParameterTier::IntelligentTiering)),
        ("large Intelligent", large(&four), Some(ParameterTier::IntelligentTiering)),
        ("bytes are counted", "é".repeat(2049), Some(ParameterTier::Standard)),
    ] {
        let name = format!("/c/tiers/{}", step.replace(' ', "-"));
        let answer = put(&ssm, &name, &value).set_tier(tier).send().await;
        page.note(step, told(answer, |answer| format!("{:?}", answer.tier)));
    }
    let name = "/c/tiers/up";
    put(&ssm, name, "x").send().await.expect("put");
    for (step, tier) in [
        ("up", Some(ParameterTier::Advanced)),
        ("left out it stays", None),
        ("down", Some(ParameterTier::Standard)),
        ("Intelligent stays up", Some(ParameterTier::IntelligentTiering)),
    ] {
        let answer = put(&ssm, name, "y").set_tier(tier).overwrite(true).send().await;
        page.note(step, told(answer, |answer| format!("v{} {:?}", answer.version, answer.tier)));
    }
}

pub(super) async fn policies(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    let name = "/c/policies/a";
    let change = r#"{"Type":"NoChangeNotification","Version":"1.0","Attributes":{"After":"60","Unit":"Days"}}"#;
    let end = r#"{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2099-06-30T00:00:00.000Z"}}"#;
    let past = r#"{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2020-06-30T00:00:00.000Z"}}"#;
    let with = |name: &str, policies: String| {
        put(&ssm, name, "x").tier(ParameterTier::Advanced).policies(policies)
    };
    page.outcome("on Standard", put(&ssm, name, "x").policies(format!("[{change}]")).send().await);
    page.outcome("two", with(name, format!("[{change},{end}]")).send().await);
    page.note("shown", shown_policies(&ssm, name).await);
    page.outcome("left out", put(&ssm, name, "y").overwrite(true).send().await);
    page.note("left out they are kept", shown_policies(&ssm, name).await);
    page.outcome("none", with(name, "[{}]".to_owned()).overwrite(true).send().await);
    page.note("taken off", shown_policies(&ssm, name).await);
    for (step, policies) in [
        ("no JSON", "nonsense".to_owned()),
        ("an unknown type", r#"[{"Type":"Other","Version":"1.0","Attributes":{}}]"#.to_owned()),
        ("no timestamp", r#"[{"Type":"Expiration","Version":"1.0","Attributes":{}}]"#.to_owned()),
        ("eleven", format!("[{}]", [change; 11].join(","))),
        ("in the past", format!("[{past}]")),
    ] {
        let name = format!("/c/policies/{}", step.replace(' ', "-"));
        page.outcome(step, with(&name, policies).send().await);
    }
}

async fn shown_policies(ssm: &Client, name: &str) -> String {
    let mut pages = ssm.describe_parameters().into_paginator().send();
    while let Some(page) = pages.next().await {
        for p in page.expect("a page").parameters.unwrap_or_default() {
            if p.name.as_deref() == Some(name) {
                let policies = p.policies.unwrap_or_default();
                let shown: Vec<String> = policies
                    .into_iter()
                    .map(|policy| {
                        let text = policy.policy_text.unwrap_or_default();
                        let parsed: serde_json::Value =
                            serde_json::from_str(&text).expect("one policy's JSON");
                        format!("{:?} {:?} {parsed}", policy.policy_type, policy.policy_status)
                    })
                    .collect();
                return shown.join("; ");
            }
        }
    }
    "not shown".to_owned()
}

pub(super) async fn keys(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    let secret = |name: &str| put(&ssm, name, "x").r#type(ParameterType::SecureString);
    page.outcome("the default key", secret("/c/keys/default").send().await);
    page.note("the default key is shown", described(&ssm, "/c/keys/default").await);
    page.outcome("an alias", secret("/c/keys/alias").key_id(super::ALIAS).send().await);
    page.outcome("left out on overwrite", secret("/c/keys/alias").overwrite(true).send().await);
    page.note("left out it is the default", described(&ssm, "/c/keys/alias").await);
    page.outcome(
        "an alias that is not there",
        secret("/c/keys/none").key_id("alias/none").send().await,
    );
    page.outcome(
        "a key on a plain text",
        put(&ssm, "/c/keys/plain", "x").key_id(super::ALIAS).send().await,
    );
    let other = format!("arn:aws:kms:us-west-2:{}:alias/app", stage.account(0));
    page.outcome("another Region's alias", secret("/c/keys/region").key_id(other).send().await);
    let read = ssm.get_parameter().name("/c/keys/default").send().await.expect("read");
    let value = read.parameter.and_then(|parameter| parameter.value).unwrap_or_default();
    page.note("without decryption", if value.contains("AQICAH") { "opaque" } else { "in clear" });
    let read = ssm.get_parameter().name("/c/keys/default").with_decryption(true).send().await;
    page.note(
        "with decryption",
        told(read, |read| format!("{:?}", read.parameter.and_then(|p| p.value))),
    );
}

pub(super) async fn tags(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    let name = "/c/tags/a";
    put(&ssm, name, "x").tags(tag("a", "1")).tags(tag("b", "1")).send().await.expect("put");
    put(&ssm, "/c/tags/letters", "x").send().await.expect("put");
    let add = |name: &str| ssm.add_tags_to_resource().resource_type(TAGGED).resource_id(name);
    let remove =
        |name: &str| ssm.remove_tags_from_resource().resource_type(TAGGED).resource_id(name);
    let list = |name: &str| ssm.list_tags_for_resource().resource_type(TAGGED).resource_id(name);
    page.outcome("add and change", add(name).tags(tag("b", "2")).tags(tag("c", "1")).send().await);
    page.outcome("remove", remove(name).tag_keys("a").tag_keys("none").send().await);
    let listed = list(name).send().await;
    page.note(
        "list",
        told(listed, |l| {
            pairs(l.tag_list.unwrap_or_default().into_iter().map(|t| (t.key, t.value)))
        }),
    );
    page.note("tags move no version", described(&ssm, name).await);
    page.outcome("AWS's own", add(name).tags(tag("aws:x", "1")).send().await);
    page.outcome(
        "AWS's own on a create",
        put(&ssm, "/c/tags/aws", "x").tags(tag("aws:x", "1")).send().await,
    );
    page.outcome("another letter", add("/c/tags/letters").tags(tag("a*b", "1")).send().await);
    page.outcome("a long value", add(name).tags(tag("long", &"v".repeat(257))).send().await);
    let many = |from: usize, to: usize| (from..to).map(|n| tag(&format!("n{n:02}"), "1")).collect();
    page.outcome("up to 50", add(name).set_tags(Some(many(0, 48))).send().await);
    page.outcome("the 51st", add(name).tags(tag("more", "1")).send().await);
    page.outcome(
        "51 on a create",
        put(&ssm, "/c/tags/many", "x").set_tags(Some(many(0, 51))).send().await,
    );
    page.outcome("add to what is not there", add("/c/tags/none").tags(tag("a", "1")).send().await);
    page.outcome(
        "remove from what is not there",
        remove("/c/tags/none").tag_keys("a").send().await,
    );
    page.outcome("list what is not there", list("/c/tags/none").send().await);
}

pub(super) async fn deletes(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    for name in ["/c/delete/a", "/c/delete/b"] {
        put(&ssm, name, "x").tags(tag("a", "1")).send().await.expect("put");
    }
    let answer = ssm.delete_parameters().names("/c/delete/a").names("/c/delete/none").send().await;
    page.note(
        "one of two",
        told(answer, |a| format!("{:?} {:?}", a.deleted_parameters, a.invalid_parameters)),
    );
    let eleven = (0..11).map(|n| format!("/c/delete/{n}")).collect();
    page.outcome("eleven", ssm.delete_parameters().set_names(Some(eleven)).send().await);
    page.outcome("one that is there", ssm.delete_parameter().name("/c/delete/b").send().await);
    page.outcome("the same again", ssm.delete_parameter().name("/c/delete/b").send().await);
    page.outcome("create within 30 seconds", put(&ssm, "/c/delete/b", "y").send().await);
    stage.wait(30).await;
    let again = put(&ssm, "/c/delete/a", "y").send().await;
    page.note("create after 30 seconds", told(again, |answer| format!("v{}", answer.version)));
    let listed =
        ssm.list_tags_for_resource().resource_type(TAGGED).resource_id("/c/delete/a").send().await;
    page.note(
        "its tags are gone",
        told(listed, |listed| format!("{:?}", listed.tag_list.unwrap_or_default())),
    );
}
