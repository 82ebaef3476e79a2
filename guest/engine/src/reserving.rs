//! What reserved capacity does for a launch, as a finding.

use alloc::{format, vec};

use quotagate_contract::{QuotaOutcome, Reason, ReservationUse};

use crate::{
    amount::Bound,
    cloud::Cloud,
    here::{Call, Here},
    judge::Launching,
    judgement::Noted,
    reservation::ReservationCover,
};

/// A finding on reserved capacity, and how many instances that lets through.
pub(crate) struct ReservedFinding {
    pub(crate) noted: Noted,
    pub(crate) bound: Bound,
}

impl<C: Cloud> Call<'_, C> {
    /// What the reservations do for the launch: they decide for one that insists on them, and say how many more would fit
    /// where they take every instance (`behind` is how many the ordinary rows let through besides). None where they do nothing.
    pub(crate) fn reserved_finding(
        &self,
        here: &Here,
        launch: &Launching<'_>,
        cover: &ReservationCover,
        behind: Bound,
    ) -> Option<ReservedFinding> {
        let strict = launch.profile.reservation == ReservationUse::Strict;
        if !strict && cover.instances_at_most == 0 {
            return None;
        }
        let restart = launch.profile.restart;
        let count = u64::from(launch.count);
        let short = count > cover.instances;
        let is_certain = cover.uncertain.is_none();
        let may_be_held = is_certain && short && count <= cover.instances_at_most;
        let bound = if cover.is_unbounded {
            Bound::UNKNOWN
        } else {
            cover.bound()
        };
        // Of a restart nothing is certain: more may fit.
        let possible = Bound {
            most: u64::MAX,
            ..bound
        };
        let (reason, outcome, bound) = match (strict, short) {
            (true, true) if may_be_held => (Reason::MayBeHeld, QuotaOutcome::Unknown, bound),
            (true, true) if restart => (
                Reason::ReservationExhausted,
                QuotaOutcome::Unknown,
                possible,
            ),
            (true, true) => {
                let outcome = if count > cover.at_most() {
                    QuotaOutcome::Blocked
                } else {
                    QuotaOutcome::Unknown
                };
                (Reason::ReservationExhausted, outcome, bound)
            }
            (true, false) if restart => (Reason::Fits, QuotaOutcome::Fits, possible),
            (true, false) => (Reason::Fits, QuotaOutcome::Fits, bound),
            (false, true) => (Reason::NotDecisive, QuotaOutcome::Fits, Bound::UNLIMITED),
            (false, false) => (Reason::Fits, QuotaOutcome::Fits, behind),
        };
        let required = count.saturating_mul(cover.each);
        let mut finding = self.about_offer(here, launch, reason, outcome);
        let mut known = here.context.reservations.iter();
        finding.unit = known.next().map_or(self.words.count, |known| known.unit);
        finding.required = Some(required);
        finding.limit = Some(cover.limit);
        finding.headroom = Some(cover.free);
        finding.shortfall = Some(required.saturating_sub(cover.free))
            .filter(|shortfall| *shortfall > 0 && reason == Reason::ReservationExhausted);
        let said = self.word(|| {
            let room = cover.instances.min(count);
            let mut words = vec![format!(
                "reservations have room for {room} of {count} instances"
            )];
            words.extend(cover.uncertain.clone());
            if may_be_held {
                words.push(cover.may_be_held());
            }
            words.extend(cover.announced.iter().cloned());
            words.join("; ")
        });
        Some(ReservedFinding {
            noted: Noted::new(finding, bound).saying(said),
            bound,
        })
    }
}
