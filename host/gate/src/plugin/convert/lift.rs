//! What comes out of a plugin. Numbers become names again; one that the host gave out for nothing is a contradiction.

use std::sync::Arc;

use quotagate_contract as contract;

use crate::{
    bindings::{exports::quotagate::plugin::gate, quotagate::plugin::types},
    plugin::{
        Contradiction,
        names::{Known, Number},
    },
};

fn each<T, U: From<T>>(items: Vec<T>) -> Vec<U> {
    items.into_iter().map(U::from).collect()
}

fn name(number: Number, known: &Known<'_>) -> Result<Option<String>, Contradiction> {
    if number == 0 {
        return Ok(None);
    }
    let name = known.name_of(number).ok_or(Contradiction::UnknownName)?;
    Ok(Some(String::from(name.as_ref())))
}

/// The key that a row's number stands for.
pub(in crate::plugin) fn key(number: Number, known: &Known<'_>) -> Result<String, Contradiction> {
    name(number, known)?.ok_or(Contradiction::UnknownName)
}

/// A finding without words.
pub(in crate::plugin) fn finding(
    finding: &types::Finding,
    known: &Known<'_>,
) -> Result<contract::Finding, Contradiction> {
    Ok(contract::Finding {
        reason: finding.reason.into(),
        outcome: finding.outcome.into(),
        quota: name(finding.quota, known)?,
        title: None,
        owner: name(finding.owner, known)?,
        level: name(finding.level, known)?,
        region: name(finding.region, known)?,
        zone: name(finding.zone, known)?,
        unit: name(finding.unit, known)?.unwrap_or_default(),
        required: finding.required,
        limit: finding.limit,
        usage: finding.usage,
        usage_at_most: finding.usage_at_most,
        held: finding.held,
        headroom: finding.headroom,
        shortfall: finding.shortfall,
        minimum_limit: finding.minimum_limit,
        detail: None,
        remedy: None,
        rule: None,
    })
}

/// A finding with its words.
pub(in crate::plugin) fn told_finding(
    told: types::ToldFinding,
    known: &Known<'_>,
) -> Result<contract::Finding, Contradiction> {
    Ok(contract::Finding {
        title: told.title,
        detail: told.detail,
        remedy: told.remedy.map(Into::into),
        rule: told.rule,
        ..finding(&told.finding, known)?
    })
}

/// A verdict with words.
pub(in crate::plugin) fn verdict(
    verdict: types::Verdict,
    known: &Known<'_>,
) -> Result<contract::Verdict, Contradiction> {
    let findings = verdict.findings.into_iter();
    let findings: Result<_, _> = findings
        .map(|told| told_finding(told, known).map(Arc::new))
        .collect();
    Ok(contract::Verdict {
        quota: verdict.quota.into(),
        capacity: verdict.capacity.into(),
        fits_count: verdict.fits_count,
        findings: findings?,
    })
}

/// What is to be held of a row, by the row's key.
pub(in crate::plugin) fn take(
    take: &types::Take,
    known: &Known<'_>,
) -> Result<contract::Take, Contradiction> {
    Ok(contract::Take {
        row: key(take.row, known)?,
        at_least: take.at_least,
        at_most: take.at_most,
    })
}

/// A lesson, its rows by key.
pub(in crate::plugin) fn lesson(
    lesson: types::Lesson,
    known: &Known<'_>,
) -> Result<contract::Lesson, Contradiction> {
    let rows: Result<_, _> = lesson.rows.iter().map(|row| key(*row, known)).collect();
    Ok(contract::Lesson {
        kind: lesson.kind.into(),
        quota: lesson.quota,
        owner: lesson.owner,
        place: lesson.place.into(),
        at_least: lesson.at_least,
        beyond_limit: lesson.beyond_limit,
        instance_type: lesson.instance_type,
        lifecycle: lesson.lifecycle,
        rows: rows?,
        cause: lesson.cause,
        learned_at: lesson.learned_at,
        until: lesson.until,
    })
}

impl From<gate::Standing> for contract::Standing {
    fn from(standing: gate::Standing) -> Self {
        Self {
            key: standing.key,
            quota: standing.quota,
            title: standing.title,
            owner: standing.owner,
            level: standing.level,
            place: standing.place.into(),
            unit: standing.unit,
            limit: standing.limit.into(),
            usage: standing.usage.into(),
            measured: standing.measured,
            headroom: standing.headroom,
            rests_on: standing.rests_on,
        }
    }
}

impl From<types::Place> for contract::Place {
    fn from(types::Place { region, zone }: types::Place) -> Self {
        Self { region, zone }
    }
}

impl From<types::Limit> for contract::Limit {
    fn from(limit: types::Limit) -> Self {
        match limit {
            types::Limit::Amount(amount) => Self::Amount(amount),
            types::Limit::ByDefault(amount) => Self::ByDefault(amount),
            types::Limit::Unlimited => Self::Unlimited,
            types::Limit::Unset => Self::Unset,
        }
    }
}

impl From<types::Usage> for contract::Usage {
    fn from(usage: types::Usage) -> Self {
        Self {
            at_least: usage.at_least,
            at_most: usage.at_most,
            measured_at: usage.measured_at,
        }
    }
}

impl From<types::Remedy> for contract::Remedy {
    fn from(remedy: types::Remedy) -> Self {
        Self {
            text: remedy.text,
            command: remedy.command,
            link: remedy.link,
        }
    }
}

impl From<gate::Breaking> for contract::Breaking {
    fn from(breaking: gate::Breaking) -> Self {
        Self {
            index: breaking.index,
            fits_count: breaking.fits_count,
        }
    }
}

impl From<gate::GateError> for contract::Refusal {
    fn from(error: gate::GateError) -> Self {
        Self {
            code: error.code.into(),
            message: error.message,
        }
    }
}

impl From<types::NeedNumber> for contract::NeedNumber {
    fn from(number: types::NeedNumber) -> Self {
        Self {
            name: number.name,
            value: number.value,
        }
    }
}

impl From<types::Need> for contract::Need {
    fn from(need: types::Need) -> Self {
        Self {
            kind: need.kind,
            pieces: need.pieces,
            bytes: need.bytes,
            numbers: each(need.numbers),
            per: need.per.into(),
        }
    }
}

impl From<types::Launch> for contract::Launch {
    fn from(launch: types::Launch) -> Self {
        Self {
            offer: contract::Offer {
                instance_type: launch.offer.instance_type,
                region: launch.offer.region,
                zone: launch.offer.zone,
                lifecycle: launch.offer.lifecycle,
                needs: each(launch.offer.needs),
            },
            count: launch.count,
            profile: contract::Profile {
                project: launch.profile.project,
                reservation: launch.profile.reservation.into(),
                reservation_key: launch.profile.reservation_key,
                needs: each(launch.profile.needs),
                restart: launch.profile.restart,
                together: launch.profile.together,
            },
        }
    }
}

impl From<gate::Lifecycle> for contract::LifecycleKind {
    fn from(lifecycle: gate::Lifecycle) -> Self {
        Self {
            name: lifecycle.name,
            aliases: lifecycle.aliases,
            preemptible: lifecycle.preemptible,
        }
    }
}

impl From<gate::NeedKind> for contract::NeedKind {
    fn from(kind: gate::NeedKind) -> Self {
        Self {
            kind: kind.kind,
            title: kind.title,
            sized: kind.sized,
            default_pieces: kind.default_pieces,
            default_bytes: kind.default_bytes,
        }
    }
}

impl From<gate::SourceNeed> for contract::SourceNeed {
    fn from(need: gate::SourceNeed) -> Self {
        Self {
            kind: need.kind,
            feed: need.feed.into(),
        }
    }
}

impl From<gate::Unit> for contract::Unit {
    fn from(unit: gate::Unit) -> Self {
        Self {
            name: unit.name,
            kind: unit.kind.into(),
        }
    }
}

impl From<gate::Descriptor> for contract::Descriptor {
    fn from(descriptor: gate::Descriptor) -> Self {
        Self {
            cloud: descriptor.cloud,
            title: descriptor.title,
            version: descriptor.version,
            sources: each(descriptor.sources),
            lifecycles: each(descriptor.lifecycles),
            kinds: each(descriptor.kinds),
            levels: descriptor.levels,
            zone_word: descriptor.zone_word,
            units: each(descriptor.units),
        }
    }
}
