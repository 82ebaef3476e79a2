//! A plugin asked directly about one snapshot of an account, without a gate: failures stay errors, and nothing is read again
//! or held.

use std::sync::Arc;

use quotagate_contract::{Admission, Diagnosis, Failure, Launch, Policy, Standing, Verdict};

use super::{AssessCall, CallError, Plugin, Shown};
use crate::{clock::Clock, inventory::Inventory, question::Question};

/// A plugin and the account that it is asked about, at the time of a clock. A gate turns the failures of a plugin into verdicts
/// that say so; here they are [`CallError`]s. Questions are judged in the project that they name, as they are.
///
/// ```
/// use std::sync::Arc;
/// use quotagate::{Clock, ContractInventory, Inventory, Plugin, Question};
///
/// let plugin = Plugin::load(quotagate_plugins::MINIMAL)?;
/// let account = Arc::new(Inventory::from(ContractInventory::default()));
/// let verdicts = plugin.on(&account, &Clock::system()).assess(&Question::new(&[]))?;
/// assert!(verdicts.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct PluginOn {
    plugin: Plugin,
    shown: Arc<dyn Shown>,
    clock: Clock,
}

impl Plugin {
    /// Asks the plugin about an account as it is in an inventory.
    pub fn on(&self, inventory: &Arc<Inventory>, clock: &Clock) -> PluginOn {
        PluginOn {
            plugin: self.clone(),
            shown: Arc::clone(inventory) as Arc<dyn Shown>,
            clock: clock.clone(),
        }
    }
}

impl PluginOn {
    /// Judges each offer alone, in numbers: findings without words.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn assess(&self, question: &Question<'_>) -> Result<Vec<Arc<Verdict>>, CallError> {
        let call = AssessCall::from(question);
        self.plugin.assess(&self.shown, &self.clock, &call)
    }

    /// The same judgement in words.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn explain(&self, question: &Question<'_>) -> Result<Vec<Verdict>, CallError> {
        let call = AssessCall::from(question);
        self.plugin.explain(&self.shown, &self.clock, &call)
    }

    /// Judges launches together.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn admit(&self, plan: &[Launch], policy: &Policy) -> Result<Admission, CallError> {
        self.plugin.admit(&self.shown, &self.clock, plan, policy)
    }

    /// The rows that launches of a project may draw on, as the plugin reads them; those of these keys, where keys are given.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn standings(
        &self,
        project: &str,
        only: Option<&[String]>,
    ) -> Result<Vec<Standing>, CallError> {
        self.plugin
            .standings(&self.shown, &self.clock, project, only)
    }

    /// Says what a failure means.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn diagnose(
        &self,
        failure: &Failure,
        launch: Option<&Launch>,
    ) -> Result<Diagnosis, CallError> {
        self.plugin
            .diagnose(&self.shown, &self.clock, failure, launch)
    }

    /// Launches of what a launch launches, elsewhere or otherwise.
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn alternatives(&self, launch: &Launch) -> Result<Vec<Launch>, CallError> {
        self.plugin.alternatives(&self.shown, &self.clock, launch)
    }

    /// The JSON twin of [`Self::explain`].
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn assess_json(&self, request: &str) -> Result<String, CallError> {
        self.plugin.assess_json(&self.shown, &self.clock, request)
    }

    /// The JSON twin of [`Self::admit`].
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn admit_json(&self, request: &str) -> Result<String, CallError> {
        self.plugin.admit_json(&self.shown, &self.clock, request)
    }

    /// The JSON twin of [`Self::diagnose`].
    ///
    /// # Errors
    /// See [`CallError`].
    pub fn diagnose_json(&self, request: &str) -> Result<String, CallError> {
        self.plugin.diagnose_json(&self.shown, &self.clock, request)
    }
}

impl From<&Question<'_>> for AssessCall {
    fn from(question: &Question<'_>) -> Self {
        Self {
            offers: question.offers().into(),
            count: question.count,
            profile: question.profile.clone(),
            policy: question.policy,
        }
    }
}
