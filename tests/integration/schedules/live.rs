//! One schedule of many invocations, several items, sweeps and secrets, chosen by a seed and run with live hubs.
//!
//! Everything that happens is drawn from the seed: which call is answered next, the owner's changes, when a message is
//! taken from the queue or a sweep begins, who vanishes, which read is stale. So the seed alone is the schedule.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::check::{self, End};
use super::harm::{Windows, judge};
use super::heard::names;
use super::history::{self, Change, OPT_OUT, SOURCE};
use super::process::{Answer, Call, Input, Process, Status};
use super::runner::{Dice, Message, Runner};
use super::store::{ACCOUNT, Dates, Store, Who};
use super::stranger::{self, Act, Place};
use super::{alone, conduct};
use crate::support::{batch, call, delete_event, put_event, tag_event};

/// Routes and targets of every schedule.
const ROUTES: &str = "us-east-2=us-east-1";
const TARGET: &str = "us-east-1";
/// There from the beginning, with their replicas.
const OLD: [&str; 2] = ["/app/old", "/app/other"];
/// Not there at the beginning.
const NEW: &str = "/app/new";
/// A stranger holds this name in the target.
const THEIRS: &str = "/app/theirs";
/// All of them.
const NAMES: [&str; 4] = [THEIRS, OLD[0], OLD[1], NEW];
const SECRET: &str = "db/main";
/// Invocations at one time.
const AT_ONCE: usize = 4;
/// Longer than AWS takes for a secret's replica, and than it refuses a create after a deletion; in milliseconds.
const REPLICATION: u64 = 40_000;
/// How often a message is taken before it is set aside.
const RECEIVES: u32 = 8;
/// A stranger's act among what else happens.
const ACT: usize = 3;

/// A prepared world, of which every schedule begins with a copy.
pub(super) struct Beginning(Store);

impl Beginning {
    pub(super) fn new() -> Self {
        let mut store = Store::new(Dates::Flowing, aws_sim::Settings::default());
        for name in OLD {
            history::happen(&mut store, name, Change::Create, 0);
        }
        alone::live(&mut store, &check::sweep(ROUTES), None);
        history::happen(&mut store, THEIRS, Change::Create, 0);
        let value = theirs();
        let taken = json!({"Name": THEIRS, "Value": value, "Type": "String"});
        store.must(Who::Stranger, TARGET, "ssm:PutParameter", &taken);
        Self(store)
    }
}

fn theirs() -> String {
    format!("{}own", stranger::VALUE)
}

/// What may happen to a schedule, by its seed.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each may be with each other one")]
struct Weather {
    crashes: bool,
    stale_reads: bool,
    lost_answers: bool,
    /// Messages and sweeps come while others are at work.
    crowded: bool,
}

/// What is told of a schedule.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that is counted")]
pub(super) struct Told {
    /// What happened, line by line.
    pub(super) lines: Vec<String>,
    pub(super) calls: u64,
    pub(super) invocations: u64,
    /// Two invocations that wrote one item, each between the other's first read and last write of it.
    pub(super) overlap: bool,
    pub(super) crash: bool,
    pub(super) second_round: bool,
    pub(super) stale: bool,
    pub(super) lost: bool,
    /// A stranger acted.
    pub(super) act: bool,
    /// Versions of a stranger's that were covered or deleted, and in which window.
    pub(super) windows: Windows,
    /// What was left to a sweep.
    pub(super) mended: bool,
    pub(super) bad: Option<String>,
}

struct Schedule {
    store: Store,
    dice: Dice,
    weather: Weather,
    changes: usize,
    changed: usize,
    /// Acts that a stranger has left, and those that he did.
    acts: (usize, usize),
    sweeps: usize,
    queue: Vec<Message>,
    running: Vec<Runner>,
    /// Item, and from when to when: windows of invocations that wrote it.
    closed: Vec<(String, usize, usize)>,
    given_up: bool,
    told: Told,
}

/// Runs the schedule of a seed.
pub(super) fn run(beginning: &Beginning, seed: u64) -> Told {
    // The SDK draws its retries' pauses from the thread's own generator.
    fastrand::seed(seed);
    let mut dice = Dice(fastrand::Rng::with_seed(seed));
    let weather = Weather {
        crashes: dice.one_in(2),
        stale_reads: dice.one_in(3),
        lost_answers: dice.one_in(3),
        crowded: !dice.one_in(3),
    };
    let acts = if dice.one_in(2) { 1 + dice.below(2) } else { 0 };
    let mut schedule = Schedule {
        store: beginning.0.fork(),
        changes: 3 + dice.below(2),
        changed: 0,
        acts: (acts, 0),
        sweeps: dice.below(2),
        dice,
        weather,
        queue: Vec::new(),
        running: Vec::new(),
        closed: Vec::new(),
        given_up: false,
        told: Told::default(),
    };
    while schedule.told.bad.is_none() && schedule.step() {}
    if schedule.told.bad.is_none() {
        schedule.end();
    }
    schedule.told
}

impl Schedule {
    /// Does one thing; false when nothing is left to do.
    fn step(&mut self) -> bool {
        let has_room = self.running.len() < if self.weather.crowded { AT_ONCE } else { 2 };
        let mut choices = Vec::new();
        // A call is answered more often than anything else happens.
        choices.extend((0..self.running.len()).flat_map(|at| [Some(at); 4]));
        let change = self.changed < self.changes;
        let act = self.acts.0 > 0;
        let others = [change, has_room && !self.queue.is_empty(), has_room && self.sweeps > 0, act];
        let others: Vec<usize> = (0..others.len()).filter(|at| others[*at]).collect();
        choices.extend(others.iter().map(|_| None));
        // A stranger acts more often where a write is about to be done: that is where he is not seen.
        let windows = if act { self.about_to_be_written().len() } else { 0 };
        let others: Vec<usize> = others.into_iter().chain(vec![ACT; windows]).collect();
        choices.extend(vec![None; windows]);
        if choices.is_empty() {
            return false;
        }
        match choices[self.dice.below(choices.len())] {
            Some(at) => self.answer(at),
            None => match others[self.dice.below(others.len())] {
                0 => self.change(),
                1 => self.receive(),
                2 => {
                    self.sweeps -= 1;
                    self.begin(check::sweep(ROUTES), Vec::new());
                }
                _ => self.act(),
            },
        }
        true
    }

    fn change(&mut self) {
        self.changed += 1;
        if self.dice.one_in(8) {
            return self.change_secret();
        }
        let names = [OLD[0], OLD[0], OLD[0], OLD[1], NEW];
        let name = names[self.dice.below(names.len())];
        let fits: &[Change] = match self.store.parameter(SOURCE, name) {
            None => &[Change::Create],
            Some(_) => &[Change::Value, Change::Value, Change::Tag, Change::Delete, Change::OptOut],
        };
        let change = fits[self.dice.below(fits.len())];
        if change == Change::Create {
            // The name may have been deleted a moment ago.
            self.store.pause();
        }
        history::happen(&mut self.store, name, change, self.changed);
        self.note(&format!("owner: {change:?} {name}"));
        let held = self.store.parameter(SOURCE, name);
        let time = self.time();
        let tag = |key: &str| held.as_ref().and_then(|held| held.tags.get(key));
        let event = match (change, &held) {
            (Change::Create | Change::Value, Some(held)) => {
                put_event(ACCOUNT, &time, name, held.version)
            }
            (Change::Tag, _) => {
                tag_event(ACCOUNT, &time, name, "team", tag("team").map_or("", String::as_str))
            }
            (Change::OptOut, _) if tag(OPT_OUT).is_some() => {
                tag_event(ACCOUNT, &time, name, OPT_OUT, "exclude")
            }
            (Change::OptOut, _) => {
                let request =
                    json!({"resourceType": "Parameter", "resourceId": name, "tagKeys": [OPT_OUT]});
                call(ACCOUNT, &time, "RemoveTagsFromResource", &request, &Value::Null)
            }
            _ => delete_event(ACCOUNT, &time, name),
        };
        self.send(event);
    }

    /// A stranger does one of the things in the target that can be done there.
    fn act(&mut self) {
        self.acts.0 -= 1;
        self.acts.1 += 1;
        let mut names = vec![OLD[0], OLD[0], OLD[1], NEW];
        for _ in 0..2 {
            names.extend(self.about_to_be_written());
        }
        let name = names[self.dice.below(names.len())];
        let another = if name == OLD[1] { OLD[0] } else { OLD[1] };
        let place = Place { region: TARGET, name, another };
        let fits = |act: &Act| act.fits(&self.store, place);
        let fits: Vec<Act> = Act::ALL.into_iter().filter(fits).collect();
        let act = fits[self.dice.below(fits.len())];
        act.happen(&mut self.store, place, self.acts.1);
        self.told.act = true;
        self.note(&format!("stranger: {act:?} {name}"));
    }

    /// The names that a write is held for in the target.
    fn about_to_be_written(&self) -> Vec<&'static str> {
        let held = self.running.iter().flat_map(|runner| match &runner.status {
            Status::Waiting(held) => held.as_slice(),
            Status::Ended(_) => &[],
        });
        let writes = held.filter(|call| call.writes() && call.region == TARGET);
        let requests: Vec<Value> = writes.map(Call::request).collect();
        let written = requests.iter().flat_map(|request| names(request));
        let ours = [OLD[0], OLD[1], NEW];
        written.filter_map(|name| ours.into_iter().find(|one| *one == name)).collect()
    }

    fn change_secret(&mut self) {
        let request = json!({"Name": SECRET, "SecretString": format!("{}secret", history::VALUE)});
        let made = self.store.act(Who::Owner, SOURCE, "secretsmanager:CreateSecret", &request, 0);
        let name = if made.is_ok() { "CreateSecret" } else { "TagResource" };
        if made.is_err() {
            let tags = json!([{"Key": "change", "Value": self.changed.to_string()}]);
            let request = json!({"SecretId": SECRET, "Tags": tags});
            self.store.must(Who::Owner, SOURCE, "secretsmanager:TagResource", &request);
        }
        self.note(&format!("owner: {name} {SECRET}"));
        let event = call(ACCOUNT, &self.time(), name, &Value::Null, &json!({"name": SECRET}));
        self.send(event);
    }

    fn send(&mut self, event: Value) {
        let id = self.changed.to_string();
        self.queue.push(Message { id, event, received: 0 });
    }

    /// Some of the queue's messages go to an invocation.
    fn receive(&mut self) {
        let mut messages = Vec::new();
        while !self.queue.is_empty() && (messages.is_empty() || self.dice.one_in(2)) {
            let at = self.dice.below(self.queue.len());
            let mut message = self.queue.swap_remove(at);
            message.received += 1;
            messages.push(message);
        }
        let payload = batch(messages.iter().map(|one| (one.id.clone(), one.event.clone())));
        self.begin(Input::of_payload(ROUTES, &payload), messages);
    }

    fn begin(&mut self, input: Input, messages: Vec<Message>) {
        self.told.invocations += 1;
        let number = self.told.invocations;
        self.note(&format!("{number} begins: {:?}", input.asked));
        let (process, status) = Process::start(&input, self.store.now());
        let heard = Vec::new();
        let windows = BTreeMap::new();
        self.running.push(Runner { number, input, process, status, messages, heard, windows });
        self.settle(self.running.len() - 1);
    }

    fn answer(&mut self, at: usize) {
        let Status::Waiting(held) = &self.running[at].status else { return };
        let call = held[self.dice.below(held.len())].clone();
        let runner = &mut self.running[at];
        self.store.until(runner.process.now());
        let stale = self.weather.stale_reads && !call.writes() && self.dice.one_in(12);
        let mut answer = self.store.answer(&call, stale.into());
        let windows = &mut self.told.windows;
        self.told.bad = judge(&runner.input, &runner.heard(), &call, &mut self.store, windows);
        let crash = self.weather.crashes && call.writes() && self.dice.one_in(4);
        let lost = self.weather.lost_answers && call.writes() && !crash && self.dice.one_in(4);
        if lost {
            answer = Answer::lost();
        }
        let step = self.told.lines.len();
        if call.operation.starts_with("ssm:") {
            runner.see(&call, step);
        }
        self.told.calls += 1;
        self.told.stale |= stale;
        self.told.lost |= lost;
        let number = runner.number;
        let how = match (stale, crash, lost) {
            (true, ..) => " STALE",
            (_, true, _) => " CRASH",
            (.., true) => " LOST",
            _ => "",
        };
        if crash {
            let gone = self.running.swap_remove(at);
            self.close(&gone);
            self.told.crash = true;
            let is_sweep = gone.messages.is_empty();
            self.back(gone.messages, |_| true);
            // What began a sweep begins it again.
            self.sweeps += usize::from(is_sweep);
        } else {
            runner.status = runner.process.answer(&call, answer.clone(), self.store.now());
            runner.heard.push((call.clone(), answer));
        }
        self.note(&format!("{number}: {call}{how}"));
        if !crash {
            self.settle(at);
        }
    }

    /// Looks at what an invocation does now.
    fn settle(&mut self, at: usize) {
        let runner = &self.running[at];
        if let Some(fault) = conduct::fault(&runner.input, &runner.heard(), &runner.status) {
            self.told.bad = Some(fault);
        }
        if let Status::Ended(answer) = &runner.status {
            let answer = answer.clone();
            let quiet =
                NAMES.into_iter().filter(|name| !check::is_touched(&self.store, TARGET, name));
            if let Some(alarm) = quiet.flat_map(|name| check::conflicts(&answer, name)).next() {
                self.told.bad =
                    Some(format!("a conflict is told where nobody but the hub wrote: {alarm}"));
            }
            let ended = self.running.swap_remove(at);
            self.close(&ended);
            self.note(&format!("{} ends: {answer}", ended.number));
            let failures = answer["batchItemFailures"].as_array();
            let failed =
                |id: &str| failures.into_iter().flatten().any(|one| one["itemIdentifier"] == id);
            self.back(ended.messages, failed);
            let remaining = answer["remaining"].as_array().is_some_and(|left| !left.is_empty());
            self.sweeps += usize::from(remaining);
        }
    }

    /// Those of the messages that come again go back to the queue.
    fn back(&mut self, messages: Vec<Message>, again: impl Fn(&str) -> bool) {
        for message in messages.into_iter().filter(|message| again(&message.id)) {
            if message.received < RECEIVES {
                self.queue.push(message);
            } else {
                self.given_up = true;
            }
        }
    }

    fn close(&mut self, runner: &Runner) {
        self.told.second_round |= runner.has_second_round();
        for (item, (from, to)) in &runner.windows {
            let Some(to) = *to else { continue };
            // Whoever still runs may close later, and is compared then.
            self.told.overlap |= self.closed.iter().any(|(other, other_from, other_to)| {
                other == item && *other_from < to && *from < *other_to
            });
            self.closed.push((item.clone(), *from, to));
        }
    }

    fn end(&mut self) {
        // A secret's replica that was asked for is AWS's to bring about, in its time.
        self.store.until(self.store.now() + REPLICATION);
        let is_quiet = !self.told.crash && !self.told.stale && !self.told.lost && !self.given_up;
        let end = End { names: &NAMES, targets: &[TARGET], is_quiet };
        let is_replicated = secret_is_replicated(&mut self.store);
        self.told.mended = !is_replicated || End { names: &NAMES[1..], ..end }.differs(&self.store);
        if is_quiet && !is_replicated {
            self.told.bad = Some("a secret ends different though nothing went wrong".to_owned());
            return;
        }
        let mut is_mended = true;
        let sweep = check::sweep(ROUTES);
        let fault = end.fault(self.store.fork(), &mut |store| {
            let swept = alone::live(store, &sweep, None);
            store.until(store.now() + REPLICATION);
            is_mended = secret_is_replicated(store);
            swept
        });
        let theirs_now = self.store.parameter(TARGET, THEIRS);
        let is_theirs = theirs_now.is_some_and(|held| {
            held.value == theirs() && held.version == 1 && held.tags.is_empty()
        });
        self.told.bad = fault
            .or_else(|| (!is_theirs).then(|| "what is a stranger's was touched".to_owned()))
            .or_else(|| (!is_mended).then(|| "a sweep does not mend a secret".to_owned()));
    }

    fn note(&mut self, what: &str) {
        self.told.lines.push(format!("{} {what}", self.store.now()));
    }

    /// As events have it: whole seconds.
    fn time(&self) -> String {
        let seconds = i64::try_from(self.store.now() / 1000).expect("a time");
        aws_smithy_types::DateTime::from_secs(seconds)
            .fmt(aws_smithy_types::date_time::Format::DateTime)
            .expect("a date")
    }
}

/// Whether the secret, where there is one, has its replica.
fn secret_is_replicated(store: &mut Store) -> bool {
    let described = |store: &mut Store, region| {
        let request = json!({ "SecretId": SECRET });
        store.act(Who::Owner, region, "secretsmanager:DescribeSecret", &request, 0)
    };
    described(store, SOURCE).is_err()
        || described(store, TARGET).is_ok_and(|replica| replica["PrimaryRegion"] == SOURCE)
}
