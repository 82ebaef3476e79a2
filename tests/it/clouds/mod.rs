//! Five imaginary clouds through one contract: each with its table of cases, natively and through its component, and against an
//! account that counts for itself.

mod cases;
mod differential;
mod world;

use std::sync::Arc;

use quotagate::{Check, Detail, Gate, Launch, Plugin, Policy, StaticSource, Verdict};
use quotagate_engine::{Cloud, Engine, NativeReader, NumberedOffer, Reader as _};

use self::world::{NOW, World};

/// The native judgement of one launch, in words.
fn natively<C: Cloud>(cloud: C, world: &World, launch: &Launch, detail: Detail) -> Verdict {
    let reader = NativeReader::new(world.inventory.clone(), NOW);
    let offer = &launch.offer;
    let numbered = NumberedOffer {
        instance_type: reader.number_of(&offer.instance_type),
        region: reader.number_of(&offer.region),
        zone: reader.number_of(offer.zone.as_deref().unwrap_or_default()),
        lifecycle: reader.number_of(&offer.lifecycle),
    };
    let policy = Policy {
        detail,
        ..Policy::default()
    };
    let judged = Engine::new(cloud).explain(
        &reader,
        &[numbered],
        &[],
        launch.count,
        &launch.profile,
        &policy,
    );
    judged.unwrap().remove(0)
}

/// The judgement of the same launch through a gate with the component.
fn through(component: &[u8], world: &World, launch: &Launch, detail: Detail) -> Verdict {
    let plugin = Plugin::load(component).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let source = StaticSource::new(world.cloud, world.inventory.clone());
        let gate = Gate::new(plugin, Arc::new(source)).unwrap();
        let policy = Policy {
            detail,
            ..Policy::default()
        };
        let Check { verdict, .. } = gate.check(launch, &policy).await.unwrap();
        verdict
    })
}

/// A verdict in one line: the outcomes, how many fit, and each finding with its numbers.
fn told(verdict: &Verdict) -> String {
    let count = verdict
        .fits_count
        .map_or_else(|| "?".to_owned(), |count| count.to_string());
    let mut text = format!("{}, {}, fits {count}", verdict.quota, verdict.capacity);
    for finding in &verdict.findings {
        let number =
            |number: Option<u64>| number.map_or("?".to_owned(), |number| number.to_string());
        let place = match (&finding.region, &finding.zone) {
            (_, Some(zone)) => format!(" in {zone}"),
            (Some(region), None) => format!(" in {region}"),
            (None, None) => String::new(),
        };
        text.push_str(&format!("; {}", finding.reason));
        if let Some(quota) = &finding.quota {
            let owner = finding.owner.as_deref().unwrap_or("nobody");
            text.push_str(&format!(
                " of {quota} of {owner}{place}: {} of {}",
                number(finding.required),
                number(finding.headroom)
            ));
            if let Some(limit) = finding
                .minimum_limit
                .filter(|_| finding.shortfall.is_some())
            {
                text.push_str(&format!(", needs {limit}"));
            }
        }
    }
    text
}

/// Holds one launch to what is expected of it, natively and through the component.
fn check<C: Cloud>(cloud: C, component: &[u8], world: &World, launch: &Launch, expected: &str) {
    let native = natively(cloud, world, launch, Detail::Deciding);
    assert_eq!(told(&native), expected, "{launch:?}");
    assert_eq!(through(component, world, launch, Detail::Deciding), native);
}
