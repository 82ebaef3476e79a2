//! A family's row and the region's total both bind, spot draws on a third row, and the account's subscription keeps it from some
//! types.

use alloc::{vec, vec::Vec};

use quotagate_guest::{Asked, Cloud, Demand, Descriptor, Feed, InvalidLaunch, LevelRules, Profile};

/// The cloud.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stratus;

impl Cloud for Stratus {
    fn descriptor(&self) -> Descriptor {
        let sources = [
            ("account", Feed::Account),
            ("rows", Feed::Rows),
            ("types", Feed::Types),
        ];
        crate::described("stratus", &["subscription"], &sources)
    }

    fn level_rules(&self, _: &str) -> LevelRules {
        crate::SAYS_NOTHING
    }

    fn instance_demands<'a>(&self, asked: &Asked<'a>) -> Vec<Demand<'a>> {
        let vcpus = asked.instance_type.vcpus.into();
        if asked.lifecycle == "spot" {
            return vec![Demand::each("low-priority-cores", &[], vcpus)];
        }
        vec![
            Demand::each(asked.instance_type.family.as_str(), &[], vcpus),
            Demand::each("cores", &[], vcpus),
        ]
    }

    fn profile_demands(&self, _: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        Ok(Vec::new())
    }
}
