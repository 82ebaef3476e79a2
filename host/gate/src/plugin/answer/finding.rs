//! What no finding can say.

use quotagate_contract::QuotaOutcome;

use crate::{
    bindings::quotagate::plugin::types::{Finding, QuotaOutcome as Outcome, Reason},
    plugin::{CallError, Contradiction, instance::Unshown, seen::Seen},
};

/// The most different findings that an answer may have.
pub(super) const MOST_FINDINGS: usize = 100_000;

/// Checks the findings of an answer, and notes the rows that no list shows. Gives the worst outcome.
pub(super) fn check_all<'a>(
    findings: impl IntoIterator<Item = &'a Finding>,
    seen: &Seen,
    unshown: &mut Unshown,
) -> Result<QuotaOutcome, CallError> {
    let mut worst = QuotaOutcome::Fits;
    for (index, finding) in findings.into_iter().enumerate() {
        if index == MOST_FINDINGS {
            return Err(CallError::at(index, Contradiction::TooManyFindings));
        }
        check(finding).map_err(|what| CallError::at(index, what))?;
        note_row(index, finding, seen, unshown)?;
        worst = worst.max(finding.outcome.into());
    }
    Ok(worst)
}

/// Notes the row that a finding speaks of, where no list shows it.
pub(super) fn note_row(
    index: usize,
    finding: &Finding,
    seen: &Seen,
    unshown: &mut Unshown,
) -> Result<(), CallError> {
    if finding.row == 0 || seen.has_row(finding.row) {
        return Ok(());
    }
    unshown.note(index, finding.row)
}

/// What holds of findings about failures too, whose numbers are the cloud's and need not agree.
pub(super) fn check_outcome(finding: &Finding) -> Result<(), Contradiction> {
    if finding.reason == Reason::Fits && finding.outcome != Outcome::Fits {
        return Err(Contradiction::RoomThatBlocks);
    }
    Ok(())
}

fn check(finding: &Finding) -> Result<(), Contradiction> {
    check_outcome(finding)?;
    if let (Some(limit), Some(headroom)) = (finding.limit, finding.headroom) {
        // Where the usage is not told, it is not zero: more is taken than is said.
        let taken = finding.usage.unwrap_or(0).saturating_add(finding.held);
        if headroom > limit.saturating_sub(taken) {
            return Err(Contradiction::TooMuchHeadroom);
        }
    }
    if let (Some(least), Some(most)) = (finding.usage, finding.usage_at_most)
        && least > most
    {
        return Err(Contradiction::UsedUpsideDown);
    }
    if let Some(shortfall) = finding.shortfall {
        if shortfall == 0
            || finding
                .required
                .is_some_and(|required| shortfall > required)
        {
            return Err(Contradiction::ImpossibleShortfall);
        }
        if finding.reason == Reason::Fits {
            return Err(Contradiction::RoomThatFallsShort);
        }
    }
    // What is not told is none, which is below every number.
    if finding.minimum_limit.is_some() && finding.minimum_limit < finding.required {
        return Err(Contradiction::TooSmallALimit);
    }
    Ok(())
}
