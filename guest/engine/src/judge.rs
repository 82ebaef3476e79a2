//! One launch: every row that it draws on, both scopes, reservations, capacity.

use alloc::{borrow::Cow, boxed::Box, format, string::String, vec::Vec};

use crate::{
    account::{Account, Found, RegionRows, unreadable},
    band::Band,
    block,
    capacity::{Advice, lanes, worse},
    demand::{Cloud, Draws, InvalidLaunch, ProjectState, Sum},
    judgement::{Judgement, What},
    ledger::{Drawn, Ledger},
    reservation::Cover,
    row::{Amount, Bound, Doubt, Judged, about_offer, clamp, judge, may_be_held, rowless_finding},
    usage::Usage,
    vocabulary::{
        BlockKind, CapacityOutcome, InstanceType, Lane, Launch, Lifecycle, Offer, Policy,
        QuotaOutcome, Reason, ReservationUse, Scope, SourceState,
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
    /// What every such launch takes, whatever its type.
    sums: Vec<Sum<'static>>,
    /// What is found of them, where the launch takes nothing else of the same quotas.
    judgement: Judgement<'a>,
}

/// Why a project does not get what a launch asks for.
struct Refusal {
    reason: Reason,
    why: String,
    /// How far the list of types was read, where it is that.
    list: Option<SourceState>,
}

impl Refusal {
    const fn new(reason: Reason, why: String) -> Self {
        Self {
            reason,
            why,
            list: None,
        }
    }
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
        let tenant = account.tenant_rows(region, self.now, self.policy);
        let project = account.project_rows(region, self.now, self.policy);
        let scopes = [(Scope::Tenant, tenant), (Scope::Project, project)];
        let sums = Sum::up(self.cloud.profile_demands(&launch.profile)?);
        let mut judgement = Judgement::new();
        for sum in &sums {
            self.sum(&mut judgement, launch, sum, &scopes, None, ledger);
        }
        Ok(Here {
            scopes,
            sums,
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
            Err(refusal) => {
                if refusal.reason != Reason::NotOffered {
                    self.enter_unjudged(launch, here, ledger);
                }
                self.refuse(&mut judgement, launch, refusal);
                return judgement;
            }
        };
        if let Some(doubt) = self.state_is_against(Reason::StateUnknown) {
            self.refuse(&mut judgement, launch, doubt);
        }
        let (own, is_shared) = self.own_sums(launch, instance_type, here);
        let others = besides(here, &own, is_shared);
        let cover = self.cover(launch, instance_type, ledger);
        for sum in &own {
            let (scopes, cover) = (&here.scopes, cover.as_ref());
            self.sum(&mut judgement, launch, sum, scopes, cover, ledger);
        }
        if is_shared {
            for sum in others.clone() {
                self.sum(&mut judgement, launch, sum, &here.scopes, None, ledger);
            }
        } else {
            judgement.add(&here.judgement);
        }
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
        for finding in cover.iter().flat_map(|cover| cover.soon(launch)) {
            judgement.note(finding, Bound::UNLIMITED);
        }
        let on_reserved = cover.as_ref().map_or(0, |cover| cover.instances);
        self.capacity(&mut judgement, launch, on_reserved, ledger);
        if ledger.is_kept() {
            let all = own.iter().chain(others);
            self.enter_all(launch, instance_type, all, here, cover.as_ref(), ledger);
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

    /// What one instance takes, with what the profile takes of the same quotas; and whether it takes any of the same.
    fn own_sums<'s>(
        &self,
        launch: &'s Launch,
        instance_type: &'s InstanceType,
        here: &Here<'_>,
    ) -> (Vec<Sum<'s>>, bool) {
        let mut own = Sum::up(self.cloud.instance_demands(launch, instance_type));
        let mut is_shared = false;
        for sum in &mut own {
            if let Some(other) = here.sums.iter().find(|other| other.quota == sum.quota) {
                sum.add(other);
                is_shared = true;
            }
        }
        (own, is_shared)
    }

    /// Enters what a launch takes that cannot be judged and may be made nevertheless, as far as it is known: all of it where
    /// its type is, else what its profile takes.
    fn enter_unjudged(&self, launch: &Launch, here: &Here<'a>, ledger: &mut Ledger) {
        if !ledger.is_kept() {
            return;
        }
        let Some(instance_type) = self.account.instance_type(&launch.offer.instance_type) else {
            for sum in &here.sums {
                self.enter(launch, sum, &here.scopes, None, ledger);
            }
            return;
        };
        let (own, is_shared) = self.own_sums(launch, instance_type, here);
        let cover = self.cover(launch, instance_type, ledger);
        let all = own.iter().chain(besides(here, &own, is_shared));
        self.enter_all(launch, instance_type, all, here, cover.as_ref(), ledger);
    }

    /// Enters what a launch takes of quotas and of reservations.
    fn enter_all<'s>(
        &self,
        launch: &Launch,
        instance_type: &InstanceType,
        sums: impl Iterator<Item = &'s Sum<'s>>,
        here: &Here<'a>,
        cover: Option<&Cover>,
        ledger: &mut Ledger,
    ) {
        for sum in sums {
            self.enter(launch, sum, &here.scopes, cover, ledger);
        }
        if let Some(cover) = cover {
            cover.take(launch, instance_type.gpus, &self.account.project, ledger);
        }
    }

    /// Enters what a launch takes: rows that do not decide are not drawn on, and reserved capacity spares the GPU row.
    fn enter(
        &self,
        launch: &Launch,
        sum: &Sum<'_>,
        [(_, tenant), (_, project)]: &[(Scope, RegionRows<'a>); 2],
        cover: Option<&Cover>,
        ledger: &mut Ledger,
    ) {
        let is_drawn_on = match sum.draws {
            Draws::Never => false,
            Draws::WhereListed => matches!(tenant.find(&sum.quota), Found::Row(_) | Found::Twins),
            Draws::Always => {
                !sum.is_reservable || launch.profile.reservation != ReservationUse::Strict
            }
        };
        if is_drawn_on {
            let drawn = Drawn {
                project: &self.account.project,
                region: &launch.offer.region,
                may_exist: tenant.may_have(&sum.quota) || project.may_have(&sum.quota),
            };
            ledger.take(sum, drawn, drawing(launch, sum, cover));
        }
    }

    /// Adds the cloud's advice on hardware, which never touches the quota outcome.
    fn capacity(
        &self,
        judgement: &mut Judgement<'a>,
        launch: &Launch,
        on_reserved: u64,
        ledger: &mut Ledger,
    ) {
        let mut outcome: Option<CapacityOutcome> = None;
        let is_split = lanes(launch, on_reserved).count() > 1;
        for (lane, instances) in lanes(launch, on_reserved) {
            let wanted = ledger.placed(&launch.offer, lane).saturating_add(instances);
            let quota = judgement.quota();
            let asked = (lane, wanted);
            let advice = Advice::on(self.account, launch, asked, quota, self.now, self.policy);
            if ledger.is_kept() {
                ledger.place(&launch.offer, lane, instances);
            }
            outcome = Some(outcome.map_or(advice.outcome, |known| worse(known, advice.outcome)));
            if let Some((reason, mut detail)) = advice.said {
                if is_split {
                    let part = match lane {
                        Lane::Reserved => "on reserved capacity",
                        Lane::OnDemand | Lane::Preemptible => "beside reserved capacity",
                    };
                    detail = format!("{part}: {detail}");
                }
                let finding = about_offer(launch, reason, QuotaOutcome::Fits, detail);
                judgement.note(finding, Bound::UNLIMITED);
            }
        }
        judgement.capacity = outcome.unwrap_or(CapacityOutcome::Unknown);
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

    /// The type that the launch asks for, or why the project does not get it.
    fn offered(&self, launch: &Launch) -> Result<&'a InstanceType, Refusal> {
        let Offer {
            instance_type: name,
            region,
            lifecycle,
        } = &launch.offer;
        let account = self.account;
        let not_offered = |why| Err(Refusal::new(Reason::NotOffered, why));
        if let Some(refusal) = self.state_is_against(Reason::NotOffered) {
            return Err(refusal);
        }
        let source = &account.types_source;
        if let Some((reason, why)) = unreadable(source, self.now, self.policy) {
            return Err(Refusal {
                reason,
                why: format!("the list of instance types could not be read: {why}"),
                list: Some(source.state),
            });
        }
        if let Some(home) = account.region.as_ref().filter(|home| *home != region) {
            let project = &account.project;
            return not_offered(format!(
                "project {project} lives in {home}, not in {region}"
            ));
        }
        let Some(instance_type) = account.instance_type(name) else {
            if source.state == SourceState::Incomplete {
                return Err(Refusal {
                    reason: Reason::ScopeUnreadable,
                    why: String::from("the list of instance types was read in part"),
                    list: Some(source.state),
                });
            }
            return not_offered(format!("{name} is not offered in {region}"));
        };
        let profile = &launch.profile;
        let preemptible = *lifecycle == Lifecycle::Preemptible;
        if preemptible && !instance_type.preemptible {
            return not_offered(format!("{name} is not offered as preemptible in {region}"));
        }
        if profile.reservation == ReservationUse::Strict && (preemptible || instance_type.gpus == 0)
        {
            return not_offered(String::from(
                "reservations serve on-demand GPU instances alone",
            ));
        }
        if profile.new_cluster && !instance_type.clusterable {
            return not_offered(format!("{name} cannot join a cluster"));
        }
        Ok(instance_type)
    }

    /// Why a project launches nothing in the state that it is in (`NotOffered`), or why nobody knows whether it launches
    /// anything (`StateUnknown`), if so.
    fn state_is_against(&self, reason: Reason) -> Option<Refusal> {
        let project = &self.account.project;
        let state = self.account.project_state.as_deref()?;
        let (found, why) = match self.cloud.project_state(state) {
            ProjectState::Launches => return None,
            ProjectState::LaunchesNothing(what) => (
                Reason::NotOffered,
                format!("project {project} {what}, and launches nothing"),
            ),
            ProjectState::Unknown => (
                Reason::StateUnknown,
                format!("project {project} is in the state `{state}`, which is not known here"),
            ),
        };
        (found == reason).then(|| Refusal::new(reason, why))
    }

    fn refuse(&self, judgement: &mut Judgement<'a>, launch: &Launch, refusal: Refusal) {
        let Refusal { reason, why, list } = refusal;
        let finding = about_offer(launch, reason, QuotaOutcome::Unknown, why);
        match list {
            Some(list) => judgement.note_unread(finding, list),
            None => judgement.note(finding, Bound::UNKNOWN),
        }
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

    /// Judges what a launch takes of one quota by the rows of both scopes.
    fn sum(
        &self,
        judgement: &mut Judgement<'a>,
        launch: &Launch,
        sum: &Sum<'_>,
        scopes: &[(Scope, RegionRows<'a>); 2],
        cover: Option<&Cover>,
        ledger: &Ledger,
    ) {
        if sum.is_nothing() {
            return;
        }
        let cover = cover.filter(|_| sum.is_reservable);
        if cover.is_some() && launch.profile.reservation == ReservationUse::Strict {
            return;
        }
        for (scope, rows) in scopes {
            let scope = *scope;
            let amount = self.amount(launch, sum, scope, cover, ledger);
            let Some((mut what, mut judged)) =
                self.scope(&launch.offer.region, sum, amount, scope, rows)
            else {
                continue;
            };
            if sum.draws == Draws::Never {
                judged = Judged::new(Reason::NotDecisive, QuotaOutcome::Fits, Bound::UNLIMITED);
            } else {
                judged.bound = behind(cover, judged.bound);
                if let What::Row { row, detail, .. } = &mut what {
                    match judged.doubt {
                        Some(Doubt::Own) => {
                            let (reason, why) = doubt(sum, cover, judged.reason);
                            judged.reason = reason;
                            *detail = Some(why);
                        }
                        Some(Doubt::Others) => *detail = Some(may_be_held(row, amount).into()),
                        None if detail.is_none() && judged.outcome != QuotaOutcome::Fits => {
                            let told = Usage::of_row(row).said(row.limit.unwrap_or(0));
                            *detail = told.map(Cow::Owned);
                        }
                        None => {}
                    }
                }
            }
            judgement.bound = judgement.bound.and(judged.bound);
            if cover.is_some() {
                judgement.reservable = judgement.reservable.and(judged.bound);
            }
            // Where reservations take every instance the row is not asked; its room still says how many more would fit.
            if !amount.asks_nothing() {
                let is_of_list = matches!(
                    judged.reason,
                    Reason::ScopeUnreadable | Reason::RowMissing | Reason::Stale
                );
                judgement.note_row(what, &judged, is_of_list.then(|| rows.state()));
            }
        }
        if sum.draws != Draws::Never {
            self.failed_before(judgement, launch, sum, cover, ledger);
        }
    }

    /// What a launch takes of a row, after those before it.
    fn amount(
        &self,
        launch: &Launch,
        sum: &Sum<'_>,
        scope: Scope,
        cover: Option<&Cover>,
        ledger: &Ledger,
    ) -> Amount {
        let (project, region) = (&self.account.project, &launch.offer.region);
        Amount {
            before: ledger.taken(scope, project, region, &sum.quota),
            once: sum.once,
            each: sum.each,
            count: drawing(launch, sum, cover),
        }
    }

    /// Judges what a launch takes by what failed launches taught of its quota: the cloud refused as much or less a short
    /// while ago.
    fn failed_before(
        &self,
        judgement: &mut Judgement<'a>,
        launch: &Launch,
        sum: &Sum<'_>,
        cover: Option<&Cover>,
        ledger: &Ledger,
    ) {
        let region = launch.offer.region.as_str();
        for block in block::standing(self.account, BlockKind::Quota, region, self.now) {
            if block.quota.as_deref() != Some(sum.quota.as_ref()) {
                continue;
            }
            let scope = match block.project {
                Some(_) => Scope::Project,
                None => Scope::Tenant,
            };
            let amount = self.amount(launch, sum, scope, cover, ledger);
            let passes = block.at_least.max(1) - 1;
            let (asked, total) = (amount.asked(), amount.total());
            let bound = behind(cover, amount.instances_in(passes, passes));
            judgement.bound = judgement.bound.and(bound);
            if cover.is_some() {
                judgement.reservable = judgement.reservable.and(bound);
            }
            if asked.at_most == 0 || total.at_most <= passes.into() {
                continue;
            }
            let mut detail = block::said(block);
            let mut outcome = QuotaOutcome::Blocked;
            if asked.at_least == 0 || total.at_least <= passes.into() {
                outcome = QuotaOutcome::Unknown;
                let own = amount.before.at_least.saturating_add(asked.at_most);
                let why = if own > passes.into() {
                    doubt(sum, cover, Reason::FailedBefore).1
                } else {
                    Cow::Borrowed("starts under way may take part of it")
                };
                detail = format!("{detail}; {why}");
            }
            let unit = sum.units.first().copied().unwrap_or_default();
            let required = clamp(total.at_most);
            let why = (Reason::FailedBefore, outcome);
            let quota = Some(sum.quota.as_ref());
            let mut finding = rowless_finding(quota, None, region, unit, required, why);
            finding.owner.clone_from(&block.project);
            finding.detail = Some(detail);
            judgement.note(finding, bound);
        }
    }

    /// What one scope says of one amount; none where it does not constrain and nobody asks for an explanation.
    fn scope(
        &self,
        region: &str,
        sum: &Sum<'_>,
        amount: Amount,
        scope: Scope,
        rows: &RegionRows<'a>,
    ) -> Option<(What<'a>, Judged)> {
        let quota = sum.quota.as_ref();
        let said = |reason, detail: String| {
            let unit = sum.units.first().copied().unwrap_or_default();
            let required = clamp(amount.total().at_most);
            let why = (reason, QuotaOutcome::Unknown);
            let mut finding =
                rowless_finding(Some(quota), Some(scope), region, unit, required, why);
            finding.owner = Some(rows.owner)
                .filter(|owner| !owner.is_empty())
                .map(String::from);
            finding.detail = Some(detail);
            let judged = Judged::unknown(reason, Bound::UNKNOWN);
            Some((What::Said(Box::new(finding)), judged))
        };
        let optional = sum.draws != Draws::Always;
        let list = self.cloud.list_name(scope);
        match rows.find(quota) {
            Found::Row(row) => {
                let judged = judge(row, scope, sum.units, amount);
                let detail = match judged {
                    Some(_) => None,
                    None if !self.policy.explain => return None,
                    None => Some("the row sets no limit, so the tenant's governs".into()),
                };
                let what = What::Row {
                    row,
                    scope,
                    amount,
                    detail,
                };
                let judged = judged.unwrap_or(Judged::new(
                    Reason::NotDecisive,
                    QuotaOutcome::Fits,
                    Bound::UNLIMITED,
                ));
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

/// What a launch takes of quotas that one instance takes nothing of.
fn besides<'s>(
    here: &'s Here<'_>,
    own: &'s [Sum<'_>],
    is_shared: bool,
) -> impl Iterator<Item = &'s Sum<'s>> + Clone {
    let all = here.sums.iter().map(|sum| -> &'s Sum<'s> { sum });
    all.filter(move |other| !is_shared || own.iter().all(|sum| sum.quota != other.quota))
}

/// Instances of a launch that draw on a row: those that reserved capacity does not take, where it may take any.
fn drawing(launch: &Launch, sum: &Sum<'_>, cover: Option<&Cover>) -> Band {
    let count = u64::from(launch.count);
    let beside = |reserved| u128::from(count.saturating_sub(reserved));
    match cover.filter(|_| sum.is_reservable) {
        None => Band::exactly(count.into()),
        Some(cover) => Band {
            at_least: beside(cover.at_most()),
            at_most: beside(cover.instances),
        },
    }
}

/// How many instances a row lets through, with those that reserved capacity takes.
fn behind(cover: Option<&Cover>, row: Bound) -> Bound {
    match cover {
        None => row,
        Some(cover) if cover.is_unbounded => Bound::UNKNOWN,
        Some(cover) => row.plus(cover.bound()),
    }
}

/// Why what stands against a launch proves no shortage, where what the launch itself takes is not certain; and the reason of
/// such a finding, which is otherwise `reason`.
fn doubt(sum: &Sum<'_>, cover: Option<&Cover>, reason: Reason) -> (Reason, Cow<'static, str>) {
    if sum.may_be_held() {
        let why = "the stopped instances' own may be inside the usage already";
        return (reason, why.into());
    }
    match cover.map(|cover| (cover, &cover.uncertain)) {
        Some((cover, None)) => (Reason::MayBeHeld, cover.may_be_held().into()),
        Some((_, Some(why))) => {
            let why = format!("reserved capacity may cover it: {why}");
            (reason, why.into())
        }
        None => (reason, "reserved capacity may cover it".into()),
    }
}
