//! The contract as JSON: verdicts in the shape that the command line prints and that orchestrators read, and every record
//! of the contract field by field, as the JSON twins of the plugin read and write it.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::Value;

use crate::{
    bindings::quotagate::plugin::inventory::{
        AllowanceList, Allowances, Capacities, InstanceTypes, Reservations, Sources,
    },
    from_json::{Absent, Fields, FromJson, FromJsonError},
    inventory::NamedSource,
    types::{
        Admission, Allowance, Availability, Block, BreakingLaunch, Capacity, CapacityOutcome,
        Demand, Diagnosis, Disk, Finding, InstanceType, Launch, Lifecycle, Offer, Policy, Profile,
        QuotaOutcome, Reservation, ReservationChange, ReservedDemand, SourceReport, SourceState,
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

/// Writes and reads records of the contract with their fields under the same names, in snake_case. A field with an `or` may
/// be absent in what is read, and is that then. A list with `if any` is absent where it is empty.
macro_rules! records {
    ($($record:ident { $($field:ident $(or $absent:expr)?),+ $(,)? } $(; $list:ident if any)?)+) => {
        $(
            impl Serialize for $record {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    let fields = [$(stringify!($field)),+].len();
                    let mut record = serializer.serialize_struct(stringify!($record), fields)?;
                    $(record.serialize_field(stringify!($field), &self.$field)?;)+
                    $(
                        if !self.$list.is_empty() {
                            record.serialize_field(stringify!($list), &self.$list)?;
                        }
                    )?
                    record.end()
                }
            }

            impl FromJson for $record {
                fn from_json(value: &Value, path: &str) -> Result<Self, FromJsonError> {
                    let mut fields = Fields::of(value, path)?;
                    $($(fields.fill(stringify!($field), &$absent);)?)+
                    $(fields.fill(stringify!($list), &Absent::Nothing);)?
                    let record = Self {
                        $($field: fields.take(stringify!($field))?,)+
                        $($list: fields.take(stringify!($list))?,)?
                    };
                    fields.end()?;
                    Ok(record)
                }
            }
        )+
    };
}

records! {
    Admission { verdict, demands, reserved, breaks_at }
    Allowance { name, owner, region, unit, state, limit, usage, usage_state, usage_fraction or Absent::Null, held, held_at_most or Absent::Like("held") }
    AllowanceList { owner, rows, source }
    Allowances { tenant, project }
    Block { kind, region, quota, project, at_least, instance_type, lifecycle, fabric, cause, until }
    BreakingLaunch { index, fits_count }
    Capacities { items, source }
    Capacity { instance_type, region, fabric, lane, available, level, freshness, observed_at }
    Demand { quota, project, region, at_least, at_most }
    Diagnosis { kind, findings, retry, remedy }
    Disk { kind, bytes, count }
    Finding {
        reason, outcome, quota, scope, owner, region, unit, required, limit, usage, held, headroom, shortfall, minimum_limit,
        detail, remedy, rule,
    }; command if any
    InstanceType { name, family, vcpus, memory_bytes, gpus, gpu_quota, preemptible, clusterable }
    InstanceTypes { region, project_state or Absent::Null, items, source }
    Launch { offer, count, profile }
    Offer { instance_type, region, lifecycle }
    Policy { strictness, explain, max_age_ms }
    Profile {
        project, reservation, disks, filesystems, private_addresses, dynamic_public_addresses,
        static_public_addresses, restart, new_cluster, node_group, fabric,
    }
    Reservation {
        id, family, region, fabric, active, limit, usage, usage_state, usage_fraction or Absent::Null, project_limit,
        project_usage, project_usage_state, project_usage_fraction or Absent::Null, held, held_at_most or Absent::Like("held"), project_held or Absent::Zero,
        project_held_at_most or Absent::Like("project_held"), next_change,
    }
    ReservationChange { at, limit }
    Reservations { items, source }
    ReservedDemand { reservation, project, at_least, at_most }
    SourceReport { state, fetched_at, detail }
    Sources { tenant_allowances, project_allowances, instance_types, capacities, reservations }
    Verdict { quota, capacity, availability, fits_count, visible, findings }
}
