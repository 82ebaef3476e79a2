//! No usage is reported: it is counted from what runs. What is starting counts at most. A reservation holds instances of one type
//! in one zone; they are inside the usage already, used or not.

use alloc::{vec, vec::Vec};

use quotagate_guest::{
    Asked, Cloud, Demand, Descriptor, Feed, Holding, InvalidLaunch, LevelRules, Profile, Reading,
    Reason, Reservation, Row, Serves, Usage, UsageDoubt, attribute,
};

const VCPUS: &str = "running-vcpus";

/// The cloud.
#[derive(Clone, Copy, Debug, Default)]
pub struct Altus;

impl Cloud for Altus {
    fn descriptor(&self) -> Descriptor {
        let sources = [
            ("account", Feed::Account),
            ("rows", Feed::Rows),
            ("instances", Feed::Holdings),
            ("types", Feed::Types),
            ("reservations", Feed::Reservations),
        ];
        crate::described("altus", &["account"], &sources)
    }

    fn level_rules(&self, _: &str) -> LevelRules {
        crate::SAYS_NOTHING
    }

    fn instance_demands<'a>(&self, asked: &Asked<'a>) -> Vec<Demand<'a>> {
        vec![Demand::each(VCPUS, &[], asked.instance_type.vcpus.into()).reservable()]
    }

    fn profile_demands(&self, _: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        Ok(Vec::new())
    }

    fn reading(&self, row: &Row, holdings: &[Holding]) -> Reading {
        if row.quota != VCPUS {
            return Reading::reported(row);
        }
        let (mut at_least, mut at_most) = (0_u64, 0_u64);
        for holding in holdings
            .iter()
            .filter(|holding| holding.place.region == row.place.region)
        {
            let vcpus = attribute(&holding.attributes, "vcpus").and_then(|text| text.parse().ok());
            let vcpus = holding.pieces.saturating_mul(vcpus.unwrap_or(0));
            match attribute(&holding.attributes, "state") {
                Some("running" | "reserved") => {
                    at_least = at_least.saturating_add(vcpus);
                    at_most = at_most.saturating_add(vcpus);
                }
                Some("starting") => at_most = at_most.saturating_add(vcpus),
                _ => {}
            }
        }
        Reading {
            usage: Usage {
                at_least,
                at_most: Some(at_most),
                measured_at: None,
            },
            doubt: (at_least != at_most).then(|| UsageDoubt {
                reason: Reason::UsageUnmeasured,
                detail: Some(alloc::format!(
                    "{} of instances that are starting may count",
                    at_most - at_least
                )),
            }),
        }
    }

    fn usage_rests_on(&self, _: &Row) -> &[&'static str] {
        &["instances"]
    }

    fn may_be_reserved(&self, asked: &Asked<'_>) -> bool {
        asked.lifecycle == "on-demand"
    }

    fn serves(&self, asked: &Asked<'_>, reservation: &Reservation) -> Option<Serves> {
        let is_exact = reservation.instance_type.as_ref() == Some(&asked.instance_type.name);
        (is_exact && reservation.state == "active").then_some(Serves {
            each: 1,
            is_certain: asked.zone.is_some(),
        })
    }
}
