//! The JSON twins over accounts of extreme numbers. The first line of an input chooses the account, byte by byte; the
//! rest is the request. Without a rest the line chooses the request too.

use std::{collections::BTreeSet, sync::Arc};

use quotagate_engine::{
    Account, Admission, Allowance, AllowanceList, Allowances, Availability, Capacities, Capacity,
    CapacityLevel, Disk, Freshness, InstanceType, InstanceTypes, Lane, Launch, Lifecycle, Offer,
    Policy, Profile, QuotaOutcome, Reason, Reservation, ReservationChange, ReservationUse,
    Reservations, RowState, Source, SourceState, Strictness, UsageState, Verdict,
};
use quotagate_plugin_nebius::json::{admit_json, assess_json};
use serde_json::{Value, json};

const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    7,
    8,
    64,
    1_000,
    1 << 31,
    u32::MAX as u64,
    1 << 32,
    1 << 40,
    u64::MAX / 2,
    u64::MAX - 8,
    u64::MAX - 1,
    u64::MAX,
];
const REGIONS: &[&str] = &["eu-north1", "eu-west1", ""];
const PROJECTS: [&str; 2] = ["project-a", "project-b"];
const TYPES: &[&str] = &["gpu-h100-sxm 8gpu-128vcpu-1600gb", "cpu-e2 2vcpu-8gb", ""];
const FAMILIES: &[&str] = &["gpu-h100-sxm", "cpu-e2", "gpu-", ""];
const FABRICS: &[&str] = &["fabric-1", "fabric-2"];
const QUOTAS: &[&str] = &[
    "compute.instance.gpu.h100",
    "compute.instance.count",
    "compute.instance.preemptible.count",
    "compute.instance.non-gpu.vcpu",
    "compute.instance.non-gpu.memory",
    "compute.disk.count",
    "compute.disk.size.network-ssd",
    "compute.filesystem.count",
    "compute.filesystem.size.network-ssd",
    "compute.gpucluster.count",
    "vpc.allocation.count",
    "vpc.ipv4-address.public.count",
    "",
];
/// What a platform may name: mostly a quota that counts GPUs and nothing else.
const GPU_QUOTAS: &[&str] = &[
    "compute.instance.gpu.h100",
    "compute.instance.gpu.h200",
    "",
    "compute.instance.count",
    "vpc.allocation.count",
];
const KINDS: &[&str] = &[
    "network-ssd",
    "network-hdd",
    "network-ssd-io-m3",
    "nonsense",
];

/// Judges what the input asks, in the account that it describes.
pub(crate) fn check(input: &[u8]) {
    let (choices, request) = match input.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&input[..end], &input[end + 1..]),
        None => (input, &input[..0]),
    };
    let mut choices = Choices(choices);
    let now = choices.number();
    // What the tenant has is the same for every project.
    let tenant = allowance_list("tenant", &mut choices);
    let accounts = PROJECTS.map(|project| Arc::new(account(project, &tenant, &mut choices)));
    let account = |project: &str| {
        let at = PROJECTS.iter().position(|known| *known == project);
        accounts[at.unwrap_or(0)].clone()
    };
    let (offers, plan) = if request.is_empty() {
        requests(&mut choices)
    } else if let Ok(text) = str::from_utf8(request) {
        (text.to_owned(), text.to_owned())
    } else {
        return;
    };
    if let Ok(answer) = assess_json(&offers, now, account) {
        check_offers(&offers, &answer);
    }
    if let Ok(answer) = admit_json(&plan, now, account) {
        check_plan(&plan, &answer);
    }
}

fn check_offers(request: &str, answer: &str) {
    let request: Value = serde_json::from_str(request).expect("it was read before");
    let mut answer: Value = serde_json::from_str(answer).expect("the answer is JSON");
    let verdicts: Vec<Verdict> =
        serde_json::from_value(answer["verdicts"].take()).expect("verdicts");
    // A request may also be an array, in the order of the fields.
    if let Some(offers) = request["offers"].as_array() {
        assert_eq!(verdicts.len(), offers.len(), "a verdict for each offer");
    }
    for verdict in &verdicts {
        check_verdict(verdict);
    }
    if request.is_object() {
        let count = request["count"].as_u64().unwrap_or(1);
        for verdict in &verdicts {
            let fits = verdict.fits_count.map(u64::from);
            match verdict.quota {
                QuotaOutcome::Fits => assert!(fits.is_none_or(|fits| fits >= count), "{verdict:?}"),
                QuotaOutcome::Blocked => {
                    assert!(fits.is_none_or(|fits| fits < count), "{verdict:?}")
                }
                QuotaOutcome::Unknown => {}
            }
        }
    }
}

fn check_plan(request: &str, answer: &str) {
    let request: Value = serde_json::from_str(request).expect("it was read before");
    let admission: Admission = serde_json::from_str(answer).expect("the answer is an admission");
    check_verdict(&admission.verdict);
    assert_eq!(
        admission.breaks_at.is_none(),
        admission.verdict.quota == QuotaOutcome::Fits,
        "a plan breaks where it does not fit: {admission:?}"
    );
    let keys = admission.demands.iter().map(|demand| {
        assert!(demand.at_least <= demand.at_most, "{demand:?}");
        (&demand.quota, &demand.project, &demand.region)
    });
    assert_eq!(
        keys.collect::<BTreeSet<_>>().len(),
        admission.demands.len(),
        "each row once"
    );
    let keys = admission.reserved.iter().map(|demand| {
        assert!(demand.at_least <= demand.at_most, "{demand:?}");
        (&demand.reservation, &demand.project)
    });
    assert_eq!(
        keys.collect::<BTreeSet<_>>().len(),
        admission.reserved.len(),
        "each reservation once a project"
    );
    if let (Some(breaks_at), Some(plan)) = (admission.breaks_at, request["plan"].as_array()) {
        let launch = plan.get(breaks_at.index as usize);
        assert!(launch.is_some(), "it breaks inside the plan");
    }
}

fn check_verdict(verdict: &Verdict) {
    let worst = verdict.findings.iter().map(|finding| finding.outcome).max();
    assert_eq!(
        verdict.quota,
        worst.unwrap_or(QuotaOutcome::Fits),
        "the lattice: {verdict:?}"
    );
    assert_eq!(
        verdict.availability,
        Availability::of(verdict.quota, verdict.capacity)
    );
    for finding in &verdict.findings {
        if finding.reason == Reason::Shortage {
            assert!(finding.shortfall.is_some(), "{finding:?}");
        }
        if let (Some(limit), Some(usage), Some(headroom)) =
            (finding.limit, finding.usage, finding.headroom)
        {
            assert!(headroom <= limit.saturating_sub(usage), "{finding:?}");
        }
        if let (Some(headroom), Some(shortfall)) = (finding.headroom, finding.shortfall) {
            assert!(shortfall > 0, "{finding:?}");
            assert!(
                finding.required.is_some_and(|required| required == u64::MAX
                    || required.checked_sub(headroom) == Some(shortfall)),
                "{finding:?}"
            );
        }
    }
}

/// Bytes that choose; where they end, the first of everything is chosen.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> usize {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        // Printable letters choose as zero, one, two: seeds are text.
        usize::from(first.wrapping_sub(b'a'))
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.byte() % all.len()]
    }

    fn number(&mut self) -> u64 {
        self.of(NUMBERS)
    }

    fn small(&mut self) -> u32 {
        self.of(&[1, 0, 2, 8, 1_000_000, u32::MAX])
    }

    fn yes(&mut self) -> bool {
        self.byte() % 2 == 1
    }

    fn text(&mut self, all: &[&str]) -> String {
        self.of(all).to_owned()
    }

    fn maybe<T>(&mut self, value: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (!self.yes()).then(|| value(self))
    }

    fn list<T>(&mut self, most: usize, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let length = self.byte() % (most + 1);
        (0..length).map(|_| item(self)).collect()
    }

    fn usage_state(&mut self) -> UsageState {
        self.of(&[
            UsageState::Used,
            UsageState::NotUsed,
            UsageState::Unknown,
            UsageState::NotApplicable,
            UsageState::Unspecified,
        ])
    }

    fn source(&mut self) -> Source {
        Source {
            state: self.of(&[
                SourceState::Complete,
                SourceState::Complete,
                SourceState::Complete,
                SourceState::Incomplete,
                SourceState::Denied,
                SourceState::Unavailable,
            ]),
            fetched_at: self.number(),
            detail: self.maybe(|choices| choices.text(&["no viewer", ""])),
        }
    }
}

fn account(project: &str, tenant: &AllowanceList, choices: &mut Choices) -> Account {
    let region = choices.maybe(|choices| choices.text(REGIONS));
    let allowances = Allowances {
        tenant: tenant.clone(),
        project: allowance_list(project, choices),
    };
    let types = InstanceTypes {
        region,
        project_state: None,
        items: choices.list(4, instance_type),
        source: choices.source(),
    };
    let capacities = Capacities {
        items: choices.list(4, capacity),
        source: choices.source(),
    };
    let reservations = Reservations {
        items: choices.list(4, reservation),
        source: choices.source(),
    };
    Account::new(project, allowances, types, capacities, reservations)
}

fn allowance_list(owner: &str, choices: &mut Choices) -> AllowanceList {
    AllowanceList {
        owner: owner.to_owned(),
        rows: choices.list(16, |choices| {
            let row = Allowance {
                name: choices.text(QUOTAS),
                owner: choices.text(&[owner, owner, owner, "another"]),
                region: choices.text(REGIONS),
                unit: choices.text(&["count", "byte", "gpu", "gibibyte", ""]),
                state: choices.of(&[
                    RowState::Active,
                    RowState::Active,
                    RowState::Active,
                    RowState::Provisioning,
                    RowState::Frozen,
                    RowState::Deleted,
                    RowState::Unknown,
                ]),
                limit: choices.maybe(Choices::number),
                usage: choices.number(),
                usage_state: choices.usage_state(),
                usage_fraction: choices.maybe(fraction),
                held: choices.number(),
                held_at_most: 0,
            };
            Allowance {
                held_at_most: above(row.held, row.usage),
                ..row
            }
        }),
        source: choices.source(),
    }
}

/// A usage as a fraction of a limit, as a cloud may write it.
fn fraction(choices: &mut Choices) -> String {
    choices.text(&["0.17", "0", "0.00", "1.00", "12.5", "1e-05", "17%", ""])
}

fn instance_type(choices: &mut Choices) -> InstanceType {
    InstanceType {
        name: choices.text(TYPES),
        family: choices.text(FAMILIES),
        vcpus: choices.small(),
        memory_bytes: choices.number(),
        gpus: choices.small(),
        gpu_quota: choices.maybe(|choices| choices.text(GPU_QUOTAS)),
        preemptible: choices.yes(),
        clusterable: choices.yes(),
    }
}

fn capacity(choices: &mut Choices) -> Capacity {
    Capacity {
        instance_type: choices.text(TYPES),
        region: choices.text(REGIONS),
        fabric: choices.maybe(|choices| choices.text(FABRICS)),
        lane: choices.of(&[Lane::OnDemand, Lane::Preemptible, Lane::Reserved]),
        available: choices.small(),
        level: choices.of(&[
            CapacityLevel::High,
            CapacityLevel::Medium,
            CapacityLevel::Low,
            CapacityLevel::LimitReached,
            CapacityLevel::Unknown,
        ]),
        freshness: choices.of(&[Freshness::Fresh, Freshness::Stale, Freshness::Unknown]),
        observed_at: choices.maybe(Choices::number),
    }
}

/// A number that is not below another, by the last digits of a third: it needs no choice of its own.
const fn above(number: u64, by: u64) -> u64 {
    number.saturating_add(by % 16)
}

fn reservation(choices: &mut Choices) -> Reservation {
    let item = Reservation {
        id: choices.text(&["a", "b", ""]),
        family: choices.text(FAMILIES),
        region: choices.text(REGIONS),
        fabric: choices.maybe(|choices| choices.text(FABRICS)),
        active: !choices.yes(),
        limit: choices.number(),
        usage: choices.number(),
        usage_state: choices.usage_state(),
        usage_fraction: choices.maybe(fraction),
        project_limit: choices.maybe(Choices::number),
        project_usage: choices.number(),
        project_usage_state: choices.usage_state(),
        project_usage_fraction: choices.maybe(fraction),
        held: choices.number(),
        held_at_most: 0,
        project_held: 0,
        project_held_at_most: 0,
        next_change: choices.maybe(|choices| ReservationChange {
            at: choices.number(),
            limit: choices.maybe(Choices::number),
        }),
    };
    let project_held = item.held.min(item.project_usage);
    Reservation {
        held_at_most: above(item.held, item.usage),
        project_held,
        project_held_at_most: above(project_held, item.limit),
        ..item
    }
}

/// A request for offers and one for a plan, as JSON.
fn requests(choices: &mut Choices) -> (String, String) {
    let policy = Policy {
        strictness: choices.of(&[
            Strictness::Balanced,
            Strictness::Advisory,
            Strictness::Strict,
        ]),
        explain: choices.yes(),
        max_age_ms: choices.maybe(Choices::number),
    };
    let plan = choices.list(4, launch);
    let offers: Vec<&Offer> = plan.iter().map(|launch| &launch.offer).collect();
    let first = plan.first().map(|launch| (launch.count, &launch.profile));
    let (count, profile) = first.unzip();
    (
        json!({"offers": offers, "count": count.unwrap_or(1), "profile": profile.cloned().unwrap_or_default(), "policy": policy})
            .to_string(),
        json!({"plan": plan, "policy": policy}).to_string(),
    )
}

fn launch(choices: &mut Choices) -> Launch {
    let disk = |choices: &mut Choices| Disk {
        kind: choices.text(KINDS),
        bytes: choices.number(),
        count: choices.small(),
    };
    Launch {
        offer: Offer {
            instance_type: choices.text(TYPES),
            region: choices.text(REGIONS),
            lifecycle: choices.of(&[Lifecycle::OnDemand, Lifecycle::Preemptible]),
        },
        count: choices.small(),
        profile: Profile {
            project: choices.text(&PROJECTS),
            reservation: choices.of(&[
                ReservationUse::Auto,
                ReservationUse::Forbid,
                ReservationUse::Strict,
            ]),
            disks: choices.list(3, disk),
            filesystems: choices.list(3, disk),
            private_addresses: choices.small(),
            dynamic_public_addresses: choices.small(),
            static_public_addresses: choices.small(),
            restart: choices.yes(),
            new_cluster: choices.yes(),
            node_group: choices.yes(),
            fabric: choices.maybe(|choices| choices.text(FABRICS)),
        },
    }
}
