//! The organisation, its roles, and the topic.

use super::stage::{Page, SOURCE, Stage, TARGET, told};
use crate::support::EXTERNAL_ID;

pub(super) async fn accounts(stage: &Stage, mut page: Page<'_>) {
    let organizations = aws_sdk_organizations::Client::new(&stage.management(TARGET));
    let mut pages = organizations.list_accounts().max_results(1).into_paginator().send();
    let mut found = None;
    let mut count = 0;
    while let Some(answer) = pages.next().await {
        let accounts = answer.expect("a page").accounts.unwrap_or_default();
        count += 1;
        assert!(accounts.len() <= 1, "one a page");
        let is_ours = |id: &str| id == stage.account(0);
        found = found
            .or(accounts.into_iter().find(|account| account.id.as_deref().is_some_and(is_ours)));
    }
    let account = found.expect("the account is listed");
    page.note("more pages than one", (count > 1).to_string());
    page.note("state and status", format!("{:?} {:?}", account.state, account.status));
    let path = account.paths.unwrap_or_default().into_iter().next().unwrap_or_default();
    let shape: Vec<&str> =
        path.split('/').map(|part| part.split('-').next().unwrap_or_default()).collect();
    page.note("path", format!("{:?}", &shape[..shape.len().min(2)]));
    page.outcome("21 a page", organizations.list_accounts().max_results(21).send().await);
    page.outcome(
        "a token that is none",
        organizations.list_accounts().next_token("nonsense").send().await,
    );
    let member = aws_sdk_organizations::Client::new(&stage.config(0, TARGET).await);
    page.outcome("asked by a member", member.list_accounts().send().await);
}

pub(super) async fn roles(stage: &Stage, mut page: Page<'_>) {
    let hub = aws_sdk_sts::Client::new(&stage.management(TARGET));
    let arn = |role: &str| format!("arn:aws:iam::{}:role/{role}", stage.account(0));
    let spoke = arn("failover-replicator-spoke");
    let assume = |arn: &str| hub.assume_role().role_arn(arn).role_session_name("conformance");
    let ours = || assume(&spoke).external_id(EXTERNAL_ID);
    page.note(
        "assume",
        told(ours().send().await, |answer| {
            let session = answer.assumed_role_user.map(|user| user.arn).unwrap_or_default();
            session.replace(stage.account(0), "ACCOUNT")
        }),
    );
    page.outcome("without the external id", assume(&spoke).send().await);
    page.outcome("with another external id", assume(&spoke).external_id("other").send().await);
    page.outcome("a role that is not there", assume(&arn("none")).send().await);
    page.outcome("for a minute", ours().duration_seconds(60).send().await);
    page.outcome("a session without a name", ours().role_session_name("x").send().await);
    let member = aws_sdk_sts::Client::new(&stage.config(0, SOURCE).await);
    let chained = member
        .assume_role()
        .role_arn(&spoke)
        .role_session_name("conformance")
        .external_id(EXTERNAL_ID);
    page.outcome("by an account that it does not trust", chained.send().await);
    let asked = member.get_caller_identity().send().await;
    page.note(
        "who am I",
        told(asked, |answer| (answer.account.as_deref() == Some(stage.account(0))).to_string()),
    );
}

pub(super) async fn topics(stage: &Stage, mut page: Page<'_>) {
    let config = stage.config(0, TARGET).await;
    let sns = aws_sdk_sns::Client::new(&config);
    let topic = match stage {
        Stage::Emulated(_) => {
            let made = sns.create_topic().name("shared").send().await.expect("a topic");
            made.topic_arn.expect("an ARN")
        }
        Stage::Simulated(sim, accounts) => sim.account(&accounts[0]).region(TARGET).topic("shared"),
    };
    let publish = |arn: &str| sns.publish().topic_arn(arn).message("words");
    page.outcome("publish", publish(&topic).subject("a subject").send().await);
    page.outcome(
        "a topic that is not there",
        publish(&topic.replace("shared", "none")).send().await,
    );
    page.outcome("a long subject", publish(&topic).subject("s".repeat(101)).send().await);
    page.outcome("a subject on two lines", publish(&topic).subject("one\ntwo").send().await);
    page.outcome("over 256 KB", publish(&topic).message("m".repeat(262_145)).send().await);
    let structured = |message: &str| publish(&topic).message_structure("json").message(message);
    page.outcome(
        "a message for each protocol",
        structured(r#"{"default":"words","sqs":"{}"}"#).send().await,
    );
    page.outcome("without a default", structured(r#"{"sqs":"{}"}"#).send().await);
}
