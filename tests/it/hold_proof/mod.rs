//! The proof for holds: random orchestrators on an account of two projects, each step of theirs checked against what the
//! emulator really charges. Launches of several instances become visible one by one and late, reservations are shared,
//! usage of others comes and goes, instances and the gate are restarted, calls are cancelled.
//!
//! Two oracles, after every step: never more is promised than is free, and nothing is held for longer than it takes to be
//! read. Where usage alone cannot tell ours from somebody else's, as much as others moved is tolerated and no more
//! ([`model`]); in a third of the runs others stand still, and nothing is.
//!
//! `QUOTAGATE_HOLD_RUNS=10000` makes it long; `QUOTAGATE_HOLD_SEED=N` draws other runs; the seed is printed first, and a
//! failure shrinks to the shortest run that still shows it.

mod model;

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures::poll;
use nebius_api::world::World;
use nebius_emulator::{Clock as CloudClock, Emulator, Running, Settings};
use proptest::{
    collection::vec as vec_of,
    option,
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed, TestRunner},
};
use quotagate::{
    Finding, Gate, HeldAmount, Launch, PlanVerification, Profile, QuotaOutcome, Reason,
    ReservationUse, Verdict,
};
use tempfile::TempDir;

use self::model::{Model, Promise, Row, Whose};
use crate::{
    harness::{GPU_QUOTA, H200, PATIENCE, PROJECT, REGION, TENANT, WorldBuilder},
    launcher::{Launched, Launcher, Outcome},
    live::{Hands, address, builder, disk, key, offer, options_with, reservation},
};

const OTHER_PROJECT: &str = "project-e00second";
const SMALL: &str = "gpu-h200-sxm 1gpu-16vcpu-200gb";
const INSTANCES: &str = "compute.instance.count";
/// Every quota that a launch draws on here.
const DRAWN_ON: &[&str] = &[
    GPU_QUOTA,
    INSTANCES,
    "compute.disk.count",
    "compute.disk.size.network-ssd",
    "vpc.allocation.count",
];
/// What each instance brings.
const DISK: u64 = 10 << 30;
/// Every hold ends by itself after this.
const LIFE: u64 = 900;
/// All steps of a run together take less than that.
const LONGEST_PASS: u64 = 25;
const STEPS: usize = 28;

/// An account, as far as it differs from one with ample room.
#[derive(Clone, Debug)]
struct Account {
    gpus: (u64, u64),
    instances: u64,
    /// The limits of both projects' own GPU rows.
    of_projects: [Option<u64>; 2],
    block: Option<u64>,
    /// What each project may take of the block.
    shares: [Option<u64>; 2],
    lag: u64,
    stopped_hold_gpus: bool,
    has_file: bool,
}

#[derive(Clone, Debug)]
enum Step {
    /// The final check of launches that are made together.
    Verify(Vec<Launch>),
    /// The same, given up after so many polls.
    Cancel(Vec<Launch>, u8),
    /// Creates one more instance of a launch under way.
    Create(usize),
    /// Creates the rest and commits.
    Commit(usize),
    /// Commits while everything is being read: what comes back was asked for before.
    CommitWhileReading(usize, u8),
    /// Gives a launch up; what was created of it is deleted.
    GiveUp(usize),
    /// Deletes what a committed launch made.
    Delete(usize),
    /// Stops what a committed launch made, and asks to start it again.
    Restart(usize),
    /// Others take so much of the tenant's GPUs.
    Others(u64),
    Read,
    Pass(u64),
    RestartGate,
}

/// How wild the neighbours are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// Nobody else moves, and nothing that was created ends.
    Quiet,
    /// Others only end.
    Falling,
    Wild,
}

fn account() -> impl Strategy<Value = Account> {
    (
        (select(vec![16_u64, 24, 40, 64]), 0..12_u64),
        4..24_u64,
        [option::of(4..40_u64), option::of(4..40_u64)],
        option::weighted(0.7, select(vec![8_u64, 16, 24])),
        [option::of(0..20_u64), option::of(0..20_u64)],
        select(vec![0_u64, 0, 20, 60]),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(gpus, instances, of_projects, block, shares, lag, stopped_hold_gpus, has_file)| {
                Account {
                    gpus,
                    instances,
                    of_projects,
                    block,
                    shares,
                    lag,
                    stopped_hold_gpus,
                    has_file,
                }
            },
        )
}

fn launch() -> impl Strategy<Value = Launch> {
    (
        select(vec![H200, SMALL]),
        1..4_u32,
        select(vec![PROJECT, OTHER_PROJECT]),
        select(vec![
            ReservationUse::Auto,
            ReservationUse::Auto,
            ReservationUse::Forbid,
            ReservationUse::Strict,
        ]),
    )
        .prop_map(|(instance_type, count, project, reservation)| Launch {
            offer: offer(instance_type),
            count,
            profile: Profile {
                project: project.to_owned(),
                reservation,
                needs: vec![disk(DISK), address()],
                ..Profile::default()
            },
        })
}

/// Of a plan of several launches nobody says which of them goes on reserved capacity, so they say so themselves.
fn definite(mut plan: Vec<Launch>) -> Vec<Launch> {
    if plan.len() > 1 {
        let auto = |launch: &&mut Launch| launch.profile.reservation == ReservationUse::Auto;
        for launch in plan.iter_mut().filter(auto) {
            launch.profile.reservation = ReservationUse::Forbid;
        }
    }
    plan
}

fn step(mood: Mood) -> BoxedStrategy<Step> {
    let which = any::<usize>();
    let plan = prop_oneof![5 => vec_of(launch(), 1), 1 => vec_of(launch(), 2..4)]
        .prop_map(definite)
        .boxed();
    let common = prop_oneof![
        6 => plan.clone().prop_map(Step::Verify),
        1 => (plan, 0..60_u8).prop_map(|(plan, polls)| Step::Cancel(plan, polls)),
        6 => which.prop_map(Step::Create),
        4 => which.prop_map(Step::Commit),
        1 => (which, 0..40_u8).prop_map(|(which, polls)| Step::CommitWhileReading(which, polls)),
        3 => Just(Step::Read),
        3 => (0..LONGEST_PASS).prop_map(Step::Pass),
        1 => Just(Step::RestartGate),
    ];
    match mood {
        Mood::Quiet => prop_oneof![12 => common, 1 => which.prop_map(Step::GiveUp)].boxed(),
        Mood::Falling => prop_oneof![
            12 => common,
            1 => which.prop_map(Step::GiveUp),
            2 => (0..6_u64).prop_map(Step::Others),
        ]
        .boxed(),
        Mood::Wild => prop_oneof![
            8 => common,
            1 => which.prop_map(Step::GiveUp),
            1 => which.prop_map(Step::Delete),
            1 => which.prop_map(Step::Restart),
            2 => (0..16_u64).prop_map(Step::Others),
        ]
        .boxed(),
    }
}

fn run_of() -> impl Strategy<Value = (Account, Mood, Vec<Step>)> {
    let moods = select(vec![Mood::Quiet, Mood::Falling, Mood::Wild]);
    (account(), moods).prop_flat_map(|(account, mood)| {
        vec_of(step(mood), 6..STEPS).prop_map(move |steps| (account.clone(), mood, steps))
    })
}

impl Account {
    fn world(&self) -> World {
        let mut world = WorldBuilder::new()
            .tenant(GPU_QUOTA, self.gpus.0, self.gpus.1)
            .tenant(INSTANCES, self.instances, 0);
        if let Some(gpus) = self.block {
            world = world.block("block", "fabric-7", gpus, 0);
        }
        let folder = world.build();
        let list = folder.path().join("tenant/projects.json");
        let projects = fs::read_to_string(&list).unwrap();
        let mut projects: serde_json::Value = serde_json::from_str(&projects).unwrap();
        let mut second = projects["items"][0].clone();
        second["metadata"]["id"] = OTHER_PROJECT.into();
        projects["items"].as_array_mut().unwrap().push(second);
        fs::write(list, projects.to_string()).unwrap();
        let first = folder.path().join("projects").join(PROJECT);
        for (index, project) in [PROJECT, OTHER_PROJECT].into_iter().enumerate() {
            let files = folder.path().join("projects").join(project);
            fs::create_dir_all(&files).unwrap();
            if project != PROJECT {
                fs::copy(first.join("platforms.json"), files.join("platforms.json")).unwrap();
            }
            let mut rows = Vec::new();
            if let Some(limit) = self.of_projects[index] {
                rows.push(crate::harness::row(
                    project,
                    GPU_QUOTA,
                    "count",
                    Some(limit),
                    0,
                ));
            }
            let rows = serde_json::json!({ "items": rows });
            fs::write(files.join("allowances.json"), rows.to_string()).unwrap();
            let mut shares = Vec::new();
            if let Some(limit) = self.share(project) {
                shares.push(serde_json::json!({
                    "metadata": {"parent_id": project},
                    "spec": {"capacity_block_group_id": "block", "limit": limit.to_string()},
                    "status": {"state": "STATE_ACTIVE", "usage_state": "USAGE_STATE_NOT_USED"}
                }));
            }
            let shares = serde_json::json!({ "items": shares });
            fs::write(files.join("capacity-allowances.json"), shares.to_string()).unwrap();
        }
        World::read(folder.path()).unwrap()
    }

    fn share(&self, project: &str) -> Option<u64> {
        let index = usize::from(project != PROJECT);
        self.block.and(self.shares[index])
    }

    /// Whether the account has a row.
    fn has(&self, row: &Row) -> bool {
        row.starts_with(TENANT) || self.limit(row).is_some()
    }

    /// The limit of a row, where there is the row.
    fn limit(&self, row: &Row) -> Option<u64> {
        let of_project = |index: usize, project: &str| {
            let own = (of_quota(Some(project), GPU_QUOTA), self.of_projects[index]);
            [own, (share_of(project), self.share(project))]
        };
        let rows = [
            (of_quota(None, GPU_QUOTA), Some(self.gpus.0)),
            (of_quota(None, INSTANCES), Some(self.instances)),
            (block(), self.block),
        ];
        let mut rows = rows
            .into_iter()
            .chain(of_project(0, PROJECT))
            .chain(of_project(1, OTHER_PROJECT));
        rows.find(|(known, _)| known == row)?.1
    }
}

/// The key of a project's row, or without one of the tenant's.
fn of_quota(project: Option<&str>, quota: &str) -> Row {
    key(project.unwrap_or(TENANT), quota)
}

fn block() -> Row {
    reservation("block")
}

fn share_of(project: &str) -> Row {
    format!("{}/{project}", block())
}

/// A launch that was promised something.
struct UnderWay {
    promise: usize,
    /// Single instances, of which so many are created.
    instances: Vec<Launch>,
    created: Vec<Launched>,
    is_restart: bool,
}

struct Run<'a> {
    account: &'a Account,
    mood: Mood,
    cloud: Running,
    launcher: Launcher,
    hands: Hands,
    gate: Option<Gate>,
    folder: TempDir,
    model: Model,
    under_way: Vec<UnderWay>,
    made: Vec<UnderWay>,
    known: BTreeSet<String>,
}

/// What a run did.
#[derive(Debug, Default)]
struct Tally {
    held: usize,
    refused: usize,
    created: usize,
    cancelled: usize,
    refused_by_the_cloud: usize,
}

type Checked = Result<(), String>;

impl<'a> Run<'a> {
    async fn new(account: &'a Account, mood: Mood) -> Self {
        let settings = Settings {
            usage_lag_ms: account.lag * 1_000,
            stopped_instances_hold_gpus: account.stopped_hold_gpus,
            ..Settings::default()
        };
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let cloud = Emulator::builder(account.world())
            .settings(settings)
            .clock(CloudClock::stopped_at(start))
            .spawn()
            .await
            .unwrap();
        let launcher = Launcher::connect(cloud.addr()).await;
        let mut model = Model::new(account.lag);
        model.change(
            &of_quota(None, GPU_QUOTA),
            Whose::Others,
            i64::try_from(account.gpus.1).unwrap(),
        );
        model.now = 1;
        model.read();
        model.forget_the_beginning();
        let mut run = Self {
            account,
            mood,
            cloud,
            launcher,
            hands: Hands::new(),
            gate: None,
            folder: tempfile::tempdir().unwrap(),
            model,
            under_way: Vec::new(),
            made: Vec::new(),
            known: BTreeSet::new(),
        };
        run.open().await;
        run
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("holds")
    }

    /// Another gate in the place of the one there was.
    async fn open(&mut self) {
        self.gate = None;
        let options = options_with(|options| {
            options.holds.file = self.account.has_file.then(|| self.file());
        });
        let opening = async {
            loop {
                let gate = builder(&self.cloud, &self.hands).options(options.clone());
                if let Ok(gate) = gate.build() {
                    return gate;
                }
                tokio::task::yield_now().await;
            }
        };
        let opened = tokio::time::timeout(PATIENCE, opening).await;
        self.gate = Some(opened.expect("the gate before it is still there"));
    }

    fn gate(&self) -> &Gate {
        self.gate.as_ref().unwrap()
    }

    async fn step(&mut self, step: &Step, tally: &mut Tally) -> Checked {
        match step {
            Step::Verify(plan) => self.verify(plan, tally).await?,
            Step::Cancel(plan, polls) => self.cancel(plan, *polls, tally).await?,
            Step::Create(which) => {
                if let Some(which) = pick(*which, self.under_way.len()) {
                    self.create(which, tally).await?;
                }
            }
            Step::Commit(which) => {
                if let Some(which) = pick(*which, self.under_way.len()) {
                    self.commit(which, tally).await?;
                }
            }
            Step::CommitWhileReading(which, polls) => {
                if let Some(which) = pick(*which, self.under_way.len()) {
                    self.create_all(which, tally).await?;
                    self.commit_while_reading(which, *polls).await?;
                }
            }
            Step::GiveUp(which) => {
                if let Some(which) = pick(*which, self.under_way.len())
                    && (self.mood == Mood::Wild || self.under_way[which].created.is_empty())
                {
                    self.give_up(which).await;
                }
            }
            Step::Delete(which) => {
                if let Some(which) = pick(*which, self.made.len()) {
                    let gone = self.made.remove(which);
                    self.delete(&gone).await;
                }
            }
            Step::Restart(which) => {
                if let Some(which) = pick(*which, self.made.len()) {
                    self.restart(which, tally).await?;
                }
            }
            Step::Others(gpus) => {
                let row = of_quota(None, GPU_QUOTA);
                let before = self.others();
                let gpus = match self.mood {
                    Mood::Wild => *gpus,
                    // They only end.
                    _ => before.saturating_sub(*gpus),
                };
                self.cloud.set_base_usage(TENANT, GPU_QUOTA, REGION, gpus);
                let moved = i64::try_from(gpus).unwrap() - i64::try_from(before).unwrap();
                self.model.others_now(&row, moved);
            }
            Step::Read => self.read().await,
            Step::Pass(seconds) => {
                self.cloud.clock().advance(Duration::from_secs(*seconds));
                self.hands.pass(*seconds);
                self.model.now += seconds;
            }
            Step::RestartGate => {
                if self.account.has_file {
                    self.open().await;
                }
            }
        }
        self.model.step();
        self.check().await
    }

    fn others(&self) -> u64 {
        let created: u64 = self.charged(&of_quota(None, GPU_QUOTA));
        let all = self.cloud.true_usage(TENANT, GPU_QUOTA, REGION).unwrap();
        all - created
    }

    /// What the cloud charges for all that was created.
    fn charged(&self, row: &Row) -> u64 {
        let created: i64 = self.model.created(row);
        u64::try_from(created).unwrap()
    }

    async fn read(&mut self) {
        self.gate().refresh().await;
        self.model.read();
    }

    async fn verify(&mut self, plan: &[Launch], tally: &mut Tally) -> Checked {
        let verified = self.gate().verify_plan(plan).await.unwrap();
        self.verified(plan, verified, tally)
    }

    fn verified(
        &mut self,
        plan: &[Launch],
        verified: PlanVerification,
        tally: &mut Tally,
    ) -> Checked {
        let verdict = &verified.admission.verdict;
        let Some(hold) = &verified.hold else {
            tally.refused += 1;
            return self.must_be_short(plan, verdict);
        };
        tally.held += 1;
        let amounts = |pick: fn(&HeldAmount) -> u64| {
            let amounts = hold.amounts().iter();
            amounts
                .map(|held| (held.row.clone(), pick(held)))
                .collect::<BTreeMap<_, _>>()
        };
        let promise = Promise {
            id: hold.id().to_owned(),
            at_least: amounts(|held| held.at_least),
            at_most: amounts(|held| held.at_most),
            is_committed: false,
            is_gone: false,
            was_read: BTreeMap::new(),
        };
        if promise.at_least.len() != hold.amounts().len() {
            return Err(format!("a row stands twice in a hold: {hold:?}"));
        }
        self.must_hold(plan, &promise)?;
        self.known.insert(promise.id.clone());
        let on_block = promise.at_most.get(&block()).copied().unwrap_or_default();
        let instances = plan
            .iter()
            .flat_map(|launch| as_judged(launch, on_block / gpus(launch)));
        let instances = instances.collect();
        self.model.promises.push(promise);
        self.under_way.push(UnderWay {
            promise: self.model.promises.len() - 1,
            instances,
            created: Vec::new(),
            is_restart: plan.iter().any(|launch| launch.profile.restart),
        });
        if verdict.quota == QuotaOutcome::Fits {
            self.must_be_free()?;
        }
        Ok(())
    }

    /// A hold takes what the launches take, counted here once more; of a start nothing for certain.
    fn must_hold(&self, plan: &[Launch], promise: &Promise) -> Checked {
        let mut expected: BTreeMap<Row, (u64, u64)> = BTreeMap::new();
        let on_block = |held: &BTreeMap<Row, u64>| held.get(&block()).copied().unwrap_or_default();
        let mut reserved = (on_block(&promise.at_least), on_block(&promise.at_most));
        for launch in plan {
            let count = u64::from(launch.count);
            let gpus = count * gpus(launch);
            let covered = match launch.profile.reservation {
                ReservationUse::Forbid => (0, 0),
                _ => (reserved.0.min(gpus), reserved.1.min(gpus)),
            };
            reserved = (reserved.0 - covered.0, reserved.1 - covered.1);
            let project = Some(launch.profile.project.as_str());
            let mut take = |row: Row, (least, most): (u64, u64)| {
                if most > 0 && self.account.has(&row) {
                    let sum = expected.entry(row).or_default();
                    sum.0 += if launch.profile.restart { 0 } else { least };
                    sum.1 += most;
                }
            };
            let strict = launch.profile.reservation == ReservationUse::Strict;
            let rest = if strict {
                (0, 0)
            } else {
                // What the reservation may take, the ordinary row may have to give.
                let proven = if launch.profile.restart {
                    covered.1
                } else {
                    covered.0
                };
                (gpus - covered.1, gpus - proven)
            };
            take(of_quota(None, GPU_QUOTA), rest);
            take(of_quota(project, GPU_QUOTA), rest);
            take(block(), covered);
            take(share_of(&launch.profile.project), covered);
            if !launch.profile.restart {
                let all = |amount: u64| (amount, amount);
                take(of_quota(None, INSTANCES), all(count));
                take(of_quota(None, "compute.disk.count"), all(count));
                take(
                    of_quota(None, "compute.disk.size.network-ssd"),
                    all(count * DISK),
                );
                take(of_quota(None, "vpc.allocation.count"), all(count));
            }
        }
        let held: BTreeMap<Row, (u64, u64)> = promise
            .at_most
            .iter()
            .map(|(row, at_most)| (row.clone(), (promise.at_least[row], *at_most)))
            .collect();
        if held == expected {
            return Ok(());
        }
        Err(format!("held {held:?}, and it takes {expected:?}"))
    }

    /// The first oracle: what was promised as free is free, whatever readers see of it.
    fn must_be_free(&self) -> Checked {
        let promise = self.model.promises.last().unwrap();
        for row in promise.at_least.keys() {
            let Some(limit) = self.account.limit(row) else {
                continue;
            };
            let taken = self.model.used(row) + self.model.outstanding(row);
            if taken > limit + self.model.excused(row) {
                return Err(format!(
                    "promised as free, and {taken} of {limit} are taken of {row:?}"
                ));
            }
        }
        Ok(())
    }

    /// A refusal is right where one row really has too little left; units may count twice as long as a launch is under way.
    fn must_be_short(&self, plan: &[Launch], verdict: &Verdict) -> Checked {
        let [launch] = plan else {
            return Ok(());
        };
        let failed_before = |finding: &Arc<Finding>| finding.reason == Reason::FailedBefore;
        if verdict.findings.iter().any(failed_before) || launch.profile.restart {
            return Ok(());
        }
        let free = |row: &Row| {
            let (_, held) = self.model.held_between(row);
            let limit = self.account.limit(row).unwrap_or(u64::MAX);
            // What ended may show for a while.
            let used = self.model.used(row).max(self.model.shown(row));
            limit.saturating_sub(used).saturating_sub(held)
        };
        let count = u64::from(launch.count);
        let each = gpus(launch);
        let project = Some(launch.profile.project.as_str());
        let reserved = match launch.profile.reservation {
            ReservationUse::Forbid => 0,
            _ if self.account.block.is_none() => 0,
            _ => free(&block()).min(free(&share_of(&launch.profile.project))) / each,
        };
        let needed = match launch.profile.reservation {
            ReservationUse::Strict if reserved >= count => 0,
            ReservationUse::Strict => u64::MAX,
            _ => count.saturating_sub(reserved).saturating_mul(each),
        };
        let is_short = free(&of_quota(None, INSTANCES)) < count
            || free(&of_quota(None, GPU_QUOTA)) < needed
            || free(&of_quota(project, GPU_QUOTA)) < needed;
        if is_short {
            return Ok(());
        }
        Err(format!(
            "refused although there is room: {launch:?} {verdict:#?}"
        ))
    }

    async fn cancel(&mut self, plan: &[Launch], polls: u8, tally: &mut Tally) -> Checked {
        let verified = {
            let gate = self.gate.as_ref().unwrap();
            let mut verifying = Box::pin(gate.verify_plan(plan));
            let mut verified = None;
            for _ in 0..polls {
                if let std::task::Poll::Ready(outcome) = poll!(&mut verifying) {
                    verified = Some(outcome.unwrap());
                    break;
                }
                tokio::task::yield_now().await;
            }
            verified
        };
        match verified {
            Some(verified) => self.verified(plan, verified, tally),
            None => {
                tally.cancelled += 1;
                Ok(())
            }
        }
    }

    /// Creates one instance, and notes what the cloud charges for it.
    async fn create(&mut self, which: usize, tally: &mut Tally) -> Checked {
        let launch = &self.under_way[which];
        let promise = launch.promise;
        let Some(one) = launch.instances.get(launch.created.len()).cloned() else {
            return Ok(());
        };
        if launch.is_restart {
            return Ok(());
        }
        let before = self.truth();
        match self.launcher.launch(&one).await {
            Outcome::Launched(launched) => {
                tally.created += 1;
                self.note(&before, &one.profile.project, Whose::Launch(promise));
                self.under_way[which].created.push(launched);
                Ok(())
            }
            refused => {
                tally.refused_by_the_cloud += 1;
                if self.mood == Mood::Quiet {
                    return Err(format!(
                        "held and refused by the cloud: {one:?}: {refused:?}"
                    ));
                }
                self.give_up(which).await;
                Ok(())
            }
        }
    }

    /// Creates what is missing of a launch. Where the cloud refuses it, the launch is given up.
    async fn create_all(&mut self, which: usize, tally: &mut Tally) -> Checked {
        let launches = self.under_way.len();
        let launch = &self.under_way[which];
        if launch.is_restart {
            return Ok(());
        }
        for _ in launch.created.len()..launch.instances.len() {
            self.create(which, tally).await?;
            if self.under_way.len() < launches {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn commit(&mut self, which: usize, tally: &mut Tally) -> Checked {
        let launches = self.under_way.len();
        self.create_all(which, tally).await?;
        if self.under_way.len() < launches {
            return Ok(());
        }
        let launch = self.under_way.remove(which);
        let promise = &mut self.model.promises[launch.promise];
        promise.is_committed = true;
        let id = promise.id.clone();
        if !self.gate().commit(&id, &[]) {
            return Err(format!("the gate has forgotten the hold {id}"));
        }
        self.made.push(launch);
        Ok(())
    }

    async fn commit_while_reading(&mut self, which: usize, polls: u8) -> Checked {
        let Some(launch) = self.under_way.get(which) else {
            return Ok(());
        };
        if !launch.is_restart && launch.created.len() < launch.instances.len() {
            // Another one, in the place of one that was given up.
            return Ok(());
        }
        let launch = self.under_way.remove(which);
        let promise = &mut self.model.promises[launch.promise];
        promise.is_committed = true;
        let gate = self.gate.as_ref().unwrap();
        let mut reading = Box::pin(gate.refresh());
        let mut is_over = false;
        for _ in 0..polls {
            is_over = is_over || poll!(&mut reading).is_ready();
            tokio::task::yield_now().await;
        }
        let is_known = gate.commit(&promise.id, &[]);
        if !is_over {
            reading.await;
        }
        self.made.push(launch);
        if is_known {
            Ok(())
        } else {
            Err("the gate has forgotten a hold".to_owned())
        }
    }

    async fn give_up(&mut self, which: usize) {
        let launch = self.under_way.remove(which);
        self.model.give_up(launch.promise);
        self.delete(&launch).await;
        let id = self.model.promises[launch.promise].id.clone();
        self.gate().release(&id);
    }

    async fn delete(&mut self, gone: &UnderWay) {
        self.model.ends(gone.promise);
        for (launched, one) in gone.created.iter().zip(&gone.instances) {
            let before = self.truth();
            self.launcher.delete(launched).await;
            self.note(&before, &one.profile.project, Whose::Others);
        }
    }

    async fn restart(&mut self, which: usize, tally: &mut Tally) -> Checked {
        let launch = self.made.remove(which);
        let Some(first) = launch.instances.first().cloned() else {
            return Ok(());
        };
        // What is started again is one launch of equal instances.
        if launch.created.is_empty() || launch.instances.iter().any(|other| *other != first) {
            self.made.push(launch);
            return Ok(());
        }
        self.model.ends(launch.promise);
        let before = self.truth();
        for launched in &launch.created {
            self.launcher.stop(launched).await;
        }
        let project = first.profile.project.clone();
        self.note(&before, &project, Whose::Others);
        let mut again = first;
        again.count = u32::try_from(launch.created.len()).unwrap();
        again.profile.restart = true;
        let held = self.model.promises.len();
        self.verify(&[again], tally).await?;
        if self.model.promises.len() == held {
            // Nobody starts it again.
            self.delete(&launch).await;
            return Ok(());
        }
        let mut starting = self.under_way.pop().unwrap();
        let before = self.truth();
        let mut all = true;
        for launched in &launch.created {
            all &= matches!(self.launcher.start(launched).await, Outcome::Launched(_));
        }
        self.note(&before, &project, Whose::Restart(starting.promise));
        starting.created = launch.created;
        starting.instances = launch.instances;
        self.under_way.push(starting);
        let last = self.under_way.len() - 1;
        if all {
            return self.commit(last, tally).await;
        }
        self.give_up(last).await;
        Ok(())
    }

    /// What is really used of each row.
    fn truth(&self) -> BTreeMap<Row, u64> {
        let mut rows = BTreeMap::new();
        for (owner, project) in [
            (TENANT, None),
            (PROJECT, Some(PROJECT)),
            (OTHER_PROJECT, Some(OTHER_PROJECT)),
        ] {
            for quota in DRAWN_ON {
                let used = self.cloud.true_usage(owner, quota, REGION);
                rows.insert(of_quota(project, quota), used.unwrap_or_default());
            }
        }
        let on_block = self.cloud.true_block_usage("block").unwrap_or_default();
        rows.insert(block(), on_block);
        rows
    }

    /// Notes what changed since in a project, and whose it is.
    fn note(&mut self, before: &BTreeMap<Row, u64>, project: &str, whose: Whose) {
        let after = self.truth();
        for (row, is) in &after {
            let was = before.get(row).copied().unwrap_or_default();
            let moved = i64::try_from(*is).unwrap() - i64::try_from(was).unwrap();
            self.model.change(row, whose, moved);
            if *row == block() {
                self.model.change(&share_of(project), whose, moved);
            }
        }
    }

    /// The oracles over what is held, as plugins are told it.
    async fn check(&self) -> Checked {
        for hold in self.gate().holds() {
            if !self.known.contains(&hold.id) {
                return Err(format!("a hold that nobody was told of: {hold:?}"));
            }
        }
        let shown = self.gate().inventory().await.contract();
        let held: BTreeMap<&Row, (u64, u64)> = shown
            .held
            .iter()
            .map(|take| (&take.row, (take.at_least, take.at_most)))
            .collect();
        let reservations = shown.reservations.iter().flat_map(|list| &list.items);
        let reserved = reservations.flat_map(|item| [Some(&item.row), item.share.as_ref()]);
        for row in shown.rows.iter().chain(reserved.flatten()) {
            let held = held.get(&row.key).copied().unwrap_or_default();
            self.must_be_held(&row.key, held)?;
        }
        Ok(())
    }

    fn must_be_held(&self, row: &Row, (at_least, at_most): (u64, u64)) -> Checked {
        if !self.account.has(row) {
            return Ok(());
        }
        for (words, held, (least, most)) in [
            ("for certain", at_least, self.model.held_between(row)),
            ("at most", at_most, self.model.possible_between(row)),
        ] {
            if !(least..=most).contains(&held) {
                return Err(format!(
                    "{held} are held {words} of {row:?}, and it should be {least} to {most}: {:#?}",
                    self.gate().holds()
                ));
            }
        }
        Ok(())
    }

    /// The second oracle: once everything shows, nothing is held one reading later, and some time later nothing at all.
    async fn end(&mut self, tally: &mut Tally) -> Checked {
        while !self.under_way.is_empty() {
            self.commit(0, tally).await?;
            self.model.step();
        }
        self.step(&Step::Read, tally).await?;
        self.step(&Step::Pass(self.account.lag), tally).await?;
        self.step(&Step::Read, tally).await?;
        self.hands.pass(LIFE);
        let holds = self.gate().holds();
        if holds.is_empty() {
            Ok(())
        } else {
            Err(format!("held for ever: {holds:#?}"))
        }
    }
}

/// The GPUs of one instance.
fn gpus(launch: &Launch) -> u64 {
    if launch.offer.instance_type == H200 {
        8
    } else {
        1
    }
}

/// The single instances of a launch: so many on reserved capacity, the rest not, as it was judged.
fn as_judged(launch: &Launch, reserved: u64) -> impl Iterator<Item = Launch> + use<'_> {
    (0..u64::from(launch.count)).map(move |number| {
        let mut one = launch.clone();
        one.count = 1;
        if one.profile.reservation == ReservationUse::Auto {
            one.profile.reservation = if number < reserved {
                ReservationUse::Strict
            } else {
                ReservationUse::Forbid
            };
        }
        one
    })
}

fn pick(which: usize, of: usize) -> Option<usize> {
    which.checked_rem(of)
}

async fn run(account: &Account, mood: Mood, steps: &[Step], tally: &mut Tally) -> Checked {
    let mut run = Run::new(account, mood).await;
    for (number, step) in steps.iter().enumerate() {
        run.step(step, tally)
            .await
            .map_err(|error| format!("step {number}, {step:?}: {error}"))?;
    }
    run.end(tally).await
}

#[test]
fn units_are_never_promised_twice_nor_held_for_longer_than_they_take_to_show() {
    let number = |name: &str, otherwise| {
        env::var(name).map_or(otherwise, |number| number.parse().expect("a number"))
    };
    let seed = number("QUOTAGATE_HOLD_SEED", 1);
    println!("QUOTAGATE_HOLD_SEED={seed}");
    let mut runner = TestRunner::new(Config {
        rng_seed: RngSeed::Fixed(seed),
        cases: u32::try_from(number("QUOTAGATE_HOLD_RUNS", 300)).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 3_000,
        ..Config::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let tally = RefCell::new(Tally::default());
    let result = runner.run(&run_of(), |(account, mood, steps)| {
        let ran = runtime.block_on(run(&account, mood, &steps, &mut tally.borrow_mut()));
        ran.map_err(TestCaseError::fail)
    });
    let tally = tally.into_inner();
    println!("{tally:?}");
    result.unwrap();
    // The experiment says something only if all of it happens.
    assert!(tally.held * 3 > tally.refused, "{tally:?}");
    assert!(tally.refused * 8 > tally.held, "{tally:?}");
    assert!(
        tally.created > tally.held / 2 && tally.cancelled > 0,
        "{tally:?}"
    );
}
