//! Plugins that break one rule each: each gives its typed error, and the next call is right.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use quotagate_bad_plugins::{
    MINIMAL, NEWER_CONTRACT, OLDER_CONTRACT, OTHER_WORLD, SPEECHLESS, SPY, TWO_CONTRACTS, UNRULY,
};
use quotagate_contract::{
    Capacity, Failure, Feed, Holding, InstanceType, Inventory, KindOffered, Launch, Lesson, Limit,
    Offer, Offered, Owner, Place, PlaceOffered, Policy, Profile, QuotaOutcome, Reason, Reservation,
    Row, SourceReport, SourceState, Take, TypesOfProject, Usage,
};

use super::*;
use crate::clock::Clock;

/// An account that an inventory has as data, whose chain of owners can be made a loop.
#[derive(Default)]
struct Account {
    inventory: Inventory,
    looped: AtomicBool,
}

impl Shown for Account {
    fn generation(&self, _: Option<&str>) -> u64 {
        // Another one each time it is another chain.
        1 + u64::from(self.looped.load(Ordering::Relaxed))
    }

    fn owners(&self, project: &str) -> Vec<Owner> {
        let is_projects = |chain: &&Vec<Owner>| chain.last().is_some_and(|last| last.id == project);
        let chain = self.inventory.owners.iter().find(is_projects);
        let mut chain = chain.cloned().unwrap_or_default();
        if self.looped.load(Ordering::Relaxed) {
            chain.extend_from_within(..);
        }
        chain
    }

    fn projects(&self) -> Vec<String> {
        let projects = self
            .inventory
            .owners
            .iter()
            .filter_map(|chain| chain.last());
        projects.map(|project| project.id.clone()).collect()
    }

    fn places(&self) -> Vec<PlaceOffered> {
        self.inventory.places.clone()
    }

    fn rows<'a>(&'a self, owner: &str, region: Option<&str>) -> Vec<&'a Row> {
        let rows = self.inventory.rows.iter();
        rows.filter(|row| row.owner == owner && row.place.region.as_deref() == region)
            .collect()
    }

    fn holdings<'a>(&'a self, _: &str, _: Option<&str>) -> Vec<&'a Holding> {
        Vec::new()
    }

    fn instance_types<'a>(&'a self, project: &str, _: &str) -> Vec<&'a InstanceType> {
        let types = self.inventory.types.iter();
        let types = types.filter(|types| types.project == project);
        types.flat_map(|types| &types.items).collect()
    }

    fn kinds<'a>(&'a self, _: &str, _: &str) -> Vec<&'a KindOffered> {
        Vec::new()
    }

    fn capacities<'a>(&'a self, _: &str) -> Vec<&'a Capacity> {
        Vec::new()
    }

    fn reservations(&self, _: &str, region: &str) -> Vec<Reservation> {
        let in_region = |one: &&Reservation| one.row.place.region.as_deref() == Some(region);
        let all = self.inventory.reservations.iter();
        let all = all.flat_map(|of_project| &of_project.items);
        all.filter(in_region).cloned().collect()
    }

    fn held(&self) -> &[Take] {
        &self.inventory.held
    }

    fn lessons(&self) -> &[Lesson] {
        &self.inventory.lessons
    }

    fn sources_counter(&self) -> u64 {
        1
    }

    fn sources(&self, _: &str) -> Vec<SourceReport> {
        self.inventory.sources.clone()
    }
}

const REGION: &str = "here";

/// One project with ten instances in one region, of which three are used, and a reservation.
fn account() -> Arc<Account> {
    let project = Owner {
        id: "project".to_owned(),
        level: "account".to_owned(),
        ..Owner::default()
    };
    let row = |key: &str| Row {
        key: key.to_owned(),
        quota: "instances".to_owned(),
        owner: "project".to_owned(),
        place: Place::region(REGION),
        unit: "count".to_owned(),
        limit: Limit::Amount(10),
        usage: Usage::exactly(3),
        ..Row::default()
    };
    let small = InstanceType {
        name: "small".to_owned(),
        vcpus: 1,
        offered: vec![Offered {
            place: Place::region(REGION),
            lifecycles: vec!["on-demand".to_owned()],
            ..Offered::default()
        }],
        ..InstanceType::default()
    };
    let source = |kind: &str, feed| SourceReport {
        key: kind.to_owned(),
        kind: kind.to_owned(),
        feed,
        owner: None,
        place: Place::EVERYWHERE,
        state: SourceState::Complete,
        fetched_at: 1,
        asked_at: 1,
        detail: None,
    };
    Arc::new(Account {
        inventory: Inventory {
            owners: vec![vec![project]],
            places: vec![PlaceOffered {
                place: Place::region(REGION),
                restriction: None,
            }],
            rows: vec![row("project/instances/here")],
            types: vec![TypesOfProject {
                project: "project".to_owned(),
                items: vec![small],
                kinds: Vec::new(),
            }],
            reservations: vec![quotagate_contract::ReservationsOfProject {
                project: "project".to_owned(),
                items: vec![Reservation {
                    row: row("reservation/1"),
                    ..Reservation::default()
                }],
            }],
            sources: vec![
                source("account", Feed::Account),
                source("rows", Feed::Rows),
                source("types", Feed::Types),
            ],
            ..Inventory::default()
        },
        ..Account::default()
    })
}

fn shown() -> Arc<dyn Shown> {
    account()
}

fn load(bytes: &[u8]) -> Result<Plugin, LoadError> {
    Plugin::load(bytes)
}

fn offer(instance_type: &str) -> Offer {
    Offer {
        instance_type: instance_type.to_owned(),
        region: REGION.to_owned(),
        lifecycle: "on-demand".to_owned(),
        ..Offer::default()
    }
}

fn profile() -> Profile {
    Profile {
        project: "project".to_owned(),
        ..Profile::default()
    }
}

fn question(types: &[&str], count: u32) -> AssessCall {
    AssessCall {
        offers: types.iter().map(|name| offer(name)).collect(),
        count,
        profile: profile(),
        policy: Policy::default(),
    }
}

fn launch(instance_type: &str, count: u32) -> Launch {
    Launch {
        offer: offer(instance_type),
        count,
        profile: profile(),
    }
}

fn assert_contradiction<T: fmt::Debug>(
    deed: &str,
    answer: Result<T, CallError>,
    expected: Contradiction,
) {
    match answer {
        Err(CallError::Contradictory { what, .. }) => assert_eq!(what, expected, "{deed}"),
        other => panic!("{deed}: {other:?}"),
    }
}

#[test]
fn an_honest_plugin_judges_in_numbers_and_in_words() {
    let plugin = load(MINIMAL).unwrap();
    assert_eq!(plugin.descriptor().cloud, "minimal");
    let (shown, clock) = (shown(), Clock::system());
    for _ in 0..2 {
        let call = question(&["small", "small", "missing"], 8);
        let verdicts = plugin.assess(&shown, &clock, &call).unwrap();
        assert!(Arc::ptr_eq(&verdicts[0], &verdicts[1]));
        assert_eq!(verdicts[0].quota, QuotaOutcome::Blocked);
        assert_eq!(verdicts[0].fits_count, Some(7));
        let [finding] = verdicts[0].findings.as_slice() else {
            panic!("{verdicts:?}");
        };
        assert_eq!(finding.reason, Reason::Shortage);
        assert_eq!(finding.quota.as_deref(), Some("instances"));
        assert_eq!(
            (finding.unit.as_str(), finding.headroom),
            ("count", Some(7))
        );
        let told = plugin.explain(&shown, &clock, &call).unwrap();
        assert_eq!(told[0].quota, QuotaOutcome::Blocked);
        let admission = plugin
            .admit(&shown, &clock, &[launch("small", 2)], &Policy::default())
            .unwrap();
        assert_eq!(admission.verdict.quota, QuotaOutcome::Fits);
        assert_eq!(admission.takes.len(), 1);
        assert_eq!(admission.takes[0].row, "project/instances/here");
        let standings = plugin.standings(&shown, &clock, "project", None).unwrap();
        assert_eq!(standings.len(), 1);
        assert_eq!(standings[0].headroom, Some(7));
        let only = ["nobody's".to_owned()];
        let none = plugin.standings(&shown, &clock, "project", Some(&only));
        assert_eq!(none.unwrap(), []);
    }
}

#[test]
fn a_chain_of_owners_that_is_a_loop_is_refused_and_leaves_the_next_call_alone() {
    let plugin = load(MINIMAL).unwrap();
    let account = account();
    let shown: Arc<dyn Shown> = Arc::clone(&account) as _;
    let clock = Clock::system();
    account.looped.store(true, Ordering::Relaxed);
    let error = plugin
        .assess(&shown, &clock, &question(&["small"], 1))
        .unwrap_err();
    assert!(
        matches!(&error, CallError::OwnersLoop { owner, .. } if owner == "project"),
        "{error:?}"
    );
    account.looped.store(false, Ordering::Relaxed);
    plugin
        .assess(&shown, &clock, &question(&["small"], 1))
        .unwrap();
}

#[test]
fn what_is_no_plugin_of_this_contract_is_refused_by_name() {
    let refused = |bytes| load(bytes).unwrap_err();
    for (bytes, version) in [(OLDER_CONTRACT, "0.1.0"), (NEWER_CONTRACT, "0.3.0")] {
        let error = refused(bytes);
        let LoadError::OtherContract { found } = &error else {
            panic!("{error:?}");
        };
        assert_eq!(found, version);
        assert!(error.to_string().contains(CONTRACT_VERSION));
    }
    assert!(matches!(refused(OTHER_WORLD), LoadError::OtherWorld));
    assert!(matches!(refused(SPY), LoadError::ForeignImports(names) if names.len() == 1));
    assert!(matches!(
        refused(SPEECHLESS),
        LoadError::Describe(CallError::Trapped { .. })
    ));
    assert!(matches!(
        refused(b"\0asm\x01\0\0\0"),
        LoadError::NotAComponent { core_module: true }
    ));
    assert!(matches!(
        refused(b"none"),
        LoadError::NotAComponent { core_module: false }
    ));
    load(TWO_CONTRACTS).unwrap();
}

/// What a plugin says of offers that cannot be true.
const JUDGEMENTS: &[(&str, Contradiction)] = &[
    ("fits-over-blocked", Contradiction::NotTheWorstFinding),
    ("blocked-without-proof", Contradiction::NotTheWorstFinding),
    ("room-while-blocked", Contradiction::AsManyFit),
    ("no-room-while-fits", Contradiction::FewerFit),
    ("reason-against-outcome", Contradiction::RoomThatBlocks),
    ("headroom-above-limit", Contradiction::TooMuchHeadroom),
    ("headroom-unlike-usage", Contradiction::TooMuchHeadroom),
    ("usage-upside-down", Contradiction::UsedUpsideDown),
    ("short-of-nothing", Contradiction::ImpossibleShortfall),
    ("short-of-more-than-all", Contradiction::ImpossibleShortfall),
    ("room-that-falls-short", Contradiction::RoomThatFallsShort),
    ("minimum-below-required", Contradiction::TooSmallALimit),
    ("unknown-row", Contradiction::UnshownRow),
    ("unknown-name", Contradiction::UnknownName),
];

#[test]
fn judgements_that_cannot_be_true_are_no_answers() {
    let plugin = load(UNRULY).unwrap();
    let (shown, clock) = (shown(), Clock::system());
    let in_numbers = [
        ("beyond-the-references", Contradiction::BeyondTheReferences),
        (
            "more-than-the-references",
            Contradiction::BeyondTheReferences,
        ),
        ("beyond-the-findings", Contradiction::BeyondTheFindings),
    ];
    let many = [(
        "a-hundred-thousand-findings",
        Contradiction::TooManyFindings,
    )];
    for (deed, expected) in JUDGEMENTS.iter().chain(&in_numbers).chain(&many) {
        let answer = plugin.assess(&shown, &clock, &question(&["honest", deed], 1));
        assert_contradiction(deed, answer, *expected);
        let right = plugin.assess(&shown, &clock, &question(&["honest"], 3));
        assert_eq!(right.unwrap()[0].fits_count, Some(3));
    }
    for (deed, expected) in JUDGEMENTS.iter().chain(&many) {
        let answer = plugin.explain(&shown, &clock, &question(&["honest", deed], 1));
        assert_contradiction(deed, answer, *expected);
    }
    for (deed, expected) in JUDGEMENTS {
        let plan = [launch(deed, 1)];
        let answer = plugin.admit(&shown, &clock, &plan, &Policy::default());
        assert_contradiction(deed, answer, *expected);
    }
    for deed in ["short", "long"] {
        let call = question(&[deed], 1);
        let error = plugin.assess(&shown, &clock, &call).unwrap_err();
        assert!(matches!(error, CallError::WrongLength { .. }), "{error:?}");
        let error = plugin.explain(&shown, &clock, &call).unwrap_err();
        assert!(matches!(error, CallError::WrongLength { .. }), "{error:?}");
    }
}

#[test]
fn what_a_plan_cannot_take_is_not_held() {
    let plugin = load(UNRULY).unwrap();
    let (shown, clock) = (shown(), Clock::system());
    let admit = |deed: &str| {
        let plan = [launch(deed, 1)];
        plugin.admit(&shown, &clock, &plan, &Policy::default())
    };
    for (deed, expected) in [
        ("breaks-while-fits", Contradiction::BreaksAndFits),
        ("breaks-nowhere", Contradiction::BreaksNowhere),
        ("breaks-beyond-the-plan", Contradiction::BreaksBeyondItsEnd),
        ("take-unshown", Contradiction::UnshownTake),
        ("take-of-nothing", Contradiction::UnshownTake),
        ("take-unknown-name", Contradiction::UnshownTake),
        ("upside-down", Contradiction::TakenUpsideDown),
        ("twice", Contradiction::TakenTwice),
        ("a-hundred-thousand", Contradiction::TooManyTakes),
        ("reserved-upside-down", Contradiction::TakenUpsideDown),
        ("reserved-twice", Contradiction::TakenTwice),
        ("reservation-unshown", Contradiction::UnshownReservation),
        ("source-unshown", Contradiction::UnshownSource),
    ] {
        assert_contradiction(deed, admit(deed), expected);
    }
    let admission = admit("take").unwrap();
    let rows: Vec<&str> = admission
        .takes
        .iter()
        .map(|take| take.row.as_str())
        .collect();
    assert_eq!(rows, ["project/instances/here", "reservation/1"]);
    assert_eq!(admission.reservations, ["reservation/1"]);
}

#[test]
fn standings_diagnoses_and_alternatives_are_held_against_the_contract() {
    let plugin = load(UNRULY).unwrap();
    let (shown, clock) = (shown(), Clock::system());
    let only = ["row/2".to_owned()];
    for (deed, only, expected) in [
        ("stands-twice", None, Contradiction::StandsTwice),
        ("stands-upside-down", None, Contradiction::StandsUpsideDown),
        ("stands-too-tall", None, Contradiction::StandsTooTall),
        (
            "stands-under-another-key",
            None,
            Contradiction::StandsUnderAnotherKey,
        ),
        (
            "stands-unasked",
            Some(only.as_slice()),
            Contradiction::StandsUnasked,
        ),
    ] {
        let answer = plugin.standings(&shown, &clock, deed, only);
        assert_contradiction(deed, answer, expected);
    }
    let many = plugin.standings(&shown, &clock, "a-hundred-thousand-standings", None);
    assert!(matches!(
        many.unwrap_err(),
        CallError::TooManyNames(_)
            | CallError::Contradictory {
                what: Contradiction::TooManyStandings,
                ..
            }
    ));
    for (deed, expected) in [
        ("room-that-blocks", Contradiction::RoomThatBlocks),
        ("two-thousand-findings", Contradiction::TooManyFindings),
        ("lesson-of-an-unknown-row", Contradiction::UnshownLesson),
        ("a-hundred-thousand-lessons", Contradiction::TooManyLessons),
        ("source-unshown", Contradiction::UnshownSource),
    ] {
        let failure = Failure::Text(deed.to_owned());
        for launch in [None, Some(&launch("small", 1))] {
            let answer = plugin.diagnose(&shown, &clock, &failure, launch);
            assert_contradiction(deed, answer, expected);
        }
    }
    let deed = "a-hundred-thousand-alternatives";
    let answer = plugin.alternatives(&shown, &clock, &launch(deed, 1));
    assert_contradiction(deed, answer, Contradiction::TooManyAlternatives);
    let alternatives = plugin.alternatives(&shown, &clock, &launch("small", 2));
    assert_eq!(alternatives.unwrap(), [launch("small", 2)]);
}

#[test]
fn texts_of_another_shape_are_no_answers() {
    let plugin = load(UNRULY).unwrap();
    let (shown, clock) = (shown(), Clock::system());
    let text = r#"{"offers": [1], "verdicts": []}"#;
    assert!(matches!(
        plugin.assess_json(&shown, &clock, text).unwrap_err(),
        CallError::WrongLength {
            asked: 1,
            answered: 0
        }
    ));
    let text = r#"{"offers": [], "verdicts": []}"#;
    assert_eq!(plugin.assess_json(&shown, &clock, text).unwrap(), text);
    for text in ["{}", "no json"] {
        let answers = [
            plugin.assess_json(&shown, &clock, text),
            plugin.admit_json(&shown, &clock, text),
            plugin.diagnose_json(&shown, &clock, text),
        ];
        for answer in answers {
            assert!(matches!(answer.unwrap_err(), CallError::WrongShape(_)));
        }
    }
}

#[cfg(all(unix, feature = "cache"))]
#[test]
fn compiled_code_is_taken_from_the_cache_and_code_that_others_can_write_is_not() {
    use std::{fs, os::unix::fs::PermissionsExt as _};
    let directory = tempfile::tempdir().unwrap();
    let options = PluginOptions {
        cache: CompileCache::At(directory.path().to_owned()),
        ..PluginOptions::default()
    };
    let files = || -> Vec<_> {
        let entries = fs::read_dir(directory.path()).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    };
    let first = Plugin::load_with(UNRULY, &options).unwrap();
    let [file] = files().try_into().unwrap();
    let made = fs::metadata(&file).unwrap().modified().unwrap();
    let second = Plugin::load_with(UNRULY, &options).unwrap();
    assert_eq!(first.descriptor(), second.descriptor());
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), made);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    Plugin::load_with(UNRULY, &options).unwrap();
    // Compiled again, and the file replaced.
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    fs::write(&file, b"damaged").unwrap();
    Plugin::load_with(UNRULY, &options).unwrap();
    assert!(fs::metadata(&file).unwrap().len() > 1_000);
}

#[test]
#[allow(unsafe_code, reason = "loads code that it compiled itself")]
fn code_that_was_compiled_before_is_a_plugin() {
    let engine = PluginEngine::new().unwrap();
    let options = PluginOptions {
        engine: Some(engine.clone()),
        ..PluginOptions::default()
    };
    let code = Plugin::precompile(UNRULY, &engine).unwrap();
    // SAFETY: it is what `precompile` gave.
    let plugin = unsafe { Plugin::load_precompiled(&code, &options) }.unwrap();
    let verdicts = plugin.assess(&shown(), &Clock::system(), &question(&["honest"], 2));
    assert_eq!(verdicts.unwrap()[0].fits_count, Some(2));
    // SAFETY: it is no code at all.
    let error = unsafe { Plugin::load_precompiled(b"none", &options) }.unwrap_err();
    assert!(matches!(error, LoadError::NotPrecompiled(_)), "{error:?}");
    let counting = PluginOptions {
        limits: Limits {
            fuel: Some(1_000_000),
            ..Limits::default()
        },
        ..options
    };
    let error = Plugin::load_with(UNRULY, &counting).unwrap_err();
    assert!(matches!(error, LoadError::StepsNotCounted), "{error:?}");
}

#[test]
fn an_idle_instance_keeps_no_snapshot() {
    let plugin = load(UNRULY).unwrap();
    let account = account();
    let shown: Arc<dyn Shown> = Arc::clone(&account) as _;
    plugin
        .assess(&shown, &Clock::system(), &question(&["honest"], 1))
        .unwrap();
    drop(shown);
    assert_eq!(Arc::strong_count(&account), 1);
}
