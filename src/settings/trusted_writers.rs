//! The setting for roles whose versions count like the hub's: exact names, or every writer if the endpoint is an
//! emulator on loopback.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::parse::role_name;
use crate::domain::{TrustedWriters, shown};

const GENERAL: &str = "AWS_ENDPOINT_URL";
const OF_SSM: &str = "AWS_ENDPOINT_URL_SSM";
const IGNORED: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// The variables of the AWS SDK that set the endpoint of Parameter Store.
pub const ENDPOINT_VARIABLES: [&str; 3] = [GENERAL, OF_SSM, IGNORED];

/// The endpoint of Parameter Store, as far as the environment sets it.
#[derive(Clone, Debug, Default)]
pub(super) struct Endpoint {
    general: Option<String>,
    of_ssm: Option<String>,
    is_ignored: bool,
}

impl Endpoint {
    /// Reads a variable if it is one of [`ENDPOINT_VARIABLES`].
    pub(super) fn take(&mut self, name: &str, value: &str) {
        let value = value.trim();
        let url = (!value.is_empty()).then(|| value.to_owned());
        match name {
            GENERAL => self.general = url,
            OF_SSM => self.of_ssm = url,
            IGNORED => self.is_ignored = !value.is_empty() && !value.eq_ignore_ascii_case("false"),
            _ => {}
        }
    }

    /// The reason why the endpoint is not an emulator on loopback. The URL is not shown, because it may contain a password.
    fn fault(&self) -> Option<String> {
        let (variable, url) = match (&self.of_ssm, &self.general) {
            (Some(url), _) => (OF_SSM, url),
            (None, Some(url)) => (GENERAL, url),
            (None, None) => return Some(format!("neither {GENERAL} nor {OF_SSM} is set")),
        };
        if self.is_ignored {
            return Some(format!("{IGNORED} disables {variable}"));
        }
        (!is_on_loopback(url)).then(|| {
            format!("the host of {variable} is not `localhost`, `[::1]` or in 127.0.0.0/8")
        })
    }
}

/// Whether the host of `url` is this machine. An ambiguous URL is not on loopback.
fn is_on_loopback(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return false;
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let bracketed = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (is_this_machine, port) = if let Some((host, port)) = bracketed {
        (host.parse::<Ipv6Addr>().is_ok_and(|ip| ip == Ipv6Addr::LOCALHOST), port)
    } else {
        let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        let is_loopback = host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback());
        (is_loopback || host.eq_ignore_ascii_case("localhost"), port)
    };
    let is_port =
        port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    is_this_machine && (port.is_empty() || is_port)
}

/// Parses the names. The spoke role is permitted, because it always counts as the hub. The failover role is not permitted.
pub(super) fn parse(
    text: &str,
    failover_role: Option<&str>,
    endpoint: &Endpoint,
) -> Result<TrustedWriters, String> {
    if text == "*" {
        return match endpoint.fault() {
            None => Ok(TrustedWriters::Anyone),
            Some(fault) => Err(format!(
                "`*` trusts every writer and is only for an emulator on loopback, but {fault}"
            )),
        };
    }
    let names: BTreeSet<String> =
        text.split(',').map(|part| name(part.trim(), failover_role)).collect::<Result<_, _>>()?;
    Ok(TrustedWriters::Roles(names))
}

fn name(part: &str, failover_role: Option<&str>) -> Result<String, String> {
    let read = shown(part);
    if part.is_empty() {
        return Err("empty name; remove the comma before or after it".to_owned());
    }
    if part == "*" {
        return Err("`*` is accepted only alone; write the names of the roles".to_owned());
    }
    if part.contains(['*', '?']) {
        return Err(format!("`{read}` is a pattern; write the exact name of each role"));
    }
    if part.starts_with("arn:") {
        let role = role_of(part).map_or(String::new(), |role| format!(" `{}`", shown(role)));
        return Err(format!("`{read}` is an ARN; write only the name of the role{role}"));
    }
    if let Some((_, role)) = part.rsplit_once('/') {
        let role = shown(role);
        return Err(format!(
            "`{read}` has a path; write only the name after the last `/`: `{role}`"
        ));
    }
    if failover_role == Some(part) {
        return Err(format!(
            "`{read}` is REPLICATOR_FAILOVER_ROLE_NAME, whose versions never count as the hub's; remove it"
        ));
    }
    role_name(part).map_err(|reason| format!("`{read}` is {reason}"))
}

/// The name of the role in the ARN of a role or of a role session.
fn role_of(arn: &str) -> Option<&str> {
    let resource = arn.splitn(6, ':').nth(5)?;
    let role = match resource.split_once('/')? {
        ("role", path) => path.rsplit('/').next(),
        ("assumed-role", rest) => rest.split('/').next(),
        _ => None,
    };
    role.filter(|role| !role.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(variables: &[(&str, &str)]) -> Endpoint {
        let mut endpoint = Endpoint::default();
        for (name, value) in variables {
            endpoint.take(name, value);
        }
        endpoint
    }

    #[test]
    fn names_are_exact_and_unique() {
        let roles = |text| match parse(text, Some("failover"), &Endpoint::default()) {
            Ok(TrustedWriters::Roles(roles)) => roles.into_iter().collect::<Vec<_>>(),
            other => panic!("{text}: {other:?}"),
        };
        assert_eq!(roles("old-spoke"), ["old-spoke"]);
        assert_eq!(roles("b, a ,b"), ["a", "b"]);
        assert_eq!(roles("Old,old"), ["Old", "old"], "upper and lower case are different");
        assert_eq!(roles("Failover"), ["Failover"]);
    }

    #[test]
    fn a_name_that_is_not_exact_is_refused_with_a_correction() {
        for (text, problem) in [
            ("old-*", "`old-*` is a pattern; write the exact name of each role"),
            ("a,old-?", "`old-?` is a pattern; write the exact name of each role"),
            ("*,a", "`*` is accepted only alone; write the names of the roles"),
            ("**", "`**` is a pattern; write the exact name of each role"),
            (
                "service-role/old",
                "`service-role/old` has a path; write only the name after the last `/`: `old`",
            ),
            ("/old", "`/old` has a path; write only the name after the last `/`: `old`"),
            (
                "arn:aws:iam::111122223333:role/service-role/old",
                "`arn:aws:iam::111122223333:role/service-role/old` is an ARN; write only the name of the role `old`",
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/old/session",
                "`arn:aws:sts::111122223333:assumed-role/old/session` is an ARN; write only the name of the role `old`",
            ),
            (
                "arn:aws:iam::111122223333:user/me",
                "`arn:aws:iam::111122223333:user/me` is an ARN; write only the name of the role",
            ),
            ("a,,b", "empty name; remove the comma before or after it"),
            ("a,", "empty name; remove the comma before or after it"),
            (",", "empty name; remove the comma before or after it"),
            ("a;b", "`a;b` is not the name of a role"),
            ("a b", "`a b` is not the name of a role"),
            (
                "a,failover",
                "`failover` is REPLICATOR_FAILOVER_ROLE_NAME, whose versions never count as the hub's; remove it",
            ),
        ] {
            let on_loopback = endpoint(&[(GENERAL, "http://localhost:5000")]);
            assert_eq!(parse(text, Some("failover"), &on_loopback), Err(problem.to_owned()));
        }
        assert!(parse(&"r".repeat(64), None, &Endpoint::default()).is_ok());
        assert!(parse(&"r".repeat(65), None, &Endpoint::default()).is_err());
    }

    #[test]
    fn every_writer_is_trusted_only_with_an_emulator_on_loopback() {
        let answer = |variables: &[(&str, &str)]| parse("*", None, &endpoint(variables));
        let local = "http://127.0.0.1:5000";
        let remote = "https://ssm.us-east-1.amazonaws.com";
        assert_eq!(answer(&[(GENERAL, local)]), Ok(TrustedWriters::Anyone));
        assert_eq!(answer(&[(OF_SSM, local)]), Ok(TrustedWriters::Anyone));
        assert_eq!(answer(&[(GENERAL, remote), (OF_SSM, local)]), Ok(TrustedWriters::Anyone));
        assert_eq!(answer(&[(GENERAL, local), (IGNORED, "False")]), Ok(TrustedWriters::Anyone));
        for (variables, why) in [
            (vec![], "neither AWS_ENDPOINT_URL nor AWS_ENDPOINT_URL_SSM is set"),
            (vec![(GENERAL, " ")], "neither AWS_ENDPOINT_URL nor"),
            (vec![(GENERAL, remote)], "the host of AWS_ENDPOINT_URL is not"),
            (vec![(GENERAL, local), (OF_SSM, remote)], "the host of AWS_ENDPOINT_URL_SSM is not"),
            (
                vec![(GENERAL, local), (IGNORED, "true")],
                "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS disables AWS_ENDPOINT_URL",
            ),
        ] {
            let problem = answer(&variables).expect_err("no emulator");
            assert!(problem.starts_with("`*` trusts every writer"), "{problem}");
            assert!(problem.contains(why), "{problem}");
            assert!(!problem.contains("amazonaws.com"), "{problem}");
        }
    }

    #[test]
    fn only_this_machine_is_on_loopback() {
        for url in [
            "http://localhost",
            "http://LOCALHOST:5000/",
            "https://127.0.0.1",
            "HTTP://127.255.255.254:80/path?x#y",
            "http://[::1]:4566",
            "http://[0:0:0:0:0:0:0:1]",
        ] {
            assert!(is_on_loopback(url), "{url}");
        }
        for url in [
            "localhost:5000",
            "127.0.0.1",
            "ftp://localhost",
            "http://",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost@example.com",
            "http://localhost:80@example.com",
            "http://example.com/localhost",
            "http://example.com#@localhost",
            "http://localhost\\@example.com",
            "http://128.0.0.1",
            "http://0.0.0.0",
            "http://127.1",
            "http://::1",
            "http://[::1",
            "http://[::1].example.com",
            "http://[::2]",
            "http://[::ffff:127.0.0.1]",
        ] {
            assert!(!is_on_loopback(url), "{url}");
        }
    }
}
