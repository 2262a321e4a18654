//! Runs one schedule: the world, its clock, the states of the route by that clock, and what is held.

use aws_sim::TableItem;
use serde_json::{Value, json};

use super::acts::{self, Act};
use super::orders::Schedule;
use crate::schedules::alone;
use crate::schedules::check::End;
use crate::schedules::history::{self, Change, NAME};
use crate::schedules::process::{Answer, Call, Input, Process, Status};
use crate::schedules::store::{ACCOUNT, Dates, Store, Who};

pub(super) const ROUTES: &str = "us-east-2=us-east-1";
pub(super) const PAIR: &str = ROUTES;
pub(super) const TARGET: &str = "us-east-1";
const TABLE: &str = "hub";
pub(super) const SETTINGS: &[(&str, &str)] = &[("TABLE", TABLE)];
/// How old a read of the state may be when a write begins, in milliseconds.
const BELIEVED: u64 = 10_000;

/// What came of a schedule.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) processes: usize,
    pub(super) writes: usize,
    pub(super) held: bool,
    pub(super) crashed: bool,
    /// Answers that say that the gate refused a write.
    pub(super) refused: usize,
    pub(super) transitions: usize,
    pub(super) bad: Option<String>,
}

/// Runs schedules, each from the same beginning.
pub(super) fn run_all(schedules: &[Schedule]) -> Vec<Run> {
    // A simulator needs a runtime's clock, though its own clock is the schedule's.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    let _inside = runtime.enter();
    let beginning = Stage::new();
    schedules.iter().map(|schedule| run(&beginning, schedule)).collect()
}

fn run(beginning: &Stage, schedule: &Schedule) -> Run {
    let mut stage = beginning.fork();
    stage.perform(schedule);
    let Stage { mut run, lines, .. } = stage;
    run.bad = run.bad.map(|why| format!("{why}\n  {schedule:?}\n    {}", lines.join("\n    ")));
    run
}

/// A process that has not ended.
struct Running {
    process: Process,
    status: Status,
    /// The answer to a write that was done before the process was held.
    done: Option<Answer>,
}

struct Stage {
    store: Store,
    /// From when on, by the world's clock, the account is written or not.
    active: Vec<(u64, bool)>,
    changes: usize,
    /// The serial of the last thaw's payload.
    thawed: Option<u64>,
    lines: Vec<String>,
    run: Run,
}

impl Stage {
    /// A source with its replica, and an active route.
    fn new() -> Self {
        let store = Store::new(Dates::Flowing, aws_sim::Settings::default());
        store.make_table(TARGET, TABLE);
        let active = vec![(store.now(), false)];
        let (lines, run) = (Vec::new(), Run::default());
        let mut stage = Self { store, active, changes: 0, thawed: None, lines, run };
        history::happen(&mut stage.store, NAME, Change::Create, 0);
        stage.finish(&acts::thaw(0));
        stage.finish(&acts::sweep());
        stage.run = Run::default();
        stage.lines.clear();
        stage
    }

    fn fork(&self) -> Self {
        Self {
            store: self.store.fork(),
            active: self.active.clone(),
            changes: self.changes,
            thawed: self.thawed,
            lines: Vec::new(),
            run: Run::default(),
        }
    }

    fn perform(&mut self, schedule: &Schedule) {
        let mut held: Option<Running> = None;
        let mut seconds: Vec<(u64, Running)> = Vec::new();
        for (at, act) in schedule.acts.iter().enumerate() {
            self.store.until(self.store.now() + schedule.pause);
            self.lines.push(format!("{} {act:?}", self.store.now()));
            let hold = schedule.held.filter(|(place, _)| *place == at).map(|(_, call)| call);
            match act {
                Act::Sweep | Act::Event => {
                    let asked = if *act == Act::Sweep { acts::sweep() } else { acts::event() };
                    held = self.invoke(&asked, hold).or(held);
                }
                Act::SecondOperatorFreezes => {
                    let serial = self.serial();
                    let freeze = self.until_put(&acts::freeze(false, false));
                    seconds.extend(freeze.map(|second| (serial, second)));
                }
                Act::SecondOperatorThaws => {
                    let serial = self.serial();
                    let thaw = self.until_put(&acts::thaw(serial));
                    seconds.extend(thaw.map(|second| (serial, second)));
                }
                other => self.act(*other),
            }
        }
        self.store.until(self.store.now() + schedule.pause);
        for (serial, second) in seconds {
            self.late(serial, |stage| {
                stage.go_on(second, None);
            });
        }
        if let Some(running) = held {
            self.run.held = true;
            if schedule.crash {
                self.run.crashed = true;
                self.lines.push("crash".to_owned());
            } else {
                self.lines.push(format!("{} goes on", self.store.now()));
                self.go_on(running, None);
            }
        }
        self.end();
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Freeze => self.finish(&acts::freeze(false, true)),
            Act::FreezeAccount => self.finish(&acts::freeze(true, false)),
            Act::Thaw => {
                let serial = self.serial();
                self.thawed = Some(serial);
                self.finish(&acts::thaw(serial));
            }
            Act::ThawAgain => {
                if let Some(serial) = self.thawed {
                    self.late(serial, |stage| stage.finish(&acts::thaw(serial)));
                }
            }
            Act::OwnerWrites => {
                self.changes += 1;
                history::happen(&mut self.store, NAME, Change::Value, self.changes);
            }
            Act::StrangerWrites => {
                self.changes += 1;
                let value = format!("{}{}", crate::schedules::stranger::VALUE, self.changes);
                let put =
                    json!({"Name": NAME, "Value": value, "Type": "String", "Overwrite": true});
                self.store.must(Who::Stranger, TARGET, "ssm:PutParameter", &put);
            }
            Act::LoseTable => {
                self.store.empty_table(TARGET, TABLE);
                self.note_state();
            }
            Act::SecondOperatorFreezes | Act::SecondOperatorThaws | Act::Sweep | Act::Event => {
                unreachable!("these are processes that may be held")
            }
        }
    }

    /// Lets a command go on that saw the serial `seen`. If the state changed since, the command must not start the
    /// replication.
    fn late(&mut self, seen: u64, command: impl FnOnce(&mut Self)) {
        let before = self.serial();
        command(self);
        let is_active = self.active.last().is_some_and(|(_, active)| *active);
        if before != seen && self.serial() != before && is_active {
            let why = format!("a thaw that saw the serial {seen} was believed after {before}");
            self.run.bad.get_or_insert(why);
        }
    }

    /// Runs a process to its end.
    fn finish(&mut self, asked: &Input) {
        let running = self.start(asked);
        self.go_on(running, None);
    }

    /// Runs an invocation, up to its call of this number if it is held.
    fn invoke(&mut self, asked: &Input, hold: Option<usize>) -> Option<Running> {
        let running = self.start(asked);
        self.go_on(running, hold)
    }

    /// Runs a command up to its put of a record.
    fn until_put(&mut self, asked: &Input) -> Option<Running> {
        let mut running = self.start(asked);
        loop {
            match &running.status {
                Status::Ended(_) => return None,
                Status::Waiting(calls) if calls[0].operation == "dynamodb:PutItem" => {
                    return Some(running);
                }
                Status::Waiting(calls) => {
                    let call = calls[0].clone();
                    self.answer(&mut running, &call);
                }
            }
        }
    }

    fn start(&mut self, asked: &Input) -> Running {
        self.run.processes += 1;
        let (process, status) = Process::start(asked, self.store.now());
        self.store.until(process.now());
        let running = Running { process, status, done: None };
        self.see(&running, &[]);
        running
    }

    /// Answers calls until the end, or until the call of the number `hold`. A write that is held is done already.
    fn go_on(&mut self, mut running: Running, hold: Option<usize>) -> Option<Running> {
        let mut number = 0;
        loop {
            let calls = match &running.status {
                Status::Ended(answer) => {
                    let told = answer.to_string();
                    self.run.refused += usize::from(told.contains("the hub began no request to"));
                    return None;
                }
                Status::Waiting(calls) => calls.clone(),
            };
            if hold == Some(number) {
                running.done = calls[0].writes().then(|| {
                    self.store.until(running.process.now());
                    self.store.answer(&calls[0], 0)
                });
                return Some(running);
            }
            self.answer(&mut running, &calls[0]);
            number += 1;
        }
    }

    fn answer(&mut self, running: &mut Running, call: &Call) {
        let before = match &running.status {
            Status::Waiting(calls) => calls.clone(),
            Status::Ended(_) => Vec::new(),
        };
        self.store.until(running.process.now());
        let done = running.done.take();
        let answer = done.unwrap_or_else(|| self.store.answer(call, 0));
        if call.operation == "dynamodb:PutItem" && answer.status == 200 {
            self.note_state();
            self.run.transitions += usize::from(call.body.contains("state#"));
        }
        running.status = running.process.answer(call, answer, self.store.now());
        self.store.until(running.process.now());
        self.see(running, &before);
    }

    /// Judges the writes that are new among the calls that wait.
    fn see(&mut self, running: &Running, before: &[Call]) {
        let Status::Waiting(calls) = &running.status else { return };
        let now = self.store.now();
        for call in calls.iter().filter(|call| call.writes() && !before.contains(call)) {
            self.run.writes += 1;
            self.lines.push(format!("{now}   {}", call.operation));
            if !self.was_active(now) {
                let why = format!("a write began at {now} while the route was not active: {call}");
                self.run.bad.get_or_insert(why);
            }
        }
    }

    /// Whether the account was written at some moment of the last 10 s.
    fn was_active(&self, now: u64) -> bool {
        let from = now.saturating_sub(BELIEVED);
        let ends = self.active.iter().skip(1).map(|(at, _)| *at).chain([u64::MAX]);
        self.active.iter().zip(ends).any(|((_, active), end)| *active && end >= from)
    }

    /// Notes the state of the account as the table has it now.
    fn note_state(&mut self) {
        let now = self.store.now();
        let record = self.store.newest_item(TARGET, TABLE, &format!("state#{PAIR}"));
        let is_active = record.as_ref().is_some_and(is_active);
        self.lines.push(format!("{now}   active: {is_active}"));
        self.active.push((now, is_active));
    }

    fn serial(&self) -> u64 {
        let record = self.store.newest_item(TARGET, TABLE, &format!("state#{PAIR}"));
        record
            .map_or(0, |item| item["sk"]["S"].as_str().expect("a serial").parse().expect("digits"))
    }

    /// An operator thaws the route and the account, and sweeps look at what is left.
    fn end(&mut self) {
        self.store.until(self.store.now() + 60_000);
        let serial = self.serial();
        self.finish(&acts::thaw(serial));
        let serial = self.serial();
        self.finish(&acts::thaw_account(serial));
        let end = End { names: &[NAME], targets: &[TARGET], is_quiet: false };
        let sweep = acts::sweep();
        let fault =
            end.fault(self.store.fork(), &mut |store: &mut Store| alone::live(store, &sweep, None));
        if let Some(why) = fault {
            self.run.bad.get_or_insert(why);
        }
    }
}

/// Whether the record makes the account active: by an own record that is newer than the route's, or by the route's.
fn is_active(item: &TableItem) -> bool {
    let number = |value: &Value| value["N"].as_str().and_then(|n| n.parse::<u64>().ok());
    let route = item["state"]["S"] == "active";
    let own = &item["accounts"]["M"][ACCOUNT]["M"];
    match own["state"]["S"].as_str() {
        None => route,
        Some("active") => route || number(&own["serial"]) > number(&item["route_serial"]),
        Some(_) => false,
    }
}
