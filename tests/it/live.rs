//! A gate on an emulator: an account that changes, a clock that a test turns, and failures as the cloud sends them.

use std::{
    path::Path,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use nebius_api::{
    google::rpc,
    nebius::common::v1::{
        NotEnoughResources, QuotaFailure, ServiceError, not_enough_resources, quota_failure,
        service_error::Details,
    },
    world::World,
};
use nebius_emulator::{Emulator, Faults, Running};
use prost::Message;
use quotagate::{
    Clock, Failure, FailureDetail, FailureParts, Gate, GateBuilder, GateError, GateOptions,
    HoldFileError, Inventory, Launch, Limits, Need, Offer, Plugin, PluginOptions, Profile, Row,
    Source,
};
use quotagate_nebius::{ConnectOptions, Deadlines, Environment, NebiusClient, Retries};

use crate::{
    harness::{H200, PATIENCE, PROJECT, REGION, TENANT, WorldBuilder},
    steered::Steered,
};

/// Long after the world was recorded, in milliseconds since the Unix epoch.
pub(crate) const START: u64 = 1_800_000_000_000;

/// The plugin, compiled once for the process, with time for a machine that has other things to do.
pub(crate) fn plugin() -> Plugin {
    static PLUGIN: LazyLock<Plugin> = LazyLock::new(|| {
        let mut options = PluginOptions::default();
        options.limits = limits();
        Plugin::load_with(quotagate_plugins::NEBIUS.bytes, &options).unwrap()
    });
    PLUGIN.clone()
}

/// The usual limits but for the time: what a test wants judged is judged, however slowly.
pub(crate) fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.time = PATIENCE;
    limits
}

/// A clock that stands still until a test turns it: the time of day, and the hand that nobody sets.
#[derive(Clone, Default)]
pub(crate) struct Hands {
    wall: Arc<AtomicU64>,
    steady: Arc<AtomicU64>,
}

impl Hands {
    pub(crate) fn new() -> Self {
        let hands = Self::default();
        hands.wall.store(START, Ordering::SeqCst);
        hands
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.pass_ms(seconds * 1_000);
    }

    pub(crate) fn pass_ms(&self, milliseconds: u64) {
        self.wall.fetch_add(milliseconds, Ordering::SeqCst);
        self.steady.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Sets the time of day, and lets no time pass.
    pub(crate) fn set(&self, wall_ms: u64) {
        self.wall.store(wall_ms, Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let (wall, steady) = (Arc::clone(&self.wall), Arc::clone(&self.steady));
        Clock::from_hands(
            move || wall.load(Ordering::SeqCst),
            move || steady.load(Ordering::SeqCst),
        )
    }
}

/// An emulator, a gate on it, what lies between the two, and the gate's clock.
pub(crate) struct Live {
    pub(crate) cloud: Running,
    pub(crate) source: Steered,
    pub(crate) gate: Gate,
    pub(crate) hands: Hands,
}

/// Waits that suit a test: they go by the clock that it turns, and what is waited for in earnest is waited for to its end.
pub(crate) fn options() -> GateOptions {
    let mut options = GateOptions::default();
    options.refresh.jitter = 0.0;
    options.refresh.first_wait = PATIENCE;
    options.refresh.verify_wait = PATIENCE;
    options.refresh.give_up = PATIENCE;
    options
}

/// The same with something changed.
pub(crate) fn options_with(change: impl FnOnce(&mut GateOptions)) -> GateOptions {
    let mut options = options();
    change(&mut options);
    options
}

pub(crate) async fn live(world: &WorldBuilder) -> Live {
    live_with(world, options()).await
}

pub(crate) async fn live_with(world: &WorldBuilder, options: GateOptions) -> Live {
    let folder = world.build();
    let cloud = Emulator::builder(World::read(folder.path()).unwrap())
        .spawn()
        .await
        .unwrap();
    let hands = Hands::new();
    let source = Steered::new(client(&cloud));
    let gate = builder_on(Arc::new(source.clone()), &hands);
    let gate = gate.options(options).build().unwrap();
    Live {
        cloud,
        source,
        gate,
        hands,
    }
}

/// A client that waits for every answer. What fails is asked again at once.
pub(crate) fn client(cloud: &Running) -> Arc<dyn Source> {
    client_with(PATIENCE, None, cloud)
}

/// A client that soon gives up what hangs. No test may rest on an answer to what it asks.
pub(crate) fn hasty_client(cloud: &Running) -> Arc<dyn Source> {
    let call = Duration::from_millis(200);
    client_with(call, Some(TENANT), cloud)
}

fn client_with(call: Duration, tenant: Option<&str>, cloud: &Running) -> Arc<dyn Source> {
    let client = NebiusClient::new(&ConnectOptions {
        endpoint: Some(cloud.addr().to_string()),
        tenant: tenant.map(str::to_owned),
        deadlines: Deadlines {
            call,
            source: PATIENCE,
            connect: PATIENCE,
            exchange: PATIENCE,
            helper: PATIENCE,
        },
        retries: Retries {
            attempts: 2,
            first_wait: Duration::from_millis(1),
            ..Retries::default()
        },
        ..ConnectOptions::new(Environment::new(Vec::<(String, String)>::new(), None))
    });
    Arc::new(client.unwrap())
}

/// A gate to be, on an emulator.
pub(crate) fn builder(cloud: &Running, hands: &Hands) -> GateBuilder {
    builder_on(client(cloud), hands)
}

fn builder_on(source: Arc<dyn Source>, hands: &Hands) -> GateBuilder {
    Gate::builder(plugin(), source)
        .options(options())
        .clock(hands.clock())
}

impl Live {
    pub(crate) fn faults(&self, json: &str) {
        self.cloud.set_faults(Faults::from_json(json).unwrap());
    }

    pub(crate) fn no_faults(&self) {
        self.cloud.set_faults(Faults::default());
    }

    pub(crate) fn set_limit(&self, quota: &str, limit: u64) {
        assert!(self.cloud.set_limit(TENANT, quota, REGION, Some(limit)));
    }

    /// Lists again and again, as an orchestrator does, until a list is as it should be: what is read in the background
    /// arrives when it arrives.
    pub(crate) async fn until(&self, what: &str, is_so: impl Fn(&Inventory) -> bool) {
        self.until_after(0, what, is_so).await;
    }

    /// The same while time goes by, so many seconds between two lists: a question that was under way when a fault ended
    /// may still fail, and its wait has to pass first. While a question is under way, time stands still: what comes of it
    /// is not old by then, however slow the machine.
    pub(crate) async fn until_after(
        &self,
        seconds: u64,
        what: &str,
        is_so: impl Fn(&Inventory) -> bool,
    ) {
        let wait = async {
            while !is_so(&*self.gate.inventory().await) {
                if self.source.is_idle() {
                    self.hands.pass(seconds);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let outcome = tokio::time::timeout(PATIENCE, wait).await;
        assert!(outcome.is_ok(), "never seen: {what}");
    }
}

/// An on-demand offer of the tests' region.
pub(crate) fn offer(instance_type: &str) -> Offer {
    Offer {
        instance_type: instance_type.to_owned(),
        region: REGION.to_owned(),
        lifecycle: "on-demand".to_owned(),
        ..Offer::default()
    }
}

/// Instances with eight GPUs each.
pub(crate) fn h200(count: u32) -> Launch {
    Launch {
        offer: offer(H200),
        count,
        profile: Profile {
            project: PROJECT.to_owned(),
            ..Profile::default()
        },
    }
}

/// A disk of the usual kind with each instance.
pub(crate) fn disk(bytes: u64) -> Need {
    Need::sized("disk.network-ssd", bytes)
}

/// A private address with each instance.
pub(crate) fn address() -> Need {
    Need::pieces("address.private", 1)
}

/// The key of a row of the tests' region.
pub(crate) fn key(owner: &str, quota: &str) -> String {
    format!("{owner}/{quota}/{REGION}")
}

/// The key of a reservation.
pub(crate) fn reservation(id: &str) -> String {
    format!("reservation/{id}")
}

/// The row of that key, where it was read.
pub(crate) fn row_of(inventory: &Inventory, key: &str) -> Option<Row> {
    let rows = inventory.contract().rows;
    rows.into_iter().find(|row| row.key == key)
}

/// The limit of the tenant's row of a quota, where there is one.
pub(crate) fn limit_of(inventory: &Inventory, quota: &str) -> Option<u64> {
    row_of(inventory, &key(TENANT, quota))?.limit.number()
}

/// The least and the most that is held of a row.
pub(crate) fn held_of(gate: &Gate, row: &str) -> (u64, u64) {
    let amounts = gate.holds().into_iter().flat_map(|hold| hold.amounts);
    let of_row = amounts.filter(|held| held.row == row);
    of_row.fold((0, 0), |(least, most), held| {
        (least + held.at_least, most + held.at_most)
    })
}

/// What the cloud says to a launch that a quota refuses.
pub(crate) fn over_quota(quota: &str, limit: u64, requested: u64) -> Failure {
    over_quota_of("", quota, limit, requested)
}

/// The same where the cloud names whose row it is; `requested` is the total that the quota would have reached.
pub(crate) fn over_quota_of(container: &str, quota: &str, limit: u64, requested: u64) -> Failure {
    let message = match container {
        "" => "Quota limit exceeded".to_owned(),
        container => format!("Exceeded limit for container {container}"),
    };
    failure(Details::QuotaFailure(QuotaFailure {
        violations: vec![quota_failure::Violation {
            quota: quota.to_owned(),
            message,
            limit: limit.to_string(),
            requested: requested.to_string(),
        }],
    }))
}

/// What the cloud says to a launch that there is no hardware for.
pub(crate) fn no_hardware() -> Failure {
    failure(Details::NotEnoughResources(NotEnoughResources {
        violations: vec![not_enough_resources::Violation {
            resource_type: "virtualMachine".to_owned(),
            message: "VM schedule timeout".to_owned(),
            requested: "8gpu-128vcpu-1600gb".to_owned(),
        }],
    }))
}

pub(crate) fn failure(details: Details) -> Failure {
    let error = ServiceError {
        details: Some(details),
        ..ServiceError::default()
    };
    let status = rpc::Status {
        code: 8,
        message: "refused".to_owned(),
        details: vec![prost_types::Any {
            type_url: "type.googleapis.com/nebius.common.v1.ServiceError".to_owned(),
            value: error.encode_to_vec(),
        }],
    };
    refused("8", "refused", Some(status.encode_to_vec()))
}

/// A failure as a client of gRPC has it: the code, the message, and the bytes of the status where there are any.
pub(crate) fn refused(code: &str, message: &str, status: Option<Vec<u8>>) -> Failure {
    let detail = |value| FailureDetail {
        type_name: "type.googleapis.com/google.rpc.Status".to_owned(),
        value,
    };
    Failure::Parts(FailureParts {
        code: code.to_owned(),
        http_status: None,
        message: message.to_owned(),
        details: status.map(detail).into_iter().collect(),
    })
}

/// A gate that keeps its holds in a file.
pub(crate) fn keeping(live: &Live, file: &Path) -> Result<Gate, GateError> {
    let options = options_with(|options| options.holds.file = Some(file.to_owned()));
    builder(&live.cloud, &live.hands).options(options).build()
}

/// A gate that takes over a file; an answer that was just coming in may keep the gate before it for a moment.
pub(crate) async fn taking_over(live: &Live, file: &Path) -> Gate {
    let take = async {
        loop {
            match keeping(live, file) {
                Err(GateError::HoldFile(HoldFileError::InUse(_))) => tokio::task::yield_now().await,
                gate => return gate.unwrap(),
            }
        }
    };
    let taken = tokio::time::timeout(PATIENCE, take).await;
    taken.expect("somebody still has the gate before this one, or a hold of it")
}
