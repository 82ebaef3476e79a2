//! The log of the calls that reached the emulator, for tests to read and to wait on.

use std::collections::BTreeMap;

use tokio::sync::watch;

/// The log keeps this many calls; the oldest go first.
const KEPT: usize = 100_000;

/// One call as it arrived, before faults and authentication had their say.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The path, such as `/nebius.quotas.v1.QuotaAllowanceService/List`.
    pub method: String,
    /// `parent_id` of the request, where its message has one.
    pub parent_id: Option<String>,
    /// `page_token` of the request, where its message has one.
    pub page_token: Option<String>,
    /// `page_size` of the request, where its message has one.
    pub page_size: Option<i64>,
    /// The request's headers. The value of `authorization` is left out, and so are values that are no text.
    pub headers: BTreeMap<String, String>,
    /// The `x-request-id` of the answer.
    pub request_id: String,
}

pub(crate) struct Calls(watch::Sender<Vec<Call>>);

impl Calls {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Vec::new()))
    }

    pub(crate) fn record(&self, call: Call) {
        self.0.send_modify(|calls| {
            if calls.len() == KEPT {
                calls.drain(..KEPT / 2);
            }
            calls.push(call);
        });
    }

    pub(crate) fn all(&self) -> Vec<Call> {
        self.0.borrow().clone()
    }

    pub(crate) fn to(&self, method: &str) -> Vec<Call> {
        let calls = self.0.borrow();
        let found = calls.iter().filter(|call| call.method.ends_with(method));
        found.cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.0.send_modify(Vec::clear);
    }

    pub(crate) async fn wait_for(&self, method: &str, count: usize) {
        let arrived = |calls: &Vec<Call>| {
            let matching = calls.iter().filter(|call| call.method.ends_with(method));
            matching.count() >= count
        };
        // The wait ends early only when the sender is gone, and it is ours.
        let _arrived = self.0.subscribe().wait_for(arrived).await.is_ok();
    }
}
