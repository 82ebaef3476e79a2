//! The judgement of offers: each alone, all rows of a launch together, both scopes, reservations, capacity.

use alloc::{format, string::String, vec::Vec};

use crate::{
    account::{Account, Found, Rows, unreadable},
    capacity::Advice,
    demand::{Bearing, Cloud, Demand, InvalidLaunch},
    reservation::{Cover, Taken},
    row::{Amount, Bound, Judged, finding, judge, rowless_finding},
    vocabulary::{
        Availability, CapacityOutcome, Finding, InstanceType, Launch, Lifecycle, Offer, Policy,
        Profile, QuotaOutcome, Reason, ReservationUse, Scope, SourceState, Strictness, Verdict,
    },
};

/// Judges each offer alone: could `count` instances of it, each with `profile`, be launched now? Verdicts in the order of
/// the offers. `now` is in milliseconds since the Unix epoch.
///
/// # Errors
/// When the launch makes no sense for one of the offers.
pub fn assess(
    cloud: &impl Cloud,
    account: &Account,
    now: u64,
    offers: &[Offer],
    count: u32,
    profile: &Profile,
    policy: &Policy,
) -> Result<Vec<Verdict>, InvalidLaunch> {
    let judge = Judge {
        cloud,
        account,
        now,
        policy,
    };
    // One launch, whose offer alone changes: the profile is cloned once.
    let mut launch = Launch {
        offer: Offer {
            instance_type: String::new(),
            region: String::new(),
            lifecycle: Lifecycle::OnDemand,
        },
        count,
        profile: profile.clone(),
    };
    offers
        .iter()
        .map(|offer| {
            launch.offer.clone_from(offer);
            let mut taken = Taken::new();
            Ok(judge.launch(&launch, &mut taken)?.verdict(policy))
        })
        .collect()
}

/// Everything that a judgement rests on.
struct Judge<'a, C> {
    cloud: &'a C,
    account: &'a Account,
    now: u64,
    policy: &'a Policy,
}

/// What was found of one launch, before the policy decides what of it to show.
struct Judgement {
    noted: Vec<Noted>,
    bound: Bound,
    capacity: CapacityOutcome,
}

struct Noted {
    finding: Finding,
    /// Shown even where it decides nothing and the policy asks for no explanation.
    always: bool,
    /// How many instances the row lets through: the least decides which row binds.
    bound: Bound,
}

impl Judgement {
    fn new() -> Self {
        Self {
            noted: Vec::new(),
            bound: Bound::UNLIMITED,
            capacity: CapacityOutcome::Unknown,
        }
    }

    fn note(&mut self, finding: Finding, bound: Bound) {
        let always = !matches!(
            finding.reason,
            Reason::Fits | Reason::NotDecisive | Reason::CapacityUnknown
        );
        self.noted.push(Noted {
            finding,
            always,
            bound,
        });
    }

    fn quota(&self) -> QuotaOutcome {
        self.noted
            .iter()
            .map(|noted| noted.finding.outcome)
            .max()
            .unwrap_or(QuotaOutcome::Fits)
    }

    fn verdict(self, policy: &Policy) -> Verdict {
        let quota = self.quota();
        let availability = Availability::of(quota, self.capacity);
        let binding = (quota == QuotaOutcome::Fits)
            .then(|| {
                self.noted
                    .iter()
                    .enumerate()
                    .filter(|(_, noted)| noted.finding.reason == Reason::Fits)
                    .min_by_key(|(_, noted)| noted.bound.most)
                    .map(|(index, _)| index)
            })
            .flatten();
        let mut findings: Vec<Finding> = self
            .noted
            .into_iter()
            .enumerate()
            .filter(|(index, noted)| policy.explain || noted.always || Some(*index) == binding)
            .map(|(_, noted)| noted.finding)
            .collect();
        // What decides first; among equals the order in which the cloud names its quotas.
        findings.sort_by_key(|finding| core::cmp::Reverse(finding.outcome));
        Verdict {
            quota,
            capacity: self.capacity,
            availability,
            fits_count: self.bound.fits_count(),
            visible: match policy.strictness {
                Strictness::Advisory => true,
                Strictness::Balanced => availability != Availability::NoQuota,
                Strictness::Strict => availability == Availability::Available,
            },
            findings,
        }
    }
}

impl<C: Cloud> Judge<'_, C> {
    fn launch(&self, launch: &Launch, taken: &mut Taken) -> Result<Judgement, InvalidLaunch> {
        if launch.count == 0 {
            return Err(InvalidLaunch(String::from(
                "a launch of no instances: `count` must be at least 1",
            )));
        }
        let mut judgement = Judgement::new();
        let instance_type = match self.offered(launch) {
            Ok(instance_type) => instance_type,
            Err((reason, why)) => {
                self.refuse(&mut judgement, launch, reason, why);
                return Ok(judgement);
            }
        };
        let demands = self.cloud.demands(launch, instance_type)?;
        let cover = self.cover(launch, instance_type, taken);
        let reserved = cover.as_ref().map_or(0, |cover| cover.instances);
        let on_reserved = reserved.min(launch.count.into());
        for demand in &demands {
            self.demand(&mut judgement, launch, demand, cover.as_ref());
        }
        if let Some(cover) = &cover {
            self.reservation(&mut judgement, launch, instance_type, cover);
            cover.take(on_reserved, instance_type.gpus, taken);
        }
        let advice = Advice::on(
            self.account,
            launch,
            on_reserved == u64::from(launch.count),
            judgement.quota(),
            self.now,
            self.policy,
        );
        judgement.capacity = advice.outcome;
        if let Some((reason, detail)) = advice.said {
            let mut finding = self.about_offer(launch, reason, QuotaOutcome::Fits, detail);
            finding.remedy = self.remedy(&finding, "");
            judgement.note(finding, Bound::UNLIMITED);
        }
        Ok(judgement)
    }

    /// The type that the launch asks for, or why the project is not offered it.
    fn offered(&self, launch: &Launch) -> Result<&InstanceType, (Reason, String)> {
        let Offer {
            instance_type: name,
            region,
            lifecycle,
        } = &launch.offer;
        let account = self.account;
        let source = &account.types_source;
        if let Some((reason, why)) = unreadable(source, self.now, self.policy) {
            return Err((
                reason,
                format!("the list of instance types could not be read: {why}"),
            ));
        }
        if let Some(home) = account.region.as_ref().filter(|home| *home != region) {
            return Err((
                Reason::NotOffered,
                format!(
                    "project {} lives in {home}, not in {region}",
                    account.project
                ),
            ));
        }
        let Some(instance_type) = account.instance_type(name) else {
            return Err(if source.state == SourceState::Incomplete {
                (
                    Reason::ScopeUnreadable,
                    String::from("the list of instance types was read in part"),
                )
            } else {
                (
                    Reason::NotOffered,
                    format!("{name} is not offered in {region}"),
                )
            });
        };
        let profile = &launch.profile;
        let preemptible = *lifecycle == Lifecycle::Preemptible;
        if preemptible && !instance_type.preemptible {
            return Err((
                Reason::NotOffered,
                format!("{name} is not offered as preemptible in {region}"),
            ));
        }
        if profile.reservation == ReservationUse::Strict && (preemptible || instance_type.gpus == 0)
        {
            return Err((
                Reason::NotOffered,
                String::from("reservations serve on-demand GPU instances alone"),
            ));
        }
        if profile.new_cluster && !instance_type.clusterable {
            return Err((Reason::NotOffered, format!("{name} cannot join a cluster")));
        }
        Ok(instance_type)
    }

    fn refuse(&self, judgement: &mut Judgement, launch: &Launch, reason: Reason, why: String) {
        let mut finding = self.about_offer(launch, reason, QuotaOutcome::Unknown, why);
        finding.remedy = self.remedy(&finding, "");
        judgement.note(finding, Bound::UNKNOWN);
        judgement.bound = Bound::UNKNOWN;
        if reason == Reason::NotOffered {
            judgement.capacity = CapacityOutcome::Unlikely;
        }
    }

    fn cover(&self, launch: &Launch, instance_type: &InstanceType, taken: &Taken) -> Option<Cover> {
        let reservable = instance_type.gpus > 0
            && launch.offer.lifecycle == Lifecycle::OnDemand
            && launch.profile.reservation != ReservationUse::Forbid;
        reservable.then(|| {
            Cover::of(
                self.account,
                launch,
                instance_type,
                taken,
                self.now,
                self.policy,
            )
        })
    }

    /// Judges one demand by the rows of both scopes.
    fn demand(
        &self,
        judgement: &mut Judgement,
        launch: &Launch,
        demand: &Demand,
        cover: Option<&Cover>,
    ) {
        if demand.each == 0 && demand.once == 0 {
            return;
        }
        let cover = cover.filter(|_| demand.bearing.is_reservable());
        if cover.is_some() && launch.profile.reservation == ReservationUse::Strict {
            return;
        }
        let reserved = cover.map_or(0, |cover| cover.instances);
        let amount = Amount {
            before: 0,
            once: demand.once,
            each: demand.each,
            count: u64::from(launch.count).saturating_sub(reserved).into(),
        };
        for (scope, rows) in [
            (Scope::Tenant, &self.account.tenant_rows),
            (Scope::Project, &self.account.project_rows),
        ] {
            let Some(judged) = self.scope(&launch.offer.region, demand, amount, scope, rows) else {
                continue;
            };
            let Judged {
                mut finding,
                mut bound,
            } = judged;
            if demand.bearing == Bearing::NotDecisive {
                finding.reason = Reason::NotDecisive;
                finding.outcome = QuotaOutcome::Fits;
                bound = Bound::UNLIMITED;
            } else if let Some(doubt) = doubt(demand, &finding, cover) {
                finding.outcome = QuotaOutcome::Unknown;
                finding.detail = Some(doubt);
                bound = Bound::UNKNOWN;
            } else if let Some(cover) = cover {
                bound = match cover.uncertain {
                    Some(_) => Bound::UNKNOWN,
                    None => bound.plus(reserved),
                };
            }
            judgement.bound = judgement.bound.and(bound);
            // Where reservations take every instance the row is not asked; its room still says how many more would fit.
            if amount.total() > 0 {
                if !matches!(finding.reason, Reason::Fits | Reason::NotDecisive) {
                    finding.remedy = self.remedy(&finding, rows.owner());
                }
                judgement.note(finding, bound);
            }
        }
    }

    /// What one scope says of one amount; none where it does not constrain.
    fn scope(
        &self,
        region: &str,
        demand: &Demand,
        amount: Amount,
        scope: Scope,
        rows: &Rows,
    ) -> Option<Judged> {
        let quota = demand.quota.as_ref();
        let without_row = |reason, detail| {
            let unit = demand.units.first().copied().unwrap_or_default();
            let required = crate::row::clamp(amount.total());
            let why = (reason, QuotaOutcome::Unknown);
            let mut finding =
                rowless_finding(Some(quota), Some(scope), region, unit, required, why);
            finding.detail = Some(detail);
            Some(Judged {
                finding,
                bound: Bound::UNKNOWN,
            })
        };
        let optional = matches!(demand.bearing, Bearing::WhereListed | Bearing::NotDecisive);
        let list = self.cloud.list_name(scope);
        match rows.find(region, quota, self.now, self.policy) {
            Found::Row(row) => judge(row, scope, demand.units, amount),
            Found::Twins(row) => {
                let mut finding = finding(
                    row,
                    scope,
                    amount,
                    Reason::Contradictory,
                    QuotaOutcome::Unknown,
                );
                (finding.limit, finding.usage, finding.headroom) = (None, None, None);
                (finding.shortfall, finding.minimum_limit) = (None, None);
                finding.detail = Some(format!(
                    "{list} has the row more than once, with different numbers"
                ));
                Some(Judged {
                    finding,
                    bound: Bound::UNKNOWN,
                })
            }
            Found::Unreadable(_, _) | Found::Absent if optional => None,
            Found::Unreadable(reason, why) => {
                without_row(reason, format!("{list} could not be relied on: {why}"))
            }
            Found::Absent if scope == Scope::Project => None,
            Found::Absent => without_row(Reason::RowMissing, format!("{list} has no such row")),
        }
    }

    /// Reports what the reservations do for the launch, and judges a launch that insists on them.
    fn reservation(
        &self,
        judgement: &mut Judgement,
        launch: &Launch,
        instance_type: &InstanceType,
        cover: &Cover,
    ) {
        let strict = launch.profile.reservation == ReservationUse::Strict;
        if !strict && cover.instances == 0 {
            return;
        }
        let count = u64::from(launch.count);
        let required = count.saturating_mul(instance_type.gpus.into());
        let mut finding = self.about_offer(launch, Reason::Fits, QuotaOutcome::Fits, String::new());
        finding.unit = String::from("count");
        finding.required = required;
        finding.limit = Some(cover.limit);
        finding.headroom = Some(cover.free);
        let mut words = Vec::new();
        let mut bound = Bound::UNLIMITED;
        if strict {
            bound = Bound {
                most: cover.instances,
                exact: cover.uncertain.is_none(),
            };
            if count > cover.instances {
                let proven = cover.uncertain.is_none() && !launch.profile.restart;
                finding.reason = Reason::ReservationExhausted;
                finding.shortfall =
                    Some(required.saturating_sub(cover.free)).filter(|short| *short > 0);
                finding.outcome = if proven {
                    QuotaOutcome::Blocked
                } else {
                    bound = Bound::UNKNOWN;
                    QuotaOutcome::Unknown
                };
            }
        } else {
            finding.reason = Reason::NotDecisive;
        }
        words.push(format!(
            "reservations have room for {} of {count} instances",
            cover.instances.min(count)
        ));
        words.extend(cover.uncertain.clone());
        words.extend(cover.announced.iter().cloned());
        finding.detail = Some(words.join("; "));
        finding.remedy = self.remedy(&finding, "");
        judgement.bound = judgement.bound.and(bound);
        judgement.note(finding, bound);
        if !cover.announced.is_empty()
            && let Some(noted) = judgement.noted.last_mut()
        {
            noted.always = true;
        }
    }

    /// A finding on the offer itself rather than on a row.
    fn about_offer(
        &self,
        launch: &Launch,
        reason: Reason,
        outcome: QuotaOutcome,
        detail: String,
    ) -> Finding {
        let mut finding = rowless_finding(
            None,
            None,
            &launch.offer.region,
            "instance",
            launch.count.into(),
            (reason, outcome),
        );
        finding.detail = Some(detail);
        finding
    }

    fn remedy(&self, finding: &Finding, owner: &str) -> Option<String> {
        (finding.reason != Reason::Fits)
            .then(|| self.cloud.remedy(finding, owner))
            .flatten()
    }
}

/// Why a shortage found here proves nothing, if so.
fn doubt(demand: &Demand, finding: &Finding, cover: Option<&Cover>) -> Option<String> {
    if finding.outcome != QuotaOutcome::Blocked {
        return None;
    }
    let short = matches!(finding.reason, Reason::Shortage | Reason::ExceedsLimit);
    if short && demand.bearing.may_be_held() {
        return Some(String::from(
            "the stopped instances' own may be inside the usage already",
        ));
    }
    cover.and_then(|cover| cover.uncertain.clone())
}
