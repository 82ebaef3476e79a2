//! A plugin's judgement of an inventory, without a gate: for records, for tests, for hosts of other languages. Calls block while
//! the plugin computes.

use std::sync::Arc;

use quotagate_contract::{Admission, Diagnosis, Failure, Launch, Policy, Standing, Verdict};

use crate::{
    clock::Clock,
    inventory::Inventory,
    plugin::{AssessCall, CallError, Plugin, Shown},
    question::Question,
};

/// A plugin that is shown one inventory at the time of one clock. See [`Plugin::on`].
pub struct OnInventory<'a> {
    plugin: &'a Plugin,
    clock: &'a Clock,
    shown: Arc<dyn Shown>,
}

impl Plugin {
    /// Judges by an inventory, as it stands there.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::sync::Arc;
    /// use quotagate::{Clock, ContractInventory, Inventory, Plugin};
    ///
    /// let plugin = Plugin::load(quotagate_plugins::ALL[0].bytes)?;
    /// let inventory = Arc::new(Inventory::from(ContractInventory::default()));
    /// assert!(plugin.on(&inventory, &Clock::system()).standings("nobody's", None)?.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    pub fn on<'a>(&'a self, inventory: &Arc<Inventory>, clock: &'a Clock) -> OnInventory<'a> {
        OnInventory {
            plugin: self,
            clock,
            shown: Arc::<Inventory>::clone(inventory),
        }
    }
}

#[expect(
    clippy::missing_errors_doc,
    reason = "they all fail alike, with a `CallError`"
)]
impl OnInventory<'_> {
    /// Judges each offer alone, in numbers; in the profile's project. A shortage is a verdict, never an error.
    pub fn assess(&self, question: &Question<'_>) -> Result<Vec<Arc<Verdict>>, CallError> {
        self.plugin.assess(&self.shown, self.clock, &call(question))
    }

    /// The same with words.
    pub fn explain(&self, question: &Question<'_>) -> Result<Vec<Verdict>, CallError> {
        self.plugin
            .explain(&self.shown, self.clock, &call(question))
    }

    /// Judges launches together, in their order.
    pub fn admit(&self, plan: &[Launch], policy: &Policy) -> Result<Admission, CallError> {
        self.plugin.admit(&self.shown, self.clock, plan, policy)
    }

    /// The rows that launches of a project may draw on; only those of these keys, where they are given.
    pub fn standings(
        &self,
        project: &str,
        only: Option<&[String]>,
    ) -> Result<Vec<Standing>, CallError> {
        self.plugin
            .standings(&self.shown, self.clock, project, only)
    }

    /// Says what a launch error means.
    pub fn diagnose(
        &self,
        failure: &Failure,
        launch: Option<&Launch>,
    ) -> Result<Diagnosis, CallError> {
        self.plugin
            .diagnose(&self.shown, self.clock, failure, launch)
    }

    /// Launches that would do in place of another, best first, whether they fit or not.
    pub fn alternatives(&self, launch: &Launch) -> Result<Vec<Launch>, CallError> {
        self.plugin.alternatives(&self.shown, self.clock, launch)
    }

    /// The JSON twin of [`Self::explain`]; see `assess-json` in `wit/gate.wit`. Of the text only the outer shape is checked.
    pub fn assess_json(&self, request: &str) -> Result<String, CallError> {
        self.plugin.assess_json(&self.shown, self.clock, request)
    }

    /// The JSON twin of [`Self::admit`]; see `admit-json` in `wit/gate.wit`. Of the text only the outer shape is checked.
    pub fn admit_json(&self, request: &str) -> Result<String, CallError> {
        self.plugin.admit_json(&self.shown, self.clock, request)
    }

    /// The JSON twin of [`Self::diagnose`]; see `diagnose-json` in `wit/gate.wit`. Of the text only the outer shape is checked.
    pub fn diagnose_json(&self, request: &str) -> Result<String, CallError> {
        self.plugin.diagnose_json(&self.shown, self.clock, request)
    }
}

fn call(question: &Question<'_>) -> AssessCall {
    AssessCall {
        offers: question.offers().into(),
        count: question.count,
        profile: question.profile.clone(),
        policy: question.policy,
    }
}
