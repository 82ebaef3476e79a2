//! What hangs and what is waited for, on the clock of tokio: it goes on by itself whenever everybody waits, so nothing here
//! depends on how fast the machine is. No connection is made: a test answers in the place of the service.

use std::{future::pending, sync::Mutex, time::Duration};

use nebius_api::nebius::compute::v1::{ListPlatformsRequest, ListPlatformsResponse, Platform};
use quotagate::source::{SourceError, SourceErrorKind};
use tokio::time::{Instant, sleep};
use tonic::{Request, Response, Status, transport::Channel};

use super::{connect, nowhere};
use crate::{
    ConnectOptions, CredentialsChoice, Deadlines, Retries,
    address::Service,
    pages::Fetched,
    question::{About, Question},
};

const CALL: Duration = Duration::from_secs(20);
const SOURCE: Duration = Duration::from_secs(100);
/// What the timers of tokio round up by.
const GRAIN: Duration = Duration::from_millis(10);

/// What a service does with a page that it is asked for.
enum Deed {
    Hang,
    /// Refuses, after so long.
    Refuse(Status, Duration),
    /// Answers with a platform, and says where the list goes on; nowhere, where this is empty.
    Answer(&'static str),
}

/// An attempt, as the service saw it.
#[derive(Clone, Debug)]
struct Attempt {
    /// Since the list was asked for.
    at: Duration,
    key: String,
    page_token: String,
    /// How long the client says it waits.
    patience: Duration,
}

/// A list of platforms as far as it was read, by attempts that the service met so.
struct Outcome {
    list: Result<Fetched<Platform>, SourceError>,
    attempts: Vec<Attempt>,
    took: Duration,
}

async fn list(deadlines: Deadlines, retries: Retries, deed: impl Fn(usize) -> Deed) -> Outcome {
    let client = connect(&ConnectOptions {
        endpoint: Some("127.0.0.1:1".to_owned()),
        credentials: CredentialsChoice::Token("handed-in".into()),
        deadlines,
        retries,
        ..ConnectOptions::new(nowhere())
    });
    let client = client.unwrap();
    let begun = Instant::now();
    let attempts = Mutex::new(Vec::new());
    let (seen, deed) = (&attempts, &deed);
    let send = |_: Channel, request: Request<ListPlatformsRequest>| async move {
        let header = |name: &str| {
            let value = request.metadata().get(name).unwrap();
            value.to_str().unwrap().to_owned()
        };
        let number = {
            let mut seen = seen.lock().unwrap();
            seen.push(Attempt {
                at: begun.elapsed(),
                key: header("x-idempotency-key"),
                page_token: request.get_ref().page_token.clone(),
                patience: patience(&header("grpc-timeout")),
            });
            seen.len() - 1
        };
        match deed(number) {
            Deed::Hang => pending().await,
            Deed::Refuse(status, after) => {
                sleep(after).await;
                Err(status)
            }
            Deed::Answer(next_page_token) => Ok(Response::new(ListPlatformsResponse {
                items: vec![Platform::default()],
                next_page_token: next_page_token.to_owned(),
            })),
        }
    };
    let question = Question::new(Service::Compute, About::Project, "list them".to_owned());
    let request = |page_token| ListPlatformsRequest {
        page_token,
        ..ListPlatformsRequest::default()
    };
    let list = client
        .list(&question, client.deadline(), request, send)
        .await;
    Outcome {
        list: list.map_err(SourceError::from),
        attempts: attempts.into_inner().unwrap(),
        took: begun.elapsed(),
    }
}

/// As gRPC writes it: digits and a unit.
fn patience(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().unwrap();
    match unit {
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        other => panic!("{other}"),
    }
}

fn deadlines() -> Deadlines {
    Deadlines {
        call: CALL,
        source: SOURCE,
        ..Deadlines::default()
    }
}

fn retries(attempts: u32) -> Retries {
    Retries {
        attempts,
        first_wait: Duration::from_millis(1),
        longest_wait: Duration::from_millis(2),
    }
}

fn is_about(took: Duration, expected: Duration) -> bool {
    took >= expected && took < expected + GRAIN
}

#[tokio::test(start_paused = true)]
async fn a_hang_is_cut_short_and_asked_again() {
    let outcome = list(deadlines(), retries(3), |attempt| match attempt {
        0 => Deed::Hang,
        _ => Deed::Answer(""),
    })
    .await;
    assert_eq!(outcome.list.unwrap().items.len(), 1);
    let [first, second] = &outcome.attempts[..] else {
        panic!("{:?}", outcome.attempts);
    };
    assert_eq!(first.key, second.key);
    assert_eq!(first.patience, CALL);
    assert!(is_about(second.at, CALL), "{second:?}");
    assert!(is_about(outcome.took, CALL), "{:?}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn what_always_hangs_is_given_up() {
    let outcome = list(deadlines(), retries(3), |_| Deed::Hang).await;
    let error = outcome.list.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    let expected = "did not answer within 20s; ask again later (asked 3 times)";
    assert!(error.message.ends_with(expected), "{}", error.message);
    assert!(is_about(outcome.took, 3 * CALL), "{:?}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_after_the_deadline() {
    let second = Duration::from_secs(1);
    let outcome = list(deadlines(), retries(u32::MAX), |_| {
        Deed::Refuse(Status::unavailable("not now"), second)
    })
    .await;
    let error = outcome.list.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    assert!(outcome.attempts.len() > 80, "{}", outcome.attempts.len());
    for attempt in &outcome.attempts {
        // Nor does any attempt say that it waits for longer.
        let left = SOURCE.saturating_sub(attempt.at);
        assert!(attempt.patience <= left.min(CALL), "{attempt:?}");
    }
    assert!(outcome.took <= SOURCE + GRAIN, "{:?}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn the_cloud_is_left_alone_for_as_long_as_it_asks() {
    let outcome = list(deadlines(), retries(3), |attempt| match attempt {
        0 => {
            let mut status = Status::unavailable("restarting");
            let pushback = "30000".parse().unwrap();
            let metadata = status.metadata_mut();
            metadata.insert("grpc-retry-pushback-ms", pushback);
            Deed::Refuse(status, Duration::ZERO)
        }
        _ => Deed::Answer(""),
    })
    .await;
    assert_eq!(outcome.list.unwrap().items.len(), 1);
    let wait = Duration::from_secs(30);
    let second = &outcome.attempts[1];
    assert!(is_about(second.at, wait), "{second:?}");
}

#[tokio::test(start_paused = true)]
async fn a_later_page_that_hangs_keeps_the_rows_so_far() {
    let outcome = list(deadlines(), retries(1), |attempt| match attempt {
        0 => Deed::Answer("second"),
        _ => Deed::Hang,
    })
    .await;
    let list = outcome.list.unwrap();
    assert_eq!(list.items.len(), 1);
    let stop = SourceError::from(list.interrupted.unwrap().error);
    assert_eq!(stop.kind, SourceErrorKind::Unavailable);
    assert!(
        stop.message.contains("did not answer within 20s"),
        "{}",
        stop.message
    );
    let asked = outcome.attempts.iter();
    let asked: Vec<_> = asked.map(|attempt| attempt.page_token.as_str()).collect();
    assert_eq!(asked, ["", "second"]);
    assert!(is_about(outcome.took, CALL), "{:?}", outcome.took);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_source_bounds_all_its_pages() {
    let deadlines = Deadlines {
        call: Duration::from_secs(600),
        ..deadlines()
    };
    let outcome = list(deadlines, retries(1), |attempt| match attempt {
        0 => Deed::Answer("second"),
        _ => Deed::Hang,
    })
    .await;
    let list = outcome.list.unwrap();
    assert_eq!(list.items.len(), 1);
    let stop = SourceError::from(list.interrupted.unwrap().error);
    assert_eq!(stop.kind, SourceErrorKind::Unavailable);
    assert!(is_about(outcome.took, SOURCE), "{:?}", outcome.took);
}
