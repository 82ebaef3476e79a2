//! No secret in any text: errors, debug output, logs.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tonic::Status;

use super::{Cloud, Questions, acme, connect, refuse};
use crate::{ConnectOptions, CredentialsChoice, Environment};

const SECRET: &str = "ne1SECRETSECRETSECRET";

#[tokio::test]
async fn a_token_is_in_no_text() {
    let cloud = Cloud::of(acme(), 5, |_| {
        // A cloud that repeats what it was given.
        refuse(Status::unauthenticated(format!(
            "token {SECRET} is not good"
        )))
    })
    .await;
    let choices = [
        (
            CredentialsChoice::Token(SECRET.into()),
            Environment::new([("", ""); 0], None),
        ),
        (
            CredentialsChoice::Find,
            Environment::new([("NEBIUS_IAM_TOKEN", SECRET)], None),
        ),
    ];
    let log = Log::default();
    let guard = log.listen();
    for (credentials, environment) in choices {
        let options = ConnectOptions {
            credentials,
            environment,
            ..cloud.options()
        };
        let client = connect(&options).unwrap();
        let error = client
            .instance_types("project-e00eunorth1")
            .await
            .unwrap_err();
        let world = client.record().await;
        let texts = [
            format!("{options:?}"),
            format!("{client:?}"),
            format!("{:?}", client.connection()),
            format!("{error:?}"),
            error.to_string(),
            format!("{world:?}"),
        ];
        for text in texts {
            assert!(!text.contains(SECRET), "{text}");
        }
        assert!(
            error.message.contains("token ... is not good"),
            "{}",
            error.message
        );
    }
    drop(guard);
    let text = log.text();
    assert!(text.contains("refused"), "the log was heard: {text}");
    assert!(!text.contains("SECRET"), "{text}");
}

#[tokio::test]
async fn a_token_that_no_header_can_carry_is_not_quoted() {
    let cloud = Cloud::kind().await;
    for token in [
        "two words SECRET",
        "line\nbreak SECRET",
        "",
        "ümlaut SECRET",
    ] {
        let client = connect(&ConnectOptions {
            credentials: CredentialsChoice::Token(token.into()),
            ..cloud.options()
        })
        .unwrap();
        let error = client
            .instance_types("project-e00eunorth1")
            .await
            .unwrap_err();
        assert!(error.message.contains("is not one"), "{}", error.message);
        assert!(!error.message.contains("SECRET"), "{}", error.message);
    }
    assert!(cloud.seen().is_empty());
}

/// A subscriber that writes every event of this thread down.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Until both are dropped.
    fn listen(&self) -> (tracing::subscriber::DefaultGuard, tracing::Dispatch) {
        // With one dispatcher alone, whether an event is heard at all is asked of the thread that comes to it first, and
        // that may be another test's, which hears nothing.
        (
            tracing::subscriber::set_default(self.subscriber()),
            tracing::Dispatch::new(self.subscriber()),
        )
    }

    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        let log = self.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || log.clone())
            .finish()
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
