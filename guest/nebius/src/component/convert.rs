//! Contract records to engine data and back. Total: every field and every case is named, so that a change of either side
//! does not compile until it is carried over.

use alloc::vec::Vec;

use quotagate_engine as engine;

use super::bindings::{
    exports::quotagate::plugin::gate as wit_gate,
    quotagate::plugin::{inventory as wit_inventory, types as wit},
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

cases!(lifecycle: wit::Lifecycle => engine::Lifecycle { OnDemand, Preemptible });
cases!(reservation_use: wit::ReservationUse => engine::ReservationUse { Auto, Forbid, Strict });
cases!(strictness: wit::Strictness => engine::Strictness { Advisory, Balanced, Strict });
cases!(row_state: wit::RowState => engine::RowState { Active, Provisioning, Frozen, Deleted, Unknown });
cases!(usage_state: wit::UsageState => engine::UsageState { Used, NotUsed, Unknown, NotApplicable, Unspecified });
cases!(capacity_level: wit::CapacityLevel => engine::CapacityLevel { High, Medium, Low, LimitReached, Unknown });
cases!(freshness: wit::Freshness => engine::Freshness { Fresh, Stale, Unknown });
cases!(lane: wit::Lane => engine::Lane { OnDemand, Preemptible, Reserved });
cases!(source_state: wit_inventory::SourceState => engine::SourceState { Complete, Denied, Unavailable, Incomplete });
cases!(scope: engine::Scope => wit::Scope { Tenant, Project });
cases!(quota_outcome: engine::QuotaOutcome => wit::QuotaOutcome { Fits, Unknown, Blocked });
cases!(capacity_outcome: engine::CapacityOutcome => wit::CapacityOutcome { Likely, Unlikely, Unknown });
cases!(availability: engine::Availability => wit::Availability { Available, NoQuota, NoCapacity, Unknown });
cases!(failure_kind: engine::FailureKind => wit_gate::FailureKind {
    Quota, Capacity, RateLimit, Access, Invalid, Transient, Ambiguous,
});
cases!(reason: engine::Reason => wit::Reason {
    Fits, Shortage, ExceedsLimit, Frozen, Deleted, Provisioning, StateUnknown, UsageUnmeasured, LimitUnset, RowMissing,
    ScopeUnreadable, Stale, Contradictory, WrongUnit, ReservationExhausted, NotOffered, NoCapacity, CapacityUnknown,
    LimitReached, NotDecisive, NotChecked, FailedBefore, MayBeHeld, ChangesSoon,
});

cases!(block_kind: wit::BlockKind => engine::BlockKind { Quota, Capacity, Unclear });

fn each<T, U>(items: Vec<T>, convert: impl FnMut(T) -> U) -> Vec<U> {
    items.into_iter().map(convert).collect()
}

fn disk(disk: wit::Disk) -> engine::Disk {
    fields!(disk => engine::Disk { kind, bytes, count })
}

fn disks(items: Vec<wit::Disk>) -> Vec<engine::Disk> {
    each(items, disk)
}

pub(super) fn offer(offer: wit::Offer) -> engine::Offer {
    fields!(offer => engine::Offer { instance_type, region, lifecycle: lifecycle })
}

pub(super) fn profile(profile: wit::Profile) -> engine::Profile {
    fields!(profile => engine::Profile {
        project,
        reservation: reservation_use,
        disks: disks,
        filesystems: disks,
        private_addresses,
        dynamic_public_addresses,
        static_public_addresses,
        restart,
        new_cluster,
        node_group,
        fabric,
    })
}

pub(super) fn launch(launch: wit::Launch) -> engine::Launch {
    fields!(launch => engine::Launch { offer: offer, count, profile: profile })
}

pub(super) fn policy(policy: wit::Policy) -> engine::Policy {
    fields!(policy => engine::Policy { strictness: strictness, explain, max_age_ms })
}

fn source(source: wit_inventory::Source) -> engine::Source {
    fields!(source => engine::Source { state: source_state, fetched_at, detail })
}

pub(super) fn sources(sources: wit_inventory::Sources) -> engine::Sources {
    fields!(sources => engine::Sources {
        tenant_allowances: source,
        project_allowances: source,
        instance_types: source,
        capacities: source,
        reservations: source,
    })
}

fn block(block: wit::Block) -> engine::Block {
    fields!(block => engine::Block {
        kind: block_kind,
        region,
        quota,
        project,
        at_least,
        instance_type,
        lifecycle: |known: Option<wit::Lifecycle>| known.map(lifecycle),
        fabric,
        cause,
        until,
    })
}

pub(super) fn blocks(blocks: Vec<wit::Block>) -> Vec<engine::Block> {
    each(blocks, block)
}

fn allowance(row: wit::Allowance) -> engine::Allowance {
    fields!(row => engine::Allowance {
        name, owner, region, unit, state: row_state, limit, usage, usage_state: usage_state,
        usage_fraction, held, held_at_most,
    })
}

pub(super) fn allowance_list(list: wit_inventory::AllowanceList) -> engine::AllowanceList {
    fields!(list => engine::AllowanceList { owner, rows: |rows| each(rows, allowance), source: source })
}

fn instance_type(item: wit::InstanceType) -> engine::InstanceType {
    fields!(item => engine::InstanceType {
        name, family, vcpus, memory_bytes, gpus, gpu_quota, preemptible, clusterable,
    })
}

pub(super) fn instance_types(types: wit_inventory::InstanceTypes) -> engine::InstanceTypes {
    fields!(types => engine::InstanceTypes {
        region,
        project_state,
        items: |items| each(items, instance_type),
        source: source,
    })
}

fn capacity(row: wit::Capacity) -> engine::Capacity {
    fields!(row => engine::Capacity {
        instance_type,
        region,
        fabric,
        lane: lane,
        available,
        level: capacity_level,
        freshness: freshness,
        observed_at,
    })
}

pub(super) fn capacities(capacities: wit_inventory::Capacities) -> engine::Capacities {
    fields!(capacities => engine::Capacities { items: |items| each(items, capacity), source: source })
}

fn change(change: wit::ReservationChange) -> engine::ReservationChange {
    fields!(change => engine::ReservationChange { at, limit })
}

fn reservation(item: wit::Reservation) -> engine::Reservation {
    fields!(item => engine::Reservation {
        id,
        family,
        region,
        fabric,
        active,
        limit,
        usage,
        usage_state: usage_state,
        usage_fraction,
        project_limit,
        project_usage,
        project_usage_state: usage_state,
        project_usage_fraction,
        held,
        held_at_most,
        project_held,
        project_held_at_most,
        next_change: |next: Option<_>| next.map(change),
    })
}

pub(super) fn reservations(reservations: wit_inventory::Reservations) -> engine::Reservations {
    fields!(reservations => engine::Reservations { items: |items| each(items, reservation), source: source })
}

fn finding(finding: engine::Finding) -> wit::Finding {
    fields!(finding => wit::Finding {
        reason: reason,
        outcome: quota_outcome,
        quota,
        scope: |value: Option<_>| value.map(scope),
        owner,
        region,
        unit,
        required,
        limit,
        usage,
        held,
        headroom,
        shortfall,
        minimum_limit,
        detail,
        remedy,
        command,
        rule,
    })
}

pub(super) fn verdict(verdict: engine::Verdict) -> wit::Verdict {
    fields!(verdict => wit::Verdict {
        quota: quota_outcome,
        capacity: capacity_outcome,
        availability: availability,
        fits_count,
        visible,
        findings: |findings| each(findings, finding),
    })
}

fn demand(demand: engine::HeldDemand) -> wit_gate::Demand {
    fields!(demand => wit_gate::Demand { quota, project, region, at_least, at_most })
}

fn reserved(demand: engine::ReservedDemand) -> wit_gate::ReservedDemand {
    fields!(demand => wit_gate::ReservedDemand { reservation, project, at_least, at_most })
}

fn breaking(launch: engine::BreakingLaunch) -> wit_gate::BreakingLaunch {
    fields!(launch => wit_gate::BreakingLaunch { index, fits_count })
}

pub(super) fn admission(admission: engine::Admission) -> wit_gate::Admission {
    fields!(admission => wit_gate::Admission {
        verdict: verdict,
        demands: |demands| each(demands, demand),
        reserved: |demands| each(demands, reserved),
        breaks_at: |launch: Option<_>| launch.map(breaking),
    })
}

pub(super) fn diagnosis(diagnosis: engine::Diagnosis) -> wit_gate::Diagnosis {
    fields!(diagnosis => wit_gate::Diagnosis {
        kind: failure_kind,
        findings: |findings| each(findings, finding),
        retry,
        remedy,
    })
}
