//! The cache itself under random schedules: answers come in any order, late, as failures or not at all, runtimes end under
//! fetches, projects go and come back. Whatever happens, each source is asked one question at a time, no fetch that died is
//! waited for, what was read again is as new as the question, and in the end every source is read.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::{runtime::Runtime, sync::oneshot};

use quotagate_contract::{Feed, Owner, SourceState};

use super::account::{AsTheyAre, OUTER, list, row};
use crate::{
    clock::Clock,
    inventory::{Cache, Projects},
    options::GateOptions,
    source::{Account, Answer, Read, Source, SourceError, SourceErrorKind, SourceId},
};

/// How many sources the project has.
pub(super) const OF_PROJECT: usize = 3;

#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// Somebody asks for a list.
    List,
    /// Somebody has the account's rows read again.
    ReadAgain,
    /// Somebody wants them read again, and does not wait.
    Soon,
    /// The account changes.
    Change,
    /// The project goes, or comes back.
    Project,
    Answer(usize),
    Fail(usize),
    Panic(usize),
    /// The runtime ends, with every task on it.
    EndRuntime,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::List),
        3 => Just(Step::ReadAgain),
        1 => Just(Step::Soon),
        3 => Just(Step::Change),
        1 => Just(Step::Project),
        10 => any::<usize>().prop_map(Step::Answer),
        1 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::Panic),
        1 => Just(Step::EndRuntime),
        3 => (1..200_u64).prop_map(Step::Pass),
    ]
}

/// What comes of a question.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answered {
    Well,
    Badly,
    /// By a bug.
    Panicking,
}

/// A question that waits for its answer.
struct Question {
    key: String,
    answer: oneshot::Sender<Answered>,
}

/// An account whose every answer a test gives.
#[derive(Default)]
pub(super) struct Cloud {
    questions: Mutex<Vec<Question>>,
    /// How often it changed: the usage of its one row.
    version: AtomicU64,
    has_no_project: AtomicBool,
    /// The list of projects breaks off.
    pub(super) breaks_off: AtomicBool,
    /// Answers at once.
    is_quick: AtomicBool,
}

impl Cloud {
    async fn asked(&self, key: String) -> Result<(), SourceError> {
        if self.is_quick.load(Ordering::SeqCst) {
            return Ok(());
        }
        let (answer, answered) = oneshot::channel();
        self.questions
            .lock()
            .unwrap()
            .push(Question { key, answer });
        match answered.await.unwrap() {
            Answered::Well => Ok(()),
            Answered::Badly => Err(down()),
            Answered::Panicking => panic!("a bug of the source"),
        }
    }

    /// The questions that somebody still waits for.
    pub(super) fn waiting(&self) -> Vec<String> {
        let mut questions = self.questions.lock().unwrap();
        questions.retain(|question| !question.answer.is_closed());
        questions
            .iter()
            .map(|question| question.key.clone())
            .collect()
    }

    fn answer(&self, which: usize, how: Answered) {
        self.waiting();
        let mut questions = self.questions.lock().unwrap();
        if let Some(which) = which.checked_rem(questions.len()) {
            questions.remove(which).answer.send(how).ok();
        }
    }

    fn account(&self) -> Read<Answer> {
        let owner = |id: &str, level: &str| Owner {
            id: id.to_owned(),
            level: level.to_owned(),
            ..Owner::default()
        };
        let chain = vec![owner("outer", "account"), owner("p", "project")];
        let is_gone = self.has_no_project.load(Ordering::SeqCst);
        let breaks_off = self.breaks_off.load(Ordering::SeqCst);
        let account = Account {
            projects: (!is_gone).then_some(chain).into_iter().collect(),
            places: Vec::new(),
        };
        Read {
            interrupted_by: breaks_off.then(down),
            ..Read::complete(Answer::Account(account))
        }
    }
}

#[async_trait]
impl Source for Cloud {
    fn cloud(&self) -> &str {
        "cloud"
    }

    fn sources(&self, account: Option<&Account>) -> Vec<SourceId> {
        let of_account = [
            ("account", Feed::Account),
            ("rows", Feed::Rows),
            ("capacities", Feed::Capacities),
            ("reservations", Feed::Reservations),
        ];
        let of_project = [
            ("rows", Feed::Rows),
            ("types", Feed::Types),
            ("shares", Feed::Reservations),
        ];
        let mut ids = of_account
            .map(|(kind, feed)| SourceId::of_account(kind, feed))
            .to_vec();
        let chains = account.map_or(&[][..], |account| &account.projects);
        for project in chains.iter().filter_map(|chain| chain.last()) {
            ids.extend(
                of_project.map(|(kind, feed)| SourceId::of_project(kind, feed, &project.id)),
            );
        }
        ids
    }

    async fn ask(&self, source: &SourceId) -> Result<Read<Answer>, SourceError> {
        self.asked(source.key.clone()).await?;
        Ok(match source.key.as_str() {
            "account" => self.account(),
            OUTER => list(vec![row(
                "outer",
                u64::MAX,
                self.version.load(Ordering::SeqCst),
            )]),
            "rows.p" => list(Vec::new()),
            "types.p" => Read::complete(Answer::Types {
                items: Vec::new(),
                kinds: Vec::new(),
            }),
            "capacities" => Read::complete(Answer::Capacities(Vec::new())),
            "reservations" => Read::complete(Answer::Reservations(Vec::new())),
            _ => Read::complete(Answer::Shares(Vec::new())),
        })
    }
}

pub(super) struct World {
    pub(super) cloud: Arc<Cloud>,
    pub(super) cache: Arc<Cache>,
    now: Arc<AtomicU64>,
    runtime: Option<Runtime>,
    /// What somebody read again and found older than the question.
    stale: Arc<Mutex<Vec<String>>>,
}

fn down() -> SourceError {
    SourceError::new(SourceErrorKind::Unavailable, "down".to_owned())
}

fn version(cache: &Cache) -> Option<u64> {
    let current = cache.with(|state, now| state.current(now));
    current.rows().next().map(|row| row.usage.at_least)
}

impl World {
    pub(super) fn new() -> Self {
        let (cloud, now) = (Arc::new(Cloud::default()), Arc::new(AtomicU64::new(1_000)));
        let hand = Arc::clone(&now);
        let cache = Cache::new(
            Arc::clone(&cloud) as Arc<dyn Source>,
            Arc::new(AsTheyAre),
            Clock::from_fn(move || hand.load(Ordering::SeqCst)),
            Projects::All,
            Arc::new(GateOptions::default()),
        );
        Self {
            cloud,
            cache: cache.unwrap(),
            now,
            runtime: Some(runtime()),
            stale: Arc::default(),
        }
    }

    fn run(&self, future: impl Future<Output = ()>) {
        self.runtime.as_ref().unwrap().block_on(future);
    }

    /// Lets every task get as far as it can.
    fn settle(&self) {
        self.run(async {
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
        });
    }

    pub(super) fn take(&mut self, step: Step) {
        let (cloud, cache) = (&self.cloud, Arc::clone(&self.cache));
        match step {
            Step::List => self.run(async move {
                tokio::spawn(async move { cache.inventory([]).await });
            }),
            Step::ReadAgain => {
                let asked_at = cloud.version.load(Ordering::SeqCst);
                let stale = Arc::clone(&self.stale);
                self.run(async move {
                    tokio::spawn(async move {
                        let wait = std::time::Duration::from_secs(600);
                        let unread = cache.read_again(Some(&[OUTER.to_owned()]), wait).await;
                        let read = version(&cache);
                        if unread.is_empty() && read < Some(asked_at) {
                            let what = format!("asked at {asked_at}, found {read:?}");
                            stale.lock().unwrap().push(what);
                        }
                    });
                });
            }
            Step::Soon => self.run(async move { cache.read_soon(&[OUTER.to_owned()]) }),
            Step::Change => {
                cloud.version.fetch_add(1, Ordering::SeqCst);
            }
            Step::Project => {
                cloud.has_no_project.fetch_xor(true, Ordering::SeqCst);
            }
            Step::Answer(which) => cloud.answer(which, Answered::Well),
            Step::Fail(which) => cloud.answer(which, Answered::Badly),
            Step::Panic(which) => cloud.answer(which, Answered::Panicking),
            Step::EndRuntime => {
                self.runtime = None;
                self.runtime = Some(runtime());
            }
            Step::Pass(seconds) => {
                self.now.fetch_add(seconds * 1_000, Ordering::SeqCst);
            }
        }
        self.settle();
    }

    fn check(&self) {
        let waiting = self.cloud.waiting();
        let (under_way, wanted) = self.cache.with(|state, _| {
            let slots = state.slots.iter();
            let under_way: Vec<String> = slots
                .clone()
                .filter(|(_, slot)| slot.flight.is_some())
                .map(|(key, _)| key.clone())
                .collect();
            (under_way, slots.count())
        });
        for key in &under_way {
            assert!(
                waiting.contains(key),
                "nobody asks {key}, and it counts as being asked"
            );
        }
        for key in &waiting {
            // The fetch of a project that was forgotten may still be there, beside that of the one that came back.
            let asked = waiting.iter().filter(|other| *other == key).count();
            assert!(
                asked == 1 || key.ends_with(".p"),
                "{key} is asked {asked} times at once"
            );
        }
        assert!(wanted <= 7);
        let stale = self.stale.lock().unwrap();
        assert!(stale.is_empty(), "{stale:?}");
    }

    /// From now on the cloud answers at once: everything is read.
    fn end(&mut self) {
        self.cloud.is_quick.store(true, Ordering::SeqCst);
        while !self.cloud.waiting().is_empty() {
            self.cloud.answer(0, Answered::Well);
            self.settle();
        }
        for _ in 0..4 {
            self.take(Step::Pass(3_601));
            self.take(Step::List);
        }
        self.check();
        assert_eq!(
            version(&self.cache),
            Some(self.cloud.version.load(Ordering::SeqCst))
        );
        let current = self.cache.with(|state, now| state.current(now));
        for source in current.sources() {
            assert_eq!(source.state, SourceState::Complete, "{source:?}");
        }
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_source_dies_and_none_is_asked_twice_at_once(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
            world.check();
        }
        world.end();
    }
}

#[test]
fn what_is_wanted_again_while_it_is_read_is_asked_once_more() {
    let mut world = World::new();
    world.take(Step::List);
    world.take(Step::Soon);
    world.take(Step::Change);
    let of_rows = |world: &World| {
        let waiting = world.cloud.waiting();
        waiting.iter().position(|key| key == OUTER)
    };
    let which = of_rows(&world).unwrap();
    world.take(Step::Answer(which));
    assert!(
        of_rows(&world).is_some(),
        "what came back was asked before it was wanted"
    );
    let which = of_rows(&world).unwrap();
    world.take(Step::Answer(which));
    assert_eq!(of_rows(&world), None);
    assert_eq!(version(&world.cache), Some(1));
}
