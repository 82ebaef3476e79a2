//! A source in front of another one: a test holds answers back, lets them go, and says who gives them. So it is the test,
//! and not the speed of the machine, that decides what comes first.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use quotagate::source::{Account, Answer, Read, Source, SourceError, SourceId};
use tokio::sync::watch;

/// Every question that a source is asked, by the kind under which an inventory lists its answer.
const QUESTIONS: [&str; 7] = [
    "account",
    "tenant_allowances",
    "project_allowances",
    "instance_types",
    "capacities",
    "reservations",
    "reservation_shares",
];

/// The source and the hand on it. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Steered(Arc<Steering>);

struct Steering {
    usual: Arc<dyn Source>,
    /// Who answers instead, by question.
    others: Mutex<BTreeMap<&'static str, Arc<dyn Source>>>,
    /// The questions whose answers are held back.
    held: watch::Sender<BTreeSet<&'static str>>,
    /// What was asked so far, in order.
    asked: Mutex<Vec<&'static str>>,
    under_way: Arc<AtomicUsize>,
}

/// A question under way: whoever answers it.
struct Asked {
    source: Arc<dyn Source>,
    _under_way: UnderWay,
}

/// Counts a question from when it is asked until it is answered or given up.
struct UnderWay(Arc<AtomicUsize>);

impl UnderWay {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Deref for Asked {
    type Target = dyn Source;

    fn deref(&self) -> &Self::Target {
        &*self.source
    }
}

impl Steered {
    pub(crate) fn new(usual: Arc<dyn Source>) -> Self {
        Self(Arc::new(Steering {
            usual,
            others: Mutex::default(),
            held: watch::Sender::default(),
            asked: Mutex::default(),
            under_way: Arc::default(),
        }))
    }

    /// Holds the answers to these questions back, from now on.
    pub(crate) fn hold(&self, questions: &[&'static str]) {
        assert!(questions.iter().all(|name| QUESTIONS.contains(name)));
        self.0.held.send_modify(|held| held.extend(questions));
    }

    /// Holds every answer back.
    pub(crate) fn hold_all(&self) {
        self.hold(&QUESTIONS);
    }

    /// Lets every answer go, also those that are waited for.
    pub(crate) fn release(&self) {
        self.0.held.send_modify(BTreeSet::clear);
    }

    /// Has this question answered by another source.
    pub(crate) fn have_answered(&self, question: &'static str, by: &Arc<dyn Source>) {
        assert!(QUESTIONS.contains(&question));
        let mut others = self.0.others.lock().unwrap();
        others.insert(question, Arc::clone(by));
    }

    /// Has every question answered by another source.
    pub(crate) fn have_all_answered(&self, by: &Arc<dyn Source>) {
        for question in QUESTIONS {
            self.have_answered(question, by);
        }
    }

    /// Has every question answered by the usual source again.
    pub(crate) fn have_all_answered_as_usual(&self) {
        self.0.others.lock().unwrap().clear();
    }

    /// How often anything was asked.
    pub(crate) fn asked(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }

    /// How often this question was asked.
    pub(crate) fn asked_for(&self, question: &str) -> usize {
        let asked = self.0.asked.lock().unwrap();
        asked.iter().filter(|name| **name == question).count()
    }

    /// Whether no question waits for its answer.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.under_way.load(Ordering::SeqCst) == 0
    }

    /// Notes the question, waits as long as its answer is held back, and gives whoever answers it.
    async fn asks(&self, question: &'static str) -> Asked {
        let under_way = UnderWay::new(&self.0.under_way);
        self.0.asked.lock().unwrap().push(question);
        let mut held = self.0.held.subscribe();
        let released = held.wait_for(|held| !held.contains(question)).await;
        released.expect("the sender is in here");
        let others = self.0.others.lock().unwrap();
        Asked {
            source: Arc::clone(others.get(question).unwrap_or(&self.0.usual)),
            _under_way: under_way,
        }
    }
}

#[async_trait]
impl Source for Steered {
    fn cloud(&self) -> &str {
        self.0.usual.cloud()
    }

    fn sources(&self, account: Option<&Account>) -> Vec<SourceId> {
        self.0.usual.sources(account)
    }

    async fn ask(&self, source: &SourceId) -> Result<Read<Answer>, SourceError> {
        let question = QUESTIONS.iter().find(|name| **name == source.kind);
        let question = question.expect("a source that tests know");
        self.asks(question).await.ask(source).await
    }
}
