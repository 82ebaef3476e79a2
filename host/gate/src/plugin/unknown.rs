//! What is said of offers that a plugin failed to judge: nothing is known of them.

use std::{collections::HashMap, sync::Arc};

use quotagate_contract::{
    Admission, Breaking, CapacityOutcome, Finding, Launch, Offer, QuotaOutcome, Reason, Verdict,
};

use super::CallError;

/// The verdicts on `count` instances of each offer after a call for them failed: unknown, each with the error as its one
/// finding. Offers of one place share theirs.
///
/// # Errors
/// Gives a refusal back: it is the caller who asked for something that makes no sense, and nothing that the plugin did.
pub fn unknown_verdicts(
    error: CallError,
    offers: &[Offer],
    count: u32,
) -> Result<Vec<Arc<Verdict>>, CallError> {
    if matches!(error, CallError::Refused(_)) {
        return Err(error);
    }
    let detail = format!("not judged: {error}");
    let mut made: HashMap<(&str, Option<&str>), Arc<Verdict>> = HashMap::new();
    let verdicts = offers.iter().map(|offer| {
        let place = (offer.region.as_str(), offer.zone.as_deref());
        let verdict = made
            .entry(place)
            .or_insert_with(|| Arc::new(unknown(offer, count, &detail)));
        Arc::clone(verdict)
    });
    Ok(verdicts.collect())
}

/// [`unknown_verdicts`] for launches that were to be judged together: nothing is known of what they take either.
///
/// # Errors
/// As for [`unknown_verdicts`].
pub(crate) fn unknown_admission(error: CallError, plan: &[Launch]) -> Result<Admission, CallError> {
    if matches!(error, CallError::Refused(_)) {
        return Err(error);
    }
    let nowhere = Launch::default();
    let first = plan.first().unwrap_or(&nowhere);
    let detail = format!("not judged: {error}");
    Ok(Admission {
        verdict: unknown(&first.offer, first.count, &detail),
        takes: Vec::new(),
        rests_on: Vec::new(),
        reservations: Vec::new(),
        breaks_at: Some(Breaking {
            index: 0,
            fits_count: None,
        }),
    })
}

fn unknown(offer: &Offer, count: u32, detail: &str) -> Verdict {
    let region = Some(offer.region.clone());
    Verdict {
        quota: QuotaOutcome::Unknown,
        capacity: CapacityOutcome::Unknown,
        fits_count: None,
        findings: vec![Arc::new(Finding {
            region: region.filter(|region| !region.is_empty()),
            zone: offer.zone.clone(),
            unit: String::from("instance"),
            required: Some(count.into()),
            detail: Some(detail.to_owned()),
            ..Finding::new(Reason::NotChecked, QuotaOutcome::Unknown)
        })],
    }
}

#[cfg(test)]
mod tests {
    use quotagate_contract::{Availability, ErrorCode, Refusal};

    use super::*;

    fn offers() -> Vec<Offer> {
        ["here", "there", "here"]
            .map(|region| Offer {
                instance_type: "a".to_owned(),
                region: region.to_owned(),
                lifecycle: "on-demand".to_owned(),
                ..Offer::default()
            })
            .to_vec()
    }

    const ERROR: CallError = CallError::WrongLength {
        asked: 2,
        answered: 3,
    };

    #[test]
    fn a_broken_plugin_leaves_every_offer_unknown_and_says_why() {
        let told = ERROR.to_string();
        let verdicts = unknown_verdicts(ERROR, &offers(), 7).unwrap();
        assert_eq!(verdicts.len(), 3);
        for (verdict, offer) in verdicts.iter().zip(offers()) {
            assert_eq!(verdict.availability(), Availability::Unknown);
            let [finding] = verdict.findings.as_slice() else {
                panic!("{verdict:?}");
            };
            assert_eq!(finding.reason, Reason::NotChecked);
            assert_eq!(finding.outcome, QuotaOutcome::Unknown);
            assert_eq!(finding.region, Some(offer.region));
            assert_eq!(finding.required, Some(7));
            assert!(finding.detail.as_ref().unwrap().contains(&told));
        }
        assert!(Arc::ptr_eq(&verdicts[0], &verdicts[2]));
    }

    #[test]
    fn a_plan_that_was_not_judged_breaks_at_once_and_takes_nothing() {
        let admission = unknown_admission(ERROR, &[]).unwrap();
        assert_eq!(admission.verdict.quota, QuotaOutcome::Unknown);
        assert_eq!(admission.breaks_at.map(|breaking| breaking.index), Some(0));
        assert!(admission.takes.is_empty());
    }

    #[test]
    fn a_refusal_stays_the_callers_fault() {
        let refusal = || {
            CallError::Refused(Refusal {
                code: ErrorCode::InvalidLaunch,
                message: "no instances".to_owned(),
            })
        };
        let back = unknown_verdicts(refusal(), &offers(), 0).unwrap_err();
        assert_eq!(back.code(), Some(ErrorCode::InvalidLaunch));
        unknown_admission(refusal(), &[]).unwrap_err();
    }
}
