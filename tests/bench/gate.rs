//! What the gate adds to the cloud's own answers: calls, waits and the final check, each beside the number to reach.
//!
//! `cargo bench -p quotagate-cli --bench gate` runs it against the emulator over real gRPC and exits with 1 where a number is
//! missed.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement"
)]

#[path = "table.rs"]
mod table;

use std::{
    collections::BTreeSet,
    path::Path,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use nebius_api::world::World;
use nebius_emulator::{Emulator, Faults, Running};
use quotagate::{
    Feed, Gate, GateOptions, HoldOptions, Launch, Plugin, Policy, Profile, Question,
    RefreshOptions, Source, SourceId, source::Account,
};
use quotagate_nebius::{ConnectOptions, Environment, NebiusClient};

use self::table::{Row, median};

const ROUNDS: usize = 200;

async fn cloud() -> Running {
    let world = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/emulator/worlds/acme");
    let world = World::read(&world).unwrap();
    Emulator::builder(world).spawn().await.unwrap()
}

fn client(cloud: &Running) -> Arc<NebiusClient> {
    let options = ConnectOptions {
        endpoint: Some(cloud.addr().to_string()),
        ..ConnectOptions::new(Environment::new(Vec::<(String, String)>::new(), None))
    };
    Arc::new(NebiusClient::new(&options).unwrap())
}

fn gate(plugin: &Plugin, client: &Arc<NebiusClient>, options: GateOptions) -> Gate {
    let source: Arc<dyn Source> = Arc::<NebiusClient>::clone(client);
    let builder = Gate::builder(plugin.clone(), source).options(options);
    builder.build().unwrap()
}

/// A launch of CPUs, which fits: it draws on the rows of both scopes and on nothing else.
async fn launch(gate: &Gate) -> Launch {
    let inventory = gate.inventory().await;
    let offers = inventory.offers();
    for offer in offers
        .into_iter()
        .filter(|offer| offer.instance_type.starts_with("cpu") && offer.lifecycle == "on-demand")
    {
        let launch = Launch {
            offer,
            count: 1,
            profile: Profile::default(),
        };
        let Ok(verified) = gate.verify(&launch).await else {
            continue;
        };
        if let Some(hold) = verified.hold {
            hold.release();
            return verified.launch;
        }
    }
    unreachable!("the account has room for a CPU instance")
}

/// A thousand lists at once, nothing read before.
async fn cold(plugin: &Plugin) -> Row {
    let cloud = cloud().await;
    cloud.set_faults(
        Faults::from_json(r#"{"rules": [{"method": "List", "page_size": 20}]}"#).unwrap(),
    );
    let gate = gate(plugin, &client(&cloud), GateOptions::default());
    let lists = (0..1_000).map(|_| {
        let gate = gate.clone();
        tokio::spawn(async move {
            let offers = gate.offers().await;
            gate.filter(&Question::new(&offers))
                .await
                .unwrap()
                .items
                .len()
        })
    });
    let lengths: BTreeSet<usize> = join_all(lists)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(lengths.len(), 1, "all of them see the same");
    let calls = cloud.calls();
    let pages: BTreeSet<_> = calls
        .iter()
        .map(|call| (&call.method, &call.parent_id, &call.page_token))
        .collect();
    Row {
        what: "calls for 1,000 concurrent lists on a cold cache",
        measured: format!("{} for {} pages", calls.len(), pages.len()),
        reach: "one a page",
        reached: Some(calls.len() == pages.len()),
    }
}

/// The lists of rows that a launch rests on.
async fn rows(gate: &Gate, source: &dyn Source, launch: &Launch) -> Vec<SourceId> {
    let inventory = gate.inventory().await;
    let account = Account {
        projects: inventory.contract().owners,
        ..Account::default()
    };
    let chain = account.projects.iter().find(|chain| {
        let project = chain.last();
        project.is_some_and(|project| project.id == launch.profile.project)
    });
    let owners: BTreeSet<&str> = chain
        .unwrap()
        .iter()
        .map(|owner| owner.id.as_str())
        .collect();
    let mut sources = source.sources(Some(&account));
    sources.retain(|source| {
        let owner = source.owner.as_deref();
        source.feed == Feed::Rows && owner.is_none_or(|owner| owners.contains(owner))
    });
    sources
}

/// The final check beside the same reads without a gate, in turn.
async fn verify(plugin: &Plugin, file: bool) -> Row {
    let cloud = cloud().await;
    let folder = tempfile::tempdir().unwrap();
    let file_of_holds = file.then(|| folder.path().join("holds.jsonl"));
    let options = GateOptions::default().holds(HoldOptions::default().file(file_of_holds));
    let client = client(&cloud);
    let gate = gate(plugin, &client, options);
    let launch = launch(&gate).await;
    let rows = rows(&gate, &*client, &launch).await;
    let (mut alone, mut checked) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for read in join_all(rows.iter().map(|source| client.ask(source))).await {
            read.unwrap();
        }
        alone.push(begun.elapsed());
        let begun = Instant::now();
        let verified = gate.verify(&launch).await.unwrap();
        checked.push(begun.elapsed());
        verified.hold.unwrap().release();
    }
    let added = median(&mut checked).saturating_sub(median(&mut alone));
    Row {
        what: if file {
            "the same, with holds kept in a file"
        } else {
            "added by the final check to the API round trip"
        },
        measured: format!(
            "{added:?} to {:?} (medians of {ROUNDS})",
            median(&mut alone)
        ),
        reach: "<= 1 ms",
        reached: Some(added <= Duration::from_millis(1)),
    }
}

/// Lists while everything is read again from a cloud that takes 300 ms for each page.
async fn stale(plugin: &Plugin) -> Row {
    let cloud = cloud().await;
    let always = quotagate::options::Freshness {
        interval: Duration::from_millis(1),
        max_age: Duration::from_secs(900),
    };
    let refresh = RefreshOptions::default()
        .account(always)
        .rows(always)
        .types(always)
        .capacities(always)
        .reservations(always);
    let options = GateOptions::default().refresh(refresh);
    let gate = gate(plugin, &client(&cloud), options);
    let offers = gate.offers().await;
    cloud.set_faults(
        Faults::from_json(r#"{"rules": [{"method": "*", "latency_ms": 300}]}"#).unwrap(),
    );
    let mut waits = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        gate.filter(&Question::new(&offers)).await.unwrap();
        waits.push(begun.elapsed());
        tokio::task::yield_now().await;
    }
    waits.sort();
    let worst = waits[ROUNDS * 99 / 100];
    Row {
        what: "a list while all is read again from a cloud that takes 300 ms",
        measured: format!("{:?}, 99 of 100 within {worst:?}", waits[ROUNDS / 2]),
        reach: "no wait for it",
        reached: Some(worst < Duration::from_millis(100)),
    }
}

/// Sixty-four that want the last unit at once, many times.
async fn race(plugin: &Plugin) -> Row {
    let cloud = cloud().await;
    let gate = gate(plugin, &client(&cloud), GateOptions::default());
    let launch = launch(&gate).await;
    let check = gate.check(&launch, &Policy::default()).await.unwrap();
    let fits = check.verdict.fits_count.unwrap();
    let last = Launch {
        count: fits,
        ..launch
    };
    let (mut won, mut times) = (0, Vec::new());
    for _ in 0..20 {
        let begun = Instant::now();
        let all = (0..64).map(|_| {
            let (gate, launch) = (gate.clone(), last.clone());
            tokio::spawn(async move { gate.verify(&launch).await.unwrap().hold })
        });
        let holds: Vec<_> = join_all(all)
            .await
            .into_iter()
            .filter_map(Result::unwrap)
            .collect();
        times.push(begun.elapsed());
        won += holds.len();
        holds.into_iter().for_each(quotagate::Hold::release);
    }
    Row {
        what: "winners of 64 final checks on the last units, 20 times",
        measured: format!("{won} ({:?} for all 64)", median(&mut times)),
        reach: "20",
        reached: Some(won == 20),
    }
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let rows = runtime.block_on(async {
        let plugin = Plugin::load(quotagate_plugins::NEBIUS.bytes).unwrap();
        [
            cold(&plugin).await,
            verify(&plugin, false).await,
            verify(&plugin, true).await,
            stale(&plugin).await,
            race(&plugin).await,
        ]
    });
    table::print(&rows)
}
