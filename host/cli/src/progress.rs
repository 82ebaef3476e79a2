//! A sign of life while the network is waited for.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;

/// Waits for `future`; meanwhile a terminal shows a spinner with `what` is going on.
pub(crate) async fn wait<T>(
    output: &Output,
    what: &'static str,
    future: impl Future<Output = T>,
) -> T {
    if !output.lively {
        return future.await;
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        .with_style(ProgressStyle::default_spinner())
        .with_message(what);
    bar.enable_steady_tick(Duration::from_millis(100));
    let outcome = future.await;
    bar.finish_and_clear();
    outcome
}
