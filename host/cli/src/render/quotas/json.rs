//! Quota rows as programs read them.

use std::collections::BTreeMap;

use quotagate::{Descriptor, Limit, RowState, SourceReport, json::SourceJson};
use serde::Serialize;

use super::{Quotas, Row};

#[derive(Serialize)]
struct RowJson<'a> {
    owner: &'a str,
    level: &'a str,
    state: Option<RowState>,
    limit: Option<u64>,
    unlimited: bool,
    usage: Option<u64>,
    usage_at_most: Option<u64>,
    held: u64,
    headroom: Option<u64>,
}

#[derive(Serialize)]
struct QuotaJson<'a> {
    quota: &'a str,
    title: Option<&'a str>,
    region: Option<&'a str>,
    zone: Option<&'a str>,
    unit: &'a str,
    /// By level.
    #[serde(flatten)]
    outer: BTreeMap<&'a str, Vec<RowJson<'a>>>,
    /// By project.
    projects: BTreeMap<&'a str, Vec<RowJson<'a>>>,
}

/// The list as programs read it. Numbers are null where they are not known.
#[derive(Serialize)]
pub(crate) struct ListJson<'a> {
    cloud: &'a str,
    quotas: Vec<QuotaJson<'a>>,
    sources: BTreeMap<String, SourceJson<'a>>,
}

/// The list as JSON.
pub(crate) fn json<'a>(
    quotas: &'a Quotas,
    sources: &'a [SourceReport],
    cloud: &'a Descriptor,
    now_ms: u64,
) -> ListJson<'a> {
    let outer_level = cloud.levels.first().map(String::as_str);
    let quotas = quotas.iter().map(|(which, quota)| {
        let mut outer: BTreeMap<&str, Vec<RowJson<'_>>> = BTreeMap::new();
        outer.extend(outer_level.map(|level| (level, Vec::new())));
        for row in &quota.outer {
            let level = row.standing.level.as_str();
            outer.entry(level).or_default().push(RowJson::of(row));
        }
        let mut projects: BTreeMap<&str, Vec<RowJson<'_>>> = BTreeMap::new();
        for row in &quota.inner {
            let project = row.standing.owner.as_str();
            projects.entry(project).or_default().push(RowJson::of(row));
        }
        let first = quota
            .outer
            .first()
            .or(quota.inner.first())
            .map(|row| &row.standing);
        QuotaJson {
            quota: &which.quota,
            title: first.and_then(|row| row.title.as_deref()),
            region: which.region.as_deref(),
            zone: which.zone.as_deref(),
            unit: first.map_or("", |row| &row.unit),
            outer,
            projects,
        }
    });
    ListJson {
        cloud: &cloud.cloud,
        quotas: quotas.collect(),
        sources: quotagate::json::sources(sources, now_ms),
    }
}

impl<'a> RowJson<'a> {
    fn of(row: &'a Row) -> Self {
        let standing = &row.standing;
        Self {
            owner: &standing.owner,
            level: &standing.level,
            state: row.state,
            limit: row.limit(),
            unlimited: standing.limit == Limit::Unlimited,
            usage: row.used(),
            usage_at_most: standing.usage.at_most,
            held: row.held_at_least,
            headroom: row.free(),
        }
    }
}
