//! Judges the offers of an account that was recorded, and one launch of them.

#![allow(clippy::print_stdout, reason = "its answer")]

use std::{env, error::Error, path::Path, sync::Arc};

use quotagate::{Disk, Gate, Launch, Lifecycle, Offer, Plugin, Policy, Profile};
use quotagate_nebius::RecordedWorld;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = env::args().nth(1).ok_or("name a world")?;
    let plugin = Plugin::load(quotagate_plugins::NEBIUS.bytes)?;
    let source = RecordedWorld::read(Path::new(&world))?;
    let gate = Gate::new(plugin, Arc::new(source))?;

    let offers = gate.offers().await;
    let (profile, policy) = (Profile::default(), Policy::default());
    for item in gate.filter(&offers, 1, &profile, &policy).await?.items {
        if item.offer.region == "eu-north1" && item.offer.instance_type.contains("h200") {
            let (offer, verdict) = (&item.offer, &item.verdict);
            println!(
                "{:38} {:12} {}",
                offer.instance_type, offer.lifecycle, verdict.availability
            );
        }
    }

    let launch = Launch {
        offer: Offer {
            instance_type: "gpu-h200-sxm 8gpu-128vcpu-1600gb".to_owned(),
            region: "eu-north1".to_owned(),
            lifecycle: Lifecycle::OnDemand,
        },
        count: 1,
        profile: Profile {
            disks: vec![Disk {
                kind: "network-ssd".to_owned(),
                bytes: 100 << 30,
                count: 1,
            }],
            private_addresses: 1,
            ..Profile::default()
        },
    };
    let verdict = gate.check(&launch, &policy).await?.verdict;
    if let Some(finding) = verdict.findings.first() {
        println!("{}: {:?}", verdict.quota, finding);
    }
    Ok(())
}
