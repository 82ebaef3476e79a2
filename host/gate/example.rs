//! Judges the offers of an account that was recorded, and one launch of them.

#![allow(clippy::print_stdout, reason = "its answer")]

use std::{env, error::Error, path::Path, sync::Arc};

use quotagate::{Gate, Launch, Need, Offer, Plugin, Policy, Profile, Question};
use quotagate_nebius::RecordedWorld;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = env::args().nth(1).ok_or("name a world")?;
    let plugin = Plugin::load(quotagate_plugins::NEBIUS.bytes)?;
    let source = RecordedWorld::read(Path::new(&world))?;
    let gate = Gate::new(plugin, Arc::new(source))?;

    let offers = gate.offers().await;
    for item in gate.filter(&Question::new(&offers)).await?.items {
        let Some(offer) = offers.get(item.index) else {
            continue;
        };
        if offer.region == "eu-north1" && offer.instance_type.contains("h200") {
            println!(
                "{:38} {:12} {}",
                offer.instance_type,
                offer.lifecycle,
                item.verdict.availability()
            );
        }
    }

    let launch = Launch {
        offer: Offer {
            instance_type: "gpu-h200-sxm 8gpu-128vcpu-1600gb".to_owned(),
            region: "eu-north1".to_owned(),
            lifecycle: "on-demand".to_owned(),
            ..Offer::default()
        },
        count: 1,
        profile: Profile {
            needs: vec![
                Need::sized("disk.network-ssd", 100 << 30),
                Need::pieces("address.private", 1),
            ],
            ..Profile::default()
        },
    };
    let verdict = gate.check(&launch, &Policy::default()).await?.verdict;
    if let Some(finding) = verdict.findings.first() {
        println!("{}: {:?}", verdict.quota, finding);
    }
    Ok(())
}
