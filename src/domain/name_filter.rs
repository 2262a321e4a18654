//! The scope by name: the settings `REPLICATOR_INCLUDE_NAMES` and `REPLICATOR_EXCLUDE_NAMES`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use globset::{Glob, GlobSet, GlobSetBuilder};

/// The tree of the hub's own parameters, without the leading slash.
const OWN_TREE: &str = "failover-replicator/";

/// Regional bookkeeping of deployment tools. A copy would take the name that the tool writes in the target, and would make
/// a Region look prepared. The list contains no settings and no secrets of applications.
pub const BOOKKEEPING: [&str; 9] = [
    // The AWS CDK's bootstrap version of the Region; the bootstrap fails if the name exists (aws/aws-cdk#16352).
    "/cdk-bootstrap/*",
    // The CDK's cross-Region references, written in the Region of the importing stack (aws-cdk-lib, core, README).
    "/cdk/exports/*",
    // The CDK's `EdgeFunction`: the function's ARN, written in us-east-1 (aws-cdk-lib, aws-cloudfront, edge-function.ts).
    "/cdk/EdgeFunctionArn/*",
    // SST 3: the Region's buckets of state and assets; SST 2: `bucket-name` and others below it (sst/sst, provider/aws.go).
    "/sst/bootstrap",
    "/sst/bootstrap/*",
    // Serverless Framework 4: the Region's bucket for deployments (serverless/serverless, globalBucket).
    "/serverless-framework/deployment/s3-bucket",
    // AWS Copilot: applications, environments and services of the Region; secrets have other trees (aws/copilot-cli, config).
    "/copilot/applications/*",
    // Landing Zone Accelerator: stack versions and ids of the Region's resources (awslabs/landing-zone-accelerator-on-aws).
    "/accelerator/*",
    // AWS Deployment Framework 4: the Region's bucket, key and bases (awslabs/aws-deployment-framework, parameter_store.py).
    "/adf/*",
];

/// Globs over names. A name is in scope if an include matches (or there is no include) and no exclude matches. `*` and `?`
/// also match `/`, so `/shop/*` matches everything below `/shop/`.
///
/// `/a` and `a` are the same root name and match alike. The name of a secret has no leading slash and is matched with one
/// too: `/shop/*` also matches the secret `shop/db`.
#[derive(Clone, Debug)]
pub struct NameFilter {
    include: Option<GlobSet>,
    /// The globs of `include`, in order.
    includes: Vec<String>,
    exclude: GlobSet,
    bookkeeping: GlobSet,
}

impl Default for NameFilter {
    fn default() -> Self {
        let (includes, exclude, bookkeeping) = (Vec::new(), GlobSet::empty(), GlobSet::empty());
        Self { include: None, includes, exclude, bookkeeping }
    }
}

impl NameFilter {
    /// Compiles the globs.
    ///
    /// # Errors
    /// The first invalid glob, with the reason.
    pub fn new<'a>(
        include: impl IntoIterator<Item = &'a str>,
        exclude: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, globset::Error> {
        let include: Vec<&str> = include.into_iter().collect();
        Ok(Self {
            includes: include.iter().map(|glob| (*glob).to_owned()).collect(),
            include: if include.is_empty() { None } else { Some(compile(include)?) },
            exclude: compile(exclude)?,
            bookkeeping: GlobSet::empty(),
        })
    }

    /// The same filter without the names of [`BOOKKEEPING`].
    ///
    /// # Errors
    /// None in practice: the globs are constants.
    pub fn without_bookkeeping(self) -> Result<Self, globset::Error> {
        Ok(Self { bookkeeping: compile(BOOKKEEPING)?, ..self })
    }

    /// Whether `name` is in scope.
    pub fn matches(&self, name: &str) -> bool {
        self.is_selected(name) && !fits(&self.bookkeeping, name)
    }

    /// The include globs; empty if every name is included.
    pub fn includes(&self) -> &[String] {
        &self.includes
    }

    /// The indexes in [`Self::includes`] of the globs that match any of `names`.
    pub fn matched_includes<'n>(
        &self,
        names: impl IntoIterator<Item = &'n str>,
    ) -> BTreeSet<usize> {
        let Some(globs) = &self.include else { return BTreeSet::new() };
        let spellings =
            |name: &'n str| std::iter::once(Cow::Borrowed(name)).chain(other_spelling(name));
        let names = names.into_iter().flat_map(spellings);
        names.flat_map(|name| globs.matches(&*name)).collect()
    }

    /// Whether `name` is out of scope only because of [`BOOKKEEPING`].
    pub fn is_bookkeeping(&self, name: &str) -> bool {
        self.is_selected(name) && fits(&self.bookkeeping, name)
    }

    fn is_selected(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|globs| fits(globs, name))
            && !fits(&self.exclude, name)
            && !is_in_hub_tree(name)
    }
}

fn fits(globs: &GlobSet, name: &str) -> bool {
    globs.is_match(name) || other_spelling(name).is_some_and(|name| globs.is_match(&*name))
}

/// The second spelling to match: a root name without its slash, or a name with a leading slash.
fn other_spelling(name: &str) -> Option<Cow<'_, str>> {
    match name.strip_prefix('/') {
        Some(rest) if rest.contains('/') => None,
        Some(rest) => Some(Cow::Borrowed(rest)),
        None => Some(Cow::Owned(format!("/{name}"))),
    }
}

/// Whether a name is in the tree `/failover-replicator/`. The hub never replicates that tree, whatever the settings say.
pub fn is_in_hub_tree(name: &str) -> bool {
    name.strip_prefix('/').unwrap_or(name).starts_with(OWN_TREE)
}

/// Splits a text at the separators outside braces, trims the parts and drops empty parts.
pub fn split_globs(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<&str> {
    let mut depth = 0_u32;
    let globs = text.split(|c| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is_separator(c)
    });
    globs.map(str::trim).filter(|glob| !glob.is_empty()).collect()
}

fn compile<'a>(globs: impl IntoIterator<Item = &'a str>) -> Result<GlobSet, globset::Error> {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(Glob::new(glob)?);
    }
    set.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_are_split_outside_of_braces() {
        let split = |text| split_globs(text, |c| c == ',');
        assert_eq!(split("/a/{b,c}*, ,/d /e,"), ["/a/{b,c}*", "/d /e"]);
        assert_eq!(split("}{/a,b"), ["}{/a,b"], "an open brace is an error of the glob");
        assert_eq!(
            split_globs(" /a  /b,/c", |c| c == ',' || c.is_whitespace()),
            ["/a", "/b", "/c"]
        );
        assert!(split(" , ").is_empty());
    }

    #[test]
    fn an_exclude_wins_over_an_include() {
        let filter = NameFilter::new(["/shop/*", "root*"], ["/shop/secret/*"]).expect("globs");
        assert!(filter.matches("/shop/a/b"));
        assert!(filter.matches("root-name"));
        assert!(!filter.matches("/shop/secret/a"));
        assert!(!filter.matches("/other"));
        assert!(NameFilter::default().matches("/anything"));
        assert!(NameFilter::new(["[a"], []).is_err());
    }

    #[test]
    fn a_root_name_has_two_spellings_and_a_secret_needs_no_slash() {
        let only = |glob: &str| NameFilter::new([glob], []).expect("a glob");
        let except = |glob: &str| NameFilter::new([], [glob]).expect("a glob");
        for (glob, name, fits) in [
            ("/a", "a", true),
            ("a", "/a", true),
            ("/a*", "ab", true),
            ("a?", "/ab", true),
            ("/shop/*", "shop/db", true),
            ("/*", "shop/db", true),
            ("shop/*", "shop/db", true),
            // The name of a parameter in a hierarchy has a leading slash.
            ("shop/*", "/shop/db", false),
            ("/shop/*", "/shops/db", false),
            ("/a", "/a/a", false),
            ("*/db", "/db", true),
        ] {
            assert_eq!(only(glob).matches(name), fits, "only {glob}: {name}");
            assert_eq!(except(glob).matches(name), !fits, "all except {glob}: {name}");
        }
    }

    #[test]
    fn each_include_is_matched_by_either_spelling() {
        let filter = NameFilter::new(["/shop/*", "/root", "/typo/*"], ["/shop/*"]).expect("globs");
        assert_eq!(filter.matched_includes([]), BTreeSet::new());
        assert_eq!(filter.matched_includes(["/other", "root"]), [1].into());
        assert_eq!(filter.matched_includes(["shop/db", "/root"]), [0, 1].into());
        assert_eq!(filter.includes().len(), 3);
        assert_eq!(NameFilter::default().matched_includes(["/a"]), BTreeSet::new());
    }

    #[test]
    fn the_hubs_own_tree_is_never_in_scope() {
        let all = NameFilter::new(["/failover-replicator/*", "*"], []).expect("globs");
        for own in ["/failover-replicator/settings", "failover-replicator/x"] {
            assert!(!all.matches(own) && !all.is_bookkeeping(own), "{own}");
        }
        assert!(all.matches("/failover-replicator") && all.matches("/failover-replicators/x"));
    }

    #[test]
    fn bookkeeping_of_deployment_tools_is_left_out_on_request() {
        let plain = NameFilter::new([], ["/other/*"]).expect("globs");
        let filter = plain.clone().without_bookkeeping().expect("globs");
        for name in [
            "/cdk-bootstrap/hnb659fds/version",
            "/cdk/exports/stack/arn",
            "/cdk/EdgeFunctionArn/eu-west-1/stack/fn",
            "/sst/bootstrap",
            "/sst/bootstrap/bucket-name",
            "/serverless-framework/deployment/s3-bucket",
            "/copilot/applications/shop/environments/prod",
            "/accelerator/network/vpc/main/id",
            "/adf/kms_arn",
        ] {
            assert!(plain.matches(name) && !filter.matches(name), "{name}");
            assert!(filter.is_bookkeeping(name) && !plain.is_bookkeeping(name), "{name}");
        }
        // Parameters of applications beside the bookkeeping stay in scope.
        for name in [
            "/sst/shop/prod/Secret/KEY/value",
            "/sst/passphrase/shop/prod",
            "/copilot/shop/prod/secrets/KEY",
            "/serverless-framework/deployment/database-url",
            "/cdk/other",
        ] {
            assert!(filter.matches(name), "{name}");
        }
        assert!(!filter.matches("/other/x") && !filter.is_bookkeeping("/other/x"));
    }
}
