//! Launches judged together: each after those before it, on rows that they share.

use alloc::{collections::BTreeMap, format, string::String, sync::Arc, vec::Vec};

use quotagate_contract::{
    Admission, Breaking, CapacityOutcome, Launch, QuotaOutcome, Reason, Refusal, Take, Verdict,
};

use crate::{
    amount::clamp,
    answer::NumberedFinding,
    assess::{check_count, compiled},
    capacity::worse,
    cloud::{Cloud, InvalidLaunch},
    compile::Asking,
    here::{Call, Here, ProjectMoment, invalid},
    judge::Launching,
    judgement::{Judgement, Noted, orients},
    ledger::Ledger,
    reader::Number,
    rests_on::RestsOn,
    store::Store,
    tell::Names,
};

/// Where a plan stops fitting, and how sure that is.
#[derive(Clone, Copy)]
struct Break {
    outcome: QuotaOutcome,
    at: Breaking,
}

/// The regions of a plan, each as its project sees it.
#[derive(Default)]
pub(crate) struct PlanRegions {
    moments: BTreeMap<String, ProjectMoment>,
    pub(crate) regions: Vec<Here>,
}

impl PlanRegions {
    /// A launch's region, with its profile resolved there.
    pub(crate) fn of<C: Cloud>(
        &mut self,
        call: &Call<'_, C>,
        store: &mut Store,
        launch: &Launch,
    ) -> Result<&mut Here, Refusal> {
        check_count(launch.count)?;
        let (project, region) = (&launch.profile.project, &launch.offer.region);
        let is_there =
            |here: &Here| here.context.project == *project && here.context.region == *region;
        let at = match self.regions.iter().position(is_there) {
            Some(at) => at,
            None => {
                let known = self.moments.get(project).cloned();
                let moment = known.unwrap_or_else(|| store.moment(call.reader, project));
                self.moments.insert(project.clone(), moment.clone());
                let context = store.take(call.cloud, call.descriptor, call.reader, project, region);
                self.regions.push(Here::new(call, context, moment));
                self.regions.len() - 1
            }
        };
        let Some(here) = self.regions.get_mut(at) else {
            return Err(invalid(InvalidLaunch(String::from(
                "a launch of no region",
            ))));
        };
        here.set_profile(call, &launch.profile)?;
        Ok(here)
    }

    /// Keeps what was derived for the next call.
    pub(crate) fn give_back(self, store: &mut Store) {
        for here in self.regions {
            store.give_back(here.context);
        }
    }
}

/// A launch by number, resolved where it is to be made.
pub(crate) fn launching<'a, C: Cloud>(
    call: &Call<'_, C>,
    here: &mut Here,
    launch: &'a Launch,
) -> Launching<'a> {
    let number = |name: &str| call.reader.number_of(name);
    let (offer, profile) = (&launch.offer, &launch.profile);
    let asking = Asking {
        instance_type: number(&offer.instance_type),
        lifecycle: number(&offer.lifecycle),
        zone: number(offer.zone.as_deref().unwrap_or_default()),
        reservation_key: number(profile.reservation_key.as_deref().unwrap_or_default()),
        how: Asking::how(profile),
    };
    let compiled = compiled(call, here, &asking, profile, &offer.needs);
    let zonal = here.zonal_part(call, &compiled.zones);
    Launching {
        instance_type: asking.instance_type,
        lifecycle: asking.lifecycle,
        zone: asking.zone,
        zone_name: offer.zone.as_deref(),
        count: launch.count,
        profile,
        needs: &offer.needs,
        compiled,
        zonal,
    }
}

/// Judges a plan in one pass. Each row is compared with what the whole plan takes from it, and the plan's verdict carries one
/// finding a row.
pub(crate) fn admit<C: Cloud>(
    call: &Call<'_, C>,
    store: &mut Store,
    plan: &[Launch],
) -> Result<Admission, Refusal> {
    if plan.is_empty() {
        return Err(invalid(InvalidLaunch(String::from(
            "a plan of no launches",
        ))));
    }
    let mut regions = PlanRegions::default();
    let judged = judge(call, store, &mut regions, plan);
    regions.give_back(store);
    judged
}

fn judge<C: Cloud>(
    call: &Call<'_, C>,
    store: &mut Store,
    regions: &mut PlanRegions,
    plan: &[Launch],
) -> Result<Admission, Refusal> {
    let mut ledger = Ledger::kept();
    let mut whole = Judgement::new();
    whole.capacity = CapacityOutcome::Likely;
    let mut breaking: Option<Break> = None;
    let mut to_name: Vec<Number> = Vec::new();
    let mut rests_on = RestsOn::default();
    for (index, launch) in plan.iter().enumerate() {
        let here = regions.of(call, store, launch).map_err(|refusal| Refusal {
            message: format!("launch {} of the plan: {}", index + 1, refusal.message),
            ..refusal
        })?;
        let launching = launching(call, here, launch);
        here.judgement = call.judge_profile(here, &launching, &ledger);
        for reservation in call.reservations_to_name(here, &launching, &ledger) {
            if !to_name.contains(&reservation) {
                to_name.push(reservation);
            }
        }
        let judged = call.launch(here, &launching, &mut ledger);
        // A proven break outranks an earlier launch that is merely unknown.
        if judged.quota > breaking.map_or(QuotaOutcome::Fits, |known| known.outcome) {
            breaking = Some(Break {
                outcome: judged.quota,
                at: Breaking {
                    index: u32::try_from(index).unwrap_or(u32::MAX),
                    fits_count: judged.bound.fits_count(),
                },
            });
        }
        let is_refused = judged
            .noted
            .iter()
            .any(|noted| noted.finding.reason == Reason::NotOffered);
        rests_on.add_launch(call, here, &launching, judged.quota, is_refused);
        whole.capacity = worse(whole.capacity, judged.capacity);
        merge(call, &mut whole, judged);
    }
    let fits_count = match breaking {
        None => u32::try_from(plan.len()).ok(),
        Some(known) if known.outcome == QuotaOutcome::Blocked => Some(known.at.index),
        Some(_) => None,
    };
    let takes = ledger.takes().into_iter().map(|(row, taken)| Take {
        row: call.reader.name_of(row),
        at_least: clamp(taken.at_least),
        at_most: clamp(taken.at_most),
    });
    let mut takes: Vec<Take> = takes.collect();
    takes.sort_by(|one, other| one.row.cmp(&other.row));
    Ok(Admission {
        takes,
        rests_on: rests_on.keys(),
        reservations: to_name
            .into_iter()
            .map(|key| call.reader.name_of(key))
            .collect(),
        breaks_at: breaking.map(|known| known.at),
        verdict: told(call, regions, whole, fits_count),
    })
}

fn told<C: Cloud>(
    call: &Call<'_, C>,
    regions: &PlanRegions,
    whole: Judgement,
    fits_count: Option<u32>,
) -> Verdict {
    let mut names = Names::default();
    let titles = |quota: Number| {
        let mut regions = regions.regions.iter();
        regions.find_map(|here| here.context.title(quota))
    };
    let (quota, capacity) = (whole.quota, whole.capacity);
    let shown: Vec<Noted> = whole.abridged(call.policy.detail);
    let findings = shown.into_iter();
    Verdict {
        quota,
        capacity,
        fits_count,
        findings: findings
            .map(|noted| Arc::new(call.told(&mut names, &titles, quota, noted)))
            .collect(),
    }
}

/// A row's later finding counts what all launches up to there take, so it replaces the earlier one.
fn merge<C: Cloud>(call: &Call<'_, C>, whole: &mut Judgement, judged: Judgement) {
    for mut noted in judged.noted {
        noted.most = u64::MAX;
        let earlier = whole
            .noted
            .iter()
            .position(|known| is_same_row(known, &noted));
        if let Some(earlier) = earlier {
            let known = whole.noted.remove(earlier);
            noted.always |= known.always;
            // A doubt about one launch (a restart, an unread reservation) does not undo what another proved.
            if known.finding.outcome > noted.finding.outcome {
                noted.finding.outcome = known.finding.outcome;
                noted.finding.reason = known.finding.reason;
                (noted.detail, noted.list) = (known.detail, known.list);
            }
        }
        whole.note(call.collecting, noted);
    }
}

fn is_same_row(one: &Noted, other: &Noted) -> bool {
    // Each owner has rows of its own.
    let place = |finding: &NumberedFinding| {
        (
            finding.quota,
            finding.owner,
            finding.level,
            finding.region,
            finding.zone,
        )
    };
    let is_orienting = |noted: &Noted| {
        orients(noted.finding.reason)
            && matches!(
                noted.finding.reason,
                Reason::NotDecisive | Reason::NotChecked
            )
    };
    let is_of_row =
        one.finding.row == other.finding.row || one.finding.row == 0 || other.finding.row == 0;
    if one.finding.quota == 0 {
        return one.finding == other.finding && one.detail == other.detail;
    }
    place(&one.finding) == place(&other.finding)
        && is_of_row
        && is_orienting(one) == is_orienting(other)
}
