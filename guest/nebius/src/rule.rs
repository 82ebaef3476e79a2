//! The rule behind each reason, for `explain`: one sentence, and the section of nebius.md that it rests on.

use quotagate_engine::{InstanceType, Launch, Reason};

/// The rule that a finding of this reason applied.
pub(crate) const fn of(reason: Reason) -> &'static str {
    match reason {
        Reason::Fits | Reason::Shortage => {
            "all demands on a row are summed and compared with limit - usage - held, at both scopes (4.1, 4.7)"
        }
        Reason::ExceedsLimit => "what exceeds the whole limit is refused whatever is used (4.4)",
        Reason::Frozen => "a frozen row is allocated but unusable (4.3)",
        Reason::Deleted => {
            "a deleted row of the tenant is no quota; of a project it is undocumented, hence unknown (4.3, 8.17)"
        }
        Reason::Provisioning => "a row in provisioning may change within minutes (4.3)",
        Reason::StateUnknown => {
            "only an active row has numbers to rely on, only an active project launches (4.3)"
        }
        Reason::UsageUnmeasured => "a usage that was not measured is not a zero (4.4, 8.20)",
        Reason::LimitUnset => {
            "a tenant row without a limit is neither zero nor unlimited: a default may apply (4.2, 8.1)"
        }
        Reason::RowMissing => {
            "a row that the tenant's list lacks is not reported, hence unknown (8.10)"
        }
        Reason::ScopeUnreadable => {
            "both scopes must fit; one that cannot be read proves nothing (4.1)"
        }
        Reason::Stale => "a source older than the policy allows counts as unreadable (8.7)",
        Reason::Contradictory => "rows or numbers that contradict each other prove nothing (4.4)",
        Reason::WrongUnit => "a row in an unexpected unit is not compared (4.6, 8.14)",
        Reason::ReservationExhausted => {
            "under strict use a launch is served by active reservations of its region and platform alone (4.9)"
        }
        Reason::NotOffered => {
            "an active project launches what its platforms list, under the lifecycles they allow (4.8, 5.1)"
        }
        Reason::NoCapacity => {
            "fresh advice with fewer free instances than wanted makes a launch unlikely, whatever the quotas say (4.10)"
        }
        Reason::CapacityUnknown => "only fresh advice on this type, region and lane speaks (4.10)",
        Reason::LimitReached => {
            "limit reached means the account's own limit, not hardware; the rows decide (4.10, 8.11)"
        }
        Reason::NotDecisive => {
            "reported for orientation, the launch does not draw on it: a project row without a limit (4.2), rows of the other lifecycle (4.8, 8.2), GPUs that reservations may cover (4.9)"
        }
        Reason::MayBeHeld => {
            "what the start of a stopped instance takes may be inside the usage already: it proves no shortage, and no room beside it"
        }
        Reason::ChangesSoon => {
            "a reservation whose amount changes within the launch's first day is named; once the instant has passed the change is in force, whatever the list shows (1.5, 4.9)"
        }
        Reason::NotChecked => "no quota row is known for it (8.15)",
        Reason::FailedBefore => {
            "what the cloud refused a short while ago it refuses again, until it is read that something changed; its error is the authority (1.10, 4.11)"
        }
    }
}

const GPU: &[&str] = &[
    "local disks, NVL instance groups, snapshots and price caps have no known quota row and were not checked",
];
const CPU: &[&str] = &["snapshots have no known quota row and were not checked"];

/// What a launch may draw on that no row is known for (nebius.md 8.15, 1.12).
pub(crate) const fn not_checked(
    launch: &Launch,
    instance_type: &InstanceType,
) -> &'static [&'static str] {
    if launch.profile.restart {
        &[]
    } else if instance_type.gpus > 0 {
        GPU
    } else {
        CPU
    }
}
