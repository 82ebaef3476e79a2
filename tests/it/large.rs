//! Accounts of many rows and many projects: a call stays within the memory that a plugin has by default.

use std::sync::Arc;

use quotagate::{
    Attribute, ContractInventory, Draw, Gate, InstanceType, Launch, Limit, Offered, Owner, Place,
    Policy, Profile, Question, QuotaOutcome, Row, StaticSource, TypesOfProject, Usage,
};

use crate::{
    harness::{GPU_QUOTA, H200, REGION, TENANT},
    live::{offer, plugin},
};

fn project(index: usize) -> String {
    format!("project-e00large{index:04}")
}

fn row(owner: &str, quota: &str, region: &str) -> Row {
    Row {
        key: format!("{owner}/{quota}/{region}"),
        quota: quota.to_owned(),
        owner: owner.to_owned(),
        place: Place::region(region),
        unit: "count".to_owned(),
        limit: Limit::Amount(100_000),
        usage: Usage::exactly(8),
        attributes: vec![Attribute::new("usage_state", "used")],
        ..Row::default()
    }
}

/// A gate with the default memory on an account of as many projects in one region, whose tenant has as many rows over all
/// regions.
fn gate(projects: usize, rows: usize) -> Gate {
    let tenant = Owner {
        id: TENANT.to_owned(),
        level: "tenant".to_owned(),
        ..Owner::default()
    };
    let chain = |index: usize| {
        let project = Owner {
            id: project(index),
            name: Some(format!("large {index}")),
            level: "project".to_owned(),
            place: Place::region(REGION),
            state: Some("ACTIVE".to_owned()),
        };
        vec![tenant.clone(), project]
    };
    let known = [GPU_QUOTA, "compute.instance.count"];
    let of_tenant = known.into_iter().map(|quota| row(TENANT, quota, REGION));
    let others = (known.len()..rows).map(|index| {
        let region = format!("region-{}", index % 10);
        row(
            TENANT,
            &format!("compute.some.quota.number-{index}"),
            &region,
        )
    });
    let of_projects = (0..projects).flat_map(|index| {
        (0..50).map(move |share| row(&project(index), &format!("share.number-{share}"), REGION))
    });
    let offered = InstanceType {
        name: H200.to_owned(),
        family: "gpu-h200-sxm".to_owned(),
        vcpus: 128,
        memory_bytes: 1600 << 30,
        gpus: 8,
        draws: vec![Draw {
            quota: GPU_QUOTA.to_owned(),
            each: 8,
        }],
        offered: vec![Offered {
            place: Place::region(REGION),
            lifecycles: vec!["on-demand".to_owned(), "preemptible".to_owned()],
            together: true,
            restriction: None,
        }],
        ..InstanceType::default()
    };
    let types = (0..projects).map(|index| TypesOfProject {
        project: project(index),
        items: vec![offered.clone()],
        kinds: Vec::new(),
    });
    let account = ContractInventory {
        owners: (0..projects).map(chain).collect(),
        rows: of_tenant.chain(others).chain(of_projects).collect(),
        types: types.collect(),
        ..ContractInventory::default()
    };
    let source = StaticSource::new("nebius", account);
    Gate::new(plugin(), Arc::new(source)).unwrap()
}

fn launch(project: String) -> Launch {
    Launch {
        offer: offer(H200),
        count: 1,
        profile: Profile {
            project,
            ..Profile::default()
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_projects_of_a_tenant_with_ten_thousand_rows_are_listed_within_the_default_memory() {
    let gate = gate(40, 10_000);
    // One call over all projects comes first: it has one fresh instance, and no second try.
    let plan: Vec<Launch> = (0..40).map(|index| launch(project(index))).collect();
    let policy = Policy::default();
    let admission = gate.admit(&plan, &policy).await.unwrap().admission;
    assert_eq!(admission.verdict.quota, QuotaOutcome::Fits);
    // The rows of the tenant, which all of them draw on.
    assert_eq!(admission.takes.len(), 2);
    // Twice, so that warm instances serve what they kept.
    for _ in 0..2 {
        let listing = gate.filter(&Question::new(&[offer(H200)])).await.unwrap();
        assert_eq!(listing.items.len(), 40);
        for item in listing.items {
            assert_eq!(item.verdict.quota, QuotaOutcome::Fits, "{item:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_projects_than_an_instance_keeps_are_judged_all_the_same() {
    let gate = gate(70, 100);
    let policy = Policy::default();
    for _ in 0..2 {
        let listing = gate.filter(&Question::new(&[offer(H200)])).await.unwrap();
        let fits = listing.items.iter();
        let fits = fits.filter(|item| item.verdict.quota == QuotaOutcome::Fits);
        assert_eq!(fits.count(), 70);
    }
    let plan: Vec<Launch> = (0..70).map(|index| launch(project(index))).collect();
    let admission = gate.admit(&plan, &policy).await.unwrap().admission;
    assert_eq!(admission.verdict.quota, QuotaOutcome::Fits);
}
