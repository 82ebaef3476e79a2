//! Verdicts as JSON: the one shape that the command line prints and that orchestrators read (design.md, "The command
//! line").

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    inventory::NamedSource,
    types::{
        Availability, CapacityOutcome, Finding, Lifecycle, Offer, QuotaOutcome, SourceState,
        Verdict,
    },
};

/// One judged offer.
#[derive(Debug, Serialize)]
pub struct OfferJson<'a> {
    /// The instance type's name.
    pub instance_type: &'a str,
    /// The region.
    pub region: &'a str,
    /// The lifecycle.
    pub lifecycle: Lifecycle,
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
    pub findings: &'a [Finding],
}

impl<'a> OfferJson<'a> {
    /// An offer with its verdict.
    pub fn new(offer: &'a Offer, project: &'a str, verdict: &'a Verdict) -> Self {
        Self {
            instance_type: &offer.instance_type,
            region: &offer.region,
            lifecycle: offer.lifecycle,
            project,
            availability: verdict.availability,
            quota: verdict.quota,
            capacity: verdict.capacity,
            fits_count: verdict.fits_count,
            findings: &verdict.findings,
        }
    }
}

/// A source's state and age.
#[derive(Debug, Serialize)]
pub struct SourceJson<'a> {
    /// How far it was read.
    pub state: SourceState,
    /// How long ago, in milliseconds.
    pub age_ms: u64,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
}

/// Sources by name: `tenant_allowances`, or `project_allowances.<project>` where several projects were read.
pub fn sources(sources: &[NamedSource], now_ms: u64) -> BTreeMap<String, SourceJson<'_>> {
    let mut projects: Vec<_> = sources
        .iter()
        .filter_map(|source| source.project.as_ref())
        .collect();
    projects.sort();
    projects.dedup();
    sources
        .iter()
        .map(|source| {
            let name = match &source.project {
                Some(project) if projects.len() > 1 => format!("{}.{project}", source.name),
                _ => source.name.to_owned(),
            };
            let report = SourceJson {
                state: source.report.state,
                age_ms: now_ms.saturating_sub(source.report.fetched_at),
                detail: source.report.detail.as_deref(),
            };
            (name, report)
        })
        .collect()
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Finding", 15)?;
        fields.serialize_field("reason", &self.reason)?;
        fields.serialize_field("outcome", &self.outcome)?;
        fields.serialize_field("quota", &self.quota)?;
        fields.serialize_field("scope", &self.scope)?;
        fields.serialize_field("region", &self.region)?;
        fields.serialize_field("unit", &self.unit)?;
        fields.serialize_field("required", &self.required)?;
        fields.serialize_field("limit", &self.limit)?;
        fields.serialize_field("usage", &self.usage)?;
        fields.serialize_field("held", &self.held)?;
        fields.serialize_field("headroom", &self.headroom)?;
        fields.serialize_field("shortfall", &self.shortfall)?;
        fields.serialize_field("minimum_limit", &self.minimum_limit)?;
        fields.serialize_field("detail", &self.detail)?;
        fields.serialize_field("remedy", &self.remedy)?;
        fields.end()
    }
}
