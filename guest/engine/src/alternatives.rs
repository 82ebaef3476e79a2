//! What else would do: launches of as much of the same hardware, in other regions, under other lifecycles, in other sizes.

use alloc::{string::String, vec::Vec};

use quotagate_contract::{InstanceType, Launch, Offer, Profile};

use crate::{cloud::Cloud, here::Call, store::Store};

/// The launches that would do in place of one, nearest first: the same region, then the same type, then the same lifecycle, then
/// fewer instances. Nothing of them is judged.
pub(crate) fn alternatives<C: Cloud>(
    call: &Call<'_, C>,
    store: &mut Store,
    launch: &Launch,
) -> Vec<Launch> {
    let project = launch.profile.project.as_str();
    let asked = &launch.offer;
    let mut regions: Vec<String> = Vec::from([asked.region.clone()]);
    for region in store.regions(call.reader).iter() {
        if !regions.contains(region) {
            regions.push(region.clone());
        }
    }
    let lists = regions.iter().map(|region| {
        let types = call.reader.instance_types(project, region).into_iter();
        types
            .map(|known| known.instance_type)
            .collect::<Vec<InstanceType>>()
    });
    let lists: Vec<Vec<InstanceType>> = lists.collect();
    let mut listed = lists.iter().flatten();
    let wanted = listed
        .find(|known| known.name == asked.instance_type)
        .cloned();
    let Some(wanted) = wanted.or_else(|| call.cloud.unlisted_type(&asked.instance_type)) else {
        return Vec::new();
    };
    let mut found: Vec<Launch> = Vec::new();
    for (region, types) in regions.iter().zip(&lists) {
        for known in types {
            let Some(count) = instances_for(call.cloud, launch.count, &wanted, known) else {
                continue;
            };
            for lifecycle in lifecycles(known, region) {
                let is_asked = *region == asked.region
                    && known.name == asked.instance_type
                    && lifecycle == asked.lifecycle;
                if !is_asked {
                    found.push(other(launch, known, region, lifecycle, count));
                }
            }
        }
    }
    found.sort_by(|one, other| {
        let distance = |found: &Launch| {
            (
                found.offer.region != asked.region,
                found.offer.instance_type != asked.instance_type,
                found.offer.lifecycle != asked.lifecycle,
                found.count,
            )
        };
        let nearer = distance(one).cmp(&distance(other));
        nearer.then_with(|| one.offer.region.cmp(&other.offer.region))
    });
    found
}

/// The lifecycles under which a type is offered in a region, each once.
fn lifecycles<'t>(known: &'t InstanceType, region: &str) -> Vec<&'t str> {
    let mut lifecycles: Vec<&str> = Vec::new();
    for offered in &known.offered {
        let is_there = offered
            .place
            .region
            .as_deref()
            .is_none_or(|own| own == region);
        if is_there && offered.restriction.is_none() {
            for lifecycle in &offered.lifecycles {
                if !lifecycles.contains(&lifecycle.as_str()) {
                    lifecycles.push(lifecycle);
                }
            }
        }
    }
    lifecycles
}

fn other(
    launch: &Launch,
    known: &InstanceType,
    region: &str,
    lifecycle: &str,
    count: u32,
) -> Launch {
    Launch {
        offer: Offer {
            instance_type: known.name.clone(),
            region: region.into(),
            // Zones have other names elsewhere.
            zone: None,
            lifecycle: lifecycle.into(),
            needs: launch.offer.needs.clone(),
        },
        count,
        profile: Profile {
            restart: false,
            reservation_key: None,
            ..launch.profile.clone()
        },
    }
}

/// How many instances of `other` give as much as `count` of `wanted`; none where they are of another kind.
fn instances_for(
    cloud: &impl Cloud,
    count: u32,
    wanted: &InstanceType,
    other: &InstanceType,
) -> Option<u32> {
    let (each, of_other) = if wanted.gpus > 0 {
        if other.gpus == 0 || !(wanted.name == other.name || cloud.is_alike(wanted, other)) {
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
