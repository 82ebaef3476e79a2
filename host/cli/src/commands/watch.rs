//! `quotagate watch`: follows an account, a line a change, and serves metrics of it.

use std::time::Duration;

use jiff::Timestamp;
use quotagate::{Gate, Question, Strictness, options::Freshness};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    account::Account,
    args::{Global, Watch},
    error::{CliError, Exit},
    known, launch,
    output::{Output, nobody_reads},
    progress,
    session::Opening,
    watch::{Exporter, Lines, Seen, View},
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
    let mut opening = Opening::new(global, output)?;
    let refresh = &mut opening.options.refresh;
    for freshness in [
        &mut refresh.rows,
        &mut refresh.holdings,
        &mut refresh.capacities,
        &mut refresh.reservations,
    ] {
        *freshness = Freshness {
            interval,
            max_age: freshness.max_age.max(interval.saturating_mul(3)),
        };
    }
    let session = opening.open(global, options.launch.project.as_deref(), output)?;
    let inventory = progress::wait(output, "reading the account", session.gate.inventory()).await;
    let account = Account::of(&inventory);
    if let Some(project) = &options.launch.project {
        known::project(&account, project)?;
    }
    for region in &options.region {
        known::region(&account, region, session.descriptor())?;
    }
    let gate = session.gate;
    // Only now: what waits for answers reads them itself.
    let _refresher = gate.keep_fresh();
    // The first scrape finds everything there.
    gate.show_metrics().await;
    if let Some(exporter) = &exporter {
        let address = exporter.address();
        output.note(&format!("metrics at http://{address}/metrics"));
        if !address.ip().is_loopback() {
            output.warn(
                "whoever reaches this address reads the metrics, with the ids of the account and its projects, in plain text and without a password; 127.0.0.1 is for this machine alone",
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
    let plugin = gate.plugin();
    let lines = Lines {
        format: output.format,
        units: &plugin.descriptor().units,
    };
    let mut before = look(gate, options).await?;
    output.data(&lines.summary(&before.view, Timestamp::now())?)?;
    while !output.is_closed() {
        sleep(LOOK).await;
        if gate.inventory().await.generation() == before.generation {
            continue;
        }
        let now = look(gate, options).await?;
        for change in before.view.changes_to(&now.view) {
            output.data(&lines.change(&change, Timestamp::now())?)?;
        }
        before = now;
    }
    Ok(())
}

/// One look.
struct Look {
    view: View,
    /// The generation that was seen at least: what changes while it is judged is of the next, and looked at again.
    generation: u64,
}

async fn look(gate: &Gate, options: &Watch) -> Result<Look, CliError> {
    let inventory = gate.inventory().await;
    let account = Account::of(&inventory);
    let plugin = gate.plugin();
    let cloud = plugin.descriptor();
    let mut offers = account.offers.clone();
    offers.retain(|offer| options.region.is_empty() || options.region.contains(&offer.region));
    let question = Question::new(&offers)
        .count(options.launch.count)
        .profile(launch::profile(&options.launch, cloud)?)
        .strictness(Strictness::Advisory);
    // What is printed of an offer is why, so it is asked for in words.
    let listing = gate.explain(&question).await?;
    let mut standings = Vec::new();
    for project in account.projects() {
        standings.extend(gate.standings(&project.id).await?);
    }
    let seen = Seen {
        standings: &standings,
        sources: account.sources(),
        lessons: &account.contract().lessons,
        offers: &offers,
        judged: &listing.items,
        regions: &options.region,
    };
    Ok(Look {
        view: View::new(&seen, cloud),
        generation: inventory.generation(),
    })
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
