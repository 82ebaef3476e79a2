//! The sandbox: each limit is broken by a component made for it, gives its typed error, and the next call on the same plugin
//! is right.

/// Components that are refused before they are asked anything.
mod loading;
/// Calls at the same time.
mod together;

use std::{
    env,
    process::Command,
    sync::{Arc, LazyLock, OnceLock},
    time::{Duration, Instant},
};

use nebius_api::world::World;
use quotagate::{
    Admission, CallError, Clock, Contradiction, Failure, Gate, Inventory, Launch, Limits,
    LoadError, Offer, OnInventory, Plugin, PluginOptions, Policy, Profile, Question, QuotaOutcome,
    Reason, Verdict, unknown_verdicts,
};
use quotagate_bad_plugins::UNRULY;
use quotagate_nebius::RecordedWorld;

use crate::{
    harness::{PATIENCE, acme, must_end},
    live,
    process::run,
};

/// Small enough to be hit soon, but for the time: what hits another limit does so on a busy machine too.
fn limits() -> Limits {
    Limits {
        memory: 8 << 20,
        host_call_bytes: 1 << 20,
        ..live::limits()
    }
}

/// With so little time that one can wait until it is up. On a busy machine that may be too little for an honest call.
fn hasty() -> Limits {
    Limits {
        time: Duration::from_millis(200),
        ..limits()
    }
}

/// Compiled once for all tests; each makes its own of it with limits.
fn unruly(limits: Limits) -> Plugin {
    static LOADED: OnceLock<Plugin> = OnceLock::new();
    LOADED
        .get_or_init(|| load(UNRULY, live::limits()).unwrap())
        .with_limits(limits)
}

fn load(bytes: &[u8], limits: Limits) -> Result<Plugin, LoadError> {
    let options = PluginOptions {
        limits,
        ..PluginOptions::default()
    };
    Plugin::load_with(bytes, &options)
}

fn inventory() -> Arc<Inventory> {
    static READ: OnceLock<Arc<Inventory>> = OnceLock::new();
    let read = READ.get_or_init(|| {
        let world = RecordedWorld::new(World::read(&acme()).unwrap()).unwrap();
        let gate = Gate::new(unruly(live::limits()), Arc::new(world)).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(gate.inventory())
    });
    Arc::clone(read)
}

fn offer(deed: &str) -> Offer {
    Offer {
        instance_type: deed.to_owned(),
        region: "eu-north1".to_owned(),
        lifecycle: "on-demand".to_owned(),
        ..Offer::default()
    }
}

fn launch(deed: &str) -> Launch {
    Launch {
        offer: offer(deed),
        count: 1,
        profile: Profile {
            project: "project-e00eunorth1".to_owned(),
            ..Profile::default()
        },
    }
}

/// The plugin on the account that the repository ships.
fn on_acme(plugin: &Plugin) -> OnInventory<'_> {
    static CLOCK: LazyLock<Clock> = LazyLock::new(Clock::system);
    plugin.on(&inventory(), &CLOCK)
}

fn ask_at(
    clock: &Clock,
    plugin: &Plugin,
    deed: &str,
    count: u32,
) -> Result<Vec<Arc<Verdict>>, CallError> {
    let offers = [offer(deed)];
    let question = Question::new(&offers).count(count);
    plugin.on(&inventory(), clock).assess(&question)
}

fn ask(plugin: &Plugin, deed: &str) -> Result<Vec<Arc<Verdict>>, CallError> {
    ask_at(&Clock::system(), plugin, deed, 1)
}

/// The same in words.
fn explain(plugin: &Plugin, deed: &str) -> Result<Vec<Verdict>, CallError> {
    on_acme(plugin).explain(&Question::new(&[offer(deed)]))
}

/// The right answer to `count` of `name`, which no other question has.
fn assert_right(verdicts: &[Arc<Verdict>], name: &str, count: u32) {
    let [verdict] = verdicts else {
        panic!("{verdicts:?}");
    };
    assert_eq!(verdict.quota, QuotaOutcome::Fits);
    assert_eq!(verdict.fits_count, Some(count));
    let finding = &verdict.findings[0];
    assert_eq!(finding.quota.as_deref(), Some(name));
    assert_eq!(finding.required, Some(count.into()));
}

/// The next call is right. Where the plugin has little time, the machine may have been too busy: then one of those after it
/// is, on whatever instances the plugin has kept.
fn assert_next_call_works(plugin: &Plugin) {
    let begun = Instant::now();
    loop {
        match ask_at(&Clock::system(), plugin, "honest", 3) {
            Ok(verdicts) => return assert_right(&verdicts, "honest", 3),
            Err(CallError::TimedOut { limit })
                if limit == hasty().time && begun.elapsed() < PATIENCE => {}
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// What a component does, and whether an error is the one for it.
type Deed = (&'static str, fn(&CallError) -> bool);

/// The deeds that end a call, and the case of the error that each must give.
const DEEDS: &[Deed] = &[
    ("trap", |error| matches!(error, CallError::Trapped { .. })),
    ("deep", |error| matches!(error, CallError::Trapped { .. })),
    ("spin", |error| matches!(error, CallError::TimedOut { .. })),
    ("chatter", |error| {
        matches!(error, CallError::TimedOut { .. })
    }),
    (
        "hog",
        |error| matches!(error, CallError::OutOfMemory { limit } if *limit == limits().memory),
    ),
    ("collect", |error| {
        matches!(error, CallError::OutOfMemory { .. })
    }),
    ("shout", |error| matches!(error, CallError::LimitHit(_))),
    ("mumble", |error| matches!(error, CallError::LimitHit(_))),
    ("hoard", |error| matches!(error, CallError::LimitHit(_))),
];

#[test]
fn each_limit_is_broken_and_the_next_call_is_right() {
    let (patient, hasty) = (unruly(limits()), unruly(hasty()));
    for (deed, expected) in DEEDS {
        let endless = matches!(*deed, "spin" | "chatter");
        let plugin = if endless { &hasty } else { &patient };
        let plugin = plugin.clone();
        must_end(deed, move || every_call_fails(&plugin, deed, *expected));
    }
}

/// Whatever the plugin is asked, it does the deed.
fn every_call_fails(plugin: &Plugin, deed: &str, expected: fn(&CallError) -> bool) {
    let on_acme = on_acme(plugin);
    let (launch, policy) = (launch(deed), Policy::default());
    let failure = Failure::Text(deed.to_owned());
    let calls: [&dyn Fn() -> CallError; 9] = [
        &|| ask(plugin, deed).unwrap_err(),
        &|| explain(plugin, deed).unwrap_err(),
        &|| {
            let plan = std::slice::from_ref(&launch);
            on_acme.admit(plan, &policy).unwrap_err()
        },
        &|| on_acme.standings(deed, None).unwrap_err(),
        &|| on_acme.diagnose(&failure, None).unwrap_err(),
        &|| on_acme.alternatives(&launch).unwrap_err(),
        &|| on_acme.assess_json(deed).unwrap_err(),
        &|| on_acme.admit_json(deed).unwrap_err(),
        &|| on_acme.diagnose_json(deed).unwrap_err(),
    ];
    for call in calls {
        let error = call();
        assert!(expected(&error), "{deed}: {error:?}");
        assert_next_call_works(plugin);
    }
}

#[test]
fn answers_of_the_wrong_length_or_size_are_refused() {
    let plugin = unruly(limits());
    for (deed, expected) in [("short", 0), ("long", 2)] {
        for error in [
            ask(&plugin, deed).unwrap_err(),
            explain(&plugin, deed).unwrap_err(),
        ] {
            assert!(
                matches!(error, CallError::WrongLength { asked: 1, answered } if answered == expected),
                "{error:?}"
            );
            assert_next_call_works(&plugin);
        }
    }
    let error = explain(&plugin, "verbose").unwrap_err();
    assert!(matches!(error, CallError::LimitHit(_)), "{error:?}");
    assert_next_call_works(&plugin);
}

/// Judges a plan of two launches that ask for a deed.
fn admit(plugin: &Plugin, deed: &str) -> Result<Admission, CallError> {
    let plan = [launch(deed), launch(deed)];
    on_acme(plugin).admit(&plan, &Policy::default())
}

/// The plugin contradicts itself in that part, in that way; the next call is right.
fn assert_contradicts(
    plugin: &Plugin,
    deed: &str,
    error: &CallError,
    (part, expected): (usize, Contradiction),
) {
    assert!(
        matches!(error, CallError::Contradictory { index, what } if *index == part && *what == expected),
        "{deed}: {error:?}"
    );
    assert_next_call_works(plugin);
}

/// Room for answers of a hundred thousand parts.
fn roomy() -> Plugin {
    unruly(Limits {
        memory: 64 << 20,
        host_call_bytes: 32 << 20,
        ..limits()
    })
}

#[test]
fn answers_that_cannot_be_true_are_refused() {
    use Contradiction::{
        AsManyFit, BeyondTheFindings, BeyondTheReferences, BreaksAndFits, BreaksBeyondItsEnd,
        BreaksNowhere, FewerFit, ImpossibleShortfall, NotTheWorstFinding, RoomThatBlocks,
        RoomThatFallsShort, TooManyFindings, TooMuchHeadroom, TooSmallALimit, UnknownName,
        UnshownRow, UsedUpsideDown,
    };
    let plugin = roomy();
    // In numbers and in words.
    for (deed, expected) in [
        ("fits-over-blocked", NotTheWorstFinding),
        ("blocked-without-proof", NotTheWorstFinding),
        ("room-while-blocked", AsManyFit),
        ("no-room-while-fits", FewerFit),
        ("reason-against-outcome", RoomThatBlocks),
        ("headroom-above-limit", TooMuchHeadroom),
        ("headroom-unlike-usage", TooMuchHeadroom),
        ("usage-upside-down", UsedUpsideDown),
        ("short-of-nothing", ImpossibleShortfall),
        ("short-of-more-than-all", ImpossibleShortfall),
        ("room-that-falls-short", RoomThatFallsShort),
        ("minimum-below-required", TooSmallALimit),
        ("unknown-row", UnshownRow),
        ("unknown-name", UnknownName),
    ] {
        let error = ask(&plugin, deed).unwrap_err();
        assert_contradicts(&plugin, deed, &error, (0, expected));
        let error = explain(&plugin, deed).unwrap_err();
        assert_contradicts(&plugin, deed, &error, (0, expected));
    }
    // Places in an answer in numbers, and more than any answer has.
    for (deed, part, expected) in [
        ("beyond-the-references", 0, BeyondTheReferences),
        ("more-than-the-references", 0, BeyondTheReferences),
        ("beyond-the-findings", 0, BeyondTheFindings),
        ("a-hundred-thousand-findings", 100_000, TooManyFindings),
    ] {
        let error = ask(&plugin, deed).unwrap_err();
        assert_contradicts(&plugin, deed, &error, (part, expected));
    }
    for (deed, expected) in [
        ("fits-over-blocked", NotTheWorstFinding),
        ("breaks-while-fits", BreaksAndFits),
        ("breaks-beyond-the-plan", BreaksBeyondItsEnd),
        ("breaks-nowhere", BreaksNowhere),
    ] {
        let error = admit(&plugin, deed).unwrap_err();
        assert_contradicts(&plugin, deed, &error, (0, expected));
    }
}

#[test]
fn what_no_launch_of_the_plan_can_take_is_refused() {
    use Contradiction::{
        TakenTwice, TakenUpsideDown, TooManyTakes, UnshownReservation, UnshownSource, UnshownTake,
    };
    let plugin = roomy();
    let admission = admit(&plugin, "take").unwrap();
    assert_eq!(
        (admission.takes.len(), admission.reservations.len()),
        (2, 1)
    );
    for (deed, part, expected) in [
        ("take-unshown", 0, UnshownTake),
        ("take-of-nothing", 0, UnshownTake),
        ("take-unknown-name", 0, UnshownTake),
        ("upside-down", 0, TakenUpsideDown),
        ("twice", 1, TakenTwice),
        ("a-hundred-thousand", 10_000, TooManyTakes),
        ("reserved-upside-down", 0, TakenUpsideDown),
        ("reserved-twice", 1, TakenTwice),
        ("reservation-unshown", 0, UnshownReservation),
        ("source-unshown", 0, UnshownSource),
    ] {
        let error = admit(&plugin, deed).unwrap_err();
        assert_contradicts(&plugin, deed, &error, (part, expected));
    }
}

#[test]
fn rows_that_cannot_stand_so_are_refused() {
    use Contradiction::{
        StandsTooTall, StandsTwice, StandsUnasked, StandsUnderAnotherKey, StandsUpsideDown,
        TooManyStandings,
    };
    let plugin = roomy();
    for (project, part, expected) in [
        ("stands-twice", 1, StandsTwice),
        ("stands-upside-down", 0, StandsUpsideDown),
        ("stands-too-tall", 0, StandsTooTall),
        ("stands-under-another-key", 0, StandsUnderAnotherKey),
        ("a-hundred-thousand-standings", 100_000, TooManyStandings),
    ] {
        let error = on_acme(&plugin).standings(project, None).unwrap_err();
        assert_contradicts(&plugin, project, &error, (part, expected));
    }
    let asked = ["row/2".to_owned()];
    let standings = on_acme(&plugin).standings("stands-unasked", Some(&asked));
    let error = standings.unwrap_err();
    assert_contradicts(&plugin, "stands-unasked", &error, (0, StandsUnasked));
}

/// What a plugin takes is held before a launch; what it must not take makes the verdict unknown, and nothing is held.
#[tokio::test]
async fn a_gate_holds_nothing_that_a_plugin_must_not_take() {
    let world = RecordedWorld::new(World::read(&acme()).unwrap()).unwrap();
    let gate = Gate::new(unruly(limits()), Arc::new(world)).unwrap();
    let verified = gate.verify(&launch("take")).await.unwrap();
    assert_eq!(verified.hold.unwrap().amounts().len(), 2);
    for deed in ["take-unshown", "twice", "upside-down"] {
        let verified = gate.verify(&launch(deed)).await.unwrap();
        assert_eq!(verified.verdict.quota, QuotaOutcome::Unknown, "{deed}");
        assert_eq!(verified.verdict.findings[0].reason, Reason::NotChecked);
        let amounts = verified.hold.map(|hold| hold.amounts().len());
        assert!(amounts.is_none_or(|amounts| amounts == 0), "{deed}");
    }
}

#[test]
fn texts_and_diagnoses_of_another_shape_are_refused() {
    use Contradiction::{
        RoomThatBlocks, TooManyAlternatives, TooManyFindings, TooManyLessons, UnshownLesson,
        UnshownSource,
    };
    let plugin = roomy();
    // The unruly plugin says again what it is asked.
    let assess = |text: &str| on_acme(&plugin).assess_json(text);
    let admit = |text: &str| on_acme(&plugin).admit_json(text);
    let diagnose = |text: &str| on_acme(&plugin).diagnose_json(text);
    assess(r#"{"verdicts": []}"#).unwrap();
    admit(r#"{"verdict": {}, "takes": [], "rests_on": [], "reservations": [], "breaks_at": null}"#)
        .unwrap();
    diagnose(
        r#"{"kind": "quota", "findings": [], "retry": false, "lessons": [], "contradicts": []}"#,
    )
    .unwrap();
    for text in ["", "no JSON", "[]", "{}", r#"{"verdicts": {}}"#] {
        for error in [
            assess(text).unwrap_err(),
            admit(text).unwrap_err(),
            diagnose(text).unwrap_err(),
        ] {
            assert!(matches!(error, CallError::WrongShape(_)), "{error:?}");
        }
    }
    let error = assess(r#"{"offers": [{}, {}], "verdicts": [{}]}"#).unwrap_err();
    let (asked, answered) = (2, 1);
    assert!(
        matches!(error, CallError::WrongLength { asked: a, answered: b } if (a, b) == (asked, answered)),
        "{error:?}"
    );
    for (deed, part, expected) in [
        ("room-that-blocks", 0, RoomThatBlocks),
        ("two-thousand-findings", 1_000, TooManyFindings),
        ("lesson-of-an-unknown-row", 0, UnshownLesson),
        ("a-hundred-thousand-lessons", 1_000, TooManyLessons),
        ("source-unshown", 0, UnshownSource),
    ] {
        let failure = Failure::Text(deed.to_owned());
        let error = on_acme(&plugin).diagnose(&failure, None).unwrap_err();
        assert_contradicts(&plugin, deed, &error, (part, expected));
    }
    let deed = "a-hundred-thousand-alternatives";
    let error = on_acme(&plugin).alternatives(&launch(deed)).unwrap_err();
    assert_contradicts(&plugin, deed, &error, (10_000, TooManyAlternatives));
}

#[test]
fn a_failed_call_leaves_its_offers_unknown() {
    let plugin = unruly(hasty());
    for deed in ["trap", "spin", "hog", "shout", "short", "unknown-row"] {
        let error = ask(&plugin, deed).unwrap_err();
        let told = error.to_string();
        let verdicts = unknown_verdicts(error, &[offer(deed)], 1).unwrap();
        assert_eq!(verdicts.len(), 1);
        assert_eq!(verdicts[0].quota, QuotaOutcome::Unknown);
        let finding = &verdicts[0].findings[0];
        assert_eq!(finding.reason, Reason::NotChecked);
        assert!(finding.detail.as_ref().unwrap().contains(&told));
    }
}

#[test]
fn each_limit_can_be_set() {
    let with = |change: fn(&mut Limits)| {
        let mut limits = limits();
        change(&mut limits);
        unruly(limits)
    };
    // What breaks the limit of the other tests is fine under a higher one.
    let plugin = with(|limits| limits.host_call_bytes = 4 << 20);
    assert_eq!(ask(&plugin, "shout").unwrap().len(), 1);
    assert_eq!(explain(&plugin, "verbose").unwrap().len(), 1);
    let plugin = with(|limits| limits.handles = 200);
    assert_right(&ask(&plugin, "hoard").unwrap(), "hoard", 1);

    // And what is fine there breaks a lower one.
    let error = ask(&with(|limits| limits.memory = 4 << 20), "hog").unwrap_err();
    assert!(matches!(error, CallError::OutOfMemory { limit } if limit == 4 << 20));
    let error = ask(&with(|limits| limits.memory = 1 << 16), "honest").unwrap_err();
    assert!(matches!(error, CallError::OutOfMemory { .. }), "{error:?}");
    let error = ask(&with(|limits| limits.table_elements = 0), "honest").unwrap_err();
    assert!(matches!(error, CallError::LimitHit(_)), "{error:?}");
    let error = ask(&with(|limits| limits.host_call_bytes = 16), "honest").unwrap_err();
    assert!(matches!(error, CallError::LimitHit(_)), "{error:?}");

    for time in [20, 1_000].map(Duration::from_millis) {
        let plugin = unruly(Limits { time, ..limits() });
        let begun = Instant::now();
        let error = ask(&plugin, "spin").unwrap_err();
        assert!(
            matches!(error, CallError::TimedOut { limit } if limit == time),
            "{error:?}"
        );
        // It has its time, on whatever machine; how much later that is noticed is the machine's affair.
        assert!(begun.elapsed() >= time);
    }

    let mut limits = limits();
    limits.fuel = Some(1 << 20);
    let counted = load(UNRULY, limits).unwrap();
    let error = ask(&counted, "spin").unwrap_err();
    assert!(matches!(error, CallError::OutOfFuel { limit } if limit == 1 << 20));
    assert_next_call_works(&counted);
    // Without a bound on steps that leaves the time.
    let unbound = counted.with_limits(hasty());
    assert_next_call_works(&unbound);
    let error = ask(&unbound, "spin").unwrap_err();
    assert!(matches!(error, CallError::TimedOut { .. }), "{error:?}");
}

#[test]
fn a_warm_instance_that_is_full_is_thrown_away_and_the_call_made_on_a_fresh_one() {
    // Room for two such calls on one instance, and no more.
    let plugin = unruly(limits());
    for _ in 0..8 {
        assert_right(&ask(&plugin, "keep").unwrap(), "keep", 1);
    }
    // What no fresh instance has room for either is told.
    let error = ask(&plugin, "hog").unwrap_err();
    assert!(matches!(error, CallError::OutOfMemory { .. }), "{error:?}");
    assert_next_call_works(&plugin);
}

const ALONE: &str = "QUOTAGATE_TEST_ALONE";

/// In a process of its own, since memory is counted by the process.
#[test]
fn a_thousand_broken_calls_leave_no_memory_behind() {
    if env::var_os(ALONE).is_none() {
        let name = "sandbox::a_thousand_broken_calls_leave_no_memory_behind";
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", name, "--nocapture"])
            .env(ALONE, "yes");
        let ended = run(&mut command);
        assert!(ended.status.success(), "{ended:?}");
        return;
    }
    let plugin = unruly(Limits {
        memory: 4 << 20,
        ..limits()
    });
    let deeds = [
        "trap",
        "deep",
        "hog",
        "shout",
        "mumble",
        "hoard",
        "short",
        "long",
        "beyond-the-findings",
        "unknown-row",
    ];
    let broken = |calls: usize| {
        for deed in deeds.iter().cycle().take(calls) {
            ask(&plugin, deed).unwrap_err();
        }
    };
    broken(100);
    let before = resident();
    broken(1000);
    let after = resident();
    assert_next_call_works(&plugin);
    // A thousand instances of which each kept one page of memory would be more.
    assert!(
        after < before + (32 << 20),
        "from {before} to {after} bytes"
    );
}

/// Memory of this process that is in use, in bytes; zero where the system does not tell.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<usize>().ok());
    kilobytes.unwrap_or(0) << 10
}
