//! SSM Parameter Store.

mod checks;
mod data_type;
pub(crate) mod delete;
pub(crate) mod describe;
pub(crate) mod get;
pub(crate) mod labels;
pub(crate) mod model;
pub(crate) mod name;
mod policies;
pub(crate) mod put;
pub(crate) mod tags;
mod tier;

use self::model::Parameter;
use crate::error::{Answer, AwsError};
use crate::state::{Call, World};

/// Executes an operation; `None` if the simulator does not implement the operation.
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

pub(crate) use policies::expire as expire_parameters;

/// The error for a name that does not exist.
fn not_found(name: &str) -> AwsError {
    AwsError::new("ParameterNotFound", format!("Parameter {name} not found."))
}

/// Changes an existing parameter. If `change` fails, the parameter stays as it is.
fn change_parameter<T>(
    world: &mut World,
    call: &Call<'_>,
    named: &str,
    missing: fn(&str) -> AwsError,
    change: impl FnOnce(&mut Parameter) -> Result<T, AwsError>,
) -> Result<T, AwsError> {
    let horizon = world.horizon();
    let parameters = &mut world.region(&call.account, &call.region).parameters;
    let timeline = parameters.get_mut(name::key(named)).ok_or_else(|| missing(named))?;
    let mut parameter = timeline.now().cloned().ok_or_else(|| missing(named))?;
    let result = change(&mut parameter)?;
    timeline.set(call.now, Some(parameter), horizon);
    Ok(result)
}
