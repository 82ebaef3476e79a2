//! The variables and the home directory that credentials are looked for in.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::helper::Helper;

/// Where a virtual machine of Nebius finds its own token.
const VM_TOKEN: &str = "/mnt/cloud-metadata/token";
/// The official CLI, and where its installer puts it below the home directory.
const CLI: &str = "nebius";
const CLI_AT_HOME: &str = ".nebius/bin";

/// The value of a variable, by name.
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Variables and a home directory. Handed in, so that a program that embeds the client decides what it sees.
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
    home: Option<PathBuf>,
    vm_token: Option<PathBuf>,
}

impl Environment {
    /// Those of this process.
    pub fn from_process() -> Self {
        Self {
            lookup: Arc::new(|name| std::env::var(name).ok()),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
            vm_token: Some(VM_TOKEN.into()),
        }
    }

    /// These and no others.
    pub fn new<Name, Value>(
        variables: impl IntoIterator<Item = (Name, Value)>,
        home: Option<PathBuf>,
    ) -> Self
    where
        Name: Into<String>,
        Value: Into<String>,
    {
        let variables: HashMap<String, String> = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        Self {
            lookup: Arc::new(move |name| variables.get(name).cloned()),
            home,
            vm_token: None,
        }
    }

    /// The same on a virtual machine that finds its own token in this file.
    #[must_use]
    pub fn with_vm_token(mut self, file: PathBuf) -> Self {
        self.vm_token = Some(file);
        self
    }

    /// The value of a variable, without white space around it; one that is empty counts as unset.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        (self.lookup)(name)
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// The configuration of the official tools, where there is a home to hold it.
    pub(crate) fn config_file(&self) -> Option<PathBuf> {
        Some(self.home.as_ref()?.join(".nebius").join("config.yaml"))
    }

    /// The file that the official tools keep the tokens of logins in.
    pub(super) fn login_file(&self) -> Option<PathBuf> {
        let home = self.home.as_ref()?;
        Some(home.join(".nebius").join("credentials.yaml"))
    }

    /// The token of the virtual machine, where this is one.
    pub(super) fn vm_token(&self) -> Option<&Path> {
        self.vm_token.as_deref().filter(|path| path.is_file())
    }

    /// The official CLI, where it is installed: on the PATH, else where its installer puts it.
    pub(super) fn helper(&self) -> Option<Helper> {
        let path = self.variable("PATH").unwrap_or_default();
        let at_home = self.home.as_ref().map(|home| home.join(CLI_AT_HOME));
        let program = std::env::split_paths(&path)
            .filter(|folder| folder.is_absolute())
            .chain(at_home)
            .map(|folder| folder.join(CLI))
            .find(|program| program.is_file())?;
        Some(Helper {
            program,
            home: self.home.clone(),
        })
    }

    /// A path as people write it: `~/` is the home directory.
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        match (text.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => Path::new(text).to_owned(),
        }
    }
}

impl fmt::Debug for Environment {
    /// Without the variables, which hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Environment")
            .field("home", &self.home)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_at_home_where_they_say_so() {
        let environment = Environment::new([("", ""); 0], Some("/home/robot".into()));
        assert_eq!(environment.path("~/token"), Path::new("/home/robot/token"));
        assert_eq!(environment.path("/mnt/token"), Path::new("/mnt/token"));
        assert_eq!(environment.path("token~/"), Path::new("token~/"));
        let homeless = Environment::new([("", ""); 0], None);
        assert_eq!(homeless.path("~/token"), Path::new("~/token"));
        assert_eq!(homeless.config_file(), None);
    }

    #[test]
    fn an_empty_variable_is_unset() {
        let environment = Environment::new([("A", " a\n"), ("B", " ")], None);
        assert_eq!(environment.variable("A").as_deref(), Some("a"));
        assert_eq!(environment.variable("B"), None);
        assert_eq!(environment.variable("C"), None);
    }
}
