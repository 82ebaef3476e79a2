//! The verdict on one launch: first the answer, then what decided it, then what to do.

use std::collections::BTreeMap;

use quotagate::{
    Alternative, CapacityOutcome, Check, Descriptor, Launch, QuotaOutcome, Reason,
    json::{OfferJson, SourceJson},
};
use serde::Serialize;

use super::{page::Page, style};
use crate::output::Screen;

/// A verdict as programs read it.
#[derive(Serialize)]
pub(crate) struct CheckJson<'a> {
    #[serde(flatten)]
    offer: OfferJson<'a>,
    /// What is available in its place; nothing where the launch itself is.
    alternatives: Vec<AlternativeJson<'a>>,
    sources: BTreeMap<String, SourceJson<'a>>,
}

#[derive(Serialize)]
struct AlternativeJson<'a> {
    instance_type: &'a str,
    region: &'a str,
    zone: Option<&'a str>,
    lifecycle: &'a str,
    project: &'a str,
    count: u32,
    fits_count: Option<u32>,
}

/// The verdict as JSON.
pub(crate) fn json<'a>(
    check: &'a Check,
    instead: &'a [Alternative],
    cloud: &'a Descriptor,
    now_ms: u64,
) -> CheckJson<'a> {
    let launch = &check.launch;
    let alternatives = instead.iter().map(|other| AlternativeJson {
        instance_type: &other.launch.offer.instance_type,
        region: &other.launch.offer.region,
        zone: other.launch.offer.zone.as_deref(),
        lifecycle: &other.launch.offer.lifecycle,
        project: &other.launch.profile.project,
        count: other.launch.count,
        fits_count: other.verdict.fits_count,
    });
    CheckJson {
        offer: OfferJson::new(
            &cloud.cloud,
            &launch.offer,
            &launch.profile.project,
            &check.verdict,
        ),
        alternatives: alternatives.collect(),
        sources: quotagate::json::sources(&check.sources, now_ms),
    }
}

/// The verdict in words.
pub(crate) fn text(
    check: &Check,
    instead: &[Alternative],
    cloud: &Descriptor,
    screen: &Screen,
) -> String {
    let mut page = Page::new(&answer(check, cloud, screen), cloud, screen);
    let verdict = &check.verdict;
    // The answer tells what is not offered, and there is nothing more to tell of it.
    let findings = verdict.findings.iter().map(|finding| &**finding);
    let mut told = findings
        .filter(|finding| finding.reason != Reason::NotOffered)
        .peekable();
    if told.peek().is_some() {
        page.line("", 0);
    }
    page.findings(told);
    page.advice(verdict);
    let others: Vec<String> = instead
        .iter()
        .take(SHOWN)
        .map(|other| alternative(check, other, cloud, screen))
        .collect();
    page.section("or launch", others.iter().map(String::as_str));
    if instead.len() > SHOWN {
        let more = instead.len() - SHOWN;
        page.line(&format!("    ({more} more with --format json)"), 4);
    }
    page.gaps(&check.sources);
    page.finish()
}

/// How many alternatives people are shown.
const SHOWN: usize = 3;

fn alternative(check: &Check, other: &Alternative, cloud: &Descriptor, screen: &Screen) -> String {
    let what = launch(&other.launch, cloud, screen);
    let asked = &check.launch;
    let project = &other.launch.profile.project;
    let is_elsewhere =
        other.launch.offer.region != asked.offer.region || *project == asked.profile.project;
    let project = if is_elsewhere {
        String::new()
    } else {
        format!(", project {project}")
    };
    match other.verdict.fits_count {
        Some(fits) => format!("{what}{project} (fits {fits})"),
        None => format!("{what}{project}"),
    }
}

/// The answer in one line.
fn answer(check: &Check, cloud: &Descriptor, screen: &Screen) -> String {
    let verdict = &check.verdict;
    let what = launch(&check.launch, cloud, screen);
    let not_offered = verdict
        .findings
        .iter()
        .find(|finding| finding.reason == Reason::NotOffered);
    if let (Some(finding), true) = (not_offered, verdict.quota == QuotaOutcome::Unknown) {
        let why = finding
            .detail
            .as_deref()
            .unwrap_or("the project is not offered it");
        let word = style::paint(style::DOUBT, "not offered");
        return format!("{word}: {what}: {why}");
    }
    let count = check.launch.count;
    let word = style::paint(style::outcome(verdict.quota), verdict.quota.as_str());
    let rest = match verdict.quota {
        QuotaOutcome::Fits => {
            let quotas = match verdict.fits_count {
                Some(fits) if fits > count => format!("{what} fits the quotas, up to {fits} would"),
                _ => format!("{what} fits the quotas"),
            };
            format!("{quotas}; {}", hardware(verdict.capacity))
        }
        QuotaOutcome::Blocked => match verdict.fits_count {
            Some(fits @ 1..) => format!("{what} does not fit; {fits} would"),
            _ => format!("{what} does not fit"),
        },
        QuotaOutcome::Unknown => format!("whether {what} fits cannot be told"),
    };
    format!("{word}: {rest}")
}

/// So many instances of an offer, in words.
pub(super) fn launch(launch: &Launch, cloud: &Descriptor, screen: &Screen) -> String {
    let times = if screen.ascii { "x" } else { "×" };
    let offer = &launch.offer;
    let zone = offer.zone.as_ref().map(|zone| {
        let word = match cloud.zone_word.as_str() {
            "" => "zone",
            word => word,
        };
        format!(", {word} {zone}")
    });
    format!(
        "{} {times} {} {} in {}{}",
        launch.count,
        offer.instance_type,
        offer.lifecycle,
        offer.region,
        zone.unwrap_or_default()
    )
}

/// Whether hardware is free, in words.
pub(super) const fn hardware(capacity: CapacityOutcome) -> &'static str {
    match capacity {
        CapacityOutcome::Likely => "hardware is likely to be free",
        CapacityOutcome::Unlikely => "hardware is unlikely to be free now",
        CapacityOutcome::Unknown => "whether hardware is free is not known",
    }
}
