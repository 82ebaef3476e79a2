//! What the engine keeps: within a generation nothing is asked again, and nothing is believed beyond it.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::cell::RefCell;

use quotagate_contract::*;

use super::{Parts, alone, numbered, row};
use crate::{
    Engine, Moment, NativeReader, Number, NumberedReservation, NumberedRow, NumberedType, Reader,
};

/// A reader whose account changes, and which counts what it is asked.
struct Changing {
    shown: NativeReader,
    generation: u64,
    asked: RefCell<BTreeMap<&'static str, u32>>,
}

impl Changing {
    fn new(parts: &Parts) -> Self {
        Self {
            shown: parts.reader(),
            generation: 1,
            asked: RefCell::default(),
        }
    }

    /// The same names, with other answers.
    fn show(&mut self, parts: &Parts, generation: u64) {
        let shown = parts.reader();
        // Numbers mean the same as long as the host runs.
        for number in 1.. {
            let name = self.shown.name_of(number);
            if name.is_empty() {
                break;
            }
            assert_eq!(shown.number_of(&name), number);
        }
        self.shown = shown;
        self.generation = generation;
    }

    fn count(&self, what: &'static str) {
        *self.asked.borrow_mut().entry(what).or_default() += 1;
    }

    fn asked(&self, what: &str) -> u32 {
        self.asked.borrow().get(what).copied().unwrap_or(0)
    }
}

impl Reader for Changing {
    fn name_of(&self, number: Number) -> String {
        self.shown.name_of(number)
    }
    fn number_of(&self, name: &str) -> Number {
        self.shown.number_of(name)
    }
    fn generation(&self, _: Option<&str>) -> u64 {
        self.generation
    }
    fn owners(&self, project: &str) -> Vec<Owner> {
        self.shown.owners(project)
    }
    fn projects(&self) -> Vec<String> {
        self.shown.projects()
    }
    fn places(&self) -> Vec<PlaceOffered> {
        self.shown.places()
    }
    fn rows(&self, owner: &str, region: Option<&str>) -> Vec<NumberedRow> {
        self.count("rows");
        self.shown.rows(owner, region)
    }
    fn holdings(&self, owner: &str, region: Option<&str>) -> Vec<Holding> {
        self.shown.holdings(owner, region)
    }
    fn instance_types(&self, project: &str, region: &str) -> Vec<NumberedType> {
        self.count("types");
        self.shown.instance_types(project, region)
    }
    fn kinds(&self, project: &str, region: &str) -> Vec<KindOffered> {
        self.shown.kinds(project, region)
    }
    fn capacities(&self, region: &str) -> Vec<Capacity> {
        self.shown.capacities(region)
    }
    fn reservations(&self, project: &str, region: &str) -> Vec<NumberedReservation> {
        self.shown.reservations(project, region)
    }
    fn moment(&self, project: &str, _: u64) -> Moment {
        self.count("moment");
        self.shown.moment(project, 0)
    }
    fn now_ms(&self) -> u64 {
        self.shown.now_ms()
    }
}

fn quota(engine: &mut Engine<super::Toy>, reader: &Changing, project: &str) -> QuotaOutcome {
    let (offer, _) = numbered(&reader.shown, &super::big());
    let profile = Profile {
        project: project.into(),
        ..alone()
    };
    let answer = engine.assess(
        reader,
        &[offer, offer],
        &[],
        1,
        &profile,
        &Policy::default(),
    );
    let answer = answer.unwrap();
    // The same offer twice shares what was found.
    assert_eq!(answer.heads[0], answer.heads[1]);
    answer.heads[0].quota
}

#[test]
fn a_generation_is_read_once_and_the_moment_in_every_call() {
    let parts = Parts::roomy();
    let mut reader = Changing::new(&parts);
    let mut engine = Engine::new(super::Toy);
    assert_eq!(quota(&mut engine, &reader, "p"), QuotaOutcome::Fits);
    // Both owners' rows, of the region and of everywhere.
    assert_eq!((reader.asked("rows"), reader.asked("types")), (4, 1));
    assert_eq!(quota(&mut engine, &reader, "p"), QuotaOutcome::Fits);
    assert_eq!((reader.asked("rows"), reader.asked("types")), (4, 1));
    // Another project shares the tenant's rows.
    assert_eq!(quota(&mut engine, &reader, "q"), QuotaOutcome::Fits);
    assert_eq!((reader.asked("rows"), reader.asked("types")), (6, 2));
    // A hold and a lesson are seen within the generation.
    let held = parts.clone().holding("t/gpu", 100, 100);
    reader.show(&held, 1);
    assert_eq!(quota(&mut engine, &reader, "p"), QuotaOutcome::Blocked);
    let unread = parts.clone().read("rows.t", SourceState::Denied);
    reader.show(&unread, 1);
    assert_eq!(quota(&mut engine, &reader, "p"), QuotaOutcome::Unknown);
    assert_eq!(reader.asked("rows"), 6);
    // A new generation is read again.
    reader.show(&parts.limit("gpu", 0), 2);
    assert_eq!(quota(&mut engine, &reader, "p"), QuotaOutcome::Blocked);
    assert_eq!(reader.asked("rows"), 10);
    assert_eq!(reader.asked("moment"), 6);
}

#[test]
fn no_more_regions_are_kept_than_the_bound_allows() {
    let reader = Changing::new(&Parts::roomy());
    let mut engine = Engine::new(super::Toy);
    for index in 0..200 {
        quota(&mut engine, &reader, &alloc::format!("unknown-{index}"));
    }
    assert_eq!(reader.asked("types"), 200);
    quota(&mut engine, &reader, "unknown-199");
    assert_eq!(reader.asked("types"), 200, "what was used last is kept");
    quota(&mut engine, &reader, "unknown-0");
    assert_eq!(
        reader.asked("types"),
        201,
        "what was not used for long is not"
    );
}

#[test]
fn numbers_and_words_say_the_same_and_equal_findings_stand_once() {
    let mut parts = Parts::roomy().limit("gpu", 7).limit("count", 0);
    parts = parts.with(row("p", "gpu", Limit::Amount(7), 0));
    let reader = parts.reader();
    let mut engine = Engine::new(super::Toy);
    let offers = [
        ("big", "usual"),
        ("big", "spare"),
        ("other", "usual"),
        ("big", "usual"),
    ];
    let offers = offers.map(|(instance_type, lifecycle)| {
        let offer = Offer {
            instance_type: instance_type.into(),
            lifecycle: lifecycle.into(),
            ..super::big()
        };
        numbered(&reader, &offer).0
    });
    for detail in Detail::ALL {
        let policy = Policy {
            detail: *detail,
            ..Policy::default()
        };
        let answer = engine
            .assess(&reader, &offers, &[], 1, &alone(), &policy)
            .unwrap();
        let verdicts = engine
            .explain(&reader, &offers, &[], 1, &alone(), &policy)
            .unwrap();
        let mut distinct = answer.findings.clone();
        distinct.sort();
        distinct.dedup();
        assert_eq!(distinct.len(), answer.findings.len());
        for (head, verdict) in answer.heads.iter().zip(&verdicts) {
            assert_eq!(
                (head.quota, head.capacity),
                (verdict.quota, verdict.capacity)
            );
            let from = usize::try_from(head.first).unwrap();
            let to = from + usize::try_from(head.findings).unwrap();
            let references = &answer.references[from..to];
            assert_eq!(references.len(), verdict.findings.len());
            for (reference, finding) in references.iter().zip(&verdict.findings) {
                let numbers = &answer.findings[usize::try_from(*reference).unwrap()];
                assert_eq!(
                    (numbers.reason, numbers.required),
                    (finding.reason, finding.required)
                );
                let quota = finding.quota.clone().unwrap_or_default();
                assert_eq!(reader.name_of(numbers.quota), quota);
                let is_row = !quota.is_empty();
                assert_eq!(numbers.row != 0, is_row);
            }
        }
    }
}
