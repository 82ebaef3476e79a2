//! `quotagate offers`: every offer with its verdict, what can be launched first.

use std::collections::{BTreeMap, HashSet};

use quotagate::{
    Availability, Clock, Detail, JudgedOffer, Offer, Profile, Question, SourceReport, Strictness,
};

use crate::{
    account::Account,
    args::{Format, Global, Offers},
    catalog::{self, Entry},
    error::{CliError, Exit},
    gpu::Gpus,
    known, launch,
    order::sort,
    output::Output,
    progress,
    render::{
        offers::{self, Item},
        sources,
    },
    session::{Opening, Session},
};

/// Lists the offers that the options ask for.
pub(crate) async fn run(
    global: &Global,
    options: &Offers,
    output: &mut Output,
) -> Result<Exit, CliError> {
    let opening = Opening::new(global, output)?;
    // Before the network: a malformed file should not cost a wait.
    let catalog = options.catalog.as_deref();
    let catalog = catalog.map(|path| catalog::read(path, opening.plugin.descriptor()));
    let catalog = catalog.transpose()?.map(|catalog| {
        tell_others(output, catalog.of_other_clouds);
        catalog.entries
    });
    let session = opening.open(global, options.launch.project.as_deref(), output)?;
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
    let account = Account::of(&inventory);
    let cloud = session.descriptor();
    if let Some(project) = &options.launch.project {
        known::project(&account, project)?;
    }
    for region in &options.region {
        known::region(&account, region, cloud)?;
    }
    let from_account = catalog.is_none();
    let entries = choose(session, &account, options, catalog)?;
    let judged = judge(session, options, &entries).await?;
    let mut items: Vec<Item> = judged
        .shown
        .into_iter()
        .filter_map(|(entry, item)| {
            let entry = entries.get(entry)?;
            Some(Item {
                offer: entry.offer.clone(),
                project: item.project,
                verdict: item.verdict,
                gpus: entry.gpus.clone().unwrap_or_default(),
                price: entry.price,
            })
        })
        .collect();
    sort(&mut items, options.sort, &cloud.lifecycles);
    match output.format {
        Format::Json => {
            let now_ms = Clock::system().now_ms();
            output.json(&offers::json(&items, &judged.sources, cloud, now_ms))?;
        }
        Format::Table => {
            if !items.is_empty() {
                output.data(&offers::table(&items, cloud, &output.screen))?;
            }
            let is_available =
                |item: &&Item| item.verdict.availability() == Availability::Available;
            let available = items.iter().filter(is_available).count();
            tell(output, judged.count, available, from_account);
            tell_gaps(output, &sources::gaps(&judged.sources, cloud));
        }
    }
    Ok(Exit::Done)
}

/// What a list shows.
struct Judged {
    /// How many judgements there are, shown or not.
    count: usize,
    /// What is shown, with its words, and which of the entries it is.
    shown: Vec<(usize, JudgedOffer)>,
    sources: Vec<SourceReport>,
}

/// Judges all entries, and words what is shown of them.
async fn judge(session: &Session, options: &Offers, entries: &[Entry]) -> Result<Judged, CliError> {
    let profile = launch::profile(&options.launch, session.descriptor())?;
    let strictness = strictness(session, options);
    let all: Vec<Offer> = entries.iter().map(|entry| entry.offer.clone()).collect();
    if strictness == Strictness::Advisory {
        let listing = session
            .gate
            .explain(&question(&all, options, &profile, strictness))
            .await?;
        return Ok(Judged {
            count: listing.items.len(),
            shown: listing
                .items
                .into_iter()
                .map(|item| (item.index, item))
                .collect(),
            sources: listing.sources,
        });
    }
    let listing = session
        .gate
        .filter(&question(&all, options, &profile, strictness).detail(Detail::None))
        .await?;
    let count = listing.items.len();
    let shown: HashSet<(usize, &str)> = listing
        .items
        .iter()
        .filter(|item| item.visible)
        .map(|item| (item.index, &*item.project))
        .collect();
    let mut which: Vec<usize> = shown.iter().map(|(index, _)| *index).collect();
    which.sort_unstable();
    which.dedup();
    let offers: Vec<Offer> = which
        .iter()
        .filter_map(|index| all.get(*index).cloned())
        .collect();
    let worded = session
        .gate
        .explain(&question(&offers, options, &profile, Strictness::Advisory))
        .await?;
    let entry_of = |item: JudgedOffer| Some((*which.get(item.index)?, item));
    let is_shown = |(entry, item): &(usize, JudgedOffer)| shown.contains(&(*entry, &*item.project));
    Ok(Judged {
        count,
        shown: worded
            .items
            .into_iter()
            .filter_map(entry_of)
            .filter(is_shown)
            .collect(),
        sources: worded.sources,
    })
}

fn question<'a>(
    offers: &'a [Offer],
    options: &Offers,
    profile: &Profile,
    strictness: Strictness,
) -> Question<'a> {
    let detail = if options.explain {
        Detail::All
    } else {
        Detail::Deciding
    };
    Question::new(offers)
        .count(options.launch.count)
        .profile(profile.clone())
        .strictness(strictness)
        .detail(detail)
}

/// The offers to judge: those of the catalog, else of the account, as far as the options ask for them.
fn choose(
    session: &Session,
    account: &Account,
    options: &Offers,
    catalog: Option<Vec<Entry>>,
) -> Result<Vec<Entry>, CliError> {
    let cloud = session.descriptor();
    let from_account = catalog.is_none();
    let mut entries = catalog.unwrap_or_else(|| of_account(account, options));
    let types = account.types();
    let carried: BTreeMap<&str, Gpus> = types
        .map(|known| (known.name.as_str(), Gpus::of(known)))
        .collect();
    for entry in &mut entries {
        let of_type = carried.get(entry.offer.instance_type.as_str()).cloned();
        let gpus = of_type.or_else(|| entry.gpus.take());
        entry.gpus = Some(gpus.unwrap_or_else(|| Gpus::of_name(&entry.offer.instance_type)));
    }
    if let Some(gpu) = &options.gpu {
        let carried = entries.iter().filter_map(|entry| entry.gpus.as_ref());
        known::gpu(account, gpu, carried, cloud)?;
    }
    let lifecycle = options.lifecycle.as_deref();
    let lifecycle = lifecycle.map(|name| launch::lifecycle(Some(name), cloud));
    let lifecycle = lifecycle.transpose()?;
    entries.retain_mut(|entry| asked_for(options, lifecycle.as_ref(), entry));
    if entries.is_empty() && from_account {
        // Nothing to list is an answer only where the lists were read.
        known::types_read(account, &options.region, cloud)?;
    }
    Ok(entries)
}

fn strictness(session: &Session, options: &Offers) -> Strictness {
    match (options.strictness, options.available, options.all) {
        (Some(strictness), ..) => strictness,
        (None, true, _) => Strictness::Strict,
        (None, false, true) => Strictness::Advisory,
        (None, false, false) => session.strictness,
    }
}

/// What the account is offered.
fn of_account(account: &Account, options: &Offers) -> Vec<Entry> {
    let homeless = options.launch.project.iter();
    let homeless = homeless.filter(|project| account.project(project).is_none());
    let homeless = homeless.flat_map(|project| of_homeless(account, project));
    let entries = account.offers.iter().cloned().chain(homeless);
    let entries = entries.map(|offer| Entry {
        offer,
        price: None,
        gpus: None,
    });
    entries.collect()
}

/// The offers of a project that no list tells the region of: its quota rows do, where they agree.
fn of_homeless(account: &Account, project: &str) -> Vec<Offer> {
    let rows = account.contract().rows.iter();
    let own = rows.filter(|row| row.owner == project);
    let mut regions = own.filter_map(|row| row.place.region.as_deref());
    let Some(region) = regions.next() else {
        return Vec::new();
    };
    if regions.any(|other| other != region) {
        return Vec::new();
    }
    let mut offers = Vec::new();
    for known in account.types_of(project) {
        let offered = known.offered.iter();
        let placeless = offered.filter(|offered| offered.place.region.is_none());
        offers.extend(
            placeless
                .flat_map(|offered| &offered.lifecycles)
                .map(|name| Offer {
                    instance_type: known.name.clone(),
                    region: region.to_owned(),
                    zone: None,
                    lifecycle: name.clone(),
                    needs: Vec::new(),
                }),
        );
    }
    offers
}

/// Whether the options ask for an offer. Where they name a zone, an offer of a whole region is taken as one of that zone.
fn asked_for(options: &Offers, lifecycle: Option<&String>, entry: &mut Entry) -> bool {
    let offer = &mut entry.offer;
    let gpus = entry.gpus.as_ref();
    if let Some(zone) = &options.launch.zone
        && offer.zone.get_or_insert_with(|| zone.clone()) != zone
    {
        return false;
    }
    (options.region.is_empty() || options.region.contains(&offer.region))
        && lifecycle.is_none_or(|lifecycle| *lifecycle == offer.lifecycle)
        && options
            .gpu
            .as_ref()
            .is_none_or(|wanted| gpus.is_some_and(|gpus| wanted.matches(gpus)))
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
fn tell_gaps(output: &Output, gaps: &[String]) {
    for gap in gaps {
        output.note(&format!("not read to the end: {gap}"));
    }
    if !gaps.is_empty() {
        output.note("what rests on it is unknown; `quotagate doctor` says what to do");
    }
}
