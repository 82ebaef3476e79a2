//! Counts the memory and the tables of one instance, and ends the call that asks for more than there may be.

use wasmtime::ResourceLimiter;

/// What an instance has, and what it may have.
pub(super) struct Meter {
    memory: Gauge,
    table_elements: Gauge,
}

struct Gauge {
    resource: Resource,
    used: usize,
    limit: usize,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Memory,
    TableElements,
}

/// An instance asked for more than it may have.
#[derive(Debug, thiserror::Error)]
#[error("a {resource:?} of {asked} is more than {limit}")]
pub(super) struct Exceeded {
    pub(super) resource: Resource,
    pub(super) asked: usize,
    pub(super) limit: usize,
}

impl Meter {
    pub(super) const fn new(memory: usize, table_elements: usize) -> Self {
        Self {
            memory: Gauge {
                resource: Resource::Memory,
                used: 0,
                limit: memory,
            },
            table_elements: Gauge {
                resource: Resource::TableElements,
                used: 0,
                limit: table_elements,
            },
        }
    }
}

impl Gauge {
    /// Counts a growth; where it is too much, an error, which ends the call and says so, instead of an answer that the
    /// component would turn into a trap without a reason.
    fn grow(&mut self, current: usize, desired: usize) -> wasmtime::Result<bool> {
        let asked = self.used.saturating_add(desired).saturating_sub(current);
        if asked > self.limit {
            return Err(Exceeded {
                resource: self.resource,
                asked,
                limit: self.limit,
            }
            .into());
        }
        self.used = asked;
        Ok(true)
    }
}

// What is allowed and fails all the same, for want of the machine's memory, ends the call too: the sums would be wrong.
impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.memory.grow(current, desired)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(error)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.table_elements.grow(current, desired)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(error)
    }

    // A component is a few core instances; these bound how many a hostile one may make.
    fn instances(&self) -> usize {
        16
    }

    fn tables(&self) -> usize {
        16
    }

    fn memories(&self) -> usize {
        4
    }
}
