//! Writing down an account: every answer of the cloud as it came, failures included.

use std::collections::BTreeSet;

use futures::{StreamExt as _, future::join, stream};
use jiff::Timestamp;
use nebius_api::{
    nebius::iam::v2::{ListProjectsResponse, Tenant},
    world::{ProjectFiles, Recorded, RecordedError, World},
};
use tokio::time::Instant;

use crate::{
    client::NebiusClient,
    error::CallError,
    pages::{Fetched, ListResponse},
    question::About,
    status::code_name,
};

/// How many projects are asked about at a time.
const PROJECTS_AT_ONCE: usize = 8;

impl NebiusClient {
    /// Asks for everything that a world holds, all sources at once, and keeps what came: the answer, the part of an
    /// answer (its `next_page_token` says so), or the error. Each source has the deadline of a source to itself.
    pub async fn record(&self) -> World {
        let recorded_at = Timestamp::try_from(self.clock.now()).ok();
        let (mut world, (projects, by_project)) =
            join(self.record_tenant(), self.record_projects()).await;
        world.projects = projects;
        world.by_project = by_project.into_iter().collect();
        world.recorded_at = recorded_at.map(|instant| instant.to_string());
        world
    }

    async fn record_tenant(&self) -> World {
        let until = self.deadline();
        let tenant = self.resolve_tenant(until).await;
        let (tenant, allowances, advice, blocks) = match tenant {
            Ok(id) => tokio::join!(
                self.fetch_tenant(id, until),
                self.fetch_allowances(id, About::Tenant, until),
                self.fetch_advice(id, until),
                self.fetch_blocks(id, until),
            ),
            Err(error) => (
                Err::<Tenant, _>(error.clone()),
                Err(error.clone()),
                Err(error.clone()),
                Err(error),
            ),
        };
        World {
            tenant: match tenant {
                Ok(tenant) => Recorded::Answer(tenant),
                Err(error) => refused(&error),
            },
            allowances: list(allowances),
            resource_advice: list(advice),
            capacity_block_groups: list(blocks),
            ..World::default()
        }
    }

    async fn record_projects(
        &self,
    ) -> (Recorded<ListProjectsResponse>, Vec<(String, ProjectFiles)>) {
        let until = self.deadline();
        let projects = match self.resolve_tenant(until).await {
            Ok(tenant) => self.fetch_projects(tenant, until).await,
            Err(error) => Err(error),
        };
        // The project that was named can be read even if no list has it.
        let mut ids: BTreeSet<String> = self.project.iter().cloned().collect();
        if let Ok(projects) = &projects {
            let metadata = projects
                .items
                .iter()
                .filter_map(|item| item.metadata.as_ref());
            ids.extend(metadata.map(|metadata| metadata.id.clone()));
        }
        let files = stream::iter(ids)
            .map(|id| async move {
                let files = self.record_project(&id, self.deadline()).await;
                (id, files)
            })
            .buffer_unordered(PROJECTS_AT_ONCE)
            .collect()
            .await;
        (list(projects), files)
    }

    async fn record_project(&self, id: &str, until: Instant) -> ProjectFiles {
        let (allowances, platforms, shares) = tokio::join!(
            self.fetch_allowances(id, About::Project, until),
            self.fetch_platforms(id, until),
            self.fetch_shares(id, until),
        );
        ProjectFiles {
            allowances: list(allowances),
            platforms: list(platforms),
            capacity_allowances: list(shares),
        }
    }
}

fn list<Response: ListResponse>(
    fetched: Result<Fetched<Response::Item>, CallError>,
) -> Recorded<Response> {
    match fetched {
        Ok(fetched) => Recorded::Answer(fetched.into_response()),
        Err(error) => refused(&error),
    }
}

fn refused<T>(error: &CallError) -> Recorded<T> {
    Recorded::Error(RecordedError {
        code: code_name(error.code()).to_owned(),
        message: error.cloud_text(),
    })
}
