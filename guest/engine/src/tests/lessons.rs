//! What failed launches taught, and how a failure becomes a lesson.

use alloc::{string::String, vec, vec::Vec};

use quotagate_contract::*;

use super::{NOW, Parts, alone, restart, row, with_need};
use crate::Engine;

/// What failed launches taught, of one kind.
fn lesson(kind: LessonKind) -> Lesson {
    Lesson {
        quota: (kind == LessonKind::Quota).then(|| "gpu".into()),
        place: Place::region("here"),
        at_least: 16,
        cause: "the cloud refused it".into(),
        learned_at: NOW,
        until: 1_800_000_000_000,
        ..Lesson::new(kind)
    }
}

fn taught(kind: LessonKind, change: impl FnOnce(&mut Lesson)) -> Parts {
    let mut lesson = lesson(kind);
    change(&mut lesson);
    Parts::roomy().taught(lesson)
}

const SAID: &str =
    "[a launch like it failed: the cloud refused it; believed until 2027-01-15T08:00:00Z]";

#[test]
fn a_refused_amount_blocks_as_much_and_more() {
    let parts = taught(LessonKind::Quota, |_| {});
    parts.check(1, &alone(), "fits unknown 1; fits gpu of t: 8 of 100");
    let blocked = alloc::format!("blocked unknown 1; failed-before gpu: 16 of ? {SAID}");
    parts.check(2, &alone(), &blocked);
    // Launches of a plan add up against it.
    let admission = parts.admit(&[(1, alone()), (1, alone())]);
    assert_eq!(admission.verdict.quota, QuotaOutcome::Blocked);
    assert_eq!(admission.breaks_at.map(|at| at.index), Some(1));
    // What may be inside the usage already may have been inside it then.
    assert_eq!(parts.quota(2, &restart()), QuotaOutcome::Unknown);
}

#[test]
fn a_lesson_concerns_what_it_names_and_nothing_else() {
    type Change = fn(&mut Lesson);
    let changes: [(LessonKind, Change); 9] = [
        (LessonKind::Quota, |lesson| {
            lesson.quota = Some("other".into())
        }),
        (LessonKind::Quota, |lesson| {
            lesson.place = Place::region("there")
        }),
        (LessonKind::Quota, |lesson| {
            lesson.place = Place::zone("here", "a")
        }),
        (LessonKind::Quota, |lesson| lesson.owner = Some("q".into())),
        (LessonKind::Quota, |lesson| lesson.until = NOW),
        (LessonKind::Capacity, |lesson| {
            lesson.instance_type = Some("small".into())
        }),
        (LessonKind::Capacity, |lesson| {
            lesson.lifecycle = Some("spare".into())
        }),
        (LessonKind::Unclear, |lesson| {
            lesson.place = Place::zone("here", "a")
        }),
        (LessonKind::Unclear, |lesson| {
            lesson.owner = Some("q".into())
        }),
    ];
    let untaught = Parts::roomy().judge(2, &alone());
    for (kind, change) in changes {
        assert_eq!(taught(kind, change).judge(2, &alone()), untaught);
        assert_ne!(taught(kind, |_| {}).judge(2, &alone()), untaught);
    }
    // Of no region it concerns launches everywhere, of an owner of the chain those that draw on its rows.
    for owner in ["t", "p"] {
        let everywhere = taught(LessonKind::Quota, |lesson| {
            lesson.place = Place::EVERYWHERE;
            lesson.owner = Some(owner.into());
        });
        assert_eq!(everywhere.quota(2, &alone()), QuotaOutcome::Blocked);
    }
    // A launch that names the zone is concerned.
    let mut zonal = taught(LessonKind::Quota, |lesson| {
        lesson.place = Place::zone("here", "a")
    });
    zonal.offer.zone = Some("a".into());
    assert_eq!(zonal.quota(2, &alone()), QuotaOutcome::Blocked);
}

#[test]
fn missing_hardware_is_no_quota_and_an_unclear_error_is_unknown() {
    let capacity = taught(LessonKind::Capacity, |_| {});
    let told = alloc::format!("fits unlikely 12; fits gpu of t: 8 of 100; failed-before {SAID}");
    capacity.check(1, &alone(), &told);
    let unclear = taught(LessonKind::Unclear, |_| {});
    unclear.check(
        1,
        &alone(),
        &alloc::format!("unknown unknown ?; failed-before {SAID}"),
    );
    // A proven shortage is still one.
    assert_eq!(
        unclear.limit("gpu", 0).quota(1, &alone()),
        QuotaOutcome::Blocked
    );
}

#[test]
fn a_lesson_on_hardware_ends_where_the_cloud_has_seen_some_since() {
    let judged = |change: fn(&mut Capacity)| {
        let mut advice = Capacity {
            instance_type: "big".into(),
            place: Place::zone("here", "a"),
            lifecycle: "usual".into(),
            available: Some(4),
            grade: Grade::Medium,
            fresh: true,
            measured_at: Some(NOW + 1),
            ..Capacity::default()
        };
        change(&mut advice);
        let of_big = |lesson: &mut Lesson| lesson.instance_type = Some("big".into());
        let parts = taught(LessonKind::Capacity, of_big).advised([advice]);
        parts.judge(1, &alone()).capacity
    };
    assert_eq!(judged(|_| {}), CapacityOutcome::Likely);
    assert_eq!(
        judged(|advice| advice.available = None),
        CapacityOutcome::Likely
    );
    for change in [
        (|advice| advice.measured_at = Some(NOW)) as fn(&mut Capacity),
        |advice| advice.measured_at = None,
        |advice| advice.grade = Grade::Low,
        |advice| advice.fresh = false,
        |advice| advice.lifecycle = "spare".into(),
        |advice| advice.instance_type = "small".into(),
    ] {
        assert_eq!(judged(change), CapacityOutcome::Unlikely);
    }
}

/// What a failure teaches of two launched instances.
fn learned(parts: &Parts, text: &str, profile: Profile) -> Diagnosis {
    let launch = Launch {
        offer: parts.offer.clone(),
        count: 2,
        profile,
    };
    let failure = Failure::Text(text.into());
    let mut engine = Engine::new(super::Toy);
    engine
        .diagnose(&parts.reader(), &failure, Some(&launch))
        .unwrap()
}

fn in_words(lesson: &Lesson) -> String {
    alloc::format!(
        "{} {} of {} in {}: {}{} {}; {}",
        lesson.kind,
        lesson.quota.as_deref().unwrap_or("-"),
        lesson.owner.as_deref().unwrap_or("-"),
        lesson.place.region.as_deref().unwrap_or("everywhere"),
        lesson.at_least,
        if lesson.beyond_limit { "!" } else { "" },
        lesson.rows.join(" "),
        lesson.cause
    )
}

#[test]
fn a_refusal_teaches_what_the_launch_took_of_the_owner_that_refused() {
    let shared = Parts::roomy().with(row("p", "gpu", Limit::Amount(64), 0));
    let unread = Parts::roomy().read("rows.p", SourceState::Denied);
    let global = Row {
        place: Place::EVERYWHERE,
        ..row("t", "global", Limit::Amount(9), 0)
    };
    let global = Parts::roomy().with(global);
    for (parts, text, profile, expected) in [
        (
            &Parts::roomy(),
            "quota gpu",
            alone(),
            "quota gpu of t in here: 16 t/gpu; the cloud refused 16 of gpu",
        ),
        (
            &shared,
            "quota gpu",
            alone(),
            "quota gpu of p in here: 16 t/gpu p/gpu; the cloud refused 16 of gpu",
        ),
        (
            &unread,
            "quota gpu",
            alone(),
            "quota gpu of p in here: 16 t/gpu; the cloud refused 16 of gpu",
        ),
        (
            &Parts::roomy(),
            "quota gpu 64 40",
            alone(),
            "quota gpu of t in here: 40 t/gpu; the cloud refused 40 of gpu, under a limit of 64",
        ),
        // More than the whole limit is too much for every size from there on.
        (
            &Parts::roomy(),
            "quota gpu 8",
            alone(),
            "quota gpu of t in here: 9! t/gpu; the cloud refused 16 of gpu, under a limit of 8",
        ),
        (
            &global,
            "quota global",
            with_need("global"),
            "quota global of t in everywhere: 2 t/global; the cloud refused 2 of global",
        ),
        // Of a quota that the launch takes nothing of nothing is learned of quotas.
        (
            &Parts::roomy(),
            "quota other",
            alone(),
            "unclear - of - in here: 0 ; a quota refused it, and the error does not say which, or how much",
        ),
        (
            &Parts::roomy(),
            "quota",
            alone(),
            "unclear - of - in here: 0 ; a quota refused it, and the error does not say which, or how much",
        ),
        (
            &Parts::roomy(),
            "capacity",
            alone(),
            "capacity - of - in here: 0 ; there was no free hardware",
        ),
        (
            &Parts::roomy(),
            "ambiguous",
            alone(),
            "unclear - of - in here: 0 ; the error does not say whether quota or hardware was short",
        ),
    ] {
        let diagnosis = learned(parts, text, profile);
        let told: Vec<String> = diagnosis.lessons.iter().map(in_words).collect();
        assert_eq!(told, [expected], "{text}");
        let contradicted = if text.starts_with("quota") {
            vec!["rows.t", "rows.p"]
        } else {
            vec![]
        };
        assert_eq!(diagnosis.contradicts, contradicted, "{text}");
    }
    assert!(
        learned(&Parts::roomy(), "access", alone())
            .lessons
            .is_empty()
    );
}

#[test]
fn a_lesson_that_was_learned_stands_in_the_way_of_the_next_such_launch() {
    let parts = Parts::roomy();
    let mut lesson = learned(&parts, "quota gpu", alone()).lessons.remove(0);
    lesson.until = NOW + 1;
    let parts = parts.taught(lesson);
    assert_eq!(parts.quota(1, &alone()), QuotaOutcome::Fits);
    assert_eq!(parts.quota(2, &alone()), QuotaOutcome::Blocked);
}
