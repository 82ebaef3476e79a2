//! The clouds that are built in: the one table of them, and which one a command line means.

pub(crate) mod nebius;

use std::{path::Path, sync::Arc};

use quotagate::Source;

use crate::{
    args::{Global, Record},
    error::{CliError, Exit},
    output::Output,
};

/// What the command line must know of a cloud. Everything else its plugin and its source say.
pub(crate) struct Cloud {
    /// Its name, as the plugin has it.
    pub(crate) name: &'static str,
    /// The plugin that judges it.
    pub(crate) plugin: &'static quotagate_plugins::Plugin,
    /// Whether a directory is a world of it, by its files.
    pub(crate) is_world: fn(&Path) -> bool,
    /// Opens a world.
    pub(crate) read: fn(&Path) -> Result<Account, CliError>,
    /// Opens the live account that the options name; with a project, for it alone.
    pub(crate) connect: fn(&Global, Option<&str>) -> Result<Account, CliError>,
    /// Writes the live account down as a world.
    pub(crate) record: RecordWorld,
}

/// Writes the live account down as a world.
type RecordWorld = for<'a> fn(&'a Global, &'a Record, &'a Path, &'a Output) -> Recording<'a>;

/// A recording under way.
pub(crate) type Recording<'a> =
    std::pin::Pin<Box<dyn Future<Output = Result<Exit, CliError>> + 'a>>;

/// An account that was found, and nothing read of it yet.
pub(crate) struct Account {
    /// Answers for it.
    pub(crate) source: Arc<dyn Source>,
    /// When it was recorded, in milliseconds since the Unix epoch.
    pub(crate) recorded_at: Option<u64>,
    /// The project of the profile in use: where launches go that could go to several.
    pub(crate) usual_project: Option<String>,
    /// What people should be told.
    pub(crate) warnings: Vec<String>,
    /// How it was found: what, and in words.
    pub(crate) found: Vec<(&'static str, String)>,
}

/// Every built-in cloud. Where nothing says which one is meant, it is the first.
pub(crate) static ALL: &[Cloud] = &[nebius::CLOUD];

/// The words that some cloud has for the finest place that a launch can name: each is another name of `--zone`.
pub(crate) const ZONE_WORDS: [&str; 1] = [nebius::ZONE_WORD];

/// The cloud that the options mean: the one that they name, else the one whose files the world holds, else the first.
///
/// # Errors
/// When they name a cloud and the world of another.
pub(crate) fn choose(global: &Global) -> Result<&'static Cloud, CliError> {
    choose_of(ALL, global.cloud.as_deref(), global.recorded.as_deref())
}

fn choose_of<'a>(
    clouds: &'a [Cloud],
    named: Option<&str>,
    world: Option<&Path>,
) -> Result<&'a Cloud, CliError> {
    let named = named
        .map(|name| {
            let found = clouds.iter().find(|cloud| cloud.name == name);
            found.ok_or_else(|| CliError::UnknownName {
                kind: "built-in cloud",
                name: name.to_owned(),
                place: String::new(),
                hint: crate::names::hint(
                    name,
                    clouds.iter().map(|cloud| cloud.name),
                    "`--cloud` takes these",
                ),
            })
        })
        .transpose()?;
    let Some(world) = world else {
        return first(named, clouds);
    };
    let fits = |cloud: &&Cloud| (cloud.is_world)(world);
    match (named, clouds.iter().find(fits)) {
        (Some(named), Some(other)) if !(named.is_world)(world) => Err(CliError::Usage {
            message: format!(
                "`{}` is a world of {}, and --cloud says {}",
                world.display(),
                other.name,
                named.name
            ),
            hint: String::from("leave --cloud out: the files of a world say which cloud it is of"),
        }),
        (Some(named), _) => Ok(named),
        (None, Some(found)) => Ok(found),
        // What it holds instead, its reader says.
        (None, None) => first(None, clouds),
    }
}

fn first<'a>(named: Option<&'a Cloud>, clouds: &'a [Cloud]) -> Result<&'a Cloud, CliError> {
    named.or(clouds.first()).ok_or_else(|| CliError::Usage {
        message: String::from("no cloud is built in"),
        hint: String::from("build quotagate with the feature of a cloud"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn cloud(name: &'static str, is_world: fn(&Path) -> bool) -> Cloud {
        Cloud {
            name,
            is_world,
            ..nebius::CLOUD
        }
    }

    #[test]
    fn a_world_says_which_cloud_it_is_of() {
        let clouds = [
            cloud("one", |world| world == "of-one"),
            cloud("other", |world| world == "of-other"),
        ];
        let chosen = |named, world: Option<&str>| {
            let world = world.map(Path::new);
            choose_of(&clouds, named, world).map(|cloud| cloud.name)
        };
        assert_eq!(chosen(None, None).unwrap(), "one");
        assert_eq!(chosen(Some("other"), None).unwrap(), "other");
        assert_eq!(chosen(None, Some("of-other")).unwrap(), "other");
        assert_eq!(chosen(Some("other"), Some("of-other")).unwrap(), "other");
        // The reader of the named one says what is wrong with it.
        assert_eq!(chosen(Some("other"), Some("of-none")).unwrap(), "other");
        let wrong = chosen(Some("one"), Some("of-other")).unwrap_err();
        assert_eq!(wrong.exit() as u8, 2);
        let told = wrong.to_string();
        assert!(told.contains("world of other"), "{told}");
        assert!(told.contains("--cloud says one"), "{told}");
        let unknown = chosen(Some("ohter"), None).unwrap_err();
        assert_eq!(unknown.exit() as u8, 2);
        assert!(unknown.hint().unwrap().contains("`other`"));
    }
}
