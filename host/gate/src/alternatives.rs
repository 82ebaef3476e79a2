//! What else would do: launches of as many GPUs of the same model, or as many vCPUs, that are available now.

use std::{cmp::Ordering, collections::BTreeMap, sync::Arc};

use crate::{
    gate::{Gate, GateError},
    inventory::Inventory,
    types::{Availability, InstanceType, Launch, Offer, Policy, Profile, Verdict},
};

/// A launch that would do in place of another.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// What to launch.
    pub offer: Offer,
    /// The project to launch it in.
    pub project: String,
    /// How many instances make up for those asked for.
    pub count: u32,
    /// Its judgement; always available.
    pub verdict: Arc<Verdict>,
}

impl Gate {
    /// Launches that are available now and give as much of the same: another lifecycle, other sizes of the same GPU,
    /// other regions. Those nearest to the launch come first: the same region, then the same type, then the same
    /// lifecycle, then fewer instances.
    ///
    /// # Errors
    /// As for [`Gate::filter`].
    pub async fn alternatives(
        &self,
        launch: &Launch,
        policy: &Policy,
    ) -> Result<Vec<Alternative>, GateError> {
        let inventory = self.inventory().await;
        let Some(wanted) = inventory.instance_type(&launch.offer.instance_type) else {
            return Ok(Vec::new());
        };
        let mut by_count: BTreeMap<u32, Vec<Offer>> = BTreeMap::new();
        for offer in inventory.offers() {
            let count = inventory
                .instance_type(&offer.instance_type)
                .and_then(|other| instances_for(launch.count, wanted, other));
            if let Some(count) = count.filter(|_| offer != launch.offer) {
                by_count.entry(count).or_default().push(offer);
            }
        }
        let mut found = Vec::new();
        for (count, offers) in by_count {
            // Another region means another project, and the fabrics there have other names.
            let profile = Profile {
                project: String::new(),
                fabric: None,
                restart: false,
                ..launch.profile.clone()
            };
            let listing = self.filter(&offers, count, &profile, policy).await?;
            found.extend(
                listing
                    .items
                    .into_iter()
                    .filter(|item| item.verdict.availability == Availability::Available)
                    .map(|item| Alternative {
                        offer: item.offer,
                        project: item.project,
                        count,
                        verdict: item.verdict,
                    }),
            );
        }
        found.sort_by(|one, other| nearer(&launch.offer, one, other));
        Ok(found)
    }
}

impl Inventory {
    /// The type of that name, from the first project that is offered it.
    pub fn instance_type(&self, name: &str) -> Option<&InstanceType> {
        self.projects()
            .flat_map(|project| self.types_of(project))
            .find(|item| item.name == name)
    }
}

/// How many instances of `other` give as much as `count` of `wanted`; none where they are of another kind.
fn instances_for(count: u32, wanted: &InstanceType, other: &InstanceType) -> Option<u32> {
    let (each, of_other) = if wanted.gpus > 0 {
        let same_model = match (&wanted.gpu_quota, &other.gpu_quota) {
            (Some(one), Some(other)) => one == other,
            _ => wanted.family == other.family,
        };
        if !same_model || other.gpus == 0 {
            return None;
        }
        (wanted.gpus, other.gpus)
    } else {
        if other.gpus > 0 || other.vcpus != wanted.vcpus {
            return None;
        }
        (1, 1)
    };
    let total = u64::from(count) * u64::from(each);
    u32::try_from(total.div_ceil(of_other.into())).ok()
}

fn nearer(asked: &Offer, one: &Alternative, other: &Alternative) -> Ordering {
    let distance = |alternative: &Alternative| {
        let offer = &alternative.offer;
        (
            offer.region != asked.region,
            offer.instance_type != asked.instance_type,
            offer.lifecycle != asked.lifecycle,
            alternative.count,
        )
    };
    distance(one)
        .cmp(&distance(other))
        .then_with(|| one.offer.region.cmp(&other.offer.region))
}
