//! The arguments of `freeze`, `thaw` and `status`, and their requests.

use std::path::PathBuf;

use clap::Args;

use super::args::Format;
use super::requests::each_once;
use crate::domain::{AccountId, RoutePair};
use crate::request::{
    self, FailoverRequest, FreezeRequest, Refused, Request, ThawPlan, ThawRequest,
};

/// The arguments of `freeze`.
#[derive(Debug, Args)]
pub(super) struct FreezeArguments {
    /// The route
    #[arg(long, value_name = "SOURCE=TARGET", value_parser = parse_pair)]
    route: RoutePair,
    /// Only this account; can be repeated (default: the whole route)
    #[arg(long = "account", value_name = "ID", value_parser = AccountId::parse)]
    accounts: Vec<AccountId>,
    /// Why the replication stops; `hubctl status` and every digest show the reason
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    reason: String,
    /// Return at once; the result says until when requests of the hub may be under way
    #[arg(long)]
    no_wait: bool,
    /// The form of the result: a table, or the JSON of the Lambda
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// The arguments of `thaw`.
#[derive(Debug, Args)]
pub(super) struct ThawArguments {
    /// The route
    #[arg(long, value_name = "SOURCE=TARGET", value_parser = parse_pair)]
    route: RoutePair,
    /// Only this account; can be repeated (default: the whole route)
    #[arg(long = "account", value_name = "ID", value_parser = AccountId::parse)]
    accounts: Vec<AccountId>,
    /// Why the replication starts; `hubctl status` shows the reason
    #[arg(long, value_name = "TEXT", value_parser = parse_reason)]
    reason: Option<String>,
    /// The serial that `hubctl status` showed; refused if the state has changed since (default: the serial that the
    /// command reads before the plan)
    #[arg(long, value_name = "N")]
    serial: Option<u64>,
    /// Only show the plan; the state stays
    #[arg(long)]
    plan: bool,
    /// The form of the result: a table, or the JSON of the Lambda
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

/// The arguments of `status`.
#[derive(Debug, Args)]
pub(super) struct StatusArguments {
    /// Only this route (default: every route of the settings)
    #[arg(long, value_name = "SOURCE=TARGET", value_parser = parse_pair)]
    route: Option<RoutePair>,
    /// Also write the result and the list of accounts to this file, for a failover without the table
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// The form of the result: a table, or the JSON of the Lambda
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

impl FreezeArguments {
    pub(super) fn request(self) -> (Request, Format) {
        let Self { route, accounts, reason, no_wait, format } = self;
        let accounts = each_once(accounts);
        let freeze = FreezeRequest { pair: route, accounts, reason, wait: !no_wait };
        (Request::Failover(FailoverRequest::Freeze(freeze)), format)
    }
}

impl ThawArguments {
    /// Whether the command only shows the plan.
    pub(super) const fn is_plan(&self) -> bool {
        self.plan
    }

    pub(super) fn request(self) -> (Request, Format) {
        let Self { route, accounts, reason, serial, plan, format } = self;
        let thaw = ThawRequest {
            pair: route,
            accounts: each_once(accounts),
            reason: reason.unwrap_or_default(),
            serial,
            plan: if plan { ThawPlan::Only } else { ThawPlan::Show },
        };
        (Request::Failover(FailoverRequest::Thaw(thaw)), format)
    }
}

impl StatusArguments {
    /// The file for the result and the accounts.
    pub(super) fn save(&self) -> Option<PathBuf> {
        self.save.clone()
    }

    pub(super) fn request(self) -> (Request, Format) {
        (Request::Failover(FailoverRequest::Status(self.route)), self.format)
    }
}

fn parse_pair(text: &str) -> Result<RoutePair, Refused> {
    request::route(text)
}

fn parse_reason(text: &str) -> Result<String, Refused> {
    request::reason(text)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::Arguments;
    use super::super::requests::RequestSource;
    use super::*;

    fn asked(arguments: &str) -> Request {
        let arguments = Arguments::try_parse_from(arguments.split_whitespace()).expect("arguments");
        match arguments.command.request().expect("a request").0 {
            RequestSource::Request(request) => *request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_command_equals_its_payload() {
        for (arguments, fields) in [
            (
                "freeze --route us-east-2=us-east-1 --reason x",
                r#""action":"freeze","route":"us-east-2=us-east-1","reason":"x""#,
            ),
            (
                "freeze --route us-east-2=us-east-1 --reason x --no-wait --account 111122223333 --account 111122223333",
                r#""action":"freeze","route":"us-east-2=us-east-1","reason":"x","wait":false,"account":"111122223333""#,
            ),
            ("status", r#""action":"status""#),
            (
                "status --route us-east-2=us-east-1 --save f.json",
                r#""action":"status","route":"us-east-2=us-east-1""#,
            ),
        ] {
            let payload = format!(r#"{{"failover":{{{fields}}}}}"#);
            let same = request::parse(payload.as_bytes()).expect("a payload");
            assert_eq!(asked(&format!("hubctl {arguments}")), same, "{arguments}");
        }
    }

    #[test]
    fn only_hubctl_thaws_with_a_plan_and_without_a_serial() {
        let route = "us-east-2=us-east-1";
        let of = |arguments: &str| match asked(&format!("hubctl thaw --route {route} {arguments}"))
        {
            Request::Failover(FailoverRequest::Thaw(thaw)) => thaw,
            other => panic!("{other:?}"),
        };
        assert_eq!((of("").serial, of("").plan), (None, ThawPlan::Show));
        assert_eq!((of("--serial 3").serial, of("--plan").plan), (Some(3), ThawPlan::Only));
        let payload = format!(r#"{{"failover":{{"route":"{route}","action":"thaw"}}}}"#);
        let refused = request::parse(payload.as_bytes()).expect_err("no serial");
        assert!(refused.to_string().contains("missing `serial`"), "{refused}");
    }

    #[test]
    fn invalid_arguments_are_refused_with_the_accepted_form() {
        let route = "--route us-east-2=us-east-1";
        for (arguments, accepted) in [
            ("freeze --reason x".to_owned(), "--route <SOURCE=TARGET>"),
            (format!("freeze {route}"), "--reason <TEXT>"),
            ("freeze --route us-east-2 --reason x".to_owned(), "expected `SOURCE=TARGET`"),
            ("freeze --route us-east=us-east-1 --reason x".to_owned(), "expected `SOURCE=TARGET`"),
            (format!("freeze {route} --reason x --account 1234"), "twelve digits"),
            (format!("thaw {route} --serial last"), "--serial <N>"),
            (format!("thaw {route} --yes"), "--yes"),
            ("status --save".to_owned(), "--save <FILE>"),
        ] {
            let line = format!("hubctl {arguments}");
            let error = Arguments::try_parse_from(line.split_whitespace()).expect_err(&line);
            assert_eq!(error.exit_code(), 2, "{arguments}");
            assert!(error.to_string().contains(accepted), "{arguments}: {error}");
        }
        let blank = ["hubctl", "freeze", "--route", "us-east-2=us-east-1", "--reason", " "];
        let error = Arguments::try_parse_from(blank).expect_err("a reason is needed");
        assert!(error.to_string().contains("the reason is empty"), "{error}");
    }
}
