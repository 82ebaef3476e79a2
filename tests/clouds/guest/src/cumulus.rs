//! A chain of three owners: the organisation's limits, and quotas of folder and project that may be unset. Limits count by zone.

use alloc::{vec, vec::Vec};

use quotagate_guest::{
    Asked, Claim, Cloud, Demand, Descriptor, Feed, InvalidLaunch, LevelRules, Meaning, Profile,
};

/// The cloud.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cumulus;

impl Cloud for Cumulus {
    fn descriptor(&self) -> Descriptor {
        let sources = [
            ("account", Feed::Account),
            ("limits", Feed::Rows),
            ("types", Feed::Types),
        ];
        crate::described("cumulus", &["organisation", "folder", "project"], &sources)
    }

    fn level_rules(&self, level: &str) -> LevelRules {
        if level == "organisation" {
            return crate::SAYS_NOTHING;
        }
        LevelRules {
            absent: Meaning::Unconstrained,
            unset: Meaning::Unconstrained,
            ..crate::SAYS_NOTHING
        }
    }

    fn instance_demands<'a>(&self, asked: &Asked<'a>) -> Vec<Demand<'a>> {
        let draws = asked.instance_type.draws.iter();
        let demand = |draw: &'a quotagate_guest::Draw| {
            Demand::each(draw.quota.as_str(), &[], draw.each.into())
                .on(vec![Claim::zone(draw.quota.as_str())])
        };
        draws.map(demand).collect()
    }

    fn profile_demands(&self, _: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        Ok(Vec::new())
    }
}
