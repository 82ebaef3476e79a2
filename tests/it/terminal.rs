//! A real terminal of any width: `script` of util-linux, which every Linux system has, runs the command line on one and
//! keeps what is written to it, stdout and stderr alike.

use std::{env, process::Command};

use crate::{
    harness::{Said, cache},
    process::run,
};

/// Runs the command line on a terminal; `stdout` is everything that a person would see there.
pub(crate) fn on_terminal(arguments: &[&str], columns: usize, variables: &[(&str, &str)]) -> Said {
    let home = tempfile::tempdir().unwrap();
    let program = [env!("CARGO_BIN_EXE_quotagate")];
    let line = program.iter().chain(arguments).copied();
    let line = shlex::try_join(line).unwrap();
    let script = format!("stty columns {columns} rows 50 && exec {line}");
    let mut command = Command::new("script");
    command
        .args([
            "--quiet",
            "--flush",
            "--return",
            "--command",
            &script,
            "/dev/null",
        ])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap_or_default())
        .env("SHELL", "/bin/sh")
        .env("TERM", "xterm-256color")
        .env("HOME", home.path())
        .env("XDG_CACHE_HOME", cache())
        .env("QUOTAGATE_PLUGIN__TIME", "10min")
        .envs(variables.iter().copied());
    let mut said = Said::from(run(&mut command));
    // A terminal begins a line with both.
    said.stdout = said.stdout.replace("\r\n", "\n");
    said
}

/// A text without colours. Whatever else commands a terminal stays in it.
pub(crate) fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        plain.push_str(before);
        let end = after.find(|character: char| !character.is_ascii_digit() && character != ';');
        match end.map(|end| after.split_at(end)) {
            Some((_, after)) if after.starts_with('m') => rest = &after[1..],
            _ => {
                plain.push_str("\u{1b}[");
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}
