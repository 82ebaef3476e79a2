//! `quotagate offers`: every offer with its verdict, what can be launched first.

use std::{cmp::Ordering, collections::BTreeMap};

use quotagate::{
    Availability, Clock, Inventory, Lifecycle, NamedSource, Offer, Policy, Strictness,
};

use crate::{
    args::{Format, Global, Offers, SortBy},
    catalog::{self, Entry},
    error::{CliError, Exit},
    gpu::Gpus,
    known, launch,
    output::Output,
    progress,
    render::{
        offers::{self, Item},
        sources,
    },
    session::Session,
};

/// Lists the offers that the options ask for.
pub(crate) async fn run(
    global: &Global,
    options: &Offers,
    output: &mut Output,
) -> Result<Exit, CliError> {
    // Before the network: a malformed file should not cost a wait.
    let catalog = options.catalog.as_deref();
    let catalog = catalog.map(|path| catalog::read(path, quotagate_nebius::CLOUD));
    let catalog = catalog.transpose()?.map(|catalog| {
        tell_others(output, catalog.of_other_clouds);
        catalog.entries
    });
    let session = Session::open(global, options.launch.project.as_deref(), output)?;
    list(&session, options, catalog, output).await
}

/// Lists them in an account that is open.
pub(crate) async fn list(
    session: &Session,
    options: &Offers,
    catalog: Option<Vec<Entry>>,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let inventory = progress::wait(output, "reading the account", session.gate.inventory()).await;
    if let Some(project) = &options.launch.project {
        known::project(&inventory, project)?;
    }
    for region in &options.region {
        known::region(&inventory, region)?;
    }
    let from_account = catalog.is_none();
    let entries = choose(&inventory, options, catalog)?;
    let wanted: Vec<Offer> = entries.iter().map(|entry| entry.offer.clone()).collect();
    let profile = launch::profile(&options.launch);
    let count = options.launch.count;
    let listing = session
        .gate
        .filter(&wanted, count, &profile, &policy(session, options))
        .await?;
    let judged = listing.items.len();
    let available = |item: &&Item| item.verdict.availability == Availability::Available;
    let mut items: Vec<Item> = listing
        .items
        .into_iter()
        .filter(|item| item.verdict.visible)
        .filter_map(|item| {
            let entry = entries.get(item.index)?;
            Some(Item {
                offer: item.offer,
                project: item.project,
                verdict: item.verdict,
                gpus: entry.gpus.clone().unwrap_or_default(),
                price: entry.price,
            })
        })
        .collect();
    items.sort_by(|one, other| order(options.sort, one, other));
    match output.format {
        Format::Json => {
            output.json(&offers::json(
                &items,
                &listing.sources,
                Clock::system().now_ms(),
            ))?;
        }
        Format::Table => {
            if !items.is_empty() {
                output.data(&offers::table(&items, &output.screen))?;
            }
            let available = items.iter().filter(available).count();
            tell(output, judged, available, from_account);
            tell_gaps(output, &listing.sources);
        }
    }
    Ok(Exit::Done)
}

/// The offers to judge: those of the catalog, else of the account, as far as the options ask for them.
fn choose(
    inventory: &Inventory,
    options: &Offers,
    catalog: Option<Vec<Entry>>,
) -> Result<Vec<Entry>, CliError> {
    let from_account = catalog.is_none();
    let mut entries = catalog.unwrap_or_else(|| of_account(inventory, options));
    let carried = types(inventory);
    for entry in &mut entries {
        let of_type = carried.get(entry.offer.instance_type.as_str()).cloned();
        let gpus = of_type.or_else(|| entry.gpus.take());
        entry.gpus = Some(gpus.unwrap_or_else(|| Gpus::of_name(&entry.offer.instance_type)));
    }
    if let Some(gpu) = &options.gpu {
        let carried = entries.iter().filter_map(|entry| entry.gpus.as_ref());
        known::gpu(inventory, gpu, carried)?;
    }
    entries.retain(|entry| asked_for(options, entry));
    if entries.is_empty() && from_account {
        // Nothing to list is an answer only where the lists were read.
        known::types_read(inventory, &options.region)?;
    }
    Ok(entries)
}

fn policy(session: &Session, options: &Offers) -> Policy {
    Policy {
        strictness: match (options.strictness, options.available, options.all) {
            (Some(strictness), ..) => strictness,
            (None, true, _) => Strictness::Strict,
            (None, false, true) => Strictness::Advisory,
            (None, false, false) => session.strictness,
        },
        explain: options.explain,
        ..Policy::default()
    }
}

/// What the account is offered.
fn of_account(inventory: &Inventory, options: &Offers) -> Vec<Entry> {
    let mut offers = inventory.offers();
    if let Some(project) = &options.launch.project
        && inventory.region_of(project).is_none()
    {
        offers.extend(of_homeless(inventory, project));
    }
    let entries = offers.into_iter().map(|offer| Entry {
        offer,
        price: None,
        gpus: None,
    });
    entries.collect()
}

/// The offers of a project that no list tells the region of: its quota rows do, where they agree.
fn of_homeless(inventory: &Inventory, project: &str) -> Vec<Offer> {
    let rows = inventory
        .project_allowances(project)
        .map_or(&[][..], |list| &list.rows);
    let mut regions = rows
        .iter()
        .map(|row| row.region.as_str())
        .filter(|region| !region.is_empty());
    let Some(region) = regions.next() else {
        return Vec::new();
    };
    if regions.any(|other| other != region) {
        return Vec::new();
    }
    let types = inventory.types_of(project).iter();
    types
        .flat_map(|known| {
            let preemptible = known.preemptible.then_some(Lifecycle::Preemptible);
            let lifecycles = [Some(Lifecycle::OnDemand), preemptible];
            lifecycles.into_iter().flatten().map(|lifecycle| Offer {
                instance_type: known.name.clone(),
                region: region.to_owned(),
                lifecycle,
            })
        })
        .collect()
}

/// The GPUs of every type of the account.
fn types(inventory: &Inventory) -> BTreeMap<&str, Gpus> {
    let types = inventory
        .projects()
        .flat_map(|project| inventory.types_of(project));
    types
        .map(|known| (known.name.as_str(), Gpus::of(known)))
        .collect()
}

fn asked_for(options: &Offers, entry: &Entry) -> bool {
    let offer = &entry.offer;
    let gpus = entry.gpus.as_ref();
    (options.region.is_empty() || options.region.contains(&offer.region))
        && options
            .lifecycle
            .is_none_or(|lifecycle| lifecycle == offer.lifecycle)
        && options
            .gpu
            .as_ref()
            .is_none_or(|wanted| gpus.is_some_and(|gpus| wanted.matches(gpus)))
}

/// The order of two offers: by what was asked for, then what can be launched first, then the larger, then by name.
fn order(by: SortBy, one: &Item, other: &Item) -> Ordering {
    let chosen = match by {
        SortBy::Availability => Ordering::Equal,
        // What has no price comes last.
        SortBy::Price => {
            let price = |item: &Item| item.price.unwrap_or(f64::INFINITY);
            price(one).total_cmp(&price(other))
        }
        SortBy::Gpus => other.gpus.count.cmp(&one.gpus.count),
        SortBy::Fits => other.verdict.fits_count.cmp(&one.verdict.fits_count),
        SortBy::Name => by_name(one, other),
        SortBy::Region => one.offer.region.cmp(&other.offer.region),
    };
    chosen
        .then_with(|| rank(one).cmp(&rank(other)))
        .then_with(|| other.gpus.count.cmp(&one.gpus.count))
        .then_with(|| by_name(one, other))
        .then_with(|| one.offer.region.cmp(&other.offer.region))
        .then_with(|| (one.offer.lifecycle as u8).cmp(&(other.offer.lifecycle as u8)))
        .then_with(|| one.project.cmp(&other.project))
}

/// Names by their words and the numbers in them, so that 8 vCPUs come before 16.
fn by_name(one: &Item, other: &Item) -> Ordering {
    let parts = |item: &Item| -> Vec<(u64, String)> {
        let name = item.offer.instance_type.as_str();
        let ends = name.split_inclusive(|character: char| !character.is_ascii_digit());
        ends.map(|part| {
            let digits = part.trim_end_matches(|character: char| !character.is_ascii_digit());
            (digits.parse().unwrap_or(0), part.to_owned())
        })
        .collect()
    };
    parts(one).cmp(&parts(other))
}

fn rank(item: &Item) -> u8 {
    match item.verdict.availability {
        Availability::Available => 0,
        Availability::NoCapacity => 1,
        Availability::Unknown => 2,
        Availability::NoQuota => 3,
    }
}

/// Says how many offers there are, and how to learn more.
fn tell(output: &Output, judged: usize, available: usize, from_account: bool) {
    let text = match (judged, available) {
        (0, _) if from_account => String::from("no offer is like that"),
        (0, _) => String::from("the catalog has no offer like that"),
        (judged, available) => format!(
            "{available} of {judged} offers can be launched now; `quotagate check TYPE --region REGION` says more about one"
        ),
    };
    output.note(&text);
}

/// Counts the rows of a catalog that were passed over.
fn tell_others(output: &Output, rows: usize) {
    match rows {
        0 => {}
        1 => output.note("passed over 1 row of another cloud in the catalog"),
        rows => output.note(&format!(
            "passed over {rows} rows of other clouds in the catalog"
        )),
    }
}

/// Names the sources that were not read to their end.
fn tell_gaps(output: &Output, listed: &[NamedSource]) {
    let gaps = sources::gaps(listed);
    if gaps.is_empty() {
        return;
    }
    for gap in &gaps {
        output.note(&format!("not read to the end: {gap}"));
    }
    output.note("what rests on it is unknown; `quotagate doctor` says what to do");
}
