//! The hand on an emulator while it serves: its log, its faults, its accounts and what really is in them.

use std::sync::{Arc, PoisonError, RwLockReadGuard, RwLockWriteGuard};

use nebius_api::{
    nebius::{
        compute::v1::{Disk, Filesystem, GpuCluster, Instance},
        vpc::v1::Allocation,
    },
    world::World,
};

use crate::{
    account::{Account, SharedAccount},
    calls::Call,
    clock::Clock,
    emulator::Shared,
    faults::{FaultBook, Faults},
    inventory::RowKey,
    settings::{Hardware, Settings},
};

/// Steers an emulator while it serves, and reads its log. Clones steer the same one.
///
/// What it says and does of an account is of the first tenant's, until [`Control::of_tenant`] names another.
#[derive(Clone)]
pub struct Control {
    pub(crate) shared: Arc<Shared>,
    pub(crate) account: SharedAccount,
}

impl Control {
    /// The calls that arrived so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.calls.all()
    }

    /// The calls so far whose path ends in `method`.
    #[must_use]
    pub fn calls_to(&self, method: &str) -> Vec<Call> {
        self.shared.calls.to(method)
    }

    /// Waits until `count` calls whose path ends in `method` have arrived.
    pub async fn wait_for_calls(&self, method: &str, count: usize) {
        self.shared.calls.wait_for(method, count).await;
    }

    /// Forgets the calls so far.
    pub fn clear_calls(&self) {
        self.shared.calls.clear();
    }

    /// Puts these faults in the place of the ones there were; all rules count from zero.
    pub fn set_faults(&self, faults: Faults) {
        let faulty = &self.shared.faults;
        let mut book = faulty.lock().unwrap_or_else(PoisonError::into_inner);
        *book = FaultBook::new(faults);
    }

    /// The same hand on the account of the tenant with this id, where there is one.
    #[must_use]
    pub fn of_tenant(&self, tenant_id: &str) -> Option<Self> {
        let mut accounts = self.shared.accounts();
        let account = accounts.find(|account| {
            let account = account.read().unwrap_or_else(PoisonError::into_inner);
            account.tenant_id() == Some(tenant_id)
        });
        Some(Self {
            shared: Arc::clone(&self.shared),
            account: Arc::clone(account?),
        })
    }

    /// Puts another world in the place of the one there was. What was created in that is gone, and so is what was said
    /// of its true usage; the settings stay.
    pub fn set_world(&self, world: World) {
        self.write().set_world(world);
    }

    /// Changes the world between two calls. The usage in its rows is what resources take that the emulator did not
    /// create.
    pub fn with_world<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        change(self.write().world_mut())
    }

    /// Sets the limit of a row, or takes it away. Says whether there is such a row.
    pub fn set_limit(
        &self,
        parent_id: &str,
        quota: &str,
        region: &str,
        limit: Option<u64>,
    ) -> bool {
        let mut account = self.write();
        match key(&account, parent_id, quota, region) {
            Some(key) => account.set_limit(&key, limit),
            None => false,
        }
    }

    /// How much resources really take that the emulator did not create, whatever the world recorded: launches are held
    /// to it at once, and readers see it unless the row hides its usage. Says whether the tenant or project is known.
    pub fn set_base_usage(&self, parent_id: &str, quota: &str, region: &str, usage: u64) -> bool {
        let mut account = self.write();
        let key = key(&account, parent_id, quota, region);
        key.map(|key| account.truths_mut().rows.insert(key, usage))
            .is_some()
    }

    /// How many GPUs of a capacity block group resources really take that the emulator did not create.
    pub fn set_base_block_usage(&self, capacity_block_group_id: &str, gpus: u64) {
        let id = capacity_block_group_id.to_owned();
        self.write().truths_mut().blocks.insert(id, gpus);
    }

    /// What all resources really take of a quota now, whatever readers see; absent for an unknown tenant or project.
    #[must_use]
    pub fn true_usage(&self, parent_id: &str, quota: &str, region: &str) -> Option<u64> {
        let account = self.read();
        let key = key(&account, parent_id, quota, region)?;
        Some(account.true_usage(&key))
    }

    /// How many GPUs of a capacity block group are really taken now.
    #[must_use]
    pub fn true_block_usage(&self, capacity_block_group_id: &str) -> Option<u64> {
        self.read().true_block_usage(capacity_block_group_id)
    }

    /// The instances that exist, oldest first, without counting as a look at them.
    #[must_use]
    pub fn instances(&self) -> Vec<Instance> {
        self.read().inventory().instances.all()
    }

    /// The disks that exist, oldest first.
    #[must_use]
    pub fn disks(&self) -> Vec<Disk> {
        self.read().inventory().disks.all()
    }

    /// The GPU clusters that exist, oldest first.
    #[must_use]
    pub fn gpu_clusters(&self) -> Vec<GpuCluster> {
        self.read().inventory().gpu_clusters.all()
    }

    /// The file systems that exist, oldest first.
    #[must_use]
    pub fn filesystems(&self) -> Vec<Filesystem> {
        self.read().inventory().filesystems.all()
    }

    /// The addresses that exist, oldest first.
    #[must_use]
    pub fn allocations(&self) -> Vec<Allocation> {
        self.read().inventory().allocations.all()
    }

    /// The settings, with the hardware that is left now.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.read().settings().clone()
    }

    /// Changes the settings between two calls.
    pub fn with_settings<T>(&self, change: impl FnOnce(&mut Settings) -> T) -> T {
        change(self.write().settings_mut())
    }

    /// Says how much hardware is left of one kind.
    pub fn set_hardware(&self, hardware: Hardware) {
        self.with_settings(|settings| settings.set_hardware(hardware));
    }

    /// The clock that the emulator goes by.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    fn read(&self) -> RwLockReadGuard<'_, Account> {
        self.account.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Account> {
        self.account.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(account: &Account, parent_id: &str, quota: &str, region: &str) -> Option<RowKey> {
    let scope = account.scope(parent_id).ok()?;
    Some(RowKey::new(&scope, quota, region))
}
