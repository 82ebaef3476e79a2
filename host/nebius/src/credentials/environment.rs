//! The variables and the home directory that credentials are looked for in.

use std::{
    collections::HashMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The value of a variable, by name.
type Lookup = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Variables and a home directory. Handed in, so that a program that embeds the client decides what it sees.
#[derive(Clone)]
pub struct Environment {
    lookup: Arc<Lookup>,
    home: Option<PathBuf>,
}

impl Environment {
    /// Those of this process.
    pub fn from_process() -> Self {
        Self {
            lookup: Arc::new(|name| std::env::var(name).ok()),
            home: std::env::home_dir().filter(|home| !home.as_os_str().is_empty()),
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
        }
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
