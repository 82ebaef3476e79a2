//! Processes that a test starts: it reads what they say line by line and waits for it with a bound, and none outlives it.

use std::{
    io::{BufRead as _, BufReader, Read},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Longer than anything takes on a machine that has other things to do. Who has waited for so long fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// A child that runs. It is killed where its test ends before it does.
pub(crate) struct Process {
    child: Child,
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

/// What a child says on one of its streams, as far as it was read.
pub(crate) struct Lines {
    coming: mpsc::Receiver<Vec<u8>>,
    /// Everything so far.
    text: Vec<u8>,
}

/// What a child that has ended said.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            stdout: Lines::of(child.stdout.take().unwrap()),
            stderr: Lines::of(child.stderr.take().unwrap()),
            child,
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends by itself.
    pub(crate) fn end(mut self) -> Ended {
        while self.stdout.next().is_some() {}
        while self.stderr.next().is_some() {}
        let begun = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => assert!(
                    begun.elapsed() < PATIENCE,
                    "it says nothing and does not end"
                ),
            }
            thread::sleep(Duration::from_millis(1));
        };
        Ended {
            status,
            stdout: self.stdout.text(),
            stderr: self.stderr.text(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _status = self.child.wait();
    }
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let (line, coming) = mpsc::channel();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            loop {
                let mut bytes = Vec::new();
                // Nobody reads on where the test has ended.
                if stream.read_until(b'\n', &mut bytes).unwrap() == 0 || line.send(bytes).is_err() {
                    return;
                }
            }
        });
        Self {
            coming,
            text: Vec::new(),
        }
    }

    /// The next line, without its end; none once the stream has ended.
    pub(crate) fn next(&mut self) -> Option<String> {
        match self.coming.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.text.extend(&line);
                let line = String::from_utf8(line).unwrap();
                Some(line.trim_end_matches('\n').to_owned())
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                panic!("it says nothing more; so far it said:\n{}", self.text())
            }
        }
    }

    /// Everything that was read so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.text.clone()).unwrap()
    }
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Ended {
    Process::start(command).end()
}
