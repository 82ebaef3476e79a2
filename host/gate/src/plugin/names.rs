//! Numbers for names: what crosses to a plugin with every call is numbers, which mean the same as long as the process runs.
//!
//! One table serves all plugins and accounts of a process. It only grows, so a number never changes its meaning; it is bounded,
//! since names come from outside.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock, RwLockReadGuard},
};

/// The number of a name; zero for the empty one.
pub(super) type Number = u32;

/// The most names that there may be in a process.
const MOST_NAMES: usize = 1_000_000;
/// The most bytes that all of them may have together.
const MOST_BYTES: usize = 256 << 20;

/// There are as many names as there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are {MOST_NAMES} names already, or more than {} MiB of them", MOST_BYTES >> 20)]
pub(super) struct NamesFull;

/// The names of this process.
pub(super) static NAMES: LazyLock<Names> = LazyLock::new(|| Names::bounded(MOST_NAMES, MOST_BYTES));

/// A table of names.
pub(super) struct Names {
    table: RwLock<Table>,
    most: usize,
    most_bytes: usize,
}

struct Table {
    numbers: HashMap<Arc<str>, Number>,
    /// By number; the first is the empty name.
    texts: Vec<Arc<str>>,
    bytes: usize,
}

/// The names as they are now.
pub(super) struct Known<'a>(RwLockReadGuard<'a, Table>);

impl Names {
    fn bounded(most: usize, most_bytes: usize) -> Self {
        let empty: Arc<str> = Arc::from("");
        Self {
            table: RwLock::new(Table {
                numbers: HashMap::from([(Arc::clone(&empty), 0)]),
                texts: vec![empty],
                bytes: 0,
            }),
            most,
            most_bytes,
        }
    }

    /// The names as they are now, for several look-ups. Not to be kept while others are numbered.
    pub(super) fn known(&self) -> Known<'_> {
        Known(self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The number of a name, which it is given now where it has none.
    pub(super) fn number_of(&self, name: &str) -> Result<Number, NamesFull> {
        if let Some(number) = self.known().number_of(name) {
            return Ok(number);
        }
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have been faster.
        if let Some(number) = table.numbers.get(name) {
            return Ok(*number);
        }
        let bytes = table.bytes.saturating_add(name.len());
        if table.texts.len() > self.most || bytes > self.most_bytes {
            return Err(NamesFull);
        }
        let number = Number::try_from(table.texts.len()).map_err(|_| NamesFull)?;
        let text: Arc<str> = Arc::from(name);
        table.numbers.insert(Arc::clone(&text), number);
        table.texts.push(text);
        table.bytes = bytes;
        drop(table);
        Ok(number)
    }
}

impl Known<'_> {
    /// The number of a name, where it has one.
    pub(super) fn number_of(&self, name: &str) -> Option<Number> {
        self.0.numbers.get(name).copied()
    }

    /// The name that a number was given out for.
    pub(super) fn name_of(&self, number: Number) -> Option<&Arc<str>> {
        self.0.texts.get(usize::try_from(number).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number_and_a_number_its_name() {
        let names = Names::bounded(10, 100);
        assert_eq!(names.number_of(""), Ok(0));
        let one = names.number_of("one").unwrap();
        let two = names.number_of("two").unwrap();
        assert_ne!(one, two);
        assert_eq!(names.number_of("one"), Ok(one));
        assert_eq!(names.known().name_of(two).unwrap().as_ref(), "two");
        assert_eq!(names.known().name_of(3), None);
        assert_eq!(names.known().number_of("three"), None);
    }

    #[test]
    fn a_full_table_takes_no_more_and_still_knows_what_it_has() {
        let names = Names::bounded(2, 100);
        let (one, two) = (names.number_of("one"), names.number_of("two"));
        assert_eq!(names.number_of("three"), Err(NamesFull));
        assert_eq!((names.number_of("one"), names.number_of("two")), (one, two));
        assert_eq!(Names::bounded(10, 3).number_of("four"), Err(NamesFull));
    }

    #[test]
    fn threads_agree_on_the_numbers() {
        let names = Names::bounded(1_000, 100_000);
        let numbers = || {
            let each = (0..100).map(|name| names.number_of(&format!("name-{name}")).unwrap());
            each.collect::<Vec<_>>()
        };
        std::thread::scope(|scope| {
            let others: Vec<_> = (0..4).map(|_| scope.spawn(numbers)).collect();
            let mine = numbers();
            for other in others {
                assert_eq!(other.join().unwrap(), mine);
            }
        });
    }
}
