//! A row that counts everywhere above those of the regions: both bind. Spot draws on a row of its own where that lets anything
//! through, else on the standard one.

use alloc::{format, vec, vec::Vec};

use quotagate_guest::{
    Asked, Claim, Cloud, Demand, Descriptor, Feed, InvalidLaunch, LevelRules, Profile,
};

/// The cloud.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cirrus;

impl Cloud for Cirrus {
    fn descriptor(&self) -> Descriptor {
        let sources = [
            ("account", Feed::Account),
            ("rows", Feed::Rows),
            ("types", Feed::Types),
        ];
        crate::described("cirrus", &["project"], &sources)
    }

    fn level_rules(&self, _: &str) -> LevelRules {
        crate::SAYS_NOTHING
    }

    fn instance_demands<'a>(&self, asked: &Asked<'a>) -> Vec<Demand<'a>> {
        let gpus = asked.instance_type.gpus.into();
        let model = asked.instance_type.family.as_str();
        let standard = || Claim::region("gpus-per-family").with("family", model);
        let regional = if asked.lifecycle == "spot" {
            vec![Claim::region(format!("spot-{model}-gpus")), standard()]
        } else {
            vec![standard()]
        };
        vec![
            Demand::each("gpus-per-family", &[], gpus).on(regional),
            Demand::each("gpus-all-regions", &[], gpus)
                .on(vec![Claim::everywhere("gpus-all-regions")]),
        ]
    }

    fn profile_demands(&self, _: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        Ok(Vec::new())
    }
}
