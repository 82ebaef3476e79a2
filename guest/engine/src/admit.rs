//! Launches judged together: each after those before it, on rows that they share.

use alloc::{format, string::String};

use crate::{
    account::Account,
    capacity::worse,
    demand::{Cloud, InvalidLaunch},
    judge::Judge,
    judgement::{Judgement, What},
    ledger::Ledger,
    row::Bound,
    vocabulary::{
        Admission, BreakingLaunch, CapacityOutcome, Finding, Launch, Policy, QuotaOutcome, Reason,
    },
};

/// Judges a plan in one pass. `account` gives what was read for a project; `now` is in milliseconds since the Unix epoch.
///
/// Each row is compared with what the whole plan takes from it, and the plan's verdict carries one finding a row.
///
/// # Errors
/// When the plan is empty or one of its launches makes no sense; the message says which.
pub fn admit<A: AsRef<Account>>(
    cloud: &impl Cloud,
    account: impl Fn(&str) -> A,
    now: u64,
    plan: &[Launch],
    policy: &Policy,
) -> Result<Admission, InvalidLaunch> {
    if plan.is_empty() {
        return Err(InvalidLaunch(String::from("a plan of no launches")));
    }
    let mut ledger = Ledger::kept();
    let mut whole = Judgement::new();
    whole.capacity = CapacityOutcome::Likely;
    let mut breaking: Option<(QuotaOutcome, BreakingLaunch)> = None;
    for (index, launch) in plan.iter().enumerate() {
        let account = account(&launch.profile.project);
        let judge = Judge {
            cloud,
            account: account.as_ref(),
            now,
            policy,
        };
        let here = judge.here(launch, &ledger).map_err(|InvalidLaunch(why)| {
            InvalidLaunch(format!("launch {} of the plan: {why}", index + 1))
        })?;
        let judged = judge.launch(launch, &here, &mut ledger);
        let outcome = judged.quota();
        // A proven break outranks an earlier launch that is merely unknown.
        if outcome > breaking.map_or(QuotaOutcome::Fits, |(outcome, _)| outcome) {
            let here = BreakingLaunch {
                index: u32::try_from(index).unwrap_or(u32::MAX),
                fits_count: judged.bound.fits_count(),
            };
            breaking = Some((outcome, here));
        }
        whole.capacity = worse(whole.capacity, judged.capacity);
        merge(cloud, &mut whole, judged);
    }
    let breaks_at = breaking.map(|(_, launch)| launch);
    let fits_count = match breaking {
        None => u32::try_from(plan.len()).ok(),
        Some((QuotaOutcome::Blocked, launch)) => Some(launch.index),
        Some(_) => None,
    };
    Ok(Admission {
        verdict: whole.verdict(cloud, policy, fits_count),
        demands: ledger.demands(),
        reserved: ledger.reserved_demands(),
        breaks_at,
    })
}

/// A row's later finding counts what all launches up to there take, so it replaces the earlier one.
fn merge(cloud: &impl Cloud, whole: &mut Judgement<'_>, judged: Judgement<'_>) {
    for noted in judged.noted {
        let (mut always, mut list) = (noted.always, noted.list);
        let mut finding = noted.finding(cloud);
        let earlier = whole.noted.iter().position(
            |known| matches!(&known.what, What::Said(known) if same_row(known, &finding)),
        );
        if let Some(earlier) = earlier {
            let known = whole.noted.remove(earlier);
            always |= known.always;
            // A doubt about one launch (a restart, an unread reservation) does not undo what another proved.
            if known.outcome > finding.outcome {
                list = known.list;
                let known = known.finding(cloud);
                (finding.outcome, finding.reason) = (known.outcome, known.reason);
                (finding.detail, finding.remedy) = (known.detail, known.remedy);
                finding.command = known.command;
            }
        }
        whole.note_if(always, finding, Bound::UNLIMITED);
        if let Some(noted) = whole.noted.last_mut() {
            noted.list = list;
        }
    }
}

fn same_row(one: &Finding, other: &Finding) -> bool {
    // Each project has rows of its own; the tenant's are everybody's.
    let same_key = one.scope == other.scope
        && one.owner == other.owner
        && one.region == other.region
        && one.quota == other.quota;
    let orienting =
        |finding: &Finding| matches!(finding.reason, Reason::NotDecisive | Reason::NotChecked);
    match &one.quota {
        Some(_) => same_key && orienting(one) == orienting(other),
        None => one == other,
    }
}
