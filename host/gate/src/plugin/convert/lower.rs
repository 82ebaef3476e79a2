//! What goes into a plugin. What the inventory lends is copied once, into what is written to the plugin's memory.

use quotagate_contract as contract;

use crate::{
    bindings::{
        exports::quotagate::plugin::gate,
        quotagate::plugin::{inventory, types},
    },
    plugin::names::{NAMES, NamesFull, Number},
};

fn each<T, U: From<T>>(items: impl IntoIterator<Item = T>) -> Vec<U> {
    items.into_iter().map(U::from).collect()
}

/// The number of a name that an offer or a record has; none is zero.
pub(in crate::plugin) fn number(name: Option<&str>) -> Result<Number, NamesFull> {
    name.map_or(Ok(0), |name| NAMES.number_of(name))
}

/// A row with its number.
pub(in crate::plugin) fn row(row: &contract::Row) -> Result<types::Row, NamesFull> {
    Ok(types::Row {
        number: NAMES.number_of(&row.key)?,
        key: row.key.clone(),
        quota: row.quota.clone(),
        title: row.title.clone(),
        owner: row.owner.clone(),
        place: (&row.place).into(),
        dimensions: each(&row.dimensions),
        unit: row.unit.clone(),
        state: row.state.into(),
        limit: row.limit.into(),
        usage: row.usage.into(),
        attributes: each(&row.attributes),
    })
}

/// An instance type with its number.
pub(in crate::plugin) fn instance_type(
    instance_type: &contract::InstanceType,
) -> Result<types::InstanceType, NamesFull> {
    Ok(types::InstanceType {
        number: NAMES.number_of(&instance_type.name)?,
        name: instance_type.name.clone(),
        family: instance_type.family.clone(),
        vcpus: instance_type.vcpus,
        memory_bytes: instance_type.memory_bytes,
        gpus: instance_type.gpus,
        gpu_model: instance_type.gpu_model.clone(),
        draws: each(&instance_type.draws),
        offered: each(&instance_type.offered),
    })
}

/// A reservation with the numbers of its rows.
pub(in crate::plugin) fn reservation(
    reservation: &contract::Reservation,
) -> Result<types::Reservation, NamesFull> {
    Ok(types::Reservation {
        row: row(&reservation.row)?,
        instance_type: reservation.instance_type.clone(),
        family: reservation.family.clone(),
        targeted: reservation.targeted,
        begins: reservation.begins,
        ends: reservation.ends,
        share: reservation.share.as_ref().map(row).transpose()?,
        share_unread: reservation.share_unread,
        next: reservation.next.map(Into::into),
        state: reservation.state.clone(),
        attributes: each(&reservation.attributes),
    })
}

/// What is held of a row, by the row's number.
pub(in crate::plugin) fn take(take: &contract::Take) -> Result<types::Take, NamesFull> {
    Ok(types::Take {
        row: NAMES.number_of(&take.row)?,
        at_least: take.at_least,
        at_most: take.at_most,
    })
}

/// A lesson, its rows by number.
pub(in crate::plugin) fn lesson(lesson: &contract::Lesson) -> Result<types::Lesson, NamesFull> {
    let rows: Result<_, _> = lesson.rows.iter().map(|row| NAMES.number_of(row)).collect();
    Ok(types::Lesson {
        kind: lesson.kind.into(),
        quota: lesson.quota.clone(),
        owner: lesson.owner.clone(),
        place: (&lesson.place).into(),
        at_least: lesson.at_least,
        beyond_limit: lesson.beyond_limit,
        instance_type: lesson.instance_type.clone(),
        lifecycle: lesson.lifecycle.clone(),
        rows: rows?,
        cause: lesson.cause.clone(),
        learned_at: lesson.learned_at,
        until: lesson.until,
    })
}

impl From<&contract::Place> for types::Place {
    fn from(place: &contract::Place) -> Self {
        Self {
            region: place.region.clone(),
            zone: place.zone.clone(),
        }
    }
}

impl From<contract::Place> for types::Place {
    fn from(contract::Place { region, zone }: contract::Place) -> Self {
        Self { region, zone }
    }
}

impl From<contract::Limit> for types::Limit {
    fn from(limit: contract::Limit) -> Self {
        match limit {
            contract::Limit::Amount(amount) => Self::Amount(amount),
            contract::Limit::ByDefault(amount) => Self::ByDefault(amount),
            contract::Limit::Unlimited => Self::Unlimited,
            contract::Limit::Unset => Self::Unset,
        }
    }
}

impl From<contract::Usage> for types::Usage {
    fn from(usage: contract::Usage) -> Self {
        Self {
            at_least: usage.at_least,
            at_most: usage.at_most,
            measured_at: usage.measured_at,
        }
    }
}

impl From<&contract::Attribute> for types::Attribute {
    fn from(attribute: &contract::Attribute) -> Self {
        Self {
            name: attribute.name.clone(),
            value: attribute.value.clone(),
        }
    }
}

impl From<&contract::Holding> for types::Holding {
    fn from(holding: &contract::Holding) -> Self {
        Self {
            kind: holding.kind.clone(),
            owner: holding.owner.clone(),
            place: (&holding.place).into(),
            pieces: holding.pieces,
            bytes: holding.bytes,
            attributes: each(&holding.attributes),
        }
    }
}

impl From<&contract::Draw> for types::Draw {
    fn from(draw: &contract::Draw) -> Self {
        Self {
            quota: draw.quota.clone(),
            each: draw.each,
        }
    }
}

impl From<&contract::Offered> for types::Offered {
    fn from(offered: &contract::Offered) -> Self {
        Self {
            place: (&offered.place).into(),
            lifecycles: offered.lifecycles.clone(),
            together: offered.together,
            restriction: offered.restriction.clone(),
        }
    }
}

impl From<&contract::KindOffered> for types::KindOffered {
    fn from(kind: &contract::KindOffered) -> Self {
        Self {
            kind: kind.kind.clone(),
            offered: each(&kind.offered),
        }
    }
}

impl From<contract::Change> for types::Change {
    fn from(change: contract::Change) -> Self {
        Self {
            at: change.at,
            amount: change.amount,
        }
    }
}

impl From<&contract::Capacity> for types::Capacity {
    fn from(capacity: &contract::Capacity) -> Self {
        Self {
            instance_type: capacity.instance_type.clone(),
            place: (&capacity.place).into(),
            lifecycle: capacity.lifecycle.clone(),
            available: capacity.available,
            for_count: capacity.for_count,
            grade: capacity.grade.into(),
            clipped: capacity.clipped,
            fresh: capacity.fresh,
            measured_at: capacity.measured_at,
        }
    }
}

impl From<contract::Owner> for inventory::Owner {
    fn from(owner: contract::Owner) -> Self {
        Self {
            id: owner.id,
            name: owner.name,
            level: owner.level,
            place: owner.place.into(),
            state: owner.state,
        }
    }
}

impl From<contract::PlaceOffered> for inventory::PlaceOffered {
    fn from(offered: contract::PlaceOffered) -> Self {
        Self {
            place: offered.place.into(),
            restriction: offered.restriction,
        }
    }
}

impl From<contract::SourceReport> for inventory::Source {
    fn from(source: contract::SourceReport) -> Self {
        Self {
            key: source.key,
            kind: source.kind,
            feed: source.feed.into(),
            owner: source.owner,
            place: source.place.into(),
            state: source.state.into(),
            fetched_at: source.fetched_at,
            asked_at: source.asked_at,
            detail: source.detail,
        }
    }
}

impl From<&contract::NeedNumber> for types::NeedNumber {
    fn from(number: &contract::NeedNumber) -> Self {
        Self {
            name: number.name.clone(),
            value: number.value,
        }
    }
}

impl From<&contract::Need> for types::Need {
    fn from(need: &contract::Need) -> Self {
        Self {
            kind: need.kind.clone(),
            pieces: need.pieces,
            bytes: need.bytes,
            numbers: each(&need.numbers),
            per: need.per.into(),
        }
    }
}

impl From<&contract::Profile> for types::Profile {
    fn from(profile: &contract::Profile) -> Self {
        Self {
            project: profile.project.clone(),
            reservation: profile.reservation.into(),
            reservation_key: profile.reservation_key.clone(),
            needs: each(&profile.needs),
            restart: profile.restart,
            together: profile.together,
        }
    }
}

impl From<&contract::Offer> for types::Offer {
    fn from(offer: &contract::Offer) -> Self {
        Self {
            instance_type: offer.instance_type.clone(),
            region: offer.region.clone(),
            zone: offer.zone.clone(),
            lifecycle: offer.lifecycle.clone(),
            needs: each(&offer.needs),
        }
    }
}

impl From<&contract::Launch> for types::Launch {
    fn from(launch: &contract::Launch) -> Self {
        Self {
            offer: (&launch.offer).into(),
            count: launch.count,
            profile: (&launch.profile).into(),
        }
    }
}

impl From<&contract::Policy> for types::Policy {
    fn from(policy: &contract::Policy) -> Self {
        Self {
            detail: policy.detail.into(),
            max_age_ms: policy.max_age_ms,
        }
    }
}

impl From<&contract::Failure> for gate::Failure {
    fn from(failure: &contract::Failure) -> Self {
        match failure {
            contract::Failure::Parts(parts) => Self::Parts(gate::FailureParts {
                code: parts.code.clone(),
                http_status: parts.http_status,
                message: parts.message.clone(),
                details: each(&parts.details),
            }),
            contract::Failure::Text(text) => Self::Text(text.clone()),
        }
    }
}

impl From<&contract::FailureDetail> for gate::FailureDetail {
    fn from(detail: &contract::FailureDetail) -> Self {
        Self {
            type_name: detail.type_name.clone(),
            value: detail.value.clone(),
        }
    }
}
