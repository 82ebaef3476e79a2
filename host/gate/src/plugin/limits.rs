//! What one call of a plugin may use up: every resource has a bound, and every bound a name.

use std::time::Duration;

/// What one call of a plugin may use up. The defaults suit an account of some ten thousand rows.
///
/// A component's call stack is bounded too, by wasmtime's own half a megabyte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Linear memory in bytes, all memories of an instance together. Default 64 MiB.
    pub memory: usize,
    /// Elements of its function tables, all tables of an instance together. Default 10,000.
    pub table_elements: usize,
    /// Bytes that one crossing of the boundary may carry out of the plugin: an answer, or the arguments of a question to
    /// the inventory. Nothing of a question is kept, so how many there are is bounded by `time`; what the inventory answers
    /// goes into the plugin's own memory. Default 32 MiB.
    pub host_call_bytes: usize,
    /// Handles to resources. The contract has none, and one that is imported is refused at load; this bounds those that a
    /// component makes for itself. Default 16.
    pub handles: usize,
    /// Time for a call, to the next tick of 5 ms. A call that waits for its turn waits no longer than this either.
    /// Default 1 s.
    pub time: Duration,
    /// Steps of the machine for a call, which come out the same on every machine. Counting them makes calls slower, so
    /// none, the default, leaves the bound to `time`.
    pub fuel: Option<u64>,
    /// Idle instances kept for the calls to come, each with its memory. Default 4; none makes every call fresh.
    pub warm_instances: usize,
    /// Calls at a time, each with its memory; at least one. Those beyond wait for their turn, and end as
    /// [`super::CallError::Busy`] where it does not come within `time`. Default 64.
    pub concurrent_calls: usize,
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
            concurrent_calls: 64,
        }
    }
}
