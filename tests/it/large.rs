//! Accounts of many rows and many projects: a call stays within the memory that a plugin has by default.

use std::sync::Arc;

use async_trait::async_trait;
use quotagate::{
    Allowance, Capacity, Gate, InstanceType, Launch, Offer, Policy, Profile,
    QuotaOutcome, Reservation, RowState, Source, UsageState,
    source::{Account, OwnedAllowances, Project, Read, ReservationShare, SourceError},
};

use crate::{
    harness::{GPU_QUOTA, H200, REGION, TENANT},
    live::plugin,
};

/// An account of as many projects in one region, whose tenant has as many rows over all regions.
struct Large {
    projects: usize,
    rows: usize,
}

fn project(index: usize) -> String {
    format!("project-e00large{index:04}")
}

fn row(owner: &str, name: &str, region: &str) -> Allowance {
    Allowance {
        name: name.to_owned(),
        owner: owner.to_owned(),
        region: region.to_owned(),
        unit: "count".to_owned(),
        state: RowState::Active,
        limit: Some(100_000),
        usage: 8,
        usage_state: UsageState::Used,
        usage_fraction: None,
        held: 0,
        held_at_most: 0,
    }
}

#[async_trait]
impl Source for Large {
    fn cloud(&self) -> &str {
        "nebius"
    }

    async fn account(&self) -> Result<Read<Account>, SourceError> {
        let projects = (0..self.projects).map(|index| Project {
            id: project(index),
            name: format!("large {index}"),
            region: REGION.to_owned(),
            state: Some("ACTIVE".to_owned()),
        });
        Ok(Read::complete(Account {
            tenant: TENANT.to_owned(),
            projects: projects.collect(),
        }))
    }

    async fn tenant_allowances(&self) -> Result<Read<OwnedAllowances>, SourceError> {
        let known = [GPU_QUOTA, "compute.instance.count"];
        let mut rows: Vec<Allowance> = known.map(|name| row(TENANT, name, REGION)).to_vec();
        let others = (known.len()..self.rows).map(|index| {
            let region = format!("region-{}", index % 10);
            row(
                TENANT,
                &format!("compute.some.quota.number-{index}"),
                &region,
            )
        });
        rows.extend(others);
        Ok(Read::complete(OwnedAllowances {
            owner: TENANT.to_owned(),
            rows,
        }))
    }

    async fn project_allowances(
        &self,
        project: &str,
    ) -> Result<Read<OwnedAllowances>, SourceError> {
        let rows = (0..50).map(|index| row(project, &format!("share.number-{index}"), REGION));
        Ok(Read::complete(OwnedAllowances {
            owner: project.to_owned(),
            rows: rows.collect(),
        }))
    }

    async fn instance_types(&self, _: &str) -> Result<Read<Vec<InstanceType>>, SourceError> {
        Ok(Read::complete(vec![InstanceType {
            name: H200.to_owned(),
            family: "gpu-h200-sxm".to_owned(),
            vcpus: 128,
            memory_bytes: 1600 << 30,
            gpus: 8,
            gpu_quota: Some(GPU_QUOTA.to_owned()),
            preemptible: true,
            clusterable: true,
        }]))
    }

    async fn capacities(&self) -> Result<Read<Vec<Capacity>>, SourceError> {
        Ok(Read::complete(Vec::new()))
    }

    async fn reservations(&self) -> Result<Read<Vec<Reservation>>, SourceError> {
        Ok(Read::complete(Vec::new()))
    }

    async fn reservation_shares(
        &self,
        _: &str,
    ) -> Result<Read<Vec<ReservationShare>>, SourceError> {
        Ok(Read::complete(Vec::new()))
    }
}

/// A gate with the default memory.
fn gate(account: Large) -> Gate {
    Gate::new(plugin(), Arc::new(account)).unwrap()
}

fn offer() -> Offer {
    Offer {
        instance_type: H200.to_owned(),
        region: REGION.to_owned(),
        lifecycle: "on-demand".to_owned(),
    }
}

fn launch(project: String) -> Launch {
    Launch {
        offer: offer(),
        count: 1,
        profile: Profile {
            project,
            ..Profile::default()
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_projects_of_a_tenant_with_ten_thousand_rows_are_listed_within_the_default_memory() {
    let gate = gate(Large {
        projects: 40,
        rows: 10_000,
    });
    // One call over all projects comes first: it has one fresh instance, and no second try.
    let plan: Vec<Launch> = (0..40).map(|index| launch(project(index))).collect();
    let policy = Policy::default();
    let admission = gate.admit(&plan, &policy).await.unwrap().admission;
    assert_eq!(admission.verdict.quota, QuotaOutcome::Fits);
    assert_eq!(admission.demands.len(), 2 * 40);
    // Twice, so that warm instances serve what they kept.
    for _ in 0..2 {
        let listing = gate
            .filter(&[offer()], 1, &Profile::default(), &policy)
            .await
            .unwrap();
        assert_eq!(listing.items.len(), 40);
        for item in listing.items {
            assert_eq!(item.verdict.quota, QuotaOutcome::Fits, "{item:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_projects_than_an_instance_keeps_are_judged_all_the_same() {
    let gate = gate(Large {
        projects: 70,
        rows: 100,
    });
    let policy = Policy::default();
    for _ in 0..2 {
        let listing = gate
            .filter(&[offer()], 1, &Profile::default(), &policy)
            .await
            .unwrap();
        let fits = listing.items.iter();
        let fits = fits.filter(|item| item.verdict.quota == QuotaOutcome::Fits);
        assert_eq!(fits.count(), 70);
    }
    let plan: Vec<Launch> = (0..70).map(|index| launch(project(index))).collect();
    let admission = gate.admit(&plan, &policy).await.unwrap().admission;
    assert_eq!(admission.verdict.quota, QuotaOutcome::Fits);
}
