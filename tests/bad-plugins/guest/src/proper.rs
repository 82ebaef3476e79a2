//! Answers in which nothing is wrong, for the deeds to spoil.

use alloc::{format, string::String, vec, vec::Vec};

use crate::plugin::bindings::{
    exports::quotagate::plugin::gate::{Admission, Answer, Diagnosis, FailureKind, Standing},
    quotagate::plugin::{
        inventory,
        types::{
            CapacityOutcome, Finding, Head, Launch, Lesson, LessonKind, Limit, NumberedOffer,
            Offer, Place, QuotaOutcome, Reason, Remedy, Row, RowState, Take, ToldFinding, Usage,
            Verdict,
        },
    },
};

/// An offer by numbers.
pub(crate) fn numbered(offer: &Offer) -> NumberedOffer {
    NumberedOffer {
        instance_type: inventory::number_of(&offer.instance_type),
        region: inventory::number_of(&offer.region),
        zone: 0,
        lifecycle: inventory::number_of(&offer.lifecycle),
    }
}

/// A finding that cannot be taken for that of another offer: its quota is the type.
pub(crate) fn finding(offer: NumberedOffer, count: u32) -> Finding {
    Finding {
        reason: Reason::Fits,
        outcome: QuotaOutcome::Fits,
        row: 0,
        quota: offer.instance_type,
        owner: 0,
        level: 0,
        region: offer.region,
        zone: 0,
        unit: inventory::number_of("count"),
        required: Some(count.into()),
        limit: None,
        usage: None,
        usage_at_most: None,
        held: 0,
        headroom: None,
        shortfall: None,
        minimum_limit: None,
    }
}

pub(crate) fn told(finding: Finding) -> ToldFinding {
    let name = inventory::name_of(finding.quota);
    let count = finding.required.unwrap_or_default();
    ToldFinding {
        finding,
        title: None,
        detail: Some(format!("{count} of {name}")),
        remedy: None,
        rule: None,
    }
}

pub(crate) fn head(first: u32, count: u32) -> Head {
    Head {
        quota: QuotaOutcome::Fits,
        capacity: CapacityOutcome::Likely,
        fits_count: Some(count),
        first,
        findings: 1,
    }
}

/// One finding an offer.
pub(crate) fn answer(offers: &[NumberedOffer], count: u32) -> Answer {
    let places = 0..offers.len() as u32;
    Answer {
        heads: places.clone().map(|place| head(place, count)).collect(),
        findings: offers.iter().map(|offer| finding(*offer, count)).collect(),
        references: places.collect(),
    }
}

pub(crate) fn verdict(offer: NumberedOffer, count: u32) -> Verdict {
    Verdict {
        quota: QuotaOutcome::Fits,
        capacity: CapacityOutcome::Likely,
        fits_count: Some(count),
        findings: vec![told(finding(offer, count))],
    }
}

/// The rows of a project's owners: those of the region, and those that count everywhere.
pub(crate) fn rows(project: &str, region: &str) -> Vec<Row> {
    let owners = inventory::get_owners(project);
    let of = |region: Option<&str>| -> Vec<Row> {
        let lists = owners
            .iter()
            .map(|owner| inventory::get_rows(&owner.id, region));
        lists.flatten().collect()
    };
    [of(Some(region)), of(None)].concat()
}

/// The rows of the reservations of a region.
pub(crate) fn reserved(project: &str, region: &str) -> Vec<Row> {
    let reservations = inventory::get_reservations(project, region);
    reservations
        .into_iter()
        .map(|reservation| reservation.row)
        .collect()
}

fn standing(row: Row) -> Standing {
    Standing {
        row: row.number,
        key: row.key,
        quota: row.quota,
        title: row.title,
        owner: row.owner,
        level: String::new(),
        place: row.place,
        unit: row.unit,
        limit: row.limit,
        usage: row.usage,
        measured: false,
        headroom: None,
        rests_on: Vec::new(),
    }
}

/// The rows of the reservations of every region.
pub(crate) fn reserved_anywhere(project: &str) -> Vec<Row> {
    let regions = regions();
    let rows = regions.iter().map(|region| reserved(project, region));
    rows.flatten().collect()
}

fn regions() -> Vec<String> {
    let mut regions: Vec<String> = inventory::get_places()
        .into_iter()
        .filter_map(|offered| offered.place.region)
        .collect();
    regions.sort();
    regions.dedup();
    regions
}

/// The rows of a project in every region, or those of them that are asked about.
pub(crate) fn standings(project: &str, only: Option<&[u32]>) -> Vec<Standing> {
    let regions = regions();
    let mut found: Vec<Row> = Vec::new();
    for region in &regions {
        found.extend(rows(project, region));
        if only.is_some() {
            found.extend(reserved(project, region));
        }
    }
    found.sort_by_key(|row| row.number);
    found.dedup_by_key(|row| row.number);
    found.retain(|row| only.is_none_or(|only| only.contains(&row.number)));
    found.into_iter().map(standing).collect()
}

/// A row that nobody was shown, as one stands.
pub(crate) fn invented(key: &str) -> Standing {
    let place = Place {
        region: None,
        zone: None,
    };
    standing(Row {
        number: inventory::number_of(key),
        key: key.into(),
        quota: "instances".into(),
        title: None,
        owner: "nobody".into(),
        place,
        dimensions: Vec::new(),
        unit: "count".into(),
        state: RowState::InForce,
        limit: Limit::Unset,
        usage: Usage {
            at_least: 0,
            at_most: None,
            measured_at: None,
        },
        attributes: Vec::new(),
    })
}

/// One of a row.
pub(crate) fn take(row: u32) -> Take {
    Take {
        row,
        at_least: 1,
        at_most: 1,
    }
}

pub(crate) fn admission(first: &Launch, launches: u32) -> Admission {
    Admission {
        verdict: verdict(numbered(&first.offer), launches),
        takes: Vec::new(),
        rests_on: Vec::new(),
        reservations: Vec::new(),
        breaks_at: None,
    }
}

/// What a failure with this message means.
pub(crate) fn diagnosis(message: String) -> Diagnosis {
    Diagnosis {
        kind: FailureKind::Ambiguous,
        retry: false,
        findings: Vec::new(),
        remedy: Some(Remedy {
            text: message,
            command: Vec::new(),
            link: None,
        }),
        lessons: Vec::new(),
        contradicts: Vec::new(),
    }
}

/// That hardware was short, everywhere.
pub(crate) fn lesson() -> Lesson {
    Lesson {
        kind: LessonKind::Capacity,
        quota: None,
        owner: None,
        place: Place {
            region: None,
            zone: None,
        },
        at_least: 0,
        beyond_limit: false,
        instance_type: None,
        lifecycle: None,
        rows: Vec::new(),
        cause: "there was none".into(),
        learned_at: 0,
        until: 0,
    }
}
