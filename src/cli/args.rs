//! The arguments of `hubctl` and their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::failover_args::{FreezeArguments, StatusArguments, ThawArguments};
use crate::domain::{AccountId, Region};
use crate::ownership::Fingerprint;
use crate::settings::MaxDeletes;

const EXAMPLES: &str = "\
Examples:
  hubctl plan                                    show the writes of a sweep
  hubctl sweep --account 111122223333            reconcile one account, every route
  hubctl verify --labels                         compare values and labels everywhere
  hubctl invoke payloads/sync-all.json           run the payload of a file, like the Lambda
  hubctl prune                                   list the replicas that are out of scope
  hubctl status                                  show states, sweeps, held names and failures
  hubctl freeze --route us-east-2=us-east-1 --reason \"us-east-2 is failing\"

";

const EXIT_CODES: &str = "\
Exit codes (the first that applies):
  2  the arguments, the settings or the payload are invalid; nothing was done
  1  an internal error
130  stopped by a signal; the result shows what is done and what remains
  5  the limit for deletes (REPLICATOR_MAX_DELETES) blocked deletes
  4  a failure, an incomplete run, or a run that could not start
  3  a plan or a verification found differences, a route is not active, or status is not clean
  0  in sync, applied, or ignored

Settings are environment variables with the prefix REPLICATOR_; every command checks all of them.
REPLICATOR_ROUTES is required, for example us-east-2=us-east-1,us-west-2; a command that writes also
requires REPLICATOR_TABLE, the name of the hub's table, or none. hubctl uses the
credentials and profiles of the AWS CLI. Results go to stdout, messages to stderr; RUST_LOG=info
logs each write. After SIGINT or SIGTERM, hubctl starts no further work, finishes the calls in
progress and shows the result; a second signal ends hubctl immediately.";

/// Keeps standby copies of an AWS organisation's parameters and secrets in its failover Regions.
#[derive(Debug, Parser)]
#[command(name = "hubctl", version, after_help = format!("{EXAMPLES}{EXIT_CODES}"), max_term_width = 100)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a payload or an event, like the Lambda
    ///
    /// Example: hubctl invoke payloads/sync-account.json
    #[command(after_help = EXIT_CODES)]
    Invoke {
        /// A JSON file with a payload, an event, or a batch of events from a queue; `-` reads standard input
        file: PathBuf,
        /// The form of the answer: a table, or the JSON of the Lambda
        #[arg(long, value_enum, default_value_t = Format::Json)]
        format: Format,
    },
    /// Make the replicas of every account equal to their sources
    ///
    /// Example: hubctl sweep --account 111122223333 --route us-east-2
    #[command(after_help = EXIT_CODES)]
    Sweep {
        #[command(flatten)]
        scope: ScopeArguments,
        /// Also compare the labels of parameters without another difference; reads the history of every parameter
        #[arg(long)]
        labels: bool,
        /// Rewrite every replica that depends on `REPLICATOR_TRUSTED_WRITERS`, so that you can remove the setting
        #[arg(long)]
        take_over: bool,
        /// The limit for deletes in this run, in place of `REPLICATOR_MAX_DELETES`: a number, or a percentage such as
        /// 100%
        #[arg(long, value_name = "N|P%", value_parser = MaxDeletes::parse, requires = "accounts")]
        max_deletes: Option<MaxDeletes>,
    },
    /// Show the writes of a sweep without writing
    ///
    /// Example: hubctl plan --route us-east-2=us-east-1 --format json
    #[command(after_help = EXIT_CODES)]
    Plan(ScopeArguments),
    /// Compare every replica with its source, including the values, without writing
    ///
    /// AWS lists do not show the labels of versions, so only `--labels` finds a lost label event.
    ///
    /// Example: hubctl verify --labels --account 111122223333
    #[command(after_help = EXIT_CODES)]
    Verify {
        #[command(flatten)]
        scope: ScopeArguments,
        /// Also compare labels; reads the history of every parameter, one per second in each source Region
        #[arg(long)]
        labels: bool,
    },
    /// Remove replicas that are out of scope; shows a plan first, and executes it with --yes --expect ID
    ///
    /// A sweep never removes replicas that a changed setting puts out of scope: replicas with excluded names, and replicas
    /// of removed routes and targets. Use --account with --even-if-excluded to prune an account that the settings exclude
    /// by id.
    ///
    /// The plan has an id. `--yes --expect ID` executes exactly that plan. If the plan has changed since, nothing is done.
    /// `REPLICATOR_MAX_DELETES` does not apply.
    ///
    /// Example: hubctl prune --account 111122223333 --region us-west-2
    ///
    /// Example: hubctl prune --account 111122223333 --region us-west-2 --yes --expect 1a2b3c4d
    #[command(after_help = EXIT_CODES)]
    Prune {
        #[command(flatten)]
        scope: ScopeArguments,
        /// Also check this Region, which is no longer the target of a route; can be repeated
        #[arg(long = "region", value_name = "REGION", value_parser = Region::parse)]
        regions: Vec<Region>,
        /// Execute the plan; requires --expect
        #[arg(long)]
        yes: bool,
        /// The id of the plan from the same command without --yes
        #[arg(long, value_name = "ID", value_parser = parse_plan_id, requires = "yes")]
        expect: Option<Fingerprint>,
    },
    /// Resolve the conflict over the name of a parameter; shows the steps first, and executes them with --yes
    ///
    /// `--take source` overwrites the parameter in the target with the source. `--take target` leaves the parameter in the
    /// target to its owner: the hub sets the tag `failover-replicator=released`, removes its own tags, and does not write
    /// the parameter again. The hub reports the parameter as `released` until the owner sets the tag
    /// `failover-replicator=exclude`.
    ///
    /// Example: hubctl resolve /shop/db/url --account 111122223333 --region us-east-2 --take source --yes
    #[command(after_help = EXIT_CODES)]
    Resolve {
        /// The name or ARN of the parameter
        name: String,
        #[command(flatten)]
        item: ItemArguments,
        /// The parameter to keep: `source` overwrites the target, `target` writes no value
        #[arg(long, value_enum)]
        take: TakeArgument,
        /// Execute the steps
        #[arg(long)]
        yes: bool,
    },
    /// End the replication of one parameter or secret; shows the steps first, and executes them with --yes
    ///
    /// The replicas of a parameter stay and belong to their owner: the hub sets the tag `failover-replicator=released` and
    /// removes its own tags. Secrets Manager deletes the replicas of a secret, so that you can delete the secret. Delete it
    /// before the next sweep, because the sweep starts the replication again.
    ///
    /// Example: hubctl release parameter /shop/db/url --account 111122223333 --region us-east-2 --yes
    ///
    /// Example: hubctl release secret shop/db --account 111122223333 --region us-east-2 --yes
    #[command(after_help = EXIT_CODES)]
    Release {
        /// The kind of the item
        #[arg(value_enum)]
        kind: ReleaseKind,
        /// The name or ARN of the item
        name: String,
        #[command(flatten)]
        item: ItemArguments,
        /// Execute the steps
        #[arg(long)]
        yes: bool,
    },
    /// Stop the replication of a route, in an emergency or before a failover
    ///
    /// The hub then writes, deletes and tags nothing in the target, and reads no source. When the command returns, no
    /// request of the hub is under way: owners may write in the target. It needs the table in the hub's Region, and
    /// neither the source Region nor any account. A frozen route stays frozen until `hubctl thaw`.
    ///
    /// Example: hubctl freeze --route us-east-2=us-east-1 --reason "us-east-2 is failing"
    #[command(after_help = EXIT_CODES)]
    Freeze(FreezeArguments),
    /// Start the replication of a route; shows the plan first
    ///
    /// The plan shows what the next sweep writes; a plan that cannot be read does not prevent the thaw. The command is
    /// refused if another operator changes the state meanwhile. A new route, and a route of a new table, needs a thaw
    /// before the hub writes.
    ///
    /// Example: hubctl thaw --route us-east-2=us-east-1 --plan
    ///
    /// Example: hubctl thaw --route us-east-2=us-east-1 --reason "us-east-2 is back"
    #[command(after_help = EXIT_CODES)]
    Thaw(ThawArguments),
    /// Show the states of the routes, the last sweeps, the held names and the known failures
    ///
    /// Everything comes from the hub's table. The command needs neither the source Region nor any account.
    ///
    /// Example: hubctl status --save status.json
    #[command(after_help = EXIT_CODES)]
    Status(StatusArguments),
}

/// The arguments that locate one item.
#[derive(Debug, Args)]
pub(super) struct ItemArguments {
    /// The account of the source
    #[arg(long, value_name = "ID", value_parser = AccountId::parse)]
    pub(super) account: AccountId,
    /// Include the account in this run even if the settings exclude it
    #[arg(long)]
    pub(super) even_if_excluded: bool,
    /// The Region of the source
    #[arg(long, value_name = "REGION", value_parser = Region::parse)]
    pub(super) region: Region,
    /// Only this target of the route
    #[arg(long, value_name = "REGION", value_parser = Region::parse)]
    pub(super) target: Option<Region>,
    /// The form of the result: a table, or the JSON of the Lambda
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

/// The parameter that `resolve` keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum TakeArgument {
    Source,
    Target,
}

/// The kind of an item that `release` accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReleaseKind {
    Parameter,
    Secret,
}

/// The arguments for the scope of a run and the form of the result.
#[derive(Debug, Args)]
pub(super) struct ScopeArguments {
    /// Only this account; can be repeated (default: every account of the organisation)
    #[arg(long = "account", value_name = "ID", value_parser = AccountId::parse)]
    pub(super) accounts: Vec<AccountId>,
    /// Include the accounts of --account in this run even if the settings exclude them
    #[arg(long, requires = "accounts")]
    pub(super) even_if_excluded: bool,
    /// Only the route from SOURCE, and only its target TARGET
    #[arg(long, value_name = "SOURCE[=TARGET]", value_parser = parse_route)]
    pub(super) route: Option<RouteArgument>,
    /// The form of the result: a table, or the JSON of the Lambda
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

/// The form of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    // Doc comments on the variants would add five lines to the help of every command.
    Table,
    Json,
}

/// The value of `--route`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RouteArgument {
    pub(super) source: Region,
    pub(super) target: Option<Region>,
}

fn parse_route(text: &str) -> Result<RouteArgument, String> {
    let (source, target) = match text.split_once('=') {
        Some((source, target)) => (source, Some(target)),
        None => (text, None),
    };
    let parse = |name: &str| Region::parse(name.trim()).map_err(|invalid| invalid.to_string());
    Ok(RouteArgument { source: parse(source)?, target: target.map(parse).transpose()? })
}

fn parse_plan_id(text: &str) -> Result<Fingerprint, &'static str> {
    Fingerprint::parse(text)
        .ok_or("not the id of a plan; expected eight hex digits such as 1a2b3c4d")
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn an_invalid_argument_is_refused_with_the_accepted_form() {
        for (arguments, accepted) in [
            ("hubctl sweep --account 1234", "twelve digits"),
            ("hubctl sweep --route us-east", "expected a name such as `us-east-2`"),
            ("hubctl plan --route us-east-2=", "expected a name such as `us-east-2`"),
            ("hubctl plan --format html", "possible values: table, json"),
            ("hubctl resolve /a --account 111122223333 --region us-east-2", "--take"),
            (
                "hubctl resolve /a --account 111122223333 --region us-east-2 --take both",
                "possible values: source, target",
            ),
            (
                "hubctl release key a --account 111122223333 --region us-east-2",
                "possible values: parameter, secret",
            ),
            ("hubctl release secret a --region us-east-2", "--account"),
            ("hubctl sweep --max-deletes 100%", "--account"),
            (
                "hubctl sweep --account 111122223333 --max-deletes 101%",
                "a percentage from 0% to 100%",
            ),
            ("hubctl prune --expect 1a2b3c4d", "--yes"),
            ("hubctl prune --yes --expect 1a2b3c4", "eight hex digits"),
            ("hubctl prune --yes --expect +a2b3c4d", "eight hex digits"),
            ("hubctl sweep --even-if-excluded", "--account <ID>"),
            ("hubctl prune --even-if-excluded --yes", "--account <ID>"),
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
        for name in [
            "invoke", "sweep", "plan", "verify", "prune", "resolve", "release", "freeze", "thaw",
            "status",
        ] {
            let found = command.find_subcommand_mut(name).expect("the command");
            let help = found.render_long_help().to_string();
            assert!(help.contains("Example: hubctl "), "{help}");
            assert!(help.contains("Exit codes"), "{help}");
        }
    }
}
