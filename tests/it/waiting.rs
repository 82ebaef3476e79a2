//! Who waits for sources that are not known, and how long: on the clock of tokio, which goes on by itself whenever everybody
//! waits.

use std::{sync::Arc, time::Duration};

use nebius_api::world::World;
use quotagate::{Gate, Inventory, SourceState};
use quotagate_nebius::RecordedWorld;
use tokio::{
    runtime::{Builder, Runtime},
    time::{Instant, advance},
};

use crate::{
    harness::WorldBuilder,
    live::{Hands, options_with, plugin},
    steered::Steered,
};

const FIRST_WAIT: Duration = Duration::from_secs(10);

/// Its clock begins at the time of the machine, and stands still while somebody works.
fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

/// Asks for a list, and says how long it took.
async fn list(gate: &Gate) -> (Arc<Inventory>, Duration) {
    let begun = Instant::now();
    let inventory = gate.inventory().await;
    (inventory, begun.elapsed())
}

#[test]
fn after_a_fetch_was_cut_off_a_question_waits_as_long_as_the_very_first_did() {
    let recorded = World::read(WorldBuilder::new().build().path()).unwrap();
    let source = Steered::new(Arc::new(RecordedWorld::new(recorded).unwrap()));
    let hands = Hands::new();
    let gate = Gate::builder(plugin(), Arc::new(source.clone()))
        .clock(hands.clock())
        .options(options_with(|options| {
            options.refresh.first_wait = FIRST_WAIT
        }))
        .build()
        .unwrap();
    runtime().block_on(async {
        gate.inventory().await;
        // Everything is read: the next list waits for nothing, although all of it is due.
        source.hold_all();
        hands.pass(3_600);
        let (_, waited) = list(&gate).await;
        assert_eq!(waited, Duration::ZERO);
    });
    // The runtime has ended under the fetches. Long after the first question, somebody asks on another one.
    runtime().block_on(async {
        advance(100 * FIRST_WAIT).await;
        let (_, waited) = list(&gate).await;
        assert!(waited >= FIRST_WAIT, "{waited:?}");
        // Whoever asks next shares that wait, and has nothing left of it.
        let (_, waited) = list(&gate).await;
        assert_eq!(waited, Duration::ZERO);
        source.release();
        let whole = gate.refresh().await;
        let sources = whole.sources();
        assert!(
            sources
                .iter()
                .all(|source| source.state == SourceState::Complete)
        );
    });
}
