//! One owner's rows of one region, sorted once a generation for every project.

use alloc::{string::String, vec::Vec};

use quotagate_contract::{Attribute, Holding, PlaceOffered, Row};

use crate::reader::{Number, Reader};

/// The rows of one owner in one region, or of those that count everywhere.
#[derive(Debug)]
pub(crate) struct OwnerRows {
    /// Sorted by the fingerprint of the quota's name.
    sorted: Vec<KnownRow>,
    /// What the owner holds there; everywhere, for rows that count everywhere.
    pub(crate) holdings: Vec<Holding>,
}

/// A row with its number.
#[derive(Debug)]
pub(crate) struct KnownRow {
    fingerprint: u64,
    pub(crate) number: Number,
    pub(crate) row: Row,
}

/// What a list says of one position.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Lookup<'a> {
    /// One row, or several that say the same.
    Row(&'a KnownRow),
    /// Rows that contradict each other; the first of them.
    Twins(&'a KnownRow),
    /// None.
    Absent,
}

impl OwnerRows {
    /// Reads and sorts them. `holdings_of` names the regions whose holdings count; none of them where the cloud counts none.
    pub(crate) fn read(
        reader: &dyn Reader,
        owner: &str,
        region: Option<&str>,
        holdings_of: &[Option<&str>],
    ) -> Self {
        let rows = reader.rows(owner, region).into_iter();
        // Rows of another owner or place say nothing of this one.
        let rows = rows.filter(|known| {
            known.row.owner == owner && known.row.place.region.as_deref() == region
        });
        let mut sorted: Vec<KnownRow> = rows
            .map(|known| KnownRow {
                fingerprint: fingerprint(&known.row.quota),
                number: known.number,
                row: known.row,
            })
            .collect();
        sorted.sort_by_key(|known| known.fingerprint);
        let holdings = holdings_of.iter();
        Self {
            sorted,
            holdings: holdings
                .flat_map(|region| reader.holdings(owner, *region))
                .collect(),
        }
    }

    /// Every row.
    pub(crate) fn all(&self) -> impl Iterator<Item = &KnownRow> {
        self.sorted.iter()
    }

    /// The rows of one quota.
    fn of_quota<'a>(&'a self, quota: &str) -> impl Iterator<Item = &'a KnownRow> {
        let wanted = fingerprint(quota);
        let start = self
            .sorted
            .partition_point(|known| known.fingerprint < wanted);
        let rest = self.sorted.get(start..).unwrap_or_default();
        rest.iter()
            .take_while(move |known| known.fingerprint == wanted)
            .filter(move |known| known.row.quota == quota)
    }

    /// Looks up the row that governs a position: the one with the most dimensions among those whose dimensions are all asked for.
    pub(crate) fn find(
        &self,
        quota: &str,
        zone: Option<&str>,
        dimensions: &[Attribute],
    ) -> Lookup<'_> {
        let mut found = Lookup::Absent;
        for known in self.of_quota(quota) {
            let own = &known.row.dimensions;
            if known.row.place.zone.as_deref() != zone
                || !own.iter().all(|dimension| dimensions.contains(dimension))
            {
                continue;
            }
            found = match found {
                Lookup::Absent => Lookup::Row(known),
                Lookup::Row(best) | Lookup::Twins(best)
                    if own.len() > best.row.dimensions.len() =>
                {
                    Lookup::Row(known)
                }
                Lookup::Row(best) | Lookup::Twins(best)
                    if own.len() < best.row.dimensions.len() || known.row == best.row =>
                {
                    found
                }
                // The same position with other numbers, or another one that is as specific.
                Lookup::Row(best) | Lookup::Twins(best) => {
                    Lookup::Twins(if known.number < best.number {
                        known
                    } else {
                        best
                    })
                }
            };
        }
        found
    }
}

/// The regions that the account is known to have something in.
pub(crate) fn regions(places: &[PlaceOffered]) -> Vec<String> {
    let mut regions: Vec<String> = Vec::new();
    let named = places
        .iter()
        .filter_map(|known| known.place.region.as_ref());
    for region in named {
        if !regions.contains(region) {
            regions.push(region.clone());
        }
    }
    regions
}

/// A number that differs for different names, nearly always. Names of the cloud share long beginnings, and comparing them byte by
/// byte was most of a judgement's cost; so their fingerprints are compared first.
pub(crate) fn fingerprint(name: &str) -> u64 {
    const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;
    name.as_bytes()
        .chunks(8)
        .fold(name.len() as u64, |sum, chunk| {
            let mut word = [0; 8];
            word.iter_mut()
                .zip(chunk)
                .for_each(|(to, from)| *to = *from);
            (sum ^ u64::from_le_bytes(word))
                .wrapping_mul(SPREAD)
                .rotate_left(29)
        })
}
