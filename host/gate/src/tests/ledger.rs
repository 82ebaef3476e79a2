//! Laws of the ledger: what is held is what was promised less what usage showed, a restart changes no number, and every
//! promise is over at some time.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use crate::{
    clock::Moment,
    holds::{At, Band, Event, Held, HeldAmount, HoldRecord, Ledger, Lives},
};

const LIFE: Duration = Duration::from_secs(60);
const LIVES: Lives = Lives {
    time_to_live: LIFE,
    settle: LIFE,
};

#[derive(Clone, Debug)]
enum Step {
    /// Promises an amount of one row or two, of which a part may be inside the usage already.
    Promise {
        row: u8,
        amount: u64,
        maybe: u64,
        both: bool,
    },
    Commit(usize),
    Release(usize),
    /// Reads a row.
    Read {
        row: u8,
        usage: u64,
    },
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..3_u8, 0..9_u64, prop_oneof![3 => Just(0), 1 => 0..9_u64], any::<bool>())
            .prop_map(|(row, amount, maybe, both)| Step::Promise { row, amount, maybe, both }),
        2 => (0..8_usize).prop_map(Step::Commit),
        1 => (0..8_usize).prop_map(Step::Release),
        4 => (0..3_u8, 0..40_u64).prop_map(|(row, usage)| Step::Read { row, usage }),
        1 => (0..70_u64).prop_map(Step::Pass),
    ]
}

fn row(number: u8) -> String {
    number.to_string()
}

fn certain(number: u8, amount: u64) -> HeldAmount {
    HeldAmount {
        row: row(number),
        at_least: amount,
        at_most: amount,
    }
}

/// A ledger, all that was written down of it, and the account that it is of.
struct Book {
    ledger: Ledger,
    written: Vec<Event>,
    usage: BTreeMap<String, u64>,
    now: Moment,
    order: u64,
    promises: usize,
}

impl Book {
    fn new() -> Self {
        Self {
            ledger: Ledger::default(),
            written: Vec::new(),
            usage: BTreeMap::new(),
            now: Moment {
                wall_ms: 1_000_000,
                steady_ms: 0,
            },
            order: 0,
            promises: 0,
        }
    }

    fn at(&mut self) -> At {
        self.order += 1;
        At {
            order: self.order,
            now: self.now,
        }
    }

    fn promise(&mut self, amounts: Vec<HeldAmount>) -> String {
        let id = self.promises.to_string();
        self.promises += 1;
        let record = HoldRecord {
            id: id.clone(),
            amounts,
            made_at: self.now.wall_ms,
            ..HoldRecord::default()
        };
        let usage = &self.usage;
        let measured = |row: &str| Some(usage.get(row).copied().unwrap_or(0));
        let (_, event) = self.ledger.promise(record, measured, self.now, LIFE);
        self.written.push(event);
        id
    }

    fn commit(&mut self, id: &str) {
        let at = self.at();
        self.written.extend(self.ledger.commit(id, &[], at, LIFE));
    }

    fn release(&mut self, id: &str) {
        self.order += 1;
        self.written.extend(self.ledger.release(id));
    }

    fn read(&mut self, number: u8, usage: u64) {
        let at = self.at();
        self.usage.insert(row(number), usage);
        let events = self.ledger.observe(&row(number), usage, at.order);
        self.written.extend(events);
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Promise {
                row: number,
                amount,
                maybe,
                both,
            } => {
                let amount = HeldAmount {
                    at_most: amount + maybe,
                    ..certain(number, amount)
                };
                let mut amounts = vec![amount.clone()];
                if both {
                    amounts.push(HeldAmount {
                        row: row((number + 1) % 3),
                        ..amount
                    });
                }
                self.promise(amounts);
            }
            Step::Commit(which) => self.commit(&which.to_string()),
            Step::Release(which) => self.release(&which.to_string()),
            Step::Read { row, usage } => self.read(row, usage),
            Step::Pass(seconds) => {
                self.now.wall_ms += seconds * 1_000;
                self.now.steady_ms += seconds * 1_000;
                self.written.extend(self.ledger.expire(self.now));
            }
        }
    }

    fn restart(&mut self, events: Vec<Event>) {
        self.ledger = Ledger::default();
        for event in events {
            self.ledger.replay(event, self.now, LIVES);
        }
        self.written.extend(self.ledger.expire(self.now));
    }

    fn held(&self, number: u8) -> u64 {
        let band = self.held_band(number);
        assert_eq!(band.at_least, band.at_most);
        band.at_most
    }

    fn held_band(&self, number: u8) -> Band {
        let held = self.ledger.held();
        held.get(&number.to_string()).copied().unwrap_or_default()
    }
}

fn seen(ledger: &Ledger) -> (Held, Vec<HoldRecord>) {
    (ledger.held(), ledger.records().collect())
}

/// Written down and read again, as the file does it.
fn through_text(events: &[Event]) -> Vec<Event> {
    let lines = events
        .iter()
        .map(|event| serde_json::to_string(event).unwrap());
    lines
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect()
}

proptest! {
    /// Whoever replays what was written down, at any time, has the same numbers; so has whoever replays the short form; and
    /// all three go on alike.
    #[test]
    fn a_restart_changes_no_number(
        before in prop::collection::vec(step(), 1..40), after in prop::collection::vec(step(), 0..20),
    ) {
        let mut book = Book::new();
        before.iter().for_each(|step| book.take(step));
        let (written, short) = (through_text(&book.written), through_text(&book.ledger.compacted()));
        let restarted = [written, short].map(|events| {
            let mut again = Book {
                usage: book.usage.clone(),
                now: book.now,
                order: book.order,
                promises: book.promises,
                ..Book::new()
            };
            again.restart(events);
            again
        });
        let [from_log, from_short] = restarted;
        let mut books = [book, from_log, from_short];
        for step in [None].into_iter().chain(after.iter().map(Some)) {
            for book in &mut books {
                step.into_iter().for_each(|step| book.take(step));
            }
            let [one, from_log, from_short] = &books;
            prop_assert_eq!(seen(&one.ledger), seen(&from_log.ledger));
            prop_assert_eq!(seen(&one.ledger), seen(&from_short.ledger));
        }
    }

    /// Nothing is promised for ever: after a life, whatever the clock said, nothing stands.
    #[test]
    fn every_promise_is_over_at_some_time(
        steps in prop::collection::vec(step(), 1..40),
        set_clock in 0..4_000_000_u64,
    ) {
        let mut book = Book::new();
        steps.iter().for_each(|step| book.take(step));
        let mut again = Ledger::default();
        let waking = Moment { wall_ms: set_clock, steady_ms: 5 };
        for event in book.written.clone() {
            again.replay(event, waking, LIVES);
        }
        for (mut ledger, from) in [(book.ledger, book.now), (again, waking)] {
            let later = from.steady_ms + 60_001;
            ledger.expire(Moment { steady_ms: later, ..from });
            prop_assert!(ledger.held().is_empty());
            prop_assert_eq!(ledger.len(), 0);
        }
    }

    /// Where nobody else launches, usage and holds always add up: no unit is lost, and none is counted twice but those of
    /// launches that are not committed yet. What is committed and visible is not held one reading later.
    #[test]
    fn units_are_neither_lost_nor_kept(steps in prop::collection::vec((0..4_u8, 0..6_usize, 1..9_u64), 1..60)) {
        let mut book = Book::new();
        let mut others = 10;
        book.read(0, others);
        // Of each hold: its id, its units, those that are visible, whether it is committed.
        let mut launches: Vec<(String, u64, u64, bool)> = Vec::new();
        for (what, which, amount) in steps {
            let at = which % launches.len().max(1);
            match (what, launches.get_mut(at)) {
                (0, _) | (_, None) => {
                    let id = book.promise(vec![certain(0, amount)]);
                    launches.push((id, amount, 0, false));
                }
                (1, Some(launch)) => {
                    launch.2 = (launch.2 + amount).min(launch.1);
                }
                (2, Some(launch)) => {
                    if !launch.3 {
                        book.commit(&launch.0);
                        launch.3 = true;
                    }
                }
                // What somebody else ends makes room.
                (_, Some(_)) => others -= u64::min(others, amount % 3),
            }
            let visible: u64 = launches.iter().map(|launch| launch.2).sum();
            book.read(0, others + visible);
            let under_way: u64 = launches.iter().filter(|launch| !launch.3).map(|launch| launch.1).sum();
            let invisible: u64 = launches.iter().filter(|launch| launch.3).map(|launch| launch.1 - launch.2).sum();
            prop_assert!(book.held(0) >= invisible + launches.iter().filter(|launch| !launch.3)
                .map(|launch| launch.1 - launch.2).sum::<u64>());
            prop_assert!(book.held(0) <= invisible + 2 * under_way);
        }
        for launch in &mut launches {
            book.commit(&launch.0);
            launch.2 = launch.1;
        }
        let all: u64 = launches.iter().map(|launch| launch.1).sum();
        book.read(0, others + all);
        prop_assert_eq!(book.held(0), 0);
        prop_assert_eq!(book.ledger.len(), 0);
    }

    /// A hold that nobody committed is never over because of usage, and what one has lost of its amount has risen.
    #[test]
    fn usage_ends_only_what_it_shows(
        amount in 1..20_u64, before in 0..20_u64, reads in prop::collection::vec(0..60_u64, 1..10), committed: bool,
    ) {
        let mut book = Book::new();
        book.read(0, before);
        let id = book.promise(vec![certain(0, amount)]);
        if committed {
            book.commit(&id);
        }
        let (mut least, mut risen) = (before, 0);
        for usage in reads {
            book.read(0, usage);
            risen += usage.saturating_sub(least);
            least = usage;
            let shown = amount - book.held(0);
            let most = if committed { risen } else { 0 };
            prop_assert!(shown <= most);
        }
    }

    /// What may be inside the usage already never keeps back what is certain.
    #[test]
    fn a_doubt_holds_nothing_for_certain(doubts in prop::collection::vec(1..9_u64, 0..4), amount in 1..9_u64) {
        let mut book = Book::new();
        for doubt in doubts {
            book.promise(vec![HeldAmount { at_most: doubt, ..certain(0, 0) }]);
        }
        let id = book.promise(vec![certain(0, amount)]);
        prop_assert_eq!(book.held_band(0).at_least, amount);
        book.commit(&id);
        book.read(0, amount);
        prop_assert_eq!(book.held_band(0).at_least, 0);
    }
}

#[test]
fn what_became_visible_during_a_restart_is_counted_once() {
    let mut book = Book::new();
    book.read(0, 10);
    let first = book.promise(vec![certain(0, 8)]);
    let second = book.promise(vec![certain(0, 8)]);
    book.commit(&first);
    book.commit(&second);
    book.restart(book.written.clone());
    for _ in 0..3 {
        book.read(0, 18);
        assert_eq!(book.held(0), 8);
    }
    book.read(0, 26);
    assert_eq!(book.held(0), 0);
}

#[test]
fn amounts_of_one_row_are_one_amount() {
    let mut book = Book::new();
    let plan = book.promise(vec![certain(0, 8), certain(1, 8), certain(0, 8)]);
    assert_eq!(book.ledger.records().next().unwrap().amounts.len(), 2);
    let later = book.promise(vec![certain(0, 8)]);
    book.commit(&plan);
    book.commit(&later);
    for (usage, left) in [(8, 16), (8, 16), (16, 8), (16, 8), (24, 0)] {
        book.read(0, usage);
        assert_eq!(book.held(0), left, "at {usage}");
    }
}

#[test]
fn a_launch_that_shows_bit_by_bit_keeps_no_later_one() {
    let mut book = Book::new();
    let two = book.promise(vec![certain(0, 16)]);
    // The first of two instances is visible before the launch is committed.
    book.read(0, 8);
    let one = book.promise(vec![certain(0, 8)]);
    book.commit(&two);
    book.commit(&one);
    book.read(0, 24);
    assert_eq!(book.held(0), 0);
}

#[test]
fn somebody_elses_usage_may_come_and_go() {
    let mut book = Book::new();
    book.read(0, 10);
    let first = book.promise(vec![certain(0, 8)]);
    book.read(0, 14);
    let second = book.promise(vec![certain(0, 8)]);
    book.commit(&first);
    book.commit(&second);
    book.read(0, 26);
    assert_eq!(book.held(0), 0);
}

#[test]
fn what_fell_while_a_launch_was_visible_is_its_own_end_where_it_is_given_up() {
    let mut book = Book::new();
    book.read(0, 10);
    let failing = book.promise(vec![certain(0, 8)]);
    let slow = book.promise(vec![certain(0, 8)]);
    book.commit(&slow);
    // The first is visible and fails, the other is not visible yet.
    book.read(0, 18);
    book.read(0, 10);
    book.release(&failing);
    for _ in 0..2 {
        book.read(0, 10);
        assert_eq!(book.held(0), 8);
    }
    book.read(0, 18);
    assert_eq!(book.held(0), 0);
}

#[test]
fn a_launch_that_is_given_up_and_gone_by_the_next_reading_shows_nothing() {
    let mut book = Book::new();
    book.read(0, 10);
    let failing = book.promise(vec![certain(0, 8)]);
    let slow = book.promise(vec![certain(0, 8)]);
    book.commit(&slow);
    book.read(0, 18);
    book.release(&failing);
    book.read(0, 10);
    assert_eq!(book.held(0), 8);
}

#[test]
fn what_shows_of_a_launch_that_is_given_up_makes_the_next_a_doubt() {
    let mut book = Book::new();
    book.read(0, 10);
    let never = book.promise(vec![certain(0, 8)]);
    let made = book.promise(vec![certain(0, 8)]);
    book.commit(&made);
    // It may be the first one's, which is under way.
    book.read(0, 18);
    assert_eq!(book.held(0), 16);
    book.release(&never);
    let doubt = Band {
        at_least: 0,
        at_most: 8,
    };
    // It may be the next one's as well; whether it stays or goes, nothing more is known.
    for usage in [18, 18, 10, 10] {
        book.read(0, usage);
        assert_eq!(book.held_band(0), doubt, "at {usage}");
    }
    book.read(0, 18);
    assert_eq!(book.held(0), 0);
}

#[test]
fn what_shows_besides_a_launch_that_is_given_up_ends_the_next() {
    let mut book = Book::new();
    book.read(0, 10);
    let gone = book.promise(vec![certain(0, 8)]);
    let made = book.promise(vec![certain(0, 8)]);
    book.commit(&made);
    book.read(0, 18);
    book.release(&gone);
    book.read(0, 26);
    assert_eq!(book.held(0), 0);
    // The end of the first one is nobody else's.
    book.read(0, 18);
    let later = book.promise(vec![certain(0, 8)]);
    book.commit(&later);
    book.read(0, 26);
    assert_eq!(book.held(0), 0);
}

#[test]
fn a_first_measurement_shows_nothing() {
    let mut book = Book::new();
    let record = HoldRecord {
        id: String::from("blind"),
        amounts: vec![certain(0, 8)],
        ..HoldRecord::default()
    };
    book.ledger.promise(record, |_| None, book.now, LIFE);
    book.commit("blind");
    book.read(0, 8);
    assert_eq!(book.held(0), 8);
    book.read(0, 16);
    assert_eq!(book.held(0), 0);
}

#[test]
fn usage_that_was_asked_for_before_a_commit_ends_nothing() {
    let mut book = Book::new();
    book.read(0, 10);
    let late = book.promise(vec![certain(0, 8)]);
    let visible = book.promise(vec![certain(0, 8)]);
    let asked = book.at().order;
    book.commit(&late);
    // What shows is the other one's, and the first one's is still to come.
    book.ledger.observe(&row(0), 18, asked);
    assert_eq!(book.held(0), 16);
    book.commit(&visible);
    book.read(0, 26);
    assert_eq!(book.held(0), 0);
}

#[test]
fn a_rise_by_more_than_was_promised_is_somebody_elses() {
    let mut book = Book::new();
    book.read(0, 10);
    let first = book.promise(vec![certain(0, 8)]);
    book.read(0, 30);
    let second = book.promise(vec![certain(0, 8)]);
    book.commit(&first);
    book.commit(&second);
    // Of the twenty, eight may be the first one's; the other twelve are nobody's here.
    book.read(0, 30);
    assert_eq!(book.held(0), 8);
    book.read(0, 38);
    assert_eq!(book.held(0), 0);
}
