//! A list of judged offers: as a table for people, as JSON for programs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use quotagate::{
    Availability, Descriptor, Offer, SourceReport, Verdict,
    json::{OfferJson, SourceJson},
};
use serde::Serialize;

use super::{
    style,
    table::{Column, cell, render},
};
use crate::{gpu::Gpus, output::Screen, reason};

/// An offer with everything that is shown of it.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// The offer.
    pub(crate) offer: Offer,
    /// The project it was judged in; empty where the region has none.
    pub(crate) project: Arc<str>,
    /// The judgement.
    pub(crate) verdict: Arc<Verdict>,
    /// The GPUs of one instance.
    pub(crate) gpus: Gpus,
    /// Its price per hour, where a catalog has one.
    pub(crate) price: Option<f64>,
}

#[derive(Serialize)]
struct PricedJson<'a> {
    #[serde(flatten)]
    offer: OfferJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<f64>,
}

/// A list as programs read it.
#[derive(Serialize)]
pub(crate) struct ListJson<'a> {
    offers: Vec<PricedJson<'a>>,
    sources: BTreeMap<String, SourceJson<'a>>,
}

/// The list as JSON.
pub(crate) fn json<'a>(
    items: &'a [Item],
    sources: &'a [SourceReport],
    cloud: &'a Descriptor,
    now_ms: u64,
) -> ListJson<'a> {
    let offers = items.iter().map(|item| PricedJson {
        offer: OfferJson::new(&cloud.cloud, &item.offer, &item.project, &item.verdict),
        price: item.price,
    });
    ListJson {
        offers: offers.collect(),
        sources: quotagate::json::sources(sources, now_ms),
    }
}

/// The list as a table.
pub(crate) fn table(items: &[Item], cloud: &Descriptor, screen: &Screen) -> String {
    let priced = items.iter().any(|item| item.price.is_some());
    let lifecycles: BTreeSet<_> = items
        .iter()
        .map(|item| item.offer.lifecycle.as_str())
        .collect();
    let places: BTreeSet<_> = items
        .iter()
        .map(|item| (&item.offer.region, &item.project))
        .collect();
    let regions: BTreeSet<_> = items.iter().map(|item| &item.offer.region).collect();
    let has_zones = items.iter().any(|item| item.offer.zone.is_some());
    // Where each region has one project, the region says it all.
    let several_projects = places.len() > regions.len();

    let mut columns = vec![
        Column::new("INSTANCE TYPE").wraps_to(20),
        Column::new("GPUS").dispensable(1),
        Column::new("REGION"),
    ];
    let zone_title = cloud.zone_word.to_uppercase();
    if has_zones {
        columns.push(Column::new(&zone_title));
    }
    if several_projects {
        columns.push(Column::new("PROJECT").wraps_to(14));
    }
    let lifecycle = Column::new("LIFECYCLE");
    columns.push(if lifecycles.len() > 1 {
        lifecycle
    } else {
        lifecycle.dispensable(0)
    });
    if priced {
        columns.push(Column::new("PRICE/H").right());
    }
    columns.extend([
        Column::new("AVAILABLE"),
        Column::new("FITS").right().dispensable(2),
        Column::new("WHY").wraps_to(22),
    ]);
    let rows = items.iter().map(|item| {
        let mut cells = vec![
            cell(&item.offer.instance_type),
            cell(gpus(&item.gpus, screen)),
            cell(&item.offer.region),
        ];
        if has_zones {
            cells.push(cell(item.offer.zone.as_deref().unwrap_or_default()));
        }
        if several_projects {
            cells.push(cell(&item.project));
        }
        cells.push(cell(&item.offer.lifecycle));
        if priced {
            cells.push(cell(item.price.map(price).unwrap_or_default()));
        }
        let fits = item.verdict.fits_count;
        let availability = item.verdict.availability();
        cells.extend([
            cell(words(availability)).fg(style::availability(availability)),
            cell(fits.map_or_else(|| String::from("?"), |count| count.to_string())),
            cell(reason::text(&item.verdict, cloud)),
        ]);
        cells
    });
    render(&columns, rows.collect(), screen.width)
}

/// What to call an availability, for people.
const fn words(availability: Availability) -> &'static str {
    match availability {
        Availability::Available => "yes",
        Availability::NoQuota => "no quota",
        Availability::NoCapacity => "no capacity",
        Availability::Unknown => "unknown",
    }
}

fn gpus(gpus: &Gpus, screen: &Screen) -> String {
    let text = gpus.to_string();
    if screen.ascii {
        text.replace('×', "x")
    } else {
        text
    }
}

/// A price without zeros that say nothing, but with cents.
fn price(price: f64) -> String {
    let text = format!("{price:.4}");
    let trimmed = text.trim_end_matches('0');
    let decimals = trimmed
        .split_once('.')
        .map_or(0, |(_, decimals)| decimals.len());
    format!("{price:.*}", decimals.max(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_have_cents() {
        let cases = [
            (23.6, "23.60"),
            (1.0, "1.00"),
            (0.0125, "0.0125"),
            (1e9, "1000000000.00"),
        ];
        for (number, text) in cases {
            assert_eq!(price(number), text);
        }
    }
}
