//! What is answered: what the plugin is, judgements, admissions, diagnoses.

use alloc::{collections::BTreeMap, string::String, sync::Arc, vec::Vec};

use quotagate_contract as contract;
use quotagate_engine as engine;
use quotagate_engine::Number;

use super::each;
use crate::component::bindings::{
    exports::quotagate::plugin::gate as wit_gate,
    quotagate::plugin::{inventory as wit_inventory, types as wit},
};

cases!(per_out: contract::Per => wit::Per { Instance, Launch });
cases!(reservation_use_out: contract::ReservationUse => wit::ReservationUse { Auto, Forbid, Strict });
cases!(feed_out: contract::Feed => wit_inventory::Feed { Account, Rows, Holdings, Types, Capacities, Reservations });
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

pub(in super::super) fn refusal(refusal: contract::Refusal) -> wit_gate::GateError {
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

pub(in super::super) fn descriptor(descriptor: contract::Descriptor) -> wit_gate::Descriptor {
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

pub(in super::super) fn standings(standings: Vec<contract::Standing>) -> Vec<wit_gate::Standing> {
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

pub(in super::super) fn answer(answer: engine::Answer) -> wit_gate::Answer {
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

pub(in super::super) fn verdicts(verdicts: Vec<contract::Verdict>) -> Vec<wit::Verdict> {
    let mut numbers = Numbers::default();
    each(verdicts, |item| verdict(&mut numbers, item))
}

fn takes(numbers: &mut Numbers, takes: Vec<contract::Take>) -> Vec<wit::Take> {
    each(
        takes,
        |take| fields!(take => wit::Take { row: |key: String| numbers.of(&key), at_least, at_most }),
    )
}

pub(in super::super) fn admission(admission: contract::Admission) -> wit_gate::Admission {
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

pub(in super::super) fn diagnosis(diagnosis: contract::Diagnosis) -> wit_gate::Diagnosis {
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

pub(in super::super) fn launches(launches: Vec<contract::Launch>) -> Vec<wit::Launch> {
    each(
        launches,
        |launch| fields!(launch => wit::Launch { offer: offer_out, count, profile: profile_out }),
    )
}
