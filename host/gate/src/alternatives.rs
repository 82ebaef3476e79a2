//! What else would do: launches that the plugin names in place of another, as far as they are available now.

use std::sync::Arc;

use quotagate_contract::{Availability, Launch, Offer, Policy, Profile, Verdict};

use crate::{
    gate::{Gate, GateError},
    question::Question,
};

/// A launch that would do in place of another.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Alternative {
    /// What to launch, with its project filled in.
    pub launch: Launch,
    /// Its judgement; always available.
    pub verdict: Arc<Verdict>,
}

/// Launches that differ in their offers alone, which are judged in one call.
struct Alike {
    count: u32,
    profile: Profile,
    offers: Vec<Offer>,
    /// Their places among all launches.
    places: Vec<usize>,
}

impl Gate {
    /// Launches that would do in place of another and are available now, best first. Which they are is the plugin's answer.
    ///
    /// # Errors
    /// As for [`Gate::check`].
    pub async fn alternatives(
        &self,
        launch: &Launch,
        policy: &Policy,
    ) -> Result<Vec<Alternative>, GateError> {
        let inventory = self.inventory_of([launch.offer.region.as_str()]).await;
        let mut launch = launch.clone();
        launch.profile.project = inventory.project_for(&launch)?;
        let candidates = self
            .judge()
            .call("alternatives", &inventory, move |plugin, shown, clock| {
                plugin.alternatives(shown, clock, &launch)
            })
            .await?;
        let mut alike: Vec<Alike> = Vec::new();
        for (place, candidate) in candidates.into_iter().enumerate() {
            let Launch {
                offer,
                count,
                profile,
            } = candidate;
            let known = alike
                .iter_mut()
                .find(|known| known.count == count && known.profile == profile);
            match known {
                Some(known) => {
                    known.offers.push(offer);
                    known.places.push(place);
                }
                None => alike.push(Alike {
                    count,
                    profile,
                    offers: vec![offer],
                    places: vec![place],
                }),
            }
        }
        let mut found: Vec<(usize, Alternative)> = Vec::new();
        for Alike {
            count,
            profile,
            offers,
            places,
        } in alike
        {
            let question = Question::new(&offers).count(count).profile(profile.clone());
            let listing = self.explain(&question.policy(*policy)).await?;
            for item in listing.items {
                let at = places.get(item.index).copied();
                let offer = offers.get(item.index).cloned();
                if let Some((at, offer)) = at.zip(offer)
                    && item.verdict.availability() == Availability::Available
                {
                    let profile = Profile {
                        project: item.project.to_string(),
                        ..profile.clone()
                    };
                    let launch = Launch {
                        offer,
                        count,
                        profile,
                    };
                    let verdict = item.verdict;
                    found.push((at, Alternative { launch, verdict }));
                }
            }
        }
        found.sort_by_key(|(at, _)| *at);
        Ok(found
            .into_iter()
            .map(|(_, alternative)| alternative)
            .collect())
    }
}
