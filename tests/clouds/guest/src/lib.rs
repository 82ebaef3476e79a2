//! Five clouds that do not exist. Each has a shape that no other has, and together they have those of the clouds that do.
//!
//! | cloud | shape |
//! |---|---|
//! | [`Cirrus`] | a row that counts everywhere above those of the regions, and spot that falls back on the standard row |
//! | [`Stratus`] | a family's row and the region's total both bind, spot draws on a third, types are restricted by subscription |
//! | [`Cumulus`] | a chain of three owners, and limits of zones |
//! | [`Altus`] | usage is counted from what runs, some of it doubtful; reservations of exact types in a zone |
//! | [`Virga`] | no quota list, advice on capacity alone |

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

mod altus;
mod cirrus;
mod cumulus;
mod stratus;
mod virga;

pub use altus::Altus;
pub use cirrus::Cirrus;
pub use cumulus::Cumulus;
pub use stratus::Stratus;
pub use virga::Virga;

#[cfg(feature = "altus")]
quotagate_guest::export!(Altus);
#[cfg(feature = "cirrus")]
quotagate_guest::export!(Cirrus);
#[cfg(feature = "cumulus")]
quotagate_guest::export!(Cumulus);
#[cfg(feature = "stratus")]
quotagate_guest::export!(Stratus);
#[cfg(feature = "virga")]
quotagate_guest::export!(Virga);

use alloc::{string::String, vec::Vec};

use quotagate_guest::{Descriptor, Feed, LevelRules, LifecycleKind, Meaning, SourceNeed};

/// What the rows of most clouds mean: a row that is not there, or has no number, says nothing.
const SAYS_NOTHING: LevelRules = LevelRules {
    absent: Meaning::Unknown,
    unset: Meaning::Unknown,
    changing: Meaning::Unknown,
    suspended: Meaning::Blocks,
    gone: Meaning::Unknown,
};

/// What every one of them says of itself.
fn described(cloud: &str, levels: &[&str], sources: &[(&str, Feed)]) -> Descriptor {
    let lifecycle = |name: &str, preemptible| LifecycleKind {
        name: String::from(name),
        aliases: Vec::new(),
        preemptible,
    };
    Descriptor {
        cloud: cloud.into(),
        title: cloud.into(),
        version: "1.0.0".into(),
        sources: sources
            .iter()
            .map(|(kind, feed)| SourceNeed {
                kind: String::from(*kind),
                feed: *feed,
            })
            .collect(),
        lifecycles: alloc::vec![lifecycle("on-demand", false), lifecycle("spot", true)],
        levels: levels.iter().map(|level| String::from(*level)).collect(),
        zone_word: "zone".into(),
        ..Descriptor::default()
    }
}
