//! `quotagate watch`: follows an account, a line a change, and serves metrics of it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use quotagate::{Gate, Policy, Strictness, options::Freshness};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    args::{Global, Watch},
    error::{CliError, Exit},
    known, launch,
    output::{Output, nobody_reads},
    progress,
    session::Session,
    watch::{Exporter, Lines, View},
};

/// How often it is looked whether something has come in. Nothing is asked of anybody.
const LOOK: Duration = Duration::from_millis(200);

/// Follows the account until it is told to end.
pub(crate) async fn run(
    global: &Global,
    options: &Watch,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let interval = options.interval;
    let exporter = match options.metrics {
        Some(address) => Some(Exporter::start(address).await?),
        None => None,
    };
    let session = Session::open_with(global, options.launch.project.as_deref(), output, |gate| {
        for freshness in [
            &mut gate.refresh.allowances,
            &mut gate.refresh.capacities,
            &mut gate.refresh.reservations,
        ] {
            *freshness = Freshness {
                interval,
                max_age: freshness.max_age.max(interval.saturating_mul(3)),
            };
        }
    })?;
    let gate = Arc::new(session.gate);
    let inventory = progress::wait(output, "reading the account", gate.inventory()).await;
    if let Some(project) = &options.launch.project {
        known::project(&inventory, project)?;
    }
    for region in &options.region {
        known::region(&inventory, region)?;
    }
    // Only now: what waits for answers reads them itself.
    let _refresher = gate.keep_fresh();
    // The first scrape finds everything there.
    gate.show_metrics();
    if let Some(exporter) = &exporter {
        let address = exporter.address();
        output.note(&format!("metrics at http://{address}/metrics"));
        if !address.ip().is_loopback() {
            output.warn(
                "whoever reaches this address reads the metrics, with the ids of the tenant and its projects, in plain text and without a password; 127.0.0.1 is for this machine alone",
            );
        }
    }
    tokio::select! {
        outcome = follow(&gate, options, output) => outcome?,
        () = told_to_end() => {}
        () = nobody_reads() => {}
        () = over(options.lasting) => {}
    }
    Ok(Exit::Done)
}

/// Prints what changes, until nobody reads it any more.
async fn follow(gate: &Gate, options: &Watch, output: &mut Output) -> Result<(), CliError> {
    let lines = Lines(output.format);
    let (mut before, mut generation) = look(gate, options).await?;
    output.data(&lines.summary(&before, Timestamp::now())?)?;
    while !output.is_closed() {
        sleep(LOOK).await;
        if gate.inventory().await.generation() == generation {
            continue;
        }
        let (now, current) = look(gate, options).await?;
        generation = current;
        for change in before.changes_to(&now) {
            output.data(&lines.change(&change, Timestamp::now())?)?;
        }
        before = now;
    }
    Ok(())
}

/// Looks at the account, and says which generation of it was seen at least: what changes while it is judged is of the
/// next, and looked at again.
async fn look(gate: &Gate, options: &Watch) -> Result<(View, u64), CliError> {
    let inventory = gate.inventory().await;
    let mut offers = inventory.offers();
    offers.retain(|offer| options.region.is_empty() || options.region.contains(&offer.region));
    let profile = launch::profile(&options.launch);
    let policy = Policy {
        strictness: Strictness::Advisory,
        ..Policy::default()
    };
    let count = options.launch.count;
    let listing = gate.filter(&offers, count, &profile, &policy).await?;
    let view = View::new(&inventory, &listing.items, &options.region);
    Ok((view, inventory.generation()))
}

/// Waits for the signal that ends a program.
async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _interrupted = tokio::signal::ctrl_c().await;
}

async fn over(lasting: Option<Duration>) {
    match lasting {
        Some(lasting) => sleep_until(Instant::now() + lasting).await,
        None => std::future::pending().await,
    }
}
