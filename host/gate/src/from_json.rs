//! Records of the contract from JSON: every field must be there, and nothing else, under the names that [`crate::json`]
//! writes. A few that inventories did not always have may be absent.

use serde_json::{Map, Value};

/// Why JSON is no record of the contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {problem}")]
pub struct FromJsonError {
    /// Where, such as `projects.project-e00.allowances.tenant.rows[3].limit`.
    pub path: String,
    /// What is wrong there.
    pub problem: String,
}

/// What can be read from JSON. `path` says where it stands.
pub(crate) trait FromJson: Sized {
    fn from_json(value: &Value, path: &str) -> Result<Self, FromJsonError>;
}

/// What a field is where it is absent.
pub(crate) enum Absent {
    /// Not known.
    Null,
    /// Nothing.
    Zero,
    /// An empty list.
    Nothing,
    /// What this field of the same record is.
    Like(&'static str),
}

/// The fields of an object, taken out one by one.
pub(crate) struct Fields<'a> {
    left: Map<String, Value>,
    path: &'a str,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &Value, path: &'a str) -> Result<Self, FromJsonError> {
        match value {
            Value::Object(left) => Ok(Self {
                left: left.clone(),
                path,
            }),
            _ => Err(wrong(path, "must be an object")),
        }
    }

    /// Puts a field in where it is absent.
    pub(crate) fn fill(&mut self, name: &str, absent: &Absent) {
        if !self.left.contains_key(name) {
            let value = match absent {
                Absent::Null => Some(Value::Null),
                Absent::Zero => Some(Value::from(0)),
                Absent::Nothing => Some(Value::Array(Vec::new())),
                Absent::Like(other) => self.left.get(*other).cloned(),
            };
            if let Some(value) = value {
                self.left.insert(name.to_owned(), value);
            }
        }
    }

    pub(crate) fn take<T: FromJson>(&mut self, name: &str) -> Result<T, FromJsonError> {
        let value = self.left.remove(name);
        let value = value.ok_or_else(|| wrong(self.path, &format!("has no `{name}`")))?;
        T::from_json(&value, &format!("{}.{name}", self.path))
    }

    pub(crate) fn end(self) -> Result<(), FromJsonError> {
        match self.left.keys().next() {
            Some(unknown) => Err(wrong(self.path, &format!("has an unknown `{unknown}`"))),
            None => Ok(()),
        }
    }
}

pub(crate) fn wrong(path: &str, problem: &str) -> FromJsonError {
    FromJsonError {
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}

impl FromJson for String {
    fn from_json(value: &Value, path: &str) -> Result<Self, FromJsonError> {
        let text = value.as_str();
        text.map(str::to_owned)
            .ok_or_else(|| wrong(path, "must be text"))
    }
}

impl FromJson for bool {
    fn from_json(value: &Value, path: &str) -> Result<Self, FromJsonError> {
        value
            .as_bool()
            .ok_or_else(|| wrong(path, "must be true or false"))
    }
}

impl FromJson for u64 {
    fn from_json(value: &Value, path: &str) -> Result<Self, FromJsonError> {
        value
            .as_u64()
            .ok_or_else(|| wrong(path, "must be a whole number of 64 bits"))
    }
}

impl FromJson for u32 {
    fn from_json(value: &Value, path: &str) -> Result<Self, FromJsonError> {
        let number = value
            .as_u64()
            .and_then(|number| Self::try_from(number).ok());
        number.ok_or_else(|| wrong(path, "must be a whole number of 32 bits"))
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: &Value, path: &str) -> Result<Self, FromJsonError> {
        match value {
            Value::Null => Ok(None),
            some => T::from_json(some, path).map(Some),
        }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: &Value, path: &str) -> Result<Self, FromJsonError> {
        let items = value
            .as_array()
            .ok_or_else(|| wrong(path, "must be a list"))?;
        items
            .iter()
            .enumerate()
            .map(|(index, item)| T::from_json(item, &format!("{path}[{index}]")))
            .collect()
    }
}
