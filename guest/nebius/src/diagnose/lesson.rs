//! What a refusal teaches of one quota, as far as the error itself says it (nebius rule 35).

use quotagate_guest::{Finding, Lesson, LessonKind};

/// A refusal proves that at least the launch's own demand does not fit, which the engine knows. The total that the error tells
/// is above the limit in every refusal, so it proves nothing of the launch alone. Without a number that was understood it is
/// not known what was refused.
pub(super) fn of(finding: &Finding) -> Option<Lesson> {
    finding.minimum_limit?;
    Some(Lesson {
        quota: Some(finding.quota.clone()?),
        owner: finding.owner.clone(),
        ..Lesson::new(LessonKind::Quota)
    })
}
