//! The smallest plugin: an instance takes one of `instances`, of which every account has so many a region.

#![cfg_attr(target_family = "wasm", no_std)]

extern crate alloc;

use alloc::{vec, vec::Vec};

use quotagate_guest::{
    Asked, Cloud, Demand, Descriptor, Feed, InvalidLaunch, LevelRules, LifecycleKind, Meaning,
    Profile, SourceNeed,
};

/// A cloud that counts instances and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Minimal;

impl Cloud for Minimal {
    fn descriptor(&self) -> Descriptor {
        let source = |kind: &str, feed| SourceNeed {
            kind: kind.into(),
            feed,
        };
        Descriptor {
            cloud: "minimal".into(),
            title: "Minimal".into(),
            version: "0.2.0".into(),
            sources: vec![
                source("account", Feed::Account),
                source("rows", Feed::Rows),
                source("types", Feed::Types),
            ],
            lifecycles: vec![LifecycleKind {
                name: "on-demand".into(),
                ..LifecycleKind::default()
            }],
            levels: vec!["account".into()],
            ..Descriptor::default()
        }
    }

    fn level_rules(&self, _: &str) -> LevelRules {
        use Meaning::{Blocks, Unknown};
        LevelRules {
            absent: Unknown,
            unset: Unknown,
            changing: Unknown,
            suspended: Blocks,
            gone: Unknown,
        }
    }

    fn instance_demands<'a>(&self, _: &Asked<'a>) -> Vec<Demand<'a>> {
        vec![Demand::each("instances", &["count"], 1)]
    }

    fn profile_demands(&self, _: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        Ok(Vec::new())
    }
}

quotagate_guest::export!(Minimal);
