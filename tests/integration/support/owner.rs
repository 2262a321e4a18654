//! What an owner does to parameters.

use std::collections::BTreeMap;

use aws_sdk_ssm::types::{ParameterType, ResourceTypeForTagging, Tag};

/// Writes a plain parameter, over whatever is there.
pub(crate) async fn put(ssm: &aws_sdk_ssm::Client, name: &str, value: &str) {
    ssm.put_parameter()
        .name(name)
        .value(value)
        .r#type(ParameterType::String)
        .overwrite(true)
        .send()
        .await
        .expect("the owner may write");
}

/// Writes a `SecureString` under a key, over whatever is there.
pub(crate) async fn put_secure(ssm: &aws_sdk_ssm::Client, name: &str, value: &str, key: &str) {
    let request = ssm.put_parameter().name(name).value(value).overwrite(true).key_id(key);
    request.r#type(ParameterType::SecureString).send().await.expect("the owner may write");
}

/// Creates a plain parameter with tags, as a copy is made.
pub(crate) async fn create_tagged(
    ssm: &aws_sdk_ssm::Client,
    name: &str,
    value: &str,
    tags: &BTreeMap<String, String>,
) {
    let request = ssm.put_parameter().name(name).value(value).r#type(ParameterType::String);
    let tags = tags.iter().map(|(key, value)| tag(key, value)).collect();
    request.set_tags(Some(tags)).send().await.expect("the owner may create");
}

/// Deletes parameters.
pub(crate) async fn delete(ssm: &aws_sdk_ssm::Client, names: &[&str]) {
    for names in names.chunks(10) {
        let names = names.iter().map(ToString::to_string).collect();
        let answer =
            ssm.delete_parameters().set_names(Some(names)).send().await.expect("the owner may");
        assert_eq!(answer.invalid_parameters(), [] as [String; 0], "all of them were there");
    }
}

/// Puts tags onto a parameter.
pub(crate) async fn set_tags(ssm: &aws_sdk_ssm::Client, name: &str, tags: &[(&str, &str)]) {
    ssm.add_tags_to_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name)
        .set_tags(Some(tags.iter().map(|(key, value)| tag(key, value)).collect()))
        .send()
        .await
        .expect("the owner may tag");
}

/// Takes tags off a parameter.
pub(crate) async fn remove_tags(ssm: &aws_sdk_ssm::Client, name: &str, keys: &[&str]) {
    ssm.remove_tags_from_resource()
        .resource_type(ResourceTypeForTagging::Parameter)
        .resource_id(name)
        .set_tag_keys(Some(keys.iter().map(ToString::to_string).collect()))
        .send()
        .await
        .expect("the owner may untag");
}

/// A tag, for requests.
pub(crate) fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build().expect("a tag")
}
