//! What a refusal teaches of one quota, as far as the error itself says it (nebius rule 35).

use alloc::{string::String, vec::Vec};

use quotagate_guest::{Finding, Lesson, LessonKind, Place};

/// A refusal proves that at least the launch's own demand does not fit, which the engine knows. The total that the error tells
/// is above the limit in every refusal, so it proves nothing of the launch alone. Without a number that was understood it is
/// not known what was refused.
pub(super) fn of(finding: &Finding) -> Option<Lesson> {
    finding.minimum_limit?;
    Some(Lesson {
        kind: LessonKind::Quota,
        quota: Some(finding.quota.clone()?),
        owner: finding.owner.clone(),
        place: Place::EVERYWHERE,
        at_least: 0,
        beyond_limit: false,
        instance_type: None,
        lifecycle: None,
        rows: Vec::new(),
        cause: String::new(),
        learned_at: 0,
        until: 0,
    })
}
