//! One quota, `instances`: what is not used up fits.

use alloc::{format, string::String, vec, vec::Vec};

use exports::quotagate::plugin::gate::{
    Admission, Descriptor, Diagnosis, ErrorCode, Failure, FailureKind, GateError, Guest, Launch, Needs, Offer, Profile,
};
use quotagate::plugin::{inventory::get_allowances, types::*};

wit_bindgen::generate!({ path: "../../wit", world: "plugin" });

struct Minimal;
export!(Minimal);

fn judge(project: &str, region: &str, count: u64, policy: Policy) -> Verdict {
    let rows = get_allowances(project).tenant.rows;
    let row = rows.into_iter().find(|row| row.name == "instances" && row.region == region);
    let free = |held: u64| row.as_ref().and_then(|row| Some(row.limit?.saturating_sub(row.usage).saturating_sub(held)));
    // What is promised for certain proves a shortage; beside what may be promised there must be room too.
    let headroom = free(row.as_ref().map_or(0, |row| row.held));
    let least = free(row.as_ref().map_or(0, |row| row.held_at_most));
    let (reason, outcome, availability) = match (headroom, least) {
        (Some(most), _) if count > most => (Reason::Shortage, QuotaOutcome::Blocked, Availability::NoQuota),
        (_, Some(least)) if count <= least => (Reason::Fits, QuotaOutcome::Fits, Availability::Available),
        (Some(_), _) => (Reason::MayBeHeld, QuotaOutcome::Unknown, Availability::Unknown),
        (None, _) => (Reason::RowMissing, QuotaOutcome::Unknown, Availability::Unknown),
    };
    let finding = Finding {
        reason, outcome, quota: Some("instances".into()), scope: Some(Scope::Tenant),
        owner: row.as_ref().map(|row| row.owner.clone()), region: region.into(), unit: "count".into(), required: Some(count),
        limit: row.as_ref().and_then(|row| row.limit), usage: row.as_ref().map(|row| row.usage),
        held: row.as_ref().map_or(0, |row| row.held), headroom,
        shortfall: headroom.and_then(|free| count.checked_sub(free)).filter(|short| *short > 0),
        minimum_limit: None, detail: None, remedy: None, command: vec![], rule: None,
    };
    let visible = match policy.strictness {
        Strictness::Advisory => true,
        Strictness::Balanced => outcome != QuotaOutcome::Blocked,
        Strictness::Strict => outcome == QuotaOutcome::Fits,
    };
    let fits_count = headroom.filter(|_| headroom == least).map(|free| u32::try_from(free).unwrap_or(u32::MAX));
    let capacity = CapacityOutcome::Unknown;
    Verdict { quota: outcome, capacity, availability, fits_count, visible, findings: vec![finding] }
}

fn no_text<T>() -> Result<T, GateError> {
    Err(GateError { code: ErrorCode::InvalidJson, message: "this plugin takes records alone".into() })
}

impl Guest for Minimal {
    fn describe() -> Descriptor {
        Descriptor { cloud: "minimal".into(), version: "0.1.0".into(), needs: Needs::ALLOWANCES }
    }
    fn assess(offers: Vec<Offer>, count: u32, profile: Profile, policy: Policy) -> Result<Vec<Verdict>, GateError> {
        Ok(offers.iter().map(|offer| judge(&profile.project, &offer.region, count.into(), policy)).collect())
    }
    fn admit(plan: Vec<Launch>, _: Policy) -> Result<Admission, GateError> {
        let message = format!("{} launches: this plugin judges no plans", plan.len());
        Err(GateError { code: ErrorCode::InvalidLaunch, message })
    }
    fn diagnose(_: Failure) -> Diagnosis {
        Diagnosis { kind: FailureKind::Ambiguous, findings: vec![], retry: false, remedy: None }
    }
    fn assess_json(_: String) -> Result<String, GateError> { no_text() }
    fn admit_json(_: String) -> Result<String, GateError> { no_text() }
    fn diagnose_json(_: String) -> Result<String, GateError> { no_text() }
}
