//! The disks and shared file systems that a launch creates: their kinds, their sizes, the rows that count them.

use alloc::{format, string::String, vec::Vec};

use quotagate_engine::{Demand, Disk, InvalidLaunch};

use crate::demand::{BYTES, COUNT, each, once};

const GIB: u64 = 1 << 30;

/// Disks of some kinds come in multiples of this many GiB (nebius rule 21).
const STEP: u64 = 93;

/// A kind that the compute API knows.
struct Kind {
    name: &'static str,
    /// The row that counts its bytes.
    quota: &'static str,
    /// Whether its size is a multiple of [`STEP`].
    is_stepped: bool,
}

const DISKS: &[Kind] = &[
    kind("network-ssd", "compute.disk.size.network-ssd"),
    kind("network-hdd", "compute.disk.size.network-hdd"),
    Kind {
        is_stepped: true,
        ..kind(
            "network-ssd-non-replicated",
            "compute.disk.size.network-ssd-non-replicated",
        )
    },
    Kind {
        is_stepped: true,
        ..kind("network-ssd-io-m3", "compute.disk.size.network-ssd-io-m3")
    },
];

const FILESYSTEMS: &[Kind] = &[
    kind("network-ssd", "compute.filesystem.size.network-ssd"),
    kind("network-hdd", "compute.filesystem.size.network-hdd"),
    kind("weka", "compute.filesystem.size.weka"),
    kind("vast", "compute.filesystem.size.vast"),
];

const fn kind(name: &'static str, quota: &'static str) -> Kind {
    Kind {
        name,
        quota,
        is_stepped: false,
    }
}

/// What the disks take: each instance has its own (nebius rule 20).
pub(crate) fn disks(
    disks: &[Disk],
    demands: &mut Vec<Demand<'static>>,
) -> Result<(), InvalidLaunch> {
    let of = ("disk", "compute.disk.count");
    storage(of, DISKS, disks, each, demands)
}

/// What the file systems take: the launch has them once (nebius rule 22).
pub(crate) fn filesystems(
    filesystems: &[Disk],
    demands: &mut Vec<Demand<'static>>,
) -> Result<(), InvalidLaunch> {
    let of = ("filesystem", "compute.filesystem.count");
    storage(of, FILESYSTEMS, filesystems, once, demands)
}

/// Counts disks, and adds up their bytes by kind.
fn storage(
    (noun, count_quota): (&str, &'static str),
    kinds: &[Kind],
    disks: &[Disk],
    demand: fn(&'static str, &'static [&'static str], u128) -> Demand<'static>,
    demands: &mut Vec<Demand<'static>>,
) -> Result<(), InvalidLaunch> {
    let mut sums = alloc::vec![0_u128; kinds.len()];
    let mut count = 0;
    for disk in disks {
        let Some((kind, sum)) = kinds
            .iter()
            .zip(&mut sums)
            .find(|(kind, _)| is_called(kind.name, &disk.kind))
        else {
            let names: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
            return Err(InvalidLaunch(format!(
                "unknown kind of {noun} `{}`: Nebius has {}",
                disk.kind,
                names.join(", ")
            )));
        };
        if kind.is_stepped && disk.bytes % (STEP * GIB) != 0 {
            return Err(InvalidLaunch(off_step(kind.name, disk.bytes)));
        }
        count += u128::from(disk.count);
        *sum = sum.saturating_add(u128::from(disk.bytes) * u128::from(disk.count));
    }
    demands.push(demand(count_quota, COUNT, count));
    for (kind, sum) in kinds.iter().zip(sums) {
        demands.push(demand(kind.quota, BYTES, sum));
    }
    Ok(())
}

/// Whether `text` names a kind: tools spell it `network-ssd`, `network_ssd` or `NETWORK_SSD`.
fn is_called(name: &str, text: &str) -> bool {
    let same = |(own, other): (u8, u8)| {
        own == other.to_ascii_lowercase() || (own == b'-' && other == b'_')
    };
    name.len() == text.len() && name.bytes().zip(text.bytes()).all(same)
}

/// Says that a disk has a size that its kind does not come in, and the nearest that it does.
fn off_step(kind: &str, bytes: u64) -> String {
    let below = bytes / (STEP * GIB) * STEP;
    let above = below + STEP;
    let size = if bytes.is_multiple_of(GIB) {
        format!("{} GiB", bytes / GIB)
    } else {
        format!("{bytes} bytes")
    };
    let nearest = if below == 0 {
        format!("the smallest is {above} GiB")
    } else {
        format!("the nearest are {below} GiB and {above} GiB")
    };
    format!(
        "a {kind} disk of {size}: disks of this kind come in multiples of {STEP} GiB; {nearest}"
    )
}
