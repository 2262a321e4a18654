//! Parameter Store.

mod data_type;
pub(crate) mod delete;
pub(crate) mod describe;
mod form;
pub(crate) mod get;
pub(crate) mod labels;
pub(crate) mod model;
pub(crate) mod name;
mod policies;
pub(crate) mod put;
pub(crate) mod tags;
mod tier;

use crate::error::{Answer, AwsError};
use crate::state::{Call, World};

/// Does an operation; `None` where the simulator has no such operation.
pub(crate) fn perform(world: &mut World, call: &Call<'_>) -> Option<Answer> {
    policies::expire(world, call);
    Some(match call.operation {
        "ssm:PutParameter" => put::put_parameter(world, call),
        "ssm:GetParameter" => get::get_parameter(world, call),
        "ssm:GetParameters" => get::get_parameters(world, call),
        "ssm:GetParameterHistory" => get::get_parameter_history(world, call),
        "ssm:DescribeParameters" => describe::describe_parameters(world, call),
        "ssm:DeleteParameter" => delete::delete_parameter(world, call),
        "ssm:DeleteParameters" => delete::delete_parameters(world, call),
        "ssm:AddTagsToResource" => tags::add_tags_to_resource(world, call),
        "ssm:RemoveTagsFromResource" => tags::remove_tags_from_resource(world, call),
        "ssm:ListTagsForResource" => tags::list_tags_for_resource(world, call),
        "ssm:LabelParameterVersion" => labels::label_parameter_version(world, call),
        "ssm:UnlabelParameterVersion" => labels::unlabel_parameter_version(world, call),
        _ => return None,
    })
}

/// Lets policies do what they are due to do, in the call's Region.
pub(crate) use policies::expire as policies_act;

/// A name that nobody holds.
fn not_found(name: &str) -> AwsError {
    AwsError::new("ParameterNotFound", format!("Parameter {name} not found."))
}
