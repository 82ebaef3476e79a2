//! The account, as the imports show it.

use alloc::vec::Vec;

use quotagate_contract as contract;
use quotagate_engine as engine;
use quotagate_engine::Number;

use super::each;
use crate::component::bindings::quotagate::plugin::{inventory as wit_inventory, types as wit};

cases!(row_state: wit::RowState => contract::RowState { InForce, Changing, Suspended, Gone, Unknown });
cases!(grade: wit::Grade => contract::Grade { High, Medium, Low, None, Unknown });
cases!(source_state: wit_inventory::SourceState => contract::SourceState {
    Complete, Incomplete, Denied, Unavailable, Unsupported,
});
cases!(feed: wit_inventory::Feed => contract::Feed { Account, Rows, Holdings, Types, Capacities, Reservations });
cases!(lesson_kind: wit::LessonKind => contract::LessonKind { Quota, Capacity, Unclear });

fn place(place: wit::Place) -> contract::Place {
    fields!(place => contract::Place { region, zone })
}

const fn limit(limit: wit::Limit) -> contract::Limit {
    match limit {
        wit::Limit::Amount(amount) => contract::Limit::Amount(amount),
        wit::Limit::ByDefault(amount) => contract::Limit::ByDefault(amount),
        wit::Limit::Unlimited => contract::Limit::Unlimited,
        wit::Limit::Unset => contract::Limit::Unset,
    }
}

fn usage(usage: wit::Usage) -> contract::Usage {
    fields!(usage => contract::Usage { at_least, at_most, measured_at })
}

fn attributes(items: Vec<wit::Attribute>) -> Vec<contract::Attribute> {
    each(
        items,
        |item| fields!(item => contract::Attribute { name, value }),
    )
}

fn row(row: wit::Row) -> engine::NumberedRow {
    engine::NumberedRow {
        number: row.number,
        row: fields!(row => contract::Row {
            key,
            quota,
            title,
            owner,
            place: place,
            dimensions: attributes,
            unit,
            state: row_state,
            limit: limit,
            usage: usage,
            attributes: attributes,
        }),
    }
}

pub(in super::super) fn rows(rows: Vec<wit::Row>) -> Vec<engine::NumberedRow> {
    each(rows, row)
}

pub(in super::super) fn owners(owners: Vec<wit_inventory::Owner>) -> Vec<contract::Owner> {
    each(
        owners,
        |owner| fields!(owner => contract::Owner { id, name, level, place: place, state }),
    )
}

pub(in super::super) fn places(
    places: Vec<wit_inventory::PlaceOffered>,
) -> Vec<contract::PlaceOffered> {
    each(
        places,
        |offered| fields!(offered => contract::PlaceOffered { place: place, restriction }),
    )
}

pub(in super::super) fn holdings(holdings: Vec<wit::Holding>) -> Vec<contract::Holding> {
    each(holdings, |holding| {
        fields!(holding => contract::Holding {
            kind, owner, place: place, pieces, bytes, attributes: attributes,
        })
    })
}

fn draws(draws: Vec<wit::Draw>) -> Vec<contract::Draw> {
    each(
        draws,
        |draw| fields!(draw => contract::Draw { quota, each }),
    )
}

fn offered(items: Vec<wit::Offered>) -> Vec<contract::Offered> {
    each(
        items,
        |item| fields!(item => contract::Offered { place: place, lifecycles, together, restriction }),
    )
}

pub(in super::super) fn instance_types(types: Vec<wit::InstanceType>) -> Vec<engine::NumberedType> {
    each(types, |item| engine::NumberedType {
        number: item.number,
        instance_type: fields!(item => contract::InstanceType {
            name,
            family,
            vcpus,
            memory_bytes,
            gpus,
            gpu_model,
            draws: draws,
            offered: offered,
        }),
    })
}

pub(in super::super) fn kinds(kinds: Vec<wit::KindOffered>) -> Vec<contract::KindOffered> {
    each(
        kinds,
        |item| fields!(item => contract::KindOffered { kind, offered: offered }),
    )
}

pub(in super::super) fn capacities(capacities: Vec<wit::Capacity>) -> Vec<contract::Capacity> {
    each(capacities, |item| {
        fields!(item => contract::Capacity {
            instance_type,
            place: place,
            lifecycle,
            available,
            for_count,
            grade: grade,
            clipped,
            fresh,
            measured_at,
        })
    })
}

fn change(change: wit::Change) -> contract::Change {
    fields!(change => contract::Change { at, amount })
}

pub(in super::super) fn reservations(
    reservations: Vec<wit::Reservation>,
) -> Vec<engine::NumberedReservation> {
    each(reservations, |item| engine::NumberedReservation {
        number: item.row.number,
        share: item.share.as_ref().map_or(0, |share| share.number),
        reservation: fields!(item => contract::Reservation {
            row: |shown| row(shown).row,
            instance_type,
            family,
            targeted,
            begins,
            ends,
            share: |share: Option<_>| share.map(|shown| row(shown).row),
            share_unread,
            next: |next: Option<_>| next.map(change),
            state,
            attributes: attributes,
        }),
    })
}

fn sources(sources: Vec<wit_inventory::Source>) -> Vec<contract::SourceReport> {
    each(sources, |source| {
        fields!(source => contract::SourceReport {
            key,
            kind,
            feed: feed,
            owner,
            place: place,
            state: source_state,
            fetched_at,
            asked_at,
            detail,
        })
    })
}

fn held(takes: Vec<wit::Take>) -> Vec<engine::Held> {
    each(
        takes,
        |take| fields!(take => engine::Held { row, at_least, at_most }),
    )
}

fn lesson(mut lesson: wit::Lesson) -> engine::NumberedLesson {
    let rows = core::mem::take(&mut lesson.rows);
    engine::NumberedLesson {
        lesson: fields!(lesson => contract::Lesson {
            kind: lesson_kind,
            quota,
            owner,
            place: place,
            at_least,
            beyond_limit,
            instance_type,
            lifecycle,
            rows: |_: Vec<Number>| Vec::new(),
            cause,
            learned_at,
            until,
        }),
        rows,
    }
}

pub(in super::super) fn moment(moment: wit_inventory::Moment) -> engine::Moment {
    fields!(moment => engine::Moment {
        counter,
        sources: |read: Option<_>| read.map(sources),
        held: held,
        lessons: |lessons| each(lessons, lesson),
    })
}
