//! Reads all sources of an account at once; one that fails never fails the others.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::future::{join, join_all, join3, join4};

use super::{Inventory, Listed, ProjectInventory};
use crate::{clock::Clock, source::Source};

/// One count for the process: a plugin that serves two gates must not take one's inventory for the other's.
static NEXT_GENERATION: AtomicU64 = AtomicU64::new(1);

/// Which projects of an account are read.
#[derive(Clone, Debug)]
pub(crate) enum Projects {
    All,
    One(String),
}

/// Reads everything that launches in `projects` rest on.
#[tracing::instrument(name = "quotagate.fetch", skip_all, fields(cloud = source.cloud()))]
pub(crate) async fn fetch(
    source: &dyn Source,
    clock: &Clock,
    projects: &Projects,
) -> Arc<Inventory> {
    // All projects are known only once the account is; everything of the tenant goes alongside.
    let account_and_projects = async {
        let account = async { Listed::new(source.account().await, clock.now_ms()) };
        match projects {
            Projects::One(id) => {
                join(
                    account,
                    project_inventories(source, clock, std::slice::from_ref(id)),
                )
                .await
            }
            Projects::All => {
                let account = account.await;
                let ids: Vec<String> = account
                    .value
                    .projects
                    .iter()
                    .map(|project| project.id.clone())
                    .collect();
                let projects = project_inventories(source, clock, &ids).await;
                (account, projects)
            }
        }
    };
    let ((account, mut projects), tenant_allowances, capacities, reservations) = join4(
        account_and_projects,
        async { Listed::new(source.tenant_allowances().await, clock.now_ms()) },
        async { Listed::new(source.capacities().await, clock.now_ms()) },
        async { Listed::new(source.reservations().await, clock.now_ms()) },
    )
    .await;
    for project in &account.value.projects {
        if let Some(found) = projects.get_mut(&project.id) {
            found.region = Some(project.region.clone()).filter(|region| !region.is_empty());
        }
    }
    Arc::new(Inventory {
        generation: NEXT_GENERATION.fetch_add(1, Ordering::Relaxed),
        account,
        tenant_allowances,
        capacities,
        reservations,
        projects,
    })
}

async fn project_inventories(
    source: &dyn Source,
    clock: &Clock,
    ids: &[String],
) -> BTreeMap<String, ProjectInventory> {
    let one = async |id: &String| {
        let (allowances, instance_types, reservation_shares) = join3(
            async { Listed::new(source.project_allowances(id).await, clock.now_ms()) },
            async { Listed::new(source.instance_types(id).await, clock.now_ms()) },
            async { Listed::new(source.reservation_shares(id).await, clock.now_ms()) },
        )
        .await;
        let inventory = ProjectInventory {
            region: None,
            allowances,
            instance_types,
            reservation_shares,
        };
        (id.clone(), inventory)
    };
    join_all(ids.iter().map(one)).await.into_iter().collect()
}
