//! The arguments of `hubctl`, and the request that each command stands for. Where the Lambda could be asked for the same,
//! it is a payload, in the same words; what only a person may ask for is none.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::domain::{AccountId, Item, Leftovers, ParameterName, Purpose, Region, SecretName};
use crate::hub::Narrow;
use crate::request::{Accounts, Reconcile, Request, RunOptions};

const EXAMPLES: &str = "\
Examples:
  hubctl plan                                    what would a sweep write?
  hubctl sweep --account 111122223333            one account, every route
  hubctl verify --labels                         do values and labels agree everywhere?
  hubctl invoke payloads/sync-all.json           what the Lambda would do with this file
  hubctl prune                                   which replicas left the settings' scope?

";

const EXIT_CODES: &str = "\
Exit codes, the first that applies:
  2  the arguments, the settings or the payload were refused; nothing was done
  1  a fault of hubctl's own
  5  the brake (REPLICATOR_MAX_DELETES) held deletes back
  4  something failed or is incomplete, or the run could not begin
  3  a plan or a verification found something to do
  0  in sync, applied, ignored, or frozen

Settings are environment variables that begin with REPLICATOR_; every command checks all of them.
REPLICATOR_ROUTES is required, such as us-east-2=us-east-1,us-west-2. Credentials and profiles are
those of the AWS CLI. Results go to stdout, all else to stderr; RUST_LOG=info shows what is done.";

/// Keeps standby copies of an AWS organisation's parameters and secrets in its failover Regions.
#[derive(Debug, Parser)]
#[command(name = "hubctl", version, after_help = format!("{EXAMPLES}{EXIT_CODES}"), max_term_width = 100)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Do what a payload asks for, as the Lambda does
    ///
    /// Example: hubctl invoke payloads/sync-account.json
    #[command(after_help = EXIT_CODES)]
    Invoke {
        /// A JSON file: a payload, an event, or a queue's batch of events; `-` reads standard input
        file: PathBuf,
        /// How the answer is shown: for a person, or as the Lambda's JSON
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// Make every account's replicas equal to their sources
    ///
    /// Example: hubctl sweep --account 111122223333 --route us-east-2
    #[command(after_help = EXIT_CODES)]
    Sweep {
        #[command(flatten)]
        extent: Extent,
        /// Make labels equal too where nothing else differs: reads the history of every parameter
        #[arg(long)]
        labels: bool,
    },
    /// Show what a sweep would write, and write nothing
    ///
    /// Example: hubctl plan --route us-east-2=us-east-1 --format json
    #[command(after_help = EXIT_CODES)]
    Plan(Extent),
    /// Compare every replica with its source, their values too, and write nothing
    ///
    /// No list of AWS's shows the labels of versions, so that a lost label event is found by `--labels` alone.
    ///
    /// Example: hubctl verify --labels --account 111122223333
    #[command(after_help = EXIT_CODES)]
    Verify {
        #[command(flatten)]
        extent: Extent,
        /// Compare labels too: reads the history of every parameter, one a second in each source Region
        #[arg(long)]
        labels: bool,
    },
    /// Remove replicas that left the settings' scope: shown first, done with --yes
    ///
    /// A sweep never removes what a changed setting leaves out: names that the filters exclude, routes and targets that
    /// are no more, and, where --account names it, an account that the settings exclude by id.
    ///
    /// Example: hubctl prune --account 111122223333 --region us-west-2
    #[command(after_help = EXIT_CODES)]
    Prune {
        #[command(flatten)]
        extent: Extent,
        /// Look into this Region too, which no route leads to any more; give it again for more
        #[arg(long = "region", value_name = "REGION", value_parser = Region::parse)]
        regions: Vec<Region>,
        /// Remove them
        #[arg(long)]
        yes: bool,
    },
    /// Put the source in the place of the parameter that holds its name in the target
    ///
    /// Example: hubctl resolve /shop/db/url --account 111122223333 --region us-east-2 --take source
    #[command(after_help = EXIT_CODES)]
    Resolve {
        /// The parameter's name
        name: String,
        #[command(flatten)]
        place: Place,
        /// Which of the two is kept; what is in the target is overwritten
        #[arg(long, value_enum)]
        take: Take,
    },
    /// End the managed replication of a secret, so that it can be deleted: shown first, done with --yes
    ///
    /// Delete the secret before the next sweep, which would turn replication on again.
    ///
    /// Example: hubctl release secret shop/db --account 111122223333 --region us-east-2 --yes
    #[command(after_help = EXIT_CODES)]
    Release {
        /// What is released
        #[arg(value_enum)]
        kind: Released,
        /// The secret's name
        name: String,
        #[command(flatten)]
        place: Place,
        /// End it
        #[arg(long)]
        yes: bool,
    },
}

/// Where one item is.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Its account
    #[arg(long, value_name = "ID", value_parser = AccountId::parse)]
    account: AccountId,
    /// The Region of the source
    #[arg(long, value_name = "REGION", value_parser = Region::parse)]
    region: Region,
    /// Only this target of the route from there
    #[arg(long, value_name = "REGION", value_parser = Region::parse)]
    target: Option<Region>,
    /// How the result is shown: for a person, or as the Lambda's JSON
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// What a conflict is resolved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Take {
    // The source, over what is in the target.
    Source,
}

/// What may be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Released {
    // A secret, from its managed replication.
    Secret,
}

/// How much is looked at, and how it is shown.
#[derive(Debug, Args)]
pub(super) struct Extent {
    /// Only this account; give it again for more (default: every account of the organisation)
    #[arg(long = "account", value_name = "ID", value_parser = AccountId::parse)]
    accounts: Vec<AccountId>,
    /// Only the route from SOURCE, and of it only TARGET
    #[arg(long, value_name = "SOURCE[=TARGET]", value_parser = parse_route)]
    route: Option<RouteChoice>,
    /// How the result is shown: for a person, or as the Lambda's JSON
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// How a result is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    // Plain comments, since clap would spread doc comments over five lines of every help.
    // For a person.
    Table,
    // One document: the Lambda's response.
    Json,
}

/// What `--route` names.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RouteChoice {
    source: Region,
    target: Option<Region>,
}

fn parse_route(text: &str) -> Result<RouteChoice, String> {
    let (source, target) = match text.split_once('=') {
        Some((source, target)) => (source, Some(target)),
        None => (text, None),
    };
    let parse = |name: &str| Region::parse(name.trim()).map_err(|invalid| invalid.to_string());
    Ok(RouteChoice { source: parse(source)?, target: target.map(parse).transpose()? })
}

/// Where a request comes from.
#[derive(Debug, PartialEq)]
pub(super) enum Source {
    /// It is this.
    Request(Box<Request>),
    /// Its bytes are these.
    Payload(Vec<u8>),
    /// A file that the person named.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

impl Command {
    /// The request, what it is narrowed to, and how its answer is shown.
    pub(super) fn request(self) -> (Source, Narrow, Format) {
        match self {
            Self::Invoke { file, format } if file.as_os_str() == "-" => {
                (Source::Stdin, Narrow::default(), format)
            }
            Self::Invoke { file, format } => (Source::File(file), Narrow::default(), format),
            Self::Sweep { extent, labels: false } => extent.request(&[]),
            Self::Sweep { extent, labels: true } => extent.request(&[("labels", true)]),
            Self::Plan(extent) => extent.request(&[("plan", true)]),
            Self::Verify { extent, labels: false } => {
                extent.request(&[("plan", true), ("trust", false)])
            }
            Self::Verify { extent, labels: true } => {
                extent.request(&[("plan", true), ("trust", false), ("labels", true)])
            }
            Self::Prune { extent, regions, yes } => extent.pruned(regions, yes),
            Self::Resolve { name, place, take: Take::Source } => place.request(
                Item::Parameter(ParameterName::new(&name)),
                Purpose::Resolving(crate::domain::Take::Source),
                true,
            ),
            Self::Release { kind: Released::Secret, name, place, yes } => {
                place.request(Item::Secret(SecretName::new(&name)), Purpose::Releasing, yes)
            }
        }
    }
}

impl Extent {
    fn request(self, options: &[(&str, bool)]) -> (Source, Narrow, Format) {
        let mut payload = json!({ "detail": { "name": "all", "operation": "sync" } });
        if !self.accounts.is_empty() {
            let ids = self.accounts.iter().map(|account| Value::from(account.as_str()));
            payload["accounts"] = ids.collect();
        }
        for (option, value) in options {
            payload[option] = (*value).into();
        }
        (Source::Payload(payload.to_string().into_bytes()), narrowed(self.route), self.format)
    }

    fn pruned(self, regions: Vec<Region>, yes: bool) -> (Source, Narrow, Format) {
        let leftovers =
            Leftovers { regions: regions.into_iter().collect(), ..Leftovers::default() };
        let accounts = match self.accounts {
            accounts if accounts.is_empty() => Accounts::Organization,
            accounts => Accounts::These(accounts),
        };
        let source = asked(accounts, None, None, Purpose::Pruning(leftovers), yes);
        (source, narrowed(self.route), self.format)
    }
}

impl Place {
    fn request(self, item: Item, purpose: Purpose, apply: bool) -> (Source, Narrow, Format) {
        let Self { account, region, target, format } = self;
        let accounts = Accounts::These(vec![account]);
        let route_source = target.is_some().then(|| region.clone());
        let source = asked(accounts, Some(region), Some(item), purpose, apply);
        (source, Narrow { route_source, route_target: target }, format)
    }
}

/// A request that is no payload; without `apply` it only shows.
fn asked(
    accounts: Accounts,
    region: Option<Region>,
    item: Option<Item>,
    purpose: Purpose,
    apply: bool,
) -> Source {
    let options = RunOptions { plan: !apply, ..RunOptions::default() };
    let reconcile = Reconcile { accounts, region, item, options, purpose };
    Source::Request(Box::new(Request::Reconcile(reconcile)))
}

fn narrowed(route: Option<RouteChoice>) -> Narrow {
    match route {
        Some(RouteChoice { source, target }) => {
            Narrow { route_source: Some(source), route_target: target }
        }
        None => Narrow::default(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn request(arguments: &str) -> (Source, Narrow, Format) {
        let arguments = arguments.split_whitespace();
        Arguments::try_parse_from(arguments).expect("arguments").command.request()
    }

    fn payload(arguments: &str) -> String {
        match request(arguments).0 {
            Source::Payload(bytes) => String::from_utf8(bytes).expect("text"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sweep_and_plan_are_payloads() {
        assert_eq!(payload("hubctl sweep"), r#"{"detail":{"name":"all","operation":"sync"}}"#);
        assert_eq!(
            payload("hubctl plan --account 111122223333 --account 222233334444"),
            r#"{"accounts":["111122223333","222233334444"],"detail":{"name":"all","operation":"sync"},"plan":true}"#
        );
        assert_eq!(
            payload("hubctl sweep --labels"),
            r#"{"detail":{"name":"all","operation":"sync"},"labels":true}"#
        );
    }

    #[test]
    fn a_verification_is_a_plan_that_trusts_nothing() {
        assert_eq!(
            payload("hubctl verify"),
            r#"{"detail":{"name":"all","operation":"sync"},"plan":true,"trust":false}"#
        );
        assert_eq!(
            payload("hubctl verify --labels"),
            r#"{"detail":{"name":"all","operation":"sync"},"labels":true,"plan":true,"trust":false}"#
        );
    }

    #[test]
    fn a_route_is_a_source_and_perhaps_a_target() {
        let (_, narrow, format) = request("hubctl sweep --route us-east-2=us-west-2 --format json");
        let regions = [narrow.route_source, narrow.route_target];
        let names: Vec<_> = regions.iter().flatten().map(Region::as_str).collect();
        assert_eq!((names, format), (vec!["us-east-2", "us-west-2"], Format::Json));
        let (_, narrow, format) = request("hubctl plan --route us-east-2");
        assert!(narrow.route_source.is_some() && narrow.route_target.is_none());
        assert_eq!(format, Format::Table);
    }

    #[test]
    fn what_a_person_alone_may_ask_for_is_shown_first_unless_it_is_one_item_that_is_named() {
        let asked = |arguments: &str| match request(arguments) {
            (Source::Request(asked), narrow, _) => match *asked {
                Request::Reconcile(reconcile) => (reconcile, narrow),
                other => panic!("{other:?}"),
            },
            (other, ..) => panic!("{other:?}"),
        };
        let region = |name| Region::parse(name).expect("a Region");
        let (prune, _) = asked("hubctl prune --region us-west-2");
        assert!(prune.options.plan && prune.accounts == Accounts::Organization);
        let regions = [region("us-west-2")].into();
        let leftovers = Leftovers { regions, ..Leftovers::default() };
        assert_eq!(prune.purpose, Purpose::Pruning(leftovers));
        assert!(!asked("hubctl prune --yes").0.options.plan);
        let place = "--account 111122223333 --region us-east-2";
        let (resolve, narrow) =
            asked(&format!("hubctl resolve /a {place} --target us-west-2 --take source"));
        assert_eq!(
            (resolve.purpose, resolve.options.plan),
            (Purpose::Resolving(crate::domain::Take::Source), false)
        );
        assert_eq!(resolve.item, Some(Item::Parameter(ParameterName::new("/a"))));
        assert_eq!(narrow.route_target, Some(region("us-west-2")));
        let (release, _) = asked(&format!("hubctl release secret shop/db {place}"));
        assert_eq!((release.purpose, release.options.plan), (Purpose::Releasing, true));
        assert_eq!(release.region, Some(region("us-east-2")));
        assert!(!asked(&format!("hubctl release secret shop/db {place} --yes")).0.options.plan);
    }

    #[test]
    fn invoke_reads_a_file_or_standard_input() {
        let (source, _, format) = request("hubctl invoke payloads/sync-all.json");
        assert_eq!((source, format), (Source::File("payloads/sync-all.json".into()), Format::Json));
        assert_eq!(request("hubctl invoke - --format table").0, Source::Stdin);
    }

    #[test]
    fn what_is_no_account_or_region_is_refused_with_the_accepted_form() {
        for (arguments, accepted) in [
            ("hubctl sweep --account 1234", "twelve digits"),
            ("hubctl sweep --route us-east", "names are like `us-east-2`"),
            ("hubctl plan --route us-east-2=", "names are like `us-east-2`"),
            ("hubctl plan --format html", "possible values: table, json"),
            ("hubctl resolve /a --account 111122223333 --region us-east-2", "--take"),
            ("hubctl release parameter /a --account 111122223333 --region us-east-2", "secret"),
            ("hubctl release secret a --region us-east-2", "--account"),
            ("hubctl", "Usage: hubctl <COMMAND>"),
        ] {
            let error =
                Arguments::try_parse_from(arguments.split_whitespace()).expect_err(arguments);
            assert_eq!(error.exit_code(), 2, "{arguments}");
            assert!(error.to_string().contains(accepted), "{error}");
        }
    }

    #[test]
    fn every_help_has_an_example_and_the_exit_codes() {
        let mut command = Arguments::command();
        for name in ["invoke", "sweep", "plan", "verify", "prune", "resolve", "release"] {
            let found = command.find_subcommand_mut(name).expect("the command");
            let help = found.render_long_help().to_string();
            assert!(help.contains("Example: hubctl "), "{help}");
            assert!(help.contains("Exit codes"), "{help}");
        }
    }
}
