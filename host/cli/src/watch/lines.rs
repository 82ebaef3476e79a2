//! Changes as lines: for people, or an object each for programs.

use jiff::Timestamp;
use quotagate::{Availability, Unit, text};
use serde::Serialize;

use super::{Change, RowKey, View};
use crate::{
    amount,
    args::Format,
    render::{sources, style},
};

/// Writes changes down as they happen.
pub(crate) struct Lines<'a> {
    /// As what.
    pub(crate) format: Format,
    /// The units of rows.
    pub(crate) units: &'a [Unit],
}

#[derive(Serialize)]
struct Dated<'a, T> {
    at: String,
    #[serde(flatten)]
    what: &'a T,
}

#[derive(Serialize)]
struct Summary {
    change: &'static str,
    available: usize,
    no_quota: usize,
    no_capacity: usize,
    unknown: usize,
}

impl Lines<'_> {
    /// Where things stand.
    pub(crate) fn summary(&self, view: &View, at: Timestamp) -> serde_json::Result<String> {
        let counts = view.counts();
        let of = |wanted| {
            let mut counts = counts.iter();
            counts
                .find_map(|(known, count)| (*known == wanted).then_some(*count))
                .unwrap_or(0)
        };
        let summary = Summary {
            change: "summary",
            available: of(Availability::Available),
            no_quota: of(Availability::NoQuota),
            no_capacity: of(Availability::NoCapacity),
            unknown: of(Availability::Unknown),
        };
        match self.format {
            Format::Json => dated(&summary, at),
            Format::Table => Ok(line(
                at,
                &format!(
                    "watching {} offers: {} available, {} without quota, {} without hardware, {} unknown",
                    counts.iter().map(|(_, count)| count).sum::<usize>(),
                    summary.available,
                    summary.no_quota,
                    summary.no_capacity,
                    summary.unknown
                ),
            )),
        }
    }

    /// One change.
    pub(crate) fn change(&self, change: &Change, at: Timestamp) -> serde_json::Result<String> {
        match self.format {
            Format::Json => dated(change, at),
            Format::Table => Ok(line(at, &words(change, self.units))),
        }
    }
}

fn dated(what: &impl Serialize, at: Timestamp) -> serde_json::Result<String> {
    let dated = Dated {
        at: at.to_string(),
        what,
    };
    Ok(format!("{}\n", text::json(&serde_json::to_string(&dated)?)))
}

fn line(at: Timestamp, text: &str) -> String {
    let at = at.strftime("%H:%M:%SZ").to_string();
    format!(
        "{}  {}\n",
        style::paint(style::FAINT, &at),
        style::line(text)
    )
}

fn words(change: &Change, units: &[Unit]) -> String {
    match change {
        Change::Limit {
            row,
            level,
            unit,
            from,
            to,
        } => {
            let show = |limit: &Option<u64>| {
                limit.map_or_else(
                    || String::from("none"),
                    |limit| amount::show(limit, unit, units),
                )
            };
            format!(
                "limit   {}: {} -> {}",
                named(row, level),
                show(from),
                show(to)
            )
        }
        Change::Usage {
            row,
            level,
            unit,
            from,
            to,
            limit,
        } => {
            let show = |usage: &Option<u64>| {
                usage.map_or_else(
                    || String::from("not measured"),
                    |usage| amount::show(usage, unit, units),
                )
            };
            let of = limit.map_or_else(String::new, |limit| {
                format!(" of {}", amount::show(limit, unit, units))
            });
            format!(
                "usage   {}: {} -> {}{of}",
                named(row, level),
                show(from),
                show(to)
            )
        }
        Change::Source {
            source, to, detail, ..
        } => {
            let why = detail
                .as_ref()
                .map(|why| format!(": {why}"))
                .unwrap_or_default();
            format!("source  {source}: {}{why}", sources::state(*to))
        }
        Change::Offer {
            offer,
            from,
            to,
            reason,
        } => {
            let show = |known: &Option<Availability>| known.map_or("not offered", availability);
            let why = if reason.is_empty() {
                String::new()
            } else {
                format!("  {reason}")
            };
            let style = match to {
                Some(Availability::Available) => style::GOOD,
                Some(Availability::NoQuota) => style::ERROR,
                _ => style::DOUBT,
            };
            format!(
                "offer   {} ({}) in {}: {} -> {}{why}",
                offer.instance_type,
                offer.lifecycle,
                offer.region,
                show(from),
                style::paint(style, show(to))
            )
        }
        Change::Lesson { lesson, until } => {
            let cause = &lesson.cause;
            match until.and_then(instant) {
                Some(until) => format!("lesson  {cause}; believed until {until}"),
                None => format!("lesson  over: {cause}"),
            }
        }
    }
}

/// A row by its quota, its place and its owner.
fn named(row: &RowKey, level: &str) -> String {
    let place = [&row.region, &row.zone].map(Option::as_deref);
    let place: Vec<&str> = place.into_iter().flatten().collect();
    let place = match place.as_slice() {
        [] => String::new(),
        place => format!(" in {}", place.join(" ")),
    };
    format!("{}{place} ({level} {})", row.quota, row.owner)
}

fn instant(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

const fn availability(availability: Availability) -> &'static str {
    match availability {
        Availability::Available => "available",
        Availability::NoQuota => "no quota",
        Availability::NoCapacity => "no capacity",
        Availability::Unknown => "unknown",
    }
}
