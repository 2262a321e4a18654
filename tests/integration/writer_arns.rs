//! Kind: how AWS shows who wrote a version. The hub is an assumed role of the same account with the spoke role's exact
//! name, whether the ARN ends in a session or not; whoever else is not.
//!
//! Neighbours: the session shown in lists and histories, in either, in neither; a replica whose provenance names its
//! present version (the list proves it) and one where it does not (its history does); a stranger's version in either;
//! roles whose name begins or ends with the hub's; a spoke role of another name.

use crate::support::{
    Conflict, Emulator, HUB_ROLE, SOURCE, TARGET, World, assert_equal, assert_named, assert_stands,
    count, put,
};

/// Which answers of the emulator show a role's session. Everywhere else they all do.
const SHOWN: [&str; 3] = ["lists", "histories", "neither"];

#[tokio::test(start_paused = true)]
async fn the_hub_is_known_without_its_session_and_a_name_that_contains_its_name_is_another_s() {
    for shown in SHOWN {
        let world = World::on(Emulator::alone(&["--sessions", shown]), &[]);
        let (source, target) = (world.ssm(0, SOURCE).await, world.ssm(0, TARGET).await);
        let names = ["/arn/covered", "/arn/crashed", "/arn/stranger", "/arn/updated"];
        let roles = ["failover-replicator-spoke-2", "not-failover-replicator-spoke"];
        let by_roles = ["/by/longer", "/by/prefixed"];
        for name in names.iter().chain(&by_roles) {
            put(&source, name, "canary 1").await;
        }
        let hub = world.hub(&[]).await;
        assert_named(&world.sweep(&hub).await, &[]);
        for name in names {
            put(&source, name, "canary 2").await;
        }
        // As a process leaves them that ended right after its put.
        let hub_role = world.ssm_as(0, TARGET, HUB_ROLE).await;
        put(&hub_role, "/arn/crashed", "canary 2").await;
        put(&target, "/arn/covered", "canary of a stranger").await;
        put(&hub_role, "/arn/covered", "canary 2").await;
        put(&target, "/arn/stranger", "canary of a stranger").await;
        let mut expected = vec![
            Conflict::new("written_over", "/arn/covered", 2),
            Conflict::new("changed_in_target", "/arn/stranger", 2),
        ];
        for (name, role) in by_roles.into_iter().zip(roles) {
            world.make_role(0, role);
            put(&world.ssm_as(0, TARGET, role).await, name, "canary of a stranger").await;
            expected.push(Conflict::new("changed_in_target", name, 2).by(role));
        }
        let response = world.sweep(&hub).await;
        assert_named(&response, &expected);
        let seen = world.seen(0, TARGET).await;
        for name in ["/arn/crashed", "/arn/updated"] {
            assert_eq!(seen[name].value, "canary 2", "{shown}: {name}");
        }
        assert_stands(&world, &hub, &expected).await;
        let response = world.sweep(&hub).await;
        assert_eq!(count(&response, "parameters", "in_sync"), 2, "{shown}: {response:#}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_spoke_role_of_another_name_is_the_hub_where_the_setting_says_so() {
    let world = World::new(1);
    let name = "another-spoke";
    world.make_role(0, name);
    put(&world.ssm(0, SOURCE).await, "/spoke", "canary 1").await;
    let hub = world.hub(&[("SPOKE_ROLE_NAME", name)]).await;
    assert_named(&world.sweep(&hub).await, &[]);
    put(&world.ssm(0, SOURCE).await, "/spoke", "canary 2").await;
    assert_named(&world.sweep(&hub).await, &[]);
    assert_equal(&world, 0, TARGET).await;
    // What the default's role writes is a stranger's then.
    put(&world.ssm_as(0, TARGET, HUB_ROLE).await, "/spoke", "canary 3").await;
    let expected = [Conflict::new("changed_in_target", "/spoke", 3).by(HUB_ROLE)];
    assert_stands(&world, &hub, &expected).await;
}
