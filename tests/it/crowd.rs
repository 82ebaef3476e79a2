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
    Capacity, Gate, GateOptions, InstanceType, RefreshOptions, Reservation,
    source::{Account, OwnedAllowances, Project, Read, ReservationShare, Source, SourceError},
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

    async fn rows(&self, owner: &str) -> Result<Read<OwnedAllowances>, SourceError> {
        let owned = OwnedAllowances {
            owner: owner.to_owned(),
            rows: Vec::new(),
        };
        self.answer(owned).await
    }
}

#[async_trait]
impl Source for Crowd {
    fn cloud(&self) -> &'static str {
        "nebius"
    }

    async fn account(&self) -> Result<Read<Account>, SourceError> {
        let project = |number| Project {
            id: format!("project-{number}"),
            name: format!("{number}"),
            region: String::from("eu-north1"),
            state: None,
        };
        let account = Account {
            tenant: String::from("tenant"),
            projects: (0..PROJECTS).map(project).collect(),
        };
        self.answer(account).await
    }

    async fn tenant_allowances(&self) -> Result<Read<OwnedAllowances>, SourceError> {
        self.rows("tenant").await
    }

    async fn project_allowances(
        &self,
        project: &str,
    ) -> Result<Read<OwnedAllowances>, SourceError> {
        self.rows(project).await
    }

    async fn instance_types(&self, _: &str) -> Result<Read<Vec<InstanceType>>, SourceError> {
        self.answer(Vec::new()).await
    }

    async fn capacities(&self) -> Result<Read<Vec<Capacity>>, SourceError> {
        self.answer(Vec::new()).await
    }

    async fn reservations(&self) -> Result<Read<Vec<Reservation>>, SourceError> {
        self.answer(Vec::new()).await
    }

    async fn reservation_shares(
        &self,
        _: &str,
    ) -> Result<Read<Vec<ReservationShare>>, SourceError> {
        self.answer(Vec::new()).await
    }
}

#[tokio::test(start_paused = true)]
async fn many_projects_are_read_few_lists_at_a_time_and_none_is_given_up() {
    let crowd = Arc::new(Crowd::default());
    let options = GateOptions {
        refresh: RefreshOptions {
            // An answer leaves no time to wait in.
            give_up: ANSWER + Duration::from_secs(1),
            first_wait: Duration::ZERO,
            concurrent: AT_A_TIME,
            ..RefreshOptions::default()
        },
        ..GateOptions::default()
    };
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
            .filter(|source| source.report.state == quotagate::SourceState::Complete)
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
