//! The rule behind each finding, for `explain`: its number in `RULES.md`, and the rule in one sentence.

use quotagate_guest::{Asked, Finding, QuotaOutcome, Reason};

use crate::owner::PROJECT;

const RESERVATIONS: &str = "nebius rule 28: GPUs of active reservations of the launch's region and platform spare the GPU row; under strict use there is nothing else";
const UNMEASURED_RESERVATIONS: &str = "nebius rule 30: a reservation whose usage was not measured may have room, so that it proves no shortage";
const FRACTION: &str = "nebius rule 11: a fraction above zero contradicts a usage that is left out, and says how much is used at least";
const STATES: &str = "nebius rule 5: the state is read before the numbers: what is frozen takes nothing, what the tenant no longer has is no quota, and any other state but active is unknown";
const OFFERED: &str = "nebius rule 32: an active project launches what its platforms list, under the lifecycles they allow";
const HARDWARE: &str = "nebius rule 33: only fresh advice on this type, region and lane speaks of hardware, and it never changes what the quotas say";

/// The rule that was applied in a finding.
pub(crate) fn of(finding: &Finding) -> &'static str {
    let is_row = finding.quota.is_some();
    match finding.reason {
        Reason::Fits if !is_row => RESERVATIONS,
        // The usage alone is not known where the least of it proves a shortage.
        Reason::Shortage if finding.limit.is_some() && finding.usage_at_most.is_none() => FRACTION,
        Reason::Fits | Reason::Shortage => {
            "nebius rule 1: all that is taken of a row is summed and compared with limit - usage - held, of the tenant's row and of the project's"
        }
        Reason::ExceedsLimit => {
            "nebius rule 13: what exceeds the whole limit is refused, whatever is used"
        }
        Reason::StateUnknown if !is_row => OFFERED,
        Reason::Frozen | Reason::Deleted | Reason::Provisioning | Reason::StateUnknown => STATES,
        // Only what a fraction says is told of a row in words here.
        Reason::UsageUnmeasured if finding.detail.is_some() => FRACTION,
        Reason::UsageUnmeasured => "nebius rule 10: a usage that was not measured is not a zero",
        Reason::LimitUnset => {
            "nebius rule 7: a tenant's row without a limit is neither zero nor unlimited: a default may apply"
        }
        Reason::RowMissing => {
            "nebius rule 8: a row that the tenant's list lacks was not reported, hence unknown"
        }
        Reason::ScopeUnreadable | Reason::Unsupported => {
            "nebius rule 2: a list that could not be read proves nothing, neither room nor a shortage"
        }
        Reason::Stale => {
            "nebius rule 14: a list that was read longer ago than the policy allows counts as unread"
        }
        Reason::Contradictory if finding.limit.is_none() => {
            "nebius rule 4: of a row that is listed twice, with different numbers, nothing is known"
        }
        Reason::Contradictory => {
            "nebius rule 10: a usage above zero that is said not to be used contradicts itself"
        }
        Reason::WrongUnit => "nebius rule 9: a row in an unexpected unit is not compared",
        Reason::ReservationExhausted => match finding.outcome {
            QuotaOutcome::Unknown => UNMEASURED_RESERVATIONS,
            QuotaOutcome::Fits | QuotaOutcome::Blocked => RESERVATIONS,
        },
        Reason::NotOffered | Reason::Restricted => OFFERED,
        Reason::NoCapacity | Reason::CapacityUnknown => HARDWARE,
        Reason::LimitReached => {
            "nebius rule 34: a limit that is reached is the account's own, not hardware; the rows decide"
        }
        Reason::NotDecisive if !is_row => RESERVATIONS,
        Reason::NotDecisive => match (finding.level.as_deref(), finding.limit) {
            (Some(PROJECT), None) => {
                "nebius rule 6: a project's row without a limit leaves it to the tenant's"
            }
            _ => {
                "nebius rule 19: a preemptible instance counts in a row of its own, and in neither of the regular instances' rows"
            }
        },
        Reason::MayBeHeld => {
            "nebius rule 26: what the start of a stopped instance takes may be inside the usage already: it proves no shortage, and no room beside it"
        }
        Reason::ChangesSoon => {
            "nebius rule 31: a change of a reservation within the launch's first day is said, and in force from its instant on"
        }
        Reason::NotChecked => "nebius rule 27: no row is known for it",
        Reason::FailedBefore => {
            "nebius rule 35: what the cloud refused a short while ago it refuses again, until something is read that changed"
        }
    }
}

const GPU: &[&str] = &[
    "local disks, NVL instance groups, snapshots and price caps have no known quota row and were not checked",
];
const CPU: &[&str] = &["snapshots have no known quota row and were not checked"];

/// What a launch may draw on that no row is known for (nebius rule 27).
pub(crate) const fn not_checked(asked: &Asked<'_>) -> &'static [&'static str] {
    if asked.restart {
        &[]
    } else if asked.instance_type.gpus > 0 {
        GPU
    } else {
        CPU
    }
}
