//! What a failure teaches, as far as the error itself says it (nebius rule 35). What the launch takes, and where, the engine
//! fills in.

use alloc::{string::String, vec, vec::Vec};

use quotagate_guest::{Diagnosis, FailureKind, Finding, Lesson, LessonKind, Place};

/// What a diagnosis says of launches to come.
pub(super) fn of(diagnosis: &Diagnosis) -> Vec<Lesson> {
    let unclear = |otherwise| vec![of_hardware(LessonKind::Unclear, diagnosis, otherwise)];
    match diagnosis.kind {
        FailureKind::Quota => {
            let quotas: Vec<_> = diagnosis.findings.iter().filter_map(of_quota).collect();
            if quotas.is_empty() {
                // Without a quota and a number nobody knows what it speaks of.
                return unclear(
                    "a quota refused it, and the error does not say which, or how much",
                );
            }
            quotas
        }
        FailureKind::Capacity => vec![of_hardware(
            LessonKind::Capacity,
            diagnosis,
            "there was no free hardware",
        )],
        FailureKind::Ambiguous => {
            unclear("the error does not say whether quota or hardware was short")
        }
        // The next launch may fare differently, or fares alike whatever it asks for.
        FailureKind::RateLimit
        | FailureKind::Access
        | FailureKind::Invalid
        | FailureKind::Transient => Vec::new(),
    }
}

/// A refusal proves that at least the launch's own demand does not fit. The total that the error tells is above the limit in
/// every refusal, so it proves nothing of the launch alone. Without a number that was understood it is not known what was
/// refused.
fn of_quota(finding: &Finding) -> Option<Lesson> {
    finding.minimum_limit?;
    Some(Lesson {
        quota: Some(finding.quota.clone()?),
        owner: finding.owner.clone(),
        ..blank(LessonKind::Quota)
    })
}

fn of_hardware(kind: LessonKind, diagnosis: &Diagnosis, otherwise: &str) -> Lesson {
    let mut details = diagnosis
        .findings
        .iter()
        .filter_map(|finding| finding.detail.clone());
    Lesson {
        cause: details.next().unwrap_or_else(|| otherwise.into()),
        ..blank(kind)
    }
}

const fn blank(kind: LessonKind) -> Lesson {
    Lesson {
        kind,
        quota: None,
        owner: None,
        place: Place::EVERYWHERE,
        at_least: 0,
        beyond_limit: false,
        instance_type: None,
        lifecycle: None,
        rows: Vec::new(),
        cause: String::new(),
        learned_at: 0,
        until: 0,
    }
}
