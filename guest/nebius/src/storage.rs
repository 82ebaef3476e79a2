//! The disks and shared file systems that a launch creates: their kinds, their sizes, the rows that count them.

use alloc::{format, string::String, vec::Vec};
use core::iter;

use quotagate_guest::{InvalidLaunch, Need};

use crate::demand::{BYTES, COUNT, Sums};

pub(crate) const GIB: u64 = 1 << 30;

/// Disks of some kinds come in multiples of this many GiB (nebius rule 21).
const STEP: u64 = 93;

/// Storage of one sort.
pub(crate) struct Storage {
    /// The first part of the kinds of needs.
    pub(crate) noun: &'static str,
    /// What one is, for people.
    pub(crate) title: &'static str,
    /// The row that counts the pieces.
    count: &'static str,
    /// What the compute API knows.
    kinds: &'static [Kind],
}

struct Kind {
    name: &'static str,
    /// The row that counts its bytes.
    quota: &'static str,
    /// Whether its size is a multiple of [`STEP`].
    is_stepped: bool,
}

/// Disks (nebius rule 20).
pub(crate) const DISKS: Storage = Storage {
    noun: "disk",
    title: "a disk",
    count: "compute.disk.count",
    kinds: &[
        kind("network-ssd", "compute.disk.size.network-ssd"),
        kind("network-hdd", "compute.disk.size.network-hdd"),
        stepped(
            "network-ssd-non-replicated",
            "compute.disk.size.network-ssd-non-replicated",
        ),
        stepped("network-ssd-io-m3", "compute.disk.size.network-ssd-io-m3"),
    ],
};

/// Shared file systems (nebius rule 22).
pub(crate) const FILESYSTEMS: Storage = Storage {
    noun: "filesystem",
    title: "a shared file system",
    count: "compute.filesystem.count",
    kinds: &[
        kind("network-ssd", "compute.filesystem.size.network-ssd"),
        kind("network-hdd", "compute.filesystem.size.network-hdd"),
        kind("weka", "compute.filesystem.size.weka"),
        kind("vast", "compute.filesystem.size.vast"),
    ],
};

const fn kind(name: &'static str, quota: &'static str) -> Kind {
    Kind {
        name,
        quota,
        is_stepped: false,
    }
}

const fn stepped(name: &'static str, quota: &'static str) -> Kind {
    Kind {
        is_stepped: true,
        ..kind(name, quota)
    }
}

impl Storage {
    /// The kinds, as the cloud spells them.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.kinds.iter().map(|kind| kind.name).collect()
    }

    /// The rows that count it, and their units.
    pub(crate) fn quotas(&self) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        let bytes = self.kinds.iter().map(|kind| (kind.quota, BYTES));
        iter::once((self.count, COUNT)).chain(bytes)
    }

    /// Counts what a need of this kind takes: pieces, and bytes of their kind.
    pub(crate) fn count(
        &self,
        name: &str,
        need: &Need,
        sums: &mut Sums,
    ) -> Result<(), InvalidLaunch> {
        let Some(kind) = self.kinds.iter().find(|kind| is_called(kind.name, name)) else {
            return Err(InvalidLaunch(format!(
                "unknown kind of {} `{name}`: Nebius has {}",
                self.noun,
                self.names().join(", ")
            )));
        };
        if kind.is_stepped && !need.bytes.is_multiple_of(STEP * GIB) {
            return Err(InvalidLaunch(off_step(kind.name, need.bytes)));
        }
        let pieces = u128::from(need.pieces);
        sums.add(self.count, need.per, pieces);
        sums.add(kind.quota, need.per, u128::from(need.bytes) * pieces);
        Ok(())
    }
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
