//! The versions of a parameter: their writers, selectors, history and labels.

use aws_sdk_ssm::Client;
use aws_sdk_ssm::operation::get_parameter_history::GetParameterHistoryOutput;
use aws_sdk_ssm::operation::get_parameters::GetParametersOutput;
use aws_sdk_ssm::types::{ParameterType, ResourceTypeForTagging};

use super::parameters::put;
use super::stage::{Page, SOURCE, Stage, told};
use crate::support::tag;

/// Shows ARNs without what differs from one stage to the other.
struct Writers {
    owner: String,
    account: String,
}

impl Writers {
    async fn of(stage: &Stage) -> Self {
        let sts = aws_sdk_sts::Client::new(&stage.config(0, SOURCE).await);
        let owner = sts.get_caller_identity().send().await.expect("an identity").arn;
        Self { owner: owner.expect("an ARN"), account: stage.account(0).to_owned() }
    }

    fn shown(&self, arn: Option<String>) -> String {
        match arn {
            Some(arn) if arn == self.owner => "the owner".to_owned(),
            Some(arn) => arn.replace(&self.account, "ACCOUNT"),
            None => "nobody".to_owned(),
        }
    }

    /// Version, writer and date of a parameter in the list.
    async fn listed(&self, ssm: &Client, name: &str) -> (String, Option<i64>) {
        let mut pages = ssm.describe_parameters().into_paginator().send();
        while let Some(page) = pages.next().await {
            for p in page.expect("a page").parameters.unwrap_or_default() {
                if p.name.as_deref() == Some(name) {
                    let date = p.last_modified_date.and_then(|date| date.to_millis().ok());
                    let writer = self.shown(p.last_modified_user);
                    return (format!("v{} by {writer}", p.version), date);
                }
            }
        }
        ("not shown".to_owned(), None)
    }

    /// Version and writer of each row of a history.
    fn rows(&self, history: GetParameterHistoryOutput) -> String {
        let rows = history.parameters.unwrap_or_default().into_iter();
        let shown = rows.map(|p| format!("v{} by {}", p.version, self.shown(p.last_modified_user)));
        shown.collect::<Vec<_>>().join(", ")
    }
}

pub(super) async fn writers(stage: &Stage, mut page: Page<'_>) {
    let (owner, other) = (stage.ssm(SOURCE).await, stage.ssm_of_spoke(SOURCE, "one").await);
    let writers = Writers::of(stage).await;
    let name = "/c/writers/a";
    let history = async || {
        let asked = owner.get_parameter_history().name(name).send().await;
        told(asked, |answer| writers.rows(answer))
    };
    put(&owner, name, "1").send().await.expect("put");
    page.note("created", writers.listed(&owner, name).await.0);
    put(&other, name, "2").overwrite(true).send().await.expect("put");
    page.note("overwritten by another", writers.listed(&owner, name).await.0);
    page.note("both in the history", history().await);
    put(&owner, name, "3").overwrite(true).send().await.expect("put");
    page.note("overwritten again", writers.listed(&owner, name).await.0);
    page.note("all three in the history", history().await);

    let before = (writers.listed(&owner, name).await, history().await);
    tags_and_labels(&other, name).await;
    let tagged = (writers.listed(&owner, name).await, history().await);
    page.note("tags and labels change none of it", (tagged == before).to_string());
    let both = put(&other, name, "4").overwrite(true).tags(tag("more", "1"));
    page.outcome("tags and overwrite", both.send().await);
    let refused = (writers.listed(&owner, name).await, history().await);
    page.note("what is refused changes none of it", (refused == before).to_string());
    let arn = format!("arn:aws:ssm:{SOURCE}:{}:parameter{name}", stage.account(0));
    let by_arn = owner.get_parameter_history().name(arn).send().await;
    page.note("the history by ARN", told(by_arn, |answer| writers.rows(answer)));

    owner.delete_parameter().name(name).send().await.expect("delete");
    page.note("the history of what is deleted", history().await);
    stage.wait(30).await;
    put(&other, name, "1").send().await.expect("put");
    page.note("created anew", writers.listed(&owner, name).await.0);
    page.note("the history of what is created anew", history().await);
}

/// Adds and removes a tag and a label, and leaves one of each.
async fn tags_and_labels(ssm: &Client, name: &str) {
    let kind = ResourceTypeForTagging::Parameter;
    let add = ssm.add_tags_to_resource().resource_type(kind.clone()).resource_id(name);
    add.tags(tag("k", "v")).tags(tag("l", "v")).send().await.expect("tag");
    let remove = ssm.remove_tags_from_resource().resource_type(kind).resource_id(name);
    remove.tag_keys("l").send().await.expect("untag");
    let label = ssm.label_parameter_version().name(name).parameter_version(1);
    label.labels("old").labels("older").send().await.expect("label");
    let unlabel = ssm.unlabel_parameter_version().name(name).parameter_version(1);
    unlabel.labels("older").send().await.expect("unlabel");
}

pub(super) async fn selectors(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    let (many, sealed) = ("/c/selectors/many", "/c/selectors/sealed");
    for n in 1..=11 {
        put(&ssm, many, &n.to_string()).overwrite(true).send().await.expect("put");
    }
    for value in ["1", "2"] {
        let put = put(&ssm, sealed, value).r#type(ParameterType::SecureString);
        put.overwrite(true).send().await.expect("put");
    }
    let label = ssm.label_parameter_version().name(many).parameter_version(9).labels("live");
    label.send().await.expect("label");
    let get = |names: &[String], decrypt: bool| {
        let get = ssm.get_parameters().set_names(Some(names.to_vec()));
        get.with_decryption(decrypt).send()
    };
    let of = |name: &str, selectors: &[&str]| -> Vec<String> {
        selectors.iter().map(|selector| format!("{name}{selector}")).collect()
    };
    let several = of(many, &[":10", "", ":2", ":live"]);
    page.note("several of one name", told(get(&several, false).await, found));
    let mixed = [of(sealed, &[":1"]), of(many, &[":12", ":0", ":other", ":3"])].concat();
    page.note("some that are not there", told(get(&mixed, true).await, found));
    let arn = format!("arn:aws:ssm:{SOURCE}:{}:parameter{many}", stage.account(0));
    page.note("of an ARN", told(get(&of(&arn, &[":3"]), false).await, found));
    let twice = of(many, &[":3", ":3"]);
    page.outcome("one twice", get(&twice, false).await);
    let both = of(sealed, &[":1", ":2"]);
    let sealed_values = |answer: GetParametersOutput| {
        let values = answer.parameters.unwrap_or_default().into_iter().filter_map(|p| p.value);
        let shown =
            values.map(|value| if value.contains("AQICAH") { "opaque".into() } else { value });
        format!("{:?}", shown.collect::<Vec<String>>())
    };
    page.note("without decryption", told(get(&both, false).await, sealed_values));
    page.note("with decryption", told(get(&both, true).await, sealed_values));

    let tags_of = |id: &str| {
        let list = ssm.list_tags_for_resource().resource_type(ResourceTypeForTagging::Parameter);
        list.resource_id(id).send()
    };
    page.outcome("the tags of a version", tags_of(&format!("{many}:1")).await);
    page.outcome("the tags of an ARN", tags_of(&arn).await);
    page.outcome("delete a version", ssm.delete_parameter().name(format!("{many}:1")).send().await);
    page.outcome("delete by ARN", ssm.delete_parameter().name(&arn).send().await);
    page.outcome("it is still there", get(&of(many, &[""]), false).await);
}

/// What an answer holds, and what it says is not there.
fn found(answer: GetParametersOutput) -> String {
    let shown: Vec<String> = answer
        .parameters
        .unwrap_or_default()
        .into_iter()
        .map(|p| {
            let name = p.name.unwrap_or_default();
            format!("{name} v{} {:?} {:?}", p.version, p.value, p.selector)
        })
        .collect();
    format!("{} invalid {:?}", shown.join(", "), answer.invalid_parameters.unwrap_or_default())
}

pub(super) async fn history(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    let name = "/c/history/a";
    for n in 1..=5 {
        put(&ssm, name, &n.to_string()).overwrite(true).send().await.expect("put");
    }
    let get = || ssm.get_parameter_history().name(name);
    let mut pages = get().max_results(2).into_paginator().send();
    let mut seen = Vec::new();
    while let Some(answer) = pages.next().await {
        let rows = answer.expect("a page").parameters.unwrap_or_default();
        seen.push(rows.into_iter().map(|p| p.version).collect::<Vec<_>>());
    }
    page.note("pages of two", format!("{seen:?}"));
    page.outcome("pages of 51", get().max_results(51).send().await);
    page.outcome("a token that is none", get().next_token("nonsense").send().await);

    let none = "/c/history/none";
    let label = ssm.label_parameter_version().name(none).labels("x");
    page.outcome("label what is not there", label.send().await);
    let unlabel = ssm.unlabel_parameter_version().name(none).parameter_version(1).labels("x");
    page.outcome("unlabel what is not there", unlabel.send().await);
    page.outcome("it is still not there", ssm.get_parameter().name(none).send().await);
}

pub(super) async fn versions_and_labels(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    let name = "/c/labels/a";
    for value in ["1", "2"] {
        put(&ssm, name, value).overwrite(true).send().await.expect("put");
    }
    let label = |labels: &[&str]| {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        ssm.label_parameter_version().name(name).set_labels(Some(labels))
    };
    let tell =
        |answer: aws_sdk_ssm::operation::label_parameter_version::LabelParameterVersionOutput| {
            format!(
                "v{} invalid {:?}",
                answer.parameter_version,
                answer.invalid_labels.unwrap_or_default()
            )
        };
    page.note("on the latest", told(label(&["live"]).send().await, tell));
    page.note("it moves", told(label(&["live"]).parameter_version(1).send().await, tell));
    page.note("a bad one", told(label(&["1st"]).send().await, tell));
    page.outcome("on a version that is not there", label(&["x"]).parameter_version(9).send().await);
    let ten: Vec<String> = (0..10).map(|n| format!("l{n}")).collect();
    let ten: Vec<&str> = ten.iter().map(String::as_str).collect();
    page.note("ten", told(label(&ten).send().await, tell));
    page.outcome("the eleventh", label(&["eleventh"]).send().await);
    let history = ssm.get_parameter_history().name(name).send().await;
    page.note(
        "history",
        told(history, |history| {
            let shown: Vec<String> = history
                .parameters
                .unwrap_or_default()
                .into_iter()
                .map(|p| {
                    let mut labels = p.labels.unwrap_or_default();
                    labels.sort();
                    format!("v{} {:?} {labels:?}", p.version, p.value)
                })
                .collect();
            shown.join("; ")
        }),
    );
    let read = |name: String| ssm.get_parameter().name(name).send();
    let value = |read: aws_sdk_ssm::operation::get_parameter::GetParameterOutput| {
        read.parameter
            .map_or_else(String::new, |p| format!("{:?} {:?} {:?}", p.name, p.value, p.selector))
    };
    page.note("read by label", told(read(format!("{name}:live")).await, value));
    page.note("read by version", told(read(format!("{name}:2")).await, value));
    page.outcome("read a version that is not there", read(format!("{name}:9")).await);
    let unlabel =
        ssm.unlabel_parameter_version().name(name).parameter_version(1).labels("live").labels("l1");
    page.note(
        "unlabel",
        told(unlabel.send().await, |a| format!("{:?} {:?}", a.removed_labels, a.invalid_labels)),
    );

    page.outcome(
        "unlabel a version that is not there",
        ssm.unlabel_parameter_version().name(name).parameter_version(9).labels("l2").send().await,
    );

    let sealed = "/c/labels/sealed";
    for value in ["1", "2"] {
        let secure = ssm.put_parameter().name(sealed).value(value).overwrite(true);
        secure.r#type(ParameterType::SecureString).send().await.expect("put");
    }
    for decrypt in [false, true] {
        let history = ssm.get_parameter_history().name(sealed).with_decryption(decrypt).send();
        let plain = |history: GetParameterHistoryOutput| {
            let values = history.parameters.unwrap_or_default().into_iter().filter_map(|p| p.value);
            let plain = values.zip(["1", "2"]).map(|(read, value)| read == value);
            format!("{:?}", plain.collect::<Vec<_>>())
        };
        let step = if decrypt { "history, decrypted" } else { "history, as it is kept" };
        page.note(step, told(history.await, plain));
    }
    page.outcome(
        "the history of what is not there",
        ssm.get_parameter_history().name("/c/labels/none").send().await,
    );

    let many = "/c/labels/many";
    for n in 0..100 {
        put(&ssm, many, &n.to_string()).overwrite(true).send().await.expect("put");
    }
    ssm.label_parameter_version()
        .name(many)
        .parameter_version(1)
        .labels("kept")
        .send()
        .await
        .expect("label");
    page.outcome("the 101st over a label", put(&ssm, many, "x").overwrite(true).send().await);
    let free = ssm.unlabel_parameter_version().name(many).parameter_version(1).labels("kept");
    free.send().await.expect("unlabel");
    page.outcome("the 101st", put(&ssm, many, "x").overwrite(true).send().await);
    page.outcome("the oldest is dropped", read(format!("{many}:1")).await);
}
