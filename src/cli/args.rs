//! The arguments of `hubctl` and their help.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::domain::{AccountId, Region};
use crate::ownership::Fingerprint;
use crate::settings::MaxDeletes;

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
130  a signal stopped it; the result says what was done and what remains
  5  the brake (REPLICATOR_MAX_DELETES) held deletes back
  4  something failed or is incomplete, or the run could not begin
  3  a plan or a verification found something to do
  0  in sync, applied, ignored, or frozen

Settings are environment variables that begin with REPLICATOR_; every command checks all of them.
REPLICATOR_ROUTES is required, such as us-east-2=us-east-1,us-west-2. Credentials and profiles are
those of the AWS CLI. Results go to stdout, all else to stderr; RUST_LOG=info shows what is done. After SIGINT or SIGTERM
nothing more is begun, what is under way is finished, and the result is shown; a second one ends
hubctl at once.";

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
        /// Write each replica once that depends on `REPLICATOR_TRUSTED_WRITERS`, so that the setting can go
        #[arg(long)]
        take_over: bool,
        /// Delete so many replicas at most in this run, in place of `REPLICATOR_MAX_DELETES`: a number, or a share such as
        /// 100%
        #[arg(long, value_name = "N|P%", value_parser = MaxDeletes::parse, requires = "accounts")]
        max_deletes: Option<MaxDeletes>,
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
    /// Remove replicas that left the settings' scope: shown first, done with --yes and the id of what was shown
    ///
    /// A sweep never removes what a changed setting leaves out: names that the filters exclude, routes and targets that
    /// are no more, and, where --account names it and --even-if-excluded stands beside it, an account that the settings
    /// exclude by id.
    ///
    /// The plan that is shown has an id. `--yes --expect ID` carries out exactly that plan: where anything is different by
    /// then, nothing is done. `REPLICATOR_MAX_DELETES` does not hold it back.
    ///
    /// Example: hubctl prune --account 111122223333 --region us-west-2
    ///
    /// Example: hubctl prune --account 111122223333 --region us-west-2 --yes --expect 1a2b3c4d
    #[command(after_help = EXIT_CODES)]
    Prune {
        #[command(flatten)]
        extent: Extent,
        /// Look into this Region too, which no route leads to any more; give it again for more
        #[arg(long = "region", value_name = "REGION", value_parser = Region::parse)]
        regions: Vec<Region>,
        /// Remove them; needs --expect
        #[arg(long)]
        yes: bool,
        /// The id of the plan that was shown
        #[arg(long, value_name = "ID", value_parser = parse_plan_id, requires = "yes")]
        expect: Option<Fingerprint>,
    },
    /// End the conflict over a parameter's name for the source or for the target: shown first, done with --yes
    ///
    /// `--take source` writes the source over what holds the name in the target. `--take target` leaves what holds it to
    /// its owner: the hub tags it `failover-replicator=released`, takes its own tags off, and does not write it again. It
    /// is then reported as `released`, until it has the tag `failover-replicator=exclude`.
    ///
    /// Example: hubctl resolve /shop/db/url --account 111122223333 --region us-east-2 --take source --yes
    #[command(after_help = EXIT_CODES)]
    Resolve {
        /// The parameter's name or ARN
        name: String,
        #[command(flatten)]
        place: Place,
        /// Which of the two is kept: `source` overwrites what is in the target, `target` writes no value
        #[arg(long, value_enum)]
        take: Take,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
    /// End the replication of one parameter or secret: shown first, done with --yes
    ///
    /// The replicas of a parameter stay, and are their owner's from then on: the hub tags them
    /// `failover-replicator=released` and takes its own tags off. The replicas of a secret are deleted by Secrets
    /// Manager, so that the secret can be deleted: delete it before the next sweep, which turns replication on again.
    ///
    /// Example: hubctl release parameter /shop/db/url --account 111122223333 --region us-east-2 --yes
    ///
    /// Example: hubctl release secret shop/db --account 111122223333 --region us-east-2 --yes
    #[command(after_help = EXIT_CODES)]
    Release {
        /// What is released
        #[arg(value_enum)]
        kind: Released,
        /// Its name or ARN
        name: String,
        #[command(flatten)]
        place: Place,
        /// Release it
        #[arg(long)]
        yes: bool,
    },
}

/// Where one item is.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// Its account
    #[arg(long, value_name = "ID", value_parser = AccountId::parse)]
    pub(super) account: AccountId,
    /// Work on the account even if the settings exclude it, in this run
    #[arg(long)]
    pub(super) even_if_excluded: bool,
    /// The Region of the source
    #[arg(long, value_name = "REGION", value_parser = Region::parse)]
    pub(super) region: Region,
    /// Only this target of the route from there
    #[arg(long, value_name = "REGION", value_parser = Region::parse)]
    pub(super) target: Option<Region>,
    /// How the result is shown: for a person, or as the Lambda's JSON
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
}

/// What a conflict is resolved to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Take {
    // The source, over what is in the target.
    Source,
    // What is in the target.
    Target,
}

/// What may be released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Released {
    // The replicas of a parameter.
    Parameter,
    // A secret, from its managed replication.
    Secret,
}

/// How much is looked at, and how it is shown.
#[derive(Debug, Args)]
pub(super) struct Extent {
    /// Only this account; give it again for more (default: every account of the organisation)
    #[arg(long = "account", value_name = "ID", value_parser = AccountId::parse)]
    pub(super) accounts: Vec<AccountId>,
    /// Work on the accounts that --account names even if the settings exclude them, in this run
    #[arg(long, requires = "accounts")]
    pub(super) even_if_excluded: bool,
    /// Only the route from SOURCE, and of it only TARGET
    #[arg(long, value_name = "SOURCE[=TARGET]", value_parser = parse_route)]
    pub(super) route: Option<RouteChoice>,
    /// How the result is shown: for a person, or as the Lambda's JSON
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(super) format: Format,
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
pub(super) struct RouteChoice {
    pub(super) source: Region,
    pub(super) target: Option<Region>,
}

fn parse_route(text: &str) -> Result<RouteChoice, String> {
    let (source, target) = match text.split_once('=') {
        Some((source, target)) => (source, Some(target)),
        None => (text, None),
    };
    let parse = |name: &str| Region::parse(name.trim()).map_err(|invalid| invalid.to_string());
    Ok(RouteChoice { source: parse(source)?, target: target.map(parse).transpose()? })
}

fn parse_plan_id(text: &str) -> Result<Fingerprint, &'static str> {
    Fingerprint::parse(text)
        .ok_or("not the id of a plan, which is eight hex digits such as 1a2b3c4d")
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
    fn what_is_no_account_or_region_is_refused_with_the_accepted_form() {
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
        for name in ["invoke", "sweep", "plan", "verify", "prune", "resolve", "release"] {
            let found = command.find_subcommand_mut(name).expect("the command");
            let help = found.render_long_help().to_string();
            assert!(help.contains("Example: hubctl "), "{help}");
            assert!(help.contains("Exit codes"), "{help}");
        }
    }
}
