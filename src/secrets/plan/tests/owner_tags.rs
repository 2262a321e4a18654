//! Tags of the owner: opt-outs and value overrides.

use super::*;

fn opted_out(value: &str) -> Secret {
    let tags = Tags::from([(EXCLUDE_TAG.to_owned(), value.to_owned())]);
    Secret { tags: Some(tags), ..secret() }
}

#[test]
fn an_opt_out_is_read_in_any_case_and_the_replica_stays() {
    for value in ["exclude", "Exclude", "EXCLUDE", "remove", "Remove", "REMOVE"] {
        let secret = opted_out(value);
        let held = replica(&Secret { current_version: Some("v0".to_owned()), ..secret.clone() });
        for held in [None, Some(&held)] {
            assert_eq!(
                decide(&secret, held),
                SecretDecision::Leave(OutcomeKind::Excluded),
                "{value}"
            );
        }
    }
    for value in ["released", "Released"] {
        let secret = described(opted_out(value), &[]);
        assert!(matches!(decide(&secret, None), SecretDecision::Replicate { .. }), "{value}");
        assert_eq!(decide(&opted_out(value), Some(&replica(&opted_out(value)))), IN_SYNC);
    }
}

#[test]
fn an_unknown_opt_out_is_refused_with_the_accepted_values() {
    for value in ["excluded", "", " exclude", "yes", "value"] {
        let secret = described(opted_out(value), &[]);
        for held in [None, Some(replica(&secret))] {
            let SecretDecision::ReportAtSource(cause) = decide(&secret, held.as_ref()) else {
                panic!("{value} is not refused")
            };
            assert_eq!(cause.kind, FailureKind::Invalid);
            assert!(cause.message.contains("`exclude`, `remove` or `released`"), "{cause}");
            assert!(cause.remedy().contains("`exclude`, `remove` or `released`"), "{cause}");
        }
    }
    let unknown = opted_out("excluded");
    let names = NameFilter::new(["other/*"], []).expect("globs");
    let out_of_scope = By { names, ..By::default() }.decide(&unknown, None, false);
    assert_eq!(out_of_scope, SecretDecision::Leave(OutcomeKind::OutOfScope));
    let service_owned = Secret { owning_service: Some("rds".to_owned()), ..unknown };
    assert_eq!(decide(&service_owned, None), SecretDecision::Leave(OutcomeKind::Skipped));
}

#[test]
fn a_promoted_replica_that_its_owner_excluded_is_counted_and_not_reported() {
    let promoted = |value: &str| Secret { primary_region: None, ..replica(&opted_out(value)) };
    let source = secret();
    let excluded = SecretDecision::Leave(OutcomeKind::Excluded);
    assert_eq!(decide(&source, Some(&promoted("Exclude"))), excluded);
    let cause = reported(decide(&source, Some(&promoted("released"))));
    assert_eq!(cause.class, Some(ConflictClass::Released));
    let arn = "arn:aws:secretsmanager:us-east-1:111122223333:secret:db/main-zzzzzz".to_owned();
    let other = Secret { arn, ..promoted("exclude") };
    assert_eq!(reported(decide(&source, Some(&other))).class, Some(ConflictClass::Unmarked));
}

#[test]
fn a_value_of_a_targets_own_is_refused_since_no_replica_can_have_it() {
    let tagged = |key: &str| {
        let tags = Tags::from([(key.to_owned(), "x".to_owned())]);
        described(Secret { tags: Some(tags), ..secret() }, &[])
    };
    for key in ["value", "value/us-east-1", "value-from", "value-from/us-east-1"] {
        let SecretDecision::ReportAtSource(cause) =
            decide(&tagged(&format!("failover-replicator:{key}")), None)
        else {
            panic!("{key} is not refused")
        };
        assert_eq!(cause.kind, FailureKind::Unsupported);
        assert!(cause.message.contains(key), "{cause}");
    }
    let other_target = tagged("failover-replicator:value/us-west-2");
    assert!(
        matches!(decide(&other_target, None), SecretDecision::Replicate { .. }),
        "of another target"
    );
}
