//! One launch: every row that it draws on, both scopes, reservations, capacity.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use crate::{
    account::{Account, Found, RegionRows, unreadable},
    block,
    capacity::{Advice, lane},
    demand::{Bearing, Cloud, Demand, InvalidLaunch},
    judgement::{Judgement, What},
    ledger::Ledger,
    reservation::Cover,
    row::{Amount, Bound, Judged, about_offer, clamp, judge, rowless_finding},
    vocabulary::{
        BlockKind, CapacityOutcome, InstanceType, Launch, Lifecycle, Offer, Policy, QuotaOutcome,
        Reason, ReservationUse, Scope, SourceState,
    },
};

/// Everything that a judgement rests on.
pub(crate) struct Judge<'a, C> {
    pub(crate) cloud: &'a C,
    pub(crate) account: &'a Account,
    pub(crate) now: u64,
    pub(crate) policy: &'a Policy,
}

/// What is the same for every launch of one profile and count in one region.
pub(crate) struct Here<'a> {
    scopes: [(Scope, RegionRows<'a>); 2],
    demands: Vec<Demand<'static>>,
    judgement: Judgement<'a>,
}

impl<'a, C: Cloud> Judge<'a, C> {
    /// Judges what every launch like this one takes in its region, whatever its type.
    pub(crate) fn here(&self, launch: &Launch, ledger: &Ledger) -> Result<Here<'a>, InvalidLaunch> {
        if launch.count == 0 {
            return Err(InvalidLaunch(String::from(
                "a launch of no instances: `count` must be at least 1",
            )));
        }
        let (account, region) = (self.account, &launch.offer.region);
        let tenant = account.tenant_rows.region(region, self.now, self.policy);
        let project = account.project_rows.region(region, self.now, self.policy);
        let scopes = [(Scope::Tenant, tenant), (Scope::Project, project)];
        let demands = self.cloud.profile_demands(&launch.profile)?;
        let mut judgement = Judgement::new();
        for demand in &demands {
            self.demand(&mut judgement, launch, demand, &scopes, None, ledger);
        }
        Ok(Here {
            scopes,
            demands,
            judgement,
        })
    }

    /// Judges a launch after those in the ledger, and enters what it takes.
    pub(crate) fn launch(
        &self,
        launch: &Launch,
        here: &Here<'a>,
        ledger: &mut Ledger,
    ) -> Judgement<'a> {
        let mut judgement = Judgement::new();
        let instance_type = match self.offered(launch) {
            Ok(instance_type) => instance_type,
            Err((reason, why)) => {
                self.refuse(&mut judgement, launch, reason, why);
                return judgement;
            }
        };
        let demands = self.cloud.instance_demands(launch, instance_type);
        let cover = self.cover(launch, instance_type, ledger);
        let reserved = cover.as_ref().map_or(0, |cover| cover.instances);
        let on_reserved = reserved.min(launch.count.into());
        for demand in &demands {
            self.demand(
                &mut judgement,
                launch,
                demand,
                &here.scopes,
                cover.as_ref(),
                ledger,
            );
        }
        judgement.add(&here.judgement);
        let reserving = cover.as_ref().and_then(|cover| {
            Some((
                cover,
                cover.finding(launch, instance_type, judgement.reservable)?,
            ))
        });
        if let Some((cover, (finding, bound))) = reserving {
            judgement.bound = judgement.bound.and(bound);
            judgement.note_if(!cover.announced.is_empty(), finding, bound);
        }
        self.capacity(
            &mut judgement,
            launch,
            on_reserved == u64::from(launch.count),
            ledger,
        );
        if ledger.is_kept() {
            self.enter(
                launch,
                demands.iter().chain(&here.demands),
                on_reserved,
                ledger,
            );
            if let Some(cover) = &cover {
                cover.take(on_reserved, instance_type.gpus, ledger);
            }
        }
        if self.policy.explain {
            for what in self.cloud.not_checked(launch, instance_type) {
                let said = String::from(*what);
                let finding = about_offer(launch, Reason::NotChecked, QuotaOutcome::Fits, said);
                judgement.note(finding, Bound::UNLIMITED);
            }
        }
        judgement
    }

    /// Enters what a launch takes: rows that do not decide are not drawn on, and reserved capacity spares the GPU row.
    fn enter<'d>(
        &self,
        launch: &Launch,
        demands: impl Iterator<Item = &'d Demand<'d>>,
        on_reserved: u64,
        ledger: &mut Ledger,
    ) {
        let strict = launch.profile.reservation == ReservationUse::Strict;
        let region = &launch.offer.region;
        let tenant = self
            .account
            .tenant_rows
            .region(region, self.now, self.policy);
        for demand in demands {
            let spared = if demand.bearing.is_reservable() {
                on_reserved
            } else {
                0
            };
            let count = u64::from(launch.count).saturating_sub(spared);
            let drawn_on = match demand.bearing {
                Bearing::NotDecisive => false,
                Bearing::WhereListed => {
                    matches!(tenant.find(&demand.quota), Found::Row(_) | Found::Twins)
                }
                Bearing::Reservable | Bearing::PerhapsHeldReservable => !strict,
                Bearing::Decisive | Bearing::PerhapsHeld => true,
            };
            if drawn_on {
                ledger.take(demand, &self.account.project, &launch.offer.region, count);
            }
        }
    }

    /// Adds the cloud's advice on hardware, which never touches the quota outcome.
    fn capacity(
        &self,
        judgement: &mut Judgement<'a>,
        launch: &Launch,
        on_reserved: bool,
        ledger: &mut Ledger,
    ) {
        let lane = lane(launch, on_reserved);
        let wanted = ledger
            .placed(&launch.offer, lane)
            .saturating_add(launch.count.into());
        let advice = Advice::on(
            self.account,
            launch,
            (lane, wanted),
            judgement.quota(),
            self.now,
            self.policy,
        );
        if ledger.is_kept() {
            ledger.place(&launch.offer, lane, launch.count);
        }
        judgement.capacity = advice.outcome;
        if let Some((reason, detail)) = advice.said {
            let finding = about_offer(launch, reason, QuotaOutcome::Fits, detail);
            judgement.note(finding, Bound::UNLIMITED);
        }
        self.no_hardware_before(judgement, launch);
    }

    /// What failed launches taught of hardware. It beats advice, which is minutes old; and where nobody knows what such a
    /// launch ran into, nothing about it is known.
    fn no_hardware_before(&self, judgement: &mut Judgement<'a>, launch: &Launch) {
        let region = launch.offer.region.as_str();
        for (kind, outcome) in [
            (BlockKind::Unclear, QuotaOutcome::Unknown),
            (BlockKind::Capacity, QuotaOutcome::Fits),
        ] {
            let standing = block::standing(self.account, kind, region, self.now);
            for block in standing.filter(|block| block::concerns(block, launch)) {
                let detail = block::said(block);
                let finding = about_offer(launch, Reason::FailedBefore, outcome, detail);
                let bound = match outcome {
                    QuotaOutcome::Fits => Bound::UNLIMITED,
                    QuotaOutcome::Unknown | QuotaOutcome::Blocked => Bound::UNKNOWN,
                };
                judgement.bound = judgement.bound.and(bound);
                judgement.note(finding, bound);
                judgement.capacity = match (kind, judgement.capacity) {
                    (BlockKind::Capacity, _) | (_, CapacityOutcome::Unlikely) => {
                        CapacityOutcome::Unlikely
                    }
                    _ => CapacityOutcome::Unknown,
                };
            }
        }
    }

    /// The type that the launch asks for, or why the project is not offered it.
    fn offered(&self, launch: &Launch) -> Result<&'a InstanceType, (Reason, String)> {
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

    fn refuse(&self, judgement: &mut Judgement<'a>, launch: &Launch, reason: Reason, why: String) {
        let finding = about_offer(launch, reason, QuotaOutcome::Unknown, why);
        judgement.note(finding, Bound::UNKNOWN);
        judgement.bound = Bound::UNKNOWN;
        if reason == Reason::NotOffered {
            judgement.capacity = CapacityOutcome::Unlikely;
        }
    }

    fn cover(
        &self,
        launch: &Launch,
        instance_type: &InstanceType,
        ledger: &Ledger,
    ) -> Option<Cover> {
        let reservable = instance_type.gpus > 0
            && launch.offer.lifecycle == Lifecycle::OnDemand
            && launch.profile.reservation != ReservationUse::Forbid;
        reservable.then(|| {
            Cover::of(
                self.account,
                launch,
                instance_type,
                ledger,
                self.now,
                self.policy,
            )
        })
    }

    /// Judges one demand by the rows of both scopes.
    fn demand(
        &self,
        judgement: &mut Judgement<'a>,
        launch: &Launch,
        demand: &Demand<'_>,
        scopes: &[(Scope, RegionRows<'a>); 2],
        cover: Option<&Cover>,
        ledger: &Ledger,
    ) {
        if demand.each == 0 && demand.once == 0 {
            return;
        }
        let cover = cover.filter(|_| demand.bearing.is_reservable());
        if cover.is_some() && launch.profile.reservation == ReservationUse::Strict {
            return;
        }
        let reserved = cover.map_or(0, |cover| cover.instances);
        for (scope, rows) in scopes {
            let scope = *scope;
            let region = &launch.offer.region;
            let amount = Amount {
                before: ledger.taken(scope, &self.account.project, region, &demand.quota),
                once: demand.once,
                each: demand.each,
                count: u64::from(launch.count).saturating_sub(reserved).into(),
            };
            let Some((what, judged)) = self.scope(region, demand, amount, scope, rows) else {
                continue;
            };
            let (mut what, (mut reason, mut outcome, mut bound)) = (what, judged);
            if demand.bearing == Bearing::NotDecisive {
                (reason, outcome, bound) =
                    (Reason::NotDecisive, QuotaOutcome::Fits, Bound::UNLIMITED);
            } else if let Some(why) = doubt(demand, (reason, outcome), cover) {
                (outcome, bound) = (QuotaOutcome::Unknown, Bound::UNKNOWN);
                if let What::Row { detail, .. } = &mut what {
                    *detail = Some(why);
                }
            } else if let Some(cover) = cover {
                bound = match cover.uncertain {
                    Some(_) => Bound::UNKNOWN,
                    None => bound.plus(reserved),
                };
            }
            judgement.bound = judgement.bound.and(bound);
            if cover.is_some() {
                judgement.reservable = judgement.reservable.and(bound);
            }
            // Where reservations take every instance the row is not asked; its room still says how many more would fit.
            if amount.asked() > 0 {
                judgement.note_row(what, reason, outcome, bound);
            }
        }
        if demand.bearing != Bearing::NotDecisive {
            self.failed_before(judgement, launch, demand, cover, ledger);
        }
    }

    /// Judges one demand by what failed launches taught of its quota: the cloud refused as much or less a short while ago.
    fn failed_before(
        &self,
        judgement: &mut Judgement<'a>,
        launch: &Launch,
        demand: &Demand<'_>,
        cover: Option<&Cover>,
        ledger: &Ledger,
    ) {
        let region = launch.offer.region.as_str();
        let reserved = cover.map_or(0, |cover| cover.instances);
        for block in block::standing(self.account, BlockKind::Quota, region, self.now) {
            if block.quota.as_deref() != Some(demand.quota.as_ref()) {
                continue;
            }
            let scope = match block.project {
                Some(_) => Scope::Project,
                None => Scope::Tenant,
            };
            let amount = Amount {
                before: ledger.taken(scope, &self.account.project, region, &demand.quota),
                once: demand.once,
                each: demand.each,
                count: u64::from(launch.count).saturating_sub(reserved).into(),
            };
            let passes = block.at_least.max(1) - 1;
            let is_refused = amount.asked() > 0 && amount.total() > passes.into();
            let mut detail = block::said(block);
            let (mut outcome, mut bound) = (
                QuotaOutcome::Blocked,
                Bound {
                    most: amount.instances_in(passes.into()),
                    exact: true,
                },
            );
            let found = (Reason::Shortage, outcome);
            if let Some(why) = doubt(demand, found, cover).filter(|_| is_refused) {
                (outcome, bound) = (QuotaOutcome::Unknown, Bound::UNKNOWN);
                detail = format!("{detail}; {why}");
            } else if let Some(cover) = cover {
                bound = match cover.uncertain {
                    Some(_) => Bound::UNKNOWN,
                    None => bound.plus(reserved),
                };
                judgement.reservable = judgement.reservable.and(bound);
            }
            judgement.bound = judgement.bound.and(bound);
            if is_refused {
                let unit = demand.units.first().copied().unwrap_or_default();
                let required = clamp(amount.total());
                let why = (Reason::FailedBefore, outcome);
                let quota = Some(demand.quota.as_ref());
                let mut finding = rowless_finding(quota, None, region, unit, required, why);
                finding.owner.clone_from(&block.project);
                finding.detail = Some(detail);
                judgement.note(finding, bound);
            }
        }
    }

    /// What one scope says of one amount; none where it does not constrain and nobody asks for an explanation.
    fn scope(
        &self,
        region: &str,
        demand: &Demand<'_>,
        amount: Amount,
        scope: Scope,
        rows: &RegionRows<'a>,
    ) -> Option<(What<'a>, Judged)> {
        let quota = demand.quota.as_ref();
        let said = |reason, detail: String| {
            let unit = demand.units.first().copied().unwrap_or_default();
            let required = clamp(amount.total());
            let why = (reason, QuotaOutcome::Unknown);
            let mut finding =
                rowless_finding(Some(quota), Some(scope), region, unit, required, why);
            finding.owner = Some(rows.owner)
                .filter(|owner| !owner.is_empty())
                .map(String::from);
            finding.detail = Some(detail);
            let judged = (reason, QuotaOutcome::Unknown, Bound::UNKNOWN);
            Some((What::Said(Box::new(finding)), judged))
        };
        let optional = matches!(demand.bearing, Bearing::WhereListed | Bearing::NotDecisive);
        let list = self.cloud.list_name(scope);
        match rows.find(quota) {
            Found::Row(row) => {
                let judged = judge(row, scope, demand.units, amount);
                let detail = match judged {
                    Some(_) => None,
                    None if !self.policy.explain => return None,
                    None => Some("the row sets no limit, so the tenant's governs"),
                };
                let what = What::Row {
                    row,
                    scope,
                    amount,
                    detail,
                };
                let judged =
                    judged.unwrap_or((Reason::NotDecisive, QuotaOutcome::Fits, Bound::UNLIMITED));
                Some((what, judged))
            }
            Found::Twins => said(
                Reason::Contradictory,
                format!("{list} has the row more than once, with different numbers"),
            ),
            Found::Unreadable(_, _) | Found::Absent if optional => None,
            Found::Unreadable(reason, why) => {
                said(reason, format!("{list} could not be relied on: {why}"))
            }
            Found::Absent if scope == Scope::Project => None,
            Found::Absent => said(Reason::RowMissing, format!("{list} has no such row")),
        }
    }
}

/// Why a shortage found here proves nothing, if so.
fn doubt(
    demand: &Demand<'_>,
    (reason, outcome): (Reason, QuotaOutcome),
    cover: Option<&Cover>,
) -> Option<&'static str> {
    if outcome != QuotaOutcome::Blocked {
        return None;
    }
    let short = matches!(reason, Reason::Shortage | Reason::ExceedsLimit);
    if short && demand.bearing.may_be_held() {
        return Some("the stopped instances' own may be inside the usage already");
    }
    cover
        .filter(|cover| cover.uncertain.is_some())
        .map(|_| "reserved capacity could not be measured, and may cover it")
}
