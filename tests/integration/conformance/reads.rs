//! Reads of parameters: by name, in lists, and by tags.

use aws_sdk_resourcegroupstagging::types::TagFilter;
use aws_sdk_ssm::types::{ParameterStringFilter, ParameterType};

use super::stage::{Page, SOURCE, Stage, pairs, told};
use crate::support::tag;

pub(super) async fn by_name(stage: &Stage, mut page: Page<'_>) {
    let ssm = stage.ssm(SOURCE).await;
    for name in ["/c/get/b", "/c/get/a"] {
        let put = ssm.put_parameter().name(name).value("x").r#type(ParameterType::String);
        put.send().await.expect("put");
    }
    let get = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        ssm.get_parameters().set_names(Some(names)).send()
    };
    let tell = |answer: aws_sdk_ssm::operation::get_parameters::GetParametersOutput| {
        let names: Vec<_> =
            answer.parameters.unwrap_or_default().into_iter().map(|p| p.name).collect();
        format!("{names:?} invalid {:?}", answer.invalid_parameters.unwrap_or_default())
    };
    page.note(
        "in alphabetical order",
        told(get(&["/c/get/b", "/c/get/a", "/c/get/none"]).await, tell),
    );
    page.outcome("one twice", get(&["/c/get/a", "/c/get/a"]).await);
    let eleven: Vec<String> = (0..11).map(|n| format!("/c/get/{n}")).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    page.outcome("eleven", get(&eleven).await);
    page.note("a version that is not there", told(get(&["/c/get/a:7"]).await, tell));
    page.outcome("one that is not there", ssm.get_parameter().name("/c/get/none").send().await);
    let read = ssm.get_parameter().name("/c/get/a").send().await;
    page.note(
        "what is shown",
        told(read, |read| {
            let p = read.parameter.expect("a parameter");
            format!(
                "{:?} {:?} v{} arn {} date {} {:?}",
                p.name,
                p.r#type,
                p.version,
                p.arn.is_some(),
                p.last_modified_date.is_some(),
                p.data_type
            )
        }),
    );
    page.outcome(
        "history of what is not there",
        ssm.get_parameter_history().name("/c/get/none").send().await,
    );
}

fn filter(key: &str, option: &str, values: &[&str]) -> ParameterStringFilter {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let filter = ParameterStringFilter::builder().key(key).option(option).set_values(Some(values));
    filter.build().expect("a filter")
}

pub(super) async fn lists(stage: &Stage, mut page: Page<'_>) {
    // An account and Region of its own, so that pages can be counted.
    let ssm = aws_sdk_ssm::Client::new(&stage.config(1, SOURCE).await);
    for n in 0..55 {
        let put =
            ssm.put_parameter().name(format!("/d/{n:02}")).value("x").r#type(ParameterType::String);
        let put = if n == 54 { put.tags(tag("last", "yes")) } else { put };
        put.send().await.expect("put");
    }
    let deeper = ssm.put_parameter().name("/d/e/f").value("x").r#type(ParameterType::StringList);
    deeper.send().await.expect("put");
    let list = |filters: Vec<ParameterStringFilter>, size: i32| {
        let ssm = &ssm;
        async move {
            let mut token = None;
            let mut pages = Vec::new();
            loop {
                let asked = ssm.describe_parameters().max_results(size);
                let asked =
                    asked.set_parameter_filters(Some(filters.clone())).set_next_token(token);
                match asked.send().await {
                    Ok(answer) => {
                        let names: Vec<String> = answer
                            .parameters
                            .unwrap_or_default()
                            .into_iter()
                            .filter_map(|p| p.name)
                            .collect();
                        pages.push(names);
                        token = answer.next_token;
                        if token.is_none() {
                            return pages
                                .iter()
                                .map(|names| match names.len() {
                                    0..=3 => format!("{names:?} "),
                                    many => format!("[{many}] "),
                                })
                                .collect::<String>();
                        }
                    }
                    Err(error) => return told(Err::<(), _>(error), |()| String::new()),
                }
            }
        }
    };
    page.note("pages of 50", list(vec![], 50).await);
    page.note("pages of 20", list(vec![], 20).await);
    page.note("pages of 51", list(vec![], 51).await);
    page.note(
        "filtered after paging",
        list(vec![filter("Name", "Equals", &["/d/54", "/d/03"])], 20).await,
    );
    page.note(
        "a root name's other spelling",
        list(vec![filter("Name", "Equals", &["d/54"])], 50).await,
    );
    page.note("by beginning", list(vec![filter("Name", "BeginsWith", &["/d/5"])], 50).await);
    page.note("by part", list(vec![filter("Name", "Contains", &["e/f"])], 50).await);
    page.note("by type", list(vec![filter("Type", "Equals", &["StringList"])], 50).await);
    page.note("by tier", list(vec![filter("Tier", "Equals", &["Advanced"])], 50).await);
    page.note("by tag", list(vec![filter("tag:last", "Equals", &["yes"])], 50).await);
    page.note("one level", list(vec![filter("Path", "OneLevel", &["/d/e"])], 50).await);
    page.note("recursive", list(vec![filter("Path", "Recursive", &["/d"])], 50).await);
    page.note("an unknown key", list(vec![filter("Colour", "Equals", &["red"])], 50).await);
    page.note("by label", list(vec![filter("Label", "Equals", &["live"])], 50).await);
    page.note("an unknown option", list(vec![filter("Name", "Like", &["/d"])], 50).await);
    let asked = ssm.describe_parameters().next_token("nonsense");
    page.outcome("a token that is none", asked.send().await);
}

pub(super) async fn resources(stage: &Stage, mut page: Page<'_>) {
    let region = "us-west-2";
    let config = stage.config(1, region).await;
    let ssm = aws_sdk_ssm::Client::new(&config);
    let tagging = aws_sdk_resourcegroupstagging::Client::new(&config);
    for n in 0..5 {
        let put =
            ssm.put_parameter().name(format!("/r/{n}")).value("x").r#type(ParameterType::String);
        let put = if n < 4 { put.tags(tag("n", &n.to_string())) } else { put };
        put.send().await.expect("put");
    }
    let remove = ssm
        .remove_tags_from_resource()
        .resource_type(aws_sdk_ssm::types::ResourceTypeForTagging::Parameter)
        .resource_id("/r/0");
    remove.tag_keys("n").send().await.expect("untag");
    let get = || tagging.get_resources().resource_type_filters("ssm:parameter");
    let tell =
        |answer: aws_sdk_resourcegroupstagging::operation::get_resources::GetResourcesOutput| {
            let list = answer.resource_tag_mapping_list.unwrap_or_default();
            let shown = pairs(list.into_iter().map(|resource| {
                let arn = resource.resource_arn.unwrap_or_default();
                let name =
                    arn.split_once(":parameter").map_or(arn.clone(), |(_, name)| name.to_owned());
                (
                    name,
                    pairs(
                        resource
                            .tags
                            .unwrap_or_default()
                            .into_iter()
                            .map(|tag| (tag.key, tag.value)),
                    ),
                )
            }));
            format!(
                "{shown} more {}",
                answer.pagination_token.is_some_and(|token| !token.is_empty())
            )
        };
    page.note("what is or was tagged", told(get().send().await, tell));
    let by = |key: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        TagFilter::builder().key(key).set_values(Some(values)).build()
    };
    page.note("by value", told(get().tag_filters(by("n", &["1", "3"])).send().await, tell));
    page.note("by key", told(get().tag_filters(by("n", &[])).send().await, tell));
    page.note(
        "two a page",
        told(get().tag_filters(by("n", &[])).resources_per_page(2).send().await, tell),
    );
    page.outcome("101 a page", get().resources_per_page(101).send().await);
    page.outcome("a token that is none", get().pagination_token("nonsense").send().await);
}
