//! The engine against a cloud of its own: laws that hold for every account (`laws`), and the rules one by one (`rules`).

mod laws;
mod rules;

use alloc::{borrow::Cow, format, rc::Rc, vec, vec::Vec};

use crate::*;

/// A cloud whose launches take one `gpu` row for GPUs (or the row that the type names), one `count` row for instances, and
/// one `cluster` row for each new cluster.
pub(super) struct Toy;

impl Cloud for Toy {
    fn instance_demands<'a>(
        &self,
        launch: &Launch,
        instance_type: &'a InstanceType,
    ) -> Vec<Demand<'a>> {
        let gpus = if launch.profile.restart {
            Bearing::PerhapsHeldReservable
        } else {
            Bearing::Reservable
        };
        let quota = instance_type.gpu_quota.as_deref().unwrap_or("gpu");
        vec![
            Demand {
                quota: Cow::Borrowed(quota),
                ..demand("", instance_type.gpus.into(), 0, gpus)
            },
            demand("count", 1, 0, Bearing::Decisive),
            demand("optional", 1, 0, Bearing::WhereListed),
        ]
    }

    fn profile_demands(&self, profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        let clusters = profile.new_cluster.into();
        Ok(vec![demand("cluster", 0, clusters, Bearing::Decisive)])
    }

    fn rule(&self, _: &Finding) -> &'static str {
        "a rule"
    }

    fn not_checked(&self, _: &Launch, _: &InstanceType) -> &[&'static str] {
        &[]
    }

    fn remedy(&self, finding: &Finding, list: Option<SourceState>) -> Option<Remedy> {
        let raise = finding.minimum_limit;
        raise
            .map(|limit| format!("at least {limit}"))
            .or_else(|| list.map(|state| format!("the list is {state:?}")))
            .map(Remedy::from)
    }

    fn project_state(&self, state: &str) -> ProjectState {
        match state {
            "awake" => ProjectState::Launches,
            "asleep" => ProjectState::LaunchesNothing("sleeps"),
            _ => ProjectState::Unknown,
        }
    }
}

fn demand(quota: &'static str, each: u128, once: u128, bearing: Bearing) -> Demand<'static> {
    Demand {
        quota: Cow::Borrowed(quota),
        units: &["count"],
        each,
        once,
        bearing,
    }
}

pub(super) fn big(lifecycle: Lifecycle) -> Offer {
    Offer {
        instance_type: "big".into(),
        region: "here".into(),
        lifecycle,
    }
}

pub(super) fn source(state: SourceState) -> Source {
    Source {
        state,
        fetched_at: 1_000,
        detail: None,
    }
}

pub(super) fn row(owner: &str, name: &str, limit: Option<u64>, usage: u64) -> Allowance {
    Allowance {
        name: name.into(),
        owner: owner.into(),
        region: "here".into(),
        unit: "count".into(),
        state: RowState::Active,
        limit,
        usage,
        usage_state: UsageState::Used,
        usage_fraction: None,
        held: 0,
        held_at_most: 0,
    }
}

/// Everything that an account is made of, open to change.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) allowances: Allowances,
    pub(super) types: InstanceTypes,
    pub(super) capacities: Capacities,
    pub(super) reservations: Reservations,
    pub(super) blocks: Vec<Block>,
}

impl Parts {
    /// An account in which eight-GPU instances are offered and nothing is limited tightly.
    pub(super) fn roomy() -> Self {
        let list = |owner: &str, rows| AllowanceList {
            owner: owner.into(),
            rows,
            source: source(SourceState::Complete),
        };
        Self {
            allowances: Allowances {
                tenant: list(
                    "t",
                    ["gpu", "count", "cluster"]
                        .map(|name| row("t", name, Some(100), 0))
                        .to_vec(),
                ),
                project: list("p", Vec::new()),
            },
            types: InstanceTypes {
                region: Some("here".into()),
                project_state: None,
                items: vec![InstanceType {
                    name: "big".into(),
                    family: "f".into(),
                    vcpus: 128,
                    memory_bytes: 1 << 40,
                    gpus: 8,
                    gpu_quota: None,
                    preemptible: true,
                    clusterable: true,
                }],
                source: source(SourceState::Complete),
            },
            capacities: Capacities {
                items: Vec::new(),
                source: source(SourceState::Complete),
            },
            reservations: Reservations {
                items: Vec::new(),
                source: source(SourceState::Complete),
            },
            blocks: Vec::new(),
        }
    }

    pub(super) fn tenant_row(&mut self, name: &str) -> &mut Allowance {
        let rows = &mut self.allowances.tenant.rows;
        rows.iter_mut().find(|row| row.name == name).unwrap()
    }

    pub(super) fn account(&self) -> Account {
        self.account_of("p")
    }

    fn account_of(&self, project: &str) -> Account {
        let parts = self.clone();
        Account::new(
            project,
            parts.allowances,
            parts.types,
            parts.capacities,
            parts.reservations,
        )
        .with_blocks(parts.blocks)
    }

    pub(super) fn judge(&self, count: u32, profile: &Profile) -> Verdict {
        let policy = Policy {
            explain: true,
            ..Policy::default()
        };
        self.judge_under(count, profile, Lifecycle::OnDemand, &policy)
    }

    pub(super) fn admit(&self, plan: &[(u32, Profile)]) -> Admission {
        admit_in(&[("p", self)], plan)
    }

    pub(super) fn judge_under(
        &self,
        count: u32,
        profile: &Profile,
        lifecycle: Lifecycle,
        policy: &Policy,
    ) -> Verdict {
        let offer = big(lifecycle);
        assess(
            &Toy,
            &self.account(),
            1_000,
            &[offer],
            count,
            profile,
            policy,
        )
        .unwrap()
        .remove(0)
    }
}

/// Judges a plan over projects, each with what is read for it.
pub(super) fn admit_in(projects: &[(&str, &Parts)], plan: &[(u32, Profile)]) -> Admission {
    let accounts: Vec<(&str, Rc<Account>)> = projects
        .iter()
        .map(|(project, parts)| (*project, Rc::new(parts.account_of(project))))
        .collect();
    let plan: Vec<Launch> = plan
        .iter()
        .map(|(count, profile)| Launch {
            offer: big(Lifecycle::OnDemand),
            count: *count,
            profile: profile.clone(),
        })
        .collect();
    let policy = Policy {
        explain: true,
        ..Policy::default()
    };
    let account = |project: &str| {
        let known = accounts.iter().find(|(known, _)| *known == project);
        known.unwrap().1.clone()
    };
    admit(&Toy, account, 1_000, &plan, &policy).unwrap()
}
