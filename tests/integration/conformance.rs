//! One list of scenarios, asked of the emulator and of the simulator with the real SDK. Where the two differ, the
//! difference is declared in [`differences`] with the AWS rule that justifies it: an undeclared one fails, and so does
//! a declared one that is none.

mod differences;
mod organisation;
mod parameters;
mod reads;
mod secrets;
mod stage;
mod versions;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sim::Settings;

use self::differences::DIFFERENCES;
use self::stage::{Notes, Stage};
use crate::support::{World, simulated};

const ALIAS: &str = "alias/app";

/// What each scenario's steps came to, by `scenario: step`.
type Seen = BTreeMap<String, String>;

async fn perform(stage: &Stage) -> Seen {
    let mut notes = Notes::default();
    parameters::writes(stage, notes.of("put")).await;
    parameters::names(stage, notes.of("names")).await;
    parameters::tiers(stage, notes.of("tiers")).await;
    parameters::policies(stage, notes.of("policies")).await;
    parameters::keys(stage, notes.of("keys")).await;
    parameters::tags(stage, notes.of("tags")).await;
    parameters::deletes(stage, notes.of("delete")).await;
    versions::writers(stage, notes.of("writers")).await;
    versions::selectors(stage, notes.of("selectors")).await;
    versions::history(stage, notes.of("history")).await;
    versions::versions_and_labels(stage, notes.of("labels")).await;
    reads::by_name(stage, notes.of("get")).await;
    reads::lists(stage, notes.of("describe")).await;
    reads::resources(stage, notes.of("resources")).await;
    secrets::values(stage, notes.of("secrets")).await;
    secrets::replicas(stage, notes.of("replicas")).await;
    organisation::accounts(stage, notes.of("accounts")).await;
    organisation::roles(stage, notes.of("roles")).await;
    organisation::topics(stage, notes.of("topics")).await;
    notes.seen
}

fn on_the_emulator() -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let regions = ["us-east-2", "us-east-1"];
        let world = World::furnished(
            &[&["--accounts", "2", "--alias", ALIAS, "--regions"][..], &regions].concat(),
        );
        perform(&Stage::emulated(world)).await
    })
}

fn on_the_simulator() -> Seen {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let (sim, accounts) = simulated(Settings::default(), 2);
        sim.enforce_quotas(false);
        for account in &accounts {
            for region in ["us-east-2", "us-east-1"] {
                let region = sim.account(account).region(region);
                region.key("key-of-app", aws_sim::KeyState::Enabled).alias(ALIAS, "key-of-app");
            }
        }
        // Nothing of what follows is at the very beginning of time.
        tokio::time::sleep(Duration::from_secs(1)).await;
        perform(&Stage::simulated(sim, accounts)).await
    })
}

#[test]
#[expect(clippy::print_stdout, reason = "the list of differences is what the suite tells")]
fn emulator_and_simulator_differ_only_where_aws_says_so() {
    let (emulator, simulator) = std::thread::scope(|scope| {
        let emulator = scope.spawn(on_the_emulator);
        let simulator = on_the_simulator();
        (emulator.join().expect("it does not panic"), simulator)
    });
    assert!(simulator.len() > 100, "the scenarios are performed: {}", simulator.len());
    assert_eq!(emulator.keys().collect::<Vec<_>>(), simulator.keys().collect::<Vec<_>>());

    let facts: Vec<&str> =
        aws_sim::FACTS.lines().filter_map(|line| Some(line.split_once(". ")?.0)).collect();
    let mut wrong = Vec::new();
    println!("{} steps; where the emulator and the simulator differ:", simulator.len());
    for (step, simulated) in &simulator {
        let emulated = &emulator[step];
        let declared = DIFFERENCES.iter().find(|(declared, ..)| declared == step);
        match (emulated == simulated, declared) {
            (true, None) => {}
            (true, Some(_)) => wrong.push(format!("{step}: declared, and both say {simulated}")),
            (false, None) => wrong.push(format!(
                "{step}: not declared\n    emulator:  {emulated}\n    simulator: {simulated}"
            )),
            (false, Some((_, fact, why))) => {
                println!("- {step}\n    emulator:  {emulated}\n    simulator: {simulated}");
                println!("    fact {fact}: {why}");
                if !facts.contains(&fact.to_string().as_str()) {
                    wrong.push(format!("{step}: there is no fact {fact}"));
                }
            }
        }
    }
    for (step, ..) in DIFFERENCES {
        if !simulator.contains_key(*step) {
            wrong.push(format!("{step}: declared, and no step"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
