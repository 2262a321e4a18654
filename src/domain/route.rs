//! Routes: the setting `REPLICATOR_ROUTES`.

use std::collections::BTreeSet;
use std::fmt;

use super::location::{InvalidLocation, Region};
use super::shown::shown;

/// Why the text of the routes is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRoute {
    /// No route at all.
    #[error(
        "no route is given; write `SOURCE=TARGET[,TARGET]`, with `;` between routes, such as `us-east-2=us-east-1`"
    )]
    Empty,
    /// A route without `=` or without a target.
    #[error(
        "`{0}` is not a route; write `SOURCE=TARGET[,TARGET]`, such as `us-east-2=us-east-1,us-west-2`"
    )]
    Shape(String),
    /// An invalid name of a Region.
    #[error(transparent)]
    Region(#[from] InvalidLocation),
    /// A route from a Region to the same Region.
    #[error("the route `{0}` has the same Region as source and target")]
    Loop(String),
    /// The same source or target twice.
    #[error("duplicate Region `{0}`; write one route for each source, with each target once")]
    Twice(String),
}

/// One source Region and the Regions that hold its replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The Region of the sources.
    pub source: Region,
    /// The Regions of the replicas: at least one, no duplicates, never the source.
    pub targets: Vec<Region>,
}

impl Route {
    /// The source and the targets.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(&self.source).chain(&self.targets)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let targets: Vec<&str> = self.targets.iter().map(Region::as_str).collect();
        write!(f, "{}={}", self.source, targets.join(","))
    }
}

/// All routes; at most one for each source Region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Reads `us-east-2=us-east-1,us-west-2;eu-west-1=eu-central-1`.
    pub fn parse(text: &str) -> Result<Self, InvalidRoute> {
        let mut routes: Vec<Route> = Vec::new();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let route = parse_route(part)?;
            if routes.iter().any(|other| other.source == route.source) {
                return Err(InvalidRoute::Twice(route.source.to_string()));
            }
            routes.push(route);
        }
        if routes.is_empty() { Err(InvalidRoute::Empty) } else { Ok(Self(routes)) }
    }

    /// The routes in the order of the setting.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// The route from `source`, if any.
    pub fn from_source(&self, source: &Region) -> Option<&Route> {
        self.0.iter().find(|route| route.source == *source)
    }

    /// The source Regions of all routes into `target`.
    pub fn sources_into<'a>(&'a self, target: &'a Region) -> impl Iterator<Item = &'a Region> {
        self.0.iter().filter(move |route| route.targets.contains(target)).map(|route| &route.source)
    }

    /// The routes from `source` with only the target `target`; `None` if no route matches.
    pub fn only(&self, source: Option<&Region>, target: Option<&Region>) -> Option<Self> {
        let kept: Vec<Route> = self
            .0
            .iter()
            .filter(|route| source.is_none_or(|source| route.source == *source))
            .map(|route| Route {
                source: route.source.clone(),
                targets: route
                    .targets
                    .iter()
                    .filter(|t| target.is_none_or(|target| *t == target))
                    .cloned()
                    .collect(),
            })
            .filter(|route| !route.targets.is_empty())
            .collect();
        (!kept.is_empty()).then_some(Self(kept))
    }
}

fn parse_route(part: &str) -> Result<Route, InvalidRoute> {
    let shape = || InvalidRoute::Shape(shown(part));
    let (source, targets) = part.split_once('=').ok_or_else(shape)?;
    let source = Region::parse(source.trim())?;
    let targets =
        targets.split(',').map(|t| Region::parse(t.trim())).collect::<Result<Vec<_>, _>>()?;
    if targets.contains(&source) {
        return Err(InvalidRoute::Loop(shown(part)));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = targets.iter().find(|target| !seen.insert(*target)) {
        return Err(InvalidRoute::Twice(twice.to_string()));
    }
    Ok(Route { source, targets })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(name: &str) -> Region {
        Region::parse(name).expect("a Region")
    }

    #[test]
    fn routes_read_back_as_they_were_written() {
        let routes =
            Routes::parse("us-east-2=us-east-1,us-west-2; eu-west-1=eu-central-1").expect("routes");
        let shown: Vec<String> = routes.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["us-east-2=us-east-1,us-west-2", "eu-west-1=eu-central-1"]);
        assert!(routes.from_source(&region("eu-west-1")).is_some());
        assert!(routes.from_source(&region("us-east-1")).is_none());
        let only = routes
            .only(Some(&region("us-east-2")), Some(&region("us-west-2")))
            .expect("one route is left");
        assert_eq!(
            only.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["us-east-2=us-west-2"]
        );
        assert!(routes.only(Some(&region("us-west-1")), None).is_none());
    }

    #[test]
    fn an_invalid_route_is_refused_with_the_reason() {
        let error = |text: &str| Routes::parse(text).expect_err(text);
        assert_eq!(error(" ; "), InvalidRoute::Empty);
        assert!(matches!(error("us-east-2"), InvalidRoute::Shape(_)));
        let long = error(&format!("a\n{}", "x".repeat(500))).to_string();
        assert!(!long.contains('\n') && long.len() < 300, "{long}");
        let long = format!("us-east-2={}us-east-2", "us-east-1,".repeat(50));
        assert!(error(&long).to_string().len() < 300, "{long}");
        assert!(matches!(error("us-east-2="), InvalidRoute::Region(_)));
        assert!(matches!(error("us-east-2=us-east-1,us-east-2"), InvalidRoute::Loop(_)));
        assert!(matches!(error("us-east-2=us-east-1,us-east-1"), InvalidRoute::Twice(_)));
        assert!(matches!(error("us-east-2=us-east-1;us-east-2=us-west-2"), InvalidRoute::Twice(_)));
    }
}
