//! Calls of the plugin in use: on threads where they block nobody, and no more at a time than there are processors.

use std::{
    sync::{Arc, PoisonError, RwLock},
    thread,
};

use async_trait::async_trait;
use quotagate_contract::Standing;
use tokio::{runtime::Handle, sync::Semaphore};

use crate::{
    clock::Clock,
    inventory::{AskStandings, Inventory},
    plugin::{CallError, Plugin, Shown},
    telemetry,
};

/// The plugin in use.
pub(crate) struct Judge {
    // Read for a clone, written for a swap.
    plugin: RwLock<Plugin>,
    clock: Clock,
    /// Calls at a time: as many as there are processors, since a call only computes.
    turns: Arc<Semaphore>,
}

impl Judge {
    pub(crate) fn new(plugin: Plugin, clock: Clock) -> Self {
        let processors = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            plugin: RwLock::new(plugin),
            clock,
            turns: Arc::new(Semaphore::new(processors)),
        }
    }

    pub(crate) fn plugin(&self) -> Plugin {
        self.plugin
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Judges with another one from now on; gives the one there was.
    pub(crate) fn swap(&self, plugin: Plugin) -> Plugin {
        let mut current = self.plugin.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, plugin)
    }

    /// Calls the plugin on a thread where it blocks nobody: a call computes, for up to [`crate::Limits::time`].
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        function: &'static str,
        inventory: &Arc<Inventory>,
        call: impl FnOnce(&Plugin, &Arc<dyn Shown>, &Clock) -> Result<T, CallError> + Send + 'static,
    ) -> Result<T, CallError> {
        let (plugin, clock) = (self.plugin(), self.clock.clone());
        let shown: Arc<dyn Shown> = Arc::<Inventory>::clone(inventory);
        let span = tracing::Span::current();
        let run =
            move || span.in_scope(|| telemetry::called(function, || call(&plugin, &shown, &clock)));
        let Ok(runtime) = Handle::try_current() else {
            return run();
        };
        // Moved along, so that a call whose caller went away still counts until it ends.
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let called = runtime.spawn_blocking(move || {
            let _turn = turn;
            run()
        });
        called
            .await
            .unwrap_or_else(|error| Err(CallError::Interrupted(Box::new(error))))
    }
}

#[async_trait]
impl AskStandings for Judge {
    async fn standings(
        &self,
        inventory: &Arc<Inventory>,
        project: &str,
        rows: &[String],
    ) -> Option<Vec<Standing>> {
        let (project, rows) = (project.to_owned(), rows.to_vec());
        // A failure is in the log, and shows nothing of any row.
        self.call("standings", inventory, move |plugin, shown, clock| {
            plugin.standings(shown, clock, &project, Some(&rows))
        })
        .await
        .ok()
    }
}
