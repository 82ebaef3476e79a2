//! A cloud of two levels: an outermost tenant whose rows must be there, and projects whose rows may leave it to the tenant's.
//!
//! Launches take one `gpu` row for GPUs (or the row that the type names), one of `count` an instance, and what their needs say:
//! `cluster` one of a quota of that name, `global` one of a row that counts everywhere, `zonal` one of a row of the zone, `either` one
//! of `first` or, where that lets nothing through, of `second`, `counted` one of a row whose usage is counted from holdings.

use alloc::{string::String, vec, vec::Vec};

use quotagate_contract::*;

use crate::{
    Asked, Claim, Cloud, Demand, Draws, InvalidLaunch, LevelRules, Meaning, OwnerState, Reading,
    Serves, UsageDoubt,
};

pub(crate) struct Toy;

/// The same where held amounts prove no shortage.
pub(crate) struct Lenient;

impl Cloud for Lenient {
    fn descriptor(&self) -> Descriptor {
        Toy.descriptor()
    }

    fn level_rules(&self, level: &str) -> LevelRules {
        Toy.level_rules(level)
    }

    fn instance_demands<'a>(&self, asked: &Asked<'a>) -> Vec<Demand<'a>> {
        Toy.instance_demands(asked)
    }

    fn profile_demands(&self, profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        Toy.profile_demands(profile)
    }

    fn held_proves_shortage(&self) -> bool {
        false
    }

    fn may_be_reserved(&self, asked: &Asked<'_>) -> bool {
        Toy.may_be_reserved(asked)
    }

    fn serves(&self, asked: &Asked<'_>, reservation: &Reservation) -> Option<Serves> {
        Toy.serves(asked, reservation)
    }
}

const COUNT: &[&str] = &["count"];

fn of_need(need: &Need) -> Demand<'static> {
    let amount = u128::from(need.pieces);
    let on = |claims| Demand::each("", COUNT, amount).on(claims);
    match need.kind.as_str() {
        "cluster" => Demand::once("cluster", COUNT, amount),
        "global" => on(vec![Claim::everywhere("global")]),
        "zonal" => on(vec![Claim::zone("zonal")]),
        "either" => on(vec![Claim::region("first"), Claim::region("second")]),
        "family" => on(vec![Claim::region("family").with("name", "f")]),
        other => Demand::each(String::from(other), COUNT, amount),
    }
}

impl Cloud for Toy {
    fn descriptor(&self) -> Descriptor {
        let lifecycle = |name: &str, preemptible| LifecycleKind {
            name: name.into(),
            aliases: Vec::new(),
            preemptible,
        };
        let needs = [
            ("rows", Feed::Rows),
            ("things", Feed::Holdings),
            ("reservations", Feed::Reservations),
        ];
        Descriptor {
            cloud: "toy".into(),
            levels: vec!["tenant".into(), "project".into()],
            zone_word: "zone".into(),
            lifecycles: vec![lifecycle("usual", false), lifecycle("spare", true)],
            sources: needs
                .map(|(kind, feed)| SourceNeed {
                    kind: kind.into(),
                    feed,
                })
                .into(),
            ..Descriptor::default()
        }
    }

    fn level_rules(&self, level: &str) -> LevelRules {
        let is_tenant = level == "tenant";
        let optional = if is_tenant {
            Meaning::Unknown
        } else {
            Meaning::Unconstrained
        };
        LevelRules {
            absent: optional,
            unset: optional,
            changing: Meaning::Unknown,
            suspended: Meaning::Blocks,
            gone: if is_tenant {
                Meaning::Blocks
            } else {
                Meaning::Unknown
            },
        }
    }

    fn instance_demands<'a>(&self, asked: &Asked<'a>) -> Vec<Demand<'a>> {
        let named = asked.instance_type.draws.first();
        let quota = named.map_or("gpu", |draw| draw.quota.as_str());
        let gpus = Demand::each(quota, COUNT, asked.instance_type.gpus.into()).reservable();
        let mut demands = vec![
            if asked.restart {
                gpus.uncertain()
            } else {
                gpus
            },
            Demand::each("count", COUNT, 1),
            Demand::each("optional", COUNT, 1).drawn(Draws::WhereListed),
            Demand::each("shown", COUNT, 1).drawn(Draws::Never),
        ];
        demands.extend(
            asked
                .needs
                .iter()
                .map(|need| -> Demand<'a> { of_need(need) }),
        );
        demands
    }

    fn profile_demands(&self, profile: &Profile) -> Result<Vec<Demand<'static>>, InvalidLaunch> {
        let mut needs = profile.needs.iter();
        if needs.any(|need| need.kind == "nonsense") {
            return Err(InvalidLaunch("there is no nonsense".into()));
        }
        Ok(profile.needs.iter().map(of_need).collect())
    }

    fn reading(&self, row: &Row, holdings: &[Holding]) -> Reading {
        if row.quota != "counted" {
            return Reading::reported(row);
        }
        let pieces = |kind: &str| {
            let held = holdings.iter().filter(|holding| holding.kind == kind);
            held.map(|holding| holding.pieces).sum::<u64>()
        };
        let (running, starting) = (pieces("running"), pieces("starting"));
        Reading {
            usage: Usage {
                at_least: running,
                at_most: Some(running + starting),
                measured_at: None,
            },
            doubt: (starting > 0).then_some(UsageDoubt {
                reason: Reason::UsageUnmeasured,
                detail: Some("some are starting".into()),
            }),
        }
    }

    fn usage_rests_on(&self, row: &Row) -> &[&'static str] {
        if row.quota == "counted" {
            &["things"]
        } else {
            &[]
        }
    }

    fn may_be_reserved(&self, asked: &Asked<'_>) -> bool {
        asked.instance_type.gpus > 0 && asked.lifecycle == "usual"
    }

    fn serves(&self, asked: &Asked<'_>, reservation: &Reservation) -> Option<Serves> {
        let is_of_family = reservation.family.as_ref() == Some(&asked.instance_type.family);
        (is_of_family && reservation.state != "idle").then(|| Serves {
            each: asked.instance_type.gpus.into(),
            is_certain: reservation.state != "perhaps",
        })
    }

    fn owner_state(&self, owner: &Owner) -> OwnerState {
        match owner.state.as_deref() {
            Some("asleep") => OwnerState::LaunchesNothing("sleeps"),
            Some("awake") | None => OwnerState::Launches,
            Some(_) => OwnerState::Unknown,
        }
    }

    fn remedy(&self, finding: &Finding, list: Option<SourceState>) -> Option<Remedy> {
        let raise = finding.minimum_limit;
        raise
            .map(|limit| alloc::format!("at least {limit}"))
            .or_else(|| list.map(|state| alloc::format!("the list is {state}")))
            .map(Remedy::from)
    }

    fn rule(&self, _: &Finding) -> &'static str {
        "a rule"
    }

    fn diagnose(&self, failure: &Failure, _: Option<&Launch>) -> Result<Diagnosis, Refusal> {
        // The text is the kind, and of a quota its name, the limit and what was asked for, as far as they are told.
        let Failure::Text(text) = failure else {
            return Err(Refusal {
                code: ErrorCode::InvalidText,
                message: "no text".into(),
            });
        };
        let mut words = text.split(' ');
        let kind = words.next().unwrap_or_default();
        let kind = FailureKind::ALL.iter().find(|known| known.as_str() == kind);
        let mut diagnosis = Diagnosis {
            kind: *kind.unwrap_or(&FailureKind::Ambiguous),
            retry: false,
            findings: Vec::new(),
            remedy: None,
            lessons: Vec::new(),
            contradicts: Vec::new(),
        };
        if let Some(quota) = words.next() {
            diagnosis.findings.push(Finding {
                quota: Some(quota.into()),
                limit: words.next().and_then(|word| word.parse().ok()),
                ..Finding::new(Reason::Shortage, QuotaOutcome::Blocked)
            });
            diagnosis.lessons.push(Lesson {
                quota: Some(quota.into()),
                at_least: words.next().and_then(|word| word.parse().ok()).unwrap_or(0),
                ..Lesson::new(LessonKind::Quota)
            });
        }
        Ok(diagnosis)
    }
}
