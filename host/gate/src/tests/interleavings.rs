//! The state behind the lock, under a scheduler that tries interleavings: whoever launches only what was promised never
//! takes more than there is, whatever is read, shown, committed and released in between.

use std::sync::Arc;

use shuttle::{sync::Mutex, thread};

use crate::{
    clock::Moment,
    holds::{HeldAmount, HoldRecord, Row},
    inventory::{Answer, Inventory, Promise, SourceKey, SourceKind, State},
    options::GateOptions,
    source::{OwnedAllowances, Read},
    types::{Allowance, RowState, UsageState},
};

const LIMIT: u64 = 16;
const EACH: u64 = 8;
const NOW: Moment = Moment {
    wall_ms: 1_000_000,
    steady_ms: 1_000,
};

/// The account, and what really runs in it.
struct World {
    state: Mutex<State>,
    /// GPUs that run. The cloud measures them when it is asked.
    running: Mutex<u64>,
    /// One question at a time.
    flight: Mutex<()>,
}

fn row() -> Row {
    Row::Allowance {
        project: None,
        quota: "gpus".to_owned(),
        region: "here".to_owned(),
    }
}

fn answer(usage: u64) -> Read<Answer> {
    Read::complete(Answer::Allowances(OwnedAllowances {
        owner: "tenant".to_owned(),
        rows: vec![Allowance {
            name: "gpus".to_owned(),
            owner: "tenant".to_owned(),
            region: "here".to_owned(),
            unit: "count".to_owned(),
            state: RowState::Active,
            limit: Some(LIMIT),
            usage,
            usage_state: UsageState::Used,
            usage_fraction: None,
            held: 0,
            held_at_most: 0,
        }],
    }))
}

fn held_of(inventory: &Inventory) -> u64 {
    let Row::Allowance { quota, region, .. } = row() else {
        unreachable!("it is a quota row");
    };
    let held = inventory.held().of_allowance(None, &quota, &region);
    held.at_most
}

fn begin(state: &mut State, key: &SourceKey) -> u64 {
    let order = state.next_order();
    state.slots.get_mut(key).unwrap().flight = Some(order);
    order
}

impl World {
    fn new() -> Arc<Self> {
        let mut state = State::new(Arc::new(GateOptions::default()));
        let key = SourceKey::tenant(SourceKind::TenantAllowances);
        state.want(key.clone());
        let order = begin(&mut state, &key);
        state.landed(&key, order, Ok(answer(0)), (NOW, 0.0));
        Arc::new(Self {
            state: Mutex::new(state),
            running: Mutex::new(0),
            flight: Mutex::new(()),
        })
    }

    /// Asks the cloud, and takes its answer in some time later.
    fn read(&self) {
        let key = SourceKey::tenant(SourceKind::TenantAllowances);
        let _flight = self.flight.lock().unwrap();
        let order = begin(&mut self.state.lock().unwrap(), &key);
        let usage = *self.running.lock().unwrap();
        let mut state = self.state.lock().unwrap();
        state.landed(&key, order, Ok(answer(usage)), (NOW, 0.0));
    }

    /// As the final check does: judge by what is in force, and promise if it still is.
    fn promise(&self, name: &str) -> Option<String> {
        loop {
            let current = self.state.lock().unwrap().current(NOW);
            let owned = current.tenant_allowances();
            let held = held_of(&current);
            if owned.rows[0].usage + held + EACH > LIMIT {
                return None;
            }
            let record = HoldRecord {
                id: name.to_owned(),
                launch: String::new(),
                amounts: vec![HeldAmount {
                    row: row(),
                    at_least: EACH,
                    at_most: EACH,
                }],
                made_at: NOW.wall_ms,
                committed_at: None,
                instances: Vec::new(),
            };
            let generation = current.generation();
            let mut state = self.state.lock().unwrap();
            match state.promise(generation, record, &current, NOW) {
                Promise::Made(record, _) => return Some(record.id),
                Promise::Changed => {}
            }
        }
    }

    fn held(&self) -> u64 {
        let current = self.state.lock().unwrap().current(NOW);
        held_of(&current)
    }

    /// Launches what is promised; says whether it was.
    fn launch(&self, name: &str) -> bool {
        let Some(id) = self.promise(name) else {
            return false;
        };
        {
            let mut running = self.running.lock().unwrap();
            *running += EACH;
            assert!(*running <= LIMIT, "launched more than there is");
        }
        self.state.lock().unwrap().commit(&id, &[], NOW);
        true
    }
}

fn count(launching: Vec<thread::JoinHandle<bool>>) -> usize {
    let outcomes = launching.into_iter().map(|thread| thread.join().unwrap());
    outcomes.filter(|launched| *launched).count()
}

#[test]
fn whoever_launches_only_what_was_promised_never_takes_more_than_there_is() {
    shuttle::check_random(
        || {
            let world = World::new();
            // Reading shows an instance before its hold is committed: it counts twice for a moment, never not at all.
            let launching: Vec<_> = (0..3)
                .map(|number| {
                    let world = Arc::clone(&world);
                    thread::spawn(move || world.launch(&number.to_string()))
                })
                .collect();
            let reading: Vec<_> = (0..2)
                .map(|_| {
                    let world = Arc::clone(&world);
                    thread::spawn(move || world.read())
                })
                .collect();
            let launched = count(launching);
            for thread in reading {
                thread.join().unwrap();
            }
            assert!(launched > 0);
            // What was read after all of them shows all of them, once, and the rest is given out.
            world.read();
            assert_eq!(world.held(), 0);
            assert_eq!(world.launch("late"), launched == 1);
        },
        2_000,
    );
}

#[test]
fn what_is_free_is_given_out_to_as_many_as_it_is_enough_for() {
    shuttle::check_random(
        || {
            let world = World::new();
            let launching = (0..4).map(|number| {
                let world = Arc::clone(&world);
                thread::spawn(move || world.launch(&number.to_string()))
            });
            assert_eq!(count(launching.collect()), 2);
        },
        2_000,
    );
}

#[test]
fn what_is_released_is_free_again_and_given_out_once() {
    shuttle::check_random(
        || {
            let world = World::new();
            let threads: Vec<_> = (0..4)
                .map(|number: u32| {
                    let world = Arc::clone(&world);
                    thread::spawn(move || {
                        let name = number.to_string();
                        if number.is_multiple_of(2) {
                            return world.launch(&name);
                        }
                        if let Some(id) = world.promise(&name) {
                            world.state.lock().unwrap().release(&id, NOW);
                        }
                        false
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            world.read();
            assert!(world.state.lock().unwrap().holds(NOW).is_empty());
            assert_eq!(world.held(), 0);
        },
        2_000,
    );
}
