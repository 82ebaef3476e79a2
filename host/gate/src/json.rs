//! Verdicts as JSON, in the shape that the command line prints and that orchestrators read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quotagate_contract::{
    Availability, CapacityOutcome, Finding, Offer, QuotaOutcome, SourceReport, SourceState, Verdict,
};
use serde::Serialize;

/// The version of this shape.
pub const SCHEMA: u32 = 1;

/// One judged offer.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct OfferJson<'a> {
    /// The version of this shape.
    pub schema: u32,
    /// The cloud.
    pub cloud: &'a str,
    /// The instance type's name.
    pub instance_type: &'a str,
    /// The region.
    pub region: &'a str,
    /// The zone, where the launch insists on one.
    pub zone: Option<&'a str>,
    /// The lifecycle, as the cloud names it.
    pub lifecycle: &'a str,
    /// The project it was judged in.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub project: &'a str,
    /// Both outcomes in one word.
    pub availability: Availability,
    /// Whether the quotas let it through.
    pub quota: QuotaOutcome,
    /// Whether hardware is likely to be free.
    pub capacity: CapacityOutcome,
    /// How many fit; null where that is not known.
    pub fits_count: Option<u32>,
    /// What decided.
    pub findings: &'a [Arc<Finding>],
}

impl<'a> OfferJson<'a> {
    /// An offer of a cloud with its verdict.
    pub fn new(cloud: &'a str, offer: &'a Offer, project: &'a str, verdict: &'a Verdict) -> Self {
        Self {
            schema: SCHEMA,
            cloud,
            instance_type: &offer.instance_type,
            region: &offer.region,
            zone: offer.zone.as_deref(),
            lifecycle: &offer.lifecycle,
            project,
            availability: verdict.availability(),
            quota: verdict.quota,
            capacity: verdict.capacity,
            fits_count: verdict.fits_count,
            findings: &verdict.findings,
        }
    }
}

/// A source's state and age.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct SourceJson<'a> {
    /// How far it was read.
    pub state: SourceState,
    /// How long ago, in milliseconds.
    pub age_ms: u64,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
}

/// Sources by key, those of the one owner that has any by their kind alone.
pub fn sources(sources: &[SourceReport], now_ms: u64) -> BTreeMap<String, SourceJson<'_>> {
    let owner_of = |source: &'_ SourceReport| {
        let owner = source.key.strip_prefix(&source.kind)?.strip_prefix('.')?;
        Some(owner.to_owned())
    };
    let owners: BTreeSet<String> = sources.iter().filter_map(owner_of).collect();
    sources
        .iter()
        .map(|source| {
            let name = match owner_of(source) {
                Some(_) if owners.len() == 1 => source.kind.clone(),
                _ => source.key.clone(),
            };
            let report = SourceJson {
                state: source.state,
                age_ms: now_ms.saturating_sub(source.fetched_at),
                detail: source.detail.as_deref(),
            };
            (name, report)
        })
        .collect()
}
