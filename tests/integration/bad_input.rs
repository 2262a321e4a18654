//! What bad input gets: one clear error with what is accepted, its exit code, and nothing done.

use std::io::ErrorKind;
use std::net::TcpListener;

use crate::support::{Emulator, Hubctl, Ran};

const SYNC: &str = r#""detail":{"name":"all","operation":"sync"}"#;

/// A place where AWS seems to be, which tells whether anybody called.
struct Tripwire(TcpListener);

impl Tripwire {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("it can be asked");
        Self(listener)
    }

    fn hubctl(&self) -> Hubctl {
        Hubctl::new(&format!("http://{}", self.0.local_addr().expect("bound")), &[])
    }

    fn was_touched(&self) -> bool {
        match self.0.accept() {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::WouldBlock);
                false
            }
        }
    }
}

/// The one error on stderr, after checking that it is one: nothing on stdout, one line, and the code.
fn refused(ran: &Ran) -> &str {
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:#?}");
    let error = ran.stderr.trim_end();
    assert_eq!(error.matches("error: ").count(), 1, "{ran:#?}");
    error.strip_prefix("error: ").unwrap_or_else(|| panic!("{ran:#?}"))
}

#[tokio::test]
async fn a_payload_that_is_none_is_refused_with_what_is_accepted() {
    let aws = Tripwire::new();
    let hubctl = aws.hubctl();
    let long = "x".repeat(2000);
    let sync_of = |fields: &str| format!("{{{fields},{SYNC}}}");
    let detail = |fields: &str| format!(r#"{{"detail":{{{fields}}}}}"#);
    for (payload, problem, accepted) in [
        (String::new(), "the request is empty", r#"{"detail":{"name":"all","operation":"sync"}}"#),
        ("{\"detail\":".to_owned(), "the request is not JSON", "a JSON object"),
        (sync_of("").replace("{,", "{") + "}", "the request is not JSON", "a JSON object"),
        ("[]".to_owned(), "the request is an array", "a JSON object"),
        (
            detail(r#""name":"/a","operation":"drop""#),
            "unknown operation `drop`",
            "`create`, `update`, `delete`, `sync`",
        ),
        (
            detail(r#""name":"all","operation":"create""#),
            "`all` is accepted only with the operation `sync`",
            "`/all`",
        ),
        (
            detail(r#""name":"/a","operation":"sync","kind":"key""#),
            "unknown kind `key`",
            "`parameter` or `secret`",
        ),
        (
            detail(r#""name":"/a","operatoin":"sync""#),
            "unknown field `operatoin` in `detail` (did you mean `operation`?)",
            "`name`, `operation`, `kind`",
        ),
        (
            sync_of(r#""acount":"111122223333""#),
            "unknown field `acount` in the payload (did you mean `account`?)",
            "`detail`, `account`",
        ),
        (sync_of(r#""account":"1234""#), "`1234` is not an account id", "twelve digits"),
        (
            sync_of(r#""account":111122223333"#),
            "`account` is a number",
            "a string of twelve digits",
        ),
        (sync_of(r#""account":null"#), "`account` is null", "a string of twelve digits"),
        (
            sync_of(r#""region":"eu-west-1""#),
            "no route has the source Region eu-west-1",
            "expected us-east-2",
        ),
        (
            sync_of(r#""region":"europe""#),
            "`europe` is not the name of a Region",
            "`\"us-east-2\"`",
        ),
        (
            detail(&format!(r#""name":"/{long}","operation":"sync""#)),
            "the name has 2001 characters; the name of a parameter has at most 1011",
            "`/a/b`",
        ),
        (
            detail(&format!(r#""name":"{long}","operation":"sync","kind":"secret""#)),
            "the name has 2000 characters; the name of a secret has at most 512",
            "`db/main`",
        ),
        (
            sync_of(r#""max_deletes":"100%""#),
            "`max_deletes` requires `account`",
            r#""account":"111122223333""#,
        ),
    ] {
        let ran = hubctl.fed(&["invoke", "-"], &payload).await;
        let error = refused(&ran);
        assert_eq!(error.lines().count(), 1, "{payload}: {error}");
        let (told, form) = error.split_once("; expected ").unwrap_or_else(|| panic!("{error}"));
        assert!(told.contains(problem), "{payload}: {error}");
        assert!(form.contains(accepted.trim_start_matches("expected ")), "{payload}: {error}");
        assert!(error.len() < 600, "{payload}: {error}");
    }
    assert!(!aws.was_touched(), "a refusal costs no call");
}

#[tokio::test]
async fn arguments_that_are_none_are_refused_with_what_is_accepted() {
    let aws = Tripwire::new();
    let place = ["--account", "111122223333", "--region", "us-east-2"];
    let resolve = |name, take| [&["resolve", name, "--take", take][..], place.as_slice()].concat();
    let release = |kind, name| [&["release", kind, name][..], place.as_slice()].concat();
    for (arguments, problem, accepted) in [
        (vec!["sweep", "--account", "1234"], "`1234` is not an account id", "twelve digits"),
        (vec!["sweep", "--route", "us-east"], "`us-east` is not the name of a Region", "us-east-2"),
        (vec!["plan", "--route", "eu-west-1"], "unknown route", "us-east-2"),
        (vec!["plan", "--route", "us-east-2=eu-west-1"], "unknown route", "us-east-2"),
        (vec!["plan", "--format", "html"], "html", "table, json"),
        (vec!["sweep", "--even-if-excluded"], "required arguments were not provided", "--account"),
        (resolve("/a", "both"), "'both'", "source, target"),
        (resolve("a/b", "source"), "contains `/` but does not begin with `/`", "write `/a/b`"),
        (resolve("/a*", "target"), "the character '*'", "the ARN of a parameter, such as `/a/b`"),
        (release("key", "/a"), "'key'", "parameter, secret"),
        (
            release("parameter", "/aws/x"),
            "AWS's public parameters",
            "the ARN of a parameter, such as `/a/b`",
        ),
        (
            release("parameter", "arn:aws:ssm:us-east-1:111122223333:parameter/a"),
            "the ARN has account 111122223333 and Region us-east-1",
            "with the account and Region of the arguments",
        ),
        (release("secret", "a?b"), "the character '?'", "the ARN of a secret, such as `db/main`"),
        (vec!["freeze", "--reason", "x"], "required arguments were not provided", "--route"),
        (
            vec!["freeze", "--route", "us-east-2", "--reason", "x"],
            "`us-east-2` has no target",
            "`SOURCE=TARGET` with one target, such as `us-east-2=us-east-1`",
        ),
        (
            vec!["thaw", "--route", "us-east-2=us-east-1", "--serial", "last"],
            "invalid value 'last'",
            "--serial",
        ),
        (vec!["swep"], "unrecognized subcommand 'swep'", "sweep"),
        (vec!["invoke"], "required arguments were not provided", "<FILE>"),
        (
            vec!["invoke", "no/such/file.json"],
            "cannot read `no/such/file.json`",
            "expected a JSON file, or `-`",
        ),
        (vec!["invoke", "payloads"], "cannot read `payloads`", "expected a JSON file, or `-`"),
    ] {
        let ran = aws.hubctl().run(&arguments).await;
        let error = refused(&ran);
        assert!(error.contains(problem) && error.contains(accepted), "{arguments:?}: {error}");
    }
    assert!(!aws.was_touched());
    // With nothing to do it says what there is to do.
    let ran = aws.hubctl().run(&[]).await;
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{ran:#?}");
    assert!(ran.stderr.contains("Usage: hubctl <COMMAND>") && ran.stderr.contains("sweep"));
}

#[tokio::test]
async fn a_command_on_states_needs_the_table_and_a_route_of_the_settings() {
    let aws = Tripwire::new();
    let freeze = |route| vec!["freeze", "--reason", "it fails", "--route", route];
    let known = "us-east-2=us-east-1";
    let commands = [
        freeze(known),
        vec!["thaw", "--route", known],
        vec!["status"],
        vec!["invoke", "payloads/freeze.json"],
    ];
    for arguments in &commands {
        let ran = aws.hubctl().without("REPLICATOR_TABLE").run(arguments).await;
        let error = refused(&ran);
        assert!(error.contains("missing `REPLICATOR_TABLE`"), "{arguments:?}: {error}");
        assert!(error.contains("; expected the name of the table"), "{arguments:?}: {error}");
        let ran = aws.hubctl().with("REPLICATOR_TABLE", "none").run(arguments).await;
        let error = refused(&ran);
        assert!(error.contains("`REPLICATOR_TABLE` is `none`"), "{arguments:?}: {error}");
        assert!(error.contains("; expected the name of the table"), "{arguments:?}: {error}");
    }
    let hubctl = aws
        .hubctl()
        .with("REPLICATOR_TABLE", "failover-replicator")
        .with("REPLICATOR_ROUTES", "us-east-2=us-east-1,us-west-2;eu-west-1=eu-central-1");
    for route in ["us-east-2=eu-central-1", "us-east-1=us-east-2", "eu-west-1=us-west-2"] {
        for arguments in
            [freeze(route), vec!["thaw", "--route", route], vec!["status", "--route", route]]
        {
            let ran = hubctl.run(&arguments).await;
            let error = refused(&ran);
            assert!(error.contains(&format!("unknown route `{route}`")), "{error}");
            let routes = "`us-east-2=us-east-1`, `us-east-2=us-west-2`, `eu-west-1=eu-central-1`";
            assert!(error.contains(routes), "{error}");
        }
    }
    assert!(!aws.was_touched(), "a refusal costs no call");
}

#[tokio::test]
async fn settings_are_checked_whatever_is_asked_and_all_their_faults_are_told() {
    let aws = Tripwire::new();
    let hubctl = aws
        .hubctl()
        .with("REPLICATOR_ROUTES", "us-east-2")
        .with("REPLICATOR_MAX_DELETES", "lots")
        .with("REPLICATOR_QUOTAS", r#"{"*/*/ssm.raed":1}"#)
        .with("REPLICATOR_KMS_KEYS", "{")
        .with("REPLICATOR_EXCLUDE_ACCOUNTS", "1234")
        .with("REPLICATOR_SPOKE_EXTERNAL_ID", "file:/no/such/file")
        .with("REPLICATOR_INCLUDE_NAMS", "not shown");
    for arguments in
        [vec!["sweep"], vec!["plan", "--format", "json"], vec!["invoke", "payloads/sync-all.json"]]
    {
        let ran = hubctl.run(&arguments).await;
        let error = refused(&ran);
        assert!(error.contains("7 settings are invalid"), "{error}");
        for (setting, read, accepted) in [
            ("REPLICATOR_ROUTES", "`us-east-2`", "`SOURCE=TARGET[,TARGET]`"),
            ("REPLICATOR_MAX_DELETES", "`lots`", "from `0%` to `100%`"),
            ("REPLICATOR_QUOTAS", "ssm.raed", "`account/region/bucket`"),
            ("REPLICATOR_KMS_KEYS", "`{`", "from source key to target key"),
            ("REPLICATOR_EXCLUDE_ACCOUNTS", "`1234`", "twelve digits"),
            ("REPLICATOR_SPOKE_EXTERNAL_ID", "`file:/no/such/file`", "letters, digits"),
        ] {
            let line = error.lines().find(|line| line.contains(&format!("invalid `{setting}`")));
            let line = line.unwrap_or_else(|| panic!("{setting} in {error}"));
            let (told, form) = line.split_once("; expected ").unwrap_or_else(|| panic!("{line}"));
            assert!(told.contains(read) && form.contains(accepted), "{line}");
        }
        let unknown =
            "unknown setting `REPLICATOR_INCLUDE_NAMS`; did you mean `REPLICATOR_INCLUDE_NAMES`?";
        assert!(error.contains(unknown), "{error}");
        assert!(!error.contains("not shown"), "what no setting of ours holds is not ours to show");
    }
    let ran = aws.hubctl().without("REPLICATOR_ROUTES").run(&["plan"]).await;
    let error = refused(&ran);
    assert!(
        error.contains("missing `REPLICATOR_ROUTES`; expected `SOURCE=TARGET[,TARGET]`"),
        "{error}"
    );
    let ran = aws.hubctl().with("RUST_LOG", "loud=very").run(&["plan"]).await;
    assert!(refused(&ran).contains("RUST_LOG"), "{ran:#?}");
    assert!(!aws.was_touched());
}

#[tokio::test]
async fn writers_are_named_exactly_and_every_writer_is_trusted_only_on_loopback() {
    let aws = Tripwire::new();
    let hubctl = aws
        .hubctl()
        .with("REPLICATOR_FAILOVER_ROLE_NAME", "dr")
        .with("REPLICATOR_ON_TARGET_CHANGE", "overwrite");
    let names = "exact names of roles without their paths, separated by commas";
    for (writers, problem) in [
        ("old-*", "`old-*` is a pattern"),
        ("old,*", "`*` is accepted only alone"),
        ("a/old", "`a/old` has a path; write only the name after the last `/`: `old`"),
        ("arn:aws:iam::111122223333:role/old", "is an ARN; write only the name of the role `old`"),
        ("old,", "empty name"),
        ("old,dr", "`dr` is REPLICATOR_FAILOVER_ROLE_NAME"),
    ] {
        let ran = hubctl.clone().with("REPLICATOR_TRUSTED_WRITERS", writers).run(&["plan"]).await;
        let error = refused(&ran);
        assert!(error.contains("2 settings are invalid"), "{error}");
        let line = |setting: &str| {
            let line = error.lines().find(|line| line.contains(&format!("invalid `{setting}`")));
            line.unwrap_or_else(|| panic!("{setting} in {error}"))
        };
        let writers = line("REPLICATOR_TRUSTED_WRITERS");
        assert!(writers.contains(problem) && writers.contains(names), "{writers}");
        let on_change = line("REPLICATOR_ON_TARGET_CHANGE");
        assert!(on_change.ends_with("expected `report` or `restore`"), "{on_change}");
    }
    assert!(!aws.was_touched());

    let anyone = aws.hubctl().with("REPLICATOR_TRUSTED_WRITERS", "*");
    for (name, value, why) in [
        ("AWS_ENDPOINT_URL", "http://192.0.2.1:5000", "the host of AWS_ENDPOINT_URL is not"),
        ("AWS_ENDPOINT_URL", "http://localhost@192.0.2.1", "the host of AWS_ENDPOINT_URL is not"),
        ("AWS_ENDPOINT_URL_SSM", "https://192.0.2.1", "the host of AWS_ENDPOINT_URL_SSM is not"),
        ("AWS_ENDPOINT_URL", "", "neither AWS_ENDPOINT_URL nor AWS_ENDPOINT_URL_SSM is set"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", "disables AWS_ENDPOINT_URL"),
    ] {
        let ran = anyone.clone().with(name, value).run(&["plan"]).await;
        let error = refused(&ran);
        assert!(error.contains("only for an emulator on loopback"), "{error}");
        assert!(error.contains(why) && error.contains(names), "{error}");
        assert!(!error.contains("192.0.2.1"), "a URL may hold a password: {error}");
    }
    assert!(!aws.was_touched());
    // With the emulator on loopback it is accepted: the run begins, and nobody answers here.
    let begun = anyone.clone().without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
    not_begun(&begun.run(&["sweep", "--format=json"]).await);
}

/// A run that could not begin: nothing on stdout, one sentence and one remedy.
fn not_begun(ran: &Ran) -> (&str, &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{ran:#?}");
    let lines: Vec<&str> = ran.stderr.lines().collect();
    match lines.as_slice() {
        [error, remedy] => (
            error.strip_prefix("error: ").unwrap_or_else(|| panic!("{ran:#?}")),
            remedy.strip_prefix("remedy: ").unwrap_or_else(|| panic!("{ran:#?}")),
        ),
        _ => panic!("{ran:#?}"),
    }
}

#[tokio::test]
async fn without_credentials_it_says_what_to_set() {
    let aws = Tripwire::new();
    let hubctl = aws.hubctl().without("AWS_ACCESS_KEY_ID").without("AWS_SECRET_ACCESS_KEY");
    for arguments in [["sweep", "--format=json"], ["invoke", "payloads/sync-update.json"]] {
        let ran = hubctl.run(&arguments).await;
        let (error, remedy) = not_begun(&ran);
        assert!(error.contains("no AWS credentials were found"), "{error}");
        assert!(remedy.contains("AWS_PROFILE") && remedy.contains("AWS_ACCESS_KEY_ID"), "{remedy}");
    }
    // With the accounts named nothing is asked of the hub's own; it is then each account's failure.
    let ran = hubctl.run(&["sweep", "--account", "111122223333"]).await;
    assert_eq!(ran.code, 4, "{ran:#?}");
    assert!(ran.stdout.contains("no AWS credentials were found"), "{ran:#?}");
    assert!(!aws.was_touched());
}

#[tokio::test]
async fn where_nobody_listens_it_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    drop(listener);
    let ran = Hubctl::new(&format!("http://{address}"), &[]).run(&["sweep", "--format=json"]).await;
    let (error, remedy) = not_begun(&ran);
    assert!(error.contains("could not be reached"), "{error}");
    assert!(error.to_lowercase().contains("connection refused"), "{error}");
    assert!(remedy.contains("AWS_ENDPOINT_URL"), "{remedy}");
}

#[tokio::test]
async fn without_an_organisation_it_says_how_to_go_on() {
    // Nobody furnishes it, so nobody makes an organisation in it.
    let emulator = Emulator::alone(&[]);
    let hubctl = Hubctl::new(&emulator.url, &[]);
    for arguments in [["sweep", "--format=json"], ["invoke", "payloads/list-accounts.json"]] {
        let ran = hubctl.run(&arguments).await;
        let (error, remedy) = not_begun(&ran);
        assert!(error.contains("not in an organisation"), "{error}");
        assert!(remedy.contains("`account`") && remedy.contains("management account"), "{remedy}");
    }
}
