//! Laws of the book of holds: what is held is what was promised less what is over, and every promise is over at some time.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use crate::{
    clock::Moment,
    holds::{Event, HeldAmount, HoldRecord, Ledger, Row},
};

const LIFE: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
enum Step {
    Promise { row: u8, amount: u64 },
    Commit(usize),
    Release(usize),
    Observe { row: u8, usage: u64 },
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_u8, 1..9_u64).prop_map(|(row, amount)| Step::Promise { row, amount }),
        (0..8_usize).prop_map(Step::Commit),
        (0..8_usize).prop_map(Step::Release),
        (0..3_u8, 0..40_u64).prop_map(|(row, usage)| Step::Observe { row, usage }),
        (0..70_u64).prop_map(Step::Pass),
    ]
}

fn row(number: u8) -> Row {
    Row::Reservation {
        id: number.to_string(),
    }
}

/// A book, and all that was written down of it.
struct Book {
    ledger: Ledger,
    written: Vec<Event>,
    usage: BTreeMap<Row, u64>,
    now: Moment,
    order: u64,
    names: Vec<String>,
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
            names: Vec::new(),
        }
    }

    fn take(&mut self, step: Step) {
        self.order += 1;
        match step {
            Step::Promise {
                row: number,
                amount,
            } => {
                let id = self.names.len().to_string();
                let record = HoldRecord {
                    id: id.clone(),
                    launch: String::new(),
                    amounts: vec![HeldAmount {
                        row: row(number),
                        amount,
                        shown_at: None,
                    }],
                    made_at: self.now.wall_ms,
                    committed_at: None,
                    instances: Vec::new(),
                };
                let usage = &self.usage;
                let measured = |row: &Row| Some(usage.get(row).copied().unwrap_or(0));
                let (_, event) = self.ledger.promise(record, measured, self.now, LIFE);
                self.written.push(event);
                self.names.push(id);
            }
            Step::Commit(which) => {
                let id = which.to_string();
                let event = self.ledger.commit(&id, &[], (self.order, self.now), LIFE);
                self.written.extend(event);
            }
            Step::Release(which) => self.written.extend(self.ledger.release(&which.to_string())),
            Step::Observe { row: number, usage } => {
                self.usage.insert(row(number), usage);
                let over = self.ledger.observe(&row(number), usage, self.order);
                self.written.extend(over);
            }
            Step::Pass(seconds) => {
                self.now.wall_ms += seconds * 1_000;
                self.now.steady_ms += seconds * 1_000;
                self.written.extend(self.ledger.expire(self.now));
            }
        }
    }

    fn names(ledger: &Ledger) -> Vec<String> {
        ledger.records().map(|record| record.id.clone()).collect()
    }
}

proptest! {
    /// Whoever replays what was written down, at any time, has the same holds; and so has whoever replays the short form.
    #[test]
    fn a_replayed_book_is_the_same_book(steps in prop::collection::vec(step(), 1..40)) {
        let mut book = Book::new();
        for step in steps {
            book.take(step);
            for events in [book.written.clone(), book.ledger.compacted().collect()] {
                let mut again = Ledger::default();
                for event in events {
                    again.replay(event, book.now, (LIFE, LIFE));
                }
                again.expire(book.now);
                prop_assert_eq!(Book::names(&again), Book::names(&book.ledger));
            }
        }
    }

    /// Nothing is promised for ever: after a life and a half, whatever the clock said, the book is empty.
    #[test]
    fn every_promise_is_over_at_some_time(
        steps in prop::collection::vec(step(), 1..40),
        set_clock in 0..4_000_000_u64,
    ) {
        let mut book = Book::new();
        steps.into_iter().for_each(|step| book.take(step));
        let mut again = Ledger::default();
        let waking = Moment { wall_ms: set_clock, steady_ms: 5 };
        for event in book.written.clone() {
            again.replay(event, waking, (LIFE, LIFE));
        }
        for (mut ledger, from) in [(book.ledger, book.now), (again, waking)] {
            let later = from.steady_ms + 60_001;
            ledger.expire(Moment { steady_ms: later, ..from });
            prop_assert!(ledger.held().is_empty());
            prop_assert_eq!(ledger.records().count(), 0);
        }
    }

    /// A hold that nobody committed is never over because of usage, and one that was is not before its amount showed.
    #[test]
    fn usage_ends_only_what_it_shows(
        amount in 1..20_u64, before in 0..20_u64, reads in prop::collection::vec(0..60_u64, 1..10), committed: bool,
    ) {
        let mut book = Book::new();
        book.take(Step::Observe { row: 0, usage: before });
        book.take(Step::Promise { row: 0, amount });
        if committed {
            book.take(Step::Commit(0));
        }
        let mut least = before;
        for usage in reads {
            book.take(Step::Observe { row: 0, usage });
            least = least.min(usage);
            let stands = !book.ledger.held().is_empty();
            if !committed {
                prop_assert!(stands);
            } else if !stands {
                prop_assert!(usage >= least + amount);
                break;
            }
        }
    }
}
