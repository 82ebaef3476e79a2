//! An account with very many projects: only so many of its lists are read at a time, and none is given up while it waits
//! for its turn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use quotagate::{
    Feed, Gate, GateOptions, Owner, Place, SourceState,
    source::{Account, Answer, Read, Source, SourceError, SourceId},
};

use crate::live::plugin;

const PROJECTS: usize = 200;
/// Lists of the tenant, and of each project.
const LISTS: usize = 4 + 3 * PROJECTS;
const AT_A_TIME: usize = 7;
/// How long an answer takes, on a clock that waits for nobody.
const ANSWER: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Crowd {
    under_way: AtomicUsize,
    most: AtomicUsize,
    asked: AtomicUsize,
}

impl Crowd {
    async fn answer<T>(&self, value: T) -> Result<Read<T>, SourceError> {
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(under_way, Ordering::SeqCst);
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(ANSWER).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        Ok(Read::complete(value))
    }
}

#[async_trait]
impl Source for Crowd {
    fn cloud(&self) -> &'static str {
        "nebius"
    }

    fn sources(&self, account: Option<&Account>) -> Vec<SourceId> {
        let of_account = [
            ("account", Feed::Account),
            ("tenant_allowances", Feed::Rows),
            ("capacities", Feed::Capacities),
            ("reservations", Feed::Reservations),
        ];
        let of_project = [
            ("project_allowances", Feed::Rows),
            ("instance_types", Feed::Types),
            ("reservation_shares", Feed::Reservations),
        ];
        let mut sources = of_account
            .map(|(kind, feed)| SourceId::of_account(kind, feed))
            .to_vec();
        let projects = account.into_iter().flat_map(|account| &account.projects);
        for project in projects.filter_map(|chain| chain.last()) {
            let own = of_project.map(|(kind, feed)| SourceId::of_project(kind, feed, &project.id));
            sources.extend(own);
        }
        sources
    }

    async fn ask(&self, source: &SourceId) -> Result<Read<Answer>, SourceError> {
        let answer = match source.kind.as_str() {
            "account" => Answer::Account(account()),
            "capacities" => Answer::Capacities(Vec::new()),
            "reservations" => Answer::Reservations(Vec::new()),
            "reservation_shares" => Answer::Shares(Vec::new()),
            "instance_types" => Answer::Types {
                items: Vec::new(),
                kinds: Vec::new(),
            },
            _ => Answer::Rows(Vec::new()),
        };
        self.answer(answer).await
    }
}

fn account() -> Account {
    let tenant = Owner {
        id: String::from("tenant"),
        level: String::from("tenant"),
        ..Owner::default()
    };
    let project = |number| Owner {
        id: format!("project-{number}"),
        level: String::from("project"),
        place: Place::region("eu-north1"),
        ..Owner::default()
    };
    Account {
        projects: (0..PROJECTS)
            .map(|number| vec![tenant.clone(), project(number)])
            .collect(),
        places: Vec::new(),
    }
}

#[tokio::test(start_paused = true)]
async fn many_projects_are_read_few_lists_at_a_time_and_none_is_given_up() {
    let crowd = Arc::new(Crowd::default());
    let mut options = GateOptions::default();
    // An answer leaves no time to wait in.
    options.refresh.give_up = ANSWER + Duration::from_secs(1);
    options.refresh.first_wait = Duration::ZERO;
    options.refresh.concurrent = AT_A_TIME;
    let gate = Gate::builder(plugin(), Arc::clone(&crowd) as Arc<dyn Source>)
        .options(options)
        .build()
        .unwrap();
    // Rounds of the clock that the lists take if nothing is asked twice, and some more.
    let rounds = LISTS.div_ceil(AT_A_TIME) + 10;
    let mut read = 0;
    for _ in 0..rounds {
        let sources = gate.inventory().await.sources();
        read = sources
            .iter()
            .filter(|source| source.state == SourceState::Complete)
            .count();
        if read == LISTS {
            break;
        }
        tokio::time::sleep(ANSWER).await;
    }
    assert_eq!(read, LISTS);
    assert_eq!(crowd.asked.load(Ordering::SeqCst), LISTS);
    assert_eq!(crowd.most.load(Ordering::SeqCst), AT_A_TIME);
}
