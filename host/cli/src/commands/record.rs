//! `quotagate record`: writes the account down as a world.

use std::{fs, io::ErrorKind, path::Path};

use nebius_api::world::{Recorded, World};

use crate::{
    args::{Global, Record},
    error::{CliError, Exit},
    output::Output,
    progress,
    session::connect,
};

/// The lists of a project, as the files of a world are called.
const PROJECT_LISTS: [&str; 3] = ["allowances", "platforms", "capacity-allowances"];

/// Reads the account and writes it to the directory.
pub(crate) async fn run(
    global: &Global,
    options: &Record,
    output: &mut Output,
) -> Result<Exit, CliError> {
    if global.recorded.is_some() {
        return Err(CliError::Usage {
            message: String::from("--recorded names an account that is recorded already"),
            hint: String::from("leave it out to record the live account"),
        });
    }
    let directory = &options.directory;
    if !options.force {
        refuse_strangers(directory)?;
    }
    let client = connect(global, None)?;
    let world = progress::wait(output, "reading the account", client.record()).await;
    let lines = report(&world);
    let read = lines.iter().filter(|line| line.why.is_none()).count();
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
    world.write(directory)?;
    remove_gone(directory, &world)?;
    output.note(&format!(
        "wrote {read} of {} lists to `{}`; ask it with --recorded",
        lines.len(),
        directory.display()
    ));
    Ok(Exit::Done)
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
}

fn report(world: &World) -> Vec<Line> {
    let mut lines = vec![
        line("tenant/tenant.json", &world.tenant, |_| {
            String::from("1 tenant")
        }),
        line("tenant/projects.json", &world.projects, |list| {
            count(list.items.len())
        }),
        line("tenant/allowances.json", &world.allowances, |list| {
            count(list.items.len())
        }),
        line(
            "tenant/resource-advice.json",
            &world.resource_advice,
            |list| count(list.items.len()),
        ),
        line(
            "tenant/capacity-block-groups.json",
            &world.capacity_block_groups,
            |list| count(list.items.len()),
        ),
    ];
    for (id, files) in &world.by_project {
        let [allowances, platforms, shares] =
            PROJECT_LISTS.map(|list| format!("projects/{id}/{list}.json"));
        lines.push(line(&allowances, &files.allowances, |list| {
            count(list.items.len())
        }));
        lines.push(line(&platforms, &files.platforms, |list| {
            count(list.items.len())
        }));
        let capacity = &files.capacity_allowances;
        lines.push(line(&shares, capacity, |list| count(list.items.len())));
    }
    lines
}

fn count(items: usize) -> String {
    match items {
        1 => String::from("1 item"),
        items => format!("{items} items"),
    }
}

fn line<T>(file: &str, recorded: &Recorded<T>, items: impl FnOnce(&T) -> String) -> Line {
    let (items, why) = match recorded {
        Recorded::Answer(answer) => (items(answer), None),
        Recorded::Error(error) => (
            String::new(),
            Some(format!("{}: {}", error.code, error.message)),
        ),
        Recorded::Missing => (String::new(), Some(String::from("it was not asked for"))),
    };
    Line {
        file: file.to_owned(),
        items,
        why,
    }
}
