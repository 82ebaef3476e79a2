//! What an instance was shown: the rows that its answers may speak of.
//!
//! A plugin keeps what it derived from a list until the list's generation ends, so what counts is the list as it was last given to
//! this instance, whenever that was.

use std::collections::{HashMap, HashSet};

use super::names::Number;

/// A list that rows come with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum List {
    /// The rows of one owner in one region.
    Rows {
        /// The owner's id.
        owner: String,
        /// None: what counts everywhere.
        region: Option<String>,
    },
    /// The reservations of one project in one region.
    Reservations {
        /// The project's id.
        project: String,
        /// The region.
        region: String,
    },
}

/// The rows that one instance was shown.
#[derive(Default)]
pub(super) struct Seen {
    lists: HashMap<List, Vec<Number>>,
    rows: Counted,
    reservations: Counted,
    /// Rows of the plugin's own making, which it told in `standings`, since it was last shown a list.
    told: HashSet<Number>,
}

/// In how many lists a number stands.
#[derive(Default)]
struct Counted(HashMap<Number, u32>);

impl Seen {
    /// A list is given to the instance, in place of its earlier state. `rows` are those of a reservation and of its share too.
    pub(super) fn give(&mut self, list: List, rows: Vec<Number>) {
        self.told.clear();
        let counted = match list {
            List::Rows { .. } => &mut self.rows,
            List::Reservations { .. } => &mut self.reservations,
        };
        // Added first, so that what is in both stays where it is.
        rows.iter().for_each(|row| counted.add(*row));
        // An empty list is not kept: there may be as many as a plugin asks for.
        let earlier = if rows.is_empty() {
            self.lists.remove(&list)
        } else {
            self.lists.insert(list, rows)
        };
        earlier
            .iter()
            .flatten()
            .for_each(|row| counted.remove(*row));
    }

    /// The plugin told of a row of its own.
    pub(super) fn tell(&mut self, row: Number) {
        self.told.insert(row);
    }

    /// Whether an answer may speak of a row.
    pub(super) fn has_row(&self, row: Number) -> bool {
        self.rows.has(row) || self.reservations.has(row) || self.told.contains(&row)
    }

    /// Whether a reservation's row was shown.
    pub(super) fn has_reservation(&self, row: Number) -> bool {
        self.reservations.has(row)
    }
}

impl Counted {
    fn add(&mut self, number: Number) {
        let times = self.0.entry(number).or_default();
        *times = times.saturating_add(1);
    }

    fn remove(&mut self, number: Number) {
        if let Some(times) = self.0.get_mut(&number) {
            *times -= 1;
            if *times == 0 {
                self.0.remove(&number);
            }
        }
    }

    fn has(&self, number: Number) -> bool {
        self.0.contains_key(&number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(owner: &str) -> List {
        List::Rows {
            owner: owner.to_owned(),
            region: None,
        }
    }

    #[test]
    fn a_row_is_shown_as_long_as_a_list_has_it() {
        let mut seen = Seen::default();
        seen.give(rows("one"), vec![1, 2]);
        seen.give(rows("two"), vec![2, 3]);
        seen.give(rows("one"), vec![1]);
        assert!([1, 2, 3].iter().all(|row| seen.has_row(*row)));
        seen.give(rows("two"), Vec::new());
        assert!(seen.has_row(1) && !seen.has_row(2) && !seen.has_row(3));
        assert!(!seen.has_row(0));
    }

    #[test]
    fn a_row_is_no_reservation() {
        let mut seen = Seen::default();
        seen.give(rows("one"), vec![1]);
        let list = List::Reservations {
            project: "one".to_owned(),
            region: "here".to_owned(),
        };
        seen.give(list, vec![2]);
        assert!(!seen.has_reservation(1) && seen.has_reservation(2) && seen.has_row(2));
    }

    #[test]
    fn what_a_plugin_told_of_ends_with_the_next_list() {
        let mut seen = Seen::default();
        seen.tell(7);
        assert!(seen.has_row(7));
        seen.give(rows("one"), Vec::new());
        assert!(!seen.has_row(7));
    }
}
