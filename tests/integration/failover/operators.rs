//! Two operators at once: each serial has exactly one record, the loser sees who did what, and a late repetition does
//! nothing.

use std::time::Duration;

use aws_sim::{Effect, Fault, LOST_ANSWERS, Sim};
use serde_json::{Value, json};

use super::{ROUTE, asked, freeze, history, operator, stage, thaw};

/// What an operator asks for.
#[derive(Clone, Copy, Debug)]
enum Asks {
    Freeze,
    Thaw,
    FreezeAccount(usize),
    ThawAccount(usize),
}

const ASKS: [Asks; 6] = [
    Asks::Freeze,
    Asks::Thaw,
    Asks::FreezeAccount(0),
    Asks::FreezeAccount(1),
    Asks::ThawAccount(0),
    Asks::ThawAccount(1),
];

impl Asks {
    fn payload(self, accounts: &[String], serial: u64, reason: &str) -> Value {
        let mut payload = match self {
            Self::Freeze | Self::FreezeAccount(_) => freeze(reason),
            Self::Thaw | Self::ThawAccount(_) => thaw(serial, reason),
        };
        if let Self::FreezeAccount(n) | Self::ThawAccount(n) = self {
            payload["failover"]["account"] = json!(accounts[n]);
        }
        payload
    }
}

/// Each call of the table takes a time of its own, and some answers are lost.
fn slow_down(sim: &Sim, dice: &mut fastrand::Rng) {
    for millis in [20, 150, 900] {
        let slow = Fault::new(Effect::Latency(Duration::from_millis(millis)));
        sim.fault(slow.per_mille(dice.u64(0..500)));
    }
    for effect in LOST_ANSWERS {
        let lost = Fault::new(effect).operation("dynamodb:PutItem").after_execution();
        sim.fault(lost.per_mille(dice.u64(0..250)));
    }
}

/// Serials without a gap and without a double, each with one operator.
fn check_history(sim: &Sim, at_least: u64, context: &str) {
    let history = history(sim);
    let serials: Vec<u64> = history.iter().map(|record| record.0).collect();
    let expected: Vec<u64> = (1..=serials.len() as u64).collect();
    assert_eq!(serials, expected, "{context}: {history:?}");
    assert!(serials.len() as u64 >= at_least, "{context}");
}

/// An answer names the record that holds, and an operator whose request is refused sees the other one.
fn check_answer(
    sim: &Sim,
    (own, other): (&str, &str),
    answer: &Result<Value, String>,
    context: &str,
) {
    let history = history(sim);
    match answer {
        Ok(answer) => {
            let serial = answer["serial"].as_u64().expect("a serial");
            if answer["changed"] == true {
                let record = history.iter().find(|record| record.0 == serial).expect("a record");
                assert!(record.1.contains(own), "{context}: {own} claims {record:?}");
            }
            assert_eq!(answer["done"], true, "{context}");
        }
        Err(why) => {
            assert!(why.contains(other), "{context}: {own} does not see {other}");
            assert!(why.contains("nothing was changed; expected"), "{context}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_serial_has_one_record_and_the_loser_sees_who_did_what() {
    let (mut refused, mut both_wrote) = (0, 0);
    for seed in 0..120 {
        fastrand::seed(seed);
        let mut dice = fastrand::Rng::with_seed(seed);
        let (sim, accounts) = stage(seed, 2);
        let first = operator("zoe", &sim).await;
        let begins = dice.bool();
        let start = if begins { thaw(0, "begin") } else { freeze("begin") };
        let begun = asked(&first, &start).await.expect("the first command");
        let serial = begun["serial"].as_u64().expect("a serial");
        tokio::time::sleep(Duration::from_mins(2)).await;
        slow_down(&sim, &mut dice);
        let [one, two] = [(); 2].map(|()| ASKS[dice.usize(0..ASKS.len())]);
        let (ann, bob) = (operator("ann", &sim).await, operator("bob", &sim).await);
        let asks = one.payload(&accounts, serial, "ann's reason");
        let other = two.payload(&accounts, serial, "bob's reason");
        let pause = Duration::from_millis(dice.u64(0..400));
        let later = async {
            tokio::time::sleep(pause).await;
            asked(&bob, &other).await
        };
        let (of_ann, of_bob) = futures::join!(asked(&ann, &asks), later);
        let context = format!("seed {seed}: {one:?} and {two:?}: {of_ann:?} {of_bob:?}");
        check_history(&sim, serial, &context);
        check_answer(&sim, ("/ann", "/bob"), &of_ann, &context);
        check_answer(&sim, ("/bob", "/ann"), &of_bob, &context);
        assert!(of_ann.is_ok() || of_bob.is_ok(), "one of them wins: {context}");
        refused += u32::from(of_ann.is_err()) + u32::from(of_bob.is_err());
        let wrote = |answer: &Result<Value, String>| {
            answer.as_ref().is_ok_and(|answer| answer["changed"] == true)
        };
        both_wrote += u32::from(wrote(&of_ann) && wrote(&of_bob));
    }
    assert!(refused > 5 && both_wrote > 5, "{refused} refused, {both_wrote} times both wrote");
}

#[tokio::test(start_paused = true)]
async fn a_late_repetition_of_a_thaw_does_nothing() {
    let (sim, _) = stage(1, 1);
    let ann = operator("ann", &sim).await;
    asked(&ann, &freeze("it fails")).await.expect("frozen");
    let late = thaw(1, "it is back");
    let answer = asked(&ann, &late).await.expect("active");
    assert_eq!((&answer["state"], &answer["changed"]), (&json!("active"), &json!(true)));
    // The same payload again, while the route is active: nothing to do.
    let again = asked(&ann, &late).await.expect("active");
    assert_eq!((&again["serial"], &again["changed"]), (&json!(2), &json!(false)));
    asked(&operator("bob", &sim).await, &freeze("it fails again")).await.expect("frozen");
    let before = history(&sim);
    let why = asked(&ann, &late).await.expect_err("bob froze the route after this thaw");
    for text in [&format!("cannot thaw {ROUTE}"), "serial 1", "now 3", "/bob", "it fails again"] {
        assert!(why.contains(text), "{text}: {why}");
    }
    assert_eq!(history(&sim), before);
}

#[tokio::test(start_paused = true)]
async fn a_thaw_of_the_whole_route_names_the_accounts_that_stay_frozen() {
    let (sim, accounts) = stage(2, 3);
    let ann = operator("ann", &sim).await;
    asked(&ann, &thaw(0, "first deployment")).await.expect("active");
    let mut one = freeze("this account moves");
    one["failover"]["account"] = json!(accounts[1]);
    asked(&ann, &one).await.expect("frozen");
    asked(&ann, &freeze("everything stops")).await.expect("frozen");
    let answer = asked(&ann, &thaw(3, "it is back")).await.expect("active");
    assert_eq!((&answer["state"], &answer["serial"]), (&json!("active"), &json!(4)));
    let exceptions = answer["accounts"].as_array().expect("a list");
    assert_eq!(exceptions.len(), 1, "{answer:#}");
    let fields = ["account", "state", "reason"].map(|field| exceptions[0][field].clone());
    assert_eq!(fields, [json!(accounts[1]), json!("frozen"), json!("this account moves")]);
}
