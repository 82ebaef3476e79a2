//! Accounts and requests of extreme numbers, chosen byte by byte.

use std::collections::BTreeMap;

use quotagate_guest::{
    Attribute, Capacity, Change, Detail, Draw, Feed, Grade, InstanceType, Inventory, Launch,
    Lesson, LessonKind, Limit, Need, Offer, Offered, Owner, Per, Place, PlaceOffered, Policy,
    Profile, Reservation, ReservationUse, ReservationsOfProject, Row, RowState, SourceReport,
    SourceState, Take, TypesOfProject, Usage,
};

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
const TENANT: &str = "tenant";
const PROJECTS: [&str; 2] = ["project-a", "project-b"];
const TYPES: &[&str] = &["gpu-h100-sxm 8gpu-128vcpu-1600gb", "cpu-e2 2vcpu-8gb", ""];
const FAMILIES: &[&str] = &["gpu-h100-sxm", "cpu-e2", "gpu-", ""];
const FABRICS: &[&str] = &["fabric-1", "fabric-2"];
const LIFECYCLES: &[&str] = &["on-demand", "preemptible"];
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

/// Bytes that choose; where they end, the first of everything is chosen.
pub(crate) struct Choices<'a>(pub(crate) &'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> usize {
        let (first, rest) = self.0.split_first().unwrap_or((&b'a', &[]));
        self.0 = rest;
        // Printable letters choose as zero, one, two: seeds are text.
        usize::from(first.wrapping_sub(b'a'))
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.byte() % all.len()]
    }

    pub(crate) fn number(&mut self) -> u64 {
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
}

/// What is held, each row once.
type Held = BTreeMap<String, Take>;

/// An account of two projects.
pub(crate) fn inventory(choices: &mut Choices<'_>) -> Inventory {
    let mut held = Held::new();
    let mut inventory = Inventory {
        places: REGIONS.iter().map(|region| place_offered(region)).collect(),
        ..Inventory::default()
    };
    rows(
        TENANT,
        "tenant_allowances",
        None,
        choices,
        &mut inventory,
        &mut held,
    );
    for project in PROJECTS {
        let region = choices.maybe(|choices| choices.text(REGIONS));
        inventory.owners.push(vec![
            owner(TENANT, "tenant", None),
            owner(project, "project", region.clone()),
        ]);
        let name = format!("project_allowances.{project}");
        rows(
            project,
            &name,
            Some(project),
            choices,
            &mut inventory,
            &mut held,
        );
        let regions = region.map_or(vec!["eu-north1".into(), "eu-west1".into()], |region| {
            vec![region]
        });
        inventory.types.push(TypesOfProject {
            project: project.into(),
            items: choices.list(4, |choices| instance_type(&regions, choices)),
            kinds: Vec::new(),
        });
        let name = format!("instance_types.{project}");
        inventory
            .sources
            .push(source(&name, Feed::Types, Some(project), choices));
        let advice = choices.list(4, capacity);
        inventory.capacities.extend(advice);
        let about_advice = source("capacities", Feed::Capacities, None, choices);
        let items = choices.list(4, |choices| reservation(project, choices, &mut held));
        inventory.reservations.push(ReservationsOfProject {
            project: project.into(),
            items,
        });
        let name = format!("reservation_shares.{project}");
        let shares = source(&name, Feed::Reservations, Some(project), choices);
        if project == PROJECTS[0] {
            inventory.sources.push(about_advice);
            inventory.sources.push(SourceReport {
                key: "reservations".into(),
                kind: "reservations".into(),
                owner: None,
                ..shares.clone()
            });
        }
        inventory.sources.push(shares);
    }
    inventory.held = held.into_values().collect();
    inventory
}

fn place_offered(region: &str) -> PlaceOffered {
    PlaceOffered {
        place: Place::region(region),
        restriction: None,
    }
}

fn owner(id: &str, level: &str, region: Option<String>) -> Owner {
    Owner {
        id: id.into(),
        level: level.into(),
        place: Place { region, zone: None },
        ..Owner::default()
    }
}

fn source(key: &str, feed: Feed, owner: Option<&str>, choices: &mut Choices<'_>) -> SourceReport {
    let kind = key.split('.').next().unwrap_or_default();
    SourceReport {
        key: key.into(),
        kind: kind.into(),
        feed,
        owner: owner.map(Into::into),
        place: Place::EVERYWHERE,
        state: choices.of(&[
            SourceState::Complete,
            SourceState::Complete,
            SourceState::Complete,
            SourceState::Incomplete,
            SourceState::Denied,
            SourceState::Unavailable,
        ]),
        fetched_at: choices.number(),
        asked_at: 0,
        detail: choices.maybe(|choices| choices.text(&["no viewer", ""])),
    }
}

/// What the cloud says of a usage: the number, and the words beside it.
fn usage(choices: &mut Choices<'_>) -> (Usage, Vec<Attribute>) {
    let number = choices.number();
    let states = [
        "used",
        "not-used",
        "unknown",
        "not-applicable",
        "unspecified",
    ];
    let mut attributes = vec![Attribute::new("usage_state", choices.of(&states))];
    let fraction = choices.maybe(fraction);
    attributes.extend(fraction.map(|text| Attribute::new("usage_fraction", text)));
    (Usage::exactly(number), attributes)
}

/// A usage as a fraction of a limit, as a cloud may write it.
fn fraction(choices: &mut Choices<'_>) -> String {
    choices.text(&["0.17", "0", "0.00", "1.00", "12.5", "1e-05", "17%", ""])
}

fn limit(number: Option<u64>) -> Limit {
    number.map_or(Limit::Unset, Limit::Amount)
}

/// Promises of a row from a number to one not much above it.
fn hold(row: &str, at_least: u64, by: u64, held: &mut Held) {
    let take = Take {
        row: row.into(),
        at_least,
        at_most: at_least.saturating_add(by % 16),
    };
    held.insert(take.row.clone(), take);
}

fn rows(
    owner: &str,
    list: &str,
    project: Option<&str>,
    choices: &mut Choices<'_>,
    inventory: &mut Inventory,
    held: &mut Held,
) {
    let rows = choices.list(16, |choices| {
        let quota = choices.text(QUOTAS);
        let owner = choices.text(&[owner, owner, owner, "another"]);
        let region = choices.text(REGIONS);
        let key = format!("{owner}/{quota}/{region}");
        let unit = choices.text(&["count", "byte", "gpu", "gibibyte", ""]);
        let state = choices.of(&[
            RowState::InForce,
            RowState::InForce,
            RowState::InForce,
            RowState::Changing,
            RowState::Suspended,
            RowState::Gone,
            RowState::Unknown,
        ]);
        let limit = limit(choices.maybe(Choices::number));
        let (usage, attributes) = usage(choices);
        hold(&key, choices.number(), usage.at_least, held);
        Row {
            key,
            quota,
            owner,
            place: Place::region(region),
            unit,
            state,
            limit,
            usage,
            attributes,
            ..Row::default()
        }
    });
    inventory.rows.extend(rows);
    inventory.sources.push(SourceReport {
        owner: Some(owner.into()),
        ..source(list, Feed::Rows, project, choices)
    });
}

fn instance_type(regions: &[String], choices: &mut Choices<'_>) -> InstanceType {
    let name = choices.text(TYPES);
    let family = choices.text(FAMILIES);
    let vcpus = choices.small();
    let memory_bytes = choices.number();
    let gpus = choices.small();
    let named = choices.maybe(|choices| choices.text(GPU_QUOTAS));
    let lifecycles = if choices.yes() { 2 } else { 1 };
    let together = choices.yes();
    let offered = |region: &String| Offered {
        place: Place::region(region.clone()),
        lifecycles: LIFECYCLES
            .iter()
            .take(lifecycles)
            .map(|name| (*name).into())
            .collect(),
        together,
        restriction: None,
    };
    InstanceType {
        name,
        family,
        vcpus,
        memory_bytes,
        gpus,
        gpu_model: None,
        draws: named
            .map(|quota| Draw {
                quota,
                each: gpus.into(),
            })
            .into_iter()
            .collect(),
        offered: regions.iter().map(offered).collect(),
    }
}

fn capacity(choices: &mut Choices<'_>) -> Capacity {
    let instance_type = choices.text(TYPES);
    let region = choices.text(REGIONS);
    let zone = choices.maybe(|choices| choices.text(FABRICS));
    let lifecycle = choices.text(&["on-demand", "preemptible", "reserved"]);
    let available = choices.small();
    let level = choices.byte() % 5;
    let freshness = choices.byte() % 3;
    Capacity {
        instance_type,
        place: Place {
            region: Some(region),
            zone,
        },
        lifecycle,
        available: Some(available),
        for_count: None,
        grade: [
            Grade::High,
            Grade::Medium,
            Grade::Low,
            Grade::None,
            Grade::Unknown,
        ][level],
        clipped: level == 3,
        fresh: freshness == 0,
        measured_at: choices.maybe(Choices::number),
    }
}

fn reservation(project: &str, choices: &mut Choices<'_>, held: &mut Held) -> Reservation {
    let id = choices.text(&["a", "b", ""]);
    let family = choices.text(FAMILIES);
    let region = choices.text(REGIONS);
    let zone = choices.maybe(|choices| choices.text(FABRICS));
    let place = Place {
        region: Some(region),
        zone,
    };
    let state = if choices.yes() { "INACTIVE" } else { "ACTIVE" };
    let (of_all, of_project) = (
        format!("reservation/{id}"),
        format!("reservation/{id}/{project}"),
    );
    let row = |key: &str, limit, (usage, attributes)| Row {
        key: key.into(),
        owner: TENANT.into(),
        place: place.clone(),
        unit: "gpu".into(),
        limit,
        usage,
        attributes,
        ..Row::default()
    };
    let whole = choices.number();
    let all = row(&of_all, Limit::Amount(whole), usage(choices));
    let share = choices.maybe(Choices::number);
    let of_share = usage(choices);
    let promised = choices.number();
    hold(&of_all, promised, all.usage.at_least, held);
    if share.is_some() {
        hold(&of_project, promised.min(of_share.0.at_least), whole, held);
    }
    Reservation {
        family: Some(family),
        share: share.map(|share| row(&of_project, Limit::Amount(share), of_share)),
        next: choices.maybe(|choices| Change {
            at: choices.number(),
            amount: choices.maybe(Choices::number),
        }),
        state: state.into(),
        row: all,
        ..Reservation::default()
    }
}

/// How to judge, and launches.
pub(crate) fn plan(choices: &mut Choices<'_>) -> (Policy, Vec<Launch>) {
    let detail = choices.of(&[Detail::Deciding, Detail::None, Detail::Deciding]);
    let explain = choices.yes();
    let policy = Policy {
        detail: if explain { Detail::All } else { detail },
        max_age_ms: choices.maybe(Choices::number),
    };
    (policy, choices.list(4, launch))
}

fn launch(choices: &mut Choices<'_>) -> Launch {
    let instance_type = choices.text(TYPES);
    let region = choices.text(REGIONS);
    let lifecycle = choices.text(LIFECYCLES);
    let count = choices.small();
    let project = choices.text(&PROJECTS);
    let reservation = choices.of(&[
        ReservationUse::Auto,
        ReservationUse::Forbid,
        ReservationUse::Strict,
    ]);
    let stored = |noun: &str, choices: &mut Choices<'_>| {
        let kind = choices.text(KINDS);
        Need {
            bytes: choices.number(),
            ..Need::pieces(format!("{noun}.{kind}"), choices.small())
        }
    };
    let mut needs = choices.list(3, |choices| stored("disk", choices));
    needs.extend(choices.list(3, |choices| stored("filesystem", choices).once()));
    for kind in [
        "address.private",
        "address.public.dynamic",
        "address.public.static",
    ] {
        needs.push(Need::pieces(kind, choices.small()));
    }
    let restart = choices.yes();
    let together = choices.yes();
    if together {
        needs.push(Need::pieces("cluster", 1).once());
    }
    if choices.yes() {
        needs.push(Need::pieces("node-group", 1).once());
    }
    needs.retain(|need| need.pieces > 0 || need.per == Per::Launch);
    Launch {
        offer: Offer {
            instance_type,
            region,
            zone: choices.maybe(|choices| choices.text(FABRICS)),
            lifecycle,
            needs: Vec::new(),
        },
        count,
        profile: Profile {
            project,
            reservation,
            reservation_key: None,
            needs,
            restart,
            together,
        },
    }
}

/// What failed launches taught.
pub(crate) fn lessons(choices: &mut Choices<'_>) -> Vec<Lesson> {
    choices.list(3, |choices| Lesson {
        kind: choices.of(LessonKind::ALL),
        quota: Some(choices.text(QUOTAS)),
        owner: choices.maybe(|choices| choices.text(&[TENANT, PROJECTS[0], "another"])),
        place: Place::region(choices.text(REGIONS)),
        at_least: choices.number(),
        beyond_limit: choices.yes(),
        instance_type: choices.maybe(|choices| choices.text(TYPES)),
        lifecycle: choices.maybe(|choices| choices.text(LIFECYCLES)),
        rows: Vec::new(),
        cause: "it failed".into(),
        learned_at: choices.number(),
        until: choices.number(),
    })
}
