//! What is said of offers that a plugin failed to judge: nothing is known of them.

use super::{CallError, answer::shows};
use crate::types::{
    Admission, Availability, BreakingLaunch, CapacityOutcome, Finding, Launch, Offer, Policy,
    QuotaOutcome, Reason, Verdict,
};

/// The verdicts on `count` instances of each offer after a call for them failed: unknown, each with the error as its one
/// finding.
///
/// # Errors
/// Gives a refusal back: it is the caller who asked for something that makes no sense, and nothing that the plugin did.
pub fn unknown_verdicts(
    error: CallError,
    offers: &[Offer],
    count: u32,
    policy: &Policy,
) -> Result<Vec<Verdict>, CallError> {
    if matches!(error, CallError::Refused(_)) {
        return Err(error);
    }
    let detail = format!("not judged: {error}");
    Ok(offers
        .iter()
        .map(|offer| unknown(offer, count, policy, &detail))
        .collect())
}

/// [`unknown_verdicts`] for launches that were to be judged together: nothing is known of what they take either.
///
/// # Errors
/// As for [`unknown_verdicts`].
pub(crate) fn unknown_admission(
    error: CallError,
    plan: &[Launch],
    policy: &Policy,
) -> Result<Admission, CallError> {
    let first = plan.first();
    let offers: Vec<Offer> = first
        .map(|launch| launch.offer.clone())
        .into_iter()
        .collect();
    let count = first.map_or(0, |launch| launch.count);
    let verdicts = unknown_verdicts(error, &offers, count, policy)?;
    let verdict = verdicts.into_iter().next().ok_or(CallError::WrongLength {
        asked: 1,
        answered: 0,
    })?;
    Ok(Admission {
        verdict,
        demands: Vec::new(),
        reserved: Vec::new(),
        breaks_at: Some(BreakingLaunch {
            index: 0,
            fits_count: None,
        }),
    })
}

fn unknown(offer: &Offer, count: u32, policy: &Policy, detail: &str) -> Verdict {
    Verdict {
        quota: QuotaOutcome::Unknown,
        capacity: CapacityOutcome::Unknown,
        availability: Availability::Unknown,
        fits_count: None,
        visible: shows(policy.strictness, Availability::Unknown),
        findings: vec![Finding {
            reason: Reason::NotChecked,
            outcome: QuotaOutcome::Unknown,
            quota: None,
            scope: None,
            owner: None,
            region: offer.region.clone(),
            unit: String::from("instance"),
            required: Some(count.into()),
            limit: None,
            usage: None,
            held: 0,
            headroom: None,
            shortfall: None,
            minimum_limit: None,
            detail: Some(detail.to_owned()),
            remedy: None,
            command: Vec::new(),
            rule: None,
        }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plugin::answer::check_verdicts,
        types::{ErrorCode, Lifecycle, Refusal, Strictness},
    };

    fn offers() -> Vec<Offer> {
        ["here", "there"]
            .map(|region| Offer {
                instance_type: "a".to_owned(),
                region: region.to_owned(),
                lifecycle: Lifecycle::OnDemand,
            })
            .to_vec()
    }

    fn policy(strictness: Strictness) -> Policy {
        Policy {
            strictness,
            ..Policy::default()
        }
    }

    #[test]
    fn a_broken_plugin_leaves_every_offer_unknown_and_says_why() {
        for strictness in Strictness::ALL {
            let error = CallError::WrongLength {
                asked: 2,
                answered: 3,
            };
            let told = error.to_string();
            let verdicts = unknown_verdicts(error, &offers(), 7, &policy(*strictness)).unwrap();
            check_verdicts(&verdicts, 2, 7, *strictness).unwrap();
            for (verdict, offer) in verdicts.iter().zip(offers()) {
                assert_eq!(verdict.quota, QuotaOutcome::Unknown);
                assert_eq!(verdict.visible, *strictness != Strictness::Strict);
                let [finding] = verdict.findings.as_slice() else {
                    panic!("{verdict:?}");
                };
                assert_eq!(finding.reason, Reason::NotChecked);
                assert_eq!(finding.outcome, QuotaOutcome::Unknown);
                assert_eq!(finding.region, offer.region);
                assert_eq!(finding.required, Some(7));
                assert!(finding.detail.as_ref().unwrap().contains(&told));
            }
        }
    }

    #[test]
    fn a_refusal_stays_the_callers_fault() {
        let refusal = CallError::Refused(Refusal {
            code: ErrorCode::InvalidLaunch,
            message: "no instances".to_owned(),
        });
        let back = unknown_verdicts(refusal, &offers(), 0, &Policy::default()).unwrap_err();
        assert_eq!(back.code(), Some(ErrorCode::InvalidLaunch));
    }
}
