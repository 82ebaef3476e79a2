//! Builds a gate: for which projects, by which clock, with which options.

use std::sync::Arc;

use crate::{
    clock::Clock,
    gate::{Gate, GateError, check_cloud},
    inventory::{Cache, Projects},
    judge::Judge,
    options::GateOptions,
    plugin::Plugin,
    source::Source,
};

/// A gate to be. See [`Gate::builder`].
#[must_use]
pub struct GateBuilder {
    plugin: Plugin,
    source: Arc<dyn Source>,
    projects: Projects,
    clock: Clock,
    options: GateOptions,
}

impl GateBuilder {
    pub(crate) fn new(plugin: Plugin, source: Arc<dyn Source>) -> Self {
        Self {
            plugin,
            source,
            projects: Projects::All,
            clock: Clock::system(),
            options: GateOptions::default(),
        }
    }

    /// For one project alone: nothing of the others is read.
    pub fn project(mut self, project: &str) -> Self {
        self.projects = Projects::One(project.to_owned());
        self
    }

    /// By another clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// With other options.
    pub fn options(mut self, options: GateOptions) -> Self {
        self.options = options;
        self
    }

    /// The gate. Nothing is read yet.
    ///
    /// # Errors
    /// When plugin and source are of different clouds, or holds cannot be kept in the file that the options name.
    pub fn build(self) -> Result<Gate, GateError> {
        check_cloud(&self.plugin, &*self.source)?;
        let options = Arc::new(self.options);
        let judge = Arc::new(Judge::new(self.plugin, self.clock.clone()));
        let cache = Cache::new(
            self.source,
            Arc::<Judge>::clone(&judge),
            self.clock,
            self.projects,
            Arc::clone(&options),
        )?;
        Ok(Gate::from_parts(judge, cache, options))
    }
}
