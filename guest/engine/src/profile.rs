//! What every launch of a profile takes in a region, whatever its type.

use alloc::vec::Vec;

use quotagate_contract::Profile;

use crate::{
    cloud::{At, Cloud, Demand, InvalidLaunch},
    compile::Part,
    context::RegionContext,
    here::Call,
    offered::Refused,
};

/// A profile resolved in a region, for one generation.
#[derive(Default)]
pub(crate) struct KnownProfile {
    profile: Profile,
    /// What is found in rows of the region and of everywhere.
    pub(crate) part: Part,
    /// What is found in a zone's rows.
    pub(crate) zonal: Vec<Demand<'static>>,
    /// Of each target whether `part` takes something of it.
    takes_of: Vec<bool>,
    /// Why what it needs cannot be had in the region, where a launch names no zone.
    pub(crate) refused: Option<Refused>,
}

impl KnownProfile {
    pub(crate) fn resolve<C: Cloud>(
        call: &Call<'_, C>,
        context: &mut RegionContext,
        profile: &Profile,
    ) -> Result<Self, InvalidLaunch> {
        let demands = call.cloud.profile_demands(profile)?;
        let is_zonal = |demand: &Demand<'_>| demand.any_of.iter().any(|claim| claim.at == At::Zone);
        let (zonal, regional): (Vec<_>, Vec<_>) = demands.into_iter().partition(is_zonal);
        let part = Part::resolve(context, call.cloud, call.reader, &regional, &[]);
        let mut takes_of = Vec::new();
        takes_of.resize(context.targets.len(), false);
        for entry in &part.short {
            let at = usize::try_from(entry.target).unwrap_or(usize::MAX);
            if let Some(takes_of) = takes_of.get_mut(at) {
                *takes_of = true;
            }
        }
        Ok(Self {
            profile: profile.clone(),
            part,
            zonal,
            takes_of,
            refused: context.needs_are_against(&profile.needs, None),
        })
    }

    /// Whether it is this profile.
    pub(crate) fn is(&self, profile: &Profile) -> bool {
        self.profile == *profile
    }

    /// Whether another part of the launch takes something of the same row.
    pub(crate) fn meets(&self, part: &Part) -> bool {
        part.short.iter().any(|entry| {
            let at = usize::try_from(entry.target).unwrap_or(usize::MAX);
            self.takes_of.get(at).copied().unwrap_or(false)
        })
    }
}
