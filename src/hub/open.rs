//! Sets the hub up: reads the settings, fetches the ones that are kept in Parameter Store, and opens the connections.

use std::sync::Arc;

use super::{Hub, HubError};
use crate::allowances::Allowances;
use crate::aws::{Connection, Environment, Lane, Options, Quotas};
use crate::domain::{Cause, Region, Routes};
use crate::settings::{RawSettings, Settings, TableSetting};
use crate::table::Table;

impl Hub {
    /// A hub for a terminal, with the settings of the environment.
    ///
    /// # Errors
    /// All invalid settings at once; a setting in Parameter Store that cannot be fetched; no Region.
    pub async fn open() -> Result<Self, HubError> {
        let raw = fetch_references(RawSettings::from_environment()).await?;
        let hub = Self::with(raw.parse()?, Environment::default()).await?;
        Ok(Self { at_a_terminal: true, ..hub })
    }

    /// A hub for Lambda. The SNS topic is required, because no person watches the output.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub async fn open_in_lambda() -> Result<Self, HubError> {
        let raw = fetch_references(RawSettings::from_environment()).await?;
        Self::with(raw.parse_for_lambda()?, Environment::default()).await
    }

    /// A hub with the given settings.
    ///
    /// # Errors
    /// No Region is known.
    pub async fn with(settings: Settings, environment: Environment) -> Result<Self, HubError> {
        let sweeps = Connection::open(options(&settings, environment)).await?;
        let events = sweeps.in_lane(Lane::Events)?;
        let table = match &settings.table {
            TableSetting::Named(name) => {
                Some(Table::new(sweeps.clone(), name, &settings.spoke_role_name))
            }
            TableSetting::NoTable | TableSetting::Unset => None,
        };
        let (recent, recently_reported) = <_>::default();
        let allowances = table.clone().map(Allowances::of_table).unwrap_or_default();
        Ok(Self {
            settings,
            sweeps,
            events,
            table,
            recent,
            allowances: Arc::new(allowances),
            recently_reported,
            at_a_terminal: false,
        })
    }
}

fn options(settings: &Settings, environment: Environment) -> Options {
    Options {
        region: fallback_region(&settings.routes),
        spoke_role_name: settings.spoke_role_name.clone(),
        external_id: settings.spoke_external_id.clone(),
        operator_role_arn: settings.operator_role_arn.clone(),
        quotas: Quotas {
            source_share: settings.source_quota_share,
            target_share: settings.target_quota_share,
            source_regions: settings.routes.iter().map(|route| route.source.clone()).collect(),
            overrides: settings.quotas.clone(),
            lane: Lane::Sweep,
            event_concurrency: settings.event_concurrency,
        },
        items_in_flight: settings.items_in_flight,
        environment,
    }
}

/// The Region of the hub's own calls if the environment names none: a failover Region, which survives the loss of the
/// source Region.
fn fallback_region(routes: &Routes) -> Option<Region> {
    routes.iter().next().and_then(|route| route.targets.first()).cloned()
}

/// Replaces each reference of a setting to a parameter (`ssm:/name`) with the value of the parameter.
async fn fetch_references(mut raw: RawSettings) -> Result<RawSettings, HubError> {
    let references = raw.references();
    if references.is_empty() {
        return Ok(raw);
    }
    let connection = Connection::open(Options::default()).await?;
    for reference in references {
        let text = connection.own_parameter(&reference.name).await.map_err(|cause| {
            let message = format!(
                "{} refers to the parameter {}: {}",
                reference.setting, reference.name, cause.message
            );
            Cause { message, ..cause }
        })?;
        raw = raw.with_fetched(&reference.name, &text);
    }
    Ok(raw)
}
