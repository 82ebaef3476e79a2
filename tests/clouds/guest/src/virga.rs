//! No quota list at all: the cloud says where there is hardware, and nothing else.

use alloc::vec::Vec;

use quotagate_guest::{Asked, Cloud, Demand, Descriptor, Feed, InvalidLaunch, LevelRules, Profile};

/// The cloud.
#[derive(Clone, Copy, Debug, Default)]
pub struct Virga;

impl Cloud for Virga {
    fn descriptor(&self) -> Descriptor {
        let sources = [
            ("account", Feed::Account),
            ("rows", Feed::Rows),
            ("types", Feed::Types),
            ("capacities", Feed::Capacities),
        ];
        crate::described("virga", &["account"], &sources)
    }

    fn level_rules(&self, _: &str) -> LevelRules {
        crate::SAYS_NOTHING
    }

    fn instance_demands<'a>(&self, _: &Asked<'a>) -> Vec<Demand<'a>> {
        // There may be a limit, and nothing that says so.
        Vec::from([Demand::each("instances", &[], 1)])
    }

    fn profile_demands(&self, _: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        Ok(Vec::new())
    }
}
