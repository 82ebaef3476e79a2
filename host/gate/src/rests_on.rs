//! What plans rest on, asked once for all who ask at a time (single-flight): so their final checks read the account together,
//! however many they are.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use quotagate_contract::{Launch, Policy};
use tokio::sync::OnceCell;

use crate::{inventory::Inventory, judge::Judge};

/// Plans that are remembered; those that were asked about last.
const KEPT: usize = 64;

/// The keys of the sources that plans rest on, by what was read when it was asked.
#[derive(Default)]
pub(crate) struct RestsOn(Mutex<VecDeque<Known>>);

struct Known {
    plugin: String,
    generation: u64,
    plan: Arc<[Launch]>,
    keys: Arc<OnceCell<Arc<[String]>>>,
}

impl RestsOn {
    /// What a plan rests on by what is known now; nothing where the plugin does not say. It is where a final check begins to read:
    /// a judgement of what was read may rest on more.
    pub(crate) async fn of(
        &self,
        judge: &Judge,
        inventory: &Arc<Inventory>,
        plan: &Arc<[Launch]>,
    ) -> Arc<[String]> {
        let keys = self.keys(judge, inventory, plan);
        let asked = Arc::clone(plan);
        let ask = || async move {
            let admission = judge.call("admit", inventory, move |plugin, shown, clock| {
                plugin.admit(shown, clock, &asked, &Policy::default())
            });
            match admission.await {
                Ok(admission) => admission.rests_on.into(),
                Err(_) => Arc::from([]),
            }
        };
        Arc::clone(keys.get_or_init(ask).await)
    }

    fn keys(
        &self,
        judge: &Judge,
        inventory: &Inventory,
        plan: &Arc<[Launch]>,
    ) -> Arc<OnceCell<Arc<[String]>>> {
        let plugin = judge.plugin();
        let generation = inventory.answers_generation();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = known.iter().find(|known| {
            known.generation == generation && known.plan == *plan && known.plugin == plugin.sha256()
        });
        if let Some(same) = same {
            return Arc::clone(&same.keys);
        }
        if known.len() >= KEPT {
            known.pop_front();
        }
        let keys = Arc::default();
        known.push_back(Known {
            plugin: plugin.sha256().to_owned(),
            generation,
            plan: Arc::clone(plan),
            keys: Arc::clone(&keys),
        });
        keys
    }
}
