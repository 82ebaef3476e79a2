//! The official CLI as a helper: it prints an access token for a profile, and renews the login where it can.

use std::{
    io::Read,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret, SecretString};

use crate::status::printable;

/// More is no token, and no message that anybody reads.
const MOST_OUTPUT: u64 = 64 * 1024;
/// How long what an ended helper said is waited for.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How often the helper is looked at.
const LOOK: Duration = Duration::from_millis(10);

/// The official CLI on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Helper {
    /// The program.
    pub(super) program: PathBuf,
    /// The home directory that it is to look in.
    pub(super) home: Option<PathBuf>,
}

/// The command that prints a token for a profile, as one types it.
pub(super) fn command_line(profile: &str) -> String {
    let profile = shlex::try_quote(profile).unwrap_or_else(|_| "NAME".into());
    format!("nebius iam get-access-token --profile {profile}")
}

impl Helper {
    /// Asks the helper for a token, and ends it when `limit` has passed. Blocks meanwhile.
    pub(super) fn token(&self, profile: &str, limit: Duration) -> Result<SecretString, String> {
        let until = Instant::now() + limit;
        let mut command = Command::new(&self.program);
        command
            .args(["iam", "get-access-token", "--profile", profile])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if let Some(home) = &self.home {
            command.env("HOME", home);
        }
        let said = |what: String| format!("`{}` {what}", self.program.display());
        let mut child = command
            .spawn()
            .map_err(|error| said(format!("cannot be run: {error}")))?;
        let output = drain(child.stdout.take());
        let errors = drain(child.stderr.take());
        let left = || until.saturating_duration_since(Instant::now());
        let status = loop {
            match child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if left().is_zero() => {
                    end(&mut child);
                    return Err(said(format!("gave no token within {limit:?}")));
                }
                Ok(None) => thread::sleep(LOOK),
                Err(error) => {
                    end(&mut child);
                    return Err(said(format!("cannot be waited for: {error}")));
                }
            }
        };
        // A program that the helper started may keep its output open.
        let words = |pipe: mpsc::Receiver<Vec<u8>>| {
            pipe.recv_timeout(left().min(LAST_WORDS))
                .unwrap_or_default()
        };
        if !status.success() {
            let errors = words(errors);
            let errors = printable(&String::from_utf8_lossy(&errors));
            return Err(said(format!("failed ({status}): {errors}")));
        }
        let text = String::from_utf8(words(output)).map(SecretString::from);
        let token = text.map(|text| SecretString::from(text.expose_secret().trim()));
        match token {
            Ok(token) if !token.expose_secret().is_empty() => Ok(token),
            _ => Err(said("printed no token".to_owned())),
        }
    }
}

fn end(child: &mut Child) {
    // It may have ended by itself meanwhile.
    let _ = child.kill();
    let _ = child.wait();
}

/// Reads a pipe to its end on a thread of its own, so that the helper never waits for its reader.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.by_ref().take(MOST_OUTPUT).read_to_end(&mut bytes);
            let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        }
        // Nobody listens any more when the time is up.
        let _ = sender.send(bytes);
    });
    receiver
}
