//! What this plugin is: the lists it reads, the words it knows.

use alloc::{format, string::String, vec, vec::Vec};

use quotagate_guest::{Descriptor, Feed, LifecycleKind, NeedKind, SourceNeed, Unit, UnitKind};

use crate::{
    CLOUD, demand, owner,
    storage::{DISKS, FILESYSTEMS, GIB, Storage},
};

/// The lifecycle of instances that the cloud leaves alone.
pub(crate) const ON_DEMAND: &str = "on-demand";
/// The lifecycle of instances that the cloud may take back.
pub(crate) const PREEMPTIBLE: &str = "preemptible";

/// The source's name of each list, and what it brings.
const SOURCES: &[(&str, Feed)] = &[
    ("account", Feed::Account),
    ("tenant_allowances", Feed::Rows),
    ("project_allowances", Feed::Rows),
    ("instance_types", Feed::Types),
    ("capacities", Feed::Capacities),
    ("reservations", Feed::Reservations),
    ("reservation_shares", Feed::Reservations),
];

const UNITS: &[(&str, UnitKind)] = &[
    ("count", UnitKind::Pieces),
    ("gpu", UnitKind::Pieces),
    ("vcpu", UnitKind::Pieces),
    ("byte", UnitKind::Bytes),
];

pub(crate) fn descriptor() -> Descriptor {
    Descriptor {
        cloud: CLOUD.into(),
        title: "Nebius".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        sources: SOURCES
            .iter()
            .map(|(kind, feed)| SourceNeed {
                kind: (*kind).into(),
                feed: *feed,
            })
            .collect(),
        lifecycles: vec![
            LifecycleKind {
                name: ON_DEMAND.into(),
                aliases: Vec::new(),
                preemptible: false,
            },
            LifecycleKind {
                name: PREEMPTIBLE.into(),
                aliases: vec!["spot".into()],
                preemptible: true,
            },
        ],
        kinds: kinds(),
        levels: vec![owner::TENANT.into(), owner::PROJECT.into()],
        zone_word: "fabric".into(),
        units: UNITS
            .iter()
            .map(|(name, kind)| Unit {
                name: (*name).into(),
                kind: *kind,
            })
            .collect(),
    }
}

/// A launch that says nothing has a boot disk of 100 GiB and a private address.
fn kinds() -> Vec<NeedKind> {
    let stored = |of: &Storage, names: &[&str]| -> Vec<NeedKind> {
        let kind = |name: &&str| NeedKind {
            kind: format!("{}.{name}", of.noun),
            title: format!("{} of the kind {name}", of.title),
            sized: true,
            ..NeedKind::default()
        };
        names.iter().map(kind).collect()
    };
    let piece = |kind: &str, title: &str| NeedKind {
        kind: kind.into(),
        title: title.into(),
        ..NeedKind::default()
    };
    let mut kinds = stored(&DISKS, &DISKS.names());
    if let Some(boot) = kinds.first_mut() {
        boot.default_pieces = 1;
        boot.default_bytes = 100 * GIB;
    }
    kinds.extend(stored(&FILESYSTEMS, &FILESYSTEMS.names()));
    kinds.push(NeedKind {
        default_pieces: 1,
        ..piece(demand::PRIVATE, "a private address")
    });
    kinds.extend([
        piece(
            demand::PUBLIC_DYNAMIC,
            "a public address that goes when the instance stops",
        ),
        piece(demand::PUBLIC_STATIC, "a public address that stays"),
        piece(demand::CLUSTER, "a new GPU cluster"),
        piece(
            demand::NODE_GROUP,
            "a node group of managed Kubernetes, of which the instances are nodes",
        ),
    ]);
    kinds
}

/// The kinds of needs, for people.
pub(crate) fn known_kinds() -> String {
    let kinds: Vec<String> = kinds().into_iter().map(|kind| kind.kind).collect();
    kinds.join(", ")
}
