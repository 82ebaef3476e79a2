//! Contract records, as generated from the WIT, to the types of `quotagate-contract` and back. Total: every field and every
//! case is named, so that a change of either side does not compile until it is carried over.
//!
//! What comes in keeps its numbers where the engine goes by them. What goes out as text is given its numbers here.

use alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};

use quotagate_contract as contract;
use quotagate_engine as engine;
use quotagate_engine::Number;

use super::{
    bindings::{
        exports::quotagate::plugin::gate as wit_gate,
        quotagate::plugin::{inventory as wit_inventory, types as wit},
    },
    invalid,
};

/// Maps the cases of one enum onto the cases of the same names of another.
macro_rules! cases {
    ($name:ident: $from:ty => $to:ty { $($case:ident),+ $(,)? }) => {
        const fn $name(value: $from) -> $to {
            match value { $(<$from>::$case => <$to>::$case),+ }
        }
    };
}

/// Maps a record onto the record with the same fields.
macro_rules! fields {
    ($value:expr => $to:path { $($field:ident $(: $convert:expr)?),+ $(,)? }) => {{
        let value = $value;
        $to { $($field: fields!(@ value.$field $(, $convert)?)),+ }
    }};
    (@ $value:expr) => { $value };
    (@ $value:expr, $convert:expr) => { $convert($value) };
}

cases!(row_state: wit::RowState => contract::RowState { InForce, Changing, Suspended, Gone, Unknown });
cases!(grade: wit::Grade => contract::Grade { High, Medium, Low, None, Unknown });
cases!(per: wit::Per => contract::Per { Instance, Launch });
cases!(per_out: contract::Per => wit::Per { Instance, Launch });
cases!(reservation_use: wit::ReservationUse => contract::ReservationUse { Auto, Forbid, Strict });
cases!(reservation_use_out: contract::ReservationUse => wit::ReservationUse { Auto, Forbid, Strict });
cases!(detail: wit::Detail => contract::Detail { None, Deciding, All });
cases!(source_state: wit_inventory::SourceState => contract::SourceState {
    Complete, Incomplete, Denied, Unavailable, Unsupported,
});
cases!(feed: wit_inventory::Feed => contract::Feed { Account, Rows, Holdings, Types, Capacities, Reservations });
cases!(feed_out: contract::Feed => wit_inventory::Feed { Account, Rows, Holdings, Types, Capacities, Reservations });
cases!(lesson_kind: wit::LessonKind => contract::LessonKind { Quota, Capacity, Unclear });
cases!(lesson_kind_out: contract::LessonKind => wit::LessonKind { Quota, Capacity, Unclear });
cases!(quota_outcome: contract::QuotaOutcome => wit::QuotaOutcome { Fits, Unknown, Blocked });
cases!(capacity_outcome: contract::CapacityOutcome => wit::CapacityOutcome { Likely, Unknown, Unlikely });
cases!(failure_kind: contract::FailureKind => wit_gate::FailureKind {
    Quota, Capacity, RateLimit, Access, Invalid, Transient, Ambiguous,
});
cases!(unit_kind: contract::UnitKind => wit_gate::UnitKind { Pieces, Bytes });
cases!(error_code: contract::ErrorCode => wit_gate::ErrorCode { InvalidLaunch, InvalidText, Unsupported });
cases!(reason: contract::Reason => wit::Reason {
    Fits, Shortage, ExceedsLimit, Frozen, Deleted, Provisioning, StateUnknown, UsageUnmeasured, LimitUnset, RowMissing,
    ScopeUnreadable, Stale, Contradictory, WrongUnit, ReservationExhausted, NotOffered, NoCapacity, CapacityUnknown,
    LimitReached, NotDecisive, NotChecked, FailedBefore, MayBeHeld, ChangesSoon, Unsupported, Restricted,
});

fn each<T, U>(items: Vec<T>, convert: impl FnMut(T) -> U) -> Vec<U> {
    items.into_iter().map(convert).collect()
}

// The account, as it is shown.

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

pub(super) fn rows(rows: Vec<wit::Row>) -> Vec<engine::NumberedRow> {
    each(rows, row)
}

pub(super) fn owners(owners: Vec<wit_inventory::Owner>) -> Vec<contract::Owner> {
    each(
        owners,
        |owner| fields!(owner => contract::Owner { id, name, level, place: place, state }),
    )
}

pub(super) fn places(places: Vec<wit_inventory::PlaceOffered>) -> Vec<contract::PlaceOffered> {
    each(
        places,
        |offered| fields!(offered => contract::PlaceOffered { place: place, restriction }),
    )
}

pub(super) fn holdings(holdings: Vec<wit::Holding>) -> Vec<contract::Holding> {
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

pub(super) fn instance_types(types: Vec<wit::InstanceType>) -> Vec<engine::NumberedType> {
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

pub(super) fn kinds(kinds: Vec<wit::KindOffered>) -> Vec<contract::KindOffered> {
    each(
        kinds,
        |item| fields!(item => contract::KindOffered { kind, offered: offered }),
    )
}

pub(super) fn capacities(capacities: Vec<wit::Capacity>) -> Vec<contract::Capacity> {
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

pub(super) fn reservations(
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

pub(super) fn moment(moment: wit_inventory::Moment) -> engine::Moment {
    fields!(moment => engine::Moment {
        counter,
        sources: |read: Option<_>| read.map(sources),
        held: held,
        lessons: |lessons| each(lessons, lesson),
    })
}

// What is asked.

fn need(need: wit::Need) -> contract::Need {
    fields!(need => contract::Need {
        kind,
        pieces,
        bytes,
        numbers: |numbers| each(numbers, |number: wit::NeedNumber| {
            fields!(number => contract::NeedNumber { name, value })
        }),
        per: per,
    })
}

fn needs(needs: Vec<wit::Need>) -> Vec<contract::Need> {
    each(needs, need)
}

/// Needs of the offers of a list of this length.
pub(super) fn needs_of(
    needs: Vec<wit::OfferNeed>,
    offers: usize,
) -> Result<Vec<(u32, contract::Need)>, wit_gate::GateError> {
    let is_of_none =
        |need: &&wit::OfferNeed| !usize::try_from(need.offer).is_ok_and(|place| place < offers);
    if let Some(stray) = needs.iter().find(is_of_none) {
        return Err(invalid(format!(
            "a need of the offer {}, counted from zero, in a list of {offers}",
            stray.offer
        )));
    }
    Ok(each(needs, |of_offer| {
        (of_offer.offer, need(of_offer.need))
    }))
}

pub(super) fn offers(offers: Vec<wit::NumberedOffer>) -> Vec<engine::NumberedOffer> {
    each(
        offers,
        |offer| fields!(offer => engine::NumberedOffer { instance_type, region, zone, lifecycle }),
    )
}

pub(super) fn profile(profile: wit::Profile) -> contract::Profile {
    fields!(profile => contract::Profile {
        project,
        reservation: reservation_use,
        reservation_key,
        needs: needs,
        restart,
        together,
    })
}

pub(super) fn policy(policy: wit::Policy) -> contract::Policy {
    fields!(policy => contract::Policy { detail: detail, max_age_ms })
}

fn offer(offer: wit::Offer) -> contract::Offer {
    fields!(offer => contract::Offer { instance_type, region, zone, lifecycle, needs: needs })
}

pub(super) fn launch(launch: wit::Launch) -> contract::Launch {
    fields!(launch => contract::Launch { offer: offer, count, profile: profile })
}

pub(super) fn plan(plan: Vec<wit::Launch>) -> Vec<contract::Launch> {
    each(plan, launch)
}

pub(super) fn failure(failure: wit_gate::Failure) -> contract::Failure {
    match failure {
        wit_gate::Failure::Text(text) => contract::Failure::Text(text),
        wit_gate::Failure::Parts(parts) => {
            contract::Failure::Parts(fields!(parts => contract::FailureParts {
                code,
                http_status,
                message,
                details: |details| each(details, |item: wit_gate::FailureDetail| {
                    fields!(item => contract::FailureDetail { type_name, value })
                }),
            }))
        }
    }
}

// What is answered.

/// The numbers of names that go out, each asked for once a call.
#[derive(Default)]
struct Numbers(BTreeMap<String, Number>);

impl Numbers {
    fn of(&mut self, name: &str) -> Number {
        if name.is_empty() {
            return 0;
        }
        if let Some(number) = self.0.get(name) {
            return *number;
        }
        let number = wit_inventory::number_of(name);
        self.0.insert(name.into(), number);
        number
    }

    fn of_some(&mut self, name: Option<&str>) -> Number {
        name.map_or(0, |name| self.of(name))
    }
}

pub(super) fn refusal(refusal: contract::Refusal) -> wit_gate::GateError {
    fields!(refusal => wit_gate::GateError { code: error_code, message })
}

fn place_out(place: contract::Place) -> wit::Place {
    fields!(place => wit::Place { region, zone })
}

const fn limit_out(limit: contract::Limit) -> wit::Limit {
    match limit {
        contract::Limit::Amount(amount) => wit::Limit::Amount(amount),
        contract::Limit::ByDefault(amount) => wit::Limit::ByDefault(amount),
        contract::Limit::Unlimited => wit::Limit::Unlimited,
        contract::Limit::Unset => wit::Limit::Unset,
    }
}

fn usage_out(usage: contract::Usage) -> wit::Usage {
    fields!(usage => wit::Usage { at_least, at_most, measured_at })
}

pub(super) fn descriptor(descriptor: contract::Descriptor) -> wit_gate::Descriptor {
    fields!(descriptor => wit_gate::Descriptor {
        cloud,
        title,
        version,
        sources: |sources| each(sources, |source: contract::SourceNeed| {
            fields!(source => wit_gate::SourceNeed { kind, feed: feed_out })
        }),
        lifecycles: |lifecycles| each(lifecycles, |lifecycle: contract::LifecycleKind| {
            fields!(lifecycle => wit_gate::Lifecycle { name, aliases, preemptible })
        }),
        kinds: |kinds| each(kinds, |kind: contract::NeedKind| {
            fields!(kind => wit_gate::NeedKind { kind, title, sized, default_pieces, default_bytes })
        }),
        levels,
        zone_word,
        units: |units| each(units, |unit: contract::Unit| {
            fields!(unit => wit_gate::Unit { name, kind: unit_kind })
        }),
    })
}

pub(super) fn standings(standings: Vec<contract::Standing>) -> Vec<wit_gate::Standing> {
    each(standings, |standing| {
        let number = wit_inventory::number_of(&standing.key);
        let contract::Standing {
            key,
            quota,
            title,
            owner,
            level,
            place,
            unit,
            limit,
            usage,
            measured,
            headroom,
            rests_on,
        } = standing;
        wit_gate::Standing {
            row: number,
            key,
            quota,
            title,
            owner,
            level,
            place: place_out(place),
            unit,
            limit: limit_out(limit),
            usage: usage_out(usage),
            measured,
            headroom,
            rests_on,
        }
    })
}

pub(super) fn answer(answer: engine::Answer) -> wit_gate::Answer {
    fields!(answer => wit_gate::Answer {
        heads: |heads| each(heads, |head: engine::Head| {
            fields!(head => wit::Head {
                quota: quota_outcome,
                capacity: capacity_outcome,
                fits_count,
                first,
                findings,
            })
        }),
        findings: |findings| each(findings, |finding: engine::NumberedFinding| {
            fields!(finding => wit::Finding {
                reason: reason,
                outcome: quota_outcome,
                row,
                quota,
                owner,
                level,
                region,
                zone,
                unit,
                required,
                limit,
                usage,
                usage_at_most,
                held,
                headroom,
                shortfall,
                minimum_limit,
            })
        }),
        references,
    })
}

fn remedy(remedy: contract::Remedy) -> wit::Remedy {
    fields!(remedy => wit::Remedy { text, command, link })
}

fn told_finding(numbers: &mut Numbers, finding: contract::Finding) -> wit::ToldFinding {
    let contract::Finding {
        reason: why,
        outcome,
        quota,
        title,
        owner,
        level,
        region,
        zone,
        unit,
        required,
        limit,
        usage,
        usage_at_most,
        held,
        headroom,
        shortfall,
        minimum_limit,
        detail,
        remedy: help,
        rule,
    } = finding;
    wit::ToldFinding {
        finding: wit::Finding {
            reason: reason(why),
            outcome: quota_outcome(outcome),
            // Words name the row by quota, owner and place.
            row: 0,
            quota: numbers.of_some(quota.as_deref()),
            owner: numbers.of_some(owner.as_deref()),
            level: numbers.of_some(level.as_deref()),
            region: numbers.of_some(region.as_deref()),
            zone: numbers.of_some(zone.as_deref()),
            unit: numbers.of(&unit),
            required,
            limit,
            usage,
            usage_at_most,
            held,
            headroom,
            shortfall,
            minimum_limit,
        },
        title,
        detail,
        remedy: help.map(remedy),
        rule,
    }
}

fn verdict(numbers: &mut Numbers, verdict: contract::Verdict) -> wit::Verdict {
    fields!(verdict => wit::Verdict {
        quota: quota_outcome,
        capacity: capacity_outcome,
        fits_count,
        findings: |findings| each(findings, |finding| {
            told_finding(numbers, Arc::unwrap_or_clone(finding))
        }),
    })
}

pub(super) fn verdicts(verdicts: Vec<contract::Verdict>) -> Vec<wit::Verdict> {
    let mut numbers = Numbers::default();
    each(verdicts, |item| verdict(&mut numbers, item))
}

fn takes(numbers: &mut Numbers, takes: Vec<contract::Take>) -> Vec<wit::Take> {
    each(
        takes,
        |take| fields!(take => wit::Take { row: |key: String| numbers.of(&key), at_least, at_most }),
    )
}

pub(super) fn admission(admission: contract::Admission) -> wit_gate::Admission {
    let numbers = &mut Numbers::default();
    fields!(admission => wit_gate::Admission {
        verdict: |judged| verdict(numbers, judged),
        takes: |taken| takes(numbers, taken),
        rests_on,
        reservations,
        breaks_at: |breaking: Option<contract::Breaking>| breaking.map(|breaking| {
            fields!(breaking => wit_gate::Breaking { index, fits_count })
        }),
    })
}

fn lesson_out(numbers: &mut Numbers, lesson: contract::Lesson) -> wit::Lesson {
    fields!(lesson => wit::Lesson {
        kind: lesson_kind_out,
        quota,
        owner,
        place: place_out,
        at_least,
        beyond_limit,
        instance_type,
        lifecycle,
        rows: |rows: Vec<String>| each(rows, |key| numbers.of(&key)),
        cause,
        learned_at,
        until,
    })
}

pub(super) fn diagnosis(diagnosis: contract::Diagnosis) -> wit_gate::Diagnosis {
    let numbers = &mut Numbers::default();
    fields!(diagnosis => wit_gate::Diagnosis {
        kind: failure_kind,
        retry,
        findings: |findings| each(findings, |finding| told_finding(numbers, finding)),
        remedy: |help: Option<_>| help.map(remedy),
        lessons: |lessons| each(lessons, |lesson| lesson_out(numbers, lesson)),
        contradicts,
    })
}

fn need_out(need: contract::Need) -> wit::Need {
    fields!(need => wit::Need {
        kind,
        pieces,
        bytes,
        numbers: |numbers| each(numbers, |number: contract::NeedNumber| {
            fields!(number => wit::NeedNumber { name, value })
        }),
        per: per_out,
    })
}

fn needs_out(needs: Vec<contract::Need>) -> Vec<wit::Need> {
    each(needs, need_out)
}

fn offer_out(offer: contract::Offer) -> wit::Offer {
    fields!(offer => wit::Offer { instance_type, region, zone, lifecycle, needs: needs_out })
}

fn profile_out(profile: contract::Profile) -> wit::Profile {
    fields!(profile => wit::Profile {
        project,
        reservation: reservation_use_out,
        reservation_key,
        needs: needs_out,
        restart,
        together,
    })
}

pub(super) fn launches(launches: Vec<contract::Launch>) -> Vec<wit::Launch> {
    each(
        launches,
        |launch| fields!(launch => wit::Launch { offer: offer_out, count, profile: profile_out }),
    )
}
