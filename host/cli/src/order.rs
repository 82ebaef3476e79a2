//! The order of a list of offers.

use std::cmp::Ordering;

use quotagate::{Availability, LifecycleKind};

use crate::{args::SortBy, render::offers::Item};

/// Sorts offers: by what was asked for, then what can be launched first, then the larger, then by name. Nothing is
/// allocated for a comparison.
pub(crate) fn sort(items: &mut [Item], by: SortBy, lifecycles: &[LifecycleKind]) {
    let lifecycle = |item: &Item| {
        let mut known = lifecycles.iter();
        known.position(|known| known.name == item.offer.lifecycle)
    };
    items.sort_by(|one, other| {
        chosen(by, one, other)
            .then_with(|| rank(one).cmp(&rank(other)))
            .then_with(|| other.gpus.count.cmp(&one.gpus.count))
            .then_with(|| by_name(one, other))
            .then_with(|| one.offer.region.cmp(&other.offer.region))
            .then_with(|| one.offer.zone.cmp(&other.offer.zone))
            .then_with(|| lifecycle(one).cmp(&lifecycle(other)))
            .then_with(|| one.project.cmp(&other.project))
    });
}

fn chosen(by: SortBy, one: &Item, other: &Item) -> Ordering {
    match by {
        SortBy::Availability => Ordering::Equal,
        // What has no price comes last.
        SortBy::Price => {
            let price = |item: &Item| item.price.unwrap_or(f64::INFINITY);
            price(one).total_cmp(&price(other))
        }
        SortBy::Gpus => other.gpus.count.cmp(&one.gpus.count),
        SortBy::Fits => other.verdict.fits_count.cmp(&one.verdict.fits_count),
        SortBy::Name => by_name(one, other),
        SortBy::Region => one.offer.region.cmp(&other.offer.region),
    }
}

fn by_name(one: &Item, other: &Item) -> Ordering {
    natural(&one.offer.instance_type, &other.offer.instance_type)
}

/// Names by their words and the numbers in them, so that 8 vCPUs come before 16.
fn natural(one: &str, other: &str) -> Ordering {
    fn parts(name: &str) -> impl Iterator<Item = (u64, &str)> {
        let parts = name.split_inclusive(|character: char| !character.is_ascii_digit());
        parts.map(|part| {
            let digits = part.trim_end_matches(|character: char| !character.is_ascii_digit());
            (digits.parse().unwrap_or(0), part)
        })
    }
    parts(one).cmp(parts(other))
}

fn rank(item: &Item) -> u8 {
    match item.verdict.availability() {
        Availability::Available => 0,
        Availability::NoCapacity => 1,
        Availability::Unknown => 2,
        Availability::NoQuota => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["cpu 16vcpu", "cpu 8vcpu", "cpu 8vcpu-a", "b 1", "b"];
        names.sort_by(|one, other| natural(one, other));
        assert_eq!(
            names,
            ["b", "b 1", "cpu 8vcpu", "cpu 8vcpu-a", "cpu 16vcpu"]
        );
    }
}
