//! The engine against a cloud of its own: laws that hold for every account (`laws`), and the rules one by one, as tables.

mod kept;
mod laws;
mod lessons;
mod places;
mod plans;
mod reserved;
mod rows;
mod toy;

use alloc::{format, string::String, vec, vec::Vec};

use quotagate_contract::*;

pub(super) use self::toy::Toy;
use crate::{Engine, NativeReader, NumberedOffer, Reader};

/// When every account of the tests is judged.
pub(super) const NOW: u64 = 1_000_000;

/// A row of a quota in the region `here`.
pub(super) fn row(owner: &str, quota: &str, limit: Limit, usage: u64) -> Row {
    Row {
        key: format!("{owner}/{quota}"),
        quota: quota.into(),
        owner: owner.into(),
        place: Place::region("here"),
        unit: "count".into(),
        limit,
        usage: Usage::exactly(usage),
        ..Row::default()
    }
}

pub(super) fn source(key: &str, feed: Feed, owner: Option<&str>) -> SourceReport {
    SourceReport {
        key: key.into(),
        kind: key.into(),
        feed,
        owner: owner.map(Into::into),
        place: Place::EVERYWHERE,
        state: SourceState::Complete,
        fetched_at: NOW,
        asked_at: NOW,
        detail: None,
    }
}

/// A reservation of the hardware of `big`, in its GPUs.
pub(super) fn reservation(id: &str, zone: &str, limit: u64, usage: u64) -> Reservation {
    Reservation {
        row: Row {
            key: format!("reservation/{id}"),
            quota: id.into(),
            place: Place::zone("here", zone),
            unit: "gpu".into(),
            ..row("t", "", Limit::Amount(limit), usage)
        },
        family: Some("f".into()),
        state: "active".into(),
        ..Reservation::default()
    }
}

/// The project's share of a reservation.
pub(super) fn share(of: &Reservation, limit: u64, usage: u64) -> Row {
    Row {
        key: format!("{}/p", of.row.key),
        owner: "p".into(),
        limit: Limit::Amount(limit),
        usage: Usage::exactly(usage),
        ..of.row.clone()
    }
}

pub(super) fn alone() -> Profile {
    Profile {
        project: "p".into(),
        ..Profile::default()
    }
}

pub(super) fn restart() -> Profile {
    Profile {
        restart: true,
        ..alone()
    }
}

pub(super) fn with_need(kind: &str) -> Profile {
    Profile {
        needs: vec![Need::pieces(kind, 1)],
        ..alone()
    }
}

pub(super) fn using(reservation: ReservationUse) -> Profile {
    Profile {
        reservation,
        ..alone()
    }
}

pub(super) fn big() -> Offer {
    Offer {
        instance_type: "big".into(),
        region: "here".into(),
        lifecycle: "usual".into(),
        ..Offer::default()
    }
}

/// An account that is open to change.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) inventory: Inventory,
    pub(super) offer: Offer,
    pub(super) policy: Policy,
}

impl Parts {
    /// An account in which instances of eight GPUs are offered and nothing is limited tightly.
    pub(super) fn roomy() -> Self {
        let owner = |id: &str, level: &str| Owner {
            id: id.into(),
            level: level.into(),
            ..Owner::default()
        };
        let project = |id: &str| {
            let home = Owner {
                place: Place::region("here"),
                ..owner(id, "project")
            };
            vec![owner("t", "tenant"), home]
        };
        let big = InstanceType {
            name: "big".into(),
            family: "f".into(),
            vcpus: 128,
            memory_bytes: 1 << 40,
            gpus: 8,
            offered: vec![Offered {
                place: Place::region("here"),
                lifecycles: vec!["usual".into(), "spare".into()],
                together: true,
                restriction: None,
            }],
            ..InstanceType::default()
        };
        let limited = |quota| row("t", quota, Limit::Amount(100), 0);
        let of_projects = |project: &str| TypesOfProject {
            project: project.into(),
            items: vec![big.clone()],
            kinds: Vec::new(),
        };
        Self {
            inventory: Inventory {
                owners: vec![project("p"), project("q"), project("o")],
                places: vec![PlaceOffered {
                    place: Place::region("here"),
                    restriction: None,
                }],
                rows: vec![limited("gpu"), limited("count"), limited("cluster")],
                types: ["p", "q", "o"].map(of_projects).into(),
                sources: vec![
                    source("account", Feed::Account, None),
                    source("rows.t", Feed::Rows, Some("t")),
                    source("rows.p", Feed::Rows, Some("p")),
                    source("rows.q", Feed::Rows, Some("q")),
                    source("rows.o", Feed::Rows, Some("o")),
                    source("things", Feed::Holdings, None),
                    source("types", Feed::Types, None),
                    source("capacities", Feed::Capacities, None),
                    source("reservations", Feed::Reservations, None),
                ],
                ..Inventory::default()
            },
            offer: self::big(),
            policy: Policy::default(),
        }
    }

    /// The tenant's row of a quota.
    pub(super) fn row(&mut self, quota: &str) -> &mut Row {
        let mut rows = self.inventory.rows.iter_mut();
        rows.find(|row| row.owner == "t" && row.quota == quota)
            .unwrap()
    }

    pub(super) fn limit(mut self, quota: &str, limit: u64) -> Self {
        self.row(quota).limit = Limit::Amount(limit);
        self
    }

    pub(super) fn with(mut self, row: Row) -> Self {
        self.inventory.rows.push(row);
        self
    }

    pub(super) fn without(mut self, quota: &str) -> Self {
        self.inventory.rows.retain(|row| row.quota != quota);
        self
    }

    pub(super) fn changed(mut self, quota: &str, change: impl FnOnce(&mut Row)) -> Self {
        change(self.row(quota));
        self
    }

    pub(super) fn holding(mut self, row: &str, at_least: u64, at_most: u64) -> Self {
        self.inventory.held.push(Take {
            row: row.into(),
            at_least,
            at_most,
        });
        self
    }

    pub(super) fn reserving(mut self, items: impl Into<Vec<Reservation>>) -> Self {
        let items = items.into();
        for project in ["p", "q", "o"] {
            let mut items = items.clone();
            for item in &mut items {
                if let Some(share) = &mut item.share {
                    share.key = format!("{}/{project}", item.row.key);
                    share.owner = project.into();
                }
            }
            self.inventory.reservations.push(ReservationsOfProject {
                project: project.into(),
                items,
            });
        }
        self
    }

    pub(super) fn read(mut self, key: &str, state: SourceState) -> Self {
        let sources = &mut self.inventory.sources;
        let source = sources.iter_mut().find(|source| source.key == key);
        source.unwrap().state = state;
        self
    }

    pub(super) fn taught(mut self, lesson: Lesson) -> Self {
        self.inventory.lessons.push(lesson);
        self
    }

    pub(super) fn advised(mut self, rows: impl Into<Vec<Capacity>>) -> Self {
        self.inventory.capacities = rows.into();
        self
    }

    pub(super) fn type_mut(&mut self) -> &mut InstanceType {
        &mut self.inventory.types[0].items[0]
    }

    pub(super) fn reader(&self) -> NativeReader {
        NativeReader::new(self.inventory.clone(), NOW)
    }

    /// The verdict on `count` instances, with all that was found.
    pub(super) fn judge(&self, count: u32, profile: &Profile) -> Verdict {
        self.judge_under(count, profile, Detail::All)
    }

    pub(super) fn judge_under(&self, count: u32, profile: &Profile, detail: Detail) -> Verdict {
        let reader = self.reader();
        let policy = Policy {
            detail,
            ..self.policy
        };
        let (offer, needs) = numbered(&reader, &self.offer);
        let mut engine = Engine::new(Toy);
        let offers = [offer];
        let verdicts = engine.explain(&reader, &offers, &needs, count, profile, &policy);
        let verdict = verdicts.unwrap().remove(0);
        // The numbers alone say the same.
        let answer = engine.assess(&reader, &offers, &needs, count, profile, &policy);
        let head = answer.unwrap().heads[0];
        assert_eq!(
            (head.quota, head.capacity, head.fits_count),
            (verdict.quota, verdict.capacity, verdict.fits_count)
        );
        let shown = usize::try_from(head.findings).unwrap();
        assert_eq!(shown, verdict.findings.len());
        // Whatever is shown, it is the same judgement.
        for detail in Detail::ALL {
            let policy = Policy {
                detail: *detail,
                ..policy
            };
            let answer = engine.assess(&reader, &offers, &needs, count, profile, &policy);
            let other = answer.unwrap().heads[0];
            assert_eq!(
                (other.quota, other.capacity, other.fits_count),
                (head.quota, head.capacity, head.fits_count)
            );
        }
        verdict
    }

    pub(super) fn admit(&self, plan: &[(u32, Profile)]) -> Admission {
        let plan: Vec<Launch> = plan
            .iter()
            .map(|(count, profile)| Launch {
                offer: self.offer.clone(),
                count: *count,
                profile: profile.clone(),
            })
            .collect();
        let policy = Policy {
            detail: Detail::All,
            ..self.policy
        };
        let mut engine = Engine::new(Toy);
        engine.admit(&self.reader(), &plan, &policy).unwrap()
    }

    pub(super) fn quota(&self, count: u32, profile: &Profile) -> QuotaOutcome {
        self.judge(count, profile).quota
    }

    /// Compares the whole verdict, as a policy shows it that asks for what decides.
    #[track_caller]
    pub(super) fn check(&self, count: u32, profile: &Profile, expected: &str) {
        let verdict = self.judge_under(count, profile, Detail::Deciding);
        assert_eq!(told(&verdict), expected);
    }
}

/// An offer by number, with its needs.
pub(super) fn numbered(reader: &NativeReader, offer: &Offer) -> (NumberedOffer, Vec<(u32, Need)>) {
    let numbered = NumberedOffer {
        instance_type: reader.number_of(&offer.instance_type),
        region: reader.number_of(&offer.region),
        zone: reader.number_of(offer.zone.as_deref().unwrap_or_default()),
        lifecycle: reader.number_of(&offer.lifecycle),
    };
    let needs = offer.needs.iter().map(|need| (0, need.clone()));
    (numbered, needs.collect())
}

/// A verdict in one line: outcomes, how many fit, and of each finding the row and its numbers.
pub(super) fn told(verdict: &Verdict) -> String {
    let or_unknown = |number: Option<u64>| number.map_or("?".into(), |number| format!("{number}"));
    let mut text = format!(
        "{} {} {}",
        verdict.quota,
        verdict.capacity,
        or_unknown(verdict.fits_count.map(u64::from))
    );
    for finding in &verdict.findings {
        text += &format!("; {}", finding.reason);
        if finding.outcome != verdict.quota {
            text += &format!(" ({})", finding.outcome);
        }
        if let Some(quota) = &finding.quota {
            text += &format!(" {quota}");
        }
        if let Some(owner) = &finding.owner {
            text += &format!(" of {owner}");
        }
        if let Some(zone) = &finding.zone {
            text += &format!(" in {zone}");
        }
        if finding.quota.is_some() {
            text += &format!(
                ": {} of {}",
                or_unknown(finding.required),
                or_unknown(finding.headroom)
            );
        }
        if let Some(limit) = finding
            .minimum_limit
            .filter(|_| finding.shortfall.is_some())
        {
            text += &format!(", needs {limit}");
        }
        if let Some(detail) = &finding.detail {
            text += &format!(" [{detail}]");
        }
    }
    text
}

pub(super) fn reason_of(verdict: &Verdict, quota: &str) -> Option<(Reason, QuotaOutcome)> {
    verdict
        .findings
        .iter()
        .find(|finding| finding.quota.as_deref() == Some(quota))
        .map(|finding| (finding.reason, finding.outcome))
}

pub(super) fn take_of(admission: &Admission, row: &str) -> Option<(u64, u64)> {
    let mut takes = admission.takes.iter();
    let take = takes.find(|take| take.row == row)?;
    Some((take.at_least, take.at_most))
}
