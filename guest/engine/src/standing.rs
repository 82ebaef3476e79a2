//! Rows as the plugin reads them, for people and for holds.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use quotagate_contract::{Feed, Limit, Owner, Row, RowState, SourceReport, Standing};

use crate::{
    cloud::Cloud, context::ReadRow, here::Call, reader::Number, row::headroom, rows::OwnerRows,
    sources::Sources, store::Store,
};

/// A list of one owner at one place.
struct List<'a> {
    owner: &'a Owner,
    region: Option<&'a str>,
}

/// The rows that launches of a project may draw on; `only` those, where it is given.
pub(crate) fn standings<C: Cloud>(
    call: &Call<'_, C>,
    store: &mut Store,
    project: &str,
    only: Option<&[Number]>,
) -> Vec<Standing> {
    let only: Option<BTreeSet<Number>> = only.map(|only| only.iter().copied().collect());
    let is_wanted = |number: Number| only.as_ref().is_none_or(|only| only.contains(&number));
    let moment = store.moment(call.reader, project);
    let sources = Sources {
        all: &moment.sources,
        now: call.now,
        policy: call.policy,
    };
    let chain = call.reader.owners(project);
    let regions = regions(call, store, &chain, &moment.sources);
    let mut standings = Vec::new();
    let mut shown: BTreeSet<Number> = BTreeSet::new();
    for owner in &chain {
        let places = regions.iter().map(|region| Some(region.as_str()));
        for region in core::iter::once(None).chain(places) {
            let rows = store.rows(call.reader, call.descriptor, &owner.id, region);
            let list = List { owner, region };
            for known in rows.all().filter(|known| is_wanted(known.number)) {
                if shown.insert(known.number) {
                    standings.push(standing(call, sources, &list, &known.row, Some(&rows)));
                }
            }
        }
    }
    let Some(only) = only else {
        return standings;
    };
    if only.iter().all(|number| shown.contains(number)) {
        return standings;
    }
    for region in &regions {
        for known in call.reader.reservations(project, region) {
            let share = known
                .reservation
                .share
                .as_ref()
                .map(|share| (known.share, share));
            let rows = core::iter::once((known.number, &known.reservation.row)).chain(share);
            for (number, row) in rows {
                if only.contains(&number) && shown.insert(number) {
                    standings.push(reserved(call, sources, &chain, row));
                }
            }
        }
    }
    standings
}

/// Every region that something is known of.
fn regions<C: Cloud>(
    call: &Call<'_, C>,
    store: &mut Store,
    chain: &[Owner],
    sources: &[SourceReport],
) -> Vec<String> {
    let mut regions: Vec<String> = store.regions(call.reader).to_vec();
    let homes = chain.iter().filter_map(|owner| owner.place.region.as_ref());
    let read = sources
        .iter()
        .filter_map(|source| source.place.region.as_ref());
    for region in homes.chain(read) {
        if !regions.contains(region) {
            regions.push(region.clone());
        }
    }
    regions
}

fn standing<C: Cloud>(
    call: &Call<'_, C>,
    sources: Sources<'_>,
    list: &List<'_>,
    row: &Row,
    rows: Option<&OwnerRows>,
) -> Standing {
    let mut read = ReadRow::of(call.cloud, row, rows);
    let kinds = call.cloud.usage_rests_on(row);
    let owner = list.owner.id.as_str();
    if sources.leave_open(kinds, owner, list.region).is_some() {
        read.numbers = read.numbers.opened();
    }
    let zone = row.place.zone.as_deref();
    let of_rows = sources.of_rows(owner, list.region, zone);
    let of_usage = sources.of_usage(kinds, owner, list.region);
    let mut rests_on: Vec<String> = Vec::new();
    for (_, source) in of_rows.chain(of_usage) {
        if !rests_on.contains(&source.key) {
            rests_on.push(source.key.clone());
        }
    }
    shown(call, list.owner.level.as_str(), row, &read, rests_on)
}

/// A reservation's row, or a share of it.
fn reserved<C: Cloud>(
    call: &Call<'_, C>,
    sources: Sources<'_>,
    chain: &[Owner],
    row: &Row,
) -> Standing {
    let read = ReadRow::of(call.cloud, row, None);
    let owner = chain.iter().find(|owner| owner.id == row.owner);
    let level = owner.map_or("", |owner| owner.level.as_str());
    // A reservation is in the account's list, a project's share of it in the project's where that has one.
    let of_feed = || {
        sources.of_feed(Feed::Reservations).filter(|(_, source)| {
            let region = row.place.region.as_ref();
            source.place.region.is_none() || source.place.region.as_ref() == region
        })
    };
    let own = |source: &SourceReport| source.owner.as_ref() == Some(&row.owner);
    let has_own = of_feed().any(|(_, source)| own(source));
    let rests_on = of_feed()
        .filter(|(_, source)| {
            if has_own {
                own(source)
            } else {
                source.owner.is_none()
            }
        })
        .map(|(_, source)| source.key.clone());
    shown(call, level, row, &read, rests_on.collect())
}

fn shown<C: Cloud>(
    call: &Call<'_, C>,
    level: &str,
    row: &Row,
    read: &ReadRow,
    rests_on: Vec<String>,
) -> Standing {
    let numbers = &read.numbers;
    let usage = quotagate_contract::Usage {
        at_least: numbers.used_at_least,
        at_most: numbers.used_at_most,
        measured_at: row.usage.measured_at,
    };
    let is_measured = numbers.doubt.is_none() && usage.at_most == Some(usage.at_least);
    let limit = row.limit.number();
    Standing {
        key: row.key.clone(),
        quota: row.quota.clone(),
        title: row
            .title
            .clone()
            .or_else(|| call.cloud.title(&row.quota).map(String::from)),
        owner: row.owner.clone(),
        level: level.into(),
        place: row.place.clone(),
        unit: row.unit.clone(),
        limit: row.limit,
        usage,
        measured: is_measured,
        headroom: limit
            .filter(|_| is_measured && row.limit != Limit::Unset && row.state == RowState::InForce)
            .map(|limit| headroom(limit, usage.at_least, 0)),
        rests_on,
    }
}
