//! What failed launches teach: blocks on launches like them, which grow with each repetition and end early where fresh
//! data contradicts them. No clock: time is an argument.

use std::time::Duration;

use crate::{
    clock::{Moment, milliseconds},
    holds::At,
    inventory::{Inventory, SourceKey, SourceKind},
    options::FeedbackOptions,
    types::{
        Block, BlockKind, CapacityLevel, Demand, Diagnosis, FailureKind, Finding, Freshness, Lane,
        Launch, Lifecycle, Scope, SourceState, UsageState,
    },
};

/// What came of reporting a failed launch.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the error means.
    pub diagnosis: Diagnosis,
    /// What is blocked because of it; empty where the error says nothing of the next launch.
    pub blocks: Vec<Block>,
}

/// Every block that stands, and those that ended not long ago, whose repetition counts.
#[derive(Debug, Default)]
pub(crate) struct Blocks(Vec<Standing>);

#[derive(Debug)]
struct Standing {
    block: Block,
    /// How often it happened.
    times: u32,
    ends_at_steady_ms: u64,
    /// When it is forgotten that it happened.
    forgotten_at_steady_ms: u64,
    /// The place of its making in the order of reports and fetches.
    order: u64,
    made_at_wall_ms: u64,
    /// Quotas: the least headroom that was read since.
    headroom: Option<u64>,
}

impl Blocks {
    /// Learns from a failed launch; `demands` are what it takes by itself.
    pub(crate) fn learn(
        &mut self,
        launch: &Launch,
        demands: &[Demand],
        diagnosis: &Diagnosis,
        inventory: &Inventory,
        at: At,
        options: &FeedbackOptions,
    ) -> Vec<Block> {
        self.forget(at.now);
        lessons(launch, demands, diagnosis, inventory, options)
            .into_iter()
            .map(|(block, time_to_live)| self.stand(block, time_to_live, inventory, at, options))
            .collect()
    }

    fn stand(
        &mut self,
        mut block: Block,
        time_to_live: Duration,
        inventory: &Inventory,
        at: At,
        options: &FeedbackOptions,
    ) -> Block {
        let At { order, now } = at;
        let before = self.0.iter().position(|standing| standing.is_about(&block));
        let before = before.map(|place| self.0.swap_remove(place));
        let times = before
            .as_ref()
            .map_or(1, |standing| standing.times.saturating_add(1));
        let doublings = (times - 1).min(16);
        let lasts = time_to_live
            .saturating_mul(1 << doublings)
            .min(options.longest);
        if let Some(before) = before.filter(|before| before.stands(now)) {
            block.at_least = block.at_least.min(before.block.at_least);
        }
        block.until = now.wall_ms.saturating_add(milliseconds(lasts));
        let ends_at_steady_ms = now.steady_ms.saturating_add(milliseconds(lasts));
        self.0.push(Standing {
            times,
            ends_at_steady_ms,
            forgotten_at_steady_ms: ends_at_steady_ms.saturating_add(milliseconds(options.longest)),
            order,
            made_at_wall_ms: now.wall_ms,
            headroom: headroom(&block, inventory),
            block: block.clone(),
        });
        block
    }

    /// Ends what fresh data contradicts. `asked_at` is the place of the fetch that brought what is in force of a source, in
    /// the order of reports and fetches: what was asked for before the launch failed contradicts nothing.
    pub(crate) fn observe(&mut self, inventory: &Inventory, asked_at: impl Fn(&SourceKey) -> u64) {
        self.0.retain_mut(|standing| {
            let is_newer = |key: SourceKey| asked_at(&key) > standing.order;
            let block = &standing.block;
            match block.kind {
                BlockKind::Quota => {
                    let of_project = block.project.as_deref().is_none_or(|project| {
                        is_newer(SourceKey::project(SourceKind::ProjectAllowances, project))
                    });
                    let of_tenant = is_newer(SourceKey::tenant(SourceKind::TenantAllowances));
                    if !of_project || !of_tenant {
                        return true;
                    }
                    let then = standing.headroom;
                    let now = headroom(block, inventory);
                    standing.headroom = match (then, now) {
                        (Some(then), Some(now)) => Some(then.min(now)),
                        (then, now) => then.or(now),
                    };
                    // Enough by itself proves nothing, since it was read as enough before the launch failed; more does.
                    !now.is_some_and(|now| {
                        now >= standing.block.at_least && then.is_some_and(|then| now > then)
                    })
                }
                BlockKind::Capacity => {
                    !is_newer(SourceKey::tenant(SourceKind::Capacities))
                        || !standing.is_contradicted_by_advice(inventory)
                }
                BlockKind::Unclear => true,
            }
        });
    }

    /// Whether there are any.
    pub(crate) fn any_stand(&self, now: Moment) -> bool {
        self.0.iter().any(|standing| standing.stands(now))
    }

    /// The blocks that stand.
    pub(crate) fn standing(&self, now: Moment) -> Vec<Block> {
        self.0
            .iter()
            .filter(|standing| standing.stands(now))
            .map(|standing| standing.block.clone())
            .collect()
    }

    /// When the next block ends, on the hand that nobody sets.
    pub(crate) fn next_end(&self, now: Moment) -> Option<u64> {
        let standing = self.0.iter().filter(|standing| standing.stands(now));
        standing.map(|standing| standing.ends_at_steady_ms).min()
    }

    fn forget(&mut self, now: Moment) {
        self.0
            .retain(|standing| standing.forgotten_at_steady_ms > now.steady_ms);
    }
}

impl Standing {
    const fn stands(&self, now: Moment) -> bool {
        self.ends_at_steady_ms > now.steady_ms
    }

    fn is_about(&self, other: &Block) -> bool {
        let about = |block: &Block| Block {
            at_least: 0,
            cause: String::new(),
            until: 0,
            ..block.clone()
        };
        about(&self.block) == about(other)
    }

    /// Whether the cloud has measured free hardware since: advice is minutes old, so what it said before does not count.
    fn is_contradicted_by_advice(&self, inventory: &Inventory) -> bool {
        let block = &self.block;
        let lane = match block.lifecycle {
            Some(Lifecycle::Preemptible) => Lane::Preemptible,
            _ => Lane::OnDemand,
        };
        inventory.advice().iter().any(|row| {
            row.region == block.region
                && block
                    .instance_type
                    .as_ref()
                    .is_none_or(|name| *name == row.instance_type)
                && (block.fabric.is_none() || block.fabric == row.fabric)
                && row.lane == lane
                && row.freshness == Freshness::Fresh
                && row.available > 0
                && matches!(row.level, CapacityLevel::High | CapacityLevel::Medium)
                && row.observed_at.is_some_and(|at| at > self.made_at_wall_ms)
        })
    }
}

/// What a failure says of launches to come, and for how long at first.
fn lessons(
    launch: &Launch,
    demands: &[Demand],
    diagnosis: &Diagnosis,
    inventory: &Inventory,
    options: &FeedbackOptions,
) -> Vec<(Block, Duration)> {
    let place = Block {
        kind: BlockKind::Unclear,
        region: launch.offer.region.clone(),
        quota: None,
        project: None,
        at_least: 0,
        instance_type: Some(launch.offer.instance_type.clone()),
        lifecycle: Some(launch.offer.lifecycle),
        fabric: None,
        cause: String::new(),
        until: 0,
    };
    match diagnosis.kind {
        FailureKind::Quota => {
            let lessons: Vec<_> = diagnosis
                .findings
                .iter()
                .filter_map(|finding| quota_lesson(launch, demands, finding, inventory, options))
                .collect();
            if !lessons.is_empty() {
                return lessons;
            }
            // Without a quota and a number nobody knows what it speaks of.
            let block = Block {
                cause: cause(
                    diagnosis,
                    "a quota refused it, and the error does not say which, or how much",
                ),
                ..place
            };
            vec![(block, options.unclear)]
        }
        FailureKind::Capacity => {
            let block = Block {
                kind: BlockKind::Capacity,
                fabric: launch.profile.fabric.clone(),
                cause: cause(diagnosis, "there was no free hardware"),
                ..place
            };
            vec![(block, options.capacity)]
        }
        FailureKind::Ambiguous => {
            let block = Block {
                cause: cause(
                    diagnosis,
                    "the error does not say whether quota or hardware was short",
                ),
                ..place
            };
            vec![(block, options.unclear)]
        }
        // The next launch may fare differently, or fares alike whatever it asks for.
        FailureKind::RateLimit
        | FailureKind::Access
        | FailureKind::Invalid
        | FailureKind::Transient => Vec::new(),
    }
}

/// A refusal proves that at least the launch's own demand does not fit. The total that the error tells is above the limit in
/// every refusal, so it proves nothing of the launch alone.
fn quota_lesson(
    launch: &Launch,
    demands: &[Demand],
    finding: &Finding,
    inventory: &Inventory,
    options: &FeedbackOptions,
) -> Option<(Block, Duration)> {
    let quota = finding.quota.clone()?;
    let project = &launch.profile.project;
    // Without a number that was understood it is not known what was refused.
    let required = match (finding.required, finding.minimum_limit) {
        (Some(required), _) => required,
        (None, Some(_)) => own_demand(launch, demands, &quota)?,
        (None, None) => return None,
    };
    let required = Some(required).filter(|required| *required > 0)?;
    // More than the whole limit is too much for every size from there on; otherwise this much was.
    let beyond = finding.limit.filter(|limit| required > *limit);
    let at_least = beyond.map_or(required, |limit| limit.saturating_add(1));
    let time_to_live = match beyond {
        Some(_) => options.limit,
        None => options.quota,
    };
    let list = SourceKey::project(SourceKind::ProjectAllowances, project);
    let was_read = inventory.report(&list).state == SourceState::Complete;
    let is_limited = |project: &str| {
        let rows = inventory.project_allowances(project).into_iter();
        rows.flat_map(|owned| &owned.rows).any(|row| {
            row.name == quota && row.region == launch.offer.region && row.limit.is_some()
        })
    };
    let limit = match finding.limit {
        Some(limit) => format!(", under a limit of {limit}"),
        None => String::new(),
    };
    let block = Block {
        kind: BlockKind::Quota,
        region: launch.offer.region.clone(),
        project: match finding.scope {
            Some(Scope::Tenant) => None,
            Some(Scope::Project) => Some(finding.owner.as_ref().unwrap_or(project).clone()),
            // Where the error does not say whose row it was: where the project has none of its own, it was the tenant's.
            None => (!was_read || is_limited(project)).then(|| project.clone()),
        },
        at_least,
        instance_type: None,
        lifecycle: None,
        fabric: None,
        cause: format!("the cloud refused {required} of {quota}{limit}"),
        quota: Some(quota),
        until: 0,
    };
    Some((block, time_to_live))
}

/// What the launch takes of a quota at most; none where it is not known to take any.
fn own_demand(launch: &Launch, demands: &[Demand], quota: &str) -> Option<u64> {
    let about = |demand: &&Demand| {
        demand.quota == quota
            && demand.project == launch.profile.project
            && demand.region == launch.offer.region
    };
    demands.iter().find(about).map(|demand| demand.at_most)
}

fn cause(diagnosis: &Diagnosis, otherwise: &str) -> String {
    let mut details = diagnosis
        .findings
        .iter()
        .filter_map(|finding| finding.detail.as_deref());
    details.next().unwrap_or(otherwise).to_owned()
}

/// The least that the rows of the block's quota have left, by what was read; none where no row says so.
fn headroom(block: &Block, inventory: &Inventory) -> Option<u64> {
    let quota = block.quota.as_deref()?;
    let of_project = block
        .project
        .as_deref()
        .and_then(|id| inventory.project_allowances(id));
    let rows = [Some(inventory.tenant_allowances()), of_project];
    rows.into_iter()
        .flatten()
        .flat_map(|owned| &owned.rows)
        .filter(|row| row.name == quota && row.region == block.region)
        .filter_map(|row| {
            let usage = measured(row.usage, row.usage_state, row.usage_fraction.as_deref())?;
            Some(row.limit?.saturating_sub(usage))
        })
        .min()
}

/// Usage, where it is a measurement: a zero without a state is none, nor is one beside a fraction above zero.
pub(crate) fn measured(usage: u64, state: UsageState, fraction: Option<&str>) -> Option<u64> {
    let above_zero = |text: &str| text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    match state {
        _ if usage == 0 && fraction.is_some_and(above_zero) => None,
        UsageState::Used | UsageState::NotUsed => Some(usage),
        UsageState::Unspecified if usage > 0 => Some(usage),
        UsageState::Unspecified | UsageState::Unknown | UsageState::NotApplicable => None,
    }
}
