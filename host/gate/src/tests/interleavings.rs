//! The state behind the lock, under a scheduler that tries interleavings: whoever launches only what was promised never
//! takes more than there is, whatever is read, shown, committed and released in between.

use std::sync::Arc;

use shuttle::{sync::Mutex, thread};

use super::account::{self, NOW, OUTER, key_of, land, list, outer, readings, row, state};
use crate::{
    holds::{HeldAmount, HoldRecord},
    inventory::{Inventory, Promise, State},
    source::{Answer, Read},
};

const LIMIT: u64 = 16;
const EACH: u64 = 8;
/// The account, and what really runs in it.
struct World {
    state: Mutex<State>,
    /// GPUs that run. The cloud measures them when it is asked.
    running: Mutex<u64>,
    /// One question at a time.
    flight: Mutex<()>,
}

fn answer(usage: u64) -> Read<Answer> {
    list(vec![row("outer", LIMIT, usage)])
}

fn held_of(inventory: &Inventory) -> u64 {
    account::held(inventory).1
}

fn begin(state: &mut State) -> u64 {
    account::ask(state, OUTER)
}

impl World {
    fn new() -> Arc<Self> {
        let mut state = state(&[outer()]);
        account::read(&mut state, OUTER, Ok(answer(0)), NOW);
        Arc::new(Self {
            state: Mutex::new(state),
            running: Mutex::new(0),
            flight: Mutex::new(()),
        })
    }

    /// Asks the cloud, and takes its answer in some time later.
    fn read(&self) {
        let _flight = self.flight.lock().unwrap();
        let order = begin(&mut self.state.lock().unwrap());
        let usage = *self.running.lock().unwrap();
        let mut state = self.state.lock().unwrap();
        land(&mut state, OUTER, order, Ok(answer(usage)), NOW);
    }

    /// As the final check does: judge by what is in force, and promise if it still is.
    fn promise(&self, name: &str) -> Option<String> {
        loop {
            let current = self.state.lock().unwrap().current(NOW);
            let usage = current.rows().next().unwrap().usage.at_least;
            let held = held_of(&current);
            if usage + held + EACH > LIMIT {
                return None;
            }
            let record = HoldRecord {
                id: name.to_owned(),
                launch: String::new(),
                amounts: vec![HeldAmount {
                    row: key_of("outer"),
                    at_least: EACH,
                    at_most: EACH,
                }],
                projects: vec![account::PROJECT.to_owned()],
                made_at: NOW.wall_ms,
                committed_at: None,
                instances: Vec::new(),
                plan: String::new(),
            };
            let readings = readings(&current, &[key_of("outer")]);
            let generation = current.generation();
            let mut state = self.state.lock().unwrap();
            match state.promise(generation, record, &readings, NOW) {
                Promise::Made(record, _) => return Some(record.id),
                Promise::Changed => {}
                other => unreachable!("{other:?}"),
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
