//! Offers, each judged alone.

use alloc::{string::String, vec::Vec};

use crate::{
    account::Account,
    demand::{Cloud, InvalidLaunch},
    judge::{Here, Judge},
    ledger::Ledger,
    vocabulary::{Launch, Lifecycle, Offer, Policy, Profile, Verdict},
};

/// Judges each offer alone: could `count` instances of it, each with `profile`, be launched now? Verdicts in the order of
/// the offers. `now` is in milliseconds since the Unix epoch.
///
/// # Errors
/// When the launch makes no sense for one of the offers.
pub fn assess(
    cloud: &impl Cloud,
    account: &Account,
    now: u64,
    offers: &[Offer],
    count: u32,
    profile: &Profile,
    policy: &Policy,
) -> Result<Vec<Verdict>, InvalidLaunch> {
    let judge = Judge {
        cloud,
        account,
        now,
        policy,
    };
    // One launch, whose offer alone changes: the profile is cloned once.
    let mut launch = Launch {
        offer: Offer {
            instance_type: String::new(),
            region: String::new(),
            lifecycle: Lifecycle::OnDemand,
        },
        count,
        profile: profile.clone(),
    };
    let mut regions: Vec<(&str, Here<'_>)> = Vec::new();
    let mut verdicts = Vec::with_capacity(offers.len());
    for offer in offers {
        launch.offer.clone_from(offer);
        let known = regions
            .iter()
            .position(|(region, _)| *region == offer.region);
        let index = match known {
            Some(index) => index,
            None => {
                let here = judge.here(&launch, &Ledger::default())?;
                regions.push((&offer.region, here));
                regions.len() - 1
            }
        };
        if let Some((_, here)) = regions.get(index) {
            let judgement = judge.launch(&launch, here, &mut Ledger::default());
            let fits_count = judgement.bound.fits_count();
            verdicts.push(judgement.verdict(cloud, policy, fits_count));
        }
    }
    Ok(verdicts)
}
