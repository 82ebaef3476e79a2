//! What one call of a plugin may use up: every resource has a bound, and every bound a name.

use std::time::Duration;

use wasmtime::{Store, StoreLimits, StoreLimitsBuilder};

use super::{engine, linker::State};

/// What one call of a plugin may use up. The defaults suit an account of some ten thousand rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in bytes. Default 64 MiB.
    pub memory: usize,
    /// Elements of its function tables. Default 10,000.
    pub table_elements: usize,
    /// Bytes that one call across the boundary may copy in. Default 32 MiB.
    pub host_call_bytes: usize,
    /// Handles to resources. The contract has none. Default 16.
    pub handles: usize,
    /// Time for a call, to the next tick of 5 ms. Default 1 s.
    pub time: Duration,
    /// Steps of the machine for a call, which come out the same on every machine. Counting them makes calls slower, so
    /// none, the default, leaves the bound to `time`.
    pub fuel: Option<u64>,
    /// Idle instances kept for the calls to come, each with its memory. Default 4; none makes every call fresh.
    pub warm_instances: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 64 << 20,
            table_elements: 10_000,
            host_call_bytes: 32 << 20,
            handles: 16,
            time: Duration::from_secs(1),
            fuel: None,
            warm_instances: 4,
        }
    }
}

impl Limits {
    pub(super) fn store_limits(&self) -> StoreLimits {
        StoreLimitsBuilder::new()
            .memory_size(self.memory)
            .table_elements(self.table_elements)
            // A component is a few core instances; this bounds how many a hostile one may make.
            .instances(16)
            .memories(4)
            .tables(16)
            // A refused growth ends the call with an error that says so, instead of a trap without a reason.
            .trap_on_grow_failure(true)
            .build()
    }

    pub(super) fn apply(&self, store: &mut Store<State>) {
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(self.host_call_bytes);
        store.set_max_component_handles(self.handles);
        store.epoch_deadline_trap();
    }

    /// A call's time and steps count from here.
    pub(super) fn start_call(&self, store: &mut Store<State>) -> wasmtime::Result<()> {
        store.set_epoch_deadline(engine::ticks(self.time));
        self.fuel.map_or(Ok(()), |fuel| store.set_fuel(fuel))
    }
}
