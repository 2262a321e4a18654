//! Calls to Parameter Store and the Tagging API. Besides `labels::store`, the only files of the slice that name the SDK.

mod describe;
mod history;
mod list;
mod read;
mod tags;
mod write;

pub(super) use describe::{by_name, by_name_knowing, tags, tags_of};
pub(super) use history::{is_plain, past_versions, rows_at, version_of};
pub(super) use list::{list, lists, marked};
pub(super) use read::{ByName, NAMES_PER_CALL, Valued, numbered_versions, values, versions};
pub(super) use tags::{Tagged, is_refused_for_its_absence, mark_released, retag};
pub(super) use write::{Created, DeleteAnswer, Put, create, delete, update};
