//! What else would do: launches of as much of the same hardware, in other regions, under other lifecycles, in other sizes.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use quotagate_contract::{InstanceType, Launch, Offer, Profile};

use crate::{cloud::Cloud, here::Call, store::Store};

/// The launches that would do in place of one, nearest first: the same region, then the same type, then the same lifecycle, then
/// fewer instances. Nothing of them is judged.
pub(crate) fn alternatives<C: Cloud>(
    call: &Call<'_, C>,
    store: &mut Store,
    launch: &Launch,
) -> Vec<Launch> {
    let asked = &launch.offer;
    let lists = lists(call, store, launch);
    let mut listed = lists.iter().flat_map(|list| &list.types);
    let wanted = listed
        .find(|known| known.name == asked.instance_type)
        .cloned();
    let Some(wanted) = wanted.or_else(|| call.cloud.unlisted_type(&asked.instance_type)) else {
        return Vec::new();
    };
    let mut found: Vec<Launch> = Vec::new();
    for list in &lists {
        // A type may be listed more than once.
        let mut seen: BTreeSet<[&str; 2]> = BTreeSet::new();
        for known in &list.types {
            let Some(count) = instances_for(call.cloud, launch.count, &wanted, known) else {
                continue;
            };
            for lifecycle in lifecycles(known, &list.region) {
                let is_asked = list.region == asked.region
                    && known.name == asked.instance_type
                    && lifecycle == asked.lifecycle;
                if !is_asked && seen.insert([known.name.as_str(), lifecycle]) {
                    found.push(other(launch, known, list, lifecycle, count));
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

/// What one project is offered in one region.
struct List {
    project: String,
    region: String,
    types: Vec<InstanceType>,
}

/// What is offered in each region: to the launch's project where it is offered anything there, else to the first that is.
fn lists<C: Cloud>(call: &Call<'_, C>, store: &mut Store, launch: &Launch) -> Vec<List> {
    let mut regions: Vec<String> = Vec::from([launch.offer.region.clone()]);
    for region in store.regions(call.reader).iter() {
        if !regions.contains(region) {
            regions.push(region.clone());
        }
    }
    let own = &launch.profile.project;
    let mut projects: Vec<String> = Vec::from([own.clone()]);
    projects.extend(call.reader.projects().into_iter().filter(|id| id != own));
    let lists = regions.into_iter().filter_map(|region| {
        projects.iter().find_map(|project| {
            let types = call.reader.instance_types(project, &region).into_iter();
            let types: Vec<InstanceType> = types.map(|known| known.instance_type).collect();
            (!types.is_empty()).then(|| List {
                project: project.clone(),
                region: region.clone(),
                types,
            })
        })
    });
    lists.collect()
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
    list: &List,
    lifecycle: &str,
    count: u32,
) -> Launch {
    Launch {
        offer: Offer {
            instance_type: known.name.clone(),
            region: list.region.clone(),
            // Zones have other names elsewhere.
            zone: None,
            lifecycle: lifecycle.into(),
            needs: launch.offer.needs.clone(),
        },
        count,
        profile: Profile {
            project: list.project.clone(),
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
