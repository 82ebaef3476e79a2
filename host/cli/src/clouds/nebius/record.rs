//! Writes a live account down as a world.

use std::{fs, io::ErrorKind, path::Path};

use nebius_api::world::{Recorded, World};

use crate::{
    args::{Global, Record},
    error::{CliError, Exit},
    output::Output,
    progress,
};

use super::client;

/// The lists of a project, as the files of a world are called.
const PROJECT_LISTS: [&str; 3] = ["allowances", "platforms", "capacity-allowances"];

/// Reads the account and writes it to the directory.
pub(super) async fn run(
    global: &Global,
    options: &Record,
    directory: &Path,
    output: &Output,
) -> Result<Exit, CliError> {
    if !options.force {
        refuse_strangers(directory)?;
    }
    let client = client(global, None)?;
    let world = progress::wait(output, "reading the account", client.record()).await;
    let lines = report(&world);
    let read = lines.iter().filter(|line| line.is_whole).count();
    for line in &lines {
        match &line.why {
            None => output.note(&format!("read      {} ({})", line.file, line.items)),
            Some(why) => output.note(&format!("not read  {}: {why}", line.file)),
        }
    }
    if read == 0 {
        let why = lines.into_iter().find_map(|line| line.why);
        return Err(CliError::Unreadable {
            what: String::from("anything about the account, so nothing is written"),
            list: String::from("every list"),
            why: why.unwrap_or_default(),
        });
    }
    refuse_to_lose(directory, &world, &lines)?;
    world.write(directory)?;
    if is_whole(&world.projects, |list| &list.next_page_token) {
        remove_gone(directory, &world)?;
    }
    output.note(&format!(
        "wrote {read} of {} lists to `{}`; ask it with --recorded",
        lines.len(),
        directory.display()
    ));
    if read == lines.len() {
        Ok(Exit::Done)
    } else {
        output.warn("the world lacks what could not be read: what rests on it will be unknown");
        Ok(Exit::Failure)
    }
}

/// Refuses to put lists that could not be read in the place of lists that were. A file that nobody understands is no loss.
fn refuse_to_lose(directory: &Path, world: &World, now: &[Line]) -> Result<(), CliError> {
    let Ok(before) = World::read(directory) else {
        return Ok(());
    };
    let is_still_whole = |file: &str| now.iter().any(|line| line.file == file && line.is_whole);
    let knows_projects = is_whole(&world.projects, |list| &list.next_page_token);
    let is_gone = |file: &str| knows_projects && !now.iter().any(|line| line.file == file);
    let lost: Vec<String> = report(&before)
        .into_iter()
        .filter(|line| line.is_whole && directory.join(&line.file).is_file())
        .map(|line| line.file)
        .filter(|file| !is_still_whole(file) && !is_gone(file))
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(CliError::WouldLose {
        directory: directory.to_owned(),
        lists: lost,
    })
}

/// Refuses a directory that holds something else than a world.
fn refuse_strangers(directory: &Path) -> Result<(), CliError> {
    let unreadable = |source| CliError::File {
        verb: "read",
        path: directory.to_owned(),
        source,
    };
    let mut entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(unreadable)?,
    };
    let is_empty = entries.next().transpose().map_err(unreadable)?.is_none();
    let is_world = directory.join("tenant").is_dir() && directory.join("projects").is_dir();
    if is_empty || is_world {
        Ok(())
    } else {
        Err(CliError::NotAWorld(directory.to_owned()))
    }
}

/// Removes what an older recording says of projects that are gone.
fn remove_gone(directory: &Path, world: &World) -> Result<(), CliError> {
    let folder = directory.join("projects");
    let Ok(entries) = fs::read_dir(&folder) else {
        return Ok(());
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let is_there = name
            .to_str()
            .is_some_and(|id| world.by_project.contains_key(id));
        if is_there || !entry.path().is_dir() {
            continue;
        }
        for list in PROJECT_LISTS {
            let path = entry.path().join(format!("{list}.json"));
            match fs::remove_file(&path) {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                removed => removed.map_err(|source| CliError::File {
                    verb: "remove",
                    path,
                    source,
                })?,
            }
        }
        // Something else lies there: it stays, and so does the folder.
        let _kept = fs::remove_dir(entry.path());
    }
    Ok(())
}

/// What became of one file.
struct Line {
    file: String,
    items: String,
    why: Option<String>,
    /// Whether it was read to its end.
    is_whole: bool,
}

fn report(world: &World) -> Vec<Line> {
    let mut lines = vec![
        line("tenant/tenant.json", &world.tenant, |_| Held::One),
        line("tenant/projects.json", &world.projects, |list| {
            held(list.items.len(), &list.next_page_token)
        }),
        line("tenant/allowances.json", &world.allowances, |list| {
            held(list.items.len(), &list.next_page_token)
        }),
        line(
            "tenant/resource-advice.json",
            &world.resource_advice,
            |list| held(list.items.len(), &list.next_page_token),
        ),
        line(
            "tenant/capacity-block-groups.json",
            &world.capacity_block_groups,
            |list| held(list.items.len(), &list.next_page_token),
        ),
    ];
    for (id, files) in &world.by_project {
        let [allowances, platforms, shares] =
            PROJECT_LISTS.map(|list| format!("projects/{id}/{list}.json"));
        lines.push(line(&allowances, &files.allowances, |list| {
            held(list.items.len(), &list.next_page_token)
        }));
        lines.push(line(&platforms, &files.platforms, |list| {
            held(list.items.len(), &list.next_page_token)
        }));
        lines.push(line(&shares, &files.capacity_allowances, |list| {
            held(list.items.len(), &list.next_page_token)
        }));
    }
    lines
}

/// What an answer holds.
enum Held {
    /// The tenant.
    One,
    /// So many rows of a list, and whether those are all.
    Rows { count: usize, is_whole: bool },
}

const fn held(count: usize, next_page_token: &str) -> Held {
    Held::Rows {
        count,
        is_whole: next_page_token.is_empty(),
    }
}

fn line<T>(file: &str, recorded: &Recorded<T>, held: impl FnOnce(&T) -> Held) -> Line {
    let (items, why, is_whole) = match recorded {
        Recorded::Answer(answer) => match held(answer) {
            Held::One => (String::from("1 tenant"), None, true),
            Held::Rows { count, is_whole } => {
                let noun = if count == 1 { "item" } else { "items" };
                let rest = if is_whole { "" } else { ", and there are more" };
                (format!("{count} {noun}{rest}"), None, is_whole)
            }
        },
        Recorded::Error(error) => {
            let why = format!("{}: {}", error.code, error.message);
            (String::new(), Some(why), false)
        }
        Recorded::Missing => {
            let why = String::from("it was not asked for");
            (String::new(), Some(why), false)
        }
    };
    Line {
        file: file.to_owned(),
        items,
        why,
        is_whole,
    }
}

/// Whether a list was read to its end.
fn is_whole<T>(recorded: &Recorded<T>, token: impl FnOnce(&T) -> &String) -> bool {
    recorded.answer().is_some_and(|list| token(list).is_empty())
}
