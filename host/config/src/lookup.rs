//! Where a configuration is looked for: which file, which variables.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use crate::{error::ConfigError, keys::PREFIX};

/// The name of the file where none is named.
const FILE: &str = "quotagate.toml";
/// Names the file.
const CONFIG: &str = "QUOTAGATE_CONFIG";
/// Variables with the prefix that are no keys: the file, and where builds find plugins that are built already.
const OTHERS: [&str; 2] = [CONFIG, "QUOTAGATE_PREBUILT_PLUGINS"];

/// A file that was found.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
    /// Whether somebody chose it: the user by its place, or whoever named it. The file of a working directory may be
    /// anybody's.
    pub(crate) is_chosen: bool,
}

/// Where a configuration is looked for.
#[derive(Clone, Debug, Default)]
pub struct Lookup {
    /// The file that the caller names; it must be there.
    pub file: Option<PathBuf>,
    /// The environment.
    pub variables: Vec<(OsString, OsString)>,
    /// Where `quotagate.toml` is looked for first; empty for the working directory.
    pub folder: PathBuf,
}

impl Lookup {
    /// With the environment and the working directory of this process.
    pub fn from_process(file: Option<PathBuf>) -> Self {
        Self {
            file,
            variables: env::vars_os().collect(),
            folder: PathBuf::new(),
        }
    }

    /// The file and its bytes: the one that the caller names, else the one that `QUOTAGATE_CONFIG` names, else the first
    /// of those that are there.
    pub(crate) fn read(&self) -> Result<Option<Found>, ConfigError> {
        let by_variable = self.variable(CONFIG).map(PathBuf::from);
        let named = match (&self.file, by_variable) {
            (Some(file), _) => Some((file.clone(), false)),
            (None, file) => file.map(|file| (file, true)),
        };
        if let Some((path, by_variable)) = named {
            let bytes = bytes_of(&path, true).map_err(|source| ConfigError::Unreadable {
                path: path.clone(),
                by_variable,
                source,
            })?;
            return Ok(Some(Found {
                path,
                bytes,
                is_chosen: true,
            }));
        }
        let usual = [
            Some((self.folder.join(FILE), false)),
            self.of_user().map(|path| (path, true)),
        ];
        for (path, is_chosen) in usual.into_iter().flatten() {
            match bytes_of(&path, false) {
                Ok(bytes) => {
                    return Ok(Some(Found {
                        path,
                        bytes,
                        is_chosen,
                    }));
                }
                Err(error) if is_absent(&error) => {}
                Err(source) => {
                    return Err(ConfigError::Unreadable {
                        path,
                        by_variable: false,
                        source,
                    });
                }
            }
        }
        Ok(None)
    }

    /// The variables that begin as ours do, by name.
    pub(crate) fn overrides(&self) -> Vec<(String, &OsStr)> {
        let mut overrides: Vec<_> = self
            .variables
            .iter()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.as_os_str()))
            .filter(|(name, _)| is_key(name))
            .collect();
        overrides.sort_unstable();
        overrides
    }

    /// The user's own file.
    fn of_user(&self) -> Option<PathBuf> {
        // A relative folder is none, by the specification of these variables.
        let configured = self.variable("XDG_CONFIG_HOME").map(Path::new);
        let folder = match configured.filter(|folder| folder.is_absolute()) {
            Some(folder) => folder.to_owned(),
            None => Path::new(self.variable("HOME")?).join(".config"),
        };
        Some(folder.join("quotagate").join(FILE))
    }

    /// A variable that is set to something.
    fn variable(&self, wanted: &str) -> Option<&OsStr> {
        let found = self.variables.iter().find(|(name, _)| name == wanted);
        let value = found.map(|(_, value)| value.as_os_str());
        value.filter(|value| !value.is_empty())
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn is_key(name: &str) -> bool {
    name.starts_with(PREFIX) && !OTHERS.contains(&name) && !is_of_service(name)
}

/// Whether Kubernetes puts a variable of this shape into every pod beside a Service, as `QUOTAGATE_METRICS_SERVICE_HOST`
/// beside `quotagate-metrics`.
fn is_of_service(name: &str) -> bool {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let ends = |name: &str| name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT");
    let of_port = name.split_once("_PORT").map(|(_, port)| port);
    ends(name)
        || name.contains("_SERVICE_PORT_")
        || of_port.is_some_and(|port| {
            let number = port.trim_start_matches('_').split('_').next();
            port.is_empty() || number.is_some_and(|number| !number.is_empty() && is_number(number))
        })
}

/// More than any configuration has.
const LARGEST: u64 = 1 << 20;

/// What a file holds. One that nobody named has to be an ordinary file: a pipe or a device that lies in a working directory
/// would keep every command waiting.
fn bytes_of(path: &Path, is_named: bool) -> io::Result<Vec<u8>> {
    if !is_named && !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no ordinary file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is longer than 1 MiB"));
    }
    Ok(bytes)
}
