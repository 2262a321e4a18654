//! Builds the request of each command. Some options exist only here, because a payload must not set them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::args::{
    Command, Format, ItemArguments, ReleaseKind, RouteArgument, ScopeArguments, TakeArgument,
};
use crate::domain::{self, AccountId, Item, Kind, Leftovers, Purpose, Region};
use crate::hub::RouteFilter;
use crate::request::{self, Accounts, Reconcile, Refused, Request, RunOptions};

/// The source of a request.
#[derive(Debug, PartialEq)]
pub(super) enum RequestSource {
    /// The request of a command.
    Request(Box<Request>),
    /// A file with a payload or an event.
    File(PathBuf),
    /// A payload or an event from standard input.
    Stdin,
}

impl Command {
    /// For a command that only shows steps: how to execute them.
    pub(super) fn preview(&self) -> Option<&'static str> {
        match self {
            Self::Resolve { yes: false, .. } | Self::Release { yes: false, .. } => {
                Some("nothing was done; add --yes to execute these steps")
            }
            Self::Thaw(thaw) if thaw.is_plan() => {
                Some("nothing was done; the same command without --plan starts the replication")
            }
            _ => None,
        }
    }

    /// The file in which the command saves its result.
    pub(super) fn save(&self) -> Option<PathBuf> {
        match self {
            Self::Status(status) => status.save(),
            _ => None,
        }
    }

    /// The source of the request, the filter for routes, and the form of the answer.
    ///
    /// # Errors
    /// The name of the item is invalid, or `--expect` is missing.
    pub(super) fn request(self) -> Result<(RequestSource, RouteFilter, Format), Refused> {
        let usual = RunOptions::default();
        Ok(match self {
            Self::Invoke { file, format } if file.as_os_str() == "-" => {
                (RequestSource::Stdin, RouteFilter::default(), format)
            }
            Self::Invoke { file, format } => {
                (RequestSource::File(file), RouteFilter::default(), format)
            }
            Self::Sweep { scope, labels, take_over, max_deletes } => {
                let lifts_brake = max_deletes.is_some();
                let options = RunOptions { labels, take_over, max_deletes, lifts_brake, ..usual };
                scope.request(options, Purpose::Equality)
            }
            Self::Plan(scope) => {
                scope.request(RunOptions { plan: true, ..usual }, Purpose::Equality)
            }
            Self::Verify { scope, labels } => {
                let options = RunOptions { plan: true, trust: false, labels, ..usual };
                scope.request(options, Purpose::Equality)
            }
            Self::Prune { yes: true, expect: None, .. } => {
                return Err(Refused::new(
                    "`--yes` requires `--expect`",
                    "`--yes --expect ID` with the id of the plan, which the same command without `--yes` shows",
                ));
            }
            Self::Prune { scope, regions, yes, expect } => {
                let regions: BTreeSet<Region> = regions.into_iter().collect();
                let leftovers = Leftovers { regions, ..Leftovers::default() };
                let options = RunOptions { plan: !yes, expect, ..usual };
                scope.request(options, Purpose::Pruning(leftovers))
            }
            Self::Resolve { name, item, take, yes } => {
                let take = match take {
                    TakeArgument::Source => domain::Take::Source,
                    TakeArgument::Target => domain::Take::Target,
                };
                let options = RunOptions { plan: !yes, ..usual };
                item.request(Kind::Parameter, &name, options, Purpose::Resolving(take))?
            }
            Self::Release { kind, name, item, yes } => {
                let kind = match kind {
                    ReleaseKind::Parameter => Kind::Parameter,
                    ReleaseKind::Secret => Kind::Secret,
                };
                let options = RunOptions { plan: !yes, ..usual };
                item.request(kind, &name, options, Purpose::Releasing)?
            }
            Self::Freeze(freeze) => whole(freeze.request()),
            Self::Thaw(thaw) => whole(thaw.request()),
            Self::Status(status) => whole(status.request()),
        })
    }
}

impl ScopeArguments {
    fn request(
        self,
        options: RunOptions,
        purpose: Purpose,
    ) -> (RequestSource, RouteFilter, Format) {
        let accounts = match each_once(self.accounts) {
            accounts if accounts.is_empty() => Accounts::Organization,
            accounts => Accounts::These(accounts),
        };
        let filter = match self.route {
            Some(RouteArgument { source, target }) => {
                RouteFilter { route_source: Some(source), route_target: target }
            }
            None => RouteFilter::default(),
        };
        let options = RunOptions { even_if_excluded: self.even_if_excluded, ..options };
        (reconcile(accounts, None, None, options, purpose), filter, self.format)
    }
}

impl ItemArguments {
    fn request(
        self,
        kind: Kind,
        name: &str,
        options: RunOptions,
        purpose: Purpose,
    ) -> Result<(RequestSource, RouteFilter, Format), Refused> {
        let Self { account, even_if_excluded, region, target, format } = self;
        let options = RunOptions { even_if_excluded, ..options };
        let item = request::item_at(kind, name, &account, &region)?;
        let accounts = Accounts::These(vec![account]);
        let route_source = target.is_some().then(|| region.clone());
        let source = reconcile(accounts, Some(region), Some(item), options, purpose);
        Ok((source, RouteFilter { route_source, route_target: target }, format))
    }
}

fn reconcile(
    accounts: Accounts,
    region: Option<Region>,
    item: Option<Item>,
    options: RunOptions,
    purpose: Purpose,
) -> RequestSource {
    // The hub names the execution of a sweep by its time.
    let execution = None;
    let reconcile = Reconcile { accounts, region, item, options, purpose, execution };
    RequestSource::Request(Box::new(Request::Reconcile(reconcile)))
}

/// A request that no route filter limits.
fn whole((request, format): (Request, Format)) -> (RequestSource, RouteFilter, Format) {
    (RequestSource::Request(Box::new(request)), RouteFilter::default(), format)
}

pub(super) fn each_once(accounts: Vec<AccountId>) -> Vec<AccountId> {
    let mut seen = BTreeSet::new();
    accounts.into_iter().filter(|account| seen.insert(account.clone())).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::Arguments;
    use super::*;
    use crate::domain::ParameterName;
    use crate::ownership::Fingerprint;
    use crate::settings::MaxDeletes;

    const PLACE: &str = "--account 111122223333 --region us-east-2";

    fn request(arguments: &str) -> Result<(RequestSource, RouteFilter, Format), Refused> {
        let arguments = arguments.split_whitespace();
        Arguments::try_parse_from(arguments).expect("arguments").command.request()
    }

    fn asked(arguments: &str) -> (Reconcile, RouteFilter) {
        match request(arguments).expect("a request") {
            (RequestSource::Request(asked), filter, _) => match *asked {
                Request::Reconcile(reconcile) => (reconcile, filter),
                other => panic!("{other:?}"),
            },
            (other, ..) => panic!("{other:?}"),
        }
    }

    #[test]
    fn sweep_plan_and_verify_equal_a_payload() {
        let all = r#""detail":{"name":"all","operation":"sync"}"#;
        for (arguments, fields) in [
            ("sweep", ""),
            ("sweep --labels", r#""labels":true,"#),
            ("plan", r#""plan":true,"#),
            (
                "plan --account 111122223333 --account 222233334444 --account 111122223333",
                r#""accounts":["111122223333","222233334444"],"plan":true,"#,
            ),
            ("verify", r#""plan":true,"trust":false,"#),
            ("verify --labels", r#""plan":true,"trust":false,"labels":true,"#),
        ] {
            let payload = format!("{{{fields}{all}}}");
            let (reconcile, _) = asked(&format!("hubctl {arguments}"));
            let same = request::parse(payload.as_bytes()).expect("a payload");
            assert_eq!(Request::Reconcile(reconcile), same, "{arguments}");
        }
    }

    #[test]
    fn only_hubctl_takes_over_the_replicas_of_trusted_writers() {
        let (sweep, _) = asked("hubctl sweep --take-over --account 111122223333");
        assert_eq!(sweep.options, RunOptions { take_over: true, ..RunOptions::default() });
        assert_eq!(sweep.purpose, Purpose::Equality);
        assert!(!asked("hubctl sweep").0.options.take_over);
        let payload = br#"{"take_over":true,"detail":{"name":"all","operation":"sync"}}"#;
        request::parse(payload).expect_err("a payload has no such field");
    }

    #[test]
    fn only_hubctl_includes_an_excluded_account_and_with_every_command() {
        for command in [
            "sweep --account 111122223333".to_owned(),
            "plan --account 111122223333".to_owned(),
            "verify --account 111122223333".to_owned(),
            "prune --account 111122223333".to_owned(),
            format!("resolve /a --take source {PLACE}"),
            format!("release parameter /a {PLACE}"),
        ] {
            assert!(!asked(&format!("hubctl {command}")).0.options.even_if_excluded, "{command}");
            let lifted = asked(&format!("hubctl {command} --even-if-excluded")).0;
            assert!(lifted.options.even_if_excluded, "{command}");
        }
        let payload = br#"{"account":"111122223333","even_if_excluded":true,"detail":{"name":"all","operation":"sync"}}"#;
        request::parse(payload).expect_err("a payload has no such field");
    }

    #[test]
    fn a_route_has_a_source_and_optionally_a_target() {
        let (_, filter, format) =
            request("hubctl sweep --route us-east-2=us-west-2 --format json").expect("a request");
        let regions = [filter.route_source, filter.route_target];
        let names: Vec<_> = regions.iter().flatten().map(Region::as_str).collect();
        assert_eq!((names, format), (vec!["us-east-2", "us-west-2"], Format::Json));
        let (_, filter, format) = request("hubctl plan --route us-east-2").expect("a request");
        assert!(filter.route_source.is_some() && filter.route_target.is_none());
        assert_eq!(format, Format::Table);
    }

    #[test]
    fn prune_shows_a_plan_first() {
        let (prune, _) = asked("hubctl prune --region us-west-2");
        assert!(prune.options.plan && prune.accounts == Accounts::Organization);
        let regions = [Region::parse("us-west-2").expect("a Region")].into();
        let leftovers = Leftovers { regions, ..Leftovers::default() };
        assert_eq!(prune.purpose, Purpose::Pruning(leftovers));
        assert_eq!(prune.options.expect, None);
    }

    #[test]
    fn prune_executes_only_the_plan_with_the_id() {
        let (prune, _) = asked("hubctl prune --yes --expect 1A2b3c4d");
        let expect = Fingerprint::parse("1a2b3c4d");
        assert_eq!((prune.options.plan, prune.options.expect), (false, expect));
        let refused = request("hubctl prune --yes").expect_err("no id");
        assert!(
            refused.to_string().contains("the same command without `--yes` shows"),
            "{refused}"
        );
    }

    #[test]
    fn only_hubctl_lifts_the_brake_of_named_accounts() {
        let (sweep, _) = asked("hubctl sweep --account 111122223333 --max-deletes 100%");
        let RunOptions { max_deletes, lifts_brake, .. } = sweep.options;
        assert_eq!((max_deletes, lifts_brake), (Some(MaxDeletes::Percent(100)), true));
        assert!(!asked("hubctl sweep").0.options.lifts_brake);
        let payload = br#"{"account":"111122223333","max_deletes":"100%","detail":{"name":"all","operation":"sync"}}"#;
        match request::parse(payload).expect("a payload") {
            Request::Reconcile(reconcile) => assert!(!reconcile.options.lifts_brake),
            other => panic!("{other:?}"),
        }
        let payload = br#"{"account":"111122223333","lifts_brake":true,"detail":{"name":"all","operation":"sync"}}"#;
        request::parse(payload).expect_err("a payload has no such field");
    }

    #[test]
    fn resolve_keeps_one_side_and_shows_the_steps_first() {
        for (word, take) in [("source", domain::Take::Source), ("target", domain::Take::Target)] {
            let (resolve, filter) =
                asked(&format!("hubctl resolve /a {PLACE} --target us-west-2 --take {word}"));
            assert_eq!(resolve.purpose, Purpose::Resolving(take));
            assert!(resolve.options.plan);
            let (resolve_now, _) = asked(&format!("hubctl resolve /a {PLACE} --take {word} --yes"));
            assert!(!resolve_now.options.plan);
            assert_eq!(resolve.item, Some(Item::Parameter(ParameterName::new("/a"))));
            assert_eq!(filter.route_source.as_ref().map(Region::as_str), Some("us-east-2"));
            assert_eq!(filter.route_target.as_ref().map(Region::as_str), Some("us-west-2"));
        }
    }

    #[test]
    fn release_accepts_a_parameter_or_a_secret_and_shows_the_steps_first() {
        for (kind, name) in [("parameter", "/shop/db"), ("secret", "shop/db")] {
            let command = format!("hubctl release {kind} {name} {PLACE}");
            let (release, filter) = asked(&command);
            assert_eq!((&release.purpose, release.options.plan), (&Purpose::Releasing, true));
            assert_eq!(release.region.as_ref().map(Region::as_str), Some("us-east-2"));
            assert_eq!(filter.route_source, None);
            let item = release.item.expect("an item");
            assert_eq!((item.kind().word(), item.name()), (kind, name));
            assert!(!asked(&format!("{command} --yes")).0.options.plan);
        }
    }

    #[test]
    fn a_name_is_checked_like_the_name_in_a_payload() {
        let arn = "arn:aws:ssm:us-east-2:111122223333:parameter/shop/db";
        let (release, _) = asked(&format!("hubctl release parameter {arn} {PLACE}"));
        assert_eq!(release.item, Some(Item::Parameter(ParameterName::new("/shop/db"))));
        let long = format!("/{}", "x".repeat(2000));
        for (name, problem) in [
            ("a/b", "write `/a/b`"),
            ("/a*", "the name contains the character '*'"),
            ("/", "the name is empty"),
            ("/aws/service/x", "is reserved for AWS's public parameters"),
            (long.as_str(), "the name has 2001 characters"),
            ("arn:aws:ssm:us-east-1:111122223333:parameter/a", "the ARN has account 111122223333"),
            (
                "arn:aws:secretsmanager:us-east-2:111122223333:secret:a",
                "not the ARN of a parameter",
            ),
        ] {
            for command in ["release parameter", "resolve --take target"] {
                let refused = request(&format!("hubctl {command} {name} {PLACE}")).expect_err(name);
                assert!(refused.problem.contains(problem), "{refused}");
            }
        }
        let refused = request(&format!("hubctl release secret a?b {PLACE}")).expect_err("no name");
        assert!(refused.problem.contains("the name contains the character '?'"), "{refused}");
    }

    #[test]
    fn invoke_reads_a_file_or_standard_input() {
        let (source, _, format) = request("hubctl invoke payloads/sync-all.json").expect("a file");
        assert_eq!(
            (source, format),
            (RequestSource::File("payloads/sync-all.json".into()), Format::Json)
        );
        assert_eq!(
            request("hubctl invoke - --format table").expect("a pipe").0,
            RequestSource::Stdin
        );
    }
}
