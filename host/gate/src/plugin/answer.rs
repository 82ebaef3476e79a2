//! An answer held against itself and against what was asked: what a plugin says is input from outside.
//!
//! Nothing is judged again here; only what cannot be true by the contract's own words is refused. A few comparisons a
//! verdict and a few look-ups a demand, so that it costs nothing beside carrying the answer over.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use serde::{Deserialize, de::IgnoredAny};

use super::CallError;
use crate::{
    inventory::Inventory,
    types::{
        Admission, Availability, CapacityOutcome, Demand, Diagnosis, Finding, Launch, QuotaOutcome,
        Reason, ReservedDemand, Strictness, Verdict,
    },
};

/// The most that the host holds for one plan, of quotas and of reservations. No plan names as many: it takes from a dozen
/// quotas in each of its projects.
const MOST_DEMANDS: usize = 10_000;

/// The most findings that a diagnosis may have: each may teach the host something.
const MOST_FINDINGS: usize = 1_000;

/// How an answer cannot be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Contradiction {
    /// The quota outcome is not that of the worst finding.
    NotTheWorstFinding,
    /// The availability does not follow from the two outcomes.
    NotTheAvailability,
    /// It is shown or hidden against the policy.
    NotThePolicy,
    /// It fits, and fewer fit.
    FewerFit,
    /// It is blocked, and as many fit.
    AsManyFit,
    /// A row has room and does not let it through.
    RoomThatBlocks,
    /// More headroom than limit, usage and holds leave.
    TooMuchHeadroom,
    /// A shortfall of nothing, or of more than is required.
    ImpossibleShortfall,
    /// A row has room and falls short.
    RoomThatFallsShort,
    /// A limit below what is required would do.
    TooSmallALimit,
    /// The plan fits and breaks.
    BreaksAndFits,
    /// The plan does not fit and breaks nowhere.
    BreaksNowhere,
    /// The plan breaks beyond its end.
    BreaksBeyondItsEnd,
    /// More is demanded than any plan takes.
    TooManyDemands,
    /// No launch of the plan is in the project.
    ForeignProject,
    /// No launch of the plan in that project is in the region.
    ForeignRegion,
    /// Neither the tenant's list nor the project's has the quota there, and both were read to their end.
    UnlistedQuota,
    /// No such reservation was shown.
    UnshownReservation,
    /// The same is demanded twice.
    DemandedTwice,
    /// More is taken for certain than at most.
    UpsideDown,
    /// A launch error means more than any error says.
    TooManyFindings,
}

impl Contradiction {
    /// What it says, and of which part of the answer.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::NotTheWorstFinding => (
                "verdict",
                "the quota outcome is not that of the worst finding",
            ),
            Self::NotTheAvailability => (
                "verdict",
                "the availability does not follow from the two outcomes",
            ),
            Self::NotThePolicy => ("verdict", "it is shown or hidden against the policy"),
            Self::FewerFit => ("verdict", "it fits, and fewer fit"),
            Self::AsManyFit => ("verdict", "it is blocked, and as many fit"),
            Self::RoomThatBlocks => ("verdict", "a row has room and does not let it through"),
            Self::TooMuchHeadroom => ("verdict", "more headroom than limit, usage and holds leave"),
            Self::ImpossibleShortfall => (
                "verdict",
                "a shortfall of nothing, or of more than is required",
            ),
            Self::RoomThatFallsShort => ("verdict", "a row has room and falls short"),
            Self::TooSmallALimit => ("verdict", "a limit below what is required would do"),
            Self::BreaksAndFits => ("verdict", "the plan fits and breaks"),
            Self::BreaksNowhere => ("verdict", "the plan does not fit and breaks nowhere"),
            Self::BreaksBeyondItsEnd => ("verdict", "the plan breaks beyond its end"),
            Self::TooManyDemands => ("demand", "more is demanded than any plan takes"),
            Self::ForeignProject => ("demand", "no launch of the plan is in that project"),
            Self::ForeignRegion => (
                "demand",
                "no launch of the plan in that project is in that region",
            ),
            Self::UnlistedQuota => ("demand", "no list that was shown has that quota there"),
            Self::UnshownReservation => ("demand", "no such reservation was shown"),
            Self::DemandedTwice => ("demand", "the same is demanded twice"),
            Self::UpsideDown => ("demand", "more is taken for certain than at most"),
            Self::TooManyFindings => ("finding", "an error means more than any error says"),
        }
    }

    /// The part of the answer that it is found in: a verdict, a demand, a finding.
    pub(super) const fn part(self) -> &'static str {
        self.words().0
    }
}

impl fmt::Display for Contradiction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.words().1)
    }
}

/// A contradiction in the part of an answer that has this index.
const fn at(index: usize, what: Contradiction) -> CallError {
    CallError::Contradictory { index, what }
}

/// Checks the verdicts on `asked` offers, `count` instances each.
pub(super) fn check_verdicts(
    verdicts: &[Verdict],
    asked: usize,
    count: u32,
    strictness: Strictness,
) -> Result<(), CallError> {
    if verdicts.len() != asked {
        return Err(CallError::WrongLength {
            asked,
            answered: verdicts.len(),
        });
    }
    for (index, verdict) in verdicts.iter().enumerate() {
        check(verdict, count, strictness).map_err(|what| at(index, what))?;
    }
    Ok(())
}

/// Checks the admission of a plan by an inventory: its verdict, and what the host would hold.
pub(super) fn check_admission(
    admission: &Admission,
    plan: &[Launch],
    strictness: Strictness,
    inventory: &Inventory,
) -> Result<(), CallError> {
    let count = u32::try_from(plan.len()).unwrap_or(u32::MAX);
    check(&admission.verdict, count, strictness).map_err(|what| at(0, what))?;
    let fits = admission.verdict.quota == QuotaOutcome::Fits;
    match &admission.breaks_at {
        Some(_) if fits => return Err(at(0, Contradiction::BreaksAndFits)),
        None if !fits => return Err(at(0, Contradiction::BreaksNowhere)),
        Some(breaking) if breaking.index >= count => {
            return Err(at(0, Contradiction::BreaksBeyondItsEnd));
        }
        _ => {}
    }
    check_demands(&admission.demands, plan, inventory)?;
    check_reserved(&admission.reserved, plan, inventory)
}

/// Checks what a plan takes of quotas. Each is one of a launch's project and region and of a list's quotas, and named once, so
/// that there are no more of them than launches times rows; where a list was not read to its end, no more than the ceiling.
fn check_demands(
    demands: &[Demand],
    plan: &[Launch],
    inventory: &Inventory,
) -> Result<(), CallError> {
    if demands.len() > MOST_DEMANDS {
        return Err(at(MOST_DEMANDS, Contradiction::TooManyDemands));
    }
    let places: HashSet<(&str, &str)> = plan.iter().map(place).collect();
    let projects: HashSet<&str> = places.iter().map(|(project, _)| *project).collect();
    let whole: HashSet<&str> = projects
        .iter()
        .copied()
        .filter(|project| inventory.allowances_are_whole(project))
        .collect();
    let mut keys = HashSet::with_capacity(demands.len());
    // What no list was found to have yet, by quota and region.
    let mut unlisted: HashMap<(&str, &str), Vec<(&str, usize)>> = HashMap::new();
    for (index, demand) in demands.iter().enumerate() {
        let Demand {
            quota,
            project,
            region,
            at_least,
            at_most,
        } = demand;
        let (quota, project, region) = (quota.as_str(), project.as_str(), region.as_str());
        if !projects.contains(project) {
            return Err(at(index, Contradiction::ForeignProject));
        }
        if !places.contains(&(project, region)) {
            return Err(at(index, Contradiction::ForeignRegion));
        }
        if at_least > at_most {
            return Err(at(index, Contradiction::UpsideDown));
        }
        if !keys.insert((quota, project, region)) {
            return Err(at(index, Contradiction::DemandedTwice));
        }
        if whole.contains(project) {
            let here = unlisted.entry((quota, region)).or_default();
            here.push((project, index));
        }
    }
    for row in &inventory.tenant_allowances().rows {
        if unlisted.is_empty() {
            return Ok(());
        }
        unlisted.remove(&(row.name.as_str(), row.region.as_str()));
    }
    let mut unlisted: HashMap<(&str, &str, &str), usize> = unlisted
        .into_iter()
        .flat_map(|((quota, region), here)| {
            let here = here.into_iter();
            here.map(move |(project, index)| ((project, quota, region), index))
        })
        .collect();
    for project in whole {
        if unlisted.is_empty() {
            return Ok(());
        }
        let owned = inventory.project_allowances(project);
        for row in owned.into_iter().flat_map(|owned| &owned.rows) {
            unlisted.remove(&(project, row.name.as_str(), row.region.as_str()));
        }
    }
    match unlisted.into_values().min() {
        Some(index) => Err(at(index, Contradiction::UnlistedQuota)),
        None => Ok(()),
    }
}

/// Checks what a plan takes of reservations.
fn check_reserved(
    reserved: &[ReservedDemand],
    plan: &[Launch],
    inventory: &Inventory,
) -> Result<(), CallError> {
    if reserved.len() > MOST_DEMANDS {
        return Err(at(MOST_DEMANDS, Contradiction::TooManyDemands));
    }
    if reserved.is_empty() {
        return Ok(());
    }
    let projects: HashSet<&str> = plan.iter().map(|launch| place(launch).0).collect();
    let shown: HashSet<&str> = inventory.reservations_shown().collect();
    let mut keys = HashSet::with_capacity(reserved.len());
    for (index, demand) in reserved.iter().enumerate() {
        let (reservation, project) = (demand.reservation.as_str(), demand.project.as_str());
        if !projects.contains(project) {
            return Err(at(index, Contradiction::ForeignProject));
        }
        if !shown.contains(reservation) {
            return Err(at(index, Contradiction::UnshownReservation));
        }
        if demand.at_least > demand.at_most {
            return Err(at(index, Contradiction::UpsideDown));
        }
        if !keys.insert((reservation, project)) {
            return Err(at(index, Contradiction::DemandedTwice));
        }
    }
    Ok(())
}

fn place(launch: &Launch) -> (&str, &str) {
    (&launch.profile.project, &launch.offer.region)
}

/// Checks what a launch error is said to mean. Its numbers are the cloud's, and need not agree.
pub(super) fn check_diagnosis(diagnosis: &Diagnosis) -> Result<(), CallError> {
    if diagnosis.findings.len() > MOST_FINDINGS {
        return Err(at(MOST_FINDINGS, Contradiction::TooManyFindings));
    }
    let mut findings = diagnosis.findings.iter();
    match findings.position(|finding| check_outcome(finding).is_err()) {
        Some(index) => Err(at(index, Contradiction::RoomThatBlocks)),
        None => Ok(()),
    }
}

/// Checks the outer shape of the text that `assess-json` gives, and that it has a verdict for each offer.
pub(super) fn check_verdicts_text(request: &str, answer: &str) -> Result<(), CallError> {
    #[derive(Deserialize)]
    struct Request {
        offers: Vec<IgnoredAny>,
    }
    #[derive(Deserialize)]
    struct Answer {
        verdicts: Vec<IgnoredAny>,
    }
    let answer: Answer = shape(answer)?;
    let answered = answer.verdicts.len();
    match serde_json::from_str::<Request>(request) {
        Ok(request) if request.offers.len() != answered => Err(CallError::WrongLength {
            asked: request.offers.len(),
            answered,
        }),
        _ => Ok(()),
    }
}

/// Checks the outer shape of the text that `admit-json` gives.
pub(super) fn check_admission_text(answer: &str) -> Result<(), CallError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "verdict")]
        _verdict: HashMap<String, IgnoredAny>,
        #[serde(rename = "demands")]
        _demands: Vec<IgnoredAny>,
        #[serde(rename = "reserved")]
        _reserved: Vec<IgnoredAny>,
        #[serde(rename = "breaks_at")]
        _breaks_at: Option<HashMap<String, IgnoredAny>>,
    }
    shape::<Answer>(answer).map(|_| ())
}

/// Checks the outer shape of the text that `diagnose-json` gives.
pub(super) fn check_diagnosis_text(answer: &str) -> Result<(), CallError> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "kind")]
        _kind: String,
        #[serde(rename = "findings")]
        _findings: Vec<IgnoredAny>,
        #[serde(rename = "retry")]
        _retry: bool,
    }
    shape::<Answer>(answer).map(|_| ())
}

fn shape<'a, T: Deserialize<'a>>(answer: &'a str) -> Result<T, CallError> {
    serde_json::from_str(answer).map_err(|error| CallError::WrongShape(error.into()))
}

/// Both outcomes in one word: quota first, since a launch that it blocks never gets to ask for hardware.
const fn availability(quota: QuotaOutcome, capacity: CapacityOutcome) -> Availability {
    match (quota, capacity) {
        (QuotaOutcome::Blocked, _) => Availability::NoQuota,
        (_, CapacityOutcome::Unlikely) => Availability::NoCapacity,
        (QuotaOutcome::Unknown, _) => Availability::Unknown,
        (QuotaOutcome::Fits, _) => Availability::Available,
    }
}

/// Whether a policy shows an offer.
pub(super) fn shows(strictness: Strictness, availability: Availability) -> bool {
    match strictness {
        Strictness::Advisory => true,
        Strictness::Balanced => availability != Availability::NoQuota,
        Strictness::Strict => availability == Availability::Available,
    }
}

fn check(verdict: &Verdict, count: u32, strictness: Strictness) -> Result<(), Contradiction> {
    let mut worst = QuotaOutcome::Fits;
    for finding in &verdict.findings {
        check_finding(finding)?;
        worst = worst.worse(finding.outcome);
    }
    if verdict.quota != worst {
        return Err(Contradiction::NotTheWorstFinding);
    }
    if verdict.availability != availability(verdict.quota, verdict.capacity) {
        return Err(Contradiction::NotTheAvailability);
    }
    if verdict.visible != shows(strictness, verdict.availability) {
        return Err(Contradiction::NotThePolicy);
    }
    match (verdict.quota, verdict.fits_count) {
        (QuotaOutcome::Fits, Some(fits)) if fits < count => Err(Contradiction::FewerFit),
        (QuotaOutcome::Blocked, Some(fits)) if fits >= count => Err(Contradiction::AsManyFit),
        _ => Ok(()),
    }
}

fn check_outcome(finding: &Finding) -> Result<(), Contradiction> {
    if finding.reason == Reason::Fits && finding.outcome != QuotaOutcome::Fits {
        return Err(Contradiction::RoomThatBlocks);
    }
    Ok(())
}

fn check_finding(finding: &Finding) -> Result<(), Contradiction> {
    check_outcome(finding)?;
    if let (Some(limit), Some(headroom)) = (finding.limit, finding.headroom) {
        // Where the usage is not told, it is not zero: more is taken than is said.
        let taken = finding.usage.unwrap_or(0).saturating_add(finding.held);
        if headroom > limit.saturating_sub(taken) {
            return Err(Contradiction::TooMuchHeadroom);
        }
    }
    if let Some(shortfall) = finding.shortfall {
        if shortfall == 0
            || finding
                .required
                .is_some_and(|required| shortfall > required)
        {
            return Err(Contradiction::ImpossibleShortfall);
        }
        if finding.reason == Reason::Fits {
            return Err(Contradiction::RoomThatFallsShort);
        }
    }
    // What is not told is none, which is below every number.
    if finding.minimum_limit.is_some() && finding.minimum_limit < finding.required {
        return Err(Contradiction::TooSmallALimit);
    }
    Ok(())
}
